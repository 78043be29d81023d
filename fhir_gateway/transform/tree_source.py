"""A tree of JSON as a source of rules: objects of it under names, paths of keys.

    Individual.family.link      of the object at hand, or of the first of that name in the group, or around it
    Case.hpo_terms[*]           each item of a list
    $this                       in a data type mapping the value itself; else its keys

Source: mappings/README.md; RFC 8259, JSON; RFC 6901, JSON Pointer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_gateway.transform.object_paths import ObjectPaths
from fhir_gateway.transform.primitives_of_texts import written
from fhir_gateway.transform.schema import pointer
from fhir_gateway.transform.source import Expression, Home, Scope

_PATH = re.compile(r"(?:\$this|[A-Za-z_][A-Za-z0-9_\-]*)(?:\.[A-Za-z_][A-Za-z0-9_\-]*)*(?:\[\*\])?")


class TreeNode(NamedTuple):
    """A value and where it stands in the tree."""

    value: Any
    pointer: str


class TreeSegment:
    """An object of a tree under the name that rules know it by. `pointer`: where it stands."""

    __slots__ = ("_fields", "_keys", "name", "number", "pointer", "value")

    def __init__(self, name: str, number: int, value: Mapping[str, Any], where: str, keys: Sequence[str]) -> None:
        self.name = name
        self.number = number
        self.value = value
        self.pointer = where
        self._keys = keys
        self._fields: tuple[bool, ...] | None = None

    @property
    def fields(self) -> Sequence[bool]:
        """Which keys say something, numbered as `TreePaths.keys` does; the first, always, is the whole."""
        if self._fields is None:
            self._fields = (True, *(self.value.get(key) not in (None, [], {}) for key in self._keys))
        return self._fields


@dataclass(frozen=True, slots=True)
class TreeSource:
    """Objects of a tree in the order that groups are told by. `seed`: bytes that tell it from all others."""

    segments: Sequence[TreeSegment]
    seed: bytes


class TreePaths(ObjectPaths):
    """The language of keys. `keys`: those that objects of each name may have."""

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._keys = {name: tuple(each) for name, each in keys.items()}

    def segment(self, name: str, number: int, value: Mapping[str, Any], where: str) -> TreeSegment:
        """Return an object as a segment."""
        return TreeSegment(name, number, value, where, self._keys[name])

    def key_at(self, where: str) -> tuple[str, int, str]:
        """Return name, number and key of what a trace or an unplaced field tells ("Individual^2^3")."""
        name, number, part = (*where.split("^"), "0", "0")[:3]
        keys = ("", *self._keys.get(name, ()))
        return name, int(number), keys[int(part)] if int(part) < len(keys) else ""

    @property
    def names(self) -> Mapping[str, Any]:
        return {"tree_text": _text, "tree_nodes": _nodes, "tree_within": _within, "tree_of": _of, "written": written}

    def text(self, path: str, home: Home, known: int = -1) -> Expression:
        return Expression(f"tree_text({self._input(path, home)})", fixed=True)

    def nodes(self, path: str, home: Home, known: int = -1) -> Expression:
        return Expression(f"tree_nodes({self._input(path, home)})")

    def text_of(self, node: str) -> str:
        return f"written({node}.value)"

    def place_of(self, node: Any) -> str:
        return node.pointer if isinstance(node, TreeNode) else ""

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        if home.kind == "datatype":
            return None
        name, steps = self._cut(path)
        if not steps:
            return name, 0
        if steps[0] not in self._keys[name]:
            raise ValueError(f"{name} has no key {steps[0]}")
        return name, self._keys[name].index(steps[0]) + 1

    def _cut(self, path: str) -> tuple[str, tuple[str, ...]]:
        if _PATH.fullmatch(path) is None:
            raise ValueError("a path is Individual.family.link or Case.hpo_terms[*]")
        name, *steps = path.removesuffix("[*]").split(".")
        if name not in self._keys:
            raise ValueError(f"a path begins with what it speaks of, one of {', '.join(sorted(self._keys))}")
        return name, tuple(steps)

    def _input(self, path: str, home: Home) -> str:
        """Return the arguments of what reads a path: what it begins at, its keys."""
        if home.kind == "datatype":
            if _PATH.fullmatch(path) is None:
                raise ValueError("a path in a data type mapping is $this or keys with dots between")
            steps = tuple(each for each in path.removesuffix("[*]").split(".") if each != "$this")
            return f"node, {steps!r}"
        name, steps = self._cut(path)
        self.part(path, home)
        begins = "tree_of(segment)" if name == home.name else f"tree_within(scope, {name!r})"
        return f"{begins}, {steps!r}"


def _of(segment: TreeSegment) -> TreeNode:
    return TreeNode(segment.value, segment.pointer)


def _within(scope: Scope, name: str) -> TreeNode | None:
    found = scope.find(name)
    return None if found is None else _of(found)


def _at(node: TreeNode | None, steps: tuple[str, ...]) -> TreeNode | None:
    for step in steps:
        if node is None or not isinstance(node.value, Mapping):
            return None
        node = TreeNode(node.value.get(step), pointer(node.pointer, step))
    return node


def _text(node: TreeNode | None, steps: tuple[str, ...]) -> str:
    found = _at(node, steps)
    return "" if found is None else written(found.value)


def _nodes(node: TreeNode | None, steps: tuple[str, ...]) -> list[TreeNode]:
    found = _at(node, steps)
    if found is None or found.value is None:
        return []
    if isinstance(found.value, list):
        return [TreeNode(each, pointer(found.pointer, at)) for at, each in enumerate(found.value) if each is not None]
    return [found]
