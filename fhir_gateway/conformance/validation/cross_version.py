"""Extensions that stand for elements of other FHIR versions: each has a url by rule, and the definition that follows.

`http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.doNotPerform` is what R5 says of that element; R4
has it not. Versions of which nothing is known here have no such extensions.

Source: FHIR R4, Version Management, "Extensions for converting between versions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from fhir_gateway.conformance.package import data_folder
from fhir_gateway.conformance.validation.schema import BASE, Schema, compiled

Status = Literal["valid", "element-unknown", "unchanged"]

_URL = re.compile(r"http://hl7\.org/fhir/(\d+\.\d+)/StructureDefinition/extension-(.+)")
# What R4 has in place of types that came later.
_INSTEAD = {"CodeableReference": ("CodeableConcept", "Reference"), "integer64": ("integer",)}


class CrossVersion:
    """What an extension's url says of another version. `schema`: its definition, where it is valid."""

    def __init__(self, url: str, version: str, element: str) -> None:
        self.version = version
        self.element = element
        self.schema: Schema | None = None
        known = _elements(version)
        name, said = element, known.get(element)
        if said is None:
            name, said = f"{element}[x]", known.get(f"{element}[x]")
        if said is None:
            self.status: Status = "element-unknown"
        elif not said.keys() & {"types", "elements"}:
            self.status = "unchanged"
        else:
            self.status = "valid"
            self.schema = compiled(_definition(url, version, name, said))


@cache
def cross_version(url: str) -> CrossVersion | None:
    """Return what a url says of another version; None where it is no such url, or of a version unknown here."""
    match = _URL.fullmatch(url.replace("%5Bx%5D", "[x]"))
    if match is None or not _elements(match[1]):
        return None
    return CrossVersion(url, match[1], match[2])


@cache
def _elements(version: str) -> Mapping[str, Mapping[str, Any]]:
    path = data_folder("profiles") / "other-versions" / f"{version}.json"
    found: dict[str, Mapping[str, Any]] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found


def _definition(url: str, version: str, element: str, said: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {"id": "Extension", "path": "Extension", "min": 0, "max": "*"}
    if said.get("modifier"):
        root["isModifier"] = True
    context = element.rpartition(".")[0] or element
    return {
        "url": url, "version": version, "type": "Extension", "kind": "complex-type", "derivation": "constraint",
        "baseDefinition": f"{BASE}Extension", "context": [{"type": "element", "expression": context}],
        "snapshot": {"element": [root, *_content(version, "Extension", "Extension", element, said, url)]},
    }  # fmt: skip


def _content(
    version: str, id: str, path: str, element: str, said: Mapping[str, Any], url: str
) -> Iterator[dict[str, Any]]:
    """Yield the elements of an extension that stands for an element: a value, or parts for what is below it."""
    parts = said.get("elements", ())
    slicing = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
    extension = {"id": f"{id}.extension", "path": f"{path}.extension", "min": 0, "type": [{"code": "Extension"}]}
    yield extension | ({"max": "*", "slicing": slicing} if parts else {"max": "0"})
    for part in parts:
        below = _elements(version).get(f"{element}.{part}", {})
        name = part.removesuffix("[x]")
        slice = f"{id}.extension:{name}"
        yield {"id": slice, "path": f"{path}.extension", "sliceName": name, "min": 0, "max": "*",
               "type": [{"code": "Extension"}]}  # fmt: skip
        yield from _content(version, slice, f"{path}.extension", f"{element}.{part}", below, name)
    yield {"id": f"{id}.url", "path": f"{path}.url", "min": 1, "max": "1", "fixedUri": url, "type": [{"code": "uri"}]}
    value = {"id": f"{id}.value[x]", "path": f"{path}.value[x]", "min": 0, "max": "0" if parts else "1"}
    types = [other for type in said.get("types", ()) for other in _INSTEAD.get(type, (type,))]
    yield value | ({"type": [{"code": type} for type in types]} if types else {})
