"""Who is under the rules: profiles and codes of PFMG, nobody else; and what once belonged stays.

Source: `fhir_gateway/dossier/membership.py`.
"""

from __future__ import annotations

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.membership import KEPT, is_member, kept
from fhir_gateway.dossier.states import allowed
from fhir_gateway.fhir.outcome import Unprocessable
from tests.dossier.family import NOW, PRESCRIPTEUR, consent, dossier_of, request, task, told, trio

PLAIN = {
    "resourceType": "ServiceRequest",
    "id": "plain",
    "status": "active",
    "intent": "order",
    "code": concept(codes.LOINC, "58410-2"),
    "subject": {"reference": "Patient/child"},
}


def test_a_plain_resource_is_left_alone_in_every_state():
    assert not is_member(PLAIN)
    after = {**PLAIN, "status": "completed"}
    assert allowed(PLAIN, after, PRESCRIPTEUR, dossier_of(trio()).with_(after), NOW) is None
    assert kept(PLAIN, None) is None


def test_a_profile_or_a_code_of_pfmg_makes_a_member():
    assert is_member({"resourceType": "Specimen", "meta": {"profile": [f"{codes.PROFILE}specimen|1.0.0"]}})
    assert is_member(request("r", "child", "proband"))
    assert is_member(consent("c", "child", "mr-mineur"))
    assert is_member(task("t", "sequencage", "draft"))


def test_a_code_of_pfmg_in_a_list_makes_no_member():
    assert not is_member({"resourceType": "List", "code": concept(codes.TACHE, "sequencage")})


def test_a_member_may_be_changed_but_not_lose_its_marks():
    before = {**request("r", "child", "proband"), "meta": {"profile": [f"{codes.PROFILE}service-request"]}}
    assert kept(before, {**before, "note": [{"text": "x"}]}) is None
    assert kept(before, {**before, "code": concept(codes.EXAMEN, "wgs-solo")}) is None
    versioned = {**before, "meta": {"profile": [f"{codes.PROFILE}service-request|1.0.0"]}}
    assert kept(before, versioned) is None
    refusal = kept(before, {**before, "meta": {}, "code": concept(codes.LOINC, "58410-2")})
    assert refusal is not None
    assert [issue.expression for issue in refusal.issues] == ["ServiceRequest.meta.profile", "ServiceRequest.code"]
    assert isinstance(refusal.error(), Unprocessable)


@pytest.mark.parametrize("kind", KEPT)
def test_a_member_is_not_deleted_and_the_refusal_names_the_status_instead(kind: str):
    before = {"resourceType": kind, "meta": {"profile": [f"{codes.PROFILE}{kind.lower()}"]}}
    refusal = kept(before, None)
    assert refusal is not None
    assert refusal.allowed == (KEPT[kind],)
    assert KEPT[kind] in refusal.issues[0].text("fr")


def test_a_provenance_of_a_dossier_is_neither_changed_nor_deleted():
    trace = {**told("Task/rcp", rpps="1"), "meta": {"profile": [f"{codes.PROFILE}provenance"]}}
    assert kept(trace, {**trace, "meta": {**trace["meta"], "versionId": "2"}}) is None
    assert kept(trace, None) is not None
    assert kept(trace, {**trace, "agent": []}) is not None
    assert kept(told("Task/rcp", rpps="1"), None) is None


def test_taking_the_marks_away_does_not_take_the_state_machine_away():
    before = trio("active")[5]
    stripped = {name: value for name, value in before.items() if name not in ("category", "code", "reasonCode")}
    refusal = allowed(before, {**stripped, "status": "draft"}, PRESCRIPTEUR, dossier_of(trio("active")), NOW)
    assert refusal is not None
    assert refusal.reason == "membership"
