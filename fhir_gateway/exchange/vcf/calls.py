"""From a row to the variants that one sample has: which ALTs are called, in what allelic state, by how many reads.

Source: VCF 4.4, 1.6.2 (GT, AD, DP, AO, AF), 3 (END, SVLEN, CIPOS, CIEND), 5 (structural variants, CN);
LOINC answer list LL381-5 (allelic state).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from fhir_gateway.exchange.vcf import complaints as said
from fhir_gateway.exchange.vcf.annotations import annotation, substitution
from fhir_gateway.exchange.vcf.contigs import MITOCHONDRION, Assembly, assembly_of_accession, chromosome, length
from fhir_gateway.exchange.vcf.row import GENOTYPE, MISSING, OVERLAPPED, Genotype, Row, genotype
from fhir_gateway.exchange.vcf.variant import (
    BASES,
    CHANGES,
    KEPT,
    AllelicState,
    Interval,
    SourceClass,
    Variant,
    agrees,
    change,
)
from fhir_gateway.fhir.outcome import Issue

HOMOPLASMIC: Final = Decimal("0.99")  # of the reads, from which on a mitochondrial variant counts as in all copies
_NOTHING: Final = frozenset({OVERLAPPED, "<*>", "<NON_REF>", "<X>"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE]-?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the rows. `source`: of the dossier, for a VCF cannot tell it; `ungenotyped`: rows without GT
    are calls too (somatic callers such as Strelka and Manta write none)."""

    assembly: Assembly
    layouts: Mapping[str, Sequence[str]]
    source: SourceClass | None = None
    ungenotyped: bool = False
    other_mitochondrion: bool = False


def variants(row: Row, wish: Wish, only: frozenset[int] | None = None) -> tuple[list[Variant], list[Issue]]:
    """Return one variant for each called ALT, and why there are none or what is left out.

    `only`: numbers of the ALTs that are asked for, from 1; None: all.
    """
    name, issues = _place(row, wish)
    if name is None:
        return [], issues
    called, told = _called(row, wish)
    issues += told
    made: list[Variant] = []
    for alt in called if only is None else [each for each in called if each in only]:
        if row.alts[alt - 1] in _NOTHING:
            issues.append(said.NO_ALLELE.at(f"line {row.line}", line=row.line, allele=row.alts[alt - 1]))
        else:
            made.append(_variant(row, name, alt, wish, issues))
    return made, issues


def _place(row: Row, wish: Wish) -> tuple[str | None, list[Issue]]:
    name, at = chromosome(row.contig), f"line {row.line}"
    of = assembly_of_accession(row.contig)
    if name is None or of not in (None, wish.assembly) or (name == MITOCHONDRION and wish.other_mitochondrion):
        return None, [said.CONTIG_UNKNOWN.at(at, line=row.line, contig=row.contig, assembly=wish.assembly)]
    bases = length(wish.assembly, name)
    last = row.start + len(row.ref) - 1
    if last > bases:
        values = {"line": row.line, "position": last, "contig": name, "assembly": wish.assembly, "length": bases}
        return None, [said.BEYOND_CONTIG.at(at, **values)]
    return name, []


def _called(row: Row, wish: Wish) -> tuple[list[int], list[Issue]]:
    """Return the numbers of the ALTs that the sample has, and why none."""
    at, line = f"line {row.line}", row.line
    if "GT" not in row.sample:
        if wish.ungenotyped and row.alts:
            return list(range(1, len(row.alts) + 1)), []
        return [], [said.NO_GENOTYPE.at(at, line=line)]
    text = row.sample["GT"]
    alleles = _genotype(row).alleles
    called = sorted({each for each in alleles if each})
    if called:
        half = [said.HALF_CALL.at(at, line=line, genotype=text)] if None in alleles else []
        return called, half
    if None not in alleles:
        return [], [said.REFERENCE_CALL.at(at, line=line, genotype=text)]
    copies = f" CN={row.sample['CN']}." if row.sample.get("CN", MISSING) != MISSING else ""
    return [], [said.NO_CALL.at(at, line=line, genotype=text, more=copies)]


