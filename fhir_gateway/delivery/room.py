"""Room for what is being sent: long messages of all lines together, within so many bytes; short ones are not counted.

Source: none; a document in a message may have 20 MB, and there may be as many destinations as hospitals.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHORT = 1024 * 1024  # bytes of a message that waits for nobody


class Room:
    """So many bytes for one loop. Who came first gets in first, so that a very long message is not passed for ever."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Hold room for a message while it is sent; wait until there is some. A longer one than all the room is goes
        alone.
        """
        if size <= SHORT:
            yield
            return
        size = min(size, self._total)
        await self._enter(size)
        try:
            yield
        finally:
            self._leave(size)

    def close(self) -> None:
        """Let nobody in any more who waits: those are called off."""
        for _, called in self._waiting:
            called.cancel()
        self._waiting.clear()

    async def _enter(self, size: int) -> None:
        if not self._waiting and self._used + size <= self._total:
            self._used += size
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._leave(size)  # it was let in and called off at once
            else:
                self._waiting = deque(each for each in self._waiting if each[1] is not called)
                self._call()
            raise

    def _leave(self, size: int) -> None:
        self._used -= size
        self._call()

    def _call(self) -> None:
        while self._waiting and self._used + self._waiting[0][0] <= self._total:
            size, called = self._waiting.popleft()
            if not called.done():
                self._used += size
                called.set_result(None)
