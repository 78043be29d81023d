"""delete and conditional delete.

Source: FHIR R4, RESTful API, "delete", "Conditional delete".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.interaction import Answer
from tests.interactions.desk import Desk, Refused, by, observation, patient


def test_a_delete_answers_204_with_the_version_of_the_deletion(desk: Desk) -> None:
    desk.put(patient("a"))
    answer = desk.ask("DELETE", "Patient/a")
    assert answer == Answer(204, None, 2, answer.last_updated)
    assert desk.versions("Patient", "a") == ["1", "2 deleted"]


def test_deleting_again_changes_nothing(desk: Desk) -> None:
    desk.put(patient("a"))
    first = desk.ask("DELETE", "Patient/a")
    assert desk.ask("DELETE", "Patient/a") == first
    assert desk.versions("Patient", "a") == ["1", "2 deleted"]


def test_deleting_what_never_was_is_204_without_a_version(desk: Desk) -> None:
    assert desk.ask("DELETE", "Patient/a") == Answer(204)


def test_return_operation_outcome_tells_what_was_deleted(desk: Desk) -> None:
    desk.put(patient("a"))
    texts = []
    for _ in range(2):
        answer = desk.ask("DELETE", "Patient/a", prefer="OperationOutcome")
        assert answer.status == 200
        texts.append(decode(answer.body or b"")["issue"][0]["diagnostics"])
    assert texts == ["Deleted Patient/a (version 2).", "There was nothing to delete."]


@pytest.mark.parametrize("header", ['W/"2"', 'W/"7"'])
def test_if_match_with_another_version_keeps_the_resource(desk: Desk, header: str) -> None:
    desk.put(patient("a"))
    assert desk.refused("DELETE", "Patient/a", if_match=header) == Refused(412, (("if-match-stale", None),))
    assert desk.ask("DELETE", "Patient/a", if_match='W/"1"').status == 204


def test_what_is_referred_to_from_an_element_that_no_search_parameter_knows_is_not_deleted(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(
        {
            "resourceType": "DocumentReference",
            "id": "d",
            "status": "current",
            "content": [{"attachment": {"title": "x"}}],
        }
    )
    order = {"resourceType": "ServiceRequest", "id": "s", "status": "draft", "intent": "order"}
    desk.put(order | {"subject": {"reference": "Patient/a"}, "supportingInfo": [{"reference": "DocumentReference/d"}]})
    refused = desk.refused("DELETE", "DocumentReference/d")
    assert refused == Refused(409, (("still-referenced", None),))
    assert "ServiceRequest/s refers to it" in refused.texts[0]
    desk.put(order | {"subject": {"reference": "Patient/a"}})
    assert desk.ask("DELETE", "DocumentReference/d").status == 204


def test_what_is_referred_to_is_not_deleted(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    refused = desk.refused("DELETE", "Patient/a")
    assert refused == Refused(409, (("still-referenced", None),))
    assert "Observation/o refers to it" in refused.texts[0]
    assert desk.versions("Patient", "a") == ["1"]
    desk.ask("DELETE", "Observation/o")
    assert desk.ask("DELETE", "Patient/a").status == 204


def test_what_refers_only_to_itself_is_deleted(desk: Desk) -> None:
    desk.put(patient("a", link=[{"other": {"reference": "Patient/a"}, "type": "refer"}]))
    assert desk.ask("DELETE", "Patient/a").status == 204


def test_what_is_referred_to_is_deleted_where_integrity_on_delete_is_off(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    assert desk.limited(integrity_on_delete=False).ask("DELETE", "Patient/a").status == 204


def test_a_conditional_delete_without_a_match_is_204(desk: Desk) -> None:
    assert desk.ask("DELETE", f"Patient?{by('1')}") == Answer(204)


def test_a_conditional_delete_of_one_answers_with_its_version(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "2"))
    answer = desk.ask("DELETE", f"Patient?{by('1')}")
    assert answer == Answer(204, None, 2, answer.last_updated)
    assert (desk.versions("Patient", "a"), desk.versions("Patient", "b")) == (["1", "2 deleted"], ["1"])


def test_a_conditional_delete_of_many_deletes_them_all(desk: Desk) -> None:
    for id in "abc":
        desk.put(patient(id, "1"))
    desk.put(patient("d", "2"))
    answer = desk.ask("DELETE", f"Patient?{by('1')}", prefer="OperationOutcome")
    assert (answer.status, answer.version) == (200, None)
    assert decode(answer.body or b"")["issue"][0]["diagnostics"] == "Deleted 3 Patient."
    assert [desk.versions("Patient", id)[-1] for id in "abcd"] == ["2 deleted", "2 deleted", "2 deleted", "1"]


def test_a_conditional_delete_of_many_is_refused_with_412_where_one_is_allowed(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    refused = desk.limited(deletes=1).refused("DELETE", f"Patient?{by('1')}")
    assert refused == Refused(412, (("multiple-matches", None),))
    assert desk.versions("Patient", "a") == ["1"]


def test_a_conditional_delete_of_more_than_the_ceiling_deletes_none(desk: Desk) -> None:
    for id in "abc":
        desk.put(patient(id, "1"))
    refused = desk.limited(deletes=2).refused("DELETE", f"Patient?{by('1')}")
    assert refused == Refused(403, (("too-many-deletes", None),))
    assert [desk.versions("Patient", id) for id in "abc"] == [["1"]] * 3


def test_a_conditional_delete_is_all_or_none(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    desk.put(observation("Patient/b", "o"))
    assert desk.refused("DELETE", f"Patient?{by('1')}") == Refused(409, (("still-referenced", None),))
    assert desk.versions("Patient", "a") == ["1"]


def test_a_delete_without_id_and_criteria_is_refused(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.refused("DELETE", "Patient") == Refused(400, (("criteria-missing", None),))
    assert desk.versions("Patient", "a") == ["1"]


def test_an_unknown_parameter_never_widens_a_conditional_delete(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.refused("DELETE", "Patient?colour=blue", lenient=True).status == 400
    assert desk.versions("Patient", "a") == ["1"]
