"""SELECT statements, built once for each shape of search and kept.

A statement is one of three plans:
  stream  walk the rows of one criterion, which come in the order of rid, and test each for the others
  set     gather the rids of one criterion, then test and sort them
  walk    walk the resources of a type in the order asked for, and test each
A test is a probe of a key that ends in rid, so it costs the same however many rows the table has.

Neither engine is left a choice that depends on statistics, which SQLite does not keep and PostgreSQL has not yet when
rows are new. SQLite: CROSS JOIN fixes the loops, a unary + before a column keeps a range from being taken for a better
key than the resource's own. PostgreSQL: a probe is a scalar subquery with LIMIT 1, which is never turned into a join;
+ 0 keeps rows from being fetched by `last_updated` and sorted where rids are walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.search.criterion import Shape

Dialect = Literal["sqlite", "postgresql"]
Plan = Literal["stream", "set", "walk"]
Order = tuple[tuple[str, bool], ...]  # columns of `resource` with whether they descend; the last is always rid

_KEPT = 8192  # statements

_COLUMN = re.compile(r"\{([a-z0-9_]+)\}")
_RANGED = frozenset({"lo", "hi", "v"})
_SPELLED: dict[Dialect, dict[str, str]] = {
    "sqlite": {
        "{any}": "IN (SELECT value FROM json_each(?))",
        "{contains}": "instr",
        "{+}": "+",
        "{+0}": "",
        "{text}": "",
        "{some}": "EXISTS (",
        "{/some}": ")",
        "{none}": "NOT EXISTS (",
        "{/none}": ")",
    },
    "postgresql": {
        "{any}": "= ANY(?::bigint[])",
        "{contains}": "strpos",
        "{+}": "",
        "{+0}": " + 0",
        "{text}": ' COLLATE "C"',
        "{some}": "(",
        "{/some}": " LIMIT 1) IS NOT NULL",
        "{none}": "(",
        "{/none}": " LIMIT 1) IS NULL",
    },
}
_MARKERS = frozenset({"any", "contains", "text", "some", "none"})
_COLUMNS = {"versions": "r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body", "keys": "r.rtype, r.fhir_id"}
_JOIN: dict[Dialect, str] = {"sqlite": "CROSS JOIN", "postgresql": "JOIN"}

# What a search by `_lastUpdated` shows; see `Read.certain` and `Position.before`, which give the values.
COMMITTED = "(r.last_updated < ? OR r.last_updated = ?)"


@dataclass(frozen=True, slots=True)
class Select:
    """The shape of a statement; see `text_of` for the order of its values."""

    dialect: Dialect
    plan: Plan
    driver: Shape | None
    tests: tuple[Shape, ...]
    types: Literal["one", "many", "all"]
    order: Order
    after: bool  # begins after a key, in the order
    until: bool  # ends at a key, included, in the order
    committed: bool
    of: Literal["versions", "keys", "count"]


@lru_cache(_KEPT)
def text_of(select: Select) -> str:
    """Return the statement of a shape. Its values: of the driver's scans or of the types, of the tests, of what is
    certain, of the key it begins after, of the key it ends at, and the limit (but for a count).
    """
    walking = select.plan == "walk"
    rid = "r.rid" if walking else "i.rid"
    by_update = select.plan == "walk" and select.order[0][0] == "last_updated"
    tests = [probe_text(shape, rid, "r", ranged=by_update) for shape in select.tests]
    if select.committed:
        tests.append(COMMITTED)
    if select.after:
        tests.append(_compared(select.order, rid, inclusive=False))
    if select.until:
        tests.append(_compared(_reversed(select.order), rid, inclusive=True))
    sources, first = _sources(select)
    where = " AND ".join([*first, *tests])
    chosen = f"FROM {sources}{' WHERE ' if where else ''}{where}"
    if select.of == "count":
        return spelled(f"SELECT count(*) {chosen}", select.dialect)
    ordered = f" ORDER BY {_order_text(select.order, rid)}"
    columns = _COLUMNS[select.of]
    if not _sorts(select):
        return spelled(f"SELECT {columns} {chosen}{ordered} LIMIT ?", select.dialect)
    # What is sorted are keys; bodies are read for the page alone.
    again = _order_text(select.order, "r.rid")
    keys = f"(SELECT {rid} AS rid {chosen}{ordered} LIMIT ?) k"
    text = f"SELECT {columns} FROM {keys} {_JOIN[select.dialect]} resource r ON r.rid = k.rid ORDER BY {again}"
    return spelled(text, select.dialect)


def _sorts(select: Select) -> bool:
    return select.plan == "set" or len(select.order) > 1


def _sources(select: Select) -> tuple[str, list[str]]:
    """Return what a statement reads from, and the clauses that belong to it."""
    if select.plan == "walk":
        clauses = {"one": ["r.rtype = ?"], "many": ["r.rtype {any}"], "all": []}[select.types]
        return "resource r", [*clauses, "r.deleted = 0"]
    assert select.driver is not None
    if select.plan == "stream":
        source, clauses = f"{select.driver.table} i", [_of_parameter(select.driver, "i", select.driver.scans[0])]
    else:
        source, clauses = f"({set_text(select.driver)}) i", []
    needs_resource = (
        select.of != "count" or select.committed or any(shape.table == "resource" for shape in select.tests)
    )
    if needs_resource:
        source += f" {_JOIN[select.dialect]} resource r ON r.rid = i.rid"
    return source, clauses


@lru_cache(_KEPT)
def counts_text(shapes: tuple[Shape, ...], limit: int, dialect: Dialect) -> str:
    """Return the statement that counts, in one row, the rows of each criterion's scans, each up to `limit`.

    A row may count twice, and deleted resources count: it is how much there is to look at. Its values: those of the
    scans, in order.
    """
    rows = (_scans_text(shape, " UNION ALL ", deleted=True) for shape in shapes)
    counts = (f"(SELECT count(*) FROM ({each} LIMIT {limit}) c)" for each in rows)
    return spelled(f"SELECT {', '.join(counts)}", dialect)


@lru_cache(_KEPT)
def set_text(shape: Shape) -> str:
    """Return the SELECT of the rids, each once, that a criterion leads to. Its values: those of the scans."""
    if len(shape.scans) == 1:
        return _scans_text(shape, "", distinct="" if shape.ordered or shape.table == "resource" else "DISTINCT ")
    return _scans_text(shape, " UNION ")


def _scans_text(shape: Shape, union: str, distinct: str = "", deleted: bool = False) -> str:
    return union.join(
        f"SELECT {distinct}i.rid FROM {shape.table} i WHERE {_of_parameter(shape, 'i', scan, deleted)}"
        for scan in shape.scans
    )


def _of_parameter(shape: Shape, alias: str, where: str, deleted: bool = False) -> str:
    """Return the clause of one scan. Only `resource` itself has rows of what is deleted."""
    live = [] if deleted else [f"{alias}.deleted = 0"]
    clauses = {"one": [f"{alias}.pid = ?"], "many": [f"{alias}.pid {{any}}"], "none": live}
    return " AND ".join([*clauses[shape.pids], *([_on(alias, where)] if where else [])])


@lru_cache(_KEPT)
def probe_text(shape: Shape, rid: str, resource: str, ranged: bool) -> str:
    """Return the test that the resource `rid`, whose columns are those of `resource`, meets a criterion.

    `ranged`: it may serve as a range of the key that is walked. Its values: `test_values`.
    """
    if shape.table == "resource":
        wheres = [_on(resource, where, unranged=not ranged) for where in shape.wheres]
        return f"{'NOT ' if shape.negated else ''}({' OR '.join(wheres)})"
    clauses = [f"p.rid = {rid}", {"one": "p.pid = ?", "many": "p.pid {any}", "none": ""}[shape.pids]]
    if shape.wheres:
        clauses.append(f"({' OR '.join(_on('p', where, unranged=True) for where in shape.wheres)})")
    probe = f"SELECT 1 FROM {shape.table} p WHERE {' AND '.join(clauses)}"
    return f"{{none}}{probe}{{/none}}" if shape.negated else f"{{some}}{probe}{{/some}}"


def _on(alias: str, where: str, unranged: bool = False) -> str:
    """Return a condition's text over the columns of an alias; what depends on the dialect stays in braces."""

    def column(match: re.Match[str]) -> str:
        name = match[1]
        if name in _MARKERS:
            return match[0]
        if unranged and name == "last_updated":
            return f"({{+}}{alias}.{name}{{+0}})"
        return f"{{+}}{alias}.{name}" if unranged and name in _RANGED else f"{alias}.{name}"

    return _COLUMN.sub(column, where)


