"""What is made of a variant passes its profile and says what it should, component by component.

Source: Genomics Reporting 3.0.0, Variant; `profiles/pfmg/input/fsh/resultats.fsh`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.vcf.contigs import (
    ASSEMBLIES,
    CHROMOSOME_ANSWERS,
    NAMES,
    Assembly,
    accession,
    assembly_of_accession,
    chromosome,
)
from fhir_gateway.exchange.vcf.observation import About, observation
from fhir_gateway.exchange.vcf.reading import read
from fhir_gateway.exchange.vcf.variant import Annotation, Variant, change
from tests.shared_data import shared

ABOUT: Final = About(
    {"reference": "Patient/p"}, {"reference": "Specimen/s"}, ({"reference": "Organization/o"},), "2026-11-22"
)
SMALL: Final = Variant(
    "GRCh38", "15", 48520700, 48520700, "A", "G", "heterozygous", depth=21, frequency="0.52", source="germline",
    annotation=Annotation(
        "NC_000015.10:g.48520700A>G", "NM_000138.5:c.1129T>C", "NP_000129.3:p.(Cys377Arg)", "NM_000138.5",
        ("HGNC:3603", "FBN1"),
    ),
    identifier="rs1", filters=("PASS",), genotype="0|1", phase_set="48520000",
)  # fmt: skip
COPIES: Final = Variant(
    "GRCh37", "16", 15000000, 15400000, "N", "<DEL>", copies="1", outer=(14999900, 15400100),
    inner=(15000100, 15399900), info=(("SVTYPE", "DEL"), ("IMPRECISE", "")),
)  # fmt: skip
MITOCHONDRIAL: Final = Variant("GRCh38", "M", 3243, 3243, "A", "G", "heteroplasmic", frequency="0.4")


def errors(resource: dict[str, Any]) -> list[str]:
    return [each.issue.text() for each in r4_validator().validate(resource) if each.is_error]


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """Value of each component by LOINC code or text: a code, a text, a number, both ends of a range."""
    made = {}
    for each in resource["component"]:
        name = each["code"].get("text") or each["code"]["coding"][0]["code"]
        (key,) = [key for key in each if key.startswith("value")]
        value = each[key]
        if key == "valueCodeableConcept":
            value = value["coding"][0]["code"] if "coding" in value else value["text"]
        elif key == "valueQuantity":
            value = str(value["value"])
        elif key == "valueRange":
            value = (value["low"]["value"], value["high"]["value"])
        made[name] = value
    return made


@pytest.mark.parametrize("variant", [SMALL, COPIES, MITOCHONDRIAL])
def test_an_observation_passes_its_profile(variant: Variant) -> None:
    assert errors(observation(variant, ABOUT)) == []


@pytest.mark.parametrize("file", ["vcf_example1.vcf", "vcf_structural_variants.vcf"])
def test_each_variant_of_the_sample_files_passes_its_profile_and_is_placed(file: str) -> None:
    sample = {"vcf_example1.vcf": "TEST001", "vcf_structural_variants.vcf": "NA12877_S1"}[file]
    found = read(shared("genomics", "vcf", file).read_bytes(), sample, assembly="GRCh38")
    for variant in found.variants:
        made = observation(variant, ABOUT)
        assert errors(made) == []
        said = values(made)
        assert said["48013-7"] == accession("GRCh38", variant.chromosome)
        assert said["81254-5"] == (variant.start, variant.end)
        assert (said["69547-8"], said["69551-0"], said["92822-6"]) == (variant.ref, variant.alt, "LA30102-0")
        assert said["53034-5"] == {"heterozygous": "LA6706-1", "homozygous": "LA6705-3"}[str(variant.state)]
        assert "48002-0" not in said


def test_a_small_variant_says_all_that_is_known() -> None:
    assert values(observation(SMALL, ABOUT)) == {
        "48018-6": "HGNC:3603",
        "48004-6": "NM_000138.5:c.1129T>C",
        "81290-9": "NC_000015.10:g.48520700A>G",
        "48005-3": "NP_000129.3:p.(Cys377Arg)",
        "51958-7": "NM_000138.5",
        "48013-7": "NC_000015.10",
        "62374-4": "LA26806-2",
        "48000-4": "LA21268-0",
        "92822-6": "LA30102-0",
        "81254-5": (48520700, 48520700),
        "69547-8": "A",
        "69551-0": "G",
        "48019-4": "SO:0001483",
        "53034-5": "LA6706-1",
        "81258-6": "0.52",
        "82121-5": "21",
        "48002-0": "LA6683-2",
        "VCF ID": "rs1",
        "VCF FILTER": "PASS",
        "VCF GT": "0|1",
        "VCF PS": "48520000",
    }


def test_a_structural_variant_says_where_its_ends_may_lie() -> None:
    said = values(observation(COPIES, ABOUT))
    assert (said["81302-2"], said["81301-4"]) == ((15000100, 15399900), (14999900, 15400100))
    assert (said["82155-3"], said["48019-4"], said["62374-4"]) == ("1", "SO:0000159", "LA14029-5")
    assert said["VCF INFO"] == "SVTYPE=DEL;IMPRECISE"
    assert "53034-5" not in said


def test_a_mitochondrial_variant_has_its_sequence_and_no_chromosome_of_loinc() -> None:
    said = values(observation(MITOCHONDRIAL, ABOUT))
    assert (said["48013-7"], said["53034-5"]) == ("NC_012920.1", "LA6703-8")
    assert "48000-4" not in said


@pytest.mark.parametrize(
    ("ref", "alt", "code"),
    [
        ("A", "G", "SO:0001483"),
        ("AC", "GT", "SO:0002007"),
        ("A", "AC", "SO:0000667"),
        ("AC", "A", "SO:0000159"),
        ("A", "CG", "SO:1000032"),
        ("ACG", "TC", "SO:1000032"),
        ("N", "<DEL>", "SO:0000159"),
        ("N", "<DEL:ME:ALU>", "SO:0002066"),
        ("N", "<DUP:TANDEM>", "SO:1000173"),
        ("N", "<INV>", "SO:1000036"),
        ("N", "<CN0>", "SO:0001019"),
        ("N", "G]17:198982]", "SO:0001021"),
        ("N", "<CGA_CNVWIN>", None),
    ],
)
def test_the_type_of_a_change_is_what_its_alleles_say(ref: str, alt: str, code: str | None) -> None:
    assert change(ref, alt) == code


@pytest.mark.parametrize("assembly", ASSEMBLIES)
def test_each_chromosome_has_its_accession_and_an_accession_its_chromosome(assembly: Assembly) -> None:
    for name in NAMES:
        text = accession(assembly, name)
        assert re.fullmatch(r"NC_[0-9]{6}\.[0-9]+", text)
        assert chromosome(text) == chromosome(f"chr{name}") == name
        assert assembly_of_accession(text) == (None if name == "M" else assembly)


def test_the_answers_for_chromosomes_are_the_24_of_the_list_in_order() -> None:
    assert [code[:7] for code in CHROMOSOME_ANSWERS.values()] == [f"LA{number}" for number in range(21254, 21278)]
    assert (CHROMOSOME_ANSWERS["1"], CHROMOSOME_ANSWERS["16"]) == ("LA21254-0", "LA21269-8")
    assert (CHROMOSOME_ANSWERS["X"], CHROMOSOME_ANSWERS["Y"]) == ("LA21276-3", "LA21277-1")
