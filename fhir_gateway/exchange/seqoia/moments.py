"""Times of SPICE: milliseconds since 1970 in UTC in the file, texts of FHIR where rules read and write them.

A day is midnight UTC; what stands at midnight where the schema says day is read as a date without a time.

Source: GIP-CAD, ser_client-api, SPICE schema (format epoch_ms); FHIR R4, dateTime, instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from fhir_gateway.exchange.seqoia import complaints
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.schema import pointer

KINDS: Final = ("day", "moment")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_Turn = Callable[[Any, str, str], Any]


def texts(tree: Any, schema: Mapping[str, Any], issues: list[Issue]) -> Any:
    """Return a file's tree with its times as texts; what is no time is told and left out."""

    def turn(value: Any, kind: str, where: str) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        try:
            moment = _EPOCH + timedelta(milliseconds=value)
        except OverflowError:
            issues.append(complaints.NO_DATE.at(where, where=where))
            return None
        return text_of(moment, kind == "day")

    return _turned(tree, schema, schema.get("$defs", {}), "", turn)


def numbers(tree: Any, schema: Mapping[str, Any], issues: list[Issue]) -> Any:
    """Return a tree that rules made with its times as numbers; what names no single day is told and left out."""

    def turn(value: Any, kind: str, where: str) -> Any:
        if not isinstance(value, str):
            return value
        moment = moment_of(value)
        if moment is None:
            issues.append(complaints.PARTIAL_DATE.at(where, where=where, date=value))
            return None
        return (moment - _EPOCH) // timedelta(milliseconds=1)

    return _turned(tree, schema, schema.get("$defs", {}), "", turn)


def text_of(moment: datetime, day: bool) -> str:
    """Return a moment as FHIR writes it in UTC; a date where midnight is a `day`."""
    if day and (moment - _EPOCH) % _DAY == timedelta():
        return moment.date().isoformat()
    form = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=form).replace("+00:00", "Z")


def moment_of(text: str) -> datetime | None:
    """Return the moment that a dateTime of FHIR names, a date its midnight in UTC; None where it names none."""
    try:
        if "T" not in text:
            found = date.fromisoformat(text) if len(text) == 10 else None
            return datetime(found.year, found.month, found.day, tzinfo=UTC) if found is not None else None
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def _turned(value: Any, schema: Mapping[str, Any], defs: Mapping[str, Any], where: str, turn: _Turn) -> Any:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in KINDS:
        return turn(value, name, where)
    if name:
        schema = defs[name]
    if isinstance(value, dict) and "properties" in schema:
        members = schema["properties"]
        made = {
            key: _turned(each, members[key], defs, pointer(where, key), turn) if key in members else each
            for key, each in value.items()
        }
        return {key: each for key, each in made.items() if each is not None or value[key] is None}
    if isinstance(value, list) and "items" in schema:
        return [_turned(each, schema["items"], defs, pointer(where, at), turn) for at, each in enumerate(value)]
    return value
