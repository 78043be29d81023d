"""batch: each entry by itself.

Source: FHIR R4, RESTful API, "Batch Processing Rules", "Batch/Transaction Response".
"""

from __future__ import annotations

import base64
from typing import Any

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import BASE, Desk, Refused, bundle, by, entry, observation, patient, statuses


def batch(desk: Desk, *entries: dict[str, Any], **more: Any) -> Any:
    answer = desk.ask("POST", "", bundle(*entries, type="batch"), **more)
    assert answer.status == 200
    return decode(answer.body or b"")


def issues(each: Any) -> list[tuple[str, list[str] | None]]:
    found = each["response"]["outcome"]["issue"]
    return [(issue["details"]["coding"][0]["code"], issue.get("expression")) for issue in found]


def test_each_entry_is_answered_in_its_place_and_refusals_leave_the_others_alone(desk: Desk) -> None:
    desk.put(patient("a"))
    response = batch(
        desk,
        entry("POST", "Patient", patient(active=True)),
        entry("GET", "Patient/none"),
        entry("GET", "Patient/a"),
        entry("PUT", "Patient/b", patient("c")),
        {"resource": patient()},
        entry("POST", "Observation", observation("Patient/none")),
        entry("PATCH", "Patient/a"),
        entry("GET", "Patient?colour=blue"),
        entry("DELETE", "Patient/never"),
    )
    assert response["type"] == "batch-response"
    assert statuses(response) == [
        "201 Created",
        "404 Not Found",
        "200 OK",
        "400 Bad Request",
        "400 Bad Request",
        "422 Unprocessable Entity",
        "400 Bad Request",
        "400 Bad Request",
        "204 No Content",
    ]
    entries = response["entry"]
    assert entries[2]["resource"] == desk.get("Patient/a")
    assert entries[2]["fullUrl"] == f"{BASE}/Patient/a"
    assert issues(entries[1]) == [("resource-not-found", ["Bundle.entry[1]"])]
    assert issues(entries[3]) == [("id-differs", ["Bundle.entry[3].resource.id"])]
    assert issues(entries[4]) == [("entry-request-missing", ["Bundle.entry[4]"])] * 2
    assert issues(entries[5]) == [("reference-absent", ["Bundle.entry[5].resource.subject"])]
    assert issues(entries[6]) == [("patch-missing", ["Bundle.entry[6]"])]
    assert issues(entries[7]) == [("search-parameter-unknown", ["Bundle.entry[7]"])]
    assert desk.versions("Patient", "id-1") == ["1"]


def test_entries_are_carried_out_in_the_order_of_a_transaction(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    response = batch(
        desk,
        entry("GET", f"Patient?{by('1')}"),
        entry("POST", "Patient", patient(value="1"), ifNoneExist=by("1")),
        entry("DELETE", "Patient/a"),
    )
    assert statuses(response) == ["200 OK", "201 Created", "204 No Content"]
    assert [each["resource"]["id"] for each in response["entry"][0]["resource"]["entry"]] == ["id-1"]


def test_what_an_entry_answers_with_follows_prefer(desk: Desk) -> None:
    sent = entry("POST", "Patient", patient())
    (plain,) = batch(desk, sent)["entry"]
    (whole,) = batch(desk, sent, prefer="representation")["entry"]
    (told,) = batch(desk, sent, prefer="OperationOutcome")["entry"]
    assert set(plain) == {"response"}
    id = whole["response"]["location"].split("/")[1]
    assert (whole["resource"], whole["fullUrl"]) == (desk.get(f"Patient/{id}"), f"{BASE}/Patient/{id}")
    assert set(told) == {"response"}
    assert told["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "done-created"
    assert told["response"]["status"] == "201 Created"


def test_a_patch_and_conditions_work_as_in_a_transaction(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    data = base64.b64encode(b'[{"op":"add","path":"/active","value":true}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    response = batch(
        desk,
        entry("PATCH", f"Patient?{by('1')}", binary, ifMatch='W/"1"'),
        entry("PUT", "Patient/b", patient("b"), ifNoneMatch="*"),
        entry("DELETE", "Patient/c", ifMatch='W/"1"'),
        entry("HEAD", "Patient/a"),
        entry("GET", "Patient/a", ifNoneMatch='W/"2"'),
    )
    assert statuses(response) == ["200 OK", "201 Created", "412 Precondition Failed", "200 OK", "304 Not Modified"]
    assert desk.get("Patient/a")["active"] is True
    assert ["resource" in each for each in response["entry"]] == [False] * 5


def test_the_same_resource_may_appear_twice_in_a_batch(desk: Desk) -> None:
    response = batch(
        desk, entry("PUT", "Patient/a", patient("a")), entry("PUT", "Patient/a", patient("a", active=True))
    )
    assert statuses(response) == ["201 Created", "200 OK"]


def test_refusals_are_told_in_the_language_asked_for(desk: Desk) -> None:
    (refused,) = batch(desk, entry("GET", "Patient/a"), language="fr")["entry"]
    assert refused["response"]["outcome"]["issue"][0]["diagnostics"].startswith("Il n'y a pas de Patient/a.")


def test_a_batch_of_too_many_entries_is_refused_as_a_whole(desk: Desk) -> None:
    sent = bundle(*[entry("GET", "Patient/a")] * 3, type="batch")
    refused = desk.limited(entries=2).refused("POST", "", sent)
    assert refused == Refused(413, (("too-many-entries", "Bundle.entry"),))


def test_a_batch_cannot_hold_another(desk: Desk) -> None:
    (refused,) = batch(desk, entry("POST", "/", bundle()))["entry"]
    assert issues(refused) == [("entry-nested-bundle", ["Bundle.entry[0].request.url"])]
