"""The floor of an import: the rows the gateway made, into the same tables, in one transaction a Bundle, by the driver.

Run as a process of its own: `python -m tests.benchmarks.import_floor ROWS URL [POSTMASTER]`. ROWS is what `keep_rows`
wrote; URL an empty database. Prints JSON: seconds of CPU and of wall time, and the CPU of the database's processes.

The tables are made by the gateway's own migrations, and the connection is set up as the gateway sets up its own.
"""

from __future__ import annotations

import gc
import json
import marshal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import psycopg
from psycopg import pq

from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Read, Row
from fhir_gateway.store.layout import INDEX_COLUMNS, RESOURCE
from fhir_gateway.store.postgres_rows import BINARY, WRITE
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sqlite import SqliteStore
from tests.benchmarks.processes import family_cpu_seconds

COLUMNS = dict([("resource", RESOURCE), *INDEX_COLUMNS.items()])
Bundle = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an import cost, in seconds."""

    resources: int
    rows: int
    cpu: float
    database_cpu: float
    wall: float


def keep_rows(url: str, file: Path) -> None:
    """Write the rows of the database at `url` to a file, by the Bundle they came in, in the order of their rid."""
    store = open_store(url, _resource_types())
    try:
        with store.read() as view, file.open("wb") as out:
            commits = view.rows("SELECT min(rid), max(rid) FROM resource GROUP BY last_updated ORDER BY 1")
            for first, last in commits:
                marshal.dump({table: _rows(view, table, first, last) for table in COLUMNS}, out)
    finally:
        store.close()


def names_in(url: str, count: int) -> list[str]:
    """Return so many resources of a database, "Type/id", evenly from the first made to the last."""
    types = _resource_types()
    store = open_store(url, types)
    try:
        with store.read() as view:
            found = view.rows("SELECT rtype, fhir_id FROM resource WHERE deleted = 0 ORDER BY rid")
    finally:
        store.close()
    name = ResourceTypes(types).name
    return [f"{name(number)}/{id}" for number, id in found[:: max(1, len(found) // count)][:count]]


def _rows(view: Read, table: str, first: int, last: int) -> list[Row]:
    columns = ", ".join(COLUMNS[table])
    found = view.rows(f"SELECT {columns} FROM {table} WHERE rid BETWEEN ? AND ? ORDER BY rid", (first, last))
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]


def _resource_types() -> tuple[str, ...]:
    from fhir_gateway.conformance.definitions import definitions

    return definitions(None).types.resources


def measure(rows: Path, url: str, postmaster: int | None) -> Cost:
    """Insert the rows of a file into the empty database at `url`, in a process of its own."""
    command = [sys.executable, "-m", __name__, str(rows), url, *([str(postmaster)] if postmaster else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Cost(**json.loads(done.stdout))


def _bundles(file: Path) -> Iterator[Bundle]:
    with file.open("rb") as data:
        while data.peek(1):
            yield marshal.load(data)


def _insert(rows: Path, url: str, postmaster: int | None) -> Cost:
    store = open_store(url, _resource_types())
    insert = _into_sqlite(store) if isinstance(store, SqliteStore) else _into_postgres(url)
    resources = count = 0
    cpu = wall = 0.0
    gc.disable()
    theirs = family_cpu_seconds(postmaster) if postmaster else 0.0
    for bundle in _bundles(rows):
        resources += len(bundle["resource"])
        count += sum(map(len, bundle.values()))
        begun = process_time(), perf_counter()
        insert(bundle)
        cpu, wall = cpu + process_time() - begun[0], wall + perf_counter() - begun[1]
    theirs = (family_cpu_seconds(postmaster) if postmaster else 0.0) - theirs
    with store.read() as view:
        held = sum(view.rows(f"SELECT count(*) FROM {table}")[0][0] for table in COLUMNS)
    if held != count:
        raise RuntimeError(f"{count} rows were inserted and {held} are there")
    store.close()
    return Cost(resources, count, cpu, theirs, wall)


def _into_sqlite(store: SqliteStore) -> Callable[[Bundle], None]:
    # The very settings of the gateway's connections, whatever they are.
    connection = store._connect()
    statements = {
        table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        for table, columns in COLUMNS.items()
    }

    def insert(bundle: Bundle) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in bundle.items():
            connection.executemany(statements[table], rows)
        connection.execute("COMMIT")

    return insert


def _into_postgres(url: str) -> Callable[[Bundle], None]:
    connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
    pgconn = connection.pgconn
    _checked(pgconn.prepare(WRITE.name, WRITE.text))

    def insert(bundle: Bundle) -> None:
        _checked(pgconn.exec_(b"BEGIN"))
        arrays = WRITE.arrays(dict(bundle))
        _checked(pgconn.exec_prepared(WRITE.name, arrays, [BINARY] * len(arrays)))
        _checked(pgconn.exec_(b"COMMIT"))

    # The pgconn alone does not keep the connection open.
    insert.connection = connection  # type: ignore[attr-defined]
    return insert


def _checked(result: pq.abc.PGresult) -> None:
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise RuntimeError(result.get_error_message())


def main() -> None:
    rows, url, *postmaster = sys.argv[1:]
    print(json.dumps(asdict(_insert(Path(rows), url, int(postmaster[0]) if postmaster else None))))


if __name__ == "__main__":
    main()
