"""What a text could do to those who show it: HTML in plain strings, marks that turn the direction of writing, controls.

Source: FHIR R4, Security, "Narrative" and "Input validation"; CVE-2021-42574 (bidirectional controls).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir_gateway.conformance.validation import value_complaints as complaints
from fhir_gateway.conformance.validation.narrative import Said

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BIDIRECTIONAL = re.compile("[\u202a-\u202e\u2066-\u2069]")
_EMBEDDINGS: Final = "\u202a\u202b\u202d\u202e"
_ISOLATES: Final = "\u2066\u2067\u2068"
_OPENING: Final = dict.fromkeys(_EMBEDDINGS, "\u202c") | dict.fromkeys(_ISOLATES, "\u2069")
# "<name …>" followed by another "<" later on: a tag that could be closed.
_TAG = re.compile(r"<(?=[A-Za-z]\w*(?:\s[^<>]*)?>[^<]*<)")
_TAG_IN_MARKDOWN = re.compile(r"(?<!\\)<[A-Za-z][A-Za-z0-9]*(?:\s[^<>:]*)?>")


def character_faults(text: str) -> Iterator[Said]:
    """Yield what is wrong with the characters of a text, whatever it means."""
    if text.isprintable():
        return
    controls = sorted({ord(each) for each in _CONTROL.findall(text)})
    if controls:
        yield complaints.BAD_CHARACTERS, {"points": ", ".join(f"{each:x}" for each in controls)}
    pending: list[str] = []
    for mark in _BIDIRECTIONAL.findall(text):
        if mark in _OPENING:
            pending.append(_OPENING[mark])
        elif pending and pending[-1] == mark:
            pending.pop()
    if pending:
        points = sorted({f"U+{ord(mark):04X}" for mark in _BIDIRECTIONAL.findall(text)})
        yield complaints.BIDIRECTIONAL, {"points": ", ".join(points)}


def html_faults(text: str, strict: bool) -> Iterator[Said]:
    """Yield a complaint where a plain text looks like HTML: an error where `strict`, else a hint."""
    if "<" in text and _TAG.search(text) is not None:
        yield complaints.HTML if strict else complaints.HTML_HINT, {}


def html_in_markdown(text: str) -> str | None:
    """Return the beginning of the first tag in a markdown text; None where there is none."""
    found = _TAG_IN_MARKDOWN.search(text) if "<" in text else None
    return None if found is None else found[0][:2]
