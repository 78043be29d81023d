"""Mangled frames by the thousand, and 5,000 messages over a gateway that is killed.

Seeded. 600 frames in `make test`, 10,000 in `make conformance`, with FULL=1 100,000; the messages in the latter two.

Source: HL7, Transport Specification: MLLP, Release 1; issue 8.
"""

from __future__ import annotations

import os
import random
import socket
import threading
from pathlib import Path

import pytest

from tests.conftest import Engine
from tests.mllp.feed import adt, merge, message, msh
from tests.mllp.house import House
from tests.scenarios.test_mllp import PARTNER, SENDERS, survives_sigkill

pytestmark = pytest.mark.conformance

SUITES = os.environ.get("FHIR_GATEWAY_SUITES", "")
FRAMES = {"full": 100_000, "tenth": 10_000}.get(SUITES, 600)
MESSAGES = 5_000
SEED = 20260101
_SIGNS = b'\x0b\x1c\r\n|^~\\&\x00\xff\xe9"MSHPID'
_MEBIBYTE = 1024 * 1024

WELL_FORMED = (
    adt(),
    adt("A31", "C2", name="ÉPREUVE^ZOÉ"),
    merge("1", "2", "C3"),
    message(msh("ORU^R01", "C4"), "PID|1||1^^^HOPITAL-ESSAI^PI", "OBR|1|P^A|F^B|X^Y^L", "OBX|1|NM|X^Y^L||5"),
    message(msh("OML^O21", "C5"), "PID|1||1^^^HOPITAL-ESSAI^PI", "ORC|NW|P^A", "OBR|1|P^A||X^Y^L", "SPM|1|S"),
    b"H|^~\\&|HPRIM\r",
    b"BHS|^~\\&\r" + adt() + adt() + b"BTS|2\r",
)


def mangled(chance: random.Random) -> bytes:
    """Return a frame in which something was changed, taken out, repeated or put in; now and then none at all."""
    data = bytearray(chance.choice(WELL_FORMED))
    for _ in range(chance.randrange(1, 6)):
        at, length = chance.randrange(len(data) + 1), chance.randrange(1, 30)
        kind = chance.randrange(6)
        if kind == 0:
            del data[at : at + length]
        elif kind == 1:
            data[at:at] = bytes(chance.choices(_SIGNS, k=length))
        elif kind == 2:
            data[at:at] = data[at : at + length] * chance.randrange(1, 20)
        elif kind == 3 and data:
            data[at % len(data)] = chance.randrange(256)
        elif kind == 4:
            data[at:at] = chance.randbytes(length)
        else:
            data[at : at + length] = chance.choice([b"|" * 40, b"^" * 40, b"~" * 40, b"\\X", b'""', b"\r\r\r"])
    return b"\x0b" + bytes(data) + chance.choice([b"\x1c\r", b"\x1c", b"\x1c\r\n", b"\x1c\x1c\r"])


def test_no_mangled_frame_ends_a_connection_goes_without_an_answer_or_leaves_anything_behind(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        # What is remembered by design (verdicts by likeness, statements) is there by then: 30,000 frames fill it.
        _sent(house, 0, max(400, FRAMES * 3 // 10))
        before = _resident()
        _sent(house, 1, FRAMES)
        assert _resident() - before < 60 * _MEBIBYTE
        assert len(house.intake._order) == 0
        assert house.server._held == 0


def _resident() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _sent(house: House, part: int, number: int) -> None:
    """Send frames over a few connections, chopped anyhow; each connection answers a good message at the end."""
    failures: list[BaseException] = []

    def send(who: int) -> None:
        chance = random.Random(f"{SEED} {part} {who}")
        try:
            _stream(house.port, chance, number // 4, f"{part}-{who}")
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def _stream(port: int, chance: random.Random, number: int, name: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 120) as sender:
        for _ in range(number // 50):
            frames = b"".join(mangled(chance) for _ in range(50))
            cut = chance.randrange(len(frames))
            sender.sendall(frames[:cut])
            sender.sendall(frames[cut:])
            # A good one after them: whatever came before, it is answered.
            mark = f"{name}-{chance.randrange(10**9)}"
            sender.sendall(b"\x0b" + adt(control_id=mark, ipp=mark) + b"\x1c\r")
            came = b""
            while mark.encode() not in came or not came.endswith(b"\x1c\r"):
                more = sender.recv(65536)
                assert more, "the connection ended"
                came = came[-65536:] + more
            assert f"MSA|AA|{mark}".encode() in came
            for answer in came.split(b"\x1c\r")[1:-1]:
                # Names and MSH-10 are given back as they stood, bytes of another character set among them.
                assert answer.startswith(b"\x0bMSH")
                assert b"\rMSA" in answer


@pytest.mark.skipif(not SUITES, reason="a sample runs in tests/scenarios/test_mllp.py")
def test_5000_messages_over_a_gateway_that_is_killed_are_each_there_once(
    engine: Engine, clean_database: str, tmp_path: Path
) -> None:
    partners = tmp_path / "partners.toml"
    partners.write_text(PARTNER)
    survives_sigkill(engine, clean_database, partners, MESSAGES // SENDERS)
