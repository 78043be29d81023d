"""patch and conditional patch.

Source: FHIR R4, RESTful API, "patch"; RFC 6902.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.interaction import Answer
from tests.interactions.desk import Desk, Refused, by, meta, observation, patient


def add(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "add", "path": path, "value": value}]


def test_a_patch_makes_the_next_version(desk: Desk) -> None:
    desk.put(patient("a", name=[{"given": ["Ada", "Maud"]}]))
    patch = [*add("/active", True), {"op": "remove", "path": "/name/0/given/0"}]
    answer = desk.ask("PATCH", "Patient/a", patch=patch)
    assert answer == Answer(200, answer.body, 2, answer.last_updated)
    assert decode(answer.body or b"") == {
        "resourceType": "Patient", "id": "a", "meta": meta(2, answer), "name": [{"given": ["Maud"]}], "active": True,
    }  # fmt: skip


def test_a_patch_that_changes_nothing_makes_no_version(desk: Desk) -> None:
    desk.put(patient("a", active=True))
    before = desk.ask("GET", "Patient/a")
    assert desk.ask("PATCH", "Patient/a", patch=add("/active", True)) == before
    assert desk.ask("PATCH", "Patient/a", patch=[]) == before


def test_a_patch_obeys_prefer(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.ask("PATCH", "Patient/a", patch=add("/active", True), prefer="minimal").body is None


def test_a_patch_of_what_is_not_there_is_404_or_410(desk: Desk) -> None:
    assert desk.refused("PATCH", "Patient/a", patch=[]) == Refused(404, (("resource-not-found", None),))
    desk.put(patient("a"))
    desk.ask("DELETE", "Patient/a")
    assert desk.refused("PATCH", "Patient/a", patch=[]) == Refused(410, (("resource-deleted", None),))


@pytest.mark.parametrize(
    ("patch", "status", "issues"),
    [
        ([{"op": "test", "path": "/active", "value": False}], 422, [("patch-test-failed", None)]),
        ([{"op": "remove", "path": "/gender"}], 422, [("patch-path-absent", None)]),
        ([{"op": "erase", "path": "/active"}, {"op": "add"}], 400, [("patch-malformed", None)] * 3),
        (add("/id", "b"), 422, [("patch-changes-identity", "Patient.id")]),
        ([{"op": "remove", "path": "/id"}], 422, [("patch-changes-identity", "Patient.id")]),
        (add("/resourceType", "Person"), 422, [("patch-changes-identity", "Patient.resourceType")]),
        (add("", ["x"]), 422, [("patch-changes-identity", None)]),
        (add("/generalPractitioner", [{"reference": "Practitioner/none"}]), 422,
         [("reference-absent", "Patient.generalPractitioner[0]")]),
    ],
)  # fmt: skip
def test_a_patch_is_refused(desk: Desk, patch: Any, status: int, issues: list[tuple[str, str | None]]) -> None:
    before = desk.put(patient("a", active=True))
    assert desk.refused("PATCH", "Patient/a", patch=patch) == Refused(status, tuple(issues))
    assert desk.get("Patient/a") == before


def test_what_a_patch_makes_is_checked_as_a_resource_sent_would_be(desk: Desk) -> None:
    desk.put(patient("a"))
    patch = [*add("/colour", "blue"), *add("/birthDate", "yesterday"), *add("/photo", [])]
    refused = desk.refused("PATCH", "Patient/a", patch=patch)
    assert refused.status == 422
    assert {expression for _, expression in refused.issues} == {"Patient", "Patient.birthDate", "Patient.photo"}


def test_a_patch_obeys_if_match(desk: Desk) -> None:
    desk.put(patient("a"))
    refused = desk.refused("PATCH", "Patient/a", patch=add("/active", True), if_match='W/"2"')
    assert refused == Refused(412, (("if-match-stale", None),))
    assert desk.ask("PATCH", "Patient/a", patch=add("/active", True), if_match='W/"1"').version == 2


def test_the_text_of_numbers_that_a_patch_does_not_touch_is_kept(desk: Desk) -> None:
    observed = decode(b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
                      b'"valueQuantity":{"value":1.10}}')  # fmt: skip
    desk.put(observed)
    answer = desk.ask("PATCH", "Observation/o", patch=[{"op": "replace", "path": "/status", "value": "amended"}])
    assert b'"value":1.10' in (answer.body or b"")


def test_a_patch_without_operations_at_all_is_refused(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.refused("PATCH", "Patient/a") == Refused(400, (("patch-missing", None),))


def test_a_conditional_patch_patches_its_one_match(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    answer = desk.ask("PATCH", f"Patient?{by('1')}", patch=add("/active", True))
    assert (answer.status, answer.version, desk.get("Patient/a")["active"]) == (200, 2, True)


def test_a_conditional_patch_without_a_match_is_404_and_with_several_412(desk: Desk) -> None:
    assert desk.refused("PATCH", f"Patient?{by('1')}", patch=[]) == Refused(404, (("no-match", None),))
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    assert desk.refused("PATCH", f"Patient?{by('1')}", patch=[]) == Refused(412, (("multiple-matches", None),))


def test_a_patch_may_point_a_reference_at_what_is_here(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(patient("b"))
    desk.put(observation("Patient/a", "o"))
    replace = [{"op": "replace", "path": "/subject/reference", "value": "Patient/b"}]
    assert desk.ask("PATCH", "Observation/o", patch=replace).version == 2
    assert desk.ask("DELETE", "Patient/a").status == 204
    assert desk.refused("DELETE", "Patient/b").status == 409
