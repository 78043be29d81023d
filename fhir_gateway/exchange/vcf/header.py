"""The head of a VCF: version, contigs, samples, how annotations are laid out.

Source: VCF 4.4, 1.4 "Meta-information lines", 1.5 "Header line syntax"; VEP and SnpEff, INFO fields CSQ and ANN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fhir_gateway.exchange.vcf.complaints import (
    ASSEMBLY_DIFFERS,
    ASSEMBLY_UNKNOWN,
    CONTIG_LENGTH,
    NO_HEADER,
    NOT_VCF,
    SAMPLE_ABSENT,
    SAMPLE_TWICE,
    VERSION_NEWER,
)
from fhir_gateway.exchange.vcf.contigs import (
    MITOCHONDRION,
    Assembly,
    assembly_of_accession,
    assembly_of_length,
    chromosome,
    length,
)
from fhir_gateway.fhir.outcome import InvalidRequest, Issue

COLUMNS: Final = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_VERSION: Final = re.compile(rb"##fileformat=VCFv4\.([0-9]{1,2})")
_CONTIG: Final = re.compile(r"##contig=<(.*)>")
BOM: Final = b"\xef\xbb\xbf"  # what some editors put before UTF-8
_LENGTH: Final = re.compile(r"[0-9]{1,12}")
_INFO: Final = re.compile(r'##INFO=<ID=(CSQ|ANN|BCSQ),.*Description="([^"]*)"')
_PAIR: Final = re.compile(r'([A-Za-z0-9_]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the rows. `contigs`: name to length, where stated; `annotations`: field to its parts."""

    version: str
    samples: tuple[str, ...]
    contigs: Mapping[str, int | None]
    annotations: Mapping[str, tuple[str, ...]]
    issues: tuple[Issue, ...] = field(default=())

    @property
    def columns(self) -> int:
        return len(COLUMNS) + (1 + len(self.samples) if self.samples else 0)

    def column_of(self, sample: str) -> int:
        """Return the column (from 0) of a sample. Raises: InvalidRequest(vcf-sample-absent, vcf-sample-twice)."""
        found = self.samples.count(sample)
        if found == 0:
            known = ", ".join(self.samples[:20])
            raise InvalidRequest(SAMPLE_ABSENT.at(sample=sample, count=len(self.samples), known=known))
        if found > 1:
            raise InvalidRequest(SAMPLE_TWICE.at(sample=sample))
        return len(COLUMNS) + 1 + self.samples.index(sample)

    def assembly(self, stated: Assembly | None) -> Assembly:
        """Return the assembly of the positions: as stated, as the contigs show, and never two.

        Raises: InvalidRequest(vcf-assembly-unknown, vcf-assembly-differs, vcf-contig-length).
        """
        found: dict[Assembly, str] = {}
        for contig, bases in self.contigs.items():
            name = chromosome(contig)
            shown = assembly_of_accession(contig)
            if shown is None and name is not None and bases is not None:
                shown = assembly_of_length(name, bases)
            if shown is not None:
                found.setdefault(shown, contig)
        of = stated if stated is not None else next(iter(found), None)
        if of is None:
            raise InvalidRequest(ASSEMBLY_UNKNOWN.at())
        others = [ASSEMBLY_DIFFERS.at(stated=of, contig=each, found=a) for a, each in found.items() if a != of]
        others += self._of_no_assembly(of)
        if others:
            raise InvalidRequest(*others)
        return of

    def _of_no_assembly(self, of: Assembly) -> Iterator[Issue]:
        """Yield what is wrong with chromosomes that have the length of no assembly known here: their positions mean
        something else. Of the mitochondrion each row is judged."""
        for contig, bases in self.contigs.items():
            name = chromosome(contig)
            if name in (None, MITOCHONDRION) or bases is None or assembly_of_accession(contig) is not None:
                continue
            if assembly_of_length(str(name), bases) is None and bases != length(of, str(name)):
                known = length(of, str(name))
                yield CONTIG_LENGTH.at(stated=of, contig=contig, length=known, found=bases)


def read_header(lines: Iterator[tuple[int, bytes]]) -> Header:
    """Read the lines up to the header line. Raises: InvalidRequest(vcf-not-vcf, vcf-no-header)."""
    _, first = next(lines, (1, b""))
    version = _VERSION.fullmatch(first.removeprefix(BOM).strip())
    if version is None:
        raise InvalidRequest(NOT_VCF.at("line 1"))
    issues: list[Issue] = []
    name = f"VCFv4.{version[1].decode()}"
    if int(version[1]) > 5:
        issues.append(VERSION_NEWER.at("line 1", version=name))
    contigs: dict[str, int | None] = {}
    annotations: dict[str, tuple[str, ...]] = {}
    last = 1
    for number, line in lines:
        last = number
        text = line.decode("utf-8", "replace")
        if text.startswith("##"):
            if (contig := _CONTIG.fullmatch(text)) is not None:
                _note_contig(contig[1], contigs)
            elif (info := _INFO.match(text)) is not None:
                annotations[info[1]] = _parts(info[2])
            continue
        cells = tuple(text.split("\t"))
        if cells[: len(COLUMNS)] != COLUMNS or (len(cells) > len(COLUMNS) and cells[len(COLUMNS)] != "FORMAT"):
            break
        return Header(name, cells[len(COLUMNS) + 1 :], contigs, annotations, tuple(issues))
    raise InvalidRequest(NO_HEADER.at(f"line {last}", line=last))


def _note_contig(text: str, contigs: dict[str, int | None]) -> None:
    values = {key: value.strip('"') for key, value in _PAIR.findall(text)}
    if "ID" in values:
        bases = values.get("length", "")
        contigs[values["ID"]] = int(bases) if _LENGTH.fullmatch(bases) is not None else None


def _parts(description: str) -> tuple[str, ...]:
    """Return the names between "|", as VEP ("… Format: Allele|Gene") and SnpEff ("…: 'Allele | Gene'") say them."""
    layout = description.rpartition(":")[2] if "|" in description else ""
    return tuple(each.strip(" '\"") for each in layout.split("|")) if layout else ()
