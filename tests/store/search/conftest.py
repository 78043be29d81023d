"""A library for each module and engine, and one for all on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from tests.store.search.library import Library


@pytest.fixture(scope="module")
def library(database: str) -> Iterator[Library]:
    """An empty store, shared by the tests of one module, on each engine."""
    store = open_store(database, definitions().types.resources)
    yield Library(store)
    store.close()
