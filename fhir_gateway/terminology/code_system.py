"""A code system made ready for questions: its concepts by code, their parents and properties.

Source: FHIR R4, CodeSystem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_PARENT = "http://hl7.org/fhir/concept-properties#parent"
_CHILD = "http://hl7.org/fhir/concept-properties#child"
_NOT_SELECTABLE = "http://hl7.org/fhir/concept-properties#notSelectable"


@dataclass(slots=True)
class Concept:
    """One code. `parents`: the codes it stands below, by nesting or by a property."""

    code: str
    display: str | None
    definition: str | None
    designations: Sequence[Mapping[str, Any]] = ()
    properties: Sequence[Mapping[str, Any]] = ()
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


class CodeSystem:
    """The concepts of one CodeSystem resource, read once.

    `complete`: whether it has all codes of the system; of others only what is there is known.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.url: str = resource.get("url", "")
        self.version: str | None = resource.get("version")
        self.title: str = resource.get("title") or resource.get("name") or self.url
        self.content: str = resource.get("content", "complete")
        self.case_sensitive = bool(resource.get("caseSensitive", True))
        self.resource = resource
        self.concepts: dict[str, Concept] = {}
        self._uris = {each.get("code", ""): each.get("uri", "") for each in resource.get("property", ())}
        self._read(resource.get("concept", ()), None)
        self._link()

    @property
    def complete(self) -> bool:
        return self.content == "complete"

    def _read(self, concepts: Sequence[Mapping[str, Any]], parent: str | None) -> None:
        pending = [(each, parent) for each in concepts]
        while pending:
            each, above = pending.pop()
            code = each.get("code")
            if not isinstance(code, str):
                continue
            concept = self.concepts.setdefault(
                code,
                Concept(
                    code, each.get("display"), each.get("definition"), each.get("designation", ()),
                    each.get("property", ()),
                ),
            )  # fmt: skip
            if above is not None and above not in concept.parents:
                concept.parents.append(above)
            pending += [(below, code) for below in each.get("concept", ())]

    def _link(self) -> None:
        for concept in list(self.concepts.values()):
            for each in concept.properties:
                name, value = each.get("code"), self.value_of(each)
                if self._is(name, "parent", _PARENT) and value not in concept.parents:
                    concept.parents.append(str(value))
                elif self._is(name, "child", _CHILD) and str(value) in self.concepts:
                    below = self.concepts[str(value)]
                    if concept.code not in below.parents:
                        below.parents.append(concept.code)
        for concept in self.concepts.values():
            for parent in concept.parents:
                if parent in self.concepts:
                    self.concepts[parent].children.append(concept.code)

    def _is(self, code: Any, name: str, uri: str) -> bool:
        return bool(code == name or self._uris.get(code) == uri)

    @staticmethod
    def value_of(property: Mapping[str, Any]) -> Any:
        """Return the value of a concept's property, a Coding as its code."""
        value = next((each for key, each in property.items() if key.startswith("value")), None)
        return value.get("code") if isinstance(value, dict) else value

    @cached_property
    def _folded(self) -> dict[str, Concept]:
        return {code.casefold(): concept for code, concept in self.concepts.items()}

    def concept(self, code: str) -> Concept | None:
        """Return the concept of a code, whatever its case where the system does not mind it."""
        found = self.concepts.get(code)
        if found is None and not self.case_sensitive:
            found = self._folded.get(code.casefold())
        return found

    def descendants(self, code: str) -> Iterator[str]:
        """Yield the codes below a code, each once."""
        seen: set[str] = set()
        pending = list(self.concepts[code].children) if code in self.concepts else []
        while pending:
            below = pending.pop()
            if below not in seen:
                seen.add(below)
                yield below
                pending += self.concepts[below].children

    def ancestors(self, code: str) -> Iterator[str]:
        """Yield the codes above a code, each once."""
        seen: set[str] = set()
        pending = list(self.concepts[code].parents) if code in self.concepts else []
        while pending:
            above = pending.pop()
            if above not in seen:
                seen.add(above)
                yield above
                pending += self.concepts[above].parents if above in self.concepts else []

    def values(self, concept: Concept, name: str) -> list[Any]:
        """Return the values of a concept's property, by its code or its uri."""
        if name == "parent":
            return list(concept.parents)
        if name == "child":
            return list(concept.children)
        return [
            self.value_of(each)
            for each in concept.properties
            if each.get("code") == name or self._uris.get(each.get("code", "")) == name
        ]

    def is_abstract(self, concept: Concept) -> bool:
        """Tell whether a code is there to group others, not to be chosen."""
        return any(
            self.value_of(each) is True and self._is(each.get("code"), "notSelectable", _NOT_SELECTABLE)
            for each in concept.properties
        )
