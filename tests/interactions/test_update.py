"""update, update as create, conditional update.

Source: FHIR R4, RESTful API, "update", "Update as Create", "Conditional update", "Managing Resource Contention".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.interaction import Answer
from tests.interactions.desk import Desk, Refused, by, meta, observation, patient


def test_an_update_creates_under_the_id_its_sender_chose(desk: Desk) -> None:
    answer = desk.ask("PUT", "Patient/mine", patient("mine"))
    assert answer == Answer(201, answer.body, 1, answer.last_updated, location="Patient/mine/_history/1")
    assert decode(answer.body or b"") == {"resourceType": "Patient", "id": "mine", "meta": meta(1, answer)}


def test_an_update_makes_the_next_version(desk: Desk) -> None:
    desk.put(patient("a"))
    answer = desk.ask("PUT", "Patient/a", patient("a", active=True))
    assert answer == Answer(200, answer.body, 2, answer.last_updated)
    changed = {"resourceType": "Patient", "id": "a", "meta": meta(2, answer), "active": True}
    assert decode(answer.body or b"") == changed
    assert desk.versions("Patient", "a") == ["1", "2"]


def test_an_update_that_changes_nothing_makes_no_version_and_answers_with_the_present_one(desk: Desk) -> None:
    first = desk.ask("PUT", "Patient/a", patient("a", active=True, gender="other"))
    # Version, instant and the order of properties are no change.
    again = {"gender": "other", "active": True, **patient("a", meta={"versionId": "7"})}
    answer = desk.ask("PUT", "Patient/a", again)
    assert answer == Answer(200, first.body, 1, first.last_updated)
    assert desk.versions("Patient", "a") == ["1"]
    outcome = desk.ask("PUT", "Patient/a", again, prefer="OperationOutcome")
    assert decode(outcome.body or b"")["issue"][0]["details"]["coding"][0]["code"] == "done-unchanged"


def test_a_deleted_resource_is_brought_back_with_201(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.ask("DELETE", "Patient/a")
    answer = desk.ask("PUT", "Patient/a", patient("a"))
    assert (answer.status, answer.version, answer.location) == (201, 3, "Patient/a/_history/3")
    assert desk.versions("Patient", "a") == ["1", "2 deleted", "3"]


@pytest.mark.parametrize(
    ("sent", "issue"),
    [
        (patient(), ("id-missing", "Patient.id")),
        (patient("b"), ("id-differs", "Patient.id")),
        (observation("Patient/a", "a"), ("resource-type-differs", "Observation")),
    ],
)
def test_type_and_id_of_the_resource_must_be_those_of_the_url(desk: Desk, sent: Any, issue: tuple[str, str]) -> None:
    assert desk.refused("PUT", "Patient/a", sent) == Refused(400, (issue,))


def test_if_match_with_the_current_version_updates(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.ask("PUT", "Patient/a", patient("a", active=True), if_match='W/"1"').version == 2


def test_if_match_with_another_version_is_refused_with_412_and_changes_nothing(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(patient("a", active=True))
    refused = desk.refused("PUT", "Patient/a", patient("a", active=False), if_match='W/"1"')
    assert refused == Refused(412, (("if-match-stale", None),))
    assert desk.get("Patient/a")["active"] is True


@pytest.mark.parametrize("deleted", [True, False])
def test_if_match_for_what_is_not_there_is_refused_with_412(desk: Desk, deleted: bool) -> None:
    if deleted:
        desk.put(patient("a"))
        desk.ask("DELETE", "Patient/a")
    refused = desk.refused("PUT", "Patient/a", patient("a"), if_match='W/"1"')
    assert refused == Refused(412, (("if-match-absent", None),))


def test_if_match_holds_for_an_update_that_changes_nothing_too(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(patient("a", active=True))
    assert desk.refused("PUT", "Patient/a", patient("a", active=True), if_match='W/"1"').status == 412


def test_if_none_match_star_only_creates(desk: Desk) -> None:
    assert desk.ask("PUT", "Patient/a", patient("a"), if_none_match="*").status == 201
    refused = desk.refused("PUT", "Patient/a", patient("a", active=True), if_none_match="*")
    assert refused == Refused(412, (("if-none-match-exists", None),))
    assert desk.versions("Patient", "a") == ["1"]


def test_a_malformed_entity_tag_is_refused_with_400(desk: Desk) -> None:
    refused = desk.refused("PUT", "Patient/a", patient("a"), if_match="version one")
    assert refused == Refused(400, (("etag-malformed", None),))


def test_an_update_must_find_what_it_refers_to(desk: Desk) -> None:
    refused = desk.refused("PUT", "Observation/o", observation("Patient/none", "o"))
    assert refused == Refused(422, (("reference-absent", "Observation.subject"),))


def test_an_update_may_refer_to_itself_while_it_creates(desk: Desk) -> None:
    sent = patient("a", link=[{"other": {"reference": "Patient/a"}, "type": "refer"}])
    assert desk.ask("PUT", "Patient/a", sent).status == 201


def test_a_conditional_update_without_match_and_id_creates_under_a_new_id(desk: Desk) -> None:
    answer = desk.ask("PUT", f"Patient?{by('1')}", patient(value="1"))
    assert (answer.status, answer.location) == (201, "Patient/id-1/_history/1")


def test_a_conditional_update_without_match_creates_under_the_id_sent(desk: Desk) -> None:
    answer = desk.ask("PUT", f"Patient?{by('1')}", patient("mine", "1"))
    assert (answer.status, answer.location) == (201, "Patient/mine/_history/1")


def test_a_conditional_update_without_match_does_not_overwrite_another_resource(desk: Desk) -> None:
    before = desk.put(patient("mine", "2"))
    refused = desk.refused("PUT", f"Patient?{by('1')}", patient("mine", "1"))
    assert refused == Refused(409, (("criteria-id-taken", None),))
    assert desk.get("Patient/mine") == before


def test_a_conditional_update_with_one_match_updates_it(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    answer = desk.ask("PUT", f"Patient?{by('1')}", patient(value="1", active=True))
    assert (answer.status, answer.version, answer.location) == (200, 2, None)
    assert desk.get("Patient/a")["active"] is True
    assert desk.ask("PUT", f"Patient?{by('1')}", patient("a", "1")).version == 3


def test_a_conditional_update_with_one_match_under_another_id_is_refused_with_400(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    refused = desk.refused("PUT", f"Patient?{by('1')}", patient("b", "1"))
    assert refused == Refused(400, (("criteria-id-differs", "Patient.id"),))


def test_a_conditional_update_with_several_matches_is_refused_with_412(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    refused = desk.refused("PUT", f"Patient?{by('1')}", patient(value="1"))
    assert refused == Refused(412, (("multiple-matches", None),))


def test_a_conditional_update_obeys_if_match_of_what_it_finds(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    sent = patient(value="1", active=True)
    assert desk.refused("PUT", f"Patient?{by('1')}", sent, if_match='W/"2"').status == 412
    assert desk.ask("PUT", f"Patient?{by('1')}", sent, if_match='W/"1"').version == 2
    assert desk.refused("PUT", f"Patient?{by('none')}", sent, if_match='W/"1"').status == 412


def test_an_update_needs_an_id_or_criteria(desk: Desk) -> None:
    assert desk.refused("PUT", "Patient", patient("a")) == Refused(400, (("criteria-missing", None),))
