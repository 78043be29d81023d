"""A narrowed search of many types merges what each party sees of each type, and walks past nothing that is hidden.

Source: FHIR R4, Search, "Paging"; this project's own, `fhir_gateway/store/search/merged.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fhir_gateway.store.contract import Narrowing
from fhir_gateway.store.search import merged, plan
from fhir_gateway.store.search.explain import explain
from fhir_gateway.store.search.query import SearchQuery
from fhir_gateway.store.search.select import find
from tests.store.search.library import Library, named
from tests.store.search.test_narrowing import Narrowed
from tests.store.search.two_houses import OURS, THEIRS, narrowing, put

TYPES = ("Patient", "Observation", "Encounter", "Condition", "Basic")
ROUNDS = 12
HIDDEN = 40
ONE, TWO = narrowing(), narrowing("house")


@pytest.fixture(scope="module")
def ours(library: Library) -> Iterator[list[str]]:
    """Fill a store with much that is hidden, now and then one of ours; return ours, the newest first."""
    stored: list[tuple[str, str]] = []
    for number in range(ROUNDS):
        type = TYPES[number * number % len(TYPES)]
        managed = {"managingOrganization": {"reference": "Organization/house"}}
        put(library, named("Patient", (f"h{number}-{each}" for each in range(HIDDEN))), THEIRS)
        put(library, named(type, [f"m{number}"]), OURS)
        # This one is seen for two reasons by who belongs to both parties.
        put(library, named("Patient", [f"n{number}"], **(managed if number % 2 else {})), OURS)
        stored += [(type, f"m{number}"), ("Patient", f"n{number}")]
    yield [id for _, id in reversed(stored)]
    hidden = [("Patient", f"h{number}-{each}") for number in range(ROUNDS) for each in range(HIDDEN)]
    for type, id in stored + hidden:
        library.delete(type, id)


def _walk(asked: Narrowed, text: str, type: str | None = None) -> list[list[str]]:
    """Return the ids of all pages, there and back again; what is on a page must be there on both ways."""
    query: SearchQuery = asked.query(type, text)
    there: list[list[str]] = []
    with asked.library.store.read(narrowing=asked.within) as tx:
        page = find(tx, query)
        there.append([each.id for each in page.matches])
        while page.next is not None:
            page = find(tx, replace(query, after=page.next))
            there.append([each.id for each in page.matches])
        back = [there[-1]]
        while page.previous is not None:
            page = find(tx, replace(query, after=page.previous))
            back.append([each.id for each in page.matches])
    assert [id for ids in reversed(back) for id in ids] == [id for ids in there for id in ids]
    return there


@pytest.mark.parametrize("within", [ONE, TWO], ids=["one party", "two parties"])
@pytest.mark.parametrize(("pages", "longer"), [(2, 8), (1, 2)])
@pytest.mark.parametrize("text", ["_lastUpdated=gt2020", ""])
def test_all_pages_hold_what_is_seen_once_and_the_newest_first(
    library: Library, ours: list[str], within: Narrowing, pages: int, longer: int, text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(merged, "_PAGES", pages)
    monkeypatch.setattr(merged, "_LONGER", longer)
    for name, value in {"FEW": 3, "REACH": 8, "MANY": 10}.items():
        monkeypatch.setattr(plan, name, value)
    found = _walk(Narrowed(library, within), f"{text}&_count=5")
    assert [id for ids in found for id in ids] == ours
    assert {len(ids) for ids in found[:-1]} == {5}


def test_a_page_is_found_by_one_statement_however_much_is_hidden(library: Library, ours: list[str]) -> None:
    asked = Narrowed(library, ONE)
    query = asked.query(None, "_lastUpdated=gt2020&_count=5")
    with library.store.read(narrowing=ONE) as tx:
        explained = explain(tx, query)
    assert explained.matches == 5
    assert len(explained.statements) == 1
    assert not any("SCAN resource" in step or "Seq Scan on resource" in step for step in explained.statements[0].engine)


def test_only_types_that_are_asked_for_are_found(library: Library, ours: list[str]) -> None:
    types = ("Observation", "Encounter", "Condition", "Basic", "Group", "Device", "Flag", "Goal", "List")
    found = _walk(Narrowed(library, TWO), f"_type={','.join(types)}&_count=2")
    assert [id for ids in found for id in ids] == [id for id in ours if id[0] == "m" and int(id[1:]) % 5]


def test_what_follows_the_last_that_is_seen_is_looked_for_by_other_plans(
    library: Library, ours: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "REACH", 4)
    asked = Narrowed(library, ONE)
    assert asked.ids(None, f"_id={ours[-1]},{ours[0]},h3-1&_count=1") == [ours[0]]
    assert asked.ids(None, f"_id={ours[-1]},h3-1&_count=1") == [ours[-1]]
    assert asked.ids(None, "_id=h3-1") == []


@pytest.mark.parametrize("within", [ONE, TWO], ids=["one party", "two parties"])
@pytest.mark.parametrize("few", [3, 1000])
def test_what_is_seen_of_a_criterion_is_counted_once_each(
    library: Library, ours: list[str], within: Narrowing, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    asked = Narrowed(library, within)
    patients = [id for id in ours if id[0] == "n" or int(id[1:]) % 5 == 0]
    assert asked.page("Patient", "_lastUpdated=gt2020&_summary=count").total == len(patients)
    assert asked.page("Patient", "active:missing=true&_total=accurate&_count=1").total == len(patients)
    several = ",".join(["n1", "n2", "n3", "h1-1", "h1-2"])
    assert asked.page("Patient", f"_id={several}&_summary=count").total == 3
    assert asked.page("Patient", f"_id={several}&_total=accurate&_count=1").total == 3


def test_a_party_whose_rows_match_farther_on_loses_none_to_one_whose_rows_match_at_once(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FEW": 3, "NEAR": 2, "REACH": 16, "MANY": 10}.items():
        monkeypatch.setattr(plan, name, value)
    managed = {"managingOrganization": {"reference": "Organization/house"}}
    expected: list[str] = []
    for number in range(12):
        put(library, named("Patient", [f"mine{number}"], gender="female"), OURS)
        put(library, named("Patient", [f"house{number}"], gender="female", **managed), THEIRS)
        expected = [f"house{number}", f"mine{number}", *expected]
    others = [f"male{number}" for number in range(30)]
    put(library, named("Patient", others, gender="male"), OURS)
    found = _walk(Narrowed(library, TWO), "gender=female,other&active:missing=true&_count=2", "Patient")
    for id in [*expected, *others]:
        library.delete("Patient", id)
    assert [id for ids in found for id in ids] == expected
