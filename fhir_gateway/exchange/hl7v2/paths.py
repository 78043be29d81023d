r"""Paths into a message, as rules write them, made into expressions over the reader's segments.

    PID-3[*]    each repetition of a field        CX.4.2      a subcomponent, within a data type
    PID-5[2].1  a component of the second         NTE-3[~]    all repetitions, as lines of one text
    ZBE-4       of another segment: the first of its name in the group at hand, or in a group around it
    CX          the whole that a data type mapping is applied to

Source: HL7 v2.5.1, chapter 2, 2.5.3 (fields), 2.5.4; the paths of HL7 v2-to-FHIR's tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fhir_gateway.exchange.hl7v2.er7 import NO_SEPARATOR, PADDING, Encoding, Large, Segment
from fhir_gateway.exchange.hl7v2.escapes import unescaped
from fhir_gateway.exchange.hl7v2.values import Zone, converters
from fhir_gateway.transform.source import Convert, Expression, Home

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

    deletion = '""'

    def __init__(self, zone: Zone) -> None:
        self._converters = converters(zone)

    @property
    def names(self) -> Mapping[str, Any]:
        return _NAMES

    def converter(self, type_name: str) -> Convert | None:
        return self._converters.get(type_name)

    def key(self, name: str) -> str:
        # What is long does not recur.
        key = "len(node[0]) < 200 and (node[0], node[1], node[3].encoding.dialect)"
        return key if name in _RECURRING else ""

    def repeats(self, path: str) -> bool:
        return "[*]" in path

    def first(self, home: Home) -> Sequence[tuple[str, str]]:
        if home.kind == "datatype":
            return (
                ("raw separator inner segment way", "raw, separator, inner, segment, way = node"),
                ("parts", "parts = raw.split(separator) + EMPTY_PARTS"),
                ("count", "count = len(parts)"),
            )
        return (
            ("fields", "fields = segment.fields + EMPTY_FIELDS"),
            ("count", "count = len(fields)"),
            ("encoding", "encoding = segment.encoding"),
        )

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        """Return segment and field, or data type and component (from 0, as they are cut)."""
        parsed = _parsed(path, home)
        if parsed.field:
            return parsed.name, parsed.field
        return (parsed.name, parsed.component - 1) if parsed.component else None

    def present(self, number: int, home: Home) -> str:
        return _there(number, "parts" if home.kind == "datatype" else "fields")

    def text_of(self, node: str) -> str:
        return f"text_of({node})"

    def deletes(self, node: str) -> str:
        return f"{node}[0].startswith('\"\"') and text_of({node}) == '\"\"'"

    def place_of(self, node: Any) -> str:
        way: list[str] = []
        at = node[4]
        while at is not None:
            at, number = at
            way.insert(0, str(number))
        return "^".join((node[3].name, str(node[3].number), *way))

    def text(self, path: str, home: Home, known: int = -1) -> Expression:
        parsed = _parsed(path, home)
        if home.kind == "datatype" and not parsed.field and parsed.name == home.name:
            return _text_of_part(parsed, known)
        if not parsed.field:
            # Whether there is a segment of a name: "ZBE VALUED".
            name = parsed.name
            return Expression(f"('' if {name} is None else {name!r})", name)
        if home.repeated and not parsed.which:
            repeated = _parsed(home.repeated, home)
            if (repeated.name, repeated.field) == (parsed.name, parsed.field) and not repeated.component:
                return Expression(f"part_of(node, {max(parsed.component, 1) - 1}, {parsed.subcomponent - 1})")
        return _text_of_field(parsed, home, known)

    def nodes(self, path: str, home: Home, known: int = -1) -> Expression:
        parsed = _parsed(path, home)
        if home.kind == "datatype" and not parsed.field and parsed.name == home.name:
            return _nodes_of_part(parsed, known)
        if not parsed.field:
            raise ValueError("it names no field")
        segment, finds = _segment(parsed, home)
        index = parsed.which
        found = f"repetitions({segment}, {parsed.field})"
        if known == parsed.field and not finds:
            found = _EACH_OF.format(known=known) if index == "*" else _ONE_OF.format(known=known)
        if index not in ("*", "", "1"):
            found = f"repetition({segment}, {parsed.field}, {int(index)})"
        elif index != "*" and (known != parsed.field or finds):
            found = f"repetition({segment}, {parsed.field}, 1)"
        if parsed.component:
            found = f"components({found}, {parsed.component})"
        # What stands under a test that the field is there stays under it.
        return Expression(found, finds, known != parsed.field or bool(finds))

    def count(self, path: str, home: Home) -> Expression:
        parsed = _parsed(path, home)
        if not parsed.field:
            raise ValueError("only fields repeat")
        segment, finds = _segment(parsed, home)
        return Expression(f"len(repetitions({segment}, {parsed.field}))", finds, True)

    def valued(self, path: str, home: Home) -> Expression:
        parsed = _parsed(path, home)
        if parsed.field and not parsed.component:
            # A field is valued whatever part of it says something: its first component may be empty.
            segment, finds = _segment(parsed, home)
            if finds:
                return Expression(f"valued({segment}, {parsed.field})", finds, True)
            at = parsed.field
            there = _there(at, "fields", "(x := fields[{}])")
            return Expression(f"({there} and (x.isalnum() or said(x, encoding)))", "", True)
        text = self.text(path, home)
        if text.source.startswith("text_at("):
            return text._replace(source=text.source.replace("text_at(", "said_at(", 1))
        return text._replace(source=f"({text.source} not in ('', '\"\"'))")


# --- expressions

# So many empty parts stand after those that there are: up to that number none is asked whether it is there.
_EMPTY = {"parts": 24, "fields": PADDING}


# The repetitions of a field that is there; nearly all have one.
_NODE = "(((x, encoding.component, encoding.inner, segment, ((None, {known}), 1)),)"
_EACH_OF = _NODE + " if encoding.repetition not in (x := fields[{known}]) else each_of(x, {known}, segment))"
_ONE_OF = _NODE + " if encoding.repetition not in (x := fields[{known}]) else one_of(x, {known}, segment))"


def _there(number: int, cut: str, form: str = "") -> str:
    """Return whether a part is there and not empty. form: how it is read."""
    read = form.format(number) if form else f"{cut}[{number}]"
    return read if number < _EMPTY[cut] else f"count > {number} and {read}"


def _segment(path: _Path, home: Home) -> tuple[str, str]:
    """Return the local that is the segment a path begins at, and its name where it must be found first."""
    return ("segment", "") if path.name == home.name else (path.name, path.name)


def _text_of_part(path: _Path, known: int) -> Expression:
    at = max(path.component, 1) - 1
    if path.subcomponent:
        return Expression(f"inner_part(parts, {at}, {path.subcomponent - 1}, inner, segment)", fixed=True)
    if at == known:
        return Expression(f"(x if (x := parts[{at}]).isalnum() else leaf(x, inner, segment))")
    there = _there(at, "parts", "(x := parts[{}])")
    return Expression(f"((x if x.isalnum() else leaf(x, inner, segment)) if {there} else '')", fixed=True)


def _nodes_of_part(path: _Path, known: int) -> Expression:
    if not path.component:
        return Expression("(node,)")
    at = path.component - 1
    if at == known:
        return Expression(f"((parts[{at}], inner, NO_SEPARATOR, segment, (way, {path.component})),)")
    return Expression(f"components((node,), {path.component})")


def _text_of_field(path: _Path, home: Home, known: int) -> Expression:
    segment, finds = _segment(path, home)
    if path.which == "~":
        return Expression(f"lines({segment}, {path.field})", finds)
    if path.name in ("MSH", "FHS", "BHS") and path.field < 3:
        return Expression(f"delimiters({segment}, {path.field})", finds)
    repetition = int(path.which) - 1 if path.which not in ("", "*") else 0
    component, subcomponent = max(path.component, 1) - 1, path.subcomponent - 1
    if repetition == component == 0 and subcomponent <= 0:
        if subcomponent < 0 and not finds and path.field == known:
            return Expression(f"(x if (x := fields[{known}]).isalnum() else first(x, encoding))")
        if not finds:
            at = path.field
            there = _there(at, "fields", "(x := fields[{}])")
            return Expression(f"((x if x.isalnum() else first(x, encoding)) if {there} else '')", "", True)
        return Expression(f"field_text({segment}, {path.field})", finds, True)
    return Expression(f"text_at({segment}, {path.field}, {repetition}, {component}, {subcomponent})", finds, True)


# --- what the expressions call; a segment is None where there is none of the name
#
# A node is a tuple: what it is as it stands, what separates its parts, what separates theirs, its segment, and its way:
# the way of what it is part of (None for a field's), and its number. What is all letters and digits has no delimiter.

Raw = str | Large
Node = tuple[Raw, str, str, Segment, Any]


def _unescaped(raw: Raw, encoding: Encoding) -> str:
    text = raw if isinstance(raw, str) else raw.text()
    return unescaped(text, encoding.separators, encoding.codec) if encoding.escape in text else text


def _first(raw: Raw, encoding: Encoding) -> str:
    """Return the text of the first leaf of a field."""
    if encoding.repetition in raw:
        raw = raw.split(encoding.repetition, 1)[0]
    if encoding.component in raw:
        raw = raw.split(encoding.component, 1)[0]
    if encoding.inner in raw:
        raw = raw.split(encoding.inner, 1)[0]
    return raw if isinstance(raw, str) and encoding.escape not in raw else _unescaped(raw, encoding)


def _text(segment: Segment | None, number: int) -> str:
    if segment is None:
        return ""
    fields = segment.fields
    if number >= len(fields):
        return ""
    raw = fields[number]
    return raw if isinstance(raw, str) and (not raw or raw.isalnum()) else _first(raw, segment.encoding)


def _text_at(segment: Segment | None, number: int, repetition: int, component: int, subcomponent: int) -> str:
    if segment is None:
        return ""
    fields = segment.fields
    if number >= len(fields):
        return ""
    raw = fields[number]
    if not raw:
        return ""
    if isinstance(raw, str) and raw.isalnum():  # nothing to be cut
        return raw if not (repetition or component or subcomponent > 0) else ""
    raw = _raw_at(segment, number, repetition, component, subcomponent)
    return raw if isinstance(raw, str) and (not raw or raw.isalnum()) else _leaf(raw, segment.encoding.inner, segment)


def _said_at(segment: Segment | None, number: int, repetition: int, component: int, subcomponent: int) -> bool:
    """Tell whether a component says something; a document is not decoded for that."""
    raw = _raw_at(segment, number, repetition, component, subcomponent)
    if segment is None or not isinstance(raw, str):
        return bool(raw)
    return bool(raw) and _leaf(raw, segment.encoding.inner, segment) not in ("", '""')


def _raw_at(segment: Segment | None, number: int, repetition: int, component: int, subcomponent: int) -> Raw:
    if segment is None or number >= len(segment.fields):
        return ""
    raw = segment.fields[number]
    if not raw:
        return ""
    encoding = segment.encoding
    if encoding.repetition in raw:
        raw = _at(raw.split(encoding.repetition), repetition)
    elif repetition:
        return ""
    if encoding.component in raw:
        raw = _at(raw.split(encoding.component), component)
    elif component:
        return ""
    if subcomponent > 0:
        raw = _at(raw.split(encoding.inner), subcomponent)
    return raw


def _at(parts: Sequence[Raw], number: int) -> Raw:
    return parts[number] if number < len(parts) else ""


def _leaf(raw: Raw, inner: str, segment: Segment) -> str:
    """Return the text of a component's first part."""
    if inner in raw:
        raw = raw.split(inner, 1)[0]
    encoding = segment.encoding
    return raw if isinstance(raw, str) and encoding.escape not in raw else _unescaped(raw, encoding)


