"""The catalog as the validator asks it: a source of value sets, and the code systems that are ready.

Source: FHIR R4, Terminology Module; Validating Resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.library import Library, Verdict


class CatalogSource:
    """Resources of a catalog; a version that is not there is answered with the one that is."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None:
        """Return a value set or map; of code systems those that supplement others."""
        url, _, version = canonical.partition("|")
        catalog = self._catalog
        if kind == "ValueSet":
            found = catalog.value_set(url, version or None) or catalog.value_set(url)
            return None if found is None else found.resource
        if kind == "ConceptMap":
            return catalog.concept_map(url, version or None) or catalog.concept_map(url)
        return None

    def system(self, canonical: str) -> CodeSystem | None:
        """Return a code system that is ready, wherever its concepts lie."""
        url, _, version = canonical.partition("|")
        edition = self._catalog.system(url, version or None) or self._catalog.system(url)
        if edition is None or not isinstance(edition.system, CodeSystem):
            return self._catalog.supplement(canonical)
        return edition.system


def library_of(catalog: Catalog) -> Library:
    """Return a library over a catalog."""
    source = CatalogSource(catalog)
    return Library(source, source.system)


class LiveLibrary:
    """The library of the moment, for a validator that is made once: what it is made of may be replaced."""

    def __init__(self) -> None:
        self.current: Library | None = None

    @property
    def _library(self) -> Library:
        assert self.current is not None
        return self.current

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Return whether a value set has a code; None where that cannot be told."""
        return self._library.contains(value_set, system, code)

    def contains_in(self, value_set: Mapping[str, Any], system: str | None, code: str) -> bool | None:
        """Return the same for a value set that is given itself."""
        return self._library.contains_in(value_set, system, code)

    def name(self, value_set: str) -> str | None:
        """Return the title of a value set; None when it is not known."""
        return self._library.name(value_set)

    def unknown(self, value_set: str, system: str | None) -> str | None:
        """Return the canonical of what is not known and would decide; None when all is known."""
        return self._library.unknown(value_set, system)

    def verdict(
        self, system: str, version: str | None, code: str, display: str | None = None, language: str | None = None
    ) -> Verdict:
        """Return what a code system says of a code and of the display it is given with."""
        return self._library.verdict(system, version, code, display, language)

    def subsumes(self, system: str, above: str, below: str) -> bool | None:
        """Return whether a code is another of its system or stands above it; None where that cannot be told."""
        return self._library.subsumes(system, above, below)
