"""Invariants that certainly hold, told from the JSON of an element without evaluating them.

Most invariants ask which elements are there. A test is made of an expression as far as it is of that kind; where it
says no, the expression itself has to be asked.

Source: FHIR R4, ElementDefinition.constraint; FHIRPath 2.0, "Boolean logic" (three values: what is empty is neither).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from fhir_gateway.fhir.fhirpath import FhirPathError, Model
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF
from fhir_gateway.fhir.fhirpath.parser import parse
from fhir_gateway.fhir.fhirpath.syntax import Binary, Call, Expression, Literal_, Member

Test = Callable[[Any], bool]


class _Known(NamedTuple):
    """When an expression is certainly true, and when it is certainly false."""

    true: Test
    false: Test


def never(value: Any) -> bool:
    return False


_OPEN = _Known(never, never)


def certainly(model: Model, type: str, expression: str) -> Test:
    """Return the test whether an invariant holds for certain for an element of a type; it may always say no."""
    if type in SYSTEM_OF:
        return never
    special = _SPECIAL.get(expression)
    if special is not None:
        return special
    try:
        return _known(model, type, _parsed(expression)).true
    except FhirPathError:
        return never


@lru_cache(2048)
def _parsed(expression: str) -> Expression:
    return parse(expression)


def _known(model: Model, type: str, node: Expression) -> _Known:
    if isinstance(node, Binary):
        combined = _COMBINED.get(node.operator)
        if combined is not None:
            return combined(_known(model, type, node.left), _known(model, type, node.right))
        if node.operator in ("=", "!=") and isinstance(node.right, Literal_) and isinstance(node.right.value, str):
            same = _same(model, type, node.left, node.right.value)
            return same if node.operator == "=" else _Known(same.false, same.true)
        if node.operator == "<=":
            return _ordered(model, type, node)
    if isinstance(node, Call) and not node.arguments and node.of is not None:
        if node.name == "not":
            inner = _known(model, type, node.of)
            return _Known(inner.false, inner.true)
        if node.name in ("exists", "empty", "hasValue"):
            there = _there(model, type, node.of)
            if node.name == "empty":
                return _Known(there.false, there.true)
            return _Known(never, there.false) if node.name == "hasValue" else there
    return _OPEN


def _keys(model: Model, type: str, node: Expression) -> tuple[str, ...] | None:
    """Return the JSON keys of a member of the element itself; None for any other expression."""
    if not isinstance(node, Member) or node.of is not None:
        return None
    steps = model.members(type).get(node.name)
    return None if not steps else tuple(step.key for step in steps)


def _there(model: Model, type: str, node: Expression) -> _Known:
    keys = _keys(model, type, node)
    if keys is None:
        return _OPEN
    if len(keys) == 1:
        key = keys[0]
        return _Known(lambda value: key in value, lambda value: key not in value)
    every = frozenset(keys)
    return _Known(lambda value: not every.isdisjoint(value), lambda value: every.isdisjoint(value))


def _same(model: Model, type: str, node: Expression, text: str) -> _Known:
    keys = _keys(model, type, node)
    if keys is None or len(keys) != 1:
        return _OPEN
    key = keys[0]

    def differs(value: Any) -> bool:
        found = value.get(key)
        return isinstance(found, str) and found != text

    return _Known(lambda value: value.get(key) == text, differs)


def _ordered(model: Model, type: str, node: Binary) -> _Known:
    left, right = _keys(model, type, node.left), _keys(model, type, node.right)
    if left is None or right is None or len(left) > 1 or len(right) > 1:
        return _OPEN
    one, other = left[0], right[0]
    return _Known(lambda value: _at_most(value.get(one), value.get(other)), never)


def _at_most(one: Any, other: Any) -> bool:
    """Tell whether one date, time or quantity is at most another, as far as that can be seen."""
    if isinstance(one, str) and isinstance(other, str):
        # Texts of one length compare as what they mean, where they name the same zone.
        return len(one) == len(other) and one[19:] == other[19:] and one <= other
    if isinstance(one, dict) and isinstance(other, dict):
        low, high = one.get("value"), other.get("value")
        if not isinstance(low, int | Decimal) or not isinstance(high, int | Decimal):
            return False
        same = all(one.get(key) == other.get(key) for key in ("code", "system", "unit"))
        return same and "comparator" not in one and "comparator" not in other and low <= high
    return False


def _and(one: _Known, other: _Known) -> _Known:
    return _Known(_both(one.true, other.true), _either(one.false, other.false))


def _or(one: _Known, other: _Known) -> _Known:
    return _Known(_either(one.true, other.true), _both(one.false, other.false))


def _implies(one: _Known, other: _Known) -> _Known:
    return _Known(_either(one.false, other.true), _both(one.true, other.false))


def _xor(one: _Known, other: _Known) -> _Known:
    true = _either(_both(one.true, other.false), _both(one.false, other.true))
    return _Known(true, _either(_both(one.true, other.true), _both(one.false, other.false)))


def _both(one: Test, other: Test) -> Test:
    if one is never or other is never:
        return never
    return lambda value: one(value) and other(value)


def _either(one: Test, other: Test) -> Test:
    if one is never:
        return other
    return one if other is never else lambda value: one(value) or other(value)


_COMBINED: dict[str, Callable[[_Known, _Known], _Known]] = {"and": _and, "or": _or, "implies": _implies, "xor": _xor}


def _obs_7(value: Any) -> bool:
    """Tell whether no component of an Observation that has a value has a code of the observation's own."""
    if "component" not in value:
        return True
    if not isinstance(value.get("code"), dict) or not isinstance(value["component"], list):
        return False
    own = _codes(value["code"])
    return own is not None and all(_has_none(each, own) for each in value["component"])


def _has_none(component: Any, own: frozenset[Any]) -> bool:
    codes = _codes(component.get("code")) if isinstance(component, dict) else None
    return codes is not None and own.isdisjoint(codes)


def _codes(concept: Any) -> frozenset[Any] | None:
    codings = concept.get("coding", []) if isinstance(concept, dict) else None
    if not isinstance(codings, list) or not all(isinstance(each, dict) for each in codings):
        return None
    codes = [each.get("code") for each in codings]
    return frozenset(codes) if all(isinstance(code, str) for code in codes) else None


_SPECIAL: dict[str, Test] = {
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": _obs_7
}