def _part(parts: Sequence[Raw], at: int, inner: str, segment: Segment) -> str:
    raw = parts[at] if at < len(parts) else ""
    return raw if isinstance(raw, str) and (not raw or raw.isalnum()) else _leaf(raw, inner, segment)


def _inner_part(parts: Sequence[Raw], at: int, below: int, inner: str, segment: Segment) -> str:
    found = parts[at].split(inner) if at < len(parts) else ()
    return _leaf(found[below], NO_SEPARATOR, segment) if below < len(found) else ""


def _part_of(node: Node, at: int, below: int) -> str:
    parts = node[0].split(node[1])
    if below < 0:
        return _part(parts, at, node[2], node[3])
    return _inner_part(parts, at, below, node[2], node[3])


def _text_of(node: Node) -> str:
    raw = node[0]
    return _part(raw.split(node[1], 1), 0, node[2], node[3])


def _repetitions(segment: Segment | None, number: int) -> Sequence[Node]:
    if segment is None or number >= len(segment.fields):
        return ()
    raw = segment.fields[number]
    return _each(raw, number, segment) if raw else ()


def _each(raw: Raw, number: int, segment: Segment) -> Sequence[Node]:
    """Return the repetitions of a field that is not empty."""
    encoding = segment.encoding
    component, inner, way = encoding.component, encoding.inner, (None, number)
    if encoding.repetition not in raw:
        return ((raw, component, inner, segment, (way, 1)),)
    found = enumerate(raw.split(encoding.repetition), 1)
    return [(each, component, inner, segment, (way, at)) for at, each in found if each]


