"""The envelope: what the bytes of a message say of it before they are read, even where they cannot be.

Nothing is decoded: of MSH the fields as they stand, what the message is known by, and whose it is, so that what belongs
to one patient stays in order. Whatever the bytes are, there is an envelope.

Source: HL7 v2.5.1, chapter 2, 2.15.9 (MSH); chapter 3, 3.4.2.3 (PID-3), 3.4.10.1 (MRG-1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

HEAD = 4096  # bytes in which MSH is looked for
_MSH = re.compile(rb"MSH([^A-Za-z0-9\r\n\s])")
_PATIENTS = 64  # identifiers of patients at most
_WHITE = b"\xef\xbb\xbf\x0b\x00 \t\r\n"


@dataclass(frozen=True, slots=True)
class Envelope:
    """MSH as it stands. `fields`: at their numbers, 0 is the name and 1 the separator; empty where there is no MSH.

    `start`: where MSH begins. `seventh`: where MSH-7 stands, from and to.
    """

    fields: tuple[bytes, ...] = ()
    start: int = 0
    seventh: tuple[int, int] = (0, 0)

    @property
    def found(self) -> bool:
        return bool(self.fields)

    @property
    def separator(self) -> bytes:
        return self.fields[1] if self.fields else b"|"

    @property
    def component(self) -> bytes:
        """What separates components: the first of MSH-2."""
        return self.field(2)[:1] or b"^"

    def field(self, number: int) -> bytes:
        """Return a field of MSH as it stands; b"" where it is not there."""
        return self.fields[number] if number < len(self.fields) else b""

    def part(self, number: int, component: int = 1) -> str:
        """Return a component of a field of MSH as text, of its first repetition."""
        parts = self.field(number).split(self.component)
        return text_of(parts[component - 1]) if component <= len(parts) else ""

    @property
    def event(self) -> str:
        """Return "ADT^A28"; "" where MSH-9 says nothing."""
        kind, event = self.part(9, 1), self.part(9, 2)
        return f"{kind}^{event}" if event else kind

    @property
    def name(self) -> str:
        """Return what a message is known by: MSH-3, 4 and 10; "" where it has no MSH-10."""
        if not self.field(10):
            return ""
        return "|".join(text_of(self.field(number)) for number in (3, 4, 10))


def text_of(raw: bytes) -> str:
    """Return bytes as a text that is only compared and shown."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def envelope_of(data: bytes) -> Envelope:
    """Return the envelope of a message."""
    found = _MSH.search(data, 0, HEAD)
    if found is None:
        return Envelope()
    start, separator = found.start(), found[1]
    ends = [end for end in (data.find(b"\r", start), data.find(b"\n", start)) if end >= 0]
    end = min(ends, default=len(data))
    name, *fields = data[start : min(end, start + HEAD)].split(separator)
    fields = [name, separator, *fields]
    at = start + sum(map(len, fields[:7])) + 5  # fields 2 to 6 are each ended by a separator; 1 is the first
    seventh = (at, at + len(fields[7])) if len(fields) > 7 else (0, 0)
    return Envelope(tuple(fields), start, seventh)


def digest(data: bytes, envelope: Envelope) -> bytes:
    """Return a digest of the bytes of a message but for MSH-7, which a sender sets anew when it sends again."""
    view = memoryview(data)
    found = blake2b(digest_size=16)
    start, end = envelope.seventh
    found.update(view[:start])
    found.update(view[end:])
    return found.digest()


def patients_of(data: bytes, envelope: Envelope) -> list[bytes]:
    """Return the identifiers of patients in PID-3 and MRG-1, as they stand, each repetition."""
    separator = envelope.separator
    repetition = envelope.field(2)[1:2] or b"~"
    found: list[bytes] = []
    for name, number in ((b"PID", 3), (b"MRG", 1)):
        start = data.find(name + separator)
        while start >= 0 and len(found) < _PATIENTS:
            if start == 0 or data[start - 1] in b"\r\n":
                fields = data[start : start + HEAD].split(b"\r", 1)[0].split(separator, number + 1)
                if len(fields) > number:
                    found += [each for each in fields[number].split(repetition) if each.strip()]
            start = data.find(name + separator, start + 3)
    return found[:_PATIENTS]


def is_batch(data: bytes) -> bool:
    """Tell whether a file or body begins as a batch: FHS or BHS."""
    return data[:64].lstrip(_WHITE)[:3] in (b"FHS", b"BHS")
