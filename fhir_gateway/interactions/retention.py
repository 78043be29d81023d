"""The background's task that lets the logs of messages forget: a chunk a step, all of them again each day.

Source: `fhir_gateway/store/retention.py`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.store.retention import INCOMING, OUTGOING, Log, drop_bytes

logger = logging.getLogger(__name__)

_DAY = 86_400_000_000  # µs
_AGAIN = 86_400.0  # seconds from one pass to the next
_NEXT = 0.1  # seconds between two chunks: nobody is in a hurry


@dataclass(slots=True)
class _Pass:
    """How far a log is looked through, and when (monotonic) that goes on."""

    log: Log
    days: int
    after: int = 0
    due: float = 0.0
    dropped: int = 0


class Retention:
    """A task of the background. `message_days`, `outgoing_days`: how long bytes are kept once settled; 0: for ever."""

    def __init__(self, message_days: int, outgoing_days: int) -> None:
        wanted = ((INCOMING, message_days), (OUTGOING, outgoing_days))
        self._passes = [_Pass(log, days) for log, days in wanted if days]

    def __call__(self, gateway: Gateway) -> float:
        """Look through a chunk of each log that is due; return the seconds until the next one is."""
        now = time.monotonic()
        for each in self._passes:
            if each.due <= now:
                self._step(gateway, each)
        return min((each.due - time.monotonic() for each in self._passes), default=_AGAIN)

    def _step(self, gateway: Gateway, each: _Pass) -> None:
        before = time.time_ns() // 1000 - each.days * _DAY
        dropped, last = drop_bytes(gateway.everything.store, each.log, each.after, before)
        each.dropped += dropped
        if last is not None:
            each.after, each.due = last, time.monotonic() + _NEXT
            return
        if each.dropped:
            logger.info("messages lost their bytes", extra={"fields": {"log": each.log.table, "rows": each.dropped}})
        each.after, each.due, each.dropped = 0, time.monotonic() + _AGAIN, 0
