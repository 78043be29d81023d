"""The code systems and value sets at hand, read when they are asked for.

Source: FHIR R4, Terminology Module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.grammars import GRAMMARS
from fhir_gateway.terminology.value_set import ValueSet


class Source(Protocol):
    """Where resources come from, by type and canonical (a url, or "url|version")."""

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None: ...


class Library:
    """Code systems and value sets by canonical, each made ready once; safe for any number of threads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._systems: dict[str, CodeSystem | None] = {}
        self._sets: dict[str, ValueSet | None] = {}

    def code_system(self, canonical: str) -> CodeSystem | None:
        if canonical not in self._systems:
            resource = self._source.resource("CodeSystem", canonical)
            self._systems[canonical] = None if resource is None else CodeSystem(resource)
        return self._systems[canonical]

    def value_set(self, canonical: str) -> ValueSet | None:
        if canonical not in self._sets:
            resource = self._source.resource("ValueSet", canonical)
            if resource is None:
                self._sets[canonical] = self._implicit(canonical)
            else:
                self._sets[canonical] = ValueSet(resource)
        return self._sets[canonical]

    def _implicit(self, canonical: str) -> ValueSet | None:
        """Return the value set of all codes of a system, where its CodeSystem names it so."""
        if self.code_system(canonical) is None or not canonical:
            return None
        return ValueSet({"url": canonical, "compose": {"include": [{"system": canonical}]}})

    def algorithmic(self, system: str) -> Callable[[str], bool] | None:
        return GRAMMARS.get(system)

    # --- what validation asks

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Return whether a value set has a code; None where that cannot be told."""
        known = self.value_set(value_set)
        return None if known is None else known.holds(self, system, code)

    def name(self, value_set: str) -> str | None:
        """Return the title of a value set; None when it is not known."""
        known = self.value_set(value_set)
        return None if known is None else known.title
