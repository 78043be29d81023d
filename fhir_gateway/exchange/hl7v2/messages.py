"""A message as a source of rules, and which mapping an event has.

Source: HL7 v2.5.1, chapter 2, MSH-9; tables 0003, 0354.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_gateway.exchange.hl7v2.er7 import Message, Segment


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
    kind, event, _structure = message.type
    event = event or message.get("EVN-1")
    return f"{kind}^{event}" if event else kind
