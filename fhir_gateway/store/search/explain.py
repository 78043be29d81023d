"""What a search does to find its page: the plan, the criterion that leads, and how good the estimates were.

For the operator who asks why a search is slow. It says nothing of the resources found but their number; within a
narrowing rows are not told of, since they are counted whoever may see them.

Source: FHIR R4, Search; this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, cast

from fhir_gateway.store.contract import Read, Row
from fhir_gateway.store.search.criterion import Criterion
from fhir_gateway.store.search.narrowing import Sight, sight_of
from fhir_gateway.store.search.plan import Planner
from fhir_gateway.store.search.query import SearchQuery
from fhir_gateway.store.search.select import find, found_alone
from fhir_gateway.store.search.sort import NAME
from fhir_gateway.store.search.statement import bound, set_text, spelled

COUNTED = 1_000_000  # resources up to which the true number is counted


@dataclass(frozen=True, slots=True)
class Weighed:
    """One criterion. `estimated`: its rows as they were counted for the plan, up to `limit` (None: nothing leads to
    them, or there was no choice to make). `true`: the resources it leads to; None when it leads to none by itself, or
    to more than COUNTED.
    """

    name: str
    part: Literal["leads", "tests"]
    estimated: int | None
    limit: int
    true: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was run: its text with `?` for values, how many values and rows, and the engine's plan."""

    text: str
    values: int
    rows: int
    seconds: float
    engine: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """How a search was run. `plan`: stream, set or walk (see `statement`), "none" when a criterion has no rows.

    `order`: as `_sort` asks. `driver`: the criterion that leads; None where resources are walked. `matches`: on the
    page. `total`: in all, where that was asked for or known for nothing. `seconds`: of the search itself, without what
    explaining it took.
    """

    plan: Literal["stream", "set", "walk", "none"]
    driver: str | None
    order: str
    criteria: tuple[Weighed, ...]
    statements: tuple[Statement, ...]
    matches: int
    total: int | None
    seconds: float


def explain(read: Read, query: SearchQuery) -> Explained:
    """Return how a page of a search is found. It is run, and each of its statements explained by the engine.

    Raises: TooCostly when the search itself is.
    """
    noted = _Noted(read)
    begun = perf_counter()
    page = find(cast(Read, noted), query)
    seconds = perf_counter() - begun
    planner = Planner(read)
    planned = planner.plan(query.criteria, by_rid=len(query.order) == 1)
    counts = {} if planned is None else dict(planned.counts)
    driver = None if planned is None else planned.driver
    plan: Literal["stream", "set", "walk", "none"] = "none" if planned is None else planned.plan
    if planned is not None and found_alone(read, query, planner) is not None:
        plan, driver = "set", (query.asked or query.criteria)[0]
    criteria = tuple(
        Weighed(
            criterion.name,
            "leads" if criterion is driver else "tests",
            counts.get(criterion.name, criterion.few) if query.narrowing is None else None,
            0 if planned is None else planned.bound,
            _true_count(read, criterion, sight_of(query.registry, query.narrowing, query.types)),
        )
        for criterion in query.asked
    )
    statements = tuple(
        Statement(text, len(values), rows, took, _of_engine(read, text, values))
        for text, values, rows, took in noted.statements
    )
    return Explained(
        plan,
        None if driver is None else driver.name,
        next((value for name, value in query.applied if name == NAME), "the newest first"),
        criteria,
        statements,
        len(page.matches),
        page.total,
        seconds,
    )


def report(explained: Explained, statements: bool = True) -> str:
    """Return it as text for a terminal, its statements too where wanted."""
    seconds = f"{explained.seconds * 1000:.2f} ms"
    total = "not known" if explained.total is None else explained.total
    lines = [
        f"plan      {explained.plan}{'' if explained.driver is None else f', led by {explained.driver}'}",
        f"order     {explained.order}",
        f"page      {explained.matches} resources in {seconds}; total {total}",
        "",
        f"{'parameter':<40} {'part':<6} {'expected':>10} {'true':>10}",
    ]
    lines += [
        f"{each.name:<40} {each.part:<6} {_expected(each):>10} {'-' if each.true is None else each.true:>10}"
        for each in explained.criteria
    ]
    for number, each in enumerate(explained.statements if statements else (), 1):
        took = f"{each.seconds * 1000:.2f} ms"
        lines += ["", f"{number}. {took}, {each.rows} rows, {each.values} values", each.text]
        lines += [f"    {step}" for step in each.engine]
    return "\n".join([*lines, ""])


def _expected(weighed: Weighed) -> str:
    if weighed.estimated is None:
        return "-"
    return f"> {weighed.limit}" if weighed.estimated > weighed.limit > 0 else str(weighed.estimated)


class _Noted:
    """A view that notes what is asked of it; all else it leaves to the view it stands before."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.dialect = read.dialect
        self.statements: list[tuple[str, Sequence[Any], int, float]] = []

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        begun = perf_counter()
        found = self._read.rows(statement, parameters)
        self.statements.append((statement, parameters, len(found), perf_counter() - begun))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


def _true_count(read: Read, criterion: Criterion, sight: Sight) -> int | None:
    """Return how many resources that may be seen a criterion leads to."""
    if not criterion.drives:
        return None
    within = f" WHERE 1 = 1{sight.of('c.rid')}" if sight.text else ""
    rids = f"SELECT DISTINCT c.rid FROM ({set_text(criterion.shape)}) c{within} LIMIT {COUNTED + 1}"
    text = spelled(f"SELECT count(*) FROM ({rids}) d", read.dialect)
    count: int = read.rows(text, bound((*criterion.scan_values, *sight.values), read.dialect))[0][0]
    return count if count <= COUNTED else None


def _of_engine(read: Read, text: str, values: Sequence[Any]) -> tuple[str, ...]:
    verb = "EXPLAIN QUERY PLAN" if read.dialect == "sqlite" else "EXPLAIN"
    return tuple(str(row[-1]) for row in read.rows(f"{verb} {text}", values))
