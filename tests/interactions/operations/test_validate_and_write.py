"""$validate never lies about a later write: whatever was sent, both tell the same errors.

Sound and mangled resources, JSON and XML, through what a door does with them, at each strictness.

Source: FHIR R4, Resource Operations, "validate": "how a create or update … would be processed".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest
from fhir_gateway.interactions.interaction import Interaction, Sent
from fhir_gateway.interactions.perform import perform
from fhir_gateway.interactions.validation import Strictness, Validation
from fhir_gateway.rest.representations import Representations
from tests.conformance.validation.mangling import mangled
from tests.floors import SHARE
from tests.interactions.conftest import R4
from tests.interactions.desk import BASE, Desk, patient
from tests.interactions.operations.test_validate import corpus

Kind = Literal["json", "xml"]
Told = set[tuple[str, str | None]]
MANGLED = round(20_000 * SHARE)
READER = Representations(R4.types)
STRICTNESSES: tuple[Strictness, ...] = ("structure", "base", "profiles")


def inputs() -> Iterator[tuple[str, bytes, Kind]]:
    """Yield what is sent: its name, the bytes, their kind."""
    for name, resource in corpus():
        body = json.dumps(resource).encode()
        yield name, body, "json"
        yield f"{name}, as XML", READER.xml_of(body), "xml"
    yield (
        "wrong order",
        b'<Patient xmlns="http://hl7.org/fhir"><gender value="male"/><active value="true"/></Patient>',
        "xml",
    )
    yield "an attribute", b'<Patient xmlns="http://hl7.org/fhir"><gender value="male" size="3"/></Patient>', "xml"
    yield "an instruction", b'<Patient xmlns="http://hl7.org/fhir"><?php x?><gender value="male"/></Patient>', "xml"
    yield "another encoding", b'<?xml version="1.0" encoding="ASCII"?><Patient xmlns="http://hl7.org/fhir"/>', "xml"
    yield "a byte order mark", b'\xef\xbb\xbf{"resourceType":"Patient"}', "json"
    yield "a comment", b'{"resourceType":"Patient","fhir_comments":["x"],"gender":"male"}', "json"
    yield "a profile that is a number", b'{"resourceType":"Patient","meta":{"profile":5}}', "json"
    yield "a property twice", b'{"resourceType":"Patient","gender":"male","gender":"male"}', "json"
    for number in range(MANGLED):
        kind, body = mangled(number)
        yield f"mangled {number}", body, kind


def told_by(outcome: Any) -> Told:
    return {
        (each["details"]["coding"][0]["code"], each.get("expression", [None])[0])
        for each in outcome["issue"]
        if each["severity"] in ("error", "fatal")
    }


def verdicts(desk: Desk, body: bytes, kind: Kind) -> tuple[Told, Told] | None:
    """Return the errors that $validate tells and those that refuse the create; None where no resource can be read."""
    try:
        parsed = READER.examine(body, kind)
    except InvalidRequest:
        return None
    type = parsed.resource.get("resourceType")
    if not isinstance(type, str) or type not in READER.resources or type == "Parameters":
        return None

    def asked(code: Literal["create", "operation"]) -> Interaction:
        again = READER.examine(body, kind)
        return Interaction(
            code, type, operation="validate" if code == "operation" else None, base=BASE, resource=again.resource,
            links=again.links, issues=again.issues, sent=Sent(body, kind),
            parameters=[("mode", "create")] if code == "operation" else [],
        )  # fmt: skip

    told = told_by(decode(perform(desk.gateway, asked("operation")).body or b""))
    try:
        perform(desk.gateway, asked("create"))
    except FhirError as refusal:
        issues = (each for each in refusal.issues if each.severity in ("error", "fatal"))
        return told, {(each.complaint.detail, each.expression) for each in issues}
    return told, set()


@pytest.mark.parametrize("strictness", STRICTNESSES)
def test_what_validate_tells_is_what_a_create_is_refused_for(desk: Desk, strictness: Strictness) -> None:
    desk.put(patient("a", "1"))
    desk = Desk(replace(desk.gateway, validation=Validation(r4_validator, strictness)))
    lies = {}
    seen = {True: 0, False: 0}
    for name, body, kind in inputs():
        found = verdicts(desk, body, kind)
        if found is None:
            continue
        told, refused = found
        seen[bool(refused)] += 1
        if bool(told) != bool(refused) or not refused <= told:
            lies[name] = (sorted(map(str, told - refused)), sorted(map(str, refused - told)))
    assert lies == {}
    assert min(seen.values()) > 5, "both verdicts are met"
