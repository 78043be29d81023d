"""Fixed values, patterns and limits: whether a value is what a profile prescribes.

Source: FHIR R4, ElementDefinition: fixed[x], pattern[x], minValue[x], maxValue[x].
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fhir_gateway.fhir.fhirpath.faults import FhirPathError
from fhir_gateway.fhir.fhirpath.nodes import Node, compared
from fhir_gateway.fhir.json import encode


def is_exactly(value: Any, fixed: Any) -> bool:
    """Tell whether a value is the fixed one, all its parts included."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict)
            and value.keys() == fixed.keys()
            and all(is_exactly(value[key], part) for key, part in fixed.items())
        )
    if isinstance(fixed, list):
        return isinstance(value, list) and len(value) == len(fixed) and all(map(is_exactly, value, fixed))
    return _same(value, fixed)


def follows(value: Any, pattern: Any) -> bool:
    """Tell whether a value has at least what the pattern has."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and follows(value[key], part) for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(follows(each, part) for each in value) for part in pattern)
    return _same(value, pattern)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | Decimal) and isinstance(wanted, int | Decimal):
        return value == wanted
    return type(value) is type(wanted) and bool(value == wanted)


def shown(value: Any) -> str:
    """Return a value as a text for people."""
    if isinstance(value, dict | list):
        text = encode(value).decode()
        return text if len(text) <= 200 else f"{text[:200]}…"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))


def order(node: Node, limit: Any, key: str, prefix: str) -> int | None:
    """Return how a value compares with a limit (-1, 0, 1); None when it cannot be told."""
    type = key.removeprefix(prefix)
    wanted = Node(limit, type[:1].lower() + type[1:] if type not in _COMPLEX else type)
    try:
        return compared(node, wanted)
    except FhirPathError:
        return None


_COMPLEX = frozenset({"Quantity"})


def quantity(value: Mapping[str, Any]) -> bool:
    return "value" in value
