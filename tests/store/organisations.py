"""A store in which several organisations write and read, for tests of access."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Command, Delete, Draft, Key, Narrowing, Put, Read, Store, Version, Write
from fhir_gateway.store.resource_types import ResourceTypes
from tests.store.search.library import Library

FINESS = "urn:oid:1.2.250.1.71.4.2.2"
Resource = Mapping[str, Any]
T = TypeVar("T")


def finess(name: str) -> str:
    """Return the identifier of an organisation, as a token names it."""
    return f"{FINESS}|{name}"


def identified(name: str) -> dict[str, Any]:
    """Return a logical reference to an organisation."""
    return {"type": "Organization", "identifier": {"system": FINESS, "value": name}}


def to(reference: str) -> dict[str, Any]:
    return {"reference": reference}


class Organisations:
    """`by` is the value of an organisation's FINESS number; None: nobody's, or an unnarrowed reader."""

    def __init__(self, store: Store) -> None:
        self.library = Library(store)
        self.store = store
        self.types = ResourceTypes(definitions().types.resources)
        self.names = {number: type for type, number in self.types.numbers.items()}

    def draft(self, resource: Resource) -> Draft:
        return self.library.draft(resource)

    def write(self, work: Callable[[Write], T], by: str | None = None) -> T:
        return self.store.write(work, owner=0 if by is None else party_of(finess(by)))

    def put(self, *resources: Resource, by: str | None = None) -> None:
        commands: list[Command] = [Put(self.draft(resource)) for resource in resources]
        self.write(lambda tx: tx.stage(commands), by)

    def delete(self, *keys: str) -> None:
        commands: list[Command] = [Delete(*_key(key)) for key in keys]
        self.write(lambda tx: tx.stage(commands))

    def purge(self, *keys: str) -> int:
        wanted = [_key(key) for key in keys]
        return self.write(lambda tx: tx.purge([version.rid for version in tx.current_of(wanted).values()]))

    def clear(self) -> None:
        self.write(lambda tx: tx.purge([rid for (rid,) in tx.rows("SELECT rid FROM resource")]))

    def narrowing(self, by: str | None, types: Iterable[str] | None = None) -> Narrowing:
        parties = self.store.parties(None if by is None else finess(by))
        return Narrowing(parties, None if types is None else frozenset(types))

    def read(self, ask: Callable[[Read], T], narrowing: Narrowing | None) -> T:
        with self.store.read(narrowing=narrowing) as view:
            return ask(view)

    def current(self, by: str | None, key: str) -> Version | None:
        """Return what an organisation reads, in each of the ways to read it."""
        narrowing = self.narrowing(by)
        at_once = self.store.current(*_key(key), narrowing)
        within = self.read(lambda view: view.current(*_key(key)), narrowing)
        among = self.read(lambda view: view.current_of([_key(key)]), narrowing).get(_key(key))
        assert at_once == within == among
        return at_once

    def seen(self, by: str | None, *keys: str) -> list[str]:
        """Return which of the resources, not deleted ones, an organisation sees."""
        found = {key: self.current(by, key) for key in keys}
        return [key for key, version in found.items() if version is not None and not version.deleted]


def _key(text: str) -> Key:
    type, _, id = text.partition("/")
    return type, id
