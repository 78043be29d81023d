"""A value set holds what its composition says, without being expanded.

Source: FHIR R4, ValueSet, "Composition Rules"; FilterOperator code system.
"""

from __future__ import annotations

import time

import pytest

from tests.terminology.sources import ANIMALS, SYSTEM, code_system, concept, library, only, value_set

URL = "http://sets.test/s"
ALL = ("animal", "mammal", "dog", "cat", "bird", "dodo")


def held(library, codes=ALL, url=URL):
    return [code for code in codes if library.contains(url, SYSTEM, code)]


def test_a_system_alone_means_all_its_codes():
    at_hand = library(ANIMALS, value_set({"system": SYSTEM}))
    assert held(at_hand) == list(ALL)
    assert at_hand.contains(URL, SYSTEM, "fish") is False
    assert at_hand.contains(URL, "http://codes.test/other", "dog") is False


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (only("concept", "is-a", "mammal"), ["mammal", "dog", "cat"]),
        (only("concept", "descendent-of", "mammal"), ["dog", "cat"]),
        (only("concept", "is-not-a", "mammal"), ["animal", "bird", "dodo"]),
        (only("concept", "generalizes", "dog"), ["animal", "mammal", "dog"]),
        (only("code", "regex", "d.*"), ["dog", "dodo"]),
        (only("code", "in", "dog, dodo"), ["dog", "dodo"]),
        (only("code", "not-in", "dog,dodo"), ["animal", "mammal", "cat", "bird"]),
        (only("legs", "=", "4"), ["cat"]),
        (only("legs", "exists", "true"), ["cat"]),
        (only("legs", "exists", "false"), ["animal", "mammal", "dog", "bird", "dodo"]),
        (only("parent", "=", "bird"), ["dodo"]),
        (only("child", "exists", "false"), ["dog", "cat", "dodo"]),
        (only("inactive", "=", "true"), ["dodo"]),
        (only("display", "=", "Cat"), ["cat"]),
    ],
)
def test_a_filter_keeps_the_codes_that_pass_it(filter, expected):
    assert held(library(ANIMALS, value_set(filter))) == expected


def test_all_filters_of_an_include_must_pass():
    both = only("concept", "is-a", "mammal")
    both["filter"].append({"property": "code", "op": "regex", "value": "c.*"})
    assert held(library(ANIMALS, value_set(both))) == ["cat"]


def test_an_exclude_takes_codes_out_again():
    at_hand = library(ANIMALS, value_set({"system": SYSTEM}, exclude=[only("concept", "is-a", "bird")]))
    assert held(at_hand) == ["animal", "mammal", "dog", "cat"]


def test_codes_out_of_use_stay_out_where_the_composition_says_so():
    assert "dodo" not in held(library(ANIMALS, value_set({"system": SYSTEM}, inactive=False)))


def test_imported_value_sets_must_all_hold_a_code():
    pets = value_set({"system": SYSTEM, "concept": [{"code": "dog"}, {"code": "cat"}]}, url="http://sets.test/pets")
    noisy = value_set({"system": SYSTEM, "concept": [{"code": "dog"}, {"code": "dodo"}]}, url="http://sets.test/noisy")
    both = value_set({"valueSet": [pets["url"], noisy["url"]]})
    assert held(library(ANIMALS, pets, noisy, both)) == ["dog"]
    one = value_set({"valueSet": [pets["url"]]}, {"valueSet": [noisy["url"]]})
    assert held(library(ANIMALS, pets, noisy, one)) == ["dog", "cat", "dodo"]


def test_value_sets_that_import_each_other_end_without_an_answer():
    one = value_set({"valueSet": ["http://sets.test/two"]}, url="http://sets.test/one")
    two = value_set({"valueSet": ["http://sets.test/one"]}, url="http://sets.test/two")
    assert library(one, two).contains("http://sets.test/one", SYSTEM, "dog") is None


def test_what_cannot_be_told_is_neither_yes_nor_no():
    unknown = library(value_set({"system": SYSTEM}))
    assert unknown.contains(URL, SYSTEM, "dog") is None
    assert unknown.unknown(URL, SYSTEM) == SYSTEM
    fragment = library(code_system(concept("dog"), content="fragment"), value_set({"system": SYSTEM}))
    assert fragment.contains(URL, SYSTEM, "dog") is True
    assert fragment.contains(URL, SYSTEM, "cat") is None
    assert library(ANIMALS, value_set({"valueSet": ["http://sets.test/none"]})).contains(URL, SYSTEM, "dog") is None
    assert library(ANIMALS, value_set(only("concept", "sounds-like", "dog"))).contains(URL, SYSTEM, "dog") is None
    assert library().contains("http://sets.test/none", SYSTEM, "dog") is None


def test_listed_codes_need_no_code_system():
    at_hand = library(value_set({"system": SYSTEM, "concept": [{"code": "dog"}]}))
    assert (at_hand.contains(URL, SYSTEM, "dog"), at_hand.contains(URL, SYSTEM, "cat")) == (True, False)


def test_a_code_without_system_is_looked_for_in_all_that_the_value_set_names():
    at_hand = library(ANIMALS, value_set({"system": SYSTEM}))
    assert (at_hand.contains(URL, None, "dog"), at_hand.contains(URL, None, "fish")) == (True, False)


def test_case_matters_only_where_the_system_says_so():
    mindful = library(ANIMALS, value_set({"system": SYSTEM}))
    assert mindful.contains(URL, SYSTEM, "DOG") is False
    careless = library(code_system(concept("dog"), caseSensitive=False), value_set({"system": SYSTEM}))
    assert careless.contains(URL, SYSTEM, "DOG") is True
    listed = value_set({"system": SYSTEM, "concept": [{"code": "dog"}]})
    assert library(code_system(concept("dog"), caseSensitive=False), listed).contains(URL, SYSTEM, "DOG") is True


def test_an_expansion_answers_where_there_is_no_composition_that_can():
    contains = [{"system": SYSTEM, "code": "dog", "contains": [{"system": SYSTEM, "code": "puppy"}]}]
    expanded = {"resourceType": "ValueSet", "url": URL, "expansion": {"contains": contains}}
    at_hand = library(expanded)
    assert held(at_hand, ("dog", "puppy", "cat")) == ["dog", "puppy"]
    assert (
        library({**expanded, **value_set({"system": "http://codes.test/none"})}).contains(URL, SYSTEM, "cat") is False
    )


def test_a_system_implies_the_value_set_of_all_its_codes():
    assert library(ANIMALS).contains(SYSTEM, SYSTEM, "dog") is True
    assert library(ANIMALS).contains(f"{SYSTEM}?vs", SYSTEM, "fish") is False
    assert library().contains("http://unitsofmeasure.org?vs", "http://unitsofmeasure.org", "mg") is True


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a*)*b", "([a-z]+)*b"])
def test_a_regular_expression_that_may_run_for_ages_does_not(pattern):
    at_hand = library(code_system(concept("a" * 60)), value_set(only("code", "regex", pattern)))
    start = time.process_time()
    assert at_hand.contains(URL, SYSTEM, "a" * 60) is False
    assert time.process_time() - start < 1


@pytest.mark.parametrize("pattern", ["(", "x" * 2000])
def test_a_regular_expression_that_is_wrong_or_very_long_cannot_be_told(pattern):
    at_hand = library(code_system(concept("a" * 60)), value_set(only("code", "regex", pattern)))
    assert at_hand.contains(URL, SYSTEM, "a" * 60) is None
