"""Validators put together: R4's own definitions, packages laid over them, snapshots, and what codes mean.

Source: FHIR R4, Validating Resources; FHIR NPM Packages specification.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import FhirPackage, open_package
from fhir_gateway.conformance.package_folder import available, users_folder
from fhir_gateway.conformance.packages import CORE, Fallback, Missing, Packages
from fhir_gateway.conformance.snapshot import SnapshotError, Snapshots
from fhir_gateway.conformance.validation.validator import DefinitionLookup, Validator
from fhir_gateway.terminology.library import Library

logger = logging.getLogger(__name__)


@cache
def r4_validator() -> Validator:
    """Return a validator that knows what R4 itself defines; the same object throughout a process."""
    known = definitions()
    lookup = DefinitionLookup(known)
    return Validator(known.types, lookup, Library(lookup))


def validator_of(packages: Sequence[str], folder: Path | None = None, cache_folder: Path | None = None) -> Validator:
    """Return a validator that knows R4 and some packages: names, `name@version`, files (.tgz) or folders.

    `folder`: where packages lie that are named, and those that others depend on; None: the user's.
    Raises: PackageError with all that is wrong with any of them.
    """
    if not packages:
        return r4_validator()
    return validator_with(packages_of(packages, folder or users_folder(), cache_folder), cache_folder)


def validator_with(packages: Packages, cache_folder: Path | None = None) -> Validator:
    """Return a validator that knows packages, and what lies behind them."""
    lookup = _Whole(packages)
    return Validator(definitions(cache_folder).types, lookup, Library(lookup))


def packages_of(wanted: Iterable[str], folder: Path, cache_folder: Path | None = None) -> Packages:
    """Return packages, and what they depend on as far as it is in the folder, over R4's own definitions.

    `missing` tells what is not there, `fallbacks` which versions were taken for others; both are logged.
    Raises: PackageError with all that is wrong with any of them.
    """
    files: list[FhirPackage] = []
    names: list[str] = []
    for each in wanted:
        if Path(each).exists():
            files.append(open_package(Path(each), cache_folder))
        else:
            names.append(each)
    there = available(folder, cache_folder)
    missing: list[Missing] = []
    instead: list[Fallback] = []
    needed: list[str] = []
    for package in files:
        for name, version in package.identity.dependencies.items():
            if CORE.fullmatch(name) or any(other.name == name for other in files):
                continue
            found = there.find(name, version)
            if found is None:
                missing.append(Missing(name, version, str(package.identity)))
                continue
            if not found.is_version(version):
                instead.append(Fallback(f"{name}@{version}", str(found)))
            needed.append(str(found))
    named = Packages.named(folder, dict.fromkeys([*names, *needed]), None, cache_folder)
    chosen = {str(there.find(name, version)) for name, _, version in (each.partition("@") for each in names)}
    asked = [*files, *(each for each in named.packages if str(each.identity) in chosen)]
    missing += named.missing
    instead += (each for each in named.fallbacks if each not in instead)
    for absent in missing:
        logger.warning("package %s@%s, which %s needs, is not here", absent.name, absent.version, absent.needed_by)
    for other in instead:
        logger.warning("package %s is not here, %s was taken instead", other.wanted, other.found)
    return Packages([*files, *named.packages], definitions(cache_folder), missing, instead, asked=asked)


class _Whole:
    """A lookup whose StructureDefinitions have snapshots; one of which none can be made is not known."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self._snapshots = Snapshots(packages, lenient=True)
        self._lock = threading.Lock()

    def structure(self, canonical: str) -> Mapping[str, Any] | None:
        found = self._packages.structure(canonical)
        if found is None or "snapshot" in found:
            return found
        try:
            with self._lock:
                return self._snapshots.generate(found)
        except SnapshotError as error:
            reasons = "; ".join(issue.text() for issue in error.issues)
            logger.warning("no snapshot can be made of %s: %s", canonical, reasons)
            return None

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None:
        if kind == "StructureDefinition":
            return self.structure(canonical)
        return self._packages.resource(kind, canonical)

    def resources(self, kind: str) -> Iterator[Mapping[str, Any]]:
        return self._packages.resources(kind)
