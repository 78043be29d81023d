"""transaction: the processing rules but for references.

Source: FHIR R4, RESTful API, "Transaction Processing Rules", "Batch/Transaction Response".
"""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.primitives import instant_text
from tests.interactions.desk import (
    BASE,
    SYSTEM,
    Desk,
    Refused,
    bundle,
    by,
    entry,
    observation,
    patient,
    statuses,
)


def binary(patch: Any, content_type: str = "application/json-patch+json") -> dict[str, Any]:
    data = base64.b64encode(encode(patch)).decode()
    return {"resourceType": "Binary", "contentType": content_type, "data": data}


ADD_ACTIVE = binary([{"op": "add", "path": "/active", "value": True}])


def instant(desk: Desk, type: str, id: str) -> str:
    version = desk.gateway.store.current(type, id)
    assert version is not None
    return instant_text(version.last_updated)


def written(status: str, location: str, at: str) -> dict[str, Any]:
    version = location.rpartition("/")[2]
    return {"response": {"status": status, "location": location, "etag": f'W/"{version}"', "lastModified": at}}


def test_a_transaction_answers_each_entry_in_the_order_of_the_request(desk: Desk) -> None:
    desk.put(patient("removed"))
    desk.put(patient("patched"))
    desk.put(patient("updated"))
    response = desk.transact(
        entry("GET", "Patient/read"),
        entry("PATCH", "Patient/patched", ADD_ACTIVE),
        entry("PUT", "Patient/updated", patient("updated", active=True)),
        entry("PUT", "Patient/read", patient("read")),
        entry("POST", "Patient", patient(active=True)),
        entry("DELETE", "Patient/removed"),
        entry("DELETE", "Patient/never"),
    )
    at = instant(desk, "Patient", "id-1")
    read = {"resourceType": "Patient", "id": "read", "meta": {"versionId": "1", "lastUpdated": at}}
    assert response == {
        "resourceType": "Bundle",
        "id": "id-2",
        "meta": {"lastUpdated": "2027-01-15T08:00:00.000000Z"},
        "type": "transaction-response",
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/read",
                "resource": read,
                "response": {"status": "200 OK", "etag": 'W/"1"', "lastModified": at},
            },
            written("200 OK", "Patient/patched/_history/2", at),
            written("200 OK", "Patient/updated/_history/2", at),
            written("201 Created", "Patient/read/_history/1", at),
            written("201 Created", "Patient/id-1/_history/1", at),
            {"response": {"status": "204 No Content", "etag": 'W/"2"', "lastModified": at}},
            {"response": {"status": "204 No Content"}},
        ],
    }


def test_a_bundle_without_entries_is_answered_without_entries(desk: Desk) -> None:
    assert desk.transact() == {
        "resourceType": "Bundle",
        "id": "id-1",
        "meta": {"lastUpdated": "2027-01-15T08:00:00.000000Z"},
        "type": "transaction-response",
    }


def test_resources_come_back_when_asked_for(desk: Desk) -> None:
    response = desk.transact(entry("POST", "Patient", patient()), entry("DELETE", "Patient/x"), prefer="representation")
    created, deleted = response["entry"]
    assert created["resource"] == desk.get("Patient/id-1")
    assert created["fullUrl"] == f"{BASE}/Patient/id-1"
    assert deleted == {"response": {"status": "204 No Content"}}


def test_outcomes_come_back_when_asked_for(desk: Desk) -> None:
    response = desk.transact(entry("POST", "Patient", patient()), prefer="OperationOutcome")
    (created,) = response["entry"]
    assert created["response"]["outcome"]["issue"][0]["diagnostics"] == "Created Patient/id-1 (version 1)."
    assert "resource" not in created


