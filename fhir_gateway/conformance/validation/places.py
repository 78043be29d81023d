"""Nodes below a node, for rules that reach them by name rather than by a walk.

Source: FHIR R4, FHIRPath; OperationOutcome.issue.expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_gateway.conformance.validation.findings import Placed
from fhir_gateway.fhir.fhirpath import Model, Node
from fhir_gateway.fhir.json import encode


def below(model: Model, node: Node, key: str) -> list[Node]:
    """Return the nodes at a JSON key of an element; those whose value is null or of no element are left out."""
    value = node.value.get(key) if isinstance(node.value, dict) else None
    if value is None:
        return []
    type = _type_at(model, node.type, key)
    if isinstance(value, list):
        return [
            Node(each, _own_type(each, type), None, node, key, place)
            for place, each in enumerate(value)
            if each is not None
        ]
    return [Node(value, _own_type(value, type), None, node, key)]


def objects(model: Model, node: Node, key: str) -> list[Node]:
    """Return the nodes at a key that are JSON objects, as elements other than primitives are."""
    return [each for each in below(model, node, key) if isinstance(each.value, dict)]


def choice(model: Model, node: Node, name: str) -> Node | None:
    """Return the node of a choice ("value" for value[x]); None where the element has none."""
    for step in model.members(node.type).get(name, ()):
        value = node.value.get(step.key)
        if value is not None:
            placed = Placed(value, step.type, None, node, step.key)
            placed.label = f"{name}.ofType({step.type})"
            return placed
    return None


def _type_at(model: Model, type: str, key: str) -> str:
    return next((step.type for steps in model.members(type).values() for step in steps if step.key == key), "Element")


def _own_type(value: Any, type: str) -> str:
    named = value.get("resourceType") if type == "Resource" and isinstance(value, dict) else None
    return named if isinstance(named, str) else type


# --- what definitions say in plain JSON


def listed(holder: Any, key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a list member, none where it is absent or malformed."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    if isinstance(found, Sequence) and not isinstance(found, str):
        yield from (each for each in found if isinstance(each, Mapping))


def text_of(holder: Any, key: str) -> str | None:
    """Return a string member, None where there is none."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, str) and found else None


def extension(holder: Any, url: str) -> Any:
    """Return the value of the first extension with this url; None where there is none, or it has no value."""
    return next(extensions(holder, url), None)


def extensions(holder: Any, url: str) -> Iterator[Any]:
    """Yield the values of all extensions with this url."""
    for each in listed(holder, "extension"):
        if each.get("url") == url:
            yield from (value for key, value in each.items() if key.startswith("value"))


def chosen(holder: Mapping[str, Any], name: str) -> tuple[str, Any] | None:
    """Return the JSON suffix and the value of a choice: ("Coding", {…}) for valueCoding."""
    for key, value in holder.items():
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            return key[len(name) :], value
    return None


def written(value: Any) -> str:
    """Return a primitive as it is written in FHIR, or the JSON of anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return encode(value).decode()
    return str(getattr(value, "text", value))
