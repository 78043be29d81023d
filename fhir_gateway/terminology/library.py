"""The code systems and value sets at hand, read when they are asked for, and what they say of a code.

Source: FHIR R4, Terminology Module; CodeSystem, "$validate-code"; ValueSet, "$validate-code".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fhir_gateway.terminology.code_system import CodeSystem, Concept, speaks
from fhir_gateway.terminology.countries import countries_system
from fhir_gateway.terminology.grammars import GRAMMARS, ISO_3166
from fhir_gateway.terminology.value_set import ValueSet

_KEPT = 65_536  # answers


class Source(Protocol):
    """Where resources come from, by type and canonical (a url, or "url|version")."""

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None: ...


State = Literal[
    "known",
    "unknown-code",
    "not-in-fragment",  # the system is here in part, and the code is not in that part
    "no-content",  # the system is known by name only
    "unknown-system",
    "unknown-version",
    "supplement",  # what is named as system only adds to one
    "value-set",  # what is named as system is a value set
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code system says of a code.

    `version`: of the system that answered. `displays`: what the code may be called, best first; empty where nothing is
    known. `right_display`: whether the display given is among them, None where that cannot be told. `by_language`: no
    language was asked for, and in one of those that the system speaks the display given would be wrong.
    """

    state: State
    version: str | None = None
    displays: tuple[str, ...] = ()
    right_display: bool | None = None
    inactive: bool = False
    abstract: bool = False
    by_language: bool = False


