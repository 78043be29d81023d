"""The answer to a message that was sent: what its MSA says, read from the bytes, whatever else they are.

Source: HL7 v2.5.1, chapter 2, 2.9.2, 2.15.8 (MSA), 2.15.5 (ERR); table 0008.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_gateway.exchange.hl7v2.envelope import envelope_of, text_of

CODES = ("AA", "AE", "AR", "CA", "CE", "CR")


@dataclass(frozen=True, slots=True)
class Answered:
    """What an acknowledgement says. `code`: MSA-1; `of`: MSA-2, the MSH-10 of what it answers.

    `conditions`: ERR-3 (table 0357) with ERR-2, "101 PID^1^3". Texts of the receiver are left out: they may quote what
    was sent.
    """

    code: str
    of: str
    conditions: tuple[str, ...] = ()


def answer_of(data: bytes) -> Answered | None:
    """Return what an acknowledgement says; None where the bytes are none."""
    envelope = envelope_of(data)
    if not envelope.found:
        return None
    separator, component = envelope.separator, envelope.component
    said: Answered | None = None
    conditions: list[str] = []
    for line in data[envelope.start :].replace(b"\n", b"\r").split(b"\r"):
        fields = line.split(separator)
        if fields[0] == b"MSA" and said is None:
            code, of = (text_of(each).strip() for each in (*fields[1:3], b"", b"")[:2])
            said = Answered(code.upper(), of)
        elif fields[0] == b"ERR" and len(fields) > 3:
            condition = text_of(fields[3].split(component)[0])
            conditions.append(f"{condition} {text_of(fields[2])}".strip()[:80])
    return None if said is None else Answered(said.code, said.of, tuple(conditions[:20]))
