"""Work in the background: one thread that carries out small steps of several tasks, one at a time.

A task never ends by itself and none can hold up another for longer than one of its steps. What a step raises is
logged and tried again later, each time later than before; nothing is given up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.gateway import Gateway

logger = logging.getLogger(__name__)

Step = Callable[[Gateway], float]  # one small unit of work; returns the seconds until it wants to be called again
Task = tuple[str, Step]

_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0
_STOP_SECONDS = 10.0


@dataclass(slots=True)
class _Turn:
    """When a task is called next (on the monotonic clock), and how long it waits after its next failure."""

    name: str
    step: Step
    due: float = 0.0
    retry: float = _FIRST_RETRY


class Background:
    """The thread and its tasks. `gateway.bell` wakes it: then every task is called as soon as its turn comes."""

    def __init__(self, gateway: Gateway, tasks: Iterable[Task]) -> None:
        self._gateway = gateway
        self._turns = [_Turn(name, step) for name, step in tasks]
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; every task has its first step at once."""
        if self._thread is not None:
            raise RuntimeError("the background is at work already")
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = _STOP_SECONDS) -> bool:
        """Begin no further step, and wait for the one at work; return whether it has ended."""
        self._stopping = True
        self._gateway.bell.set()
        if self._thread is None:
            return True
        self._thread.join(seconds)
        ended = not self._thread.is_alive()
        if not ended:
            logger.warning("background step still at work", extra={"fields": {"waited": seconds}})
        return ended

    def _run(self) -> None:
        bell = self._gateway.bell
        while self._turns and not self._stopping:
            turn = min(self._turns, key=lambda each: each.due)
            wait = turn.due - time.monotonic()
            if wait > 0 and bell.wait(wait):
                bell.clear()
                for each in self._turns:
                    each.due = 0.0
                continue
            self._take(turn)

    def _take(self, turn: _Turn) -> None:
        try:
            pause = turn.step(self._gateway)
            turn.retry = _FIRST_RETRY
        except Exception as error:  # noqa: BLE001 - the thread's edge: told, and tried again
            pause = turn.retry
            turn.retry = min(turn.retry * 2, _LAST_RETRY)
            _tell(turn.name, error, pause)
        turn.due = time.monotonic() + max(pause, 0.0)


def _tell(name: str, error: Exception, pause: float) -> None:
    """Log what a step raised: a refusal by its codes, a defect by the places it passed."""
    fields: dict[str, object] = {"task": name, "again_in": pause}
    if isinstance(error, FhirError):
        fields["refusal"] = [issue.complaint.detail for issue in error.issues]
        logger.warning("background step refused", extra={"fields": fields})
    else:
        logger.error("background step failed", exc_info=error, extra={"fields": fields})
