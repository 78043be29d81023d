"""Installed packages together: their resources by canonical url, several versions side by side.

A resource of a package means by a canonical without a version the one that its package depends on; asked from outside,
such a canonical means the newest there is.

Source: FHIR NPM Packages specification, "dependencies"; FHIR R4, References, "Canonical References".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from fhir_gateway.conformance import package_complaints as complaints
from fhir_gateway.conformance.fhir_package import Entry, FhirPackage, PackageError, open_package
from fhir_gateway.conformance.lookup import Lookup, Resource, split
from fhir_gateway.conformance.package_folder import Available, available, is_version, rank
from fhir_gateway.conformance.pinning import pinned
from fhir_gateway.fhir.outcome import Issue

# FHIR R4 itself, in its parts: the project carries its definitions.
CORE = re.compile(r"hl7\.fhir\.r4\.(core|corexml|elements|examples|expansions|search)")

_KEPT = 256  # resources that were read last
_TERMINOLOGY = "hl7.terminology"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A version that was asked for and is not there, and what was taken instead. `times`: how often."""

    wanted: str
    found: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Missing:
    """A package that another depends on and that is not there in any version."""

    name: str
    version: str
    needed_by: str


class Packages:
    """The resources of several packages, the first of which counts most, and of what is known besides.

    A lookup. `last` is asked when no package knows a url: R4's own definitions. Shared by all threads.
    """

    def __init__(
        self,
        packages: Sequence[FhirPackage] = (),
        last: Lookup | None = None,
        missing: Sequence[Missing] = (),
        instead: Sequence[Fallback] = (),
        first: int = 0,
        asked: Sequence[FhirPackage] = (),
    ) -> None:
        self.packages = tuple(packages)
        self.asked = tuple(asked)  # those that somebody asked for, without what they depend on
        self.missing = tuple(missing)
        self.last = last
        self._instead = tuple(instead)
        self._urls: dict[str, dict[str, list[tuple[FhirPackage, Entry]]]] = {}
        self._fallbacks: dict[str, Fallback] = {}
        self._lock = Lock()
        self._first = first  # so many packages count more than what is newer in the others
        self._views: dict[int, list[FhirPackage]] = {}
        self._read = lru_cache(_KEPT)(self._opened)

    @classmethod
    def of(cls, folder: Path, last: Lookup | None = None, cache_folder: Path | None = None) -> Packages:
        """Return all packages that lie in a folder, as files or folders; of one in several versions the newest first.

        What they depend on and is not there is told by `missing`. Raises: PackageError with all that is wrong.
        """
        return cls.named(folder, None, last, cache_folder)

    @classmethod
    def named(
        cls, folder: Path, names: Iterable[str] | None, last: Lookup | None = None, cache_folder: Path | None = None
    ) -> Packages:
        """Return packages of a folder by `name` or `name@version`, and all that they depend on.

        A version that is not there is replaced by the newest there is, which `fallbacks` tells.
        Raises: PackageError for every package named that is not there, or cannot be used.
        """
        there = available(folder, cache_folder)
        issues: list[Issue] = []
        if names is None:
            chosen = [found for found in there.newest_first() if not CORE.fullmatch(found.name)]
        else:
            chosen = []
            for name in names:
                wanted, _, version = name.partition("@")
                found = there.find(wanted, version)
                if found is None:
                    issues.append(complaints.ABSENT.at(package=name, because="", because_fr=""))
                else:
                    chosen.append(found)
        resolving = _Resolving(there, cache_folder, issues)
        for found in chosen:
            resolving.open(found)
        asked = list(resolving.opened.values())
        resolving.follow()
        if issues:
            raise PackageError(*issues)
        opened = list(resolving.opened.values())
        return cls(opened, last, resolving.missing, resolving.fallbacks, asked=asked)

    # --- a lookup

    def structure(self, url: str) -> Resource | None:
        """Return a StructureDefinition by `url` or `url|version`, None when there is none."""
        return self.resource("StructureDefinition", url)

    def resource(self, kind: str, url: str) -> Resource | None:
        """Return a resource by canonical: the version it is pinned to, or, where that is absent, another one there is.

        What was taken instead is counted: `fallbacks`. Without a version it is the newest that any package or R4 has;
        where R4 and HL7's terminology both have it, that of the terminology, which took it over from R4.
        """
        name, version = split(url)
        found = self._candidates(kind, name)
        if version is None:
            return self._newest(kind, name, found)
        exact = _of_version(found, version)
        if exact is not None:
            return self._read(*exact)
        if self.last is not None:
            known = self.last.resource(kind, url)
            if known is not None:
                return known
        other = self._read(*found[0]) if found else None
        if other is None and self.last is not None:
            other = self.last.resource(kind, name)
        if other is not None:
            self._count(url, f"{name}|{other.get('version', '')}")
        return other

    def resources(self, kind: str) -> Iterator[Resource]:
        """Yield all resources of a type: of the packages in order, then of what is known besides; none twice."""
        seen: set[tuple[str, str]] = set()
        for package in self.packages:
            for entry in package.of_kind(kind):
                key = (entry.url, entry.version)
                if not entry.url or key not in seen:
                    seen.add(key)
                    yield package.read(entry)
        for resource in self.last.resources(kind) if self.last is not None else ():
            if (resource.get("url", ""), resource.get("version", "")) not in seen:
                yield resource

    def _newest(self, kind: str, url: str, found: Sequence[tuple[FhirPackage, Entry]]) -> Resource | None:
        known = self.last.resource(kind, url) if self.last is not None else None
        if not found:
            return known
        package, entry = found[0]
        if known is None or package.name.startswith(_TERMINOLOGY) or not _is_newer(known.get("version", ""), entry):
            return self._read(package, entry)
        return known

    def versions(self, kind: str, url: str) -> list[Resource]:
        """Return every version of a resource that the packages have; what is known besides is left out."""
        return [self._read(*each) for each in self._candidates(kind, url)]

    def own(self, kind: str) -> Iterator[Resource]:
        """Yield all resources of a type that the packages have."""
        for package in self.packages:
            yield from (package.read(entry) for entry in package.of_kind(kind) if entry.url)

    def package_of(self, kind: str, url: str) -> FhirPackage | None:
        """Return the package that a canonical is answered from, None for what is known besides or not at all."""
        name, version = split(url)
        found = self._candidates(kind, name)
        chosen = _of_version(found, version) or (found[0] if found else None)
        return None if chosen is None else chosen[0]

    def seen_from(self, package: FhirPackage) -> Packages:
        """Return the same packages as one of them sees them: itself and the versions it depends on come first."""
        mine = self._seen(package)
        return Packages(
            [*mine, *(each for each in self.packages if each not in mine)], self.last, self.missing, first=len(mine)
        )

    def _seen(self, package: FhirPackage) -> list[FhirPackage]:
        """Return a package and what it depends on, in the versions it asks for, those it names itself first."""
        seen = [package]
        for each in seen:
            for name, version in each.identity.dependencies.items():
                named = [other for other in self.packages if other.name == name]
                chosen = [other for other in named if is_version(other.version, version)][:1] or named[:1]
                seen += [other for other in chosen if other not in seen]
        return seen

    # --- what is not as asked for

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """What was asked for in a version that is not there: packages first, then resources."""
        with self._lock:
            return (*self._instead, *self._fallbacks.values())

    def _count(self, wanted: str, found: str) -> None:
        with self._lock:
            known = self._fallbacks.get(wanted)
            self._fallbacks[wanted] = Fallback(wanted, found, 1 if known is None else known.times + 1)

    def _candidates(self, kind: str, url: str) -> list[tuple[FhirPackage, Entry]]:
        urls = self._urls.get(kind)
        if urls is None:
            urls = {}
            for package in self.packages:
                for entry in package.of_kind(kind):
                    if entry.url:
                        urls.setdefault(entry.url, []).append((package, entry))
            for found in urls.values():
                if len(found) > 1:
                    self._sort(found)
            self._urls[kind] = urls
        return urls.get(url, [])

    def _sort(self, found: list[tuple[FhirPackage, Entry]]) -> None:
        """Put the newest first, before it what the package sees that all this is seen from."""
        found.sort(key=lambda each: (bool(each[1].version), rank(each[1].version)), reverse=True)
        if self._first:
            order = {id(package): place for place, package in enumerate(self.packages[: self._first])}
            found.sort(key=lambda each: order.get(id(each[0]), self._first))

    # --- what a resource of a package sees

    def _opened(self, package: FhirPackage, entry: Entry) -> Resource:
        """Return a resource whose canonicals without a version name the one that its package sees, where it matters."""
        resource = package.read(entry)
        if self._first or entry.kind not in ("StructureDefinition", "ValueSet"):
            return resource
        return pinned(resource, lambda kind, url: self._pin(package, kind, url))

    def _pin(self, package: FhirPackage, kind: str, url: str) -> str | None:
        found = self._candidates(kind, url)
        if len(found) < 2 or len({entry.version for _, entry in found}) < 2:
            return None
        if (view := self._views.get(id(package))) is None:
            view = self._views[id(package)] = self._seen(package)
        for each in view:
            for owner, entry in found:
                if owner is each:
                    return None if entry is found[0][1] else entry.version
        return None


