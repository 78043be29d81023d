"""Every case of the table is answered on both engines as the reference answers it, or as the table says.

Source: `cases/*.toml` cite the paragraphs of FHIR R4, Search.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

import pytest

from fhir_gateway.fhir.outcome import FhirError
from tests.search.conftest import each_engine
from tests.search.filled import Filled, found_by
from tests.search.reference import Expected, Unknown, asked_by
from tests.search.table import Case, cases, not_yet

CASES = cases()


def test_the_table_has_at_least_four_hundred_cases_each_once() -> None:
    ids = Counter(case.id for case in CASES)
    assert len(CASES) >= 400
    assert [id for id, times in ids.items() if times > 1] == []
    assert set(not_yet()) <= set(ids)


@pytest.mark.parametrize("house", each_engine(), indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_search_finds_what_the_standard_says(house: Filled, case: Case) -> None:
    if case.needs_sample and not house.sampled:
        pytest.skip("needs shared data synthea, which is absent here")
    why = not_yet().get(case.id)
    if why is None:
        check(house, case)
        return
    try:
        check(house, case)
    except (AssertionError, FhirError) as failure:
        pytest.xfail(f"{why}: {type(failure).__name__}")
    pytest.fail("this case passes now: take it off not_yet.toml", pytrace=False)


def check(house: Filled, case: Case) -> None:
    """Ask the gateway a case, and compare."""
    if case.says and case.says[0].isdigit():
        _refused(house, case)
        return
    found = found_by(house.desk, case.url, case.lenient)
    if case.says:
        assert [f"{type}/{id}" for type, id in found.matches] == [each for each in case.says if each != "none"]
        return
    known = _known(house, case.url) if case.lenient else case.url
    expected = house.reference.answer(known)
    assert found.matches == _page_of(expected, known)
    assert found.included == expected.included
    if found.total is not None:
        assert found.total == expected.total
    if "_total=accurate" in case.url or "_summary=count" in case.url or "_count=0" in case.url:
        assert found.total is not None
    assert (found.next is not None) == (expected.total > len(found.matches) > 0)
    if case.lenient:
        (outcome,) = found.outcomes
        assert len(outcome["issue"]) == len(parse_qsl(case.url)) - len(parse_qsl(known))
    asked = parse_qsl(known.partition("?")[2])
    self_link = parse_qsl(found.links["self"].partition("?")[2])
    assert [each[0] for each in self_link] == [each[0] for each in asked]


def _page_of(expected: Expected, url: str) -> list[tuple[str, str]]:
    counted = any(each in (("_summary", "count"), ("_count", "0")) for each in parse_qsl(url.partition("?")[2]))
    return [] if counted else expected.page


def _refused(house: Filled, case: Case) -> None:
    refused = house.desk.refused("GET", case.url, lenient=case.lenient)
    assert refused.status == int(case.says[0])
    assert sorted(detail for detail, _ in refused.issues) == sorted(case.says[1:])


def _known(house: Filled, url: str) -> str:
    """Return a URL without the parameters that the reference does not know."""
    path, _, query = url.partition("?")
    types = asked_by(url).types
    kept = []
    for part in query.split("&"):
        try:
            for type in types:
                house.reference.found(type, *parse_qsl(part, keep_blank_values=True)[0])
        except Unknown:
            if not part.startswith(("_type", "_sort", "_count")):
                continue
        kept.append(part)
    return f"{path}?{'&'.join(kept)}"
