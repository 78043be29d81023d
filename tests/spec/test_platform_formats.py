"""1,000 generated dossiers become the files of each platform and dossiers again, the same in all that a file carries.

A sample of them runs in `make test`, a tenth in `make conformance`, all with FULL=1 (FHIR_GATEWAY_SUITES).

Source: README.md of each room of fhir_gateway/exchange ("What does not come back …", "What comes back otherwise").
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.exchange.files import PSEUDONYM, Formats, Wish
from fhir_gateway.exchange.pedigree import kin, ped
from fhir_gateway.exchange.pedigree.gathered import Gathered, family, of_resources
from fhir_gateway.exchange.phenopacket.writing import write as phenopacket
from fhir_gateway.exchange.seqoia.seqoia import Seqoia
from fhir_gateway.exchange.vcf import reading as vcf_reading
from fhir_gateway.exchange.vcf.contigs import NAMES
from fhir_gateway.exchange.vcf.observation import About, observation, variant_of
from fhir_gateway.exchange.vcf.variant import AllelicState, Variant, smallest
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, at_auragen, cancers_at_auragen
from tests.exchange.auragen.said import said as said_of_case
from tests.exchange.auragen.said import said_of_tumour
from tests.exchange.phenopacket.carried import OPTIONS, again, carried, parsed
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES as SEQOIA_TABLES
from tests.exchange.seqoia.dossiers_at_seqoia import at_seqoia
from tests.exchange.seqoia.said import said
from tests.floors import drawn

pytestmark = pytest.mark.conformance

EACH = 20  # dossiers of one seed
SEEDS = drawn(range(1000 // EACH))


@cache
def auragen(kind: str) -> Auragen:
    return Auragen(TABLES if kind == "clinic_mr" else KC_TABLES)


@cache
def seqoia() -> Seqoia:
    return Seqoia(SEQOIA_TABLES)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_of_rare_disease_is_what_its_auragen_file_says(seed: int):
    for resources in at_auragen(EACH, seed):
        written = auragen("clinic_mr").write("clinic_mr", resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said_of_case(list(auragen("clinic_mr").read(written.data).resources)) == said_of_case(resources)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_of_cancer_is_what_its_auragen_file_says(seed: int):
    for resources in cancers_at_auragen(EACH, seed):
        written = auragen("clinic_kc").write("clinic_kc", resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said_of_tumour(list(auragen("clinic_kc").read(written.data).resources)) == said_of_tumour(resources)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_is_what_its_prescription_of_seqoia_says(seed: int):
    for resources in at_seqoia(EACH, seed):
        written = seqoia().write(resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert said(list(seqoia().read(written.data).resources)) == said(resources)


def numbers(resources: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return AURAGEN's number of a case, and those of its libraries."""
    listed = [
        (one["system"], one["value"]) for each in resources for one in each.get("identifier", ()) if "system" in one
    ]
    return next(value for system, value in listed if system == CASE), [
        value for system, value in listed if system == LIBRARY
    ]


def device(draw: random.Random) -> dict[str, Any]:
    return {key: draw.choice([None, "", "A", "Système 2.0"]) or None for key in ("instrument", "kit")}


def preparation(case: str, libraries: list[str], draw: random.Random) -> dict[str, Any]:
    def text(*texts: str) -> str | None:
        return draw.choice([None, *texts])

    made = [
        {
            "lib_id": each,
            "seq_type": draw.choice(["wgs", "wes", "rnaseq"]),
            "sample_type": draw.choice(["normal", "tumour"]),
            "sample_tissue": draw.choice(["blood", "organ", "dna", None]),
            "sample_storage": draw.choice(["frozen", "ffpe", None]),
            "extraction": device(draw),
            "qualification": {**device(draw), **{key: text("7.1", "9") for key in ("din", "rin", "gqn", "rqn")}},
            "quantification": {**device(draw), "concentration": text("12.5 ng/µL", "3 nM")},
            "preplib": device(draw),
        }
        for each in libraries
    ]
    return {"description": "PFMG, librairies", "version": "1.0", "case_id": case, "libraries": made}


