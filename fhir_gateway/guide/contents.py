"""What the guide is about: the definitions of one package, what ships with them, what they bind to, their examples.

Each has one page; its name is the file's name, and comes from type and id.

Source: FHIR R4, ImplementationGuide, "Table of contents"; profiles/README.md; terminology/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fhir_gateway.conformance.fhir_package import FhirPackage
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.terminology.catalog import Catalog

Resource = Mapping[str, Any]
# (type, canonical) -> the resource, or None: what is known of definitions beside the package itself.
Known = Callable[[str, str], Resource | None]

KINDS: Final = (
    "StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "OperationDefinition",
    "CapabilityStatement", "GraphDefinition", "NamingSystem",
)  # fmt: skip
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Example:
    """A resource in a file. `profiles`: the canonicals its parts claim; `beside`: files that are named after it."""

    name: str
    text: str
    resource: Resource
    profiles: frozenset[str]
    beside: tuple[tuple[str, str], ...] = ()
    wrong: Mapping[str, str] | None = None  # what is wrong with a bad one, by language


@dataclass(frozen=True, slots=True)
class Proof:
    """An invariant with the resource that keeps it and the one that breaks it; None where there is no such file."""

    key: str
    constraint: Resource
    structure: Resource
    good: str | None
    bad: str | None


class Contents:
    """All that has a page; immutable. `known` finds what the package refers to, `catalog` lists codes."""

    def __init__(
        self,
        package: FhirPackage,
        terminology: Iterable[Resource],
        known: Known,
        catalog: Catalog,
        examples: Path | None = None,
        proofs: Path | None = None,
    ) -> None:
        self.package = package
        self.catalog = catalog
        self.known = known
        self._proofs = proofs
        self.names: dict[tuple[str, str], str] = {}
        self.pages: dict[str, Resource] = {}
        self._taken: set[str] = set()
        for entry in package.entries:
            if entry.kind in KINDS:
                self._add(package.read(entry))
        for resource in terminology:
            if resource["resourceType"] in KINDS:
                self._add(resource)
        own = set(self.pages)
        for resource in self._bound():
            self._add(resource)
        self._foreign = frozenset(self.pages) - own
        self.examples = {self._name("example", each.name): each for each in _examples(examples)}
        self.proofs = {self._name("invariant", each.key): each for each in self._invariants()}

    def _add(self, resource: Resource) -> None:
        key = (str(resource["resourceType"]), canonical(resource))
        if key not in self.names:
            name = self._name(key[0], str(resource.get("id", "")))
            self.names[key] = name
            self.pages[name] = resource

    def _name(self, kind: str, id: str) -> str:
        """Return a name that nothing has yet, on file systems without case neither."""
        stem = f"{kind}-{_UNSAFE.sub('-', id)[:80]}"
        name, number = stem, 2
        while name.casefold() in self._taken:
            name, number = f"{stem}-{number}", number + 1
        self._taken.add(name.casefold())
        return name

    def _bound(self) -> Iterator[Resource]:
        for url in dict.fromkeys(url for structure in list(self.of("StructureDefinition")) for url in bound(structure)):
            found = self.known("ValueSet", url)
            if found is not None:
                yield found

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield all resources of a type that have a page, in the order of the package."""
        return (each for each in self.pages.values() if each["resourceType"] == kind)

    def page_of(self, kind: str, canonical: str) -> str | None:
        """Return the name of the page of a definition, None when it has none here."""
        return self.names.get((kind, canonical.partition("|")[0]))

    def is_own(self, name: str) -> bool:
        """Tell whether a page is of the package or of what ships, and not of something that is only bound to."""
        return name not in self._foreign

    def profiles_of(self, type: str) -> list[Resource]:
        """Return the profiles of a resource type."""
        return [each for each in self.structures() if each.get("type") == type]

    def structures(self) -> list[Resource]:
        """Return the profiles, without the extensions."""
        return [each for each in self.of("StructureDefinition") if each.get("type") != "Extension"]

    def extensions(self) -> list[Resource]:
        return [each for each in self.of("StructureDefinition") if each.get("type") == "Extension"]

    def proof_of(self, key: str) -> str | None:
        """Return the page of an invariant by its key."""
        return next((name for name, each in self.proofs.items() if each.key == key), None)

    def examples_of(self, url: str) -> Iterator[tuple[str, Example]]:
        """Yield the examples in which something claims a profile."""
        return ((name, each) for name, each in self.examples.items() if url in each.profiles)

    def _invariants(self) -> Iterator[Proof]:
        seen: set[str] = set()
        for structure in self.of("StructureDefinition"):
            for element in structure.get("differential", {}).get("element", ()):
                for constraint in element.get("constraint", ()):
                    key = str(constraint.get("key", ""))
                    if key not in seen:
                        seen.add(key)
                        yield Proof(key, constraint, structure, self._proof(key, "good"), self._proof(key, "bad"))

    def _proof(self, key: str, which: str) -> str | None:
        if self._proofs is None or _UNSAFE.search(key):
            return None
        path = self._proofs / key / f"{which}.json"
        return _text(path) if path.is_file() else None


def canonical(resource: Resource) -> str:
    """Return the address of a definition; of a NamingSystem, which has none in R4, the uri that it is about."""
    if resource["resourceType"] != "NamingSystem":
        return str(resource.get("url", ""))
    uris = [each for each in resource.get("uniqueId", ()) if each.get("type") == "uri"]
    return str(
        next((each["value"] for each in uris if each.get("preferred") is True), uris[0]["value"] if uris else "")
    )


def bound(structure: Resource) -> Iterator[str]:
    """Yield the canonicals of the value sets that a StructureDefinition binds to, as it writes them."""
    for element in structure.get("snapshot", structure.get("differential", {})).get("element", ()):
        url = element.get("binding", {}).get("valueSet")
        if isinstance(url, str):
            yield url


def _text(path: Path) -> str:
    return path.read_text("utf-8").replace(PLACEHOLDER, CANONICAL_BASE)


def _examples(folder: Path | None) -> Iterator[Example]:
    """Yield the examples of a folder: its JSON files that hold a resource, with the files that are named after them."""
    if folder is None or not folder.is_dir():
        return
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths:
        if path.suffix != ".json":
            continue
        text = _text(path)
        resource = json.loads(text)
        if not isinstance(resource, dict) or resource.get("resourceType") in (None, "OperationOutcome"):
            continue
        beside = tuple(
            (each.name, _text(each))
            for each in paths
            if each.parent == path.parent and each != path and each.name.startswith(f"{path.stem}.")
        )
        name = "-".join(path.relative_to(folder).with_suffix("").parts)
        yield Example(name, text, resource, frozenset(_claimed(resource)), beside, _wrong(path))


def _wrong(path: Path) -> Mapping[str, str] | None:
    """Return what is wrong with an example, as the file of what is expected of it says; None for a good one."""
    expected = path.with_suffix(".expected.json")
    if not expected.is_file():
        return None
    told = json.loads(_text(expected))
    # A good one may have warnings that are expected, and then nothing is wrong with it.
    return {str(tag): str(text) for tag, text in told["wrong"].items()} if "wrong" in told else None


def _claimed(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        meta = node.get("meta")
        if "resourceType" in node and isinstance(meta, dict):
            yield from (str(each).partition("|")[0] for each in meta.get("profile", ()))
        for value in node.values():
            yield from _claimed(value)
    elif isinstance(node, list):
        for value in node:
            yield from _claimed(value)
