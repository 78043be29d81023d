r"""Escape sequences: what stands between two escape characters, read after a message was split, never before.

Source: HL7 v2.5.1, chapter 2, 2.7: \F\ \S\ \T\ \R\ \E\ for the delimiters, \Xdd…\ for bytes, \H\ \N\ for highlighting,
\.br\ and its like for the layout of formatted text, \Cxxyy\ and \Mxxyyzz\ for other character sets.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Separators(NamedTuple):
    """The delimiters of a message, a character each; "" where it has none of a kind."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""


_LAYOUT = {".br": "\n", ".sp": "\n", ".fi": "", ".nf": "", ".ce": "\n"}
_SKIPPED = re.compile(r"\.(sp|sk|in|ti)([+-]?[0-9]{1,2})")
_BYTES = re.compile(r"X(?:[0-9A-Fa-f]{2})+")


def unescaped(text: str, separators: Separators, codec: str = "utf-8") -> str:
    r"""Return a text with its escape sequences read.

    \H\ and \N\ go. A sequence that means nothing here (other character sets, local ones, bytes that are not of `codec`)
    stays as it is, so that nothing is lost.
    """
    escape = separators.escape
    if not escape or escape not in text:
        return text
    return _sequence(escape).sub(lambda found: _meant(found[0], found[1], separators, codec), text)


def escaped(text: str, separators: Separators) -> str:
    r"""Return a text as it may stand between delimiters; line breaks become \.br\."""
    table = _escapes(separators)
    return "".join(table.get(each, each) for each in text) if not table.keys().isdisjoint(text) else text


@lru_cache(32)
def _sequence(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(f"{sign}([^{sign}\r\n]{{1,200}}?){sign}")


@lru_cache(32)
def _escapes(separators: Separators) -> dict[str, str]:
    e = separators.escape
    if not e:
        return {}
    table = {
        e: f"{e}E{e}",
        separators.field: f"{e}F{e}",
        separators.component: f"{e}S{e}",
        separators.subcomponent: f"{e}T{e}",
        separators.repetition: f"{e}R{e}",
        "\r": f"{e}.br{e}",
        "\n": f"{e}.br{e}",
    }
    table.pop("", None)
    return table


def _meant(whole: str, code: str, separators: Separators, codec: str) -> str:
    if len(code) == 1:
        meant = {
            "F": separators.field,
            "S": separators.component,
            "T": separators.subcomponent,
            "R": separators.repetition,
            "E": separators.escape,
            "P": separators.truncation or whole,
            "H": "",
            "N": "",
        }
        return meant.get(code, whole)
    if code in _LAYOUT:
        return _LAYOUT[code]
    if (skipped := _SKIPPED.fullmatch(code)) is not None:
        return {"sp": "\n", "sk": " "}.get(skipped[1], "") * int(skipped[2])
    if _BYTES.fullmatch(code):
        try:
            return bytes.fromhex(code[1:]).decode(codec if codec != "ascii" else "utf-8")
        except UnicodeDecodeError:
            return whole
    return whole
