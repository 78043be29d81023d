"""What the packages that were asked for offer a server: search parameters, profiles, the guides they are.

Those that came along as dependencies offer nothing of their own: nobody asked for their parameters to be indexed.

Source: FHIR NPM Packages specification; FHIR R4, CapabilityStatement (implementationGuide, supportedProfile).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_gateway.conformance.fhir_package import FhirPackage
    from fhir_gateway.conformance.packages import Packages

logger = logging.getLogger(__name__)

_SEARCH_PARAMETER = "SearchParameter"
_RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Offers:
    """`search_parameters`: those that are not retired, by a name that is the id of no resource; each is active here.
    `profiles`: canonicals by resource type. `guides`: canonicals of the guides, with their versions.
    """

    search_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guides: tuple[str, ...] = ()


NOTHING = Offers()


def offers_of(packages: Packages) -> Offers:
    """Return what the packages that were asked for offer; of a url that several have, that of the first.

    Raises: PackageError when one of their resources cannot be read.
    """
    parameters: dict[str, Mapping[str, Any]] = {}
    profiles: dict[str, dict[str, None]] = {}
    guides: dict[str, None] = {}
    for package in packages.asked:
        for entry in package.of_kind(_SEARCH_PARAMETER):
            name = f"package:{entry.url}"  # a colon is in no id
            if entry.url and name not in parameters:
                resource = package.read(entry)
                if resource.get("status") != "retired":
                    parameters[name] = {**resource, "status": "active"}
        for type, found in profiles_of(package).items():
            profiles.setdefault(type, {}).update(dict.fromkeys(found))
        guides |= dict.fromkeys(_canonical(each.url, each.version) for each in package.of_kind("ImplementationGuide"))
    return Offers(parameters, {type: tuple(sorted(found)) for type, found in profiles.items()}, tuple(guides))


def profiles_of(package: FhirPackage) -> Mapping[str, tuple[str, ...]]:
    """Return the canonicals of a package's profiles of resources, by resource type.

    Raises: PackageError when one of them cannot be read.
    """
    if package.profiles is not None:
        return package.profiles
    found: dict[str, list[str]] = {}
    for entry in package.of_kind("StructureDefinition"):
        if entry.type != "Extension" and entry.url:
            definition = package.read(entry)
            if definition.get("kind") == _RESOURCE and definition.get("derivation") == "constraint":
                found.setdefault(entry.type, []).append(_canonical(entry.url, entry.version))
    return {type: tuple(each) for type, each in found.items()}


def _canonical(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url
