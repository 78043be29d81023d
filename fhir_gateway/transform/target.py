"""Places in a resource that rules fill: element paths, judged against StructureDefinitions, compiled to writers.

    identifier[+]              a new item              name.family                    of a list without index: its first
    participant[att].type      the item of that label  extension[patient-birthPlace].valueAddress   by url, or its end
    _birthDate.extension[…]    beside a primitive      valueQuantity                  a choice by its JSON name

A single element that is filled stays as it is: the first rule that has a value wins. A label names one item for all
rules that are applied to the same segment or data type.

Source: FHIR R4, JSON Representation; StructureDefinition; Extensibility.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance.lookup import Lookup
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.types import Element, Type, Types
from fhir_gateway.transform import complaints

Labels = dict[tuple[int, str, str], Any]
# (object, value, labels) -> the first item of a list on the way; None where the place was taken
Put = Callable[[dict[str, Any], Any, Labels], Any]
_Enter = Callable[[dict[str, Any], Labels], dict[str, Any]]

_STEP = re.compile(r"(?P<name>_?[A-Za-z][A-Za-z0-9]*)(?:\[(?P<index>[^\]]*)\])?")
_EXTENSIONS = (
    "http://hl7.org/fhir/StructureDefinition/",
    "https://hl7.fr/ig/fhir/core/StructureDefinition/",
    "https://interop.esante.gouv.fr/ig/fhir/core/StructureDefinition/",
)


class TargetError(ValueError):
    """A path that leads nowhere; `issue`: why."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.text())
        self.issue = issue


@dataclass(frozen=True, slots=True)
class Target:
    """A place. `type`: of what stands there; `references`: the types a reference may point to; `item`: the type of the
    first item of a list on the way, "" for none; `always_new`: whether each value makes an item of its own.
    """

    path: str
    type: str
    primitive: bool
    references: tuple[str, ...]
    put: Put
    item: str
    always_new: bool
    elements: tuple[str, ...]  # the names on the way, without indexes


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    many: bool
    index: str
    url: str = ""
    rivals: frozenset[str] = frozenset()  # the other names of a choice


class Targets:
    """Compiles paths below types. `lookup`: knows the extensions; `bases`: canonical bases of further ones."""

    def __init__(self, types: Types, lookup: Lookup, bases: tuple[str, ...] = ()) -> None:
        self._types = types.types
        self._lookup = lookup
        self._bases = (*_EXTENSIONS, *(f"{base}/StructureDefinition/" for base in bases))

    def known(self, type_name: str) -> bool:
        return type_name in self._types

    def required(self, type_name: str) -> tuple[str, ...]:
        """Return the elements that objects of a type must have, a choice (value[x]) as it is defined."""
        elements = self._types[type_name].elements.values()
        return tuple(dict.fromkeys(each.definition for each in elements if each.min))

    def is_resource(self, type_name: str) -> bool:
        found = self._types.get(type_name)
        return found is not None and found.kind == "resource"

    def target(self, path: str, type_name: str, place: str) -> Target:
        """Return the target that a path below a type is. Raises: TargetError."""
        at, steps, element, item = type_name, [], None, ""
        inside = ""  # the extension that the path is in
        words = _words(path)
        if words is None:
            raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason="no path of elements"))
        for word in words:
            found = _STEP.fullmatch(word)
            if found is None:
                raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason=f"what is {word}?"))
            name, index = found["name"], found["index"] or ""
            element, kind = self._element(at, name, path, place)
            step = self._step(element, kind, name, index, inside, path, place)
            inside = (step.url or inside) if name in ("extension", "modifierExtension") else ""
            steps.append(step)
            at = element.type if not name.startswith("_") else "Element"
            if not item and step.many:
                item = at
        assert element is not None
        return Target(
            path, at, element.primitive and not steps[-1].name.startswith("_"), element.targets, _put(steps), item,
            any(step.index.endswith("+") for step in steps), tuple(step.name for step in steps),
        )  # fmt: skip

    def _element(self, at: str, name: str, path: str, place: str) -> tuple[Element, Type | None]:
        kind = self._types.get(at)
        elements: Mapping[str, Element] = kind.elements if kind is not None else {}
        found = elements.get(name.removeprefix("_"))
        if at == "Element" and name == "extension":
            found = self._types["Extension"].elements["extension"]
        if found is None or (name.startswith("_") and not found.primitive):
            raise TargetError(complaints.ELEMENT_UNKNOWN.at(None, place=place, type=at, element=name, path=path))
        return found, kind

    def _step(
        self, element: Element, kind: Type | None, name: str, index: str, inside: str, path: str, place: str
    ) -> _Step:
        rivals: frozenset[str] = frozenset()
        if element.definition.endswith("[x]") and kind is not None:
            same = (each.name for each in kind.elements.values() if each.definition == element.definition)
            rivals = frozenset(each for each in same if each != name)
        if name in ("extension", "modifierExtension"):
            url = index.removesuffix("+")
            if not inside:
                url = self._extension(url, place)
            return _Step(name, True, "+" if index.endswith("+") else "", url)
        if index and not element.many:
            reason = f"{name} is no list"
            raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason=reason))
        return _Step(name, element.many, index, "", rivals)

    def _extension(self, name: str, place: str) -> str:
        candidates = (name,) if "://" in name else tuple(f"{base}{name}" for base in self._bases)
        for url in candidates:
            if self._lookup.structure(url) is not None:
                return url
        raise TargetError(complaints.EXTENSION_UNKNOWN.at(None, place=place, name=name or "(none)"))


