"""Quantity parameters: numbers with a unit.

Row (pid, u, lo, hi). A quantity has a row for each way to ask for it: u = 0 for any unit, the key of its code, of its
unit where that is another text, and of "system|code". Its value is a point, as for numbers; with a comparator all it
may be ("<5": below 5). Money is a quantity in the currency code of ISO 4217. SampledData has no one value and no row.

A unit of UCUM that is asked for with its system is asked for by what it measures: the row for it is that of the
dimension, its value in base units, so that 5 mg finds 0.005 g. Units without a factor (Cel, [pH]), units of other
systems, and units asked for without system are compared as they are written.

Source: FHIR R4, Search, "quantity" ("the search may … be done by canonical units"); UCUM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, for_each, refuse_modifier
from fhir_gateway.store.index.hashing import joined_key
from fhir_gateway.store.index.number import Bounds, NumberAsked, condition_of, number_asked, range_bounds
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import PREFIXES, split, unescape

ANY_UNIT = 0
CURRENCIES = "urn:iso:std:iso:4217"

# A number with an exponent beyond all measure becomes infinite, as it does as a double.
_MULTIPLY = Context(prec=28, traps=[]).multiply

# The bounds of a quantity, its system, code and human unit; its bounds in base units, and the text of its dimension.
Canonical = tuple[Bounds, str]
Measure = tuple[Bounds, str | None, str | None, str | None, Canonical | None]


@lru_cache(8192)
def canonical_unit(system: str | None, code: str | None) -> tuple[Decimal, str] | None:
    """Return the factor of a unit of UCUM to base units and the text of its dimension; None for all other units.

    No unit is written as such a text is.
    """
    found = ucum.canonical(Decimal(1), code) if system == ucum.SYSTEM and code is not None else None
    if found is None:
        return None
    return found[0], "=" + ".".join(f"{unit}{power}" for unit, power in found[1])


def bounds_of(value: float, comparator: str | None) -> Bounds:
    """Return what a value with a comparator may be, inclusive."""
    if comparator is None:
        return value, value
    if comparator in ("<", "<="):
        return -inf, (nextafter(value, -inf) if comparator == "<" else value)
    return (nextafter(value, inf) if comparator == ">" else value), inf


_dimension_key = lru_cache(1024)(joined_key)


def _quantities(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        if "value" in each:
            comparator, system, code = each.get("comparator"), each.get("system"), each.get("code")
            unit = canonical_unit(system, code)
            canonical = None
            if unit is not None:
                canonical = bounds_of(float(_MULTIPLY(each["value"], unit[0])), comparator), unit[1]
            yield bounds_of(float(each["value"]), comparator), system, code, each.get("unit"), canonical


def _moneys(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        if "value" in each:
            amount = float(each["value"])
            yield (amount, amount), CURRENCIES, each.get("currency"), None, None


def _ranges(values: list[Any]) -> Iterator[Measure]:
    for each in values:
        bounds = range_bounds(each)
        if bounds is not None:
            # Both ends have one unit (rng-2 compares them); it may be written at one of them only.
            end = each["low"] if "low" in each else each["high"]
            system, code = end.get("system"), end.get("code")
            unit = canonical_unit(system, code)
            canonical = None
            if unit is not None:
                ends = {
                    name: {"value": _MULTIPLY(each[name]["value"], unit[0])}
                    for name in ("low", "high")
                    if "value" in each.get(name, {})
                }
                in_base = range_bounds(ends)
                canonical = None if in_base is None else (in_base, unit[1])
            yield bounds, system, code, end.get("unit"), canonical


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
    """Return the keys of a unit as it is written: one for each way to ask for it."""
    keys = [ANY_UNIT]
    if code is not None:
        keys.append(joined_key(code))
        if system is not None and canonical_unit(system, code) is None:
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
        for (low, high), system, code, unit, canonical in measures(values):
            for key in unit_keys(system, code, unit):
                rows.qty.append((pid, key, low, high))
            if canonical is not None:
                rows.qty.append((pid, _dimension_key(canonical[1]), *canonical[0]))

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
        elif system is None or canonical_unit(system, unit) is not None:
            key = joined_key(dimension_or(system, unit))
        else:
            key = joined_key(system, unit)
        return condition_of(number, "{u} = ? AND ", key)

    return Answered("i_qty", tuple(for_each(asked.values, one)))


def quantity_asked(asked: Asked, value: str) -> tuple[NumberAsked, str | None, str | None]:
    """Return the number, the system (None: any) and the unit (None: any) of a value.

    The number is in base units where the unit is one that is asked for by its dimension (`canonical_unit`).
    """
    number, *unit = (unescape(part) for part in split(value, "|"))
    if unit and (len(unit) != 2 or unit[1] == ""):
        known = ", ".join(PREFIXES)
        raise InvalidRequest(complaints.QUANTITY_MALFORMED.at(name=asked.name, value=value, prefixes=known))
    if not unit:
        return number_asked(asked, value, number, complaints.QUANTITY_MALFORMED), None, None
    canonical = canonical_unit(unit[0], unit[1])
    factor = Decimal(1) if canonical is None else canonical[0]
    return number_asked(asked, value, number, complaints.QUANTITY_MALFORMED, factor), unit[0] or None, unit[1]


def dimension_or(system: str | None, unit: str) -> str:
    """Return the text of a unit's dimension where it is asked for by that, else the unit."""
    canonical = canonical_unit(system, unit)
    return unit if canonical is None else canonical[1]
