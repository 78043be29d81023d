"""$expand: the codes of a value set, as a ValueSet with an expansion.

What R5 has and R4 lacks (properties of the codes) is told by the extensions that R5 defines for R4.

Source: FHIR R4, ValueSet, "$expand"; FHIR R5, ValueSet.expansion; "Extensions for Converting between versions".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.operations.terminology_inputs import catalog_of, value_set_of, wishes_of
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology.expansion import expand
from fhir_gateway.terminology.expansion_entries import Described, Describing
from fhir_gateway.terminology.expansion_page import Expansion

Element = dict[str, Any]

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion"
_PROPERTY = f"{_R5}.property"
_OF_CODE = f"{_R5}.contains.property"
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
# What is told of the definition when that is not asked for.
_KEPT = ("url", "identifier", "version", "name", "title", "status", "experimental", "date", "immutable", "language")
# Names of parameters that are no uri: https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.parameter
_CODES = frozenset({"displayLanguage"})
_STRINGS = frozenset({"filter", "designation"})


def expand_value_set(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the value set and its expansion.

    Raises: NotFound for a value set or a system that is not here; Unprocessable for what is too much or cannot be
    listed; InvalidRequest for what makes no sense.
    """
    wishes = wishes_of(call, open=True)
    catalog = catalog_of(gateway, view, call)
    composition = value_set_of(view, call, catalog, wishes)
    return Answer(200, encode(resource_of(expand(catalog, composition, wishes))))


def resource_of(expansion: Expansion) -> Element:
    """Return a ValueSet with this expansion."""
    source, wishes = expansion.composition.resource, expansion.wishes
    kept = source if wishes.include_definition else {name: source[name] for name in _KEPT if name in source}
    made: Element = {"resourceType": "ValueSet", **{name: value for name, value in kept.items() if name != "id"}}
    made.pop("meta", None)
    made.setdefault("status", "unknown")
    describing = Describing(wishes, expansion.with_versions)
    contains = [_contained(expansion, describing.of(entry), entry, describing) for entry in expansion.page]
    for name in describing.supplements:
        expansion.tell("used-supplement", name)
    element: Element = {}
    extensions = [*_unclosed(expansion), *_properties(describing)]
    if extensions:
        element["extension"] = extensions
    element |= {
        "identifier": f"urn:uuid:{uuid.uuid4()}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": expansion.total,
    }
    if wishes.offset is not None:
        element["offset"] = wishes.offset
    element["parameter"] = [_parameter(name, value) for name, value in expansion.parameters]
    if not element["parameter"]:
        del element["parameter"]
    if contains:
        element["contains"] = contains
    return {**made, "expansion": element}


def _parameter(name: str, value: Any) -> Element:
    if isinstance(value, bool):
        return {"name": name, "valueBoolean": value}
    if isinstance(value, int):
        return {"name": name, "valueInteger": value}
    key = "valueCode" if name in _CODES else "valueString" if name in _STRINGS else "valueUri"
    return {"name": name, key: value}


def _unclosed(expansion: Expansion) -> Iterator[Element]:
    if expansion.unclosed:
        yield {"url": _UNCLOSED, "valueBoolean": True}
        for reason in dict.fromkeys(expansion.unclosed):
            yield {"url": f"{_UNCLOSED}-reason", "valueString": reason}


def _properties(describing: Describing) -> Iterator[Element]:
    for code, uri in describing.declared.items():
        parts: list[Element] = [{"url": "code", "valueCode": code}]
        if uri is not None:
            parts.append({"url": "uri", "valueUri": uri})
        yield {"url": _PROPERTY, "extension": parts}


def _contained(expansion: Expansion, said: Described, entry: Any, describing: Describing) -> Element:
    element: Element = {}
    extensions = [*said.extensions, *map(_property, said.properties)]
    if extensions:
        element["extension"] = extensions
    element["system"] = said.system
    if said.abstract:
        element["abstract"] = True
    if said.inactive:
        element["inactive"] = True
    if said.version is not None:
        element["version"] = said.version
    element["code"] = said.code
    if said.display is not None:
        element["display"] = said.display
    if said.designations:
        element["designation"] = [each.as_fhir() for each in said.designations]
    below = expansion.children.get(id(entry))
    if below:
        element["contains"] = [_contained(expansion, describing.of(each), each, describing) for each in below]
    return element


def _property(property: Mapping[str, Any]) -> Element:
    value = {name: each for name, each in property.items() if name.startswith("value")}
    return {"url": _OF_CODE, "extension": [{"url": "code", "valueCode": property["code"]}, {"url": "value", **value}]}
