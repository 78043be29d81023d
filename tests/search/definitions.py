"""What R4 itself says of search parameters, read anew from its definitions and evaluated with fhirpathpy.

Nothing of the gateway is used but the readers of the definitions' files: what the gateway compiles from the same
definitions is what the tests compare with this.

Source: FHIR R4, SearchParameter, CompartmentDefinition, StructureDefinition, ValueSet; FHIRPath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

from fhir_gateway.conformance.carried import carried
from fhir_gateway.conformance.package import R4, Package, data_folder

Resource = Mapping[str, Any]

_RESOLVE = re.compile(r"\.where\(resolve\(\) is (\w+)\)")
_AS = re.compile(r"\(([\w.]+) as (\w+)\)|([\w.]+) as (\w+)")
_HAS_EXTENSION = re.compile(r"hasExtension\(([^)]*)\)")
_FILTERS = re.compile(r"\.(?:where|as|ofType|extension)\([^)]*\)|\[\d+\]")
# R4 names the components of this composite the wrong way round: `code` is the relation, `target` is what it relates to.
_SWAPPED = {"DocumentReference-relationship": {"code": "token", "target": "reference"}}


@dataclass(frozen=True)
class Value:
    """One value that an expression selects: its FHIR type and its data; for a code the system its binding implies."""

    type: str
    data: Any
    system: str | None = None


@dataclass(frozen=True)
class Component:
    """One part of a composite: its type and its expression from the base value on."""

    type: str
    expression: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """A search parameter as its definition says it for one resource type."""

    code: str
    type: str
    base: str
    alternatives: tuple[str, ...]  # of the expression, those about the base
    targets: tuple[str, ...]
    components: tuple[Component, ...] = ()


@cache
def package() -> Package:
    return Package(data_folder("profiles") / R4)


@cache
def raw_parameters() -> tuple[dict[str, Any], ...]:
    """Return R4's search parameters, without the three examples that repeat codes of others, and those that the
    gateway carries beside them.
    """
    found = [each for each in package().resources("SearchParameter") if "base" in each]
    beside = [dict(each.read(entry)) for each in carried() for entry in each.of_kind("SearchParameter")]
    return tuple(each for each in [*found, *beside] if not each["id"].startswith("example"))


@cache
def elements() -> dict[str, dict[str, Any]]:
    """Return the elements of all types by their paths."""
    found: dict[str, dict[str, Any]] = {}
    for definition in package().resources("StructureDefinition"):
        if definition.get("derivation") != "constraint" and "snapshot" in definition:
            for element in definition["snapshot"]["element"]:
                found.setdefault(element["path"], element)
    return found


@cache
def resource_types() -> tuple[str, ...]:
    """Return the concrete resource types."""
    found = {
        each["type"]
        for each in package().resources("StructureDefinition")
        if each["kind"] == "resource" and not each.get("abstract") and each.get("derivation") == "specialization"
    }
    return tuple(sorted(found))


@cache
def parameters_of(type: str) -> Mapping[str, Parameter]:
    """Return the search parameters of a resource type by code."""
    found: dict[str, Parameter] = {}
    domain = type not in ("Bundle", "Binary", "Parameters")
    for base in ("Resource", *(["DomainResource"] if domain else []), type):
        for raw in raw_parameters():
            if base in raw["base"]:
                found[raw["code"]] = _parameter(raw, type)
    return found


def _parameter(raw: Mapping[str, Any], type: str) -> Parameter:
    swapped = _SWAPPED.get(raw["id"], {})
    components = []
    for component in raw.get("component", ()):
        own = by_url()[component["definition"]]
        kind = swapped.get(component["expression"], own["type"])
        components.append(Component(kind, component["expression"], tuple(own.get("target", ()))))
    return Parameter(
        raw["code"],
        raw["type"],
        type,
        tuple(_alternatives(raw.get("expression", ""), type)),
        tuple(raw.get("target", ())),
        tuple(components),
    )


@cache
def by_url() -> dict[str, dict[str, Any]]:
    return {each["url"]: each for each in raw_parameters()}


def _alternatives(expression: str, type: str) -> Iterator[str]:
    """Yield the alternatives of an expression that start at a type."""
    for alternative in expression.split(" | "):
        text = alternative.strip()
        start = re.match(r"\(?\s*(\w+)", text)
        assert start is not None or text == ""
        if start is not None and start[1] in (type, "Resource", "DomainResource"):
            yield re.sub(r"^(\(?\s*)(?:Resource|DomainResource)\b", rf"\g<1>{type}", text)


@cache
def _compiled(expression: str) -> Callable[..., list[Any]]:
    """Return the expression in the words fhirpathpy knows: `as` of many values is `ofType`; nothing is resolved."""
    text = _RESOLVE.sub("", expression)
    text = _AS.sub(lambda match: f"{match[1] or match[3]}.ofType({match[2] or match[4]})", text)
    text = text.replace(".as(", ".ofType(").replace("ofType(DateTime)", "ofType(dateTime)")
    text = _HAS_EXTENSION.sub(r"extension(\1).exists()", text)
    compiled: Callable[..., list[Any]] = fhirpathpy.compile(text, models["r4"], {"returnRawData": True})
    return compiled


def select(expression: str, start: Any, resource: Resource) -> list[Value]:
    """Return the values that one alternative of an expression selects, from a resource or from a node inside it."""
    wanted = _RESOLVE.search(expression)
    place = f"{start.path}.{expression}" if isinstance(start, ResourceNode) else expression
    found = []
    for node in _compiled(expression)(start, {"resource": resource}):
        value = _value(node, place)
        if wanted is not None and _target_of(value.data, resource) != wanted[1]:
            continue
        if value.data is not None:
            found.append(value)
    return found


def nodes(expression: str, resource: Resource) -> list[Any]:
    """Return the nodes that an expression selects, fit to be the start of another one."""
    return list(_compiled(expression)(resource, {"resource": resource}))


def _value(node: Any, expression: str) -> Value:
    if isinstance(node, bool):
        return Value("boolean", node)
    assert isinstance(node, ResourceNode), node
    type, data = node.path, node.data
    if type == "Extension":  # of an extension its value is searched
        name = next((name for name in data if name.startswith("value")), "")
        kinds = {each["code"].lower(): each["code"] for each in elements()["Extension.value[x]"]["type"]}
        return Value(kinds.get(name.removeprefix("value").lower(), ""), data.get(name))
    return Value(type, data, _implied_system(expression) if type == "code" else None)


def _target_of(reference: Any, resource: Resource) -> str | None:
    """Return the type of resource that a Reference points to, as far as it says so."""
    if not isinstance(reference, Mapping):
        return None
    text = reference.get("reference", "")
    if text.startswith("#"):
        inside = {each["id"]: each["resourceType"] for each in resource.get("contained", ())}
        return inside.get(text[1:])
    named = re.search(r"(?:^|/)([A-Z]\w+)/[A-Za-z0-9.\-]{1,64}(?:/_history/[^/]+)?$", text)
    return named[1] if named else reference.get("type")


@cache
def _implied_system(expression: str) -> str | None:
    """Return the code system of the required binding of a `code` element, where its value set has exactly one."""
    element = elements().get(_FILTERS.sub("", expression).strip("()"))
    if element is None or element.get("binding", {}).get("strength") != "required":
        return None
    systems = _systems(element["binding"]["valueSet"].partition("|")[0])
    return next(iter(systems)) if len(systems) == 1 else None


@cache
def _value_sets() -> dict[str, dict[str, Any]]:
    return {each["url"]: each for each in package().resources("ValueSet")}


def _systems(url: str) -> set[str | None]:
    if url not in _value_sets():
        return {None}
    found: set[str | None] = set()
    for include in _value_sets()[url].get("compose", {}).get("include", ()):
        if "system" in include:
            found.add(include["system"])
        for other in include.get("valueSet", ()):
            found |= _systems(other.partition("|")[0])
    return found


@cache
def compartment(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the parameters by which each type belongs to a compartment; `{def}` is the resource itself."""
    (definition,) = [
        each
        for each in package().resources("CompartmentDefinition")
        if each["url"] == f"http://hl7.org/fhir/CompartmentDefinition/{name[0].lower()}{name[1:]}"
    ]
    found = {each["code"]: tuple(each["param"]) for each in definition["resource"] if "param" in each}
    return {name: ("{def}",), **found}
