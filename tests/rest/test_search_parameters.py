"""Parameters about the result of a search, through the real door: what is done, what is told, what is refused.

Source: FHIR R4, Search, "Handling Errors", "Search result", "Summary", "Elements", "Paging"; RESTful API, "search",
the general parameters. On each engine, by HTTP; each JSON answer must parse in fhir.resources' R4B classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import xml
from fhir_gateway.fhir.json import decode, encode
from tests.clients.r4b import parse
from tests.served import Served

JSON = "application/fhir+json"
XML = "application/fhir+xml"
LENIENT = {"Prefer": "handling=lenient"}
JSON_BODY = {"Content-Type": JSON, "Accept": JSON}
PEOPLE = 5


class Service:
    """A session whose URLs are relative to the base, and whose JSON answers are all parsed by the witness."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base = base
        self.session = session

    def call(self, method: str, url: str, **options: Any) -> requests.Response:
        address = url if url.startswith("http") else f"{self.base}/{url}"
        answer = self.session.request(method, address, timeout=30, **options)
        if answer.content and answer.headers["Content-Type"].startswith(JSON):
            parse(answer.json())
        return answer


@pytest.fixture(scope="module")
def fhir(served: Served) -> Iterator[Service]:
    """A gateway with five patients born in turn, an observation of the first, and nothing else."""
    with requests.Session() as session:
        service = Service(served.base, session)
        for number in range(PEOPLE):
            patient = {
                "resourceType": "Patient", "id": f"p{number}", "gender": "other", "birthDate": f"199{number}-01-02",
                "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">P</div>'},
                "contact": [{"name": {"family": "Essai"}}],
            }  # fmt: skip
            assert service.call("PUT", f"Patient/p{number}", json=patient, headers=JSON_BODY).status_code == 201
        observation = {
            "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient/p0"}, "valueQuantity": {"value": 1}, "note": [{"text": "n"}],
        }  # fmt: skip
        assert service.call("PUT", "Observation/o", json=observation, headers=JSON_BODY).status_code == 201
        yield service


def links(page: Any) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in page["link"]}


