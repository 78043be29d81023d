"""What a deposit carries comes back from its message, by a reading that knows neither the rules nor the writer.

Source: HL7 v2.5, chapters 3, 6, 7; GIP-CAD, ser_client-api; profiles/pfmg; profiles/examples/pfmg.
"""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.exchange.cad.files import CATEGORY, DIGEST
from fhir_gateway.exchange.cad.links import sureness
from fhir_gateway.exchange.hl7v2.er7 import Segment, read
from tests.exchange.cad.deposits import Resource, example, examples, of, reported, with_files, written

COUNT = int(os.environ.get("CAD_DOSSIERS", "30"))
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RECORD = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"
SEXES = {"M": "male", "F": "female", "O": "other", "U": "unknown"}

# What is read of a person, whichever side it is read from.
Told = dict[str, Any]


# --- out of a message, by its fields alone


def texts(segment: Segment, number: int) -> list[list[str]]:
    """Return the repetitions of a field, each as the texts of its components."""
    found = []
    for node in segment.nodes(number):
        parts = (node.part(component) for component in range(1, 11))
        found.append([part.text if part is not None else "" for part in parts])
    return found


def text(segment: Segment, number: int, component: int = 1) -> str:
    repetitions = texts(segment, number)
    return repetitions[0][component - 1] if repetitions else ""


def day(moment: str) -> str:
    return "-".join(part for part in (moment[:4], moment[4:6], moment[6:8]) if part)


def out_of_message(data: bytes) -> list[Told]:
    people: list[Told] = []
    for segment in read(data).segments:
        if segment.name == "PID":
            people.append(
                {
                    "number": text(segment, 3),
                    "name": (text(segment, 5), text(segment, 5, 2)),
                    "birth": day(text(segment, 7)),
                    "sex": SEXES[text(segment, 8)],
                    "twins": (text(segment, 24), text(segment, 25)),
                    "dead": (day(text(segment, 29)), text(segment, 30)),
                    "identity": text(segment, 32),
                    "research": None,
                    "links": set(),
                    "files": {},
                }
            )
        if not people:
            continue
        person = people[-1]
        if segment.name == "CON":
            signers = sorted(tuple(each[:2]) for each in texts(segment, 24))
            person["research"] = (text(segment, 3), day(text(segment, 13)), signers)
        elif segment.name == "NK1":
            person["links"].add((text(segment, 3), text(segment, 3, 4), text(segment, 2), text(segment, 2, 2)))
        elif segment.name == "PV1":
            person["preindication"] = text(segment, 14)
            person["sampled"] = day(text(segment, 44))
        elif segment.name == "OBR":
            person["request"] = text(segment, 2)
            person["prescriber"] = text(segment, 16)
        elif segment.name == "OBX" and text(segment, 2) == "RP" and not text(segment, 5).endswith(".sha256"):
            last = text(segment, 5)
            person["files"][last] = ""
        elif segment.name == "OBX" and text(segment, 2) == "ED":
            person["files"][last] = b64decode(text(segment, 5, 5)).decode()
    return people


# --- out of the dossier


def out_of_dossier(resources: list[Resource]) -> list[Told]:
    held = {f"{each['resourceType']}/{each['id']}": each for each in resources if "id" in each}
    requests = [
        each for each in of(resources, "ServiceRequest") if each["status"] not in ("revoked", "entered-in-error")
    ]
    requests.sort(key=lambda each: "proband" not in str(each["category"]))
    return [person_of(request, requests[0], resources, held) for request in requests]


def person_of(request: Resource, index: Resource, resources: list[Resource], held: dict[str, Resource]) -> Told:
    key = request["subject"]["reference"]
    patient = held[key]
    number = next(each["value"] for each in patient["identifier"] if each["system"].endswith("/ipp"))
    reason = (request if "reasonCode" in request else index)["reasonCode"]
    tubes = [each for each in of(resources, "Specimen") if each["subject"]["reference"] == key and "parent" not in each]
    days = sorted(each["collection"]["collectedDateTime"][:10] for each in tubes)
    requester = held.get(request["requester"]["reference"], {})
    practitioner = held.get(requester.get("practitioner", {}).get("reference", ""), {})
    birth_order = patient.get("multipleBirthInteger")
    twins = patient.get("multipleBirthBoolean", True if birth_order is not None else None)
    died = patient.get("deceasedDateTime", "")
    dead = patient.get("deceasedBoolean", True if died else None)
    status = [
        inner["valueCoding"]["code"]
        for each in patient.get("extension", ())
        if each["url"].endswith("/fr-core-identity-reliability")
        for inner in each["extension"]
        if inner["url"] == "identityStatus"
    ]
    return {
        "number": number,
        "name": official(patient),
        "birth": patient["birthDate"],
        "sex": patient["gender"],
        "twins": (said(twins), str(birth_order) if birth_order is not None else ""),
        "dead": (died[:10], said(dead)),
        "identity": status[0] if status else "",
        "research": research_of(key, resources, held),
        "links": links_of(key, resources, held),
        "preindication": next(one["code"] for each in reason for one in each["coding"] if "Filiere" in one["system"]),
        "sampled": days[0] if days else "",
        "request": next(each["value"] for each in request["identifier"] if "PLAC" in str(each["type"])),
        "prescriber": next((each["value"] for each in practitioner.get("identifier", ())), ""),
        "files": files_of(key, number, resources),
    }


