"""Dossiers become prescriptions of SPICE and dossiers again: generated ones, and the examples of the profiles.

Source: profiles/examples/pfmg; README.md of fhir_gateway/exchange/seqoia. 1,000 of them: tests/spec.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.exchange.seqoia.keys import ID_ANON
from fhir_gateway.exchange.seqoia.seqoia import Seqoia
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.json import encode
from fhir_gateway.terminology.kinship import ROLE_CODE
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES, at_seqoia, taken
from tests.exchange.seqoia.said import said
from tests.shared_data import shared

SEQOIA = Seqoia(TABLES)
RECORD = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"


def examples() -> list[Any]:
    paths = sorted((data_folder("profiles") / "examples" / "pfmg" / "states").glob("*.json"))
    return [path for path in paths if not path.name.endswith(".expected.json")]


@pytest.mark.parametrize("resources", list(at_seqoia(30, 5)))
def test_a_generated_dossier_is_what_its_file_says(resources: list[dict[str, Any]]):
    written = SEQOIA.write(resources)
    assert [each.text() for each in written.issues if each.severity == "error"] == []
    assert written.data is not None
    assert SEQOIA.check(written.data) == []
    read = SEQOIA.read(written.data)
    assert (read.unknown, read.unplaced) == ({}, ())
    assert said(list(read.resources)) == said(resources)
    assert SEQOIA.write(read.resources).data == written.data


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
def test_an_example_is_what_its_file_says(path: Any):
    resources = [each["resource"] for each in json.loads(path.read_text(encoding="utf-8"))["entry"]]
    held = taken(resources, 7)
    written = SEQOIA.write(held)
    assert written.data is not None, [each.text() for each in written.issues if each.severity == "error"]
    read = SEQOIA.read(written.data)
    assert said(list(read.resources)) == said(held)


@pytest.mark.parametrize("resources", list(at_seqoia(3, 11)))
def test_what_is_read_of_a_generated_dossier_is_valid(resources: list[dict[str, Any]]):
    data = SEQOIA.write(resources).data
    assert data is not None
    found = (each for one in SEQOIA.read(data).resources for each in r4_validator().validate_bytes(encode(one)))
    assert [each.issue.text() for each in found if each.is_error] == []


def test_what_is_written_of_generated_dossiers_is_valid_by_the_published_schema():
    path = shared("platforms", "prescriptions_schema_completed_v2.json")
    judge = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
    for resources in at_seqoia(20, 7):
        data = SEQOIA.write(resources).data
        assert data is not None
        judge.validate(json.loads(data))


def test_the_number_of_the_table_of_pseudonyms_is_written_where_the_dossier_has_none():
    held = [
        {**each, "identifier": [one for one in each["identifier"] if one.get("system") != ID_ANON]}
        if each["resourceType"] == "Patient"
        else each
        for each in next(at_seqoia(1, 5))
    ]
    people = [f"Patient/{each['id']}" for each in held if each["resourceType"] == "Patient"]
    numbers = {key: f"77BBB{place}" for place, key in enumerate(people)}
    wish = Wish("2026-11-22T10:00:00Z", called={ID_ANON: numbers})
    file = Formats(TABLES).write("seqoia", held, wish)
    assert file.data is not None
    assert sorted(each["id_anon"] for each in json.loads(file.data)["patients"]) == sorted(numbers.values())


def link(one: str, other: str, code: str) -> dict[str, Any]:
    """Return an edge: to one, the other is what a code says."""
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": {"reference": one},
        "extension": [{"url": RECORD, "valueReference": {"reference": other}}],
        "relationship": {"coding": [{"system": ROLE_CODE, "code": code}]},
    }


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([("index", "mother", "MTH"), ("mother", "other", "FTH")], {"key": "autre", "name": "Grand-père maternel"}),
        ([("index", "mother", "NMTH"), ("mother", "other", "BRO")], {"key": "autre", "name": "Oncle maternel"}),
        ([("other", "index", "SON")], {"key": "père", "name": "Père"}),
        ([("index", "mother", "MTH"), ("mother", "other", "HUSB")], {"key": "autre"}),
    ],
)
def test_a_link_that_other_links_tell_is_told(edges: list[tuple[str, str, str]], expected: dict[str, str]):
    resources = next(each for each in at_seqoia(40, 5) if sum(one["resourceType"] == "Patient" for one in each) == 3)
    own = [each for each in resources if each["resourceType"] != "FamilyMemberHistory"]
    requests = [each for each in own if each["resourceType"] == "ServiceRequest"]
    requests.sort(key=lambda each: "proband" not in str(each["category"]))
    index, mother, other = (each["subject"]["reference"] for each in requests)
    next(each for each in own if f"Patient/{each.get('id')}" == other)["gender"] = "male"
    names = {"index": index, "mother": mother, "other": other}
    made = [link(names[one], names[two], code) for one, two, code in edges]
    written = SEQOIA.write([*own, *made])
    assert written.data is not None
    entries = json.loads(written.data)["patients"]
    assert entries[2]["lien"] == expected


def test_what_has_no_place_in_the_file_is_counted():
    written = SEQOIA.write(next(at_seqoia(1, 5)))
    assert written.unplaced["Consent"] >= 1
    assert "Patient.name" not in written.unplaced
    assert written.unplaced["Patient.identifier"] >= 1  # INS


def test_a_person_prescribed_for_again_is_one_entry():
    resources = next(at_seqoia(1, 5))
    first = next(each for each in resources if each["resourceType"] == "ServiceRequest")
    before = {**first, "id": "before", "status": "revoked"}
    written = SEQOIA.write([before, *resources])
    assert written.data is not None
    assert json.loads(written.data) == json.loads(SEQOIA.write(resources).data or b"")


def test_a_person_who_is_not_held_is_not_written():
    resources = next(at_seqoia(1, 5))
    written = SEQOIA.write([each for each in resources if each["resourceType"] != "Patient"])
    assert written.data is None
    assert ("tree-required", "/patients/0/patient") in {
        (each.complaint.detail, each.expression) for each in written.issues
    }


def test_nobody_is_written_of_whom_nothing_is_known():
    resources = next(at_seqoia(1, 5))
    written = SEQOIA.write([each for each in resources if each["resourceType"] == "ServiceRequest"])
    assert written.data is None
    assert "seqoia-nobody-held" in {each.complaint.detail for each in written.issues}
