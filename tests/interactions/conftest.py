"""A desk of its own for each test, on each engine; what is costly to make is made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fhir_gateway.conformance.definitions import Definitions, definitions
from fhir_gateway.interactions.gateway import Gateway, Limits, Searching, SearchState
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Store
from fhir_gateway.store.index.indexer import Indexer, indexed
from fhir_gateway.store.layout import INDEX_COLUMNS
from fhir_gateway.store.registry import parameter_ids
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.search.registry import Registry
from tests.conftest import Engine
from tests.interactions.desk import BASE, Desk, Ids

R4: Definitions = definitions()
KEY = b"a key for tests, 32 bytes long.."
NOW = 1_800_000_000_000_000  # 2027-01-15T08:00:00Z, what Bundles are dated with
Pids = dict[tuple[str, str], int]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pids]:
    """A SQLite file that knows its search parameters, to be copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    store = open_sqlite(folder)
    pids = numbered_parameters(store)
    store.close()
    return folder / "gateway.sqlite", pids


@pytest.fixture(scope="session")
def postgres_store(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Pids, str]]:
    """A PostgreSQL database for all tests, emptied before each."""
    postgres = request.getfixturevalue("postgres")
    dsn = postgres.create()
    store = open_store(dsn, R4.types.resources)
    yield store, numbered_parameters(store), dsn
    store.close()
    postgres.drop(dsn)


@pytest.fixture(scope="session")
def indexers() -> dict[str, Indexer]:
    """The indexer of each engine: what it compiles for a type is compiled once."""
    return {}


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, indexers: dict[str, Indexer]) -> Iterator[Desk]:
    """A gateway on an empty database, with ids id-1, id-2 …"""
    engine: Engine = request.param
    if engine == "sqlite":
        path, pids = request.getfixturevalue("sqlite_template")
        shutil.copy(path, tmp_path / "gateway.sqlite")
        store = open_sqlite(tmp_path)
    else:
        store, pids, dsn = request.getfixturevalue("postgres_store")
        empty(dsn)
    indexer = indexers.setdefault(engine, Indexer(R4.search_parameters, pids, BASE))
    rtypes = ResourceTypes(R4.types.resources).numbers
    registry = Registry(
        R4.search_parameters,
        pids,
        rtypes,
        BASE,
        now=lambda: NOW,
        compartments=R4.compartments,
        subsets=R4.subsets,
    )
    searching = Searching(SearchState(R4, indexer, registry))
    yield Desk(Gateway(store, searching, KEY, "0.0.0", "2020-01-01", Limits(reindex_seconds=0.0), new_id=Ids()))
    if engine == "sqlite":
        store.close()


def open_sqlite(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder}/gateway.sqlite", R4.types.resources, synchronous="NORMAL")


def numbered_parameters(store: Store) -> Pids:
    parameters = [
        (type, parameter.code, parameter.url)
        for type in R4.types.resources
        for parameter in R4.search_parameters.of(type).values()
        if indexed(parameter)
    ]
    return parameter_ids(store, parameters)


def empty(dsn: str) -> None:
    """Take everything away but the numbers of the search parameters."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables = (
            "i_access, share, job, trace, message, as_of, outgoing, outgoing_raw, outgoing_try, pseudonym, full_text, "
            "dossier_summary, dossier_member, dossier_erased, term_system, term_concept, term_property, term_name, "
            "term_word"
        )
        connection.execute(f"TRUNCATE resource, history, {tables}, {', '.join(INDEX_COLUMNS)}")
        connection.execute("UPDATE index_generation SET generation = 0")
        connection.execute("UPDATE search_parameter SET job = 0")
        connection.execute("DELETE FROM gateway_setting WHERE name = 'dossier-summaries'")
