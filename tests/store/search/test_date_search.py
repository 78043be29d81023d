"""Date parameters and their prefixes: what R4's own table of examples says, and the relations it defines.

Source: FHIR R4, Search, "date", "Prefixes".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.primitives import DAY
from fhir_gateway.store.index.date import condition_of
from fhir_gateway.store.index.syntax import PREFIXES, Prefix
from tests.store.search.library import Library, refusals
from tests.store.search.rows import holds

PERIODS = {
    "from-15-mar": {"start": "2013-03-15"},
    "from-21-jan": {"start": "2013-01-21"},
    "until-21-jan": {"end": "2013-01-21"},
}
DATES = {
    "day-14": "2013-01-14",
    "midnight-14": "2013-01-14T00:00:00Z",
    "ten-14": "2013-01-14T10:00:00Z",
    "midnight-15": "2013-01-15T00:00:00Z",
    "zoned": "2013-01-15T00:30:00+01:00",
    "january": "2013-01",
}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    code = {"coding": [{"code": "x"}]}
    library.put(
        *({"resourceType": "Procedure", "id": id, "performedPeriod": period} for id, period in PERIODS.items()),
        *({"resourceType": "Observation", "id": id, "effectiveDateTime": date} for id, date in DATES.items()),
        {
            "resourceType": "ServiceRequest",
            "id": "thrice",
            "code": code,
            "occurrenceTiming": {"event": ["2020-05-01", "2020-07-01"], "repeat": {"count": 3}},
        },
        {
            "resourceType": "ServiceRequest",
            "id": "bounded",
            "code": code,
            "occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2021-01-01", "end": "2021-12-31"}}},
        },
        {"resourceType": "ServiceRequest", "id": "never", "code": code},
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # "2013-01-14T00:00 matches (obviously); 2013-01-14T10:00 matches; 2013-01-15T00:00 does not match"
        ("2013-01-14", {"day-14", "midnight-14", "ten-14", "zoned"}),
        ("eq2013-01-14", {"day-14", "midnight-14", "ten-14", "zoned"}),
        ("ne2013-01-14", {"midnight-15", "january"}),
        # "2013-01-14 matches, because it includes the part of 14-Jan 2013 before that time"
        ("lt2013-01-14T10:00Z", {"day-14", "midnight-14", "january"}),
        ("gt2013-01-14T10:00Z", {"day-14", "midnight-15", "zoned", "january"}),
        ("2013", set(DATES)),
        ("2013-01-14T23:30Z", {"zoned"}),
        ("2013-01-15T00:30%2B01:00", {"zoned"}),
        ("ge2013-01-15", {"midnight-15", "january"}),
        ("le2013-01-14", {"day-14", "midnight-14", "ten-14", "zoned", "january"}),
        ("sa2013-01-14", {"midnight-15"}),
        ("eb2013-01-15", {"day-14", "midnight-14", "ten-14", "zoned"}),
        ("2013-01-14,2013-01-15", {"day-14", "midnight-14", "ten-14", "zoned", "midnight-15"}),
    ],
)
def test_a_date_is_compared_as_the_interval_it_means(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("Observation", f"date={query}")) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # "from 21-Jan 2013 onwards" is included because that period may include times after 14-Mar 2013
        ("ge2013-03-14", {"from-15-mar", "from-21-jan"}),
        # "from 21-Jan 2013 onwards" is included because that period may include times before 14-Mar 2013
        ("le2013-03-14", {"from-21-jan", "until-21-jan"}),
        # "from 21-Jan 2013 onwards" is not included because that period starts before 14-Mar 2013
        ("sa2013-03-14", {"from-15-mar"}),
        # "from 15-Mar 2013 onwards" is not included because that period starts after 14-Mar 2013
        ("eb2013-03-14", {"until-21-jan"}),
        ("2013", set()),
        ("ap2013-03-14", {"from-15-mar", "from-21-jan", "until-21-jan"}),
        ("ap2025-12-31", {"from-15-mar", "from-21-jan"}),
    ],
)
def test_a_period_may_be_open(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("Procedure", f"date={query}")) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("occurrence=2020", ["thrice"]),
        ("occurrence=2020-06", []),
        ("occurrence=ap2020-06", ["bounded", "thrice"]),
        ("occurrence=2021", ["bounded"]),
        ("occurrence:missing=true", ["never"]),
        ("occurrence:missing=false", ["bounded", "thrice"]),
    ],
)
def test_a_timing_is_its_outer_limits(library: Library, query: str, found: list[str]) -> None:
    assert library.ids("ServiceRequest", query) == found


@pytest.mark.parametrize(
    "value", ["2013-13", "soon", "xx2013", "gt", "2013-01-14T10", "2013-1-1", "2013-01-15T00:30:00 01:00", "gt2013,x"]
)
def test_what_is_no_date_is_refused(value: str) -> None:
    assert refusals("Observation", f"date={value}") == ["search-date-malformed"]


SPANS = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda ends: (min(ends), max(ends)))


def relation(prefix: Prefix, row: tuple[int, int], asked: tuple[int, int]) -> bool:
    """The prefixes in R4's own words: "the range above the search value intersects …"."""
    above = row[1] > asked[1]
    below = row[0] < asked[0]
    contained = asked[0] <= row[0] and row[1] <= asked[1]
    return {
        "eq": contained,
        "ne": not contained,
        "gt": above,
        "lt": below,
        "ge": above or contained,
        "le": below or contained,
        "sa": row[0] > asked[1],
        "eb": row[1] < asked[0],
        "ap": row[0] <= asked[1] and row[1] >= asked[0],
    }[prefix]


@given(st.sampled_from(PREFIXES), SPANS, SPANS)
def test_the_test_of_a_row_and_its_scans_say_what_the_prefix_means(
    prefix: Prefix, row: tuple[int, int], asked: tuple[int, int]
) -> None:
    # Quarters of days, so that some rows span more than a day.
    low, high, first, last = (each * DAY // 4 for each in (*row, *asked))
    columns = {"lo": low, "hi": high, "long": int(high - low >= DAY)}
    condition = condition_of(prefix, (first, last))
    expected = relation(prefix, row, asked)
    assert holds(condition.where, condition.values, columns) == expected
    assert any(holds(scan.where, scan.values, columns) for scan in condition.scans) == expected
