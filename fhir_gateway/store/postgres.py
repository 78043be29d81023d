"""The engine for several worker processes: PostgreSQL through psycopg, a pool of connections each.

Source: PostgreSQL documentation, "Transaction Isolation", "Advisory Locks", "System Information Functions
(transaction IDs and snapshots)".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, Literal, TypeVar

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult
from psycopg_pool import ConnectionPool, PoolTimeout

from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store import complaints
from fhir_gateway.store.access import Parties, asked_of, outside
from fhir_gateway.store.contract import Locks, Narrowing, Read, Row, Version, Write
from fhir_gateway.store.index.hashing import h64, rk_of
from fhir_gateway.store.layout import instants_used
from fhir_gateway.store.postgres_rows import (
    BINARY,
    REPLACE_KINDS,
    REPLACE_NAME,
    STATEMENTS,
    UNINDEX_NAME,
    WRITE,
    array_of,
    kind_of,
)
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sharing import PatientParameters
from fhir_gateway.store.view import CURRENT, View, within
from fhir_gateway.store.writer import ERASE_SENT, Rows, Writer

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]
log = logging.getLogger(__name__)

_HORIZON = "SELECT gateway_horizon()"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SLOTS = 1024  # advisory locks a transaction may hold of each class: the lock table is of fixed size
_CRITERIA_CLASS, _KEY_CLASS, _ALONE_CLASS, _ACCESS_CLASS = 7_301, 7_302, 7_303, 7_304
_ATTEMPTS = 5
_POOL_SECONDS = 5.0
_FEW = 8  # rows that are written out in a statement's text
_REPEATABLE = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation)


@lru_cache(maxsize=4096)
def _native(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


class _Connected(View):
    """What reads over a psycopg connection."""

    dialect: Literal["sqlite", "postgresql"] = "postgresql"
    _connection: Connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(_native(statement), parameters, binary=True).fetchall()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """See the contract. PostgreSQL ends the statement and with it the transaction, which is rolled back whole."""
        self._connection.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            raise TooCostly(complaints.SEARCH_TOO_COSTLY.at(seconds=f"{seconds:g}")) from error
        self._connection.execute("SET LOCAL statement_timeout = 0")


class PostgresView(_Connected):
    """A read transaction: REPEATABLE READ, so that several statements see the same commits."""

    def __init__(
        self, types: ResourceTypes, connection: Connection, horizon: int | None, narrowing: Narrowing | None
    ) -> None:
        super().__init__(types, narrowing)
        self._connection = connection
        self._horizon = horizon

    @property
    def certain(self) -> tuple[int, int]:
        if self._horizon is None:
            raise RuntimeError("a feed was asked of a snapshot that was not opened for one")
        return self._horizon, -1


class _Inner(_Connected):
    """The transaction of another view, with a narrowing of its own."""

    def __init__(self, types: ResourceTypes, outer: PostgresView | PostgresWriter, narrowing: Narrowing | None) -> None:
        super().__init__(types, narrowing)
        self._connection = outer._connection
        self._outer = outer

    @property
    def certain(self) -> tuple[int, int]:
        return self._outer.certain


class PostgresWriter(_Connected, Writer):
    """The write transaction of one piece of work."""

    # KEY SHARE lets other versions of the target be written, and makes its deletion wait for us.
    held = " FOR KEY SHARE"
    claimed = " FOR NO KEY UPDATE"
    spared = " FOR NO KEY UPDATE SKIP LOCKED"
    doomed = " FOR UPDATE"

    def __init__(
        self,
        types: ResourceTypes,
        patient_parameters: PatientParameters,
        connection: Connection,
        instant: int,
        generation: int,
        narrowing: Narrowing | None,
        owner: int,
    ) -> None:
        super().__init__(types, patient_parameters, instant, narrowing, owner)
        self._connection = connection
        self._generation = generation
        self.last: list[str] = []  # statements that go with the COMMIT

    @property
    def generation(self) -> int:
        return self._generation

    def alone(self, name: str) -> bool:
        slot = h64(name) & 0x7FFF_FFFF
        return bool(self.rows("SELECT pg_try_advisory_xact_lock(?, ?)", (_ALONE_CLASS, slot))[0][0])

    @property
    def certain(self) -> tuple[int, int]:
        # Each statement has a snapshot of its own here, the next one a later one than this.
        return self.rows(_HORIZON)[0][0], self.instant

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        arrays = ", ".join(f"%b::{kind_of(table, column)}[]" for column in columns)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"
        self._connection.execute(statement, [list(column) for column in zip(*rows, strict=True)])

    def insert_last(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if len(rows) > _FEW:
            kinds = [kind_of(table, column) for column in columns]
            arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, 1))
            statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"
            packed = [array_of(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
            formats = [BINARY] * len(packed)
            _checked(self._connection.pgconn.exec_params(statement.encode(), packed, None, formats))
            return
        # With the COMMIT: no way there and back of its own.
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        self.last.append(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}")

    def remove(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        arrays = ", ".join(f"%b::{kind_of(table, column)}[]" for column in columns)
        clause = " AND ".join(f"t.{column} = n.{column}" for column in columns)
        self._connection.execute(
            f"DELETE FROM {table} t USING unnest({arrays}) AS n({', '.join(columns)}) WHERE {clause}",
            [list(column) for column in zip(*rows, strict=True)],
        )

    def change(self, statement: str, parameters: Sequence[object]) -> None:
        self._connection.execute(_native(statement), parameters)

    def listed(self, rows: Sequence[Row]) -> tuple[str, tuple[object, ...]]:
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        return "FROM unnest(?::bigint[], ?::bigint[], ?::bigint[]) AS n(a, b, c)", columns

    def guard(
        self, shared: Collection[int], alone: Collection[int], rids: Sequence[int], sources: Sequence[int]
    ) -> None:
        if not (shared or alone or rids or sources):
            return
        pids = sorted(self._patient_parameters.pids(self))
        self._connection.execute(
            _GUARD, (list(shared), list(alone), list(rids), pids, list(sources), pids, list(sources))
        )

    def rehash(self, hashes: Sequence[Row]) -> None:
        self._connection.execute(
            "UPDATE resource r SET idx_hash = n.idx_hash FROM unnest(%s::bigint[], %s::bigint[]) AS n(idx_hash, rid)"
            " WHERE r.rid = n.rid",
            [list(column) for column in zip(*hashes, strict=True)],
        )

    def erase(self, table: str, rids: Sequence[int]) -> int:
        # The room of dead rows is written over after the next vacuum, which the server begins by itself.
        return self._connection.execute(f"DELETE FROM {table} WHERE rid = ANY(%s::bigint[])", [list(rids)]).rowcount

    def erase_sent(self, subjects: Sequence[str], settled_only: bool) -> None:
        for each in ERASE_SENT:
            statement = _native(each.format(subjects="subject = ANY(?::text[])"))
            self._connection.execute(statement, (int(settled_only), list(subjects)))

    def write_rows(self, rows: Rows) -> None:
        if rows.unindexed:
            self._run(UNINDEX_NAME, [array_of(rows.unindexed, "int8")])
        if rows.replaced:
            columns = zip(*rows.replaced, strict=True)
            self._run(REPLACE_NAME, [array_of(*each) for each in zip(columns, REPLACE_KINDS, strict=True)])
        by_table: dict[str, Sequence[Row]] = {"resource": rows.resource, "history": rows.history}
        by_table.update({str(table): index_rows for table, index_rows in rows.index.items()})
        self._run(WRITE.name, WRITE.arrays(by_table))

    def _run(self, name: bytes, parameters: list[bytes]) -> None:
        pgconn = self._connection.pgconn
        _checked(pgconn.exec_prepared(name, parameters, [BINARY] * len(parameters)))


def _checked(result: PGresult) -> PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    error = psycopg.errors.error_from_result(result)
    if error.sqlstate is None:
        # libpq's own word, not the server's: the connection is gone.
        raise psycopg.OperationalError(str(error))
    raise error


def _value(result: PGresult) -> bytes:
    value = _checked(result).get_value(0, 0)
    assert value is not None
    return value


def _prepare(connection: Connection) -> None:
    # Pages of an index that is in use are in memory or on a disk without a head to move.
    _checked(connection.pgconn.exec_(b"SET random_page_cost = 1.1"))
    for name, text in STATEMENTS.items():
        _checked(connection.pgconn.prepare(name, text))


# Slots of the keys in ascending order, each alone where somebody wants it alone.
_GUARD = f"""
SELECT CASE WHEN alone THEN pg_advisory_xact_lock({_ACCESS_CLASS}, slot)::text
    ELSE pg_advisory_xact_lock_shared({_ACCESS_CLASS}, slot)::text END
