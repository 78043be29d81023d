"""What a method and a URL ask for, in an entry and at the front door.

Source: FHIR R4, RESTful API, "Summary".
"""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest
from fhir_gateway.interactions.interaction import Interaction
from fhir_gateway.interactions.urls import criteria_from, interaction_from
from fhir_gateway.rest.routes import route

TYPES = frozenset({"Patient", "Observation"})
BASE = "http://gateway.test/fhir"
URLS = [
    "",
    "metadata",
    "_history",
    "_search",
    "$convert",
    "Patient",
    "Patient/_history",
    "Patient/_search",
    "Patient/$match",
    "Patient/a",
    "Patient/a.B-9",
    "Patient/a/_history",
    "Patient/a/_history/3",
    "Patient/a/$everything",
    "Patient/a/Observation",
    "Patient/a/*",
    "Patient/a/Observation/_search",
    "Patient/a/*/_search",
    "Observation/a/Patient",
    "Observation/a/*/_search",
    "Patient/a/_history/3/$meta",
    "Patient/a_/Observation",
    "Patiens",
    "Patient/a/b/c/d",
    "Patient/a/Patiens",
    "Patient/a/_history/3/x",
    "Patient/a%20b",
    "Patient/" + "x" * 65,
    "metadata/x",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "Patient/a", Interaction("read", "Patient", "a")),
        ("HEAD", "Patient/a", Interaction("read", "Patient", "a")),
        ("GET", "Patient/a/_history/3", Interaction("vread", "Patient", "a", "3")),
        ("POST", "Patient", Interaction("create", "Patient")),
        ("PUT", "Patient/a", Interaction("update", "Patient", "a")),
        ("PUT", "Patient?x=1", Interaction("update", "Patient", parameters=[("x", "1")])),
        ("DELETE", "/Patient/a", Interaction("delete", "Patient", "a")),
        ("PATCH", f"{BASE}/Patient/a", Interaction("patch", "Patient", "a")),
        ("GET", f"{BASE}?_type=Patient", Interaction("search-system", parameters=[("_type", "Patient")])),
        ("GET", "Patient?name=a%20b&name=c+d&_format=json&x", Interaction(
            "search-type", "Patient", parameters=[("name", "a b"), ("name", "c d"), ("x", "")])),
        ("GET", "Patient/a/$everything?start=1", Interaction(
            "operation", "Patient", "a", operation="everything", parameters=[("start", "1")], safe=True)),
        ("POST", "Patient/a/$everything", Interaction("operation", "Patient", "a", operation="everything")),
        ("GET", "Patient/a/_history/3/$meta", Interaction(
            "operation", "Patient", "a", "3", operation="meta", safe=True)),
        ("GET", "Patient/a/Observation?code=x", Interaction(
            "search-compartment", "Observation", compartment=("Patient", "a"), parameters=[("code", "x")])),
        ("GET", "Patient/a/*", Interaction("search-compartment", compartment=("Patient", "a"))),
    ],
)  # fmt: skip
def test_a_url_asks_for(method: str, url: str, expected: Interaction) -> None:
    assert interaction_from(method, url, TYPES, BASE) == expected


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", METHODS)
def test_an_entry_and_the_front_door_agree(method: str, url: str) -> None:
    def at_the_door() -> tuple[object, ...] | str:
        try:
            found = route([segment.replace("%20", " ") for segment in url.split("/")], TYPES, url)
            asked = (found.code(method, url), found.type, found.id, found.version, found.operation)
            return (*asked, found.compartment)
        except FhirError as refusal:
            return str(refusal.status)

    def in_an_entry() -> tuple[object, ...] | str:
        try:
            found = interaction_from(method, url, TYPES)
            return (found.code, found.type, found.id, found.version, found.operation, found.compartment)
        except FhirError as refusal:
            return str(refusal.status)

    assert in_an_entry() == at_the_door()


def test_criteria_are_decoded_and_the_door_s_own_left_out() -> None:
    assert criteria_from("?identifier=http://sys%7C1&_format=xml&_pretty=true&name=") == [
        ("identifier", "http://sys|1"), ("name", ""),
    ]  # fmt: skip


def test_the_character_no_string_may_hold_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        criteria_from("identifier=a%00b")
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["criteria-nul"]


@pytest.mark.parametrize(
    "text",
    [
        "identifier=https://sys|1", "identifier=", "identifier=a=b", "?identifier=a", "_format=json", "a=%7C", "a=b+c",
        "a=b&c=d", "a", "", "a:not=b", "identifier=é|1", "a;b=c", "a=b;c",
    ],
)  # fmt: skip
def test_one_parameter_is_read_as_any_query(text: str):
    read = [(name, value) for name, value in parse_qsl(text.removeprefix("?"), keep_blank_values=True)]
    assert list(criteria_from(text)) == [each for each in read if each[0] != "_format"]


def test_a_parameter_with_nul_is_refused():
    with pytest.raises(InvalidRequest):
        criteria_from("identifier=a\0b")
