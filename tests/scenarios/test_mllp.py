"""Messages over MLLP to a process as its operator starts it: a story, killing it, other people's software.

Source: HL7, Transport Specification: MLLP, Release 1; IHE ITI TF-2x, C.2; IHE ITI TF-2, 3.19 (TLS).
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import hl7
import pytest
import requests
from hl7.client import MLLPClient
from hl7apy.parser import parse_message

from tests.conftest import Engine
from tests.floors import leave_to_conformance
from tests.mllp.feed import FINESS, HOSPITAL, IPP, adt, answered, merge
from tests.npm import installed
from tests.postgres import free_port
from tests.served import Served, serve, start

PARTNER = f"""
[gam]
sending = ["GAM|HOPITAL-ESSAI"]
organisation = "{FINESS}|{HOSPITAL}"
"""
SENDERS = 8
SAMPLE = 30  # messages of each sender
SECONDS = 60.0


class Sender:
    """A hospital's sender: one message at a time over a connection of its own."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        connection = socket.create_connection(("127.0.0.1", port), SECONDS)
        self._socket = context.wrap_socket(connection, server_hostname="localhost") if context else connection
        self._rest = b""

    def send(self, data: bytes) -> bytes:
        """Send a message and return its answer. Raises: OSError when the connection ends before."""
        self._socket.sendall(b"\x0b" + data + b"\x1c\r")
        return self.answer()

    def answer(self) -> bytes:
        while b"\x1c\r" not in self._rest:
            came = self._socket.recv(65536)
            if not came:
                raise ConnectionResetError("ended before the answer")
            self._rest += came
        answer, _, self._rest = self._rest.partition(b"\x1c\r")
        return answer.removeprefix(b"\x0b")

    def push(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def partners(tmp_path: Path) -> Path:
    file = tmp_path / "partners.toml"
    file.write_text(PARTNER)
    return file


def listening(partners: Path, port: int, *more: str) -> tuple[str, ...]:
    return ("--partners", str(partners), "--mllp-port", str(port), *more)


@pytest.fixture
def house(engine: Engine, clean_database: str, partners: Path) -> Iterator[tuple[Served, int]]:
    """A gateway that listens, and the port for MLLP."""
    port = free_port()
    served = start(clean_database, *listening(partners, port))
    yield served, port
    if served.process.poll() is None:
        served.kill()


def found(served: Served, query: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{served.base}/{query}", timeout=SECONDS).json()
    return answer


def test_an_identity_arrives_is_corrected_merged_and_found_over_http(house: tuple[Served, int]) -> None:
    served, port = house
    with closing(Sender(port)) as sender:
        assert answered(sender.send(adt(control_id="1", ipp="11"))) == ("AA", "1", [])
        assert answered(sender.send(adt("A31", "2", "11", recorded="20260102080000", name="NOUVEAU^ZOE")))[0] == "AA"
        [entry] = found(served, f"Patient?identifier={IPP}|11")["entry"]
        assert entry["resource"]["name"][0]["family"] == "NOUVEAU"
        assert answered(sender.send(adt(control_id="3", ipp="12")))[0] == "AA"
        assert answered(sender.send(merge("11", "12", "4", "20260103080000")))[0] == "AA"
        assert answered(sender.send(b"garbage"))[0] == "AR"
        # Several in one packet, one in many: answers in order.
        many = [adt(control_id=f"M{number}", ipp=str(number)) for number in range(20, 25)]
        stream = b"".join(b"\x0b" + each + b"\x1c\r" for each in many)
        sender.push(stream[:777])
        time.sleep(0.05)
        sender.push(stream[777:])
        assert [answered(sender.answer())[:2] for _ in many] == [("AA", f"M{number}") for number in range(20, 25)]
    [entry] = found(served, f"Patient?identifier={IPP}|11&active:missing=true")["entry"]
    assert entry["resource"]["link"][0]["type"] == "replaces"
    log = requests.get(f"{served.root}/hl7v2/messages", timeout=SECONDS).json()
    assert log["counts"] == {"applied": 9, "failed-transient": 1}
    assert served.stop() == 0


def test_who_sends_much_at_once_and_leaves_is_no_harm(house: tuple[Served, int]) -> None:
    served, port = house
    rude = Sender(port)
    rude.push(b"".join(b"\x0b" + adt(control_id=f"R{number}", ipp="5") + b"\x1c\r" for number in range(300)))
    rude.push(b"\x0bMSH|half of one")
    rude.close()
    with closing(Sender(port)) as sender:
        assert answered(sender.send(adt(control_id="1", ipp="6")))[0] == "AA"
    assert served.stop() == 0


def test_what_was_acknowledged_survives_sigkill_exactly_once_and_what_was_not_lands_once(
    engine: Engine, clean_database: str, partners: Path
) -> None:
    leave_to_conformance(engine, "tests/scenarios/test_catastrophes.py kills two workers there")
    survives_sigkill(engine, clean_database, partners, SAMPLE)


def survives_sigkill(engine: Engine, clean_database: str, partners: Path, number: int) -> None:
    """Kill a gateway while senders send so many messages each; see that each is there exactly once.

    `make conformance` asks for 5,000 in all (tests/spec/test_mllp.py).
    """
    port, workers = free_port(), ("--workers", "2") if engine == "postgresql" else ()
    arguments = listening(partners, port, *workers)
    acknowledged: set[tuple[int, int]] = set()
    served = [start(clean_database, *arguments)]

    def send(who: int) -> int:
        """Send all messages in order; after a connection has ended, the one at hand again."""
        sender: Sender | None = None
        again = at = 0
        deadline = time.monotonic() + 20 * SECONDS
        while at < number and time.monotonic() < deadline:
            try:
                sender = sender or Sender(port)
                code, control_id, _ = answered(sender.send(adt(control_id=f"S{who}-{at}", ipp=f"{who}-{at}")))
            except OSError:
                again += 1
                if sender is not None:
                    sender.close()
                sender = None
                time.sleep(0.05)
                continue
            assert (code, control_id) == ("AA", f"S{who}-{at}")
            acknowledged.add((who, at))
            at += 1
        if sender is not None:
            sender.close()
        return again

    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            sending = [pool.submit(send, who) for who in range(SENDERS)]
            until = time.monotonic() + 10 * SECONDS
            while len(acknowledged) < SENDERS * number // 3 and time.monotonic() < until:
                time.sleep(0.02)
            served[0].kill()
            kept = len(acknowledged)
            served.append(start(clean_database, *arguments))
            again = sum(each.result(20 * SECONDS) for each in sending)
        assert 0 < kept < SENDERS * number
        assert again >= 1
        assert len(acknowledged) == SENDERS * number
        found_at_all = found(served[1], "Patient?_summary=count&_total=accurate")["total"]
        assert found_at_all == SENDERS * number
        assert found(served[1], "Provenance?_summary=count&_total=accurate")["total"] == SENDERS * number
        log = requests.get(f"{served[1].root}/hl7v2/messages", timeout=SECONDS).json()["counts"]
        assert log["applied"] == SENDERS * number
        assert {*log} <= {"applied", "duplicate"}
    finally:
        for each in served:
            if each.process.poll() is None:
                each.kill()


def test_told_to_stop_it_answers_what_it_has_begun(house: tuple[Served, int]) -> None:
    served, port = house
    codes: list[str] = []
    stopping = threading.Event()

    def send(who: int) -> None:
        sender = Sender(port)
        number = 0
        try:
            while True:
                number += 1
                codes.append(answered(sender.send(adt(control_id=f"S{who}-{number}", ipp=f"{who}-{number}")))[0])
        except OSError:
            assert stopping.is_set()
        finally:
            sender.close()

    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send, who) for who in range(4)]
        time.sleep(1.0)
        stopping.set()
        assert served.stop() == 0
        for each in sending:
            each.result(SECONDS)
    assert {*codes} == {"AA"}


