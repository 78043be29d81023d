"""Which interaction a method and a URL name.

Source: FHIR R4, RESTful API, "Summary"; Resource, "id".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, NotAllowed, NotFound
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.rest.complaints import MethodNotAllowed
from fhir_gateway.rest.routes import route

TYPES = frozenset({"Patient", "Observation", "ServiceRequest"})

SHAPES = [
    ("GET", "", "search-system"),
    ("POST", "", "batch"),
    ("GET", "metadata", "capabilities"),
    ("GET", "_history", "history-system"),
    ("POST", "_search", "search-system"),
    ("GET", "$convert", "operation"),
    ("POST", "$convert", "operation"),
    ("GET", "Patient", "search-type"),
    ("POST", "Patient", "create"),
    ("PUT", "Patient", "update"),
    ("PATCH", "Patient", "patch"),
    ("DELETE", "Patient", "delete"),
    ("GET", "Patient/_history", "history-type"),
    ("POST", "Patient/_search", "search-type"),
    ("POST", "Patient/$validate", "operation"),
    ("GET", "Patient/1", "read"),
    ("HEAD", "Patient/1", "read"),
    ("PUT", "Patient/1", "update"),
    ("PATCH", "Patient/1", "patch"),
    ("DELETE", "Patient/1", "delete"),
    ("GET", "Patient/1/_history", "history-instance"),
    ("GET", "Patient/1/_history/2", "vread"),
    ("GET", "Patient/1/$everything", "operation"),
    ("GET", "Patient/1/_history/2/$meta", "operation"),
    ("GET", "Patient/1/Observation", "search-compartment"),
    ("HEAD", "Patient/1/Observation", "search-compartment"),
    ("GET", "Patient/1/*", "search-compartment"),
    ("POST", "Patient/1/Observation/_search", "search-compartment"),
    ("POST", "Patient/1/*/_search", "search-compartment"),
]


def named(path: str):
    return route(path.split("/"), TYPES, f"/fhir/{path}")


@pytest.mark.parametrize(("method", "path", "code"), SHAPES)
def test_every_shape_names_its_interaction(method: str, path: str, code: str):
    assert named(path).code(method, path) == code


@pytest.mark.parametrize(("method", "path", "code"), SHAPES)
def test_a_bundle_entry_with_the_same_url_asks_for_the_same(method: str, path: str, code: str):
    door, entry = named(path), interaction_from(method, path, TYPES)
    assert entry.code == door.code(method, path)
    assert (entry.type, entry.id, entry.version, entry.operation, entry.compartment) == (
        door.type,
        door.id,
        door.version,
        door.operation,
        door.compartment,
    )


@pytest.mark.parametrize("path", [*dict.fromkeys(path for _, path, _ in SHAPES), "Nothing", "Patient/1/2/3"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_the_door_and_a_bundle_entry_refuse_the_same(method: str, path: str):
    def refusal_of(ask) -> type[FhirError] | None:
        try:
            ask()
        except FhirError as refusal:
            return NotAllowed if isinstance(refusal, NotAllowed) else type(refusal)
        return None

    at_the_door = refusal_of(lambda: named(path).code(method, path))
    assert at_the_door == refusal_of(lambda: interaction_from(method, path, TYPES))


@pytest.mark.parametrize("path", ["Patient/1/", "Patient/", "metadata/", "Patient/_history/"])
def test_a_trailing_slash_is_overlooked(path: str):
    assert named(path) == named(path.removesuffix("/"))


def test_an_unknown_type_is_not_found_and_named_with_the_one_probably_meant():
    with pytest.raises(NotFound) as refusal:
        named("patient/1")
    assert refusal.value.issues[0].text("en").startswith("patient is not a resource type of FHIR R4 (Patient?)")
    with pytest.raises(NotFound) as refusal:
        named("Xyzzy")
    assert "?" not in refusal.value.issues[0].text("en").partition(".")[0]


@pytest.mark.parametrize("id_", ["a_b", "é", "x" * 65, "a b", "1\n", "$", "*", ""])
def test_an_id_with_other_characters_or_of_another_length_is_refused(id_: str):
    with pytest.raises((InvalidRequest, NotFound)):
        named(f"Patient/{id_}/_history/1")


@pytest.mark.parametrize("id_", ["1", "x" * 64, "A.b-C", ".", "-"])
def test_an_id_of_the_characters_of_the_standard_is_taken(id_: str):
    assert named(f"Patient/{id_}").id == id_


def test_a_compartment_is_named_beside_what_is_searched_in_it():
    found = named("Patient/1/Observation/_search")
    assert (found.type, found.id, found.compartment, found.form) == ("Observation", None, ("Patient", "1"), True)
    found = named("Patient/1/*")
    assert (found.type, found.id, found.compartment, found.form) == (None, None, ("Patient", "1"), False)


def test_a_type_without_a_compartment_is_not_found_with_those_that_have_one():
    with pytest.raises(NotFound) as refusal:
        named("Observation/1/Patient")
    assert refusal.value.issues[0].complaint.detail == "compartment-unknown"
    assert "RelatedPerson" in refusal.value.issues[0].text()


@pytest.mark.parametrize(
    "path", ["Patient/1/observation", "Patient/1/_history/1/x", "metadata/x", "/Patient", "Patient//1"]
)
def test_a_url_of_no_shape_names_nothing(path: str):
    with pytest.raises((NotFound, InvalidRequest)):
        named(path)


def test_a_method_that_is_not_allowed_tells_those_that_are():
    with pytest.raises(MethodNotAllowed) as refusal:
        named("Patient/1").code("POST", "Patient/1")
    assert refusal.value.allowed == ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
    with pytest.raises(MethodNotAllowed) as refusal:
        named("Patient/_search").code("GET", "Patient/_search")
    assert refusal.value.allowed == ("POST", "OPTIONS")
