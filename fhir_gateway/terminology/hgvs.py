"""Descriptions of sequence variants (HGVS), judged by their grammar alone.

A reference sequence, a kind of coordinates and a change: `NM_004006.3:c.4375C>T`, `NC_000023.11:g.32407761G>A`,
`LRG_199t1:c.79_80delinsTT`, `NP_003997.2:p.(Trp24Cys)`. Whether the sequence exists, is as long, or has that base there
is not asked.

Source: HGVS Nomenclature, versions 20.05 and 21.0, "DNA", "RNA", "Protein", "Reference Sequences", "Uncertain".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

_LONGEST = 2000  # characters: an inserted sequence may be written out


def _any(*patterns: str) -> str:
    return "(?:" + "|".join(patterns) + ")"


# --- reference sequences

_CHROMOSOME = r"N[CGTW]_[0-9]{6,9}\.[0-9]+"
_TRANSCRIPT = r"[NX][MR]_[0-9]{6,9}\.[0-9]+"
_PROTEIN = r"[NX]P_[0-9]{6,9}\.[0-9]+"
_GENE_ENSEMBL, _TRANSCRIPT_ENSEMBL, _PROTEIN_ENSEMBL = (
    rf"ENS(?:[A-Z]{{3,4}})?{kind}[0-9]{{11}}\.[0-9]+" for kind in "GTP"
)
_SYMBOL = r"(?:\([A-Za-z][A-Za-z0-9-]*\))?"  # of the gene: allowed, and never enough

_GENOMIC = _any(_CHROMOSOME, _GENE_ENSEMBL, r"LRG_[0-9]+")
_TRANSCRIBED = _any(_TRANSCRIPT, _TRANSCRIPT_ENSEMBL, r"LRG_[0-9]+t[0-9]+")
# "NC_000023.11(NM_004006.2):c.…": a transcript upon a genome, for what lies outside the transcript itself.
_UPON = rf"{_GENOMIC}\({_TRANSCRIBED}\)"
_TRANSLATED = _any(_PROTEIN, _PROTEIN_ENSEMBL, r"LRG_[0-9]+p[0-9]+")

_REFERENCES: Mapping[str, str] = {
    "g": _GENOMIC + _SYMBOL,
    "m": _CHROMOSOME + _SYMBOL,
    "o": _CHROMOSOME + _SYMBOL,
    "c": _any(_TRANSCRIBED + _SYMBOL, _UPON),
    "n": _any(_TRANSCRIBED + _SYMBOL, _UPON),
    "r": _any(_TRANSCRIBED + _SYMBOL, _UPON),
    "p": _any(_TRANSLATED + _SYMBOL, rf"{_TRANSCRIBED}\({_TRANSLATED}\)"),
}

# --- DNA and RNA

_BASES = dict.fromkeys("gmocn", "[ACGTUBDHKMNRSVWXY]") | {"r": "[acgubdhkmnrsvwy]"}
_NUMBER = r"(?:[1-9][0-9]*|\?)"
_POINTS = {
    "g": _any(_NUMBER, "pter", "qter", "cen"),
    "m": _NUMBER,
    "o": _NUMBER,
    # "c.-14", "c.*37", "c.88+1", "c.89-2": before the start, after the stop, inside an intron
    "c": rf"[-*]?{_NUMBER}(?:[+-]{_NUMBER})?",
    "n": rf"[-*]?{_NUMBER}(?:[+-]{_NUMBER})?",
    "r": rf"[-*]?{_NUMBER}(?:[+-]{_NUMBER})?",
}
_COUNT = r"(?:[0-9]+|\?|\([0-9?]+_[0-9?]+\))"


def _place(point: str) -> str:
    """Return the pattern of a position or range; each end may be uncertain, "(100_200)_(300_?)"."""
    end = rf"(?:{point}|\({point}_{point}\))"
    return rf"{end}(?:_{end})?"


def _edits(kind: str) -> str:
    """Return the pattern of what may follow a place in DNA or RNA."""
    bases, place = _BASES[kind], _place(_POINTS[kind])
    # bases, a length, a part of this sequence or of another, or several of these
    elsewhere = rf"(?:(?:{_GENOMIC}|{_TRANSCRIBED}):[gmocnr]\.[-*+?0-9_()]+|{place})(?:inv)?"
    one = rf"(?:{bases}+(?:\[{_COUNT}\])?|\((?:{_COUNT}|[0-9]+_[0-9]+)\)|{elsewhere})"
    inserted = rf"(?:{one}|\[{one}(?:;{one})*\])"
    return _any(
        rf"{bases}+>{bases}+",
        rf"(?:del(?:{bases}+|[0-9]+)?)?ins{inserted}",
        rf"(?:del|dup|inv)(?:{bases}+|[0-9]+)?",
        rf"con{elsewhere}",
        rf"{bases}*=",
        r"\?",
        r"\|(?:gom|lom|met=)",
        # repeated units: "c.54GCA[21]", "g.123_191CAG[19]CAA[4]", "r.-124_-123[14]"
        rf"(?:{bases}*\[{_COUNT}\])+",
    )


_WHOLE = frozenset(("=", "?", "(=)", "(?)"))
_WHOLE_RNA = frozenset(("0", "0?", "spl", "spl?", "(spl?)", "(spl)")) | _WHOLE
_WHOLE_PROTEIN = frozenset(("0", "0?", "(0)")) | _WHOLE


# --- proteins

_THREE = (
    "(?:Ala|Arg|Asn|Asp|Asx|Cys|Gln|Glu|Glx|Gly|His|Ile|Leu|Lys|Met|Phe|Pro|Pyl|Sec|Ser|Thr|Trp|Tyr|Val|Xaa|Ter|\\*)"
)
_ONE = r"[ACDEFGHIKLMNOPQRSTUVWYX*]"


def _protein_parts(acid: str) -> tuple[str, str]:
    """Return the patterns of a place in a protein and of what may follow it, acids in three letters or in one."""
    position = rf"{acid}[1-9][0-9]*"
    place = rf"(?:{position}(?:_{position})?|\({position}_{position}\))"
    stop, number = r"(?:Ter|\*)", r"(?:[1-9][0-9]*|\?)"
    inserted = rf"(?:{acid}+|Xaa\[{_COUNT}\]|X\[{_COUNT}\]|\([0-9]+\))"
    edits = (
        rf"{acid}(?:\^{acid})*",
        rf"{acid}?fs(?:{stop}{number})?",
        rf"{acid}?ext(?:{stop}{number}|-[1-9][0-9]*)",
        rf"(?:del)?ins{inserted}",
        r"del|dup|=|\?",
        rf"\[{_COUNT}\]",
    )
    return place, _any(*edits)


class _Grammar:
    """What may follow "c." and the like: patterns of one change, put together by hand into alleles and mosaics."""

    def __init__(self, kind: str) -> None:
        parts = [(_place(_POINTS[kind]), _edits(kind))] if kind != "p" else [*map(_protein_parts, (_THREE, _ONE))]
        self.reference = re.compile(_REFERENCES[kind])
        self._changes = [re.compile(rf"(?:{place}{edits}|\({place}{edits}\))") for place, edits in parts]
        # "c.85=/T>C": what follows "/" may leave out the place.
        self._edits = [re.compile(edits) for _, edits in parts]
        self._whole = {"r": _WHOLE_RNA, "p": _WHOLE_PROTEIN}.get(kind, _WHOLE)

    def allows(self, text: str) -> bool:
        if text in self._whole:
            return True
        if text.startswith("["):
            return self._alleles(text)
        first, *others = re.split(r"(?<!/)//?(?!/)", text)
        if others:  # a mosaic or a chimera
            return self._change(first) and all(self._change(each) or self._is(self._edits, each) for each in others)
        return all(self._change(each) for each in text.split("(;)"))  # phase unknown

    def _alleles(self, text: str) -> bool:
        """Tell whether a text is alleles, each in brackets, of one chromosome after the other."""
        for allele in _bracketed(text):
            if allele is None or not all(
                each in self._whole or each == "0" or self._changes_of(each) for each in _split(allele)
            ):
                return False
        return True

    def _changes_of(self, text: str) -> bool:
        if self._change(text):
            return True
        # "p.[(Ser68Arg;Asn594del)]": predicted together
        return text.startswith("(") and text.endswith(")") and all(map(self._change, _split(text[1:-1])))

    def _change(self, text: str) -> bool:
        return self._is(self._changes, text)

    @staticmethod
    def _is(patterns: list[re.Pattern[str]], text: str) -> bool:
        return any(pattern.fullmatch(text) is not None for pattern in patterns)


def _bracketed(text: str) -> Iterator[str | None]:
    """Yield what stands in each of the brackets that a text is made of, with ";" or "(;)" between; None at a fault."""
    start, depth = 0, 0
    for place, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0 and place >= start:
            if character != "]" or text[start] != "[":
                yield None
                return
            yield text[start + 1 : place]
            rest = text[place + 1 :]
            between = 3 if rest.startswith("(;)") else 1 if rest.startswith(";") else 0
            start = place + 1 + between
            if rest and not (between and text.startswith("[", start)):
                yield None
                return
    if depth or start != len(text):
        yield None


def _split(text: str) -> list[str]:
    """Return the changes of an allele: what stands between the ";" that no bracket holds."""
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        if depth == 0 and text.startswith("(;)", place):
            parts.append(text[start:place])
            place = start = place + 3
            continue
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(text[place], 0)
        if depth == 0 and text[place] in ";,":
            parts.append(text[start:place])
            start = place + 1
        place += 1
    return [*parts, text[start:]]


_grammar = cache(_Grammar)
_KIND = re.compile(r":([gmocnrp])\.")


@lru_cache(8192)
def is_hgvs(code: str) -> bool:
    """Tell whether a text is a description of a variant by the grammar of HGVS, with its reference sequence."""
    kind = _KIND.search(code) if len(code) <= _LONGEST else None
    if kind is None:
        return False
    grammar = _grammar(kind[1])
    return grammar.reference.fullmatch(code, 0, kind.start()) is not None and grammar.allows(code[kind.end() :])