def said(value: bool | None) -> str:
    return "" if value is None else "Y" if value else "N"


def official(person: Resource) -> tuple[str, str]:
    name = next(each for each in person["name"] if each["use"] == "official")
    return name["family"], name["given"][0]


def research_of(key: str, resources: list[Resource], held: dict[str, Resource]) -> Any:
    told = [
        each
        for each in of(resources, "Consent")
        if each["patient"]["reference"] == key
        and each["scope"]["coding"][0]["code"] == "research"
        and each["status"] in ("active", "inactive", "rejected")
    ]
    last = max(told, key=lambda each: str(each.get("dateTime", "")), default=None)
    if last is None or last["status"] != "active":
        return None
    permits = [each for each in last["provision"]["provision"] if "recherche-donnees" in str(each["code"])]
    if not permits or permits[0]["type"] != "permit":
        return None
    form = last["category"][1]["coding"][0]["code"]
    return form, last["dateTime"], sorted(official(held[each["reference"]]) for each in last["performer"])


def links_of(key: str, resources: list[Resource], held: dict[str, Resource]) -> set[tuple[str, str, str, str]]:
    """Return the links of a person: from them as they are told; to them turned round, of parents and their children."""
    found = set()
    for each in of(resources, "FamilyMemberHistory"):
        other = next(
            (one["valueReference"]["reference"] for one in each.get("extension", ()) if one["url"] == RECORD), ""
        )
        role = next(one["code"] for one in each["relationship"]["coding"] if one["system"] == ROLE_CODE)
        sure = sureness(each)
        if each["patient"]["reference"] == key:
            name = official(held[other]) if other in held else ("", "")
            found.add((role, "" if sure is None else str(sure), *name))
        elif other == key and sure == 1:
            patient = held[each["patient"]["reference"]]
            found.add((INVERSES[role][patient["gender"]], str(sure), *official(patient)))
    return found


# By hand: what the patient of a link is to the relative.
CHILD = {"male": "SON", "female": "DAU"}
SIBLING = {"male": "BRO", "female": "SIS"}
OF_A_FETUS = {**CHILD, "unknown": "NCHILD"}
NATURAL = {"male": "NBRO", "female": "NSIS"}
PARENT = {"male": "FTH", "female": "MTH"}
INVERSES = {
    "FTH": CHILD, "MTH": CHILD, "SON": PARENT, "DAU": PARENT, "BRO": SIBLING, "SIS": SIBLING, "NBRO": NATURAL,
    "NSIS": NATURAL, "NMTHF": OF_A_FETUS, "NFTHF": OF_A_FETUS,
}  # fmt: skip


def files_of(key: str, number: str, resources: list[Resource]) -> dict[str, str]:
    found = {}
    for each in of(resources, "DocumentReference"):
        if each["subject"]["reference"] != key or CATEGORY not in str(each["category"]) or "donnees" not in str(each):
            continue
        attachment = each["content"][0]["attachment"]
        digest = next((one["valueString"] for one in attachment.get("extension", ()) if one["url"] == DIGEST), None)
        if digest is not None:
            folder = "" if len(each["context"]["related"]) > 1 else f"{number}/"
            found[folder + attachment["title"]] = digest
    return found


# --- the same


def test_what_a_deposit_carries_comes_back_from_its_message() -> None:
    """CAD_DOSSIERS=1000 for the thousand."""
    compared = 0
    for held in reported(COUNT, 2026):
        resources = with_files(held)
        deposit = written(resources)
        assert deposit.data is not None, [each.text() for each in deposit.issues]
        assert out_of_message(deposit.data) == out_of_dossier(resources)
        compared += 1
    assert compared >= COUNT // 4


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
def test_the_examples_come_back_too(path: Path) -> None:
    resources = example(path)
    deposit = written(resources)
    assert deposit.data is not None, [each.text() for each in deposit.issues]
    assert out_of_message(deposit.data) == out_of_dossier(resources)


def test_there_are_examples_of_every_pathway() -> None:
    assert len(examples()) >= 9
