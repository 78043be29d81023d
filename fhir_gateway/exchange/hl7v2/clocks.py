"""How new a message is, by each of the clocks that a sender has.

PID-33 tells when the identity was last changed, EVN-2 when the event was recorded, OBR-22 when the results were, MSH-7
when the message was made. Only what the same clock told can be compared.

Source: HL7 v2.5.1, chapter 2, MSH-7; chapter 3, EVN-2, PID-33; chapter 4, OBR-22.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from fhir_gateway.exchange.hl7v2.er7 import Message, Segment
from fhir_gateway.exchange.hl7v2.values import PARIS, instant_of
from fhir_gateway.fhir.primitives import instant_of as microseconds_of

Clocks = tuple[tuple[str, int], ...]  # the most telling first; µs

_ZONE = ZoneInfo(PARIS)
_RESULTS = frozenset({"DiagnosticReport", "Observation", "ServiceRequest", "Specimen", "DocumentReference"})


def clocks_of(message: Message, type: str, segment: Segment | None) -> Clocks:
    """Return how new what a message says of a resource of a type is; `segment`: what the resource was made of."""
    if type in _RESULTS:
        named = ("OBR-22", _order_of(message, segment)), ("MSH-7", "")
    elif type == "Patient":
        named = ("PID-33", ""), ("EVN-2", ""), ("MSH-7", "")  # type: ignore[assignment]
    else:
        named = ("EVN-2", ""), ("MSH-7", "")
    found = ((name, _instant(message.get(f"{name[:3]}{at}{name[3:]}"))) for name, at in named)
    return tuple((name, instant) for name, instant in found if instant)


def _order_of(message: Message, segment: Segment | None) -> str:
    """Return which OBR a segment belongs to: the last before it, or itself."""
    if segment is None:
        return ""
    number = sum(1 for each in message.all("OBR") if each.start <= segment.start)
    return f"[{max(number, 1)}]"


@lru_cache(4096)
def _instant(text: str) -> int:
    """Return µs; 0 for what is no time. A day is its beginning."""
    if not text:
        return 0
    told = instant_of(text if len(text) > 8 else f"{text}0000", _ZONE)
    return microseconds_of(told) if told is not None else 0