def _words(path: str) -> list[str] | None:
    """Cut a path at its dots, those within brackets left alone."""
    words, word, depth = [], "", 0
    for sign in path:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "." and not depth:
            words.append(word)
            word = ""
        else:
            word += sign
    return None if depth else [*words, word]


# --- writing


def _put(steps: list[_Step]) -> Put:
    *way, last = steps
    leaf = _leaf(last)
    if not way:
        return leaf
    first, *further = (_enter(step) for step in way)
    opens = next((at for at, step in enumerate(steps) if step.many), 0)  # whose object is the item
    if not further and not opens:

        def near(root: dict[str, Any], value: Any, labels: Labels) -> Any:
            item = first(root, labels)
            leaf(item, value, labels)
            return item

        return near
    enters = (first, *further)

    def far(root: dict[str, Any], value: Any, labels: Labels) -> Any:
        item = at = root
        for number, enter in enumerate(enters):
            at = enter(at, labels)
            if number == opens:
                item = at
        found = leaf(at, value, labels)
        return found if opens == len(enters) else item

    return far


def _enter(step: _Step) -> _Enter:
    name, index, url, rivals = step.name, step.index, step.url, step.rivals
    if rivals:
        # Where the choice is taken by another type, what is put goes nowhere.
        return lambda at, _labels: at.setdefault(name, {}) if rivals.isdisjoint(at) else {}
    if not step.many:
        return lambda at, _labels: at.setdefault(name, {})
    if url:
        return _enter_extension(name, index, url)

    def enter(at: dict[str, Any], labels: Labels) -> dict[str, Any]:
        items: list[dict[str, Any]] = at.setdefault(name, [])
        if index == "+":
            items.append({})
            return items[-1]
        if not index:
            if not items:
                items.append({})
            return items[0]
        key = (id(at), name, index)
        found = labels.get(key)
        if found is None:
            # `at` is kept with its item: an object that is gone would lend its id to another.
            found = labels[key] = (at, {})
            items.append(found[1])
        return found[1]

    return enter


def _enter_extension(name: str, index: str, url: str) -> _Enter:
    def enter(at: dict[str, Any], _labels: Labels) -> dict[str, Any]:
        items: list[dict[str, Any]] = at.setdefault(name, [])
        if index != "+":
            for each in items:
                if each["url"] == url:
                    return each
        items.append({"url": url})
        return items[-1]

    return enter


def _leaf(step: _Step) -> Put:
    name, rivals = step.name, step.rivals
    if not step.many:

        def single(at: dict[str, Any], value: Any, _labels: Labels) -> Any:
            if name in at or not rivals.isdisjoint(at):
                return None
            at[name] = value
            return value

        return single
    if step.index == "+":

        def added(at: dict[str, Any], value: Any, _labels: Labels) -> Any:
            items = at.get(name)
            if items is None:
                at[name] = [value]
            elif isinstance(value, dict) and "reference" in value and value in items:
                return None  # the same thing once
            else:
                items.append(value)
            return value

        return added

    def first(at: dict[str, Any], value: Any, labels: Labels) -> Any:
        key = (id(at), name, step.index)
        if (name in at) if not step.index else (key in labels):
            return None
        at.setdefault(name, []).append(value)
        if step.index:
            labels[key] = (at, value)
        return value

    return first
