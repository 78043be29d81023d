"""The spans that dates, instants, periods and timings have in their rows.

Source: FHIR R4, Search, "date".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.primitives import DAY, instant_of
from fhir_gateway.store.index import date
from fhir_gateway.store.index.date import EVER_SINCE, FOR_EVER
from fhir_gateway.store.index.rows import Rows

SECOND = 1_000_000
DAY_14 = instant_of("2013-01-14T00:00:00Z")


def spans(type: str, *values: Any) -> list[tuple[int, int]]:
    rows, take = Rows(), date.take(3, type)
    assert take is not None
    take(list(values), rows)
    assert all(pid == 3 and long == (1 if hi - lo >= DAY else 0) for pid, lo, hi, long in rows.date)
    return [(lo, hi) for _, lo, hi, _ in rows.date]


# "An instant is considered a fixed point in time with … an effective width of 0."
def test_an_instant_is_a_point_and_a_date_time_the_second_it_names() -> None:
    assert spans("instant", "2013-01-14T00:00:00Z") == [(DAY_14, DAY_14)]
    assert spans("dateTime", "2013-01-14T00:00:00Z") == [(DAY_14, DAY_14 + SECOND - 1)]
    assert spans("instant", "2013-01-14T01:00:00.5+01:00") == [(DAY_14 + SECOND // 2, DAY_14 + SECOND // 2)]


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        # "A missing lower boundary is 'less than' any actual date. A missing upper boundary is 'greater than' …"
        ("Period", {"start": "2013-01-14"}, [(DAY_14, FOR_EVER)]),
        ("Period", {"end": "2013-01-14"}, [(EVER_SINCE, DAY_14 + DAY - 1)]),
        ("Period", {"start": "2013-01-14", "end": "2013-01-14"}, [(DAY_14, DAY_14 + DAY - 1)]),
        ("Period", {"extension": []}, []),
        # "only the outer limits matter"
        ("Timing", {"event": ["2013-01-15", None, "2013-01-14"]}, [(DAY_14, DAY_14 + 2 * DAY - 1)]),
        ("Timing", {"repeat": {"boundsPeriod": {"start": "2013-01-14"}}}, [(DAY_14, FOR_EVER)]),
        (
            "Timing",
            {"event": ["2013-01-13"], "repeat": {"boundsPeriod": {"start": "2013-01-14", "end": "2013-01-14"}}},
            [(DAY_14 - DAY, DAY_14 + DAY - 1)],
        ),
        # How long it lasts says nothing of when.
        ("Timing", {"repeat": {"boundsDuration": {"value": 3, "code": "d"}, "frequency": 1}}, []),
        ("Timing", {"repeat": {"boundsRange": {"low": {"value": 3}}}, "code": {"text": "BID"}}, []),
    ],
)
def test_a_period_or_a_timing_is_its_outer_limits(type: str, value: Any, expected: list[tuple[int, int]]) -> None:
    assert spans(type, value) == expected


@pytest.mark.parametrize("type", ["string", "Quantity", "time"])
def test_what_is_no_date_has_no_span(type: str) -> None:
    assert date.take(3, type) is None
