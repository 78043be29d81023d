"""However a search is asked it is the same search: POST _search, inside a batch, inside a transaction; pages lead back.

Every so manyth case of the table is asked each way.

Source: FHIR R4, RESTful API, "search", "batch/transaction", "Paging".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import bundle
from tests.search.conftest import each_engine
from tests.search.edge_cases import BASE
from tests.search.filled import Filled, Found, found_by, found_in
from tests.search.table import Case, cases, not_yet

STEP = 23
PLAIN = [each for each in cases() if not (each.says or each.lenient or each.needs_sample or "_search" in each.url)]
CASES = [each for each in PLAIN[::STEP] if each.id not in not_yet()]
both = pytest.mark.parametrize("house", each_engine(), indirect=True)
some = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def within(house: Filled, type: str, url: str) -> Found:
    """Ask a search inside a Bundle."""
    sent: Any = bundle({"request": {"method": "GET", "url": url}}, type=type)
    (entry,) = decode(house.desk.ask("POST", "", sent).body or b"")["entry"]
    assert entry["response"]["status"].startswith("200")
    return found_in(entry["resource"])


@both
@some
def test_a_search_by_form_is_the_same_search(house: Filled, case: Case) -> None:
    path, _, query = case.url.partition("?")
    asked = decode(house.desk.ask("POST", f"{path}/_search?{query}".removeprefix("/")).body or b"")
    assert found_in(asked) == found_by(house.desk, case.url)


@both
@some
@pytest.mark.parametrize("type", ["batch", "transaction"])
def test_a_search_inside_a_bundle_is_the_same_search(house: Filled, case: Case, type: str) -> None:
    assert within(house, type, case.url) == found_by(house.desk, case.url)


@both
@pytest.mark.parametrize(
    "url",
    [
        "Patient",
        "Patient?_sort=family",
        "Patient?_sort=-birthdate,gender",
        "Observation?code=8302-2",
        "Observation?_sort=-value-quantity,code",
        "Observation?_sort=-_lastUpdated",
        "Observation?status=final&_sort=date,_id",
        "?_type=Patient,Organization&_sort=_id",
        "Patient/index/Observation?_sort=code",
    ],
)
def test_the_previous_links_lead_back_over_the_same_pages(house: Filled, url: str) -> None:
    counted = f"{url}{'&' if '?' in url else '?'}_count=7"
    page = found_by(house.desk, counted)
    there = [page.matches]
    while page.next is not None and len(there) < 8:
        page = found_by(house.desk, page.next.removeprefix(BASE))
        there.append(page.matches)
    assert len(there) > 1
    back = [page.matches]
    while "previous" in page.links:
        page = found_by(house.desk, page.links["previous"].removeprefix(BASE))
        back.append(page.matches)
    assert back[::-1] == there
