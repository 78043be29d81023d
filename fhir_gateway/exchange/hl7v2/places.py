"""Places in a message that rules write to, and elements of FHIR as the texts that stand there.

Below a segment a place is `PID-3[+].1` ([+] a new repetition), below a data type `CX.4.2`; `$this` is the place that
the data type itself has. A data type in a component stands one level deeper: HD.2 at CX.4 is CX.4.2.

Source: HL7 v2.5.1, chapter 2, 2.5 (repetitions, components); chapter 2A, DT, DTM, NM, ED.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_gateway.exchange.hl7v2.outgoing import OutgoingSegment
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.fhirpath.values import Temporal

_PLACE = re.compile(
    r"(?P<home>[A-Z][A-Z0-9]{2})-(?P<field>[1-9][0-9]*)(?P<new>\[\+\])?(?:\.(?P<component>[1-9][0-9]*)"
    r"(?:\.(?P<subcomponent>[1-9][0-9]*))?)?"
)
_INNER = re.compile(r"(?P<home>[A-Za-z]+)\.(?P<component>[1-9][0-9]*)(?:\.(?P<subcomponent>[1-9][0-9]*))?")
_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)  # of FHIR: date, dateTime, instant
_TIMES = frozenset({"date", "dateTime", "instant"})


class Er7Place(NamedTuple):
    """Numbers from 1, 0 where a level is not told. `field`: 0 below a data type; `new`: a repetition of its own."""

    field: int
    new: bool
    component: int
    subcomponent: int


class Er7Spot:
    """A place in a segment that is being written."""

    __slots__ = ("_component", "_field", "_repetition", "_segment", "_subcomponent")

    def __init__(
        self, segment: OutgoingSegment, field: int = 0, repetition: list[int] | None = None, component: int = 0,
        subcomponent: int = 0,
    ) -> None:  # fmt: skip
        self._segment = segment
        self._field = field
        self._repetition = repetition if repetition is not None else [1]  # shared by all within it; 0: not opened yet
        self._component = component
        self._subcomponent = subcomponent

    def within(self, place: Er7Place) -> Er7Spot:
        segment = self._segment
        if place.field:
            return Er7Spot(segment, place.field, [0] if place.new else [1], place.component, place.subcomponent)
        if not self._component:
            return Er7Spot(segment, self._field, self._repetition, place.component, place.subcomponent)
        if not place.component:
            return self
        # What would be deeper than ER7 goes has no place: a rule for a part of a part says nothing there.
        deeper = bool(self._subcomponent or place.subcomponent)
        return Er7Spot(segment, 0 if deeper else self._field, self._repetition, self._component, place.component)

    def filled(self) -> bool:
        at = self._repetition[0]
        if not at:
            return False
        return self._segment.holds(self._field, at, self._component, self._subcomponent)

    def put(self, text: str) -> None:
        at = self._opened()
        if self._field and not self._segment.holds(self._field, at, self._component or 1, self._subcomponent or 1):
            self._segment.set(self._field, at, self._component or 1, self._subcomponent or 1, text)

    def put_encoded(self, data: str | bytes) -> None:
        at = self._opened()
        if self._field:
            self._segment.set_encoded(self._field, at, self._component or 1, self._subcomponent or 1, data)

    def where(self) -> str:
        """Return the place below the segment, "3[2].4.1"; "" for one that ER7 has not."""
        if not self._field:
            return ""
        parts = [str(each) for each in (self._component, self._subcomponent) if each]
        repetition = f"[{self._repetition[0]}]" if self._repetition[0] > 1 else ""
        return ".".join((f"{self._field}{repetition}", *parts))

    def _opened(self) -> int:
        if not self._repetition[0] and self._field:
            self._repetition[0] = self._segment.opened(self._field)
        return self._repetition[0]


class Er7Target:
    """ER7, as what rules write to."""

    def place(self, path: str, home: str) -> Er7Place:
        """Return a place. Raises: ValueError."""
        if path == "$this":
            return Er7Place(0, False, 0, 0)
        found = _PLACE.fullmatch(path) or _INNER.fullmatch(path)
        if found is None:
            raise ValueError("a place is PID-3, PID-3[+].1, or CX.4.2 in a data type")
        if found["home"] != home:
            raise ValueError(f"the rules of {home} write to {home}, not to {found['home']}")
        parts = found.groupdict()
        component, subcomponent = int(parts["component"] or 0), int(parts["subcomponent"] or 0)
        return Er7Place(int(parts.get("field") or 0), bool(parts.get("new")), component, subcomponent)

    def many(self, place: Er7Place) -> bool:
        return place.new

    def text(self, item: Any) -> str:
        """Return an element or value as text: times without separators, true and false as Y and N."""
        if not isinstance(item, Node):
            return _of_value(item)
        value = item.value
        if value is None or isinstance(value, dict | list | bytes):
            return ""
        if item.type in _TIMES and isinstance(value, str):
            return time_of(value)
        return _of_value(value)

    def encoded(self, item: Any) -> str | bytes | None:
        """Return base64, or bytes that are to become it; None for all else."""
        value = item.value if isinstance(item, Node) and item.type == "base64Binary" else None
        return value if isinstance(value, str | bytes) else None


def _of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, Temporal):
        return time_of(str(value))
    return str(value) if isinstance(value, str | int | Decimal) else ""


def time_of(text: str) -> str:
    """Return a date or time of FHIR as HL7 v2 writes it, as precise and with the same offset; "" for none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return ""
    *parts, fraction, zone = found.groups()
    offset = "+0000" if zone == "Z" else (zone or "").replace(":", "")
    return "".join(part or "" for part in parts) + (fraction or "")[:5] + offset
