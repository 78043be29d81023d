"""Where references lead: to contained resources, to entries of the Bundle or Parameters around them, or outside.

Source: FHIR R4, References, "Contained Resources"; Bundle, "Resolving references in Bundles".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.conformance.validation.places import objects, text_of
from fhir_gateway.fhir.fhirpath import Model, Node

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
_RESTFUL = re.compile(r"(?P<base>.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})")

Fetch = Callable[[str], dict[str, Any] | None]


def is_absolute(url: str) -> bool:
    return _ABSOLUTE.match(url) is not None


@dataclass(frozen=True, slots=True)
class Rest:
    """A RESTful URL taken apart. `base`: with its slash, empty for a relative one; `version`: "" where none is told."""

    base: str
    type: str
    id: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"


def rest(url: str, model: Model) -> Rest | None:
    """Return what a URL of the form [base/]Type/id[/_history/version] says; None for any other."""
    head, _, version = url.partition("/_history/")
    match = _RESTFUL.fullmatch(head)
    if match is None or match["type"] not in model.resources:
        return None
    return Rest(match["base"] or "", match["type"], match["id"], version)


@dataclass(slots=True)
class Entries:
    """The entries of one Bundle by fullUrl, and by type and id; their places in order."""

    bundle: Node
    by_url: dict[str, list[int]] = field(default_factory=dict)
    by_name: dict[str, list[int]] = field(default_factory=dict)
    nodes: list[Node | None] = field(default_factory=list)  # of the resources
    full_urls: list[str | None] = field(default_factory=list)

    @staticmethod
    def of(bundle: Node, model: Model) -> Entries:
        found = Entries(bundle)
        for entry in objects(model, bundle, "entry"):
            place = entry.place or 0
            while len(found.nodes) <= place:
                found.nodes.append(None)
                found.full_urls.append(None)
            full_url = found.full_urls[place] = text_of(entry.value, "fullUrl")
            if full_url is not None:
                found.by_url.setdefault(full_url, []).append(place)
            resource = next(iter(objects(model, entry, "resource")), None)
            found.nodes[place] = resource
            if resource is not None and isinstance(resource.value.get("id"), str):
                found.by_name.setdefault(f"{resource.type}/{resource.value['id']}", []).append(place)
        return found

    def version(self, place: int) -> str | None:
        node = self.nodes[place]
        return None if node is None else text_of(node.value.get("meta"), "versionId")


@dataclass(frozen=True, slots=True)
class Match:
    """What a Bundle has for a reference. `url`: what was looked for, "" where the rules give no target; `type`: the
    type that the reference names where the target URL does not; `places`: the entries that fit.
    """

    url: str
    type: str | None
    places: tuple[int, ...]


class Resolution:
    """The references of one validation; each Bundle is indexed once, each outside resource fetched once."""

    def __init__(self, model: Model, fetch: Fetch | None) -> None:
        self._model = model
        self._fetch = fetch
        self._indexes: dict[int, Entries] = {}
        self._parameters: dict[int, dict[str, Node]] = {}
        self._fetched: dict[str, Node | None] = {}

    def resolved(self, reference: str, node: Node) -> Node | None:
        """Return the resource that a reference at a node leads to; None when it is not found."""
        inside = self.inside(reference, node)
        return self.outside(reference) if inside is None and not reference.startswith("#") else inside

    def followed(self, reference: str, node: Node) -> Node | None:
        """Return what an expression gets by resolve(): more leniently also any entry around of this type and id."""
        found = self.resolved(reference, node)
        holder: Node | None = node
        while found is None and holder is not None and not reference.startswith("#"):
            if holder.type == "Bundle":
                entries = self.entries(holder)
                places = entries.by_url.get(reference) or entries.by_name.get(reference)
                found = entries.nodes[places[0]] if places else None
            holder = holder.parent
        return found

    def inside(self, reference: str, node: Node) -> Node | None:
        """Return the resource when it is contained, or in the Bundle or Parameters around the node."""
        if reference.startswith("#"):
            return self.contained(reference, node)
        entry, bundle = self.around(node, "Bundle.entry", "Bundle")
        if bundle is not None:
            entries = self.entries(bundle)
            places = self.match(reference, entries, entry).places
            return entries.nodes[places[0]] if places else None
        _, parameters = self.around(node, "Parameters.parameter", "Parameters")
        return None if parameters is None else self._in_parameters(parameters).get(reference)

    def outside(self, reference: str) -> Node | None:
        """Return a resource from outside what is validated."""
        if self._fetch is None:
            return None
        if reference not in self._fetched:
            found = self._fetch(reference)
            self._fetched[reference] = None if found is None else Node(found, str(found.get("resourceType")))
        return self._fetched[reference]

    def contained(self, reference: str, node: Node) -> Node | None:
        holder: Node | None = node
        while holder is not None and (holder.type not in self._model.resources or holder.key == "contained"):
            holder = holder.parent
        if holder is None or reference == "#":
            return holder
        each: Node
        for each in objects(self._model, holder, "contained"):
            if each.value.get("id") == reference[1:]:
                return each
        return None

    @staticmethod
    def around(node: Node, part: str, whole: str) -> tuple[Node | None, Node | None]:
        """Return the closest Bundle (or Parameters) around a node, and its entry (or parameter) on the way to it."""
        current: Node | None = node
        inner: Node | None = None
        while current is not None:
            if current.type == part:
                inner = current
            elif current.type == whole:
                return inner, current
            current = current.parent
        return None, None

    def entries(self, bundle: Node) -> Entries:
        """Return the index of a Bundle."""
        found = self._indexes.get(id(bundle.value))
        if found is None:
            found = self._indexes[id(bundle.value)] = Entries.of(bundle, self._model)
        return found

    def match(self, reference: str, entries: Entries, entry: Node | None) -> Match:
        """Return the entries of a Bundle that a reference in one of them means."""
        full_url = text_of(entry.value, "fullUrl") if entry is not None else None
        head, _, version = reference.partition("/_history/")
        type = None
        if is_absolute(reference):
            url = head
        elif full_url is None or len(parts := head.split("/")) != 2:
            return Match("", None, ())
        elif full_url.startswith("urn:"):
            # By type and id alone a relative reference says nothing here: the id has to be that of the urn.
            type = parts[0]
            url = f"{full_url.rpartition(':')[0]}:{parts[1]}"
        else:
            base = rest(full_url, self._model)
            url = f"{base.base if base is not None else _without_two_steps(full_url)}{head}"
        places = tuple(entries.by_url.get(url, ()))
        if version:
            places = tuple(place for place in places if entries.version(place) == version)
        return Match(url, type, places)

    def _in_parameters(self, parameters: Node) -> dict[str, Node]:
        found = self._parameters.get(id(parameters.value))
        if found is None:
            found = {}
            for name, resource in self._named(parameters, "parameter"):
                found.setdefault(name, resource)
            self._parameters[id(parameters.value)] = found
        return found

    def _named(self, holder: Node, key: str) -> Iterator[tuple[str, Node]]:
        """Yield the resources of Parameters by type and id, those of Bundles in it by fullUrl."""
        for parameter in objects(self._model, holder, key):
            for resource in objects(self._model, parameter, "resource"):
                yield f"{resource.type}/{resource.value.get('id')}", resource
                if resource.type == "Bundle":
                    entries = self.entries(resource)
                    for url, places in entries.by_url.items():
                        node = entries.nodes[places[0]]
                        if node is not None:
                            yield url, node
            yield from self._named(parameter, "part")


def _without_two_steps(url: str) -> str:
    return "".join(f"{part}/" for part in url.split("/")[:-2])
