"""What a concept may be called: its display, its designations, and those that supplements and value sets add.

Source: FHIR R4, CodeSystem.concept.designation; "Code System Supplements"; ValueSet.compose.include.concept; HL7, FHIR
Terminology Ecosystem, "Multi-Language Support".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fhir_gateway.terminology.languages import DEPTHS, Languages, Tag, joined, tag_or_none

# What the display of a concept is told as, where it is listed among the designations.
PREFERRED = {"system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra", "code": "preferredForLanguage"}
_SNOMED = "http://snomed.info/sct"
_PREFERRED = frozenset({(PREFERRED["system"], PREFERRED["code"]), (_SNOMED, "900000000000548007")})
_DISPLAYS = _PREFERRED | {
    ("http://terminology.hl7.org/CodeSystem/designation-usage", "display"),
    (_SNOMED, "900000000000013009"),
}
_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_TOLD = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/coding-sctdescid",
        "http://hl7.org/fhir/StructureDefinition/rendering-style",
        "http://hl7.org/fhir/StructureDefinition/rendering-xhtml",
        _STATUS,
        "http://hl7.org/fhir/StructureDefinition/codesystem-alternate",
    }
)

Match = Literal["same", "spaces", "none"]


@dataclass(frozen=True, slots=True)
class Designation:
    """One thing a concept may be called. `source`: the canonical of the supplement that says so."""

    value: str
    language: str | None = None
    use: Mapping[str, Any] | None = None
    status: str = "active"
    extensions: tuple[Mapping[str, Any], ...] = ()
    source: str | None = None
    is_base: bool = False  # the display itself

    @property
    def tag(self) -> Tag | None:
        return tag_or_none(self.language)

    @property
    def is_active(self) -> bool:
        return self.status not in ("withdrawn", "inactive", "deprecated")

    @property
    def is_display(self) -> bool:
        """Whether it may stand as display; a synonym or a long form may not."""
        return self.use is None or (self.use.get("system"), self.use.get("code")) in _PREFERRED

    @property
    def is_preferred(self) -> bool:
        return self.use is None or (self.use.get("system"), self.use.get("code")) in _DISPLAYS

    def as_fhir(self) -> dict[str, Any]:
        """Return it as an element of designation."""
        told: dict[str, Any] = {}
        kept = [each for each in self.extensions if each.get("url") in _TOLD]
        if kept:
            told["extension"] = kept
        if self.language:
            told["language"] = self.language
        if self.use is not None:
            told["use"] = dict(self.use)
        return {**told, "value": self.value}


def of_display(value: str, language: str | None, source: str | None = None) -> Designation:
    """Return the designation that a display is."""
    return Designation(value.strip(), language, PREFERRED, source=source, is_base=True)


def of_elements(elements: Iterable[Mapping[str, Any]], source: str | None = None) -> Iterator[Designation]:
    """Yield the designations that stand in a concept of a system or value set; those without a value are none."""
    for each in elements:
        value = each.get("value")
        if isinstance(value, str):
            extensions = tuple(each.get("extension", ()))
            yield Designation(
                value.strip(), each.get("language"), each.get("use"), _status(extensions), extensions, source
            )


def _status(extensions: Sequence[Mapping[str, Any]]) -> str:
    stated = next((each for each in extensions if each.get("url") == _STATUS), None)
    return "active" if stated is None else str(stated.get("valueCode") or stated.get("valueString") or "active")


def preferred(named: Sequence[Designation], wanted: Languages | None) -> Designation | None:
    """Return what a concept should be called for a reader of these languages; None where nothing suits.

    Without a wish it is the display. With one, the languages are tried in order, the region first and then without it.
    """
    if not named:
        return None
    if wanted is None:
        for test in (_active_preferred, _active_display, _is_display, _is_preferred):
            for each in named:
                if test(each):
                    return each
        return named[0]
    for language in wanted.wanted:
        for depth in DEPTHS:
            suiting = [each for each in named if language.suits(each.tag, depth)]
            for test in (_is_display, _is_preferred):
                for each in suiting:
                    if test(each):
                        return each
            if suiting:
                return suiting[0]
    return next((each for each in named if each.language is None and each.is_display), None)


def _is_display(each: Designation) -> bool:
    return each.is_display


def _is_preferred(each: Designation) -> bool:
    return each.is_preferred


def _active_display(each: Designation) -> bool:
    return each.is_display and each.is_active


def _active_preferred(each: Designation) -> bool:
    return each.is_preferred and each.is_active


def called(named: Iterable[Designation], sent: str, wanted: Languages | None) -> tuple[Match, bool]:
    """Return how a display fits what a concept may be called, and whether what it fits is in use still.

    Case makes no difference; spaces do.
    """
    plain = sent.casefold()
    there = [each for each in named if wanted is None or each.language is None or wanted.suits(each.tag)]
    same = [each for each in there if each.value.casefold() == plain]
    if same:
        return "same", any(each.is_active for each in same)
    spaced = _folded(sent)
    return ("spaces" if any(_folded(each.value) == spaced for each in there) else "none"), False


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def shown(named: Iterable[Designation], wanted: Languages | None, displays: bool = True) -> list[Designation]:
    """Return what may be shown as display in these languages: at the depth at which something suits."""
    pool = [each for each in named if each.is_display or not displays]
    if wanted is None:
        return pool
    for depth in DEPTHS:
        found = [each for each in pool if each.language is None or wanted.suits(each.tag, depth)]
        if found:
            return found
    return []


def presented(named: Iterable[Designation], wanted: Languages | None) -> str:
    """Return the displays in these languages as a message lists them, all where there is none in them."""
    pool = [each for each in named if each.is_display]
    found = [each for each in pool if wanted is None or each.language is None or wanted.suits(each.tag)] or pool
    return joined([f"'{each.value}' ({each.language})" if each.language else f"'{each.value}'" for each in found])
