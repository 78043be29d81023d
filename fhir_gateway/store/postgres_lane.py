"""The read lane on PostgreSQL: reads by id awaited on the event loop, without a hop to a worker thread.

A read by id is one statement of some 50 µs; handing it to a thread and back costs more than the read
(tests/benchmarks/README.md). Everything else goes through `postgres.py`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg

from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.store import complaints
from fhir_gateway.store.contract import Version
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.view import CURRENT

_STATEMENT = CURRENT.replace("?", "%s")
_WAIT_SECONDS = 5.0
log = logging.getLogger(__name__)
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresLane:
    """A few connections of the event loop's own, opened when first needed and again after the database was lost."""

    def __init__(self, url: str, types: ResourceTypes, connections: int = 4) -> None:
        self._url = url
        self._types = types
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(connections)

    async def current(self, type: str, id: str) -> Version | None:
        """Return the current version, a tombstone included. Raises: Unavailable."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS), self._free:
                row = await self._row(rk_of(type, id))
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            log.error("database: %s", error.__class__.__name__)
            raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason=error.__class__.__name__)) from error
        return self._types.version(row) if row else None

    async def _row(self, rk: int) -> tuple[Any, ...] | None:
        if self._idle:
            try:
                return await self._ask(self._idle.pop(), rk)
            except psycopg.OperationalError:
                # The database was restarted since: the other idle connections are gone too.
                await self.close()
        return await self._ask(await self._connect(), rk)

    async def _ask(self, connection: Connection, rk: int) -> tuple[Any, ...] | None:
        try:
            cursor = connection.cursor(binary=True)
            await cursor.execute(_STATEMENT, (rk,), prepare=True)
            row = await cursor.fetchone()
        except BaseException:
            # Interrupted or lost in the middle: what state the connection is in is not known.
            await connection.close()
            raise
        self._idle.append(connection)
        return row

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True, application_name="fhir-gateway-reads")

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()
