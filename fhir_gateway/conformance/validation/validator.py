"""The validator: a resource and its profiles in, all that is wrong out.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.conformance.validation.bindings import Bindings, Terminology
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.schema import Lookup, Schemas
from fhir_gateway.conformance.validation.walk import Knowledge, Walk, Wishes
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.fhirpath import Engine, Model, Node
from fhir_gateway.fhir.types import Types

USUAL = Wishes()


class Validator:
    """Judges resources; any number of threads may use one.

    `lookup`: where profiles come from. `generate`: makes snapshots of definitions that have none.
    """

    def __init__(
        self,
        types: Types,
        lookup: Lookup,
        terminology: Terminology | None = None,
        generate: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        self._types = types
        self.engine = Engine(Model(types))
        self._knowledge = Knowledge(Schemas(lookup, generate), self.engine, Bindings(terminology))

    def validate(self, resource: dict[str, Any], profiles: Sequence[str] = (), wishes: Wishes = USUAL) -> list[Finding]:
        """Return all that is wrong with a decoded resource: its structure, its type's rules, those of its profiles."""
        checked = structure.check(resource, self._types)
        findings = [Finding(issue) for issue in checked.issues]
        type = resource.get("resourceType") if isinstance(resource, dict) else None
        if type not in self.engine.model.resources:
            return findings
        walk = Walk(self._knowledge, wishes, Node(resource, str(type)))
        walk.resource(walk.root, profiles)
        return findings + walk.findings


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
