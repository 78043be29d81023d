"""SELECT statements, built once for each shape of search and kept.

A statement is one of three plans:
  stream  walk the rows of one criterion, which come in the order of rid, and test each for the others
  set     gather the rids of one criterion, then test and sort them
  walk    walk the resources of a type in the order asked for, and test each
A test is a probe of a key that ends in rid, so it costs the same however many rows the table has.

In the order of a search parameter a walk goes along the rows of its index, where a resource with several values stands
in several places: only its first row in that order counts. A set looks its keys up for each rid.

Neither engine is left a choice that depends on statistics, which SQLite does not keep and PostgreSQL has not yet when
rows are new. SQLite: CROSS JOIN fixes the loops, a unary + before a column keeps a range from being taken for a better
key than the resource's own. PostgreSQL: a probe is a scalar subquery with LIMIT 1, and a set inside a set an array, of
which neither is ever turned into a join; + 0 keeps rows from being fetched by `last_updated` and sorted where rids are
walked, and a least value from being sought along all rows of a parameter; IS DISTINCT FROM is taken to be nearly always
true, where IS NULL is taken to be nearly always false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from fhir_gateway.store.index.condition import Keys, Value, Written
from fhir_gateway.store.search.criterion import Shape
from fhir_gateway.store.text import spelling as full_text

Dialect = Literal["sqlite", "postgresql"]
Plan = Literal["stream", "set", "walk"]
Types = Literal["one", "many", "all"]

KEPT = 8192  # statements

_LIVE = re.compile(r"\{live\}.*?\{/live\}")  # of a set: what keeps out the deleted; without values
_COLUMN = re.compile(r"\{([a-z0-9_]+)\}")
_RANGED = frozenset({"lo", "hi", "v"})
# "{of resource}…{/of resource}": rows t of a table, of the rids in between. SQLite's parser does not go deep, and an
# IN costs more of its depth than a subquery to begin from.
_OF = ("resource", "i_ref", "i_token")
_SPELLED: dict[Dialect, dict[str, str]] = {
    "sqlite": {
        "{any}": "IN (SELECT value FROM json_each(?))",
        "{values}": "json_each(?) q",
        "{join}": "CROSS JOIN",
        "{in}": "IN (",
        "{/in}": ")",
        **{f"{{of {table}}}": "FROM (" for table in _OF},
        **{f"{{/of {table}}}": f") k CROSS JOIN {table} t ON t.rid = k.rid" for table in _OF},
        "{contains}": "instr",
        "{+}": "+",
        "{+0}": "",
        "{+''}": "",
        "{by}": " INDEXED BY ",
        "{/by}": "",
        "{text}": "",
        "{some}": "EXISTS (",
        "{/some}": ")",
        "{none}": "NOT EXISTS (",
        "{/none}": ")",
        "{no}": "NOT EXISTS (",
        "{/no}": ")",
    },
    "postgresql": {
        "{any}": "= ANY(?::bigint[])",
        "{values}": "unnest(?::bigint[]) q(value)",
        "{join}": "JOIN",
        "{in}": "= ANY(ARRAY(",
        "{/in}": "))",
        **{f"{{of {table}}}": f"FROM {table} t WHERE t.rid = ANY(ARRAY(" for table in _OF},
        **{f"{{/of {table}}}": "))" for table in _OF},
        "{contains}": "strpos",
        "{+}": "",
        "{+0}": " + 0",
        "{+''}": " || ''",
        "{by}": " /* ",
        "{/by}": " */",
        "{text}": ' COLLATE "C"',
        "{some}": "(",
        "{/some}": " LIMIT 1) IS NOT NULL",
        "{none}": "(",
        "{/none}": " LIMIT 1) IS NULL",
        "{no}": "(",
        "{/no}": " LIMIT 1) IS DISTINCT FROM 1",
    },
}
_MARKERS = full_text.MARKERS | {"any", "by", "in", "join", "contains", "text", "some", "none", "no"}
VERSION = "r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body"
_COLUMNS = {"versions": VERSION, "keys": "r.rtype, r.fhir_id"}
OF_RESOURCE = frozenset({"resource", "set"})  # criteria whose test is of columns of `resource`

# What a search by `_lastUpdated` shows; see `Read.certain` and `Position.before`, which give the values.
COMMITTED = "(r.last_updated < ? OR r.last_updated = ?)"


@dataclass(frozen=True, slots=True)
class Select:
    """The shape of a statement in the order of rid; see `text_of` for the order of its values."""

    dialect: Dialect
    plan: Plan
    driver: Shape | None
    tests: tuple[Shape, ...]
    types: Types
    descends: bool
    after: bool  # begins after a rid, in the order
    until: bool  # ends at a rid, included, in the order
    committed: bool
    of: Literal["versions", "keys", "rids", "count"]
    reach: bool = False  # ends so many rows on, whatever they are


@lru_cache(KEPT)
def text_of(select: Select) -> str:
    """Return the statement of a shape. Its values: of the driver's scans or of the types, of the tests, of what is
    certain, of the rid it begins after, of the rid it ends at, and the limit (but for a count). Where it reaches so far
    and no farther: between these of the source, of the rid it begins after, and how many rows it goes on.
    """
    rid = "r.rid" if select.plan == "walk" else "i.rid"
    tests = [probe_text(shape, rid, "r", ranged=False) for shape in select.tests]
    if select.committed:
        tests.append(COMMITTED)
    if select.after:
        tests.append(f"{rid} {'<' if select.descends else '>'} ?")
    if select.until:
        tests.append(f"{rid} {'>' if select.descends else '<'}= ?")
    if select.reach:
        last = -1 if select.descends else 2**63 - 1
        tests.append(f"{rid} {'>' if select.descends else '<'}= coalesce(({_reach_text(select, rid)}), {last})")
    sources, first = sources_of(select.plan, select.driver, select.types, _needs_resource(select))
    where = " AND ".join([*first, *tests])
    chosen = f"FROM {sources}{' WHERE ' if where else ''}{where}"
    if select.of == "count":
        return spelled(f"SELECT count(*) {chosen}", select.dialect)
    descending = " DESC" if select.descends else ""
    ordered = f" ORDER BY {rid}{descending}"
    if select.of == "rids":
        return spelled(f"SELECT {rid} {chosen}{ordered} LIMIT ?", select.dialect)
    columns = _COLUMNS[select.of]
    if select.plan != "set" and not select.reach:
        return spelled(f"SELECT {columns} {chosen}{ordered} LIMIT ?", select.dialect)
    # What is sorted, or walked past, are rids; bodies are read for the page alone.
    rids = f"(SELECT {rid} AS rid {chosen}{ordered} LIMIT ?) k"
    text = f"SELECT {columns} FROM {rids} {{join}} resource r ON r.rid = k.rid ORDER BY r.rid{descending}"
    return spelled(text, select.dialect)


@lru_cache(KEPT)
def population_text(select: Select, sampled: bool) -> str:
    """Return the count of the rows that a statement begins from, or of those in a sample that pass its tests.

    Its values: of the driver's scans or of the types; of a sample also the number that divides its rids, the tests and
    what is certain.
    """
    rid = "r.rid" if select.plan == "walk" else "i.rid"
    sources, clauses = sources_of(select.plan, select.driver, select.types, sampled and _needs_resource(select))
    if sampled:
        clauses += [f"{rid} % ? = 0", *(probe_text(shape, rid, "r", ranged=False) for shape in select.tests)]
        clauses += [COMMITTED] if select.committed else []
    return spelled(
        f"SELECT count(*) FROM {sources}{' WHERE ' if clauses else ''}{' AND '.join(clauses)}", select.dialect
    )


@lru_cache(KEPT)
def reach_text(select: Select) -> str:
    """Return the statement of the rid at which a reach ends; no row where there are not so many. Its values: of the
    driver's scans or of the types, of the rid it begins after, and how many rows it goes on.
    """
    return spelled(_reach_text(select, "r.rid" if select.plan == "walk" else "i.rid"), select.dialect)


def _reach_text(select: Select, rid: str) -> str:
    sources, clauses = sources_of(select.plan, select.driver, select.types, False)
    if select.after:
        clauses.append(f"{rid} {'<' if select.descends else '>'} ?")
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    return f"SELECT {rid} FROM {sources}{where} ORDER BY {rid}{' DESC' if select.descends else ''} LIMIT 1 OFFSET ?"


def _needs_resource(select: Select) -> bool:
    # The bodies of a set, and of what a walk reaches, are joined to the page alone.
    bodies = select.of in ("versions", "keys") and select.plan == "stream" and not select.reach
    return bodies or select.committed or tests_resource(select.tests)


def tests_resource(tests: Iterable[Shape]) -> bool:
    return any(shape.table in OF_RESOURCE for shape in tests)


def sources_of(plan: Plan, driver: Shape | None, types: Types, needs_resource: bool) -> tuple[str, list[str]]:
    """Return what a statement reads from, and the clauses that belong to it."""
    if plan == "walk":
        clauses = {"one": ["r.rtype = ?"], "many": ["r.rtype {any}"], "all": []}[types]
        return "resource r", [*clauses, "r.deleted = 0"]
    assert driver is not None
    if plan == "stream":
        source, clauses = f"{driver.table} i", [_of_parameter(driver, "i", driver.scans[0])]
    else:
        source, clauses = f"({set_text(driver)}) i", []
    return source + (" {join} resource r ON r.rid = i.rid" if needs_resource else ""), clauses


@lru_cache(KEPT)
def counts_text(shapes: tuple[Shape, ...], limit: int, dialect: Dialect) -> str:
    """Return the statement that counts, in one row, the rows of each criterion's scans, each up to `limit`.

    A row may count twice, and deleted resources count: it is how much there is to look at. Its values: each
    criterion's `count_values`.
    """
    return spelled(f"SELECT {', '.join(_count_text(shape, limit) for shape in shapes)}", dialect)


def _count_text(shape: Shape, limit: int) -> str:
    """Return the count of a criterion's rows up to a limit; what it gathers first is counted before that is begun."""
    own = f"(SELECT count(*) FROM ({scans_text(shape, ' UNION ALL ', deleted=True)} LIMIT {limit}) c)"
    if not shape.inner:
        return own
    many = " OR ".join(f"{_count_text(inner, limit)} >= {limit}" for inner in shape.inner)
    return f"CASE WHEN {many} THEN {limit} ELSE {own} END"


