"""The 64-bit keys that stand for texts in index rows: equal texts have equal keys, and no dictionary is kept.

Source: xxHash, XXH3 64-bit.
"""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

_HALF = 1 << 63
_WHOLE = 1 << 64


def h64(text: str) -> int:
    """Return the key of a text, a signed 64-bit number; lone surrogates are taken as they are."""
    digest = xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
    return digest - _WHOLE if digest >= _HALF else digest


def part(text: str) -> str:
    r"""Return a text as a part of a joined one: a "|" or "\" inside it is written with a "\" before it.

    Different parts thereby never join to the same text.
    """
    if "|" in text or "\\" in text:
        return text.replace("\\", "\\\\").replace("|", "\\|")
    return text


def joined_key(*parts: str) -> int:
    """Return the key of texts joined by "|", such as a system and a code."""
    return h64("|".join(map(part, parts)))


def order_text(text: str) -> str:
    """Return the beginning of a text by which rows are ordered, 64 characters at most, as a database can hold it."""
    kept = text[:64]
    if kept.isascii() and "\x00" not in kept:
        return kept
    return kept.encode("utf-8", "replace").decode().replace("\x00", "")


def signed(digest: int) -> int:
    """Return an unsigned 64-bit number as the signed one that the databases hold."""
    return digest - _WHOLE if digest >= _HALF else digest


def rk_of(type: str, id: str) -> int:
    """Return the key of a resource, which is also the key of a local reference to it."""
    return h64(f"{type}/{id}")
