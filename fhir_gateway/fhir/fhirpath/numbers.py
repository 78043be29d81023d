"""Functions over numbers, and the conversions to and from other types.

Source: FHIRPath 2.0 (N1), "Math", "Conversion".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath.boundaries import boundary, precision_of
from fhir_gateway.fhir.fhirpath.collections import integer
from fhir_gateway.fhir.fhirpath.conversions import CONVERSIONS
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.functions import Table
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Item, Items, single, system
from fhir_gateway.fhir.fhirpath.texts import text
from fhir_gateway.fhir.fhirpath.values import Quantity

TABLE = Table()
Number = int | Decimal


def _number(items: Items, what: str, quantity: bool = False) -> Item | None:
    value = system(single(items, what)) if items else None
    if value is None or (quantity and isinstance(value, Quantity)):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise failed(f"{what} takes a number")
    return value


def _declare(name: str, function: Callable[[Decimal], Item | None], result: str | None) -> None:
    def act(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        value = _number(items, f"{name}()")
        if value is None:
            return []
        try:
            found = function(Decimal(value))
        except (InvalidOperation, ValueError, OverflowError):
            return []
        return [] if found is None else [found]

    TABLE.add(name, result=result, of="Number")(act)


_declare("ceiling", lambda value: math.ceil(value), "Integer")
_declare("floor", lambda value: math.floor(value), "Integer")
_declare("truncate", lambda value: math.trunc(value), "Integer")
_declare("exp", lambda value: value.exp(), "Decimal")
_declare("ln", lambda value: value.ln() if value > 0 else None, "Decimal")
_declare("sqrt", lambda value: value.sqrt() if value >= 0 else None, "Decimal")


@TABLE.add("abs", of="Number")
def _abs(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value = _number(items, "abs()", quantity=True)
    if isinstance(value, Quantity):
        return [Quantity(abs(value.value), value.unit, value.calendar)]
    return [] if value is None else [abs(value)]


@TABLE.add("log", 1, result="Decimal", of="Number")
def _log(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value, base = _number(items, "log()"), _number(given[0], "log()")
    if value is None or base is None or value <= 0 or base <= 0 or base == 1:
        return []
    found = Decimal(value).ln() / Decimal(base).ln()
    near = found.to_integral_value()
    return [near if abs(found - near) < Decimal("1e-20") else found]


@TABLE.add("power", 1, of="Number")
def _power(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value, exponent = _number(items, "power()"), _number(given[0], "power()")
    if value is None or exponent is None:
        return []
    try:
        if isinstance(value, int) and isinstance(exponent, int) and 0 <= exponent <= 10_000:
            return [value**exponent]
        return [Decimal(value) ** Decimal(exponent)]
    except (InvalidOperation, OverflowError):
        return []


@TABLE.add("round", 0, 1, of="Number")
def _round(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value = _number(items, "round()", quantity=True)
    places = integer(given[0], "round()") if given else 0
    if value is None:
        return []
    if places is None or places < 0:
        raise failed("round() takes a precision of 0 or more")
    number = value.value if isinstance(value, Quantity) else Decimal(value)
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return [Quantity(rounded, value.unit, value.calendar) if isinstance(value, Quantity) else rounded]


@TABLE.add("precision", result="Integer")
def _precision(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value = system(single(items, "precision()")) if items else None
    found = None if value is None else precision_of(value)
    return [] if found is None else [found]


def _boundary(name: str, high: bool) -> None:
    def act(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        value = system(single(items, f"{name}()")) if items else None
        if value is None:
            return []
        found = boundary(value, integer(given[0], f"{name}()") if given else None, high)
        return [] if found is None else [found]

    TABLE.add(name, 0, 1)(act)


_boundary("lowBoundary", high=False)
_boundary("highBoundary", high=True)


@TABLE.add("comparable", 1, result="Boolean")
def _comparable(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    one, other = system(single(items, "comparable()")), system(single(given[0], "comparable()"))
    if one is None or other is None:
        return []
    if not isinstance(one, Quantity) or not isinstance(other, Quantity):
        raise failed("comparable() takes quantities")
    return [ucum.converted(Decimal(1), one.unit, other.unit) is not None]


def _convert(kind: str) -> None:
    convert = CONVERSIONS[kind]

    def to(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        one = single(items, f"to{kind}()")
        found = None if one is None else convert(one)
        if kind == "Quantity" and given and isinstance(found, Quantity):
            found = _in_unit(found, text(given[0], "toQuantity()"))
        return [] if found is None else [found]

    def converts(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        one = single(items, f"convertsTo{kind}()")
        if one is None:
            return []
        found = convert(one)
        if kind == "Quantity" and given and isinstance(found, Quantity):
            found = _in_unit(found, text(given[0], "convertsToQuantity()"))
        return [found is not None]

    most = 1 if kind in ("Quantity", "Date", "DateTime", "Time") else 0
    TABLE.add(f"to{kind}", 0, most, "Integer" if kind == "Long" else kind)(to)
    TABLE.add(f"convertsTo{kind}", 0, most, "Boolean")(converts)


def _in_unit(quantity: Quantity, unit: str | None) -> Quantity | None:
    if unit is None:
        return quantity
    converted = ucum.converted(quantity.value, quantity.unit, unit)
    return None if converted is None else Quantity(converted, unit)


for _kind in CONVERSIONS:
    _convert(_kind)
