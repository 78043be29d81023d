"""Where and with what a read by id should ask PostgreSQL: driver, thread, event loop, pipeline.

    python -m tests.benchmarks.postgres_reads [--reads 4000] [--json FILE]

A read brings a body of 2 kB from a table of 20,000 by a prepared statement in binary. CPU is this process's, "server"
all its backends', wall is elapsed time over reads; the least of five runs, since neighbours only add. asyncpg is
measured where it is installed; the project has no use for it otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import random
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from psycopg import pq
from psycopg.rows import tuple_row

from tests.benchmarks.postgres_layouts import cpu_of, database, server

ROWS, BODY = 20_000, bytes(random.Random(1).randrange(32, 126) for _ in range(2000))
READ = "select vid, last_updated, deleted, body from resource where rk = %b"
READ_NATIVE = READ.replace("%b", "$1")
Read = Callable[[int], Awaitable[bytes]]
BINARY = pq.Format.BINARY


def fill(connection: psycopg.Connection[Any]) -> None:
    """Make the table of bodies; the key of a row is its number times 7919."""
    connection.execute(
        "create table resource (rk int8 primary key, vid int4, last_updated int8, deleted int2, body bytea)",
        prepare=False,
    )
    connection.execute("alter table resource alter body set storage external", prepare=False)
    connection.execute(
        "insert into resource select n * 7919, 1, n, 0, %b from generate_series(0, %b) n", (BODY, ROWS - 1)
    )
    connection.execute("vacuum analyze resource", prepare=False)


class Way(ABC):
    """One way to read. `open` makes as many connections as reads may run at once and returns the read."""

    def __init__(self, dsn: str, concurrent: int) -> None:
        self.dsn, self.concurrent, self.pids = dsn, concurrent, list[int]()

    @abstractmethod
    async def open(self) -> Read: ...

    @abstractmethod
    async def close(self) -> None: ...


class Sync(Way):
    """psycopg, blocking, in the loop's own thread"""

    async def open(self) -> Read:
        self.connection = psycopg.connect(self.dsn, autocommit=True, prepare_threshold=0)
        self.pids.append(self.connection.info.backend_pid)
        cursor = self.connection.cursor(binary=True, row_factory=tuple_row)

        async def read(rk: int) -> bytes:
            row = cursor.execute(READ, (rk,)).fetchone()
            return row[3]  # type: ignore[index,no-any-return]

        return read

    async def close(self) -> None:
        self.connection.close()


class SyncTransaction(Sync):
    """psycopg, blocking, in the loop's thread, BEGIN; select; COMMIT as one pipeline"""

    async def open(self) -> Read:
        await super().open()
        connection = self.connection
        begin, cursor, commit = (connection.cursor(binary=True) for _ in range(3))

        async def read(rk: int) -> bytes:
            with connection.pipeline():
                begin.execute("begin read only")
                cursor.execute(READ, (rk,))
                commit.execute("commit")
            return cursor.fetchone()[3]  # type: ignore[index,no-any-return]

        return read


class Executor(Way):
    """psycopg, blocking, through run_in_executor"""

    async def open(self) -> Read:
        self.local, self.connections = threading.local(), list[psycopg.Connection[Any]]()
        self.pool = ThreadPoolExecutor(self.concurrent)
        loop = asyncio.get_running_loop()

        def ask(rk: int) -> bytes:
            cursor = getattr(self.local, "cursor", None)
            if cursor is None:
                connection = psycopg.connect(self.dsn, autocommit=True, prepare_threshold=0)
                self.connections.append(connection)
                self.pids.append(connection.info.backend_pid)
                cursor = self.local.cursor = connection.cursor(binary=True)
            return cursor.execute(READ, (rk,)).fetchone()[3]  # type: ignore[index,no-any-return]

        async def read(rk: int) -> bytes:
            return await loop.run_in_executor(self.pool, ask, rk)

        return read

    async def close(self) -> None:
        self.pool.shutdown()
        for connection in self.connections:
            connection.close()


class Async(Way):
    """psycopg AsyncConnection on uvloop"""

    async def open(self) -> Read:
        self.connections = [
            await psycopg.AsyncConnection.connect(self.dsn, autocommit=True, prepare_threshold=0)
            for _ in range(self.concurrent)
        ]
        self.pids += [connection.info.backend_pid for connection in self.connections]
        free = deque(connection.cursor(binary=True) for connection in self.connections)

        async def read(rk: int) -> bytes:
            cursor = free.pop()
            try:
                await cursor.execute(READ, (rk,))
                row = await cursor.fetchone()
                return row[3]  # type: ignore[index,no-any-return]
            finally:
                free.append(cursor)

        return read

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()


