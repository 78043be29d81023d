"""Running a search: which resources match, page by page.

Order: `rid` descending, the newest first, unless `_sort` says otherwise. Pages go on after the last key of the page
before, so that what is created, changed or deleted meanwhile neither shifts nor repeats the rest.

Which criterion leads is decided by bounded counts: the one with the fewest rows is walked, the others are probed for
each of its resources. Where all have more than the bound, resources are walked in the order asked for and probed.

Source: FHIR R4, Search, "Paging", "Sorting", "Total"; RESTful API, "search".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from fhir_gateway.store.contract import Key, Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.search.criterion import Criterion
from fhir_gateway.store.search.query import BY_RID, Position, SearchQuery
from fhir_gateway.store.search.statement import Order, Plan, Select, bound, counts_text, key_values, text_of

Certain = tuple[int, int] | None  # see `Read.certain`

FEW = 1000  # rows of a criterion that are gathered and sorted rather than walked


@dataclass(frozen=True, slots=True)
class Page:
    """Matches of one page in order. `next`, `previous`: where the pages after and before it begin; None: there is none.

    `total`: all matches of the search, when that was asked for or is known for nothing.
    """

    matches: list[Version]
    next: Position | None
    previous: Position | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Planned:
    """How a search is run: the plan, the criterion that leads it, and those that are tested.

    `counts`: of each criterion that could have led, its rows, up to one more than FEW.
    """

    plan: Plan
    driver: Criterion | None
    tests: tuple[Criterion, ...]
    counts: tuple[tuple[str, int], ...] = ()


def find(read: Read, query: SearchQuery) -> Page:
    """Return a page of a search: the first, or the one `query.after` leads to."""
    if query.count_only:
        return Page([], None, None, _total(read, query, None, _certain(read, query)))
    planned = plan(read, query)
    if planned is None:
        return Page([], None, None, 0)
    after = query.after
    certain = _certain(read, query)
    rows = _rows(read, query, planned, after, certain, query.count + 1)
    more = len(rows) > query.count
    matches = [_version(row, query) for row in rows[: query.count]]
    if after is not None and after.backward:
        matches.reverse()
    if not matches:
        # A first page without matches counts itself.
        counted = after is not None and query.total != "none"
        return Page([], None, None, _total(read, query, planned, certain) if counted else 0 if after is None else None)
    first, last = _key_of(matches[0], query.order), _key_of(matches[-1], query.order)
    beginning = first if after is None else after.first
    before = certain[0] if certain is not None else 0
    forward = after is None or not after.backward
    next = Position(last, beginning, before=before) if more or not forward else None
    has_previous = after is not None and (forward or more)
    previous = Position(first, beginning, backward=True, before=before) if has_previous else None
    total = len(matches) if after is None and not more else None
    if total is None and query.total != "none":
        total = _total(read, query, planned, certain)
    return Page(matches, next, previous, total)


def _certain(read: Read, query: SearchQuery) -> Certain:
    """Return which instants a search by `_lastUpdated` shows; those of the first page on all its pages."""
    if not query.by_update:
        return None
    return read.certain if query.after is None else (query.after.before, -1)


def match(read: Read, query: SearchQuery, limit: int = 2) -> list[Key]:
    """Return up to `limit` resources that meet the criteria, whatever their order: for conditional interactions.

    They are decided under a lock, so this sees all that is committed, and what this transaction has written.
    """
    plain = replace(query, order=BY_RID, after=None)
    planned = plan(read, plain)
    if planned is None:
        return []
    select = _select(read, plain, planned, None, of="keys", certain=None)
    rows = read.rows(text_of(select), [*_parameters(read, plain, planned, None, certain=None), limit])
    return [(query.registry.names[rtype], id) for rtype, id in rows]


# --- plans


def plan(read: Read, query: SearchQuery) -> Planned | None:
    """Return how a search is run; None when one of its criteria has no rows at all."""
    criteria = query.criteria
    if len(criteria) == 1 and criteria[0].shape.ordered and criteria[0].drives and query.order == BY_RID:
        return Planned("stream", criteria[0], ())
    leading = [criterion for criterion in criteria if criterion.drives]
    if not leading:
        return Planned("walk", None, criteria)
    rows = _bounded_counts(read, leading)
    if 0 in rows:
        return None
    counts = tuple((criterion.name, count) for criterion, count in zip(leading, rows, strict=True))
    fewest = min(range(len(leading)), key=rows.__getitem__)
    driver = leading[fewest]
    if rows[fewest] > FEW:
        streams = [criterion for criterion in leading if criterion.shape.ordered]
        if not streams or query.order != BY_RID:
            return Planned("walk", None, criteria, counts)
        driver = streams[0]
    tests = tuple(criterion for criterion in criteria if criterion is not driver)
    streamed = driver.shape.ordered and query.order == BY_RID
    return Planned("stream" if streamed else "set", driver, tests, counts)


def _bounded_counts(read: Read, criteria: Sequence[Criterion]) -> list[int]:
    """Return how many rows each criterion leads to, up to one more than FEW, in one statement."""
    unknown = [criterion for criterion in criteria if criterion.few is None]
    counted: dict[int, int] = {}
    if unknown:
        text = counts_text(tuple(criterion.shape for criterion in unknown), FEW + 1, read.dialect)
        values = chain.from_iterable(criterion.scan_values for criterion in unknown)
        row = read.rows(text, bound(values, read.dialect))[0]
        counted = {id(criterion): count for criterion, count in zip(unknown, row, strict=True)}
    return [counted[id(each)] if each.few is None else each.few for each in criteria]


# --- statements


def _select(
    read: Read, query: SearchQuery, planned: Planned, after: Position | None, of: Any, certain: Certain
) -> Select:
    backward = after is not None and after.backward
    return Select(
        read.dialect,
        planned.plan,
        None if planned.driver is None else planned.driver.shape,
        tuple(criterion.shape for criterion in planned.tests),
        ("all", "one", "many")[min(len(query.types), 2)],
        _turned(query.order) if backward else query.order,
        after is not None,
        backward,
        certain is not None,
        of,
    )


def _turned(order: Order) -> Order:
    return tuple((name, not descends) for name, descends in order)


def _parameters(
    read: Read, query: SearchQuery, planned: Planned, after: Position | None, certain: Certain
) -> list[Any]:
    values: list[Value] = []
    if planned.driver is not None:
        values += planned.driver.scan_values
    elif len(query.types) == 1:
        values.append(query.registry.rtypes[query.types[0]])
    elif query.types:
        values.append(Keys(sorted(query.registry.rtypes[type] for type in query.types)))
    values += chain.from_iterable(criterion.test_values for criterion in planned.tests)
    values += certain or ()
    if after is not None:
        values += key_values(query.order, after.key)
        values += key_values(query.order, after.first) if after.backward else []
    return bound(values, read.dialect)


def _rows(
    read: Read, query: SearchQuery, planned: Planned, after: Position | None, certain: Certain, limit: int
) -> list[Row]:
    select = _select(read, query, planned, after, of="versions", certain=certain)
    return read.rows(text_of(select), [*_parameters(read, query, planned, after, certain), limit])


def _total(read: Read, query: SearchQuery, planned: Planned | None, certain: Certain) -> int:
    """Return how many resources match in all. An estimate is counted too: it may be exact."""
    leading = planned or plan(read, query)
    if leading is None:
        return 0
    if leading.driver is None:
        # Walking a type to count is dearer than gathering what any criterion leads to.
        driver = next((criterion for criterion in query.criteria if criterion.drives), None)
        if driver is not None:
            tests = tuple(criterion for criterion in query.criteria if criterion is not driver)
            leading = Planned("set", driver, tests)
    select = replace(_select(read, query, leading, None, of="count", certain=certain), order=BY_RID)
    total: int = read.rows(text_of(select), _parameters(read, query, leading, None, certain))[0][0]
    return total


# --- rows


def _version(row: Row, query: SearchQuery) -> Version:
    rtype, fhir_id, rid, vid, last_updated, body = row
    return Version(query.registry.names[rtype], fhir_id, rid, vid, last_updated, False, bytes(body))


def _key_of(version: Version, order: Order) -> tuple[int | str, ...]:
    columns: dict[str, int | str] = {
        "rid": version.rid,
        "fhir_id": version.id,
        "last_updated": version.last_updated,
    }
    return tuple(columns[name] for name, _ in order)
