"""The order of a search's matches: keys that each resource has, or has not, a value for.

The last key is always `rid`, which no two resources share and which never changes. A resource with several values of a
parameter counts with the one that comes first in the order asked for; one without any comes last, whichever that order.

Source: FHIR R4, Search, "Sorting": "the sort is based on the item in the set of multiple parameters that comes earliest
in the specified sort order".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cmp_to_key
from typing import Any, Literal

from fhir_gateway.store.contract import IndexTable

Place = int | float | str | None  # the value of a key; None: the resource has none
Places = tuple[Place, ...]  # one for each key of an order: where a resource stands in it


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key: a column of `resource`, or the rows of one parameter in an index table.

    `many`: rows of one parameter for each of several types. `pids`: the numbers of those parameters, in the order of
    the types searched; they are values, and keys that differ in them alone share their statements.
    """

    column: str
    descends: bool
    table: IndexTable | Literal["resource"] = "resource"
    many: bool = False
    pids: tuple[int, ...] = field(default=(), compare=False)

    @property
    def indexed(self) -> bool:
        """Whether its values are rows of an index table, so that there may be several, or none."""
        return self.table != "resource"

    @property
    def rows(self) -> str:
        """The condition, over columns in braces, of the rows that hold its values; "" for all of the parameter's."""
        return _ROWS[self.table][1]

    @property
    def own_rows(self) -> str:
        """The same condition where rows are found by their rid: written so that no other index is taken for it."""
        return _ROWS[self.table][3]

    @property
    def found_by_rid(self) -> str:
        """The table with the index that leads to a resource's own rows, which SQLite does not always choose."""
        return f"{self.table} m{{by}}{self.table}_rid{{/by}}"

    @property
    def decider(self) -> str:
        """The column that decides between two rows of a resource with the same value."""
        return _ROWS[self.table][2]

    def of(self, place: int) -> SortKey:
        """Return the same key for one of the types searched."""
        return replace(self, many=False, pids=self.pids[place : place + 1])


Order = tuple[SortKey, ...]

# By table: the column of the value, the rows that have one, what else tells rows of one value apart, the rows again.
_ROWS: dict[str, tuple[str, str, str, str]] = {
    "resource": ("", "", "", ""),
    "i_date": ("lo", "", "hi", ""),
    "i_num": ("lo", "", "hi", ""),
    # The rows for any unit: one a value.
    "i_qty": ("lo", "{u} = 0", "hi", "{+}{u}{+0} = 0"),
    # Not the pieces of long texts, which begin with U+001F.
    "i_str": ("v", "{v} >= ' '", "x", "{+}{v}{+''} >= ' '"),
    "i_token": ("s", "{s} IS NOT NULL", "h", "{+}{s}{+''} IS NOT NULL"),
    "i_ref": ("s", "{s} IS NOT NULL", "trk", "{+}{s}{+''} IS NOT NULL"),
}
_TABLES: dict[str, IndexTable] = {
    "token": "i_token",
    "reference": "i_ref",
    "date": "i_date",
    "number": "i_num",
    "quantity": "i_qty",
    "string": "i_str",
    "uri": "i_str",
}
SORTED_TYPES = frozenset(_TABLES)  # types of search parameters that resources can be ordered by

# The newest first. What is created during a walk comes before its first page, so that no later page can shift.
BY_RID: Order = (SortKey("rid", descends=True),)


def by_rows(type: str, pids: tuple[int, ...], descends: bool) -> SortKey:
    """Return the key of a search parameter of a type of SORTED_TYPES, of one number for each resource type."""
    table = _TABLES[type]
    return SortKey(_ROWS[table][0], descends, table, len(pids) > 1, pids)


def by_column(column: Literal["rid", "fhir_id", "last_updated"], descends: bool) -> SortKey:
    return SortKey(column, descends)


def arranged(places: Sequence[Places], order: Order, backward: bool = False) -> list[Places]:
    """Return where resources stand, sorted as the order says, or the other way round."""
    return sorted(places, key=cmp_to_key(_comparison(order, backward)))


def before(one: Places, other: Places, order: Order) -> bool:
    """Tell whether `one` comes before `other`."""
    return _comparison(order, False)(one, other) < 0


def _comparison(order: Order, backward: bool) -> Callable[[Places, Places], int]:
    def compare(one: Places, other: Places) -> int:
        for key, a, b in zip(order, one, other, strict=True):
            if a == b:
                continue
            if a is None or b is None:
                later = a is None
            else:
                later = _greater(a, b) != key.descends
            return 1 if later != backward else -1
        return 0

    return compare


def _greater(a: Any, b: Any) -> bool:
    return bool(a > b)
