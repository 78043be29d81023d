"""The outbox: messages that are to go out, a row for each destination, written in the commit that is their reason.

An entry names what it tells of and at which version; its bytes are made before it is first sent and kept, so that who
sends it again after a crash sends the same under the same MSH-10. The entries of a destination are a line: the oldest
one that is not settled is its head, and the only one that may be sent. Who sends holds the head for a while
(`held_until`, by the clock of commits); after that others may take it.

Source: HL7 v2.5.1, chapter 2, 2.9.2 (a sender sends again until it is answered), 2.15.9.10 (MSH-10).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec

from fhir_gateway.store.chosen import chosen
from fhir_gateway.store.contract import Locks, Read, Row, Store, Write
from fhir_gateway.store.writer import Writer

State = Literal[
    "queued",  # to be sent, or sent again
    "sending",  # at the head of its line, held by a process
    "sent",  # its receiver has it (CA) and has not said yet what it thinks of it
    "acknowledged",
    "rejected",  # its content was refused: it must not be sent again as it is
    "dead",  # it could not be written, or was given up
]
STATES: tuple[State, ...] = get_args(State)
LEFT: frozenset[State] = frozenset({"rejected", "dead"})  # what a person has to look at
_NUMBER = {state: number for number, state in enumerate(STATES)}
# What keeps a person from sending an entry again or giving it up: it is on its way, what was sent since tells of the
# same anew, or nothing waits for it.
WhyNot = Literal["", "sending", "superseded", "settled"]
_TRIES = 100  # of one entry that are remembered
_LONGEST = 400  # characters of a text about a try
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Item:
    """What is to go out. `why`: the status of the subject ("DiagnosticReport/1") at that version.

    `document`: the number it goes under, where its event has one (TXA-12); `replaces`: that whose place it takes.
    """

    destination: str
    event: str
    why: str
    subject: str
    vid: int
    document: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands, without its bytes. Instants in µs, 0: not yet; `size` of its bytes, 0: not written yet."""

    oid: int
    recorded: int
    due: int
    settled: int
    held_until: int
    state: State
    attempts: int
    vid: int
    destination: str
    event: str
    why: str
    subject: str
    document: str
    replaces: str
    control_id: str
    mapping: str
    holder: str
    size: int
    detail: Mapping[str, Any]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """The bytes of a message, and the version of the rules that they were made by."""

    data: bytes
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry that this process may send now, with its bytes."""

    entry: Entry
    data: bytes


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to. `came`: MSA-1, or what kept an answer from coming; `wait`: µs until the next, when queued."""

    state: State
    came: str
    began: int = 0
    address: str = ""
    wait: int = 0
    answer: bytes = b""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Try:
    """A try to send an entry, as it is remembered."""

    number: int
    began: int
    ended: int
    control_id: str
    address: str
    came: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries. Empty: whichever."""

    oids: Sequence[int] = ()
    states: Sequence[State] = ()
    destination: str = ""
    event: str = ""
    control_id: str = ""
    subject: str = ""
    since: int = 0  # µs
    until: int = 0  # µs, excluded
    before: int = 0  # oid: those before it
    last: int = 100


_COLUMNS = tuple(Entry.__slots__)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM outgoing"
_GIVEN = ("recorded", "due", "settled", "held_until", "state", "attempts", "vid", "destination", "event", "why",
          "subject", "document", "replaces", "control_id", "mapping", "holder", "size", "detail",
          "answer")  # fmt: skip
_ABOUT = f"{_SELECT} WHERE subject = ? AND destination = ? AND state < {_NUMBER['rejected']}"
_UNSETTLED = "state < 2"  # as the index of lines says it
_HEAD = f"{_SELECT} WHERE destination = ? AND {_UNSETTLED} ORDER BY recorded, oid LIMIT 1"
_BUSY = f"SELECT 1 FROM outgoing WHERE destination = ? AND {_UNSETTLED} AND holder <> '' AND held_until > ? LIMIT 1"
_STOPPED = f"SELECT 1 FROM outgoing WHERE state = {_NUMBER['rejected']} AND destination = ? LIMIT 1"
_KEEP = "INSERT INTO outgoing_raw (oid, raw) VALUES (?, ?) ON CONFLICT (oid) DO UPDATE SET raw = excluded.raw"
_LATER = f"""SELECT 1 FROM outgoing WHERE subject = ? AND destination = ? AND event LIKE ? AND oid > ?
AND state IN ({_NUMBER["sending"]}, {_NUMBER["sent"]}, {_NUMBER["acknowledged"]}) LIMIT 1"""
_LINES = f"SELECT DISTINCT destination FROM outgoing WHERE {_UNSETTLED}"


# --- in the commit that is their reason


def add(tx: Write, items: Sequence[Item]) -> None:
    """Lay down what is to go out, in the order given. Their MSH-10 are made of the commit's instant: no two alike."""
    if not items:
        return
    assert isinstance(tx, Writer)
    rows: list[Any] = []
    for number, each in enumerate(items):
        told = (each.vid, each.destination, each.event, each.why, each.subject, each.document, each.replaces)
        mine = control_id(tx.instant, number)
        rows += (tx.instant, tx.instant, 0, 0, 0, 0, *told, mine, "", "", 0, b"{}", b"")
    marks = ", ".join([f"({', '.join('?' * len(_GIVEN))})"] * len(items))
    tx.change(f"INSERT INTO outgoing ({', '.join(_GIVEN)}) VALUES {marks}", rows)


