"""How long the logs of messages keep bytes: of what is settled they go after a while, and what became of it stays.

What still waits for somebody is kept whole: messages that failed, that are to go out, that were refused over there.
Rows are looked through by their numbers, a chunk at a time; where bytes lie is not asked of an index, which every
message would pay for.

Source: GDPR, Art. 5(1)(e), storage limitation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_gateway.store import messages, outbox
from fhir_gateway.store.contract import Read, Store, Write
from fhir_gateway.store.writer import Writer

CHUNK = 1_000  # rows that are looked through at once


@dataclass(frozen=True, slots=True)
class Log:
    """A table of messages with its number, the instant (µs) a row came, and the states whose bytes may go.

    `held`: which rows have bytes; `drop`: what takes those of some numbers away.
    """

    table: str
    number: str
    instant: str
    states: Sequence[int]
    held: str
    drop: str


INCOMING = Log(
    "message", "mid", "received", [messages.STATES.index(each) for each in sorted(messages.SETTLED)],
    "length(raw) > 0",
    "UPDATE message SET raw = substr(raw, 1, 0) WHERE mid IN ({marks}) AND state IN ({states}) RETURNING mid",
)  # fmt: skip
OUTGOING = Log(
    "outgoing", "oid", "recorded", [outbox.STATES.index("acknowledged")],
    "oid IN (SELECT oid FROM outgoing_raw)",
    "DELETE FROM outgoing_raw WHERE oid IN (SELECT oid FROM outgoing WHERE oid IN ({marks}) AND state IN ({states}))"
    " RETURNING oid",
)  # fmt: skip


def drop_bytes(store: Store, log: Log, after: int, before: int) -> tuple[int, int | None]:
    """Take the bytes from a chunk of the rows beyond a number (`after`) that were settled before an instant (µs).

    Returns how many lost theirs, and the number to go on after; None: no row is as old as that any more.
    """
    with store.read(feed=False) as view:
        last = _last(view, log, after, before)
        found = _found(view, log, after, last, before) if last is not None else []
    if last is None:
        return 0, None
    return store.write(lambda tx: _dropped(tx, log, found)) if found else 0, last


def _last(view: Read, log: Log, after: int, before: int) -> int | None:
    chunk = f"SELECT {log.number} AS n, {log.instant} AS t FROM {log.table} WHERE {log.number} > ? ORDER BY 1 LIMIT ?"
    found: int | None = view.rows(f"SELECT max(n) FROM ({chunk}) c WHERE t < ?", (after, CHUNK, before))[0][0]
    return found


def _found(view: Read, log: Log, after: int, last: int, before: int) -> list[int]:
    states = ", ".join(map(str, log.states))
    rows = view.rows(
        f"SELECT {log.number} FROM {log.table} WHERE {log.number} > ? AND {log.number} <= ? AND settled < ?"
        f" AND state IN ({states}) AND {log.held}",
        (after, last, before),
    )
    return [number for (number,) in rows]


def _dropped(tx: Write, log: Log, numbers: Sequence[int]) -> int:
    """Take bytes away, but of what somebody has made wait again meanwhile."""
    assert isinstance(tx, Writer)
    tx.beside = True
    states, marks = ", ".join(map(str, log.states)), ", ".join("?" * len(numbers))
    return len(tx.rows(log.drop.format(marks=marks, states=states), numbers))
