"""A message as a source of rules, and which mapping an event has.

Source: HL7 v2.5.1, chapter 2, MSH-9; tables 0003, 0354.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fhir_gateway.exchange.hl7v2.er7 import Message, Segment
from fhir_gateway.exchange.hl7v2.escapes import Separators, unescaped


@dataclass(frozen=True, slots=True)
class Er7Source:
    """A message that a mapping is applied to."""

    message: Message

    @property
    def segments(self) -> Sequence[Segment]:
        return self.message.segments

    @property
    def seed(self) -> bytes:
        """The bytes of MSH: sender, time and control id tell one message from all others."""
        return self.message.data[: self.message.segments[0].end]


def event_of(message: Message) -> str:
    """Return type and event, "ADT^A01"; of EVN-1 where MSH-9.2 is empty, as senders of version 2.1 leave it."""
    fields = message.segments[0].fields
    raw = fields[9] if len(fields) > 9 else ""
    kind, event = _type_and_event(raw[:80] if isinstance(raw, str) else "", message.separators, message.codec)
    event = event or message.get("EVN-1")
    return f"{kind}^{event}" if event else kind


@lru_cache(1024)
def _type_and_event(raw: str, separators: Separators, codec: str) -> tuple[str, str]:
    """Return the first two components of a field."""
    if separators.repetition:
        raw = raw.split(separators.repetition, 1)[0]
    parts = [*raw.split(separators.component), ""][:2]
    inner = separators.subcomponent
    kind, event = (unescaped(each.split(inner, 1)[0] if inner else each, separators, codec) for each in parts)
    return kind, event
