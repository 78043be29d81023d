"""A page in any order costs the same however many resources there are.

Source: architecture of this project, law 5, "Flat in volume".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.explain import _Noted
from fhir_gateway.store.search.select import find
from tests.store.search.library import Library

SMALL, LARGE = 400, 3200
WALKS = [
    "_sort=date",
    "_sort=-date",
    "_sort=status,-date",
    "_sort=-status,date,code",
    "_sort=code,-value-quantity",
    "_sort=subject,-date",
    "_sort=-value-quantity",
    "_sort=_id",
    "_sort=-_lastUpdated,date",
    "status=final&_sort=-date",
    "status=final&_sort=code,date",
]


def mixed(number: int) -> int:
    return number * 7919 % 10_007


def _put(library: Library, numbers: range) -> None:
    library.put(
        *(
            {
                "resourceType": "Observation",
                "id": f"o{number:05}",
                "status": "final" if number % 10 else "amended",
                "code": {"coding": [{"code": f"c{number % 9}"}]},
                "subject": {"reference": f"Patient/p{number // 8:04}"},
                # Dates that have nothing to do with the rest.
                "effectiveDateTime": f"{2000 + mixed(number) // 12}-{1 + mixed(number) % 12:02}-01",
                "valueQuantity": {"value": number % 97, "unit": "mg"},
            }
            for number in numbers
        )
    )


@pytest.fixture(scope="module")
def costs(library: Library, walking: None) -> tuple[dict[str, int], dict[str, int]]:
    """What each walk costs in a small store, and in the same when it is large."""
    for start in range(0, SMALL, 20):
        _put(library, range(start, start + 20))
    small = {text: cost(library, text) for text in WALKS}
    for start in range(SMALL, LARGE, 20):
        _put(library, range(start, start + 20))
    return small, {text: cost(library, text) for text in WALKS}


@pytest.fixture(scope="module")
def walking() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # As much smaller as these stores are: else all there is would be gathered.
        patch.setattr(plan, "FEW", 20)
        patch.setattr(plan, "REACH", 150)
        patch.setattr(plan, "MANY", 250)
        yield


def cost(library: Library, text: str) -> int:
    """Return steps of SQLite's machine, or pages that PostgreSQL touches, for the first page of twenty."""
    query = library.query("Observation", f"{text}&_count=20")
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def ask(tx: Any) -> int:
        if tx.dialect == "sqlite":
            tx._connection.set_progress_handler(step, 20)
            find(tx, query)
            tx._connection.set_progress_handler(None, 0)
            return steps
        noted: Any = _Noted(tx)
        find(noted, query)
        return sum(_pages(tx, statement, values) for statement, values, _, _ in noted.statements)

    found: int = library.read(ask)
    return found


def _pages(tx: Any, statement: str, values: Any) -> int:
    shown = tx.rows(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)[0][0]
    plan_ = (json.loads(shown) if isinstance(shown, str | bytes) else shown)[0]["Plan"]
    return int(plan_["Shared Hit Blocks"] + plan_["Shared Read Blocks"])


@pytest.mark.parametrize("text", WALKS)
def test_the_first_page_of_an_order_costs_the_same_at_eight_times_the_size(
    costs: tuple[dict[str, int], dict[str, int]], text: str
) -> None:
    small, large = costs
    assert large[text] <= 2 * small[text] + 40, (small[text], large[text])
