"""Terminology at hand for the tests of this room: resources by type and url, and systems made in one line.

Source: FHIR R4, CodeSystem; ValueSet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_gateway.terminology.library import Library

SYSTEM = "http://codes.test/animals"


class Given:
    """A source that holds what it is given; a version that is not there falls back to one that is."""

    def __init__(self, *resources: Mapping[str, Any]) -> None:
        self._resources = {(each["resourceType"], each["url"]): each for each in resources}
        self.asked: list[str] = []

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None:
        self.asked.append(canonical)
        return self._resources.get((kind, canonical.partition("|")[0]))


def library(*resources: Mapping[str, Any]) -> Library:
    return Library(Given(*resources))


def code_system(*concepts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    base = {"resourceType": "CodeSystem", "url": SYSTEM, "version": "1.0", "content": "complete"}
    return {**base, "concept": list(concepts), **more}


def concept(code: str, *below: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"code": code, "display": code.capitalize(), **({"concept": list(below)} if below else {}), **more}


ANIMALS = code_system(
    concept(
        "animal",
        concept("mammal", concept("dog"), concept("cat", property=[{"code": "legs", "valueInteger": 4}])),
        concept("bird", concept("dodo", property=[{"code": "inactive", "valueBoolean": True}])),
        property=[{"code": "notSelectable", "valueBoolean": True}],
    ),
    property=[{"code": "legs", "type": "integer"}],
)


def value_set(*include: Mapping[str, Any], url: str = "http://sets.test/s", **compose: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "url": url, "name": "Set", "compose": {"include": list(include), **compose}}


def only(property: str, op: str, value: str) -> dict[str, Any]:
    return {"system": SYSTEM, "filter": [{"property": property, "op": op, "value": value}]}
