"""What a Bundle says at a path of its resources, for expectations that are paths and values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.fhirpath import Engine, Model
from fhir_gateway.fhir.fhirpath.conversions import to_string


@lru_cache(1)
def engine() -> Engine:
    return Engine(Model(definitions().types))


def asked(bundle: dict[str, Any], path: str) -> tuple[str | None, ...]:
    """Return the values at a path ("Patient.gender"), as text."""
    items = engine().compile(f"Bundle.entry.resource.{path}", "Bundle").items(bundle)
    return tuple(to_string(each) for each in items)
