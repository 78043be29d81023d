"""The layers of terminology that do not change while a process lives: packages, what ships, R4's own definitions.

Source: FHIR R4, Terminology Module; FHIR NPM Packages specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from fhir_gateway.conformance.definitions import Definitions, definitions
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.terminology.catalog import Catalog, Given, Kind, Resource
from fhir_gateway.terminology.head import head
from fhir_gateway.terminology.shipped import Shipped, shipped
from fhir_gateway.terminology.system import Systems


class OfR4:
    """What R4 itself defines: of each url one version."""

    extends = False

    def __init__(self, known: Definitions) -> None:
        self._known = known

    def all(self, kind: Kind, url: str) -> Sequence[Resource]:
        found = self._known.resource(kind, url)
        return () if found is None else (found,)

    def every(self, kind: Kind) -> Iterator[Resource]:
        return self._known.resources(kind)

    def heads(self) -> Iterator[dict[str, Any]]:
        package = self._known.package
        for member in package.members("CodeSystem"):
            yield from (msgspec.to_builtins(head(line)) for line in package.lines(member))


def of_content(content: Shipped) -> Given:
    """Return what ships, with what is laid over it, as a layer; its supplements apply unasked."""
    kinds = ("CodeSystem", "ValueSet", "ConceptMap")
    return Given((each for kind in kinds for each in content.resources(kind)), extends=True)


class OfPackages:
    """What installed packages hold, each version of it."""

    extends = False

    def __init__(self, packages: Packages) -> None:
        self._packages = packages

    def all(self, kind: Kind, url: str) -> Sequence[Resource]:
        return self._packages.versions(kind, url)

    def every(self, kind: Kind) -> Iterator[Resource]:
        return self._packages.own(kind)

    def heads(self) -> Iterator[Resource]:
        return self.every("CodeSystem")


@cache
def layers(
    packages: Packages | None = None, cache_folder: Path | None = None, terminology: tuple[str, ...] = ()
) -> Catalog:
    """Return packages over what ships over R4, made ready as it is asked for; the same object for the same arguments.

    Raises: ContentError with all that is wrong with the folders of terminology.
    """
    content = shipped(tuple(map(Path, terminology)))
    below = Catalog(of_content(content), Catalog(OfR4(definitions(cache_folder))))
    return below if packages is None else Catalog(OfPackages(packages), below)


def with_systems(catalog: Catalog, systems: Systems | None) -> Catalog:
    """Return the same layers, and below them the systems that were loaded."""
    return catalog if systems is None else catalog.above(systems)
