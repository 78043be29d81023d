"""$translate: codes by concept maps, forwards and backwards.

R4's names of the inputs are taken, and those of R5 (sourceCode, targetCode …) beside them.

Source: FHIR R4, ConceptMap, "$translate"; FHIR R5, ConceptMap, "$translate".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import InvalidRequest, NotFound
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call, Input
from fhir_gateway.interactions.operations.terminology_inputs import VERSIONS, catalog_of, stored
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.translation import Match, Question, translate

TRANSLATE = (
    Input("url", "uri"),
    Input("conceptMap", "ConceptMap", resource=True),
    Input("conceptMapVersion", "string"),
    Input("code", "code"),
    Input("system", "uri"),
    Input("version", "string"),
    Input("source", "uri"),
    Input("coding", "Coding"),
    Input("codeableConcept", "CodeableConcept"),
    Input("target", "uri"),
    Input("targetsystem", "uri"),
    Input("reverse", "boolean"),
    # R5's names
    Input("sourceCode", "code"),
    Input("sourceSystem", "uri"),
    Input("sourceVersion", "string"),
    Input("sourceScope", "uri"),
    Input("sourceCoding", "Coding"),
    Input("sourceCodeableConcept", "CodeableConcept"),
    Input("targetCode", "code"),
    Input("targetCoding", "Coding"),
    Input("targetCodeableConcept", "CodeableConcept"),
    Input("targetScope", "uri"),
    Input("targetSystem", "uri"),
    *VERSIONS,
)

Element = dict[str, Any]


def translate_code(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with all translations, as Parameters; `result` says whether there is one.

    Raises: NotFound for a map that is named and not here, InvalidRequest when there is nothing to translate.
    """
    catalog = catalog_of(gateway, view, call)
    maps = list(_maps(view, call, catalog))
    found: dict[Match, None] = {}
    for question in _questions(call):
        found.update(dict.fromkeys(translate(maps, question, lambda url: _named(catalog, url))))
    told = [{"name": "result", "valueBoolean": any(each.counts for each in found)}]
    return Answer(200, encode({"resourceType": "Parameters", "parameter": [*told, *map(_match, found)]}))


def _named(catalog: Catalog, canonical: str) -> Mapping[str, Any] | None:
    url, _, version = canonical.partition("|")
    return catalog.concept_map(url, version or None)


def _maps(view: Read, call: Call, catalog: Catalog) -> Iterator[Mapping[str, Any]]:
    if call.interaction.id is not None:
        yield stored(view, call)
        return
    given = call.inputs.one("conceptMap")
    if given is not None:
        yield given
        return
    url = call.inputs.one("url")
    if url is None:
        yield from catalog.maps()
        return
    url, _, pinned = url.partition("|")
    version = call.inputs.one("conceptMapVersion") or pinned or None
    found = catalog.concept_map(url, version)
    if found is None:
        raise NotFound(complaints.MAP_UNKNOWN.at(canonical=f"{url}|{version}" if version else url))
    yield found


def _questions(call: Call) -> list[Question]:
    """Return what is to be translated. Raises: InvalidRequest when nothing is."""
    one = call.inputs.one
    shared: dict[str, Any] = {
        "source_set": one("source") or one("sourceScope"),
        "target_set": one("target") or one("targetScope"),
        "dependencies": _dependencies(call),
    }
    backwards = one("reverse") is True
    codings = [
        *_codings(one("coding"), one("codeableConcept")),
        *_codings(one("sourceCoding"), one("sourceCodeableConcept")),
    ]
    for name, system, version in (("code", "system", "version"), ("sourceCode", "sourceSystem", "sourceVersion")):
        if one(name) is not None:
            codings.append({"code": one(name), "system": one(system), "version": one(version)})
    other = one("targetsystem") or one("targetSystem")
    asked = [
        Question(each["code"], each.get("system"), each.get("version"), backwards, other_system=other, **shared)
        for each in codings
        if "code" in each
    ]
    targets = _codings(one("targetCoding"), one("targetCodeableConcept"))
    if one("targetCode") is not None:
        targets.append({"code": one("targetCode"), "system": one("targetSystem")})
    asked += (
        Question(
            each["code"],
            each.get("system"),
            backwards=True,
            other_system=one("sourceSystem") or one("system"),
            as_r5=True,
            **shared,
        )
        for each in targets
        if "code" in each
    )
    if not asked:
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation="translate", name="code", type="code"))
    return asked


def _dependencies(call: Call) -> tuple[tuple[str, str], ...]:
    """Return the other elements that translations may depend on: what each is, and its codes."""
    found: list[tuple[str, str]] = []
    for each in (call.interaction.resource or {}).get("parameter", ()):
        if each.get("name") == "dependency":
            parts = {part.get("name"): part for part in each.get("part", ())}
            element = str(parts.get("element", {}).get("valueUri", ""))
            concept = parts.get("concept", {}).get("valueCodeableConcept")
            found += ((element, str(one.get("code"))) for one in _codings(None, concept))
    return tuple(found)


def _codings(coding: Element | None, concept: Element | None) -> list[Element]:
    return [*([coding] if coding is not None else ()), *((concept or {}).get("coding", ()))]


def _match(match: Match) -> Element:
    parts: list[Element] = [{"name": "equivalence", "valueCode": match.equivalence}]
    if match.code is not None:
        parts.append(
            {"name": "concept", "valueCoding": _coding(match.system, match.version, match.code, match.display)}
        )
    for product in match.products:
        element = {"name": "element", "valueUri": product.get("property", "")}
        concept = _coding(product.get("system"), None, product.get("value", ""), product.get("display"))
        parts.append({"name": "product", "part": [element, {"name": "concept", "valueCoding": concept}]})
    if match.source is None:
        parts.append({"name": "source", "valueUri": match.origin})
    else:
        # As R5 has it: the map is the origin, and source the other end.
        parts.append({"name": "source", "valueCoding": _coding(match.source[0], None, match.source[1], None)})
        parts.append({"name": "originMap", "valueCanonical": match.origin})
    return {"name": "match", "part": parts}


def _coding(system: str | None, version: str | None, code: str, display: str | None) -> Element:
    made = {"system": system, "version": version, "code": code, "display": display}
    return {name: value for name, value in made.items() if value is not None}
