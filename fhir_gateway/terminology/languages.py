"""Languages: tags, what a client would like to read in which order, and how well a text's language suits that.

Source: BCP 47 (RFC 5646); RFC 9110, 12.5.4 (Accept-Language); FHIR R4, ValueSet, "$expand" (displayLanguage); HL7, FHIR
Terminology Ecosystem, "Multi-Language Support".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from fhir_gateway.terminology.language_tags import is_language

Depth = Literal["full", "region", "language"]
DEPTHS: tuple[Depth, ...] = ("full", "region", "language")

_TAG = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?(?:-(?P<region>[A-Za-z]{2}|\d{3}))?(?P<rest>(?:-[A-Za-z0-9]{1,8})*)"
)


class NoLanguage(ValueError):
    """What is given is no language tag, nor a list of them."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A language tag in its parts; `text` as it was given."""

    text: str
    language: str
    script: str = ""
    region: str = ""
    rest: str = ""

    def suits(self, other: Tag, depth: Depth) -> bool:
        """Tell whether two tags are the same as far down as `depth`."""
        if self.language != other.language:
            return False
        if depth == "language":
            return True
        same = self.script == other.script and self.region == other.region
        return same and (depth == "region" or self.rest == other.rest)


@lru_cache(1024)
def tag(text: str) -> Tag:
    """Return a tag in its parts. Raises: NoLanguage."""
    found = _TAG.fullmatch(text)
    if found is None or not is_language(text):
        raise NoLanguage(text)
    part = found.group
    script, region = part("script") or "", part("region") or ""
    return Tag(text, part("language").lower(), script.title(), region.upper(), part("rest").lower())


@lru_cache(1024)
def tag_or_none(text: str | None) -> Tag | None:
    """Return a tag in its parts; None for none, and for what is no tag."""
    try:
        return tag(text) if text else None
    except NoLanguage:
        return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One language of a list, with its weight; `tag` None stands for any language."""

    tag: Tag | None
    weight: float

    def suits(self, other: Tag | None, depth: Depth) -> bool:
        if self.weight <= 0:
            return False
        if self.tag is None:
            return True
        return other is not None and self.tag.suits(other, depth)


@dataclass(frozen=True, slots=True)
class Languages:
    """Languages in the order they are wanted. `text`: as they were given, with the same spaces for all."""

    text: str
    wanted: tuple[Wanted, ...]

    @property
    def named(self) -> str:
        """The languages as a message names them, without weights of 1."""
        return ",".join(_named(each) for each in self.wanted)

    def suits(self, other: Tag | None, depth: Depth = "language") -> bool:
        return any(each.suits(other, depth) for each in self.wanted)


def _named(each: Wanted) -> str:
    text = "*" if each.tag is None else each.tag.text
    return text if each.weight == 1 else f"{text}; q={each.weight:g}"


@lru_cache(512)
def languages(text: str, open: bool = False) -> Languages:
    """Return the languages of an Accept-Language list, by weight. Raises: NoLanguage.

    `open`: any other language is better than none, unless the list says something of "*" itself.
    """
    found: list[Wanted] = []
    for piece in text.split(","):
        name, _, parameters = piece.strip().partition(";")
        name = name.strip()
        found.append(Wanted(None if name == "*" else tag(name), _weight(parameters)))
    if open and all(each.tag is not None for each in found):
        found.append(Wanted(None, 0.01))
    pieces = [each.strip() for each in text.split(",")]
    return Languages((", " if ";" in text else ",").join(pieces), tuple(sorted(found, key=lambda each: -each.weight)))


def languages_or_none(text: str | None, open: bool = False) -> Languages | None:
    """Return the languages of a header; None for none, and for what cannot be read (a header is advice)."""
    try:
        return languages(text, open) if text else None
    except NoLanguage:
        return None


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 1.0


def joined(parts: Sequence[str]) -> str:
    """Return texts as a message lists them: "a", "a or b", "a, b or c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}" if parts else ""
