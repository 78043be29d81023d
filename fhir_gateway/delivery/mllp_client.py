"""Sending messages by MLLP: one at a time over a connection that is kept, each until its own answer has come.

An answer is that of a message when its MSA-2 is the message's MSH-10; any other is handed to whoever wants to know and
changes nothing. Where none comes in time the connection is ended, since the late answer would else be read as that of
the next message.

Source: HL7, Transport Specification: MLLP, Release 1; HL7 v2.5.1, chapter 2, 2.9.2; IHE ITI TF-2, 3.19 (TLS).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.delivery import complaints
from fhir_gateway.exchange.hl7v2.answer import Answered, answer_of
from fhir_gateway.exchange.hl7v2.framing import Framer, pieces
from fhir_gateway.fhir.outcome import Issue

_CHUNK = 64 * 1024
_STRAYS = 1000  # answers to other messages that are read while one is waited for

Stray = Callable[[Answered, bytes], None]


class NotAnswered(Exception):
    """No answer has come, so that the message is to be sent again. `came`: why, in a few words; `issue`: at length."""

    def __init__(self, came: str, issue: Issue) -> None:
        super().__init__(came)
        self.came = came
        self.issue = issue


class BadCertificates(Exception):
    """A file of a certificate or key that cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a destination listens. `context`: None for no TLS; `name`: whom its certificate must be for."""

    host: str
    port: int
    context: ssl.SSLContext | None = None
    name: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mllps' if self.context is not None else 'mllp'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds, and how long an answer may be, in bytes."""

    connect_seconds: float = 10.0
    write_seconds: float = 60.0
    answer_seconds: float = 30.0
    answer_bytes: int = 1024 * 1024

    @property
    def seconds(self) -> float:
        """The most that a message can take: a connection that had ended is opened anew once."""
        return 2 * (self.connect_seconds + self.write_seconds + self.answer_seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a message, as it is understood and as it came."""

    said: Answered
    data: bytes


class _Connection:
    """An open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_bytes: int) -> None:
        self.reader = reader
        self.writer = writer
        self.framer = Framer(answer_bytes)
        self.waiting: deque[bytes] = deque()
        self.used = False

    @property
    def is_open(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())

    def end(self) -> None:
        """End it at once: what is still on its way is not read."""
        self.writer.transport.abort()

    async def write(self, data: bytes) -> None:
        """Write a message as a block; beside the message itself no more of it is held than a few pieces."""
        for piece in pieces(data, _CHUNK):
            self.writer.write(piece)
            await self.writer.drain()

    async def next(self) -> bytes:
        """Return the next block. Raises: _EndedUnheard when the other side has ended."""
        while not self.waiting:
            data = await self.reader.read(_CHUNK)
            if not data:
                raise _EndedUnheard
            self.waiting += [each.data for each in self.framer.receive(data)]
        return self.waiting.popleft()


class Client:
    """Sends to one address. Not to be used by two at once.

    `kept`: whether a connection is used for more than one message; there are listeners that can only read one.
    """

    def __init__(self, address: Address, patience: Patience, stray: Stray, kept: bool = True) -> None:
        self.kept = kept
        self.address = address
        self.patience = patience
        self._stray = stray
        self._connection: _Connection | None = None

    async def send(self, data: bytes, control_id: str) -> Answer:
        """Send a message and return its answer. Raises: NotAnswered; the connection is ended then."""
        try:
            return await self._answer_to(data, control_id)
        finally:
            if not self.kept:
                self.close()

    async def _answer_to(self, data: bytes, control_id: str) -> Answer:
        connection = await self._open()
        again = connection.used
        try:
            return await self._exchanged(connection, data, control_id)
        except _EndedUnheard:
            self.close()
            if not again:
                raise _ended() from None
        except BaseException:
            self.close()
            raise
        # It had been open since an earlier message, and its other side had ended it meanwhile.
        connection = await self._open()
        try:
            return await self._exchanged(connection, data, control_id)
        except _EndedUnheard:
            self.close()
            raise _ended() from None
        except BaseException:
            self.close()
            raise

    async def hear(self) -> None:
        """Take in answers that have come of themselves; what has not come yet is not waited for."""
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(0.01):
                while True:
                    block = await connection.next()
                    if (said := answer_of(block)) is not None:
                        self._stray(said, block)
        except TimeoutError:
            return
        except (_EndedUnheard, OSError):
            self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.end()
            self._connection = None

    async def _open(self) -> _Connection:
        if self._connection is not None and self._connection.is_open:
            return self._connection
        self.close()
        address = self.address
        name = (address.name or address.host) if address.context is not None else None
        try:
            async with asyncio.timeout(self.patience.connect_seconds):
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=address.context, server_hostname=name
                )
        except TimeoutError:
            reason = f"none in {self.patience.connect_seconds:g} s"
            raise NotAnswered(f"no connection: {reason}", complaints.NO_CONNECTION.at(reason=reason)) from None
        except ssl.SSLError as error:
            raise _refused(error) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise NotAnswered(f"no connection: {reason}", complaints.NO_CONNECTION.at(reason=reason)) from None
        self._connection = _Connection(reader, writer, self.patience.answer_bytes)
        return self._connection

    async def _exchanged(self, connection: _Connection, data: bytes, control_id: str) -> Answer:
        patience = self.patience
        try:
            async with asyncio.timeout(patience.write_seconds):
                await connection.write(data)
        except TimeoutError:
            seconds = f"{patience.write_seconds:g}"
            raise NotAnswered(f"not taken in {seconds} s", complaints.NOT_TAKEN.at(seconds=seconds)) from None
        except ssl.SSLError as error:
            raise _refused(error) from None
        except OSError:
            raise _EndedUnheard from None
        connection.used = True
        try:
            async with asyncio.timeout(patience.answer_seconds):
                return await self._answer(connection, control_id)
        except TimeoutError:
            seconds = f"{patience.answer_seconds:g}"
            raise NotAnswered(f"no answer in {seconds} s", complaints.NO_ANSWER.at(seconds=seconds)) from None
        except ssl.SSLError as error:
            raise _refused(error) from None
        except OSError:
            raise _EndedUnheard from None

    async def _answer(self, connection: _Connection, control_id: str) -> Answer:
        for _ in range(_STRAYS):
            block = await connection.next()
            said = answer_of(block)
            if said is None:
                continue
            if said.of == control_id:
                return Answer(said, block)
            self._stray(said, block)
        raise NotAnswered("answers to other messages only", complaints.OTHERS_ONLY.at())


class _EndedUnheard(Exception):
    """The other side ended the connection before it answered."""


def _ended() -> NotAnswered:
    return NotAnswered("ended before the answer", complaints.ENDED.at())


def _refused(error: ssl.SSLError) -> NotAnswered:
    """By TLS 1.3 a client learns that its certificate was refused when it reads, not when it connects."""
    reason = getattr(error, "verify_message", "") or error.reason or type(error).__name__
    return NotAnswered(f"certificate: {reason}", complaints.CERTIFICATE.at(reason=reason))


def context_of(certificate: Path | None, key: Path | None, authority: Path | None) -> ssl.SSLContext:
    """Return what TLS is spoken by: `authority` issues the certificate that the other side must have, None: those that
    the system trusts; `certificate` and `key` are our own, None where it asks for none. Raises: BadCertificates.
    """
    try:
        made = ssl.create_default_context(cafile=authority)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            made.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(str(each) for each in (certificate, key, authority) if each is not None)
        raise BadCertificates(f"{names}: {getattr(error, 'strerror', None) or error}") from None
    return made
