"""How a search is run: which criterion leads, and what is done when that turns out badly.

Which criterion leads is decided by counts of rows, up to FEW. Where one has no more, these are gathered, tested and
sorted. Where all have more, resources are walked in the order asked for and tested: the more of them match, the sooner
a page is full. Whether they do cannot be known beforehand, since criteria depend on each other and on the order. So a
walk goes past REACH rows first. If the page is not full by then, rows are counted up to MANY; a criterion with no more
is gathered after all, and where criteria only exclude, so is what they leave. What remains is walked to its end.

Measured at 110,620 resources, warm, µs a row, SQLite and PostgreSQL: to gather and sort by a date 0.8 and 4.5, by a
token 6 and 7.5; to walk past a row with one test 0.5 and 1.3; to count 0.07 and 0.1; to take rids out of all of a type
0.4 and 0.3.

So the dearest page there is costs a walk of REACH and the gathering of MANY rows; but for criteria that all have more
than MANY rows and hardly ever hold together in this order, which are walked to the end, or to the time limit.

Source: FHIR R4, Search; figures: `tests/benchmarks/README.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.search.criterion import Criterion, on_set
from fhir_gateway.store.search.narrowing import access_in, seen_counts_text, seen_of
from fhir_gateway.store.search.statement import (
    Plan,
    bound,
    counted_apart,
    counts_text,
    narrowed_counts_text,
    set_text,
)

FEW = 1000  # rows of a criterion that are gathered and sorted rather than walked
REACH = 2000  # rows that a walk goes past at first
MANY = 20_000  # rows of a criterion that are gathered when a walk has led nowhere
NEAR = 250  # rows that a walk within a narrowing goes past before anything is counted
_MOST = 10 * MANY  # rows counted to tell whether what may be seen or what is asked for is less
MERGED = 2000  # rows that are taken of all keys together, a page of each


@dataclass(frozen=True, slots=True)
class Planned:
    """How a search is run: the plan, the criterion that leads it, and those that are tested.

    `counts`: of each criterion that could have led, its rows, up to one more than `bound`. `tried`: a walk that may
    turn out badly, so that it goes past REACH rows only (`Planner.instead`). `gathers`: what the driver leads to that
    may be seen, where that is gathered at once; who has access is none of the tests then.
    """

    plan: Plan
    driver: Criterion | None
    tests: tuple[Criterion, ...]
    counts: tuple[tuple[str, int], ...] = ()
    bound: int = 0
    tried: bool = False
    gathers: Criterion | None = None

    @property
    def source(self) -> Criterion | None:
        """What statements read from."""
        return self.driver if self.gathers is None else self.gathers


class Planner:
    """Plans for the searches that one page comes to; counts what it has not counted yet."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._counted: dict[tuple[int, int], int] = {}
        self._counted_as: dict[int, Criterion] = {}
        self._criteria: list[Criterion] = []  # kept, so that no two of them have the same identity

    def plan(self, criteria: tuple[Criterion, ...], by_rid: bool) -> Planned | None:
        """Return how the resources that meet all criteria are found; None when one of these has no rows at all.

        by_rid: in the order of rid, in which some criteria's rows come by themselves.
        """
        if by_rid and len(criteria) == 1 and criteria[0].shape.streams and criteria[0].drives:
            return Planned("stream", criteria[0], ())
        leading = _leading(criteria)
        if not leading:
            return Planned("walk", None, criteria, tried=bool(criteria))
        rows = self.counts(leading, FEW)
        if 0 in rows:
            return None
        if min(rows) <= FEW:
            return self._led(criteria, leading, rows, FEW, by_rid)
        return replace(self._walk(criteria, leading, rows, FEW, by_rid), tried=True)

    def at_first(self, criteria: tuple[Criterion, ...]) -> Planned | None:
        """Return how a page is found in the order of rid before anything is counted, where one criterion's rows come in
        that order and the other is who has access: mostly it is soon full. None for all other searches.
        """
        if len(criteria) != 2 or not criteria[0].shape.ordered or criteria[1].shape.table != "i_access":
            return None
        return Planned("stream", criteria[0], criteria[1:]) if criteria[0].drives else None

    def instead(self, criteria: tuple[Criterion, ...], by_rid: bool, rtypes: Sequence[int]) -> Planned:
        """Return what is done when a walk has gone past REACH rows and the page is not full.

        rtypes: numbers of the types searched, empty for all.
        """
        leading = _leading(criteria)
        if not leading:
            excluding = next((each for each in criteria if each.shape.negated and each.shape.scans), None)
            if excluding is None:
                return Planned("walk", None, criteria)
            return self._set(all_but(excluding, rtypes), _but(criteria, excluding))
        if (few := self.few_within(criteria)) is not None:
            return few
        rows = self.counts(leading, MANY)
        walk = self._walk(criteria, leading, rows, MANY, by_rid)
        fewest = self._led(criteria, leading, rows, MANY, by_rid=False)
        # To gather what is streamed already would be the same rows again.
        return walk if min(rows) > MANY or walk.driver is fewest.driver else fewest

    def few_within(self, criteria: tuple[Criterion, ...]) -> Planned | None:
        """Return the set of a criterion beside the one of who has access, if one of them has but some thousand rows: to
        keep of these what may be seen costs less than to find out more.
        """
        access = access_in(criteria)
        asked = [criterion for criterion in _leading(criteria) if criterion is not access]
        if access is None or not asked:
            return None
        rows = self.counts(asked, 4 * FEW)
        return self._led(criteria, asked, rows, 4 * FEW, by_rid=False) if min(rows) <= 4 * FEW else None

    def _walk(
        self, criteria: tuple[Criterion, ...], leading: Sequence[Criterion], rows: list[int], limit: int, by_rid: bool
    ) -> Planned:
        streams = [place for place, criterion in enumerate(leading) if criterion.shape.streams] if by_rid else []
        if not streams:
            return Planned("walk", None, criteria, _named(leading, rows), limit)
        driver = leading[min(streams, key=rows.__getitem__)]
        return Planned("stream", driver, _but(criteria, driver), _named(leading, rows), limit)

    def gathered(self, criteria: tuple[Criterion, ...]) -> Planned | None:
        """Return the set of the criterion with the fewest rows, to be counted whole; None when none leads."""
        leading = _leading(criteria)
        if not leading:
            return None
        return self._led(criteria, leading, self.counts(leading, MANY), MANY, by_rid=False)

    def seen_at_once(self, criteria: tuple[Criterion, ...]) -> int | None:
        """Return how many resources meet a criterion and may be seen, in one statement; None where there is more to
        ask, or more than some thousand rows to look at.
        """
        access, dialect = access_in(criteria), self._read.dialect
        asked = [criterion for criterion in criteria if criterion is not access]
        if access is None or len(asked) != 1 or not asked[0].drives or asked[0].shape.inner:
            return None
        values = access.scan_values if dialect == "postgresql" else access.test_values
        text = seen_counts_text(asked[0].shape, access.shape, 4 * FEW + 1, dialect)
        there, seen = self._read.rows(text, bound([*asked[0].scan_values, *values], dialect))[0]
        return seen if there <= 4 * FEW else None

    def gathered_within(self, criteria: tuple[Criterion, ...]) -> Planned:
        """Return the same where the last criterion is who has access, and count no more than there is to gather."""
        *asked, access = leading = _leading(criteria)
        if not asked:
            return Planned("set", access, _but(criteria, access))
        for limit, of_access in ((4 * FEW, FEW), (MANY, MANY), (_MOST, _MOST)):
            rows = self.counts(asked, limit)
            if min(rows) <= FEW:
                return self._led(criteria, asked, rows, limit, by_rid=False)
            (seen,) = self.counts([access], of_access)
            if min(rows) <= limit or seen <= of_access:
                break
        rows.append(seen if seen <= of_access else limit + 1)
        return self._led(criteria, leading, rows, limit, by_rid=False)

    def count_as(self, criterion: Criterion, rows: Criterion) -> None:
        """Have a criterion counted by the rows of another, which are cheaper to find and hold all of its own."""
        self._criteria += (criterion, rows)
        self._counted_as[id(criterion)] = rows

    def note(self, criterion: Criterion, limit: int) -> None:
        """Have it known that a criterion has more than `limit` rows."""
        self._criteria.append(criterion)
        self._counted[id(criterion), limit] = limit + 1

    def inner(self, criterion: Criterion, limit: int) -> list[int]:
        """Return how many rows each of those has that a criterion gathers first, up to one more than `limit`."""
        text = counts_text(criterion.shape.inner, limit + 1, self._read.dialect)
        return list(self._read.rows(text, bound(criterion.inner_values, self._read.dialect))[0])

    def counts(self, criteria: Sequence[Criterion], limit: int) -> list[int]:
        """Return how many rows each criterion leads to, up to one more than `limit`, in one statement."""
        unknown = [each for each in criteria if each.few is None and (id(each), limit) not in self._counted]
        if unknown:
            rows = [self._counted_as.get(id(each), each) for each in unknown]
            shapes = tuple(each.shape for each in rows)
            apart = [each for each in rows if counted_apart(each.shape)]
            written = narrowed_counts_text if apart else counts_text
            text = written(shapes, limit + 1, self._read.dialect)
            values: list[Value] = list(chain.from_iterable(each.scan_values for each in apart))
            for each in rows:
                values += each.inner_values if counted_apart(each.shape) else each.count_values
            found = self._read.rows(text, bound(values, self._read.dialect))[0]
            self._criteria += unknown
            self._counted.update({(id(each), limit): count for each, count in zip(unknown, found, strict=True)})
        return [self._counted[id(each), limit] if each.few is None else each.few for each in criteria]

    def _led(
        self, criteria: tuple[Criterion, ...], leading: Sequence[Criterion], rows: list[int], limit: int, by_rid: bool
    ) -> Planned:
        driver = leading[min(range(len(leading)), key=rows.__getitem__)]
        tests, counts = _but(criteria, driver), _named(leading, rows)
        if driver.shape.streams and by_rid:
            return Planned("stream", driver, tests, counts, limit)
        return self._set(driver, tests, counts, limit)

    def _set(
        self, driver: Criterion, tests: tuple[Criterion, ...], counts: tuple[tuple[str, int], ...] = (), limit: int = 0
    ) -> Planned:
        access = access_in(tests)
        rows = self._counted_as.get(id(driver), driver)
        gathers = None if access is None else seen_of(rows, access, self._read.dialect)
        if gathers is not None:
            tests = tuple(test for test in tests if test is not access)
        if gathers is not None and rows is not driver:
            tests = (*tests, driver)  # of what may be seen only, since it costs more to test than to gather
        return Planned("set", driver, tests, counts, limit, gathers=gathers)


def all_but(excluding: Criterion, rtypes: Sequence[int]) -> Criterion:
    """Return a criterion that excludes as one that leads to what it leaves of the types (numbers, none for all)."""
    values: tuple[Value, ...] = () if not rtypes else (Keys(sorted(rtypes)),)
    of_types = "r.rtype {any} AND " if rtypes else ""
    text = f"SELECT r.rid FROM resource r WHERE {of_types}r.deleted = 0 EXCEPT {set_text(excluding.shape)}"
    return on_set(excluding.name, text, (*values, *excluding.scan_values), "", ())


def _leading(criteria: Sequence[Criterion]) -> list[Criterion]:
    return [criterion for criterion in criteria if criterion.drives]


def _but(criteria: tuple[Criterion, ...], driver: Criterion) -> tuple[Criterion, ...]:
    return tuple(criterion for criterion in criteria if criterion is not driver)


def _named(criteria: Sequence[Criterion], rows: Sequence[int]) -> tuple[tuple[str, int], ...]:
    return tuple((criterion.name, count) for criterion, count in zip(criteria, rows, strict=True))
