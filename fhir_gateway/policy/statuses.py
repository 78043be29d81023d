"""The codes that `status` of a resource type may have, as its required binding says.

Source: FHIR R4, ElementDefinition.binding; ValueSet.compose; CodeSystem.concept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir_gateway.conformance.definitions import Definitions


def statuses_of(definitions: Definitions, type: str) -> frozenset[str] | None:
    """Return the codes of a type's `status`; None where it has no such element, or one whose codes are not told."""
    structure = definitions.structure(f"http://hl7.org/fhir/StructureDefinition/{type}")
    elements = () if structure is None else structure["snapshot"]["element"]
    bound = [each.get("binding", {}).get("valueSet") for each in elements if each["path"] == f"{type}.status"]
    value_set = definitions.resource("ValueSet", bound[0]) if bound and bound[0] is not None else None
    if value_set is None:
        return None
    found: set[str] = set()
    for include in value_set["compose"]["include"]:
        if "concept" in include:
            found.update(each["code"] for each in include["concept"])
            continue
        system = definitions.resource("CodeSystem", include["system"])
        if system is None:
            return None
        found.update(_codes(system.get("concept", ())))
    return frozenset(found)


def _codes(concepts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))
