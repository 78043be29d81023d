"""Conversions between FHIRPath's types: toInteger and its kin, and what each converts.

Source: FHIRPath 2.0 (N1), "Conversion".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from fhir_gateway.fhir.fhirpath.nodes import Item, Node, system
from fhir_gateway.fhir.fhirpath.values import CALENDAR, Quantity, Temporal

_INTEGER = re.compile(r"[+-]?\d{1,40}")
_DECIMAL = re.compile(r"[+-]?\d{1,200}(\.\d{1,200})?")
_QUANTITY = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?)\s*(?:'(?P<unit>[^']+)'|(?P<word>[a-zA-Z]+))?")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


def to_boolean(item: Item) -> bool | None:
    value = system(item)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        folded = value.lower()
        return True if folded in _TRUE else False if folded in _FALSE else None
    if isinstance(value, int | Decimal):
        return True if value == 1 else False if value == 0 else None
    return None


def to_integer(item: Item) -> int | None:
    value = system(item)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        found = int(value)
        return found if -(1 << 31) <= found < 1 << 31 else None
    return None


def to_long(item: Item) -> int | None:
    value = system(item)
    if isinstance(value, bool | int):
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def to_decimal(item: Item) -> Decimal | None:
    value = system(item)
    if isinstance(value, bool):
        return Decimal("1.0") if value else Decimal("0.0")
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def to_string(item: Item) -> str | None:
    value = system(item)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Temporal | Quantity):
        return str(value)
    return None


def _to_temporal(item: Item, kind: str) -> Temporal | None:
    value = system(item)
    if isinstance(value, Temporal):
        if value.kind == kind:
            return value
        if kind == "DateTime" and value.kind == "Date":
            return Temporal("DateTime", value.parts)
        if kind == "Date" and value.kind == "DateTime":
            return Temporal("Date", value.parts[:3])
        return None
    if not isinstance(value, str):
        return None
    if kind == "Date" and "T" in value:
        whole = Temporal.read("DateTime", value)
        return None if whole is None else Temporal("Date", whole.parts[:3])
    return Temporal.read(kind, value)


def to_date(item: Item) -> Temporal | None:
    return _to_temporal(item, "Date")


def to_datetime(item: Item) -> Temporal | None:
    return _to_temporal(item, "DateTime")


def to_time(item: Item) -> Temporal | None:
    return _to_temporal(item, "Time")


def to_quantity(item: Item) -> Quantity | None:
    value = system(item)
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool):
        return Quantity(Decimal("1.0") if value else Decimal("0.0"), "1")
    if isinstance(value, int | Decimal):
        return Quantity(Decimal(value), "1")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    number, word = Decimal(match["value"]), match["word"]
    if word is not None:
        return Quantity(number, CALENDAR[word], calendar=True) if word in CALENDAR else None
    return Quantity(number, match["unit"] or "1")


CONVERSIONS: Mapping[str, Callable[[Item], Item | None]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Long": to_long,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": to_date,
    "DateTime": to_datetime,
    "Time": to_time,
    "Quantity": to_quantity,
}


def is_complex(item: Item) -> bool:
    return isinstance(system(item), Node)
