"""Resources as a source of rules, with FHIRPath as the language of its paths.

    Patient.birthDate                           of the segment at hand, or of those of that name in the group, or around
    Sign.code.coding.where(system='…').code[*]  each item: [*] stands at the end
    {Request.priority = 'urgent'} EQUALS "true"     in a condition a path stands in braces, and so in a template
    value                                       in a data type mapping: of the element it is applied to

A segment is one resource under a name that its format gives it (an alias): Case, Patient, Library. Paths are compiled
once, when the rules are read.

Source: FHIRPath 2.0 (N1); FHIR R4, FHIRPath; mappings/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.fhir.fhirpath.engine import NO_HOOKS, Engine
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import FhirPathError
from fhir_gateway.fhir.fhirpath.nodes import Items, Node, root_node
from fhir_gateway.fhir.types import Types
from fhir_gateway.transform.object_paths import ObjectPaths
from fhir_gateway.transform.primitives_of_texts import written
from fhir_gateway.transform.source import Expression, Home, Scope

_HEAD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WORD = re.compile(r"\.([A-Za-z][A-Za-z0-9]*)(?![A-Za-z0-9(])")


class FhirSegment:
    """A resource under the name that rules know it by. `number`: which of that name, from 1."""

    __slots__ = ("_fields", "_places", "name", "node", "number", "resource")

    def __init__(self, name: str, number: int, resource: dict[str, Any], places: Mapping[str, int]) -> None:
        self.name = name
        self.number = number
        self.resource = resource
        self.node = root_node(resource)
        self._places = places
        self._fields: tuple[bool, ...] | None = None

    @property
    def fields(self) -> Sequence[bool]:
        """Which elements it has, numbered as `FhirPaths.elements` does; the first, always, is the whole."""
        if self._fields is None:
            made = [False] * (max(self._places.values(), default=0) + 1)
            made[0] = True
            for key in self.resource:
                made[self._places.get(key.removeprefix("_"), 0)] = True
            self._fields = tuple(made)
        return self._fields


@dataclass(frozen=True, slots=True)
class FhirSource:
    """Resources in the order that groups are told by. `seed`: bytes that tell them from all others."""

    segments: Sequence[FhirSegment]
    seed: bytes


class FhirPaths(ObjectPaths):
    """The language of FHIRPath. `aliases`: the type of each name that a segment may have."""

    def __init__(self, aliases: Mapping[str, str], types: Types, engine: Engine) -> None:
        self._aliases = dict(aliases)
        self._types = types
        self._engine = engine
        self._compiled: dict[tuple[str, str], int] = {}
        self._texts: list[Callable[[Any], str]] = []
        self._nodes: list[Callable[[Any], Items]] = []
        self._elements: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, dict[str, int]] = {}

    # --- segments

    def segment(self, name: str, number: int, resource: dict[str, Any]) -> FhirSegment:
        """Return a resource as a segment."""
        kind = self._aliases[name]
        self.elements(kind)
        return FhirSegment(name, number, resource, self._places[kind])

    def elements(self, kind: str) -> tuple[str, ...]:
        """Return the elements of a type by their numbers, choices as they are defined; 0 is the whole."""
        found = self._elements.get(kind)
        if found is None:
            members = self._types.types[kind].elements
            stems = tuple(dict.fromkeys(each.definition.removesuffix("[x]") for each in members.values()))
            found = self._elements[kind] = ("", *stems)
            numbers = {name: at for at, name in enumerate(found)}
            self._places[kind] = {
                **{key: numbers[each.definition.removesuffix("[x]")] for key, each in members.items()},
                "resourceType": 0,
            }
        return found

    def element_at(self, where: str) -> tuple[str, int, str]:
        """Return alias, number and element of what a trace or an unplaced field tells ("Patient^1^4")."""
        name, number, part = (*where.split("^"), "0", "0")[:3]
        elements = self.elements(self._aliases[name]) if name in self._aliases else ("",)
        return name, int(number), elements[int(part)] if int(part) < len(elements) else ""

    # --- the language

    @property
    def names(self) -> Mapping[str, Any]:
        return {"fhirpath_text": self._texts, "fhirpath_nodes": self._nodes, "fhirpath_within": _within}

    def text(self, path: str, home: Home, known: int = -1) -> Expression:
        return Expression(f"fhirpath_text[{self._number(path, home)}]({self._input(path, home)})", fixed=True)

    def nodes(self, path: str, home: Home, known: int = -1) -> Expression:
        return Expression(f"fhirpath_nodes[{self._number(path, home)}]({self._input(path, home)})")

    def text_of(self, node: str) -> str:
        return f"fhirpath_text[{self._of_node()}](({node},))"

    def place_of(self, node: Any) -> str:
        """Return where a node stands: Patient.name[0].family."""
        if not isinstance(node, Node):
            return ""
        steps: list[str] = []
        at: Node | None = node
        while at is not None and at.parent is not None:
            steps.append(at.key if at.place is None else f"{at.key}[{at.place}]")
            at = at.parent
        return ".".join((at.type if at is not None else node.type, *reversed(steps)))

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        if home.kind == "datatype":
            return None
        name, rest = self._cut(path)
        found = _WORD.search(_without_arguments(rest))
        elements = self.elements(self._aliases[name])
        element = found[1] if found is not None else ""
        return name, elements.index(element) if element in elements else 0

    # --- paths

    def _cut(self, path: str) -> tuple[str, str]:
        found = _HEAD.match(path)
        if found is None or found[0] not in self._aliases:
            known = ", ".join(sorted(self._aliases))
            raise ValueError(f"a path begins with what it speaks of, one of {known}")
        return found[0], path[found.end() :]

    def _number(self, path: str, home: Home) -> int:
        """Return the number of a compiled path. Raises: ValueError."""
        path = path.removesuffix("[*]")
        if home.kind == "datatype":
            kind, text = (home.name if home.name in self._types.types else ""), path
        else:
            name, rest = self._cut(path)
            kind, text = self._aliases[name], rest.removeprefix(".") if rest.startswith(".") else f"$this{rest}"
        key = (kind, text)
        if key not in self._compiled:
            try:
                expression = self._engine.compile(text, kind or None)
            except FhirPathError as error:
                raise ValueError(str(error)) from None
            self._compiled[key] = self._add(expression.closure)
        return self._compiled[key]

    def _add(self, closure: Callable[[Environment, Items], Items]) -> int:
        def nodes(input: Any) -> Items:
            items = _items(input)
            return closure(Environment(items, items, items, {}, NO_HOOKS), items) if items else []

        def text(input: Any) -> str:
            found = nodes(input)
            return _text(found[0]) if found else ""

        self._nodes.append(nodes)
        self._texts.append(text)
        return len(self._nodes) - 1

    def _of_node(self) -> int:
        if ("", "") not in self._compiled:
            self._compiled["", ""] = self._add(lambda env, items: items)
        return self._compiled["", ""]

    def _input(self, path: str, home: Home) -> str:
        if home.kind == "datatype":
            return "(node,)"
        name, _ = self._cut(path)
        return "(segment.node,)" if name == home.name else f"fhirpath_within(scope, {name!r})"


def _without_arguments(path: str) -> str:
    """Return a path without what stands in parentheses and brackets."""
    made, depth = "", 0
    for sign in path:
        depth -= sign in ")]"
        made += sign if not depth else ""
        depth += sign in "(["
    return made


def _items(input: Any) -> Items:
    return list(input)


def _text(item: Any) -> str:
    return written(item.value if isinstance(item, Node) else item)


def _within(scope: Scope | None, name: str) -> Items:
    """Return the resources of a name in a group or, where it can have none, in the groups around."""
    while scope is not None:
        found = scope.segments.get(name)
        if found:
            return [each.node for each in found]
        if name in scope.own:
            return []
        scope = scope.parent
    return []
