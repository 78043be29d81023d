"""The read lane on PostgreSQL: reads by id on the event loop, all through one connection in pipeline mode.

A read by id is one statement of some 20 µs of the server. Handed to a thread it costs 90 µs here, through psycopg's
AsyncConnection 45, through libpq's own pipeline 12, and the loop never waits (tests/benchmarks/README.md).

Source: PostgreSQL, libpq, "Pipeline Mode", "Asynchronous Command Processing".
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import deque
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq

from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.store import complaints
from fhir_gateway.store.access import outside
from fhir_gateway.store.contract import EVERYONE, Narrowing, Row, Version
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.postgres_rows import array_of
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.view import CURRENT, within

_ANY = Narrowing((EVERYONE,))  # one narrowing has the text of all: the parties are a list
_PREPARE = (
    # Else each read within parties is planned anew, for 75 µs: with their number known its cost seems less.
    "SET plan_cache_mode = force_generic_plan",
    f"PREPARE gateway_read (bigint) AS {CURRENT.replace('?', '$1')}",
    f"PREPARE gateway_read_within (bigint, bigint[]) AS {CURRENT.replace('?', '$1')}"
    f"{within(_ANY, 'postgresql', 'resource')[0].replace('?', '$2')}",
)
_SECONDS = 5.0  # how long a read may wait for the database
_READ, _READ_WITHIN = b"gateway_read", b"gateway_read_within"
_pack_key = struct.Struct(">q").pack
log = logging.getLogger(__name__)


class Lost(Exception):
    """The connection is gone, or the database does not answer."""


class PostgresLane:
    """One connection of the event loop's own, opened when first needed and again after the database was lost."""

    def __init__(self, url: str, types: ResourceTypes) -> None:
        self._url = url
        self._types = types
        self._link: _Link | None = None
        self._opening = asyncio.Lock()

    async def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        """Return the current version, a tombstone included. Raises: Unavailable."""
        if outside(narrowing, type):
            return None
        rk = rk_of(type, id)
        parties = None if narrowing is None or narrowing.parties is None else _packed(narrowing.parties)
        link = self._link
        try:
            if link is not None and link.alive:
                try:
                    row = await link.ask(rk, parties)
                except Lost:
                    # The database was restarted since: a read may be asked again.
                    row = await (await self._open()).ask(rk, parties)
            else:
                row = await (await self._open()).ask(rk, parties)
        except (Lost, psycopg.Error, TimeoutError) as error:
            log.error("database: %s", error.__class__.__name__)
            raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason=error.__class__.__name__)) from error
        return self._types.version(row) if row is not None else None

    async def _open(self) -> _Link:
        async with self._opening:
            if self._link is None or not self._link.alive:
                async with asyncio.timeout(_SECONDS):
                    connection = await psycopg.AsyncConnection.connect(
                        self._url, autocommit=True, application_name="fhir-gateway-reads"
                    )
                    for statement in _PREPARE:
                        await connection.execute(statement)
                self._link = _Link(connection, asyncio.get_running_loop())
            return self._link

    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()


class _Link:
    """A connection in pipeline mode: questions go out as they come, answers come back in their order."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]], loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._loop = loop
        self._waiting: deque[asyncio.Future[Row | None]] = deque()
        self._answered = 0
        self.alive = True
        self._pgconn.nonblocking = 1
        self._pgconn.enter_pipeline_mode()
        self._socket = self._pgconn.socket
        loop.add_reader(self._socket, self._receive)
        self._watch = loop.call_later(_SECONDS, self._look, 0)

    def ask(self, rk: int, parties: bytes | None = None) -> asyncio.Future[Row | None]:
        """Return the row to come, None where there is none or none of `parties` sees it. The future may raise Lost."""
        future: asyncio.Future[Row | None] = self._loop.create_future()
        name, values = (_READ, [_pack_key(rk)]) if parties is None else (_READ_WITHIN, [_pack_key(rk), parties])
        try:
            self._pgconn.send_query_prepared(name, values, [pq.Format.BINARY] * len(values), pq.Format.BINARY)
            self._pgconn.pipeline_sync()
            self._waiting.append(future)
            self._flush()
        except psycopg.Error as error:
            self._lose(error)
            if not future.done():
                future.set_exception(Lost(str(error)))
        return future

    def _flush(self) -> None:
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._go_on_flushing)

    def _go_on_flushing(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._lose(error)

    def _receive(self) -> None:
        pgconn, waiting = self._pgconn, self._waiting
        try:
            pgconn.consume_input()
            while waiting and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    continue  # between the result of a query and its sync
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    waiting.popleft()
                    self._answered += 1
                elif result.status == pq.ExecStatus.TUPLES_OK:
                    if not waiting[0].done():  # else nobody waits for it any more
                        waiting[0].set_result(_row(result) if result.ntuples else None)
                else:
                    # A statement this plain fails only when the server is going down or is not ours any more.
                    self._lose(Lost(result.error_message.decode(errors="replace")))
                    return
        except psycopg.Error as error:
            self._lose(error)

    def _look(self, answered: int) -> None:
        """Give the connection up when a read has waited since the last look and nothing was answered."""
        if self._waiting and self._answered == answered:
            self._lose(TimeoutError())
        else:
            self._watch = self._loop.call_later(_SECONDS, self._look, self._answered if self._waiting else -1)

    def _lose(self, error: BaseException) -> None:
        if not self.alive:
            return
        self.alive = False
        log.error("read lane lost: %s", error.__class__.__name__)
        self._release()
        self._pgconn.finish()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Lost(error.__class__.__name__))

    def _release(self) -> None:
        self._watch.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)

    async def close(self) -> None:
        if self.alive:
            self.alive = False
            self._release()
            await self._connection.close()


@lru_cache(1024)
def _packed(parties: tuple[int, ...]) -> bytes:
    return array_of(parties, "int8")


def _row(result: pq.abc.PGresult) -> Row:
    rtype, fhir_id, rid, vid, last_updated, deleted, body = (result.get_value(0, column) or b"" for column in range(7))
    number = int.from_bytes
    return (
        number(rtype, "big"),
        fhir_id.decode(),
        number(rid, "big"),
        number(vid, "big"),
        number(last_updated, "big"),
        number(deleted, "big"),
        body,
    )
