"""A FHIR package: what it is called, what it depends on, and its resources, each read when it is asked for.

Source: FHIR NPM Packages specification, "package.json", ".index.json"; npm, package.json.
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from fhir_gateway.conformance import cache
from fhir_gateway.conformance import package_complaints as complaints
from fhir_gateway.conformance.lookup import Resource
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Issue, Unprocessable

MANIFEST = "package.json"
INDEX = ".index.json"
MAX_FILES = 200_000
MAX_FILE = 256 * 1024 * 1024  # bytes of one file
MAX_TOTAL = 4 * 1024 * 1024 * 1024  # bytes of all files, unpacked

_LEVEL = 4  # of zlib: nearly as small as the best, in half the time


class PackageError(Unprocessable):
    """A package that cannot be used; `issues`: everything that is wrong with it."""


class Entry(NamedTuple):
    """A resource of a package, without its body. `file`: its name in the package; `type`: StructureDefinition.type."""

    file: str
    kind: str
    id: str
    url: str
    version: str
    type: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a package says of itself. `dependencies`: the version asked for of each package it needs."""

    name: str
    version: str
    fhir_versions: tuple[str, ...]
    canonical: str
    dependencies: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name


class FhirPackage:
    """An opened package; immutable and shared by all threads. Only its index is in memory.

    `profiles`: the canonicals of its profiles by resource type, where that is known without reading them.
    """

    def __init__(
        self,
        path: Path,
        manifest: Mapping[str, Any],
        entries: tuple[Entry, ...],
        body: Callable[[str], bytes],
        profiles: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.identity = identity_of(manifest)
        self.entries = entries
        self.profiles = profiles
        self._body = body

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def version(self) -> str:
        return self.identity.version

    @cached_property
    def _by_kind(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.kind, []).append(entry)
        return found

    def kinds(self) -> dict[str, int]:
        """Return how many resources of each type the package has."""
        return {kind: len(entries) for kind, entries in sorted(self._by_kind.items())}

    def of_kind(self, kind: str) -> list[Entry]:
        """Return the entries of a resource type."""
        return self._by_kind.get(kind, [])

    def read(self, entry: Entry) -> Resource:
        """Return the resource of an entry, decimals with their text. Raises: PackageError when it cannot be read."""
        try:
            found: Resource = json.loads(self._body(entry.file), parse_float=Number)
        except FileNotFoundError as error:
            raise PackageError(complaints.FILE_ABSENT.at(file=entry.file, package=self.identity)) from error
        except (ValueError, zlib.error) as error:
            reason = str(error)
            raise PackageError(
                complaints.FILE_INVALID.at(file=entry.file, package=self.identity, reason=reason)
            ) from error
        return found


def open_package(path: Path, cache_folder: Path | None = None) -> FhirPackage:
    """Return the package in a .tgz file or a folder (of the package's files, or with `package` in it).

    What is found out about it is kept in `cache_folder` (default: the user's), so that it opens at once next time.
    Raises: PackageError when it is none, or not whole.
    """
    folder = cache.default_folder() if cache_folder is None else cache_folder
    if path.is_dir():
        return _opened_folder(path, folder)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PackageError(complaints.UNREADABLE.at(path=path.name, reason=error.strerror or str(error))) from error
    return archive(content, path, folder)


def archive(content: bytes, path: Path, cache_folder: Path) -> FhirPackage:
    """Return the package in the bytes of a .tgz file, called `path`. Raises: PackageError."""
    key = cache.key_of(cache.digest(content), sources=_SOURCES)
    plain = cache.cached(cache_folder, "package", key, lambda: _packed(content, path.name))
    bodies: bytes = plain["bodies"]
    places: dict[str, tuple[int, int]] = plain["places"]

    def body(file: str) -> bytes:
        start, end = places[file]
        return zlib.decompress(bodies[start:end])

    return FhirPackage(path, plain["manifest"], tuple(map(Entry._make, plain["entries"])), body)


def identity_of(manifest: Mapping[str, Any]) -> Identity:
    """Return what a package.json says."""
    versions = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or ()
    dependencies = manifest.get("dependencies") or {}
    return Identity(
        manifest["name"],
        manifest.get("version", ""),
        tuple(versions),
        manifest.get("canonical", ""),
        {str(name): str(version) for name, version in dependencies.items()},
    )


# --- from an archive


def members(content: bytes, name: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files of a .tgz, each with its path below `package/`.

    Raises: PackageError for what is no such file, leads out of the package, or exceeds the limits.
    """
    total = count = 0
    try:
        with tarfile.open(fileobj=BytesIO(content), mode="r|gz") as file:
            for member in file:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                    raise PackageError(complaints.PATH_UNSAFE.at(package=name, file=member.name))
                if not member.isfile():
                    continue  # folders; links are never followed, so that none can lead anywhere
                count, total = count + 1, total + member.size
                _check_size(name, member, count, total)
                parts = path.parts[1:] if path.parts[0] in ("package", ".") else path.parts
                if parts and parts[0] == "package":
                    parts = parts[1:]
                stream = file.extractfile(member)
                if parts and stream is not None:
                    yield PurePosixPath(*parts), stream.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise PackageError(complaints.UNREADABLE.at(path=name, reason=str(error))) from error


def _check_size(name: str, member: tarfile.TarInfo, count: int, total: int) -> None:
    if count > MAX_FILES:
        raise PackageError(complaints.TOO_LARGE.at(package=name, what="files", limit=MAX_FILES))
    if member.size > MAX_FILE:
        raise PackageError(complaints.TOO_LARGE.at(package=name, what=member.name, limit=f"{MAX_FILE} bytes"))
    if total > MAX_TOTAL:
        raise PackageError(complaints.TOO_LARGE.at(package=name, what="bytes", limit=MAX_TOTAL))


def _packed(content: bytes, name: str) -> dict[str, Any]:
    """Return a package as plain data: manifest, entries, and the bodies, each compressed by itself."""
    manifest: dict[str, Any] | None = None
    scan = _Scan(name)
    bodies = bytearray()
    places: dict[str, tuple[int, int]] = {}
    for path, body in members(content, name):
        if str(path) == MANIFEST:
            manifest = _manifest(body, name)
        elif len(path.parts) == 1 and scan.add(str(path), body):
            start = len(bodies)
            bodies += zlib.compress(body, _LEVEL)
            places[str(path)] = (start, len(bodies))
    if manifest is None:
        raise PackageError(complaints.NO_PACKAGE.at(path=name))
    scan.finish()
    entries = [tuple(entry) for entry in scan.entries]
    return {"manifest": manifest, "entries": entries, "bodies": bytes(bodies), "places": places}


def _manifest(body: bytes, name: str) -> dict[str, Any]:
    try:
        manifest = json.loads(body)
    except ValueError as error:
        raise PackageError(complaints.MANIFEST_INVALID.at(path=name, what=str(error))) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("name"), str):
        raise PackageError(complaints.MANIFEST_INVALID.at(path=name, what="name"))
    if not isinstance(manifest.get("version"), str):
        raise PackageError(complaints.MANIFEST_INVALID.at(path=name, what="version"))
    return manifest


# --- from a folder


def _opened_folder(path: Path, cache_folder: Path) -> FhirPackage:
    root = path / "package" if (path / "package").is_dir() else path
    manifest = root / MANIFEST
    if manifest.is_file():
        told = _manifest(manifest.read_bytes(), str(path.name))
    else:
        # Profiles in a folder, as an author has them: a package that nobody has named yet.
        told = {"name": path.name, "version": ""}
    index = root / INDEX
    entries = _indexed(index, path.name) if index.is_file() else _scanned(root, path.name, cache_folder)
    return FhirPackage(path, told, entries, lambda file: (root / file).read_bytes())


class _Listed(msgspec.Struct):
    """A file in an .index.json."""

    filename: str
    resourceType: str = ""
    id: str | None = None
    url: str | None = None
    version: str | None = None
    type: str | None = None


class _Index(msgspec.Struct):
    files: list[_Listed] = []


def _indexed(index: Path, name: str) -> tuple[Entry, ...]:
    try:
        files = msgspec.json.decode(index.read_bytes(), type=_Index).files
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PackageError(complaints.FILE_INVALID.at(file=INDEX, package=name, reason=str(error))) from error
    for each in files:
        if PurePosixPath(each.filename).name != each.filename or "\\" in each.filename:
            raise PackageError(complaints.PATH_UNSAFE.at(package=name, file=each.filename))
    return tuple(
        Entry(each.filename, each.resourceType, each.id or "", each.url or "", each.version or "", each.type or "")
        for each in files
        if each.resourceType
    )


def _scanned(root: Path, name: str, cache_folder: Path) -> tuple[Entry, ...]:
    """Return the entries of a folder without an index; they are kept until one of its files changes."""
    files = sorted(file for file in root.iterdir() if file.suffix == ".json" and file.is_file())
    states = [(file.name, (status := file.stat()).st_size, status.st_mtime_ns) for file in files]

    def scan() -> list[tuple[str, ...]]:
        found = _Scan(name)
        for file in files:
            found.add(file.name, file.read_bytes())
        found.finish()
        return [tuple(entry) for entry in found.entries]

    key = cache.key_of(str(root.resolve()), repr(states), sources=_SOURCES)
    return tuple(map(Entry._make, cache.cached(cache_folder, "package-index", key, scan)))


# --- what a resource is


class _Head(msgspec.Struct):
    """As much of a resource as an index needs: the rest is not even decoded."""

    resourceType: str = ""
    id: str = ""
    url: str = ""
    version: str = ""
    type: Any = None


_head = msgspec.json.Decoder(_Head).decode
_any = msgspec.json.Decoder(dict[str, Any]).decode


class _Scan:
    """Finds out what files are; remembers all that cannot be read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._issues: list[Issue] = []
        self.entries: list[Entry] = []

    def add(self, file: str, body: bytes) -> bool:
        """Tell whether a file is a resource, and remember it."""
        if not file.endswith(".json") or file.startswith("."):
            return False
        body = body.removeprefix(b"\xef\xbb\xbf")
        try:
            try:
                head = _head(body)
            except msgspec.ValidationError:
                found = _any(body)  # some other JSON, or a resource whose url is no text
                head = _Head(*(str(found.get(name) or "") for name in ("resourceType", "id", "url", "version")))
        except msgspec.ValidationError:
            return False  # a list or a text: no resource
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._issues.append(complaints.FILE_INVALID.at(file=file, package=self._name, reason=str(error)))
            return False
        if not head.resourceType:
            return False
        type = head.type if isinstance(head.type, str) else ""
        self.entries.append(Entry(file, head.resourceType, head.id, head.url, head.version, type))
        return True

    def finish(self) -> None:
        """Raises: PackageError with every file that could not be read."""
        self.entries.sort()
        if self._issues:
            raise PackageError(*self._issues)


_SOURCES = (Path(__file__),)
