"""Number parameters: decimals, integers, and ranges of decimals.

Row (pid, lo, hi) in double precision. A number is a point: its precision matters where it is asked for, not where it is
kept, so that `100.00` finds a stored 100 and `gt100` does not. A Range is its bounds, open ends infinite.

"When a number search is used against a resource element that stores a simple integer … or decimal, the significance of
the number given is considered": 100 means [99.5, 100.5), 100.00 means [99.995, 100.005), 1e2 means [95, 105). In
exponent notation a number without a decimal point is thus taken with one digit more than it has (R5 has made that
[50, 150)); with one it means what its digits say: 1.0e2 is [95, 105), 1.00e2 is [99.5, 100.5).

Source: FHIR R4, Search, "number" and "Prefixes".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf, nextafter
from typing import Any

from fhir_gateway.fhir.outcome import Complaint, InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, Scan, condition, for_each, refuse_modifier
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import PREFIXES, Prefix, prefixed, unescape

Bounds = tuple[float, float]

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


def _points(values: list[Any]) -> Iterator[Bounds]:
    for value in values:
        number = float(value)
        yield number, number


def range_bounds(value: Mapping[str, Any]) -> Bounds | None:
    """Return the bounds of a Range; None when it has neither."""
    low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
    if low is None and high is None:
        return None
    return (-inf if low is None else float(low)), (inf if high is None else float(high))


def _ranges(values: list[Any]) -> Iterator[Bounds]:
    for value in values:
        bounds = range_bounds(value)
        if bounds is not None:
            yield bounds


_BOUNDS: Mapping[str, Callable[[list[Any]], Iterator[Bounds]]] = {
    **dict.fromkeys(("decimal", "integer", "positiveInt", "unsignedInt"), _points),
    "Range": _ranges,
}


def bounds_by(type: str) -> Callable[[list[Any]], Iterator[Bounds]] | None:
    """Return what gives the bounds of values of a FHIR type; None when such a value is no number."""
    return _BOUNDS.get(type)


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no number."""
    bounds = bounds_by(type)
    if bounds is None:
        return None

    def append(values: list[Any], rows: Rows) -> None:
        for low, high in bounds(values):
            rows.num.append((pid, low, high))

    return append


def ask(asked: Asked) -> Answered:
    """Return the conditions of a number parameter.

    Raises: InvalidRequest for a value that is no number.
    """
    refuse_modifier(asked, "number")

    def one(value: str) -> Condition:
        return condition_of(number_asked(asked, value, unescape(value), complaints.NUMBER_MALFORMED))

    return Answered("i_num", tuple(for_each(asked.values, one)))


@dataclass(frozen=True, slots=True)
class NumberAsked:
    """A number as a query means it: exactly `value`, or anything of [low, high)."""

    prefix: Prefix
    value: float
    low: float
    high: float


def number_asked(
    asked: Asked, value: str, text: str, complaint: Complaint, factor: Decimal = Decimal(1)
) -> NumberAsked:
    """Return the number that `text`, the numeric part of `value`, stands for; else refuse with `complaint`.

    `factor`: what the number and its bounds are multiplied by.
    """
    prefix, digits = prefixed(text)
    if _NUMBER.fullmatch(digits) is None:
        raise InvalidRequest(complaint.at(name=asked.name, value=value, prefixes=", ".join(PREFIXES)))
    number = Decimal(digits)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if prefix == "ap":
        # "A recommended value for the approximation is 10% of the stated value."
        margin = abs(number) / 10
    else:
        # "1e2: … in the range [95 ... 105)"
        further = 2 if "." not in digits and "e" in digits.lower() else 1
        margin = Decimal(5).scaleb(exponent - further)
    exact, low, high = (float(each * factor) for each in (number, number - margin, number + margin))
    # More digits than a double has: the interval still holds the number itself.
    return NumberAsked(prefix, exact, min(low, exact), max(high, nextafter(exact, inf)))


def condition_of(number: NumberAsked, first: str = "", *keys: int) -> Condition:
    """Return the condition that a row's bounds stand in the relation asked for.

    `first`: a test of the key's columns before lo ("{u} = ? AND "), with its values `keys`.
    """
    return _prepend(first, keys, _bounds_condition(number))


def _prepend(first: str, keys: tuple[int, ...], rest: Condition) -> Condition:
    if not first:
        return rest
    scans = tuple(Scan(f"{first}{scan.where}", (*keys, *scan.values)) for scan in rest.scans)
    return Condition(f"{first}{rest.where}", (*keys, *rest.values), scans)


# Few rows are more than a point; they have an index of their own, by hi.
_SPREAD = "{lo} < {hi} AND "


def _bounds_condition(number: NumberAsked) -> Condition:
    prefix, value, low, high = number.prefix, number.value, number.low, number.high
    if prefix == "eq":
        return condition("{lo} >= ? AND {lo} < ? AND {hi} < ?", low, high, high)
    if prefix == "ne":
        inside = Scan(f"{_SPREAD}{{hi}} >= ? AND {{lo}} >= ? AND {{lo}} < ?", (high, low, high))
        outside = Scan("{lo} < ?", (low,)), Scan("{lo} >= ?", (high,))
        return Condition("({lo} < ? OR {hi} >= ?)", (low, high), (*outside, inside))
    # "When a comparison prefix … is provided, the implicit precision of the number is ignored."
    if prefix in ("gt", "ge"):
        more = ">" if prefix == "gt" else ">="
        across = Scan(f"{_SPREAD}{{hi}} {more} ? AND {{lo}} <= ?", (value, value))
        return Condition(f"{{hi}} {more} ?", (value,), (Scan(f"{{lo}} {more} ?", (value,)), across))
    if prefix in ("lt", "le"):
        return condition("{lo} < ?" if prefix == "lt" else "{lo} <= ?", value)
    if prefix == "sa":
        return condition("{lo} > ?", value)
    if prefix == "eb":
        return condition("{lo} < ? AND {hi} < ?", value, value)
    across = Scan(f"{_SPREAD}{{hi}} >= ? AND {{lo}} < ?", (low, low))
    return Condition("{lo} <= ? AND {hi} >= ?", (high, low), (Scan("{lo} >= ? AND {lo} <= ?", (low, high)), across))
