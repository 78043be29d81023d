"""How tests of profiles ask the validator: profiles as differentials, and what is wrong with a resource by them.

Source: FHIR R4, Profiling; StructureDefinition.differential.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.terminology.library import Library
from tests.conformance.validation.judging import told

BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://profiles.test/StructureDefinition/"


class _Known:
    """R4's definitions, and others laid over them by their url."""

    def __init__(self, others: dict[str, dict[str, Any]]) -> None:
        self._others = others

    def structure(self, url: str) -> dict[str, Any] | None:
        return self.resource("StructureDefinition", url)

    def resource(self, kind: str, url: str) -> dict[str, Any] | None:
        other = self._others.get(url.partition("|")[0])
        if other is not None and other["resourceType"] == kind:
            return other
        return definitions().resource(kind, url.partition("|")[0])

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        yield from (each for each in self._others.values() if each["resourceType"] == kind)


def profile(name: str, type: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a profile of a resource type or data type; each element says at least its path."""
    kind = "complex-type" if type in ("HumanName", "Extension", "Quantity") else "resource"
    return {
        "resourceType": "StructureDefinition",
        "url": OWN + name,
        "name": name,
        "status": "draft",
        "kind": kind,
        "abstract": False,
        "type": type,
        "baseDefinition": BASE + type,
        "derivation": "constraint",
        "differential": {"element": [{"id": each["path"], **each} for each in elements]},
        **more,
    }


def slice_of(path: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{path}:{name}", "path": path, "sliceName": name, **more}


def part_of(path: str, name: str, part: str, **more: Any) -> dict[str, Any]:
    """Return an element inside a slice."""
    return {"id": f"{path}:{name}.{part}", "path": f"{path}.{part}", **more}


def sliced(path: str, kind: str, by: str, rules: str = "open", ordered: bool = False, **more: Any) -> dict[str, Any]:
    slicing = {"discriminator": [{"type": kind, "path": by}], "rules": rules, "ordered": ordered}
    return {"path": path, "slicing": slicing, **more}


def broken(resource: dict[str, Any], asked: dict[str, Any], *others: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the detail code and the expression of each error that a resource has by a profile."""
    known = {each["url"]: each for each in (asked, *others)}
    lookup = _Known(known)
    strict, lenient = Snapshots(lookup), Snapshots(lookup, lenient=True)
    validator = Validator(definitions().types, lookup, Library(lookup), strict.generate, lenient.generate)
    urls = [asked["url"]] if asked["resourceType"] == "StructureDefinition" else []
    return told(validator.validate(resource, urls, Wishes(any_extensions=True)))