class AsyncTransaction(Async):
    """psycopg AsyncConnection on uvloop, BEGIN; select; COMMIT as one pipeline"""

    async def open(self) -> Read:
        await super().open()
        free = deque(self.connections)

        async def read(rk: int) -> bytes:
            connection = free.pop()
            try:
                async with connection.pipeline():
                    await connection.execute("begin read only")
                    cursor = await connection.execute(READ, (rk,), binary=True)
                    await connection.execute("commit")
                return (await cursor.fetchone())[3]  # type: ignore[index,no-any-return]
            finally:
                free.append(connection)

        return read


class Libpq(Sync):
    """psycopg.pq: PQexecPrepared, blocking, in the loop's thread"""

    async def open(self) -> Read:
        await super().open()
        pgconn, pack = self.connection.pgconn, struct.Struct(">q").pack
        pgconn.prepare(b"read", READ_NATIVE.encode(), [20])

        async def read(rk: int) -> bytes:
            found = pgconn.exec_prepared(b"read", [pack(rk)], [BINARY], BINARY)
            return found.get_value(0, 3)  # type: ignore[return-value]

        return read


class LibpqPipeline(Sync):
    """psycopg.pq: one connection in pipeline mode shared by all reads of the loop, add_reader"""

    async def open(self) -> Read:
        await super().open()
        pgconn, pack = self.connection.pgconn, struct.Struct(">q").pack
        pgconn.prepare(b"read", READ_NATIVE.encode(), [20])
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        waiting: deque[asyncio.Future[bytes]] = deque()
        self.loop = asyncio.get_running_loop()

        def ready() -> None:
            pgconn.consume_input()
            while waiting and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    continue
                if result.status == pq.ExecStatus.TUPLES_OK:
                    waiting[0].set_result(result.get_value(0, 3))  # type: ignore[arg-type]
                elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                    waiting.popleft()
                else:
                    waiting[0].set_exception(RuntimeError(result.error_message.decode()))

        def read(rk: int) -> asyncio.Future[bytes]:
            future = self.loop.create_future()
            waiting.append(future)
            pgconn.send_query_prepared(b"read", [pack(rk)], [BINARY], BINARY)
            pgconn.pipeline_sync()
            pgconn.flush()
            return future

        self.loop.add_reader(pgconn.socket, ready)
        return read

    async def close(self) -> None:
        self.loop.remove_reader(self.connection.pgconn.socket)
        await super().close()


class Asyncpg(Way):
    """asyncpg on uvloop (comparison only)"""

    async def open(self) -> Read:
        asyncpg = importlib.import_module("asyncpg")
        self.connections = [await asyncpg.connect(self.dsn) for _ in range(self.concurrent)]
        self.pids += [connection.get_server_pid() for connection in self.connections]
        free = deque([await connection.prepare(READ_NATIVE) for connection in self.connections])

        async def read(rk: int) -> bytes:
            statement = free.pop()
            try:
                row = await statement.fetchrow(rk)
                return row["body"]  # type: ignore[no-any-return]
            finally:
                free.append(statement)

        return read

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()


WAYS: list[type[Way]] = [Sync, Executor, Async, SyncTransaction, AsyncTransaction, Libpq, LibpqPipeline, Asyncpg]


async def timed(way: Way, reads: int) -> dict[str, float]:
    """Return µs of CPU here, CPU there and wall for a read, the least of five runs."""
    read = await way.open()
    drawn = random.Random(2)

    async def client(number: int) -> None:
        for _ in range(number):
            body = await read(drawn.randrange(ROWS) * 7919)
            assert len(body) == len(BODY)

    await asyncio.gather(*(client(100) for _ in range(way.concurrent)))
    runs = []
    for _ in range(5):
        wall, cpu, served = time.perf_counter(), time.process_time(), sum(map(cpu_of, way.pids))
        await asyncio.gather(*(client(reads // way.concurrent) for _ in range(way.concurrent)))
        after = (time.process_time() - cpu, sum(map(cpu_of, way.pids)) - served, time.perf_counter() - wall)
        runs.append([seconds * 1e6 / reads for seconds in after])
    await way.close()
    return dict(zip(("cpu", "server", "wall"), map(min, zip(*runs, strict=True)), strict=True))


def main() -> None:
    """Measure every way with 1 and 16 reads at once, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    lines = []
    uvloop.install()
    with server() as dsn, database(dsn, "reads") as connection:
        fill(connection)
        there = dsn.replace("/postgres?", "/reads?")
        for kind in WAYS:
            if kind is Asyncpg and importlib.util.find_spec("asyncpg") is None:
                print("asyncpg is not installed here: not measured")
                continue
            for concurrent in (1, 16):
                figures = asyncio.run(timed(kind(there, concurrent), arguments.reads))
                lines.append({"way": kind.__doc__, "concurrent": concurrent, **figures})
                cells = "  ".join(f"{name} {value:6.1f}" for name, value in figures.items())
                print(f"{kind.__doc__:92} {concurrent:2}  {cells}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
