"""A variant as an Observation of profile pfmg-variant, and back; components are known by their LOINC code.

What GR has no component for (FILTER, GT, PS, ID, the structural INFO keys) stands in components named by text,
"VCF FILTER" and so on: readable, and read back.

Source: Genomics Reporting 3.0.0, Variant; `profiles/pfmg/input/fsh/resultats.fsh`; LOINC answer lists LL381-5, LL378-1,
LL5323-2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.exchange.vcf.complaints import ALLELE_UNFIT, NO_POSITION, NOT_A_VARIANT, OFF_CONTIG
from fhir_gateway.exchange.vcf.contigs import (
    ASSEMBLY_ANSWERS,
    CHROMOSOME_ANSWERS,
    MITOCHONDRION,
    Assembly,
    accession,
    assembly_of_accession,
    chromosome,
    length,
)
from fhir_gateway.exchange.vcf.variant import (
    BASES,
    BREAKEND,
    CHANGES,
    KEPT,
    SYMBOLIC,
    AllelicState,
    Annotation,
    Interval,
    SourceClass,
    Variant,
    change,
)
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Issue

Resource = dict[str, Any]
PROFILE: Final = f"{CANONICAL_BASE}/StructureDefinition/pfmg-variant"
LOINC: Final = "http://loinc.org"
HGVS: Final = "http://varnomen.hgvs.org"
HGNC: Final = "http://www.genenames.org"
SEQUENCE_ONTOLOGY: Final = "http://www.sequenceontology.org"
NUCCORE: Final = "http://www.ncbi.nlm.nih.gov/nuccore"
UCUM: Final = "http://unitsofmeasure.org"
STATES: Final[Mapping[AllelicState, str]] = {
    "heteroplasmic": "LA6703-8",
    "homoplasmic": "LA6704-6",
    "homozygous": "LA6705-3",
    "heterozygous": "LA6706-1",
    "hemizygous": "LA6707-9",
}
SOURCES: Final[Mapping[SourceClass, str]] = {"germline": "LA6683-2", "somatic": "LA6684-0"}
ONE_BASED: Final = "LA30102-0"
# What is added to low and high: counting bases from 1; gaps between bases from 0; bases from 0.
_SHIFTS: Final[Mapping[str, Interval]] = {ONE_BASED: (0, 0), "LA30100-4": (1, 0), "LA30101-2": (1, 1)}
PRESENT: Final = "LA9633-4"
SEQUENCING: Final = "LA26398-0"
_VCF: Final = "VCF "
_SUBSTITUTION: Final = re.compile(r"(NC_[0-9]{6}\.[0-9]+):[gm]\.([0-9]+)([ACGT])>([ACGT])")
_ASSEMBLY_OF: Final = {code: name for name, code in ASSEMBLY_ANSWERS.items()}
_CHROMOSOME_OF: Final = {code: name for name, code in CHROMOSOME_ANSWERS.items()}
_STATE_OF: Final = {code: name for name, code in STATES.items()}
_SOURCE_OF: Final = {code: name for name, code in SOURCES.items()}


@dataclass(frozen=True, slots=True)
class About:
    """What a VCF does not say: whose variant, of which specimen, found by whom and when (references, a date)."""

    subject: Resource
    specimen: Resource | None = None
    performer: tuple[Resource, ...] = ()
    effective: str | None = None
    status: str = "final"
    method: str | None = SEQUENCING


def observation(variant: Variant, about: About) -> Resource:
    """Return the Observation of a variant, without id and identifier: those are the importer's."""
    made: Resource = {
        "resourceType": "Observation",
        "meta": {"profile": [PROFILE]},
        "status": about.status,
        "category": [
            _concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
            _concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE"),
        ],
        "code": _concept(LOINC, "69548-6"),
        "subject": about.subject,
    }
    if about.effective is not None:
        made["effectiveDateTime"] = about.effective
    if about.performer:
        made["performer"] = list(about.performer)
    made["valueCodeableConcept"] = _concept(LOINC, PRESENT)
    if about.method is not None:
        made["method"] = _concept(LOINC, about.method)
    if about.specimen is not None:
        made["specimen"] = about.specimen
    made["component"] = [*_named(variant), *_placed(variant), *_measured(variant), *_kept(variant)]
    return made


def _named(variant: Variant) -> list[Resource]:
    said = variant.annotation
    made = []
    if said.gene is not None:
        identity, symbol = said.gene
        made.append(_coded("48018-6", _concept(HGNC, identity, symbol) if identity else {"text": symbol}))
    if said.coding is not None:
        made.append(_coded("48004-6", _concept(HGVS, said.coding)))
    if said.genomic is not None:
        made.append(_coded("81290-9", _concept(HGVS, said.genomic)))
    if said.protein is not None:
        made.append(_coded("48005-3", _concept(HGVS, said.protein)))
    if said.transcript is not None:
        is_refseq = said.transcript[:3] in ("NM_", "NR_", "XM_", "XR_")
        made.append(_coded("51958-7", _concept(NUCCORE, said.transcript) if is_refseq else {"text": said.transcript}))
    return made


