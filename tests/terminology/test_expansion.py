"""Expansion: every rule of composition, pages and trees, versions, supplements, languages, what cannot be listed.

Source: FHIR R4, ValueSet, "$expand", "Value Set Expansion".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.terminology.catalog import Catalog, Given
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.expansion import MOST, expand
from fhir_gateway.terminology.expansion_entries import Describing
from fhir_gateway.terminology.expansion_page import Entry, Expansion
from fhir_gateway.terminology.languages import languages
from fhir_gateway.terminology.versions import Rule, Rules
from fhir_gateway.terminology.wishes import NO_WISHES, Wishes
from tests.terminology.sources import ANIMALS, SYSTEM, code_system, concept, only, value_set

URL = "http://sets.test/s"
ALL = value_set({"system": SYSTEM})


def expanded(composed: Mapping[str, Any], *others: Mapping[str, Any], wishes: Wishes = NO_WISHES) -> Expansion:
    catalog = Catalog(Given([*others, *(() if any(one["url"] == SYSTEM for one in others) else (ANIMALS,))]))
    return expand(catalog, Composition(composed), wishes)


def codes(expansion: Expansion) -> list[str]:
    """Return all codes of a page, those in a tree as well."""

    def below(entry: Entry) -> list[str]:
        return [entry.code, *(code for each in expansion.children.get(id(entry), ()) for code in below(each))]

    return [code for entry in expansion.page for code in below(entry)]


def refusal(composed: Mapping[str, Any], *others: Mapping[str, Any], wishes: Wishes = NO_WISHES) -> str:
    with pytest.raises(FhirError) as refused:
        expanded(composed, *others, wishes=wishes)
    return refused.value.issues[0].complaint.message_id


@pytest.mark.parametrize(
    ("property", "op", "value", "expected"),
    [
        ("concept", "is-a", "mammal", ["mammal", "dog", "cat"]),
        ("concept", "descendent-of", "mammal", ["dog", "cat"]),
        ("concept", "is-not-a", "mammal", ["animal", "bird", "dodo"]),
        ("concept", "generalizes", "dog", ["animal", "mammal", "dog"]),
        ("concept", "child-of", "animal", ["mammal", "bird"]),
        ("concept", "descendent-leaf", "animal", ["dog", "cat", "dodo"]),
        ("code", "in", "dog, cat", ["dog", "cat"]),
        ("code", "not-in", "animal,mammal,bird,dodo", ["dog", "cat"]),
        ("code", "regex", "d.*", ["dog", "dodo"]),
        ("legs", "exists", "true", ["cat"]),
        ("legs", "=", "4", ["cat"]),
        ("inactive", "=", "true", ["dodo"]),
    ],
)
def test_filters(property: str, op: str, value: str, expected: list[str]) -> None:
    assert codes(expanded(value_set(only(property, op, value)))) == expected


def test_several_filters_must_all_pass() -> None:
    both = {"property": "concept", "op": "is-a", "value": "mammal"}, {"property": "code", "op": "regex", "value": "d.*"}
    assert codes(expanded(value_set({"system": SYSTEM, "filter": list(both)}))) == ["dog"]


def test_includes_are_united_and_imports_of_one_include_cut() -> None:
    dogs = value_set({"system": SYSTEM, "concept": [{"code": "dog"}, {"code": "cat"}]}, url="http://sets.test/dogs")
    cats = value_set(only("concept", "is-a", "mammal"), url="http://sets.test/cats")
    listed = {"system": SYSTEM, "concept": [{"code": "bird"}]}
    united = value_set({"valueSet": ["http://sets.test/dogs"]}, listed)
    cut = value_set({"valueSet": ["http://sets.test/cats", "http://sets.test/dogs"]})
    of_system = value_set({"system": SYSTEM, "concept": [{"code": "dog"}, {"code": "bird"}], "valueSet": [dogs["url"]]})
    assert codes(expanded(united, dogs, cats)) == ["dog", "cat", "bird"]
    assert codes(expanded(cut, dogs, cats)) == ["dog", "cat"]
    assert codes(expanded(of_system, dogs, cats)) == ["dog"]


def test_excludes_take_away_codes_filters_value_sets_and_whole_systems() -> None:
    dogs = value_set({"system": SYSTEM, "concept": [{"code": "dog"}]}, url="http://sets.test/dogs")

    def without(*exclude: Mapping[str, Any]) -> list[str]:
        return codes(expanded(value_set(only("concept", "is-a", "mammal"), exclude=list(exclude)), dogs))

    assert without({"system": SYSTEM, "concept": [{"code": "dog"}]}) == ["mammal", "cat"]
    assert without(only("concept", "descendent-of", "mammal")) == ["mammal"]
    assert without({"valueSet": ["http://sets.test/dogs"]}) == ["mammal", "cat"]
    assert without({"system": SYSTEM}) == []


def test_a_whole_system_is_a_tree_unless_a_list_or_a_page_is_asked_for() -> None:
    tree = expanded(ALL)
    assert [entry.code for entry in tree.page] == ["animal"]
    assert codes(tree) == ["animal", "mammal", "dog", "cat", "bird", "dodo"]
    assert len(expanded(ALL, wishes=Wishes(exclude_nested=True)).page) == 6
    page = expanded(ALL, wishes=Wishes(offset=2, count=2))
    assert ([entry.code for entry in page.page], page.total, page.children) == (["dog", "cat"], 6, {})


def test_a_code_below_two_others_makes_a_list() -> None:
    both = concept("bat", property=[{"code": "parent", "valueCode": "bird"}])
    system = code_system(concept("mammal", both), concept("bird"))
    assert len(expanded(ALL, system).page) == 3


def test_inactive_codes_are_left_out_where_the_request_or_the_value_set_says_so() -> None:
    assert "dodo" not in codes(expanded(ALL, wishes=Wishes(active_only=True)))
    assert "dodo" not in codes(expanded(value_set({"system": SYSTEM}, inactive=False)))
    assert "dodo" in codes(expanded(ALL))


def test_a_text_finds_by_the_beginnings_of_words() -> None:
    found = expanded(ALL, wishes=Wishes(text="do"))
    assert set(codes(found)) == {"dog", "dodo"}
    listed = value_set({"system": SYSTEM, "concept": [{"code": "dog", "display": "Vieux chien"}, {"code": "cat"}]})
    assert codes(expanded(listed, wishes=Wishes(text="CHIEN"))) == ["dog"]


def test_without_a_page_too_many_codes_are_refused_and_with_one_they_are_not() -> None:
    many = code_system(*(concept(f"c{number}") for number in range(MOST + 1)))
    assert refusal(ALL, many) == "VALUESET_TOO_COSTLY"
    page = expanded(ALL, many, wishes=Wishes(offset=MOST - 1, count=5))
    assert (codes(page), page.total) == ([f"c{MOST - 1}", f"c{MOST}"], MOST + 1)
    filtered = value_set(only("code", "regex", "c.*"))
    assert refusal(filtered, many) == "VALUESET_TOO_COSTLY"
    assert expanded(filtered, many, wishes=Wishes(count=5)).total == MOST + 1


def test_versions_are_told_apart_where_a_value_set_takes_two_and_the_later_comes_first() -> None:
    one, two = code_system(concept("a"), concept("b")), code_system(concept("b"), concept("c"), version="2.0")
    both = value_set({"system": SYSTEM, "version": "1.0"}, {"system": SYSTEM, "version": "2.0"})
    found = expanded(both, one, two)
    assert [(each.code, each.edition.version) for each in found.page] == [
        ("b", "2.0"), ("c", "2.0"), ("a", "1.0"), ("b", "1.0"),
    ]  # fmt: skip
    assert found.with_versions


def test_the_latest_version_is_taken_unless_a_rule_says_otherwise() -> None:
    one, two = code_system(concept("a")), code_system(concept("b"), version="2.0")
    force = Wishes(rules=Rules((Rule(SYSTEM, "1.x", "force", "force-system-version"),)))
    check = Wishes(rules=Rules((Rule(SYSTEM, "1.0", "check", "check-system-version"),)))
    assert codes(expanded(ALL, one, two)) == ["b"]
    found = expanded(ALL, one, two, wishes=force)
    assert codes(found) == ["a"]
    assert ("force-system-version", f"{SYSTEM}|1.x") in found.parameters
    stated = value_set({"system": SYSTEM, "version": "2.0"})
    assert refusal(stated, one, two, wishes=check) == "VALUESET_VERSION_CHECK"


def test_what_is_not_here_is_named_with_the_versions_that_are() -> None:
    unknown = value_set({"system": "http://nowhere.test"})
    version = value_set({"system": SYSTEM, "version": "9"})
    imported = value_set({"valueSet": ["http://nowhere.test|2"]})
    assert refusal(unknown) == "UNKNOWN_CODESYSTEM_EXP"
    assert refusal(version) == "UNKNOWN_CODESYSTEM_VERSION_EXP"
    assert refusal(imported) == "VS_EXP_IMPORT_UNK_PINNED"


def test_circles_locked_dates_filters_without_value_and_unknown_filters_are_refused() -> None:
    circle = value_set({"valueSet": [URL]})
    valueless = value_set({"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a"}]})
    assert refusal(circle, circle) == "VALUESET_CIRCULAR_REFERENCE"
    assert refusal(value_set({"system": SYSTEM}, lockedDate="2020-01-01")) == "VALUESET_LOCKED_DATE"
    assert refusal(valueless) == "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE"
    assert refusal(value_set(only("concept", "near", "dog"))) == "FILTER_NOT_UNDERSTOOD"


def test_codes_of_a_grammar_can_be_named_but_not_listed() -> None:
    units = "http://unitsofmeasure.org"
    assert codes(expanded(value_set({"system": units, "concept": [{"code": "mg"}, {"code": "no unit"}]}))) == ["mg"]
    assert refusal(value_set({"system": units})) == "CODESYSTEM_NOT_ENUMERABLE"


def test_a_fragment_is_listed_and_said_to_be_one_and_a_system_without_content_is_refused() -> None:
    fragment, empty = code_system(concept("a"), content="fragment"), code_system(content="not-present")
    found = expanded(ALL, fragment)
    assert (codes(found), bool(found.unclosed)) == (["a"], True)
    assert refusal(ALL, empty) == "CODESYSTEM_NO_CONTENT"


SUPPLEMENT = {
    "resourceType": "CodeSystem", "url": "http://codes.test/french", "version": "1", "content": "supplement",
    "supplements": SYSTEM,
    "concept": [{"code": "dog", "designation": [{"language": "fr", "value": "Chien"}]}],
}  # fmt: skip


def display(expansion: Expansion, code: str) -> str | None:
    entry = next(each for each in expansion.page if each.code == code)
    return Describing(expansion.wishes, expansion.with_versions).of(entry).display


def test_a_supplement_is_laid_over_where_it_is_asked_for_and_must_be_here() -> None:
    french = Wishes(languages=languages("fr", open=True), exclude_nested=True)
    asked = Wishes(languages=french.languages, supplements=frozenset({"http://codes.test/french"}), exclude_nested=True)
    missing = Wishes(supplements=frozenset({"http://codes.test/none"}))
    assert display(expanded(ALL, SUPPLEMENT, wishes=french), "dog") == "Dog"
    assert display(expanded(ALL, SUPPLEMENT, wishes=asked), "dog") == "Chien"
    extension = {
        "url": "http://hl7.org/fhir/StructureDefinition/valueset-supplement",
        "valueCanonical": "http://codes.test/french|1",
    }
    assert display(expanded({**ALL, "extension": [extension]}, SUPPLEMENT, wishes=french), "dog") == "Chien"
    assert refusal(ALL, SUPPLEMENT, wishes=missing) == "VALUESET_SUPPLEMENT_MISSING"


def test_pages_of_a_kept_value_set_come_from_one_walk() -> None:
    many = code_system(*(concept(f"c{number}") for number in range(MOST + 5)))
    kept = value_set({"system": SYSTEM}, exclude=[{"system": SYSTEM, "concept": [{"code": "c0"}]}])
    catalog = Catalog(Given([many, kept]))
    composition = catalog.value_set(URL)
    assert composition is not None
    first = expand(catalog, composition, Wishes(count=2))
    second = expand(catalog, composition, Wishes(count=2, offset=2))
    assert (codes(first), codes(second), second.total) == (["c1", "c2"], ["c3", "c4"], MOST + 4)
    assert first.page[0] is expand(catalog, composition, Wishes(count=1)).page[0]


def test_systems_can_be_left_out() -> None:
    assert codes(expanded(ALL, wishes=Wishes(exclude_systems=(f"{SYSTEM}|1.x",)))) == []
    assert len(codes(expanded(ALL, wishes=Wishes(exclude_systems=(f"{SYSTEM}|2.0",))))) == 6