def last_of(view: Read, destination: str, subject: str) -> list[Entry]:
    """Return what was sent to a destination about a resource, or is on its way, the newest first."""
    rows = view.rows(f"{_ABOUT} ORDER BY oid DESC LIMIT 50", (subject, destination))
    return [_entry(row) for row in rows]


def control_id(instant: int, number: int) -> str:
    """Return an MSH-10, at most 20 characters: of an instant (µs) that no other commit has, and a place within it."""
    digits = ""
    while instant:
        instant, digit = divmod(instant, 36)
        digits = _DIGITS[digit] + digits
    return f"{digits or '0'}-{number}"


# --- what a sender asks and tells


def lines(view: Read) -> list[str]:
    """Return the destinations that something waits for."""
    return [name for (name,) in view.rows(_LINES)]


def head(view: Read, destination: str) -> Entry | None:
    """Return the head of a destination's line; None where nothing waits."""
    rows = view.rows(_HEAD, (destination,))
    return _entry(rows[0]) if rows else None


def is_stopped(view: Read, destination: str) -> bool:
    """Tell whether something of a destination was rejected and nobody has looked at it yet."""
    return bool(view.rows(_STOPPED, (destination,)))


def claim(store: Store, entry: Entry, holder: str, seconds: float, written: Written | None) -> Claimed | None:
    """Take the head of a line to send it, and keep its bytes, if they were made now; durable when this returns.

    `entry`: the head as it was seen; `seconds`: for how long nobody else may. None when somebody else has the line, or
    it has another head by now.
    """

    def work(tx: Write) -> Claimed | None:
        assert isinstance(tx, Writer)
        tx.beside = True
        now = head(tx, entry.destination)
        if now is None or now.oid != entry.oid or now.control_id != entry.control_id or now.due > tx.instant:
            return None
        if tx.rows(_BUSY, (entry.destination, tx.instant)):
            return None
        held = (_NUMBER["sending"], holder, tx.instant + int(seconds * 1_000_000), now.attempts + 1)
        if now.size == 0:
            if written is None:
                return None
            tx.change(
                "UPDATE outgoing SET state = ?, holder = ?, held_until = ?, attempts = ?, size = ?, mapping = ?"
                " WHERE oid = ?",
                (*held, len(written.data), written.mapping, now.oid),
            )
            tx.change(_KEEP, (now.oid, written.data))
        else:
            statement = "UPDATE outgoing SET state = ?, holder = ?, held_until = ?, attempts = ? WHERE oid = ?"
            tx.change(statement, (*held, now.oid))
        taken = stored(tx, now.oid)
        assert taken is not None
        return Claimed(taken, raw(tx, now.oid) if written is None or now.size else written.data)

    return store.write(work, _line(entry.destination))


def keep(store: Store, entry: Entry, written: Written) -> bool:
    """Keep the bytes of the head of a line that nobody sends yet; False when it stands otherwise by now."""

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        changed = tx.rows(
            f"UPDATE outgoing SET size = ?, mapping = ? WHERE oid = ? AND control_id = ? AND size = 0"
            f" AND {_UNSETTLED} RETURNING oid",
            (len(written.data), written.mapping, entry.oid, entry.control_id),
        )
        if changed:
            tx.change(_KEEP, (entry.oid, written.data))
        return bool(changed)

    return store.write(work, _line(entry.destination))


def renew(store: Store, claimed: Claimed, holder: str, seconds: float) -> None:
    """Hold an entry that is still being sent for so many seconds more."""

    def work(tx: Write) -> None:
        assert isinstance(tx, Writer)
        tx.beside = True
        tx.change(
            f"UPDATE outgoing SET held_until = ? WHERE oid = ? AND holder = ? AND state = {_NUMBER['sending']}",
            (tx.instant + int(seconds * 1_000_000), claimed.entry.oid, holder),
        )

    store.write(work)