# --- TLS


def certificates(folder: Path) -> None:
    """Make an authority and certificates of its own for both ends, and a stranger's."""

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    subject = "/CN=authority.test"
    for name in ("authority", "strangers"):
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject, "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign")  # fmt: skip
    for name, common, authority in (
        ("server", "localhost", "authority"),
        ("gam", "gam.test", "authority"),
        ("other", "other.test", "authority"),
        ("stranger", "gam.test", "strangers"),
    ):
        run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common}", "-keyout", f"{name}.key",
            "-out", f"{name}.csr")  # fmt: skip
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{common}\n")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-days", "2",
            "-out", f"{name}.pem", "-extfile", f"{name}.ext")  # fmt: skip


def context(folder: Path, name: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=folder / "authority.pem")
    if name is not None:
        made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return made


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_over_tls_a_partner_is_known_by_its_certificate(tmp_path: Path) -> None:
    certificates(tmp_path)
    partners = tmp_path / "partners.toml"
    partners.write_text(f'{PARTNER}certificates = ["gam.test"]\n')
    port = free_port()
    tls = [f"--mllp-{name}={tmp_path / file}" for name, file in (
        ("certificate", "server.pem"), ("key", "server.key"), ("authority", "authority.pem"))]  # fmt: skip
    with serve(f"sqlite:///{tmp_path / 'gateway.sqlite'}", *listening(partners, port, *tls)):
        with closing(Sender(port, context(tmp_path, "gam"))) as sender:
            assert answered(sender.send(adt())) == ("AA", "C1", [])
        with closing(Sender(port, context(tmp_path, "other"))) as sender:
            assert answered(sender.send(adt(control_id="C2"))) == ("AR", "C2", ["207 MSH^1^3"])
        for name in ("stranger", None):
            with pytest.raises(OSError, match=r".*"), closing(Sender(port, context(tmp_path, name))) as sender:
                sender.send(adt(control_id="C3"))


