"""The packages that come with the gateway: PFMG's own profiles, Genomics Reporting, extensions of French core.

Each is one data file below `profiles/`, made by `pack_carried.py`; opening one reads its manifest, and a member of it
is read when a resource of the member is asked for.

Source: FHIR NPM Packages specification; profiles/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

from fhir_gateway.conformance.fhir_package import Entry, FhirPackage
from fhir_gateway.conformance.package import Package, data_folder
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER

PFMG = Path("pfmg", "pfmg.fhir-1.0.0.zip")  # below the folder `profiles`
GENOMICS = Path("genomics", "hl7.fhir.uv.genomics-reporting-3.0.0.zip")
FR_CORE = Path("fr-core", "hl7.fhir.fr.core-2.2.0-part.zip")


@cache
def carried() -> tuple[FhirPackage, ...]:
    """Return the packages that come with the gateway, PFMG's own first; the same objects throughout a process.

    Raises: FileNotFoundError when a data file of the project is not there.
    """
    folder = data_folder("profiles")
    return tuple(open_carried(folder / each) for each in (PFMG, GENOMICS, FR_CORE))


def open_carried(path: Path, base: str = CANONICAL_BASE) -> FhirPackage:
    """Return the package in a data file, the canonical base of the project in its place."""
    file = Package(path)
    manifest = file.manifest()
    rows: list[list[str]] = manifest.pop("index")
    rows = [[cell.replace(PLACEHOLDER, base) for cell in row] for row in rows]
    places: dict[str, tuple[str, int]] = {}
    entries: list[Entry] = []
    for member, of_member in groupby(rows, key=lambda row: row[0]):
        for line, (_, kind, id, url, version, type) in enumerate(of_member):
            name = f"{kind}-{id}.json"
            places[name] = (member, line)
            entries.append(Entry(name, kind, id, url, version, type))
    profiles = {
        type: tuple(each.replace(PLACEHOLDER, base) for each in found) for type, found in manifest["profiles"].items()
    }
    manifest["canonical"] = manifest["canonical"].replace(PLACEHOLDER, base)
    return FhirPackage(path, manifest, tuple(entries), _reader(file, places, base), profiles)


def is_part(package: FhirPackage) -> bool:
    """Tell whether a carried package is but a part of the one it is named after."""
    return bool(package.manifest.get("part"))


def _reader(file: Package, places: dict[str, tuple[str, int]], base: str) -> Callable[[str], bytes]:
    """Return what reads a resource of a data file by name; the lines of a member are kept once it was read."""
    lines: dict[str, list[bytes]] = {}
    lock = Lock()
    named, there = PLACEHOLDER.encode(), base.encode()

    def body(name: str) -> bytes:
        member, line = places[name]
        with lock:
            if member not in lines:
                lines[member] = list(file.lines(member))
        return lines[member][line].replace(named, there)

    return body


def row_of(member: str, resource: dict[str, Any]) -> list[str]:
    """Return what the index of a data file says of one of its resources."""
    found = [str(resource.get(name, "")) for name in ("resourceType", "id", "url", "version")]
    type = resource.get("type")
    return [member, *found, type if isinstance(type, str) else ""]
