"""A folder of packages: which are there, in which versions, and how one more gets in.

It may be the user's own package cache, which other FHIR tools use too.

Source: FHIR NPM Packages specification, "Package Cache": `NAME#VERSION/package`.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fhir_gateway.conformance import cache
from fhir_gateway.conformance import package_complaints as complaints
from fhir_gateway.conformance.fhir_package import (
    INDEX,
    MANIFEST,
    FhirPackage,
    PackageError,
    archive,
    identity_of,
    members,
    open_package,
)

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_VERSION = re.compile(r"[A-Za-z0-9.+_-]+")
NEWEST = frozenset(("", "latest", "current", "dev", "*"))  # what asks for no version in particular


def users_folder() -> Path:
    """Return where FHIR tools keep the packages of this user."""
    return Path.home() / ".fhir" / "packages"


class Available:
    """The packages of a folder by name and version."""

    @dataclass(frozen=True, slots=True)
    class Found:
        name: str
        version: str
        path: Path

        def __str__(self) -> str:
            return f"{self.name}@{self.version}"

        def is_version(self, wanted: str) -> bool:
            """Tell whether this is a version that was asked for: "3.0.0", "3.0.x", "latest", or none."""
            return is_version(self.version, wanted)

    def __init__(self, found: list[Found]) -> None:
        self._found: dict[str, list[Available.Found]] = {}
        for each in sorted(found, key=lambda each: rank(each.version), reverse=True):
            self._found.setdefault(each.name, []).append(each)

    def newest_first(self) -> list[Found]:
        """Return all packages, by name, of each the newest version first."""
        return [each for name in sorted(self._found) for each in self._found[name]]

    def versions(self, name: str) -> list[Found]:
        """Return the versions of a package, the newest first."""
        return self._found.get(name, [])

    def find(self, name: str, version: str) -> Found | None:
        """Return a package in a version, in the newest there is where that one is not; None when there is none."""
        versions = self.versions(name)
        return next((each for each in versions if each.is_version(version)), versions[0] if versions else None)


def is_name(name: str, version: str = "") -> bool:
    """Tell whether these are a package's name and version: nothing that could lead elsewhere in paths or URLs."""
    return bool(_NAME.fullmatch(name)) and (not version or bool(_VERSION.fullmatch(version)))


def is_version(version: str, wanted: str) -> bool:
    """Tell whether a version is one that was asked for: "3.0.0", "3.0.x", "latest", or none."""
    if wanted in NEWEST or wanted == version:
        return True
    return wanted.endswith(".x") and version.startswith(wanted.removesuffix("x"))


def rank(version: str) -> tuple[Any, ...]:
    """Return what puts versions in order: 9.0.0 before 10.0.0, 1.0.0-ballot before 1.0.0.

    Source: Semantic Versioning 2.0.0, 11.
    """
    release, dash, label = version.partition("+")[0].partition("-")
    return (_parts(release), not dash, _parts(label))


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    # Numbers come before words: (0, number, ""), (1, 0, word).
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"[.-]", text) if part)


def available(folder: Path, cache_folder: Path | None = None) -> Available:
    """Return the packages in a folder: .tgz files, and folders with a package.json, at the top or in `package`.

    Where there is no such folder there are none. A file that is no package is passed over: it is no affair of ours.
    """
    found = []
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    if (folder / MANIFEST).is_file() or (folder / "package" / MANIFEST).is_file():
        places = [folder]  # it is a package itself
    for path in places:
        manifest = _manifest_of(path, cache.default_folder() if cache_folder is None else cache_folder)
        if manifest is not None:
            identity = identity_of(manifest)
            found.append(Available.Found(identity.name, identity.version, path))
    return Available(found)


def _manifest_of(path: Path, cache_folder: Path) -> dict[str, Any] | None:
    """Return the package.json of what may be a package, None where it is none."""
    if path.is_dir():
        for place in (path / "package" / MANIFEST, path / MANIFEST):
            if place.is_file():
                return _told(place.read_bytes())
        return None
    if path.suffix != ".tgz" and path.suffixes[-2:] != [".tar", ".gz"]:
        return None
    status = path.stat()
    key = cache.key_of(str(path.resolve()), repr((status.st_size, status.st_mtime_ns)), sources=(Path(__file__),))
    found: dict[str, Any] | None = cache.cached(cache_folder, "package-name", key, lambda: _name_in(path))
    return found


def _name_in(path: Path) -> dict[str, Any] | None:
    try:
        for name, body in members(path.read_bytes(), path.name):
            if str(name) == MANIFEST:
                return _told(body)
    except PackageError:
        return None
    return None


def _told(body: bytes) -> dict[str, Any] | None:
    try:
        manifest = json.loads(body)
    except ValueError:
        return None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("name"), str):
        return None
    return {name: manifest[name] for name in ("name", "version") if isinstance(manifest.get(name), str)}


# --- installing


def install(source: Path | bytes, folder: Path, called: str = "", wanted: str = "") -> FhirPackage:
    """Put a package (a .tgz file, its bytes, or a folder) into a folder of packages; return it, opened.

    It is written beside and then moved to its place, so that it is there whole or not at all; one that is there
    already is replaced. `wanted`: the `name@version` that it must be. Raises: PackageError when it is no package.
    """
    name = called or (source.name if isinstance(source, Path) else "the package")
    with tempfile.TemporaryDirectory() as scratch:
        package = _opened(source, name, Path(scratch))
        identity = package.identity
        if wanted and str(identity) != wanted:
            raise PackageError(complaints.OTHER_PACKAGE.at(package=wanted, found=identity))
        if not identity.version or not is_name(identity.name, identity.version):
            raise PackageError(complaints.NAME_INVALID.at(name=identity))
    place = folder / f"{identity.name}#{identity.version}"
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".installing-", dir=folder))
    try:
        root = beside / "package"
        root.mkdir()
        for path, body in _files(source, name):
            target = root.joinpath(*path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
        (root / INDEX).write_text(_index(package))
        whole = beside / "whole"
        whole.mkdir()
        root.rename(whole / "package")
        if place.exists():
            place.rename(beside / "before")
        whole.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return open_package(place)


def _opened(source: Path | bytes, name: str, scratch: Path) -> FhirPackage:
    if isinstance(source, bytes):
        return archive(source, Path(name), scratch)
    return open_package(source, scratch)


def _files(source: Path | bytes, name: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    if isinstance(source, bytes):
        yield from members(source, name)
    elif source.is_dir():
        root = source / "package" if (source / "package").is_dir() else source
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink():
                yield PurePosixPath(file.relative_to(root).as_posix()), file.read_bytes()
    else:
        yield from members(source.read_bytes(), name)


def _index(package: FhirPackage) -> str:
    """Return an .index.json: without it every start would read every file."""
    names = ("filename", "resourceType", "id", "url", "version", "type")
    files = [{name: value for name, value in zip(names, entry, strict=True) if value} for entry in package.entries]
    return json.dumps({"index-version": 2, "files": files})


def remove_leftovers(folder: Path) -> None:
    """Remove what an installation that was cut off has left."""
    for path in folder.glob(".installing-*"):
        shutil.rmtree(path, ignore_errors=True)
