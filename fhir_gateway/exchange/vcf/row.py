"""A row of a VCF: its columns checked, its INFO and the fields of one sample by name.

Source: VCF 4.4, 1.6.1 "Fixed fields", 1.6.2 "Genotype fields".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fhir_gateway.exchange.vcf.complaints import ROW_COLUMNS, ROW_NOT_TEXT, ROW_VALUE
from fhir_gateway.exchange.vcf.variant import BASES, BREAKEND, SYMBOLIC
from fhir_gateway.fhir.outcome import Issue

MISSING: Final = "."
OVERLAPPED: Final = "*"
# A genotype: allele numbers, each after "/" or "|"; 4.4 lets the first have one too.
GENOTYPE: Final = re.compile(r"[/|]?(?:[0-9]{1,6}|\.)(?:[/|](?:[0-9]{1,6}|\.))*")
_POSITION: Final = re.compile(r"0*[1-9][0-9]{0,9}")
_ALLELE_NUMBER: Final = re.compile(r"[0-9]+|\.")
_SHOWN: Final = 60  # characters of a value that a complaint quotes


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be read. `alts`: empty where ALT is "."; `sample`: fields of the sample asked for, by FORMAT."""

    line: int
    contig: str
    start: int
    identifier: str | None
    ref: str
    alts: tuple[str, ...]
    filters: tuple[str, ...]
    info: Mapping[str, str]
    sample: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Genotype:
    """`alleles`: 0 is REF, 1 the first ALT, None no call; `separators`: "/" or "|" before each allele but the first."""

    text: str
    alleles: tuple[int | None, ...]

    def of(self, alt: int) -> str:
        """Return this genotype as seen by one ALT: 1 itself, 0 REF, "." any other or no call."""
        seen = {alt: "1", 0: "0"}
        return _ALLELE_NUMBER.sub(lambda found: seen.get(_number(found[0]), MISSING), self.text)


def _number(text: str) -> int:
    return -1 if text == MISSING else int(text)


def genotype(text: str) -> Genotype | None:
    """Return a genotype; None where the text is none."""
    if GENOTYPE.fullmatch(text) is None:
        return None
    found = tuple(None if each == MISSING else int(each) for each in _ALLELE_NUMBER.findall(text))
    return Genotype(text, found)


def fields(info: str) -> dict[str, str]:
    """Return what INFO says, by key; a flag has an empty value."""
    if info == MISSING:
        return {}
    return {key: value for key, _, value in (each.partition("=") for each in info.split(";")) if key}


def sample_fields(format_: str, sample: str) -> dict[str, str]:
    """Return the fields of a sample by FORMAT; those dropped at its end are absent."""
    return {key: value for key, value in zip(format_.split(":"), sample.split(":"), strict=False) if value}


def row(line: int, data: bytes, columns: int, column: int) -> tuple[Row | None, list[Issue]]:
    """Return a row, or None and all that keeps it from being read. `column`: of the sample, from 0."""
    try:
        cells = data.decode("utf-8").split("\t")
    except UnicodeDecodeError:
        return None, [ROW_NOT_TEXT.at(f"line {line}", line=line)]
    if len(cells) != columns:
        return None, [ROW_COLUMNS.at(f"line {line}", line=line, found=len(cells), expected=columns)]
    contig, pos, identifier, ref, alt, _, filter_, info = cells[:8]
    alts = () if alt == MISSING else tuple(alt.split(","))
    values = sample_fields(cells[8], cells[column])
    wrong: list[tuple[str, str]] = []
    if contig in ("", MISSING):
        wrong.append(("CHROM", contig))
    if _POSITION.fullmatch(pos) is None:
        wrong.append(("POS", pos))
    if BASES.fullmatch(ref) is None:
        wrong.append(("REF", ref))
    wrong += [("ALT", each) for each in alts if not _is_allele(each)]
    called = genotype(values["GT"]) if "GT" in values else None
    if "GT" in values and (called is None or any(each is not None and each > len(alts) for each in called.alleles)):
        wrong.append(("GT", values["GT"]))
    if wrong:
        return None, [
            ROW_VALUE.at(f"line {line}", line=line, column=name, value=repr(text[:_SHOWN])) for name, text in wrong
        ]
    filters = () if filter_ in (MISSING, "") else tuple(filter_.split(";"))
    known = None if identifier in (MISSING, "") else identifier
    return Row(line, contig, int(pos), known, ref, alts, filters, fields(info), values), []


def _is_allele(text: str) -> bool:
    return text == OVERLAPPED or any(each.fullmatch(text) is not None for each in (BASES, SYMBOLIC, BREAKEND))
