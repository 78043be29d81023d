"""The lines of messages that go out: one for each destination, in order, none of which holds up another.

A loop in a thread of its own waits for all destinations at once; what asks the database or writes a message goes to a
few threads beside. Of several processes that share a database each has such a loop, and the head of a line is sent by
whoever claims it (`store.outbox`). A process that dies leaves a message claimed for a while; then another one sends it
again, the same bytes under the same MSH-10.

Source: HL7 v2.5.1, chapter 2, 2.9.2; HL7, Transport Specification: MLLP, Release 1.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

from fhir_gateway.delivery.complaints import told
from fhir_gateway.delivery.mllp_client import Address, Answer, Client, NotAnswered, Patience
from fhir_gateway.delivery.room import SHORT, Room
from fhir_gateway.delivery.verdict import verdict, with_wait
from fhir_gateway.exchange.hl7v2.answer import CODES, Answered
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.store import outbox
from fhir_gateway.store.contract import Store
from fhir_gateway.store.outbox import STATES, Claimed, Entry, State, Tried, Written

log = logging.getLogger(__name__)
T = TypeVar("T")

Write = Callable[[Entry], Written]
_CLAIM = 30.0  # seconds that a claim lasts, so that what a dead process had is sent by another one then
_SOONER = 5.0  # seconds until the head of a line that is to wait is looked at again: somebody may want it tried at once
_RENEWED = 10.0  # seconds after which the claim of what is still being sent is renewed


class Unwritable(Exception):
    """A message that cannot be made of what there is, however often it is tried. `detail`: what a person is told."""

    def __init__(self, detail: Mapping[str, Any]) -> None:
        super().__init__()
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Route:
    """A destination as it is sent to. `waits`: whether its line stands still after a message that was refused;
    `kept`: whether a connection is used for more than one message.
    """

    name: str
    address: Address
    patience: Patience = field(default_factory=Patience)
    enhanced: bool = False
    waits: bool = False
    kept: bool = True
    give_up_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks at what waits, until a try is repeated (doubled each time), until an idle connection is
    ended. `threads`: that ask the database and write messages. `held_bytes`: of long messages being sent at once, over
    all lines; one that is longer by itself goes alone.
    """

    look: float = 1.0
    first_retry: float = 2.0
    longest_retry: float = 300.0
    idle: float = 60.0
    threads: int = 4
    held_bytes: int = 64 * 1024 * 1024


