"""A condition of a search, split into the shape its SQL is made from and the values that fill it.

Two searches that differ in values alone share every shape, and so every statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from fhir_gateway.store.contract import IndexTable
from fhir_gateway.store.index.condition import Condition, Keys, Value

Table = IndexTable | Literal["resource", "set"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the SQL of a criterion is made from.

    `pids`: whether rows are of one parameter, of one of many, of none (columns of `resource`), or of one party
    or several (i_access). A row passes when one of `wheres` holds, or any row where there are none. `scans`: ranges of
    the key that hold those rows; none when no key leads to them. `negated`: the resource has no such row. `ordered`:
    the only scan gives rows in rid order. `arms`: so many ranges of i_access, each in rid order, give them when they
    are merged. `narrowed`: the texts say also what may be seen on the way.

    Of table "set" it is given whole: the one scan is a SELECT of rids, the one `where` a test of columns of `resource`.
    `implies`: what passes is a current resource of the types searched, which a set need not say.

    `inner`: what must lead to few rows itself before this can be said to: the scans gather all of those first. `parts`:
    those whose rows its own are, all together, where it is made of such. `distinct`: the only scan gives each rid once.
    """

    table: Table
    pids: Literal["one", "many", "none", "party", "one party"]
    wheres: tuple[str, ...]
    scans: tuple[str, ...]
    negated: bool
    ordered: bool
    inner: tuple[Shape, ...] = ()
    implies: bool = False
    parts: tuple[Shape, ...] = ()
    arms: int = 0
    narrowed: bool = False
    distinct: bool = False

    @property
    def streams(self) -> bool:
        """Whether its rows can be had in the order of rid without gathering them first."""
        return self.ordered or self.arms > 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the conditions that all must hold.

    `test_values` fill the test of a given resource, `scan_values` the scans, in the order of their texts;
    `inner_values` what counts `shape.inner`. `few`: about how many matches there are, where that is known without
    asking. `of`: gives the same condition on rows of other parameters, where it is one on rows. `arms`: party and type
    of each of `shape.arms`.
    """

    name: str  # as asked: "identifier", "subject:Patient.name"
    shape: Shape
    test_values: tuple[Value, ...]
    scan_values: tuple[Value, ...]
    few: int | None = None
    inner_values: tuple[Value, ...] = ()
    of: Callable[[Sequence[int]], Criterion] | None = field(default=None, compare=False, repr=False)
    arms: tuple[tuple[int, int], ...] = ()

    @property
    def count_values(self) -> tuple[Value, ...]:
        """The values of what counts its rows (`statement.counts_text`)."""
        return (*self.inner_values, *self.scan_values) if not self.arms else tuple(chain.from_iterable(self.arms))

    @property
    def drives(self) -> bool:
        """Whether its matches can be found from it alone, without looking at each resource."""
        return bool(self.shape.scans) and not self.shape.negated


def on_rows(
    name: str,
    table: IndexTable,
    pids: Sequence[int],
    conditions: Sequence[Condition],
    negated: bool = False,
    inner: Sequence[Criterion] = (),
) -> Criterion:
    """Return the criterion that a resource has a row of these parameters for which one of the conditions holds.

    inner: criteria all of whose rows the conditions' scans gather first. Nothing leads to the rows where a condition
    has no scan.
    """
    one = len(pids) == 1
    which: tuple[Value, ...] = (pids[0],) if one else (Keys(sorted(pids)),)
    leading = all(condition.scans for condition in conditions)
    scans = [scan for condition in conditions for scan in condition.scans] if leading else []
    shape = Shape(
        table,
        "one" if one else "many",
        tuple(condition.where for condition in conditions),
        tuple(scan.where for scan in scans),
        negated,
        one and len(conditions) == 1 and conditions[0].ordered,
        tuple(each.shape for each in inner) if leading else (),
    )
    return Criterion(
        name,
        shape,
        (*which, *_values(condition.values for condition in conditions)),
        _values((*which, *scan.values) for scan in scans),
        inner_values=_values(each.count_values for each in inner) if leading else (),
        of=lambda others: on_rows(name, table, others, conditions, negated, inner),
    )


def any_row(name: str, table: IndexTable, pids: Sequence[int], missing: bool) -> Criterion:
    """Return the criterion that a resource has some row of these parameters, or (missing) has none."""
    one = len(pids) == 1
    which: tuple[Value, ...] = (pids[0],) if one else (Keys(sorted(pids)),)
    # No key of i_ref begins with the parameter.
    scans = () if table == "i_ref" else ("",)
    shape = Shape(table, "one" if one else "many", (), scans, missing, False)
    return Criterion(
        name, shape, which, which if scans else (), of=lambda others: any_row(name, table, others, missing)
    )


def on_columns(name: str, conditions: Sequence[Condition], negated: bool = False, few: int | None = None) -> Criterion:
    """Return the criterion that one of the conditions holds for the resource's own columns."""
    scans = [scan for condition in conditions for scan in condition.scans]
    wheres = tuple(condition.where for condition in conditions)
    shape = Shape("resource", "none", wheres, tuple(scan.where for scan in scans), negated, False)
    test_values = _values(condition.values for condition in conditions)
    return Criterion(name, shape, test_values, _values(scan.values for scan in scans), few)


def on_set(
    name: str,
    set_text: str,
    set_values: Sequence[Value],
    test_text: str,
    test_values: Sequence[Value],
    few: int | None = None,
    negated: bool = False,
    inner: Sequence[Criterion] = (),
) -> Criterion:
    """Return the criterion that a resource is in a set, both its statement and its test given whole.

    set_text: a SELECT of one column named rid, of current resources of the types searched, each perhaps several
    times; "" when nothing leads to them. test_text: an expression over `{rid}`, `{rk}` and `{rtype}` of the resource
    that is tested, which is of the types searched. Both may hold the markers of `statement.spelled` (`{any}`,
    `{some}`…`{/some}`), and a `?` for each value. inner: criteria all of whose rows the set gathers first; where these
    are many, so is the set.
    """
    scans = (set_text,) if set_text else ()
    shape = Shape("set", "none", (test_text,), scans, negated, False, tuple(each.shape for each in inner))
    values = tuple(set_values) if scans else ()
    return Criterion(name, shape, tuple(test_values), values, few, _values(each.count_values for each in inner))


def _values(parts: Iterable[Iterable[Value]]) -> tuple[Value, ...]:
    return tuple(chain.from_iterable(parts))
