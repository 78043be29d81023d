"""Any search finds the same resources in the same order as the reference, on both engines, and page by page too.

Source: FHIR R4, Search; RESTful API, "Paging". 40 searches an engine with a fixed seed; in `make conformance` 200, with
FULL=1 2,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any
from urllib.parse import parse_qsl

import hypothesis
import pytest
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from tests.search.conftest import each_engine
from tests.search.edge_cases import BASE
from tests.search.filled import Filled, found_by
from tests.search.generated import Pool
from tests.search.matching import Impossible
from tests.seeded import seeded

pytestmark = pytest.mark.conformance
SEARCHES = {"sample": 40, "tenth": 200, "full": 2_000}[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
PAGES = 6  # a walk of more would repeat itself


@pytest.mark.parametrize("house", each_engine(), indirect=True)
def test_generated_searches_find_what_the_reference_finds(
    house: Filled, record_property: Callable[[str, object], None]
) -> None:
    pool = Pool(house.reference)
    kinds: Counter[str] = Counter()

    @seeded(SEARCHES)
    @hypothesis.given(data=st.data())
    def ask(data: Any) -> None:
        url = pool.url(data.draw)
        hypothesis.note(url)
        try:
            expected = house.reference.answer(url)
        except Impossible:
            kinds["refused"] += 1
            with pytest.raises(InvalidRequest):
                found_by(house.desk, url)
            return
        count = max(data.draw(st.integers(1, 20)), ceil(expected.total / PAGES))
        hypothesis.note(f"_count={count}")
        kinds["none" if expected.total == 0 else "some"] += 1
        page = found_by(house.desk, f"{url}&_count={count}")
        if ("_total", "accurate") in parse_qsl(url.partition("?")[2]):
            assert page.total == expected.total
        found = list(page.matches)
        while page.next is not None:
            page = found_by(house.desk, page.next.removeprefix(BASE))
            found += page.matches
        assert found == expected.matches

    ask()
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    record_property("score", f"generated searches: {sum(kinds.values())} ({told})")
    assert kinds["some"] > sum(kinds.values()) / 5  # searches that find nothing would prove little