def spelled(text: str, dialect: Dialect) -> str:
    """Return a text as the dialect writes it."""
    for marker, spelling in _SPELLED[dialect].items():
        text = text.replace(marker, spelling)
    return text


def bound(values: Iterable[Value], dialect: Dialect) -> list[Any]:
    """Return values as the dialect's driver takes them."""
    if dialect == "postgresql":
        return [list(value) if isinstance(value, Keys) else value for value in values]
    return [f"[{','.join(map(str, value))}]" if isinstance(value, Keys) else value for value in values]


# --- order and keyset


def _column(name: str, rid: str) -> str:
    if name == "rid":
        return rid
    return "r.fhir_id{text}" if name == "fhir_id" else f"r.{name}"


def _order_text(order: Order, rid: str) -> str:
    return ", ".join(f"{_column(name, rid)}{' DESC' if descends else ''}" for name, descends in order)


def _reversed(order: Order) -> Order:
    return tuple((name, not descends) for name, descends in order)


def _compared(order: Order, rid: str, inclusive: bool) -> str:
    """Return the test that a row comes after a key, or (inclusive) not before it. Its values: see `key_values`."""
    names = [_column(name, rid) for name, _ in order]
    if len({descends for _, descends in order}) == 1:
        sign = "<" if order[0][1] else ">"
        if len(names) == 1:
            return f"{names[0]} {sign}{'=' if inclusive else ''} ?"
        return f"({', '.join(names)}) {sign}{'=' if inclusive else ''} ({', '.join('?' * len(names))})"
    alternatives = []
    for place, (_, descends) in enumerate(order):
        equal = "".join(f"{name} = ? AND " for name in names[:place])
        last = "=" if inclusive and place == len(order) - 1 else ""
        alternatives.append(f"({equal}{names[place]} {'<' if descends else '>'}{last} ?)")
    return f"({' OR '.join(alternatives)})"


def key_values(order: Order, key: Sequence[Any]) -> list[Any]:
    """Return the values of the comparison with a key in this order."""
    if len({descends for _, descends in order}) == 1:
        return list(key)
    return [value for place in range(len(order)) for value in (*key[:place], key[place])]
