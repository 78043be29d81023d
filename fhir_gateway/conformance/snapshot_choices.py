"""Choices of types in a differential: `value[x]` sliced by type, and the short form that names one, `valueQuantity`.

Source: FHIR R4, Profiling FHIR, "Slicing" (type); ElementDefinition, "path"; Formats, "Choice of Data Types".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.conformance.element_types import code_of, codes_of
from fhir_gateway.conformance.snapshot_differential import Match, Step
from fhir_gateway.conformance.snapshot_tree import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.snapshot_walk import Place, Walk

BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False}


class Choices:
    """How a walk places an element that is a choice."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    # --- the short form

    def type_in(self, path: str, at: Place) -> str | None:
        """Return the type that the short form of a choice names at the beginning of a path, None where it does not."""
        stem = at.source.removesuffix("[x]")
        if not path.startswith(stem):
            return None
        name = path.removeprefix(stem).partition(".")[0]
        return self._type_named(name) if name[:1].isupper() else None

    def _type_named(self, name: str) -> str | None:
        is_type = self._walk.library.is_type
        return next((each for each in (name, name[:1].lower() + name[1:]) if each and is_type(each)), None)

    def is_about(self, step: Step, node: Node, at: Place) -> bool:
        """Tell whether a step is about an element or what is inside it."""
        if step.path == at.source or step.is_below(at.source):
            return True
        return node.is_choice and self.type_in(step.path, at) is not None

    def spell(self, step: Step, at: Place) -> str | None:
        """Spell the choice in a step in full; return the type that its short form names."""
        type = self.type_in(step.path, at)
        if type is not None:
            short = at.source.removesuffix("[x]") + type[:1].upper() + type[1:]
            step.path = at.source + step.path.removeprefix(short)
            if step.path == at.source:
                step.type = type
        return type

    def spelled(self, node: Node, steps: Sequence[Step], at: Place) -> list[Step]:
        """Return steps with the choice spelled in full: `value[x].unit` for `valueQuantity.unit`.

        Where only what is inside of a type is spoken of, and the choice is not of that type alone, there is a step for
        that type, too.
        """
        spelled: list[Step] = []
        types = codes_of(node.element.get("type", ()))
        latest: str | None = None
        for step in steps:
            type = self.spell(step, at)
            if type is not None and step.path != at.source and latest != type and types != [type]:
                spelled.append(Step({"path": at.source}, step.index, at.source, type))
            if step.path == at.source:
                types = codes_of(step.element.get("type", ())) or types
                latest = step.type or (types[0] if len(types) == 1 else None)
            elif type is not None:
                latest = type
            spelled.append(step)
        return spelled

    # --- slices

    def concern(self, node: Node, matches: Sequence[Match], at: Place) -> bool:
        """Tell whether steps slice a choice by type, in one form or the other."""
        step = matches[0].step
        if len(matches) > 1:
            return True
        if not at.in_slice and (step.type is not None or "slicing" in step.element):
            return True
        return step.slice_name is not None and _narrows(node, step)

    def place(self, node: Node, matches: list[Match], at: Place) -> None:
        """Add a choice and slices of it, one for each type that the differential speaks of."""
        head, slices = self._split(matches, at)
        made = self._walk.emit(node, node.element, at) if head is None else self._walk.one(node, head, at)
        required: str | None = None
        keeps_min = len(slices) == 1
        for index, (match, type) in enumerate(slices):
            if match.step.element.get("min", 0) > 0:
                if index + 1 < len(slices):
                    self._walk.complain(complaints.TYPE_SLICE_MANDATORY, match.step)
                required = type
            slice = self._walk.slice(node, _named(match, type, at), at, keeps_min=keeps_min)
            if len(matches) > 2:
                slice["min"] = 0  # that one of them must be there is said of the choice itself
        sliced = {type for _, type in slices}
        if required is not None:
            sliced = {required}
            made["min"] = 1
        if required is not None or (head is None and at.target.endswith("xtension.value[x]")):
            # An extension's value is of the types that its definition names, and no other.
            made["type"] = [each for each in made.get("type", ()) if code_of(each) in sliced]
        closed = sliced.issuperset(codes_of(made.get("type", ())))
        made["slicing"] = BY_TYPE | {"rules": "closed" if closed else "open"}

    def add(self, node: Node, matches: list[Match], at: Place) -> None:
        """Add a choice that has slices in the base: first those that the differential speaks of, then the others."""
        head, slices = self._split(matches, at)
        made = self._walk.emit(node, node.element, at) if head is None else self._walk.one(node, head, at)
        known = {slice.slice_name: slice for slice in node.slices}
        for match, type in slices:
            named = _named(match, type, at)
            name = named.step.slice_name
            if name in known:
                self._walk.one(known.pop(name), named, at.slice(name or ""), slice=True)
            else:
                self._walk.slice(node, named, at)
            if named.step.element.get("min", 0) > 0:
                made["type"] = [each for each in made.get("type", ()) if code_of(each) == type]
        for slice in known.values():
            self._walk.copy(slice, at.slice(slice.slice_name or ""))
        made["slicing"] = BY_TYPE | {"rules": "closed"}

    def _split(self, matches: list[Match], at: Place) -> tuple[Match | None, list[tuple[Match, str | None]]]:
        """Return the step about the choice itself, if there is one, and those about its slices with their types."""
        first = matches[0].step
        head = None
        if first.slice_name is None and first.type is None:
            head, *matches = matches
            self._check_slicing(first)
        slices = [(match, self._type(match.step, at)) for match in matches]
        for match, type in slices:
            self._check_slice(match.step, type, at)
        return head, slices

    def _type(self, step: Step, at: Place) -> str | None:
        """Return the type that a step is about: by its types, its path or its slice name; None where none says."""
        types = step.element.get("type", ())
        if len(types) == 1:
            return code_of(types[0])
        if step.type is not None:
            return step.type
        return self._type_named((step.slice_name or "").removeprefix(_stem(at)))

    # --- what slicing by type asks for

    def _check_slicing(self, step: Step) -> None:
        slicing = step.element.get("slicing")
        if slicing is None:
            return
        discriminators = slicing.get("discriminator", [])
        if slicing.get("ordered"):
            self._walk.complain(complaints.TYPE_SLICING, step, rule="slicing.ordered = false")
        if len(discriminators) > 1:
            self._walk.complain(complaints.TYPE_SLICING, step, rule="slicing.discriminator.count() = 1")
        for each in discriminators[:1]:
            if each.get("type") != "type":
                self._walk.complain(complaints.TYPE_SLICING, step, rule="slicing.discriminator.type = 'type'")
            if each.get("path") != "$this":
                self._walk.complain(complaints.TYPE_SLICING, step, rule="slicing.discriminator.path = '$this'")

    def _check_slice(self, step: Step, type: str | None, at: Place) -> None:
        if type is None or step.slice_name is None:
            return
        wanted = _slice_name(type, at)
        if step.slice_name != wanted:
            self._walk.complain(complaints.TYPE_SLICING, step, rule=f"sliceName = '{wanted}'")
        types = codes_of(step.element.get("type", ()))
        if types and types != [type]:
            self._walk.complain(complaints.TYPE_SLICING, step, rule=f"type.code = '{type}'")


def _narrows(node: Node, step: Step) -> bool:
    """Tell whether a slice leaves out a type: one of all the types is the element itself."""
    named = codes_of(step.element.get("type", ()))
    return bool(named) and set(named) != set(codes_of(node.element.get("type", ())))


def _named(match: Match, type: str | None, at: Place) -> Match:
    """Return a match whose step has the slice name and the type that the short form leaves out."""
    step = match.step
    if type is not None:
        names = {} if step.slice_name is not None else {"sliceName": _slice_name(type, at)}
        types = {} if "type" in step.element or step.type is None else {"type": [{"code": type}]}
        step.element = {**step.element, **names, **types}
    return match


def _slice_name(type: str, at: Place) -> str:
    return _stem(at) + type[:1].upper() + type[1:]


def _stem(at: Place) -> str:
    return at.source.rpartition(".")[2].removesuffix("[x]")
