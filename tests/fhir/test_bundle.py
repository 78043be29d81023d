"""Bundles put together from finished JSON.

Source: FHIR R4, Bundle; RESTful API, search, history and batch/transaction responses.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.bundle import HistoryEntry, ResponseEntry, SearchEntry, history, response, searchset
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.structure import check
from fhir_gateway.fhir.types import Types

NOW = 1_700_000_000_123_456
NOW_TEXT = "2023-11-14T22:13:20.123456Z"
PATIENT = b'{"resourceType":"Patient","id":"1"}'


def test_a_searchset_holds_matches_includes_links_and_total(types: Types):
    bundle = decode(
        searchset(
            [SearchEntry("http://x/Patient/1", PATIENT), SearchEntry("http://x/Patient/2", PATIENT, "include")],
            [("self", "http://x/Patient?name=a&b"), ("next", "http://x/Patient?page=2")],
            2, "b1", NOW,
        )
    )  # fmt: skip
    assert bundle == {
        "resourceType": "Bundle",
        "id": "b1",
        "meta": {"lastUpdated": NOW_TEXT},
        "type": "searchset",
        "total": 2,
        "link": [
            {"relation": "self", "url": "http://x/Patient?name=a&b"},
            {"relation": "next", "url": "http://x/Patient?page=2"},
        ],
        "entry": [
            {"fullUrl": "http://x/Patient/1", "resource": decode(PATIENT), "search": {"mode": "match"}},
            {"fullUrl": "http://x/Patient/2", "resource": decode(PATIENT), "search": {"mode": "include"}},
        ],
    }
    assert check(bundle, types).issues == []


def test_nothing_found_is_no_entry_and_no_empty_array():
    assert decode(searchset([], [], None, "b1", NOW)) == {
        "resourceType": "Bundle",
        "id": "b1",
        "meta": {"lastUpdated": NOW_TEXT},
        "type": "searchset",
    }


def test_a_deletion_in_a_history_has_no_resource(types: Types):
    entries = [
        HistoryEntry("http://x/Patient/1", None, "DELETE", "Patient/1", "204 No Content", 2, NOW),
        HistoryEntry("http://x/Patient/1", PATIENT, "POST", "Patient", "201 Created", 1, NOW),
    ]
    bundle = decode(history(entries, [("self", "http://x/_history")], 2, "b1", NOW))
    assert bundle["entry"] == [
        {
            "fullUrl": "http://x/Patient/1",
            "request": {"method": "DELETE", "url": "Patient/1"},
            "response": {"status": "204 No Content", "etag": 'W/"2"', "lastModified": NOW_TEXT},
        },
        {
            "fullUrl": "http://x/Patient/1",
            "resource": decode(PATIENT),
            "request": {"method": "POST", "url": "Patient"},
            "response": {"status": "201 Created", "etag": 'W/"1"', "lastModified": NOW_TEXT},
        },
    ]
    assert check(bundle, types).issues == []


def test_a_response_tells_what_became_of_each_entry(types: Types):
    outcome = b'{"resourceType":"OperationOutcome","id":"o"}'
    bundle = decode(
        response(
            "transaction-response",
            [
                ResponseEntry("201 Created", "Patient/1/_history/1", 1, NOW, PATIENT, full_url="http://x/Patient/1"),
                ResponseEntry("404 Not Found", outcome=outcome),
                ResponseEntry("204 No Content"),
            ],
            [], "b1", NOW,
        )
    )  # fmt: skip
    assert bundle["type"] == "transaction-response"
    assert bundle["entry"] == [
        {
            "fullUrl": "http://x/Patient/1",
            "resource": decode(PATIENT),
            "response": {
                "status": "201 Created",
                "location": "Patient/1/_history/1",
                "etag": 'W/"1"',
                "lastModified": NOW_TEXT,
            },
        },
        {"response": {"status": "404 Not Found", "outcome": decode(outcome)}},
        {"response": {"status": "204 No Content"}},
    ]
    assert check(bundle, types).issues == []


def test_resources_are_spliced_as_they_stand():
    body = b'{ "resourceType" : "Observation", "valueQuantity":{"value":1.10} }'
    assert body in searchset([SearchEntry(None, body, "outcome")], [], None, "b1", NOW)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_is_escaped(text: str):
    bundle = decode(searchset([SearchEntry(text, PATIENT)], [(text, text)], None, text, NOW))
    assert (bundle["id"], bundle["link"], bundle["entry"][0]["fullUrl"]) == (
        text,
        [{"relation": text, "url": text}],
        text,
    )
