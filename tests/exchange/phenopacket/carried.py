"""What a phenopacket carries of a dossier, read off the resources; the official classes as judge of what is written.

Source: GA4GH Phenopacket Schema 2.0; the classes of PyPI `phenopackets`; the table of normalisations in
fhir_gateway/exchange/phenopacket/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.json_format import ParseDict
from phenopackets import Family, Phenopacket

from fhir_gateway.exchange.pedigree import kin
from fhir_gateway.exchange.pedigree.gathered import Gathered, family, of_bundle
from fhir_gateway.exchange.phenopacket.ontologies import prefixes
from fhir_gateway.exchange.phenopacket.reading import read
from fhir_gateway.exchange.phenopacket.writing import Options, Written

AT: Final = "2026-11-22T09:00:00Z"
OPTIONS: Final = Options(AT, "fhir-gateway", birth=True, versions={"http://human-phenotype-ontology.org": "2026-01-01"})


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
