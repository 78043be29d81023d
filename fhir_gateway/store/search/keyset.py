"""Statements in the order of keys: where resources stand, as (key, …, rid), built once for each shape and kept.

A set looks all keys up for each of its rids. A walk goes along one key's index, from the row where it begins on.

`backward` is the whole order turned round, what has no value first; which of a resource's values counts stays the same.

Source: FHIR R4, Search, "Sorting".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from fhir_gateway.store.index.condition import Condition, Keys, Scan, Value, condition
from fhir_gateway.store.search.criterion import Criterion, Shape, any_row, on_columns, on_rows
from fhir_gateway.store.search.order import Order, Place, Places, SortKey
from fhir_gateway.store.search.statement import (
    COMMITTED,
    KEPT,
    VERSION,
    Dialect,
    Types,
    on,
    probe_text,
    sources_of,
    spelled,
    tests_resource,
)

Missing = tuple[bool, ...]  # for each key whether a place has no value of it: part of a comparison's shape


@dataclass(frozen=True, slots=True)
class KeyedSet:
    """The shape of a statement that sorts a set. `after`: it begins after such a place."""

    dialect: Dialect
    driver: Shape
    tests: tuple[Shape, ...]
    order: Order
    backward: bool
    after: Missing | None
    committed: bool


@lru_cache(KEPT)
def set_keys_text(wanted: KeyedSet) -> str:
    """Return the statement of a shape. Its values: those of the keys, of the driver's scans, of the tests, of what is
    certain, of the comparison, and the limit.
    """
    of_columns = any(not key.indexed for key in wanted.order[:-1])
    needs_resource = of_columns or wanted.committed or tests_resource(wanted.tests)
    sources, _ = sources_of("set", wanted.driver, "one", needs_resource)
    tests = [probe_text(shape, "i.rid", "r", ranged=False) for shape in wanted.tests]
    if wanted.committed:
        tests.append(COMMITTED)
    keys = [f"{_looked_up(key)} AS k{place}" for place, key in enumerate(wanted.order[:-1])]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    names = [*(f"k{place}" for place in range(len(keys))), "rid"]
    bounds = []
    if wanted.after is not None:
        bounds.append(_compared(wanted.order, wanted.backward, wanted.after))
    bounded = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    # MATERIALIZED: else SQLite looks a key up once for each place it is named in.
    return spelled(
        f"WITH k AS MATERIALIZED (SELECT {', '.join([*keys, 'i.rid AS rid'])} FROM {sources}{where})"
        f" SELECT {', '.join(names)} FROM k{bounded} ORDER BY {_order_text(wanted.order, wanted.backward)} LIMIT ?",
        wanted.dialect,
    )


def key_values(order: Order) -> list[Value]:
    """Return the values of the keys that a set looks up."""
    return [Keys(sorted(key.pids)) if key.many else key.pids[0] for key in order if key.indexed]


def _looked_up(key: SortKey) -> str:
    """Return the value of a key for the rid of `i`: the one that comes first in its order."""
    if not key.indexed:
        return f"r.{key.column}"
    # Of texts no walk in order to find the least is possible either: || makes another value of it.
    least = f"m.{key.column}{{+''}}" if key.column in ("v", "s") else f"m.{key.column}{{+0}}"
    clauses = [
        "m.rid = i.rid",
        "m.pid {any}" if key.many else "m.pid = ?",
        *([on("m", key.own_rows)] if key.own_rows else []),
    ]
    return f"(SELECT {'max' if key.descends else 'min'}({least}) FROM {key.found_by_rid} WHERE {' AND '.join(clauses)})"


def _order_text(order: Order, backward: bool) -> str:
    parts = []
    for place, key in enumerate(order[:-1]):
        if key.indexed:
            parts.append(f"k{place} IS NULL{' DESC' if backward else ''}")
        parts.append(f"k{place}{' DESC' if key.descends != backward else ''}")
    return ", ".join([*parts, f"rid{' DESC' if order[-1].descends != backward else ''}"])


def _compared(order: Order, backward: bool, missing: Missing) -> str:
    """Return the test that a row of `k` comes after a place. Its values: `compared_values`."""
    alternatives = []
    equal: list[str] = []
    for place, (key, none) in enumerate(zip(order, missing, strict=True)):
        name = "rid" if place == len(order) - 1 else f"k{place}"
        beyond = _beyond(name, key, backward, none)
        if beyond is not None:
            alternatives.append(f"({' AND '.join([*equal, beyond])})")
        equal.append(f"{name} IS NULL" if none else f"{name} = ?")
    return f"({' OR '.join(alternatives)})"


def _beyond(name: str, key: SortKey, backward: bool, none: bool) -> str | None:
    """Return the test that a key comes after a value, or after none; None where nothing does."""
    if none:
        return f"{name} IS NOT NULL" if backward else None
    sign = "<" if key.descends != backward else ">"
    compared = f"{name} {sign} ?"
    return f"({compared} OR {name} IS NULL)" if key.indexed and not backward else compared


def compared_values(backward: bool, places: Places) -> list[Any]:
    """Return the values of a comparison with a place in the order, or (backward) in the order turned round."""
    values: list[Any] = []
    for index, place in enumerate(places):
        if place is not None:
            values += [each for each in places[:index] if each is not None] + [place]
        elif backward:
            values += [each for each in places[:index] if each is not None]
    return values


def missing_of(places: Places) -> Missing:
    return tuple(place is None for place in places)


# --- walks


@dataclass(frozen=True, slots=True)
class KeyedWalk:
    """The shape of a walk in the order of one key, and of rid where that is the same, turned round when `backward`.

    `after`: it begins after a row ("key": value and rid), or after all rows of a value. `until`: it ends at a row.
    """

    dialect: Dialect
    tests: tuple[Shape, ...]
    types: Types
    key: SortKey
    backward: bool
    after: Literal["", "key", "value"]
    until: bool
    committed: bool


@lru_cache(KEPT)
def walk_keys_text(walk: KeyedWalk) -> str:
    """Return the statement of a shape. Its values: of the type or the parameter, of the tests, of what is certain, of
    the row or value it begins after, of the row it ends at, and the limit.
    """
    alias, source, clauses = _walked(walk)
    if walk.key.indexed:
        clauses += _of_rows(walk)
    else:
        by_update = walk.key.column == "last_updated"
        clauses += [probe_text(shape, "r.rid", "r", ranged=by_update) for shape in walk.tests]
        clauses += [COMMITTED] if walk.committed else []
    clauses += _bounds(walk, alias)
    return spelled(f"{source} WHERE {' AND '.join(clauses)} ORDER BY {_row_order(walk, alias)} LIMIT ?", walk.dialect)


@lru_cache(KEPT)
def reach_text(walk: KeyedWalk) -> str:
    """Return the statement of the row that so many rows on from where a walk begins, whatever the tests say.

    Its values: of the type or the parameter, of where it begins, and the number of rows.
    """
    alias, source, clauses = _walked(walk)
    clauses += _bounds(walk, alias)
    ordered = f"ORDER BY {_row_order(walk, alias)} LIMIT 1 OFFSET ?"
    return spelled(f"{source} WHERE {' AND '.join(clauses)} {ordered}", walk.dialect)


def _walked(walk: KeyedWalk) -> tuple[str, str, list[str]]:
    """Return the alias of what is walked, the beginning of the statement, and the clauses that belong to it."""
    key = walk.key
    if not key.indexed:
        # By instant no index of the living alone may be taken: there is none in that order.
        living = "r.deleted{+0} = 0" if key.column == "last_updated" else "r.deleted = 0"
        clauses = [*(["r.rtype = ?"] if walk.types == "one" else []), living]
        return "r", f"SELECT r.{key.column}, r.rid FROM resource r", clauses
    clauses = ["i.pid = ?", *([on("i", key.rows)] if key.rows else [])]
    return "i", f"SELECT i.{key.column}, i.rid FROM {key.table} i", clauses


def _of_rows(walk: KeyedWalk) -> list[str]:
    """Return the tests of the resource that a row belongs to: that this is its first row, and all others."""
    tests = [on("i", first_row_text(walk.key))]
    whole: list[str] = []
    for shape in walk.tests:
        text = probe_text(shape, "i.rid", "r", ranged=False)
        if tests_resource((shape,)):
            whole.append(text)
        elif shape.table == "i_access":
            tests.insert(0, text)  # before all others: what it hides may be most of what is walked past
        else:
            tests.append(text)
    if walk.committed:
        whole.append(COMMITTED)
    # In the order of the values: those of the resource's columns are asked last (see `walk_values`).
    if whole:
        tests.append(f"{{some}}SELECT 1 FROM resource r WHERE r.rid = i.rid AND {' AND '.join(whole)}{{/some}}")
    return tests


def first_row_text(key: SortKey) -> str:
    """Return the condition of a row, over its columns in braces, that no other row of its resource comes before it."""
    sign = ">" if key.descends else "<"
    of_values = f" AND {on('m', key.own_rows)}" if key.own_rows else ""
    column, decider = key.column, key.decider
    earlier = (
        f"({{+}}m.{column} {sign} {{{column}}} OR (m.{column} = {{{column}}} AND {{+}}m.{decider} < {{{decider}}}))"
    )
    own = f"m.rid = {{rid}} AND m.pid = {{pid}}{of_values}"
    return f"{{no}}SELECT 1 FROM {key.found_by_rid} WHERE {own} AND {earlier}{{/no}}"


def walk_values(criteria: Sequence[Criterion], key: SortKey) -> list[Value]:
    """Return the values of a walk's tests, in the order in which the statement has them."""

    def place(criterion: Criterion) -> int:
        return 0 if criterion.shape.table == "i_access" else 2 if tests_resource((criterion.shape,)) else 1

    parts = sorted(criteria, key=place) if key.indexed else criteria
    return [value for each in parts for value in each.test_values]


