"""Resources broken in one place each: the mutation corpus, made of the official examples with a seed.

Twelve kinds of fault. A case passes when the validator tells of an error at the place that was broken. For faults that
only a profile can tell, a profile is made that the example meets before it is broken.

Source: FHIR R4, JSON Representation of Resources, ElementDefinition, Profiling, References, Bundle.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.fhirpath import Model

BASE = "http://hl7.org/fhir/StructureDefinition/"
SEED = 20261122
PROFILE = "https://example.org/fhir/StructureDefinition/made"

Resource = dict[str, Any]
Route = tuple[str | int, ...]
Rule = Mapping[str, Any]  # an element of a snapshot


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a resource: how to get there, its expression, its type, and the rule of its definition for it."""

    route: Route
    expression: str
    type: str
    value: Any
    rule: Rule
    parent: str  # the expression of what holds it


@dataclass(frozen=True, slots=True)
class Case:
    """A broken resource. `places`: expressions of which an error must have one; `profile`: what it must also meet."""

    kind: str
    example: str
    resource: Resource
    places: tuple[str, ...]
    profile: Resource | None = None
    whole: Resource | None = None  # the resource before it was broken, where a profile was made for it


@cache
def model() -> Model:
    return Model(definitions().types)


@cache
def _rules(type: str) -> Mapping[str, Rule]:
    found = definitions().resource("StructureDefinition", BASE + type)
    return {each["path"]: each for each in found["snapshot"]["element"]} if found is not None else {}


def spots(resource: Resource) -> list[Spot]:
    """Return all values of a resource, those of resources inside it included, but for narratives."""
    return list(_below(resource, resource["resourceType"], (), resource["resourceType"]))


def _below(holder: Resource, type: str, route: Route, expression: str) -> Iterator[Spot]:
    root = type.partition(".")[0]
    for name, steps in model().members(type).items():
        for step in steps:
            if step.key not in holder or step.type == "xhtml":
                continue
            rule = _rules(root).get(f"{type}.{name}") or _rules(root).get(f"{type}.{name}[x]") or {}
            value = holder[step.key]
            many = enumerate(value) if isinstance(value, list) else ((None, value),)
            for place, one in many:
                if one is None:
                    continue
                here = f"{expression}.{name}" if place is None else f"{expression}.{name}[{place}]"
                way = (*route, step.key) if place is None else (*route, step.key, place)
                kind = one["resourceType"] if step.type == "Resource" and "resourceType" in one else step.type
                yield Spot(way, here, kind, one, rule, expression)
                if isinstance(one, dict):
                    yield from _below(one, kind, way, here)


def _put(resource: Resource, route: Route, value: Any) -> Resource:
    """Return a copy of a resource with another value at a place."""
    made = copy.deepcopy(resource)
    _at(made, route[:-1])[route[-1]] = value
    return made


def _at(resource: Any, route: Route) -> Any:
    for step in route:
        resource = resource[step]
    return resource


# --- the kinds


