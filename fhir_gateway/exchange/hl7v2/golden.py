"""Golden pairs: a message and what it becomes, beside each other, by name. Those of what is sent: `golden_out.py`.

    golden/<what it shows>.hl7
    golden/<what it shows>.expected.json    the bundle; where there is none the message is taken and makes nothing

Source: mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter, known_sites, shipped_mappings
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.transform.differences import Difference, differences


@dataclass(frozen=True, slots=True)
class Pair:
    """A message and the bundle that is expected of it. `site`: whose rules it is read by, "" for its sender's."""

    message: Path
    site: str = ""

    @property
    def expected(self) -> Path:
        return self.message.with_suffix(".expected.json")

    @property
    def name(self) -> str:
        return f"{self.site}/{self.message.stem}" if self.site else self.message.stem


@dataclass(frozen=True, slots=True)
class OutPair:
    """What is asked to be written, and the message that is expected of it. `site`: as of a `Pair`."""

    ask: Path
    site: str = ""

    @property
    def expected(self) -> Path:
        return self.ask.with_suffix(".hl7")

    @property
    def name(self) -> str:
        return f"{self.site}/out/{self.ask.stem}" if self.site else f"out/{self.ask.stem}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair that was converted. `problem`: why there is nothing to compare."""

    pair: Pair | OutPair
    differences: tuple[Difference, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.differences and not self.problem


def pairs(folder: Path | None = None) -> list[Pair]:
    """Return the pairs that ship, those of an operator's folder and those of each site."""
    places = [each for each in (shipped_mappings(), folder) if each is not None]
    found = [Pair(path) for place in places for path in sorted((place / "golden").glob("*.hl7"))]
    for site in known_sites(folder):
        for place in places:
            found += (Pair(path, site) for path in sorted((place / "sites" / site / "golden").glob("*.hl7")))
    return found


def judged(folder: Path | None = None, chosen: Sequence[Pair] | None = None) -> Iterator[Judged]:
    """Yield what becomes of each pair by the mappings that ship, with a folder's laid over them.

    Raises: MappingError.
    """
    converters: dict[str, Converter] = {}
    for pair in pairs(folder) if chosen is None else chosen:
        if pair.site not in converters:
            converters[pair.site] = converter((pair.site,) if pair.site else (), folder)
        yield judge(converters[pair.site], pair)


def judge(convert: Converter, pair: Pair) -> Judged:
    """Return what becomes of one pair."""
    made = bundle_of(convert, pair)
    if isinstance(made, str):
        return Judged(pair, problem=made)
    if not pair.expected.is_file():
        return Judged(pair) if made is None else Judged(pair, problem=f"{pair.expected.name} is not there")
    return Judged(pair, tuple(differences(decode(pair.expected.read_bytes()), made)))


def bundle_of(convert: Converter, pair: Pair) -> dict[str, Any] | str | None:
    """Return the bundle that a pair's message becomes, None where it makes nothing, or why there is none."""
    found = list(convert.convert_all(pair.message.read_bytes()))
    if len(found) != 1:
        return f"{len(found)} messages; a pair has one"
    (one,) = found
    if isinstance(one, Unreadable):
        return "; ".join(each.text() for each in one.issues)
    assert isinstance(one, Conversion)
    if one.result is None:
        return None if one.accepted else "; ".join(each.text() for each in one.issues)
    made: dict[str, Any] = decode(encode(one.result.bundle()))
    return made
