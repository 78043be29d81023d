"""history of a resource, of a type, of everything.

Source: FHIR R4, RESTful API, "history", "Paging".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.primitives import instant_text
from tests.interactions.desk import BASE, Desk, Refused, observation, patient


def lived(desk: Desk) -> dict[int, int]:
    """Store, change, delete and bring back Patient/a; return the instant of each version."""
    instants = {}
    for version, act in enumerate(("PUT", "PUT", "DELETE", "PUT"), 1):
        sent = None if act == "DELETE" else patient("a", multipleBirthInteger=version)
        desk.ask(act, "Patient/a", sent)
        stored = desk.gateway.store.current("Patient", "a")
        assert stored is not None
        instants[version] = stored.last_updated
    return instants


def told(page: Any) -> list[tuple[str, str]]:
    return [(each["request"]["method"], each["response"]["etag"]) for each in page["entry"]]


def link(page: Any, relation: str) -> str | None:
    return next((each["url"] for each in page["link"] if each["relation"] == relation), None)


def walk(desk: Desk, url: str) -> list[Any]:
    pages = [desk.get(url)]
    while (following := link(pages[-1], "next")) is not None:
        pages.append(desk.get(following.removeprefix(BASE)))
    return pages


def test_the_history_of_a_resource_tells_every_version_the_newest_first(desk: Desk) -> None:
    instants = lived(desk)
    versions = {version: desk.get(f"Patient/a/_history/{version}") for version in (1, 2, 4)}
    url = f"{BASE}/Patient/a"
    page = desk.get("Patient/a/_history")
    assert page == {
        "resourceType": "Bundle",
        "id": page["id"],
        "meta": {"lastUpdated": "2027-01-15T08:00:00.000000Z"},
        "type": "history",
        "total": 4,
        "link": [{"relation": "self", "url": f"{url}/_history"}, {"relation": "first", "url": f"{url}/_history"}],
        "entry": [
            {
                "fullUrl": url,
                "resource": versions[4],
                "request": {"method": "PUT", "url": "Patient/a"},
                "response": {"status": "200 OK", "etag": 'W/"4"', "lastModified": instant_text(instants[4])},
            },
            {
                "fullUrl": url,
                "request": {"method": "DELETE", "url": "Patient/a"},
                "response": {"status": "204 No Content", "etag": 'W/"3"', "lastModified": instant_text(instants[3])},
            },
            {
                "fullUrl": url,
                "resource": versions[2],
                "request": {"method": "PUT", "url": "Patient/a"},
                "response": {"status": "200 OK", "etag": 'W/"2"', "lastModified": instant_text(instants[2])},
            },
            {
                "fullUrl": url,
                "resource": versions[1],
                "request": {"method": "POST", "url": "Patient"},
                "response": {"status": "201 Created", "etag": 'W/"1"', "lastModified": instant_text(instants[1])},
            },
        ],
    }


def test_the_history_of_a_type_and_of_everything(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    desk.put(patient("b"))
    assert [each["fullUrl"] for each in desk.get("Patient/_history")["entry"]] == [
        f"{BASE}/Patient/b", f"{BASE}/Patient/a",
    ]  # fmt: skip
    assert [each["fullUrl"] for each in desk.get("_history")["entry"]] == [
        f"{BASE}/Patient/b", f"{BASE}/Observation/o", f"{BASE}/Patient/a",
    ]  # fmt: skip
    assert "total" not in desk.get("_history")
    assert "entry" not in desk.get("Group/_history")


@pytest.mark.parametrize("level", ["Patient/a/_history", "Patient/_history", "_history"])
def test_pages_tell_each_version_once_and_in_order(desk: Desk, level: str) -> None:
    lived(desk)
    pages = walk(desk, f"{level}?_count=3")
    assert [told(page) for page in pages] == [
        [("PUT", 'W/"4"'), ("DELETE", 'W/"3"'), ("PUT", 'W/"2"')],
        [("POST", 'W/"1"')],
    ]
    assert link(pages[1], "self") != link(pages[0], "self")
    assert link(pages[1], "first") == link(pages[0], "self") == f"{BASE}/{level}?_count=3"


def test_a_walk_is_not_disturbed_by_what_is_written_meanwhile(desk: Desk) -> None:
    lived(desk)
    first = desk.get("Patient/_history?_count=2")
    desk.put(patient("b"))
    following = link(first, "next")
    assert following is not None
    assert told(desk.get(following.removeprefix(BASE))) == [("PUT", 'W/"2"'), ("POST", 'W/"1"')]


def test_since_tells_what_was_made_at_or_after_an_instant(desk: Desk) -> None:
    instants = lived(desk)
    page = desk.get(f"Patient/a/_history?_since={instant_text(instants[3])}")
    assert told(page) == [("PUT", 'W/"4"'), ("DELETE", 'W/"3"')]
    assert page["total"] == 2
    assert "entry" not in desk.get("Patient/_history?_since=2100-01-01T00:00:00Z")


def test_since_holds_on_every_page(desk: Desk) -> None:
    instants = lived(desk)
    pages = walk(desk, f"Patient/a/_history?_since={instant_text(instants[2])}&_count=1")
    assert [told(page) for page in pages] == [[("PUT", 'W/"4"')], [("DELETE", 'W/"3"')], [("PUT", 'W/"2"')]]


def test_at_tells_what_was_current_at_some_time_of_it(desk: Desk) -> None:
    instants = lived(desk)
    assert told(desk.get(f"Patient/a/_history?_at={instant_text(instants[2])}")) == [("PUT", 'W/"2"')]
    assert len(told(desk.get("Patient/a/_history?_at=" + instant_text(instants[1])[:4]))) == 4
    assert "entry" not in desk.get("Patient/a/_history?_at=2019")


def test_a_count_of_zero_tells_only_how_many(desk: Desk) -> None:
    lived(desk)
    page = desk.get("Patient/a/_history?_count=0")
    assert page["total"] == 4
    assert "entry" not in page


def test_the_history_of_what_never_was_is_404(desk: Desk) -> None:
    assert desk.refused("GET", "Patient/a/_history") == Refused(404, (("resource-not-found", None),))


def test_all_that_is_wrong_with_the_parameters_is_told_at_once(desk: Desk) -> None:
    url = "Patient/_history?_since=yesterday&_at=x&_count=-1&_sort=name&_list=1&_count=2&_page=x"
    assert desk.refused("GET", url) == Refused(
        400,
        (
            ("parameter-twice", None),
            ("history-parameter-unknown", None),
            ("history-parameter-unknown", None),
            ("not-a-date", None),
            ("not-a-date", None),
            ("search-page-invalid", None),
        ),
    )
    assert desk.refused("GET", "_history?_count=x") == Refused(400, (("count-malformed", None),))


def test_unknown_parameters_are_passed_over_when_lenient_and_missing_from_the_self_link(desk: Desk) -> None:
    desk.put(patient("a"))
    answer = desk.ask("GET", "Patient/_history?_sort=name&_count=5", lenient=True)
    page = decode(answer.body or b"")
    assert link(page, "self") == f"{BASE}/Patient/_history?_count=5"


def test_a_page_token_belongs_to_its_own_question(desk: Desk) -> None:
    lived(desk)
    token = (link(desk.get("Patient/_history?_count=1"), "next") or "").partition("_page=")[2]
    assert desk.ask("GET", f"Patient/_history?_count=1&_page={token}").status == 200
    for url in ("_history", "Patient/a/_history", "Patient/_history?_since=2020-01-01T00:00:00Z"):
        separator = "&" if "?" in url else "?"
        refused = desk.refused("GET", f"{url}{separator}_page={token}")
        assert refused == Refused(400, (("search-page-invalid", None),))
