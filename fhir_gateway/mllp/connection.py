"""One connection of a sender: blocks in, acknowledgements out, one message at a time, in order.

The loop's own thread only frames and hands over; what takes time is done in worker threads. While a message is at work
nothing more is read once another waits behind it, so that a sender who does not wait for answers fills its own buffers
and not ours.

Source: HL7, Transport Specification: MLLP, Release 1; IHE ITI TF-2x, C.2.1.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from fhir_gateway.exchange.hl7v2.framing import Block, Framer, framed
from fhir_gateway.interactions.message import Incoming, Receipt
from fhir_gateway.mllp.tls import names_of

if TYPE_CHECKING:
    from fhir_gateway.mllp.server import Server

log = logging.getLogger(__name__)

_WAITING = 4  # blocks that wait behind the one at work, beyond which nothing is read


class Connection(asyncio.Protocol):
    """The protocol of a connection; the server keeps count of all."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._framer = Framer(server.bounds.message_bytes)
        self._waiting: deque[Incoming] = deque()
        self._at_work = False
        self._transport: asyncio.Transport | None = None
        self._certificate: frozenset[str] | None = None
        self._paused = False
        self._lost = False
        self._held = 0
        self._working = 0  # bytes of the message at work
        self._closing = False
        self.last_read = time.monotonic()
        self.block_since = 0.0  # when the block that has not ended began; 0: there is none
        self.stuck_since = 0.0  # when the peer stopped reading what it is sent; 0: it reads

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        certificate = transport.get_extra_info("peercert")
        self._certificate = names_of(certificate) if certificate else None
        if not self._server.admit(self):
            # Nobody is told more: an answer needs a message.
            transport.abort()  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.last_read = time.monotonic()
        dropped = self._framer.dropped
        blocks = self._framer.receive(data)
        if self._framer.dropped != dropped:
            self._server.note_dropped(self._framer.dropped - dropped)
        if not self._framer.is_within:
            self.block_since = 0.0
        elif blocks or not self.block_since:
            self.block_since = self.last_read
        for block in blocks:
            self._take(block)
        self._hold()
        if len(self._waiting) >= _WAITING:
            self._pause()
        self._next()

    def eof_received(self) -> bool:
        """The sender has no more to say; what is at work is answered before the connection ends."""
        self._closing = True
        self._end_if_idle()
        return not self._server.is_secure

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        while self._waiting:
            # Whoever is gone sends again: what was not begun is not begun.
            self._server.intake.give_up(self._waiting.popleft())
        self._server.hold(-self._held)
        self._held = 0
        self._lost = True
        self._server.left(self)

    def pause_writing(self) -> None:
        self.stuck_since = time.monotonic()

    def resume_writing(self) -> None:
        self.stuck_since = 0.0
        self._next()

    # --- messages

    def _hold(self) -> None:
        """Count the bytes that are kept; end the connection where there is no room for more."""
        if self._lost:
            return
        held = self._framer.held + self._working + sum(len(each.data) for each in self._waiting)
        fits = self._server.hold(held - self._held)
        self._held = held
        if not fits:
            log.warning("connection ended: no room for more messages")
            self.end()

    def _take(self, block: Block) -> None:
        self._waiting.append(self._server.intake.incoming(block.data, "mllp", self._certificate, whole=block.whole))

    def _next(self) -> None:
        if self._at_work or self.stuck_since:
            return  # whoever does not read its answers gets no more of them
        if not self._waiting:
            self._end_if_idle()
            return
        self._at_work = True
        incoming = self._waiting.popleft()
        self._working = len(incoming.data)
        self._server.work(incoming, self._answered)

    def _answered(self, receipt: Receipt) -> None:
        """Send what a message is answered, and go on with the next; on the loop's own thread."""
        self._at_work = False
        self._working = 0
        self._hold()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if receipt.answers:
            transport.write(b"".join(map(framed, receipt.answers)))
        if self._paused and len(self._waiting) < _WAITING and not self._closing:
            self._paused = False
            transport.resume_reading()
        self._next()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _end_if_idle(self) -> None:
        if self._closing and not self._at_work and not self._waiting and self._transport is not None:
            self._transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of this connection is at work or waits."""
        return not self._at_work and not self._waiting

    def finish(self) -> None:
        """Take no more, answer what has come whole, then end."""
        self._closing = True
        self._pause()
        self._end_if_idle()

    def end(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    def told(self) -> dict[str, Any]:
        """Return who is at the other end, for the log."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return {"peer": str(peer[0]) if peer else "-"}
