"""The type tables, compiled into how objects stand in XML: elements in order, attributes, and the JSON names of both.

Source: FHIR R4, XML Representation of Resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import InvalidOperation
from threading import Lock
from typing import Any, Final, Literal

from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.plan import NUMBER_RULES, has_twin, label_of
from fhir_gateway.fhir.primitives import PATTERNS
from fhir_gateway.fhir.types import Element, Types

FHIR: Final = "http://hl7.org/fhir"
XHTML: Final = "http://www.w3.org/1999/xhtml"
DIV: Final = f"{{{XHTML}}}div"

Kind = Literal["primitive", "object", "resource", "narrative"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One element of XML and the JSON property it is."""

    element: Element
    label: str  # the name FHIRPath has for it
    kind: Kind
    plan: XmlPlan | None  # of the object, or of the ids and extensions of a primitive
    value_of: Callable[[str], Any] | None  # of a primitive that is no JSON string


@dataclass(slots=True, eq=False)
class XmlPlan:
    """How the objects of one type stand in XML."""

    name: str
    elements: dict[str, Step] = field(default_factory=dict)  # by "{namespace}name"
    attributes: dict[str, Element] = field(default_factory=dict)
    properties: dict[str, Step] = field(default_factory=dict)  # by JSON name, `_name` too
    order: dict[str, int] = field(default_factory=dict)  # of all JSON names


class XmlPlans:
    """The XML plans of all types of one FHIR version, each compiled when it is first needed."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.resources = {f"{{{FHIR}}}{name}": name for name in types.resources}
        self._plans: dict[str, XmlPlan] = {}
        self._drafts: dict[str, XmlPlan] = {}
        self._compiling = Lock()

    def of(self, name: str) -> XmlPlan:
        plan = self._plans.get(name)
        if plan is not None:
            return plan
        with self._compiling:
            # Another thread must never see a plan whose elements are still being added.
            self._drafts = dict(self._plans)
            plan = self._draft(name)
            self._plans = self._drafts
        return plan

    def _draft(self, name: str) -> XmlPlan:
        plan = self._drafts.get(name)
        if plan is None:
            plan = XmlPlan(name)
            self._drafts[name] = plan  # before its elements: Extension has extensions
            for element in self.types.types[name].elements.values():
                self._add(plan, element)
            # ExampleScenario.instance has an element of that name.
            plan.order.setdefault("resourceType", -1)
        return plan

    def _add(self, plan: XmlPlan, element: Element) -> None:
        plan.order[element.name] = element.order
        if element.attribute:
            plan.attributes[element.name] = element
            return
        child = None
        if element.type == "Resource":
            kind: Kind = "resource"
        elif element.type == "xhtml":
            kind = "narrative"
        else:
            kind = "primitive" if element.primitive else "object"
            child = self._draft("Element" if element.primitive else element.type)
        step = Step(element, label_of(element), kind, child, _VALUES.get(element.type))
        plan.elements[DIV if kind == "narrative" else f"{{{FHIR}}}{element.name}"] = step
        plan.properties[element.name] = step
        if has_twin(element):
            plan.order[f"_{element.name}"] = element.order
            plan.properties[f"_{element.name}"] = step


_compiled: dict[int, XmlPlans] = {}


def xml_plans_of(types: Types) -> XmlPlans:
    plans = _compiled.get(id(types))
    if plans is None:
        plans = _compiled[id(types)] = XmlPlans(types)  # keeps `types` alive, so that its id stays its own
    return plans


def _number(text: str) -> int | Number:
    """The number that the JSON reader gives for the same text; ValueError when it is no FHIR decimal."""
    if PATTERNS["decimal"].fullmatch(text) is None:
        raise ValueError(text)
    if PATTERNS["integer"].fullmatch(text) is not None:
        return int(text)
    try:
        return Number(text)
    except InvalidOperation:
        raise ValueError(text) from None


def _whole(text: str) -> int:
    if PATTERNS["integer"].fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_VALUES: Final[dict[str, Callable[[str], Any]]] = {
    **{name: _whole for name in NUMBER_RULES if name not in ("boolean", "decimal")},
    "boolean": _truth,
    "decimal": _number,
}
