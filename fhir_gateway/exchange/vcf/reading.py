"""A VCF read into the variants of one named sample: all that are called, or those that are reported.

Source: VCF 4.0 to 4.5; Genomics Reporting 3.0.0, Variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fhir_gateway.exchange.vcf import complaints as said
from fhir_gateway.exchange.vcf.calls import Wish, called_in, variants
from fhir_gateway.exchange.vcf.contigs import Assembly, chromosome
from fhir_gateway.exchange.vcf.header import COLUMNS, Header, read_header
from fhir_gateway.exchange.vcf.lines import Source, lines
from fhir_gateway.exchange.vcf.row import Row, row, sample_fields
from fhir_gateway.exchange.vcf.variant import SourceClass, Variant, smallest
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, TooCostly

Key = tuple[str, int, str, str]
"""Chromosome as any file names it, position, REF, ALT."""
MOST: Final = 10_000  # variants made of one file; a report names some thirty


@dataclass(frozen=True, slots=True)
class Reported:
    """Which rows are reported: those of a list of keys, with a FILTER, with an INFO flag; any of these suffices."""

    keys: frozenset[Key] = frozenset()
    filters: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Read:
    """What was read. `listed`: each row or part of one that made none, and why, with its line; `counts`: rows,
    selected rows, variants, and how often each detail code was listed."""

    assembly: Assembly
    variants: tuple[Variant, ...]
    listed: tuple[Issue, ...]
    counts: Mapping[str, int]


def read(
    source: Source,
    sample: str,
    *,
    assembly: Assembly | None = None,
    origin: SourceClass | None = None,
    reported: Reported | None = None,
    normal: str | None = None,
    ungenotyped: bool = False,
) -> Read:
    """Return the variants that a sample of a VCF (plain, gzip or bgzip) has, one for each called ALT.

    `origin`: the genomic source class, of the dossier: a VCF cannot tell it. `reported`: makes only these; rows that
    are not reported are counted, not listed. `normal`: the other sample of a pair. `ungenotyped`: rows without GT
    are calls too. A stream is read to its end, a line at a time.

    Raises: InvalidRequest where nothing of the file can be read, TooCostly beyond MOST variants.
    """
    numbered = lines(source)
    header = read_header(numbered)
    column = header.column_of(sample)
    other = None if normal is None else header.column_of(normal)
    of = header.assembly(assembly)
    wish = Wish(of, header.annotations, origin, ungenotyped, _has_other_mitochondrion(header))
    chosen = None if reported is None else _Chosen(reported)
    counts: Counter[str] = Counter()
    made: list[Variant] = []
    listed = list(header.issues)
    for line, data in _selected(numbered, chosen, counts):
        found, issues = row(line, data, header.columns, column)
        if found is None:
            listed += issues
            continue
        wanted = None if chosen is None else chosen.places(found)
        if wanted is not None and not wanted:
            continue
        some, issues = variants(found, wish, wanted)
        counts["selected"] += 1
        listed += issues
        if other is not None and some:
            some = _beside_normal(some, found, data, other, str(normal), listed)
        made += some
        if len(made) > MOST:
            raise TooCostly(said.TOO_MANY.at(most=MOST))
    if chosen is not None:
        listed += [
            said.REPORTED_NOT_FOUND.at(key=":".join(map(str, key)), sample=sample) for key in chosen.missing(made)
        ]
    counts["variants"] = len(made)
    counts.update(issue.complaint.detail for issue in listed)
    return Read(of, tuple(made), tuple(listed), dict(counts))


def check(source: Source) -> list[Issue]:
    """Return what is wrong with a VCF: its head, or each row that cannot be read (with the column of the first sample).

    Whether a sample has a variant is not asked.
    """
    try:
        numbered = lines(source)
        header = read_header(numbered)
        issues = list(header.issues)
        for name in dict.fromkeys(header.samples):
            if header.samples.count(name) > 1:
                issues.append(said.SAMPLE_TWICE.at(sample=name))
        column = len(COLUMNS) + 1 if header.samples else None
        for line, data in numbered:
            if data and column is not None:
                issues += row(line, data, header.columns, column)[1]
            elif data and data.count(b"\t") + 1 != header.columns:
                found = data.count(b"\t") + 1
                issues.append(said.ROW_COLUMNS.at(f"line {line}", line=line, found=found, expected=header.columns))
    except InvalidRequest as refused:
        return list(refused.issues)
    return issues


class _Chosen:
    """The rows that are reported, told from the first seven or eight columns alone."""

    def __init__(self, reported: Reported) -> None:
        self._keys = {
            (chromosome(contig) or contig, *smallest(start, ref, alt)): (contig, start, ref, alt)
            for contig, start, ref, alt in reported.keys
        }
        self._starts: dict[bytes, set[int]] = {}
        for name, start, _, _ in self._keys:
            for alias in (name, f"chr{name}"):
                self._starts.setdefault(alias.encode(), set()).add(start)
        self.filters = frozenset(each.encode() for each in reported.filters)
        self.flags = frozenset(each.encode() for each in reported.flags)

    def has_position(self, contig: bytes, pos: bytes, ref: bytes) -> bool:
        starts = self._starts.get(contig)
        if starts is None:
            name = chromosome(contig.decode("utf-8", "replace"))
            starts = self._starts.setdefault(contig, self._starts.get(name.encode(), set()) if name else set())
        if not starts:
            return False
        start = int(pos)
        # What both alleles share is cut in a key: it may begin after POS.
        return start in starts or (len(ref) > 1 and any(start <= each < start + len(ref) for each in starts))

    def is_marked(self, filter_: bytes, info: bytes) -> bool:
        if self.filters and not self.filters.isdisjoint(filter_.split(b";")):
            return True
        return bool(self.flags) and not self.flags.isdisjoint(
            each.partition(b"=")[0] for each in info.split(b"\t", 1)[0].split(b";")
        )

    def places(self, found: Row) -> frozenset[int] | None:
        """Return the numbers of the ALTs of a row that are reported; None: all, for the row is marked."""
        if not self.filters.isdisjoint(each.encode() for each in found.filters):
            return None
        if not self.flags.isdisjoint(each.encode() for each in found.info):
            return None
        name = chromosome(found.contig) or found.contig
        return frozenset(
            place
            for place, alt in enumerate(found.alts, 1)
            if (name, *smallest(found.start, found.ref, alt)) in self._keys
        )

    def missing(self, made: Iterable[Variant]) -> list[Key]:
        seen = {(each.chromosome, *smallest(each.start, each.ref, each.alt)) for each in made}
        return sorted(key for cut, key in self._keys.items() if cut not in seen)


def _selected(
    numbered: Iterator[tuple[int, bytes]], chosen: _Chosen | None, counts: Counter[str]
) -> Iterator[tuple[int, bytes]]:
    """Yield the rows to read whole; those that cannot be judged are among them, to be listed."""
    rows = 0
    for line, data in numbered:
        if not data:
            continue
        rows += 1
        if chosen is None:
            yield line, data
            continue
        cells = data.split(b"\t", 7)
        if (
            len(cells) < 8
            or not cells[1].isdigit()
            or len(cells[1]) > 12
            or chosen.has_position(cells[0], cells[1], cells[3])
            or chosen.is_marked(cells[6], cells[7])
        ):
            yield line, data
    counts["rows"] = rows


def _has_other_mitochondrion(header: Header) -> bool:
    """Tell whether the file's chrM is not NC_012920.1: that of UCSC hg19 (NC_001807) is two bases longer."""
    return any(chromosome(each) == "M" and bases not in (None, 16569) for each, bases in header.contigs.items())


def _beside_normal(
    some: list[Variant], found: Row, data: bytes, column: int, normal: str, listed: list[Issue]
) -> list[Variant]:
    """Return the variants, without source class where the normal sample of the pair has the same ALT."""
    cells = data.decode("utf-8").split("\t")
    numbers = called_in(sample_fields(cells[8], cells[column]))
    shared = {found.alts[each - 1] for each in numbers if each <= len(found.alts)}
    made = []
    for each in some:
        if each.alt in shared and each.source == "somatic":
            listed.append(
                said.ALSO_IN_NORMAL.at(f"line {found.line}", line=found.line, alt=each.alt[:40], sample=normal)
            )
            each = replace(each, source=None)
        made.append(each)
    return made