@lru_cache(KEPT)
def set_text(shape: Shape) -> str:
    """Return the SELECT of the rids, each once, that a criterion leads to. Its values: those of the scans."""
    if len(shape.scans) == 1:
        return scans_text(shape, "", distinct="" if shape.ordered or shape.table == "resource" else "DISTINCT ")
    return scans_text(shape, " UNION ")


def scans_text(shape: Shape, union: str, distinct: str = "", deleted: bool = False) -> str:
    """Return the SELECT of the rids of a criterion's rows. Its values: those of the scans."""
    if shape.table == "set":
        scan = _LIVE.sub("", shape.scans[0]) if deleted else shape.scans[0]
        return f"SELECT {distinct}i.rid FROM ({scan}) i"
    return union.join(
        f"SELECT {distinct}i.rid FROM {shape.table} i WHERE {_of_parameter(shape, 'i', scan, deleted)}"
        for scan in shape.scans
    )


def _of_parameter(shape: Shape, alias: str, where: str, deleted: bool = False) -> str:
    """Return the clause of one scan. Only `resource` itself has rows of what is deleted."""
    # + 0: no index of the living alone may be taken for the one that the scan is a range of.
    live = [] if deleted else [f"{alias}.deleted{{+0}} = 0"]
    clauses = {"one": [f"{alias}.pid = ?"], "many": [f"{alias}.pid {{any}}"], "none": live}
    return " AND ".join([*clauses[shape.pids], *([on(alias, where)] if where else [])])


