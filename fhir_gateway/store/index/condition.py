"""What one value of a search parameter asks of the rows of an index table.

A condition is split into text and values: the text is one of few constants, so that a statement made of such texts is
built once for its shape and found again for every other value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.contract import IndexTable
from fhir_gateway.store.index import complaints


class Keys(tuple[int, ...]):
    """Many 64-bit numbers for one placeholder: `{any}` in a text is "is one of these"."""

    __slots__ = ()


class Listed(Keys):
    """The same written one by one where SQLite's parser could go no deeper: `{among 3}` is "is one of these three"."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Written:
    """One value that each engine wants written in a way of its own."""

    sqlite: str
    postgresql: str


T = TypeVar("T")
R = TypeVar("R")
Value = int | float | str | Keys | Written
Modifier = str | None  # without its colon: "exact", "not", "Patient"


@dataclass(frozen=True, slots=True)
class Scan:
    """One range of an index's key. `where`: SQL over columns in braces, `?` for each of `values`."""

    where: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of index rows of one parameter, beyond that they are of this parameter.

    `where` tests a row. `scans` are ranges of the key that together hold exactly the rows that pass, a row perhaps
    twice. `ordered`: the one scan fixes the whole key but for the rid, so that rows come in the order of rid.
    """

    where: str
    values: tuple[Value, ...]
    scans: tuple[Scan, ...]
    ordered: bool = False


def condition(where: str, *values: Value, ordered: bool = False) -> Condition:
    """Return a condition whose text is a range of the key by itself."""
    return Condition(where, values, (Scan(where, values),), ordered)


def of_keys(column: Literal["{h}", "{trk}"], keys: Sequence[int]) -> Condition:
    """Return the condition that a hashed column is one of `keys`: OR is one look-up list, never a chain of ORs."""
    if len(keys) == 1:
        return condition(f"{column} = ?", keys[0], ordered=True)
    return condition(f"{column} {{any}}", Keys(sorted(set(keys))))


@dataclass(frozen=True, slots=True)
class Asked:
    """The values of one parameter as a query has them: `values` are alternatives, still escaped.

    `name`: the parameter with its modifier, for complaints. `now`: µs, what "approximately" is measured from.
    """

    name: str
    values: tuple[str, ...]
    modifier: Modifier = None
    types: tuple[str, ...] = ()  # resource types a reference given by id alone may mean
    base: str | None = None
    now: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The conditions that the values of one parameter come to; a row passes when any of them holds."""

    table: IndexTable
    conditions: tuple[Condition, ...]


def refuse_modifier(asked: Asked, type: str, *allowed: str) -> None:
    """Refuse a modifier that is not one of `allowed`.

    "Servers SHALL reject any search request that contains a search parameter suffixed with a modifier that the server
    does not support for that parameter" (FHIR R4, Search, "Modifiers").
    """
    if asked.modifier is not None and asked.modifier not in allowed:
        known = ", ".join(f":{modifier}" for modifier in (*allowed, "missing"))
        raise InvalidRequest(complaints.MODIFIER_UNSUPPORTED.at(name=asked.name, type=type, allowed=known))


def for_each(values: Iterable[T], ask: Callable[[T], R]) -> list[R]:
    """Return what `ask` says of each value, or refuse with the issues of all bad values together."""
    answers: list[R] = []
    issues: list[Issue] = []
    for value in values:
        try:
            answers.append(ask(value))
        except InvalidRequest as refusal:
            issues.extend(refusal.issues)
    if issues:
        raise InvalidRequest(*issues)
    return answers
