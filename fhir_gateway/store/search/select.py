"""Running a search: which resources match, page by page.

Order: `rid` descending, the newest first, unless `_sort` says otherwise. Pages go on after the last key of the page
before, so that what is created, changed or deleted meanwhile neither shifts nor repeats the rest.

Source: FHIR R4, Search, "Paging", "Sorting", "Total"; RESTful API, "search".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from fhir_gateway.store.contract import Key, Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.search import plan as plans
from fhir_gateway.store.search.alone import Stretch, alone
from fhir_gateway.store.search.criterion import Criterion
from fhir_gateway.store.search.keyset import versions_text
from fhir_gateway.store.search.merged import Sweep, mergeable, merged
from fhir_gateway.store.search.narrowing import EVERYTHING, require, sight_of
from fhir_gateway.store.search.order import BY_RID, Places, before
from fhir_gateway.store.search.ordered import Certain, Sought, beyond_values, places_by, stretch_values
from fhir_gateway.store.search.plan import Planned, Planner
from fhir_gateway.store.search.query import Position, SearchQuery
from fhir_gateway.store.search.statement import Select, bound, reach_text, text_of
from fhir_gateway.store.search.total import total_of

_NEAR = 8  # the part of a reach that is walked first

Found = tuple[list[Version], list[Places]]


@dataclass(frozen=True, slots=True)
class Page:
    """Matches of one page in order. `next`, `previous`: where the pages after and before it begin; None: there is none.

    `total`: all matches of the search, when that was asked for or is known for nothing. `containers`: of each match the
    resource it is contained in, None where it is not; empty when none is.
    """

    matches: list[Version]
    next: Position | None
    previous: Position | None
    total: int | None
    containers: tuple[Key | None, ...] = ()


def find(read: Read, query: SearchQuery) -> Page:
    """Return a page of a search: the first, or the one `query.after` leads to.

    Raises: TooCostly beyond the time limit of `read`; NotOfThisView.
    """
    require(read, query.narrowing)
    certain = _certain(read, query)
    planner = Planner(read)
    if query.count_only:
        return Page([], None, None, total_of(read, query, planner, certain, "accurate"))
    after = query.after
    found = found_alone(read, query, planner) or found_at_first(read, query, planner, certain)
    if found is None:
        planned = planner.plan(query.criteria, by_rid=len(query.order) == 1)
        if planned is None:
            return Page([], None, None, 0)
        found = _found(read, query, planner, planned, certain)
    matches, places = found
    more = len(matches) > query.count
    del matches[query.count :], places[query.count :]
    if after is not None and after.backward:
        matches.reverse()
        places.reverse()
    total = len(matches) if after is None and not more else None
    if total is None and query.total != "none":
        total = total_of(read, query, planner, certain, query.total)
    if not matches:
        return Page([], None, None, total)
    beginning = places[0] if after is None else after.first
    instant = certain[0] if certain is not None else 0
    forward = after is None or not after.backward
    next = Position(places[-1], beginning, before=instant) if more or not forward else None
    has_previous = after is not None and (forward or more)
    previous = Position(places[0], beginning, backward=True, before=instant) if has_previous else None
    return Page(matches, next, previous, total)


def _certain(read: Read, query: SearchQuery) -> Certain:
    """Return which instants a search by `_lastUpdated` shows; those of the first page on all its pages."""
    if not query.by_update:
        return None
    return read.certain if query.after is None else (query.after.before, -1)


def match(read: Read, query: SearchQuery, limit: int = 2) -> list[Key]:
    """Return up to `limit` resources that meet the criteria, whatever their order: for conditional interactions.

    They are decided under a lock, so this sees all that is committed, and what this transaction has written.
    Raises: NotOfThisView.
    """
    require(read, query.narrowing)
    plain = replace(query, order=BY_RID, after=None)
    planner = Planner(read)
    planned = planner.at_first(query.criteria)
    if planned is not None:
        rows = _rows(read, plain, planned, "keys", None, limit, plans.NEAR)
        if len(rows) == limit or not _goes_on(read, plain, planned, plans.NEAR):
            return _keys(rows, query)
    planned = planner.plan(query.criteria, by_rid=True)
    return [] if planned is None else _keys(_rows(read, plain, planned, "keys", None, limit), query)


def _keys(rows: Sequence[Row], query: SearchQuery) -> list[Key]:
    return [(query.registry.names[rtype], id) for rtype, id in rows]


def plan(read: Read, query: SearchQuery) -> Planned | None:
    """Return how a search is run; None when one of its criteria has no rows at all."""
    return Planner(read).plan(query.criteria, by_rid=len(query.order) == 1)


def sought(read: Read, query: SearchQuery, planner: Planner, certain: Certain) -> Sought:
    """Return what a page of the query looks for."""
    return Sought(
        read,
        planner,
        tuple(query.registry.rtypes[type] for type in query.types),
        tuple(query.registry.rtypes.values()),
        query.criteria,
        query.order,
        query.after is not None and query.after.backward,
        certain,
    )


def found_alone(read: Read, query: SearchQuery, planner: Planner) -> Found | None:
    """Return the matches of a page and one more where one criterion is all there is (`alone`), else None."""
    asked = query.asked or query.criteria
    if len(asked) != 1 or len(query.order) != 1 or query.by_update:
        return None
    after = query.after
    backward = after is not None and after.backward
    bounds = () if after is None else (*after.key, *(after.first if backward else ()))
    stretch = Stretch(query.order[0].descends != backward, bounds, query.count + 1)
    sight = sight_of(query.registry, query.narrowing, query.types) if query.asked else EVERYTHING
    rows = alone(read, planner, asked[0], stretch, sight)
    if rows is None:
        return None
    matches = [_version(row, query) for row in rows]
    return matches, [(version.rid,) for version in matches]


def found_at_first(read: Read, query: SearchQuery, planner: Planner, certain: Certain) -> Found | None:
    """Return the same where a page within a narrowing is found without anything being counted, else None."""
    if len(query.order) > 1:
        return None
    limit = query.count + 1
    if mergeable(query.criteria) and not any(map(_leads_to_few, query.asked)):
        sweep = _sweep(query, certain, limit)
        return _placed(merged(read, sweep, sweep.first_share), query)
    planned = planner.at_first(query.criteria)
    if planned is None:
        return None
    rows = _rows(read, query, planned, "versions", certain, limit, plans.NEAR)
    if len(rows) < limit and _goes_on(read, query, planned, plans.NEAR):
        return None
    return _placed(rows, query)


def _leads_to_few(criterion: Criterion) -> bool:
    """Tell whether a criterion may well have few rows, so that it is worth while to count them first."""
    return criterion.drives and (criterion.few is not None or criterion.shape.table != "resource")


def _placed(rows: Sequence[Row] | None, query: SearchQuery) -> Found | None:
    if rows is None:
        return None
    matches = [_version(row, query) for row in rows]
    return matches, [(version.rid,) for version in matches]


def _found(read: Read, query: SearchQuery, planner: Planner, planned: Planned, certain: Certain) -> Found:
    """Return the matches of a page and one more, and where they stand; never beyond the first of the walk."""
    after, limit = query.after, query.count + 1
    if len(query.order) == 1:
        reach = plans.REACH if planned.tried else 0
        if reach and mergeable(query.criteria):
            rows = merged(read, _sweep(query, certain, limit), plans.REACH)
            goes_on = rows is None
        else:
            # Most walks end soon, and to find where a reach ends costs as much as to walk through it.
            rows = _rows(read, query, planned, "versions", certain, limit, reach // _NEAR)
            if reach and len(rows) < limit:
                rows = _rows(read, query, planned, "versions", certain, limit, reach)
            goes_on = bool(reach) and len(rows) < limit and _goes_on(read, query, planned, reach)
        if rows is None or goes_on:
            rtypes = [query.registry.rtypes[type] for type in query.types]
            instead = planner.instead(query.criteria, True, rtypes)
            rows = _rows(read, query, instead, "versions", certain, limit)
        matches = [_version(row, query) for row in rows]
        return matches, [(version.rid,) for version in matches]
    wanted = sought(read, query, planner, certain)
    places = places_by(wanted, planned, None if after is None else after.key, limit)
    if after is not None and after.backward:
        places = [place for place in places if not before(place, after.first, query.order)]
    if not places:
        return [], []
    rids = bound([Keys(place[-1] for place in places)], read.dialect)  # type: ignore[misc]
    by_rid = {row[2]: _version(row, query) for row in read.rows(versions_text(read.dialect), rids)}
    return [by_rid[place[-1]] for place in places], places


def _sweep(query: SearchQuery, certain: Certain, limit: int) -> Sweep:
    after = query.after
    backward = after is not None and after.backward
    bounds = () if after is None else (*after.key, *(after.first if backward else ()))
    return Sweep(query.criteria, query.order[0].descends != backward, bounds, limit, certain)


def _rows(
    read: Read,
    query: SearchQuery,
    planned: Planned,
    of: Literal["versions", "keys"],
    certain: Certain,
    limit: int,
    reach: int = 0,
) -> list[Row]:
    """Return rows in the order of rid, with one statement; `reach`: none beyond so many that it goes past, 0: all."""
    after = query.after
    tests: list[Value] = list(chain.from_iterable(criterion.test_values for criterion in planned.tests))
    begun: Sequence[object] = () if after is None else after.key
    ends: Sequence[object] = after.first if after is not None and after.backward else ()
    select = _select(read, query, planned, of, certain, bool(reach))
    rtypes = [query.registry.rtypes[type] for type in query.types]
    values = stretch_values(planned, rtypes, [*tests, *(certain or ())], begun, ends, reach, limit, read.dialect)
    return read.rows(text_of(select), values)


def _select(
    read: Read,
    query: SearchQuery,
    planned: Planned,
    of: Literal["versions", "keys"],
    certain: Certain,
    reach: bool,
) -> Select:
    after = query.after
    backward = after is not None and after.backward
    return Select(
        read.dialect,
        planned.plan,
        None if planned.source is None else planned.source.shape,
        tuple(criterion.shape for criterion in planned.tests),
        ("all", "one", "many")[min(len(query.types), 2)],
        query.order[-1].descends != backward,
        after is not None,
        backward,
        certain is not None,
        of,
        reach,
    )


def _goes_on(read: Read, query: SearchQuery, planned: Planned, reach: int) -> bool:
    """Tell whether there are rows beyond those that a walk reaches."""
    select = _select(read, query, planned, "versions", None, reach=True)
    begun: Sequence[object] = () if query.after is None else query.after.key
    rtypes = [query.registry.rtypes[type] for type in query.types]
    return bool(read.rows(reach_text(select), beyond_values(planned, rtypes, begun, reach, read.dialect)))


def _version(row: Row, query: SearchQuery) -> Version:
    rtype, fhir_id, rid, vid, last_updated, body = row
    return Version(query.registry.names[rtype], fhir_id, rid, vid, last_updated, False, bytes(body))