@lru_cache(KEPT)
def probe_text(shape: Shape, rid: str, resource: str, ranged: bool, alias: str = "p") -> str:
    """Return the test that the resource `rid`, whose columns are those of `resource`, meets a criterion.

    `ranged`: it may serve as a range of the key that is walked. `alias`: of the rows it looks at, another than of those
    that `rid` is about. Its values: `test_values`.
    """
    if shape.table in OF_RESOURCE:
        wheres = [on(resource, where, unranged=not ranged) for where in shape.wheres]
        return f"{'NOT ' if shape.negated else ''}({' OR '.join(wheres)})"
    clauses = [f"{alias}.rid = {rid}", f"{alias}.pid {'= ?' if shape.pids == 'one' else '{any}'}"]
    if shape.wheres:
        clauses.append(f"({' OR '.join(on(alias, where, unranged=True) for where in shape.wheres)})")
    probe = f"SELECT 1 FROM {shape.table} {alias} WHERE {' AND '.join(clauses)}"
    return f"{{no}}{probe}{{/no}}" if shape.negated else f"{{some}}{probe}{{/some}}"


def on(alias: str, where: str, unranged: bool = False) -> str:
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
    for marker, spelling in (*_SPELLED[dialect].items(), *full_text.SPELLED[dialect].items()):
        text = text.replace(marker, spelling)
    return text


def bound(values: Iterable[Value], dialect: Dialect) -> list[Any]:
    """Return values as the dialect's driver takes them."""
    if dialect == "postgresql":
        return [_bound_postgresql(value) for value in values]
    return [_bound_sqlite(value) for value in values]


def _bound_postgresql(value: Value) -> Any:
    if isinstance(value, Keys):
        return list(value)
    return value.postgresql if isinstance(value, Written) else value


def _bound_sqlite(value: Value) -> Any:
    if isinstance(value, Keys):
        return f"[{','.join(map(str, value))}]"
    return value.sqlite if isinstance(value, Written) else value