def test_the_order_of_the_entries_makes_no_difference(desk: Desk) -> None:
    entries = [
        entry("DELETE", "Patient/a"),
        entry("POST", "Patient", patient(value="1"), "urn:uuid:00000000-0000-0000-0000-000000000001"),
        entry("PUT", "Observation/o", observation("urn:uuid:00000000-0000-0000-0000-000000000001", "o")),
        entry("GET", f"Patient?{by('1')}"),
        entry("GET", "Observation/o"),
    ]
    shuffled = random.Random(7)
    for round in range(5):
        desk.put(patient("a"))
        order = shuffled.sample(range(5), 5)
        response = desk.transact(*(entries[index] for index in order))
        by_place = dict(zip(order, response["entry"], strict=True))
        found = desk.get("Observation/o")
        assert by_place[4]["resource"] == found
        assert found["subject"]["reference"] == by_place[1]["response"]["location"].removesuffix("/_history/1")
        assert by_place[3]["resource"]["total"] == round + 1
        assert by_place[0]["response"]["status"] == "204 No Content"


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(desk: Desk) -> None:
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient(value="1")),
        {"resource": patient()},
        {"request": {"method": "GET"}},
        entry("GRAB", "Patient/a"),
        entry("POST", "Patiens", patient()),
        entry("POST", "Patient"),
        entry("PUT", "Patient/a", patient()),
        entry("PUT", "Patient/b", patient("c")),
        entry("POST", "Observation", patient()),
        entry("DELETE", "Patient"),
        entry("PATCH", "Patient/p"),
        entry("PUT", "Patient/d", patient("d"), ifMatch="?"),
        entry("POST", "/", bundle()),
        entry("DELETE", "Patient/_history"),
        entry("GET", "Patient/$nothing"),
        entry("POST", "Patient/x", patient()),
        entry("GET", "Patient/1/2/3"),
        entry("GET", "Patient/%20"),
    )
    assert refused == Refused(
        400,
        (
            ("entry-request-missing", "Bundle.entry[1]"),
            ("entry-request-missing", "Bundle.entry[1]"),
            ("entry-request-missing", "Bundle.entry[2].request"),
            ("entry-method-unknown", "Bundle.entry[3].request.method"),
            ("entry-type-unknown", "Bundle.entry[4].request.url"),
            ("resource-missing", "Bundle.entry[5].resource"),
            ("id-missing", "Bundle.entry[6].resource.id"),
            ("id-differs", "Bundle.entry[7].resource.id"),
            ("resource-type-differs", "Bundle.entry[8].resource"),
            ("criteria-missing", "Bundle.entry[9].request.url"),
            ("patch-missing", "Bundle.entry[10]"),
            ("etag-malformed", "Bundle.entry[11].request.ifMatch"),
            ("entry-nested-bundle", "Bundle.entry[12].request.url"),
            ("entry-method-not-allowed", "Bundle.entry[13].request.url"),
            ("operation-unknown", "Bundle.entry[14].request.url"),
            ("entry-method-not-allowed", "Bundle.entry[15].request.url"),
            ("entry-url-unknown", "Bundle.entry[16].request.url"),
            ("entry-id-malformed", "Bundle.entry[17].request.url"),
        ),
    )
    assert desk.versions("Patient", "id-1") == []


@pytest.mark.parametrize(
    ("method", "url", "condition"),
    [
        ("POST", "Patient", {"ifMatch": 'W/"1"'}),
        ("PUT", "Patient/a", {"ifNoneExist": "identifier=x"}),
        ("DELETE", "Patient/a", {"ifNoneMatch": "*"}),
        ("PUT", "Patient/a", {"ifModifiedSince": "2020-01-01T00:00:00Z"}),
    ],
)
def test_a_condition_without_meaning_for_its_method_is_refused(
    desk: Desk, method: str, url: str, condition: Any
) -> None:
    (name,) = condition
    resource = None if method == "DELETE" else patient("a")
    refused = desk.transaction_refused(entry(method, url, resource, **condition))
    assert refused == Refused(400, (("condition-not-for-method", f"Bundle.entry[0].request.{name}"),))


def test_more_entries_than_are_taken_are_refused_with_413(desk: Desk) -> None:
    entries = [entry("GET", "Patient/a")] * 3
    refused = desk.limited(entries=2).transaction_refused(*entries)
    assert refused == Refused(413, (("too-many-entries", "Bundle.entry"),))


