r"""Paths into a message, as rules write them, compiled to functions over the reader's segments.

    PID-3[*]    each repetition of a field        CX.4.2      a subcomponent, within a data type
    PID-5[2].1  a component of the second         NTE-3[~]    all repetitions, as lines of one text
    ZBE-4       of another segment: the first of its name in the group at hand, or in a group around it
    CX          the whole that a data type mapping is applied to

Source: HL7 v2.5.1, chapter 2, 2.5.3 (fields), 2.5.4; the paths of HL7 v2-to-FHIR's tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_gateway.exchange.hl7v2.er7 import Large, Message, Segment
from fhir_gateway.exchange.hl7v2.escapes import Separators, unescaped
from fhir_gateway.exchange.hl7v2.values import Zone, converters
from fhir_gateway.transform.source import Convert, Count, Home, Nodes, Scope, Texts


class Cut:
    """A repetition of a field, or a component, cut into its parts (`fields`, raw). `inner`: what separates the next."""

    __slots__ = ("fields", "inner", "level", "raw", "segment", "way")

    def __init__(
        self, raw: str, separator: str, inner: str, level: int, segment: Segment, way: tuple[int, ...]
    ) -> None:
        self.raw = raw
        self.fields: Sequence[str] = raw.split(separator) if separator and separator in raw else (raw,)
        self.inner = inner
        self.level = level
        self.segment = segment
        self.way = way  # field, repetition, component …

    @property
    def text(self) -> str:
        return _leaf(self.fields[0], self.inner, self.segment.message)

    @property
    def key(self) -> tuple[str, int, Separators, str]:
        """All that decides what it means, wherever it stands."""
        message = self.segment.message
        return self.raw, self.level, message.separators, message.codec

    @property
    def place(self) -> str:
        return "^".join(map(str, (self.segment.name, self.segment.number, *self.way)))


def _leaf(raw: str, inner: str, message: Message) -> str:
    if inner and inner in raw:
        raw = raw.split(inner, 1)[0]
    separators = message.separators
    if separators.escape and separators.escape in raw:
        return unescaped(raw, separators, message.codec)
    return raw


_RECURRING = frozenset({"HD", "ID", "IS", "CWE", "PL", "XON", "XCN", "CNN", "NDL", "DLD"})


class _Path(NamedTuple):
    name: str
    field: int  # 0: of a data type
    which: str  # "", "2", "*", "~"
    component: int
    subcomponent: int


_FIELD = re.compile(
    r"(?P<name>[A-Z][A-Z0-9]{2})(?:-(?P<field>[1-9][0-9]*)(?:\[(?P<index>[0-9]+|\*|~)\])?"
    r"(?:\.(?P<component>[1-9][0-9]*)(?:\.(?P<subcomponent>[1-9][0-9]*))?)?)?"
)
_PART = re.compile(r"(?P<name>[A-Z]{2,3})(?:\.(?P<component>[1-9][0-9]*)(?:\.(?P<subcomponent>[1-9][0-9]*))?)?")


def _parsed(path: str, home: Home) -> _Path:
    if home.kind == "datatype" and (found := _PART.fullmatch(path)) is not None and found["name"] == home.name:
        return _Path(home.name, 0, "", int(found["component"] or 0), int(found["subcomponent"] or 0))
    found = _FIELD.fullmatch(path)
    if found is None:
        raise ValueError("a path is PID-3, PID-3[*].4.2 or, within a data type, CX.4.2")
    name, field, index, component, subcomponent = found.groups()
    return _Path(name, int(field or 0), index or "", int(component or 0), int(subcomponent or 0))


class Er7Paths:
    """The language of HL7 v2's paths. `zone`: where times without offset are."""

    def __init__(self, zone: Zone) -> None:
        self._converters = converters(zone)

    def converter(self, type_name: str) -> Convert | None:
        return self._converters.get(type_name)

    def is_deletion(self, text: str) -> bool:
        return text == '""'

    def recurs(self, name: str) -> bool:
        return name in _RECURRING

    def repeats(self, path: str) -> bool:
        return "[*]" in path

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        """Return segment and field, or data type and component (from 0, as in `Cut.fields`)."""
        parsed = _parsed(path, home)
        if parsed.field:
            return parsed.name, parsed.field
        return (parsed.name, parsed.component - 1) if parsed.component else None

    def text(self, path: str, home: Home) -> Texts:
        parsed = _parsed(path, home)
        if home.kind == "datatype" and not parsed.field and parsed.name == home.name:
            return _part_text(parsed.component, parsed.subcomponent)
        if not parsed.field:
            return _named(parsed.name)
        if home.repeated and not parsed.which:
            repeated = _parsed(home.repeated, home)
            if (repeated.name, repeated.field) == (parsed.name, parsed.field):
                if repeated.component:
                    return _text_of_nodes(parsed, home)
                return _part_text(parsed.component, parsed.subcomponent)
        return _text_of_nodes(parsed, home)

    def nodes(self, path: str, home: Home) -> Nodes:
        parsed = _parsed(path, home)
        if home.kind == "datatype" and not parsed.field and parsed.name == home.name:
            return _part_nodes(parsed.component)
        if not parsed.field:
            raise ValueError("it names no field")
        cuts, segment_of = _cuts(parsed), _segment_of(parsed.name, home)

        def nodes(_node: Any, segment: Any, scope: Scope) -> Sequence[Cut]:
            found = segment_of(segment, scope)
            return cuts(found) if found is not None else ()

        if not parsed.component:
            return nodes
        component = _part_nodes(parsed.component)
        return lambda node, segment, scope: [
            part for each in nodes(node, segment, scope) for part in component(each, segment, scope)
        ]

    def count(self, path: str, home: Home) -> Count:
        parsed = _parsed(path, home)
        if not parsed.field:
            raise ValueError("only fields repeat")
        cuts = _cuts(parsed._replace(which="*"))
        segment_of = _segment_of(parsed.name, home)

        def count(_node: Any, segment: Any, scope: Scope) -> int:
            found = segment_of(segment, scope)
            return len(cuts(found)) if found is not None else 0

        return count


