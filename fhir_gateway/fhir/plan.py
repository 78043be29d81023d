"""The type tables, compiled into what the structure check asks of each property: a look-up by the JSON type it has.

Source: FHIR R4, JSON Representation of Resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import Any, Final, Literal

from fhir_gateway.fhir.primitives import INTEGER_RANGES, PATTERNS, TEXT_RULES, decimal_in_range
from fhir_gateway.fhir.types import Element, Types

LinkKind = Literal["reference", "uri", "narrative"]

# A quick test says yes (anything but None) only where the rule does; its no is put to the rule itself.
Quick = Callable[[str], object]
NumberRule = Callable[[Any], bool]


@dataclass(frozen=True, slots=True, eq=False)
class TextStep:
    """A property (or list) of strings."""

    label: str  # the name FHIRPath has for it: "value" for valueString
    element: Element
    quick: Quick | None  # None: any printable string
    link: LinkKind | None


@dataclass(frozen=True, slots=True, eq=False)
class NumberStep:
    """A property (or list) of JSON numbers or booleans."""

    label: str
    element: Element
    rule: NumberRule


@dataclass(frozen=True, slots=True, eq=False)
class ObjectStep:
    """A property (or list) of objects. `plan` None: any resource."""

    label: str
    plan: Plan | None
    contained: bool = False  # Resources inside it belong to their container


@dataclass(frozen=True, slots=True, eq=False)
class TwinStep:
    """`_given`: ids and extensions of a list of primitives, null where there are none."""

    label: str
    plan: Plan


ListStep = TextStep | NumberStep | ObjectStep | TwinStep


@dataclass(slots=True, eq=False)
class Plan:
    """What an object of one type may have: its properties by the JSON type of their value."""

    name: str
    elements: Mapping[str, Element]
    texts: dict[str, tuple[Quick | None, LinkKind | None, TextStep]] = field(default_factory=dict)
    numbers: dict[str, NumberRule] = field(default_factory=dict)
    objects: dict[str, ObjectStep] = field(default_factory=dict)
    lists: dict[str, ListStep] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)  # "valueString" and "_valueString": "value[x]"


def label_of(element: Element) -> str:
    """Return the name that FHIRPath has for an element: "value" for valueString."""
    return element.definition.removesuffix("[x]")


# The days after the 28th need the calendar, which a regular expression has not.
_EARLY_DAY = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_CLOCK_AND_ZONE = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_QUICK: Final[Mapping[str, Quick | None]] = {
    "string": None,
    "markdown": None,
    "base64Binary": lambda text: TEXT_RULES["base64Binary"](text) or None,
    "date": re.compile(_EARLY_DAY).fullmatch,
    "dateTime": re.compile(f"{_EARLY_DAY}(?:{_CLOCK_AND_ZONE})?").fullmatch,
    "instant": re.compile(f"{_EARLY_DAY}{_CLOCK_AND_ZONE}").fullmatch,
    **{name: PATTERNS[name].fullmatch for name in ("xhtml", "code", "id", "oid", "uuid", "time")},
    **{name: PATTERNS[name].fullmatch for name in ("uri", "url", "canonical")},
}


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _is_decimal(value: Any) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and decimal_in_range(value))


def _integer_rule(low: int, high: int) -> NumberRule:
    return lambda value: type(value) is int and low <= value <= high


NUMBER_RULES: Final[Mapping[str, NumberRule]] = {
    "boolean": _is_boolean,
    "decimal": _is_decimal,
    **{name: _integer_rule(low, high) for name, (low, high) in INTEGER_RANGES.items()},
}


def _anything(text: str) -> bool:
    return True


_RESOURCE_TYPE = TextStep("resourceType", Element("resourceType", "resourceType", "code", True, False, 0), None, None)
_REWRITTEN: Final = frozenset({"uri", "url", "oid", "uuid"})


class Plans:
    """The plans of all types of one FHIR version, each compiled when it is first needed.

    A subclass may say otherwise how properties are labelled (`label`) and which values need no second look
    (`text_step`, `number_rule`).
    """

    def __init__(self, types: Types) -> None:
        self.types = types
        self._plans: dict[str, Plan] = {}
        self._drafts: dict[str, Plan] = {}
        self._compiling = Lock()
        self._resources = frozenset(types.resources)

    def of_resource(self, name: object) -> Plan | None:
        """Return the plan of a concrete resource type; None when `name` is none."""
        return self.of(name) if isinstance(name, str) and name in self._resources else None

    def of(self, name: str) -> Plan:
        """Return the plan of a type; KeyError when there is no such type."""
        plan = self._plans.get(name)
        if plan is not None:
            return plan
        with self._compiling:
            # Another thread must never see a plan whose properties are still being added.
            self._drafts = dict(self._plans)
            plan = self._draft(name)
            self._plans = self._drafts
        return plan

    def label(self, element: Element) -> str:
        """Return how paths name an element."""
        return label_of(element)

    def text_step(self, plan: Plan, element: Element) -> TextStep:
        """Return the step of a property whose values are strings."""
        return TextStep(self.label(element), element, _QUICK[element.type], _link_kind(plan, element))

    def number_rule(self, element: Element) -> NumberRule:
        """Return what tells whether a JSON number or boolean is a value of an element."""
        return NUMBER_RULES[element.type]

    def _draft(self, name: str) -> Plan:
        plan = self._drafts.get(name)
        if plan is None:
            plan = Plan(name, self.types.types[name].elements)
            self._drafts[name] = plan  # before its properties: Extension has extensions
            self._compile(plan)
        return plan

    def _compile(self, plan: Plan) -> None:
        if plan.name in self._resources:
            # `Plans.of_resource` has compared its value already.
            plan.texts["resourceType"] = (_anything, None, _RESOURCE_TYPE)
        for element in plan.elements.values():
            if element.primitive:
                self._add_primitive(plan, element)
            else:
                self._add_object(plan, element)
            if element.definition.endswith("[x]"):
                plan.choices[element.name] = element.definition
                plan.choices[f"_{element.name}"] = element.definition

    def _add_object(self, plan: Plan, element: Element) -> None:
        child = None if element.type == "Resource" else self._draft(element.type)
        step = ObjectStep(self.label(element), child, contained=element.name == "contained")
        if element.many:
            plan.lists[element.name] = step
        else:
            plan.objects[element.name] = step

    def _add_primitive(self, plan: Plan, element: Element) -> None:
        label = self.label(element)
        if element.type in NUMBER_RULES:
            rule = self.number_rule(element)
            if element.many:
                plan.lists[element.name] = NumberStep(label, element, rule)
            else:
                plan.numbers[element.name] = rule
        else:
            step = self.text_step(plan, element)
            if element.many:
                plan.lists[element.name] = step
            else:
                plan.texts[element.name] = (step.quick, step.link, step)
        if has_twin(element):
            twin = self._draft("Element")
            if element.many:
                plan.lists[f"_{element.name}"] = TwinStep(label, twin)
            else:
                plan.objects[f"_{element.name}"] = ObjectStep(label, twin)


def has_twin(element: Element) -> bool:
    """Return whether JSON may have `_name` beside the element, for its id and extensions.

    XHTML and what XML writes as an attribute (Element.id, Extension.url) have none.
    """
    return element.primitive and not element.attribute and element.type != "xhtml"


def _link_kind(plan: Plan, element: Element) -> LinkKind | None:
    """The strings a transaction rewrites: "… References, uri, url, oid, uuid and <a href="" & <img src=""> in the
    narrative" (RESTful API, transaction). Extension.url names a definition, like a canonical.
    """
    if plan.name == "Reference" and element.name == "reference":
        return "reference"
    if element.type in _REWRITTEN and not element.attribute:
        return "uri"
    return "narrative" if element.type == "xhtml" else None


_compiled: dict[int, Plans] = {}


def plans_of(types: Types) -> Plans:
    """Return the plans compiled from `types`, the same for the same tables."""
    plans = _compiled.get(id(types))
    if plans is None:
        plans = _compiled[id(types)] = Plans(types)  # keeps `types` alive, so that its id stays its own
    return plans