@pytest.mark.parametrize(
    ("sent", "expression"),
    [
        ({"resourceType": "Bundle", "type": "collection"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": "history"}, "Bundle.type"),
        ({"resourceType": "Patient"}, None),
    ],
)
def test_only_a_batch_or_transaction_is_taken_at_the_base(desk: Desk, sent: Any, expression: str | None) -> None:
    assert desk.refused("POST", "", sent) == Refused(400, (("bundle-type-unsupported", expression),))


NEW = entry("POST", "Patient", patient(), ifNoneExist=by("new"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entry("PUT", "Patient/a", patient("a")), entry("PUT", "Patient/a", patient("a", active=True))),
        (entry("PUT", "Patient/a", patient("a")), entry("DELETE", "Patient/a")),
        (entry("DELETE", "Patient/a"), entry("PATCH", "Patient/a", ADD_ACTIVE)),
        (entry("PUT", "Patient/a", patient("a")), entry("PUT", f"Patient?{by('1')}", patient(value="1"))),
        (entry("DELETE", f"Patient?{by('1')}"), entry("PATCH", f"Patient?{by('1')}", ADD_ACTIVE)),
        (entry("PUT", "Patient/a", patient("a")), entry("POST", "Patient", patient(), ifNoneExist=by("1"))),
        (NEW, NEW),
        (NEW, entry("PUT", f"Patient?{by('new')}", patient())),
    ],
)
def test_two_entries_for_one_resource_are_refused_whether_named_or_found(desk: Desk, first: Any, second: Any) -> None:
    before = desk.put(patient("a", "1"))
    for entries in ((first, second), (second, first)):
        refused = desk.transaction_refused(*entries)
        assert refused == Refused(409, (("identity-twice", "Bundle.entry[1].request.url"),))
    assert desk.get("Patient/a") == before


def test_two_entries_with_one_full_url_are_refused(desk: Desk) -> None:
    twice = "urn:uuid:00000000-0000-0000-0000-000000000001"
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient(), twice), entry("POST", "Patient", patient(), twice)
    )
    assert refused == Refused(400, (("full-url-twice", "Bundle.entry[1].fullUrl"),))


def test_preconditions_of_all_entries_are_told_at_once_and_nothing_is_written(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(patient("b"))
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/a", patient("a", active=True), ifMatch='W/"2"'),
        entry("PUT", "Patient/b", patient("b", active=True), ifNoneMatch="*"),
        entry("DELETE", "Patient/c", ifMatch='W/"1"'),
        entry("PUT", "Observation/o", observation("Patient/none", "o")),
    )
    assert refused == Refused(
        412,
        (
            ("if-match-stale", "Bundle.entry[1].request.ifMatch"),
            ("if-none-match-exists", "Bundle.entry[2].request.ifNoneMatch"),
            ("if-match-absent", "Bundle.entry[3].request.ifMatch"),
            ("reference-absent", "Bundle.entry[4].resource.subject"),
        ),
    )
    assert desk.versions("Patient", "id-1") == []
    assert desk.versions("Patient", "a") == ["1"]


def test_conditional_entries_create_find_update_patch_and_delete(desk: Desk) -> None:
    for id, value in (("found", "1"), ("updated", "2"), ("patched", "3"), ("x", "4"), ("y", "4")):
        desk.put(patient(id, value))
    response = desk.transact(
        entry("POST", "Patient", patient(value="0"), ifNoneExist=by("0")),
        entry("POST", "Patient", patient(value="1", active=True), ifNoneExist=by("1")),
        entry("PUT", f"Patient?{by('2')}", patient(value="2", active=True)),
        entry("PUT", f"Patient?{by('5')}", patient("mine", "5")),
        entry("PATCH", f"Patient?{by('3')}", ADD_ACTIVE),
        entry("DELETE", f"Patient?{by('4')}"),
        entry("DELETE", f"Patient?{by('6')}"),
    )
    assert statuses(response) == [
        "201 Created", "200 OK", "200 OK", "201 Created", "200 OK", "204 No Content", "204 No Content",
    ]  # fmt: skip
    assert [each["response"].get("location") for each in response["entry"]] == [
        "Patient/id-1/_history/1",
        "Patient/found/_history/1",
        "Patient/updated/_history/2",
        "Patient/mine/_history/1",
        "Patient/patched/_history/2",
        None,
        None,
    ]
    assert [desk.versions("Patient", id)[-1] for id in ("found", "x", "y")] == ["1", "2 deleted", "2 deleted"]


