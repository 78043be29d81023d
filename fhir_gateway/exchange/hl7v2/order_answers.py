"""What an order is answered: ORL^O22 or ORR^O02, its acknowledgement with a line for each order and both its numbers.

Whose order it is stands before it as its sender wrote it (PID-1, 3 and 5), so that no other identifier goes there. How
much is told ORC-6 says, order by order.

Source: HL7 v2.5.1, chapter 4, 4.4.2 (ORM, ORR), 4.4.6 (OML), 4.4.7 (ORL), 4.5.1 (ORC-1, ORC-6); tables 0119, 0121.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_gateway.exchange.hl7v2.acknowledgement import Code, Problem, acknowledgement, separators_of
from fhir_gateway.exchange.hl7v2.envelope import Envelope
from fhir_gateway.exchange.hl7v2.er7 import Segment
from fhir_gateway.exchange.hl7v2.escapes import Separators
from fhir_gateway.exchange.hl7v2.outgoing import OutgoingSegment
from fhir_gateway.exchange.hl7v2.places import Er7Spot
from fhir_gateway.exchange.hl7v2.sending import Known, asked_for, judged
from fhir_gateway.exchange.hl7v2.sending_rules import shipped_writers
from fhir_gateway.fhir.fhirpath import Hooks
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.writers import Spot, Writers, Wrote

ANSWERED: Mapping[str, str] = {"OML^O21": "ORL^O22", "ORM^O01": "ORR^O02"}

# Table 0119: what is asked of an order in ORC-1, and what is said where it was done and where it was not; what became
# of it is told by the status that it has now.
_CONTROL = {
    "CA": ("CR", "UC"),
    "DC": ("DR", "UD"),
    "HD": ("HR", "UH"),
    "RL": ("OE", "UR"),
    "RP": ("RQ", "UM"),
    "SN": ("NA", "UA"),
    "XO": ("XR", "UX"),
}
_BECAME = {"CA": "revoked", "DC": "revoked", "HD": "on-hold", "RL": "active"}
_CHANGES = ("RP", "XO")
_NEW = ("OK", "UA")
_DONE = frozenset({_NEW[0], *(done for done, _ in _CONTROL.values())})
_EXCEPTIONS = ("E", "R")  # of table 0121: who wants to hear of what was not done only
_NOTHING = "N"
_NO_FRAMES = dict.fromkeys((0x0A, 0x0B, 0x0D, 0x1C))  # what would end a segment or a block


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order of a message. `order`: as it is stored now, or as it was mapped; `done`: whether it is taken.

    `left`: whether it was found and left as it was, which is enough for a new one and not for a change of it. `orc`,
    `pid`: its segments, where the message has them.
    """

    order: dict[str, Any]
    done: bool
    left: bool = False
    orc: Segment | None = None
    pid: Segment | None = None

    @property
    def answer(self) -> str:
        """ORC-1 of the answer."""
        control = self.orc.field(1) if self.orc is not None else ""
        pair = _CONTROL.get(control, _NEW)
        if control in _BECAME:
            return pair[self.order.get("status") != _BECAME[control]] if self.done else pair[1]
        return pair[0] if self.done and not (self.left and control in _CHANGES) else pair[1]

    @property
    def is_told(self) -> bool:
        """Whether its sender wants to hear of it (ORC-6)."""
        flag = self.orc.field(6) if self.orc is not None else ""
        return flag != _NOTHING and not (flag in _EXCEPTIONS and self.answer in _DONE)


def order_answer(
    envelope: Envelope, code: Code, problems: Sequence[Problem], orders: Iterable[Ordered], *,
    at: datetime | None = None, control: str = "", rules: Writers | None = None, trace: list[Wrote] | None = None,
) -> bytes:  # fmt: skip
    """Return the answer to an OML^O21 or ORM^O01, in the sender's delimiters and character set; the acknowledgement
    alone for what is none, or where no order is to be told of. `control`: MSH-10, "" for a new one; `rules`: by default
    those that ship; `trace`: which rule wrote what is added to it.

    Raises: CannotBeWritten where rules ask for what is not there.
    """
    answer = acknowledgement(envelope, code, problems, at, control)
    event = ANSWERED.get(envelope.event)
    writer = None if event is None else (rules or shipped_writers()).of(event)
    if writer is None or event is None:
        return answer
    separators, codec = separators_of(envelope)
    facility = envelope.part(6) or envelope.part(5)
    lines: list[bytes] = []
    issues: list[Issue] = []
    patient: Segment | None = None
    for each in orders:
        if not each.is_told:
            continue
        known = Known((each.order,))
        asked = asked_for(event, facility, frozenset())
        segments = _Segments(separators)
        variables = {**asked, "answer": each.answer, "order": [known.node(each.order)]}
        issues += writer.write(each.order, segments, variables, Hooks(resolve=known.resolved), trace)
        if each.pid is not None:
            # Who declares no character set is answered in that of the message.
            codec = codec if envelope.field(18) else each.pid.encoding.codec
            if each.pid is not patient:
                lines.append(_patient(each.pid).encode(codec, "replace"))
                patient = each.pid
        lines += (b"".join(made.chunks(codec)) for made in segments.made)
    judged(issues)
    return answer + b"".join(line + b"\r" for line in lines)


def _patient(segment: Segment) -> str:
    """Return who an order is for, as the sender wrote it: number of the segment, identifiers, names."""
    told = [segment.field(number) if number in (1, 3, 5) else "" for number in range(1, 6)]
    return segment.encoding.separators.field.join((segment.name, *told)).translate(_NO_FRAMES)


class _Segments:
    """Segments alone, in the delimiters of whoever is answered."""

    def __init__(self, separators: Separators) -> None:
        self.made: list[OutgoingSegment] = []
        self._separators = separators

    def line(self, name: str) -> Spot:
        self.made.append(OutgoingSegment(name, self._separators))
        return Er7Spot(self.made[-1])

    def drop(self) -> None:
        self.made.pop()
