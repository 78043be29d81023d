"""Makes PFMG's package from its sources in FHIR Shorthand: `make profiles`.

SUSHI, which needs Node, compiles the sources; the snapshots are made by the engine of this room. SUSHI's package cache
is laid from the project's own data files, so that nothing but SUSHI itself is fetched.

Source: FHIR Shorthand 3.0; FHIR NPM Packages specification, "Package Cache".
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from fhir_gateway.conformance.carried import FR_CORE, GENOMICS, PFMG, open_carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import Entry, FhirPackage
from fhir_gateway.conformance.pack import write
from fhir_gateway.conformance.pack_carried import is_carried, members_of
from fhir_gateway.conformance.package import R4, Package, data_folder
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.json import decode, encode

SUSHI = "fsh-sushi@3.21.0"
_SOURCES = ("sushi-config.yaml", "input")
# What SUSHI's configuration cannot say of the guide: its language, its texts in the other one.
_GUIDE = "guide.json"


class SushiError(Exception):
    """What SUSHI told when it refused the sources."""


def compiled(
    sources: Path, folder: Path, sushi: Sequence[str] = ("npx", "--yes", SUSHI)
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the package.json and the resources that SUSHI makes of some sources, working in a folder.

    `sushi`: the command. Raises: SushiError with all that it tells when there is an error among it.
    """
    for name in _SOURCES:
        _copy(sources / name, folder / "ig" / name)
    _lay_cache(folder / "home" / ".fhir" / "packages")
    command = [*sushi, "build", str(folder / "ig")]
    environment = os.environ | {"HOME": str(folder / "home"), "npm_config_cache": str(folder / "npm")}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode or "error " in run.stdout:
        raise SushiError(run.stdout + run.stderr)
    files = sorted((folder / "ig" / "fsh-generated" / "resources").glob("*.json"))
    resources = [decode(path.read_bytes()) for path in files]
    guide = next(each for each in resources if each["resourceType"] == "ImplementationGuide")
    guide["definition"] = {"resource": guide["definition"]["resource"]}  # the rest is for HL7's publisher of guides
    guide |= decode((sources / _GUIDE).read_bytes())
    # A NamingSystem of R4 has neither url nor version.
    return _own(guide), [each | {"version": guide["version"]} if "url" in each else each for each in resources]


def _own(guide: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": guide["packageId"],
        "version": guide["version"],
        "fhirVersions": guide["fhirVersion"],
        "canonical": PLACEHOLDER,
        "license": guide["license"],
        "dependencies": {each["packageId"]: each["version"] for each in guide["dependsOn"]},
    }


def _copy(source: Path, target: Path) -> None:
    """Copy sources, the canonical base in its place: SUSHI refuses what is no url."""
    if source.is_dir():
        for each in source.iterdir():
            _copy(each, target / each.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE), encoding="utf-8")


def _lay_cache(cache: Path) -> None:
    """Lay R4, Genomics Reporting and the part of French core as SUSHI looks for packages."""
    data = data_folder("profiles")
    for path in (R4, GENOMICS, FR_CORE):
        package = Package(data / path)
        manifest = package.manifest()
        folder = cache / f"{manifest['name']}#{manifest['version']}" / "package"
        folder.mkdir(parents=True)
        own = {name: manifest[name] for name in ("name", "version", "fhirVersions", "canonical")}
        (folder / "package.json").write_bytes(encode(own))
        for member in package.members():
            for line in package.lines(member):
                head = msgspec.json.decode(line, type=_Head)
                (folder / f"{head.resourceType}-{head.id}.json").write_bytes(line)


class _Head(msgspec.Struct):
    resourceType: str
    id: str


def with_snapshots(own: dict[str, Any], resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return resources, the StructureDefinitions with their snapshots. Raises: SnapshotError."""
    entries = tuple(
        Entry(str(place), each["resourceType"], each["id"], each.get("url", ""), own["version"], each.get("type", ""))
        for place, each in enumerate(resources)
    )
    mine = FhirPackage(Path(), own, entries, lambda place: encode(resources[int(place)]))
    data = data_folder("profiles")
    others = [open_carried(data / GENOMICS), open_carried(data / FR_CORE)]
    snapshots = Snapshots(Packages([mine, *others], definitions()))
    return [
        _without_examples(snapshots.generate(each)) if each["resourceType"] == "StructureDefinition" else each
        for each in resources
    ]


def _without_examples(structure: dict[str, Any]) -> dict[str, Any]:
    """Return a definition, its snapshot without the examples of its base: one of R4's own breaks a rule of R4."""
    elements = structure["snapshot"]["element"]
    bare = [{name: value for name, value in each.items() if name != "example"} for each in elements]
    return structure | {"snapshot": {"element": bare}}


def pack(own: dict[str, Any], resources: list[dict[str, Any]], out: Path) -> None:
    """Write the package to its data file, a placeholder for the canonical base."""
    bare = [decode(encode(each).replace(CANONICAL_BASE.encode(), PLACEHOLDER.encode())) for each in resources]
    source = {"package": own["name"], "version": own["version"], "compiler": SUSHI, "files": digests(out.parent)}
    write(members_of(own, filter(is_carried, bare), source), out)


def digests(sources: Path) -> dict[str, str]:
    """Return the SHA-256 of each source file, by path: whether the package is what they make tells without SUSHI."""
    files = [sources / _SOURCES[0], sources / _GUIDE, *sorted((sources / _SOURCES[1]).rglob("*.fsh"))]
    return {path.relative_to(sources).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> int:
    """Compile the sources of PFMG's package and write its data file; return the exit status."""
    if shutil.which("npx") is None:
        sys.stderr.write("SUSHI needs Node.js (20 or later) and its npx; the compiled package is committed.\n")
        return 2
    data = data_folder("profiles")
    with tempfile.TemporaryDirectory() as folder:
        try:
            own, resources = compiled(data / "pfmg", Path(folder))
        except SushiError as error:
            sys.stderr.write(str(error))
            return 1
    pack(own, with_snapshots(own, resources), data / PFMG)
    sys.stdout.write(f"{len(resources)} resources, {(data / PFMG).stat().st_size:,} bytes: profiles/{PFMG}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
