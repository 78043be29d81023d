"""Interpretations of a phenopacket become variants and what they mean, and interpretations again.

Source: GA4GH Phenopacket Schema 2.0, "Interpretation"; VRSATILE 1; Genomics Reporting 3.0.0.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.pedigree.gathered import of_bundle, of_resources
from fhir_gateway.exchange.phenopacket.reading import read
from fhir_gateway.exchange.phenopacket.writing import write
from fhir_gateway.exchange.vcf.observation import variant_of
from fhir_gateway.fhir.json import encode
from tests.exchange.phenopacket.carried import AT, OPTIONS, parsed

DISEASE = {"id": "OMIM:154700", "label": "Marfan syndrome"}
DESCRIPTOR: dict[str, Any] = {
    "id": "v1",
    "label": "FBN1 c.1129T>C",
    "geneContext": {"valueId": "HGNC:3603", "symbol": "FBN1"},
    "expressions": [{"syntax": "hgvs.c", "value": "NM_000138.5:c.1129T>C"}],
    "vcfRecord": {
        "genomeAssembly": "GRCh38",
        "chrom": "chr15",
        "pos": "48537629",
        "ref": "A",
        "alt": "G",
        "qual": "99",
    },
    "moleculeContext": "genomic",
    "structuralType": {"id": "SO:0001483", "label": "SNV"},
    "allelicState": {"id": "GENO:0000135", "label": "heterozygous"},
}
INTERPRETATION: dict[str, Any] = {
    "id": "i1",
    "progressStatus": "SOLVED",
    "diagnosis": {
        "disease": DISEASE,
        "genomicInterpretations": [
            {
                "subjectOrBiosampleId": "s1",
                "interpretationStatus": "CAUSATIVE",
                "variantInterpretation": {
                    "acmgPathogenicityClassification": "LIKELY_PATHOGENIC",
                    "therapeuticActionability": "NOT_ACTIONABLE",
                    "variationDescriptor": DESCRIPTOR,
                },
            }
        ],
    },
    "summary": "Une phrase.",
}


def packet(**changes: Any) -> dict[str, Any]:
    """Return a packet of one person with a sample and an interpretation, changed."""
    return {
        "id": "p",
        "subject": {"id": "a"},
        "biosamples": [{"id": "s1", "individualId": "a"}],
        "interpretations": [copy.deepcopy(INTERPRETATION)],
        **changes,
    }


def observations(sent: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the variants and the implications that a packet makes."""
    made = [each.resource for each in read(json.dumps(sent).encode(), AT).entries]
    found = [each for each in made if each["resourceType"] == "Observation"]
    variants = [each for each in found if "69548-6" in str(each["code"])]
    return variants, [each for each in found if "diagnostic-implication" in str(each["code"])]


def back(sent: dict[str, Any]) -> Any:
    written = write(of_bundle(read(json.dumps(sent).encode(), AT).bundle()), OPTIONS)
    parsed(written)
    return json.loads(written.data)["interpretations"]


def test_a_variant_stands_where_its_row_says_and_its_implication_has_class_and_disease():
    (variant,), (implication,) = observations(packet())
    found, issues = variant_of(variant)
    assert issues == []
    assert found is not None
    assert (found.assembly, found.chromosome, found.start, found.end, found.ref, found.alt, found.state) == (
        "GRCh38", "15", 48537629, 48537629, "A", "G", "heterozygous",
    )  # fmt: skip
    assert (found.annotation.coding, found.annotation.gene) == ("NM_000138.5:c.1129T>C", ("HGNC:3603", "FBN1"))
    told = {each["code"]["coding"][0]["code"]: each["valueCodeableConcept"] for each in implication["component"]}
    assert told["53037-8"]["coding"][0]["code"] == "LA26332-9"
    assert told["81259-4"] == {
        "coding": [{"system": "http://www.omim.org", "code": "154700"}],
        "text": "Marfan syndrome",
    }
    assert variant["specimen"] == implication["specimen"]


def test_variants_and_implications_claim_their_profiles_and_pass_them():
    found = read(json.dumps(packet()).encode(), AT)
    claimed = {one for each in found.entries for one in each.resource.get("meta", {}).get("profile", ())}
    assert {each.rpartition("/")[2] for each in claimed} == {"pfmg-variant", "pfmg-diagnostic-implication"}
    wrong = [each.issue.text() for each in r4_validator().validate_bytes(encode(found.bundle())) if each.is_error]
    assert wrong == []


