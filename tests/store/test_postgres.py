"""The engine for several processes: the read lane, and feeds that never pass over a late commit.

Source: fhir_gateway/store/README.md, "Decisions".
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import HistoryQuery, Put, Write
from fhir_gateway.store.postgres_lane import PostgresLane
from fhir_gateway.store.resource_types import ResourceTypes
from tests.postgres import Database
from tests.store.conftest import TYPES
from tests.store.drafts import draft


def test_the_lane_reads_what_the_store_wrote(postgres_database: str) -> None:
    store = open_store(postgres_database, TYPES)
    [staged] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a"))]))
    store.close()

    async def read() -> None:
        lane = PostgresLane(postgres_database, ResourceTypes(TYPES))
        found = await asyncio.gather(*[lane.current("Patient", "a") for _ in range(20)])
        assert set(found) == {staged.version}
        assert await lane.current("Patient", "b") is None
        await lane.close()

    asyncio.run(read())


def test_the_lane_opens_new_connections_when_the_database_cut_the_old_ones(postgres_database: str) -> None:
    open_store(postgres_database, TYPES).close()

    async def read() -> None:
        lane = PostgresLane(postgres_database, ResourceTypes(TYPES))
        await asyncio.gather(*[lane.current("Patient", "a") for _ in range(4)])
        with psycopg.connect(postgres_database, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fhir-gateway-reads'"
                " AND datname = current_database()"
            )
        assert await lane.current("Patient", "a") is None
        await lane.close()

    asyncio.run(read())


def test_a_database_that_cannot_be_reached_is_unavailable(postgres_database: str) -> None:
    async def read() -> None:
        lane = PostgresLane(postgres_database.replace("/t_", "/no_such_"), ResourceTypes(TYPES))
        with pytest.raises(Unavailable, match="store-unavailable"):
            await lane.current("Patient", "a")

    asyncio.run(read())


def test_a_feed_shows_nothing_above_a_commit_that_may_still_come(postgres_database: str) -> None:
    store = open_store(postgres_database, TYPES)
    begun, go = threading.Event(), threading.Event()

    def slow(tx: Write) -> int:
        begun.set()
        go.wait(10)
        tx.stage([Put(draft("Patient", "slow"))])
        return tx.instant

    def feed() -> list[str]:
        with store.read() as tx:
            return [version.id for version in tx.history(HistoryQuery("Patient")).versions]

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(store.write, slow)
        begun.wait(10)
        quick = store.write(lambda tx: (tx.stage([Put(draft("Patient", "quick"))]), tx.instant)[1])
        # `quick` has the later instant: were it shown now, a poller would go on from there and miss `slow`.
        assert feed() == []
        with store.read() as tx:
            assert tx.current("Patient", "quick") is not None
        go.set()
        assert late.result() < quick
    assert feed() == ["quick", "slow"]
    store.close()


def test_a_read_beyond_its_time_is_ended_as_too_costly(postgres_database: str) -> None:
    store = open_store(postgres_database, TYPES)
    with pytest.raises(TooCostly, match="search-too-costly"), store.read(seconds=0.05) as tx:
        tx.rows("SELECT pg_sleep(5)")
    with store.read() as tx:
        assert tx.rows("SELECT 1") == [(1,)]
    store.close()


def test_a_transaction_of_another_database_holds_no_feed_up(postgres: Database, postgres_database: str) -> None:
    store = open_store(postgres_database, TYPES)
    elsewhere = postgres.create()
    with psycopg.connect(elsewhere) as other:
        other.execute("CREATE TABLE t (x int)")
        store.write(lambda tx: tx.stage([Put(draft("Patient", "a"))]))
        with store.read() as tx:
            assert [version.id for version in tx.history(HistoryQuery("Patient")).versions] == ["a"]
    postgres.drop(elsewhere)
    store.close()
