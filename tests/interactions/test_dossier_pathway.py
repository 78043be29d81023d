"""The pathway at the doors: what each role moves, what the server makes of it, what is refused with what is possible.

Source: `fhir_gateway/dossier/states.py`; PFMG care pathway.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions import commit
from tests.dossier import family
from tests.interactions.desk import Desk, bundle, entry
from tests.interactions.dossier_people import (
    ASSISTANT,
    BIOLOGIST,
    COORDINATOR,
    OTHER_PLATFORM,
    PLATFORM,
    PRESCRIBER,
    SAME_PERSON,
    STRANGER,
    THROUGH,
    Pathway,
    submission,
    why,
)


@pytest.fixture
def pathway(desk: Desk) -> Pathway:
    return Pathway(desk)


def test_a_trio_goes_from_draft_through_the_rcp_to_active(pathway: Pathway) -> None:
    pathway.submit()
    numbers = {str(pathway.request(person)["requisition"]) for person in range(3)}
    assert len(numbers) == 1
    made = sorted(codes.code(each["code"], codes.TACHE) or "" for each in pathway.all("Task"))
    assert made == ["rcp-amont", *["recueil-consentement"] * 3]
    pathway.decide()
    told = pathway.all("Provenance")
    assert [each["agent"][0]["who"]["identifier"]["value"] for each in told] == [family.COORDINATOR_RPPS]
    seen = pathway.desk.of(PRESCRIBER).get("Provenance")
    assert [each["resource"]["id"] for each in seen["entry"]] == [each["id"] for each in told]
    assert "entry" not in pathway.desk.of(STRANGER).get("Provenance")
    pathway.finalise()
    assert pathway.statuses() == ["active"] * 3
    assert pathway.task("reception-prelevement")["status"] == "requested"
    assert pathway.task("depot-cad")["status"] == "draft"


def submitted(pathway: Pathway) -> Pathway:
    pathway.submit()
    return pathway


def finalised(pathway: Pathway) -> Pathway:
    pathway.submit()
    pathway.decide()
    pathway.finalise()
    return pathway


def test_without_the_rcp_nothing_is_finalised_and_the_refusal_says_what_is_missing(pathway: Pathway) -> None:
    submitted(pathway)
    request = pathway.request()
    refused = pathway.desk.of(PRESCRIBER).refused(
        "PUT", f"ServiceRequest/{request['id']}", {**request, "status": "active"}
    )
    assert refused.status == 422
    assert "dossier-rcp-missing" in {detail for detail, _ in refused.issues}
    assert pathway.statuses() == ["draft"] * 3


def test_a_prescriber_does_not_validate_an_own_dossier_under_another_role(pathway: Pathway) -> None:
    submitted(pathway)
    pathway.address()
    task = pathway.move(SAME_PERSON, "rcp-amont", "accepted", "in-progress")
    refused = pathway.desk.of(SAME_PERSON).refused("PUT", f"Task/{task['id']}", {**task, "status": "completed"})
    assert (refused.status, refused.issues) == (422, (("rcp-own-request", "Task.status"),))


def test_a_move_that_is_not_in_the_table_is_refused_with_the_states_that_may_follow(pathway: Pathway) -> None:
    submitted(pathway)
    request = pathway.request()
    url, sent = f"ServiceRequest/{request['id']}", {**request, "status": "on-hold"}
    put = pathway.desk.of(PRESCRIBER).refused("PUT", url, sent)
    assert (put.status, put.issues) == (422, (("dossier-state-not-allowed", "ServiceRequest.status"),))
    assert "active, entered-in-error" in put.texts[0]
    patch = [{"op": "replace", "path": "/status", "value": "on-hold"}]
    assert pathway.desk.of(PRESCRIBER).refused("PATCH", url, patch=patch) == put
    place = "Bundle.entry[0].resource.status"
    transaction = pathway.desk.of(PRESCRIBER).transaction_refused(entry("PUT", url, sent))
    assert transaction.issues == (("dossier-state-not-allowed", place),)


def test_a_batch_and_a_conditional_update_are_judged_as_a_plain_one(pathway: Pathway) -> None:
    submitted(pathway)
    request = pathway.request()
    sent = {name: value for name, value in request.items() if name not in ("id", "meta")}
    number = request["requisition"]
    url = f"ServiceRequest?requisition={number['system']}|{number['value']}&category=proband"
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", url, {**sent, "status": "on-hold"})
    assert refused.issues == (("dossier-state-not-allowed", "ServiceRequest.status"),)
    body = bundle(entry("PUT", url, {**sent, "status": "completed"}), type="batch")
    answer = pathway.desk.of(PRESCRIBER).ask("POST", "", body)
    assert b"dossier-state-not-allowed" in (answer.body or b"")
    assert pathway.statuses() == ["draft"] * 3


@pytest.mark.parametrize("without", ["code", "category", "reasonCode"])
def test_what_makes_a_request_one_of_a_dossier_is_not_taken_away(pathway: Pathway, without: str) -> None:
    submitted(pathway)
    request = {name: value for name, value in pathway.request().items() if name != without}
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", f"ServiceRequest/{request['id']}", request)
    assert {detail for detail, _ in refused.issues} == {"dossier-mark-removed"}


def test_requests_and_tasks_of_a_dossier_are_not_deleted(pathway: Pathway) -> None:
    submitted(pathway)
    refused = pathway.desk.of(PRESCRIBER).refused("DELETE", f"ServiceRequest/{pathway.requests[0]}")
    assert [detail for detail, _ in refused.issues] == ["dossier-member-deleted"]


def test_nobody_in_particular_stores_plain_resources_and_moves_no_dossier(pathway: Pathway, desk: Desk) -> None:
    plain = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}
    assert desk.ask("POST", "ServiceRequest", plain).status == 201
    refused = desk.refused("POST", "", submission())
    assert refused.status == 403
    assert {detail for detail, _ in refused.issues} == {"dossier-actor-not-allowed"}
    submitted(pathway)
    request = pathway.request()
    assert desk.refused("PUT", f"ServiceRequest/{request['id']}", {**request, "status": "active"}).status == 403


def test_a_plain_request_does_not_become_active_in_a_dossier_by_a_code_added_later(pathway: Pathway) -> None:
    submitted(pathway)
    request = pathway.request()
    marks = {name: request.pop(name) for name in ("code", "category", "reasonCode")}
    desk = pathway.desk.of(PRESCRIBER)
    plain = {**request, "status": "active", "requisition": {"value": "another"}}
    plain.pop("id")
    id = desk.post(plain)
    refused = desk.refused("PUT", f"ServiceRequest/{id}", {**plain, **marks, "id": id})
    assert refused.issues == (("dossier-state-not-allowed", "ServiceRequest.status"),)


def test_who_takes_a_task_that_nobody_owns_says_which_version_was_seen_and_one_of_two_wins(pathway: Pathway) -> None:
    submitted(pathway)
    task = pathway.task("rcp-amont")
    url, taken = f"Task/{task['id']}", {**task, "owner": family.named(family.RCP)}
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", url, taken)
    assert (refused.status, refused.issues) == (412, (("dossier-claim-unguarded", "Task"),))
    pathway.address()
    assert pathway.desk.of(PRESCRIBER).refused("PUT", url, taken, if_match='W/"1"').status == 412


def test_a_hospital_addresses_no_task_that_somebody_owns_nor_one_of_the_laboratory(pathway: Pathway) -> None:
    finalised(pathway)
    task = pathway.task("reception-prelevement")
    refused = pathway.desk.of(PRESCRIBER).refused(
        "PUT", f"Task/{task['id']}", {**task, "owner": family.named(family.RCP)}
    )
    assert "task-not-for-a-rcp" in {detail for detail, _ in refused.issues}


def test_a_draft_with_gaps_is_stored_and_its_gaps_are_told(pathway: Pathway) -> None:
    sent = submission("hpo-child", "consent-1", "edge-2")
    answer = pathway.desk.of(PRESCRIBER).ask("POST", "", sent, prefer="OperationOutcome", language="fr")
    body = (answer.body or b"").decode()
    assert "dossier-consent-missing" in body
    assert "Aucun consentement signé" in body
    assert len(pathway.all("ServiceRequest")) == 3


def test_another_hospital_and_the_platform_learn_nothing_of_a_draft(pathway: Pathway) -> None:
    submitted(pathway)
    for who in (STRANGER, PLATFORM, OTHER_PLATFORM, COORDINATOR):
        url = f"ServiceRequest/{pathway.requests[0]}"
        assert pathway.desk.of(who).refused("PUT", url, pathway.request()).status in (403, 405)


def test_a_proband_revoked_takes_relatives_and_tasks_along(pathway: Pathway) -> None:
    finalised(pathway)
    request = pathway.request()
    url = f"ServiceRequest/{request['id']}"
    revoked = entry("PUT", url, {**request, "status": "revoked"})
    bare = pathway.desk.of(PRESCRIBER).transaction_refused(revoked)
    assert [detail for detail, _ in bare.issues] == ["request-provenance-missing"]
    said = entry("POST", "Provenance", why(request["id"], "plus-necessaire"))
    pathway.desk.of(PRESCRIBER).transact(revoked, said)
    assert pathway.statuses() == ["revoked"] * 3
    assert {each["status"] for each in pathway.all("Task")} == {"completed", "cancelled"}


def test_a_reason_told_once_does_not_serve_for_the_next_move(pathway: Pathway) -> None:
    finalised(pathway)
    desk, request = pathway.desk.of(PRESCRIBER), pathway.request(1)
    url = f"ServiceRequest/{request['id']}"
    said = entry("POST", "Provenance", why(request["id"], "plus-necessaire"))
    desk.transact(entry("PUT", url, {**request, "status": "on-hold"}), said)
    refused = desk.refused("PUT", url, {**pathway.request(1), "status": "revoked"})
    assert [detail for detail, _ in refused.issues] == ["request-provenance-missing"]


def test_a_withdrawn_consent_stops_the_dossier_at_once(pathway: Pathway) -> None:
    finalised(pathway)
    consent = next(each for each in pathway.all("Consent") if "mr-mineur" in str(each["category"]))
    pathway.put(PRESCRIBER, consent, status="inactive")
    assert pathway.statuses() == ["on-hold"] * 3
    (told,) = [each for each in pathway.all("Provenance") if "consentement-retire" in str(each)]
    assert {each["reference"] for each in told["target"]} >= {f"ServiceRequest/{each}" for each in pathway.requests}
    refused = pathway.desk.of(PRESCRIBER).refused(
        "PUT", f"ServiceRequest/{pathway.requests[0]}", {**pathway.request(), "status": "active"}
    )
    assert "dossier-consent-refused" in {detail for detail, _ in refused.issues}


def test_steps_at_the_platform_ask_for_the_next_ones_and_a_bad_tube_for_another(pathway: Pathway) -> None:
    finalised(pathway)
    request = pathway.request(1)
    tube = family.specimen("x", "x", "x", status="unsatisfactory")
    tube |= {"subject": request["subject"], "request": [{"reference": f"ServiceRequest/{request['id']}"}]}
    del tube["id"]
    pathway.desk.of(ASSISTANT).post(tube)
    task = pathway.move(PLATFORM, "reception-prelevement", "accepted", "in-progress", person=1)
    assert task["input"][0]["valueReference"]["reference"].startswith("Specimen/")
    refused = pathway.desk.of(PLATFORM).refused("PUT", f"Task/{task['id']}", {**task, "status": "completed"})
    assert [detail for detail, _ in refused.issues] == ["task-specimen-unsatisfactory"]
    failed: dict[str, Any] = {"statusReason": concept(codes.MOTIF, "prelevement-non-conforme")}
    pathway.put(PLATFORM, task, status="failed", **failed)
    again = pathway.task("reception-prelevement", 1)
    assert again["reasonReference"]["reference"] == f"Task/{task['id']}"
    pathway.desk.of(ASSISTANT).post({**tube, "status": "available"})
    pathway.move(PLATFORM, "reception-prelevement", *THROUGH, person=1)
    assert pathway.task("preparation", 1)["status"] == "requested"


def test_meta_neither_takes_a_profile_of_a_dossier_away_nor_gives_one(pathway: Pathway) -> None:
    submitted(pathway)
    task = pathway.task("rcp-amont")
    (profile,) = task["meta"]["profile"]
    given = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"profile": [profile]}}]}
    refused = pathway.desk.refused("POST", f"Task/{task['id']}/$meta-delete", given)
    assert [detail for detail, _ in refused.issues] == ["dossier-mark-removed"]
    plain = pathway.desk.post({"resourceType": "Task", "status": "completed", "intent": "order"})
    refused = pathway.desk.refused("POST", f"Task/{plain}/$meta-add", given)
    assert [detail for detail, _ in refused.issues] == ["dossier-entered-by-meta"]


def test_validate_tells_what_a_write_would_be_refused_for(pathway: Pathway) -> None:
    submitted(pathway)
    request = {**pathway.request(), "status": "completed"}
    given = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": request}, {"name": "mode", "valueCode": "update"}],
    }
    answer = pathway.desk.of(PRESCRIBER).ask("POST", f"ServiceRequest/{request['id']}/$validate", given)
    assert b"dossier-state-not-allowed" in (answer.body or b"")


def test_no_request_joins_a_dossier_of_others_by_its_number(pathway: Pathway) -> None:
    submitted(pathway)
    number = pathway.request()["requisition"]
    sent = submission()
    for each in sent["entry"]:
        if each["resource"]["resourceType"] == "ServiceRequest":
            each["resource"]["requisition"] = number
        if each["resource"]["resourceType"] == "Organization":
            each["resource"]["identifier"] = [codes.identifier(family.OTHER_HOSPITAL)]
    refused = pathway.desk.of(STRANGER).refused("POST", "", sent)
    assert (refused.status, {detail for detail, _ in refused.issues}) == (403, {"dossier-number-of-others"})


def test_a_trio_goes_on_from_active_to_restitution_and_is_closed(pathway: Pathway) -> None:
    finalised(pathway)
    for person in range(3):
        request = pathway.request(person)
        tube = family.specimen("x", "x", "x", status="available")
        tube |= {"subject": request["subject"], "request": [{"reference": f"ServiceRequest/{request['id']}"}]}
        del tube["id"]
        pathway.desk.of(ASSISTANT).post(tube)
        for step in ("reception-prelevement", "preparation", "sequencage"):
            pathway.move(PLATFORM, step, *THROUGH, person=person)
    pathway.move(PLATFORM, "analyse-bioinfo", *THROUGH)
    pathway.move(BIOLOGIST, "interpretation", *THROUGH)
    request = pathway.request()
    report = {**family.report(), "subject": request["subject"]}
    report["basedOn"] = [{"reference": f"ServiceRequest/{request['id']}"}]
    id = pathway.desk.of(BIOLOGIST).post({name: value for name, value in report.items() if name != "id"})
    reported = {"type": concept(codes.PIECE, "compte-rendu"), "valueReference": {"reference": f"DiagnosticReport/{id}"}}
    pathway.move(BIOLOGIST, "restitution", *THROUGH, output=[reported])
    pathway.put(PRESCRIBER, pathway.task("rcp-aval"), owner=family.named(family.RCP))
    pathway.move(COORDINATOR, "rcp-aval", *THROUGH)
    pathway.move(PLATFORM, "depot-cad", *THROUGH)
    for person in range(3):
        pathway.put(PRESCRIBER, pathway.request(person), status="completed")
    assert pathway.statuses() == ["completed"] * 3
    assert {each["status"] for each in pathway.all("Task")} == {"completed"}


def test_of_two_platforms_that_claim_at_once_one_wins_and_the_other_gets_412(pathway: Pathway) -> None:
    finalised(pathway)
    task = pathway.task("reception-prelevement")
    url, sent = f"Task/{task['id']}", {**task, "status": "accepted"}
    match = f'W/"{task["meta"]["versionId"]}"'

    def claim(_: int) -> int:
        try:
            return pathway.desk.of(PLATFORM).ask("PUT", url, sent, if_match=match).status
        except FhirError as refusal:
            return refusal.status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(claim, range(4))) == [200, 412, 412, 412]


def test_what_comes_under_the_rules_between_plan_and_write_is_under_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"}
    desk.put(plain)
    locks, writes = commit._locks, [{**plain, "code": concept(codes.TACHE, "rcp-amont")}]

    def slowly(entries: Any, planned: Any) -> Any:
        if writes:
            desk.seed(writes.pop())
        return locks(entries, planned)

    monkeypatch.setattr(commit, "_locks", slowly)
    refused = desk.refused("PUT", "Task/t", {**plain, "status": "completed"})
    assert {detail for detail, _ in refused.issues} == {"dossier-mark-removed"}
