"""What an expression may ask of FHIR's types: members by name, and what is a kind of what.

Source: FHIR R4, FHIRPath, "Using FHIR types in expressions", "Polymorphic items"; FHIRPath 2.0, "Types and reflection".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fhir_gateway.fhir.types import Types

_BASES = {
    **dict.fromkeys(("code", "id", "markdown"), "string"),
    **dict.fromkeys(("url", "canonical", "uuid", "oid"), "uri"),
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
    **dict.fromkeys(("Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"), "Quantity"),
    **dict.fromkeys(("Dosage", "Timing", "ElementDefinition"), "BackboneElement"),
    **dict.fromkeys(("Bundle", "Binary", "Parameters", "DomainResource"), "Resource"),
    "BackboneElement": "Element",
}
SYSTEM = frozenset({"Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any"})
# FHIR's primitives as the system types they convert to.
SYSTEM_OF = {
    "boolean": "Boolean",
    **dict.fromkeys(
        ("string", "code", "id", "markdown", "uri", "url", "canonical", "uuid", "oid", "base64Binary", "xhtml"),
        "String",
    ),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), "Integer"),
    "decimal": "Decimal",
    "date": "Date",
    **dict.fromkeys(("dateTime", "instant"), "DateTime"),
    "time": "Time",
}


class Step(NamedTuple):
    """Where a member is found in the JSON of its type."""

    key: str
    type: str
    many: bool
    primitive: bool


class Model:
    """The types of one FHIR version, for navigation."""

    def __init__(self, types: Types) -> None:
        self._types = types.types
        self.version = types.version
        self.resources = frozenset(types.resources)
        self._members: dict[str, dict[str, tuple[Step, ...]]] = {}
        self._children: dict[str, tuple[Step, ...]] = {}

    def knows(self, type: str) -> bool:
        return type in self._types or type in self.resources or type in ("Resource", "Element", "SimpleQuantity")

    def is_abstract(self, type: str) -> bool:
        return type in ("Resource", "DomainResource", "Element", "BackboneElement")

    def members(self, type: str) -> Mapping[str, tuple[Step, ...]]:
        """Return the steps that each member of a type stands for: several for a choice."""
        found = self._members.get(type)
        if found is None:
            found = self._members[type] = self._made(type)
        return found

    def children(self, type: str) -> tuple[Step, ...]:
        """Return the steps of all members, in the order of the definition."""
        found = self._children.get(type)
        if found is None:
            own = self._types.get(type)
            elements = sorted(own.elements.values(), key=lambda each: each.order) if own is not None else []
            found = self._children[type] = tuple(_step(each) for each in elements)
        return found

    def _made(self, type: str) -> dict[str, tuple[Step, ...]]:
        own = self._types.get(type)
        steps: dict[str, tuple[Step, ...]] = {}
        for element in () if own is None else own.elements.values():
            name = element.definition.removesuffix("[x]")
            steps[name] = (*steps.get(name, ()), _step(element))
        return steps

    def base(self, type: str) -> str | None:
        """Return what a type is a kind of; None for Element, Resource and what is unknown."""
        if type in _BASES:
            return _BASES[type]
        if type in self.resources:
            return "DomainResource"
        if "." in type:
            return "BackboneElement" if type.partition(".")[0] in self.resources else "Element"
        return "Element" if type in self._types and type not in ("Element", "Resource") else None

    def is_kind(self, type: str, wanted: str) -> bool:
        """Tell whether a type is another or one derived from it."""
        current: str | None = type
        while current is not None:
            if current == wanted:
                return True
            current = self.base(current)
        return False


def _step(element: object) -> Step:
    return Step(element.name, element.type, element.many, element.primitive)  # type: ignore[attr-defined]
