"""The scan of all values of a resource before the walk: it tells at once of most that they need no second look.

Where the scan says `sound`, the resource has the shape its types prescribe; its `doubts` are values that have to be
looked at closely (`values.py`).

Source: FHIR R4, JSON Representation of Resources; Datatypes, "Primitive Types".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_gateway.fhir.json import MAX_DEPTH
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.plan import NUMBER_RULES, NumberRule, ObjectStep, Plan, Plans, Quick, TextStep
from fhir_gateway.fhir.primitives import TEXT_RULES
from fhir_gateway.fhir.structure import Findings, Link, Path, Walk
from fhir_gateway.fhir.types import Element, Types

# What no string should hold unasked: controls but tab and line ends, and marks that turn the direction of writing.
_ODD = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
_YEAR = r"(?:18|19|20)[0-9]{2}"
_DAY_OF_MONTH = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"  # no 02-29
)
_DAY = rf"{_YEAR}-{_DAY_OF_MONTH}"
_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_OID = r"urn:oid:(?=[0-9.]{4,}\.)[0-2](?:\.(?:0|[1-9][0-9]*))+"
_UUID = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_URN = rf"{_OID}|{_UUID}"
_URI = re.compile(rf"(?!oid:|uuid:|urn:oid:|urn:uuid:)[^\s<\x00-\x1f]+|{_URN}").fullmatch


_SPACE = re.compile(r"\s")


def _base64(text: str) -> object:
    return (_SPACE.search(text) is None and TEXT_RULES["base64Binary"](text)) or None


_URIS: Final = frozenset({"uri", "url", "canonical"})


def _never(text: str) -> object:
    return None


# A quick test says yes (anything but None) only where nothing could be said of the value, not even a warning.
QUICK: Final[Mapping[str, Quick]] = {
    "string": re.compile(rf"[^\s<{_ODD}](?:[^<{_ODD}]{{0,1048574}}[^\s<{_ODD}])?").fullmatch,
    "markdown": re.compile(rf"(?=\s*\S)[^<{_ODD}]+").fullmatch,
    "code": re.compile(r"[^\s<\x00-\x20]+(?: [^\s<\x00-\x20]+)*").fullmatch,
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch,
    "uri": _URI,
    "url": _URI,
    "canonical": re.compile(rf"(?:#|https?://|urn:(?!oid:|uuid:)[^:]+:)[^\s<\x00-\x1f]+|{_URN}").fullmatch,
    "oid": _never,
    "uuid": re.compile(_UUID).fullmatch,
    "date": re.compile(rf"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?|{_DAY}").fullmatch,
    "dateTime": re.compile(rf"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?|{_DAY}(?:{_CLOCK})?").fullmatch,
    "instant": re.compile(rf"{_DAY}{_CLOCK}").fullmatch,
    "time": re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]").fullmatch,
    "base64Binary": _base64,
    "xhtml": _never,
}
_ABSOLUTE = re.compile(r"https?://[^\s<\x00-\x1f]+").fullmatch
# Elements of which more is asked than of their type: looked at by `primitives.py` under this name.
SPECIAL: Final[Mapping[tuple[str, str], Quick]] = {
    ("Attachment", "data"): _never,
    ("Identifier", "system"): re.compile(
        rf"https?:[^\s<\x00-\x1f]+|urn:(?!oid:|uuid:|ietf:)[^\s<\x00-\x1f]+|{_URN}"
    ).fullmatch,
    ("Extension", "url"): _URI,
}


def _is_short_decimal(value: Any) -> bool:
    if type(value) is int:
        return -(10**17) < value < 10**17
    return type(value) is Number and len(value.text) < 18 and "e" not in value.text and "E" not in value.text


class StrictPlans(Plans):
    """Plans whose labels are those of expressions ("value.ofType(Quantity)"), and whose quick tests are strict.

    `doubt_uris`: whether every uri has to be looked at.
    """

    def __init__(self, types: Types, doubt_uris: bool = False) -> None:
        super().__init__(types)
        self._doubt_uris = doubt_uris

    def label(self, element: Element) -> str:
        if element.definition.endswith("[x]"):
            return f"{element.definition.removesuffix('[x]')}.ofType({element.type})"
        return element.definition

    def text_step(self, plan: Plan, element: Element) -> TextStep:
        owner = "Resource" if element.name == "id" and plan.name in self.types.resources else plan.name
        special = SPECIAL.get((owner, element.name))
        label = self.label(element)
        if element.name == "url" and "useContext" in plan.elements:  # what other resources name it by
            owner, special = "Canonical", _ABSOLUTE
        if element.name == "id" and owner != "Resource":  # rare, and no two of a resource may be the same
            return TextStep(label, replace(element, type="Element.id"), _never, None)
        if special is not None or owner == "Resource":
            quick = _never if self._doubt_uris and special is not None else special or QUICK["id"]
            return TextStep(label, replace(element, type=f"{owner}.{element.name}"), quick, None)
        quick = _never if self._doubt_uris and element.type in _URIS else QUICK[element.type]
        return TextStep(label, element, quick, None)

    def number_rule(self, element: Element) -> NumberRule:
        return _is_short_decimal if element.type == "decimal" else NUMBER_RULES[element.type]


@dataclass(slots=True)
class Doubt:
    """A value that needs a close look, of an element whose type may be a special one ("Attachment.data").

    `holder`: the object it is a property of, where that is known; `resource`: the one it belongs to.
    """

    value: Any
    element: Element
    path: Path
    holder: dict[str, Any]
    resource: dict[str, Any]


class Scan(Walk):
    """One scan. `sound`: whether the shape is right; `resources`: all of them, with their paths, the outermost first.

    `mistyped`: whether a text stands where a number or boolean belongs. `broken`: the paths of extensions that have
    both a value and extensions, or neither (ext-1).

    `any_scalar`: whether a primitive of the wrong JSON type is only a doubt, as its text may be all there is of it.
    """

    __slots__ = ("any_scalar", "broken", "doubts", "mistyped", "resource_value", "resources", "sound")

    def __init__(self, plans: Plans, any_scalar: bool = False) -> None:
        super().__init__(plans, Findings())
        self.any_scalar = any_scalar
        self.mistyped = False
        self.sound = True
        self.doubts: list[Doubt] = []
        self.broken: list[Path] = []
        self.resources: list[tuple[dict[str, Any], Path, bool]] = []
        self.resource_value: dict[str, Any] = {}

    def of(self, resource: dict[str, Any]) -> int:
        """Scan a resource and return how many properties there are in it and below."""
        plan = self.plans.of_resource(resource.get("resourceType"))
        if plan is None:
            self.sound = False
            return 0
        path: Path = (None, plan.name, None)
        self.resources.append((resource, path, False))
        self.resource_value = resource
        keys = self.object(resource, plan, path, [], MAX_DEPTH)
        self.sound = self.sound and not self.issues
        return keys

    def resource(self, value: dict[str, Any], step: ObjectStep, path: Path, own: list[Link], depth: int) -> int:
        plan = self.plans.of_resource(value.get("resourceType"))
        if plan is None:
            self.sound = False
            return 0
        outer = self.resource_value
        self.resource_value = value
        path = (path, f"/*{plan.name}/{value.get('id', 'null')}*/", None)
        self.resources.append((value, path, step.contained))
        keys = self.object(value, plan, path, own, depth)
        self.resource_value = outer
        return keys

    def doubtful(self, text: str, element: Element, path: Path, holder: dict[str, Any]) -> None:
        self.doubts.append(Doubt(text, element, path, holder, self.resource_value))

    def choices(self, value: dict[str, Any], plan: Plan, path: Path) -> None:
        chosen = plan.choices.keys() & value.keys()
        if plan.name == "Extension" and bool(chosen) == ("extension" in value):
            self.broken.append(path)
        if len(chosen) > 1:
            super().choices(value, plan, path)

    def not_a_primitive(
        self, value: dict[str, Any], name: str, item: Any, index: int, element: Element, here: Path
    ) -> None:
        if self._may_be(item, element):
            self.doubts.append(Doubt(item, element, here, value, self.resource_value))
        else:
            super().not_a_primitive(value, name, item, index, element, here)

    def wrong(self, value: dict[str, Any], name: str, plan: Plan, path: Path, own: list[Link], depth: int) -> None:
        element = plan.elements.get(name)
        if element is None or element.many or not element.primitive or not self._may_be(value[name], element):
            self.sound = False
            return
        step = plan.texts.get(name)
        label = self.plans.label(element)
        of = element if step is None else step[2].element
        self.doubts.append(Doubt(value[name], of, (path, label, None), value, self.resource_value))

    def _may_be(self, value: Any, element: Element) -> bool:
        """Whether a value has the JSON type of its element, so that only its text can be wrong."""
        if self.any_scalar:
            self.mistyped = self.mistyped or (isinstance(value, str) and element.type in NUMBER_RULES)
            return isinstance(value, (str, int, Number))
        is_number = isinstance(value, (int, Number)) and not isinstance(value, bool)
        return is_number and element.type in NUMBER_RULES and element.type != "boolean"


def expression(path: Path) -> str:
    """Return the FHIRPath expression of a path: "Bundle.entry[0].resource/*Patient/1*/.name[0].given[1]"."""
    steps: list[str] = []
    step: Path | None = path
    comment = ""
    while step is not None:
        parent, name, index = step
        if name.startswith("/*"):
            comment = name
        else:
            steps.append((name if index is None else f"{name}[{index}]") + comment)
            comment = ""
        step = parent
    return ".".join(reversed(steps))


_compiled: dict[tuple[int, bool], StrictPlans] = {}


def strict_plans_of(types: Types, doubt_uris: bool = False) -> StrictPlans:
    """Return the strict plans compiled from `types`, the same for the same tables."""
    key = (id(types), doubt_uris)
    plans = _compiled.get(key)
    if plans is None:
        plans = _compiled[key] = StrictPlans(types, doubt_uris)  # keeps `types` alive, so that its id stays its own
    return plans
