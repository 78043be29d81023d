"""How many resources match in all: counted, or estimated.

An estimate is exact up to EXACT matches' worth of rows. Above that it is made from a sample: of the rows of the
criterion that leads, those whose rid leaves no remainder by a prime, of which each is tested; what passes, times the
prime, is the estimate. About SAMPLE rows are tested whatever there are; rows that are only passed over cost a tenth of
a microsecond each.

Source: FHIR R4, Search, "_total": "estimate: a rough estimate of the number of matching resources is sufficient";
"accurate: … a precise count".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.condition import Value
from fhir_gateway.store.search.narrowing import access_in
from fhir_gateway.store.search.ordered import Certain, source_values
from fhir_gateway.store.search.plan import Planned, Planner
from fhir_gateway.store.search.query import SearchQuery
from fhir_gateway.store.search.statement import Select, bound, population_text, text_of

EXACT = 10_000  # rows of the criterion that leads which are all tested
SAMPLE = 1_000  # rows that are tested of more

# Rids of one commit follow each other, and each commit's begin at a multiple of 4096: a prime knows nothing of either.
_PRIMES = (11, 23, 47, 97, 197, 397, 797, 1_597, 3_203, 6_421, 12_853, 25_717, 51_437, 102_877)


def total_of(
    read: Read, query: SearchQuery, planner: Planner, certain: Certain, how: Literal["estimate", "accurate"]
) -> int:
    """Return the number of matches. Raises: TooCostly beyond the time limit of `read`."""
    counting = _Counting(read, query, certain)
    seen = access_in(query.criteria)
    if how == "accurate" and certain is None and (counted := planner.seen_at_once(query.criteria)) is not None:
        return counted
    if seen is None:
        planned = planner.gathered(query.criteria) or Planned("walk", None, query.criteria)
    else:
        planned = planner.gathered_within(query.criteria)
    if how == "accurate":
        return counting.exact(planned)
    if seen is None:
        estimate = counting.estimate(planned)
        return counting.exact(planned) if estimate is None else estimate
    # How good it is must not tell of what is hidden: the sample is one of what may be seen.
    estimate = counting.estimate(replace(planned, plan="set", driver=seen, tests=query.asked, gathers=None))
    return counting.exact(planned) if estimate is None or estimate <= EXACT else estimate


@dataclass(frozen=True, slots=True)
class _Counting:
    """The matches of a search, counted."""

    read: Read
    query: SearchQuery
    certain: Certain

    def exact(self, planned: Planned) -> int:
        values = [*self._source(planned), *self._tests(planned)]
        counted: int = self.read.rows(text_of(self._select(planned)), bound(values, self.read.dialect))[0][0]
        return counted

    def estimate(self, planned: Planned) -> int | None:
        """Return an estimate from a sample; None when all rows may be tested."""
        tests = self._tests(planned)
        if not tests or (planned.counts and min(count for _, count in planned.counts) <= EXACT):
            return None
        source, select, dialect = self._source(planned), self._select(planned), self.read.dialect
        rows: int = self.read.rows(population_text(select, sampled=False), bound(source, dialect))[0][0]
        if rows <= EXACT:
            return None
        prime = next((prime for prime in _PRIMES if rows <= prime * SAMPLE), _PRIMES[-1])
        values = bound([*source, prime, *tests], dialect)
        sampled: int = self.read.rows(population_text(select, sampled=True), values)[0][0]
        return sampled * prime

    def _select(self, planned: Planned) -> Select:
        return Select(
            self.read.dialect,
            planned.plan,
            None if planned.source is None else planned.source.shape,
            tuple(criterion.shape for criterion in planned.tests),
            ("all", "one", "many")[min(len(self.query.types), 2)],
            True,
            False,
            False,
            self.certain is not None,
            "count",
        )

    def _source(self, planned: Planned) -> Sequence[Value]:
        return source_values(planned, [self.query.registry.rtypes[type] for type in self.query.types])

    def _tests(self, planned: Planned) -> list[Value]:
        return [*chain.from_iterable(each.test_values for each in planned.tests), *(self.certain or ())]
