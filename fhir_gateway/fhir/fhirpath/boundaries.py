"""The least and the greatest value that an imprecise one may mean, and how precise a value is.

Source: FHIRPath, "Utility functions": lowBoundary, highBoundary, precision.
"""

from __future__ import annotations

import calendar
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from fhir_gateway.fhir.fhirpath.nodes import Item
from fhir_gateway.fhir.fhirpath.values import Quantity, Temporal

_MOST_DIGITS = 28
_DIGITS = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 14, 17), "Time": (2, 4, 6, 9)}
_DEFAULT = {"Date": 8, "DateTime": 17, "Time": 9}


def boundary(value: Item, precision: int | None, high: bool) -> Item | None:
    """Return the boundary of a number, quantity, date or time, to a precision in digits; None when it has none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return _of_number(Decimal(value), 8 if precision is None else precision, high)
    if isinstance(value, Quantity):
        number = _of_number(value.value, 8 if precision is None else precision, high)
        return None if number is None else Quantity(number, value.unit, value.calendar)
    if isinstance(value, Temporal):
        return _of_moment(value, precision, high)
    return None


def _of_number(number: Decimal, precision: int, high: bool) -> Decimal | None:
    if not 0 <= precision <= _MOST_DIGITS:
        return None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    moved = number + half if high else number - half
    return moved.quantize(Decimal(1).scaleb(-precision), rounding=ROUND_CEILING if high else ROUND_FLOOR)


def _of_moment(moment: Temporal, precision: int | None, high: bool) -> Temporal | None:
    steps = _DIGITS[moment.kind]
    wanted = _DEFAULT[moment.kind] if precision is None else precision
    if wanted not in steps:
        return None
    places = steps.index(wanted) + 1
    parts = _filled(moment, high)
    offset = moment.offset
    if moment.kind == "DateTime" and places > 3 and offset is None:
        # The earliest instant is where the day begins first, the latest where it ends last.
        offset = -12 * 60 if high else 14 * 60
    count = min(places, len(parts))
    found = parts[:count]
    if moment.kind != "Date" and places >= len(steps) - 1 and len(found) == len(parts):
        seconds = Decimal(found[-1])
        found = (*found[:-1], seconds if places == len(steps) else seconds.to_integral_value(ROUND_FLOOR))
    return Temporal(moment.kind, found, offset if count > 3 and moment.kind == "DateTime" else None)


def _filled(moment: Temporal, high: bool) -> tuple[int | Decimal, ...]:
    parts = list(moment.parts)
    if moment.kind != "Time":
        if len(parts) == 1:
            parts.append(12 if high else 1)
        if len(parts) == 2:
            parts.append(calendar.monthrange(int(parts[0]), int(parts[1]))[1] if high else 1)
    if moment.kind == "Date":
        return tuple(parts)
    before_seconds = 2 if moment.kind == "Time" else 5
    # An hour that was written stands for its first minute: FHIR has no dateTime of an hour alone.
    hour_only = len(parts) == before_seconds - 1
    highest = {"Time": (23, 59), "DateTime": (9999, 12, 31, 23, 59)}[moment.kind]
    while len(parts) < before_seconds:
        parts.append(highest[len(parts)] if high and not hour_only else 0)
    if len(parts) == before_seconds:
        parts.append(Decimal("59.999") if high else Decimal("0.000"))
    else:
        parts[-1] = _filled_seconds(Decimal(parts[-1]), high)
    return tuple(parts)


def _filled_seconds(seconds: Decimal, high: bool) -> Decimal:
    whole, _, fraction = str(seconds).partition(".")
    return Decimal(f"{whole}.{fraction[:3].ljust(3, '9' if high else '0')}")


def precision_of(value: Item) -> int | None:
    """Return the number of digits a value is precise to."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return 0
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else None
    if isinstance(value, Temporal):
        steps = _DIGITS[value.kind]
        count = len(value.parts)
        if value.kind != "Date" and count == len(steps) - 1:
            return steps[-1] if "." in str(value.parts[-1]) else steps[-2]
        return steps[count - 1]
    return None
