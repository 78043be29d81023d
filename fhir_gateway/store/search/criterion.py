"""A condition of a search, split into the shape its SQL is made from and the values that fill it.

Two searches that differ in values alone share every shape, and so every statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from fhir_gateway.store.contract import IndexTable
from fhir_gateway.store.index.condition import Condition, Keys, Value

Table = IndexTable | Literal["resource"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the SQL of a criterion is made from.

    `pids`: whether rows are of one parameter, of one of many, or of none (columns of `resource`). A row passes when
    one of `wheres` holds, or any row where there are none. `scans`: ranges of the key that hold those rows; none when
    no key leads to them. `negated`: the resource has no such row. `ordered`: the only scan gives rows in rid order.
    """

    table: Table
    pids: Literal["one", "many", "none"]
    wheres: tuple[str, ...]
    scans: tuple[str, ...]
    negated: bool
    ordered: bool


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the conditions that all must hold.

    `test_values` fill the test of a given resource, `scan_values` the scans, in the order of their texts. `few`: about
    how many matches there are, where that is known without asking.
    """

    name: str  # as asked: "identifier", "subject:Patient.name"
    shape: Shape
    test_values: tuple[Value, ...]
    scan_values: tuple[Value, ...]
    few: int | None = None

    @property
    def drives(self) -> bool:
        """Whether its matches can be found from it alone, without looking at each resource."""
        return bool(self.shape.scans) and not self.shape.negated


def on_rows(
    name: str, table: IndexTable, pids: Sequence[int], conditions: Sequence[Condition], negated: bool = False
) -> Criterion:
    """Return the criterion that a resource has a row of these parameters for which one of the conditions holds."""
    one = len(pids) == 1
    which: tuple[Value, ...] = (pids[0],) if one else (Keys(sorted(pids)),)
    scans = [scan for condition in conditions for scan in condition.scans]
    shape = Shape(
        table,
        "one" if one else "many",
        tuple(condition.where for condition in conditions),
        tuple(scan.where for scan in scans),
        negated,
        one and len(conditions) == 1 and conditions[0].ordered,
    )
    return Criterion(
        name,
        shape,
        (*which, *_values(condition.values for condition in conditions)),
        _values((*which, *scan.values) for scan in scans),
    )


def any_row(name: str, table: IndexTable, pids: Sequence[int], missing: bool) -> Criterion:
    """Return the criterion that a resource has some row of these parameters, or (missing) has none."""
    one = len(pids) == 1
    which: tuple[Value, ...] = (pids[0],) if one else (Keys(sorted(pids)),)
    # No key of i_ref begins with the parameter.
    scans = () if table == "i_ref" else ("",)
    shape = Shape(table, "one" if one else "many", (), scans, missing, False)
    return Criterion(name, shape, which, which if scans else ())


def on_columns(name: str, conditions: Sequence[Condition], negated: bool = False, few: int | None = None) -> Criterion:
    """Return the criterion that one of the conditions holds for the resource's own columns."""
    scans = [scan for condition in conditions for scan in condition.scans]
    wheres = tuple(condition.where for condition in conditions)
    shape = Shape("resource", "none", wheres, tuple(scan.where for scan in scans), negated, False)
    test_values = _values(condition.values for condition in conditions)
    return Criterion(name, shape, test_values, _values(scan.values for scan in scans), few)


def _values(parts: Iterable[Iterable[Value]]) -> tuple[Value, ...]:
    return tuple(chain.from_iterable(parts))
