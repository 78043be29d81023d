"""A loaded code system answers as the same one in memory does; supplements are laid over; on both engines.

Source: FHIR R4, CodeSystem; ValueSet.compose.include.filter; "Code System Supplements".
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology import system as system_module
from fhir_gateway.store.terminology.system import LoadedSystem
from fhir_gateway.store.terminology.systems import LoadedSystems
from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.releases.release import Released
from fhir_gateway.terminology.system import Filter, Unsupported
from tests.store.terminology.made_up import COLOURS, URL, concept, french, laid, release, resource


@pytest.fixture
def colours(store: Store) -> LoadedSystem:
    laid(store, release())
    laid(store, french())
    return system_of(store)


def system_of(store: Store) -> LoadedSystem:
    found = LoadedSystems(store, seconds=0).system(URL)
    assert found is not None
    return found


def graph(seed: int, size: int) -> list[Released]:
    """Return concepts of a random hierarchy with several roots, in an order that is not that of the hierarchy."""
    chance = random.Random(seed)
    made = []
    for number in range(size):
        parents = {f"c{chance.randrange(number)}" for _ in range(chance.choice((0, 1, 1, 2, 3)))} if number else set()
        properties = [("family", "code", chance.choice(["warm", "cold", "none"]))] if chance.random() < 0.7 else []
        made.append(concept(f"c{number}", parents=sorted(parents), properties=properties, inactive=number % 7 == 3))
    chance.shuffle(made)
    return made


HIERARCHY = ("is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf")
FILTERS = [
    *(Filter("concept", op, code) for op in HIERARCHY for code in ("c0", "c1", "c5", "c30", "nothing")),
    Filter("family", "=", "cold"),
    Filter("family", "in", "cold, warm"),
    Filter("family", "not-in", "cold"),
    Filter("family", "exists", "true"),
    Filter("family", "exists", "false"),
    Filter("family", "regex", "(cold|none)"),
    Filter("code", "regex", "c1[0-9]"),
    Filter("code", "in", "c1,c2,nothing"),
    Filter("inactive", "=", "true"),
    Filter("parent", "=", "c1"),
    Filter("child", "=", "c9"),
    Filter("parent", "in", "c1,c2"),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_loaded_system_answers_as_the_same_in_memory(store: Store, seed: int) -> None:
    concepts = graph(seed, 60)
    laid(store, release(concepts))
    loaded, memory = system_of(store), CodeSystem(resource(concepts))
    assert sorted(loaded.codes()) == sorted(memory.codes())
    assert sorted(loaded.roots()) == sorted(memory.roots())
    for code in (each.code for each in concepts):
        assert sorted(loaded.descendants(code)) == sorted(memory.descendants(code)), code
        assert sorted(loaded.ancestors(code)) == sorted(memory.ancestors(code)), code
        one, other = loaded.concept(code), memory.concept(code)
        assert one is not None
        assert other is not None
        assert (sorted(one.parents), sorted(one.children)) == (sorted(other.parents), sorted(other.children))
        assert loaded.is_inactive(one) == memory.is_inactive(other)
        for below in ("c3", "c40", "nothing"):
            assert loaded.subsumes(code, below) == memory.subsumes(code, below)
    for filter in FILTERS:
        expected = sorted(memory.matching([filter]))
        assert sorted(loaded.matching([filter])) == expected, filter
        assert [code for code in memory.codes() if loaded.holds(code, [filter])] == list(memory.matching([filter]))
    pair = [Filter("concept", "is-a", "c0"), Filter("family", "=", "cold")]
    assert sorted(loaded.matching(pair)) == sorted(memory.matching(pair))
    assert sorted(loaded.matching([])) == sorted(memory.codes())


def test_codes_stand_in_the_order_of_the_hierarchy_and_can_be_paged(colours: LoadedSystem) -> None:
    codes = colours.codes()
    assert list(codes) == ["colour", "red", "green", "turquoise", "blue", "octarine"]
    assert codes[1:4] == ["red", "green", "turquoise"]
    assert (len(codes), codes[0], codes[-1]) == (6, "colour", "octarine")
    assert codes[4:100] == ["blue", "octarine"]
    cold = colours.matching([Filter("family", "=", "cold")])
    assert (len(cold), cold[1:]) == (2, ["blue"])


def test_a_concept_that_is_not_there_is_none(colours: LoadedSystem) -> None:
    assert colours.concept("infrared") is None
    assert colours.concept("\x00") is None
    assert colours.subsumes("colour", "infrared") is None
    assert list(colours.descendants("infrared")) == []


def test_a_system_that_does_not_mind_case_finds_codes_in_any(store: Store) -> None:
    laid(store, release(case_sensitive=False))
    system = system_of(store)
    found = system.concept("TURQUOISE")
    assert found is not None
    assert found.code == "turquoise"
    assert system.subsumes("Green", "tURquoise") is True
    assert system.holds("BLUE", [Filter("concept", "is-a", "COLOUR")])


def test_a_property_may_be_named_by_its_uri(colours: LoadedSystem) -> None:
    assert list(colours.matching([Filter("https://example.org/warm", "=", "true")])) == ["red"]


def test_a_filter_that_cannot_be_answered_is_unsupported(colours: LoadedSystem) -> None:
    for filter in (Filter("family", "=~", "x"), Filter("display", "=", "Red")):
        with pytest.raises(Unsupported):
            colours.matching([filter])


def test_supplements_are_laid_over_without_altering_the_system(store: Store, colours: LoadedSystem) -> None:
    red = colours.concept("red")
    assert red is not None
    assert red.display == "Red"
    synonym = {"system": "http://snomed.info/sct", "code": "900000000000013009", "display": "Synonym"}
    assert list(red.designations) == [
        {"language": "en", "use": synonym, "value": "Scarlet shade"},
        {"language": "fr", "value": "Rouge"},
        {"language": "fr", "use": synonym, "value": "Écarlate"},
    ]
    assert colours.supplements_applied == (f"{URL}/fr|fr-1",)
    turquoise = colours.concept("turquoise")
    assert turquoise is not None
    assert {"code": "family", "valueCode": "mixed"} in turquoise.properties
    assert colours.concept("ultraviolet") is None
    alone = LoadedSystems(store).system(f"{URL}/fr")
    assert alone is not None
    assert (alone.content, alone.language) == ("supplement", "fr")


def test_a_supplement_that_comes_or_goes_is_seen_by_the_systems(store: Store) -> None:
    systems = LoadedSystems(store, seconds=0)
    laid(store, release())
    before = systems.system(URL)
    laid(store, french())
    after = systems.system(URL)
    assert before is not None
    assert after is not None
    assert (before.supplements_applied, after.supplements_applied) == ((), (f"{URL}/fr|fr-1",))
    laid(store, release(version="elsewhere", url="https://example.org/other"))
    assert systems.system(URL) is after  # with what it remembers


def test_many_more_concepts_than_are_remembered_are_all_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_module, "REMEMBERED", 10)
    laid(store, release([concept(f"c{number}") for number in range(200)]))
    system = system_of(store)
    for _ in range(2):
        assert all(system.concept(f"c{number}") is not None for number in range(200))
    assert len(system._rows) <= 10


# --- words


def found(system: LoadedSystem, text: str, language: str | None = None, limit: int = 5) -> list[str]:
    return [each.code for each in system.search(text, language, limit)]


def test_names_are_found_in_every_language_by_beginnings_and_whatever_their_accents(colours: LoadedSystem) -> None:
    assert found(colours, "tur")[0] == "turquoise"
    assert found(colours, "rouge") == ["red"]
    assert found(colours, "ecarl") == ["red"]
    assert found(colours, "shade scar") == ["red"]
    assert found(colours, "BLEU VERT") == ["turquoise"]
    assert found(colours, "zzz") == []
    assert found(colours, "") == []


def test_a_code_is_found_by_itself_and_first(colours: LoadedSystem) -> None:
    assert found(colours, "octarine") == ["octarine"]
    assert colours.search("blue", None, 5)[0].rank == 0


def test_what_only_a_supplement_knows_is_not_found_in_the_system(colours: LoadedSystem) -> None:
    assert found(colours, "ultraviolet") == []


def test_inactive_concepts_come_last(store: Store) -> None:
    laid(store, release([concept("1", "Old grey", inactive=True), concept("2", "Grey of a very special kind")]))
    assert found(system_of(store), "grey") == ["2", "1"]


def test_no_more_are_given_than_asked_for(store: Store) -> None:
    laid(store, release([concept(f"c{number}", f"Shade {number}") for number in range(50)]))
    assert len(found(system_of(store), "shade", limit=7)) == 7
    assert len(found(system_of(store), "shade", limit=500)) == 50


def take(codes: Iterator[str], count: int) -> list[str]:
    return list(islice(codes, count))


def test_codes_are_given_one_by_one_too(colours: LoadedSystem) -> None:
    assert take(iter(colours.codes()), 2) == ["colour", "red"]
    assert next(colours.codes()) == "colour"
    assert [each.code for each in COLOURS if each.inactive] == ["octarine"]
