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

from fhir_gateway.conformance.definitions import Definitions, definitions
from fhir_gateway.conformance.fhir_package import FhirPackage, open_package
from fhir_gateway.conformance.lookup import Lookup, Resource
from fhir_gateway.conformance.package_folder import available, users_folder
from fhir_gateway.conformance.packages import CORE, Fallback, Missing, Packages
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validation.bindings import Terminology
from fhir_gateway.conformance.validation.schema import Generate
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.terminology.library import Library
from fhir_gateway.terminology.shipped import Shipped, shipped

logger = logging.getLogger(__name__)


@cache
def r4_validator() -> Validator:
    """Return a validator that knows what R4 itself defines and what ships; the same object throughout a process."""
    return validator_with(OverR4(shipped(), definitions(), any_version=True))


def validator_of(
    packages: Sequence[str],
    folder: Path | None = None,
    cache_folder: Path | None = None,
    terminology: Sequence[str | Path] = (),
    library: Terminology | None = None,
) -> Validator:
    """Return a validator that knows R4, what ships, and some packages: names, `name@version`, files (.tgz) or folders.

    `folder`: where packages lie that are named, and those that others depend on; None: the user's. `terminology`:
    folders of code systems, value sets and maps laid over those that ship. `library`: what is asked about codes in
    their place.
    Raises: PackageError, ContentError with all that is wrong with any package, or with any such folder.
    """
    content = shipped(tuple(map(Path, terminology)))
    if packages:
        known = packages_of(packages, folder or users_folder(), cache_folder, content)
        return validator_with(known, cache_folder, library)
    if not terminology and library is None:
        return r4_validator()
    return validator_with(OverR4(content, definitions(cache_folder), any_version=True), cache_folder, library)


def validator_with(lookup: Lookup, cache_folder: Path | None = None, library: Terminology | None = None) -> Validator:
    """Return a validator that knows what a lookup does, snapshots made where there are none; `library` as above."""
    strict, lenient = Snapshots(lookup), Snapshots(lookup, lenient=True)
    lock = threading.Lock()

    def alone(generate: Generate) -> Generate:
        def generated(definition: Mapping[str, Any]) -> Mapping[str, Any]:
            with lock:
                return generate(definition)

        return generated

    types = definitions(cache_folder).types
    return Validator(types, lookup, library or Library(lookup), alone(strict.generate), alone(lenient.generate))


class OverR4:
    """A lookup: what ships first, then R4's own definitions.

    `any_version`: a version of R4's own that is asked for and is not there is answered with the one there is.
    """

    def __init__(self, content: Shipped, r4: Definitions, any_version: bool = False) -> None:
        self._content = content
        self._r4 = r4
        self._any_version = any_version

    def structure(self, url: str) -> Resource | None:
        return self.resource("StructureDefinition", url)

    def resource(self, kind: str, url: str) -> Resource | None:
        found = self._content.resource(kind, url)
        if found is not None:
            return found
        return self._r4.resource(kind, url.partition("|")[0] if self._any_version else url)

    def resources(self, kind: str) -> Iterator[Resource]:
        yield from self._content.resources(kind)
        yield from self._r4.resources(kind)


def packages_of(
    wanted: Iterable[str], folder: Path, cache_folder: Path | None = None, content: Shipped | None = None
) -> Packages:
    """Return packages, and what they depend on as far as it is in the folder, over what ships, over R4's definitions.

    `content`: what is asked for terminology after the packages and before R4; None: what ships. `missing` tells what
    is not there, `fallbacks` which versions were taken for others; both are logged.
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
    last = OverR4(content or shipped(), definitions(cache_folder))
    return Packages([*files, *named.packages], last, missing, instead, asked=asked)
