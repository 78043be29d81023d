"""The index of words: written after the resources, never with them, and brought up to date before it is asked.

A write pays nothing. A mark says up to which (instant, rid) the index holds every current version; what lies above it
is behind. On PostgreSQL a commit with an earlier instant may still come, so the mark never passes the line below which
all commits have ended (`Read.certain`); what lies above the line is indexed too, and each row says of which version it
is.

Words are made before the write transaction begins; in it only rows are written whose version is still current, and
whoever writes them holds the one lock `full-text`, so that no older words can come after newer ones.

Source: FHIR R4, Search, "_text, _content".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store.contract import Read, Row, Store, Write
from fhir_gateway.store.text import complaints
from fhir_gateway.store.text.extraction import texts_of
from fhir_gateway.store.text.words import FILLER, lay, type_word, vector
from fhir_gateway.store.writer import Writer

BATCH = 250  # resources of one write transaction
BOUND = 2_000  # resources that a search brings up to date by itself
SECONDS = 2.0  # that it spends on it

_LOCK = "full-text"
_BATCH_BYTES = 8 * 1024 * 1024
_PAUSE = 0.005  # seconds between looks at a lock
_MARK = "full-text"  # its name in gateway_setting
_ERASED = "full-text-erased"  # there while SQLite's file may still hold what was erased
_BEGIN = b"begin"
_PAGES = 256  # of the index, merged in one transaction
_LAST = 2**63 - 1  # instant or rid

_BEHIND = {
    "sqlite": (
        "SELECT r.last_updated, r.rid, r.deleted, r.rtype, length(r.body) FROM resource r"
        " WHERE (r.last_updated, r.rid) > (?, ?) AND r.last_updated <= ? ORDER BY r.last_updated, r.rid LIMIT ?"
    ),
    # A row is of the version of its instant; what is deleted has none.
    "postgresql": (
        "SELECT r.last_updated, r.rid, r.deleted, r.rtype, length(r.body) FROM resource r"
        " WHERE (r.last_updated, r.rid) > (?, ?) AND r.last_updated <= ?"
        " AND (SELECT f.at FROM full_text f WHERE f.rid = r.rid)"
        " IS DISTINCT FROM CASE r.deleted WHEN 0 THEN r.last_updated END ORDER BY r.last_updated, r.rid LIMIT ?"
    ),
}
_ABOVE = "SELECT count(*) FROM resource WHERE (last_updated, rid) > (?, ?)"
_GET = "SELECT value FROM gateway_setting WHERE name = ?"
_SET = (
    "INSERT INTO gateway_setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    " RETURNING name"
)
_WRITE = (
    "INSERT INTO full_text (rid, at, narrative, content)"
    " SELECT n.rid, n.at, n.narrative::tsvector, n.content::tsvector"
    " FROM unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[]) AS n(rid, at, narrative, content)"
    " WHERE EXISTS (SELECT 1 FROM resource r WHERE r.rid = n.rid AND r.last_updated = n.at AND r.deleted = 0)"
    " ON CONFLICT (rid) DO UPDATE SET at = excluded.at, narrative = excluded.narrative, content = excluded.content"
    " RETURNING rid"
)


class Place(NamedTuple):
    """A place in the order of commits: `last_updated` (µs) and rid of a resource."""

    instant: int
    rid: int


class _Version(NamedTuple):
    """One current version that is behind; without a body when it is deleted."""

    place: Place
    rtype: int
    body: bytes | None


class _Words(NamedTuple):
    """One current version as it is indexed; on PostgreSQL `rest` is all of it. Both are None when it is deleted."""

    place: Place
    narrative: str | None
    rest: str | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is behind, up to some number. `reached`: the index is complete up to there when it is written."""

    versions: list[_Version]
    reached: Place


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step found and did. `whole`: it was all that was behind; `newest`: the latest instant there was, µs."""

    behind: int
    whole: bool
    written: bool
    newest: int


def catch_up(store: Store, limit: int = BATCH) -> int:
    """Bring up to `limit` resources up to date, the earliest committed first; return how many.

    0: nothing is behind, or somebody else is at it.
    """
    step = _step(store, limit)
    return step.behind if step.written else 0


def be_current(store: Store, name: str = "_content", bound: int = BOUND, seconds: float = SECONDS) -> None:
    """Bring the index up to date with everything committed before this call.

    Raises: TooCostly, after some of it, when more than `bound` resources are behind, or it takes longer than `seconds`.
    `name`: of the parameter, for the complaint.
    """
    with store.read(feed=False) as view:
        if not _behind(view, _mark(view), 1):
            return
    deadline = time.monotonic() + seconds
    # What is committed while this goes on may stay behind, or it would never end where much is written.
    done, newest = 0, _LAST
    while done < bound and time.monotonic() < deadline:
        step = _step(store, BATCH, newest)
        if step.whole and (step.written or step.behind == 0):
            return
        newest = min(newest, step.newest)
        if step.written:
            done += step.behind
        else:
            time.sleep(_PAUSE)
    with store.read() as view:
        if _behind(view, _mark(view), 1, newest):
            raise TooCostly(complaints.BEHIND.at(name=name))


def be_current_within(tx: Write, name: str = "_content", bound: int = BOUND, seconds: float = SECONDS) -> None:
    """Bring the index up to date with all that this transaction sees, what it has written itself included.

    Raises: TooCostly when more than `bound` resources are behind; Unavailable when others hold the index.
    """
    _hold(tx, seconds)
    mark, line = _mark(tx), _line(tx)
    if len(_behind(tx, mark, bound + 1)) > bound:
        raise TooCostly(complaints.BEHIND.at(name=name))
    whole = False
    while not whole and (rows := _behind(tx, mark, BATCH)):
        batch, whole = _batch(tx, rows, line, _LAST if len(rows) < BATCH else None)
        _write(tx, [_words(tx.dialect, version) for version in batch.versions], batch.reached)
        if tx.dialect == "sqlite":
            # What this transaction wrote stays above the stored mark, to be indexed once more when it is committed.
            mark = batch.versions[-1].place


def erase(tx: Write, rids: Sequence[int]) -> None:
    """Take the words of resources away, in the transaction that takes the resources themselves away for good.

    Raises: Unavailable when others hold the index for seconds.
    """
    _hold(tx, SECONDS)
    _delete(tx, rids)
    if tx.dialect == "sqlite":
        tx.rows(_SET, (_ERASED, _BEGIN))


def forget(store: Store, pages: int = _PAGES) -> bool:
    """Go a step on in taking what was erased out of SQLite's file; return whether there is more to do.

    FTS5 keeps what is deleted until the parts of its index that hold it are merged. PostgreSQL has its autovacuum.
    """
    if store.dialect != "sqlite":
        return False
    with store.read(feed=False) as view:
        if not view.rows(_GET, (_ERASED,)):
            return False

    def work(tx: Write) -> bool:
        found = tx.rows(_GET, (_ERASED,))
        if not found:
            return False
        # A negative number begins to merge all that is there; positive ones go on until fewer than 2 rows change.
        begins = bytes(found[0][0]) == _BEGIN
        before = tx.rows("SELECT total_changes()")[0][0]
        tx.rows("INSERT INTO full_text (full_text, rank) VALUES ('merge', ?)", (-pages if begins else pages,))
        more = begins or tx.rows("SELECT total_changes()")[0][0] - before >= 2
        if more:
            tx.rows(_SET, (_ERASED, b"go on"))
        else:
            tx.rows("DELETE FROM gateway_setting WHERE name = ?", (_ERASED,))
        return more

    return store.write(work)


def number_behind(store: Store) -> int:
    """Return about how many resources the index is behind."""
    with store.read() as view:
        return _number_behind(view)


# --- what is behind


def _step(store: Store, limit: int, up_to: int = _LAST) -> _Step:
    """Index a batch of what is behind, of instants up to `up_to`."""
    with store.read() as view:
        # The line is asked before the snapshot: what lies below it is all seen here.
        mark, line = _mark(view), _line(view)
        rows = _behind(view, mark, limit, up_to)
        if not rows and not _may_advance(view, mark, line):
            return _Step(0, True, True, up_to)
        newest: int = view.rows("SELECT max(last_updated) FROM resource")[0][0] or 0
        batch, whole = _batch(view, rows, line, up_to if len(rows) < limit else None)

    words = [_words(store.dialect, version) for version in batch.versions]

    def work(tx: Write) -> bool:
        if not tx.alone(_LOCK):
            return False
        _write(tx, words, batch.reached)
        return True

    return _Step(len(words), whole, store.write(work), newest)


def _may_advance(view: Read, mark: Place, line: int) -> bool:
    """Tell whether all above the mark is indexed already, and some of it is certain by now."""
    if view.dialect == "sqlite":
        return False
    above = "SELECT 1 FROM resource WHERE (last_updated, rid) > (?, ?) AND last_updated < ? LIMIT 1"
    return bool(view.rows(above, (*mark, line)))


def _mark(view: Read) -> Place:
    found = view.rows(_GET, (_MARK,))
    if not found:
        return Place(0, 0)
    instant, rid = bytes(found[0][0]).split()
    return Place(int(instant), int(rid))


def _set_mark(tx: Write, mark: Place) -> None:
    tx.rows(_SET, (_MARK, b"%d %d" % mark))


def _line(view: Read) -> int:
    """Return the instant below which no commit can come any more, what this transaction itself writes apart."""
    line = view.certain[0]
    return min(line, view.instant) if isinstance(view, Writer) else line


def _behind(view: Read, mark: Place, limit: int, up_to: int = _LAST) -> list[Row]:
    return view.rows(_BEHIND[view.dialect], (*mark, up_to, limit))


def _number_behind(view: Read) -> int:
    mark = _mark(view)
    if not _behind(view, mark, 1):
        return 0
    number: int = view.rows(_ABOVE, mark)[0][0]
    return number


def _batch(view: Read, rows: Sequence[Row], line: int, covered: int | None) -> tuple[_Batch, bool]:
    """Return the versions that rows name, as many as memory should hold at once, and whether these are all.

    covered: the instant up to which the rows are all that is behind; None where there may be more.
    """
    taken: list[Row] = []
    size = 0
    for row in rows:
        size += row[4]
        if taken and size > _BATCH_BYTES:
            covered = None
            break
        taken.append(row)
    certain = Place(line - 1, _LAST)
    reached = Place(*taken[-1][:2]) if covered is None else Place(covered, _LAST)
    return _Batch(list(_versions(view, taken)), min(certain, reached)), covered is not None


def _versions(view: Read, rows: Sequence[Row]) -> Iterator[_Version]:
    clause, value = _among(view, "rid", [row[1] for row in rows if not row[2]])
    found = view.rows(f"SELECT last_updated, rid, body FROM resource WHERE {clause}", (value,)) if rows else []
    bodies = {Place(instant, rid): body for instant, rid, body in found}
    for instant, rid, deleted, rtype, _ in rows:
        place = Place(instant, rid)
        # A write transaction sees what is committed meanwhile: another version is behind by itself.
        if deleted or place in bodies:
            yield _Version(place, rtype, None if deleted else bytes(bodies[place]))


def _words(dialect: str, version: _Version) -> _Words:
    if version.body is None:
        return _Words(version.place, None, None)
    narrative, rest = lay(*texts_of(decode(version.body)))
    mark = type_word(version.rtype)
    if dialect == "sqlite":
        return _Words(version.place, narrative.as_line(), f"{mark} {FILLER} {rest.as_line()}")
    return _Words(version.place, vector((mark,), narrative), vector((mark,), narrative, rest))


# --- writing


def _hold(tx: Write, seconds: float) -> None:
    """Wait until this transaction is the only one to write the index; it is until it ends."""
    deadline = time.monotonic() + seconds
    while not tx.alone(_LOCK):
        if time.monotonic() > deadline:
            raise Unavailable(complaints.BUSY.at(seconds=f"{seconds:g}"))
        time.sleep(_PAUSE)


def _write(tx: Write, made: Sequence[_Words], reached: Place) -> None:
    mark = _mark(tx)
    # Somebody else may have indexed some of it meanwhile.
    words = [each for each in made if each.place > mark]
    if tx.dialect == "sqlite":
        _write_sqlite(tx, words)
    else:
        _write_postgres(tx, words)
    if reached > mark:
        _set_mark(tx, reached)


def _write_sqlite(tx: Write, words: Sequence[_Words]) -> None:
    current = _current(tx, words)
    if current:
        _delete(tx, [each.place.rid for each in current])
    made = [(each.place.rid, each.narrative, each.rest) for each in current if each.rest is not None]
    assert isinstance(tx, Writer)
    if made:
        tx.insert("full_text", ("rowid", "narrative", "rest"), made)


def _current(tx: Write, words: Sequence[_Words]) -> list[_Words]:
    """Return those whose version is still the current one; the others are behind again."""
    clause, value = _among(tx, "rid", [each.place.rid for each in words])
    now = set(tx.rows(f"SELECT last_updated, rid FROM resource WHERE {clause}", (value,)))
    return [each for each in words if each.place in now]


def _write_postgres(tx: Write, words: Sequence[_Words]) -> None:
    gone = [each for each in words if each.rest is None]
    made = [each for each in words if each.rest is not None]
    if gone:
        _delete(tx, [each.place.rid for each in _current(tx, gone)])
    if made:
        columns = zip(*((each.place.rid, each.place.instant, each.narrative, each.rest) for each in made), strict=True)
        tx.rows(_WRITE, [list(column) for column in columns])


def _delete(tx: Write, rids: Sequence[int]) -> None:
    key = "rowid" if tx.dialect == "sqlite" else "rid"
    clause, value = _among(tx, key, rids)
    returning = "" if tx.dialect == "sqlite" else " RETURNING rid"
    tx.rows(f"DELETE FROM full_text WHERE {clause}{returning}", (value,))


def _among(view: Read, column: str, values: Iterable[int]) -> tuple[str, Any]:
    """Return the clause "column is one of these" and its one parameter."""
    if view.dialect == "postgresql":
        return f"{column} = ANY(?::bigint[])", list(values)
    return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(values))
