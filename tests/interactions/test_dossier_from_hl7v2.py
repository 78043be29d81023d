"""The golden order of a trio, submitted at the door as what it becomes, stands as a draft: one number, its first Tasks.

Source: mappings/hl7v2/golden/oml_o21_trio.hl7; fhir_gateway/dossier/README.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.exchange.hl7v2.convert import Conversion, converter
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.json import decode
from fhir_gateway.policy.actor import Role
from tests.dossier import family
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import actor

TRIO = data_folder("mappings") / "hl7v2" / "golden" / "oml_o21_trio.hl7"
KEPT_BY_THE_INTAKE = ("MessageHeader", "Provenance")  # the log of messages holds the message itself


def made() -> dict[str, Any]:
    (found,) = converter().convert_all(TRIO.read_bytes())
    assert isinstance(found, Conversion)
    assert found.result is not None
    bundle = found.result.bundle()
    entries = [each for each in bundle["entry"] if each["resource"]["resourceType"] not in KEPT_BY_THE_INTAKE]
    return {**bundle, "entry": entries}


@pytest.mark.parametrize("role", ["prescripteur", "flux-hospitalier"])
def test_the_trio_of_a_message_stands_as_a_draft(desk: Desk, role: Role) -> None:
    who = actor(role, family.HOSPITAL, family.PRESCRIBER_RPPS if role == "prescripteur" else None)
    body = desk.of(who).ask("POST", "", made()).body
    assert {each["response"]["status"] for each in decode(body or b"")["entry"]} == {"201 Created"}
    requests = [each["resource"] for each in desk.get("ServiceRequest?_count=50")["entry"]]
    assert [each["status"] for each in requests] == ["draft"] * 3
    assert {each["requisition"]["value"] for each in requests} == {"GRP-77"}
    tasks = [each["resource"] for each in desk.get("Task?_count=50").get("entry", ())]
    assert {code for each in tasks for code in codes.codes(each["code"], codes.TACHE)} >= {"rcp-amont"}
