"""Searches by what codes mean: `:in`, `:not-in`, `:above`, `:below`.

Source: FHIR R4, Search, "Modifiers".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.conformance.terminology_layers import layers
from fhir_gateway.interactions.search_codes import SearchedCodes
from fhir_gateway.interactions.terminology import Terminology
from fhir_gateway.store.search import code_sets
from fhir_gateway.store.terminology.systems import LoadedSystems
from tests.interactions.desk import Desk, Refused, observation, patient
from tests.store.terminology.made_up import COLOURS, URL, laid, release

ANIMALS = "https://example.org/animals"
SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "id": "animals",
    "url": ANIMALS,
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [
        {
            "code": "mammal",
            "concept": [{"code": "cat", "concept": [{"code": "tabby"}]}, {"code": "whale"}],
        },
        {"code": "bird"},
    ],
}
CATS: dict[str, Any] = {
    "resourceType": "ValueSet",
    "id": "cats",
    "url": "https://example.org/cats",
    "version": "1",
    "status": "active",
    "compose": {"include": [{"system": ANIMALS, "filter": [{"property": "concept", "op": "is-a", "value": "cat"}]}]},
}
BOTH: dict[str, Any] = {
    "resourceType": "ValueSet",
    "id": "both",
    "url": "https://example.org/both",
    "status": "active",
    "compose": {"include": [{"valueSet": ["https://example.org/cats"]}, {"system": URL, "concept": [{"code": "red"}]}]},
}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The desk with the terminology of a running gateway, some resources, and a code system that is loaded."""
    codes = SearchedCodes()
    gateway = replace(desk.gateway, terminology=Terminology(layers, lambda store: LoadedSystems(store, seconds=0)))
    gateway.searching.state.registry.code_sets = codes
    codes.gateway = gateway
    seen = Desk(gateway)
    laid(gateway.store, release(COLOURS))
    for resource in (SYSTEM, CATS, BOTH, patient("p", "1", gender="female")):
        seen.put(resource)
    for id, system, code in (
        ("tabby", ANIMALS, "tabby"),
        ("cat", ANIMALS, "cat"),
        ("whale", ANIMALS, "whale"),
        ("mammal", ANIMALS, "mammal"),
        ("other-cat", "https://example.org/cars", "cat"),
        ("turquoise", URL, "turquoise"),
        ("red", URL, "red"),
    ):
        seen.put(coded(id, {"system": system, "code": code}))
    seen.put(coded("bare", {"code": "cat"}))
    return seen


def coded(id: str, coding: Mapping[str, Any]) -> dict[str, Any]:
    return {**observation("Patient/p", id), "code": {"coding": [coding]}}


def found(desk: Desk, url: str) -> list[str]:
    return sorted(each["resource"]["id"] for each in desk.get(url).get("entry", ()))


def test_below_finds_a_code_and_all_that_stand_below_it(desk: Desk) -> None:
    assert found(desk, f"Observation?code:below={ANIMALS}|cat") == ["cat", "tabby"]
    assert found(desk, f"Observation?code:below={ANIMALS}|mammal") == ["cat", "mammal", "tabby", "whale"]
    assert found(desk, f"Observation?code:below={ANIMALS}|bird") == []


def test_above_finds_a_code_and_all_that_stand_above_it(desk: Desk) -> None:
    assert found(desk, f"Observation?code:above={ANIMALS}|tabby") == ["cat", "mammal", "tabby"]
    assert found(desk, f"Observation?code:above={ANIMALS}|tabby,{ANIMALS}|whale") == ["cat", "mammal", "tabby", "whale"]


def test_a_loaded_system_says_what_stands_below_too(desk: Desk) -> None:
    assert found(desk, f"Observation?code:below={URL}|green") == ["turquoise"]
    assert found(desk, f"Observation?code:below={URL}|colour") == ["red", "turquoise"]
    assert found(desk, f"Observation?code:above={URL}|turquoise") == ["turquoise"]


@pytest.mark.parametrize("name", ["https://example.org/cats", "https://example.org/cats|1", "ValueSet/cats"])
def test_in_finds_the_codes_of_a_value_set_by_url_version_or_reference(desk: Desk, name: str) -> None:
    assert found(desk, f"Observation?code:in={name}") == ["cat", "tabby"]


def test_in_takes_codes_of_several_systems(desk: Desk) -> None:
    assert found(desk, "Observation?code:in=https://example.org/both") == ["cat", "red", "tabby"]


def test_not_in_finds_all_others(desk: Desk) -> None:
    others = ["bare", "mammal", "other-cat", "red", "turquoise", "whale"]
    assert found(desk, "Observation?code:not-in=https://example.org/cats") == others


def test_a_code_element_is_in_a_value_set_by_its_bare_code(desk: Desk) -> None:
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert found(desk, f"Patient?gender:in={gender}") == ["p"]
    assert found(desk, f"Patient?gender:not-in={gender}") == []


def test_these_modifiers_go_through_chains(desk: Desk) -> None:
    assert found(desk, f"Patient?_has:Observation:subject:code:below={ANIMALS}|cat") == ["p"]
    assert found(desk, f"Patient?_has:Observation:subject:code:below={ANIMALS}|bird") == []


def test_a_value_set_that_changes_is_meant_as_it_stands_now(desk: Desk) -> None:
    only = {"include": [{"system": ANIMALS, "concept": [{"code": "whale"}]}]}
    desk.put({**CATS, "compose": only})
    assert found(desk, "Observation?code:in=https://example.org/cats") == ["whale"]


def test_a_conditional_create_may_ask_by_meaning(desk: Desk) -> None:
    sent = coded("x", {"code": "new"})
    assert desk.ask("POST", "Observation", sent, if_none_exist=f"code:below={ANIMALS}|whale").status == 200
    assert desk.ask("POST", "Observation", sent, if_none_exist=f"code:below={ANIMALS}|bird").status == 201


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("Observation?code:in=https://example.org/dogs", "search-value-set-unknown"),
        ("Observation?code:in=ValueSet/dogs", "search-value-set-unknown"),
        ("Observation?code:below=cat", "search-code-without-system"),
        (f"Observation?code:below={ANIMALS}|dog", "search-code-unknown"),
        ("Observation?code:above=https://example.org/plants|oak", "search-code-unknown"),
        ("Patient?identifier:below=urn:x|1", "search-modifier-unsupported"),
    ],
)
def test_what_is_not_known_is_refused_and_not_answered_with_nothing(desk: Desk, url: str, detail: str) -> None:
    assert desk.refused("GET", url) == Refused(400, ((detail, None),))


def test_a_set_of_too_many_codes_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_sets, "MOST", 2)
    for url in (f"Observation?code:below={ANIMALS}|mammal", "Observation?code:in=https://example.org/both"):
        assert desk.refused("GET", url) == Refused(403, (("search-code-set-too-large", None),))
