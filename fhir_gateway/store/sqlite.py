"""The embedded engine: one SQLite file, many readers, one writer that commits waiting writes together.

Source: SQLite, "Write-Ahead Logging", "Isolation in SQLite", "PRAGMA synchronous".
"""

from __future__ import annotations

import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store import complaints
from fhir_gateway.store.access import Parties, asked_of
from fhir_gateway.store.contract import Locks, Narrowing, Read, Row, Version, Write
from fhir_gateway.store.file_lock import FileLock
from fhir_gateway.store.layout import ACCESS, BY_RID, HISTORY, INDEX_COLUMNS, LARGE, RESOURCE, instants_used
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sharing import PatientParameters
from fhir_gateway.store.sqlite_plain_reads import PlainReads
from fhir_gateway.store.text.query import passes
from fhir_gateway.store.text.spelling import PASSES
from fhir_gateway.store.view import View
from fhir_gateway.store.writer import ERASE_SENT, Rows, Writer

T = TypeVar("T")
log = logging.getLogger(__name__)

_GROUP = 64  # writes that share one commit at most
_CACHE_KIB = 65_536
_CACHE_OF_LARGE_KIB = 4096
_PIECE = 1024 * 1024
_PROGRESS_STEPS = 20_000  # virtual machine steps between looks at the clock: well under a millisecond
_BUSY_MILLISECONDS = 10_000
_ERASED_AGAIN_SECONDS = 1.0
_LOOKED_AT = 8  # writes after which the length of the log is looked at, if none was large
_LOG_BYTES = 64 * 1024 * 1024  # how long the log may become before it is carried over into the file


