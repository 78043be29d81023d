"""What invariants ask of values, rather than of which elements there are: read from their expressions.

Source: FHIR R4, ElementDefinition.constraint; FHIRPath 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fhir_gateway.conformance.validation.certainty import Test, never
from fhir_gateway.fhir.fhirpath import FhirPathError
from fhir_gateway.fhir.fhirpath.parser import parse
from fhir_gateway.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Expression,
    Index,
    Literal_,
    Member,
    Sign,
    This,
    TypeTest,
    Variable,
)

# They ask only whether there is something.
_PRESENCE: Final = frozenset({"exists", "empty", "hasValue", "count", "not"})
# What they ask is told by the names in their arguments and before them.
_NAMED: Final = _PRESENCE | {
    "all", "where", "select", "first", "last", "tail", "single", "distinct", "isDistinct", "intersect", "exclude",
    "union", "combine", "iif", "as", "is", "ofType", "matches", "matchesFull", "contains", "startsWith", "endsWith",
    "length", "substring", "indexOf", "toString", "toInteger", "toDecimal", "replace", "upper", "lower", "memberOf",
    "subsetOf", "supersetOf",
    "extension", "allTrue", "anyTrue", "hasExtension", "trim", "split", "join", "convertsToInteger",
}  # fmt: skip
_THIS: Final = "$this"
_CONSTANTS: Final = frozenset({"ucum", "sct", "loinc"})
# What may be asked of the whole resource, since it is never left out.
_ALWAYS: Final = frozenset({"code", "coding", "component", "system", "url", "reference", "contained", "id"})


@dataclass(frozen=True, slots=True)
class Questions:
    """`deep`: names of elements whose values are asked about, at any depth. `local`: tests of an element that tell
    without them that an invariant holds, with the names that count where a test says no. `whole`: the element itself
    is asked about.
    """

    deep: frozenset[str] = frozenset()
    whole: bool = False
    local: tuple[tuple[Test, frozenset[str]], ...] = ()


def questions_of(expression: str, keeps: Test) -> Questions | None:
    """Return what an invariant asks of values; None where it may ask about any.

    `keeps`: tells of most elements that they keep it (`certainty.py`).
    """
    try:
        read = _read(expression)
    except FhirPathError:
        return None
    if read is None:
        return None
    names, is_local = read
    whole = _THIS in names
    if not names:
        return Questions()
    if keeps is not never and is_local and not whole:
        return Questions(local=((keeps, names),))
    return Questions(names - {_THIS}, whole)


@lru_cache(4096)
def _read(expression: str) -> tuple[frozenset[str], bool] | None:
    """Return the names of what is asked for its value, and whether all of them are of the element itself."""
    try:
        names = frozenset(_asked(parse(expression), value=True))
    except _AnythingError:
        return None
    plain = {name for name, _ in names}
    outside = {name for name, of_resource in names if of_resource}
    if not outside <= _ALWAYS:
        return None
    return frozenset(plain), not outside and "." not in expression.replace(".not()", "").replace(
        ".hasValue()", ""
    ).replace(".exists()", "").replace(".empty()", "")


def names_in(expression: Expression) -> frozenset[str] | None:
    """Return the names of what an expression asks the values of; None where it may ask about any."""
    try:
        return frozenset(name for name, _ in _asked(expression, value=True))
    except _AnythingError:
        return None


class _AnythingError(Exception):
    """An expression may ask about whatever there is."""


def _asked(node: Expression, value: bool) -> Iterator[tuple[str, bool]]:
    """Yield the names that an expression asks the values of, and whether it looks for them in the whole resource.

    `value`: whether the value of the expression itself is asked for, not only whether there is any.
    """
    match node:
        case Literal_() | Empty():
            return
        case This():
            if value:
                yield _THIS, False
        case Variable(name=name):
            if name not in _CONSTANTS and (value or name not in ("resource", "context", "rootResource")):
                raise _AnythingError
        case Member(of=of, name=name):
            if value:
                yield name, _is_outside(node)
            if of is not None:
                yield from _asked(of, value=False)
        case Call(of=of, name=name, arguments=arguments):
            if name not in _NAMED:
                raise _AnythingError
            inside = {found for each in arguments for found in _asked(each, value=True)}
            # Inside a function $this is each of what it is called on.
            of_each = of is not None and (_THIS, False) in inside
            yield from inside - {(_THIS, False)} if of_each else inside
            if of is not None:
                yield from _asked(of, value=of_each or (value and (name not in _PRESENCE or bool(arguments))))
        case Index(of=of, index=index):
            yield from _asked(of, value)
            yield from _asked(index, value=True)
        case Sign(of=of):
            yield from _asked(of, value)
        case Binary(left=left, right=right):
            yield from _asked(left, value=True)
            yield from _asked(right, value=True)
        case TypeTest(of=of):
            yield from _asked(of, value)


def _is_outside(node: Expression) -> bool:
    """Tell whether a path begins at the resource rather than at the element."""
    match node:
        case Variable():
            return True
        case Member(of=of) | Call(of=of) | Index(of=of) | Sign(of=of) | TypeTest(of=of):
            return of is not None and _is_outside(of)
        case _:
            return False
