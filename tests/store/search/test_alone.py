"""A page of what one criterion finds: of each of its keys no more is read than the page holds, and nothing is counted.

Source: architecture of this project, law 5, "Flat in volume"; FHIR R4, Search, "Chained parameters".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.explain import _Noted, explain
from fhir_gateway.store.search.select import find
from tests.store.search.library import Library
from tests.store.search.test_walk_cost import cost

SMALL, LARGE = 400, 3200
MERGED = [
    "code=c1,c2,c3",
    "subject=Patient/p0,Patient/p1",
    "patient:Patient.family=dur",
    "patient.family=dur,mar",
    "patient:Patient.identifier=0,1",
]
GATHERED = ["value-quantity=gt395", "patient:Patient.name:contains=ura", "date=2020-01-02"]


def _observation(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{number:05}",
        "status": "final",
        "code": {"coding": [{"code": f"c{number % 5}"}, {"code": f"c{number % 3}"}]},
        "subject": {"reference": f"Patient/p{number % 4}"},
        "effectiveDateTime": "2020-01-02" if number < 6 else "2021-05-06",
        "valueQuantity": {"value": number if number < SMALL else 1},
    }


def _put(library: Library, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 50):
        library.put(*(_observation(number) for number in range(start, start + 50)))


@pytest.fixture(scope="module")
def costs(library: Library) -> tuple[dict[str, int], dict[str, int]]:
    """What each search costs in a small store, and in the same when it is large."""
    for number, family in enumerate(("Durand", "Martin", "Dupont", "Duras")):
        patient = {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": family}]}
        library.put({**patient, "identifier": [{"value": str(number)}]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "FEW", 30)  # as much smaller as these stores are
        _put(library, range(SMALL))
        small = {text: cost(library, text) for text in MERGED}
        _put(library, range(SMALL, LARGE))
        return small, {text: cost(library, text) for text in MERGED}


@pytest.mark.parametrize("text", MERGED)
def test_a_page_of_a_few_keys_costs_the_same_at_eight_times_the_size(
    costs: tuple[dict[str, int], dict[str, int]], text: str
) -> None:
    small, large = costs
    assert large[text] <= 1.5 * small[text] + 10, (small[text], large[text])


@pytest.mark.parametrize("text", MERGED)
@pytest.mark.usefixtures("costs")
def test_merged_pages_walk_forth_and_back_as_gathering_does(
    library: Library, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(plan, "FEW", LARGE)
    monkeypatch.setattr(plan, "MERGED", 0)
    gathered = library.ids("Observation", text)
    monkeypatch.setattr(plan, "MERGED", 20_000)
    assert library.ids("Observation", text) == gathered
    assert len(set(gathered)) == len(gathered) == 1000


@pytest.mark.parametrize("text", [*MERGED, *GATHERED])
@pytest.mark.usefixtures("costs")
def test_what_is_few_or_of_few_keys_is_found_by_one_statement_and_the_count_of_what_it_gathers_first(
    library: Library, text: str
) -> None:
    statements = library.read(lambda tx: _statements(library, tx, text))
    assert len(statements) == (2 if "patient" in text else 1)
    assert statements[-1].startswith("WITH b AS")


def _statements(library: Library, tx: Any, text: str) -> list[str]:
    noted: Any = _Noted(tx)
    find(noted, library.query("Observation", f"{text}&_count=20"))
    return [text for text, _, _, _ in noted.statements]


@pytest.mark.usefixtures("costs")
def test_explain_says_that_a_merged_criterion_leads(library: Library) -> None:
    query = library.query("Observation", "patient:Patient.family=dur")
    explained = library.read(lambda tx: explain(tx, query))
    assert (explained.plan, explained.driver) == ("set", "patient:Patient.family")


@pytest.mark.usefixtures("costs")
def test_what_is_too_much_to_be_gathered_is_planned(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    found = library.ids("Observation", "date=2021-05-06")
    monkeypatch.setattr(plan, "FEW", 30)
    assert library.ids("Observation", "date=2021-05-06") == found
    assert len(library.read(lambda tx: _statements(library, tx, "date=2021-05-06"))) > 1