class _Resolving:
    """Opens packages and what they depend on."""

    def __init__(self, there: Available, cache_folder: Path | None, issues: list[Issue]) -> None:
        self._there = there
        self._cache_folder = cache_folder
        self._issues = issues
        self.opened: dict[str, FhirPackage] = {}
        self.missing: list[Missing] = []
        self.fallbacks: list[Fallback] = []

    def open(self, found: Available.Found) -> None:
        if str(found) in self.opened:
            return
        try:
            self.opened[str(found)] = open_package(found.path, self._cache_folder)
        except PackageError as error:
            self._issues += error.issues

    def follow(self) -> None:
        """Open what the opened packages depend on, and what those do, each once."""
        asked: set[tuple[str, str]] = set()
        queue = list(self.opened.values())
        while queue:
            package = queue.pop(0)
            for name, version in package.identity.dependencies.items():
                if CORE.fullmatch(name) or (name, version) in asked:
                    continue
                asked.add((name, version))
                found = self._there.find(name, version)
                if found is None:
                    self.missing.append(Missing(name, version, str(package.identity)))
                    continue
                if not found.is_version(version):
                    self.fallbacks.append(Fallback(f"{name}@{version}", str(found)))
                if str(found) not in self.opened:
                    self.open(found)
                    queue += [self.opened[str(found)]] if str(found) in self.opened else []


def _of_version(found: Sequence[tuple[FhirPackage, Entry]], version: str | None) -> tuple[FhirPackage, Entry] | None:
    """Return the first of some resources that has a version; a version may leave out its last parts: 4.0 is 4.0.1."""
    if version is None:
        return found[0] if found else None
    exact = next((each for each in found if each[1].version == version), None)
    return exact or next((each for each in found if each[1].version.startswith(version + ".")), None)


def _is_newer(version: str, entry: Entry) -> bool:
    return rank(version) > rank(entry.version)
