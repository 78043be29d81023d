"""The canonicals that a definition names without a version, given the version that is meant.

Source: FHIR R4, References, "Canonical References"; FHIR NPM Packages specification, "dependencies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fhir_gateway.conformance.lookup import Resource

# What a canonical of a resource type without version means: its version; None: what everybody takes it for.
Pin = Callable[[str, str], str | None]


def pinned(resource: Resource, pin: Pin) -> Resource:
    """Return a definition with its canonicals pinned to versions; the same object where there is nothing to pin."""
    found = [(holder, key, version) for holder, key, version in _pins(resource, pin) if version is not None]
    if not found:
        return resource
    for holder, key, version in found:
        if key == "system":
            holder["version"] = version
        else:
            holder[key] = f"{holder[key]}|{version}"
    return resource


def _pins(resource: Resource, pin: Pin) -> Iterator[tuple[Any, Any, str | None]]:
    for kind, holder, key in canonicals(resource):
        value = holder[key]
        if isinstance(value, str) and "|" not in value:
            yield holder, key, pin(kind, value)


def canonicals(resource: Resource) -> Iterator[tuple[str, Any, Any]]:
    """Yield the type of resource that each canonical names, and where it stands: object and key, or list and place."""
    if resource.get("resourceType") == "ValueSet":
        yield from _of_value_set(resource.get("compose", {}))
        return
    if "baseDefinition" in resource:
        yield "StructureDefinition", resource, "baseDefinition"
    for part in ("snapshot", "differential"):
        for element in resource.get(part, {}).get("element", ()):
            yield from _of_element(element)


def _of_element(element: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for type in element.get("type", ()):
        for name in ("profile", "targetProfile"):
            for place in range(len(type.get(name, ()))):
                yield "StructureDefinition", type[name], place
    binding = element.get("binding", {})
    if "valueSet" in binding:
        yield "ValueSet", binding, "valueSet"
    for extension in binding.get("extension", ()):
        if "valueCanonical" in extension:
            yield "ValueSet", extension, "valueCanonical"


def _of_value_set(compose: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for part in ("include", "exclude"):
        for each in compose.get(part, ()):
            if "system" in each and "version" not in each:
                yield "CodeSystem", each, "system"
            for place in range(len(each.get("valueSet", ()))):
                yield "ValueSet", each["valueSet"], place