def settle(store: Store, claimed: Claimed, holder: str, tried: Tried) -> bool:
    """Say what a try came to; False when it is not held any more, or was answered by another way meanwhile."""

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        oid = claimed.entry.oid
        mine = tx.rows(
            f"SELECT attempts FROM outgoing WHERE oid = ? AND holder = ? AND state = {_NUMBER['sending']}",
            (oid, holder),
        )
        if not mine:
            return False
        _note(tx, claimed.entry, tried)
        _become(tx, oid, tried)
        return True

    return store.write(work, _line(claimed.entry.destination))


def put_off(store: Store, entry: Entry, tried: Tried) -> bool:
    """Say what became of an entry whose bytes could not be made; False when it stands otherwise by now."""

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        now = head(tx, entry.destination)
        if now is None or now.oid != entry.oid or now.attempts != entry.attempts or now.state != "queued":
            return False
        tx.change("UPDATE outgoing SET attempts = attempts + 1 WHERE oid = ?", (entry.oid,))
        _note(tx, now, tried)
        _become(tx, entry.oid, tried)
        return True

    return store.write(work, _line(entry.destination))


def answered(store: Store, destination: str, of: str, tried: Tried) -> bool:
    """Say that an answer to an entry has come by another way than the connection it was sent by; False: to none.

    `of`: MSA-2. What was only taken over (sent) is settled by it, what is still being sent or queued again too.
    """

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        return answered_within(tx, destination, of, tried)

    return store.write(work, _line(destination))


def answered_within(tx: Write, destination: str, of: str, tried: Tried) -> bool:
    """The same, within a transaction that holds the lock `line_lock` of the destination."""
    found = tx.rows(f"{_SELECT} WHERE control_id = ? AND destination = ? AND state < ?", (of, destination, 3))
    if not found:
        return False
    entry = _entry(found[0])
    if entry.attempts == 0:
        return False  # it was never sent: whoever says so means another
    _note(tx, entry, tried)
    _become(tx, entry.oid, tried)
    return True


def line_lock(destination: str) -> str:
    """Return the name of the lock under which a destination's line is decided about."""
    return f"outgoing {destination}"


def _line(destination: str) -> Locks:
    return Locks(criteria=frozenset({line_lock(destination)}))


def _become(tx: Write, oid: int, tried: Tried) -> None:
    assert isinstance(tx, Writer)
    is_open = tried.state == "queued"
    values = (_NUMBER[tried.state], tx.instant + tried.wait if is_open else 0, 0 if is_open else tx.instant)
    tx.change(
        "UPDATE outgoing SET state = ?, due = ?, settled = ?, holder = '', held_until = 0, answer = ?, detail = ?"
        " WHERE oid = ?",
        (*values, tried.answer, msgspec.json.encode(tried.detail), oid),
    )


