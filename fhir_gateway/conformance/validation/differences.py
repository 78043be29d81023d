"""How a value differs from a fixed value or a pattern, part by part.

Source: FHIR R4, ElementDefinition: fixed[x], pattern[x].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance.validation.matching import follows, is_exactly


@dataclass(frozen=True, slots=True)
class Difference:
    """How a value, or a part of it, is not what a profile prescribes.

    `place`: the part's, after the value's own expression: ".coding[1].code"; `what`: "value", "absent", "extra",
    "count" (of `name`), "part" (one of the pattern's, which none of `name` is).
    """

    what: str
    place: str
    found: Any = None
    wanted: Any = None
    name: str = ""


def differences(value: Any, wanted: Any, exact: bool, place: str = "") -> Iterator[Difference]:
    """Yield how a value differs from a fixed value (`exact`) or a pattern, part by part."""
    if not isinstance(wanted, dict) or not isinstance(value, dict):
        if not (is_exactly(value, wanted) if exact else follows(value, wanted)):
            yield Difference("value", place, value, wanted)
        return
    for key, part in wanted.items():
        if key not in value:
            if isinstance(part, list):
                yield Difference("count", place, 0, len(part), key)
            else:
                yield Difference("absent", f"{place}.{key}", None, part, key)
        elif isinstance(part, list) and isinstance(value[key], list):
            yield from _of_lists(key, value[key], part, exact, place)
        else:
            yield from differences(value[key], part, exact, f"{place}.{key}")
    for key in value if exact else ():
        if key not in wanted and key != "id":
            yield Difference("extra", f"{place}.{key}", value[key], None, key)


def _of_lists(key: str, found: list[Any], wanted: list[Any], exact: bool, place: str) -> Iterator[Difference]:
    if len(found) != len(wanted) if exact else len(found) < len(wanted):
        yield Difference("count", place, len(found), len(wanted), key)
    elif exact:
        for index, (each, part) in enumerate(zip(found, wanted, strict=True)):
            yield from differences(each, part, exact, f"{place}.{key}[{index}]")
    else:
        for part in wanted:
            if not any(follows(each, part) for each in found):
                yield Difference("part", place, found, part, key)
