"""What of a resource is text: its narrative as a person reads it, and the values that people or systems wrote.

Left out are ids, versions and instants the server gives, names of code systems and profiles, references, and base64:
they are searched by parameters of their own. Numbers are left out too.

Source: FHIR R4, Search, "_text, _content"; Narrative ("XHTML"); Extensible Hypertext Markup Language, entities.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

_LEFT_OUT = frozenset(
    {
        "resourceType", "id", "versionId", "lastUpdated", "system", "profile", "reference", "fullUrl", "contentType",
        "data", "hash",
    }
)  # fmt: skip
_EXTENSIONS = frozenset({"extension", "modifierExtension"})

# What is not text, each form to its end or, where that is missing, to the end of all: every character is looked at
# once. A > inside the value of an attribute ends no tag.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<!\[CDATA\[(?P<verbatim>.*?)(?:\]\]>|\Z)"
    r"|<[?!].*?(?:>|\Z)"
    r"""|</?(?P<name>[A-Za-z][A-Za-z0-9]*)(?:[^<>"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*+(?:>|(?=<)|\Z)""",
    re.DOTALL,
)
# Elements inside a line: "<b>meta</b>stase" is one word.
_INLINE = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "dfn", "em", "font", "i", "kbd", "q", "s", "samp",
        "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
    }
)  # fmt: skip
_BREAK = "\x1e"  # between what stands apart, so that no phrase reaches across


def texts_of(resource: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the texts of a resource's narrative and, apart from them, all its other texts."""
    rest: list[str] = []
    _gather(resource, rest, extension=False, narrative="text")
    text = resource.get("text")
    div = text.get("div") if isinstance(text, Mapping) else None
    return (narrative_texts(div) if isinstance(div, str) else []), rest


def _gather(value: Mapping[str, Any], into: list[str], extension: bool, narrative: str | None = None) -> None:
    for name, each in value.items():
        if name in _LEFT_OUT or (name == narrative and isinstance(each, dict)):
            continue
        if isinstance(each, str):
            if name == "div":
                into.extend(narrative_texts(each))  # of a resource contained in this one
            elif name != "url" or not extension:
                into.append(each)
        elif isinstance(each, dict):
            _gather(each, into, extension=False)
        elif isinstance(each, list):
            extensions = name in _EXTENSIONS
            for item in each:
                if isinstance(item, str):
                    into.append(item)
                elif isinstance(item, dict):
                    _gather(item, into, extensions)


def narrative_texts(div: str) -> list[str]:
    """Return what a person reads in XHTML, one text for each paragraph, cell or item: no tags, attributes, comments.

    Entities are resolved, those of HTML by name too.
    """
    return [text for text in map(html.unescape, _MARKUP.sub(_plain, div).split(_BREAK)) if text.strip()]


def _plain(match: re.Match[str]) -> str:
    verbatim = match["verbatim"]
    if verbatim is not None:
        return html.escape(verbatim)
    name = match["name"]
    return "" if name is None or name.lower() in _INLINE else _BREAK
