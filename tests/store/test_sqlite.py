"""The embedded engine under many writers, refusals and a full disk.

Source: fhir_gateway/store/README.md, "How a write goes"; SQLite, "PRAGMA max_page_count".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Put, Row, Write
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sqlite import SqliteStore
from fhir_gateway.store.writer import Writer
from tests.store.conftest import TYPES
from tests.store.drafts import draft


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(f"sqlite:///{tmp_path}/store.sqlite", TYPES)
    assert isinstance(opened, SqliteStore)
    yield opened
    opened.close()


def test_waiting_writes_share_a_commit_and_a_refused_one_undoes_only_itself(store: SqliteStore) -> None:
    held, go = threading.Event(), threading.Event()

    def hold(tx: Write) -> None:
        held.set()
        go.wait(10)

    def put(number: int) -> str:
        def work(tx: Write) -> str:
            tx.stage([Put(draft("Patient", f"p{number}"))])
            if number % 2:
                raise LookupError(f"p{number}")
            return f"p{number}"

        return store.write(work)

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(store.write, hold)
        held.wait(10)
        waiting = [pool.submit(put, number) for number in range(8)]
        go.set()
        first.result()
        refused = [future.exception() for future in waiting]
    assert [str(each) if each else None for each in refused] == [None, "p1", None, "p3", None, "p5", None, "p7"]
    with store.read() as tx:
        kept = [number for number in range(8) if tx.current("Patient", f"p{number}")]
    assert kept == [0, 2, 4, 6]


def test_a_full_disk_refuses_the_write_whole_and_the_next_one_succeeds_when_there_is_room(store: SqliteStore) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", "before"))]))
    writer = store._writer_connection
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Unavailable, match="store-unavailable"):
        store.write(lambda tx: tx.stage([Put(draft("Patient", f"big{n}", language="x" * 9000)) for n in range(9)]))
    with store.read() as tx:
        assert tx.current("Patient", "big0") is None
        assert tx.current("Patient", "before") is not None

    writer.execute("PRAGMA max_page_count = 1000000")
    store.write(lambda tx: tx.stage([Put(draft("Patient", "after"))]))
    assert store.current("Patient", "after") is not None


def test_a_read_beyond_its_time_is_ended_as_too_costly(store: SqliteStore) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TooCostly, match="search-too-costly"), store.read(seconds=0.05) as tx:
        tx.rows(endless)
    with store.read() as tx:
        assert tx.rows("SELECT 1") == [(1,)]


def test_a_closed_store_refuses_writes(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite", TYPES)
    store.close()
    with pytest.raises(Unavailable):
        store.write(lambda tx: None)


def test_rows_of_any_number_are_written_once_each_and_in_order(store: SqliteStore) -> None:
    rows = [(f"key {number}", number) for number in range(64 + 32 + 16 + 8 + 4 + 2 + 1)]

    def work(tx: Write) -> list[Row]:
        assert isinstance(tx, Writer)
        tx.change("CREATE TEMP TABLE kept (name TEXT, number INTEGER)", ())
        for count in (0, 1, 63, len(rows)):
            tx.insert("kept", ("name", "number"), rows[:count])
        return tx.rows("SELECT name, number FROM kept ORDER BY rowid")

    assert store.write(work) == rows[:1] + rows[:63] + rows


def test_the_log_stays_short_although_reads_stand_in_it_between_commits(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/store.sqlite", TYPES).close()
    limit = 2 * 1024 * 1024
    store = SqliteStore(tmp_path / "store.sqlite", ResourceTypes(TYPES), log_bytes=limit)
    longest = 0
    for number in range(120):
        resource = draft("Patient", f"p{number % 7}", language="x" * 100_000 + str(number))
        store.write(lambda tx, each=resource: tx.stage([Put(each)]))
        assert store.current("Patient", f"p{number % 7}") is not None
        longest = max(longest, store._log.stat().st_size)
    store.close()
    assert limit < longest < 2 * limit


def test_a_plain_read_sees_each_commit_once_it_is_acknowledged(store: SqliteStore) -> None:
    for number in range(1, 50):
        assert store.current("Patient", "absent") is None
        store.write(lambda tx, n=number: tx.stage([Put(draft("Patient", "a", multipleBirthInteger=n))]))
        version = store.current("Patient", "a")
        assert version is not None
        assert version.vid == number
