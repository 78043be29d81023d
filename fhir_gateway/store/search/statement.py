"""SELECT statements, built once for each shape of search and kept.

A statement is one of three plans:
  stream  walk the rows of one criterion, which come in the order of rid, and test each for the others; those that
          several parties have access to are merged
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

from fhir_gateway.store.index.condition import Keys, Listed, Value, Written
from fhir_gateway.store.search.criterion import Shape
from fhir_gateway.store.text import spelling as full_text

Dialect = Literal["sqlite", "postgresql"]
Plan = Literal["stream", "set", "walk"]
Types = Literal["one", "many", "all"]

KEPT = 8192  # statements

_LIVE = re.compile(r"\{live\}.*?\{/live\}")  # of a set: what keeps out the deleted; without values
_COLUMN = re.compile(r"\{([a-z0-9_]+)\}")
_AMONG = re.compile(r"\{among (\d+)\}")
_RANGED = frozenset({"lo", "hi", "v"})
# "{of resource}…{/of resource}": rows t of a table, of the rids in between. SQLite's parser does not go deep, and an
# IN costs more of its depth than a subquery to begin from.
_OF = ("resource", "i_ref", "i_token")
# "{with i_access}…{/with}", behind those: that there is such a row a; there it may be several.
_WITH = ("i_access", "resource")
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
        "{greatest}": "max",
        "{+}": "+",
        "{+0}": "",
        "{+''}": "",
        "{by}": " INDEXED BY ",
        "{/by}": "",
        "{text}": "",
        **{f"{{with {table}}}": f" CROSS JOIN {table} a ON " for table in _WITH},
        "{/with}": "",
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
        "{greatest}": "greatest",
        "{+}": "",
        "{+0}": " + 0",
        "{+''}": " || ''",
        "{by}": " /* ",
        "{/by}": " */",
        "{text}": ' COLLATE "C"',
        **{f"{{with {table}}}": f" AND (SELECT 1 FROM {table} a WHERE " for table in _WITH},
        "{/with}": " LIMIT 1) IS NOT NULL",
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
    and no farther: between these of the source, of the rid it begins after, and how many rows it goes on. Where arms
    are merged: all that for each of them, and the limit once more; where they reach so far: of each the scan, of the
    rid it begins after, and how many rows it goes on; of each the scan and of the rids it begins after and ends at;
    then those of the tests, of what is certain, and the limit.
    """
    rid = "r.rid" if select.plan == "walk" else "i.rid"
    chosen = _chosen_text(select, rid)
    if select.of == "count":
        return spelled(_counted_text(select, chosen), select.dialect)
    descending = " DESC" if select.descends else ""
    ordered = f" ORDER BY {rid}{descending}"
    if merges(select.plan, select.driver):
        within = _reached_text(select) if select.reach else _arms_text(select, f"{chosen}{ordered} LIMIT ?")
        return spelled(_merged_text(select, *within), select.dialect)
    if select.of == "rids":
        return spelled(f"SELECT {rid} {chosen}{ordered} LIMIT ?", select.dialect)
    columns = _COLUMNS[select.of]
    if select.plan != "set" and not select.reach:
        return spelled(f"SELECT {columns} {chosen}{ordered} LIMIT ?", select.dialect)
    # What is sorted, or walked past, are rids; bodies are read for the page alone.
    rids = f"SELECT {rid} AS rid {chosen}{ordered} LIMIT ?"
    bodies = f"SELECT {columns} FROM {{}} {{join}} resource r ON r.rid = k.rid ORDER BY r.rid{descending}"
    if any(shape.narrowed for shape in select.tests):  # with less inside each other
        return spelled(f"WITH k AS ({rids}) {bodies.replace('{}', 'k')}", select.dialect)
    return spelled(bodies.replace("{}", f"({rids}) k"), select.dialect)