class Lines:
    """Sends what waits. `write` makes the bytes of an entry, in any thread; it raises Unwritable."""

    def __init__(self, store: Store, routes: Mapping[str, Route], write: Write, pace: Pace | None = None) -> None:
        self.holder = token_hex(8)
        self._store = store
        self._routes = routes
        self._write = write
        self._pace = pace or Pace()
        self._threads = ThreadPoolExecutor(self._pace.threads, "outgoing")
        # What is long is made and read in one thread: each that did would keep as much memory for the next time.
        self._long = ThreadPoolExecutor(1, "outgoing-long")
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._wake: asyncio.Event | None = None
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, Claimed] = {}  # what this process sends, by destination
        self._told: dict[str, Tried] = {}  # what that came to, until it is written down
        self._clients: dict[str, Client] = {}
        self._used: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._counts: Counter[State] = Counter()
        self._beside: set[asyncio.Task[None]] = set()
        self._room = Room(self._pace.held_bytes)
        self._writing = asyncio.Lock()  # one message is made at a time: what that takes is a multiple of its bytes

    def start(self) -> None:
        """Begin. On SQLite, which one process has at a time, what a dead one had claimed is free at once."""
        if self._store.dialect == "sqlite":
            outbox.take_back(self._store)
        self._thread = threading.Thread(target=self._run, name="outgoing", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Begin nothing more; what is on its way may be answered within so many seconds, then it is let go."""
        self._stopping = True
        self._tell_loop(self._look_up)
        if self._thread is not None:
            until = time.monotonic() + seconds
            while self._at_work and time.monotonic() < until:
                time.sleep(0.01)
            self._tell_loop(self._end_all)
            self._thread.join(max(seconds, 1.0))
        self._threads.shutdown()
        self._long.shutdown()
        for name, claimed in self._held.items():  # nobody need wait for what this process will not send any more
            outbox.settle(self._store, claimed, self.holder, self._told.get(name, Tried("queued", "stopped")))
        self._held.clear()

    @property
    def counts(self) -> dict[State, int]:
        """What became of what this process has tried to send."""
        return dict(self._counts)

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Return what is told at each scrape: of the database, and of this process."""
        try:
            with self._store.read(feed=False) as view:
                counts, oldest = outbox.counts(view), outbox.oldest(view)
        except FhirError:  # told by `store_up`
            return {}
        age = time.time() - oldest / 1e6 if oldest else 0.0
        told = {"outgoing_oldest_seconds": ("Age of the oldest message that is to go out.", max(age, 0.0))}
        for state in STATES:
            if state == "acknowledged":
                continue
            told[f"outgoing_{state}"] = (f"Messages to go out that are {state}.", float(counts.get(state, 0)))
        for state, count in self.counts.items():
            name = f"outgoing_became_{state}"
            told[name] = (f"Tries of this process that left a message {state}.", float(count))
        return told

    # --- the loop

    def _run(self) -> None:
        asyncio.run(self._look_on())

    async def _look_on(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        try:
            while not self._stopping:
                await self._look()
                try:
                    async with asyncio.timeout(self._pace.look):
                        await self._wake.wait()
                except TimeoutError:
                    continue
                self._wake.clear()
            while self._at_work:
                await asyncio.sleep(0.01)
        finally:
            for client in self._clients.values():
                client.close()

    async def _look(self) -> None:
        try:
            waiting = await self._aside(self._waiting)
        except Exception as error:  # told, and tried again
            log.error("cannot look at what is to go out", exc_info=error)
            return
        now = time.monotonic()
        for name in waiting:
            if name in self._routes and name not in self._at_work and self._not_before.get(name, 0.0) <= now:
                self._at_work[name] = asyncio.create_task(self._work(self._routes[name]))
        for name, client in self._clients.items():
            if name in self._at_work:
                continue
            if now - self._used.get(name, now) > self._pace.idle:
                client.close()
            elif self._routes[name].enhanced:
                await client.hear()

    def _waiting(self) -> list[str]:
        with self._store.read(feed=False) as view:
            return outbox.lines(view)

    def _tell_loop(self, what: Callable[[], None]) -> None:
        """Have the loop do something, if it has not ended."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it ended just now
                self._loop.call_soon_threadsafe(what)

    def _look_up(self) -> None:
        if self._wake is not None:
            self._wake.set()
        self._room.close()

    def _end_all(self) -> None:
        for task in self._at_work.values():
            task.cancel()

    async def _aside(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _aside_long(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._long, work, *arguments)

    # --- one line

    async def _work(self, route: Route) -> None:
        """Send what waits for a destination, until nothing does or it has to be waited for."""
        try:
            while not self._stopping and await self._step(route):
                self._used[route.name] = time.monotonic()
        except asyncio.CancelledError:
            return
        except Exception as error:  # told, and tried again
            self._not_before[route.name] = time.monotonic() + self._pace.first_retry
            log.error("line failed", exc_info=error, extra={"fields": {"destination": route.name}})
        finally:
            del self._at_work[route.name]

    async def _step(self, route: Route) -> bool:
        """Send the head of a line, and return whether to look at the next one."""
        if route.name in self._told:
            await self._settle(route)  # the database was away when the answer came
        entry = await self._aside(self._head, route)
        if entry is None:
            return False
        wait = entry.due / 1e6 - time.time()
        if wait > 0:
            self._not_before[route.name] = time.monotonic() + min(wait, _SOONER)
            self._wake_in(wait)
            return False
        if entry.size:
            async with self._room.of(entry.size):
                return await self._sent(route, entry, None)
        async with self._writing:
            written = await self._written(route, entry)
            if written is None:
                return True
            if len(written.data) > SHORT:  # it waits for room in the database, not here
                await self._aside_long(outbox.keep, self._store, entry, written)
                return True
        return await self._sent(route, entry, written)

    async def _sent(self, route: Route, entry: Entry, written: Written | None) -> bool:
        """Claim an entry, send it, and write down what came of it; False when somebody else has it."""
        aside = self._aside_long if entry.size > SHORT else self._aside
        claimed = await aside(outbox.claim, self._store, entry, self.holder, _CLAIM, written)
        if claimed is None:
            return False
        self._held[route.name] = claimed
        began = time.time_ns() // 1000
        renewing = asyncio.create_task(self._renew(claimed))
        try:
            tried = await self._tried(route, claimed)
        finally:
            renewing.cancel()
        tried = self._with_wait(route, claimed.entry, tried)
        self._told[route.name] = replace(tried, began=began, address=str(route.address))
        await self._settle(route)
        return True

    def _head(self, route: Route) -> Entry | None:
        with self._store.read(feed=False) as view:
            if route.waits and outbox.is_stopped(view, route.name):
                return None
            entry = outbox.head(view, route.name)
        if entry is not None and entry.state == "sending" and entry.held_until > time.time_ns() // 1000:
            return None  # another process is at it
        return entry

    async def _written(self, route: Route, entry: Entry) -> Written | None:
        """Return the bytes of an entry; None where they could not be made, which is noted."""
        try:
            return await self._aside_long(self._write, entry)
        except Unwritable as refusal:
            tried = Tried("dead", "cannot be written", detail=refusal.detail)
        except Exception as error:  # told, and tried again
            log.error("message not written", exc_info=error, extra={"fields": {"oid": entry.oid}})
            tried = Tried("queued", "not written", detail={"error": type(error).__name__})
        tried = self._with_wait(route, entry, tried)
        if await self._aside(outbox.put_off, self._store, entry, tried):
            self._tell(route, entry, tried)
        return None

    async def _tried(self, route: Route, claimed: Claimed) -> Tried:
        client = self._client(route)
        try:
            answer: Answer = await client.send(claimed.data, claimed.entry.control_id)
        except NotAnswered as error:
            return Tried("queued", error.came, detail=told(error.issue))
        return verdict(answer.said, answer.data, route.enhanced)

    async def _renew(self, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(_RENEWED)
            try:
                await self._aside(outbox.renew, self._store, claimed, self.holder, _CLAIM)
            except Exception as error:  # told, and tried again
                log.warning("claim not renewed", exc_info=error, extra={"fields": {"oid": claimed.entry.oid}})

    async def _settle(self, route: Route) -> None:
        """Write down what a try came to; what it was stays known here until that is done."""
        claimed, tried = self._held[route.name], self._told[route.name]
        if await self._aside(outbox.settle, self._store, claimed, self.holder, tried):
            self._tell(route, claimed.entry, tried)
        del self._held[route.name], self._told[route.name]

    def _with_wait(self, route: Route, entry: Entry, tried: Tried) -> Tried:
        pace = self._pace
        now = time.time_ns() // 1000
        return with_wait(tried, entry, now, pace.first_retry, pace.longest_retry, route.give_up_seconds)

    def _tell(self, route: Route, entry: Entry, tried: Tried) -> None:
        self._counts[tried.state] += 1
        fields = {"oid": entry.oid, "destination": route.name, "event": entry.event, "control_id": entry.control_id}
        level = logging.INFO if tried.state in ("acknowledged", "sent") else logging.WARNING
        log.log(level, "message %s", tried.state, extra={"fields": {**fields, "came": tried.came}})

    def _client(self, route: Route) -> Client:
        if route.name not in self._clients:
            stray = partial(self._stray, route)
            self._clients[route.name] = Client(route.address, route.patience, stray, route.kept)
        return self._clients[route.name]

    def _stray(self, route: Route, said: Answered, data: bytes) -> None:
        """Note an answer to an earlier message; whatever else it is changes nothing."""
        log.info("answer to another message", extra={"fields": {"destination": route.name, "code": said.code[:20]}})
        if said.code not in CODES:
            return
        task = asyncio.create_task(self._answered(route, said, data))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _answered(self, route: Route, said: Answered, data: bytes) -> None:
        tried = verdict(said, data, route.enhanced)
        if tried.state in ("acknowledged", "rejected"):
            await self._aside(outbox.answered, self._store, route.name, said.of, tried)

    def _wake_in(self, seconds: float) -> None:
        if seconds < self._pace.look and self._wake is not None:
            asyncio.get_running_loop().call_later(seconds, self._wake.set)
