"""Composite parameters: several values that belong together, such as a code and the quantity measured for it.

Row (pid, h, lo, hi, h2), one for each combination inside one instance (one Observation.component, say). The first part
is always a token: h is the key of its code alone, and what the second part needs decides where its system goes:

    second part      lo, hi                    h2
    quantity         bounds                    packed: system of the token 20 bits, unit 24 bits, system of the unit 20;
                                               once more in base units, with the dimension, where UCUM converts the unit
    date, number     first and last, bounds    key of the token's system
    number, number   the two numbers           key of the token's system
    token            the two systems           key of the second code
    reference        the token's system, 0     key of the target
    string           0, 0                      key of the token's system; the text is asked of the string's own rows

Systems in lo and hi are 52 bits, which a double holds exactly; 0 is none. A packed system is compared only among rows
of the same code, where a chance in a million of two systems being taken for one is borne for an eighth of the rows.

Source: FHIR R4, Search, "Composite Search Parameters".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from fhir_gateway.conformance.search_parameter import Branch, Component, SearchParameter
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints, date, number, quantity, reference, token
from fhir_gateway.store.index.condition import Answered, Asked, Condition, Keys, Scan, Value, for_each, refuse_modifier
from fhir_gateway.store.index.hashing import h64, joined_key, signed
from fhir_gateway.store.index.number import NumberAsked
from fhir_gateway.store.index.rows import Rows
from fhir_gateway.store.index.string import prefix_of
from fhir_gateway.store.index.syntax import split

_SUPPORTED = frozenset(
    (
        ("token", "quantity"),
        ("token", "date"),
        ("token", "number"),
        ("token", "number", "number"),
        ("token", "token"),
        ("token", "reference"),
        ("token", "string"),
    )
)

_RECURRING = 16_384

Token = tuple[str | None, str | None]  # system and code
Part = tuple[float, float, int]  # what a second part puts into lo, hi and h2
Pairs = Callable[[Any], Iterable[Token]]


def kinds_of(parameter: SearchParameter) -> tuple[str, ...]:
    return tuple(component.type for component in parameter.components)


def supported(parameter: SearchParameter) -> bool:
    """Tell whether a composite is indexed: its kinds are, and a string belongs to the resource as a whole."""
    kinds = kinds_of(parameter)
    return kinds in _SUPPORTED and (kinds[1] != "string" or _of_whole_resource(parameter))


def _of_whole_resource(parameter: SearchParameter) -> bool:
    return all(branch.first == "" and branch.type == parameter.base for branch in parameter.branches)


# --- keys: of systems, codes and units, which recur


@lru_cache(_RECURRING)
def _system_52(system: str | None) -> float:
    return 0.0 if system is None else float((h64(system) & ((1 << 52) - 1)) + 1)


def _bits(text: str | None, width: int) -> int:
    """Return a key of so many bits, 0 for None only."""
    return 0 if text is None else joined_key(text) % ((1 << width) - 1) + 1


@lru_cache(_RECURRING)
def _packed(token_system: str | None, unit: str | None, unit_system: str | None) -> int:
    return signed((_bits(token_system, 20) << 44) | (_bits(unit, 24) << 20) | _bits(unit_system, 20))


_BASE_UNITS = "="  # in the place of the unit's system: the row has base units, and the dimension as its unit
_TOKEN_SYSTEM, _UNIT, _UNIT_SYSTEM = signed(((1 << 20) - 1) << 44), ((1 << 24) - 1) << 20, (1 << 20) - 1


@lru_cache(_RECURRING)
def _system_key(system: str | None) -> int:
    return 0 if system is None else h64(system)


@lru_cache(_RECURRING)
def _code_key(code: str | None) -> int:
    return 0 if code is None else joined_key(code)


# --- rows


def _codings(concept: Mapping[str, Any]) -> list[Token]:
    return [(coding.get("system"), coding.get("code")) for coding in concept.get("coding", ())]


def _pairs_by(branch: Branch) -> Pairs:
    if branch.type == "CodeableConcept":
        return _codings
    if branch.type == "Coding":
        return lambda coding: ((coding.get("system"), coding.get("code")),)
    if branch.type == "Identifier":
        return lambda identifier: ((identifier.get("system"), identifier.get("value")),)
    if branch.type == "boolean":
        return lambda value: ((None, "true" if value else "false"),)
    return lambda code: ((branch.system, code),)


Each = Callable[[list[Any]], Iterable[Any]]  # from the values of a branch to what a row needs of them
Found = Callable[[Any, Mapping[str, Any]], list[Any]]  # the same for a component: from a base value and its resource


def _found(component: Component, each_by: Callable[[Branch], Each]) -> Found:
    """Return what gives all that rows need of a component."""
    branches = [(branch.first, branch.select, each_by(branch)) for branch in component.branches]
    if len(branches) == 1 and branches[0][0] == "":
        return _found_in_base(*branches[0][1:])

    def found(base: Any, resource: Mapping[str, Any]) -> list[Any]:
        values: list[Any] = []
        for first, select, each in branches:
            if first == "":
                if some := select(base):  # most have none
                    values.extend(each(some))
            elif first in resource:  # `%resource.…` starts at the resource, not at the base value
                values.extend(each(select(resource[first])))
        return values

    return found


def _found_in_base(select: Callable[[Any], list[Any]], each: Each) -> Found:
    def found(base: Any, resource: Mapping[str, Any]) -> list[Any]:
        values = select(base)
        # Most resources have none: an Observation has one type of value, and parameters for all of them.
        return list(each(values)) if values else values

    return found


def _tokens(branch: Branch) -> Each:
    pairs = _pairs_by(branch)
    return lambda values: [pair for value in values for pair in pairs(value)]


def _measures(branch: Branch) -> Each:
    measures = quantity.measures_by(branch.type)

    def each(values: list[Any]) -> Iterator[tuple[float, float, str | None, str | None]]:
        for (low, high), system, code, unit, canonical in measures(values) if measures else ():
            yield low, high, code, system
            if canonical is not None:
                yield *canonical[0], canonical[1], _BASE_UNITS
            if unit is not None and unit != code:
                yield low, high, unit, None

    return each


def _spans(branch: Branch) -> Each:
    spans = date.spans_by(branch.type)
    return lambda values: ((float(low), float(high)) for low, high in spans(values)) if spans else ()


def _bounds(branch: Branch) -> Each:
    bounds = number.bounds_by(branch.type)
    return lambda values: bounds(values) if bounds else ()


def _texts(branch: Branch) -> Each:
    return lambda values: values[:1]  # that there is one; which, its own rows say


def _references(branch: Branch) -> Each:
    return lambda values: [value["reference"] for value in values if "reference" in value]


def take(pid: int, parameter: SearchParameter, targets: reference.Targets) -> Callable[[Mapping[str, Any], Rows], None]:
    """Return what appends the rows of a resource; the parameter must be supported."""
    first, *others = parameter.components
    tokens = _found(first, _tokens)
    parts = _parts(others, targets)
    bases = [(branch.first, branch.select) for branch in parameter.branches]

    def append(resource: Mapping[str, Any], rows: Rows) -> None:
        for property, select in bases:
            if property == "":
                values = select(resource)
            elif property in resource:
                values = select(resource[property])
            else:
                continue
            for base in values:
                put = parts(base, resource)
                if put is None:
                    continue
                for system, code in tokens(base, resource):
                    h = _code_key(code)
                    rows.comp.extend([(pid, h, *part) for part in put(system)])

    return append


Put = Callable[[str | None], Iterable[Part]]  # what goes into lo, hi and h2, beside a token of this system


def _parts(others: list[Component], targets: reference.Targets) -> Callable[[Any, Mapping[str, Any]], Put | None]:
    """Return what gives the parts after the first: from a base value and its resource; None where there are none."""
    each_by, put = _KINDS[others[0].type]
    if others[0].type == "reference":
        put = partial(put, targets)
    found = [_found(other, each_by) for other in others]
    if len(found) == 1:
        (only,) = found

        def one(base: Any, resource: Mapping[str, Any]) -> Put | None:
            values = only(base, resource)
            return partial(put, values) if values else None

        return one

    def two(base: Any, resource: Mapping[str, Any]) -> Put | None:
        starts, ends = (each(base, resource) for each in found)
        located = [(start, end) for start, _ in starts for end, _ in ends]
        return partial(put, located) if located else None

    return two


def _put_measures(measures: list[tuple[float, float, str | None, str | None]], system: str | None) -> Iterator[Part]:
    return ((low, high, _packed(system, unit, unit_system)) for low, high, unit, unit_system in measures)


def _put_bounds(bounds: list[number.Bounds], system: str | None) -> Iterator[Part]:
    key = _system_key(system)
    return ((low, high, key) for low, high in bounds)


def _put_tokens(tokens: list[Token], system: str | None) -> Iterator[Part]:
    first = _system_52(system)
    return ((first, _system_52(second), _code_key(code)) for second, code in tokens)


def _put_references(targets: reference.Targets, references: list[str], system: str | None) -> Iterator[Part]:
    first = _system_52(system)
    return ((first, 0.0, key) for each in references for key, _ in targets(each)[1])


def _put_texts(texts: list[str], system: str | None) -> Iterator[Part]:
    yield 0.0, 0.0, _system_key(system)


_KINDS: Mapping[str, tuple[Callable[[Branch], Each], Callable[..., Iterator[Part]]]] = {
    "quantity": (_measures, _put_measures),
    "date": (_spans, _put_bounds),
    "number": (_bounds, _put_bounds),
    "token": (_tokens, _put_tokens),
    "reference": (_references, _put_references),
    "string": (_texts, _put_texts),
}


# --- conditions


def ask(asked: Asked, parameter: SearchParameter, string_pid: int | None = None) -> Answered:
    """Return the conditions of a composite parameter, whose parts are joined by "$".

    string_pid: the number of the string parameter that the second part is, where it is one.
    Raises: InvalidRequest for a value that has not all parts, or one of them malformed.
    """
    refuse_modifier(asked, "composite")
    names = "$".join(component.code for component in parameter.components)
    if not supported(parameter):
        raise InvalidRequest(complaints.COMPOSITE_UNSUPPORTED.at(name=asked.name, parts=names))
    build = _ASKED[kinds_of(parameter)[1:]]

    def one(value: str) -> Condition:
        parts = split(value, "$")
        count = len(parameter.components)
        if len(parts) != count or "" in parts:
            issue = complaints.COMPOSITE_MALFORMED.at(name=asked.name, value=value, count=count, parts=names)
            raise InvalidRequest(issue)
        system, code = token.parts_asked(asked, parts[0])
        rest = build(asked, system, parts[1:], string_pid)
        return _with_key(rest, "{h}", _code_key(code)) if code is not None else rest

    return Answered("i_comp", tuple(for_each(asked.values, one)))


def _test(where: str, *values: Value) -> Condition:
    return Condition(where, values, (Scan(where, values),))


def _with_key(rest: Condition, column: str, key: Value) -> Condition:
    """Return a condition with "column = key" before all others."""
    test = f"{column} = ?"

    def joined(where: str) -> str:
        return f"{test} AND {where}" if where else test

    scans = tuple(Scan(joined(scan.where), (key, *scan.values)) for scan in rest.scans)
    return Condition(joined(rest.where), (key, *rest.values), scans)


def _also(rest: Condition, where: str, *values: Value) -> Condition:
    scans = tuple(Scan(f"{scan.where} AND {where}", (*scan.values, *values)) for scan in rest.scans)
    return Condition(f"{rest.where} AND {where}", (*rest.values, *values), scans)


def _with_system(rest: Condition, system: str | None) -> Condition:
    """Return a condition that also asks for the token's system in h2; "" is none, None is any."""
    return rest if system is None else _also(rest, "{h2} = ?", _system_key(system or None))