def test_conditions_with_several_matches_are_all_named(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient(), ifNoneExist=by("1")),
        entry("PUT", f"Patient?{by('1')}", patient()),
        entry("PATCH", f"Patient?{by('2')}", ADD_ACTIVE),
    )
    assert refused == Refused(
        412,
        (
            ("multiple-matches", "Bundle.entry[0].request.ifNoneExist"),
            ("multiple-matches", "Bundle.entry[1].request.url"),
            ("no-match", "Bundle.entry[2].request.url"),
        ),
    )


def test_a_bundle_whose_conditional_creates_all_find_something_writes_nothing(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    sent = [entry("POST", "Patient", patient(value="1"), ifNoneExist=by("1")), entry("GET", "Patient/a")]
    newest = desk.gateway.store.current("Patient", "a")
    response = desk.transact(*sent)
    assert statuses(response) == ["200 OK", "200 OK"]
    assert response["entry"][0]["response"]["location"] == "Patient/a/_history/1"
    assert desk.gateway.store.current("Patient", "a") == newest


@pytest.mark.parametrize(
    ("resource", "detail", "expression"),
    [
        (binary([], "application/json"), "patch-format-unsupported", "Bundle.entry[0].resource.contentType"),
        ({"resourceType": "Binary", "contentType": "application/json-patch+json"}, "patch-format-unsupported",
         "Bundle.entry[0].resource"),
        ({"resourceType": "Patient", "active": True}, "patch-format-unsupported", "Bundle.entry[0].resource"),
        ({"resourceType": "Parameters", "parameter": [{"name": "operation"}]}, "patch-malformed", "Bundle.entry[0]"),
        (binary({"op": "add"}), "patch-missing", "Bundle.entry[0].resource.data"),
        ({**binary([]), "data": base64.b64encode(b"[{").decode()}, "json-truncated", "Bundle.entry[0].resource.data"),
        (binary([{"op": "add"}]), "patch-malformed", "Bundle.entry[0]"),
    ],
)  # fmt: skip
def test_a_patch_entry_carries_parameters_or_a_json_patch_in_a_binary(
    desk: Desk, resource: Any, detail: str, expression: str
) -> None:
    desk.put(patient("a"))
    refused = desk.transaction_refused(entry("PATCH", "Patient/a", resource))
    assert refused.status == 400
    assert set(refused.issues) == {(detail, expression)}


def test_a_patch_entry_that_cannot_be_carried_out_refuses_the_whole(desk: Desk) -> None:
    desk.put(patient("a"))
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient()),
        entry("PATCH", "Patient/a", binary([{"op": "test", "path": "/active", "value": True}])),
        entry("PATCH", "Patient/none", ADD_ACTIVE),
        entry("PATCH", "Patient?identifier=none", ADD_ACTIVE),
    )
    assert refused == Refused(404, (("no-match", "Bundle.entry[3].request.url"),))
    refused = desk.transaction_refused(
        entry("PATCH", "Patient/a", binary([{"op": "test", "path": "/active", "value": True}])),
        entry("PATCH", "Patient/none", ADD_ACTIVE),
    )
    assert refused == Refused(
        422, (("patch-path-absent", "Bundle.entry[0]"), ("resource-not-found", "Bundle.entry[1].request.url"))
    )
    assert desk.versions("Patient", "id-1") == []


def test_what_reads_sees_all_that_was_written_and_the_search_too(desk: Desk) -> None:
    response = desk.transact(
        entry("GET", f"Patient?{by('1')}"),
        entry("GET", "Patient/p/_history/1"),
        entry("GET", "Patient/p/_history"),
        entry("HEAD", "Patient/p"),
        entry("PUT", "Patient/p", patient("p", "1")),
    )
    found, version, history, head, _ = response["entry"]
    assert [each["resource"]["id"] for each in found["resource"]["entry"]] == ["p"]
    assert found["response"] == {"status": "200 OK"}
    assert version["resource"] == desk.get("Patient/p")
    assert history["resource"]["type"] == "history"
    assert "resource" not in head
    assert head["response"]["etag"] == 'W/"1"'


