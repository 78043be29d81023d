"""Fixed values and patterns: whether a value is what a profile prescribes.

Source: FHIR R4, ElementDefinition: fixed[x], pattern[x].
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

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
        if not isinstance(value, dict):
            return False
        for key, part in pattern.items():
            if key not in value:
                return False
            found = value[key]
            if type(part) is str:  # most are
                if found != part:
                    return False
            elif not follows(found, part):
                return False
        return True
    if isinstance(pattern, list):
        if not isinstance(value, list):
            return False
        for part in pattern:
            for each in value:
                if follows(each, part):
                    break
            else:
                return False
        return True
    return _same(value, pattern)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | Decimal) and isinstance(wanted, int | Decimal):
        return shown(value) == shown(wanted)  # 1 is not 1.0: precision says something
    return type(value) is type(wanted) and bool(value == wanted)


def shown(value: Any) -> str:
    """Return a value as a text for people."""
    if isinstance(value, dict | list):
        text = encode(value).decode()
        return text if len(text) <= 200 else f"{text[:200]}…"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))
