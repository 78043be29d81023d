"""The operators between two collections.

Source: FHIRPath 2.0 (N1), "Operations".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation, Overflow

from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath.conversions import to_string
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.nodes import (
    Item,
    Items,
    boolean,
    compared,
    distinct,
    equal,
    equivalent,
    is_in,
    kind_of,
    single,
    system,
)
from fhir_gateway.fhir.fhirpath.values import Quantity, Temporal, calendar_unit

Operator = Callable[[Items, Items], Items]


def _number(value: Item) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _pair(left: Items, right: Items, sign: str) -> tuple[Item, Item] | None:
    one, other = system(single(left, sign)), system(single(right, sign))
    return None if one is None or other is None else (one, other)


def _clash(one: Item, sign: str, other: Item) -> Exception:
    return failed(f"{kind_of(one)} {sign} {kind_of(other)} has no meaning")


def plus(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "+")
    if pair is None:
        return []
    one, other = pair
    if isinstance(one, str) and isinstance(other, str):
        return [one + other]
    if _number(one) and _number(other):
        return [one + other]
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _sum(one, other, 1)
    if isinstance(one, Temporal) and isinstance(other, Quantity):
        return _moved(one, other, 1)
    raise _clash(one, "+", other)


def minus(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "-")
    if pair is None:
        return []
    one, other = pair
    if _number(one) and _number(other):
        return [one - other]
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _sum(one, other, -1)
    if isinstance(one, Temporal) and isinstance(other, Quantity):
        return _moved(one, other, -1)
    raise _clash(one, "-", other)


def _sum(one: Quantity, other: Quantity, sign: int) -> Items:
    if one.unit == other.unit:
        return [Quantity(one.value + sign * other.value, one.unit, one.calendar)]
    converted = ucum.converted(other.value, other.unit, one.unit)
    return [] if converted is None else [Quantity(one.value + sign * converted, one.unit)]


def _moved(moment: Temporal, amount: Quantity, sign: int) -> Items:
    unit = calendar_unit(amount.unit, amount.calendar)
    if unit is None:
        raise failed(f"a {moment.kind} cannot be moved by '{amount.unit}': take a calendar duration, such as 1 year")
    # "For precisions above seconds, the decimal portion of the time-valued quantity is ignored"; a definite duration is
    # taken in whole units too.
    value = amount.value
    if unit == "second" and amount.calendar:
        value, unit = value * 1000, "millisecond"
    try:
        return [moment.plus(sign * int(value), unit)]
    except ValueError as error:
        raise failed(str(error)) from error


def times(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "*")
    if pair is None:
        return []
    one, other = pair
    if _number(one) and _number(other):
        return [one * other]
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return [Quantity(one.value * other.value, ucum.product(one.unit, other.unit))]
    if isinstance(one, Quantity) and _number(other):
        return [Quantity(one.value * other, one.unit, one.calendar)]
    if _number(one) and isinstance(other, Quantity):
        return [Quantity(one * other.value, other.unit, other.calendar)]
    raise _clash(one, "*", other)


def divided(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "/")
    if pair is None:
        return []
    one, other = pair
    if _number(one) and _number(other):
        return [Decimal(one) / Decimal(other)] if other != 0 else []
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        if other.value == 0:
            return []
        converted = ucum.converted(other.value, other.unit, one.unit)
        if converted is not None:
            return [Quantity(one.value / converted, "1")]
        return [Quantity(one.value / other.value, f"{one.unit}/{other.unit}")]
    if isinstance(one, Quantity) and _number(other):
        return [Quantity(one.value / Decimal(other), one.unit, one.calendar)] if other != 0 else []
    raise _clash(one, "/", other)


def whole_divided(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "div")
    if pair is None:
        return []
    if not (_number(pair[0]) and _number(pair[1])):
        raise _clash(pair[0], "div", pair[1])
    return [int(Decimal(pair[0]) / Decimal(pair[1]))] if pair[1] != 0 else []


def remainder(left: Items, right: Items) -> Items:
    pair = _pair(left, right, "mod")
    if pair is None:
        return []
    one, other = pair
    if not (_number(one) and _number(other)):
        raise _clash(one, "mod", other)
    if other == 0:
        return []
    rest = Decimal(one) % Decimal(other)
    return [rest if isinstance(one, Decimal) or isinstance(other, Decimal) else int(rest)]


def joined(left: Items, right: Items) -> Items:
    texts = []
    for items in (left, right):
        one = single(items, "&")
        text = "" if one is None else system(one)
        if not isinstance(text, str):
            converted = to_string(text)
            if converted is None:
                raise failed("& takes strings")
            text = converted
        texts.append(text)
    return ["".join(texts)]


def union(left: Items, right: Items) -> Items:
    return distinct([*left, *right])


def is_equal(left: Items, right: Items) -> Items:
    return boolean(equal(left, right))


def is_not_equal(left: Items, right: Items) -> Items:
    same = equal(left, right)
    return [] if same is None else [not same]


def is_equivalent(left: Items, right: Items) -> Items:
    return [equivalent(left, right)]


def is_not_equivalent(left: Items, right: Items) -> Items:
    return [not equivalent(left, right)]


def ordering(sign: str, holds: Callable[[int], bool]) -> Operator:
    def compare(left: Items, right: Items) -> Items:
        one, other = single(left, sign), single(right, sign)
        if one is None or other is None:
            return []
        found = compared(one, other)
        return [] if found is None else [holds(found)]

    return compare


def is_one_of(left: Items, right: Items) -> Items:
    one = single(left, "in")
    return [] if one is None else [is_in(one, right)]


def has_one(left: Items, right: Items) -> Items:
    return is_one_of(right, left)


def guarded(operator: Operator) -> Operator:
    """Return an operator whose arithmetic overflow is an empty result."""

    def guard(left: Items, right: Items) -> Items:
        try:
            return operator(left, right)
        except (InvalidOperation, Overflow):
            return []

    return guard


OPERATORS: Mapping[str, Operator] = {
    "+": guarded(plus),
    "-": guarded(minus),
    "*": guarded(times),
    "/": guarded(divided),
    "div": guarded(whole_divided),
    "mod": guarded(remainder),
    "&": joined,
    "|": union,
    "=": is_equal,
    "!=": is_not_equal,
    "~": is_equivalent,
    "!~": is_not_equivalent,
    "<": ordering("<", lambda found: found < 0),
    ">": ordering(">", lambda found: found > 0),
    "<=": ordering("<=", lambda found: found <= 0),
    ">=": ordering(">=", lambda found: found >= 0),
    "in": is_one_of,
    "contains": has_one,
}