def test_a_conditional_read_inside_a_transaction_answers_304(desk: Desk) -> None:
    desk.put(patient("a"))
    response = desk.transact(
        entry("GET", "Patient/a", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/a", ifModifiedSince="2100-01-01T00:00:00Z"),
        entry("GET", "Patient/a", ifModifiedSince="2000-01-01T00:00:00Z"),
    )
    assert statuses(response) == ["304 Not Modified", "304 Not Modified", "200 OK"]
    assert ["resource" in each for each in response["entry"]] == [False, False, True]


def test_a_read_that_fails_refuses_the_whole(desk: Desk) -> None:
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient()),
        entry("GET", "Patient/none"),
        entry("GET", "Patient?colour=blue"),
    )
    assert refused == Refused(
        404,
        (
            ("resource-not-found", "Bundle.entry[1].request.url"),
            ("search-parameter-unknown", "Bundle.entry[2].request.url"),
        ),
    )
    assert desk.versions("Patient", "id-1") == []


def test_an_update_that_changes_nothing_makes_no_version_inside_a_transaction_either(desk: Desk) -> None:
    desk.put(patient("a"))
    response = desk.transact(entry("PUT", "Patient/a", patient("a")))
    assert response["entry"][0]["response"]["etag"] == 'W/"1"'
    assert desk.versions("Patient", "a") == ["1"]


def test_all_versions_of_a_transaction_have_one_instant(desk: Desk) -> None:
    desk.transact(*(entry("POST", "Patient", patient()) for _ in range(3)))
    assert len({desk.get(f"Patient/id-{number}")["meta"]["lastUpdated"] for number in (1, 2, 3)}) == 1


def test_what_one_transaction_deletes_may_lose_its_referers_in_the_same(desk: Desk) -> None:
    for id in ("a", "b"):
        desk.put(patient(id))
    desk.put(observation("Patient/a", "o"))
    desk.put(observation("Patient/a", "q"))
    refused = desk.transaction_refused(entry("DELETE", "Patient/a"), entry("DELETE", "Observation/q"))
    assert refused == Refused(409, (("still-referenced", "Bundle.entry[0].request.url"),))
    response = desk.transact(
        entry("PUT", "Observation/o", observation("Patient/b", "o")),
        entry("DELETE", "Observation/q"),
        entry("DELETE", "Patient/a"),
    )
    assert statuses(response) == ["200 OK", "204 No Content", "204 No Content"]


def test_what_one_transaction_deletes_cannot_be_referred_to_in_the_same(desk: Desk) -> None:
    desk.put(patient("a"))
    refused = desk.transaction_refused(
        entry("POST", "Observation", observation("Patient/a")), entry("DELETE", "Patient/a")
    )
    assert refused == Refused(409, (("reference-deleted", "Bundle.entry[0].resource.subject"),))
    by_full_url = desk.transaction_refused(
        entry("POST", "Observation", observation("urn:uuid:00000000-0000-0000-0000-000000000001")),
        entry("DELETE", "Patient/a", None, "urn:uuid:00000000-0000-0000-0000-000000000001"),
    )
    assert by_full_url == refused


def test_urls_of_entries_may_begin_with_a_slash_or_the_base(desk: Desk) -> None:
    response = desk.transact(
        entry("PUT", "/Patient/a", patient("a")),
        entry("PUT", f"{BASE}/Patient/b", patient("b")),
        entry("GET", f"Patient?identifier={SYSTEM}%7C1&_format=xml"),
    )
    assert statuses(response) == ["201 Created", "201 Created", "200 OK"]


def test_a_document_inside_a_transaction_is_stored_as_it_is(desk: Desk) -> None:
    inner = "urn:uuid:00000000-0000-0000-0000-000000000001"
    document = bundle({"fullUrl": inner, "resource": observation(inner)}, type="collection")
    desk.transact(entry("POST", "Bundle", document), entry("POST", "Patient", patient(), inner))
    stored = decode(desk.ask("GET", "Bundle/id-1").body or b"")
    assert stored["entry"] == document["entry"]
