"""Definitions that a test gives, laid over those of R4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_gateway.conformance.definitions import Definitions


class DefinitionLookup:
    """Profiles of R4 itself, and others laid over them by canonical."""

    def __init__(self, definitions: Definitions, others: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._definitions = definitions
        self._others = dict(others or {})

    def structure(self, canonical: str) -> Mapping[str, Any] | None:
        return self.resource("StructureDefinition", canonical)

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None:
        url = canonical.partition("|")[0]
        for name in (canonical, url):
            other = self._others.get(name)
            if other is not None and other.get("resourceType") == kind:
                return other
        return self._definitions.resource(kind, url)

    def resources(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the resources of a type that are laid over those of R4."""
        yield from (each for each in self._others.values() if each.get("resourceType") == kind)
