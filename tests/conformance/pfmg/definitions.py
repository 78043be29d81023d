"""PFMG's package and its small good and bad resources, as the tests read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fhir_gateway.conformance.carried import carried
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.json import decode

Resource = dict[str, Any]

PFMG, GENOMICS, FR_CORE = carried()
SOURCES = data_folder("profiles") / "pfmg"
INVARIANTS = SOURCES / "invariants"
STRUCTURES = [PFMG.read(entry) for entry in PFMG.of_kind("StructureDefinition")]


def read(path: Path) -> Resource:
    found: Resource = decode(path.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE).encode())
    return found


def constraints() -> dict[str, Resource]:
    """Return the invariants that PFMG's definitions state, by key."""
    return {
        constraint["key"]: constraint
        for structure in STRUCTURES
        for element in structure["differential"]["element"]
        for constraint in element.get("constraint", ())
    }


def translation(primitive: Resource) -> str:
    """Return the English of a text, from what stands beside its value."""
    parts = {each["url"]: each for each in primitive["extension"][0]["extension"]}
    assert parts["lang"]["valueCode"] == "en"
    return str(parts["content"]["valueString"])
