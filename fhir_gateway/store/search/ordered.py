"""Where the matches of a search stand in its order, from a place on: a set sorted, or a walk along the keys.

A walk goes along the index of the first key. Where there are more keys, a page's worth of rows tells up to which value
the page reaches: what comes before that value is sorted whole, and the resources at it are a search of their own, in
the order of the keys that remain. Resources without a value come after all others, and are such a search too. So no
more is ever sorted than a page, or a set that is small.

Source: FHIR R4, Search, "Sorting".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.condition import Condition, Keys, Scan, Value
from fhir_gateway.store.search import plan as plans
from fhir_gateway.store.search.criterion import Criterion, on_columns
from fhir_gateway.store.search.keyset import (
    KeyedSet,
    KeyedWalk,
    compared_values,
    having,
    key_values,
    missing_of,
    reach_text,
    rows_at,
    set_keys_text,
    walk_keys_text,
    walk_values,
)
from fhir_gateway.store.search.narrowing import access_in
from fhir_gateway.store.search.order import Order, Places, arranged
from fhir_gateway.store.search.plan import Planned, Planner
from fhir_gateway.store.search.statement import Dialect, Select, bound, text_of
from fhir_gateway.store.search.statement import reach_text as stretch_reach_text

Certain = tuple[int, int] | None  # see `Read.certain`


class _OutOfReach(Exception):
    """A walk has gone past so many rows as it may, and the page is not full. `found`: places it has found there."""

    def __init__(self, found: int = 0) -> None:
        super().__init__()
        self.found = found


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: resources of these types (their numbers, empty for all) that meet all criteria, in order.

    `backward`: in the order turned round. `certain`: only what was committed then.
    """

    read: Read
    planner: Planner
    rtypes: tuple[int, ...]
    all_rtypes: tuple[int, ...]
    criteria: tuple[Criterion, ...]
    order: Order
    backward: bool
    certain: Certain


def places(sought: Sought, after: Places | None, limit: int) -> list[Places]:
    """Return where up to `limit` matches stand, from a place (not included) or from the beginning on."""
    planned = sought.planner.plan(sought.criteria, by_rid=len(sought.order) == 1)
    return [] if planned is None else places_by(sought, planned, after, limit)