FROM (SELECT (key & {_SLOTS - 1})::integer AS slot, bool_or(alone) AS alone FROM (
        SELECT unnest(%s::bigint[]) AS key, false AS alone
        UNION ALL SELECT unnest(%s::bigint[]), true
        UNION ALL SELECT trk, false FROM i_ref WHERE rid = ANY(%s::bigint[]) AND pid = ANY(%s::int[])
        UNION ALL SELECT trk, true FROM i_ref WHERE rid = ANY(%s::bigint[]) AND pid = ANY(%s::int[])
        UNION ALL SELECT patient, true FROM share WHERE source = ANY(%s::bigint[])
    ) k GROUP BY slot ORDER BY slot OFFSET 0) s
"""


class PostgresStore:
    """A store in a PostgreSQL database, shared by any number of gateway processes.

    A write takes its advisory locks in ascending order, then the instant of its commit (`gateway_begin_commit`), then
    works. Commits end in another order than their instants, so feeds read below the oldest instant still at work
    (`gateway_horizon`): nothing that they have not been shown can come to lie there any more.
    """

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(
        self,
        url: str,
        types: ResourceTypes,
        connections: int = 8,
        patient_parameters: PatientParameters | None = None,
    ) -> None:
        self._types = types
        self._patient_parameters = patient_parameters or PatientParameters()
        self._parties = Parties(asked_of(self.read))
        self._local = threading.local()  # `view`: the transaction that this thread is in
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            timeout=_POOL_SECONDS,
            kwargs={"autocommit": True, "application_name": "fhir-gateway"},
            configure=_prepare,
            open=True,
            reconnect_timeout=1.0,
        )

    # --- reading

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        """Return the current version without a transaction of its own."""
        if outside(narrowing, type):
            return None
        seen_by, values = within(narrowing, self.dialect, "resource")
        with self._connection() as connection:
            row = connection.execute(_native(CURRENT + seen_by), (rk_of(type, id), *values), binary=True).fetchone()
        return self._types.version(row) if row else None

    def parties(self, identifier: str | None) -> tuple[int, ...]:
        return self._parties.of(identifier)

    def read(
        self, seconds: float | None = None, feed: bool = True, narrowing: Narrowing | None = None
    ) -> AbstractContextManager[Read]:
        """A snapshot; a statement that runs beyond `seconds` is ended with TooCostly. `feed`: see the contract."""
        return self._read(seconds, feed, narrowing)

    @contextmanager
    def _read(self, seconds: float | None, feed: bool, narrowing: Narrowing | None) -> Iterator[Read]:
        outer: PostgresView | PostgresWriter | None = getattr(self._local, "view", None)
        if outer is not None:
            # Another connection for each step inwards could leave all of them waiting for one more.
            yield _Inner(self._types, outer, narrowing)
            return
        limit = "" if seconds is None else f"; SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"
        with self._connection() as connection:
            # Before the snapshot, or what ends between the two would be missing below the horizon.
            horizon = int(_value(connection.pgconn.exec_(_HORIZON.encode()))) if feed else None
            _checked(connection.pgconn.exec_(f"{_BEGIN_READ}{limit}".encode()))
            view = self._local.view = PostgresView(self._types, connection, horizon, narrowing)
            try:
                yield view
            except psycopg.errors.QueryCanceled as error:
                raise TooCostly(complaints.SEARCH_TOO_COSTLY.at(seconds=f"{seconds or 0:g}")) from error
            finally:
                self._local.view = None
                if not connection.closed:
                    connection.pgconn.exec_(b"ROLLBACK")

    # --- writing

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen and empty
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        """Run `work` in a transaction of its own; see the contract."""
        for _ in range(_ATTEMPTS):
            with self._connection() as connection:
                try:
                    return self._write(connection, work, locks, narrowing, owner)
                except _REPEATABLE as error:
                    log.warning("write repeated: %s", type(error).__name__)
        raise Unavailable(complaints.WRITE_CONTENDED.at())

    def _write(
        self,
        connection: Connection,
        work: Callable[[Write], T],
        locks: Locks,
        narrowing: Narrowing | None,
        owner: int,
    ) -> T:
        pgconn = connection.pgconn
        try:
            # A row as PostgreSQL writes one: (instant,generation). As two columns it takes a tenth longer.
            instant, generation = map(int, _value(pgconn.exec_(_begin(locks)))[1:-1].split(b","))
            tx = PostgresWriter(
                self._types, self._patient_parameters, connection, instant, generation, narrowing, owner
            )
            self._local.view = tx
            result = work(tx)
            if used := instants_used(tx.made):
                # Rids of a very large commit cover several instants; the next commit begins after them.
                connection.execute("SELECT gateway_skip_instants(%s)", (tx.instant + used,))
            _checked(pgconn.exec_(";".join([*tx.last, "COMMIT"]).encode()))
            if tx.organisations:
                self._parties.forget()
        except BaseException:
            if connection.info.transaction_status != pq.TransactionStatus.IDLE and not connection.closed:
                pgconn.exec_(b"ROLLBACK")
            raise
        finally:
            self._local.view = None
        return result

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            log.error("database: %s", type(error).__name__)
            raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason=type(error).__name__)) from error

    def close(self) -> None:
        self._pool.close()


def _literal(value: int | bytes) -> str:
    return str(value) if isinstance(value, int) else f"'\\x{value.hex()}'"


def _begin(locks: Locks) -> bytes:
    """Return the statements that begin a write, for one round trip: locks in ascending order, instant, generation.

    The instant must come after the locks: who waits for a lock gets a later instant than who held it. The generation
    comes with the instant: who has a greater instant than a transaction that began after a generation was committed
    knows of it.
    """
    statements = ["BEGIN"]
    names = [f"{type}/{id}" for type, id in locks.keys]
    for lock_class, wanted in ((_CRITERIA_CLASS, locks.criteria), (_KEY_CLASS, names)):
        if slots := sorted({h64(name) % _SLOTS for name in wanted}):
            array = ",".join(map(str, slots))
            statements.append(
                f"SELECT pg_advisory_xact_lock({lock_class}, slot) FROM unnest('{{{array}}}'::int4[]) slot"
            )
    statements.append("SELECT gateway_begin_write()")
    return ";".join(statements).encode()
