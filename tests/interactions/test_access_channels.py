"""What is hidden is as what is not there: each channel by which its existence could be learnt, and what closes it.

Each question is put twice, about a resource of another hospital's and about one that never was; the answers are equal.

Source: `fhir_gateway/policy/README.md`, "Channels"; FHIR R4, RESTful API; Security, "Access Denied Response Handling".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from tests.interactions.desk import BASE, Desk, Refused, bundle, by, entry, observation, patient, statuses
from tests.interactions.people import (
    ADMINISTRATOR,
    ELSEWHERE,
    FOREIGNER,
    HOSPITAL,
    OTHER_SEQUENCER,
    PLATFORM,
    PRESCRIBER,
    SEQUENCER,
    order,
    task,
)

ABSENT = "id-0"  # ids are given from 1
Ask = tuple[str, str] | tuple[str, str, dict[str, Any]]


def without(id: str, text: str) -> str:
    return re.sub(rf"\b{id}\b", "{id}", text)


def told(desk: Desk, id: str, *asked: Any, **more: Any) -> tuple[int, str]:
    """Return status and text of an answer or a refusal, without what differs from one answer to the next."""
    try:
        answer = desk.ask(*asked, **more)
    except FhirError as refusal:
        issues = "\n".join(f"{each.complaint.detail} {each.expression} {each.text()}" for each in refusal.issues)
        return refusal.status, without(id, issues)
    text = without(id, (answer.body or b"").decode())
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]*"', "instant", text)
    return answer.status, re.sub(r"\bid-\d+", "id", text)


def equal(desk: Desk, hidden: str, asked: Callable[[str], Any], **more: Any) -> tuple[int, str]:
    """Ask the same about what is hidden and what never was, hold the answers to be equal, and return them."""
    absent = told(desk, ABSENT, *asked(ABSENT), **more)
    assert told(desk, hidden, *asked(hidden), **more) == absent
    return absent


def get(url: str) -> Callable[[str], Any]:
    return lambda id: ("GET", url.format(id=id))


def dossier(desk: Desk) -> str:
    """Store a patient of the other hospital's with an observation and a draft, and return the patient's id."""
    other = desk.of(FOREIGNER)
    label: dict[str, Any] = {"meta": {"tag": [{"system": "urn:s", "code": "theirs"}], "profile": ["urn:theirs"]}}
    id = other.post(patient(value="theirs", name=[{"family": "Ada"}], **label))
    other.post(observation(f"Patient/{id}", valueString="melanoma"))
    return id


READS = [
    "Patient/{id}", "Patient/{id}/_history", "Patient/{id}/_history/1", "Patient/{id}/_history/2",
    "Patient/{id}?_summary=true", "Patient/{id}/$everything", "Patient/{id}/$everything?_count=1", "Patient/{id}/$meta",
    "Patient/{id}/_history/1/$meta", "Patient/{id}/$graph?graph=urn:g", "Patient/{id}/Observation", "Patient/{id}/*",
    "Patient/{id}/$validate", "Patient/{id}/$validate?mode=delete",
    "Patient?_id={id}", "Patient?_id={id}&_summary=count", "Observation?subject=Patient/{id}",
    "Observation?subject=Patient/{id}&_include=*&_total=accurate", "Observation?patient:missing=false&patient={id}",
    "?_id={id}", "?_id={id}&_type=Patient,Observation", "Observation?patient._id={id}",
    "Patient?_has:Observation:patient:_id={id}", "Patient?_id={id}&_revinclude=Observation:patient",
]  # fmt: skip


@pytest.mark.parametrize("url", READS)
def test_a_hidden_resource_is_read_and_searched_as_one_that_never_was(desk: Desk, url: str) -> None:
    hidden = dossier(desk)
    for who in (PRESCRIBER, SEQUENCER):
        equal(desk.of(who), hidden, get(url))


@pytest.mark.parametrize(
    "conditions",
    [{}, {"if_match": 'W/"1"'}, {"if_match": 'W/"7"'}, {"if_none_match": "*"}, {"if_none_match": 'W/"1"'}],
)
def test_an_update_of_what_is_hidden_is_refused_as_a_choice_of_an_id(desk: Desk, conditions: dict[str, str]) -> None:
    """R4: "servers MAY choose to … allow clients to PUT a resource to a location that does not yet exist"; else 405."""
    hidden = dossier(desk)
    status, text = equal(desk.of(PRESCRIBER), hidden, lambda id: ("PUT", f"Patient/{id}", patient(id)), **conditions)
    assert status == 405
    assert "id-not-chosen" in text
    assert desk.versions("Patient", hidden) == ["1"]


def test_a_patch_and_a_deletion_of_what_is_hidden_find_nothing(desk: Desk) -> None:
    id = dossier(desk)
    draft = desk.of(FOREIGNER).post(order(id, status="draft"))
    patched = [{"op": "add", "path": "/active", "value": True}]
    status, _ = equal(desk.of(PRESCRIBER), id, lambda id: ("PATCH", f"Patient/{id}"), patch=patched)
    assert status == 404
    for conditions in ({}, {"if_match": 'W/"1"'}, {"if_match": 'W/"9"'}):
        status, _ = equal(desk.of(PRESCRIBER), draft, lambda id: ("DELETE", f"ServiceRequest/{id}"), **conditions)
        assert status == (412 if conditions else 204)
    assert desk.versions("ServiceRequest", draft) == ["1"]
    assert desk.versions("Patient", id) == ["1"]


def test_a_reference_to_what_is_hidden_is_one_to_what_is_not_there(desk: Desk) -> None:
    hidden = dossier(desk)
    mine = desk.of(PRESCRIBER)
    status, text = equal(mine, hidden, lambda id: ("POST", "Observation", observation(f"Patient/{id}")))
    assert status == 422
    assert "reference-absent Observation.subject" in text
    equal(mine, hidden, lambda id: ("POST", "Observation/$validate?mode=create", observation(f"Patient/{id}")))
    equal(mine, hidden, lambda id: ("POST", "Observation/$validate", observation(f"Patient/{id}")))
    equal(mine, hidden, lambda id: ("POST", "", bundle(entry("POST", "Observation", observation(f"Patient/{id}")))))


@pytest.mark.parametrize(
    "text",
    [
        "Patient/{id}",
        "Patient/{id}/_history/1",
        "Patient/{id}/_history/~",
        "{base}/Patient/{id}",
        "{other}/Patient/{id}",
    ],
)
def test_no_reference_however_written_gives_access_to_a_hidden_patient(desk: Desk, text: str) -> None:
    """Who addresses the hospital with a task about a patient of the hospital's learns nothing and sees no more."""
    id = desk.of(PRESCRIBER).post(patient())
    mine = desk.of(PRESCRIBER).post(observation(f"Patient/{id}"))
    other = "http://other.test/fhir"

    def sent(id: str) -> tuple[str, str, dict[str, Any]]:
        subject = {"for": {"reference": text.format(id=id, base=BASE, other=other)}}
        return ("POST", "Task", {**task(id, HOSPITAL), **subject})

    foreigner = desk.of(FOREIGNER)
    for each in (foreigner, foreigner.limited(integrity_on_write=False)):
        for base in (BASE, other):
            equal(each, id, sent, base=base)
    for url in (f"Patient/{id}", f"Observation/{mine}"):
        assert foreigner.refused("GET", url).status == 404


