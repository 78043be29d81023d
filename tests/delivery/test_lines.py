"""The lines of messages that go out, to listeners that are slow, gone, late, or say no.

Source: HL7 v2.5.1, chapter 2, 2.9.2; HL7, Transport Specification: MLLP, Release 1; `fhir_gateway/delivery/lines.py`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.delivery.lines import Lines, Pace, Route, Unwritable
from fhir_gateway.delivery.mllp_client import Address, Patience
from fhir_gateway.store import open_store, outbox
from fhir_gateway.store.contract import Store
from fhir_gateway.store.outbox import Entry, Filter, Item, Written
from tests.delivery.receiver import Receiver, answer, control_id_of, eventually, says
from tests.postgres import free_port

TYPES = ["Group", "Observation", "Patient"]
PACE = Pace(look=0.05, first_retry=0.05, longest_retry=0.2)
PATIENCE = Patience(connect_seconds=2, write_seconds=2, answer_seconds=5)
HASTE = Patience(connect_seconds=2, write_seconds=2, answer_seconds=0.3)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    opened = open_store(url, TYPES)
    yield opened
    opened.close()


def route(receiver: Receiver | int, name: str = "a", patience: Patience = PATIENCE, **more: Any) -> Route:
    port = receiver if isinstance(receiver, int) else receiver.port
    return Route(name, Address("127.0.0.1", port), patience, **more)


def write(entry: Entry) -> Written:
    """Return a message that says which entry it is of, and when it was made."""
    head = f"MSH|^~\\&|PASSERELLE|PFMG|DPI|HOPITAL|{time.time_ns()}||{entry.event}|{entry.control_id}|P|2.5"
    return Written(f"{head}\rOBR|{entry.subject}\r".encode())


@contextmanager
def sending(store: Store, *routes: Route, write: Any = write, pace: Pace = PACE) -> Iterator[Lines]:
    lines = Lines(store, {each.name: each for each in routes}, write, pace)
    lines.start()
    try:
        yield lines
    finally:
        lines.stop(0.2)


def added(store: Store, number: int, destination: str = "a") -> list[str]:
    """Lay down messages in order, and return their MSH-10."""
    for each in range(number):
        item = Item(destination, "ORU^R01", "final", f"DiagnosticReport/{each}", 1)
        store.write(lambda tx, item=item: outbox.add(tx, [item]))  # type: ignore[misc]
    return [each.control_id for each in entries(store, destination=destination)]


def entries(store: Store, **wanted: Any) -> list[Entry]:
    """Return entries, the oldest first."""
    with store.read() as view:
        return outbox.found(view, Filter(**wanted))[::-1]


def states(store: Store, destination: str = "a") -> list[str]:
    return [each.state for each in entries(store, destination=destination)]


def came(store: Store, oid: int = 1) -> list[str]:
    with store.read() as view:
        return [each.came for each in outbox.tries(view, oid)]


def test_what_waits_is_sent_in_order_over_one_connection_and_acknowledged(store: Store) -> None:
    control_ids = added(store, 20)
    with Receiver() as receiver, sending(store, route(receiver)) as lines:
        assert eventually(lambda: states(store) == ["acknowledged"] * 20)
        assert receiver.control_ids == control_ids
        assert receiver.connections == 1
        assert eventually(lambda: lines.counts == {"acknowledged": 20})
        assert lines.gauges()["outgoing_queued"][1] == 0
    first = entries(store)[0]
    assert b"MSA|AA|" in first.answer
    with store.read() as view:
        [tried] = outbox.tries(view, first.oid)
    assert (tried.came, tried.address) == ("AA", f"mllp://127.0.0.1:{receiver.port}")


def test_a_slow_and_a_dead_destination_hold_up_no_other(store: Store) -> None:
    for name in ("slow", "dead", "well"):
        added(store, 3, name)
    patient = threading.Event()

    def slowly(data: bytes) -> list[bytes]:
        patient.wait(10)
        return [answer("AA", control_id_of(data))]

    with Receiver(slowly) as slow, Receiver() as well:
        routes = (route(slow, "slow"), route(free_port(), "dead"), route(well, "well"))
        with sending(store, *routes, pace=Pace(look=0.05, first_retry=0.05, longest_retry=0.2, threads=1)):
            assert eventually(lambda: states(store, "well") == ["acknowledged"] * 3)
            assert eventually(lambda: len(slow.received) == 1)
            assert states(store, "slow") == ["sending", "queued", "queued"]
            patient.set()
            assert eventually(lambda: states(store, "slow") == ["acknowledged"] * 3)
            assert "acknowledged" not in states(store, "dead")
    dead = entries(store, destination="dead")
    assert [each.attempts > 0 for each in dead] == [True, False, False]
    assert came(store, dead[0].oid)[0].startswith("no connection")


def test_a_destination_that_comes_back_gets_everything_in_order(store: Store) -> None:
    control_ids = added(store, 3)
    port = free_port()
    with sending(store, route(port)):
        assert eventually(lambda: len(came(store)) >= 2)
        with Receiver(port=port) as receiver:
            assert eventually(lambda: states(store) == ["acknowledged"] * 3)
            assert receiver.control_ids == control_ids


def test_the_late_answer_to_an_earlier_message_is_not_taken_for_that_of_the_next(store: Store) -> None:
    first, second = added(store, 2)
    asked: list[str] = []

    def late(data: bytes) -> list[bytes]:
        asked.append(control_id_of(data))
        if len(asked) == 1:
            return []
        # What was asked first is refused now, when the next question has come.
        return [answer("AE", "of-long-ago"), answer("AA", control_id_of(data))]

    with Receiver(late) as receiver, sending(store, route(receiver, patience=HASTE)):
        assert eventually(lambda: states(store) == ["acknowledged"] * 2)
        assert receiver.control_ids == [first, first, second]
        assert receiver.connections == 2  # the one that gave no answer in time was ended
    assert came(store) == ["no answer in 0.3 s", "AA"]


def test_what_is_sent_again_is_the_same_bytes(store: Store) -> None:
    added(store, 1)
    with Receiver(lambda data: []) as receiver, sending(store, route(receiver, patience=HASTE)):
        assert eventually(lambda: len(receiver.received) >= 2)
        receiver.behaviour = says("AA")
        assert eventually(lambda: states(store) == ["acknowledged"])
        assert len(set(receiver.received)) == 1


@pytest.mark.parametrize("code", ["AR", "CR", "XX"])
def test_ar_is_sent_again_later_and_holds_the_line(store: Store, code: str) -> None:
    first, second = added(store, 2)
    with Receiver(says(code)) as receiver, sending(store, route(receiver)):
        assert eventually(lambda: len(receiver.received) >= 2)
        assert set(receiver.control_ids) == {first}
        receiver.behaviour = says("AA")
        assert eventually(lambda: states(store) == ["acknowledged"] * 2)
        assert receiver.control_ids[-1] == second


def test_ae_is_not_sent_again_and_the_line_goes_on(store: Store) -> None:
    first, second = added(store, 2)

    def once(data: bytes) -> list[bytes]:
        of = control_id_of(data)
        return [answer("AE" if of == first else "AA", of) + b"ERR||PID^1^3|101^Required field missing^HL70357|E\r"]

    with Receiver(once) as receiver, sending(store, route(receiver)):
        assert eventually(lambda: states(store) == ["rejected", "acknowledged"])
        assert receiver.control_ids == [first, second]
    assert entries(store)[0].detail == {"code": "AE", "conditions": ["101 PID^1^3"]}


def test_a_line_that_waits_stands_still_after_ae_until_somebody_has_looked_at_it(store: Store) -> None:
    added(store, 2)
    with Receiver(says("AE")) as receiver, sending(store, route(receiver, waits=True)):
        assert eventually(lambda: states(store) == ["rejected", "queued"])
        receiver.behaviour = says("AA")
        time.sleep(0.3)
        assert len(receiver.received) == 1
        assert outbox.send_again(store, 1)
        assert eventually(lambda: states(store) == ["acknowledged"] * 2)
    ids = receiver.control_ids
    assert ids[0] != ids[1] == entries(store)[0].control_id


def test_in_enhanced_mode_ca_lets_the_line_go_on_and_the_answer_may_come_later(store: Store) -> None:
    first, second = added(store, 2)

    def twice(data: bytes) -> list[bytes]:
        of = control_id_of(data)
        if of == first:
            return [answer("CA", of)]
        return [answer("AA", first), answer("CA", of), answer("AE", of)]

    with Receiver(twice) as receiver, sending(store, route(receiver, enhanced=True)):
        assert eventually(lambda: states(store) == ["acknowledged", "rejected"])
        assert receiver.control_ids == [first, second]


def test_what_cannot_be_written_is_told_and_holds_up_nothing(store: Store) -> None:
    added(store, 2)

    def picky(entry: Entry) -> Written:
        if entry.subject == "DiagnosticReport/0":
            raise Unwritable({"issues": [{"code": "no-identifier"}]})
        return write(entry)

    with Receiver() as receiver, sending(store, route(receiver), write=picky):
        assert eventually(lambda: states(store) == ["dead", "acknowledged"])
    assert entries(store)[0].detail == {"issues": [{"code": "no-identifier"}]}


def test_what_fails_to_be_written_by_a_defect_is_tried_again(store: Store) -> None:
    added(store, 1)
    tries: list[int] = []

    def failing(entry: Entry) -> Written:
        tries.append(entry.attempts)
        if len(tries) < 3:
            raise KeyError("defect")
        return write(entry)

    with Receiver() as receiver, sending(store, route(receiver), write=failing):
        assert eventually(lambda: states(store) == ["acknowledged"])
    assert tries == [0, 1, 2]


def test_a_connection_that_its_other_side_has_ended_meanwhile_costs_no_try(store: Store) -> None:
    added(store, 1)
    ends = [True]

    def behaviour(data: bytes) -> list[bytes] | None:
        if len(receiver.received) == 2 and ends.pop():
            return None
        return [answer("AA", control_id_of(data))]

    with Receiver(behaviour) as receiver, sending(store, route(receiver)):
        assert eventually(lambda: states(store) == ["acknowledged"])
        added(store, 1)
        assert eventually(lambda: states(store) == ["acknowledged"] * 2)
        assert receiver.connections == 2
    assert came(store, 2) == ["AA"]


def test_told_to_stop_it_lets_go_of_what_is_on_its_way(store: Store) -> None:
    added(store, 1)
    with Receiver(lambda data: []) as receiver:
        with sending(store, route(receiver)):
            assert eventually(lambda: len(receiver.received) == 1)
        assert states(store) == ["queued"]
        receiver.behaviour = says("AA")
        with sending(store, route(receiver)):
            assert eventually(lambda: states(store) == ["acknowledged"])
        assert len(set(receiver.received)) == 1


def test_who_wants_it_tried_at_once_need_not_wait_and_it_goes_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_gateway.delivery.lines._SOONER", 0.05)
    [control_id] = added(store, 1)
    with Receiver(lambda data: []) as receiver:
        pace = Pace(look=0.05, first_retry=60)
        with sending(store, route(receiver, patience=HASTE), pace=pace):
            assert eventually(lambda: came(store) == ["no answer in 0.3 s"])
            receiver.behaviour = says("AA")
            time.sleep(0.3)
            assert states(store) == ["queued"]
            assert outbox.send_again(store, 1)
            assert eventually(lambda: states(store) == ["acknowledged"])
        assert receiver.control_ids == [control_id] * 2
        assert len(set(receiver.received)) == 1


def test_what_is_too_old_is_given_up(store: Store) -> None:
    added(store, 1)
    with sending(store, route(free_port(), give_up_seconds=0.2)):
        assert eventually(lambda: states(store) == ["dead"])
    issues = entries(store)[0].detail["issues"]
    assert [each["code"] for each in issues] == ["outgoing-no-connection", "outgoing-too-old"]
    assert issues[1]["text"]["fr"].startswith("Il a été abandonné après")


def test_long_messages_of_all_lines_share_the_room_and_short_ones_pass_them(store: Store) -> None:
    """Four hospitals that take their time for a document of 2 MB, with room for two, and one that has a short one."""
    names = ("a", "b", "c", "d")
    for name in names:
        added(store, 1, name)
    patient = threading.Event()

    def long(entry: Entry) -> Written:
        made = write(entry).data
        return Written(made if entry.destination == "short" else made + b"NTE|" + b"x" * 2_000_000 + b"\r")

    def slowly(data: bytes) -> list[bytes]:
        patient.wait(20)
        return [answer("AA", control_id_of(data))]

    with Receiver(slowly) as slow, Receiver() as well:
        routes = (*(route(slow, name, Patience(answer_seconds=20)) for name in names), route(well, "short"))
        with sending(store, *routes, write=long, pace=replace(PACE, held_bytes=4_200_000)):
            assert eventually(lambda: len(slow.received) == 2)
            added(store, 1, "short")
            assert eventually(lambda: states(store, "short") == ["acknowledged"])
            assert len(slow.received) == 2
            patient.set()
            assert eventually(lambda: [states(store, name) for name in names] == [["acknowledged"]] * 4)
    assert {len(each) for each in slow.received} == {len(slow.received[0])}


def test_told_to_stop_it_does_not_wait_for_those_who_wait_for_room(store: Store) -> None:
    for name in ("a", "b"):
        added(store, 1, name)
    long = Written(b"MSH|^~\\&|A|B|C|D|1||ORU|x|P|2.5\r" + b"x" * 2_000_000)
    with Receiver(lambda data: []) as receiver:
        routes = (route(receiver, "a"), route(receiver, "b"))
        with sending(store, *routes, write=lambda _: long, pace=replace(PACE, held_bytes=2_100_000)):
            assert eventually(lambda: len(receiver.received) == 1)
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert sorted(states(store, "a") + states(store, "b")) == ["queued", "queued"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_listener_does_each_message_is_closed_once_in_order_by_its_own_answer(
    store: Store, seed: int
) -> None:
    """It answers, refuses, puts off, says nothing, hangs up, answers late, to others, twice, or with what is none."""
    chance = random.Random(seed)
    control_ids = added(store, 25)
    said: dict[str, list[str]] = {each: [] for each in control_ids}
    owed: list[bytes] = []

    def behaviour(data: bytes) -> list[bytes] | None:
        of = control_id_of(data)
        late, owed[:] = [*owed], []
        match chance.choice(["AA", "AA", "AA", "AE", "AR", "silent", "late", "hang up", "noise", "twice"]):
            case "silent":
                return late
            case "late":
                owed.append(answer("AA", of))
                said[of].append("late")
                return late
            case "hang up":
                return None
            case "noise":
                said[of].append("AA")
                return [b"garbage", answer("AA", "another"), b"MSH|^~\\&|no MSA", answer("AA", of)]
            case "twice":
                said[of].append("AA")
                return [*late, answer("AA", of), answer("AE", of)]
            case code:
                said[of].append(code)
                return [*late, answer(code, of)]

    haste = Patience(connect_seconds=2, write_seconds=2, answer_seconds=0.1)
    pace = Pace(look=0.02, first_retry=0.01, longest_retry=0.05)
    with Receiver(behaviour) as receiver, sending(store, route(receiver, patience=haste), pace=pace):
        assert eventually(lambda: set(states(store)) <= {"acknowledged", "rejected"}, 60)
        received = [*receiver.received]
    assert [*dict.fromkeys(map(control_id_of, received))] == control_ids
    assert len(set(received)) == len(control_ids)  # the same bytes each time
    for entry in entries(store):
        final = "AA" if entry.state == "acknowledged" else "AE"
        assert final in said[entry.control_id] or (final == "AA" and "late" in said[entry.control_id]), entry
        assert f"MSA|{final}|{entry.control_id}".encode() in entry.answer