def _genotype(row: Row) -> Genotype:
    found = genotype(row.sample["GT"])
    if found is None:
        raise ValueError("a row is checked before it is called")
    return found


def _variant(row: Row, name: str, alt: int, wish: Wish, issues: list[Issue]) -> Variant:
    text = row.alts[alt - 1]
    depth, frequency = _reads(row, alt, issues)
    notes, told = annotation(row, alt, wish.layouts)
    issues += told
    outer, inner, end = _extent(row, text, length(wish.assembly, name), issues)
    state = _state(row, name, alt, depth, frequency, issues)
    copies = row.sample.get("CN", MISSING)
    if copies != MISSING and _DECIMAL.fullmatch(copies) is None:
        _left_out(issues, row, "CN", copies)
        copies = MISSING
    phase_set = row.sample.get("PS", MISSING)
    if phase_set != MISSING and _INTEGER.fullmatch(phase_set) is None:
        _left_out(issues, row, "PS", phase_set)
        phase_set = MISSING
    filters = row.filters
    sample_filter = row.sample.get("FT", MISSING)
    if sample_filter not in (MISSING, "PASS"):
        filters = (*(each for each in filters if each != "PASS"), *sample_filter.split(";"))
    _compare(row, text, issues)
    made = Variant(
        assembly=wish.assembly,
        chromosome=name,
        start=row.start,
        end=end,
        ref=row.ref,
        alt=text,
        state=state,
        depth=depth,
        frequency=frequency,
        copies=None if copies == MISSING else copies,
        outer=outer,
        inner=inner,
        source=wish.source,
        annotation=notes,
        identifier=row.identifier,
        filters=filters,
        genotype=_genotype(row).of(alt) if "GT" in row.sample else None,
        phase_set=None if phase_set == MISSING else phase_set,
        info=tuple((key, row.info[key]) for key in KEPT if key in row.info),
    )
    return _with_substitution(made)


def _with_substitution(made: Variant) -> Variant:
    genomic = substitution(made) if made.annotation.genomic is None else None
    if genomic is None:
        return made
    return replace(made, annotation=replace(made.annotation, genomic=genomic))


def _compare(row: Row, alt: str, issues: list[Issue]) -> None:
    """Note where SVTYPE and explicit alleles say two things: the alleles are what was sequenced."""
    code = change(row.ref, alt)
    svtype = row.info.get("SVTYPE")
    if svtype and code is not None and BASES.fullmatch(alt) is not None and not agrees(svtype, code):
        values = {"line": row.line, "svtype": svtype, "ref": row.ref[:20], "alt": alt[:20], "change": CHANGES[code]}
        issues.append(said.SVTYPE_DIFFERS.at(f"line {row.line}", **values))


def _state(
    row: Row, name: str, alt: int, depth: int | None, frequency: str | None, issues: list[Issue]
) -> AllelicState | None:
    """Return the allelic state: by the reads in the mitochondrion, else by the genotype and the chromosome."""
    if name == MITOCHONDRION:
        total = _total(row)
        share = Decimal(depth) / total if depth is not None and total else None
        if share is None and frequency is not None:
            share = Decimal(frequency)
        if share is None:
            return None
        return "homoplasmic" if share >= HOMOPLASMIC else "heteroplasmic"
    if "GT" not in row.sample:
        return None
    alleles = _genotype(row).alleles
    if None in alleles:
        return None
    if len(alleles) > 1:
        return "homozygous" if set(alleles) == {alt} else "heterozygous"
    if name in ("X", "Y"):
        return "hemizygous"
    values = {"line": row.line, "genotype": row.sample["GT"], "contig": name}
    issues.append(said.HAPLOID_AUTOSOME.at(f"line {row.line}", **values))
    return None


def _numbers(row: Row, key: str, issues: list[Issue]) -> list[int | None]:
    """Return a list of counts of the sample, "." as None; empty when absent or no counts."""
    text = row.sample.get(key, MISSING)
    if text == MISSING:
        return []
    parts = text.split(",")
    if any(each != MISSING and (_INTEGER.fullmatch(each) is None or int(each) < 0) for each in parts):
        _left_out(issues, row, key, text)
        return []
    return [None if each == MISSING else int(each) for each in parts]