def _counted_text(select: Select, chosen: str) -> str:
    """Return the count of what is chosen. In some narrowed sets, which stand before, SQLite would go too deep."""
    driver = select.driver
    if select.plan != "set" or driver is None or driver.table != "set" or not driver.narrowed:
        return f"SELECT count(*) {chosen}"
    (scan,) = driver.scans
    return f"WITH d AS ({scan}) SELECT count(*) {chosen.replace(f'FROM ({scan}) i', 'FROM d i', 1)}"


def _chosen_text(select: Select, rid: str) -> str:
    """Return where the rows of a statement come from, and which of them it takes."""
    tests = [*_tests(select, rid), *_bounds(select, rid)]
    if select.reach:
        last = -1 if select.descends else 2**63 - 1
        tests.append(f"{rid} {'>' if select.descends else '<'}= coalesce(({_reach_text(select, rid)}), {last})")
    sources, first = sources_of(select.plan, select.driver, select.types, _needs_resource(select))
    where = " AND ".join([*first, *tests])
    return f"FROM {sources}{' WHERE ' if where else ''}{where}"


def _tests(select: Select, rid: str) -> list[str]:
    tests = [probe_text(shape, rid, "r", ranged=False) for shape in select.tests]
    return [*tests, COMMITTED] if select.committed else tests


def _bounds(select: Select, rid: str) -> list[str]:
    """Return between which rids the rows lie: they begin after one, and end at one."""
    after = [f"{rid} {'<' if select.descends else '>'} ?"] if select.after else []
    return [*after, f"{rid} {'>' if select.descends else '<'}= ?"] if select.until else after


def merges(plan: Plan, driver: Shape | None) -> bool:
    """Tell whether rows come in order by merging the arms of i_access."""
    return plan == "stream" and driver is not None and driver.arms > 0


def _merged_text(select: Select, gathered: str, rids: str) -> str:
    """Return the statement of the rids that are merged, of what is gathered before."""
    if select.of == "rids":
        return f"WITH {gathered} {rids}"
    descending = " DESC" if select.descends else ""
    bodies = f"SELECT {_COLUMNS[select.of]} FROM ({rids}) k {{join}} resource r ON r.rid = k.rid"
    return f"WITH {gathered} {bodies} ORDER BY r.rid{descending}"


def _arms_text(select: Select, chosen: str) -> tuple[str, str]:
    """Return CTEs that take a page of each arm, and the rids that come first of all of them, each once."""
    assert select.driver is not None
    # As CTEs: SQLite's parser does not go deep.
    arms = [f"q{number}" for number in range(select.driver.arms)]
    texts = ", ".join(f"{name} AS (SELECT i.rid AS rid {chosen})" for name in arms)
    rows = " UNION ".join(f"SELECT {name}.rid FROM {name}" for name in arms)
    descending = " DESC" if select.descends else ""
    return texts, f"SELECT u.rid AS rid FROM ({rows}) u ORDER BY u.rid{descending} LIMIT ?"


