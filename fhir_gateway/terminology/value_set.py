"""Value sets: which codes they hold, by the rules of their definition.

A value set becomes a list of parts; each part holds the codes of one system, or those of other value sets. Nothing is
expanded: a code is tested against the rules, and only a part with filters keeps the codes it came to.

Source: FHIR R4, ValueSet, "Composition Rules"; "Using Codes in resources".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhir_gateway.terminology import grammars
from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.system import Filter, Unsupported

_DEEPEST = 20  # value sets that import value sets; a circle ends there
_SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


class Content(Protocol):
    """Where code systems and value sets come from; a canonical may name a version."""

    def code_system(self, canonical: str) -> CodeSystem | None: ...

    def value_set(self, canonical: str) -> ValueSet | None: ...

    def algorithmic(self, system: str) -> Callable[[str], bool] | None:
        """Return the test of a system whose codes follow a grammar (UCUM, BCP-47); None for any other."""


@dataclass(frozen=True, slots=True)
class Part:
    """One include or exclude. `codes`: those listed, None for all that pass `filters`; `sets`: all must hold it."""

    system: str | None
    version: str | None
    codes: Mapping[str, str | None] | None  # with the display given there
    filters: tuple[Mapping[str, Any], ...]
    sets: tuple[str, ...]

    @property
    def canonical(self) -> str:
        return f"{self.system}|{self.version}" if self.version else str(self.system)


class ValueSet:
    """The rules of one ValueSet resource."""

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.url: str = resource.get("url", "")
        self.version: str | None = resource.get("version")
        self.title: str = resource.get("title") or resource.get("name") or self.url
        self.status: str | None = resource.get("status")
        compose = resource.get("compose") or {}
        self.includes = tuple(_part(each) for each in compose.get("include", ()) if isinstance(each, dict))
        self.excludes = tuple(_part(each) for each in compose.get("exclude", ()) if isinstance(each, dict))
        self._active_only = compose.get("inactive") is False
        self._expanded = _expanded(resource["expansion"]) if isinstance(resource.get("expansion"), dict) else None
        self.supplements: tuple[str, ...] = tuple(
            str(each.get("valueCanonical") or each.get("valueUri"))
            for each in resource.get("extension", ())
            if isinstance(each, dict) and each.get("url") == _SUPPLEMENT
        )

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def systems(self) -> frozenset[str]:
        """The systems that its codes may come from, those of imported value sets left out."""
        listed = {part.system for part in self.includes if part.system is not None}
        if not self.includes and self._expanded is not None:
            listed |= {system for system, _ in self._expanded if system is not None}
        return frozenset(listed)

    def holds(self, content: Content, system: str | None, code: str, depth: int = 0) -> bool | None:
        """Return whether a code is in the value set; None where that cannot be told.

        `system` None: the code may be of any system that the value set names.
        """
        if depth > _DEEPEST:
            return None
        answer = self._composed(content, system, code, depth) if self.includes else None
        if answer is None and self._expanded is not None:
            return any(code == each and system in (None, of) for of, each in self._expanded)
        return answer

    def _composed(self, content: Content, system: str | None, code: str, depth: int) -> bool | None:
        unsure = False
        for index, part in enumerate(self.includes):
            inside = self._part_holds(content, part, index, system, code, depth)
            if inside:
                inside = self._kept(content, part, system, code, depth)
            if inside:
                return True
            unsure = unsure or inside is None
        return None if unsure else False

    def _kept(self, content: Content, part: Part, system: str | None, code: str, depth: int) -> bool | None:
        """Return whether a code that a part includes stays in: not excluded, and active where that is asked."""
        of = system or part.system
        if self._active_only and part.system is not None:
            own = content.code_system(part.canonical)
            concept = None if own is None else own.concept(code)
            if own is not None and concept is not None and own.is_inactive(concept):
                return False
        answers = [
            self._part_holds(content, each, -1 - index, of, code, depth) for index, each in enumerate(self.excludes)
        ]
        if True in answers:
            return False
        return None if None in answers else True

    def _part_holds(
        self, content: Content, part: Part, index: int, system: str | None, code: str, depth: int
    ) -> bool | None:
        answers: list[bool | None] = []
        if part.system is not None:
            answers.append(self._system_holds(content, part, index, system, code))
            if answers[0] is False:
                return False
        for canonical in part.sets:
            other = content.value_set(canonical)
            answers.append(None if other is None else other.holds(content, system, code, depth + 1))
        if False in answers or not answers:
            return False
        return None if None in answers else True

    def _system_holds(self, content: Content, part: Part, index: int, system: str | None, code: str) -> bool | None:
        if system is not None and system != part.system:
            return False
        if part.codes is not None:
            if code in part.codes:
                return True
            known = content.code_system(part.canonical)
            if known is None or known.case_sensitive:
                return False
            return code.casefold() in {each.casefold() for each in part.codes}
        grammar = content.algorithmic(str(part.system))
        if grammar is not None:
            return grammar(code) and _grammar_passes(part, code)
        own = content.code_system(part.canonical)
        if own is None or own.content == "supplement":
            return None
        concept = own.concept(code)
        if concept is None:
            return False if own.complete else None
        try:
            return not part.filters or own.holds(concept.code, [filter_of(each) for each in part.filters])
        except Unsupported:
            return None

    def unknown(self, content: Content, system: str | None, depth: int = 0) -> Iterator[str]:
        """Yield the canonicals of what would have to be known to tell about the codes of a system."""
        for part in (*self.includes, *self.excludes):
            of_it = part.system is not None and system in (None, part.system)
            if of_it and part.codes is None and content.algorithmic(str(part.system)) is None:
                known = content.code_system(part.canonical)
                if known is None or not known.complete:
                    yield part.canonical
            for canonical in part.sets:
                other = content.value_set(canonical)
                if other is None:
                    yield canonical
                elif depth < _DEEPEST:
                    yield from other.unknown(content, system, depth + 1)


def _part(part: Mapping[str, Any]) -> Part:
    listed = part.get("concept")
    return Part(
        part.get("system"),
        part.get("version"),
        {each["code"]: each.get("display") for each in listed if "code" in each} if listed else None,
        tuple(part.get("filter", ())),
        tuple(part.get("valueSet", ())),
    )


def _expanded(expansion: Mapping[str, Any]) -> frozenset[tuple[str | None, str]]:
    found: set[tuple[str | None, str]] = set()
    pending = list(expansion.get("contains", ()))
    while pending:
        each = pending.pop()
        if not isinstance(each, dict):
            continue
        if "code" in each and not each.get("abstract", False):
            found.add((each.get("system"), each["code"]))
        pending += each.get("contains", ())
    return frozenset(found)


def _grammar_passes(part: Part, code: str) -> bool | None:
    answers = [
        grammars.passes(str(part.system), code, each.get("property", ""), each.get("op", ""), str(each.get("value")))
        for each in part.filters
    ]
    return False if False in answers else None if None in answers else True


def filtered(system: CodeSystem, filters: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the codes of a system that pass all filters.

    Raises: Unsupported for an operator, a property or a regular expression that cannot be answered.
    """
    return system.matching([filter_of(each) for each in filters])


def filter_of(element: Mapping[str, Any]) -> Filter:
    """Return a filter from its element."""
    return Filter(str(element.get("property", "")), str(element.get("op", "")), str(element.get("value", "")))
