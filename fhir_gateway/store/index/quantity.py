"""Quantity parameters: numbers with a unit.

Row (pid, u, lo, hi). A quantity has a row for each way to ask for it: u = 0 for any unit, the key of its code, of its
unit where that is another text, and of "system|code". Its value is a point, as for numbers; with a comparator all it
may be ("<5": below 5). Money is a quantity in the currency code of ISO 4217. SampledData has no one value and no row.

Units are compared as they are written; nothing is converted.

Source: FHIR R4, Search, "quantity".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, for_each, refuse_modifier
from fhir_gateway.store.index.hashing import joined_key
from fhir_gateway.store.index.number import Bounds, NumberAsked, condition_of, number_asked, range_bounds
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import PREFIXES, split, unescape

ANY_UNIT = 0
CURRENCIES = "urn:iso:std:iso:4217"

# The bounds of a quantity, and its system, code and human unit.
Measure = tuple[Bounds, str | None, str | None, str | None]


def bounds_of(value: float, comparator: str | None) -> Bounds:
    """Return what a value with a comparator may be, inclusive."""
    if comparator is None:
        return value, value
    if comparator in ("<", "<="):
        return -inf, (nextafter(value, -inf) if comparator == "<" else value)
    return (nextafter(value, inf) if comparator == ">" else value), inf


def _quantities(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        if "value" in each:
            bounds = bounds_of(float(each["value"]), each.get("comparator"))
            yield bounds, each.get("system"), each.get("code"), each.get("unit")


def _moneys(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        if "value" in each:
            amount = float(each["value"])
            yield (amount, amount), CURRENCIES, each.get("currency"), None


def _ranges(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        bounds = range_bounds(each)
        if bounds is not None:
            # Both ends have one unit (rng-2 compares them); it may be written at one of them only.
            end = each["low"] if "low" in each else each["high"]
            yield bounds, end.get("system"), end.get("code"), end.get("unit")


_MEASURES: Mapping[str, Callable[[list[Any]], Iterator[Measure]]] = {
    **dict.fromkeys(("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance"), _quantities),
    "Money": _moneys,
    "Range": _ranges,
}


def measures_by(type: str) -> Callable[[list[Any]], Iterator[Measure]] | None:
    """Return what gives the measures of values of a FHIR type; None when such a value is no quantity."""
    return _MEASURES.get(type)


@lru_cache(8192)
def unit_keys(system: str | None, code: str | None, unit: str | None) -> tuple[int, ...]:
    """Return the keys of a unit: one for each way to ask for it."""
    keys = [ANY_UNIT]
    if code is not None:
        keys.append(joined_key(code))
        if system is not None:
            keys.append(joined_key(system, code))
    if unit is not None and unit != code:
        keys.append(joined_key(unit))
    return tuple(keys)


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no quantity."""
    measures = measures_by(type)
    if measures is None:
        return None

    def append(values: list[Any], rows: Rows) -> None:
        for (low, high), system, code, unit in measures(values):
            for key in unit_keys(system, code, unit):
                rows.qty.append((pid, key, low, high))

    return append


def ask(asked: Asked) -> Answered:
    """Return the conditions of a quantity parameter: `number`, `number|system|code` or `number||unit`.

    Raises: InvalidRequest for a value that is no quantity.
    """
    refuse_modifier(asked, "quantity")

    def one(value: str) -> Condition:
        number, system, unit = quantity_asked(asked, value)
        if unit is None:
            key = ANY_UNIT
        else:
            key = joined_key(unit) if system is None else joined_key(system, unit)
        return condition_of(number, "{u} = ? AND ", key)

    return Answered("i_qty", tuple(for_each(asked.values, one)))


def quantity_asked(asked: Asked, value: str) -> tuple[NumberAsked, str | None, str | None]:
    """Return the number, the system (None: any) and the unit (None: any) of a value."""
    number, *unit = (unescape(part) for part in split(value, "|"))
    if unit and (len(unit) != 2 or unit[1] == ""):
        known = ", ".join(PREFIXES)
        raise InvalidRequest(complaints.QUANTITY_MALFORMED.at(name=asked.name, value=value, prefixes=known))
    found = number_asked(asked, value, number, complaints.QUANTITY_MALFORMED)
    return (found, unit[0] or None, unit[1]) if unit else (found, None, None)
