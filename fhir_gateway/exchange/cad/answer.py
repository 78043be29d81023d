"""What the collector answers to a deposit: an ACK^R01 in a file, with a line for each file that it finds fault with.

AA is accepted. AE is accepted too where no line is an error (ERR-4 E): the rest are warnings. AE with an error, AR and
any other code are failed, and the deposit is not to be repeated as it is.

Source: reference: CAD message, ACK; HL7 v2.5, chapter 2, 2.15.5 (ERR), 2.15.8 (MSA); table 0516 (ERR-4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fhir_gateway.exchange.cad import complaints
from fhir_gateway.exchange.cad.complaints import UnreadableAnswer
from fhir_gateway.exchange.hl7v2.er7 import Segment, read
from fhir_gateway.fhir.outcome import FhirError

Severity = Literal["E", "W", "I", ""]
Outcome = Literal["accepted", "accepted-with-warnings", "failed"]
_SEVERITIES: Final[Mapping[str, Severity]] = {"E": "E", "W": "W", "I": "I"}


@dataclass(frozen=True, slots=True)
class Remark:
    """A line. `severity`: ERR-4, "" where that says none of E, W, I; `file`: ERR-3; `text`: ERR-8."""

    severity: Severity
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the collector says. `of`: MSH-10 of the deposit; `code`: MSA-1; `at`: MSH-7 as it stands."""

    of: str
    code: str
    at: str
    remarks: tuple[Remark, ...]

    @property
    def outcome(self) -> Outcome:
        if self.code == "AA":
            return "accepted"
        if self.code == "AE" and not any(each.severity == "E" for each in self.remarks):
            return "accepted-with-warnings"
        return "failed"


def read_acknowledgement(data: bytes) -> Acknowledgement:
    """Return what a file says, however its lines end. Raises: UnreadableAnswer where it is no acknowledgement."""
    try:
        message = read(data.replace(b"\r\n", b"\r").replace(b"\n", b"\r"), "auto")
    except FhirError as error:
        raise UnreadableAnswer(complaints.NO_ANSWER.at(None, reason=error.issues[0].text())) from None
    answer = message.first("MSA")
    if answer is None:
        raise UnreadableAnswer(complaints.NO_ANSWER.at(None, reason="MSA ?"))
    code, of = message.get("MSA-1").strip().upper(), message.get("MSA-2").strip()
    if not code or not of:
        raise UnreadableAnswer(complaints.NO_ANSWER.at(None, reason="MSA-1, MSA-2 ?"))
    return Acknowledgement(of, code, message.get("MSH-7"), tuple(map(_remark, message.all("ERR"))))


def _remark(segment: Segment) -> Remark:
    severity, file, text = (_text(segment, number) for number in (4, 3, 8))
    return Remark(_SEVERITIES.get(severity.upper(), ""), file, text)


def _text(segment: Segment, number: int) -> str:
    node = segment.node(number)
    return "" if node is None else node.text.strip()