def _required(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    """Drop an element that must be there, alone at its place."""
    if found.rule.get("min", 0) < 1:
        return None
    made = copy.deepcopy(resource)
    key = found.route[-1] if isinstance(found.route[-1], str) else found.route[-2]
    holder = _at(made, found.route[: -1 if isinstance(found.route[-1], str) else -2])
    if isinstance(found.route[-1], int) and len(holder[key]) > 1:
        return None
    del holder[key]
    holder.pop(f"_{key}", None)
    if not holder:
        return None  # an empty object is another fault
    return Case("required element dropped", "", made, (found.parent,))


def _json_type(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    wrong = chance.choice([17, True, "text"]) if isinstance(found.value, dict) else {"value": "x"}
    return Case("wrong JSON type", "", _put(resource, found.route, wrong), (found.expression, found.parent))


def _unknown(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if not isinstance(found.value, dict):
        return None
    made = _put(resource, (*found.route, f"unknown{chance.randrange(1000)}"), "x")
    return Case("unknown property", "", made, (found.expression,))


_BAD = {
    "date": "2020-02-30", "dateTime": "2020-13-01", "instant": "2020-01-01", "time": "25:00:00", "id": "a b",
    "oid": "urn:oid:a", "uuid": "urn:uuid:x", "code": " x", "uri": "a b", "url": "a b", "canonical": "a b",
    "base64Binary": "a*b", "boolean": "yes", "integer": 1.5, "positiveInt": 0, "unsignedInt": -1, "decimal": "1",
    "string": "", "markdown": "",
}  # fmt: skip


def _primitive(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if found.type not in _BAD or isinstance(found.value, dict):
        return None
    return Case("bad primitive", "", _put(resource, found.route, _BAD[found.type]), (found.expression, found.parent))


def _code(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    binding = found.rule.get("binding", {})
    value_set = str(binding.get("valueSet", "")).partition("|")[0]
    if found.type != "code" or binding.get("strength") != "required" or not value_set.startswith("http://hl7.org/fhir"):
        return None
    if value_set.endswith(("/mimetypes", "/all-languages")):
        return None  # what follows a grammar has any number of codes
    made = _put(resource, found.route, f"no-code-{chance.randrange(1000)}")
    return Case("wrong code in a required binding", "", made, (found.expression,))


def _overflow(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if isinstance(found.route[-1], int) or found.rule.get("max") != "1" or found.route[-1] == "resourceType":
        return None
    made = _put(resource, found.route, [found.value, copy.deepcopy(found.value)])
    return Case("too many", "", made, (found.expression, found.parent))


def _fixed(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    """Fix a value, or a pattern, by a profile made for it, and then change it."""
    if found.type not in ("string", "code", "uri", "boolean", "CodeableConcept", "Coding") or _is_inside(found):
        return None
    if any(isinstance(step, int) for step in found.route[:-1]) or found.rule.get("max") != "1":
        return None
    prefix = chance.choice(["fixed", "pattern"])
    key = f"{prefix}{found.type[:1].upper()}{found.type[1:]}"
    profile = _profile(resource, found, {key: found.value})
    if profile is None:
        return None
    other: Any = not found.value if found.type == "boolean" else f"{found.value}-x"
    if isinstance(found.value, dict):
        other = {"text": "another"} if found.type == "CodeableConcept" else {"display": "another"}
    made = _put(resource, found.route, other)
    # Of a value with parts each part that differs is told at its own place.
    parts = sorted({*found.value, *other}) if isinstance(found.value, dict) else []
    places = (found.expression, *(f"{found.expression}.{part}" for part in parts))
    return Case("fixed value or pattern broken", "", made, places, profile, resource)


_DISCRIMINATORS = {"Identifier": "system", "ContactPoint": "system", "HumanName": "use", "Address": "use"}


def _slice(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    """Demand a slice by a profile made for it, and then remove what belongs to it."""
    by = _DISCRIMINATORS.get(found.type)
    if by is None or len(found.route) != 2 or not isinstance(found.route[-1], int) or by not in found.value:
        return None
    name, place = found.route
    same = [each for each in resource[str(name)] if each.get(by) == found.value[by]]
    if len(same) != 1:
        return None
    made = copy.deepcopy(resource)
    del made[str(name)][place]
    if not made[str(name)]:
        del made[str(name)]
    return Case("slice removed", "", made, (found.parent,), _sliced(resource, str(name), by, found.value[by]), resource)


def _reference(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    targets = {url.removeprefix(BASE) for each in found.rule.get("type", ()) for url in each.get("targetProfile", ())}
    if found.type != "Reference" or not targets or "Resource" in targets:
        return None
    other = chance.choice(sorted(set(model().resources) - targets - {"Parameters", "Bundle", "Binary"}))
    made = _put(resource, found.route, {"reference": f"{other}/wrong"})
    return Case("reference to a wrong type", "", made, (found.expression,))


def _dangling(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if found.type != "Reference":
        return None
    made = _put(resource, found.route, {"reference": f"#nowhere-{chance.randrange(1000)}"})
    return Case("dangling fragment", "", made, (found.expression,))


def _full_url(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if resource["resourceType"] != "Bundle" or found.route[-1] != "fullUrl" or len(found.route) != 3:
        return None
    entry = found.expression.rpartition(".")[0]
    held = _at(resource, found.route[:-1]).get("resource", {})
    wrong = ["entry", "Patient/relative"]
    if "id" in held:
        wrong += [f"http://example.org/fhir/{held['resourceType']}/another-{chance.randrange(1000)}"]
    made = _put(resource, found.route, chance.choice(wrong))
    return Case("broken fullUrl", "", made, (entry, f"{entry}.fullUrl", f"{entry}.resource"))


_BREAKING: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    # what is put into an element of a type, and what is taken away, so that an invariant fails
    "Period": ({"start": "2020-02-01", "end": "2020-01-01"}, ()),  # per-1
    "Quantity": ({"code": "kg"}, ("system",)),  # qty-3
    "ContactPoint": ({"value": "x"}, ("system",)),  # cpt-2
    "Attachment": ({"data": "YQ=="}, ("contentType",)),  # att-1
    "Extension": ({"valueString": "x", "extension": [{"url": "urn:x", "valueString": "y"}]}, ()),  # ext-1
}


def _invariant(resource: Resource, found: Spot, chance: random.Random) -> Case | None:
    if found.type not in _BREAKING or not isinstance(found.value, dict):
        return None
    add, remove = _BREAKING[found.type]
    if found.type == "Extension" and any(key.startswith("value") and key != "valueString" for key in found.value):
        return None  # two values are another fault
    value = {key: each for key, each in {**found.value, **add}.items() if key not in remove}
    made = _put(resource, found.route, value)
    return Case("invariant broken", "", made, (found.expression,))


Break = Callable[[Resource, Spot, random.Random], Case | None]
KINDS: Sequence[Break] = (
    _required, _json_type, _unknown, _primitive, _code, _overflow, _fixed, _slice, _reference, _dangling, _full_url,
    _invariant,
)  # fmt: skip


def _is_inside(found: Spot) -> bool:
    return any(step in ("contained", "resource", "extension", "modifierExtension") for step in found.route)


# --- profiles made for an example


def _snapshot(type: str) -> list[dict[str, Any]]:
    found = definitions().resource("StructureDefinition", BASE + type)
    assert found is not None
    return copy.deepcopy(found["snapshot"]["element"])


def _made(type: str, elements: list[dict[str, Any]]) -> Resource:
    return {
        "resourceType": "StructureDefinition", "url": PROFILE, "name": "Made", "status": "draft", "kind": "resource",
        "abstract": False, "type": type, "baseDefinition": BASE + type, "derivation": "constraint",
        "snapshot": {"element": elements},
    }  # fmt: skip


def _profile(resource: Resource, found: Spot, more: Mapping[str, Any]) -> Resource | None:
    """Return a profile of the example's type that says more of one element; None where it cannot be said there."""
    elements = _snapshot(resource["resourceType"])
    path = re.sub(r"\[\d+\]", "", found.expression)
    for element in elements:
        if element["path"] == path and len(element.get("type", ())) == 1:
            element.update(more)
            return _made(resource["resourceType"], elements)
    return None


def _sliced(resource: Resource, name: str, by: str, value: str) -> Resource:
    """Return a profile that slices a list by a value, and demands the one found."""
    type = resource["resourceType"]
    path = f"{type}.{name}"
    kind = "Uri" if value.startswith(("http", "urn")) else "Code"
    elements = []
    for element in _snapshot(type):
        elements.append(element)
        if element["path"] == path:
            slice = {**copy.deepcopy(element), "id": f"{path}:wanted", "sliceName": "wanted", "min": 1, "max": "1"}
            element["slicing"] = {"discriminator": [{"type": "value", "path": by}], "rules": "open"}
            rule = {
                "id": f"{path}:wanted.{by}", "path": f"{path}.{by}", "min": 1, "max": "1",
                "type": [{"code": kind.lower()}], f"fixed{kind}": value,
            }  # fmt: skip
            elements += [slice, rule]
    return _made(type, elements)


# --- the corpus

_WAYS = 4


def corpus(examples: Mapping[str, Resource], each: int, seed: int = SEED) -> Iterator[Case]:
    """Yield up to `each` cases of every kind, drawn from all that the examples allow; the same for the same seed."""
    places = [(name, resource, found) for name, resource in sorted(examples.items()) for found in spots(resource)]
    for number, break_ in enumerate(KINDS):
        chance = random.Random(seed * 100 + number)
        made = 0
        # What can be broken at few places is broken there in several ways.
        for index in chance.sample(range(len(places)), len(places)) * _WAYS:
            name, resource, found = places[index]
            case = break_(resource, found, chance) if made < each else None
            if case is not None:
                yield Case(case.kind, name, case.resource, case.places, case.profile, case.whole)
                made += 1
