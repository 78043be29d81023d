"""Logs as lines of JSON: acts, types, counts, durations and codes; never values of a query, never a body.

An exception is told by its class and the places it passed, without its message: messages quote values.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec

requests = logging.getLogger("fhir_gateway.requests")


class JsonLines(logging.Formatter):
    """Writes a record as one line; `extra={"fields": {...}}` adds properties."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = places(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def places(error: BaseException) -> list[str]:
    """Return the class of an exception, those it came from, and the lines of code it passed."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        told.append(type(cause).__qualname__)
        told += [f"{step.filename}:{step.lineno} {step.name}" for step in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return told


def configure(level: str) -> None:
    """Send all logs of this process to standard error as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak when something is wrong; their start and stop is not what an operator waits for.
    root.setLevel(logging.WARNING)
    logging.getLogger("fhir_gateway").setLevel(level.upper())
