"""The short way of a read answers as the general way does, and only what it may.

Source: FHIR R4, RESTful API, "read", "conditional read".
"""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from fhir_gateway.fhir.outcome import Complaint, Gone, NotFound, Unavailable
from fhir_gateway.interactions.interaction import Answer, Conditions
from fhir_gateway.interactions.read import UNCONDITIONAL
from fhir_gateway.settings import Settings
from tests.rest.house import INSTANT, PATIENT, House, Outcome

AMISS = Complaint("amiss-too", "not-found", "Nothing.", "Rien.")
LARGE = b'{"resourceType":"Patient","id":"' + b"1" * 5000 + b'"}'


def both(says: Outcome, headers: dict[str, str]) -> tuple[House, House]:
    return House(says, short=True), House(says)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/fhir+json"},
        {"Accept": "application/json"},
        {"Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
        {"Accept": "application/fhir+json; fhirVersion=4.0"},
        {"Accept": "text/html"},
        {"Accept": "application/fhir+xml"},
        {"Accept": "text/turtle"},
        {"X-Request-ID": "abc", "Accept-Language": "fr"},
        {"If-None-Match": 'W/"3"'},
        {"If-Modified-Since": "Sat, 21 Nov 2026 21:03:35 GMT"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "says",
    [
        Answer(200, PATIENT, 3, INSTANT),
        Answer(200, LARGE, 3, INSTANT),
        Answer(304, None, 3, INSTANT),
        NotFound(AMISS.at()),
        Gone(AMISS.at()),
        Unavailable(AMISS.at()),
        ZeroDivisionError(),
    ],
    ids=["read", "large", "not modified", "not found", "gone", "unavailable", "defect"],
)
def test_the_short_way_answers_as_the_general_way(says: Outcome, headers: dict[str, str]):
    fields = {"X-Request-ID": "same", **headers}
    short, general = (house.ask("GET", "/fhir/Patient/1", fields) for house in both(says, headers))
    assert short.status == general.status
    if short.status != 500:  # each incident has an id of its own
        assert (short.headers, short.body) == (general.headers, general.body)


def test_a_plain_read_takes_the_short_way():
    house = House(short=True)
    house.ask("GET", "/fhir/Patient/1")  # the first makes the host known
    house.ask("GET", "/fhir/Patient/1", {"Accept": "application/fhir+json"})
    assert house.read == [("Patient", "1", UNCONDITIONAL)] * 2
    assert house.read[1][2] is UNCONDITIONAL
    assert house.asked == []


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("HEAD", "/fhir/Patient/1", {}),
        ("GET", "/fhir/Patient/1?_format=json", {}),
        ("GET", "/fhir/Patient/1?_pretty=true", {}),
        ("GET", "/fhir/Patient/1/", {}),
        ("GET", "/fhir/Patient/%31", {}),
        ("GET", "/fhir/Patient/1", {"Accept": "text/html"}),
        ("GET", "/fhir/Patient/1", {"If-None-Match": 'W/"1"'}),
    ],
)
def test_an_unusual_read_asks_no_thread_either(method: str, url: str, headers: dict[str, str]):
    house = House(short=True)
    assert house.ask(method, url, headers).status == 200
    assert [(type_, id_) for type_, id_, _ in house.read] == [("Patient", "1")]
    assert house.asked == []


def test_a_refused_read_asks_once():
    house = House(NotFound(AMISS.at()), short=True)
    house.ask("GET", "/fhir/Patient/1")  # the first makes the host known
    house.read.clear()
    assert house.ask("GET", "/fhir/Patient/1").status == 404
    assert len(house.read) == 1


@pytest.mark.parametrize("url", ["/fhir/Patient/1", "/fhir/Patient/1?_pretty=true"])
def test_a_very_large_read_is_compressed_aside(url: str):
    body = b'{"resourceType":"Binary","data":"' + b"A" * 1_000_000 + b'"}'
    house = House(Answer(200, body), short=True)
    house.ask("GET", "/fhir/Patient/1")
    reply = house.ask("GET", url, {"Accept-Encoding": "gzip"})
    assert json.loads(gzip.decompress(reply.body)) == json.loads(body)