def _note(tx: Write, entry: Entry, tried: Tried) -> None:
    """Remember a try, and forget those long ago."""
    assert isinstance(tx, Writer)
    number = tx.rows("SELECT coalesce(max(number), 0) + 1 FROM outgoing_try WHERE oid = ?", (entry.oid,))[0][0]
    began = tried.began or tx.instant
    row = (entry.oid, number, began, tx.instant, entry.control_id, _fit(tried.address), _fit(tried.came))
    tx.change(f"INSERT INTO outgoing_try (oid, {', '.join(Try.__slots__)}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    tx.change("DELETE FROM outgoing_try WHERE oid = ? AND number <= ?", (entry.oid, number - _TRIES))


def _fit(text: str) -> str:
    """Return a text as both engines keep it: PostgreSQL has no U+0000."""
    return text[:_LONGEST].replace("\0", "\ufffd")


def take_back(store: Store) -> int:
    """Let go of what a process held that has ended; only for a store that one process at a time has. How many."""

    def work(tx: Write) -> int:
        assert isinstance(tx, Writer)
        tx.beside = True
        return len(
            tx.rows(
                f"UPDATE outgoing SET holder = '', held_until = 0 WHERE {_UNSETTLED} AND holder <> '' RETURNING oid"
            )
        )

    return store.write(work)


# --- what a person asks and does


def found(view: Read, wanted: Filter) -> list[Entry]:
    """Return the entries that a filter names, the newest first, no more than it says."""
    where, values = chosen(
        (("oid", wanted.oids), ("state", [_NUMBER[state] for state in wanted.states])),
        ((column, getattr(wanted, column)) for column in ("destination", "event", "control_id", "subject")),
        (("recorded >= ?", wanted.since), ("recorded < ?", wanted.until), ("oid < ?", wanted.before)),
    )
    rows = view.rows(f"{_SELECT}{where} ORDER BY oid DESC LIMIT ?", (*values, wanted.last))
    return [_entry(row) for row in rows]


def stored(view: Read, oid: int) -> Entry | None:
    """Return an entry by its number; None where there is none."""
    rows = view.rows(f"{_SELECT} WHERE oid = ?", (oid,))
    return _entry(rows[0]) if rows else None


def raw(view: Read, oid: int) -> bytes:
    """Return the bytes of an entry; b"" where they were not made yet or are kept no longer, or there is none."""
    rows = view.rows("SELECT raw FROM outgoing_raw WHERE oid = ?", (oid,))
    return bytes(rows[0][0]) if rows else b""


def tries(view: Read, oid: int) -> list[Try]:
    """Return what is remembered of the tries to send an entry, the oldest first."""
    columns = ", ".join(Try.__slots__)
    return [Try(*row) for row in view.rows(f"SELECT {columns} FROM outgoing_try WHERE oid = ? ORDER BY number", (oid,))]


def counts(view: Read) -> dict[State, int]:
    """Return how many entries have each state but acknowledged, of which there may be very many."""
    numbers = [number for state, number in _NUMBER.items() if state != "acknowledged"]
    marks = ", ".join("?" * len(numbers))
    rows = view.rows(f"SELECT state, count(*) FROM outgoing WHERE state IN ({marks}) GROUP BY state", numbers)
    return {STATES[state]: count for state, count in rows}


def oldest(view: Read) -> int:
    """Return when the oldest entry was recorded that is not settled, µs; 0 where there is none."""
    return int(view.rows(f"SELECT coalesce(min(recorded), 0) FROM outgoing WHERE {_UNSETTLED}")[0][0])


def why_not_again(view: Read, entry: Entry) -> WhyNot:
    """Return what keeps an entry from being sent again; "" where nothing does.

    Who sent an earlier version after a later one would put back at its receiver what was amended or withdrawn.
    """
    if entry.state == "sending" and entry.held_until > time.time_ns() // 1000:
        return "sending"
    kind = f"{entry.event.partition('^')[0]}^%"
    later = view.rows(_LATER, (entry.subject, entry.destination, kind, entry.oid))
    return "superseded" if later else ""


def why_not_aside(entry: Entry) -> WhyNot:
    """Return what keeps an entry from being given up; "" where nothing does."""
    if entry.state == "sending" and entry.held_until > time.time_ns() // 1000:
        return "sending"
    return "settled" if entry.state in ("sent", "acknowledged", "dead") else ""


def send_again(store: Store, oid: int) -> bool:
    """Put an entry at its place in the line again, to be written anew by the rules of now, under a new MSH-10.

    Whoever has had it takes it for another message: that is meant, since the same would be answered as before. One that
    waits is tried at once, as it is: it may have arrived, and nobody has answered it yet.
    Returns False for one that is not there, or that something keeps from it (`why_not_again`).
    """

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        entry = stored(tx, oid)
        if entry is None or why_not_again(tx, entry):
            return False
        if entry.state in ("queued", "sending") and entry.size:
            tx.change("UPDATE outgoing SET due = ? WHERE oid = ?", (tx.instant, oid))
            return True
        tx.change(
            "UPDATE outgoing SET state = 0, due = ?, settled = 0, holder = '', held_until = 0, size = 0,"
            " control_id = ?, mapping = '', answer = ?, detail = ? WHERE oid = ?",
            (tx.instant, control_id(tx.instant, 0), b"", b"{}", oid),
        )
        tx.change("DELETE FROM outgoing_raw WHERE oid = ?", (oid,))
        return True

    return store.write(work, Locks(criteria=frozenset({line_lock(_destination(store, oid))})))


def set_aside(store: Store, oid: int, why: str) -> bool:
    """Give an entry up, so that its line goes on; False for one that is not there, or `why_not_aside`."""

    def work(tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        entry = stored(tx, oid)
        if entry is None or why_not_aside(entry):
            return False
        tried = Tried("dead", why, answer=entry.answer, detail={**entry.detail, "given_up": _fit(why)})
        _note(tx, entry, tried)
        _become(tx, oid, tried)
        return True

    return store.write(work, Locks(criteria=frozenset({line_lock(_destination(store, oid))})))


def _destination(store: Store, oid: int) -> str:
    with store.read(feed=False) as view:
        entry = stored(view, oid)
    return "" if entry is None else entry.destination


def _entry(row: Row) -> Entry:
    values = dict(zip(_COLUMNS, row, strict=True))
    detail = msgspec.json.decode(bytes(values["detail"]))
    return Entry(**{**values, "state": STATES[values["state"]], "detail": detail, "answer": bytes(values["answer"])})
