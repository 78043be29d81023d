r"""String parameters: texts compared without case, accents, punctuation and extra spaces, from their beginning.

Row (pid, v, x). v is the beginning of the folded text, at most 128 characters; x is the key of the whole text as it was
written, for `:exact`. What lies beyond the 128 is kept in further rows of overlapping pieces, each after the character
U+001F (which no folded text has), for `:contains` alone; their x is 0. A text of up to 64 characters lies whole in the
beginning or in one piece.

Source: FHIR R4, Search, "string": "insensitive to casing and included combining characters … Punctuation and
non-significant whitespace … should also be ignored".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, condition, for_each, refuse_modifier
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import unescape

KEPT = 128  # characters of v
PIECE = "\x1f"
LONGEST_CONTAINED = _STEP = 64
LAST = "\U0010ffff"  # stands after every character that a text goes on with

# Letters that Unicode does not decompose, as they are written without them.
_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "\x00": ""})
_PUNCTUATION = str.maketrans("!\"#%&'()*,-./:;?@[\\]_{}", " " * 23)


def fold(text: str) -> str:
    """Return a text without case, accents and extra spaces: "  Éléonore  D'Œuvre" is "eleonore d'oeuvre"."""
    if text.isascii():
        return " ".join(text.lower().replace("\x00", "").split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    # A lone surrogate cannot be written to a database.
    storable = bare.translate(_PLAIN).encode("utf-8", "replace").decode()
    return " ".join(storable.split())


def compared(text: str) -> str:
    """Return a text as it is compared: folded, and without punctuation, which separates words as a space does.

    "Jean-Pierre D'Œuvre" is "jean pierre d oeuvre". Symbols such as "+" are no punctuation.
    """
    folded = fold(text)
    if folded.isascii():
        return " ".join(folded.translate(_PUNCTUATION).split())
    return " ".join("".join(map(_spaced, folded)).split())


def _spaced(character: str) -> str:
    return " " if unicodedata.category(character)[0] == "P" else character


@lru_cache(16_384)
def entries(text: str) -> tuple[tuple[str, int], ...]:
    """Return the (v, x) of all rows of a text."""
    folded = compared(text)
    head = (folded[:KEPT], h64(text))
    if len(folded) <= KEPT:
        return (head,)
    pieces = range(_STEP, len(folded) - _STEP + 1, _STEP)
    return (head, *((PIECE + folded[start : start + KEPT - 1], 0) for start in pieces))


def _strings(values: list[Any]) -> Iterator[str]:
    return (value for value in values if value is not None)


def _names(values: list[Any]) -> Iterator[str]:
    for name in values:
        for part in ("family", "text"):
            if part in name:
                yield name[part]
        for part in ("given", "prefix", "suffix"):
            if part in name:
                yield from _strings(name[part])


def _addresses(values: list[Any]) -> Iterator[str]:
    for address in values:
        for part in ("city", "district", "state", "country", "postalCode", "text"):
            if part in address:
                yield address[part]
        if "line" in address:
            yield from _strings(address["line"])


_TEXTS: Mapping[str, Callable[[list[Any]], Iterator[str]]] = {
    **dict.fromkeys(("string", "markdown", "code", "id", "uri", "url", "canonical"), _strings),
    "HumanName": _names,
    "Address": _addresses,
}


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no string."""
    texts = _TEXTS.get(type)
    if texts is None:
        return None

    def append(values: list[Any], rows: Rows) -> None:
        for text in texts(values):
            for v, x in entries(text):
                rows.str.append((pid, v, x))

    return append


def ask(asked: Asked) -> Answered:
    """Return the conditions of a string parameter: begins with, `:exact` or `:contains`.

    Raises: InvalidRequest for a text longer than what is compared, or without any character to compare.
    """
    refuse_modifier(asked, "string", "exact", "contains")
    return Answered("i_str", tuple(for_each(asked.values, lambda value: _condition(asked, value))))


def _condition(asked: Asked, value: str) -> Condition:
    if asked.modifier == "exact":
        text = unescape(value)
        return condition("{v} = ? AND {x} = ?", compared(text)[:KEPT], h64(text))
    if asked.modifier == "contains":
        return condition("{contains}({v}, ?) > 0", _folded(asked, value, LONGEST_CONTAINED))
    return begins_with(asked, value)


def begins_with(asked: Asked, value: str) -> Condition:
    """Return the condition that a text begins as a value does, both folded."""
    return condition("{v} >= ? AND {v} <= ?", *prefix_of(asked, value))


def prefix_of(asked: Asked, value: str) -> tuple[str, str]:
    """Return the first and the last v that begins as a value does."""
    folded = _folded(asked, value, KEPT)
    return folded, folded + LAST


def _folded(asked: Asked, value: str, limit: int) -> str:
    folded = compared(unescape(value))
    if not folded:
        raise InvalidRequest(complaints.VALUE_EMPTY.at(name=asked.name))
    if len(folded) > limit:
        raise InvalidRequest(complaints.STRING_TOO_LONG.at(name=asked.name, limit=limit))
    return folded
