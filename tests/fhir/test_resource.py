"""Reading a request body: one refusal with all issues, whichever the representation.

Source: FHIR R4, JSON Representation of Resources ("Property names SHALL be unique"); XML Representation of Resources.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.fhir import json, xml
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.resource import MAX_ISSUES, read_resource
from fhir_gateway.fhir.types import Types
from tests.fhir.strategies import resources


def refusal(body: bytes, types: Types, representation: str = "json") -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidRequest) as refused:
        read_resource(body, types, representation=representation)  # type: ignore[arg-type]
    return [(issue.complaint.detail, issue.expression) for issue in refused.value.issues]


def test_a_sound_body_gives_the_resource_and_its_links(types: Types):
    parsed = read_resource(b'{"resourceType":"Patient","link":[{"other":{"reference":"Patient/1"}}]}', types, "Patient")
    assert parsed.resource["resourceType"] == "Patient"
    [link] = parsed.links[id(parsed.resource)]
    assert link.container is parsed.resource["link"][0]["other"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"resourceType":"Patient","id":"1","id":"2"}', ["Patient.id"]),
        (b'{"resourceType":"Patient","id" : "1", "\\u0069d"\n: "2"}', ["Patient.id"]),
        (b'{"resourceType":"Patient","name":[{"family":"a"},{"family":"b","family":"c"}]}', ["Patient.name[1].family"]),
        (b'{"resourceType":"Observation","valueString":"a","valueString":"b"}', ["Observation.value"]),
        (
            b'{"resourceType":"Patient","maritalStatus":{"text":"a","text":"b"},"maritalStatus":{"text":"c"}}',
            ["Patient.maritalStatus", "Patient.maritalStatus.text"],
        ),
        (
            b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","active":true,"active":true}}]}',
            ["Bundle.entry[0].resource.active"],
        ),
        (b'{"resourceType":"Patient","_birthDate":{"id":"a","id":"b"}}', ["Patient.birthDate.id"]),
        (b'{"resourceType":"Patient","resourceType":"Patient"}', ["Patient.resourceType"]),
        # The second name begins with a colon, which a quick count takes for the end of a property name.
        (b'{"resourceType":"Patient","name":[{"family":":a","text":"b","text":"c"}]}', ["Patient.name[0].text"]),
    ],
)
def test_every_property_given_twice_is_refused_where_it_is(types: Types, body: bytes, found: list[str]):
    assert refusal(body, types) == [("duplicate-property", expression) for expression in found]


@pytest.mark.parametrize(
    "family", [b":a", b' : "', b'say \\"x\\": y', b'{\\"a\\":1}', b"\\u0022:", b"1e400", b'\\\\\\":']
)
def test_a_string_that_looks_like_a_property_is_none(types: Types, family: bytes):
    body = b'{"resourceType":"Patient","name":[{"family":"' + family.replace(b' "', b' \\"') + b'"}]}'
    assert read_resource(body, types).resource["name"][0]["family"]


def test_duplicates_and_faults_of_structure_are_told_together(types: Types):
    assert refusal(b'{"resourceType":"Patient","id":"1","id":"2","foo":1}', types) == [
        ("duplicate-property", "Patient.id"),
        ("unknown-property", "Patient"),
    ]


def test_what_xml_has_wrong_is_told_once_and_with_the_faults_of_structure(types: Types):
    body = b"""<Patient xmlns="http://hl7.org/fhir"><foo/><active value="yes"/><gender value=" male"/>
        <multipleBirthInteger value="two"/></Patient>"""
    assert refusal(body, types, "xml") == [
        ("xml-unknown-element", "Patient"),
        ("invalid-boolean", "Patient.active"),
        ("invalid-integer", "Patient.multipleBirth"),
        ("invalid-code", "Patient.gender"),
    ]


def test_a_refusal_is_not_endless(types: Types):
    body = json.encode({"resourceType": "Patient", "name": [{}] * (MAX_ISSUES + 7)})
    found = refusal(body, types)
    assert len(found) == MAX_ISSUES + 1
    assert found[-1] == ("more-issues", None)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("representation", ["json", "xml"])
def test_any_chopping_is_refused_never_another_exception(types: Types, representation: str, data: st.DataObject):
    resource = data.draw(resources(types))
    body = json.encode(resource) if representation == "json" else xml.to_xml(resource, types)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    chopped = body[:start] + data.draw(st.binary(max_size=3)) + body[end:]
    try:
        read_resource(chopped, types, representation=representation)  # type: ignore[arg-type]
    except InvalidRequest as refused:
        assert all(issue.text("fr") for issue in refused.issues)  # noqa: PT017
