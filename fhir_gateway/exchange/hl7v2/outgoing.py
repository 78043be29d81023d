r"""A message being written: segments in their order, values put at paths, escaped, in the receiver's character set.

    message = Outgoing("8859/15")
    pid = message.segment("PID")
    pid.put("3[+].1", "12345")       # [+] a new repetition, [n] that one, none: the last there is
    pid.put("3.4.2", "1.2.250.1.71.4.2.2.1")
    message.written()

What rules for `mappings/hl7v2/out` put their values into (`to: PID-3[+].1`): the part of a path after its segment.

Source: HL7 v2.5.1, chapter 2, 2.5 to 2.7, 2.15.9.18 (MSH-18).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO

from fhir_gateway.exchange.hl7v2.charset import codec_of
from fhir_gateway.exchange.hl7v2.er7 import NO_SEPARATOR
from fhir_gateway.exchange.hl7v2.escapes import Separators, escaped

SEPARATORS = Separators()
_PLACE = re.compile(
    r"(?P<field>[1-9][0-9]*)(?:\[(?P<repetition>[1-9][0-9]*|\+)\])?(?:\.(?P<component>[1-9][0-9]*)"
    r"(?:\.(?P<subcomponent>[1-9][0-9]*))?)?"
)
_Components = list[list[str]]  # of a repetition: components, each of subcomponents, escaped
# Nothing that frames a message, and no other control character but line breaks (which are escaped), may stand in it.
_CONTROLS = {number: None for number in (*range(0x20), 0x7F) if number not in (0x09, 0x0A, 0x0D)}
_LARGE = re.compile("\x02([0-9]+)\x02")  # what stands for content that is written piece by piece
_PIECE = 3 << 16  # bytes of a document that are made base64 at once: whole triplets
_WHITE = re.compile(r"\s")


class OutgoingSegment:
    """A segment being written."""

    def __init__(self, name: str, separators: Separators = SEPARATORS) -> None:
        self.name = name
        self._separators = separators
        self._fields: dict[int, list[_Components]] = {}
        self._large: list[str | bytes] = []

    def put(self, place: str, text: str) -> None:
        """Put a text at "3", "3[+].1" or "3[2].4.2"; what stands there is replaced. Raises: ValueError for no place."""
        self._at(place, self._escaped(text))

    def put_encoded(self, place: str, data: str | bytes) -> None:
        """Put base64 (a text that holds no delimiter) as it is, or bytes as the base64 that they are, however much: it
        is neither copied nor encoded before it is written. Raises: ValueError.
        """
        self._at(place, self._kept(data))

    def _escaped(self, text: str) -> str:
        return escaped(text if text.isprintable() else text.translate(_CONTROLS), self._separators)

    def _kept(self, data: str | bytes) -> str:
        self._large.append(_WHITE.sub("", data) if isinstance(data, str) and _WHITE.search(data) else data)
        return f"\x02{len(self._large) - 1}\x02"

    def _at(self, place: str, raw: str) -> None:
        number, repetition, component, subcomponent = _place(place)
        if self.name == "MSH" and number < 3:
            raise ValueError("MSH-1 and MSH-2 are the delimiters, which stand there already")
        at = self.repetitions(number) if repetition == "" else int(repetition) if repetition != "+" else 0
        self._set(number, self.opened(number) if at == 0 else at, component, subcomponent, raw)

    # --- by numbers

    def repetitions(self, number: int) -> int:
        """Return how many repetitions of a field are written so far."""
        return len(self._fields.get(number, ()))

    def opened(self, number: int) -> int:
        """Return the number of a new repetition of a field."""
        found = self._fields.setdefault(number, [])
        found.append([])
        return len(found)

    def set(self, number: int, repetition: int, component: int, subcomponent: int, text: str) -> None:
        """Put a text at a place that is told by its numbers, each from 1."""
        self._set(number, repetition, component, subcomponent, self._escaped(text))

    def set_encoded(self, number: int, repetition: int, component: int, subcomponent: int, data: str | bytes) -> None:
        """Put base64, or bytes that are to become it, at a place that is told by its numbers."""
        self._set(number, repetition, component, subcomponent, self._kept(data))

    def holds(self, number: int, repetition: int, component: int, subcomponent: int) -> bool:
        """Return whether anything stands at a place that is told by its numbers; 0: anywhere in what is around it."""
        found = self._fields.get(number, [])
        for components in found if not repetition else found[repetition - 1 : repetition]:
            for parts in components if not component else components[component - 1 : component]:
                if any(parts if not subcomponent else parts[subcomponent - 1 : subcomponent]):
                    return True
        return False

    def _set(self, number: int, repetition: int, component: int, subcomponent: int, raw: str) -> None:
        found = self._fields.setdefault(number, [])
        found.extend([] for _ in range(repetition - len(found)))
        components = found[repetition - 1]
        components.extend([] for _ in range(component - len(components)))
        parts = components[component - 1]
        parts.extend("" for _ in range(subcomponent - len(parts)))
        parts[subcomponent - 1] = raw

    def chunks(self, codec: str) -> Iterator[bytes]:
        """Yield the bytes of the segment, without what ends it, documents piece by piece."""
        for at, part in enumerate(_LARGE.split(self._line())):
            if at % 2 == 0:
                yield part.encode(codec, "replace")
                continue
            data = self._large[int(part)]
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                yield piece.encode("ascii") if isinstance(piece, str) else b64encode(piece)

    def _line(self) -> str:
        """Return the segment, without what ends it; empty places at the end of anything are left out."""
        signs = self._separators
        first = (self.name, f"{signs.component}{signs.repetition}{signs.escape}{signs.subcomponent}")
        head, start = (list(first), 3) if self.name == "MSH" else ([self.name], 1)
        last = max(self._fields, default=0)
        fields = [self._field(number) for number in range(start, last + 1)]
        return _joined([*head, *fields], signs.field)

    def _field(self, number: int) -> str:
        signs = self._separators
        repetitions = (
            _joined([_joined(parts, signs.subcomponent) for parts in components], signs.component)
            for components in self._fields.get(number, ())
        )
        return _joined(list(repetitions), signs.repetition)


class Outgoing:
    """A message being written. `charset`: as MSH-18 says it, which is written there."""

    def __init__(self, charset: str = "UNICODE UTF-8") -> None:
        self._codec = codec_of(charset, wide=False)
        self.segments: list[OutgoingSegment] = []
        self.segment("MSH").put("18", charset)

    @property
    def head(self) -> OutgoingSegment:
        """MSH."""
        return self.segments[0]

    def segment(self, name: str) -> OutgoingSegment:
        """Return a new segment, the last so far."""
        made = OutgoingSegment(name)
        self.segments.append(made)
        return made

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the message piece by piece: a document is never there whole a second time."""
        for each in self.segments:
            yield from each.chunks(self._codec)
            yield b"\r"

    def written(self) -> bytes:
        """Return the message; a letter that its character set has not is written as a question mark."""
        out = BytesIO()  # what joins pieces would first keep them all: the document would be there twice
        for each in self.chunks():
            out.write(each)
        return out.getvalue()


def _joined(parts: list[str], separator: str) -> str:
    end = len(parts)
    while end and not parts[end - 1]:
        end -= 1
    return separator.join(parts[:end])


@lru_cache(2048)
def _place(place: str) -> tuple[int, str, int, int]:
    found = _PLACE.fullmatch(place)
    if found is None or NO_SEPARATOR in place:
        raise ValueError(f"{place} is no place in a segment: 3, 3[+].1, 3[2].4.2")
    field, repetition, component, subcomponent = found.groups()
    return int(field), repetition or "", int(component or 1), int(subcomponent or 1)
