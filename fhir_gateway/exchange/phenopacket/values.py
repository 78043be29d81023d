"""How values of a phenopacket and of FHIR become each other: durations, times.

Source: GA4GH Phenopacket Schema 2.0, "Age", "Timestamp"; ISO 8601; UCUM; FHIR R4, Datatypes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fhir_gateway.fhir.number import Number

_DURATION: Final = re.compile(r"P(\d+(?:\.\d+)?)([YMWD])", re.ASCII)
_UCUM: Final = {"Y": ("a", "ans"), "M": ("mo", "mois"), "W": ("wk", "semaines"), "D": ("d", "jours")}
_ISO: Final = {ucum: letter for letter, (ucum, _) in _UCUM.items()}


def quantity(duration: Any) -> dict[str, Any] | None:
    """Return an ISO 8601 duration of one unit as a UCUM quantity: "P8M" is 8 mo; None for one of several units."""
    match = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if match is None:
        return None
    code, unit = _UCUM[match[2]]
    value = Number(match[1]) if "." in match[1] else int(match[1])
    return {"value": value, "unit": unit, "code": code}


def lettered(held: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a quantity in years, months, weeks or days of UCUM with the letter of ISO 8601 for its code; None for
    another unit, or a number that a duration cannot say."""
    letter = _ISO.get(str(held.get("code")))
    if letter is None or "value" not in held or "comparator" in held:
        return None
    value = held["value"]
    text = f"P{value.text if isinstance(value, Number) else value}{letter}"
    return {"value": value, "code": letter} if _DURATION.fullmatch(text) else None


def day_or_instant(timestamp: Any) -> str | None:
    """Return a Timestamp as a dateTime: midnight UTC stands for the day alone, which a Timestamp cannot say."""
    if not isinstance(timestamp, str):
        return None
    day, _, time = timestamp.partition("T")
    return day if time == "00:00:00Z" else timestamp


def timestamp(held: str) -> str | None:
    """Return a dateTime as a Timestamp: a day as its midnight in UTC; None for a year or a month alone."""
    if "T" in held:
        return held
    return f"{held}T00:00:00Z" if len(held) == len("2000-01-01") else None
