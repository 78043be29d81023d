"""Bindings: whether coded values are in the value sets that profiles ask for.

What codes mean is terminology's affair; here is only when to ask, and what its answer means for the strength.

Source: FHIR R4, Terminologies, "Binding Strengths"; ElementDefinition.binding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk


class Coding(NamedTuple):
    """`system` None: a code whose system the value set tells."""

    system: str | None
    code: str
    display: str | None = None
    version: str | None = None


class Terminology(Protocol):
    """What a validation asks of terminology."""

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Return whether a value set has a code; None when that cannot be told (an unknown system, no content)."""

    def name(self, value_set: str) -> str | None:
        """Return the title of a value set, None when it is not known."""


class Bindings:
    """Asks terminology about coded values; without one nothing is known of any."""

    def __init__(self, terminology: Terminology | None = None) -> None:
        self._terminology = terminology

    def member_of(self, item: Node | str, value_set: str) -> bool | None:
        codings = _codings(item) if isinstance(item, Node) else [Coding(None, item)]
        return self._any(codings, value_set)

    def is_in(self, node: Node, value_set: str) -> bool:
        return bool(self._any(_codings(node), value_set))

    def _any(self, codings: Sequence[Coding], value_set: str) -> bool | None:
        if self._terminology is None:
            return None
        answers = [self._terminology.contains(value_set, each.system, each.code) for each in codings]
        if True in answers:
            return True
        return None if None in answers else False

    def check(self, walk: Walk, node: Node, rule: Rule, schema: Schema) -> None:
        """Report a value whose codes are not those that its binding asks for."""
        binding, terminology = rule.binding, self._terminology
        if binding is None or binding.value_set is None or terminology is None or binding.strength == "example":
            return
        codings = _codings(node)
        if node.value is None:
            return
        name = terminology.name(binding.value_set)
        if name is None:
            walk.report(found(complaints.VALUE_SET_UNKNOWN, node, schema.canonical, value_set=binding.value_set))
            return
        texts: dict[str, Any] = {"name": name, "value_set": binding.value_set}
        if not codings:
            if binding.strength == "required" and node.type != "Quantity":
                walk.report(found(complaints.CODE_MISSING, node, schema.canonical, **texts))
            return
        if self._any(codings, binding.value_set) is False:
            shown = ", ".join(f"{each.system}#{each.code}" if each.system else str(each.code) for each in codings)
            complaint = {
                "required": complaints.CODE_REQUIRED,
                "extensible": complaints.CODE_EXTENSIBLE,
                "preferred": complaints.CODE_PREFERRED,
            }[binding.strength]
            walk.report(found(complaint, node, schema.canonical, code=shown, **texts))


def _codings(node: Node) -> list[Coding]:
    value = node.value
    if isinstance(value, str):
        return [Coding(None, value)]
    if not isinstance(value, dict):
        return []
    if node.type == "CodeableConcept":
        given = value.get("coding")
        each = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    else:
        each = [value]
    return [
        Coding(one.get("system"), one["code"], one.get("display"), one.get("version"))
        for one in each
        if isinstance(one.get("code"), str)
    ]