def treatment(case: str, libraries: list[str], draw: random.Random) -> dict[str, Any]:
    def component() -> dict[str, Any]:
        status = draw.choice(["success", "failure"])
        return {"category": draw.choice(["mapper", "caller"]), "name": "bwa", "version": "0.7.17", "status": status}

    def workflow() -> dict[str, Any]:
        components = [component() for _ in range(draw.randint(0, 3))]
        return {"name": draw.choice(["run", "pair"]), "version": "1.2.0", "components": components}

    def workflows() -> list[dict[str, Any]]:
        return [workflow() for _ in range(draw.randint(0, 2))]

    made = [{"lib_id": each, "run_workflows": workflows()} for each in libraries]
    return {"description": "PFMG, logiciels", "version": "1.0", "case_id": case, "libraries": made,
            "patient_workflows": [workflow(), *workflows()]}  # fmt: skip


@pytest.mark.parametrize("kind", ["libraries", "software"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_laboratory_tells_of_a_dossier_is_what_its_auragen_file_says(seed: int, kind: Any):
    draw = random.Random(seed)
    for resources in at_auragen(EACH, seed):
        make = preparation if kind == "libraries" else treatment
        sent = make(*numbers(resources), draw)
        read = auragen(kind).read(json.dumps(sent).encode())
        written = auragen(kind).write(kind, read.resources)
        assert written.data is not None, [each.text() for each in written.issues]
        assert json.loads(written.data) == {
            **sent,
            "libraries": sorted(sent["libraries"], key=lambda each: each["lib_id"]),
        }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_is_what_its_phenopacket_says(seed: int):
    for each in dossiers(EACH, seed):
        gathered = of_resources(each.resources())
        written = phenopacket(gathered, OPTIONS)
        parsed(written)
        assert carried(again(written)) == carried(gathered), each.number


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dossier_is_what_its_ped_file_says(seed: int):
    for each in dossiers(EACH, seed):
        gathered = of_resources(each.resources())
        told, _ = kin.pedigree(gathered, family(gathered))
        back = Gathered(
            (one.url, one.resource) for one in kin.resources(ped.read(ped.write(told)).pedigree, "2026-11-22")
        )
        found, _ = kin.pedigree(back, family(back))
        assert (found.family, set(map(line, found.people))) == (told.family, set(map(line, told.people))), each.number


def line(person: Any) -> tuple[Any, ...]:
    return person.id, person.father, person.mother, person.sex, person.is_affected


def reported(draw: random.Random) -> Iterator[Variant]:
    """Yield the variants that a report names, at places of GRCh38, sure or not."""
    states: list[tuple[str, AllelicState]] = [("0/1", "heterozygous"), ("1/1", "homozygous"), ("0|1", "heterozygous")]
    for place in sorted(draw.sample(range(100_000, 40_000_000), draw.randint(1, 30))):
        chromosome, (genotype, state) = draw.choice(NAMES[:20]), draw.choice(states)
        ref = "".join(draw.choices("ACGT", k=draw.randint(1, 6)))
        alt = draw.choice(["<DEL>", "<DUP>", "<CNV>", "".join(draw.choices("ACGT", k=draw.randint(1, 6)))])
        ref = ref[0] if alt[0] == "<" else ref
        end = place + (draw.randint(50, 90_000) if alt[0] == "<" else len(ref) - 1)
        copies = draw.choice(["0", "1", "3"]) if alt[0] == "<" else None
        filters = draw.choice([(), ("PASS",), ("q10", "s50")])
        if alt != ref:
            yield Variant(
                "GRCh38", chromosome, place, end, ref, alt, state, filters=filters, genotype=genotype, copies=copies
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_variants_of_a_dossier_are_those_of_its_vcf(seed: int):
    draw = random.Random(seed)
    for each in dossiers(EACH, seed):
        held = each.resources()
        members = family(of_resources(held)).members
        proband = members[0].key
        names = {one.key: f"P{number}" for number, one in enumerate(members)}
        told = list(reported(draw))
        own = [observation(one, About({"reference": proband})) for one in told]
        file = Formats().write("vcf", [*held, *own], Wish(OPTIONS.created, called={PSEUDONYM: names}))
        assert file.data is not None, [one.text() for one in file.issues]
        read = vcf_reading.read(file.data, "P0").variants
        back = [observation(one, About({"reference": proband})) for one in read]
        assert sorted(map(place, back)) == sorted(map(place, own)), each.number
        assert len(back) == len(told)


def place(resource: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a row says of a variant, whoever padded its alleles."""
    variant, issues = variant_of(resource)
    assert variant is not None, issues
    start, ref, alt = smallest(variant.start, variant.ref, variant.alt)
    return variant.chromosome, start, ref, alt, variant.copies or "", variant.state or "", variant.filters