def _reached_text(select: Select) -> tuple[str, str]:
    """Return CTEs of what lies within reach on every arm, and the rids of it that pass the tests.

    Only down to the nearest end of an arm are all rows there: beyond it one whose rows match at once would hide what
    another one has farther on. What several parties have access to is tested once.
    """
    assert select.driver is not None
    direction, sign, last, nearest = (" DESC", ">", -1, "max") if select.descends else ("", "<", 2**63 - 1, "min")
    ends = " UNION ALL ".join([f"SELECT ({_reach_text(select, 'i.rid')}) AS e"] * select.driver.arms)
    source, clauses = sources_of(select.plan, select.driver, select.types, False)
    clauses += _bounds(select, "i.rid")
    clauses.append(f"i.rid {sign}= coalesce((SELECT h.h FROM h), {last})")
    rows = " UNION ".join([f"SELECT i.rid AS rid FROM {source} WHERE {' AND '.join(clauses)}"] * select.driver.arms)
    gathered = f"h AS MATERIALIZED (SELECT {nearest}(n.e) AS h FROM ({ends}) n), c AS MATERIALIZED ({rows})"
    tests = _tests(select, "i.rid")
    resource = " {join} resource r ON r.rid = i.rid" if _needs_resource(select) else ""
    # The inner LIMIT keeps both engines from testing before the rows are in order. SQLite keeps to the order of a join,
    # and would sort once more what is in order; PostgreSQL may join as it likes.
    ordered = f" ORDER BY i.rid{direction}" if select.dialect == "postgresql" else ""
    rids = (
        f"SELECT i.rid AS rid FROM (SELECT c.rid FROM c ORDER BY c.rid{direction} LIMIT {2**31 - 1}) i{resource}"
        f"{' WHERE ' if tests else ''}{' AND '.join(tests)}{ordered} LIMIT ?"
    )
    return gathered, rids


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
    driver's scans or of the types, of the rid it begins after, and how many rows it goes on; all that for each arm.
    """
    text = _reach_text(select, "r.rid" if select.plan == "walk" else "i.rid")
    if merges(select.plan, select.driver):
        assert select.driver is not None
        text = " UNION ALL ".join([f"SELECT q.rid FROM ({text}) q"] * select.driver.arms)
    return spelled(text, select.dialect)


def _reach_text(select: Select, rid: str) -> str:
    sources, clauses = sources_of(select.plan, select.driver, select.types, False)
    if select.after:
        clauses.append(f"{rid} {'<' if select.descends else '>'} ?")
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    return f"SELECT {rid} FROM {sources}{where} ORDER BY {rid}{' DESC' if select.descends else ''} LIMIT 1 OFFSET ?"


def _needs_resource(select: Select) -> bool:
    # The bodies of a set, and of what a walk reaches, are joined to the page alone.
    bodies = select.of in ("versions", "keys") and select.plan == "stream" and not select.reach
    bodies = bodies and not merges(select.plan, select.driver)
    return bodies or select.committed or tests_resource(select.tests)


def tests_resource(tests: Iterable[Shape]) -> bool:
    return any(shape.table in OF_RESOURCE for shape in tests)


def sources_of(plan: Plan, driver: Shape | None, types: Types, needs_resource: bool) -> tuple[str, list[str]]:
    """Return what a statement reads from, and the clauses that belong to it."""
    if plan == "walk":
        clauses = {"one": ["r.rtype = ?"], "many": ["r.rtype {any}"], "all": []}[types]
        return "resource r", [*clauses, "r.deleted = 0"]
    assert driver is not None
    if merges(plan, driver):
        source, clauses = f"{driver.table} i", ["i.party = ?", "i.rtype = ?"]
    elif plan == "stream":
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


@lru_cache(KEPT)
def narrowed_counts_text(shapes: tuple[Shape, ...], limit: int, dialect: Dialect) -> str:
    """Return the same statement, of criteria some of which are narrowed: SQLite's parser would go too deep in these.

    Its values: the `scan_values` of those that are counted apart, then of all others each criterion's `count_values`,
    of those its `inner_values`.
    """
    apart = {f"w{place}": shape for place, shape in enumerate(shapes) if counted_apart(shape)}
    scans = ", ".join(f"{name} AS ({_rows_text(shape)} LIMIT {limit})" for name, shape in apart.items())
    counts = (
        _count_text(shape, limit, f"(SELECT count(*) FROM w{place})" if counted_apart(shape) else "")
        for place, shape in enumerate(shapes)
    )
    return spelled(f"WITH {scans} SELECT {', '.join(counts)}", dialect)


def counted_apart(shape: Shape) -> bool:
    return shape.narrowed and bool(shape.inner)


def _rows_text(shape: Shape) -> str:
    """Return the SELECT of a criterion's rows, the deleted too, with as little inside each other as may be."""
    return _LIVE.sub("", shape.scans[0]) if shape.table == "set" else scans_text(shape, " UNION ALL ", deleted=True)


