"""The mappings in force: read when they are first needed, read again when their files change, and kept as they were
where what is new is wrong.

Source: mappings/README.md.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fhir_gateway.exchange.hl7v2.convert import Converter, converter, shipped_mappings
from fhir_gateway.exchange.hl7v2.sending_rules import SendingRules, sending_rules
from fhir_gateway.exchange.hl7v2.values import PARIS
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.complaints import MappingError

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
_State = tuple[tuple[str, int, int], ...]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the newest files are not in force. `since`: seconds since the epoch."""

    issues: tuple[Issue, ...]
    since: float


class Current:
    """The mappings in force, of what comes in and of what is sent, for all threads.

    folder: an operator's, laid over those that ship. Changed files are noticed when mappings are asked for, at most
    once a second, and read in a thread of their own: who asks gets the last good version until the new one is there.
    All that was asked for once is read again together, and is in force only if all of it is sound.
    """

    def __init__(
        self, folder: Path | None = None, zone: str = PARIS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._zone = zone
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[tuple[str, ...], Converter] = {}
        self._sent: dict[tuple[str, ...], SendingRules] = {}
        self._state: _State = ()
        self._looked = 0.0
        self._reading: threading.Thread | None = None
        self.refused: Refused | None = None  # what is wrong with the files as they are now

    def of(self, sites: Sequence[str] = ()) -> Converter:
        """Return what converts messages; sites: whose rules apply, none: to those of each site its own.

        Raises: MappingError with all that is wrong, where there is no good version.
        """
        key = tuple(sites)
        found = self._made.get(key)
        if found is None:
            return self._first(key)
        self._notice()
        return found

    def out(self, sites: Sequence[str] = ()) -> SendingRules:
        """Return the rules for what is sent; sites: whose apply to all of it, none: those of each receiver's site.

        Raises: MappingError with all that is wrong, where there is no good version.
        """
        key = tuple(sites)
        found = self._sent.get(key)
        if found is None:
            return self._first_out(key)
        self._notice()
        return found

    def reload(self) -> bool:
        """Read all files again, now (SIGHUP). Return whether they are in force; what is wrong with them is logged."""
        with self._lock:
            return self._read()

    @property
    def version(self) -> str:
        """The hash of what is in force; "" before it was read."""
        found = self._made.get(()) or next(iter(self._made.values()), None)
        return found.mappings.version if found is not None else ""

    # --- reading

    def _first(self, key: tuple[str, ...]) -> Converter:
        with self._lock:
            found = self._made.get(key)
            if found is None:
                state = self._files()
                found = converter(key, self._folder, self._zone)
                self._state = self._state or state
                self._made = {**self._made, key: found}
            return found

    def _first_out(self, key: tuple[str, ...]) -> SendingRules:
        with self._lock:
            found = self._sent.get(key)
            if found is None:
                state = self._files()
                found = sending_rules(key, self._folder)
                self._state = self._state or state
                self._sent = {**self._sent, key: found}
            return found

    def _notice(self) -> None:
        now = self._clock()
        if now - self._looked >= LOOK_EVERY:
            self._look(now)

    def _look(self, now: float) -> None:
        """Begin to read where files have changed; nothing is waited for."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._looked = now
            if self._files() != self._state and (self._reading is None or not self._reading.is_alive()):
                self._reading = threading.Thread(target=self.reload, name="mappings", daemon=True)
                self._reading.start()
        finally:
            self._lock.release()

    def wait(self) -> None:
        """Wait until what is being read is in force or refused."""
        if self._reading is not None:
            self._reading.join()

    def _read(self) -> bool:
        state = self._files()
        self._state = state
        problems: list[Issue] = []

        def made_of(make: Callable[[tuple[str, ...]], _Made], keys: Iterable[tuple[str, ...]]) -> dict[Any, _Made]:
            found = {}
            for key in keys:
                try:
                    found[key] = make(key)
                except MappingError as error:
                    problems.extend(each for each in error.issues if each not in problems)
            return found

        made = made_of(lambda key: converter(key, self._folder, self._zone), self._made or ((),))
        sent = made_of(lambda key: sending_rules(key, self._folder), self._sent)
        if problems:
            self.refused = Refused(tuple(problems), time.time())
            logger.error(
                "mappings: the files are wrong, version %s stays in force:\n%s",
                self.version or "(none)", "\n".join(each.text() for each in problems),
            )  # fmt: skip
            return False
        self._made, self._sent = made, sent
        self.refused = None
        logger.info("mappings: version %s is in force", self.version)
        return True

    def _files(self) -> _State:
        places = [shipped_mappings(), *([self._folder] if self._folder is not None else [])]
        found = (path for place in places for path in place.rglob("*.yaml"))
        return tuple(sorted(_seen(each) for each in found))


def _seen(path: Path) -> tuple[str, int, int]:
    try:
        about = path.stat()
    except FileNotFoundError:  # gone since it was listed
        return str(path), 0, 0
    return str(path), about.st_mtime_ns, about.st_size