def _repetition(segment: Segment | None, number: int, index: int) -> Sequence[Node]:
    if segment is None or number >= len(segment.fields):
        return ()
    raw, encoding = segment.fields[number], segment.encoding
    if encoding.repetition in raw:
        raw = _at(raw.split(encoding.repetition), index - 1)
    elif index > 1:
        return ()
    return ((raw, encoding.component, encoding.inner, segment, ((None, number), index)),) if raw else ()


def _one(raw: Raw, number: int, segment: Segment) -> Sequence[Node]:
    """Return the first repetition of a field that is not empty."""
    encoding = segment.encoding
    if encoding.repetition in raw:
        raw = raw.split(encoding.repetition, 1)[0]
        if not raw:
            return ()
    return ((raw, encoding.component, encoding.inner, segment, ((None, number), 1)),)


def _components(nodes: Sequence[Node], component: int) -> Sequence[Node]:
    found = []
    for raw, separator, inner, segment, way in nodes:
        each = _at(raw.split(separator), component - 1)
        if each:
            found.append((each, inner, NO_SEPARATOR, segment, (way, component)))
    return found


def _valued(segment: Segment | None, number: int) -> bool:
    if segment is None or number >= len(segment.fields):
        return False
    raw = segment.fields[number]
    return bool(raw) and (raw.isalnum() or _said(raw, segment.encoding))