def told(url: str) -> list[tuple[str, str]]:
    """The parameters that a link says."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=bool(urlsplit(url).query))


def content(page: Any) -> dict[str, Any]:
    """A searchset without what differs each time it is made: its id and its instant."""
    return {name: value for name, value in page.items() if name not in ("id", "meta")}


def outcome(page: Any) -> list[Any]:
    """The issues of the outcome entry, none when there is no such entry."""
    found = [each["resource"]["issue"] for each in page.get("entry", []) if each["search"]["mode"] == "outcome"]
    assert len(found) <= 1
    return found[0] if found else []


# --- the self link says what was done

ALL_DONE = [
    "_sort=birthdate",
    "_sort=-_lastUpdated,_id",
    "_count=2",
    "_count=0",
    "_total=accurate",
    "_total=none",
    "_summary=true",
    "_summary=text",
    "_summary=data",
    "_summary=count",
    "_summary=false",
    "_elements=gender,birthDate",
    "_elements=Patient.gender,Observation.status",
    "_include=Patient:organization",
    "_include:iterate=Patient:organization",
    "_revinclude=Observation:subject",
    "_contained=false",
    "_sort=_id&_count=2&_total=accurate&_elements=name&_revinclude=Observation:subject",
]


@pytest.mark.parametrize("query", ALL_DONE)
def test_the_self_link_says_all_that_was_asked_when_all_was_done(fhir: Service, query: str) -> None:
    page = fhir.call("GET", f"Patient?gender=other&{query}").json()
    assert told(links(page)["self"]) == parse_qsl(f"gender=other&{query}")
    assert outcome(page) == []
    again = fhir.call("GET", links(page)["self"]).json()
    assert content(again) == content(page)


@pytest.mark.parametrize(
    ("query", "done"),
    [
        ("colour=blue&gender=other", "gender=other"),
        ("gender=other&_colour=blue&_count=2", "gender=other&_count=2"),
        ("gender=other&_elements=colour,gender", "gender=other&_elements=gender"),
        ("gender=other&_elements=colour", "gender=other"),
        ("gender=other&colour=blue&_elements=colour", "gender=other"),
    ],
)
def test_what_is_not_known_is_refused_by_name_or_passed_over_and_told(fhir: Service, query: str, done: str) -> None:
    for prefer in ({}, {"Prefer": "handling=strict"}):
        refused = fhir.call("GET", f"Patient?{query}", headers=prefer)
        assert refused.status_code == 400
        unknown = [issue["diagnostics"] for issue in refused.json()["issue"]]
        assert all("colour" in text for text in unknown)
    answer = fhir.call("GET", f"Patient?{query}", headers=LENIENT)
    assert answer.status_code == 200
    page = answer.json()
    for url in links(page).values():
        assert [pair for pair in told(url) if pair[0] != "_page"] == parse_qsl(done)
    assert [(issue["severity"], issue["diagnostics"]) for issue in outcome(page)] == [
        ("warning", text) for text in unknown
    ]
    matches = [each for each in page["entry"] if each["search"]["mode"] == "match"]
    assert matches == fhir.call("GET", f"Patient?{done}").json()["entry"]


@pytest.mark.parametrize(
    "query",
    [
        "_summary=maybe", "_count=-1", "_count=two", "_total=exact", "_count=1&_count=2", "_include=Patient",
        "_elements=gender&_elements=name", "_summary=true&_elements=gender", "_summary:x=true", "_elements=",
        "_summary=text&_revinclude=Observation:subject", "name:sounds=ada",
    ],
)  # fmt: skip
def test_a_value_that_is_not_possible_is_refused_even_when_lenient(fhir: Service, query: str) -> None:
    answer = fhir.call("GET", f"Patient?{query}", headers=LENIENT)
    assert answer.status_code == 400
    name = query.partition("=")[0].partition(":")[0]
    assert all(name in issue["diagnostics"] for issue in answer.json()["issue"])


def test_a_count_above_the_maximum_is_answered_with_the_maximum_and_told(fhir: Service) -> None:
    page = fhir.call("GET", "Patient?_count=100000").json()
    assert told(links(page)["self"]) == told(links(page)["first"]) == [("_count", "1000")]
    assert len(page["entry"]) == PEOPLE
    history = fhir.call("GET", "Patient/_history?_count=100000").json()
    assert told(links(history)["self"]) == [("_count", "1000")]


def test_parameters_come_back_with_their_characters(fhir: Service) -> None:
    asked = [("identifier", "http://example.org/a b|é&=+%"), ("name", r"a\,b,c")]
    page = fhir.call("GET", "Patient", params=asked).json()
    assert told(links(page)["self"]) == asked
    assert page["total"] == 0


# --- other doors to the same search


@pytest.mark.parametrize("query", [*ALL_DONE, "colour=blue&_elements=gender,size&_count=100000"])
def test_a_search_by_form_is_the_same_search(fhir: Service, query: str) -> None:
    by_get = fhir.call("GET", f"Patient?gender=other&{query}", headers=LENIENT).json()
    by_form = fhir.call("POST", "Patient/_search", data=parse_qsl(f"gender=other&{query}"), headers=LENIENT).json()
    by_both = fhir.call("POST", "Patient/_search?gender=other", data=parse_qsl(query), headers=LENIENT).json()
    assert content(by_form) == content(by_both) == content(by_get)


def test_head_is_get_without_its_body(fhir: Service) -> None:
    for url in ("Patient?_summary=true", "Patient/p0?_elements=gender", "Patient/p0/_history?_summary=data"):
        head, get = (fhir.call(method, url, headers={"Accept-Encoding": "identity"}) for method in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag", "Last-Modified"):
            assert head.headers.get(name) == get.headers.get(name)
    assert fhir.call("HEAD", "Patient?colour=blue").status_code == 400


@pytest.mark.parametrize("type", ["batch", "transaction"])
def test_inside_a_bundle_a_search_is_the_same(fhir: Service, type: str) -> None:
    asked = [f"Patient?gender=other&{query}" for query in ALL_DONE]
    asked += ["Patient?colour=blue&_elements=gender,size", "Patient?_count=100000&_format=xml"]
    bundle = {
        "resourceType": "Bundle", "type": type,
        "entry": [{"request": {"method": "GET", "url": url}} for url in asked],
    }  # fmt: skip
    answer = fhir.call("POST", "", json=bundle, headers=JSON_BODY | LENIENT)
    assert answer.status_code == 200
    for url, entry in zip(asked, answer.json()["entry"], strict=True):
        alone = fhir.call("GET", url.removesuffix("&_format=xml"), headers=LENIENT)
        assert content(entry["resource"]) == content(alone.json()), url


def test_inside_a_transaction_an_unknown_parameter_refuses_the_whole(fhir: Service) -> None:
    bundle: dict[str, Any] = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "GET", "url": "Patient?colour=blue"}}],
    }  # fmt: skip
    refused = fhir.call("POST", "", json=bundle, headers=JSON_BODY)
    assert refused.status_code == 400
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[0].request.url"]
    bundle["type"] = "batch"
    (entry,) = fhir.call("POST", "", json=bundle, headers=JSON_BODY).json()["entry"]
    assert entry["response"]["status"].startswith("400")


# --- the representation


@pytest.mark.parametrize("query", ["_format=xml&_pretty=true", "_format=application/fhir%2Bxml"])
def test_links_lead_to_the_representation_that_the_url_asked_for(fhir: Service, query: str) -> None:
    own = parse_qsl(query)
    for url, count in (("Patient?_count=2", PEOPLE), ("Patient/_history?_count=2", PEOPLE)):
        seen, link, read = 0, f"{url}&{query}", set()
        while link:
            answer = fhir.call("GET", link)
            assert answer.headers["Content-Type"].startswith(XML)
            page = xml.from_xml(answer.content, definitions().types)
            assert all(told(each)[-len(own) :] == own for each in links(page).values())
            read |= {each["resource"]["id"] for each in page["entry"]}
            seen, link = seen + 1, links(page).get("next", "")
        assert (len(read), seen) == (count, 3)
    form = fhir.call("POST", "Patient/_search", data=[("_count", "2"), *own])
    assert told(links(xml.from_xml(form.content, definitions().types))["next"])[-len(own) :] == own


def test_links_leave_the_representation_to_the_header_that_asked_for_it(fhir: Service) -> None:
    answer = fhir.call("GET", "Patient?_count=2", headers={"Accept": XML})
    page = xml.from_xml(answer.content, definitions().types)
    assert {name for url in links(page).values() for name, _ in told(url)} == {"_count", "_page"}


@pytest.mark.parametrize(
    "url",
    [
        "Patient?_summary=true", "Patient?_summary=text", "Patient?_elements=contact.name", "Patient/p0?_summary=data",
        "Patient/p0/_history/1?_elements=gender", "_history?_summary=true", "Observation?_elements=value.value",
    ],
)  # fmt: skip
def test_a_part_is_the_same_in_xml(fhir: Service, url: str) -> None:
    in_json = fhir.call("GET", url, headers={"Accept": JSON})
    in_xml = fhir.call("GET", url, headers={"Accept": XML})
    read = decode(encode(xml.from_xml(in_xml.content, definitions().types)))
    expected = decode(in_json.content)
    assert (content(read) if "entry" in read else read) == (content(expected) if "entry" in read else expected)
    assert b"SUBSETTED" in in_xml.content


# --- parts of one resource


def test_a_part_is_read_under_the_headers_of_its_version(fhir: Service) -> None:
    whole = fhir.call("GET", "Patient/p0")
    part = fhir.call("GET", "Patient/p0?_elements=gender")
    assert set(part.json()) == {"resourceType", "id", "meta", "gender"}
    for name in ("ETag", "Last-Modified"):
        assert part.headers[name] == whole.headers[name]
    held = fhir.call("GET", "Patient/p0?_elements=gender", headers={"If-None-Match": part.headers["ETag"]})
    assert (held.status_code, held.content) == (304, b"")
    assert fhir.call("GET", "Patient/p0?_summary=false").content == whole.content
    assert fhir.call("GET", "Patient/nobody?_summary=true").status_code == 404


def test_a_part_cannot_be_put_back_over_the_whole(fhir: Service) -> None:
    part = fhir.call("GET", "Patient/p1?_summary=true")
    refused = fhir.call("PUT", "Patient/p1", json=part.json(), headers=JSON_BODY | {"Accept-Language": "fr"})
    assert refused.status_code == 422
    (issue,) = refused.json()["issue"]
    assert issue["code"] == "business-rule"
    assert "SUBSETTED" in issue["diagnostics"]
    assert fhir.call("GET", "Patient/p1").json()["contact"]


def test_a_search_in_a_compartment_gives_parts_too(fhir: Service) -> None:
    page = fhir.call("GET", "Patient/p0/Observation?_summary=true").json()
    (found,) = page["entry"]
    assert set(found["resource"]) == {"resourceType", "id", "meta", "status", "code", "subject", "valueQuantity"}
    assert links(page)["self"].endswith("/Patient/p0/Observation?_summary=true")
