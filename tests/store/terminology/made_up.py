"""Made-up releases: a code system from a few lines, laid down in a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology.loaded import Loaded
from fhir_gateway.store.terminology.loading import load
from fhir_gateway.terminology.releases.prepared import Prepared
from fhir_gateway.terminology.releases.release import Declaration, Name, Place, Property, Release, Released

URL = "https://example.org/colours"
DECLARED: Sequence[Declaration] = (
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    {"code": "warm", "uri": "https://example.org/warm", "type": "boolean"},
    {"code": "family", "type": "code"},
)


def concept(
    code: str,
    display: str | None = None,
    parents: Sequence[str] = (),
    names: Sequence[Name] = (),
    properties: Sequence[Property] = (),
    inactive: bool = False,
) -> Released:
    return Released(code, display or code, None, names, properties, parents, inactive, Place("made-up", 1))


COLOURS = (
    concept("colour", "Colour"),
    concept("red", "Red", ["colour"], [("en", "synonym", "Scarlet shade")], [("warm", "boolean", True)]),
    concept("green", "Green", ["colour"], properties=[("family", "code", "cold")]),
    concept("blue", "Blue", ["colour"], properties=[("family", "code", "cold")]),
    concept("turquoise", "Turquoise", ["green", "blue"]),
    concept("octarine", "Octarine", ["colour"], inactive=True),
)
FRENCH = (
    concept("red", "Rouge", names=[("fr", "synonym", "Écarlate")]),
    concept("turquoise", "Bleu-vert", properties=[("family", "code", "mixed")]),
    concept("ultraviolet", "Ultraviolet"),
)


def release(concepts: Iterable[Released] = COLOURS, version: str = "1", **other: Any) -> Release:
    told: dict[str, Any] = {"url": URL, "title": "Colours", "language": "en", "declarations": DECLARED, **other}
    return Release(version=version, concepts=concepts, **told)


def french(version: str = "fr-1") -> Release:
    return release(FRENCH, version, url=f"{URL}/fr", language="fr", supplements=URL, declarations=())


def laid(store: Store, made: Release) -> Loaded:
    prepared = Prepared(made)
    try:
        return load(store, prepared)
    finally:
        prepared.close()


def resource(concepts: Iterable[Released]) -> Mapping[str, Any]:
    """Return the CodeSystem that says the same as a release."""
    values = {"code": "valueCode", "boolean": "valueBoolean", "string": "valueString"}
    told = []
    for each in concepts:
        properties = [{"code": code, values[type_]: value} for code, type_, value in each.properties]
        properties += [{"code": "parent", "valueCode": parent} for parent in each.parents]
        if each.inactive:
            properties.append({"code": "inactive", "valueBoolean": True})
        told.append({"code": each.code, "display": each.display, "property": properties})
    declared = [*DECLARED, {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}]
    return {"resourceType": "CodeSystem", "url": URL, "content": "complete", "property": declared, "concept": told}
