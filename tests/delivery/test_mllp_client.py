"""The client that sends by MLLP: TLS with certificates of both ends, and listeners that other people have written.

Source: HL7, Transport Specification: MLLP, Release 1; IHE ITI TF-2, 3.19 (Authenticate Node).
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from hl7.mllp import start_hl7_server
from hl7apy.core import Message
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.delivery.mllp_client import (
    Address,
    Answer,
    BadCertificates,
    Client,
    NotAnswered,
    Patience,
    context_of,
)
from fhir_gateway.exchange.hl7v2.framing import Framer, framed, pieces
from fhir_gateway.fhir.data_folder import data_folder
from tests.delivery.receiver import Receiver, answer, control_id_of
from tests.mllp.feed import adt
from tests.mllp.house import House
from tests.npm import installed
from tests.postgres import free_port
from tests.scenarios.test_mllp import certificates

PATIENCE = Patience(connect_seconds=5, write_seconds=5, answer_seconds=5)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def oru(control_id: str, text: str = "Zoé") -> bytes:
    """Return a result that any receiver reads."""
    head = f"MSH|^~\\&|PASSERELLE|PFMG|DPI|HOPITAL|20260101080000||ORU^R01^ORU_R01|{control_id}|P|2.5"
    return f"{head}|||||FRA|UNICODE UTF-8\rPID|1||1^^^H^PI||ESSAI^{text}\rOBR|1|||A\rOBX|1|ST|B||c||||||F\r".encode()


def sent(address: Address, *messages: bytes, patience: Patience = PATIENCE, kept: bool = True) -> list[Answer]:
    """Send messages by one client, one after another, and return their answers."""

    async def send() -> list[Answer]:
        client = Client(address, patience, lambda said, data: None, kept)
        try:
            return [await client.send(each, control_id_of(each)) for each in messages]
        finally:
            client.close()

    return asyncio.run(send())


def refused(address: Address, **more: Any) -> NotAnswered:
    with pytest.raises(NotAnswered) as caught:
        sent(address, oru("1"), **more)
    return caught.value


@given(st.binary(max_size=300), st.integers(1, 64))
def test_a_block_in_pieces_is_the_block(data: bytes, size: int) -> None:
    made = list(pieces(data, size))
    assert b"".join(made) == framed(data)
    assert all(len(each) <= size + 3 for each in made)
    [block] = Framer(1000).receive(framed(data))
    assert block.data == data.replace(b"\x0b", b" ").replace(b"\x1c", b" ")


# --- TLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    certificates(made)
    return made


def listening(folder: Path, name: str = "server") -> ssl.SSLContext:
    """Return the context of a hospital's listener, which wants to know whom it talks to."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "authority.pem")
    made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def ours(folder: Path, name: str | None = "gam") -> ssl.SSLContext:
    authority = folder / "authority.pem"
    if name is None:
        return context_of(None, None, authority)
    return context_of(folder / f"{name}.pem", folder / f"{name}.key", authority)


@needs_openssl
def test_with_certificates_on_both_sides_messages_go(folder: Path) -> None:
    with Receiver(context=listening(folder)) as receiver:
        address = Address("127.0.0.1", receiver.port, ours(folder), "localhost")
        answers = sent(address, oru("1"), oru("2", "x" * 3_000_000), oru("3"))
        assert [each.said.code for each in answers] == ["AA"] * 3
        assert receiver.received == [oru("1"), oru("2", "x" * 3_000_000), oru("3")]
        assert receiver.connections == 1
        assert str(address) == f"mllps://127.0.0.1:{receiver.port}"


@needs_openssl
@pytest.mark.parametrize(
    ("theirs", "name", "word"),
    [("server", "elsewhere.test", "Hostname mismatch"), ("stranger", "gam.test", "self.signed|unable to get local")],
)
def test_nothing_is_said_to_who_has_another_certificate(folder: Path, theirs: str, name: str, word: str) -> None:
    with Receiver(context=listening(folder, theirs)) as receiver:
        error = refused(Address("127.0.0.1", receiver.port, ours(folder), name))
        assert receiver.received == []
    assert error.came.startswith("certificate: ")
    assert re.search(word, error.came)
    assert error.issue.complaint.detail == "outgoing-certificate"


@needs_openssl
@pytest.mark.parametrize("own", ["stranger", None])
def test_who_does_not_like_our_certificate_says_so(folder: Path, own: str | None) -> None:
    with Receiver(context=listening(folder)) as receiver:
        error = refused(Address("127.0.0.1", receiver.port, ours(folder, own), "localhost"))
        assert receiver.received == []
    # It may also end the connection before we could read why.
    assert error.came.startswith("certificate: ") or error.came == "ended before the answer"


@needs_openssl
def test_plain_text_to_a_listener_of_tls_and_tls_to_a_plain_one_come_to_nothing(folder: Path) -> None:
    with Receiver(context=listening(folder)) as receiver:
        assert refused(Address("127.0.0.1", receiver.port)).came == "ended before the answer"
        assert receiver.received == []
    with Receiver() as plain:
        error = refused(Address("127.0.0.1", plain.port, ours(folder)), patience=Patience(1, 1, 1))
        assert error.came.partition(":")[0] in ("certificate", "no connection")
        assert not any(b"MSH" in each for each in plain.received)


def test_files_that_are_no_certificates_are_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for held in ((tmp_path / "absent.pem", None, None), (None, None, tmp_path / "no.pem")):
        with pytest.raises(BadCertificates, match=r"(absent|no)\.pem"):
            context_of(*held)


# --- ends that are none