# --- what paths are compiled to


def _segment_of(name: str, home: Home) -> Callable[[Any, Scope], Segment | None]:
    if name == home.name:
        return lambda segment, scope: segment
    return lambda segment, scope: scope.find(name)


def _named(name: str) -> Texts:
    """Return what tells whether there is a segment of a name: "ZBE VALUED"."""
    return lambda node, segment, scope: name if scope.find(name) is not None else ""


def _raw(segment: Segment, number: int) -> str:
    fields = segment.fields
    if number >= len(fields):
        return ""
    raw = fields[number]
    return segment.field(number) if isinstance(raw, Large) else raw


def _cuts(path: _Path) -> Callable[[Segment], Sequence[Cut]]:
    number, index = path.field, path.which

    def cuts(segment: Segment) -> Sequence[Cut]:
        raw = _raw(segment, number)
        if not raw:
            return ()
        separators = segment.message.separators
        component, repetition, inner = separators.component, separators.repetition, separators.subcomponent
        if not repetition or repetition not in raw:
            if index in ("", "*", "1"):
                return (Cut(raw, component, inner, 0, segment, (number, 1)),)
            return ()
        found = raw.split(repetition)
        if index == "*":
            return [Cut(each, component, inner, 0, segment, (number, at)) for at, each in enumerate(found, 1) if each]
        at = int(index or 1)
        each = found[at - 1] if at <= len(found) else ""
        return (Cut(each, component, inner, 0, segment, (number, at)),) if each else ()

    return cuts


def _part_text(component: int, subcomponent: int) -> Texts:
    at, below = max(component, 1) - 1, subcomponent - 1

    def text(node: Any, _segment: Any, _scope: Scope) -> str:
        parts = node.fields
        if at >= len(parts):
            return ""
        raw = parts[at]
        if not raw:
            return ""
        if below >= 0:
            inner = node.inner
            found = raw.split(inner) if inner else (raw,)
            if below >= len(found):
                return ""
            return _leaf(found[below], "", node.segment.message)
        return _leaf(raw, node.inner, node.segment.message)

    return text


def _part_nodes(component: int) -> Nodes:
    if not component:
        return lambda node, segment, scope: (node,)
    at = component - 1

    def nodes(node: Any, _segment: Any, _scope: Scope) -> Sequence[Cut]:
        parts = node.fields
        if at >= len(parts) or not parts[at]:
            return ()
        return (Cut(parts[at], node.inner, "", node.level + 1, node.segment, (*node.way, component)),)

    return nodes


def _text_of_nodes(path: _Path, home: Home) -> Texts:
    segment_of = _segment_of(path.name, home)
    number = path.field
    if path.which == "~":
        return _lines(path, segment_of)
    if path.which == "*":
        path = path._replace(which="")
    repetition = int(path.which or 1) - 1
    component, subcomponent = path.component - 1, path.subcomponent - 1
    delimiters = path.name in ("MSH", "FHS", "BHS") and number < 3

    def text(_node: Any, segment: Any, scope: Scope) -> str:
        found = segment_of(segment, scope)
        if found is None:
            return ""
        fields = found.fields
        raw = fields[number] if number < len(fields) else ""
        if not raw or delimiters:
            return str(raw)
        if type(raw) is not str:
            raw = found.field(number)
        separators = found.message.separators
        if separators.repetition and separators.repetition in raw:
            raw = _at(raw.split(separators.repetition), repetition)
        elif repetition:
            return ""
        if separators.component in raw:
            raw = _at(raw.split(separators.component), max(component, 0))
        elif component > 0:
            return ""
        if subcomponent < 0:
            return _leaf(raw, separators.subcomponent, found.message)
        raw = _at(raw.split(separators.subcomponent) if separators.subcomponent else [raw], subcomponent)
        return _leaf(raw, "", found.message)

    return text


def _at(parts: list[str], number: int) -> str:
    return parts[number] if number < len(parts) else ""


def _lines(path: _Path, segment_of: Callable[[Any, Scope], Segment | None]) -> Texts:
    """Return what joins the repetitions of a text field as lines."""
    number = path.field

    def text(_node: Any, segment: Any, scope: Scope) -> str:
        found = segment_of(segment, scope)
        raw = _raw(found, number) if found is not None else ""
        if not raw or found is None:
            return ""
        message = found.message
        repetition = message.separators.repetition
        lines = raw.split(repetition) if repetition else [raw]
        return "\n".join(unescaped(each, message.separators, message.codec) for each in lines)

    return text
