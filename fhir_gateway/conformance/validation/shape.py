"""The shape of JSON: what is wrong with it, and the resource that is left when what has no place is taken out.

Only resources that the scan finds unsound come here.

Source: FHIR R4, JSON Representation of Resources. What is kept of a wrong property follows HL7's validator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fhir_gateway.conformance.validation import format_complaints as complaints
from fhir_gateway.conformance.validation.json_text import Malformed, Object
from fhir_gateway.conformance.validation.scan import StrictPlans, expression
from fhir_gateway.fhir.json import MAX_DEPTH
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.fhir.plan import NUMBER_RULES, Plan, has_twin
from fhir_gateway.fhir.primitives import PATTERNS
from fhir_gateway.fhir.structure import Path
from fhir_gateway.fhir.types import Element

_NOTHING: Final = object()
_JSON_TYPES: Final = ((dict, "an Object", "un objet"), (list, "an Array", "un tableau"))


def described(value: Any) -> dict[str, str]:
    """Return what a JSON value is, in words."""
    if value is None:
        return {"found": "a Null", "found_fr": "null"}
    for type, found, french in _JSON_TYPES:
        if isinstance(value, type):
            return {"found": found, "found_fr": french}
    return {"found": "a Primitive property", "found_fr": "une valeur simple"}


class Shaping:
    """One look at an unsound resource: `issues` says what is wrong.

    `from_xml`: the XML reader has complained of what is empty or repeated already.
    """

    def __init__(self, plans: StrictPlans, from_xml: bool = False) -> None:
        self.plans = plans
        self.from_xml = from_xml
        self.issues: list[Issue] = []

    def resource(self, value: Any) -> dict[str, Any] | None:
        """Return what is left of the outermost resource; None when it is none."""
        plan = self._plan_of(value, None)
        if plan is None:
            return None
        return self._object(value, plan, (None, plan.name, None), MAX_DEPTH, is_resource=True)

    def _say(self, complaint: Complaint, path: Path | None, **values: object) -> None:
        self.issues.append(complaint.at("$" if path is None else expression(path), **values))

    def _plan_of(self, value: dict[str, Any], path: Path | None) -> Plan | None:
        """The plan of the type that an object says it is; complained of where it says none."""
        name = value.get("resourceType", _NOTHING)
        if name is _NOTHING:
            self._say(complaints.TYPE_MISSING, path)
        elif not isinstance(name, str):
            self._say(complaints.TYPE_NOT_TEXT, path, **described(name))
        else:
            plan = self.plans.of_resource(name)
            if plan is not None:
                return plan
            if path is None:
                self.issues.append(complaints.TYPE_UNKNOWN.at(name[:64], name=name[:64]))
            else:
                self._say(complaints.CONTAINED_UNKNOWN, path, name=name[:64])
        return None

    def _object(
        self, value: dict[str, Any], plan: Plan, path: Path, depth: int, is_resource: bool = False
    ) -> dict[str, Any]:
        if not value and not self.from_xml:
            self._say(complaints.EMPTY_OBJECT, path)
        if depth == 0:
            self._say(complaints.TOO_DEEP, path, limit=MAX_DEPTH)
            return {}
        kept: dict[str, Any] = {}
        chosen: dict[str, str] = {}
        seen: set[str] = set()
        for name, item in _pairs(value):
            if is_resource and name == "resourceType":
                kept[name] = item
                continue
            is_twin = name not in plan.elements and name[:1] == "_"
            element = plan.elements.get(name[1:] if is_twin else name)
            if plan.name == "Element" and name == "value":  # in the twin of a primitive, which it leaves not empty
                self._say(complaints.ILLEGAL_VALUE, path, name=name)
                kept[name] = item
            elif element is None or (is_twin and not has_twin(element)):
                self._say(complaints.UNRECOGNIZED, path, name=name[:64])
            elif name in seen:
                self._say(complaints.DUPLICATE, path, name=name)
            elif chosen.setdefault(element.definition, element.name) != element.name:
                self._second(name, element, plan, path)
            else:
                seen.add(name)
                left = self._property(element, item, is_twin, path, depth)
                if left is not _NOTHING:
                    kept[name] = left
        self._pair_up(value, kept, plan, path)
        return kept

    def _second(self, name: str, element: Element, plan: Plan, path: Path) -> None:
        if not self.from_xml:
            self._say(complaints.SECOND_CHOICE, path, name=name, definition=element.definition)
            return
        source = f"http://hl7.org/fhir/StructureDefinition/{plan.name}|{self.plans.types.version}"
        path_of_element = f"{plan.name}.{element.definition}"
        self._say(complaints.REPEATED, path, element=path_of_element, count=2, profile=source)

    # --- one property

    def _property(self, element: Element, item: Any, is_twin: bool, path: Path, depth: int) -> Any:
        if is_twin:
            return self._twin(element, item, path, depth)
        if element.primitive:
            return self._primitive(element, item, path)
        return self._complex(element, item, path, depth)

    def _complex(self, element: Element, item: Any, path: Path, depth: int) -> Any:
        label = self.plans.label(element)
        here = (path, label, None)
        if not element.many:
            return self._one(element, item, here, depth)
        if not isinstance(item, list):
            self._say(complaints.ARRAY_WANTED, here, name=element.name, **described(item))
            one = self._one(element, item, here, depth)
            return _NOTHING if one is _NOTHING else [one]
        if not item:
            self._say(complaints.EMPTY_ARRAY, here)
            return _NOTHING
        left = [self._one(element, each, (path, label, index), depth) for index, each in enumerate(item)]
        return [each for each in left if each is not _NOTHING] or _NOTHING

    def _one(self, element: Element, item: Any, here: Path, depth: int) -> Any:
        if not isinstance(item, dict):
            self._say(complaints.OBJECT_WANTED, here, name=element.name, **described(item))
            return _NOTHING
        if element.type != "Resource":
            return self._object(item, self.plans.of(element.type), here, depth - 1)
        if not item and self.from_xml:
            return _NOTHING
        if not item:
            self._say(complaints.EMPTY_OBJECT, here)
        plan = self._plan_of(item, here)
        if plan is None:
            return _NOTHING
        here = (here, f"/*{plan.name}/{item.get('id', 'null')}*/", None)
        return self._object(item, plan, here, depth - 1, is_resource=True)

    def _primitive(self, element: Element, item: Any, path: Path) -> Any:
        label = self.plans.label(element)
        here = (path, label, None)
        if not element.many:
            return self._scalar(element, item, here)
        if not isinstance(item, list):
            self._say(complaints.ARRAY_WANTED, here, name=element.name, **described(item))
            return _NOTHING
        if not item:
            self._say(complaints.EMPTY_ARRAY, here)
            return _NOTHING
        left = [
            None if each is None else self._scalar(element, each, (path, label, index))
            for index, each in enumerate(item)
        ]
        return [None if each is _NOTHING else each for each in left]

    def _scalar(self, element: Element, item: Any, here: Path) -> Any:
        if item is None or isinstance(item, (dict, list)):
            self._say(complaints.SIMPLE_WANTED, here, name=element.name, **described(item))
            return _NOTHING
        wanted = _wanted(element, item)
        if wanted is not None and not self.from_xml:
            self._say(wanted, here)
        return typed(element.type, item)

    def _twin(self, element: Element, item: Any, path: Path, depth: int) -> Any:
        label = self.plans.label(element)
        here = (path, label, None)
        if not element.many:
            return self._twin_object(element, item, here, depth)
        if not isinstance(item, list):
            self._say(complaints.ARRAY_WANTED, here, name=f"_{element.name}", **described(item))
            return _NOTHING
        if not item:
            self._say(complaints.EMPTY_ARRAY, here)
            return _NOTHING
        left = [
            None if each is None else self._twin_object(element, each, (path, label, index), depth)
            for index, each in enumerate(item)
        ]
        return [None if each is _NOTHING else each for each in left]

    def _twin_object(self, element: Element, item: Any, here: Path, depth: int) -> Any:
        if not isinstance(item, dict):
            self._say(complaints.OBJECT_WANTED, here, name=f"_{element.name}", **described(item))
            return _NOTHING
        return self._object(item, self.plans.of("Element"), here, depth - 1)

    def _pair_up(self, value: dict[str, Any], kept: dict[str, Any], plan: Plan, path: Path) -> None:
        """Complain of nulls that no item of the twin array explains; leave out arrays that hold nothing."""
        for name in [name for name, item in kept.items() if isinstance(item, list) and None in item]:
            base = name.removeprefix("_") if name not in plan.elements else name
            other = kept.get(base if name != base else f"_{base}")
            others = other if isinstance(other, list) else []
            element = plan.elements[base]
            if name == base:
                for index, item in enumerate(value[name]):
                    if item is None and (index >= len(others) or others[index] is None):
                        self._say(complaints.NULL, (path, self.plans.label(element), index), name=base)
            if not any(item is not None for item in kept[name]):
                del kept[name]


def _pairs(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    pairs: Iterable[tuple[str, Any]] = value.pairs if isinstance(value, Object) else value.items()
    return pairs


def _wanted(element: Element, item: Any) -> Complaint | None:
    """What the JSON type of a value should have been; None when it is right."""
    if element.type == "boolean":
        return None if isinstance(item, bool) else complaints.BOOLEAN_WANTED
    if element.type in NUMBER_RULES:
        is_number = isinstance(item, (int, Number, Malformed)) and not isinstance(item, bool)
        return None if is_number else complaints.NUMBER_WANTED
    return None if isinstance(item, str) and not isinstance(item, Malformed) else complaints.STRING_WANTED


def text_of(value: Any) -> str:
    """Return the text of a JSON value that is no object and no array."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Number) else str(value)


def typed(type: str, item: Any) -> Any:
    """Return a value as its type has it; its text where it cannot be one."""
    text = text_of(item)
    if type == "boolean":
        return text == "true" if text in ("true", "false") else text
    if type not in NUMBER_RULES:
        return text
    if isinstance(item, (int, Number)) and not isinstance(item, bool):
        return item
    if len(text) > 64 or PATTERNS["decimal"].fullmatch(text) is None:
        return text
    if PATTERNS["integer"].fullmatch(text) is not None:
        return int(text)
    return Number(text) if type == "decimal" else text