def test_who_was_addressed_once_does_not_keep_what_is_withdrawn_by_addressing_back(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    asked = desk.of(PRESCRIBER).post(order(id, PLATFORM))
    desk.of(SEQUENCER).post(task(id, HOSPITAL))
    later = desk.of(PRESCRIBER).post(observation(f"Patient/{id}"))
    assert desk.of(SEQUENCER).ask("GET", f"Observation/{later}").status == 200
    withdrawn = {**desk.of(PRESCRIBER).get(f"ServiceRequest/{asked}"), "status": "entered-in-error"}
    desk.of(PRESCRIBER).put(withdrawn)
    for url in (f"Patient/{id}", f"Observation/{later}", f"ServiceRequest/{asked}"):
        assert desk.of(SEQUENCER).refused("GET", url).status == 404


@pytest.mark.parametrize("type", ["batch", "transaction"])
@pytest.mark.parametrize(
    "asked",
    [
        lambda id: entry("GET", f"Patient/{id}"),
        lambda id: entry("GET", f"Patient/{id}", ifNoneMatch='W/"1"'),
        lambda id: entry("GET", f"Patient?_id={id}"),
        lambda id: entry("PUT", f"Patient/{id}", patient(id)),
        lambda id: entry("PUT", f"Patient/{id}", patient(id), ifMatch='W/"1"'),
        lambda id: entry("DELETE", f"Task/{id}"),
        lambda id: entry("DELETE", f"Task/{id}", ifMatch='W/"1"'),
        lambda id: entry("POST", "Observation", observation(f"Patient/{id}")),
        lambda id: entry("POST", "Observation", observation(f"Patient?_id={id}")),
        lambda id: entry("PUT", f"Patient?_id={id}", patient(id)),
        lambda id: entry("GET", f"Patient/{id}/$everything"),
    ],
)
def test_the_entries_of_a_bundle_find_no_more_than_acts_alone(
    desk: Desk, type: str, asked: Callable[[str], dict[str, Any]]
) -> None:
    id = dossier(desk)
    hidden = desk.of(FOREIGNER).post(task(id, ELSEWHERE)) if "Task" in str(asked("x")) else id
    equal(desk.of(PRESCRIBER), hidden, lambda id: ("POST", "", bundle(asked(id), type=type)))
    assert [desk.versions(type, hidden) for type in ("Patient", "Task")].count(["1"]) == 1


def test_conditions_match_only_what_is_seen(desk: Desk) -> None:
    """A patient that another hospital has too is created again: that hospital's is none of this one's business."""
    hidden = dossier(desk)
    mine = desk.of(PRESCRIBER)
    assert mine.ask("POST", "Patient", patient(value="theirs"), if_none_exist=by("theirs")).status == 201
    assert mine.ask("PUT", "Patient?name=ada", patient()).status == 201
    assert mine.refused("PATCH", f"Patient?{by('nobody')}", patch=[]).status == 404
    assert mine.ask("DELETE", "Consent?status=active").status == 204
    assert mine.transaction_refused(entry("POST", "Observation", observation("Patient?name=Ada"))) == Refused(
        422, (("conditional-reference-no-match", "Bundle.entry[0].resource.subject"),)
    )
    assert desk.versions("Patient", hidden) == ["1"]


def test_a_conditional_update_under_a_hidden_id_is_refused_as_one_under_a_free_id(desk: Desk) -> None:
    hidden = dossier(desk)
    status, _ = equal(desk.of(PRESCRIBER), hidden, lambda id: ("PUT", f"Patient?{by('none')}", patient(id)))
    assert status == 405


@pytest.mark.parametrize(
    "url",
    [
        "Patient?_summary=count", "Patient?_total=accurate", "Patient?_total=estimate", "Patient?_count=0", "?_count=0",
        "Observation?_content=melanoma", "Patient?name=ada", "Patient?_sort=-_lastUpdated",
        "Patient/_history", "_history", "Patient/$meta", "$meta", "Patient?_tag=theirs",
        "Patient?_has:Observation:subject:status=final",
        "Patient?_contained=both&_total=accurate", "Patient?name:missing=false",
    ],
)  # fmt: skip
def test_numbers_facets_and_feeds_are_those_of_what_is_seen(desk: Desk, url: str) -> None:
    empty = told(desk.of(PRESCRIBER), ABSENT, "GET", url)
    dossier(desk)
    assert told(desk.of(PRESCRIBER), ABSENT, "GET", url) == empty


def test_a_page_token_serves_only_who_sees_the_same(desk: Desk) -> None:
    for _ in range(3):
        desk.of(PRESCRIBER).post(patient())
    for url in ("Patient?_count=1", "Patient/_history?_count=1"):
        links = desk.of(PRESCRIBER).get(url)["link"]
        (following,) = (each["url"] for each in links if each["relation"] == "next")
        relative = following.split("/fhir/")[1]
        assert desk.of(PRESCRIBER).ask("GET", relative).status == 200
        assert [detail for detail, _ in desk.of(FOREIGNER).refused("GET", relative).issues] == ["search-page-invalid"]
        assert desk.of(ADMINISTRATOR).refused("GET", relative).status == 400


def test_a_record_shows_what_is_seen_of_it(desk: Desk) -> None:
    """The platform sees what the hospital that addressed it has about the patient, and nobody else's."""
    id = desk.of(PRESCRIBER).post(patient())
    mine = desk.of(PRESCRIBER).post(order(id, PLATFORM))
    desk.of(ADMINISTRATOR).post(observation(f"Patient/{id}"))
    found = desk.of(SEQUENCER).get(f"Patient/{id}/$everything")
    assert found["total"] == 2
    assert {each["resource"]["id"] for each in found["entry"]} == {id, mine}
    assert desk.of(OTHER_SEQUENCER).refused("GET", f"Patient/{id}/$everything").status == 404


def test_a_graph_leads_only_to_what_is_seen(desk: Desk) -> None:
    definition = {
        "resourceType": "GraphDefinition", "id": "g", "url": "urn:g", "name": "G", "status": "active",
        "start": "Patient",
        "link": [{"target": [{"type": "Observation", "params": "patient={ref}"}]}],
    }  # fmt: skip
    desk.of(ADMINISTRATOR).put(definition)
    id = desk.of(PRESCRIBER).post(patient())
    desk.of(ADMINISTRATOR).post(observation(f"Patient/{id}"))
    found = desk.of(PRESCRIBER).get(f"Patient/{id}/$graph?graph=urn:g")
    assert [each["resource"]["id"] for each in found["entry"]] == [id]


def test_a_deletion_is_hindered_by_what_is_hidden_without_naming_it(desk: Desk) -> None:
    """The remaining channel: that something refers is told, or the reference would lead nowhere; what it is is not."""
    id = desk.of(PRESCRIBER).post(patient())
    draft = desk.of(PRESCRIBER).post(order(id, status="draft"))
    listed = {"resourceType": "List", "status": "current", "mode": "working"}
    hidden = desk.of(ADMINISTRATOR).post({**listed, "entry": [{"item": {"reference": f"ServiceRequest/{draft}"}}]})
    for asked in (("DELETE", f"ServiceRequest/{draft}"), ("DELETE", f"ServiceRequest?_id={draft}")):
        refused = desk.of(PRESCRIBER).refused(*asked)
        assert refused == Refused(409, (("still-referenced-elsewhere", None),))
        assert hidden not in refused.texts[0]
    checked = decode(desk.of(PRESCRIBER).ask("GET", f"ServiceRequest/{draft}/$validate?mode=delete").body or b"")
    assert [each["details"]["coding"][0]["code"] for each in checked["issue"]] == ["still-referenced-elsewhere"]
    mine = desk.of(PRESCRIBER).post(task(id, PLATFORM, "draft", focus={"reference": f"ServiceRequest/{draft}"}))
    refused = desk.of(PRESCRIBER).refused("DELETE", f"ServiceRequest/{draft}")
    assert {detail for detail, _ in refused.issues} == {"still-referenced", "still-referenced-elsewhere"}
    assert f"Task/{mine}" in refused.texts[0]
    assert hidden not in "".join(refused.texts)


def test_what_was_deleted_is_gone_for_its_owner_and_never_was_for_others(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    draft = desk.of(PRESCRIBER).post(order(id, status="draft"))
    desk.of(PRESCRIBER).ask("DELETE", f"ServiceRequest/{draft}")
    assert desk.of(PRESCRIBER).refused("GET", f"ServiceRequest/{draft}").status == 410
    assert len(desk.of(PRESCRIBER).get(f"ServiceRequest/{draft}/_history")["entry"]) == 2
    for url in ("ServiceRequest/{id}", "ServiceRequest/{id}/_history", "ServiceRequest/{id}/_history/1"):
        equal(desk.of(FOREIGNER), draft, get(url))

    def sent(id_: str) -> tuple[str, str, dict[str, Any]]:
        return ("PUT", f"ServiceRequest/{id_}", {**order(id, status="draft"), "id": id_})

    status, _ = equal(desk.of(FOREIGNER), draft, sent)
    assert status == 405
    assert desk.of(PRESCRIBER).ask(*sent(draft)).status == 201
    assert desk.of(PRESCRIBER).ask("GET", f"ServiceRequest/{draft}").status == 200


def test_inside_a_transaction_what_was_written_is_seen_and_nothing_else(desk: Desk) -> None:
    dossier(desk)
    answered = desk.of(PRESCRIBER).transact(
        entry("POST", "Patient", patient(value="mine"), full_url="urn:uuid:1f1d7ee8-0f40-4f7e-8a9b-3f0d0c1d2e3f"),
        entry("POST", "Observation", observation("urn:uuid:1f1d7ee8-0f40-4f7e-8a9b-3f0d0c1d2e3f")),
        entry("POST", "Observation", observation(f"Patient?{by('mine')}")),
        entry("GET", "Observation?_include=Observation:subject"),
        entry("GET", "Patient?_summary=count"),
    )
    assert statuses(answered) == ["201 Created", "201 Created", "201 Created", "200 OK", "200 OK"]
    found, counted = (answered["entry"][index]["resource"] for index in (3, 4))
    assert [each["resource"]["resourceType"] for each in found["entry"]] == ["Observation", "Observation", "Patient"]
    assert counted["total"] == 1
