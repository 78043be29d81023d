"""A code system says of a code whether it has it, what it is called, whether it is still in use.

Source: FHIR R4, CodeSystem, "$validate-code", "$subsumes"; "Code System Supplements".
"""

from __future__ import annotations

from fhir_gateway.terminology.library import Library
from tests.terminology.sources import ANIMALS, SYSTEM, Given, code_system, concept, library, value_set

SUPPLEMENT = {
    "resourceType": "CodeSystem",
    "url": "http://codes.test/french",
    "content": "supplement",
    "supplements": SYSTEM,
    "language": "fr",
    "concept": [{"code": "dog", "display": "Chien"}],
}


def state(library, code, system=SYSTEM, version=None):
    return library.verdict(system, version, code).state


def test_a_code_is_known_unknown_or_cannot_be_told():
    assert state(library(ANIMALS), "dog") == "known"
    assert state(library(ANIMALS), "fish") == "unknown-code"
    assert state(library(), "dog") == "unknown-system"
    assert state(library(code_system(concept("dog"), content="fragment")), "cat") == "not-in-fragment"
    assert state(library(code_system(content="not-present")), "cat") == "no-content"
    assert state(library(SUPPLEMENT), "dog", SUPPLEMENT["url"]) == "supplement"
    assert state(library({**value_set(), "url": SYSTEM}), "dog") == "value-set"


def test_a_version_that_is_not_there_is_said():
    assert state(library(ANIMALS), "dog", version="1.0") == "known"
    assert state(library(ANIMALS), "dog", version="1") == "known"
    assert state(library(ANIMALS), "dog", version="2.0") == "unknown-version"


def test_a_system_that_supplements_another_is_none_of_its_own_whatever_it_calls_its_content():
    assert state(library({**SUPPLEMENT, "content": "complete"}), "dog", SUPPLEMENT["url"]) == "supplement"


def test_displays_are_compared_without_case_and_with_their_spaces():
    at_hand = library(ANIMALS)
    assert at_hand.verdict(SYSTEM, None, "dog", "DOG").right_display is True
    assert at_hand.verdict(SYSTEM, None, "dog", "Dog ").right_display is False
    assert at_hand.verdict(SYSTEM, None, "dog", "Cat").right_display is False
    assert at_hand.verdict(SYSTEM, None, "dog").right_display is None
    assert library(code_system({"code": "dog"})).verdict(SYSTEM, None, "dog", "Dog").right_display is None


def test_designations_are_displays_and_a_language_narrows_them():
    named = concept("dog", designation=[{"language": "fr-FR", "value": "Chien"}, {"value": "Hound"}])
    at_hand = library(code_system(named))
    for display in ("Dog", "Chien", "Hound"):
        assert at_hand.verdict(SYSTEM, None, "dog", display).right_display is True
    assert at_hand.verdict(SYSTEM, None, "dog", "Dog", "fr").right_display is False
    assert at_hand.verdict(SYSTEM, None, "dog", "Chien", "fr").right_display is True
    assert at_hand.verdict(SYSTEM, None, "dog", "Dog", "de").right_display is True


def test_a_supplement_is_laid_over_its_system_when_a_value_set_asks_for_it():
    url = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
    asking = {**value_set({"system": SYSTEM}), "extension": [{"url": url, "valueCanonical": SUPPLEMENT["url"]}]}
    at_hand = library(ANIMALS, SUPPLEMENT, asking)
    assert at_hand.verdict(SYSTEM, None, "cat", "Chien").right_display is False
    assert at_hand.contains(asking["url"], SYSTEM, "dog") is True
    assert at_hand.verdict(SYSTEM, None, "dog", "Chien", "fr").right_display is True


def test_abstract_and_inactive_codes_are_told_apart():
    at_hand = library(ANIMALS)
    assert at_hand.verdict(SYSTEM, None, "animal").abstract is True
    assert at_hand.verdict(SYSTEM, None, "dodo").inactive is True
    assert (at_hand.verdict(SYSTEM, None, "dog").abstract, at_hand.verdict(SYSTEM, None, "dog").inactive) == (
        False,
    ) * 2


def test_a_code_subsumes_those_below_it():
    at_hand = library(ANIMALS)
    assert at_hand.subsumes(SYSTEM, "animal", "dog") is True
    assert at_hand.subsumes(SYSTEM, "dog", "dog") is True
    assert at_hand.subsumes(SYSTEM, "dog", "animal") is False
    assert at_hand.subsumes(SYSTEM, "animal", "fish") is None
    assert at_hand.subsumes("http://codes.test/none", "a", "b") is None


def test_parents_may_be_given_by_property():
    below = concept("dog", property=[{"code": "parent", "valueCode": "animal"}])
    above = concept("mammal", property=[{"code": "child", "valueCode": "dog"}])
    at_hand = library(code_system(concept("animal"), above, below))
    assert at_hand.subsumes(SYSTEM, "animal", "dog") is True
    assert at_hand.subsumes(SYSTEM, "mammal", "dog") is True


def test_a_hierarchy_that_is_a_circle_ends():
    one = concept("a", property=[{"code": "parent", "valueCode": "b"}])
    two = concept("b", property=[{"code": "parent", "valueCode": "a"}])
    assert library(code_system(one, two)).subsumes(SYSTEM, "a", "b") is True


def test_national_person_identifiers_are_typed_by_the_code_of_their_country():
    url = "http://terminology.hl7.org/CodeSystem/v2-0203"
    at_hand = library(code_system({"code": "NNxxx"}, url=url))
    assert [state(at_hand, code, url) for code in ("NNFRA", "NNXYZ", "NNFRAN")] == ["known", *["unknown-code"] * 2]


def test_a_resource_is_asked_for_once():
    source = Given(ANIMALS, value_set({"system": SYSTEM}))
    at_hand = Library(source)
    for _ in range(3):
        at_hand.contains("http://sets.test/s", SYSTEM, "dog")
        at_hand.verdict(SYSTEM, None, "dog")
    assert sorted(source.asked) == [SYSTEM, "http://sets.test/s"]