def _placed(variant: Variant) -> list[Resource]:
    made = [
        _coded("48013-7", _concept(NUCCORE, accession(variant.assembly, variant.chromosome))),
        _coded("62374-4", _concept(LOINC, ASSEMBLY_ANSWERS[variant.assembly], variant.assembly)),
    ]
    if variant.chromosome in CHROMOSOME_ANSWERS:
        made.append(_coded("48000-4", _concept(LOINC, CHROMOSOME_ANSWERS[variant.chromosome])))
    made.append(_coded("92822-6", _concept(LOINC, ONE_BASED, "1-based character counting")))
    made.append(_range("81254-5", (variant.start, variant.end)))
    if variant.inner is not None:
        made.append(_range("81302-2", variant.inner))
    if variant.outer is not None:
        made.append(_range("81301-4", variant.outer))
    made.append(_component("69547-8", valueString=variant.ref))
    made.append(_component("69551-0", valueString=variant.alt))
    code = change(variant.ref, variant.alt)
    if code is not None:
        made.append(_coded("48019-4", _concept(SEQUENCE_ONTOLOGY, code, CHANGES[code])))
    return made


def _measured(variant: Variant) -> list[Resource]:
    made = []
    if variant.copies is not None:
        made.append(_component("82155-3", valueQuantity=_quantity(Number(variant.copies))))
    if variant.state is not None:
        made.append(_coded("53034-5", _concept(LOINC, STATES[variant.state], variant.state)))
    if variant.frequency is not None:
        made.append(_component("81258-6", valueQuantity=_quantity(Number(variant.frequency))))
    if variant.depth is not None:
        made.append(_component("82121-5", valueQuantity=_quantity(variant.depth)))
    if variant.source is not None:
        made.append(_coded("48002-0", _concept(LOINC, SOURCES[variant.source], variant.source.capitalize())))
    return made


def _kept(variant: Variant) -> list[Resource]:
    info = ";".join(f"{key}={value}" if value else key for key, value in variant.info)
    texts = {
        "ID": variant.identifier,
        "FILTER": ";".join(variant.filters) or None,
        "GT": variant.genotype,
        "PS": variant.phase_set,
        "INFO": info or None,
    }
    return [{"code": {"text": f"{_VCF}{key}"}, "valueString": text} for key, text in texts.items() if text is not None]


def _concept(system: str, code: str, display: str | None = None) -> Resource:
    coding = {"system": system, "code": code}
    return {"coding": [coding if display is None else {**coding, "display": display}]}


def _component(loinc: str, **value: Any) -> Resource:
    return {"code": _concept(LOINC, loinc), **value}


def _coded(loinc: str, value: Resource) -> Resource:
    return _component(loinc, valueCodeableConcept=value)


def _range(loinc: str, interval: Interval) -> Resource:
    return _component(loinc, valueRange={"low": {"value": interval[0]}, "high": {"value": interval[1]}})


def _quantity(value: int | Number) -> Resource:
    return {"value": value, "unit": "1", "system": UCUM, "code": "1"}


# --- back