def _bounds(walk: KeyedWalk, alias: str) -> list[str]:
    value, row = f"{alias}.{walk.key.column}", f"({alias}.{walk.key.column}, {alias}.rid)"
    descends = walk.key.descends != walk.backward
    bounds = []
    if walk.after:
        after = f"{row} {{}} (?, ?)" if walk.after == "key" else f"{value} {{}} ?"
        bounds.append(after.format("<" if descends else ">"))
    if walk.until:
        bounds.append(f"{row} {'>=' if descends else '<='} (?, ?)")
    return bounds


def _row_order(walk: KeyedWalk, alias: str) -> str:
    direction = " DESC" if walk.key.descends != walk.backward else ""
    return f"{alias}.{walk.key.column}{direction}, {alias}.rid{direction}"


# --- runs: resources with the same value of a key


def having(key: SortKey, place: Place, rtypes: Sequence[int]) -> Criterion:
    """Return the criterion that a resource stands at a value of a key, or (None) has none.

    rtypes: numbers of the types searched, empty for all.
    """
    name = f"_sort:{key.column}"
    if not key.indexed:
        return on_columns(name, [_of_column(key.column, place, rtypes)])
    if place is None:
        return _without(key, name)
    # The scan is the test: rows of the value that are the first of their resource, in the order of rid.
    where = f"{_at(key)} AND {first_row_text(key)}"
    run = Condition(where, (place,), (Scan(where, (place,)),), ordered=not key.many)
    return on_rows(name, key.table, key.pids, [run])  # type: ignore[arg-type]


