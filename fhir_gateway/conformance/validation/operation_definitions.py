"""Rules of OperationDefinition that its definition does not state: its profiles say what its parameters say.

Source: FHIR R4, OperationDefinition.inputProfile, outputProfile, parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import definition_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import objects, text_of
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk


def check(walk: Walk, node: Node) -> None:
    """Report where the input and output profiles of an OperationDefinition contradict its parameters."""
    for side, use in (("inputProfile", "in"), ("outputProfile", "out")):
        url = text_of(node.value, side)
        if url is None:
            continue
        at = Node(url, "canonical", None, node, side)
        schema = walk.schemas.of(url)
        if schema is None:
            walk.report(found(complaints.OPERATION_PROFILE_UNKNOWN, at, None, side=side, canonical=url))
        elif schema.type != "Parameters":
            walk.report(found(complaints.OPERATION_PROFILE_TYPE, at, None, side=side, canonical=url))
        else:
            _compare(walk, node, schema, side, use)


def _compare(walk: Walk, node: Node, schema: Schema, side: str, use: str) -> None:
    profiled = dict(_slices(schema))
    if not profiled:
        return
    named: set[str] = set()
    for parameter in objects(walk.engine.model, node, "parameter"):
        name = text_of(parameter.value, "name")
        if name is None or parameter.value.get("use") != use:
            continue
        named.add(name)
        slice = profiled.get(name)
        texts: dict[str, object] = {"side": side, "name": name, "canonical": schema.canonical}
        if slice is None:
            walk.report(found(complaints.OPERATION_PARAMETER_MISSING, parameter, None, **texts))
            continue
        for what, its in (("min", str(slice.min)), ("max", "*" if slice.max is None else str(slice.max))):
            own = str(parameter.value.get(what, its))
            if own != its:
                texts |= {"what": what, "found": its, "wanted": own}
                walk.report(found(complaints.OPERATION_PARAMETER_DIFFERS, parameter, None, **texts))
    for name in sorted(profiled.keys() - named):
        texts = {"side": side, "name": name, "canonical": schema.canonical}
        walk.report(found(complaints.OPERATION_PARAMETER_ADDED, node, None, **texts))


def _slices(schema: Schema) -> Iterator[tuple[str, Rule]]:
    """Yield the slices of Parameters.parameter with the name that each fixes."""
    parameter: Rule | None = schema.root.children.get("parameter")
    for slice in () if parameter is None else parameter.slices:
        name: Rule | None = slice.children.get("name")
        fixed: Mapping[str, Any] | str | None = None if name is None else name.fixed or name.pattern
        if isinstance(fixed, str):
            yield fixed, slice
