"""`_total`: what is known for nothing, counted, or estimated.

Source: FHIR R4, Search, "_total".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.store.search import total
from fhir_gateway.store.search.query import SearchQuery
from fhir_gateway.store.search.select import find
from tests.store.search.library import Library

NUMBER = 600
_LAST = "&_count=2&_total="


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    for start in range(0, NUMBER, 100):
        library.put(
            *(
                {
                    "resourceType": "Encounter",
                    "id": f"e{number}",
                    "status": "finished" if number % 4 else "planned",
                    "class": {"code": "AMB" if number % 3 else "EMER"},
                    "period": {"start": f"20{10 + number % 10}-01-01"},
                }
                for number in range(start, start + 100)
            )
        )


QUERIES = {
    "": 600,
    "status=finished": 450,
    "status=finished&class=AMB": 300,
    "status=finished,planned&class=AMB": 400,
    "status:not=finished": 150,
    "status:not=finished&class=AMB": 100,
    "date=ge2015&status=planned": 150,  # a Period without an end may go on
    "status=finished&_sort=-date": 450,
    "status=finished&_lastUpdated=gt2000": 450,
    "status=cancelled": 0,
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("how", ["accurate", "estimate"])
def test_totals_of_few_are_exact(library: Library, query: str, how: str) -> None:
    assert library.page("Encounter", f"{query}{_LAST}{how}").total == QUERIES[query]


@pytest.fixture
def _sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(total, "EXACT", 100)
    monkeypatch.setattr(total, "SAMPLE", 60)


@pytest.mark.usefixtures("_sampled")
@pytest.mark.parametrize("query", QUERIES)
def test_an_estimate_of_many_is_near_the_total(library: Library, query: str) -> None:
    found = library.page("Encounter", f"{query}{_LAST}estimate").total
    assert found is not None
    assert abs(found - QUERIES[query]) <= max(0.4 * QUERIES[query], 33)


@pytest.mark.usefixtures("_sampled")
def test_an_accurate_total_is_never_a_sample(library: Library) -> None:
    assert library.page("Encounter", f"status=finished&class=AMB{_LAST}accurate").total == 300


def test_no_total_is_counted_that_was_not_asked_for(library: Library) -> None:
    assert library.page("Encounter", "status=finished&_count=2").total is None
    assert library.page("Encounter", "status=finished&_count=2&_total=none").total is None
    assert library.page("Encounter", "status=cancelled&_count=2").total == 0


def test_a_total_ends_at_the_time_limit(library: Library) -> None:
    # Of so many criteria that no machine counts what meets them within a millisecond, the limit of one statement.
    criteria = "&".join(f"status:not=none-{number}" for number in range(25))
    query = library.query("Encounter", f"{criteria}{_LAST}accurate")
    with pytest.raises(TooCostly):
        _count_often(library, query, seconds=0.001)


def _count_often(library: Library, query: SearchQuery, seconds: float) -> None:
    with library.store.read(seconds) as tx:
        for _ in range(200):
            find(tx, query)