def _quantity(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    measured, unit_system, unit = quantity.quantity_asked(asked, parts[0])
    mask = wanted = 0
    if system is not None:
        mask, wanted = _TOKEN_SYSTEM, _packed(system or None, None, None)
    bounds = number.condition_of(measured)
    if unit is None:
        # A row in base units has another number than what was written.
        bounds = _also(bounds, "({h2} & ?) <> ?", _UNIT_SYSTEM, _packed(None, None, _BASE_UNITS))
    else:
        mask, wanted = mask | _UNIT, wanted | _packed(None, quantity.dimension_or(unit_system, unit), None)
    if unit_system is not None and unit is not None:
        in_base = quantity.canonical_unit(unit_system, unit) is not None
        mask, wanted = mask | _UNIT_SYSTEM, wanted | _packed(None, None, _BASE_UNITS if in_base else unit_system)
    return _also(bounds, "({h2} & ?) = ?", mask, wanted) if mask else bounds


def _date(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    prefix, (low, high) = date.span_asked(asked, parts[0])
    spans = date.condition_of(prefix, (low, high))
    # The scans of date rows lean on a column that these rows do not have; the code narrows enough.
    values = tuple(float(value) for value in spans.values if isinstance(value, int))
    return _with_system(_test(spans.where, *values), system)


def _number(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    return _with_system(number.condition_of(_number_asked(asked, parts[0])), system)


def _numbers_asked(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    start = _point("{lo}", _number_asked(asked, parts[0]))
    end = _point("{hi}", _number_asked(asked, parts[1]))
    return _with_system(_also(start, end.where, *end.values), system)


def _number_asked(asked: Asked, part: str) -> NumberAsked:
    return number.number_asked(asked, part, part, complaints.NUMBER_MALFORMED)


_COMPARED = {"gt": ">", "sa": ">", "ge": ">=", "lt": "<", "eb": "<", "le": "<="}


def _point(column: str, asked: NumberAsked) -> Condition:
    """Return the condition that a column of plain numbers stands in the relation asked for."""
    if asked.prefix in _COMPARED:
        return _test(f"{column} {_COMPARED[asked.prefix]} ?", asked.value)
    if asked.prefix == "ne":
        return _test(f"({column} < ? OR {column} >= ?)", asked.low, asked.high)
    upper = "<=" if asked.prefix == "ap" else "<"
    return _test(f"{column} >= ? AND {column} {upper} ?", asked.low, asked.high)


def _token(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    second, code = token.parts_asked(asked, parts[0])
    rest = Condition("", (), (Scan("", ()),))
    if code is not None:
        rest = _with_key(rest, "{h2}", _code_key(code))
    if second is not None:
        rest = _with_key(rest, "{hi}", _system_52(second or None))
    return rest if system is None else _with_key(rest, "{lo}", _system_52(system or None))


def _reference(asked: Asked, system: str | None, parts: list[str], _: int | None) -> Condition:
    keys = reference.keys_asked(replace(asked, modifier=None), asked.types, parts[0])
    rest = _test("{h2} {any}", Keys(sorted(keys)))
    return rest if system is None else _with_key(rest, "{lo}", _system_52(system or None))


def _string(asked: Asked, system: str | None, parts: list[str], string_pid: int | None) -> Condition:
    assert string_pid is not None
    first, last = prefix_of(asked, parts[0])
    text = "EXISTS (SELECT 1 FROM i_str s WHERE s.rid = {rid} AND s.pid = ? AND s.v >= ? AND s.v <= ?)"
    return _with_system(_test(text, string_pid, first, last), system)


_ASKED: Mapping[tuple[str, ...], Callable[[Asked, str | None, list[str], int | None], Condition]] = {
    ("quantity",): _quantity,
    ("date",): _date,
    ("number",): _number,
    ("number", "number"): _numbers_asked,
    ("token",): _token,
    ("reference",): _reference,
    ("string",): _string,
}
