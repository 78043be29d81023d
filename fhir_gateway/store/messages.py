"""The log of messages: each as it came, before anybody reads it, and what became of it.

A message is *received* in a commit of its own; the commit that writes what it says marks it *applied*, so that the two
cannot disagree. It has a name (of MSH-3, 4 and 10) and a content (all its bytes but MSH-7): who sends the same again is
answered as before, and a row without bytes says so.

How new what a resource was made of is (`as_of`) is told by clocks of the sender (EVN-2, PID-33, OBR-22): one row for
each resource and clock.

Source: HL7 v2.5.1, chapter 2, 2.9.2 and 2.9.3 (acknowledgement); IHE ITI TF-2, appendix C.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from fhir_gateway.store.chosen import chosen
from fhir_gateway.store.contract import Locks, Read, Row, Store, Write
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.layout import LARGE
from fhir_gateway.store.writer import Writer

State = Literal[
    "received",  # stored, and not understood yet
    "applied",
    "applied-with-warnings",
    "ignored",  # accepted: its event makes nothing here, or it answers a message of ours
    "duplicate",  # of an earlier one, whose answer was given again
    "failed-content",  # it must not be sent again as it is
    "failed-transient",  # a circumstance stood in the way
]
STATES: tuple[State, ...] = get_args(State)
SETTLED: frozenset[State] = frozenset({"applied", "applied-with-warnings", "ignored"})
DEAD: frozenset[State] = frozenset({"failed-content", "failed-transient"})
_NUMBER = {state: number for number, state in enumerate(STATES)}
_DUPLICATE = _NUMBER["duplicate"]
_LONGEST = 200  # characters of what is told of a message beside its bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that has just come. `name`: hash of MSH-3, 4 and 10; `content`: digest of its bytes but for MSH-7."""

    name: int
    content: bytes
    raw: bytes
    partner: str
    door: str
    event: str
    control_id: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as the log has it, without its bytes. Instants in µs; 0: not yet."""

    mid: int
    name: int
    content: bytes
    received: int
    settled: int
    state: State
    attempts: int
    original: int
    unplaced: int
    partner: str
    door: str
    event: str
    control_id: str
    mapping: str
    detail: Mapping[str, Any]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message. `unplaced`: how many of its fields no rule read; `detail`: what is told of it.

    `raw`: its bytes, which are stored already; with many of them at hand less memory is needed.
    """

    state: State
    answer: bytes = b""
    mapping: str = ""
    unplaced: int = 0
    detail: Mapping[str, Any] | None = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Reception:
    """What the log says of a message that has come. `earlier`: the same message, which has its answer; `same_name`:
    whether there is another message of that name with another content.
    """

    mid: int
    state: State = "received"
    earlier: Stored | None = None
    same_name: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages. Empty: whichever."""

    mids: Sequence[int] = ()
    states: Sequence[State] = ()
    partner: str = ""
    event: str = ""
    control_id: str = ""
    since: int = 0  # µs
    before: int = 0  # mid: those before it
    last: int = 100


class SettledMeanwhile(Exception):
    """Somebody else has settled the message since it was looked at: nothing of this must be written."""


_COLUMNS = tuple(Stored.__slots__)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM message"
_GIVEN = ("name", "content", "received", "settled", "state", "attempts", "original", "unplaced", "partner", "door",
          "event", "control_id", "mapping", "detail", "answer", "raw")  # fmt: skip
_INSERT = f"INSERT INTO message ({', '.join(_GIVEN)}) VALUES ({', '.join('?' * len(_GIVEN))}) RETURNING mid"
_SAME_NAME = f"{_SELECT} WHERE name = ? AND state <> {_DUPLICATE} ORDER BY mid DESC LIMIT 20"
_SETTLE = """UPDATE message SET settled = ?, state = ?, attempts = attempts + 1, mapping = ?, unplaced = ?, detail = ?,
answer = ? WHERE mid = ? AND state = ? RETURNING mid"""


def receive(store: Store, arrived: Arrived, answered: frozenset[State], mapping: str) -> Reception:
    """Store a message before anybody reads it, and return what is known of it; durable when this returns.

    `answered`: the states in which the earlier answer to the same message is given again; one that failed for its
    content only as long as the rules are those of `mapping`.
    """
    row = _row(arrived)

    def work(tx: Write) -> Reception:
        assert isinstance(tx, Writer)
        tx.beside = True
        same_name = False
        for found in tx.rows(_SAME_NAME, (arrived.name,)):
            if bytes(found[2]) != arrived.content:
                same_name = True
                continue
            earlier = _stored(found)
            is_stale = earlier.state == "failed-content" and earlier.mapping != mapping
            if earlier.state not in answered or is_stale:
                return Reception(earlier.mid, earlier.state, None, same_name)
            _insert(tx, row, state="duplicate", original=earlier.mid)
            return Reception(earlier.mid, earlier.state, earlier, same_name)
        return Reception(_insert(tx, row), same_name=same_name)

    # Two of one name may come at once, by two processes.
    return store.write(work, Locks(criteria=frozenset({f"message {arrived.name}"})))


def _row(arrived: Arrived) -> list[Any]:
    texts = (arrived.partner, arrived.door, arrived.event, arrived.control_id)
    return [arrived.name, arrived.content, 0, 0, 0, 0, 0, 0, *map(_fit, texts), "", b"{}", b"", arrived.raw]


def _fit(text: str) -> str:
    """Return a text as both engines keep it: PostgreSQL has no U+0000."""
    return text[:_LONGEST].replace("\0", "\ufffd")


def _insert(tx: Write, row: Sequence[Any], state: State = "received", original: int = 0) -> int:
    given = [*row]
    given[2], given[4], given[6] = tx.instant, _NUMBER[state], original
    if original:
        given[3], given[-1] = tx.instant, b""
    if len(given[-1]) <= LARGE or tx.dialect != "sqlite":
        return int(tx.rows(_INSERT, given)[0][0])
    # Its number is that of a row without bytes, which gives way to it.
    mid = int(tx.rows(_INSERT, [*given[:-1], b""])[0][0])
    _put_large(tx, mid, given)
    return mid


def _put_large(tx: Write, mid: int, row: Sequence[Any]) -> None:
    """Write a message of many megabytes anew; an UPDATE would read all of it and write it from memory."""
    assert isinstance(tx, Writer)
    tx.change("DELETE FROM message WHERE mid = ?", (mid,))
    tx.insert_large("message", ("mid", *_GIVEN), (mid, *row))


def settle(tx: Write, mid: int, was: State, outcome: Outcome) -> None:
    """Say what became of a message, in the transaction that writes what it says, if any.

    `was`: its state when it was looked at. Raises: SettledMeanwhile when it has another by now.
    """
    detail = msgspec.json.encode(outcome.detail or {})
    if len(outcome.raw) > LARGE and tx.dialect == "sqlite":
        _settle_large(tx, mid, was, outcome, detail)
        return
    values = (tx.instant, _NUMBER[outcome.state], outcome.mapping, outcome.unplaced, detail, outcome.answer)
    if not tx.rows(_SETTLE, (*values, mid, _NUMBER[was])):
        raise SettledMeanwhile


def _settle_large(tx: Write, mid: int, was: State, outcome: Outcome, detail: bytes) -> None:
    found = tx.rows(f"SELECT {', '.join(_GIVEN[:-1])} FROM message WHERE mid = ? AND state = ?", (mid, _NUMBER[was]))
    if not found:
        raise SettledMeanwhile
    row = dict(zip(_GIVEN, found[0], strict=False))
    row |= {"settled": tx.instant, "state": _NUMBER[outcome.state], "attempts": row["attempts"] + 1, "detail": detail}
    row |= {"mapping": outcome.mapping, "unplaced": outcome.unplaced, "answer": outcome.answer, "raw": outcome.raw}
    _put_large(tx, mid, [row[name] for name in _GIVEN])


def settle_alone(store: Store, mid: int, was: State, outcome: Outcome) -> None:
    """Say what became of a message that writes nothing. Raises: SettledMeanwhile."""

    def work(tx: Write) -> None:
        assert isinstance(tx, Writer)
        tx.beside = True
        settle(tx, mid, was, outcome)

    store.write(work)


def _stored(row: Row) -> Stored:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("content", "answer"):
        values[name] = bytes(values[name])
    detail = msgspec.json.decode(bytes(values["detail"]))
    return Stored(**{**values, "state": STATES[values["state"]], "detail": detail})


def found(view: Read, wanted: Filter) -> list[Stored]:
    """Return the messages that a filter names, the newest first, no more than it says."""
    where, values = chosen(
        (("mid", wanted.mids), ("state", [_NUMBER[state] for state in wanted.states])),
        (("partner", wanted.partner), ("event", wanted.event), ("control_id", wanted.control_id)),
        (("received >= ?", wanted.since), ("mid < ?", wanted.before)),
    )
    rows = view.rows(f"{_SELECT}{where} ORDER BY mid DESC LIMIT ?", (*values, wanted.last))
    return [_stored(row) for row in rows]


def stored(view: Read, mid: int) -> Stored | None:
    """Return a message by its number; None where there is none."""
    rows = view.rows(f"{_SELECT} WHERE mid = ?", (mid,))
    return _stored(rows[0]) if rows else None


def raw(view: Read, mid: int) -> bytes:
    """Return the bytes of a message as they came; of a duplicate those of what it repeats; b"" where there are none."""
    rows = view.rows("SELECT raw, original FROM message WHERE mid = ?", (mid,))
    if not rows:
        return b""
    return raw(view, rows[0][1]) if rows[0][1] else bytes(rows[0][0])


def counts(view: Read) -> dict[State, int]:
    """Return how many messages have each state."""
    return {STATES[state]: count for state, count in view.rows("SELECT state, count(*) FROM message GROUP BY state")}


# --- how new what a resource was made of is


def measure(type: str, id: str, clock: str) -> int:
    """Return the key of a resource and a clock ("EVN-2")."""
    return h64(f"{type}/{id}#{clock}")


def as_of(view: Read, measures: Iterable[int]) -> dict[int, int]:
    """Return what is known of some measures: µs."""
    wanted = tuple(measures)
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    return dict(view.rows(f"SELECT measure, instant FROM as_of WHERE measure IN ({marks})", wanted))


def advance(tx: Write, instants: Mapping[int, int]) -> None:
    """Note how new what was written is, for each measure."""
    if not instants:
        return
    assert isinstance(tx, Writer)
    values = ", ".join(["(?, ?)"] * len(instants))
    rows = [value for pair in sorted(instants.items()) for value in pair]
    tx.change(
        f"INSERT INTO as_of (measure, instant) VALUES {values} "
        "ON CONFLICT (measure) DO UPDATE SET instant = excluded.instant",
        rows,
    )