def _said(raw: Raw, encoding: Encoding) -> bool:
    """Tell whether a field that is not empty says more than that it be deleted."""
    if not isinstance(raw, str):
        return True
    return raw.strip(encoding.repetition) != "" and _first(raw, encoding) != '""'


def _delimiters(segment: Segment | None, number: int) -> str:
    return segment.field(number) if segment is not None else ""


def _lines(segment: Segment | None, number: int) -> str:
    """Return the repetitions of a text field as lines."""
    raw = segment.field(number) if segment is not None else ""
    if not raw or segment is None:
        return ""
    encoding = segment.encoding
    repetition = encoding.separators.repetition
    lines = raw.split(repetition) if repetition else [raw]
    return "\n".join(unescaped(each, encoding.separators, encoding.codec) for each in lines)


_NAMES: Mapping[str, Any] = {
    "EMPTY_FIELDS": [""] * _EMPTY["fields"],
    "EMPTY_PARTS": [""] * _EMPTY["parts"],
    "NO_SEPARATOR": NO_SEPARATOR,
    "components": _components,
    "delimiters": _delimiters,
    "first": _first,
    "inner_part": _inner_part,
    "leaf": _leaf,
    "lines": _lines,
    "one_of": _one,
    "part_of": _part_of,
    "repetition": _repetition,
    "repetitions": _repetitions,
    "each_of": _each,
    "field_text": _text,
    "text_at": _text_at,
    "said": _said,
    "said_at": _said_at,
    "text_of": _text_of,
    "valued": _valued,
}
