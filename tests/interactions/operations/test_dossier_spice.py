"""SPICE's prescriptions through the doors: results of generated dossiers, sent to a gateway without them.

Source: GIP-CAD, ser_client-api, "Spice - prescriptions"; `fhir_gateway/exchange/seqoia/README.md`.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from tests.interactions.desk import Desk
from tests.interactions.operations.files_of_platforms import with_files
from tests.interactions.operations.test_dossier_import import details, imported, made
from tests.interactions.people import ADMINISTRATOR

CASE = f"{CANONICAL_BASE}/identifier/seqoia-dossier"
TABLES = {"seqoia-preindications": {f"F-{number:02}": f"p1-sp{number}" for number in range(1, 100)}}
RESULTS = ("DiagnosticReport", "Procedure")


def at_seqoia(number: int, seed: int) -> list[list[dict[str, Any]]]:
    """Return generated dossiers that have a report, with SPICE's number on their requests."""
    found = []
    for place, each in enumerate(dossiers(number, seed)):
        held = copy.deepcopy(each.resources())
        if not any(one["resourceType"] == "DiagnosticReport" and one["status"] == "final" for one in held):
            continue
        for one in held:
            if one["resourceType"] == "ServiceRequest":
                one.setdefault("identifier", []).append({"system": CASE, "value": f"{place:024x}"})
        found.append(held)
    return found


def is_result(resource: dict[str, Any]) -> bool:
    laboratory = resource["resourceType"] == "Observation" and "laboratory" in str(resource["category"])
    if resource["resourceType"] == "Task" and any(
        each["valueReference"]["reference"].startswith("DiagnosticReport/") for each in resource.get("output", ())
    ):
        return True
    return laboratory or resource["resourceType"] in RESULTS


@pytest.mark.parametrize("place", range(4))
def test_results_told_by_spice_are_made_and_nothing_that_is_held_changes(desk: Desk, place: int) -> None:
    desk = with_files(desk)
    held = at_seqoia(30, 11)[place]
    file = Formats(TABLES).write("seqoia", held, Wish("2026-11-22T10:00:00Z"))
    assert file.data is not None, [each.text() for each in file.issues if each.severity == "error"]
    before = [each for each in held if not is_result(each) and each["resourceType"] != "Provenance"]
    desk.seed(*before)
    request = next(
        each
        for each in before
        if each["resourceType"] == "ServiceRequest"
        and any(one.get("code") == "proband" for some in each["category"] for one in some["coding"])
    )
    answer = imported(desk, file.data, ADMINISTRATOR, f"ServiceRequest/{request['id']}")
    kinds = [each.split("/")[0] for each in made(answer)]
    assert kinds.count("DiagnosticReport") == 1, (details(answer), kinds)
    assert set(kinds) <= {"DiagnosticReport", "Observation", "Procedure", "Specimen", "Task", "Provenance"}
    wanted = [each for each in held if each["resourceType"] == "Observation" and is_result(each)]
    findings = [each for each in wanted if "69548-6" in str(each["code"])]
    variants = [
        each for each in made(answer) if each.startswith("Observation/") and "69548-6" in str(desk.get(each)["code"])
    ]
    assert len(variants) == len(findings)
    for each in before:
        if each["resourceType"] in ("Patient", "ServiceRequest", "Specimen", "Consent", "FamilyMemberHistory"):
            assert desk.get(f"{each['resourceType']}/{each['id']}")["meta"]["versionId"] == "1"
    assert "result-nothing-new" in details(imported(desk, file.data, ADMINISTRATOR, f"ServiceRequest/{request['id']}"))
