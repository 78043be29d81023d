"""What the logs of messages forget: bytes of what is settled and old, and nothing else, chunk by chunk.

Source: `fhir_gateway/store/retention.py`.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.retention import Retention
from fhir_gateway.store import messages, outbox, retention
from fhir_gateway.store.contract import Read, Store
from fhir_gateway.store.messages import Arrived, Outcome, State
from fhir_gateway.store.outbox import Item, Tried, Written
from fhir_gateway.store.retention import INCOMING, OUTGOING, drop_bytes

ANSWERED = frozenset({"applied", "ignored"})
_STATES: dict[str, Tried] = {
    "acknowledged": Tried("acknowledged", "AA", answer=b"MSA|AA"),
    "rejected": Tried("rejected", "AE"),
    "queued": Tried("queued", "AR", wait=10_000_000_000),
    "sent": Tried("sent", "CA"),
}


def now() -> int:
    return time.time_ns() // 1000


def received(store: Store, name: int, state: State | None) -> int:
    """Take in a message, and say what became of it (None: nothing yet)."""
    arrived = Arrived(name, b"%d" % name, b"MSH|%d" % name, "gam", "mllp", "ADT^A28", f"C{name}")
    mid = messages.receive(store, arrived, ANSWERED, "rules").mid
    if state is not None:
        messages.settle_alone(store, mid, "received", Outcome(state, b"MSA|AA"))
    return mid


def sent(store: Store, destination: str, came: str | None) -> int:
    """Lay down a message for a destination, and try to send it (None: it was not tried)."""
    store.write(lambda tx: outbox.add(tx, [Item(destination, "ORU^R01", "final", "DiagnosticReport/1", 1)]))
    with store.read() as view:
        head = outbox.head(view, destination)
    assert head is not None
    if came is not None:
        claimed = outbox.claim(store, head, "me", 60, Written(b"MSH|out", "rules 1"))
        assert claimed is not None
        outbox.settle(store, claimed, "me", _STATES[came])
    return head.oid


def forget(store: Store, log: retention.Log, before: int) -> int:
    """Look through all of a log, and return how many lost their bytes."""
    dropped, after = 0, 0
    while True:
        gone, last = drop_bytes(store, log, after, before)
        dropped += gone
        if last is None:
            return dropped
        assert last > after
        after = last


def read(store: Store, ask: Any, *arguments: Any) -> Any:
    with store.read() as view:
        return ask(view, *arguments)


def test_messages_that_were_applied_lose_their_bytes_and_those_that_failed_keep_them(store: Store) -> None:
    states: list[State | None] = ["applied", "applied-with-warnings", "ignored", "failed-content", "failed-transient"]
    mids = [received(store, name, state) for name, state in enumerate([*states, None])]
    assert forget(store, INCOMING, now()) == 3
    assert [read(store, messages.raw, each) for each in mids] == [b"", b"", b"", b"MSH|3", b"MSH|4", b"MSH|5"]
    known = read(store, messages.stored, mids[0])
    assert (known.state, known.answer, known.control_id) == ("applied", b"MSA|AA", "C0")
    assert forget(store, INCOMING, now()) == 0


def test_the_same_message_is_answered_as_before_when_its_bytes_are_gone(store: Store) -> None:
    mid = received(store, 1, "applied")
    assert forget(store, INCOMING, now()) == 1
    again = messages.receive(store, Arrived(1, b"1", b"MSH|1", "gam", "mllp", "ADT^A28", "C1"), ANSWERED, "rules")
    assert again.earlier is not None
    assert (again.earlier.mid, again.earlier.answer) == (mid, b"MSA|AA")


def test_what_was_acknowledged_loses_its_bytes_and_the_log_of_what_went_where_stays(store: Store) -> None:
    oids = {name: sent(store, name, name) for name in _STATES} | {"new": sent(store, "new", None)}
    assert forget(store, OUTGOING, now()) == 1
    kept = {name: read(store, outbox.raw, oid) for name, oid in oids.items()}
    assert kept == {"acknowledged": b"", "rejected": b"MSH|out", "queued": b"MSH|out", "sent": b"MSH|out", "new": b""}
    entry = read(store, outbox.stored, oids["acknowledged"])
    assert (entry.size, entry.mapping, entry.answer) == (7, "rules 1", b"MSA|AA")
    assert [each.came for each in read(store, outbox.tries, entry.oid)] == ["AA"]


def test_what_is_sent_again_when_its_bytes_are_gone_is_written_anew(store: Store) -> None:
    oid = sent(store, "acknowledged", "acknowledged")
    assert forget(store, OUTGOING, now()) == 1
    assert outbox.send_again(store, oid)
    head = read(store, outbox.head, "acknowledged")
    claimed = outbox.claim(store, head, "me", 60, Written(b"MSH|anew"))
    assert claimed is not None
    assert claimed.data == b"MSH|anew"


def test_what_is_younger_keeps_everything(store: Store) -> None:
    instant = now() - 60_000_000
    received(store, 1, "applied")
    sent(store, "acknowledged", "acknowledged")
    assert [forget(store, log, instant) for log in (INCOMING, OUTGOING)] == [0, 0]


def test_it_goes_on_where_it_was_a_chunk_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    for name in range(10):
        received(store, name, "applied")
    assert forget(store, INCOMING, now()) == 10


def test_the_task_does_nothing_where_bytes_are_kept_for_ever_and_comes_again_each_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Whole:
        """As much of a gateway as the task asks for."""

        everything: Any

    gateway = Whole()
    gateway.everything = gateway
    gateway.store = store  # type: ignore[attr-defined]
    received(store, 1, "applied")
    sent(store, "acknowledged", "acknowledged")
    later = now() + 5 * 86_400_000_000
    monkeypatch.setattr("fhir_gateway.interactions.retention.time.time_ns", lambda: later * 1000)

    def step(task: Retention) -> float:
        held: Any = gateway
        asked: Gateway = held
        return task(asked)

    def bytes_of(view: Read) -> list[bytes]:
        return [messages.raw(view, 1), outbox.raw(view, 1)]

    assert step(Retention(0, 0)) > 80_000
    task = Retention(10, 3)
    pause = step(task)
    assert pause < 1
    assert read(store, bytes_of) == [b"MSH|1", b""]
    time.sleep(pause + 0.01)
    assert step(task) > 80_000
    assert step(task) > 80_000
    step(Retention(4, 0))
    assert read(store, bytes_of) == [b"", b""]
