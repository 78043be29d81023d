"""Random resources of sound structure, made from the type tables: `resources(types)`, for the tests of any room.

They obey the JSON and XML representations (choices, lists of primitives with their twins, contained resources,
numbers of every spelling) and nothing beyond: cardinalities, codes and invariants are chance.

Source: FHIR R4, JSON Representation of Resources; Datatypes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.plan import has_twin
from fhir_gateway.fhir.types import Element, Types

Draw = Callable[[st.SearchStrategy[Any]], Any]

# What XML 1.0 can carry and a FHIR string may hold, with the characters that are written in a special way often.
_CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"], min_codepoint=0x20, exclude_characters="\ufffe\uffff"),
    st.sampled_from("<>&\"'\t\n\r :é€𝒳\u00a0\u2028\u0085\ufeff"),
)
_NAME = st.text(st.sampled_from("abcXYZ019-."), min_size=1, max_size=8)
_STRINGS = st.text(_CHARACTERS, min_size=1, max_size=12)
_CODES = st.lists(_NAME, min_size=1, max_size=2).map(" ".join)
_URIS = st.one_of(
    st.uuids().map(lambda uuid: f"urn:uuid:{uuid}"),
    st.sampled_from(["http://example.org/a?b=1&c=<d>", "urn:oid:1.2.840", "#frag", "Patient/1", ":colon", "ftp://é"]),
)
DECIMAL_TEXTS = [
    "1.10",
    "1E2",
    "0.00000010",
    "-0.0",
    "1e-7",
    "0.0",
    "1.0e+3",
    "100.000000000000000000",
    "-12.5",
    "9E-300",
]
_DECIMALS = st.one_of(
    st.sampled_from(DECIMAL_TEXTS).map(Number),
    st.from_regex(r"-?(?:0|[1-9][0-9]{0,4})\.[0-9]{1,6}(?:[eE][+-]?[0-9]{1,2})?", fullmatch=True).map(Number),
    st.integers(-(10**20), 10**20),
)
_DATES = st.dates().map(lambda day: day.isoformat())
_ZONES = st.sampled_from(["Z", "+00:00", "-05:30", "+14:00"])
_TIMES = st.times().map(lambda clock: clock.isoformat())
_INSTANTS = st.builds("{}T{}{}".format, _DATES, _TIMES, _ZONES)
_BASE64 = st.binary(min_size=1, max_size=12).map(lambda data: base64.b64encode(data).decode())
_TEXT_IN_DIV = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff<>&\"'"), max_size=10
)
_DIVS = st.builds(
    '<div xmlns="http://www.w3.org/1999/xhtml"{}>{}{}</div>'.format,
    st.sampled_from(["", " class='a>b'", '\n  xml:lang="fr" ']),
    st.sampled_from(["", "<!-- <div> -->", "<![CDATA[</div>]]>", "<div>in</div><div/>", "\r\n&#160;&lt;", "<br />"]),
    _TEXT_IN_DIV,
)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "base64Binary": _BASE64,
    "boolean": st.booleans(),
    "canonical": _URIS,
    "code": _CODES,
    "date": st.one_of(_DATES, _DATES.map(lambda day: day[:7]), _DATES.map(lambda day: day[:4])),
    "dateTime": st.one_of(_DATES, _DATES.map(lambda day: day[:4]), _INSTANTS),
    "decimal": _DECIMALS,
    "id": _NAME,
    "instant": _INSTANTS,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "markdown": _STRINGS,
    "oid": st.sampled_from(["urn:oid:1.2.3", "urn:oid:2.16.840.1.113883"]),
    "positiveInt": st.integers(1, 2**31 - 1),
    "string": _STRINGS,
    "time": _TIMES,
    "unsignedInt": st.integers(0, 2**31 - 1),
    "uri": _URIS,
    "url": _URIS,
    "uuid": st.uuids().map(lambda uuid: f"urn:uuid:{uuid}"),
    "xhtml": _DIVS,
}

_DEPTH = 4  # objects inside objects
_ONLY_OUTSIDE = {"contained", "meta"}  # dom-2, dom-4, dom-5


@st.composite
def resources(draw: Draw, types: Types, type_name: str | None = None) -> dict[str, Any]:
    """Draw a resource of sound structure, of the type named or of any."""
    name = type_name if type_name is not None else draw(st.sampled_from(types.resources))
    return _resource(draw, types, name, _DEPTH, frozenset())


def _resource(draw: Draw, types: Types, name: str, depth: int, without: frozenset[str] | set[str]) -> dict[str, Any]:
    return {"resourceType": name, **_object(draw, types, name, depth, without, least=0)}


def _object(
    draw: Draw, types: Types, name: str, depth: int, without: frozenset[str] | set[str] = frozenset(), least: int = 1
) -> dict[str, Any]:
    elements = [
        element
        for element in types.types[name].elements.values()
        if element.name not in without and (element.primitive or depth > 0)
    ]
    chosen = draw(
        st.lists(st.sampled_from(elements), min_size=least, max_size=4, unique_by=lambda element: element.definition)
    )
    value: dict[str, Any] = {}
    for element in chosen:
        if not element.primitive:
            items = [_below(draw, types, element, depth) for _ in range(draw(st.integers(1, 2 if element.many else 1)))]
            value[element.name] = items if element.many else items[0]
        elif element.many:
            value.update(_list_of_primitives(draw, types, element, depth))
        else:
            value.update(_primitive(draw, types, element, depth))
    return value


def _below(draw: Draw, types: Types, element: Element, depth: int) -> dict[str, Any]:
    if element.type == "Resource":
        name = draw(st.sampled_from(types.resources))
        return _resource(draw, types, name, depth - 1, _ONLY_OUTSIDE if element.name == "contained" else frozenset())
    return _object(draw, types, element.type, depth - 1)


def _twin(draw: Draw, types: Types, depth: int) -> dict[str, Any]:
    return _object(draw, types, "Element", min(depth, 2) - 1)


def _primitive(draw: Draw, types: Types, element: Element, depth: int) -> dict[str, Any]:
    """A primitive with a value, a twin, or both."""
    what = draw(st.integers(0, 5)) if has_twin(element) else 0
    found: dict[str, Any] = {}
    if what != 4:
        found[element.name] = draw(PRIMITIVES[element.type])
    if what >= 4:
        found[f"_{element.name}"] = _twin(draw, types, depth)
    return found


def _list_of_primitives(draw: Draw, types: Types, element: Element, depth: int) -> dict[str, Any]:
    """A list of primitives and its twin; the one of them that would be all null is left out."""
    values: list[Any] = []
    twins: list[Any] = []
    for what in draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)):
        values.append(draw(PRIMITIVES[element.type]) if what != 4 else None)
        twins.append(_twin(draw, types, depth) if what >= 4 else None)
    found = {}
    if any(value is not None for value in values):
        found[element.name] = values
    if any(twin is not None for twin in twins):
        found[f"_{element.name}"] = twins
    return found
