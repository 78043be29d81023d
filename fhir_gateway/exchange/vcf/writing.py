"""Variants written as a VCF 4.3 of one sample: header, contigs, rows in order.

Alleles of one position stand in rows of their own, as `bcftools norm --multiallelics -` leaves them; in a genotype "."
is an allele of another row.

Source: VCF 4.3, 1.2 (percent encoding), 1.4, 1.6; 3 (reserved INFO keys); Ensembl VEP, CSQ.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from fhir_gateway.exchange.vcf.complaints import OTHER_ASSEMBLY
from fhir_gateway.exchange.vcf.contigs import ASSEMBLIES, MITOCHONDRION, NAMES, ORDER, Assembly, chromosome, length
from fhir_gateway.exchange.vcf.lines import BGZF_END
from fhir_gateway.exchange.vcf.observation import variant_of
from fhir_gateway.exchange.vcf.row import GENOTYPE, MISSING
from fhir_gateway.exchange.vcf.variant import AllelicState, Interval, Variant
from fhir_gateway.fhir.outcome import Issue

# In the order of VEP's own.
CSQ: Final = ("Allele", "SYMBOL", "HGNC_ID", "Feature", "HGVSc", "HGVSp", "HGVSg", "ALLELE_NUM")
_GENOTYPES: Final[Mapping[AllelicState | None, str]] = {
    "heterozygous": "0/1",
    "homozygous": "1/1",
    "hemizygous": "1",
    "homoplasmic": "1",
    "heteroplasmic": "0/1",
    None: "./1",
}
_INFO: Final = (
    '<ID=END,Number=1,Type=Integer,Description="End position of the variant">',
    '<ID=CIPOS,Number=2,Type=Integer,Description="Confidence interval around POS">',
    '<ID=CIEND,Number=2,Type=Integer,Description="Confidence interval around END">',
    '<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">',
    '<ID=SVLEN,Number=.,Type=Integer,Description="Length of the structural variant">',
    '<ID=IMPRECISE,Number=0,Type=Flag,Description="Imprecise structural variation">',
    '<ID=MATEID,Number=.,Type=String,Description="ID of mate breakends">',
    '<ID=EVENT,Number=1,Type=String,Description="ID of event associated to breakend">',
    '<ID=SOMATIC,Number=0,Type=Flag,Description="Somatic, as the dossier says">',
    f'<ID=CSQ,Number=.,Type=String,Description="As reported. Format: {"|".join(CSQ)}">',
)
_FORMAT: Final = (
    '<ID=GT,Number=1,Type=String,Description="Genotype">',
    '<ID=PS,Number=1,Type=Integer,Description="Phase set">',
    '<ID=AD,Number=R,Type=Integer,Description="Reads that support each allele">',
    '<ID=AF,Number=A,Type=Float,Description="Share of the reads that support the allele">',
    '<ID=CN,Number=1,Type=Float,Description="Copy number">',
)
_UNSAFE_IDENTIFIER: Final = re.compile(r"[\s,]")
_UNSAFE_FILTER: Final = re.compile(r"[\s;,]")
_MATE: Final = re.compile(r"([\[\]])([^\[\]:]+):")
_BLOCK: Final = 0xFF00  # bytes of a BGZF block before compression


@dataclass(frozen=True, slots=True)
class Written:
    """The bytes of a file, and what could not be written, by FHIRPath."""

    data: bytes
    listed: tuple[Issue, ...]


def write(
    resources: Sequence[Mapping[str, Any]], sample: str, assembly: Assembly = ASSEMBLIES[-1], *, bgzip: bool = False
) -> Written:
    """Return the variants among Observations as a VCF of one sample; `sample`: its name there, a pseudonym."""
    variants: list[Variant] = []
    listed: list[Issue] = []
    for place, resource in enumerate(resources):
        expression = f"Observation[{place}]"
        found, issues = variant_of(resource, expression)
        listed += issues
        if found is not None and found.assembly != assembly:
            listed.append(OTHER_ASSEMBLY.at(expression, found=found.assembly, assembly=assembly))
        elif found is not None:
            variants.append(found)
    text = write_variants(variants, sample, assembly)
    return Written(compressed(text) if bgzip else text, tuple(listed))


def write_variants(variants: Iterable[Variant], sample: str, assembly: Assembly) -> bytes:
    """Return variants of one assembly as a VCF, sorted by chromosome, position and alleles.

    Raises: ValueError for a sample name that a header line cannot hold.
    """
    if not sample or any(each in sample for each in "\t\r\n"):
        raise ValueError("the name of a sample has no tab and no line end, and is not empty")
    ordered = sorted(variants, key=lambda each: (ORDER[each.chromosome], each.start, each.ref, each.alt))
    filters = sorted({_filter(name) for each in ordered for name in each.filters} - {"PASS"})
    head = [
        "##fileformat=VCFv4.3",
        f"##reference={assembly}",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f'##FILTER=<ID={each},Description="As in the file of the laboratory">' for each in filters),
        *(f"##INFO={each}" for each in _INFO),
        *(f"##FORMAT={each}" for each in _FORMAT),
        *(f'##ALT=<ID={each},Description="As in the file of the laboratory">' for each in _symbols(ordered)),
        *(
            f"##contig=<ID={contig(each, assembly)},length={length(assembly, each)},assembly={assembly}>"
            for each in NAMES
        ),
        "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", sample)),
    ]
    return ("\n".join([*head, *map(_row, ordered)]) + "\n").encode()


def contig(name: str, assembly: Assembly) -> str:
    """Return the name of a chromosome in files: "chr1" and "chrM" in GRCh38, "1" and "MT" in GRCh37."""
    if assembly == "GRCh38":
        return f"chr{name}"
    return "MT" if name == MITOCHONDRION else name


def _symbols(variants: Iterable[Variant]) -> list[str]:
    return sorted({each.alt[1:-1] for each in variants if each.alt[:1] == "<"})


def _filter(name: str) -> str:
    return _UNSAFE_FILTER.sub("_", name)


def _escaped(text: str) -> str:
    """Return a value of INFO: what separates there is percent-encoded."""
    # What a file wrote encoded is kept so.
    return quote(unquote(text), safe="!\"#$&'()*+-./:<>?@[\\]^_`{}~|")


def _row(variant: Variant) -> str:
    keys, values = zip(*_sample(variant), strict=True)
    alt = _MATE.sub(lambda found: found[1] + _mate(found[2], variant.assembly) + ":", variant.alt)
    return "\t".join(
        (
            contig(variant.chromosome, variant.assembly),
            str(variant.start),
            _UNSAFE_IDENTIFIER.sub("_", variant.identifier or "") or MISSING,
            variant.ref,
            alt,
            MISSING,
            ";".join(map(_filter, variant.filters)) or MISSING,
            ";".join(_info(variant)) or MISSING,
            ":".join(keys),
            ":".join(values),
        )
    )


def _mate(name: str, assembly: Assembly) -> str:
    known = chromosome(name)
    return name if known is None else contig(known, assembly)


def _info(variant: Variant) -> list[str]:
    made = []
    if variant.alt[:1] == "<":
        made.append(f"END={variant.end}")
    if variant.outer is not None:
        low, high = _around(variant.start, variant.end, variant.outer, variant.inner)
        made += [f"CIPOS={low[0]},{low[1]}", f"CIEND={high[0]},{high[1]}"]
    made += [f"{key}={_escaped(value)}" if value else key for key, value in variant.info]
    if variant.source == "somatic":
        made.append("SOMATIC")
    said = variant.annotation
    if said.genomic or said.coding or said.protein or said.gene:
        identity, symbol = said.gene or ("", "")
        parts = (
            variant.alt if variant.alt.isalpha() else "",
            symbol,
            identity,
            said.transcript,
            said.coding,
            said.protein,
            said.genomic,
            "1",
        )
        made.append("CSQ=" + "|".join(quote(each or "", safe=":.()_-+*>?[]<") for each in parts))
    return made


def _around(start: int, end: int, outer: Interval, inner: Interval | None) -> tuple[Interval, Interval]:
    """Return CIPOS and CIEND; where no inner interval is known, as wide inwards as outwards."""
    before, late = min(outer[0] - start, 0), max(outer[1] - end, 0)
    if inner is None:
        return (before, -before), (-late, late)
    return (before, max(inner[0] - start, 0)), (min(inner[1] - end, 0), late)


def _sample(variant: Variant) -> list[tuple[str, str]]:
    stated = variant.genotype
    is_fit = stated is not None and GENOTYPE.fullmatch(stated) is not None and not set("23456789") & set(stated)
    made = [("GT", stated if stated is not None and is_fit else _GENOTYPES[variant.state])]
    if variant.phase_set is not None and variant.phase_set.isdecimal():
        made.append(("PS", variant.phase_set))
    if variant.depth is not None:
        made.append(("AD", f"{MISSING},{variant.depth}"))
    if variant.frequency is not None:
        made.append(("AF", variant.frequency))
    if variant.copies is not None:
        made.append(("CN", variant.copies))
    return made


def compressed(data: bytes) -> bytes:
    """Return bytes as bgzip has them: gzip members of at most 64 kB that name their size, and an empty one.

    Source: SAM 1, 4.1.
    """
    blocks = []
    for start in range(0, len(data), _BLOCK):
        plain = data[start : start + _BLOCK]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(plain) + packer.flush()
        # 18 bytes of head and 8 of tail; BSIZE is one less than the whole block.
        head = struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(packed) + 25)
        blocks.append(head + packed + struct.pack("<2I", zlib.crc32(plain), len(plain)))
    return b"".join((*blocks, BGZF_END))
