"""Lanes: where work runs that is too long for the event loop, how much of it at once, and for how long.

Source: FHIR R4, RESTful API, "Status codes" (503); RFC 9110, 15.6.4.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.rest.complaints import TIME_LIMIT, TOO_BUSY, Overloaded

T = TypeVar("T")
Receive = Callable[[], Awaitable[Any]]


class ClientGone(Exception):
    """The client went away before its work began; nothing was done and nobody is there to be told."""


class Lanes:
    """A bounded pool of threads with a queue of bounded length.

    `busy` is how many requests wait or are at work, `held` how many bytes of their bodies are in memory. A thread
    cannot be stopped: what outlives the time limit keeps its place until it ends, so that the bound holds.
    """

    def __init__(self, threads: int, max_concurrency: int, max_held: int, time_limit: float) -> None:
        self._pool = ThreadPoolExecutor(threads, "act")
        self._max_concurrency = max_concurrency
        self._max_held = max_held
        self.time_limit = time_limit
        self._lock = threading.Lock()
        self.busy = 0
        self.held = 0

    def hold(self, count: int) -> None:
        """Count bytes of a body that is being received; `free` them when it is done with. Raises: Overloaded."""
        if self.held + count > self._max_held:
            raise Overloaded(TOO_BUSY.at(seconds=Overloaded.retry_after))
        self.held += count

    def free(self, count: int) -> None:
        self.held -= count

    async def run(self, work: Callable[[], T], receive: Receive) -> T:
        """Run `work` in a thread and return what it returns.

        While it waits for a thread it is dropped when the client goes away (`receive` tells).

        Raises: Overloaded when the queue is full; Unavailable beyond the time limit; ClientGone; what `work` raises.
        """
        if self.busy >= self._max_concurrency:
            raise Overloaded(TOO_BUSY.at(seconds=Overloaded.retry_after))
        self._take()
        begun = self._pool.submit(self._carry_out, work)
        done = asyncio.wrap_future(begun)
        gone = asyncio.ensure_future(_departure(receive))
        try:
            await asyncio.wait((done, gone), timeout=self.time_limit, return_when=asyncio.FIRST_COMPLETED)
            if not done.done() and gone.done() and self._dropped(begun):
                raise ClientGone
            if not done.done() and gone.done():
                # At work already: it goes on to its end, within the same limit.
                await asyncio.wait((done,), timeout=self.time_limit)
            if not done.done():
                done.add_done_callback(_look_at)
                self._dropped(begun)
                raise Unavailable(TIME_LIMIT.at(seconds=f"{self.time_limit:g}"))
            return done.result()
        finally:
            gone.cancel()

    async def aside(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run a short piece of work for an answer that is there already, outside the bounds."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def _carry_out(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self._release()

    def _dropped(self, begun: Future[Any]) -> bool:
        """Take work out of the queue; False when a thread has begun it."""
        if not begun.cancel():
            return False
        self._release()
        return True

    def _take(self) -> None:
        with self._lock:
            self.busy += 1

    def _release(self) -> None:
        with self._lock:
            self.busy -= 1

    def close(self) -> None:
        """Wait for what is at work; drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


async def _departure(receive: Receive) -> None:
    """Return when the client has gone. What else arrives (the empty body of a GET) is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _look_at(future: asyncio.Future[Any]) -> None:
    """Take note of the result of work nobody waits for any more, so that asyncio does not complain."""
    if not future.cancelled():
        future.exception()