def test_where_nobody_listens_there_is_no_connection() -> None:
    error = refused(Address("127.0.0.1", free_port()))
    assert error.came.startswith("no connection: ")
    assert error.issue.complaint.detail == "outgoing-no-connection"


def test_who_answers_to_others_only_is_told_so() -> None:
    many = [answer("AA", "another")] * 1001
    with Receiver(lambda data: many) as receiver:
        assert refused(Address("127.0.0.1", receiver.port)).issue.complaint.detail == "outgoing-other-answers"


def test_who_stops_reading_is_let_go() -> None:
    idle = threading.Event()
    with Receiver(hold=idle) as receiver:
        long = oru("1", "x" * 30_000_000)
        with pytest.raises(NotAnswered) as caught:
            sent(Address("127.0.0.1", receiver.port), long, patience=Patience(1, 0.3, 1))
        idle.set()
    assert caught.value.issue.complaint.detail == "outgoing-not-taken"


# --- listeners of others


def test_the_server_of_python_hl7_takes_what_is_sent() -> None:
    heard: list[Any] = []

    ended = asyncio.Event()

    async def take(reader: Any, writer: Any) -> None:
        try:
            while True:
                message = await reader.readmessage()
                heard.append(message)
                writer.writemessage(message.create_ack())
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            ended.set()

    async def run() -> list[Answer]:
        server = await start_hl7_server(take, "127.0.0.1", 0, encoding="utf-8", limit=1 << 24)
        port = server.sockets[0].getsockname()[1]
        client = Client(Address("127.0.0.1", port), PATIENCE, lambda said, data: None)
        try:
            return [await client.send(each, control_id_of(each)) for each in messages]
        finally:
            client.close()
            await ended.wait()
            await asyncio.sleep(0.01)
            server.close()

    messages = [oru("1"), oru("2", "é" * 200_000), oru("3")]
    assert [each.said.code for each in asyncio.run(run())] == ["AA"] * 3
    assert [str(each.segment("PID")[5]) for each in heard] == [
        "ESSAI^Zoé",
        "ESSAI^" + "é" * 200_000,
        "ESSAI^Zoé",
    ]


class Acknowledging(AbstractHandler):  # type: ignore[misc]
    """Answers as hl7apy's documentation shows: the message read, an ACK built, framed by itself."""

    heard: list[str]

    def reply(self) -> str:
        read = parse_message(self.incoming_message, find_groups=False)
        self.heard.append(read.pid.pid_5.to_er7())
        made = Message("ACK", version="2.5")
        made.msa.msa_1, made.msa.msa_2 = "AA", read.msh.msh_10.value
        framed_answer: str = made.to_mllp()
        return framed_answer


def test_the_server_of_hl7apy_takes_what_is_sent_though_it_ends_each_connection() -> None:
    heard: list[str] = []
    handler = type("Handler", (Acknowledging,), {"heard": heard})
    server = MLLPServer("127.0.0.1", 0, {"ORU^R01^ORU_R01": (handler,)})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answers = sent(Address("127.0.0.1", server.server_address[1]), *(oru(str(each)) for each in range(3)))
    finally:
        server.shutdown()
        server.server_close()
    assert [each.said.code for each in answers] == ["AA"] * 3
    assert heard == ["ESSAI^Zoé"] * 3


def test_our_own_listener_takes_what_is_sent(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        messages = [adt(control_id=f"C{each}", ipp=str(each)) for each in range(3)]
        answers = sent(Address("127.0.0.1", house.port), *messages)
    assert [(each.said.code, each.said.of) for each in answers] == [("AA", f"C{each}") for each in range(3)]


GOLDEN = sorted((data_folder("mappings") / "hl7v2" / "golden" / "out").glob("*.hl7"))
NODE = """
const { Server } = require('node-hl7-server');
const server = new Server({ bindAddress: '127.0.0.1' });
const inbound = server.createInbound({ port: Number(process.argv[2]) }, async (request, response) => {
  const read = request.getMessage();
  const found = (path) => read.exists(path) ? read.get(path).toString() : '';
  const document = read.toString().match(/\\^Base64\\^([A-Za-z0-9+/=]*)/);
  console.log(JSON.stringify([found('MSH.9.2'), found('MSH.10'), found('PID.5.2'), document ? document[1].length : 0]));
  await response.sendResponse('AA');
});
inbound.on('listen', () => console.log('listening'));
"""


def test_node_hl7_server_reads_what_goes_out_by_a_connection_for_each_message() -> None:
    """On a connection that is kept it reads the first message again with the second: what came stays in its buffer."""
    folder = installed("node-hl7-server", "2.5.0")
    (folder / "take.js").write_text(NODE)
    port = free_port()
    messages = [*(each.read_bytes() for each in GOLDEN), oru("long", "é" * 100_000)]
    command = ["node", "take.js", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "listening\n"
            answers = sent(Address("127.0.0.1", port), *messages, kept=False)
            told = [json.loads(process.stdout.readline()) for _ in answers]
        finally:
            process.kill()
    assert [(each.said.code, each.said.of) for each in answers] == [("AA", control_id_of(each)) for each in messages]
    for data, (event, control_id, called, length) in zip(messages, told, strict=True):
        text = data.decode()
        assert (control_id, f"^{event}^" in text) == (control_id_of(data), True)
        assert called
        assert f"^{called}^" in text or f"^{called}\r" in text
        document = re.search(r"\^Base64\^([A-Za-z0-9+/=]*)", text)
        assert length == (len(document[1]) if document else 0)
    assert len(GOLDEN) >= 5
