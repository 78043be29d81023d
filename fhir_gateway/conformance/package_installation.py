"""Packages installed with all that they depend on, from files, folders and a registry.

Source: FHIR NPM Packages specification, "dependencies"; FHIR Package Registry, "Package Server API".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fhir_gateway.conformance import package_complaints as complaints
from fhir_gateway.conformance.fhir_package import FhirPackage, PackageError
from fhir_gateway.conformance.package_folder import NEWEST, available, install, is_name, remove_leftovers
from fhir_gateway.conformance.packages import CORE
from fhir_gateway.conformance.registry_client import RegistryClient
from fhir_gateway.fhir.outcome import Issue

Tell = Callable[[FhirPackage], None]


def install_with_dependencies(what: str, folder: Path, registry: RegistryClient, tell: Tell | None = None) -> None:
    """Install a package into a folder: a .tgz file, a folder, or `name` or `name@version` of the registry.

    Then what it depends on and is not there in any version, from the registry. `tell` hears of each that is installed.
    Raises: PackageError; when it is about dependencies only, all else has been installed.
    """
    remove_leftovers(folder)
    first = _installed(what, folder, registry)
    if tell is not None:
        tell(first)
    issues: list[Issue] = []
    queue, asked = [first], {first.name}
    while queue:
        package = queue.pop(0)
        for name, version in package.identity.dependencies.items():
            if name in asked or CORE.fullmatch(name) or available(folder).versions(name):
                continue
            asked.add(name)
            try:
                installed = _downloaded(name, "" if version in NEWEST else version, folder, registry)
            except PackageError as error:
                because = {
                    "because": f" ({package.identity} depends on it)",
                    "because_fr": f" ({package.identity} en dépend)",
                }
                issues += [*error.issues, complaints.ABSENT.at(package=f"{name}@{version}", **because)]
                continue
            if tell is not None:
                tell(installed)
            queue.append(installed)
    if issues:
        raise PackageError(*issues)


def _installed(what: str, folder: Path, registry: RegistryClient) -> FhirPackage:
    path = Path(what)
    if path.exists():
        return install(path, folder)
    name, _, version = what.replace("#", "@").partition("@")
    return _downloaded(name, version, folder, registry)


def _downloaded(name: str, version: str, folder: Path, registry: RegistryClient) -> FhirPackage:
    if not is_name(name, version):
        raise PackageError(complaints.NAME_INVALID.at(name=f"{name}@{version}" if version else name))
    sent = registry.download(name, version)
    wanted = f"{sent.name}@{sent.version}"
    return install(sent.content, folder, called=wanted, wanted=wanted)
