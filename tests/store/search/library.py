"""A store with resources in it that answers queries written as in a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.primitives import instant_of
from fhir_gateway.store.contract import Delete, Draft, Put, Read, Store, Version
from fhir_gateway.store.index.indexer import Indexer, indexed
from fhir_gateway.store.registry import parameter_ids
from fhir_gateway.store.search import select
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.query import SearchQuery, parse
from fhir_gateway.store.search.registry import Limits, Registry
from fhir_gateway.store.search.select import Page

BASE = "https://gateway.example.org/fhir"
NOW = instant_of("2026-01-01T00:00:00Z")
LIMITS = Limits()
Resource = Mapping[str, Any]


@cache
def parameters() -> tuple[tuple[str, str, str], ...]:
    """All search parameters of R4 that have index rows: type, code, url."""
    r4 = definitions()
    return tuple(
        (type, code, parameter.url)
        for type in r4.types.resources
        for code, parameter in r4.search_parameters.of(type).items()
        if indexed(parameter)
    )


@cache
def numbers() -> dict[tuple[str, str], int]:
    """A number for each of them, for tests without a store."""
    return {(type, code): pid for pid, (type, code, _) in enumerate(parameters(), 1)}


def registry(pids: Mapping[tuple[str, str], int] | None = None, limits: Limits = LIMITS) -> Registry:
    r4 = definitions()
    rtypes = {type: number for number, type in enumerate(r4.types.resources, 1)}
    return Registry(
        r4.search_parameters,
        pids or numbers(),
        rtypes,
        BASE,
        limits,
        now=lambda: NOW,
        compartments=r4.compartments,
        subsets=r4.subsets,
    )


class Library:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.pids = parameter_ids(store, parameters())
        self.registry = registry(self.pids)
        self.indexer = Indexer(definitions().search_parameters, self.pids, BASE)

    def draft(self, resource: Resource) -> Draft:
        rows, key = self.indexer.index(resource)
        meta = encode(resource.get("meta", {}))[1:-1]
        rest = encode({name: resource[name] for name in resource if name not in ("resourceType", "id", "meta")})[1:-1]
        tail = b'"' + (b"," + meta if meta else b"") + b"}" + (b"," + rest if rest else b"") + b"}"
        return Draft(resource["resourceType"], resource["id"], tail, rows, key)

    def put(self, *resources: Resource) -> None:
        """Write resources, all in one commit, in this order."""
        commands = [Put(self.draft(resource)) for resource in resources]
        self.store.write(lambda tx: tx.stage(commands))

    def delete(self, type: str, id: str) -> None:
        self.store.write(lambda tx: tx.stage([Delete(type, id)]))

    def query(
        self, type: str | None, text: str, limits: Limits | None = None, compartment: tuple[str, str] | None = None
    ) -> SearchQuery:
        registered = self.registry if limits is None else registry(self.pids, limits)
        parameters = parse_qsl(text, keep_blank_values=True)
        return parse(type, parameters, registered, strict=True, compartment=compartment)

    def read(self, ask: Callable[[Read], Any]) -> Any:
        with self.store.read() as tx:
            return ask(tx)

    def page(self, type: str | None, text: str, compartment: tuple[str, str] | None = None) -> Page:
        query = self.query(type, text, compartment=compartment)
        page: Page = self.read(lambda tx: select.find(tx, query))
        return page

    def ids(self, type: str | None, text: str, compartment: tuple[str, str] | None = None) -> list[str]:
        """Return the ids of the matches of a search, in order, a thousand at most."""
        return [version.id for version in self.page(type, f"{text}&_count=1000", compartment).matches]

    def included(self, type: str, text: str) -> list[str]:
        """Return what a search includes, as Type/id in the order of the alphabet."""
        query = self.query(type, text)

        def ask(tx: Read) -> list[Version]:
            return follow(tx, select.find(tx, query).matches, query)

        return sorted(f"{version.type}/{version.id}" for version in self.read(ask))


def refusals(
    type: str | None, text: str, limits: Limits = LIMITS, compartment: tuple[str, str] | None = None
) -> list[str]:
    """Return the detail codes of what is wrong with a query."""
    parameters = parse_qsl(text, keep_blank_values=True)
    try:
        parse(type, parameters, registry(limits=limits), strict=True, compartment=compartment)
    except FhirError as refusal:
        return [issue.complaint.detail for issue in refusal.issues]
    return []


def named(type: str, ids: Iterable[str], **properties: Any) -> list[Resource]:
    """Return resources that differ in their ids alone."""
    return [{"resourceType": type, "id": id, **properties} for id in ids]