class _Components:
    """The components of an Observation, by their LOINC code or, for what VCF alone has, by their text."""

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._of: dict[str, Mapping[str, Any]] = {}
        for each in resource.get("component", ()):
            said = each.get("code", {})
            codings = [coding for coding in said.get("coding", ()) if coding.get("system") == LOINC]
            for name in [*(str(coding.get("code")) for coding in codings), str(said.get("text", ""))]:
                self._of.setdefault(name, each)

    def code(self, name: str, system: str | None = None) -> str | None:
        for coding in self._of.get(name, {}).get("valueCodeableConcept", {}).get("coding", ()):
            if system in (None, coding.get("system")) and "code" in coding:
                return str(coding["code"])
        return None

    def concept(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._of.get(name, {}).get("valueCodeableConcept", {})
        return found

    def text(self, name: str) -> str | None:
        found = self._of.get(name, {}).get("valueString")
        return None if found is None else str(found)

    def quantity(self, name: str) -> Any:
        return self._of.get(name, {}).get("valueQuantity", {}).get("value")

    def number(self, name: str) -> str | None:
        found = self.quantity(name)
        return None if found is None else (found.text if isinstance(found, Number) else str(found))

    def interval(self, name: str) -> tuple[int | None, int | None]:
        found = self._of.get(name, {}).get("valueRange", {})
        low, high = (_whole(found.get(each, {}).get("value")) for each in ("low", "high"))
        return low, high

    def pair(self, name: str) -> Interval | None:
        low, high = self.interval(name)
        return None if low is None or high is None else (low, high)


def _whole(value: Any) -> int | None:
    """Return a number that is whole; None for any other and for what is absent."""
    return None if value is None or value != int(value) else int(value)


def variant_of(resource: Mapping[str, Any], expression: str = "Observation") -> tuple[Variant | None, list[Issue]]:
    """Return the variant that an Observation tells, with its position and alleles; None and why not.

    Where there is no position, HGVS g. of a change of one base is one.
    """
    coded = {each.get("code") for each in resource.get("code", {}).get("coding", ())}
    value = {each.get("code") for each in resource.get("valueCodeableConcept", {}).get("coding", ())}
    if resource.get("resourceType") != "Observation" or "69548-6" not in coded or PRESENT not in value:
        return None, [NOT_A_VARIANT.at(expression)]
    parts = _Components(resource)
    assembly, name = _sequence(parts)
    start, end = _extent(parts)
    ref, alt = parts.text("69547-8"), parts.text("69551-0")
    genomic = parts.code("81290-9")
    named = _SUBSTITUTION.fullmatch(genomic or "")
    if named is not None and (start is None or ref is None or alt is None):
        assembly = assembly or assembly_of_accession(named[1])
        name, start, end, ref, alt = chromosome(named[1]), int(named[2]), int(named[2]), named[3], named[4]
    missing = [
        word
        for word, said in (
            ("assembly", assembly),
            ("chromosome", name),
            ("position", start),
            ("reference allele", ref),
            ("alternative allele", alt),
        )
        if said is None
    ]
    if assembly is None or name is None or start is None or ref is None or alt is None:
        return None, [NO_POSITION.at(expression, missing=", ".join(missing))]
    made = _variant(parts, assembly, name, start, end, ref, alt)
    unfit = _unfit(made, expression)
    return (None, unfit) if unfit else (made, [])


def _extent(parts: _Components) -> Interval | tuple[int | None, int | None]:
    """Return start and end counted from 1, both included; nothing where the way of counting is not said."""
    low, high = parts.interval("81254-5")
    shifts = _SHIFTS.get(parts.code("92822-6", LOINC) or "")
    if shifts is None:
        return None, None
    return None if low is None else low + shifts[0], None if high is None else high + shifts[1]


def _unfit(variant: Variant, expression: str) -> list[Issue]:
    """Return why a variant cannot stand in a row: its alleles, its place."""
    issues = []
    if BASES.fullmatch(variant.ref) is None:
        issues.append(ALLELE_UNFIT.at(expression, field="REF", value=repr(variant.ref[:60])))
    if not any(each.fullmatch(variant.alt) for each in (BASES, SYMBOLIC, BREAKEND)):
        issues.append(ALLELE_UNFIT.at(expression, field="ALT", value=repr(variant.alt[:60])))
    bases = length(variant.assembly, variant.chromosome)
    if not 1 <= variant.start <= variant.end <= bases:
        values = {"contig": variant.chromosome, "assembly": variant.assembly, "length": bases}
        issues.append(OFF_CONTIG.at(expression, start=variant.start, end=variant.end, **values))
    return issues


def _sequence(parts: _Components) -> tuple[Assembly | None, str | None]:
    sequence = parts.code("48013-7")
    name = chromosome(sequence) if sequence is not None else _CHROMOSOME_OF.get(parts.code("48000-4", LOINC) or "")
    assembly = _ASSEMBLY_OF.get(parts.code("62374-4", LOINC) or "")
    if sequence is not None and name != MITOCHONDRION:
        assembly = assembly_of_accession(sequence) or assembly
    return assembly, name


def _variant(
    parts: _Components, assembly: Assembly, name: str, start: int, end: int | None, ref: str, alt: str
) -> Variant:
    depth = parts.quantity("82121-5")
    info = [each.partition("=") for each in (parts.text("VCF INFO") or "").split(";") if each]
    gene = parts.concept("48018-6")
    symbol = next((each.get("display", "") for each in gene.get("coding", ())), gene.get("text", ""))
    identity = parts.code("48018-6", HGNC) or ""
    transcript = parts.code("51958-7") or parts.concept("51958-7").get("text")
    return Variant(
        assembly=assembly,
        chromosome=name,
        start=start,
        end=start + len(ref) - 1 if end is None else end,
        ref=ref,
        alt=alt,
        state=_STATE_OF.get(parts.code("53034-5", LOINC) or ""),
        depth=_whole(depth),
        frequency=parts.number("81258-6"),
        copies=parts.number("82155-3"),
        outer=parts.pair("81301-4"),
        inner=parts.pair("81302-2"),
        source=_SOURCE_OF.get(parts.code("48002-0", LOINC) or ""),
        annotation=Annotation(
            genomic=parts.code("81290-9"),
            coding=parts.code("48004-6"),
            protein=parts.code("48005-3"),
            transcript=transcript,
            gene=(identity, symbol) if identity or symbol else None,
        ),
        identifier=parts.text("VCF ID"),
        filters=tuple(each for each in (parts.text("VCF FILTER") or "").split(";") if each),
        genotype=parts.text("VCF GT"),
        phase_set=parts.text("VCF PS"),
        info=tuple((key, value) for key, _, value in info if key in KEPT),
    )