def _total(row: Row) -> int | None:
    depths = _numbers(row, "DP", []) or _numbers(row, "AD", [])
    return None if not depths or None in depths else sum(each for each in depths if each is not None)


def _reads(row: Row, alt: int, issues: list[Issue]) -> tuple[int | None, str | None]:
    """Return the reads that support an ALT and its share of all: as stated (VAF, AF), else of AD or AO and RO."""
    depths = _numbers(row, "AD", issues)
    if depths and len(depths) != len(row.alts) + 1:
        _left_out(issues, row, "AD", row.sample["AD"])
        depths = []
    if not depths:
        others = _numbers(row, "AO", issues)
        if len(others) == len(row.alts):
            depths = [*(_numbers(row, "RO", issues)[:1] or [None]), *others]
    depth = depths[alt] if depths else None
    for key in ("VAF", "AF"):
        shares = row.sample.get(key, MISSING).split(",")
        stated = shares[alt - 1] if len(shares) == len(row.alts) else MISSING
        if stated == MISSING:
            continue
        if _DECIMAL.fullmatch(stated) is not None and Decimal(stated) <= 1:
            return depth, stated
        _left_out(issues, row, key, stated)
    total = sum(each for each in depths if each is not None)
    if depth is None or None in depths or total == 0:
        return depth, None
    return depth, str((Decimal(depth) / total).quantize(Decimal("0.0001")))


def _integer(row: Row, key: str, issues: list[Issue]) -> int | None:
    text = row.info.get(key, MISSING).split(",")[0]
    if text == MISSING:
        return None
    if _INTEGER.fullmatch(text) is None:
        _left_out(issues, row, key, text)
        return None
    return int(text)


def _around(row: Row, key: str, issues: list[Issue]) -> Interval:
    text = row.info.get(key, MISSING)
    if text == MISSING:
        return 0, 0
    low, _, high = text.partition(",")
    if _INTEGER.fullmatch(low) is None or _INTEGER.fullmatch(high) is None or int(low) > int(high):
        _left_out(issues, row, key, text)
        return 0, 0
    return int(low), int(high)


def _extent(row: Row, alt: str, bases: int, issues: list[Issue]) -> tuple[Interval | None, Interval | None, int]:
    """Return the outer and inner interval, where the ends are uncertain, and the last base.

    Explicit alleles span REF. A symbolic one ends at END, or as far as SVLEN says (VCF 4.4); an insertion and a
    breakend span the one base beside them. `bases`: of the contig, beyond which nothing ends.
    """
    last = row.start + len(row.ref) - 1
    if alt[:1] != "<":
        if BASES.fullmatch(alt) is not None:
            return None, None, last
        end = last
    else:
        stated, size = _integer(row, "END", issues), _integer(row, "SVLEN", issues)
        is_insertion = alt.startswith("<INS")
        end = last if stated is None else stated
        if stated is None and size is not None and not is_insertion:
            end = row.start + abs(size)
        if not row.start <= end <= bases:
            _left_out(issues, row, *(("SVLEN", str(size)) if stated is None else ("END", str(stated))))
            end = last
    (before, after), (early, late) = _around(row, "CIPOS", issues), _around(row, "CIEND", issues)
    if not (before or after or early or late):
        return None, None, end
    outer = (max(1, row.start + min(before, 0)), min(bases, max(end + max(late, 0), row.start + max(after, 0))))
    inner = (row.start + max(after, 0), end + min(early, 0))
    return outer, inner if inner[0] <= inner[1] else None, end


def _left_out(issues: list[Issue], row: Row, field: str, value: str) -> None:
    issues.append(said.FIELD_LEFT_OUT.at(f"line {row.line}", line=row.line, field=field, value=repr(value[:60])))


def called_in(row_sample: Mapping[str, str]) -> Iterator[int]:
    """Yield the numbers of the ALTs that a sample's genotype has; none where there is no genotype."""
    text = row_sample.get("GT", MISSING)
    if GENOTYPE.fullmatch(text) is None:
        return
    found = genotype(text)
    yield from {each for each in found.alleles if each} if found is not None else ()
