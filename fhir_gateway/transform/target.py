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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance.lookup import Lookup
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.types import Element, Type, Types
from fhir_gateway.transform import complaints

Bind = Callable[[str, Any], str]  # a name that stands for a value in generated functions

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
class Step:
    """One element of a path. `index`: what stands in its brackets; `url`: of an extension."""

    name: str
    many: bool
    index: str
    url: str = ""
    rivals: frozenset[str] = frozenset()  # the other names of a choice


@dataclass(frozen=True, slots=True)
class Target:
    """A place. `type`: of what stands there; `references`: the types a reference may point to; `item`: the type of the
    first item of a list on the way, "" for none; `always_new`: whether each value makes an item of its own.
    """

    path: str
    type: str
    primitive: bool
    references: tuple[str, ...]
    item: str
    always_new: bool
    steps: tuple[Step, ...] = ()

    @property
    def opens(self) -> int:
        """The place of the first list on the way, whose item is `item`; of the first element where there is none."""
        return next((at for at, step in enumerate(self.steps) if step.many), 0)

    def lines(
        self, into: str, bind: Bind, item: bool, done: Sequence[str] = (), *, distinct: bool = False
    ) -> Iterator[str]:
        """Yield what puts the local `value` into its place below a local, as Python.

        item: the local `item` is to be what `item` says: the first item of a list on the way, None where the place was
        taken. done: what is written after it where it was put. distinct: no reference comes twice.
        """
        *way, last = self.steps
        at = into
        for number, step in enumerate(way):
            inner = f"at_{number}"
            yield from _entering(step, at, inner, bind)
            at = inner
        opens = self.opens
        own = item and (opens == len(way) or not way)
        if own:
            yield "item = None"
        once = self.type == "Reference" and not distinct
        yield from _placing(last, at, bind, once, (*(("item = value",) if own else ()), *done))
        if item and not own:
            yield f"item = at_{opens}"


def _entering(step: Step, at: str, inner: str, bind: Bind) -> Iterator[str]:
    """Yield what makes a local of the object that a step on the way leads to."""
    name = repr(step.name)
    if step.rivals:
        # Where the choice is taken by another type, what is put goes nowhere.
        yield f"{inner} = {at}.setdefault({name}, {{}}) if {bind('rivals', step.rivals)}.isdisjoint({at}) else {{}}"
        return
    if not step.many:
        yield from (f"{inner} = {at}.get({name})", f"if {inner} is None:", f"    {inner} = {at}[{name}] = {{}}")
        return
    if step.index == "+":
        yield f"{inner} = {{'url': {step.url!r}}}" if step.url else f"{inner} = {{}}"
        yield from _appending(f"{at}.get({name})", f"{at}[{name}]", inner)
    elif step.url:
        yield from (
            f"items = {at}.get({name})",
            "if items is None:",
            f"    items = {at}[{name}] = []",
            f"for {inner} in items:",
            f"    if {inner}['url'] == {step.url!r}:",
            "        break",
            "else:",
            f"    {inner} = {{'url': {step.url!r}}}",
            f"    items.append({inner})",
        )
    elif not step.index:
        yield from (
            f"items = {at}.get({name})",
            "if items:",
            f"    {inner} = items[0]",
            "else:",
            f"    {inner} = {{}}",
            f"    {at}[{name}] = [{inner}]",
        )
    else:
        yield from (
            f"key = (id({at}), {name}, {step.index!r})",
            "if key in labels:",
            f"    {inner} = labels[key][1]",
            "else:",
            f"    {inner} = {{}}",
            # The object is kept with its item: one that is gone would lend its id to another.
            f"    labels[key] = ({at}, {inner})",
            *(f"    {line}" for line in _appending(f"{at}.get({name})", f"{at}[{name}]", inner)),
        )


def _appending(read: str, write: str, value: str) -> Iterator[str]:
    yield from (
        f"items = {read}",
        "if items is None:",
        f"    {write} = [{value}]",
        "else:",
        f"    items.append({value})",
    )


def _placing(step: Step, at: str, bind: Bind, reference: bool, done: Sequence[str]) -> Iterator[str]:
    """Yield what puts `value` at the last step, and what is done where it was put."""
    name = repr(step.name)
    then = [f"    {line}" for line in done]
    if not step.many:
        free = f" and {bind('rivals', step.rivals)}.isdisjoint({at})" if step.rivals else ""
        yield from (f"if {name} not in {at}{free}:", f"    {at}[{name}] = value", *then)
    elif step.index == "+":
        yield f"items = {at}.get({name})"
        if reference:
            # The same thing once.
            yield from ("if items is None or value not in items:", f"    {at}.setdefault({name}, []).append(value)")
            yield from then
        else:
            yield from ("if items is None:", f"    {at}[{name}] = [value]", "else:", "    items.append(value)", *done)
    elif not step.index:
        yield from (f"if {name} not in {at}:", f"    {at}[{name}] = [value]", *then)
    else:
        yield from (
            f"key = (id({at}), {name}, {step.index!r})",
            "if key not in labels:",
            f"    labels[key] = ({at}, value)",
            *(f"    {line}" for line in _appending(f"{at}.get({name})", f"{at}[{name}]", "value")),
            *then,
        )


class Targets:
    """Compiles paths below types. `lookup`: knows the extensions; `bases`: canonical bases of further ones."""

    def __init__(self, types: Types, lookup: Lookup, bases: tuple[str, ...] = ()) -> None:
        self._types = types.types
        self._lookup = lookup
        self._bases = (*_EXTENSIONS, *(f"{base}/StructureDefinition/" for base in bases))

    def known(self, type_name: str) -> bool:
        return type_name in self._types

    def required(self, type_name: str) -> dict[str, frozenset[str]]:
        """Return the elements that objects of a type must have, a choice (value[x]) as it is defined, each with the
        names that it may have in JSON.
        """
        elements = self._types[type_name].elements
        found: dict[str, frozenset[str]] = {}
        for name, each in elements.items():
            if each.min:
                same = (name,) if not each.definition.endswith("[x]") else self._choice(type_name, each.definition)
                found[each.definition] = frozenset((*same, *(f"_{one}" for one in same)))
        return found

    def _choice(self, type_name: str, definition: str) -> tuple[str, ...]:
        elements = self._types[type_name].elements
        return tuple(name for name, each in elements.items() if each.definition == definition)

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
            path, at, element.primitive and not steps[-1].name.startswith("_"), element.targets, item,
            any(step.index.endswith("+") for step in steps), tuple(steps),
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
    ) -> Step:
        rivals: frozenset[str] = frozenset()
        if element.definition.endswith("[x]") and kind is not None:
            same = (each.name for each in kind.elements.values() if each.definition == element.definition)
            rivals = frozenset(each for each in same if each != name)
        if name in ("extension", "modifierExtension"):
            url = index.removesuffix("+")
            if not inside:
                url = self._extension(url, place)
            return Step(name, True, "+" if index.endswith("+") else "", url)
        if index and not element.many:
            reason = f"{name} is no list"
            raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason=reason))
        return Step(name, element.many, index, "", rivals)

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
