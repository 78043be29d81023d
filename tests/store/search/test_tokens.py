"""Many questions of one identifier each, answered at once, are answered as one by one, to whoever asks.

Source: FHIR R4, RESTful API, "Conditional update", "Conditional create"; Search, "token".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.store.contract import Delete, Key, Narrowing
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.select import match
from fhir_gateway.store.search.tokens import Token, found, token_of
from tests.store.search.library import Library
from tests.store.search.two_houses import OURS, THEIRS, narrowing, put

SYSTEM = "https://hospital.invalid/ipp"
ASKED = (
    ("Patient", f"{SYSTEM}|1"),
    ("Patient", f"{SYSTEM}|2"),
    ("Patient", f"{SYSTEM}|"),
    ("Patient", "1"),
    ("Patient", "|1"),
    ("Patient", f"{SYSTEM}|nobody"),
    ("Organization", f"{SYSTEM}|1"),
    ("Encounter", f"{SYSTEM}|1"),
)
NARROWINGS = (None, narrowing(), narrowing(types=("Patient", "Encounter")), narrowing(types=("Encounter",)))


def resource(type: str, id: str, *values: str, **more: Any) -> dict[str, Any]:
    made = {"resourceType": type, "id": id, "identifier": [{"system": SYSTEM, "value": each} for each in values]}
    return {**made, **more}


@pytest.fixture
def stored(library: Library) -> Library:
    put(library, [resource("Patient", "a", "1"), resource("Patient", "b", "2", "1")], OURS)
    put(library, [resource("Patient", "c", "1"), resource("Patient", "d", "2")], THEIRS)
    without = {"resourceType": "Patient", "id": "e", "identifier": [{"value": "1"}]}
    put(library, [without, resource("Organization", "o", "1", active=True)], OURS)
    klass = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    put(library, [resource("Encounter", "v", "1", status="finished", **{"class": klass})], OURS)
    return library


def token(library: Library, type: str, value: str) -> Token:
    made = token_of(library.registry, type, [("identifier", value)])
    assert made is not None
    return made


@pytest.mark.parametrize("within", NARROWINGS)
@pytest.mark.parametrize("limit", [1, 2, 10])
def test_all_together_are_answered_as_each_alone(stored: Library, within: Narrowing | None, limit: int):
    asked = [token(stored, *each) for each in ASKED]
    with stored.store.read(narrowing=within) as view:
        together = found(view, stored.registry, within, [*asked, *asked], limit)
        alone: list[list[Key]] = [
            match(view, parse(type, [("identifier", value)], stored.registry, strict=True, narrowing=within), limit)
            for type, value in ASKED
        ]
    if together is None:
        assert limit < 10  # there are more than so many of each
        return
    assert [together[each] for each in asked] == alone


def test_where_there_are_more_than_are_asked_for_each_is_asked_alone(stored: Library):
    with stored.store.read() as view:
        assert found(view, stored.registry, None, [token(stored, "Patient", f"{SYSTEM}|1")], 2) is None


def test_what_was_deleted_is_not_found(stored: Library):
    stored.store.write(lambda tx: tx.stage([Delete("Patient", "d")]))
    asked = token(stored, "Patient", f"{SYSTEM}|2")
    with stored.store.read() as view:
        assert found(view, stored.registry, None, [asked], 10) == {asked: [("Patient", "b")]}


@pytest.mark.parametrize(
    ("type", "parameters"),
    [
        ("Patient", [("identifier", "a,b")]),
        ("Patient", [("identifier", "a\\|b")]),
        ("Patient", [("identifier", "a|b|c")]),
        ("Patient", [("identifier", "|")]),
        ("Patient", [("identifier", "")]),
        ("Patient", [("identifier:not", "a")]),
        ("Patient", [("identifier", "a"), ("active", "true")]),
        ("Patient", [("gender", "male")]),
        ("Patient", [("family", "a")]),
        ("Patient", [("_id", "a")]),
        ("Patient", [("none", "a")]),
        ("Patient", []),
    ],
)
def test_whatever_is_no_question_of_one_identifier_is_asked_as_a_search(
    library: Library, type: str, parameters: list[tuple[str, str]]
):
    assert token_of(library.registry, type, parameters) is None
