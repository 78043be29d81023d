"""Pages: complete, without repetition, and named by tokens that cannot be forged.

Source: FHIR R4, RESTful API, "Paging"; Search, "_count", "_sort", "_total", "_summary".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.search.paging import links, resume, sign, verify
from fhir_gateway.store.search.query import PAGE, Position, SearchQuery, parse
from fhir_gateway.store.search.select import Page, find
from tests.store.search.library import Library, named, registry

KEY = b"k" * 32
ORGANIZATIONS = [f"o{number}" for number in range(7)]
NEWEST_FIRST = ORGANIZATIONS[::-1]


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(*named("Organization", ORGANIZATIONS[:4], name="here", active=True))
    library.put(*named("Organization", ORGANIZATIONS[4:], name="here", active=True))


def walk(library: Library, type: str | None, text: str, relation: str = "next") -> Iterator[tuple[SearchQuery, Page]]:
    """Follow the links of one relation, from the first page on or (given a page's parameters) from there."""
    parameters = parse_qsl(text)
    while parameters:
        query = resume(parse(type, parameters, library.registry, strict=True), KEY)
        with library.store.read() as tx:
            page = find(tx, query)
        yield query, page
        parameters = links(query, page, KEY).get(relation, [])  # type: ignore[call-overload]


def ids(page: Page) -> list[str]:
    return [version.id for version in page.matches]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("name=here", NEWEST_FIRST),  # a string, gathered
        ("active=true", NEWEST_FIRST),  # a token, streamed
        ("_lastUpdated=gt2000", NEWEST_FIRST),
        ("active:not=false", NEWEST_FIRST),  # walked
        ("name=here&active=true&_sort=_lastUpdated", ORGANIZATIONS),
        ("_sort=-_lastUpdated", NEWEST_FIRST),
        ("_sort=_id", ORGANIZATIONS),
        ("_sort=-_id&active=true", NEWEST_FIRST),
        ("_sort=_lastUpdated,-_id", [*ORGANIZATIONS[3::-1], *ORGANIZATIONS[:3:-1]]),
        ("_sort=-_lastUpdated,_id&name=here", [*ORGANIZATIONS[4:], *ORGANIZATIONS[:4]]),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_pages_hold_every_match_once_in_order(library: Library, query: str, order: list[str], count: int) -> None:
    pages = [page for _, page in walk(library, "Organization", f"{query}&_count={count}")]
    assert [id for page in pages for id in ids(page)] == order
    assert [len(page.matches) for page in pages[:-1]] == [count] * (len(pages) - 1)
    assert all(page.matches for page in pages)


@pytest.mark.parametrize("query", ["active=true", "_sort=_lastUpdated,-_id", "name=here"])
def test_previous_pages_are_those_one_came_by(library: Library, query: str) -> None:
    forward = list(walk(library, "Organization", f"{query}&_count=3"))
    last_query, last_page = forward[-1]
    back = links(last_query, last_page, KEY)["previous"]
    text = "&".join(f"{name}={value}" for name, value in back)
    backward = [ids(page) for _, page in walk(library, "Organization", text, "previous")]
    assert backward == [ids(page) for _, page in forward[-2::-1]]
    first_again = list(walk(library, "Organization", text, "previous"))[-1]
    assert "previous" not in links(*first_again, KEY)
    assert "next" in links(*first_again, KEY)


def test_a_walk_neither_repeats_nor_loses_what_was_there_throughout(library: Library) -> None:
    library.put(*named("Location", [f"l{number}" for number in range(6)], name="x"))
    seen: list[str] = []
    for step, (_, page) in enumerate(walk(library, "Location", "name=x&_count=2")):
        seen += ids(page)
        library.put(*named("Location", [f"new{step}"], name="x"))
        library.put(*named("Location", ["l1", "l5"], name="x", description=f"changed {step}"))
        if step == 0:
            library.delete("Location", "l2")
    assert seen == ["l5", "l4", "l3", "l1", "l0"]


def test_going_back_ends_at_the_first_page_although_newer_resources_came(library: Library) -> None:
    library.put(*named("Device", ["d1", "d2", "d3"]))
    first, second = list(walk(library, "Device", "_count=2"))
    library.put(*named("Device", ["d4", "d5"]))
    text = "&".join(f"{name}={value}" for name, value in links(*second, KEY)["previous"])
    back = list(walk(library, "Device", text, "previous"))
    assert [ids(page) for _, page in back] == [ids(first[1])]


def test_the_links_of_a_page_say_what_was_done(library: Library) -> None:
    parameters = parse_qsl("active=true&_count=3&_format=json&colour=red")
    query = parse("Organization", parameters, library.registry)
    page = library.read(lambda tx: find(tx, query))
    done = [("active", "true"), ("_count", "3")]
    found = links(query, page, KEY)
    assert page.next is not None
    token = sign(page.next, query, KEY)
    assert found == {"self": done, "first": done, "next": [*done, (PAGE, token)]}
    assert [issue.complaint.detail for issue in query.unknown] == ["search-parameter-unknown"]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("active=true&_count=3", None),
        ("active=true&_count=7", 7),  # all on one page: known for nothing
        ("active=true&_count=3&_total=accurate", 7),
        ("active=true&_count=3&_total=estimate", 7),
        ("_count=3&_total=accurate", 7),
        ("name=here&active=true&_count=3&_total=accurate", 7),
        ("active:not=false&_count=3&_total=accurate", 7),
        ("active:not=true&_total=accurate", 0),
        ("_lastUpdated=gt2000&_count=1&_sort=_id&_total=accurate", 7),
        ("name=nowhere", 0),
        ("_summary=count", 7),
        ("_count=0", 7),
        ("_summary=count&name=nowhere", 0),
        ("_summary=count&_total=none&active=true", 7),
    ],
)
def test_a_total_is_given_when_asked_for_or_known(library: Library, query: str, total: int | None) -> None:
    page = library.page("Organization", query)
    assert page.total == total
    if "_summary=count" in query or "_count=0" in query:
        assert (page.matches, page.next) == ([], None)


