"""A new type or logical model: the elements of what it specializes, and after them its own.

Source: FHIR R4, StructureDefinition, "derivation" (specialization), "kind" (logical).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fhir_gateway.conformance.element_rules import Constraint, Definition
from fhir_gateway.conformance.element_types import codes_of
from fhir_gateway.conformance.lookup import Resource
from fhir_gateway.conformance.snapshot_differential import Step, steps_of
from fhir_gateway.conformance.snapshot_opening import Library
from fhir_gateway.conformance.snapshot_tree import Node, Tree


def specialize(structure: Resource, base: Tree | None, library: Library, constraint: Constraint) -> list[Definition]:
    """Return the elements of a specialization: those inherited, constrained where it speaks of them, then new ones.

    `base` None: it specializes nothing, as Element, Resource and some logical models do.
    """
    steps = steps_of(structure, constraint.issues)
    type = structure["type"].rpartition("/")[2]
    elements = {} if base is None else {each["path"]: each for each in _inherited(base.root, base.root.path, type)}
    for step in steps:
        step.used = True
        if step.path in elements:
            elements[step.path] = constraint.apply(elements[step.path], step.element, step.index, step.id)
            continue
        added = {each["path"]: each for each in _added(step, steps, library)}
        parent = step.path.rpartition(".")[0]
        latest = next(reversed(elements), "")
        if parent not in elements or f"{latest}.".startswith(parent + "."):
            elements |= added
        else:  # something that is inherited comes after what it is in
            elements = _with(elements, added, parent)
    return list(elements.values())


def _with(elements: dict[str, Definition], added: dict[str, Definition], parent: str) -> dict[str, Definition]:
    """Return elements by path, with others at the end of what is inside a parent."""
    paths = list(elements)
    end = max(index for index, path in enumerate(paths, 1) if f"{path}.".startswith(parent + "."))
    return {
        **{path: elements[path] for path in paths[:end]},
        **added,
        **{path: elements[path] for path in paths[end:]},
    }


def _inherited(node: Node, path: str, type: str) -> Iterator[Definition]:
    """Yield an element of the base under the name of the new type, and those inside it."""
    target = type + path.removeprefix(node.tree.root.path)
    base = node.element.get("base") or _self(node.element)
    made = {**node.element, "id": target, "path": target, "base": base}
    if node is node.tree.root:
        made["base"] = {**base, "path": type}
    yield made
    for child in node.children:
        yield from _inherited(child, child.path, type)


def _self(element: Definition) -> dict[str, Any]:
    return {name: element[name] for name in ("path", "min", "max") if name in element}


def _added(step: Step, steps: Sequence[Step], library: Library) -> Iterator[Definition]:
    """Yield an element that the base does not have, and, where the differential goes into it, what its type has."""
    made = {"id": step.path, **step.element}
    made["base"] = _self(made)
    codes = codes_of(made.get("type", ()))
    tree = library.tree(codes[0]) if len(codes) == 1 and any(each.is_below(step.path) for each in steps) else None
    if tree is None:
        yield made
        return
    made["constraint"] = [*made.get("constraint", ()), *tree.root.element.get("constraint", ())]
    yield made
    for child in tree.root.children:
        path = f"{step.path}.{child.name}"
        yield {**child.element, "id": path, "path": path, "base": child.element.get("base") or _self(child.element)}
