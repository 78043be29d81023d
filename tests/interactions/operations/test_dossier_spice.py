"""SPICE's prescriptions through the doors: results of generated dossiers, sent to a gateway without them.

Source: GIP-CAD, ser_client-api, "Spice - prescriptions"; `fhir_gateway/exchange/seqoia/README.md`.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.exchange.seqoia.keys import ID_ANON
from fhir_gateway.exchange.seqoia.seqoia import Seqoia
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.interactions.platform_files import PlatformFiles
from fhir_gateway.store import pseudonyms
from tests.interactions.desk import Desk
from tests.interactions.operations.files_of_platforms import KEYS, asked, with_files
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


def seeded(desk: Desk, number: int) -> list[list[dict[str, Any]]]:
    """Return dossiers at SeqOIA that a gateway holds."""
    held = at_seqoia(30, 11)[:number]
    desk.seed(*{(each["resourceType"], each["id"]): each for one in held for each in one}.values())
    return held


def with_keys(desk: Desk) -> Desk:
    return Desk(replace(desk.gateway, files=PlatformFiles(TABLES, KEYS)), desk.actor)


def numbers(held: list[list[dict[str, Any]]]) -> set[str]:
    return {
        one["value"]
        for some in held
        for each in some
        for one in each.get("identifier", ())
        if one.get("system") == CASE
    }


def test_a_page_of_prescriptions_is_lines_of_which_each_is_one(desk: Desk) -> None:
    desk = with_keys(desk)
    held = seeded(desk, 3)
    answer = asked(desk, ADMINISTRATOR, "ServiceRequest/$dossier?format=seqoia&_count=10", "ndjson")
    assert answer.media_type == "application/x-ndjson"
    lines = [json.loads(line) for line in (answer.body or b"").splitlines()]
    files = [each for each in lines if "resourceType" not in each]
    assert {each["_id"] for each in files} == numbers(held)
    assert [each for one in files for each in Seqoia().check(json.dumps(one).encode())] == []
    told = [each for each in lines if "resourceType" in each]
    assert {one["severity"] for each in told for one in each["issue"]} <= {"warning", "information"}


def test_a_page_of_prescriptions_is_a_zip_of_files_and_what_is_to_be_said_of_them(desk: Desk) -> None:
    desk = with_keys(desk)
    held = seeded(desk, 3)
    answer = asked(desk, ADMINISTRATOR, "ServiceRequest/$dossier?format=seqoia&_count=10", "zip")
    with zipfile.ZipFile(io.BytesIO(answer.body or b"")) as archive:
        files = [each for each in archive.namelist() if each.endswith(".spice.json")]
        assert {json.loads(archive.read(each))["_id"] for each in files} == numbers(held)
        assert len(archive.read("outcome.ndjson").splitlines()) == len(held)


def test_people_have_the_numbers_by_which_the_table_of_pseudonyms_knows_them(desk: Desk) -> None:
    desk = with_keys(desk)
    (held,) = seeded(desk, 1)
    people = [f"Patient/{each['id']}" for each in held if each["resourceType"] == "Patient"]
    known = [pseudonyms.Pseudonym(ID_ANON, f"77AAA{place}", each) for place, each in enumerate(people)]
    desk.gateway.everything.store.write(lambda tx: pseudonyms.record(tx, KEYS, known))
    answer = asked(desk, ADMINISTRATOR, "ServiceRequest/$dossier?format=seqoia", "ndjson")
    file = json.loads((answer.body or b"").splitlines()[0])
    assert {each["id_anon"] for each in file["patients"]} == {each.value for each in known}


def test_unknown_keys_of_an_imported_prescription_are_kept_with_whom_they_speak_of(desk: Desk) -> None:
    desk = with_keys(desk)
    (held,) = seeded(desk, 1)
    file = Formats(TABLES).write("seqoia", held, Wish("2026-11-22T10:00:00Z"))
    tree = json.loads(file.data or b"")
    tree["patients"][0]["score"] = {"x": [1.50, None]}
    request = next(each for each in held if "proband" in str(each.get("category")))
    answer = imported(desk, json.dumps(tree).encode(), ADMINISTRATOR, f"ServiceRequest/{request['id']}")
    assert "result-key-unknown" in details(answer)
    kept = [
        desk.get(each)
        for each in made(answer)
        if each.startswith("Observation/") and "cle-inconnue" in str(desk.get(each)["code"])
    ]
    assert [each["subject"] for each in kept] == [request["subject"]]
    assert [each["component"] for each in kept] == [
        [{"code": {"text": "/patients/0/score"}, "valueString": '{"x":[1.5,null]}'}]
    ]