def places_by(sought: Sought, planned: Planned, after: Places | None, limit: int) -> list[Places]:
    """Return the same, by a plan that is made."""
    if limit <= 0:
        return []
    if planned.plan == "set" and len(sought.order) > 1:
        return _sorted_set(sought, planned, after, limit)
    walk = _by_rid if len(sought.order) == 1 else _walked
    if not planned.tried:
        return walk(sought, planned, after, limit, None)
    # Within a narrowing most of what is walked past may be hidden; a look at what is near tells, where one may choose.
    chosen = access_in(planned.tests) is not None and len(planned.tests) > 1
    for reach in (plans.NEAR // 2, plans.REACH) if chosen else (plans.REACH,):
        try:
            return walk(sought, planned, after, limit, reach)
        except _OutOfReach as ended:
            if not ended.found and sought.planner.few_within(sought.criteria) is not None:
                break  # where nothing is found near by, hardly a page will be farther on
    instead = sought.planner.instead(sought.criteria, len(sought.order) == 1, sought.rtypes)
    return places_by(sought, instead, after, limit)


# --- one statement each


def _sorted_set(sought: Sought, planned: Planned, after: Places | None, limit: int) -> list[Places]:
    assert planned.source is not None
    wanted = KeyedSet(
        sought.read.dialect,
        planned.source.shape,
        tuple(criterion.shape for criterion in planned.tests),
        sought.order,
        sought.backward,
        None if after is None else missing_of(after),
        sought.certain is not None,
    )
    values: list[Value] = [*key_values(sought.order), *planned.source.scan_values]
    values += chain.from_iterable(criterion.test_values for criterion in planned.tests)
    values += sought.certain or ()
    begun = compared_values(sought.backward, after) if after is not None else []
    return sought.read.rows(set_keys_text(wanted), [*bound(values, sought.read.dialect), *begun, limit])


def _by_rid(sought: Sought, planned: Planned, after: Places | None, limit: int, reach: int | None) -> list[Places]:
    descends = sought.order[0].descends != sought.backward
    select = Select(
        sought.read.dialect,
        planned.plan,
        None if planned.source is None else planned.source.shape,
        tuple(criterion.shape for criterion in planned.tests),
        ("all", "one", "many")[min(len(sought.rtypes), 2)],
        descends,
        after is not None,
        False,
        sought.certain is not None,
        "rids",
    )
    values: list[Value] = list(source_values(planned, sought.rtypes))
    begun = [] if after is None else list(after)
    if merges(planned):
        return _merged_by_rid(sought, planned, select, begun, limit, reach or 0)
    end = None if reach is None else _reach_by_rid(sought, select, values, begun, reach)
    values += chain.from_iterable(criterion.test_values for criterion in planned.tests)
    values += sought.certain or ()
    ends = [] if end is None else [end]
    select = replace(select, until=bool(ends))
    found = sought.read.rows(text_of(select), [*bound(values, sought.read.dialect), *begun, *ends, limit])
    if end is not None and len(found) < limit:
        raise _OutOfReach(len(found))
    return found


def _merged_by_rid(
    sought: Sought, planned: Planned, select: Select, begun: list[Any], limit: int, reach: int
) -> list[Places]:
    tests = [*chain.from_iterable(criterion.test_values for criterion in planned.tests), *(sought.certain or ())]
    select = replace(select, reach=reach > 0)
    values = stretch_values(planned, sought.rtypes, tests, begun, (), reach, limit, sought.read.dialect)
    found = sought.read.rows(text_of(select), values)
    if reach and len(found) < limit:
        beyond = beyond_values(planned, sought.rtypes, begun, reach, sought.read.dialect)
        if sought.read.rows(stretch_reach_text(select), beyond):
            raise _OutOfReach(len(found))
    return found


def _reach_by_rid(sought: Sought, select: Select, values: list[Value], begun: list[Any], reach: int) -> int | None:
    """Return the rid that is `reach` rows on, None when there are not so many."""
    text = text_of(replace(select, tests=(), committed=False)) + " OFFSET ?"
    found = sought.read.rows(text, [*bound(values, sought.read.dialect), *begun, 1, reach])
    return found[0][0] if found else None


def source_values(planned: Planned, rtypes: Sequence[int]) -> tuple[Value, ...]:
    """Return the values of what a statement in the order of rid reads from."""
    if planned.source is not None:
        return planned.source.scan_values
    return () if not rtypes else (rtypes[0],) if len(rtypes) == 1 else (Keys(sorted(rtypes)),)


def merges(planned: Planned) -> bool:
    """Tell whether a plan merges what several parties have access to."""
    return planned.plan == "stream" and planned.driver is not None and bool(planned.driver.arms)


def _sources(planned: Planned, rtypes: Sequence[int], dialect: Dialect) -> list[list[Any]]:
    """Return the values of what a statement reads from; of each of those that it merges."""
    if planned.driver is not None and merges(planned):
        return [list(arm) for arm in planned.driver.arms]
    return [bound(source_values(planned, rtypes), dialect)]


def stretch_values(
    planned: Planned,
    rtypes: Sequence[int],
    tests: Sequence[Value],
    begun: Sequence[Any],
    ends: Sequence[Any],
    reach: int,
    limit: int,
    dialect: Dialect,
) -> list[Any]:
    """Return the values of a statement in the order of rid (`statement.text_of`), for the engine's driver.

    tests: of the tests and of what is certain. begun, ends: the rids it lies between, none where it has no such bound.
    reach: none beyond so many rows that it goes past, 0: all.
    """
    tested = bound(tests, dialect)
    sources = _sources(planned, rtypes, dialect)
    if merges(planned) and reach:
        values = [value for source in sources for value in (*source, *begun, reach)]
        values += [value for source in sources for value in (*source, *begun, *ends)]
        return [*values, *tested, limit]
    values = []
    for source in sources:
        ended = (*source, *begun, reach) if reach else ()
        values += [*source, *tested, *begun, *ends, *ended, limit]
    return [*values, limit] if merges(planned) else values


def beyond_values(
    planned: Planned, rtypes: Sequence[int], begun: Sequence[Any], reach: int, dialect: Dialect
) -> list[Any]:
    """Return the values of `statement.reach_text`."""
    return [value for source in _sources(planned, rtypes, dialect) for value in (*source, *begun, reach)]


# --- walks along keys


def _walked(sought: Sought, planned: Planned, after: Places | None, limit: int, reach: int | None) -> list[Places]:
    """Return the places that a walk finds. Raises: _OutOfReach."""
    key = sought.order[0]
    # One index gives all types in the order of their instants; of nothing else is there one for several.
    if len(sought.rtypes) != 1 and (sought.rtypes or key.column != "last_updated"):
        return _merged(sought, planned, after, limit, reach)
    found: list[Places] = []
    for present in (True, False) if not sought.backward else (False, True):
        if not present and not key.indexed:
            continue
        begun = after is not None and (after[0] is not None) == present
        if after is not None and not begun and present != sought.backward:
            continue  # the walk has left these behind
        here = after if begun else None
        if present:
            found += _present(sought, planned, here, limit - len(found), reach)
        elif reach is not None and len(found) < limit:
            raise _OutOfReach
        else:
            found += _run(sought, None, here, limit - len(found))
        if len(found) >= limit:
            break
    return found


def _merged(sought: Sought, planned: Planned, after: Places | None, limit: int, reach: int | None) -> list[Places]:
    """Walk each type by itself, since their parameters have numbers, and so rows, of their own."""
    found: list[Places] = []
    for place, rtype in enumerate(sought.rtypes or sought.all_rtypes):
        order = tuple(key.of(place) if key.indexed else key for key in sought.order)
        # A criterion may lead to resources of all types, and those of another have none of this one's values.
        of_type = on_columns("_type", [Condition("{rtype} = ?", (rtype,), ())])
        criteria = (*sought.criteria, of_type)
        own = replace(sought, rtypes=(rtype,), order=order, criteria=criteria)
        found += _walked(own, planned, after, limit, reach)
    return arranged(found, sought.order, sought.backward)[:limit]


def _present(sought: Sought, planned: Planned, after: Places | None, limit: int, reach: int | None) -> list[Places]:
    """Return places of resources that have a value of the first key."""
    if len(sought.order) == 2:
        return _rows(sought, planned, after, "key" if after is not None else "", limit, reach)
    found: list[Places] = []
    if after is not None:
        found = _run(sought, after[0], after, limit)
    if len(found) >= limit:
        return found
    left = limit - len(found)
    ahead = _rows(sought, planned, after and after[:1], "value" if after is not None else "", left, reach)
    # Of the value that the page ends in there may be more than have been seen.
    last = ahead[-1][0] if len(ahead) == left else None
    found += _in_order(sought, [row[1] for row in ahead if row[0] != last])
    if last is not None:
        found += _run(sought, last, None, limit - len(found))
    return found


def _rows(
    sought: Sought, planned: Planned, after: Places | None, begins: Any, limit: int, reach: int | None
) -> list[Places]:
    """Return value and rid of resources in the order of the first key. Raises: _OutOfReach."""
    key = sought.order[0]
    tests = planned.tests
    walk = KeyedWalk(
        sought.read.dialect,
        tuple(criterion.shape for criterion in tests),
        "one" if sought.rtypes else "all",
        key,
        sought.backward,
        begins,
        False,
        sought.certain is not None,
    )
    source: list[Value] = [key.pids[0]] if key.indexed else list(sought.rtypes)
    begun = list(after or ())
    end: list[Any] = []
    if reach is not None:
        end = [value for row in sought.read.rows(reach_text(walk), [*source, *begun, reach]) for value in row]
        walk = replace(walk, until=bool(end))
    values = [*source, *walk_values(tests, key), *(sought.certain or ())]
    parameters = [*bound(values, sought.read.dialect), *begun, *end, limit]
    found = sought.read.rows(walk_keys_text(walk), parameters)
    if end and len(found) < limit:
        raise _OutOfReach(len(found))
    return found


def _run(sought: Sought, value: Any, after: Places | None, limit: int) -> list[Places]:
    """Return places of resources at one value of the first key, or (None) without any."""
    key = sought.order[0]
    at = having(key, value, sought.rtypes)
    if key.indexed and value is not None:
        sought.planner.count_as(at, rows_at(key, value))
    rest = replace(sought, criteria=(*sought.criteria, at), order=sought.order[1:])
    return [(value, *row) for row in places(rest, None if after is None else after[1:], limit)]


def _in_order(sought: Sought, rids: Sequence[Any]) -> list[Places]:
    """Return where resources stand, in the order of all keys."""
    if not rids:
        return []
    keys = Keys(sorted(rids))
    these = on_columns("rid", [Condition("{rid} {any}", (keys,), (Scan("{rid} {any}", (keys,)),))], few=len(keys))
    return _sorted_set(replace(sought, certain=None), Planned("set", these, ()), None, len(keys))
