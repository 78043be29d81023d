"""A hospital's listener for tests: it answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from fhir_gateway.exchange.hl7v2.envelope import envelope_of
from fhir_gateway.exchange.hl7v2.framing import Framer, framed


def control_id_of(data: bytes) -> str:
    return envelope_of(data).part(10)


def answer(code: str, of: str) -> bytes:
    return f"MSH|^~\\&|DPI|HOPITAL|PASSERELLE|PFMG|20260101080000||ACK^R01^ACK|X{of}|P|2.5\rMSA|{code}|{of}\r".encode()


Behaviour = Callable[[bytes], list[bytes] | None]


def says(code: str) -> Behaviour:
    """Answer each message with a code."""
    return lambda data: [answer(code, control_id_of(data))]


AGREES = says("AA")


@dataclass
class Receiver:
    """Use it as a context. `behaviour`: the blocks that a message is answered with, none for silence; None ends the
    connection. It may be replaced meanwhile. `hold`: nothing is read until it is set.
    """

    behaviour: Behaviour = AGREES
    port: int = 0
    context: ssl.SSLContext | None = None
    hold: threading.Event | None = None
    received: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        # A thread that waits in accept() keeps the port unless it is told.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self.context is not None:
                try:
                    connection = self.context.wrap_socket(connection, server_side=True)
                except OSError:
                    connection.close()
                    continue
            if self._ended:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        framer = Framer(1 << 28)
        if self.hold is not None:
            self.hold.wait(30)
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                for block in framer.receive(data):
                    self.received.append(block.data)
                    answers = self.behaviour(block.data)
                    if answers is None:
                        connection.shutdown(socket.SHUT_RDWR)
                        return
                    connection.sendall(b"".join(map(framed, answers)))

    @property
    def control_ids(self) -> list[str]:
        return [control_id_of(each) for each in self.received]


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.01)
    return False
