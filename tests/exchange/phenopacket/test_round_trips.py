"""Phenopackets to resources and back, and dossiers to phenopackets and back.

Source: GA4GH Phenopacket Schema 2.0; the classes of PyPI `phenopackets` as the witness; the tables of normalisations in
fhir_gateway/exchange/phenopacket/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.json_format import ParseDict
from phenopackets import Family, Phenopacket

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.examples import folder
from fhir_gateway.exchange.pedigree import kin
from fhir_gateway.exchange.pedigree.gathered import Gathered, family, of_bundle, of_resources
from fhir_gateway.exchange.phenopacket.ontologies import prefixes
from fhir_gateway.exchange.phenopacket.reading import Read, read
from fhir_gateway.exchange.phenopacket.writing import Options, Written, write
from fhir_gateway.fhir.json import decode, encode
from tests.shared_data import shared

AT: Final = "2026-11-22T09:00:00Z"
OPTIONS: Final = Options(AT, "fhir-gateway", birth=True, versions={"http://human-phenotype-ontology.org": "2026-01-01"})
EXAMPLES: Final = sorted(
    path
    for kind in ("states", "submissions")
    for path in (folder() / kind).glob("*.json")
    if not path.name.startswith("bad-") and not path.name.endswith(".expected.json") and path.stem != "directory"
)
FILES: Final = sorted((folder() / "resources").glob("document-data-file.json"))


def again(written: Written) -> Gathered:
    return of_bundle(read(written.data, AT).bundle())


def carried(gathered: Gathered) -> dict[str, Any]:
    """Return what a phenopacket carries of a dossier, read off the resources (normalisations: README)."""
    people = family(gathered)
    found, _ = kin.pedigree(gathered, people)
    return {
        "family": people.number,
        # One person alone is a Phenopacket, which has no pedigree and so does not say who is affected.
        "pedigree": {
            (each.id, each.father, each.mother, each.sex, each.is_affected if len(found.people) > 1 else None)
            for each in found.people
        },
        "people": {each.id: _person(each.patient) for each in people.members},
        "probands": {each.id for each in people.members if each.is_proband},
        "said": sorted(_said(gathered, {each.key: each.id for each in people.members}), key=repr),
    }


def _person(patient: Mapping[str, Any]) -> tuple[Any, ...]:
    dead = "deceasedDateTime" in patient or patient.get("deceasedBoolean")
    return (patient.get("gender"), patient.get("birthDate"), dead)


def _said(gathered: Gathered, people: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    for kind in ("Observation", "Condition", "Specimen", "DocumentReference"):
        for _, each in gathered.of_type(kind):
            person = people.get(gathered.key(each.get("subject")) or "")
            if person is not None and (said := _meaning(each)) is not None:
                yield (kind, person, *said)


def _meaning(each: Mapping[str, Any]) -> tuple[Any, ...] | None:
    kind = each["resourceType"]
    if kind == "Specimen":
        origin = [_code(held["valueCodeableConcept"]) for held in each.get("extension", ())]
        note = [held["text"] for held in each.get("note", ())]
        number, taken = each["identifier"][0]["value"], each.get("collection", {}).get("collectedDateTime")
        return (number, _code(each["type"]), origin, note, taken)
    if kind == "DocumentReference":
        held = each["content"][0]["attachment"]
        named = sorted((one["url"], str(list(one.values())[1])) for one in held.get("extension", ()))
        return None if "url" not in held else (held["url"], held.get("title"), named, each["content"][0].get("format"))
    if kind == "Observation" and each["code"]["coding"][0]["system"] != "http://human-phenotype-ontology.org":
        return None
    value = _code(each["valueCodeableConcept"]) if "valueCodeableConcept" in each else None
    more = [json.dumps(one, sort_keys=True, default=str) for one in each.get("component", ())]
    return (_code(each["code"]), each["code"].get("text"), value, more)


def _code(concept: Mapping[str, Any]) -> str:
    return str(concept["coding"][0]["code"])


def parsed(written: Written) -> None:
    """Parse with the official classes, which refuse any key and any type that the schema has not."""
    value = json.loads(written.data)
    ParseDict(value, Family() if "proband" in value else Phenopacket())
    for holder in [value, value.get("proband", {}), *value.get("relatives", ())]:
        if "metaData" in holder:
            declared = {each["namespacePrefix"] for each in holder["metaData"]["resources"]}
            assert set(prefixes(holder)) - declared == set()


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
    for holder, again in ((value, written), (value["proband"], written["proband"])):
        count = len(holder["metaData"]["resources"])
        assert {each["namespacePrefix"] for each in again["metaData"]["resources"][count:]} == {
            "NCBITaxon", "ECO", "UBERON", "EFO", "OMIM",
        }  # fmt: skip
        holder["metaData"]["resources"] += again["metaData"]["resources"][count:]
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


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_dossiers_go_to_phenopackets_and_back_as_they_are(seed: int):
    for each in dossiers(60, seed):
        gathered = of_resources(each.resources())
        written = write(gathered, OPTIONS)
        parsed(written)
        assert carried(again(written)) == carried(gathered), each.number
        # Once read, nothing changes any more.
        assert write(again(written), OPTIONS).value == written.value


def test_resources_of_generated_dossiers_pass_the_profiles():
    for each in dossiers(5, 3):
        assert wrong(read(write(of_resources(each.resources()), OPTIONS).data, AT)) == []
