"""Interpretations of a phenopacket: variants that are present, and what each means for the disease of the diagnosis.

A GenomicInterpretation of a variant is two Observations, the variant and its implication. An Interpretation is no
resource: implications of one disease are one Interpretation again, and what else it said is kept with them. One that
names genes only, or nothing, makes nothing and is kept whole.

Source: GA4GH Phenopacket Schema 2.0, "Interpretation"; VRSATILE 1; Genomics Reporting 3.0.0, Variant, Diagnostic
Implication; mappings/platforms/phenopacket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.exchange.phenopacket import complaints
from fhir_gateway.exchange.phenopacket.formats import DISEASE_OF, IMPLICATION, OF, STATUS, VARIANT
from fhir_gateway.exchange.phenopacket.objects import applied, arranged, merged, minus, object_of, pruned
from fhir_gateway.exchange.phenopacket.ontologies import Codes
from fhir_gateway.exchange.vcf.contigs import CHROMOSOME_ANSWERS, chromosome
from fhir_gateway.exchange.vcf.variant import BASES
from fhir_gateway.terminology.hgvs import is_hgvs

Resource = Mapping[str, Any]
MESSAGE: Final = "GenomicInterpretation"
_PRESENT: Final = "LA9633-4"
_ASSEMBLIES: Final = {"grch37": "GRCh37", "hg19": "GRCh37", "grch38": "GRCh38", "hg38": "GRCh38"}
_KINDS: Final = {"c": "c", "n": "c", "g": "g", "m": "g", "p": "p"}


def of_variants(interpretation: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the interpretations of variants that a diagnosis lists, each with its place."""
    listed = enumerate(interpretation.get("diagnosis", {}).get("genomicInterpretations", ()))
    return [(place, each) for place, each in listed if each.get("variantInterpretation", {}).get("variationDescriptor")]


# --- read


@dataclass(frozen=True, slots=True)
class Interpreted:
    """A variant and its implication, and what of their object they do not say."""

    variant: dict[str, Any]
    implication: dict[str, Any]
    rest: dict[str, Any]


def interpreted(value: Mapping[str, Any], disease: Any, of: str, codes: Codes) -> Interpreted:
    """Return what a GenomicInterpretation of a variant becomes. `disease`: of the diagnosis, an OntologyClass; `of`:
    whom it is about, a reference."""
    held = value["variantInterpretation"]
    descriptor = arranged("VariationDescriptor", held["variationDescriptor"], codes)
    hgvs, record = _hgvs(descriptor), _record(descriptor.get("vcfRecord", {}))
    said: dict[str, Any] = {"descriptor": descriptor, "hgvs": hgvs, "record": record, STATUS: "final", OF: of}
    if record or "c" in hgvs or "g" in hgvs:
        said["named"] = "true"
    if held.get("acmgPathogenicityClassification", "NOT_PROVIDED") != "NOT_PROVIDED":
        said["class"] = held["acmgPathogenicityClassification"]
    coding = codes.coding(disease)
    if coding is not None:
        said["disease"] = {**coding, "label": disease.get("label")}
    variant, implication = applied(MESSAGE, {name: each for name, each in said.items() if each})
    back = object_of(MESSAGE, [("Variant", variant), ("Implication", implication)], Codes(codes.declared), "")
    return Interpreted(variant, implication, pruned(minus(value, back)))


def said_of_disease(interpretation: Mapping[str, Any], codes: Codes) -> bool:
    """Tell whether implications can say the disease of a diagnosis."""
    return codes.coding(interpretation.get("diagnosis", {}).get("disease")) is not None


def _hgvs(descriptor: Mapping[str, Any]) -> dict[str, str]:
    """Return the first expression of each kind (coding, genomic, protein) that is HGVS."""
    found: dict[str, str] = {}
    for each in descriptor.get("expressions", ()):
        value = str(each.get("value", ""))
        kind = _KINDS.get(value.partition(":")[2][:1])
        if str(each.get("syntax", "hgvs")).startswith("hgvs") and kind is not None and is_hgvs(value):
            found.setdefault(kind, value)
    return found


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a row of a VCF stands; nothing where that is not sure, or its alleles are not spelled."""
    assembly, name = _assembly(record.get("genomeAssembly")), chromosome(str(record.get("chrom", "")))
    position = str(record.get("pos", ""))
    ref, alt = str(record.get("ref", "")), str(record.get("alt", ""))
    if assembly is None or name not in CHROMOSOME_ANSWERS or not position.isdecimal() or int(position) < 1:
        return {}
    if BASES.fullmatch(ref) is None or BASES.fullmatch(alt) is None:
        return {}
    start = int(position)
    return {"assembly": assembly, "chrom": name, "pos": start, "end": start + len(ref) - 1, "ref": ref, "alt": alt}


def _assembly(text: Any) -> str | None:
    return _ASSEMBLIES.get(str(text).lower().partition(".p")[0])


# --- written


def variants_of(
    observations: Sequence[tuple[str, Resource]], key_of: Any
) -> Iterator[tuple[str, Resource, str, Resource]]:
    """Yield the variants that are present, each with its key and its implications ("" and an empty one: none)."""
    implications: dict[str, list[tuple[str, Resource]]] = {}
    for key, each in observations:
        if IMPLICATION in _codes(each.get("code")):
            for one in each.get("derivedFrom", ()):
                implications.setdefault(str(key_of(one)), []).append((key, each))
    for key, each in observations:
        if VARIANT in _codes(each.get("code")) and _PRESENT in _codes(each.get("valueCodeableConcept")):
            for own, implication in implications.get(key, [("", {})]):
                yield key, each, own, implication


def _codes(concept: Any) -> list[str]:
    return [str(each.get("code")) for each in (concept or {}).get("coding", ())]


def written(variant: Resource, implication: Resource, kept: Mapping[str, Any], codes: Codes, at: str) -> dict[str, Any]:
    """Return a GenomicInterpretation, with what was kept of it."""
    named = [("Variant", variant), *([("Implication", implication)] if implication else ())]
    return _with(object_of(MESSAGE, named, codes, at), kept)


def _with(made: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is written with what was kept; of two texts of the same the one that was sent holds."""
    whole = merged(made, kept)
    now = made.get("variantInterpretation", {}).get("variationDescriptor", {})
    then = kept.get("variantInterpretation", {}).get("variationDescriptor", {})
    descriptor = whole.get("variantInterpretation", {}).get("variationDescriptor", {})
    values = {each.get("value") for each in then.get("expressions", ())}
    if values and {each.get("value") for each in now.get("expressions", ())} <= values:
        descriptor["expressions"] = then["expressions"]
    sent = {**now.get("vcfRecord", {}), **then.get("vcfRecord", {})}
    if "vcfRecord" in now and _record(sent) == _record(now["vcfRecord"]):
        descriptor["vcfRecord"] = sent
    return whole


def disease_of(implication: Resource, codes: Codes, at: str) -> dict[str, Any] | None:
    """Return the disease that an implication is of as an OntologyClass; None, told, where it has no code."""
    for each in implication.get("component", ()):
        if DISEASE_OF in _codes(each.get("code")) and "valueCodeableConcept" in each:
            found = codes.ontology_class(each["valueCodeableConcept"], at)
            if found is None:
                codes.issues.append(complaints.NOT_WRITTEN.at(at, what="diagnosis.disease"))
            return found
    return None