def rows_at(key: SortKey, place: Place) -> Criterion:
    """Return the criterion whose rows are those at a value of a key, to be counted: first of their resource or not."""
    run = condition(_at(key), place)  # type: ignore[arg-type]
    return on_rows(f"_sort:{key.column}", key.table, key.pids, [run])  # type: ignore[arg-type]


def _at(key: SortKey) -> str:
    return f"{{{key.column}}} = ?{f' AND {key.rows}' if key.rows else ''}"


def _of_column(column: str, place: Place, rtypes: Sequence[int]) -> Condition:
    assert place is not None
    where = f"{{{column}}} = ?"
    if not rtypes:
        return condition(where, place)
    of_types: tuple[str, Value] = ("= ?", rtypes[0]) if len(rtypes) == 1 else ("{any}", Keys(sorted(rtypes)))
    return Condition(where, (place,), (Scan(f"{{rtype}} {of_types[0]} AND {where}", (of_types[1], place)),))


def _without(key: SortKey, name: str) -> Criterion:
    if not key.rows:
        return any_row(name, key.table, key.pids, missing=True)  # type: ignore[arg-type]
    return on_rows(name, key.table, key.pids, [Condition(key.own_rows, (), (Scan(key.rows, ()),))], negated=True)  # type: ignore[arg-type]


@lru_cache(8)
def versions_text(dialect: Dialect) -> str:
    """Return the statement of the versions of given rids, in no order."""
    return spelled(f"SELECT {VERSION} FROM resource r WHERE r.rid {{any}}", dialect)
