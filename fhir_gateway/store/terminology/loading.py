"""Loading a release into the tables, and taking one away: seen all at once or not at all.

Rows are written in short transactions under a number that nobody reads yet; the last one makes the system visible,
and takes an older load of the same version out of sight. What a load leaves behind that was stopped (or the rows of
what was taken away) is swept up before the next. A load that lives says so with every batch (`held_until`).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from fhir_gateway.fhir.outcome import Conflict, NotFound
from fhir_gateway.store.contract import Row, Store, Write
from fhir_gateway.store.terminology import complaints
from fhir_gateway.store.terminology.loaded import GENERATION, GENERATION_NAME, Loaded, first_id, generation, listed
from fhir_gateway.store.writer import Writer
from fhir_gateway.terminology.releases.prepared import Prepared, Progress

BATCH = 4_000  # rows of one transaction
_BATCH_BYTES = 4 * 1024 * 1024
LET_GO = 2.0  # seconds until every process has looked again (`systems.SECONDS`)
_HELD = 60_000_000  # µs that a load may stand still

_SYSTEM = (
    "system", "state", "url", "version", "supplements", "concept_count", "name_count", "loaded", "holder",
    "held_until", "head", "vocabulary",
)  # fmt: skip
_CONCEPT = ("cid", "system", "code_key", "code", "last", "detail", "children", "more")
_NAME = ("nid", "concept", "language", "flags", "words")
_WORD = ("system", "word", "names")
_PROPERTY = ("system", "property", "content", "concepts")


def load(store: Store, prepared: Prepared, progress: Progress = lambda what, done, total: None) -> Loaded:
    """Lay down a release and make it visible; return it.

    Raises: Conflict when another process loads the same; Unavailable. Nothing of it is visible then.
    """
    sweep(store)
    system = store.write(lambda tx: _begin(tx, prepared))
    try:
        _fill(store, prepared, system, progress)
        replaces = store.write(lambda tx: _show(tx, prepared, system))
    except BaseException:
        # Even after an interruption from the keyboard; if this does not succeed either, the next load does it.
        store.write(lambda tx: _hide(tx, [system]))
        sweep(store)
        raise
    if replaces:
        _let_go(store)
    sweep(store)
    return next(each for each in listed(store) if each.system == system)


def remove(store: Store, canonical: str) -> list[Loaded]:
    """Take a system away ("url|version", or "url" for all versions); return what was taken.

    Raises: NotFound.
    """
    there = listed(store)
    found = [each for each in there if canonical in (each.canonical, each.url)]
    if not found:
        loaded = ", ".join(each.canonical for each in there) or "-"
        raise NotFound(complaints.NOT_LOADED.at(system=canonical, loaded=loaded))
    store.write(lambda tx: _hide(tx, [each.system for each in found]))
    _let_go(store)
    sweep(store)
    return found


def _let_go(store: Store) -> None:
    """Wait until other processes have seen what was taken out of sight: its rows may still be read until then."""
    if store.dialect == "postgresql":
        time.sleep(LET_GO)


# --- steps of a load


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _begin(tx: Write, prepared: Prepared) -> int:
    assert isinstance(tx, Writer)
    release = prepared.release
    # Numbers are given one at a time: whoever does not get the lock waits for the row that the other one writes.
    for state, holder, until in tx.rows(
        "SELECT state, holder, held_until FROM term_system WHERE url = ? AND version = ?",
        (release.url, release.version),
    ):
        if state == "loading" and until > tx.instant:
            raise Conflict(complaints.ALREADY_LOADING.at(system=release.canonical, holder=holder))
    system: int = (tx.rows("SELECT max(system) FROM term_system")[0][0] or 0) + 1
    row = (
        system, "loading", release.url, release.version, release.supplements or "", prepared.concept_count,
        prepared.name_count, 0, _holder(), tx.instant + _HELD, msgspec.json.encode(prepared.head()), b"",
    )  # fmt: skip
    tx.insert("term_system", _SYSTEM, [row])
    return system


def _fill(store: Store, prepared: Prepared, system: int, progress: Progress) -> None:
    base = first_id(system)
    concepts = (
        (base + each.number, system, each.key, each.code, each.last, each.detail, each.children, each.more)
        for each in prepared.concepts()
    )
    names = ((base + each.number, *each[1:]) for each in prepared.names())
    words = ((system, word, numbers) for word, numbers in prepared.words())
    properties = ((system, *each) for each in prepared.contents())
    _insert(store, system, "term_concept", _CONCEPT, concepts, prepared.concept_count, progress)
    _insert(store, system, "term_name", _NAME, names, prepared.name_count, progress)
    _insert(store, system, "term_word", _WORD, words, prepared.word_count, progress)
    _insert(store, system, "term_property", _PROPERTY, properties, prepared.content_count, progress)


def _insert(
    store: Store,
    system: int,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    total: int,
    progress: Progress,
) -> None:
    done = 0
    for batch in _batches(iter(rows)):

        def work(tx: Write, batch: list[Row] = batch) -> None:
            assert isinstance(tx, Writer)
            _hold(tx, system)
            tx.insert(table, columns, batch)

        store.write(work)
        done += len(batch)
        progress(table.removeprefix("term_"), done, total)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, 64)):
        size = sum(len(value) for row in batch for value in row if isinstance(value, bytes))
        while len(batch) < BATCH and size < _BATCH_BYTES:
            more = list(islice(rows, 64))
            if not more:
                break
            size += sum(len(value) for row in more for value in row if isinstance(value, bytes))
            batch += more
        yield batch


def _hold(tx: Write, system: int) -> None:
    held = tx.rows(
        "UPDATE term_system SET held_until = ? WHERE system = ? AND state = 'loading' RETURNING system",
        (tx.instant + _HELD, system),
    )
    if not held:
        raise Conflict(complaints.OVERTAKEN.at(system=system))


def _show(tx: Write, prepared: Prepared, system: int) -> bool:
    """Make a load visible; return whether it replaces an older one."""
    _hold(tx, system)
    release = prepared.release
    older = tx.rows(
        "UPDATE term_system SET state = 'removed' WHERE url = ? AND version = ? AND state = 'ready' RETURNING system",
        (release.url, release.version),
    )
    tx.rows(
        "UPDATE term_system SET state = 'ready', loaded = ?, vocabulary = ? WHERE system = ? RETURNING system",
        (tx.instant, prepared.vocabulary(), system),
    )
    _renew(tx)
    return bool(older)


def _hide(tx: Write, systems: Sequence[int]) -> None:
    for system in systems:
        tx.rows("UPDATE term_system SET state = 'removed' WHERE system = ? RETURNING system", (system,))
    _renew(tx)


def _renew(tx: Write) -> None:
    """Let readers know that what is loaded has changed."""
    value = str(generation(tx.rows(GENERATION)) + 1).encode()
    tx.rows(
        "INSERT INTO gateway_setting (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING name",
        (GENERATION_NAME, value),
    )


# --- sweeping


def sweep(store: Store) -> None:
    """Delete the rows of systems that were taken away, and of loads that were stopped."""
    for system in store.write(_left_behind):
        low, high = first_id(system), first_id(system + 1) - 1
        for statement, values in (
            (_DELETE_BY_ID.format(table="term_concept", id="cid"), (low, high)),
            (_DELETE_BY_ID.format(table="term_name", id="nid"), (low, high)),
            (_DELETE_BY_KEY.format(table="term_word", key="word"), (system, system)),
            (_DELETE_BY_KEY.format(table="term_property", key="property, content"), (system, system)),
        ):
            while store.write(lambda tx, statement=statement, values=values: tx.rows(statement, values)):  # type: ignore[misc]
                pass
        store.write(lambda tx, system=system: tx.rows(_FORGET, (system,)))  # type: ignore[misc]


_DELETE_BY_ID = (
    "DELETE FROM {table} WHERE {id} IN"
    " (SELECT {id} FROM {table} WHERE {id} >= ? AND {id} <= ? ORDER BY {id} LIMIT 10000) RETURNING {id}"
)
_DELETE_BY_KEY = (
    "DELETE FROM {table} WHERE system = ? AND ({key}) IN"
    " (SELECT {key} FROM {table} WHERE system = ? LIMIT 5000) RETURNING system"
)
_FORGET = "DELETE FROM term_system WHERE system = ? AND state = 'removed' RETURNING system"


def _left_behind(tx: Write) -> list[int]:
    # One process holds a SQLite file: what is being loaded there while this one sweeps was left by another.
    alone = tx.dialect == "sqlite"
    left = []
    for system, state, until in tx.rows("SELECT system, state, held_until FROM term_system WHERE state <> 'ready'"):
        if state == "removed" or alone or until < tx.instant:
            tx.rows("UPDATE term_system SET state = 'removed' WHERE system = ? RETURNING system", (system,))
            left.append(system)
    return left
