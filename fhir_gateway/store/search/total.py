"""How many resources match in all: counted, or estimated.

An estimate is exact up to EXACT matches' worth of rows. Above that it is made from a sample: of the rows of the
criterion that leads, those whose rid leaves no remainder by a prime, of which each is tested; what passes, times the
prime, is the estimate. About SAMPLE rows are tested whatever there are; rows that are only passed over cost a tenth of
a microsecond each.

Source: FHIR R4, Search, "_total": "estimate: a rough estimate of the number of matching resources is sufficient";
"accurate: … a precise count".
"""

from __future__ import annotations

from itertools import chain
from typing import Literal

from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.condition import Value
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
    planned = planner.gathered(query.criteria) or Planned("walk", None, query.criteria)
    rtypes = [query.registry.rtypes[type] for type in query.types]
    select = Select(
        read.dialect,
        planned.plan,
        None if planned.driver is None else planned.driver.shape,
        tuple(criterion.shape for criterion in planned.tests),
        ("all", "one", "many")[min(len(rtypes), 2)],
        True,
        False,
        False,
        certain is not None,
        "count",
    )
    source = list(source_values(planned, rtypes))
    tests: list[Value] = [*chain.from_iterable(criterion.test_values for criterion in planned.tests), *(certain or ())]
    prime = None if how == "accurate" else _prime(read, select, source, planned, has_tests=bool(tests))
    if prime is None:
        counted: int = read.rows(text_of(select), bound([*source, *tests], read.dialect))[0][0]
        return counted
    sampled: int = read.rows(population_text(select, sampled=True), bound([*source, prime, *tests], read.dialect))[0][0]
    return sampled * prime


def _prime(read: Read, select: Select, source: list[Value], planned: Planned, has_tests: bool) -> int | None:
    """Return the prime that leaves about SAMPLE rows to be tested; None when all of them may be."""
    if not has_tests or (planned.counts and min(count for _, count in planned.counts) <= EXACT):
        return None
    rows: int = read.rows(population_text(select, sampled=False), bound(source, read.dialect))[0][0]
    if rows <= EXACT:
        return None
    return next((prime for prime in _PRIMES if rows <= prime * SAMPLE), _PRIMES[-1])
