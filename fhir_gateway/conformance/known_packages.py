"""What is known of definitions: packages that were asked for, those that come with the gateway, what ships, R4 itself.

Source: FHIR NPM Packages specification; FHIR R4, References, "Canonical References".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fhir_gateway.conformance.carried import carried, is_part
from fhir_gateway.conformance.definitions import Definitions, definitions
from fhir_gateway.conformance.fhir_package import FhirPackage, open_package
from fhir_gateway.conformance.lookup import Lookup, Resource
from fhir_gateway.conformance.package_folder import available, is_version
from fhir_gateway.conformance.packages import CORE, Fallback, Missing, Packages
from fhir_gateway.terminology.shipped import Shipped, shipped

logger = logging.getLogger(__name__)


def carried_over(last: Lookup) -> Packages:
    """Return the packages that come with the gateway over what is known besides."""
    return Packages(carried(), last, asked=_whole(carried()))


def _whole(packages: Iterable[FhirPackage]) -> list[FhirPackage]:
    return [each for each in packages if not is_part(each)]


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
    wanted: Sequence[str], folder: Path, cache_folder: Path | None = None, content: Shipped | None = None
) -> Packages:
    """Return packages, what they depend on as far as it is in the folder, and those that come with the gateway, over
    what ships, over R4's definitions.

    `content`: what is asked for terminology after the packages and before R4; None: what ships. `missing` tells what
    is not there, `fallbacks` which versions were taken for others; both are logged.
    Raises: PackageError with all that is wrong with any of them.
    """
    last = OverR4(content or shipped(), definitions(cache_folder))
    if not wanted:
        return carried_over(last)
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
    present = [*files, *named.packages]
    brought = [each for each in carried() if not any(_is_same(each, other) for other in present)]
    missing, taken = _brought_instead(missing, _whole(brought))
    instead += (each for each in taken if each not in instead)
    for absent in missing:
        logger.warning("package %s@%s, which %s needs, is not here", absent.name, absent.version, absent.needed_by)
    for other in instead:
        logger.warning("package %s is not here, %s was taken instead", other.wanted, other.found)
    return Packages([*present, *brought], last, missing, instead, asked=[*asked, *_whole(brought)])


def _is_same(package: FhirPackage, other: FhirPackage) -> bool:
    """Tell whether a carried package is there as an installed one, or one that holds what it is a part of."""
    return package.name == other.name and (is_part(package) or package.version == other.version)


def _brought_instead(
    missing: Iterable[Missing], brought: Sequence[FhirPackage]
) -> tuple[list[Missing], list[Fallback]]:
    """Return what is missing although packages come with the gateway, and the versions of these taken for others."""
    absent: list[Missing] = []
    taken: list[Fallback] = []
    for each in missing:
        found = next((package for package in brought if package.name == each.name), None)
        if found is None:
            absent.append(each)
        elif not is_version(found.version, each.version):
            taken.append(Fallback(f"{each.name}@{each.version}", str(found.identity)))
    return absent, taken
