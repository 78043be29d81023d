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
from functools import lru_cache

from fhir_gateway.exchange.hl7v2.charset import codec_of
from fhir_gateway.exchange.hl7v2.er7 import NO_SEPARATOR
from fhir_gateway.exchange.hl7v2.escapes import Separators, escaped

SEPARATORS = Separators()
_PLACE = re.compile(
    r"(?P<field>[1-9][0-9]*)(?:\[(?P<repetition>[1-9][0-9]*|\+)\])?(?:\.(?P<component>[1-9][0-9]*)"
    r"(?:\.(?P<subcomponent>[1-9][0-9]*))?)?"
)
_Components = list[list[str]]  # of a repetition: components, each of subcomponents, escaped


class OutgoingSegment:
    """A segment being written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._fields: dict[int, list[_Components]] = {}

    def put(self, place: str, text: str) -> None:
        """Put a text at "3", "3[+].1" or "3[2].4.2"; what stands there is replaced. Raises: ValueError for no place."""
        self._at(place, escaped(text, SEPARATORS))

    def put_encoded(self, place: str, text: str) -> None:
        """Put a text that holds no delimiter (base64) as it is, however long. Raises: ValueError."""
        self._at(place, text)

    def _at(self, place: str, raw: str) -> None:
        number, repetition, component, subcomponent = _place(place)
        if self.name == "MSH" and number < 3:
            raise ValueError("MSH-1 and MSH-2 are the delimiters, which stand there already")
        found = self._fields.setdefault(number, [])
        if repetition == "+" or not found:
            found.append([])
        at = len(found) if repetition in ("", "+") else int(repetition)
        found.extend([] for _ in range(at - len(found)))
        components = found[at - 1]
        components.extend([] for _ in range(component - len(components)))
        parts = components[component - 1]
        parts.extend("" for _ in range(subcomponent - len(parts)))
        parts[subcomponent - 1] = raw

    def written(self) -> str:
        """Return the segment, without what ends it; empty places at the end of anything are left out."""
        first = (
            self.name,
            f"{SEPARATORS.component}{SEPARATORS.repetition}{SEPARATORS.escape}{SEPARATORS.subcomponent}",
        )
        head, start = (list(first), 3) if self.name == "MSH" else ([self.name], 1)
        last = max(self._fields, default=0)
        fields = [self._field(number) for number in range(start, last + 1)]
        return _joined([*head, *fields], SEPARATORS.field)

    def _field(self, number: int) -> str:
        repetitions = (
            _joined([_joined(parts, SEPARATORS.subcomponent) for parts in components], SEPARATORS.component)
            for components in self._fields.get(number, ())
        )
        return _joined(list(repetitions), SEPARATORS.repetition)


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

    def written(self) -> bytes:
        """Return the message; a letter that its character set has not is written as a question mark."""
        return b"".join(each.written().encode(self._codec, "replace") + b"\r" for each in self.segments)


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
