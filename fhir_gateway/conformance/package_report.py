"""What is said of installed packages to a person.

Source: FHIR NPM Packages specification, "package.json".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhir_gateway.conformance.fhir_package import FhirPackage, PackageError, open_package
from fhir_gateway.conformance.package_complaints import ABSENT
from fhir_gateway.conformance.package_folder import Available, available
from fhir_gateway.conformance.packages import CORE
from fhir_gateway.fhir.outcome import Language


def listed(folder: Path) -> Iterator[str]:
    """Yield the packages of a folder as `name@version`."""
    for found in available(folder).newest_first():
        yield str(found)


def installed(package: FhirPackage, language: Language) -> str:
    """Return the line that tells of a package just installed."""
    return f"{package.identity} installé" if language == "fr" else f"installed {package.identity}"


def described(name: str, folder: Path, language: Language) -> Iterator[str]:
    """Yield lines that say what a package holds and needs: one of the folder by name, or a file or folder.

    Raises: PackageError when it is not there, or no package.
    """
    there = available(folder)
    wanted, _, version = name.replace("#", "@").partition("@")
    found = there.find(wanted, version)
    path = found.path if found is not None and found.is_version(version) else Path(name)
    if not path.exists():
        raise PackageError(ABSENT.at(package=name, because="", because_fr=""))
    package = open_package(path)
    identity = package.identity
    yield str(identity)
    for label, value in (
        ("title", package.manifest.get("title")),
        ("canonical", identity.canonical),
        ("fhirVersions", ", ".join(identity.fhir_versions)),
        ("license", package.manifest.get("license")),
    ):
        if value:
            yield f"  {label}: {value}"
    for needed, asked in identity.dependencies.items():
        yield f"  dependency: {needed}@{asked}{_state(there, needed, asked, language)}"
    for kind, count in package.kinds().items():
        yield f"  {count:6} {kind}"


def _state(there: Available, name: str, version: str, language: Language) -> str:
    """Return what to say of a package that another depends on, after its name; nothing when it is there."""
    if CORE.fullmatch(name):
        return ""
    found = there.find(name, version)
    if found is None:
        return " (non installé)" if language == "fr" else " (not installed)"
    return "" if found.is_version(version) else f" ({found.version})"