# --- peers


@pytest.fixture(scope="module")
def hospital(engine: Engine, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a gateway that listens, which all peers talk to."""
    file = tmp_path_factory.mktemp("partners") / "partners.toml"
    file.write_text(PARTNER)
    port = free_port()
    with serve(database, *listening(file, port)):
        yield port


def test_the_client_of_python_hl7_sends_and_reads_the_answer(hospital: int) -> None:
    with MLLPClient("127.0.0.1", hospital) as peer:
        answer = hl7.parse(peer.send_message(hl7.parse(adt(control_id="P1").decode())).decode().strip("\x0b\x1c\r"))
    assert [str(answer.segment("MSA")[number]) for number in (1, 2)] == ["AA", "P1"]


def test_hl7apy_reads_what_is_answered(hospital: int) -> None:
    with closing(Sender(hospital)) as sender:
        for data, code in ((adt(), "AA"), (adt(control_id="C2", ipp=""), "AE"), (adt("A99", "C3"), "AR")):
            read = parse_message(sender.send(data).decode(), find_groups=False)
            assert read.msa.msa_1.value == code


NODE = """
const hl7 = require('node-hl7-client');
const fs = require('fs');
const client = new hl7.Client({ host: '127.0.0.1' });
const out = client.createConnection({ port: Number(process.argv[2]) }, async (inbound) => {
  const message = inbound.getMessage();
  console.log(JSON.stringify({ code: message.get('MSA.1').toString(), id: message.get('MSA.2').toString() }));
  await out.close();
  process.exit(0);
});
const failed = (error) => { console.error(error); process.exit(1); };
out.sendMessage(new hl7.Message({ text: fs.readFileSync(0, 'utf8') })).catch(failed);
"""


def test_node_hl7_client_sends_and_reads_the_answer(hospital: int) -> None:
    folder = installed("node-hl7-client", "3.2.0")
    (folder / "send.js").write_text(NODE)
    done = subprocess.run(
        ["node", "send.js", str(hospital)],
        cwd=folder,
        input=adt(control_id="N1"),
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    assert json.loads(done.stdout.decode().splitlines()[-1]) == {"code": "AA", "id": "N1"}
