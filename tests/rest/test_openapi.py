"""The OpenAPI document says what the door does.

Source: OpenAPI 3.1; FHIR R4, RESTful API, "Summary".
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fhir_gateway.fhir import outcome
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.rest.openapi import PATHS, paths_of, schemas_of
from tests.rest.house import PATIENT, House, representations

PATHS_OBJECT = paths_of("/fhir")
BODIES = {
    "application/fhir+json": PATIENT,
    "application/json-patch+json": b"[]",
    "application/x-www-form-urlencoded": b"_count=1",
}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, url, operation) for url, methods in PATHS_OBJECT.items() for method, operation in methods.items()]


def filled(url: str) -> str:
    return url.format(type="Patient", id="1", vid="1", compartment="Patient", searched="Observation", operation="meta")


def test_every_path_says_the_interaction_that_the_door_asks_for():
    for path in PATHS:
        house = House(Answer(200, PATIENT))
        url = "/fhir" + filled(path.url)
        (body_type, body) = ("", b"")
        if path.body is not None:
            body_type = "application/fhir+json" if path.body.startswith("resource") else path.body
            body = b'{"resourceType":"Bundle","type":"transaction"}' if path.url == "" else BODIES[body_type]
        reply = house.ask(path.method.upper(), url, {"Content-Type": body_type} if body_type else {}, body)
        assert reply.status == 200, (path, reply.body)
        assert house.interaction.code == path.code


def test_every_shape_the_door_knows_is_documented():
    documented = {(path.method.upper(), path.url) for path in PATHS}
    for url in {path.url for path in PATHS}:
        place = "/fhir" + filled(url)
        allowed = House().ask("OPTIONS", place).headers["allow"].split(", ")
        expected = {(method, url) for method in allowed if method not in ("HEAD", "OPTIONS")}
        assert {pair for pair in documented if pair[1] == url} == expected


def test_operation_ids_are_unique_and_references_lead_somewhere():
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    schemas = schemas_of(["Patient"])
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(PATHS_OBJECT) + json.dumps(schemas)))
    assert named <= schemas.keys()


def test_every_operation_documents_the_statuses_any_request_may_meet():
    for method, url, operation in operations():
        expected = {"400", "403", "404", "406", "500", "503"}
        if "requestBody" in operation:
            expected |= {"408", "413", "415"}
        assert expected <= operation["responses"].keys(), (method, url)


def test_every_family_of_refusals_is_documented_somewhere():
    def below(family: type[outcome.FhirError]) -> set[int]:
        return {family.status} | {status for each in family.__subclasses__() for status in below(each)}

    documented = {int(status) for _, _, operation in operations() for status in operation["responses"]}
    # Identity (401) and a limit for each client (429) do not exist yet.
    assert below(outcome.FhirError) - documented == {401, 429}


def test_refusals_are_documented_as_operation_outcomes():
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                content = response["content"]["application/fhir+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/OperationOutcome"}


@pytest.mark.parametrize("name", ["Type", "Id"])
def test_the_schemas_allow_what_the_door_takes(name: str):
    schema = schemas_of(sorted(representations().resources))[name]
    if name == "Type":
        assert set(schema["enum"]) == representations().resources
    else:
        assert re.search(schema["pattern"], "A-z.9")
        assert not re.search(schema["pattern"], "a_b")
