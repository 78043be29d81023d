"""$explain: how a search is run.

Source: `profiles/operations/OperationDefinition-explain.json`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import structure
from tests.interactions.desk import Desk, Refused, observation, patient


@pytest.fixture
def filled(desk: Desk) -> Desk:
    desk.put(patient("a", gender="female"))
    for number in range(3):
        desk.put(observation("Patient/a", f"o{number}", status="final" if number else "amended"))
    return desk


def told(desk: Desk, url: str) -> list[dict[str, Any]]:
    answer = desk.get(url)
    assert structure.check(answer, definitions().types).issues == []
    found: list[dict[str, Any]] = answer["parameter"]
    return found


def value(of: list[dict[str, Any]], name: str) -> Any:
    (parameter,) = (each for each in of if each["name"] == name)
    return next(value for key, value in parameter.items() if key.startswith("value"))


def criteria(of: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    parts = (each["part"] for each in of if each["name"] == "criterion")
    return {value(part, "name"): {each["name"]: value(part, each["name"]) for each in part} for part in parts}


def test_it_tells_the_plan_the_driver_the_counts_and_the_statements(filled: Desk) -> None:
    found = told(filled, "Observation/$explain?status=amended&subject=Patient/a")
    assert value(found, "driver") == "status"
    assert value(found, "matches") == 1
    assert criteria(found)["status"]["part"] == "leads"
    assert criteria(found)["status"]["true"] == 1
    assert criteria(found)["subject"]["part"] == "tests"
    assert criteria(found)["subject"]["true"] == 3
    statements = [each["part"] for each in found if each["name"] == "statement"]
    assert statements
    for each in statements:
        assert value(each, "text").startswith(("SELECT", "WITH"))
        assert value(each, "text").count("?") == value(each, "values")
        assert any(part["name"] == "engine" for part in each)


def test_any_search_can_be_named_by_its_url(filled: Desk) -> None:
    of_type = told(filled, f"$explain?search={quote('Observation?status=amended&subject=Patient/a')}")
    assert value(of_type, "driver") == "status"
    in_compartment = told(filled, f"$explain?search={quote('Patient/a/Observation?status=final')}")
    assert value(in_compartment, "matches") == 2
    assert value(told(filled, f"$explain?search={quote('?_type=Patient')}"), "matches") == 1
    assert value(told(filled, "$explain?_type=Patient,Observation"), "matches") == 4


def test_a_search_that_finds_nothing_has_no_plan(filled: Desk) -> None:
    found = told(filled, "Patient/$explain?identifier=nobody&gender=female")
    assert value(found, "plan") == "none"
    assert value(found, "matches") == 0


def test_it_says_nothing_of_what_was_found(filled: Desk) -> None:
    body = filled.ask("GET", "Patient/$explain?gender=female").body or b""
    assert b"resourceType" in body
    assert b"Patient/a" not in body


def test_what_is_wrong_with_the_search_is_told(filled: Desk) -> None:
    assert filled.refused("GET", "Patient/$explain?nothing=1&birthdate=x").status == 400
    assert filled.refused("GET", "$explain?search=Patient/a") == Refused(400, (("explain-not-a-search", None),))
    assert filled.refused("GET", "$explain?search=Patient?gender=female&birthdate=2000") == Refused(
        400, (("explain-parameter-beside-search", None),)
    )
    assert filled.refused("GET", "$explain?search=Patiens").status == 404
