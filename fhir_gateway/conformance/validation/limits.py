"""Limits that a profile sets to a value: lengths, least and greatest values, decimal places, regular expressions.

Compiled once for each rule that has any.

Source: FHIR R4, ElementDefinition: minValue[x], maxValue[x], maxLength; the extensions minLength, maxDecimalPlaces,
maxSize and regex.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fhir_gateway.conformance.validation import limit_complaints as complaints
from fhir_gateway.conformance.validation.narrative import Said
from fhir_gateway.conformance.validation.shape import text_of
from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.primitives import interval_of

Limit = Callable[[Node], Iterator[Said]]

_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/"
MIN_LENGTH: Final = f"{_EXTENSION}minLength"
MAX_DECIMALS: Final = f"{_EXTENSION}maxDecimalPlaces"
MAX_SIZE: Final = f"{_EXTENSION}maxSize"
REGEX: Final = f"{_EXTENSION}regex"
# R5's ElementDefinition.mustHaveValue and .valueAlternatives, as R4 has them.
MUST_HAVE_VALUE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue"
VALUE_ALTERNATIVES: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.valueAlternatives"
_UCUM: Final = "http://unitsofmeasure.org"
_QUANTITIES: Final = frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity"})
_DATES: Final = frozenset({"date", "dateTime", "instant"})
_SIDES: Final = (("minValue", -1), ("maxValue", 1))


def limits_of(definition: Mapping[str, Any]) -> tuple[Limit, ...]:
    """Return the limits that an ElementDefinition sets; none for most."""
    found: list[Limit] = []
    longest = definition.get("maxLength")
    if isinstance(longest, int) and longest > 0:
        found.append(_max_length(longest))
    for prefix, side in _SIDES:
        for key, limit in definition.items():
            if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
                found.append(_bound(key[len(prefix) :], limit, side))
    alternatives: list[str] = []
    for extension in definition.get("extension", ()):
        if extension.get("url") == VALUE_ALTERNATIVES and isinstance(extension.get("valueCanonical"), str):
            alternatives.append(extension["valueCanonical"])
        make = _OF_EXTENSION.get(extension.get("url"))
        value = next((value for key, value in extension.items() if key.startswith("value")), None)
        if make is not None and value is not None:
            found.append(make(value))
        elif extension.get("url") == MUST_HAVE_VALUE and value is True:
            found.append(_must_have_value(definition))
    if alternatives:
        found.append(_value_alternatives(definition, alternatives))
    return tuple(found)


def _must_have_value(definition: Mapping[str, Any]) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        if node.value is None:
            yield complaints.NO_VALUE, {"element": definition.get("id", definition.get("path"))}

    return check


def _value_alternatives(definition: Mapping[str, Any], urls: list[str]) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        extensions = (node.twin or {}).get("extension", ())
        if node.value is None and not any(isinstance(each, dict) and each.get("url") in urls for each in extensions):
            name = definition.get("id", definition.get("path"))
            yield complaints.NO_ALTERNATIVE, {"element": name, "extensions": ", ".join(urls)}

    return check


def _max_length(longest: int) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        text = _text(node)
        if text is not None and len(text) > longest:
            yield complaints.TOO_LONG, {"max": longest, "count": len(text)}

    return check


def _text(node: Node) -> str | None:
    """The text of a primitive that has a value."""
    return None if node.value is None or isinstance(node.value, (dict, list)) else text_of(node.value)


# --- least and greatest values


def _bound(type: str, limit: Any, side: int) -> Limit:
    if type in _QUANTITIES and isinstance(limit, dict):
        return _duration_bound(limit, side) if type == "Duration" else _quantity_bound(limit, side)
    complaint = complaints.OF_VALUE[side]

    def check(node: Node) -> Iterator[Said]:
        text = _text(node)
        if text is None or not _is_beyond(node, text, limit, side):
            return
        kind = "date/time" if node.type in _DATES or node.type == "time" else node.type
        yield complaint, {"type": kind, "limit": text_of(limit), "value": text}

    return check


def _is_beyond(node: Node, text: str, limit: Any, side: int) -> bool:
    """Whether a primitive lies beyond a limit; no, where the two cannot be compared."""
    if isinstance(limit, (int, Decimal)) and not isinstance(limit, bool):
        value = node.value
        if not isinstance(value, (int, Decimal)) or isinstance(value, bool):
            return False
        return (Decimal(value) - Decimal(limit)) * side > 0
    if not isinstance(limit, str):
        return False
    if node.type == "time":
        return text > limit if side > 0 else text < limit
    if node.type not in _DATES:
        return False
    try:
        own, bound = interval_of(text), interval_of(limit)
    except InvalidRequest:  # no date: complained of elsewhere
        return False
    return own.low >= bound.high if side > 0 else own.high <= bound.low


def _quantity_bound(limit: dict[str, Any], side: int) -> Limit:
    wrong, converted_wrong, unclear = complaints.OF_QUANTITY[side]

    def check(node: Node) -> Iterator[Said]:
        given = node.value
        if not isinstance(given, dict):  # a decimal that a Quantity limits
            return
        value, wanted = given.get("value"), limit.get("value")
        if not isinstance(value, (int, Decimal)) or not isinstance(wanted, (int, Decimal)):
            yield unclear, {"reason": "value"}
            return
        for part in ("system", "code"):
            if not given.get(part) or not limit.get(part):
                yield unclear, {"reason": part}
                return
        texts = {"value": text_of(value), "limit": text_of(wanted), "code": given["code"], "unit": limit["code"]}
        if given["system"] != limit["system"]:
            yield unclear, {"reason": "system"}
        elif given["code"] == limit["code"]:
            if (value - wanted) * side > 0:
                yield wrong, texts
        elif given["system"] != _UCUM:
            yield unclear, {"reason": "code"}
        else:
            converted = ucum.converted(Decimal(value), given["code"], limit["code"])
            if converted is None:
                yield complaints.NO_CONVERSION, texts
            elif (converted - wanted) * side > 0:
                yield converted_wrong, texts

    return check


def _duration_bound(limit: dict[str, Any], side: int) -> Limit:
    """A date is not to lie further from now than a duration."""
    complaint = complaints.OF_DURATION[side]
    unit = str(limit.get("code") or limit.get("unit") or "")
    amount = limit.get("value")
    shown = f"{text_of(amount)}{unit}"

    def check(node: Node) -> Iterator[Said]:
        text = _text(node)
        if text is None or node.type not in _DATES or not isinstance(amount, (int, Decimal)):
            return
        now = datetime.now(UTC)
        try:
            own = interval_of(text)
            bound = interval_of(_moved(now, Decimal(amount), unit).isoformat(timespec="seconds"))
        except (InvalidRequest, OverflowError, LookupError):  # no date, or no bound that a date could have
            return
        if own.low >= bound.high if side > 0 else own.high <= bound.low:
            yield complaint, {"value": text, "duration": shown, "now": now.isoformat(timespec="seconds")}

    return check


_MONTHS: Final = {"a": 12, "mo": 1, "year": 12, "years": 12, "month": 1, "months": 1}


def _moved(now: datetime, amount: Decimal, unit: str) -> datetime:
    """Return the instant an amount of time from now.

    Raises: OverflowError outside the years 1 to 9999; LookupError for a unit that is none of time.
    """
    months = _MONTHS.get(unit)
    if months is not None:
        years, month = divmod(now.month - 1 + int(amount * months), 12)
        year = now.year + years
        if not 1 <= year <= 9999:
            raise OverflowError(year)
        return now.replace(year=year, month=month + 1, day=min(now.day, 28))
    seconds = ucum.converted(amount, unit, "s")
    if seconds is None:
        raise LookupError(unit)
    return now + timedelta(seconds=float(seconds))


# --- extensions


def _min_length(shortest: Any) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        text = _text(node)
        if text is not None and isinstance(shortest, int) and len(text) < shortest:
            yield complaints.TOO_SHORT, {"count": len(text), "min": shortest}

    return check


def _max_decimals(most: Any) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        value = node.value.get("value") if isinstance(node.value, dict) else node.value
        if not isinstance(value, (int, Decimal)) or isinstance(value, bool) or not isinstance(most, int):
            return
        places = len(text_of(value).partition(".")[2])
        if places > most:
            yield complaints.DECIMALS, {"count": places, "max": most}

    return check


def _max_size(most: Any) -> Limit:
    def check(node: Node) -> Iterator[Said]:
        text, size = _text(node), None
        if text is not None:
            try:
                size = len(binascii.a2b_base64(text))
            except ValueError:  # no base64: complained of elsewhere
                return
        elif isinstance(node.value, dict):
            size = node.value.get("size")
        if isinstance(size, int) and size > Decimal(most):
            yield complaints.TOO_LARGE, {"count": size, "max": text_of(most)}

    return check


def _regex(pattern: Any) -> Limit:
    try:
        matches = re.compile(pattern).fullmatch
    except (re.error, TypeError):  # it is the profile that is wrong
        return lambda node: iter(())

    def check(node: Node) -> Iterator[Said]:
        text = _text(node)
        if text is not None and matches(text) is None:
            yield complaints.REGEX, {"value": text[:100], "regex": pattern}

    return check


_OF_EXTENSION: Final[Mapping[Any, Callable[[Any], Limit]]] = {
    MIN_LENGTH: _min_length,
    MAX_DECIMALS: _max_decimals,
    MAX_SIZE: _max_size,
    REGEX: _regex,
}