def test_an_interpretation_comes_back_as_it_was():
    assert back(packet()) == [INTERPRETATION]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expressions", [{"syntax": "hgvs", "value": "NM_000138.5:c.1129T>C"}, {"syntax": "spdi", "value": "x:1:A:G"}]),
        ("expressions", [{"syntax": "hgvs.c", "value": "not HGVS"}]),
        ("vcfRecord", {"genomeAssembly": "hg19", "chrom": "15", "pos": "1", "ref": "A", "alt": "G"}),
        ("vcfRecord", {"genomeAssembly": "T2T-CHM13v2.0", "chrom": "15", "pos": "1", "ref": "A", "alt": "G"}),
        ("vcfRecord", {"genomeAssembly": "GRCh38", "chrom": "15", "pos": "1", "ref": "A", "alt": "<DEL>"}),
        ("allelicState", {"id": "GENO:0000137", "label": "unspecified zygosity"}),
        ("structuralType", {"id": "EFO:1", "label": "other"}),
    ],
)
def test_what_a_descriptor_says_otherwise_comes_back_too(key: str, value: Any):
    sent = packet()
    listed = sent["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    listed[0]["variantInterpretation"]["variationDescriptor"] = {**DESCRIPTOR, key: value}
    assert back(sent) == sent["interpretations"]


def test_an_assembly_that_is_not_known_places_no_variant():
    sent = packet()
    listed = sent["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    record = {**DESCRIPTOR["vcfRecord"], "genomeAssembly": "T2T-CHM13v2.0"}
    listed[0]["variantInterpretation"]["variationDescriptor"] = {**DESCRIPTOR, "vcfRecord": record}
    (variant,), _ = observations(sent)
    codes = {each["code"]["coding"][0]["code"] for each in variant["component"]}
    assert codes.isdisjoint({"81254-5", "69547-8", "48000-4"})


def test_an_interpretation_of_a_gene_alone_makes_no_variant_and_comes_back():
    gene = {"subjectOrBiosampleId": "a", "gene": {"valueId": "HGNC:3603", "symbol": "FBN1"}}
    only = {"id": "i2", "diagnosis": {"disease": DISEASE, "genomicInterpretations": [gene]}}
    unsolved = {"id": "i3", "progressStatus": "UNSOLVED", "summary": "Rien."}
    sent = packet(interpretations=[only, unsolved])
    assert observations(sent) == ([], [])
    assert back(sent) == [only, unsolved]


def test_two_variants_of_one_diagnosis_are_one_interpretation_again():
    sent = packet()
    listed = sent["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    other = copy.deepcopy(listed[0])
    other["variantInterpretation"]["variationDescriptor"]["expressions"][0]["value"] = "NM_000138.5:c.1A>G"
    del other["variantInterpretation"]["variationDescriptor"]["vcfRecord"]
    listed.append(other)
    assert back(sent) == sent["interpretations"]


def test_an_amended_class_is_written_not_the_one_that_was_sent():
    found = read(json.dumps(packet()).encode(), AT)
    for each in found.entries:
        for one in each.resource.get("component", ()):
            if one["code"]["coding"][0]["code"] == "53037-8":
                one["valueCodeableConcept"] = {"coding": [{"system": "http://loinc.org", "code": "LA6668-3"}]}
    (written,) = write(of_bundle(found.bundle()), OPTIONS).value["interpretations"]
    (one,) = written["diagnosis"]["genomicInterpretations"]
    assert one["variantInterpretation"]["acmgPathogenicityClassification"] == "PATHOGENIC"


def test_reported_variants_of_dossiers_go_there_and_back():
    count = 0
    for each in dossiers(40, 3):
        gathered = of_resources(each.resources())
        written = write(gathered, OPTIONS)
        made = [one.resource for one in read(written.data, AT).entries]
        sent = sorted(names(list(each.resources())))
        # Codes of gene, HGVS, zygosity; a dossier's variants have more, which a phenopacket has no field for.
        assert sorted(names(made)) == sent
        count += len(sent)
    assert count > 5


def names(resources: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    kept = ("48018-6", "48004-6", "48005-3", "53034-5")
    return [
        tuple(
            sorted(
                str(one["valueCodeableConcept"]["coding"][0]["code"])
                for one in each["component"]
                if one["code"]["coding"][0]["code"] in kept
            )
        )
        for each in resources
        if each["resourceType"] == "Observation" and "69548-6" in str(each["code"])
    ]