def test_a_read_with_parameters_or_in_xml_is_for_the_acts():
    house = House(short=True)
    house.ask("GET", "/fhir/Patient/1?_elements=id")
    house.ask("GET", "/fhir/Patient/1", {"Accept": "application/fhir+xml"})
    assert house.read == []
    assert [asked.parameters for asked in house.asked] == [[("_elements", "id")], []]


def test_the_conditions_of_a_read_reach_the_short_way():
    house = House(short=True)
    house.ask("GET", "/fhir/Patient/1")
    house.ask("GET", "/fhir/Patient/1", {"If-None-Match": 'W/"1"'})
    assert house.read[-1][2] == Conditions(if_none_match='W/"1"')


def test_an_accept_header_that_came_twice_is_one_list():
    house = House(short=True)
    house.ask("GET", "/fhir/Patient/1")
    reply = house.ask(
        "GET", "/fhir/Patient/1", [("Accept", "application/fhir+xml"), ("Accept", "application/fhir+json;q=0.1")]
    )
    assert reply.headers["content-type"] == "application/fhir+xml;charset=utf-8"


def test_what_is_not_below_the_base_is_a_page():
    house = House()
    for path in ("/", "/docs", "/fhirx", "/Patient/1", "/FHIR/Patient/1"):
        assert house.ask("GET", path).body == b"a page"
    assert house.ask("GET", "/fhir").body == PATIENT


def test_the_base_may_lie_elsewhere():
    house = House(settings=Settings(base_path="/a/b"), short=True)
    assert house.ask("GET", "/a/b/Patient/1").body == PATIENT
    assert house.ask("GET", "/fhir/Patient/1").body == b"a page"


def test_every_answer_is_counted():
    house = House(short=True)
    house.ask("GET", "/fhir/Patient/1")
    house.ask("GET", "/fhir/Patient/1")
    house.post("/fhir/Patient", PATIENT)
    house.ask("GET", "/fhir/Nothing/1")
    page = house.metrics.page().decode()
    assert 'fhir_gateway_requests_total{interaction="read",status="2xx"} 2.0' in page
    assert 'fhir_gateway_requests_total{interaction="create",status="2xx"} 1.0' in page
    assert 'fhir_gateway_requests_total{interaction="none",status="4xx"} 1.0' in page
    assert f'fhir_gateway_body_bytes_sum{{direction="received"}} {float(len(PATIENT))}' in page
    assert "fhir_gateway_requests_in_flight 0.0" in page


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.__dict__["fields"] for record in caplog.records if record.name == "fhir_gateway.requests"]


def test_a_line_for_each_request_tells_acts_and_no_values(caplog: pytest.LogCaptureFixture):
    house = House(settings=Settings(log_requests=1), short=True)
    with caplog.at_level(logging.INFO):
        house.ask("GET", "/fhir/Patient?family=Durand", {"X-Request-ID": "a"})
        house.ask("GET", "/fhir/Patient/durand-ada", {"X-Request-ID": "b"})
        house.ask("GET", "/fhir/Patient/durand-ada", {"X-Request-ID": "c"})
    told = lines(caplog)
    assert [line.pop("ms") for line in told]
    assert told == [
        {"method": "GET", "interaction": "search-type", "type": "Patient", "status": 200, "request_id": "a"},
        {"method": "GET", "interaction": "read", "type": "Patient", "status": 200, "request_id": "b"},
        {"method": "GET", "interaction": "read", "type": "Patient", "status": 200, "request_id": "c"},
    ]
    assert "urand" not in str(told)


def test_a_share_of_the_requests_leaves_a_line(caplog: pytest.LogCaptureFixture):
    house = House(settings=Settings(log_requests=0.25), short=True)
    with caplog.at_level(logging.INFO):
        for _ in range(12):
            house.ask("GET", "/fhir/Patient/1")
    assert len(lines(caplog)) == 3


def test_server_errors_always_leave_a_line(caplog: pytest.LogCaptureFixture):
    house = House(Unavailable(AMISS.at()))
    with caplog.at_level(logging.INFO):
        house.ask("GET", "/fhir/Patient/1")
        house.says = NotFound(AMISS.at())
        house.ask("GET", "/fhir/Patient/1")
    assert [line["status"] for line in lines(caplog)] == [503]
