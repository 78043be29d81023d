"""A variant of one sample, as a row of a VCF and an Observation both can tell it.

Source: VCF 4.4, 1.6.1 (fixed fields), 3 (INFO keys of structural variants); Genomics Reporting 3.0.0, Variant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from fhir_gateway.exchange.vcf.contigs import Assembly

AllelicState = Literal["heterozygous", "homozygous", "hemizygous", "heteroplasmic", "homoplasmic"]
SourceClass = Literal["germline", "somatic"]
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What an annotator says of a variant, where it is HGVS; `gene`: HGNC id and symbol, either may be empty."""

    genomic: str | None = None
    coding: str | None = None
    protein: str | None = None
    transcript: str | None = None
    gene: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One called ALT of one sample.

    `start`, `end`: 1-based and inclusive, the bases that REF (or a symbolic ALT and END) spans; `start` is POS, so that
    position, REF and ALT mean what they mean in the file. `outer`, `inner`: where the ends are uncertain.
    `frequency`, `copies`: numbers as their author wrote them. `genotype`: of this ALT ("0/1", "1|0", "1/."; "." is
    any other ALT). `info`: the structural keys kept, in the order of KEPT; a flag has an empty value.
    """

    assembly: Assembly
    chromosome: str
    start: int
    end: int
    ref: str
    alt: str
    state: AllelicState | None = None
    depth: int | None = None
    frequency: str | None = None
    copies: str | None = None
    outer: Interval | None = None
    inner: Interval | None = None
    source: SourceClass | None = None
    annotation: Annotation = Annotation()
    identifier: str | None = None
    filters: tuple[str, ...] = ()
    genotype: str | None = None
    phase_set: str | None = None
    info: tuple[tuple[str, str], ...] = ()


KEPT: Final = ("SVTYPE", "SVLEN", "IMPRECISE", "MATEID", "EVENT")
BASES: Final = re.compile(r"[ACGTNacgtn]+")
SYMBOLIC: Final = re.compile(r"<([^<>\s,;]+)>")
BREAKEND: Final = re.compile(
    r"[ACGTNacgtn.]*([\[\]])([^\[\]\s,]+):([0-9]+)\1[ACGTNacgtn.]*|\.[ACGTNacgtn]+|[ACGTNacgtn]+\."
)

# The first part of a symbolic allele, or both, to Sequence Ontology. CN0 … are copy numbers: a loss or a gain only
# beside the copies of the other chromosome, hence copy_number_variation.
_SYMBOLS: Final = {
    "DEL": "SO:0000159",
    "DUP": "SO:1000035",
    "DUP:TANDEM": "SO:1000173",
    "INS": "SO:0000667",
    "INV": "SO:1000036",
    "CNV": "SO:0001019",
    "CNV:TR": "SO:0001019",
    "INS:ME": "SO:0001837",
    "DEL:ME": "SO:0002066",
}
CHANGES: Final = {
    "SO:0001483": "SNV",
    "SO:0002007": "MNV",
    "SO:1000032": "delins",
    "SO:0000159": "deletion",
    "SO:0000667": "insertion",
    "SO:1000035": "duplication",
    "SO:1000173": "tandem_duplication",
    "SO:1000036": "inversion",
    "SO:0001019": "copy_number_variation",
    "SO:0001837": "mobile_element_insertion",
    "SO:0002066": "mobile_element_deletion",
    "SO:0001021": "chromosome_breakpoint",
}
_COPIES: Final = re.compile(r"CN[0-9]+")
# What SVTYPE may call each change; INS and DEL are also what callers write of explicit alleles, DUP of an insertion.
_SVTYPES: Final = {
    "SO:0001483": frozenset[str](),
    "SO:0002007": frozenset({"INV"}),
    "SO:1000032": frozenset({"INS", "DEL", "INV", "DUP"}),
    "SO:0000159": frozenset({"DEL"}),
    "SO:0000667": frozenset({"INS", "DUP"}),
}


def change(ref: str, alt: str) -> str | None:
    """Return the Sequence Ontology code of a change, as its alleles say it; None when they name none.

    An insertion or deletion is one when the shorter allele is the base before, as VCF pads; else it is a delins.
    """
    if BASES.fullmatch(alt) is not None:
        if len(ref) == len(alt):
            return "SO:0001483" if len(ref) == 1 else "SO:0002007"
        if len(ref) == 1 and alt[:1].upper() == ref.upper():
            return "SO:0000667"
        return "SO:0000159" if len(alt) == 1 and ref[:1].upper() == alt.upper() else "SO:1000032"
    symbol = SYMBOLIC.fullmatch(alt)
    if symbol is None:
        return "SO:0001021" if BREAKEND.fullmatch(alt) is not None else None
    parts = symbol[1].split(":")
    if _COPIES.fullmatch(parts[0]) is not None:
        return "SO:0001019"
    return _SYMBOLS.get(":".join(parts[:2]), _SYMBOLS.get(parts[0]))


def agrees(svtype: str, code: str) -> bool:
    """Tell whether SVTYPE may stand beside explicit alleles that make this change."""
    return svtype in _SVTYPES.get(code, frozenset({svtype}))


def smallest(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return the same change with the fewest bases, in upper case: those that both alleles share are cut, the last
    first. One base is left to each allele, as VCF demands.

    Beside a symbol or a breakend REF is the base before, which callers may write N: it is left out.
    """
    if BASES.fullmatch(alt) is None:
        return start, "", alt
    ref, alt = ref.upper(), alt.upper()
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return start, ref, alt
