"""A library for each test and engine, its words searched as the acts search them: brought up to date first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Read
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.select import find
from fhir_gateway.store.text import index
from tests.store.search.library import Library


class Reading(Library):
    """A library whose index of words is brought up to date before each search."""

    def ids(self, type: str | None, text: str, compartment: tuple[str, str] | None = None) -> list[str]:
        index.be_current(self.store)
        return super().ids(type, text, compartment)

    def found(self, type: str, name: str, value: str) -> list[str]:
        """Return the ids of the matches of one parameter, whose value may hold any sign."""
        index.be_current(self.store)
        query = parse(type, [(name, value)], self.registry, strict=True)
        with self.store.read() as tx:
            return [version.id for version in find(tx, query).matches]

    def found_in(self, view: Read, type: str, text: str) -> list[str]:
        """Return the ids of the matches of a search as a view sees them."""
        return [version.id for version in find(view, self.query(type, text)).matches]


@pytest.fixture
def library(clean_database: str) -> Iterator[Reading]:
    store = open_store(clean_database, definitions().types.resources)
    yield Reading(store)
    store.close()


@pytest.fixture(scope="module")
def shelf(database: str) -> Iterator[Reading]:
    """One library for all tests of a module, for searches that write nothing."""
    store = open_store(database, definitions().types.resources)
    yield Reading(store)
    store.close()
