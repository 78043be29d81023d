"""Phenopackets to resources and back, and dossiers to phenopackets and back.

Source: GA4GH Phenopacket Schema 2.0; the classes of PyPI `phenopackets` as the witness; the tables of normalisations in
fhir_gateway/exchange/phenopacket/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.examples import folder
from fhir_gateway.exchange.pedigree.gathered import ROLE, of_bundle, of_resources
from fhir_gateway.exchange.phenopacket.reading import Read, read
from fhir_gateway.exchange.phenopacket.writing import write
from fhir_gateway.fhir.json import decode, encode
from tests.exchange.phenopacket.carried import AT, OPTIONS, again, carried, parsed
from tests.shared_data import shared

EXAMPLES: Final = sorted(
    path
    for kind in ("states", "submissions")
    for path in (folder() / kind).glob("*.json")
    if not path.name.startswith("bad-") and not path.name.endswith(".expected.json") and path.stem != "directory"
)
FILES: Final = sorted((folder() / "resources").glob("document-data-file.json"))


def wrong(found: Read) -> list[str]:
    """Return the errors of the validator, by the profiles that the resources claim and R4."""
    return [
        f"{each.issue.complaint.detail} {each.issue.expression}"
        for each in r4_validator().validate_bytes(encode(found.bundle()))
        if each.is_error
    ]


def test_a_phenopacket_comes_back_unchanged():
    sent = shared("genomics", "phenopacket", "marfan.json").read_bytes()
    assert json.loads(write(of_bundle(read(sent, AT).bundle()), OPTIONS).data) == json.loads(sent)


def normalised(value: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """Return family.json as the README says that it comes back."""
    for place, relative in enumerate(value["relatives"]):
        del relative["subject"]["timeAtLastEncounter"], relative["subject"]["taxonomy"]  # empty objects
        relative |= {"id": written["relatives"][place]["id"], "metaData": written["relatives"][place]["metaData"]}
    for person in value["pedigree"]["persons"]:
        person["familyId"] = value["id"]
    for holder, back in ((value, written), (value["proband"], written["proband"])):
        count = len(holder["metaData"]["resources"])
        assert {each["namespacePrefix"] for each in back["metaData"]["resources"][count:]} == {
            "NCBITaxon", "ECO", "UBERON", "EFO", "OMIM",
        }  # fmt: skip
        holder["metaData"]["resources"] += back["metaData"]["resources"][count:]
    return value


def test_a_family_comes_back_unchanged_but_for_the_tabled_normalisations():
    sent = shared("genomics", "phenopacket", "family.json").read_bytes()
    written = json.loads(write(of_bundle(read(sent, AT).bundle()), OPTIONS).data)
    assert [each["id"] for each in written["relatives"]] == [
        "comprehensive-family-id-MOTHER", "comprehensive-family-id-FATHER",
    ]  # fmt: skip
    assert written["relatives"][0]["metaData"]["createdBy"] == "Peter R."
    assert written == normalised(json.loads(sent), written)


@pytest.mark.parametrize("name", ["marfan.json", "family.json"])
def test_what_is_read_passes_the_validator(name: str):
    assert wrong(read(shared("genomics", "phenopacket", name).read_bytes(), AT)) == []


@pytest.mark.parametrize("name", ["marfan.json", "family.json"])
def test_what_is_written_of_a_file_is_read_by_the_official_classes(name: str):
    sent = shared("genomics", "phenopacket", name).read_bytes()
    parsed(write(of_bundle(read(sent, AT).bundle()), OPTIONS))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_goes_to_a_phenopacket_and_back_as_it_is(path: Path):
    gathered = of_bundle(decode(path.read_bytes()))
    written = write(gathered, OPTIONS)
    parsed(written)
    back = read(written.data, AT)
    assert carried(of_bundle(back.bundle())) == carried(gathered)
    assert wrong(back) == []


def test_what_was_read_once_is_written_as_it_was():
    for each in dossiers(10, 1):
        written = write(of_resources(each.resources()), OPTIONS)
        assert write(again(written), OPTIONS).value == written.value


def test_resources_of_generated_dossiers_pass_the_profiles():
    for each in dossiers(5, 3):
        assert wrong(read(write(of_resources(each.resources()), OPTIONS).data, AT)) == []


@pytest.mark.parametrize(
    ("karyotype", "expected"),
    [("XX", "XX"), ("46,XY", "XY"), ("45,X", "XO"), ("47,XX,+21", None), ("mos 45,X/46,XX", None)],
)
def test_a_karyotype_is_one_of_the_schema_or_told(karyotype: str, expected: str | None):
    patient = {"resourceType": "Patient", "id": "a", "gender": "female"}
    role = {"coding": [{"system": ROLE, "code": "proband"}]}
    request = {"resourceType": "ServiceRequest", "id": "r", "category": [role], "subject": {"reference": "Patient/a"}}
    code = {"coding": [{"system": "http://loinc.org", "code": "29770-5"}]}
    observed = {
        "resourceType": "Observation",
        "code": code,
        "subject": {"reference": "Patient/a"},
        "valueCodeableConcept": {"text": karyotype},
    }
    written = write(of_resources([patient, request, observed]), OPTIONS)
    parsed(written)
    assert written.value["subject"].get("karyotypicSex") == expected
    assert ("karyotypicSex" in str([each.values for each in written.issues])) == (expected is None)