def test_a_later_page_has_the_total_of_the_whole_search(library: Library) -> None:
    totals = [page.total for _, page in walk(library, "Organization", "active=true&_count=3&_total=accurate")]
    assert totals == [7, 7, 7]


def question(text: str, type: str = "Patient") -> SearchQuery:
    return parse(type, parse_qsl(text), registry(), strict=True)


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62), st.booleans(), st.binary(min_size=16, max_size=64))
def test_a_token_leads_back_to_its_position(last: int, first: int, backward: bool, key: bytes) -> None:
    query, position = question("name=a"), Position((last,), (first,), backward)
    token = sign(position, query, key)
    assert verify(token, query, key) == position
    assert resume(replace(query, page=token), key).after == position


def test_a_token_serves_the_same_search_however_it_is_written() -> None:
    position = Position((1,), (2,))
    token = sign(position, question("name=a&gender=male"), KEY)
    assert verify(token, question("gender=male&name=a&_count=3&_include:iterate=Patient:link"), KEY) == position


@given(st.data())
def test_a_token_changed_in_one_character_is_refused(data: st.DataObject) -> None:
    query = question("name=a")
    token = sign(Position((5,), (9,)), query, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = data.draw(st.sampled_from(letters).filter(lambda letter: letter != token[place]))
    forged = token[:place] + other + token[place + 1 :]
    with pytest.raises(InvalidRequest):
        verify(forged, query, KEY)


@pytest.mark.parametrize(
    ("token", "query", "key"),
    [
        (sign(Position((5,), (9,)), question("name=a"), KEY), "name=b", KEY),
        (sign(Position((5,), (9,)), question("name=a"), KEY), "name=a&_sort=_id", KEY),
        (sign(Position((5,), (9,)), question("name=a"), KEY), "name=a", b"another key"),
        (sign(Position((5,), (9,)), question("name=a", "Practitioner"), KEY), "name=a", KEY),
        ("", "name=a", KEY),
        ("no token", "name=a", KEY),
        ("é", "name=a", KEY),
        ("AAAA", "name=a", KEY),
    ],
)
def test_a_token_of_another_search_or_server_is_refused(token: str, query: str, key: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        verify(token, question(query), key)
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["search-page-invalid"]
