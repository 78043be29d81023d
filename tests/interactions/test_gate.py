"""The one gate: access, capabilities, operations; and drafts.

Source: FHIR R4, RESTful API, "capabilities"; FHIR R4, Resource, "Metadata".
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError, Forbidden
from fhir_gateway.interactions.draft import tail
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.perform import perform, perform_read_now
from tests.interactions.desk import BASE, Desk, Refused, bundle, entry, patient


def test_a_role_that_is_not_known_may_do_nothing(desk: Desk) -> None:
    desk.put(patient("a"))
    stranger = Actor("stranger")  # type: ignore[arg-type]  # no token names such a role
    with pytest.raises(Forbidden):
        perform(desk.gateway, Interaction("read", "Patient", "a"), stranger)
    with pytest.raises(Forbidden):
        perform_read_now(desk.gateway, "Patient", "a", actor=stranger)


def test_the_capability_statement_says_what_the_gateway_does(desk: Desk) -> None:
    answer = desk.ask("GET", "metadata")
    statement = decode(answer.body or b"")
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert statement["implementation"]["url"] == BASE
    (rest,) = statement["rest"]
    assert {each["code"] for each in rest["interaction"]} == {
        "transaction", "batch", "history-system", "search-system",
    }  # fmt: skip
    (of_patient,) = (each for each in rest["resource"] if each["type"] == "Patient")
    assert {each["code"] for each in of_patient["interaction"]} == {
        "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
    }  # fmt: skip
    assert of_patient["conditionalDelete"] == "multiple"
    assert of_patient["updateCreate"] is True
    assert "enforced" in of_patient["referencePolicy"]


def test_the_capability_statement_names_what_searches_and_operations_there_are(desk: Desk) -> None:
    (rest,) = desk.get("metadata")["rest"]
    by_type = {each["type"]: each for each in rest["resource"]}
    assert {"name": "meta", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-meta"} in rest["operation"]
    for type, expected in (("Patient", {"everything", "purge"}), ("Observation", {"purge"})):
        named = {each["name"] for each in by_type[type]["operation"]}
        assert named & {"everything", "purge"} == expected
        for name in named:
            # Of a type, or of a resource.
            unknown = [details(desk, url) & {"operation-unknown"} for url in (f"{type}/${name}", f"{type}/x/${name}")]
            assert not all(unknown), name
    parameters = {each["name"]: each["type"] for each in by_type["Location"]["searchParam"]}
    assert parameters["near"] == "special"
    assert {"_text", "_content"} <= parameters.keys()
    assert {"_has", "_list", "_type", "_id"} <= {each["name"] for each in rest["searchParam"]}
    assert "_filter" not in parameters
    assert "Observation:subject" in by_type["Patient"]["searchRevInclude"]
    assert "Observation:subject" in by_type["Observation"]["searchInclude"]
    assert "handling=lenient" in rest["documentation"]


def details(desk: Desk, url: str) -> set[str]:
    """Return the detail codes of what a GET is refused for."""
    try:
        desk.ask("GET", url)
    except FhirError as refusal:
        return {issue.complaint.detail for issue in refusal.issues}
    return set()


def test_every_parameter_and_include_that_the_statement_names_is_taken(desk: Desk) -> None:
    (rest,) = desk.get("metadata")["rest"]
    by_type = {each["type"]: each for each in rest["resource"]}
    for type in ("Patient", "Observation", "Location", "Questionnaire", "MolecularSequence"):
        for each in by_type[type]["searchParam"]:
            # The value is none of its type, for most; but the parameter is known.
            said = details(desk, f"{type}?{each['name']}=true&_count=0")
            assert said.isdisjoint(("search-parameter-unknown", "search-parameter-unsupported")), (type, each)
        for name, of in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            for include in by_type[type].get(of, ()):
                assert desk.ask("GET", f"{type}?_count=1&{name}={include}").status == 200, include


def test_a_parameter_of_the_moment_is_named_when_it_can_be_searched_by(desk: Desk) -> None:
    def named() -> set[str]:
        (rest,) = desk.get("metadata")["rest"]
        (of_patient,) = (each for each in rest["resource"] if each["type"] == "Patient")
        return {each["name"] for each in of_patient["searchParam"]}

    assert "nickname" not in named()
    desk.put(
        {
            "resourceType": "SearchParameter", "id": "p", "url": "http://example.org/p", "name": "P",
            "status": "active", "description": "p", "code": "nickname", "base": ["Patient"], "type": "string",
            "expression": "Patient.name.where(use = 'nickname').given",
        }
    )  # fmt: skip
    assert ("nickname" in named()) == ("nickname" in desk.gateway.registry.parameters("Patient"))
    assert "nickname" in desk.gateway.definitions.search_parameters.of("Patient")


def test_the_capability_statement_follows_the_limits_and_the_language(desk: Desk) -> None:
    strict = desk.limited(deletes=1, integrity_on_write=False)
    statement = decode(strict.ask("GET", "metadata", language="fr").body or b"")
    (of_patient,) = (each for each in statement["rest"][0]["resource"] if each["type"] == "Patient")
    assert of_patient["conditionalDelete"] == "single"
    assert "enforced" not in of_patient["referencePolicy"]
    assert statement["language"] == "fr"


def test_the_capability_statement_has_an_entity_tag_that_changes_with_it(desk: Desk) -> None:
    english, french = desk.ask("GET", "metadata"), desk.ask("GET", "metadata", language="fr")
    assert english.version != french.version
    again = desk.ask("GET", "metadata", if_none_match=f'W/"{english.version}"')
    assert (again.status, again.body) == (304, None)


def test_the_capability_statement_needs_no_database(desk: Desk) -> None:
    away = Desk(replace(desk.gateway, store=None))  # type: ignore[arg-type]
    assert away.ask("GET", "metadata").status == 200


def test_a_resource_is_drafted_without_the_version_and_instant_sent() -> None:
    begun = b'{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z'
    for sent, meta, rest in (
        ({}, {}, {}),
        ({"active": True}, {}, {"active": True}),
        ({"meta": {"versionId": "9", "lastUpdated": "x", "_versionId": {"id": "v"}}}, {}, {}),
        ({"meta": {"versionId": "9", "source": "urn:x"}, "active": True}, {"source": "urn:x"}, {"active": True}),
        ({"id": "sent", "meta": {"profile": ["p"]}}, {"profile": ["p"]}, {}),
    ):
        whole = decode(begun + tail({"resourceType": "Patient", **sent}))
        assert whole == {
            "resourceType": "Patient",
            "id": "a",
            "meta": {"versionId": "1", "lastUpdated": "2020-01-01T00:00:00Z", **meta},
            **rest,
        }


def test_a_limited_desk_refuses_what_its_limits_say(desk: Desk) -> None:
    sent = bundle(entry("GET", "Patient/a"), entry("GET", "Patient/b"))
    assert desk.limited(entries=1).refused("POST", "", sent) == Refused(413, (("too-many-entries", "Bundle.entry"),))
