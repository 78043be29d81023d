"""Plain reads on SQLite: current versions by id, on whatever thread asks, from one snapshot for all until a commit.

A statement with a transaction of its own spends half its time locking the file and asking whether it changed. One
process holds the file, so it is known when it does: until the next commit the snapshot stays open, and what was read
from it is remembered.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fhir_gateway.store.access import outside, visible
from fhir_gateway.store.contract import Narrowing, Row, Version
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.view import CURRENT, VERSION

_REMEMBERED_BYTES = 16 * 1024 * 1024
_ROW_BYTES = 500  # what a remembered version costs beside its body
_SEEN_BYTES = 200  # and that it is seen
log = logging.getLogger(__name__)


class PlainReads:
    """The snapshot and what was read from it. `connect` opens a connection, when the first read asks."""

    def __init__(self, types: ResourceTypes, connect: Callable[[], sqlite3.Connection]) -> None:
        self._types = types
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._remembered: dict[int, Version | None] = {}
        self._seen: dict[tuple[int, tuple[int, ...]], bool] = {}  # by key and parties; what is seen is remembered
        self._bytes = 0

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        """Return the current version, a tombstone included; None when there never was one, or the narrowing hides it.

        Raises: sqlite3.Error.
        """
        rk = rk_of(type, id)
        if narrowing is not None:
            if outside(narrowing, type):
                return None
            if narrowing.parties is not None:
                return self._within(rk, narrowing, narrowing.parties)
        with self._lock:
            if rk in self._remembered:
                return self._remembered[rk]
            row = self._row(CURRENT, (rk,))
            return self._remember(rk, self._types.version(row) if row else None)

    def _within(self, rk: int, narrowing: Narrowing, parties: tuple[int, ...]) -> Version | None:
        key = (rk, parties)
        with self._lock:
            if key in self._seen:
                return self._remembered[rk] if self._seen[key] else None
            clause = visible(narrowing, "sqlite", "resource")
            row = self._row(f"SELECT {clause.text}, {VERSION} FROM resource WHERE rk = ?", (*clause.values, rk))
            version = self._remember(rk, self._types.version(row[1:]) if row else None)
            seen = self._seen[key] = row is not None and row[0] == 1
            self._bytes += _SEEN_BYTES
            return version if seen else None

    def _remember(self, rk: int, version: Version | None) -> Version | None:
        self._bytes += _ROW_BYTES + (len(version.body) if version is not None else 0)
        if self._bytes > _REMEMBERED_BYTES:
            self._forget()
        self._remembered[rk] = version
        return version

    def _row(self, statement: str, values: tuple[int, ...]) -> Row | None:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        if not connection.in_transaction:
            connection.execute("BEGIN")
        row: Row | None = connection.execute(statement, values).fetchone()
        return row

    def _forget(self) -> None:
        self._remembered.clear()
        self._seen.clear()
        self._bytes = 0

    def renew(self) -> None:
        """After a commit, before anybody is told of it: let go of the snapshot, so that the next read sees it."""
        with self.held_back():
            pass

    def let_go(self) -> None:
        """After a commit in which no resource changed: the same, but what is remembered still holds."""
        with self.held_back(forget=False):
            pass

    @contextmanager
    def held_back(self, forget: bool = True) -> Iterator[None]:
        """Inside it nobody reads, and no snapshot is open."""
        with self._lock:
            if forget:
                self._forget()
            connection = self._connection
            try:
                if connection is not None and connection.in_transaction:
                    connection.execute("COMMIT")
            except sqlite3.Error as error:
                # What was written is committed all the same; the next read opens a connection of its own.
                log.error("snapshot not renewed: %s", error)
                self._connection = None
            yield
