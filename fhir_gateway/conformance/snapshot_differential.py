"""The differential of a StructureDefinition: its elements as steps, checked for what no base could make right.

Source: FHIR R4, StructureDefinition, "differential"; ElementDefinition, "path".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.fhir.outcome import Issue

_LONGEST = 64  # characters of a name, as of ids
_DEEPEST = 32  # names in a path; published ones have at most 12
_MANY_DIGITS = 10
_FORBIDDEN = re.compile(r"[\s,:;'\"/|?!@#$%^&*(){}<>=+\\`~]")


@dataclass(slots=True, eq=False)
class Step:
    """An element of a differential. `used`: it has found its place in the snapshot.

    `path` is the element's own, but that a choice is spelled as its base has it: value[x]; `type`: the type that the
    element's path names instead, "Quantity" of valueQuantity.
    """

    element: Mapping[str, Any]
    index: int
    path: str
    type: str | None = None
    used: bool = False

    @property
    def slice_name(self) -> str | None:
        name: str | None = self.element.get("sliceName")
        return name

    @property
    def id(self) -> str:
        """What to call it to a person: its id, else its path and slice name."""
        given = self.element.get("id")
        if given is not None:
            return str(given)
        return f"{self.path}:{self.slice_name}" if self.slice_name is not None else self.path

    def is_below(self, path: str) -> bool:
        return self.path.startswith(path + ".")


def steps_of(structure: Mapping[str, Any], issues: list[Issue]) -> list[Step]:
    """Return the elements of a differential; those whose path is none are left out, and told in `issues`."""
    type = structure["type"].rpartition("/")[2]
    steps = []
    for index, element in enumerate(structure.get("differential", {}).get("element", ())):
        path = element.get("path", "")
        if not _is_path(path, type):
            at = f"StructureDefinition.differential.element[{index}].path"
            issues.append(complaints.PATH_INVALID.at(at, path=path, type=type))
            continue
        most = element.get("max", "*")
        if most != "*" and not (most.isascii() and most.isdigit() and len(most) < _MANY_DIGITS):
            at = f"StructureDefinition.differential.element[{index}].max"
            issues.append(complaints.MAX_INVALID.at(at, max=most[:64], path=path))
            continue
        steps.append(Step(element, index, path))
    if steps and "." not in steps[0].path and steps[0].element.get("type"):
        issues.append(complaints.ROOT_TYPED.at("StructureDefinition.differential.element[0].type", id=steps[0].id))
    return steps


def _is_path(path: str, type: str) -> bool:
    first, *names = path.split(".")
    return (
        first == type
        and len(names) < _DEEPEST
        and all(name and len(name) <= _LONGEST and not _FORBIDDEN.search(name.removesuffix("[x]")) for name in names)
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A step that is about an element itself, and the steps after it that are about what is inside that."""

    step: Step
    inner: Sequence[Step]


def matches_of(steps: Sequence[Step], path: str) -> tuple[list[Match], list[Step]]:
    """Return the steps with a path, each with those below it that follow it, and those before the first."""
    found: list[Match] = []
    leading: list[Step] = []
    inner = leading
    for step in steps:
        if step.path == path:
            inner = []
            found.append(Match(step, inner))
        elif step.is_below(path):
            inner.append(step)
        # What is neither stands between two steps of one element and cannot be in order: it stays unused.
    return found, leading
