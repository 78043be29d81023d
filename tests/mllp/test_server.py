"""The listener: answers in order, within bounds, to an end in good order.

Source: HL7, Transport Specification: MLLP, Release 1; issue 8.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fhir_gateway.exchange.hl7v2.framing import framed
from fhir_gateway.interactions.message import Incoming, Receipt
from fhir_gateway.interactions.message_order import Order
from fhir_gateway.mllp.server import Bounds
from tests.mllp.house import House


class Echo:
    """An intake that answers with what came, when it is let."""

    def __init__(self) -> None:
        self.order = Order()
        self.may = threading.Event()
        self.may.set()
        self.received: list[bytes] = []
        self.given_up: list[bytes] = []
        self.at_once = 0
        self.most = 0
        self.slow = 0.0
        self.counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def incoming(
        self, data: bytes, door: str, certificate: frozenset[str] | None = None, whole: bool = True
    ) -> Incoming:
        keys = [hash(data.split(b"|")[0])] if b"|" in data else []
        return Incoming(data, None, self.order.place(keys), door, certificate, None, whole)  # type: ignore[arg-type]

    def receive(self, incoming: Incoming) -> Receipt:
        with incoming.place:
            with self._lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            self.may.wait(30)
            time.sleep(self.slow)
            with self._lock:
                self.at_once -= 1
                self.received.append(incoming.data)
        mark = b"" if incoming.whole else b"cut off: "
        return Receipt("applied", (mark + incoming.data[:20],) if incoming.data != b"silent" else ())

    def give_up(self, incoming: Incoming) -> None:
        self.given_up.append(incoming.data)
        incoming.place.leave()


def connect(house: House) -> socket.socket:
    return socket.create_connection(("127.0.0.1", house.port), 20)


def answers(sender: socket.socket, number: int) -> list[bytes]:
    came = b""
    while came.count(b"\x1c\r") < number:
        more = sender.recv(65536)
        if not more:
            break
        came += more
    return [each.removeprefix(b"\x0b") for each in came.split(b"\x1c\r")[:-1]]


def ended(sender: socket.socket) -> bool:
    """Whether the other side has ended the connection, or does within a while."""
    try:
        return sender.recv(1) == b""
    except ConnectionResetError:
        return True


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def echo() -> Echo:
    return Echo()


def test_answers_come_in_the_order_of_the_messages_of_a_connection(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, intake=echo) as house, connect(house) as sender:
        sent = [b"m%d" % number for number in range(200)]
        sender.sendall(b"".join(map(framed, sent)))
        assert answers(sender, 200) == sent
        assert echo.most == 1


def test_connections_are_served_side_by_side_but_one_patient_s_messages_one_after_another(
    echo: Echo, tmp_path: Path
) -> None:
    echo.slow = 0.05
    with House(tmp_path, intake=echo) as house:
        senders = [connect(house) for _ in range(4)]
        for number, sender in enumerate(senders):
            sender.sendall(framed(b"p%d|x" % number))
        assert [answers(sender, 1) for sender in senders] == [[b"p%d|x" % number] for number in range(4)]
        assert echo.most > 1
        echo.most = 0
        for number, sender in enumerate(senders):
            sender.sendall(framed(b"same|%d" % number))
            assert eventually(lambda number=number: len(echo.order) == 1)  # type: ignore[misc]
            time.sleep(0.01)
        for sender in senders:
            answers(sender, 1)
            sender.close()
        assert echo.most == 1
        assert echo.received[-4:] == [b"same|%d" % number for number in range(4)]
        assert len(echo.order) == 0


def test_many_that_wait_for_one_patient_do_not_keep_others_waiting(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, Bounds(threads=2), echo) as house:
        echo.may.clear()
        senders = [connect(house) for _ in range(6)]
        for sender in senders:
            sender.sendall(framed(b"same|1"))
        assert eventually(lambda: echo.at_once == 1)
        with connect(house) as other:
            other.sendall(framed(b"other|1"))
            assert eventually(lambda: echo.at_once == 2)
            echo.may.set()
            assert answers(other, 1) == [b"other|1"]
        for sender in senders:
            assert answers(sender, 1) == [b"same|1"]
            sender.close()


def test_beyond_the_limit_the_beginning_is_handed_over_and_the_next_message_is_whole(
    echo: Echo, tmp_path: Path
) -> None:
    with House(tmp_path, Bounds(message_bytes=10_000), echo) as house, connect(house) as sender:
        sender.sendall(framed(b"long" * 10_000) + framed(b"next"))
        assert answers(sender, 2) == [b"cut off: longlonglonglonglong", b"next"]
        assert [len(each) for each in echo.received] == [4096, 4]


def test_what_needs_no_answer_gets_none(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, intake=echo) as house, connect(house) as sender:
        sender.sendall(framed(b"silent") + framed(b"loud"))
        assert answers(sender, 1) == [b"loud"]


def test_more_connections_than_allowed_are_ended_and_those_there_are_go_on(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, Bounds(connections=2), echo) as house:
        first, second = connect(house), connect(house)
        first.sendall(framed(b"a"))
        second.sendall(framed(b"b"))
        assert (answers(first, 1), answers(second, 1)) == ([b"a"], [b"b"])
        with connect(house) as one_more:
            assert ended(one_more)
        first.close()
        assert eventually(lambda: len(house.server._connections) == 1)
        with connect(house) as third:
            third.sendall(framed(b"c"))
            assert answers(third, 1) == [b"c"]
        second.close()


def test_who_says_nothing_or_does_not_end_what_it_begins_is_let_go(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, Bounds(idle_seconds=0.2), echo) as house, connect(house) as silent:
        assert ended(silent)
    with House(tmp_path, Bounds(block_seconds=0.2), echo) as house, connect(house) as slow:
        slow.sendall(b"\x0bbegun")
        assert ended(slow)


def test_who_does_not_read_its_answers_is_let_go_and_nothing_more_is_read_from_it(echo: Echo, tmp_path: Path) -> None:
    class Loud(Echo):
        def receive(self, incoming: Incoming) -> Receipt:
            super().receive(incoming)
            return Receipt("applied", (b"x" * 1_000_000,))

    loud = Loud()
    with House(tmp_path, Bounds(write_seconds=0.3), loud) as house, connect(house) as sender:
        with suppress(OSError):
            for _ in range(2000):
                sender.sendall(framed(b"m" * 1000))
        assert eventually(lambda: not house.server._connections)
        assert len(loud.received) < 2000
        assert len(loud.order) == 0


def test_messages_that_have_not_ended_are_kept_within_bounds(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, Bounds(held_bytes=1_000_000), echo) as house:
        senders = [connect(house) for _ in range(2)]
        senders[0].sendall(b"\x0b" + b"y" * 600_000)
        assert eventually(lambda: house.server._held == 600_000)
        with suppress(OSError):
            senders[1].sendall(b"\x0b" + b"y" * 600_000)
        assert eventually(lambda: len(house.server._connections) == 1)
        assert house.server._held <= 1_000_000
        for sender in senders:
            sender.close()
        assert eventually(lambda: house.server._held == 0)


def test_told_to_stop_what_came_whole_is_answered_and_then_the_connection_ends(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, intake=echo) as house:
        echo.may.clear()
        sender, idle = connect(house), connect(house)
        sender.sendall(framed(b"one") + framed(b"two") + b"\x0bhalf")
        assert eventually(lambda: echo.at_once == 1)
        stopping = threading.Thread(target=house.stop)
        stopping.start()
        assert ended(idle)
        with pytest.raises(OSError, match="refused"):
            connect(house)
        echo.may.set()
        assert answers(sender, 3) == [b"one", b"two"]
        stopping.join(20)
        sender.close()
        idle.close()
        assert not stopping.is_alive()
        assert len(echo.order) == 0


def test_a_sender_that_leaves_gives_back_the_places_of_what_was_not_begun(echo: Echo, tmp_path: Path) -> None:
    with House(tmp_path, intake=echo) as house:
        echo.may.clear()
        sender = connect(house)
        sender.sendall(framed(b"same|1") + framed(b"same|2"))
        assert eventually(lambda: echo.at_once == 1)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sender.close()
        assert eventually(lambda: not house.server._connections)
        echo.may.set()
        assert eventually(lambda: len(echo.order) == 0)
        assert echo.given_up == [b"same|2"]