class Library:
    """Code systems and value sets by canonical, each made ready once; safe for any number of threads."""

    def __init__(self, source: Source, systems: Callable[[str], CodeSystem | None] | None = None) -> None:
        """Take where resources come from. `systems`: gives code systems that are ready; None: they are read here."""
        self._source = source
        self._ready = systems
        self._systems: dict[str, CodeSystem | None] = {}
        self._sets: dict[str, ValueSet | None] = {}
        self._answers: dict[tuple[str, str | None, str], bool | None] = {}
        self._verdicts: dict[tuple[str, str | None, str, str | None, str | None], Verdict] = {}

    def code_system(self, canonical: str) -> CodeSystem | None:
        if canonical not in self._systems:
            if self._ready is not None:
                self._systems[canonical] = self._ready(canonical)
            else:
                resource = self._source.resource("CodeSystem", canonical)
                self._systems[canonical] = None if resource is None else CodeSystem(resource)
        return self._systems[canonical]

    def value_set(self, canonical: str) -> ValueSet | None:
        if canonical not in self._sets:
            resource = self._source.resource("ValueSet", canonical)
            if resource is None:
                self._sets[canonical] = self._implicit(canonical)
            else:
                made = self._sets[canonical] = ValueSet(resource)
                self._supplement(made.supplements)
        return self._sets[canonical]

    def _implicit(self, canonical: str) -> ValueSet | None:
        """Return the value set of all codes of a system, where a CodeSystem has its url, or that url and "?vs".

        Source: FHIR R4, CodeSystem.valueSet; "Using Codes", "Implicit Value Sets".
        """
        url, bar, version = canonical.partition("|")
        system = url.removesuffix("?vs")
        if not system or (self.code_system(f"{system}{bar}{version}") is None and system not in GRAMMARS):
            return None
        include = {"system": system, **({"version": version} if version else {})}
        return ValueSet({"url": url, "compose": {"include": [include]}})

    def _supplement(self, supplements: Iterable[str]) -> None:
        """Lay supplements that a value set asks for over the systems they are for."""
        for canonical in supplements:
            added = self.code_system(canonical)
            base = self.code_system(added.supplements) if added is not None and added.supplements else None
            if added is not None and base is not None and added.supplements is not None:
                # Others share the system as it is.
                self._systems[added.supplements] = self._systems[base.canonical] = base.with_supplement(added)

    def algorithmic(self, system: str) -> Callable[[str], bool] | None:
        return GRAMMARS.get(system)

    # --- what validation asks

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Return whether a value set has a code; None where that cannot be told."""
        key = (value_set, system, code)
        if key in self._answers:
            return self._answers[key]
        known = self.value_set(value_set)
        answer = None if known is None else known.holds(self, system, code)
        if len(self._answers) >= _KEPT:
            self._answers.clear()
        self._answers[key] = answer
        return answer

    def contains_in(self, value_set: Mapping[str, Any], system: str | None, code: str) -> bool | None:
        """Return the same for a value set that is given itself; None where it is malformed."""
        try:
            return ValueSet(value_set).holds(self, system, code)
        except (AttributeError, KeyError, TypeError):
            return None  # it comes with the resource that is judged, whose structure is reported for itself

    def name(self, value_set: str) -> str | None:
        """Return the title of a value set; None when it is not known."""
        known = self.value_set(value_set)
        return None if known is None else known.title

    def unknown(self, value_set: str, system: str | None) -> str | None:
        """Return the canonical of the first thing that is not known and would decide; None when all is known."""
        known = self.value_set(value_set)
        return value_set if known is None else next(known.unknown(self, system), None)

    def verdict(
        self, system: str, version: str | None, code: str, display: str | None = None, language: str | None = None
    ) -> Verdict:
        """Return what a code system says of a code and of the display it is given with."""
        key = (system, version, code, display, language)
        made = self._verdicts.get(key)
        if made is None:
            if len(self._verdicts) >= _KEPT:
                self._verdicts.clear()
            made = self._verdicts[key] = self._judged(*key)
        return made

    def _judged(
        self, system: str, version: str | None, code: str, display: str | None, language: str | None
    ) -> Verdict:
        grammar = GRAMMARS.get(system)
        if grammar is not None and system != ISO_3166:
            return Verdict("known" if grammar(code) else "unknown-code")
        canonical = f"{system}|{version}" if version else system
        known = countries_system() if system == ISO_3166 else self.code_system(canonical)
        if known is None:
            return Verdict("value-set" if self._source.resource("ValueSet", system) is not None else "unknown-system")
        if known.content == "supplement":
            return Verdict("supplement", known.version)
        if version and known.version is not None and not _same_version(version, known.version):
            return Verdict("unknown-version", known.version)
        concept = known.concept(code)
        if concept is None:
            state: State = "unknown-code"
            if not known.complete:
                state = "no-content" if known.content == "not-present" or not known.count() else "not-in-fragment"
            return Verdict(state, known.version)
        displays = tuple(known.displays(concept, language))
        right = _is_right(known, concept, display, language)
        languages = known.languages(concept) if language is None and right is not False else ()
        return Verdict(
            "known",
            known.version,
            displays,
            right,
            known.is_inactive(concept),
            known.is_abstract(concept),
            any(_is_right(known, concept, display, each) is False for each in languages),
        )

    def subsumes(self, system: str, above: str, below: str) -> bool | None:
        """Return whether a code is another of its system or stands above it; None where that cannot be told."""
        known = self.code_system(system)
        if known is None:
            return True if above == below else None
        return known.subsumes(above, below)


def _same_version(asked: str, there: str) -> bool:
    """Tell whether a version is the one asked for; "1.2" stands for every 1.2.x."""
    return asked == there or there.startswith(f"{asked}.")


def _is_right(system: CodeSystem, concept: Concept, display: str | None, language: str | None) -> bool | None:
    """Return whether a display is one that a concept has in a language, or in any; None where that cannot be told.

    ISO names countries in French and English, and English has other names for them in use: only French is judged.
    """
    is_open = system.url == ISO_3166 and (language is None or not speaks(language, "fr"))
    displays = system.displays(concept, None if is_open else language)
    if display is None or not displays:
        return None
    is_there = _folded(display) in {_folded(each) for each in displays}
    return None if is_open and not is_there else is_there


def _folded(display: str) -> str:
    """Return a display in the form that is compared: whatever its case, but with the white space it has."""
    return display.casefold()
