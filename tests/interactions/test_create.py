"""create and conditional create.

Source: FHIR R4, RESTful API, "create", "Conditional create", "Managing Return Content".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.interaction import Answer
from tests.interactions.desk import SYSTEM, Desk, Refused, by, meta, observation, patient


def test_a_create_answers_201_with_where_which_version_and_the_resource(desk: Desk) -> None:
    answer = desk.ask("POST", "Patient", patient(active=True))
    assert decode(answer.body or b"") == {
        "resourceType": "Patient", "id": "id-1", "meta": meta(1, answer), "active": True,
    }  # fmt: skip
    expected = Answer(201, answer.body, 1, answer.last_updated, location="Patient/id-1/_history/1")
    assert answer == expected
    assert desk.ask("GET", "Patient/id-1").body == answer.body


def test_a_create_ignores_the_id_and_version_sent_and_keeps_other_metadata(desk: Desk) -> None:
    sent = {
        "versionId": "9", "lastUpdated": "1999-01-01T00:00:00Z", "source": "urn:lab",
        "profile": ["http://example.org/p"], "tag": [{"code": "t"}],
    }  # fmt: skip
    answer = desk.ask("POST", "Patient", patient("mine", meta=sent))
    kept = {"source": "urn:lab", "profile": ["http://example.org/p"], "tag": [{"code": "t"}]}
    assert decode(answer.body or b"") == {"resourceType": "Patient", "id": "id-1", "meta": {**meta(1, answer), **kept}}
    assert desk.versions("Patient", "mine") == []


def test_the_text_of_numbers_is_kept(desk: Desk) -> None:
    observed = decode(
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}'
    )
    desk.ask("POST", "Observation", observed)
    assert b'"valueQuantity":{"value":1.10}' in (desk.ask("GET", "Observation/id-1").body or b"")


def test_return_minimal_sends_no_body(desk: Desk) -> None:
    answer = desk.ask("POST", "Patient", patient(), prefer="minimal")
    assert answer == Answer(201, None, 1, answer.last_updated, location="Patient/id-1/_history/1")


def test_return_operation_outcome_tells_what_was_done_in_the_language_asked_for(desk: Desk) -> None:
    english = desk.ask("POST", "Patient", patient(), prefer="OperationOutcome")
    french = desk.ask("POST", "Patient", patient(), prefer="OperationOutcome", language="fr")
    texts = [decode(answer.body or b"")["issue"][0]["diagnostics"] for answer in (english, french)]
    assert texts == ["Created Patient/id-1 (version 1).", "Patient/id-2 (version 1) créée."]
    outcome = decode(english.body or b"")
    assert (outcome["resourceType"], outcome["issue"][0]["severity"]) == ("OperationOutcome", "information")
    assert english.status == 201


def test_a_resource_of_another_type_is_refused_with_400(desk: Desk) -> None:
    assert desk.refused("POST", "Observation", patient()) == Refused(400, (("resource-type-differs", "Patient"),))


def test_a_create_without_a_resource_is_refused_with_400(desk: Desk) -> None:
    assert desk.refused("POST", "Patient") == Refused(400, (("resource-missing", None),))


def test_a_reference_to_what_is_not_here_is_refused_with_422_naming_each_element(desk: Desk) -> None:
    desk.put(patient("gone"))
    desk.ask("DELETE", "Patient/gone")
    sent = observation("Patient/none", performer=[{"reference": "Practitioner/x"}, {"reference": "Patient/gone"}])
    assert desk.refused("POST", "Observation", sent) == Refused(
        422,
        (
            ("reference-absent", "Observation.subject"),
            ("reference-absent", "Observation.performer[0]"),
            ("reference-absent", "Observation.performer[1]"),
        ),
    )
    assert desk.versions("Observation", "id-1") == []


def test_a_reference_below_the_base_is_a_reference_here(desk: Desk) -> None:
    sent = observation("http://gateway.test/fhir/Patient/none")
    assert desk.refused("POST", "Observation", sent) == Refused(422, (("reference-absent", "Observation.subject"),))


@pytest.mark.parametrize(
    "reference",
    ["http://elsewhere.test/Patient/1", "urn:uuid:6a9e3b32-4f6c-4b8b-9d52-94d0ab0b77aa", "#subject", "urn:iso:x"],
)
def test_references_elsewhere_are_not_looked_for(desk: Desk, reference: str) -> None:
    sent = observation(reference)
    if reference == "#subject":
        sent["contained"] = [{"resourceType": "Patient", "id": "subject"}]
    assert desk.ask("POST", "Observation", sent).status == 201


def test_references_are_not_looked_for_where_integrity_on_write_is_off(desk: Desk) -> None:
    desk = desk.limited(integrity_on_write=False)
    assert desk.ask("POST", "Observation", observation("Patient/none")).status == 201


def test_a_reference_to_a_version_needs_its_resource(desk: Desk) -> None:
    refused = Refused(422, (("reference-absent", "Observation.subject"),))
    assert desk.refused("POST", "Observation", observation("Patient/a/_history/1")) == refused
    desk.put(patient("a"))
    assert desk.ask("POST", "Observation", observation("Patient/a/_history/1")).status == 201


def test_a_conditional_reference_outside_a_transaction_is_refused(desk: Desk) -> None:
    sent = observation(f"Patient?{by('1')}")
    assert desk.refused("POST", "Observation", sent) == Refused(
        422, (("reference-conditional", "Observation.subject"),)
    )


def test_a_conditional_create_without_a_match_creates(desk: Desk) -> None:
    answer = desk.ask("POST", "Patient", patient(value="1"), if_none_exist=by("1"))
    assert (answer.status, answer.location) == (201, "Patient/id-1/_history/1")


def test_a_conditional_create_with_one_match_answers_200_with_what_is_there(desk: Desk) -> None:
    there = desk.ask("POST", "Patient", patient(value="1", active=True))
    answer = desk.ask("POST", "Patient", patient(value="1", active=False), if_none_exist=by("1"))
    assert answer == Answer(200, there.body, 1, there.last_updated, location="Patient/id-1/_history/1")
    assert desk.versions("Patient", "id-1") == ["1"]


def test_a_conditional_create_with_two_matches_is_refused_with_412(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    refused = desk.refused("POST", "Patient", patient(value="1"), if_none_exist=by("1"))
    assert refused == Refused(412, (("multiple-matches", None),))
    assert f"Patient?identifier={SYSTEM}|1" in refused.texts[0]


def test_a_conditional_create_is_not_kept_by_what_was_deleted(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.ask("DELETE", "Patient/a")
    assert desk.ask("POST", "Patient", patient(value="1"), if_none_exist=by("1")).status == 201


@pytest.mark.parametrize(
    ("condition", "detail"),
    [
        ("", "criteria-missing"),
        ("colour=blue", "search-parameter-unknown"),
        ("identifier=x&_count=1", "criteria-parameter"),
        ("_sort=name", "criteria-parameter"),
        ("identifier=x&_include=Patient:link", "criteria-parameter"),
    ],
)
def test_a_condition_that_cannot_be_decided_is_refused_even_when_lenient(
    desk: Desk, condition: str, detail: str
) -> None:
    refused = desk.refused("POST", "Patient", patient(), if_none_exist=condition, lenient=True)
    assert (refused.status, [issue for issue, _ in refused.issues]) == (400, [detail])
    assert desk.versions("Patient", "id-1") == []


def test_a_resource_that_is_not_created_has_no_references_to_check(desk: Desk) -> None:
    desk.ask("POST", "Patient", patient(value="1"))
    sent = patient(value="1", generalPractitioner=[{"reference": "Practitioner/none"}])
    assert desk.ask("POST", "Patient", sent, if_none_exist=by("1")).status == 200


def test_criteria_in_the_url_of_a_create_mean_if_none_exist(desk: Desk) -> None:
    first = desk.ask("POST", f"Patient?{by('1')}", patient(value="1"))
    second = desk.ask("POST", f"Patient?{by('1')}", patient(value="1"))
    assert (first.status, second.status) == (201, 200)
    assert second.location == first.location
    refused = desk.refused("POST", f"Patient?{by('1')}", patient(value="1"), if_none_exist=by("1"))
    assert refused == Refused(400, (("criteria-twice", None),))
