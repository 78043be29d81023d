"""Obligation profiles: profiles that say who must do what with elements, and nothing else.

Source: HL7, Obligation extensions, "Obligation Profiles".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import definition_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import extension, listed, objects, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_HOMES = ("http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/tools/StructureDefinition/")
_PROFILE = tuple(f"{home}obligation-profile" for home in _HOMES)
_ALLOWED_EXTENSIONS = frozenset(f"{home}{name}" for home in _HOMES for name in ("obligation", "additional-binding"))
_ALLOWED = frozenset({"id", "path", "sliceName", "mustSupport"})
_PARTS = ("differential", "snapshot")
_BINDING = frozenset({"id", "strength", "valueSet"})


def check(walk: Walk, node: Node, base: Mapping[str, Any]) -> None:
    """Report what an obligation profile says beyond obligations; nothing of any other profile."""
    if not any(extension(node.value, url) is True for url in _PROFILE):
        return
    bases = list(_ancestry(walk, base))
    known: dict[str, Mapping[str, Any]] = {}
    for each in (each for holder in bases for part in _PARTS for each in listed(holder.get(part), "element")):
        id = str(each.get("id", each.get("path")))
        known[id] = {**each, **known.get(id, {})}
    for differential in objects(walk.engine.model, node, "differential"):
        for element in objects(walk.engine.model, differential, "element"):
            path = text_of(element.value, "path") or ""
            _element(walk, element, path, known.get(str(element.value.get("id", path)), known.get(path, {})))


def _ancestry(walk: Walk, base: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a definition and all that it is derived from, nearest first; a circle ends where it closes."""
    seen: set[str] = set()
    current: Mapping[str, Any] | None = base
    while current is not None and str(current.get("url")) not in seen:
        seen.add(str(current.get("url")))
        yield current
        above = text_of(current, "baseDefinition")
        current = None if above is None else walk.schemas.definition(above)


def _element(walk: Walk, element: Node, path: str, base: Mapping[str, Any]) -> None:
    for key in element.value:
        if key == "extension":
            for place, each in enumerate(listed(element.value, "extension")):
                if each.get("url") not in _ALLOWED_EXTENSIONS:
                    at = Node(each, "Extension", None, element, "extension", place)
                    name = f"extension#{each.get('url')}"
                    walk.report(found(complaints.OBLIGATION_PROPERTY, at, None, element=path, property=name))
        elif key == "binding":
            for binding in objects(walk.engine.model, element, "binding"):
                _binding(walk, binding, path, base.get("binding"))
        elif key not in _ALLOWED and element.value[key] != base.get(key):
            at = Node(element.value[key], "string", None, element, key)
            walk.report(found(complaints.OBLIGATION_PROPERTY, at, None, element=path, property=key))


def _binding(walk: Walk, binding: Node, path: str, base: Mapping[str, Any] | None) -> None:
    if base is None:
        walk.report(found(complaints.OBLIGATION_BINDING, binding, None, element=path))
        return
    strength = text_of(binding.value, "strength")
    if strength is not None and strength != base.get("strength"):
        at = Node(strength, "code", None, binding, "strength")
        texts = {"element": path, "found": strength, "wanted": base.get("strength")}
        walk.report(found(complaints.OBLIGATION_STRENGTH, at, None, **texts))
    for key in binding.value:
        if key == "extension":
            continue
        if key not in _BINDING or (key == "valueSet" and binding.value[key] != base.get("valueSet")):
            at = Node(binding.value[key], "string", None, binding, key)
            walk.report(found(complaints.OBLIGATION_BINDING_PROPERTY, at, None, element=path, property=key))
