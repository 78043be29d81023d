"""What CSQ (VEP) and ANN (SnpEff) say of an ALT, where it is HGVS by its grammar.

Source: Ensembl VEP, "Output formats", VCF; SnpEff, "Variant annotations in VCF format" 1.0; HGVS Nomenclature 21.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from fhir_gateway.exchange.vcf.complaints import NOT_HGVS, TRANSCRIPTS_SEVERAL
from fhir_gateway.exchange.vcf.contigs import MITOCHONDRION, accession
from fhir_gateway.exchange.vcf.row import Row
from fhir_gateway.exchange.vcf.variant import BASES, Annotation, Variant
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.hgvs import is_hgvs

# One name for a part, by the names that VEP and SnpEff give it.
_PARTS: Final[Mapping[str, str]] = {
    "Allele": "allele",
    "ALLELE_NUM": "number",
    "SYMBOL": "symbol",
    "Gene_Name": "symbol",
    "HGNC_ID": "hgnc",
    "Feature": "transcript",
    "Feature_ID": "transcript",
    "HGVSc": "coding",
    "HGVS.c": "coding",
    "HGVSp": "protein",
    "HGVS.p": "protein",
    "HGVSg": "genomic",
    "MANE_SELECT": "mane",
    "PICK": "pick",
    "CANONICAL": "canonical",
}
_MARKS: Final = (("mane", None), ("pick", "1"), ("canonical", "YES"))


def annotation(row: Row, place: int, layouts: Mapping[str, Sequence[str]]) -> tuple[Annotation, list[Issue]]:
    """Return what is annotated of ALT number `place` (from 1), and what was left out.

    A transcript is taken when it is the only one with HGVS c. or the only one marked: MANE Select, PICK, canonical.
    """
    found = [
        each
        for field, layout in layouts.items()
        if field in row.info
        for each in _entries(row.info[field], layout)
        if _is_of(each, row, place)
    ]
    issues: list[Issue] = []
    chosen = _chosen([each for each in found if "coding" in each], row.line, issues)
    genomic = {each["genomic"] for each in found if "genomic" in each}
    symbols = {(each.get("hgnc", ""), each["symbol"]) for each in found if "symbol" in each}
    if chosen is not None and "symbol" in chosen:
        symbols = {(chosen.get("hgnc", ""), chosen["symbol"])}
    said = {"genomic": genomic.pop()} if len(genomic) == 1 else {}
    said |= {} if chosen is None else {key: chosen[key] for key in ("coding", "protein") if key in chosen}
    kept: dict[str, str] = {}
    for key, text in said.items():
        if is_hgvs(text):
            kept[key] = text
        else:
            issues.append(NOT_HGVS.at(f"line {row.line}", line=row.line, field=f"HGVS {key[0]}.", value=text[:80]))
    transcript = kept["coding"].partition(":")[0] if "coding" in kept else None
    gene = symbols.pop() if len(symbols) == 1 else None
    return Annotation(kept.get("genomic"), kept.get("coding"), kept.get("protein"), transcript, gene), issues


def _entries(text: str, layout: Sequence[str]) -> list[dict[str, str]]:
    names = [_PARTS.get(each) for each in layout]
    made = []
    for entry in text.split(","):
        said = {name: unquote(value) for name, value in zip(names, entry.split("|"), strict=False) if name and value}
        if "hgnc" in said and not said["hgnc"].startswith("HGNC:"):
            said["hgnc"] = f"HGNC:{said['hgnc']}"
        # SnpEff writes the change alone ("c.35G>A"), beside its transcript.
        if said.get("coding", "")[:2] in ("c.", "n.") and "transcript" in said:
            said["coding"] = f"{said['transcript']}:{said['coding']}"
        made.append(said)
    return made


def _is_of(said: Mapping[str, str], row: Row, place: int) -> bool:
    """Tell whether an entry is of this ALT: by its number, as it stands, or cut as VEP cuts it ("-": nothing left)."""
    if "number" in said:
        return said["number"] == str(place)
    alt = row.alts[place - 1]
    if len(row.alts) == 1:
        return True
    is_padded = all(each[:1] == row.ref[:1] for each in row.alts if BASES.fullmatch(each)) and any(
        len(each) != len(row.ref) for each in row.alts
    )
    return said.get("allele") in (alt, (alt[1:] or "-") if is_padded else alt)


def _chosen(found: Sequence[Mapping[str, str]], line: int, issues: list[Issue]) -> Mapping[str, str] | None:
    for mark, value in _MARKS:
        marked = [each for each in found if mark in each and value in (None, each[mark])]
        if len({each["coding"] for each in marked}) == 1:
            return marked[0]
    count = len({each["coding"] for each in found})
    if count > 1:
        issues.append(TRANSCRIPTS_SEVERAL.at(f"line {line}", line=line, count=count))
    return found[0] if count == 1 else None


def substitution(variant: Variant) -> str | None:
    """Return HGVS g. (m. of the mitochondrion) of a change of one base; None of any other change.

    Others would have to be shifted towards 3' along the reference sequence, which is not at hand.
    """
    ref, alt = variant.ref.upper(), variant.alt.upper()
    if len(ref) != 1 or len(alt) != 1 or not {ref, alt} <= set("ACGT") or ref == alt:
        return None
    kind = "m" if variant.chromosome == MITOCHONDRION else "g"
    return f"{accession(variant.assembly, variant.chromosome)}:{kind}.{variant.start}{ref}>{alt}"