def _count_text(shape: Shape, limit: int, own: str = "") -> str:
    """Return the count of a criterion's rows up to a limit; what it gathers first is counted before that is begun.

    Of arms it is that of the longest, since most of what one party has access to another has too.
    """
    if shape.arms:
        arm = f"SELECT i.rid FROM {shape.table} i WHERE i.party = ? AND i.rtype = ? LIMIT {limit}"
        arms = [f"(SELECT count(*) FROM ({arm}) c)"] * shape.arms
        return arms[0] if len(arms) == 1 else f"{{greatest}}({', '.join(arms)})"
    own = own or f"(SELECT count(*) FROM ({scans_text(shape, ' UNION ALL ', deleted=True)} LIMIT {limit}) c)"
    if not shape.inner:
        return own
    many = " OR ".join(f"{_count_text(inner, limit)} >= {limit}" for inner in shape.inner)
    return f"CASE WHEN {many} THEN {limit} ELSE {own} END"


@lru_cache(KEPT)
def set_text(shape: Shape) -> str:
    """Return the SELECT of the rids, each once, that a criterion leads to. Its values: those of the scans."""
    if len(shape.scans) == 1:
        once = shape.ordered or shape.distinct or shape.table == "resource"
        return scans_text(shape, "", distinct="" if once else "DISTINCT ")
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
    of_parties = [f"{alias}.party {{any}}"]
    clauses = {
        "one": [f"{alias}.pid = ?"],
        "many": [f"{alias}.pid {{any}}"],
        "none": live,
        "party": of_parties,
        "one party": [f"{alias}.party = ?"],
    }
    return " AND ".join([*clauses[shape.pids], *([on(alias, where)] if where else [])])


_PROBED = {
    "one": "{}.pid = ?",
    "many": "{}.pid {{any}}",
    "party": "{{+}}{}.party{{+0}} {{any}}",
    "one party": "{}.party = ?",
}


@lru_cache(KEPT)
def probe_text(shape: Shape, rid: str, resource: str, ranged: bool, alias: str = "p") -> str:
    """Return the test that the resource `rid`, whose columns are those of `resource`, meets a criterion.

    `ranged`: it may serve as a range of the key that is walked. `alias`: of the rows it looks at, another than of those
    that `rid` is about. Its values: `test_values`.
    """
    if shape.table in OF_RESOURCE:
        wheres = [on(resource, where, unranged=not ranged) for where in shape.wheres]
        return f"{'NOT ' if shape.negated else ''}({' OR '.join(wheres)})"
    clauses = [f"{alias}.rid = {rid}", _PROBED[shape.pids].format(alias)]
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
    if "{among " in text:
        text = _AMONG.sub(lambda found: _among(int(found[1]), dialect), text)
    for marker, spelling in (*_SPELLED[dialect].items(), *full_text.SPELLED[dialect].items()):
        text = text.replace(marker, spelling)
    return text


def _among(number: int, dialect: Dialect) -> str:
    return "{any}" if dialect == "postgresql" else f"IN ({', '.join('?' * number)})"


def bound(values: Iterable[Value], dialect: Dialect) -> list[Any]:
    """Return values as the dialect's driver takes them."""
    if dialect == "postgresql":
        return [_bound_postgresql(value) for value in values]
    found: list[Any] = []
    for value in values:
        if isinstance(value, Listed):
            found += value
        else:
            found.append(_bound_sqlite(value))
    return found


def _bound_postgresql(value: Value) -> Any:
    if isinstance(value, Keys):
        return list(value)
    return value.postgresql if isinstance(value, Written) else value


def _bound_sqlite(value: Value) -> Any:
    if isinstance(value, Keys):
        return f"[{','.join(map(str, value))}]"
    return value.sqlite if isinstance(value, Written) else value
