"""The outbox: lines in order, one sender at a time, the same bytes under the same MSH-10, nothing lost.

Source: `fhir_gateway/store/outbox.py`; HL7 v2.5.1, chapter 2, 2.9.2, 2.15.9.10.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from fhir_gateway.store import outbox
from fhir_gateway.store.contract import Store, Write
from fhir_gateway.store.outbox import Claimed, Entry, Filter, Item, Tried, Written

BYTES = Written(b"MSH|one", "rules 1")


def item(destination: str = "a", subject: str = "DiagnosticReport/1", **more: Any) -> Item:
    return Item(destination, more.pop("event", "ORU^R01"), more.pop("why", "final"), subject, 1, **more)


def added(store: Store, *items: Item) -> None:
    store.write(lambda tx: outbox.add(tx, items))


def head(store: Store, destination: str = "a") -> Entry:
    with store.read() as view:
        found = outbox.head(view, destination)
    assert found is not None
    return found


def claimed(store: Store, holder: str = "me", seconds: float = 60, destination: str = "a") -> Claimed:
    found = outbox.claim(store, head(store, destination), holder, seconds, BYTES)
    assert found is not None
    return found


def entry(store: Store, oid: int) -> Entry:
    with store.read() as view:
        found = outbox.stored(view, oid)
    assert found is not None
    return found


def test_what_is_to_go_out_is_there_with_the_commit_that_is_its_reason_and_not_without(store: Store) -> None:
    added(store, item(), item("b", document="D-1", replaces="D-0"))

    def refused(tx: Write) -> None:
        outbox.add(tx, [item("c")])
        raise KeyError("refused")

    with pytest.raises(KeyError, match="refused"):
        store.write(refused)
    with store.read() as view:
        assert sorted(outbox.lines(view)) == ["a", "b"]
        second, first = outbox.found(view, Filter())
        assert (second.document, second.replaces, second.why, second.state) == ("D-1", "D-0", "final", "queued")
        assert first.control_id != second.control_id
        assert all(len(each.control_id) <= 20 for each in (first, second))
        assert outbox.counts(view) == {"queued": 2}
        assert outbox.oldest(view) == first.recorded


def test_a_line_is_sent_in_order_and_its_head_by_one_at_a_time(store: Store) -> None:
    added(store, item(subject="DiagnosticReport/1"))
    added(store, item(subject="DiagnosticReport/2"))
    first = claimed(store)
    assert (first.data, first.entry.state, first.entry.attempts) == (BYTES.data, "sending", 1)
    assert outbox.claim(store, head(store), "other", 60, BYTES) is None
    assert outbox.settle(store, first, "me", Tried("acknowledged", "AA", answer=b"MSA|AA"))
    assert not outbox.settle(store, first, "me", Tried("acknowledged", "AA"))
    second = claimed(store, "other")
    assert second.entry.subject == "DiagnosticReport/2"
    assert entry(store, first.entry.oid).answer == b"MSA|AA"


def test_one_destination_does_not_hold_up_another(store: Store) -> None:
    added(store, item("a"), item("b"))
    claimed(store, destination="a")
    assert claimed(store, destination="b").entry.destination == "b"


def test_what_a_dead_process_had_is_sent_again_the_same_under_the_same_control_id(store: Store) -> None:
    added(store, item())
    before = claimed(store, "dead", seconds=0.05)
    time.sleep(0.1)
    after = outbox.claim(store, head(store), "alive", 60, None)
    assert after is not None
    assert (after.data, after.entry.control_id, after.entry.attempts) == (before.data, before.entry.control_id, 2)
    assert not outbox.settle(store, before, "dead", Tried("acknowledged", "AA"))
    assert outbox.settle(store, after, "alive", Tried("acknowledged", "AA"))


def test_a_claim_that_is_renewed_stays(store: Store) -> None:
    added(store, item())
    mine = claimed(store, seconds=0.05)
    outbox.renew(store, mine, "me", 60)
    time.sleep(0.1)
    assert outbox.claim(store, head(store), "other", 60, None) is None


def test_a_store_that_one_process_has_at_a_time_is_let_go_of_at_once(store: Store) -> None:
    added(store, item())
    claimed(store, "dead")
    assert outbox.take_back(store) == 1
    assert outbox.claim(store, head(store), "alive", 60, None) is not None


def test_what_is_to_be_tried_again_waits_and_keeps_its_place(store: Store) -> None:
    added(store, item(subject="DiagnosticReport/1"))
    added(store, item(subject="DiagnosticReport/2"))
    outbox.settle(store, claimed(store), "me", Tried("queued", "no answer in 30 s", wait=60_000_000))
    waiting = head(store)
    assert (waiting.subject, waiting.state) == ("DiagnosticReport/1", "queued")
    assert waiting.due > waiting.recorded + 59_000_000
    assert outbox.claim(store, waiting, "me", 60, None) is None
    with store.read() as view:
        [tried] = outbox.tries(view, waiting.oid)
    assert (tried.number, tried.came, tried.control_id) == (1, "no answer in 30 s", waiting.control_id)


def test_what_was_refused_leaves_the_line_and_is_told(store: Store) -> None:
    added(store, item(), item(subject="DiagnosticReport/2"))
    refused = claimed(store)
    outbox.settle(store, refused, "me", Tried("rejected", "AE", answer=b"x", detail={"conditions": ["101 PID^1^3"]}))
    with store.read() as view:
        assert outbox.is_stopped(view, "a")
        assert not outbox.is_stopped(view, "b")
        [told] = outbox.found(view, Filter(states=("rejected", "dead")))
    assert told.detail == {"conditions": ["101 PID^1^3"]}
    assert head(store).subject == "DiagnosticReport/2"


def test_sent_again_by_hand_it_is_written_anew_under_another_control_id(store: Store) -> None:
    added(store, item())
    refused = claimed(store)
    outbox.settle(store, refused, "me", Tried("rejected", "AE"))
    assert outbox.send_again(store, refused.entry.oid)
    again = head(store)
    assert (again.oid, again.state, again.size) == (refused.entry.oid, "queued", 0)
    assert again.control_id != refused.entry.control_id
    # Without bytes there is nothing to send.
    assert outbox.claim(store, again, "me", 60, None) is None
    claimed(store)
    assert not outbox.send_again(store, again.oid)
    assert not outbox.send_again(store, 4711)


def test_what_is_set_aside_lets_the_line_go_on(store: Store) -> None:
    added(store, item(), item(subject="DiagnosticReport/2"))
    assert outbox.set_aside(store, head(store).oid, "not wanted")
    assert head(store).subject == "DiagnosticReport/2"
    with store.read() as view:
        [dead] = outbox.found(view, Filter(states=("dead",)))
        assert outbox.last_of(view, "a", "DiagnosticReport/1") == []
        assert len(outbox.last_of(view, "a", "DiagnosticReport/2")) == 1
    assert dead.detail == {"given_up": "not wanted"}
    assert not outbox.set_aside(store, dead.oid, "again")


def test_an_answer_by_another_way_settles_what_was_taken_over_and_nothing_else(store: Store) -> None:
    added(store, item())
    never_sent = head(store)
    assert not outbox.answered(store, "a", never_sent.control_id, Tried("acknowledged", "AA"))
    mine = claimed(store)
    outbox.settle(store, mine, "me", Tried("sent", "CA"))
    assert not outbox.answered(store, "b", mine.entry.control_id, Tried("acknowledged", "AA"))
    assert not outbox.answered(store, "a", "unknown", Tried("acknowledged", "AA"))
    assert outbox.answered(store, "a", mine.entry.control_id, Tried("acknowledged", "AA", answer=b"AA"))
    assert entry(store, mine.entry.oid).state == "acknowledged"
    assert not outbox.answered(store, "a", mine.entry.control_id, Tried("rejected", "AE"))


def test_what_cannot_be_written_is_told_once(store: Store) -> None:
    added(store, item())
    seen = head(store)
    assert outbox.put_off(store, seen, Tried("dead", "cannot be written", detail={"issues": []}))
    assert not outbox.put_off(store, seen, Tried("dead", "cannot be written"))
    assert entry(store, seen.oid).state == "dead"


def test_of_many_who_want_the_head_of_a_line_one_has_it(store: Store) -> None:
    for number in range(5):
        added(store, item(subject=f"DiagnosticReport/{number}"))
    sent: list[str] = []
    lock = threading.Lock()

    def work(holder: str) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with store.read() as view:
                seen = outbox.head(view, "a")
            if seen is None:
                return
            mine = outbox.claim(store, seen, holder, 60, BYTES)
            if mine is None:
                continue
            with lock:
                sent.append(mine.entry.subject)
            assert outbox.settle(store, mine, holder, Tried("acknowledged", "AA"))

    threads = [threading.Thread(target=work, args=(f"holder {number}",)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sent == [f"DiagnosticReport/{number}" for number in range(5)]


def test_bytes_that_are_kept_beforehand_are_those_that_are_sent(store: Store) -> None:
    added(store, item())
    seen = head(store)
    assert outbox.keep(store, seen, BYTES)
    assert not outbox.keep(store, seen, Written(b"MSH|another"))  # somebody was first
    taken = outbox.claim(store, head(store), "me", 60, None)
    assert taken is not None
    assert (taken.data, taken.entry.size, taken.entry.mapping) == (BYTES.data, len(BYTES.data), BYTES.mapping)


def test_one_that_waits_and_may_have_arrived_is_tried_at_once_under_the_same_number(store: Store) -> None:
    added(store, item())
    first = claimed(store)
    assert outbox.settle(store, first, "me", Tried("queued", "no answer", wait=600_000_000))
    assert outbox.send_again(store, first.entry.oid)
    now = head(store)
    assert (now.control_id, now.size) == (first.entry.control_id, len(BYTES.data))
    again = outbox.claim(store, now, "me", 60, None)
    assert again is not None
    assert again.data == first.data


def test_an_earlier_version_is_not_sent_again_once_a_later_one_was(store: Store) -> None:
    added(store, item())
    assert outbox.settle(store, claimed(store), "me", Tried("rejected", "AE"))
    added(store, item(event="MDM^T02"), item(why="amended"))
    for came, refused in (("sent", True), ("rejected", False), ("dead", False)):
        with store.read() as view:
            earlier, document, later = outbox.found(view, Filter())[::-1]
        if document.state == "queued":
            assert outbox.set_aside(store, document.oid, "not wanted")
        assert outbox.why_not_aside(later) == ""
        state: outbox.State = "sent" if came == "sent" else "rejected" if came == "rejected" else "dead"
        assert outbox.settle(store, claimed(store), "me", Tried(state, came))
        with store.read() as view:
            assert (outbox.why_not_again(view, earlier) == "superseded") is refused
            assert outbox.why_not_again(view, document) == ""
        assert outbox.send_again(store, later.oid)
