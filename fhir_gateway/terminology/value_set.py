"""Value sets: which codes they hold, by the rules of their definition.

A value set becomes a list of parts; each part holds the codes of one system, or those of other value sets. Nothing is
expanded: a code is tested against the rules, and only a part with filters keeps the codes it came to.

Source: FHIR R4, ValueSet, "Composition Rules"; Using Codes in resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhir_gateway.terminology.code_system import CodeSystem, Concept

Filter = Callable[[CodeSystem, Concept], bool]


class Unsupported(Exception):
    """A filter that the content at hand cannot answer."""


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
    codes: frozenset[str] | None
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
        self.resource = resource
        compose = resource.get("compose", {})
        self.includes = tuple(_part(each) for each in compose.get("include", ()))
        self.excludes = tuple(_part(each) for each in compose.get("exclude", ()))
        self._expanded = None if compose else _expanded(resource.get("expansion", {}))
        self._filtered: dict[int, frozenset[str] | None] = {}

    @property
    def systems(self) -> frozenset[str]:
        """The systems that its codes may come from, those of imported value sets left out."""
        listed = {part.system for part in self.includes if part.system is not None}
        if self._expanded is not None:
            listed |= {system for system, _ in self._expanded if system is not None}
        return frozenset(listed)

    def holds(self, content: Content, system: str | None, code: str, depth: int = 0) -> bool | None:
        """Return whether a code is in the value set; None where that cannot be told.

        `system` None: the code may be of any system that the value set names.
        """
        if depth > 20:
            return None
        if self._expanded is not None:
            return any(code == each and system in (None, of) for of, each in self._expanded)
        unsure = False
        for index, part in enumerate(self.includes):
            inside = self._part_holds(content, part, index, system, code, depth)
            if inside and self._excluded(content, system or part.system, code, depth):
                inside = False
            if inside:
                return True
            unsure = unsure or inside is None
        return None if unsure else False

    def _excluded(self, content: Content, system: str | None, code: str, depth: int) -> bool:
        return any(
            bool(self._part_holds(content, part, -1 - index, system, code, depth))
            for index, part in enumerate(self.excludes)
        )

    def _part_holds(
        self, content: Content, part: Part, index: int, system: str | None, code: str, depth: int
    ) -> bool | None:
        answers: list[bool | None] = []
        for canonical in part.sets:
            other = content.value_set(canonical)
            answers.append(None if other is None else other.holds(content, system, code, depth + 1))
        if part.system is not None:
            answers.append(self._system_holds(content, part, index, system, code))
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
        if grammar is not None and not part.filters:
            return grammar(code)
        own = content.code_system(part.canonical)
        if own is None:
            return None
        concept = own.concept(code)
        if concept is None:
            return False if own.complete else None
        if not part.filters:
            return True
        passing = self._passing(own, part, index)
        return None if passing is None else concept.code in passing

    def _passing(self, system: CodeSystem, part: Part, index: int) -> frozenset[str] | None:
        if index not in self._filtered:
            try:
                self._filtered[index] = frozenset(filtered(system, part.filters))
            except Unsupported:
                self._filtered[index] = None
        return self._filtered[index]


def _part(part: Mapping[str, Any]) -> Part:
    listed = part.get("concept")
    return Part(
        part.get("system"),
        part.get("version"),
        frozenset(each["code"] for each in listed if "code" in each) if listed else None,
        tuple(part.get("filter", ())),
        tuple(part.get("valueSet", ())),
    )


def _expanded(expansion: Mapping[str, Any]) -> frozenset[tuple[str | None, str]]:
    found: set[tuple[str | None, str]] = set()
    pending = list(expansion.get("contains", ()))
    while pending:
        each = pending.pop()
        if "code" in each and not each.get("abstract", False):
            found.add((each.get("system"), each["code"]))
        pending += each.get("contains", ())
    return frozenset(found)


def filtered(system: CodeSystem, filters: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the codes of a system that pass all filters.

    Raises: Unsupported for an operator or a property that is not known.
    """
    tests = [_test(system, each) for each in filters]
    for concept in system.concepts.values():
        if all(test(system, concept) for test in tests):
            yield concept.code


def _test(system: CodeSystem, filter: Mapping[str, Any]) -> Filter:
    name, operator, value = filter.get("property", ""), filter.get("op", ""), str(filter.get("value", ""))
    match operator:
        case "is-a":
            below = {value, *system.descendants(value)}
            return lambda system, concept: concept.code in below
        case "descendent-of":
            under = set(system.descendants(value))
            return lambda system, concept: concept.code in under
        case "is-not-a":
            outside = {value, *system.descendants(value)}
            return lambda system, concept: concept.code not in outside
        case "generalizes":
            above = {value, *system.ancestors(value)}
            return lambda system, concept: concept.code in above
        case "=":
            return lambda system, concept: value in _texts(system, concept, name)
        case "in":
            wanted = {each.strip() for each in value.split(",")}
            return lambda system, concept: bool(wanted & set(_texts(system, concept, name)))
        case "not-in":
            unwanted = {each.strip() for each in value.split(",")}
            return lambda system, concept: not unwanted & set(_texts(system, concept, name))
        case "regex":
            pattern = re.compile(value)
            return lambda system, concept: any(pattern.fullmatch(each) for each in _texts(system, concept, name))
        case "exists":
            there = value == "true"
            return lambda system, concept: bool(_texts(system, concept, name)) == there
    raise Unsupported(operator)


def _texts(system: CodeSystem, concept: Concept, name: str) -> list[str]:
    if name in ("code", "concept"):
        return [concept.code]
    if name == "display":
        return [concept.display] if concept.display is not None else []
    return [
        "true" if each is True else "false" if each is False else str(each) for each in system.values(concept, name)
    ]
