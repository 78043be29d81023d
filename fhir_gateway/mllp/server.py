"""The listener: connections within bounds, worker threads, and an end in good order.

Source: HL7, Transport Specification: MLLP, Release 1.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from fhir_gateway.interactions.message import Incoming, Intake, Receipt
from fhir_gateway.mllp.connection import Connection

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # between looks at connections that have been idle or stuck for too long
_ARRIVING_SECONDS = 0.01
Done = Callable[[Receipt], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a listener takes. Seconds; bytes. `held_bytes`: of all blocks that have not ended, together."""

    message_bytes: int = 64 * 1024 * 1024
    held_bytes: int = 256 * 1024 * 1024
    connections: int = 100
    idle_seconds: float = 3600.0
    block_seconds: float = 120.0  # from the beginning of a block to its end
    write_seconds: float = 30.0
    threads: int = 8


class Server:
    """Listens for senders. What it takes in is answered, and only then is it gone.

    `intake`: what messages are handed to. All methods are for the loop's own thread.
    """

    def __init__(self, intake: Intake, bounds: Bounds | None = None, context: ssl.SSLContext | None = None) -> None:
        self.intake = intake
        self.bounds = bounds or Bounds()
        self.stopping = False
        self._context = context
        self._connections: set[Connection] = set()
        self._held = 0
        self._dropped = 0
        self._refused = 0
        self._executor = ThreadPoolExecutor(self.bounds.threads, "mllp")
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self, host: str, port: int, shared: bool = False) -> tuple[str, int]:
        """Begin to listen; return the address. `shared`: other processes listen there too. Raises: OSError."""
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: Connection(self), host, port, ssl=self._context, reuse_port=shared or None, backlog=256
        )
        self._watch = self._loop.create_task(self._look())
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self, seconds: float) -> None:
        """Take no more, let what is at work end within so many seconds and be answered, then end."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.sleep(_ARRIVING_SECONDS)  # who has just been let in is seen by now
        for connection in [*self._connections]:
            connection.finish()
        until = time.monotonic() + seconds
        while self._connections and time.monotonic() < until:
            await asyncio.sleep(0.01)
        for connection in [*self._connections]:
            connection.end()
        until = time.monotonic() + _LOOK_SECONDS
        while self._connections and time.monotonic() < until:
            await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return self._context is not None

    # --- what connections ask

    def admit(self, connection: Connection) -> bool:
        """Count a connection in; False where there are too many."""
        self._connections.add(connection)
        if len(self._connections) > self.bounds.connections or self.stopping:
            self._refused += 1
            log.warning("connection refused: too many", extra={"fields": connection.told()})
            return False
        return True

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def hold(self, more: int) -> bool:
        """Count bytes of blocks that have not ended; False where there is no room for them."""
        self._held += more
        return self._held <= self.bounds.held_bytes or more <= 0

    def note_dropped(self, blocks: int) -> None:
        self._dropped += blocks
        log.warning("block without end dropped", extra={"fields": {"blocks": blocks}})

    def work(self, incoming: Incoming, done: Done) -> None:
        """Take a message in on a thread, and tell the loop."""
        loop = self._loop
        assert loop is not None

        def finished(future: Future[Receipt]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, future.result())

        def begin() -> None:
            try:
                self._executor.submit(self.intake.receive, incoming).add_done_callback(finished)
            except RuntimeError:  # the listener has ended meanwhile: the sender was not answered, and sends again
                self.intake.give_up(incoming)

        # Not before its turn: else threads would wait for what no thread is left to do.
        incoming.place.then(begin)

    async def _look(self) -> None:
        """End connections whose sender says nothing for too long, or does not read."""
        bounds = self.bounds
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            for connection in [*self._connections]:
                idle = connection.is_idle and now - connection.last_read > bounds.idle_seconds
                slow = connection.block_since and now - connection.block_since > bounds.block_seconds
                stuck = connection.stuck_since and now - connection.stuck_since > bounds.write_seconds
                if idle or slow or stuck:
                    reason = "idle" if idle else "slow" if slow else "stuck"
                    log.info("connection ended", extra={"fields": {"reason": reason, **connection.told()}})
                    connection.end()

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Return what is told of the listener at each scrape."""
        told = {
            "mllp_connections": ("Open connections of senders.", float(len(self._connections))),
            "mllp_blocks_dropped": ("Blocks that ended without an end.", float(self._dropped)),
            "mllp_connections_refused": ("Connections refused since there were too many.", float(self._refused)),
        }
        for state, count in self.intake.counts.items():
            name = f"messages_{state.replace('-', '_')}"
            told[name] = (f"Messages of this process that became {state}.", float(count))
        return told
