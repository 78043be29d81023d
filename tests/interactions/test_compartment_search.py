"""Searching a compartment: at its URL, with its links, inside Bundles.

Source: FHIR R4, RESTful API, "Variant Searches"; Compartments.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import BASE, Desk, Refused, bundle, entry, observation, patient


@pytest.fixture
def filled(desk: Desk) -> Desk:
    for id in ("a", "b"):
        desk.put(patient(id))
        for number in range(3):
            desk.put(observation(f"Patient/{id}", f"{id}{number}", status="final" if number else "amended"))
    desk.put({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/a"}})
    return desk


def urls(answer: Any) -> list[str]:
    return [each["fullUrl"].removeprefix(f"{BASE}/") for each in answer.get("entry", [])]


def test_only_what_belongs_to_the_compartment_is_found(filled: Desk) -> None:
    assert urls(filled.get("Patient/a/Observation")) == ["Observation/a2", "Observation/a1", "Observation/a0"]
    assert urls(filled.get("Patient/a/Observation?status=amended")) == ["Observation/a0"]
    assert urls(filled.get("Patient/x/Observation")) == []


def test_all_types_of_a_compartment_are_searched_with_a_star(filled: Desk) -> None:
    found = urls(filled.get("Patient/a/*"))
    assert sorted(found) == ["Condition/c", "Observation/a0", "Observation/a1", "Observation/a2", "Patient/a"]
    assert sorted(urls(filled.get("Patient/a/*?_type=Condition,Patient"))) == ["Condition/c", "Patient/a"]


def test_the_links_stay_in_the_compartment_and_lead_to_the_rest(filled: Desk) -> None:
    found = []
    url: str | None = "Patient/a/Observation?_count=2"
    while url is not None:
        answer = filled.get(url)
        links = {each["relation"]: each["url"].removeprefix(f"{BASE}/") for each in answer["link"]}
        assert links["self"] == url
        assert all(link.startswith("Patient/a/Observation?") for link in links.values())
        found += urls(answer)
        url = links.get("next")
    assert found == ["Observation/a2", "Observation/a1", "Observation/a0"]


def test_a_page_of_one_compartment_is_none_of_another(filled: Desk) -> None:
    answer = filled.get("Patient/a/Observation?_count=2")
    (token,) = [each["url"].partition("_page=")[2] for each in answer["link"] if each["relation"] == "next"]
    refused = Refused(400, (("search-page-invalid", None),))
    assert filled.refused("GET", f"Patient/b/Observation?_count=2&_page={token}") == refused
    assert filled.refused("GET", f"Observation?_count=2&_page={token}") == refused


def test_a_type_that_is_never_in_the_compartment_is_not_found(filled: Desk) -> None:
    refusal = filled.refused("GET", "Patient/a/Organization")
    assert refusal.status == 404
    assert "Observation" in refusal.texts[0]
    assert filled.refused("GET", "Observation/a0/Patient") == Refused(404, (("compartment-unknown", None),))


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_inside_a_bundle_it_answers_as_outside(filled: Desk, kind: str) -> None:
    sent = bundle(entry("GET", "Patient/a/Observation?status=amended"), entry("GET", "Patient/a/*"), type=kind)
    first, second = decode(filled.ask("POST", "", sent).body or b"")["entry"]
    assert urls(first["resource"]) == ["Observation/a0"]
    assert urls(second["resource"]) == urls(filled.get("Patient/a/*"))


def test_a_form_searches_a_compartment_too(filled: Desk) -> None:
    answer = decode(filled.ask("POST", "Patient/a/Observation/_search?status=amended").body or b"")
    assert urls(answer) == ["Observation/a0"]
    assert answer["link"][0]["url"] == f"{BASE}/Patient/a/Observation?status=amended"
