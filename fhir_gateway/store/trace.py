"""The trace: a row for each request that came to the gate, in the order they were written, and no more than are kept.

A row holds when the request came (`instant`, µs), how long it took (`duration`, µs; of a write up to its row), the
status it was answered with, and the rest as JSON (`record`), packed as superseded versions are where it is long.

Source: FHIR R4, Security, "Audit Logging"; GDPR, Art. 5(1)(f).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.store.contract import Read, Row, Store, Write
from fhir_gateway.store.layout import pack, unpack
from fhir_gateway.store.writer import Writer

COLUMNS = ("instant", "duration", "status", "record")
_LONG = 2_000  # bytes: packing a short one takes longer than all the rest
_CHUNK = 2_000  # rows that go with one transaction
_DAY = 86_400_000_000  # µs


def write(tx: Write, rows: Sequence[Row]) -> None:
    """Write rows (instant, duration, status, record packed)."""
    assert isinstance(tx, Writer)
    tx.insert_last("trace", COLUMNS, rows)


def write_beside(tx: Write, rows: Sequence[Row]) -> None:
    """Write rows in a transaction of their own: about what was done before, or not at all."""
    assert isinstance(tx, Writer)
    tx.beside = True
    write(tx, rows)


def packed(record: Any) -> bytes:
    """Return a record as its row holds it: JSON, packed where it is long."""
    try:
        text = msgspec.json.encode(record)
    except UnicodeEncodeError:  # half a character, which JSON can escape and UTF-8 cannot hold: "?"
        text = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
    return text if len(text) < _LONG else pack(text)


def trim(store: Store, rows: int, days: int, chunks: int = 5) -> int:
    """Delete the oldest rows, beyond so many or older than so many days; return how many, not all of them at once.

    Rows number themselves, so that what is beyond is found without counting; on PostgreSQL a request that was undone
    leaves a number out, and as many fewer are kept.
    """
    deleted = 0
    for _ in range(chunks):
        with store.read(feed=False) as view:
            up_to = _beyond(view, rows, time.time_ns() // 1000 - days * _DAY)
        if up_to is None:
            break
        gone = store.write(lambda tx, up_to=up_to: _delete(tx, up_to))  # type: ignore[misc]
        deleted += gone
        if not gone:
            break
    return deleted


def _beyond(view: Read, rows: int, oldest: int) -> int | None:
    """Return the number of the last row of a chunk that goes; None when none does."""
    first, last = view.rows("SELECT min(tid), max(tid) FROM trace")[0]
    if first is None:
        return None
    if last - rows >= first:
        return min(int(last) - rows, int(first) + _CHUNK - 1)
    if view.rows("SELECT instant FROM trace WHERE tid = ?", (first,))[0][0] >= oldest:
        return None
    found: int = view.rows(
        f"SELECT max(t.tid) FROM (SELECT tid, instant FROM trace ORDER BY tid LIMIT {_CHUNK}) t WHERE t.instant < ?",
        (oldest,),
    )[0][0]
    return found


def _delete(tx: Write, up_to: int) -> int:
    assert isinstance(tx, Writer)
    tx.beside = True
    # On PostgreSQL several processes may want to: one at a time is enough.
    return len(tx.rows("DELETE FROM trace WHERE tid <= ? RETURNING tid", (up_to,))) if tx.alone("trace") else 0


def records(view: Read) -> list[dict[str, Any]]:
    """Return all records, as they are told, in the order they were written."""
    found = view.rows(f"SELECT {', '.join(COLUMNS)} FROM trace ORDER BY tid")
    return [told(row) for row in found]


def told(row: Row) -> dict[str, Any]:
    """Return a row as a record is told: when, how long (ms), status, actor, interaction, what, patients."""
    instant, duration, status, record = row
    text = bytes(record)
    return {
        "time": instant_text(instant),
        "ms": duration / 1000,
        "status": status,
        **msgspec.json.decode(text if text[:1] == b"{" else unpack(text)),
    }


class Untold(Exception):
    """The trace cannot be read; says why."""


def lines(url: str, last: int = 100, patient: str | None = None, since: int | None = None) -> Iterator[bytes]:
    """Yield the newest records as lines of JSON, the oldest of them first, from beside a gateway that is at work.

    `last`: how many at most. `patient`: of those that touched the Patient of this id. `since`: of those that came at
    this instant (µs) or later. The database is read only; a file of SQLite is not locked by it.

    Raises: Untold when the database cannot be read, or has no trace yet.
    """
    try:
        yield from _read(url, last, patient, since)
    except (sqlite3.Error, psycopg.Error) as error:
        # What a driver says of a connection may quote the URL, and a password in it.
        said = str(error).partition("\n")[0] if isinstance(error, sqlite3.Error | psycopg.ProgrammingError) else ""
        raise Untold(f"the database cannot be read: {said or type(error).__name__}") from error


def _read(url: str, last: int, patient: str | None, since: int | None) -> Iterator[bytes]:
    statement = f"SELECT {', '.join(COLUMNS)} FROM trace WHERE instant >= %s ORDER BY tid DESC"
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).absolute()
        file = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            yield from _lines(file.execute(statement.replace("%s", "?"), (since or 0,)), last, patient)
        finally:
            file.close()
        return
    with psycopg.connect(url) as connection, connection.cursor("trace") as cursor:
        yield from _lines(cursor.execute(statement, (since or 0,)), last, patient)


def _lines(rows: Iterable[Row], last: int, patient: str | None) -> Iterator[bytes]:
    found: deque[bytes] = deque()
    for row in rows:
        if len(found) == last:
            break
        record = told(row)
        if patient is None or patient in record.get("patients", ()):
            found.appendleft(msgspec.json.encode(record))
    yield from found