class _Connected(View):
    """What reads over a sqlite3 connection."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"
    _connection: sqlite3.Connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(statement, parameters).fetchall()

    @property
    def certain(self) -> tuple[int, int]:
        # The single writer commits in the order of instants: what is seen here is all there is up to the newest of it.
        newest = self.rows("SELECT max(last_updated) FROM resource")[0][0]
        return (newest or 0) + 1, -1

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """See the contract. SQLite asks for the time between steps; an interrupted SELECT undoes nothing."""
        deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TooCostly(complaints.SEARCH_TOO_COSTLY.at(seconds=f"{seconds:g}")) from error
            raise
        finally:
            self._connection.set_progress_handler(None, 0)


class SqliteView(_Connected):
    """A read transaction."""

    def __init__(self, types: ResourceTypes, connection: sqlite3.Connection, narrowing: Narrowing | None) -> None:
        super().__init__(types, narrowing)
        self._connection = connection


class SqliteWriter(_Connected, Writer):
    """The write transaction of one piece of work."""

    def __init__(
        self,
        types: ResourceTypes,
        patient_parameters: PatientParameters,
        connection: sqlite3.Connection,
        instant: int,
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> None:
        super().__init__(types, patient_parameters, instant, narrowing, owner)
        self._connection = connection

    @property
    def generation(self) -> int:
        generation: int = self._connection.execute("SELECT generation FROM index_generation").fetchone()[0]
        return generation

    def alone(self, name: str) -> bool:
        return True  # there is one writer

    large = False  # whether a document of some size was written

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        # A statement of many rows spends less on its way in and out than as many of one row, and lets other threads
        # have the interpreter once and not after each row.
        names, at, left = tuple(columns), 0, len(rows)
        for size in _ROWS:
            while left >= size:
                values = [*chain.from_iterable(rows[at : at + size])] if size > 1 else rows[at]
                self._connection.execute(_insert(table, names, size), values)
                at, left = at + size, left - size

    def insert_large(self, table: str, columns: Sequence[str], row: Row) -> None:
        # Bound as a value the document would be copied twice over, and stay with the statement.
        *others, data = row
        self._make_room(len(data))
        place = f"({', '.join('?' * len(others))}, zeroblob(?))"
        self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {place}", (*others, len(data)))
        with self._connection.blobopen(table, columns[-1], row[0]) as blob, memoryview(data) as view:
            for at in range(0, len(view), _PIECE):
                blob.write(view[at : at + _PIECE])

    def _make_room(self, size: int) -> None:
        """Have pages leave for the log soon where a document of many megabytes is about to be written."""
        if size > LARGE and not self.large:
            self.large = True
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_OF_LARGE_KIB}")

    def remove(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        clause = " AND ".join(f"{column} = ?" for column in columns)
        self._connection.executemany(f"DELETE FROM {table} WHERE {clause}", rows)

    def change(self, statement: str, parameters: Sequence[object]) -> None:
        self._connection.execute(statement, parameters)

    def listed(self, rows: Sequence[Row]) -> tuple[str, tuple[object, ...]]:
        columns = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate("abc"))
        return f"FROM (SELECT {columns} FROM json_each(?)) n", (json.dumps(rows),)

    def guard(
        self, shared: Collection[int], alone: Collection[int], rids: Sequence[int], sources: Sequence[int]
    ) -> None:
        """There is one writer."""

    def rehash(self, hashes: Sequence[Row]) -> None:
        self._connection.executemany("UPDATE resource SET idx_hash = ? WHERE rid = ?", hashes)

    erased = False  # whether something was taken away that must not stay in the log either

    def erase(self, table: str, rids: Sequence[int]) -> int:
        self.erased = True
        clause, value = self.among("rid", rids)
        # Else the bytes would stay in the file until their page is used again.
        self._connection.execute("PRAGMA secure_delete = ON")
        try:
            return self._connection.execute(f"DELETE FROM {table} WHERE {clause}", (value,)).rowcount
        finally:
            self._connection.execute("PRAGMA secure_delete = OFF")

    def erase_sent(self, subjects: Sequence[str], settled_only: bool) -> None:
        self.erased = True
        self._connection.execute("PRAGMA secure_delete = ON")
        try:
            for each in ERASE_SENT:
                statement = each.format(subjects="subject IN (SELECT value FROM json_each(?))")
                self._connection.execute(statement, (int(settled_only), json.dumps(list(subjects))))
        finally:
            self._connection.execute("PRAGMA secure_delete = OFF")

    def write_rows(self, rows: Rows) -> None:
        if rows.history:
            self.insert("history", HISTORY, rows.history)
        if rows.resource:
            self.insert("resource", RESOURCE, [row for row in rows.resource if len(row[-1]) <= LARGE])
            for row in rows.resource:
                if len(row[-1]) > LARGE:
                    self.insert_large("resource", RESOURCE, row)
        if rows.replaced:
            self._make_room(max(len(row[4]) for row in rows.replaced))
            self._connection.executemany(_REPLACE, rows.replaced)
        if rows.unindexed:
            clause, value = self.among("rid", rows.unindexed)
            for table in BY_RID:
                self._connection.execute(f"DELETE FROM {table} WHERE {clause}", (value,))
        for table, index_rows in rows.index.items():
            if index_rows:
                if table == "i_token" and len(index_rows) > _ROWS[0]:
                    # By far the most rows, many of one code: those that stand together cost a third less together.
                    index_rows = sorted(index_rows, key=_PLACE)
                self.insert(table, ACCESS if table == "i_access" else INDEX_COLUMNS[table], index_rows)


_REPLACE = "UPDATE resource SET vid = ?, last_updated = ?, deleted = ?, idx_hash = ?, body = ? WHERE rid = ?"
_ROWS = (64, 32, 16, 8, 4, 2, 1)  # of one INSERT
_PLACE = itemgetter(0, 1)  # parameter and key; rids are in order already


@lru_cache(maxsize=512)
def _insert(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[Write], T]
    answer: Future[T]
    narrowing: Narrowing | None
    owner: int


class SqliteStore:
    """A store in one file. Closing it waits for the writes that have begun.

    Durable by default: `synchronous` FULL makes an acknowledged write survive the loss of power.
    One process holds the file at a time (a lock file beside it says which), so that instants grow with commits.
    """

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(
        self,
        path: Path,
        types: ResourceTypes,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        log_bytes: int = _LOG_BYTES,
        patient_parameters: PatientParameters | None = None,
    ) -> None:
        self._path = path
        self._types = types
        self._patient_parameters = patient_parameters or PatientParameters()
        self._parties = Parties(asked_of(self.read))
        self._synchronous = synchronous
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._plain_reads = PlainReads(types, self._connect)
        self._log = path.with_name(path.name + "-wal")
        self._log_limit = self._log_bytes = log_bytes
        self._writer_connection = self._connect()
        self._organisations = False  # whether Organizations were written since the last commit
        self._large = False  # whether a document of some size was
        self._unlooked = 0  # writes since the length of the log was looked at
        self._erased = False  # whether the log may still hold what was erased for good
        self._resources = False  # whether anything was that reads by id may see
        self._instant = self._newest_instant()
        self._writer = threading.Thread(target=self._write_on, name="sqlite-writer", daemon=True)
        self._writer.start()

    # --- reading

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        """Return the current version; see `sqlite_plain_reads`."""
        try:
            return self._plain_reads.current(type, id, narrowing)
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    def parties(self, identifier: str | None) -> tuple[int, ...]:
        return self._parties.of(identifier)

    def read(
        self, seconds: float | None = None, feed: bool = True, narrowing: Narrowing | None = None
    ) -> AbstractContextManager[Read]:
        """A snapshot; statements that run beyond `seconds` in all are ended with TooCostly."""
        return self._read(seconds, narrowing)

    @contextmanager
    def _read(self, seconds: float | None, narrowing: Narrowing | None) -> Iterator[Read]:
        try:
            connection = self._reader()
            if connection.in_transaction:
                # Within another read of this thread: the same snapshot.
                yield SqliteView(self._types, connection, narrowing)
                return
            connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        view = SqliteView(self._types, connection, narrowing)
        try:
            if seconds is None:
                yield view
            else:
                with view.limited(seconds):
                    yield view
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        finally:
            _end_read(connection)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        return connection

    # --- writing

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen and empty
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        """Run `work` on the writer's thread; the single writer makes `locks` needless here. See the contract."""
        if self._closed:
            raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason="closed"))
        answer: Future[T] = Future()
        self._jobs.put(_Job(work, answer, narrowing, owner))
        return answer.result()

    def _write_on(self) -> None:
        while (job := self._next_job()) is not None:
            group = [job]
            done = self._commit_together(group)
            if done is None:  # the database gave up on the whole: each for itself, to see whose fault it was
                for each in group:
                    self._commit_together([each], last_try=True)
                    del each
            self._unlooked += len(group)
            del job, group  # what was written may have a large document: it goes while the next is waited for
            self._shorten_log()

    def _next_job(self) -> _Job[Any] | None:
        """Wait for work; None: there will be none. What was erased leaves the log meanwhile."""
        while self._erased:
            try:
                return self._jobs.get(timeout=_ERASED_AGAIN_SECONDS)
            except queue.Empty:
                self._shorten_log()
        return self._jobs.get()

    def _commit_together(self, group: list[_Job[Any]], last_try: bool = False) -> int | None:
        """Carry out the jobs of `group`, and those that wait behind them, in one commit; answer them after it.

        Returns how many were answered, or None when the database rolled everything back and nobody was.
        """
        connection = self._writer_connection
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in group:  # grows while it is walked
                outcomes.append(self._carry_out(job, alone=not outcomes))
                if not last_try and len(group) < _GROUP:
                    self._take_waiting(group)
            connection.execute("COMMIT")
            if self._large:
                self._large = False
                self._unlooked = _LOOKED_AT
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            if self._resources:
                self._resources = False
                self._plain_reads.renew()
            else:
                self._plain_reads.let_go()
            if self._organisations:
                self._organisations = False
                self._parties.forget()
        except sqlite3.Error as error:
            self._give_up(error)
            if not last_try and len(group) > 1:
                return None
            outcomes = [(job.answer, None, _unavailable(error)) for job in group]
        except BaseException as defect:  # noqa: BLE001 - a thread's edge: the senders must hear of it
            self._give_up(defect)
            outcomes = [(job.answer, None, defect) for job in group]
        for answer, result, refusal in outcomes:
            if refusal is None:
                answer.set_result(result)
            else:
                answer.set_exception(refusal)
        return len(outcomes)

    def _shorten_log(self) -> None:
        """Carry the log over into the file once it is long. Readers could otherwise keep it growing for ever.

        Most is carried over beside the readers; only then, when little is left, plain reads are held back, so that
        the log can begin anew. Where another reader still stands in it, the next attempt is some commits away; where
        something was erased, a second at most.
        """
        if self._unlooked < _LOOKED_AT and self._log_bytes > 0 and not self._erased:
            return  # to look is to let others have the interpreter, and to wait for it
        self._unlooked = 0
        try:
            if self._log.stat().st_size < self._log_bytes and not self._erased:
                return
            connection = self._writer_connection
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            with self._plain_reads.held_back():
                connection.execute("PRAGMA busy_timeout = 0")
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
            self._log_bytes = self._log.stat().st_size + self._log_limit if busy else self._log_limit
            self._erased = self._erased and bool(busy)
        except (sqlite3.Error, OSError) as error:
            # Nothing is lost: what is in the log is as durable as what is in the file.
            log.error("log not shortened: %s", error)
            self._log_bytes = 0 if self._erased else self._log_bytes + self._log_limit
            self._erased = False  # it is tried again when something is written

    def _take_waiting(self, group: list[_Job[Any]]) -> None:
        try:
            job = self._jobs.get_nowait()
        except queue.Empty:
            return
        if job is None:
            self._jobs.put(None)  # the sign to stop; seen again after this commit
        else:
            group.append(job)

    def _carry_out(self, job: _Job[Any], alone: bool) -> tuple[Future[Any], Any, BaseException | None]:
        """Carry out a job in the open transaction, or none of it. `alone`: nothing was written before it.

        Then no savepoint is needed, for which SQLite would copy each page before it changes it.
        """
        connection = self._writer_connection
        self._instant = max(time.time_ns() // 1000, self._instant + 1)
        tx = SqliteWriter(self._types, self._patient_parameters, connection, self._instant, job.narrowing, job.owner)
        if not alone:
            connection.execute("SAVEPOINT work")
        try:
            result = job.work(tx)
        except sqlite3.Error:
            raise
        except BaseException as refusal:  # noqa: BLE001 - undone here, raised at the caller's
            for statement in ("ROLLBACK", "BEGIN IMMEDIATE") if alone else ("ROLLBACK TO work", "RELEASE work"):
                connection.execute(statement)
            return job.answer, None, refusal
        if not alone:
            connection.execute("RELEASE work")
        self._instant += instants_used(tx.made)
        self._large |= tx.large
        self._organisations |= tx.organisations
        self._resources |= not tx.beside
        self._erased |= tx.erased
        return job.answer, result, None

    def _give_up(self, error: BaseException) -> None:
        log.error("write failed: %s", error)
        try:
            # A full disk or an I/O error may have ended the transaction already.
            if self._writer_connection.in_transaction:
                self._writer_connection.execute("ROLLBACK")
        except sqlite3.Error as second:
            log.error("rollback failed, opening the file anew: %s", second)
            self._writer_connection.close()
            self._writer_connection = self._connect()

    # --- opening and closing

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=_BUSY_MILLISECONDS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # see _shorten_log
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.create_function(PASSES, 3, passes, deterministic=True)
        with self._opening:
            self._connections.append(connection)
        return connection

    def _newest_instant(self) -> int:
        newest = "SELECT max(last_updated) AS m FROM resource"
        row = self._writer_connection.execute(newest).fetchone()
        return row[0] or 0

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        while not self._jobs.empty():
            if (late := self._jobs.get()) is not None:
                late.answer.set_exception(Unavailable(complaints.STORE_UNAVAILABLE.at(reason="closed")))
        with self._opening:
            for connection in self._connections:
                connection.close()
        self._lock.release()


def _end_read(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("COMMIT")


def _unavailable(error: sqlite3.Error) -> Unavailable:
    log.error("database: %s", error)
    return Unavailable(complaints.STORE_UNAVAILABLE.at(reason=getattr(error, "sqlite_errorname", "SQLITE")))
