r"""Acknowledgements: what a sender is answered, in its own delimiters, version and character set.

AA, CA: it is taken over. AE, CE: its content is wrong, it must not be sent again as it is. AR, CR: a circumstance, it
may be sent again. MSH-3 to 6 are swapped whole, MSA-2 is MSH-10 as it stood. Nothing of a message's content is told.

Source: HL7 v2.5.1, chapter 2, 2.9.2, 2.9.3, 2.15.5 (ERR), 2.15.8 (MSA); tables 0008, 0155 and 0357; IHE ITI TF-2x, C.2.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Literal
from zoneinfo import ZoneInfo

from fhir_gateway.exchange.hl7v2.charset import codec_of
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.envelope import Envelope
from fhir_gateway.exchange.hl7v2.escapes import Separators
from fhir_gateway.exchange.hl7v2.values import PARIS

Code = Literal["AA", "AE", "AR", "CA", "CE", "CR"]

# HL7 table 0357.
CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "198": "Non-Conformant Cardinality",
    "199": "Other HL7 Error",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
_ANSWERS = {"OML^O21": ("ORL", "O22", "ORL_O22"), "ORM^O01": ("ORR", "O02", "ORR_O02")}
_BEFORE_ERR_2 = ("2.1", "2.2", "2.3", "2.4")  # versions whose ERR has ERR-1 alone
_MOST = 20  # ERR segments
_LONGEST = 250  # characters of a text


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a message, as an ERR segment tells it.

    `condition`: of table 0357. `where`: "PID^1^3^1"; "" for the message. `detail`: our own stable code. `text`: in
    French; `english`: for who speaks English (MSH-19).
    """

    condition: str
    where: str
    detail: str
    text: str
    severity: Literal["E", "W", "I"] = "E"
    english: str = ""


def acknowledgement(
    envelope: Envelope, code: Code, problems: Sequence[Problem] = (), now: datetime | None = None, control: str = ""
) -> bytes:
    """Return the bytes of an acknowledgement, without framing. `control`: its MSH-10, "" for a new one."""
    writer = _Writer(envelope)
    lines = [writer.header(code, now, control), writer.msa(code, problems), *map(writer.err, problems[:_MOST])]
    return b"".join(line + b"\r" for line in lines)


def separators_of(envelope: Envelope) -> tuple[Separators, str]:
    """Return the delimiters that a sender is answered in, and the codec of its character set."""
    writer = _Writer(envelope)
    return writer.separators, writer.codec


def batch(data_envelope: Envelope, answers: Sequence[bytes]) -> bytes:
    """Return the answers to the messages of a batch as a batch."""
    separator = data_envelope.separator
    head = b"BHS" + separator + (data_envelope.field(2) or b"^~\\&")
    return b"".join((head, b"\r", *answers, b"BTS", separator, str(len(answers)).encode(), b"\r"))


class _Writer:
    """Writes segments as the sender of a message writes its own."""

    def __init__(self, envelope: Envelope) -> None:
        self._of = envelope
        self._separator = envelope.separator
        encoding = envelope.field(2) or b"^~\\&"
        try:
            self._codec = codec_of(envelope.field(18).split(encoding[1:2] or b"~")[0].decode("ascii", "replace"), False)
            self._charset = envelope.field(18)
        except Unreadable:
            self._codec, self._charset = "ascii", b""
        self.codec = self._codec
        # Delimiters may be characters of several bytes: what is written here uses the first four of MSH-2's text.
        signs = encoding.decode(self._codec, "replace")
        self._component = signs[:1] or "^"
        self._subcomponent = signs[3:4] or "&"
        self._escapes = self._escapes_of(signs)
        self.separators = Separators(
            self._separator.decode("latin-1"), self._component, signs[1:2] or "~", signs[2:3], self._subcomponent
        )
        self._version = envelope.part(12) or "2.5"
        self._in_english = envelope.part(19).lower().startswith("en")

    def _escapes_of(self, signs: str) -> dict[int, str]:
        escape = signs[2:3]
        field = self._separator.decode("latin-1")
        named = dict(zip((field, signs[0:1], signs[3:4], signs[1:2], escape), "FSTRE", strict=True))
        table = {ord(sign): f"{escape}{name}{escape}" if escape else " " for sign, name in named.items() if sign}
        return table | dict.fromkeys(map(ord, "\r\n\x0b\x1c"), " ")

    def _text(self, text: str) -> bytes:
        """Return a text as the sender can read it; without letters that its character set lacks."""
        told = text[:_LONGEST].translate(self._escapes)
        if not self._charset or self._codec == "ascii":
            told = told.replace("’", "'")
            return unicodedata.normalize("NFKD", told).encode("ascii", "ignore")
        return told.encode(self._codec, "replace")

    def _told(self, problem: Problem) -> bytes:
        return self._text(problem.english if self._in_english and problem.english else problem.text)

    def _joined(self, fields: Sequence[bytes]) -> bytes:
        return self._separator.join(fields).rstrip(self._separator)

    def header(self, code: Code, now: datetime | None, control: str) -> bytes:
        of = self._of
        at = (now or datetime.now(ZoneInfo(PARIS))).strftime("%Y%m%d%H%M%S%z").encode()
        names = [of.field(number) for number in (5, 6, 3, 4)]
        encoding = of.field(2) or b"^~\\&"
        kind = self._kind(code).encode(self._codec, "replace")
        version = of.field(12) or b"2.5"
        identity = [at, b"", kind, (control or token_hex(10)).encode(), of.field(11) or b"P", version]
        rest = [b"", b"", b"", b"", of.field(17), self._charset, of.field(19)]
        return b"MSH" + self._separator + self._joined([encoding, *names, *identity, *rest])

    def _kind(self, code: Code) -> str:
        event = self._of.part(9, 2)
        answer = _ANSWERS.get(self._of.event)
        if answer is not None and code[0] == "A":
            return self._component.join(answer)
        if not event or self._version in ("2.1", "2.2"):
            return "ACK"
        parts = ("ACK", event) if self._version.startswith("2.3") and self._version < "2.3.1" else ("ACK", event, "ACK")
        return self._component.join(parts)

    def msa(self, code: Code, problems: Sequence[Problem]) -> bytes:
        fields = [b"MSA", code.encode(), self._of.field(10)]
        if problems and self._version[:3] in _BEFORE_ERR_2:
            fields.append(self._told(problems[0]))
        return self._joined(fields)

    def err(self, problem: Problem) -> bytes:
        component, condition = self._component, problem.condition
        where = problem.where.split("^") if problem.where else []
        if self._version[:3] in _BEFORE_ERR_2:
            told = self._subcomponent.join((condition, CONDITIONS[condition], "HL70357"))
            place = [*where[:3], *[""] * (3 - len(where[:3]))]
            return self._joined([b"ERR", component.join((*place, told)).encode(self._codec, "replace")])
        told = component.join((condition, CONDITIONS[condition], "HL70357"))
        own = component.join((problem.detail, "", "L"))
        located = component.join(where)
        return self._joined(
            [
                b"ERR", b"", located.encode(self._codec, "replace"), told.encode(self._codec, "replace"),
                problem.severity.encode(), own.encode(self._codec, "replace"), b"", b"", self._told(problem),
            ]
        )  # fmt: skip
