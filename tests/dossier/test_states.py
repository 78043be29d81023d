"""The state machine: who moves a ServiceRequest or a Task from which state to which, and what every other pair gets.

Source: genomics design, "ServiceRequest.status" and "Task.status", written out here once more and independently.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import SERVER, Acting, Actor
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.refusal import Refusal
from fhir_gateway.dossier.states import allowed, is_claim, targets
from fhir_gateway.fhir.outcome import Forbidden, Unprocessable
from tests.dossier.family import (
    ASSISTANT,
    COORDINATOR_RPPS,
    COORDONNATEUR,
    HOSPITAL,
    NOW,
    OTHER_PLATEFORME,
    OTHER_PLATFORM,
    PLATEFORME,
    PLATFORM,
    PRESCRIBER_RPPS,
    PRESCRIPTEUR,
    RCP,
    STRANGER,
    Resource,
    changed,
    dossier_of,
    named,
    one,
    provision,
    ref,
    report,
    specimen,
    task,
    told,
    trio,
    without,
)

# From, to: what may be, whoever does it. "-" is a resource that is not there yet.
REQUEST_MOVES = {
    "-": ["draft"],
    "draft": ["active", "entered-in-error"],
    "active": ["on-hold", "revoked", "completed", "entered-in-error"],
    "on-hold": ["active", "revoked", "entered-in-error"],
    "revoked": ["entered-in-error"],
    "completed": [],
    "entered-in-error": [],
    "unknown": [],
}
TASK_MOVES = {
    "-": ["draft", "requested"],
    "draft": ["requested", "cancelled"],
    "requested": ["received", "accepted", "rejected", "cancelled"],
    "received": ["accepted", "rejected", "cancelled"],
    "accepted": ["in-progress", "on-hold", "cancelled"],
    "in-progress": ["on-hold", "completed", "failed", "cancelled"],
    "on-hold": ["accepted", "in-progress", "cancelled"],
    "rejected": [],
    "ready": [],
    "cancelled": [],
    "failed": [],
    "completed": [],
    "entered-in-error": [],
}
TABLES = {"ServiceRequest": REQUEST_MOVES, "Task": TASK_MOVES}
REASON = concept(codes.MOTIF, "prelevement-non-conforme")
ROLES = [
    "anonyme", "prescripteur", "conseiller-genetique", "assistant-prescription", "coordonnateur-rcp", "membre-rcp",
    "biologiste-lbm", "pathologiste-referent", "plateforme", "flux-hospitalier", "collecteur", "integrateur",
    "auditeur", "administrateur", "serveur",
]  # fmt: skip
actors = st.one_of(
    st.just(SERVER),
    st.builds(
        Acting,
        st.sampled_from(ROLES),
        st.sampled_from([None, HOSPITAL, PLATFORM, OTHER_PLATFORM, RCP]),
        st.sampled_from([None, PRESCRIBER_RPPS, COORDINATOR_RPPS]),
    ),
)


def write(resources: list[Resource], id: str, actor: Actor, *added: Resource, **elements: Any) -> Refusal | None:
    """What the rules say to a write that changes elements of one resource of a dossier."""
    after = changed(resources, id, **elements)
    return allowed(one(resources, id), one(after, id), actor, dossier_of([*after, *added]), NOW)


def reasons(refusal: Refusal | None) -> list[str]:
    assert refusal is not None
    return [issue.complaint.detail for issue in refusal.issues]


# --- every pair


@pytest.mark.parametrize("kind", TABLES)
def test_the_table_holds_the_moves_of_the_design_and_no_others(kind: str):
    assert {state: sorted(targets(kind, state)) for state in TABLES[kind]} == {
        state: sorted(after) for state, after in TABLES[kind].items()
    }


@given(st.sampled_from(sorted(TABLES)), st.data(), actors)
def test_a_pair_that_is_not_in_the_table_is_refused_to_everybody_and_the_targets_are_named(kind, data, actor):
    table = TABLES[kind]
    before = data.draw(st.sampled_from(sorted(table)))
    after = data.draw(st.sampled_from(sorted(set(table) - set(table[before]) - {before, "-"})))
    family = [*trio("active"), task("t", "sequencage", "draft", owner=PLATFORM)]
    id = "t" if kind == "Task" else "order-0"
    new = {**one(family, id), "status": after}
    old = None if before == "-" else {**one(family, id), "status": before}
    refusal = allowed(old, new, actor, dossier_of(family).with_(new), NOW)
    assert refusal is not None
    assert refusal.reason == "state"
    assert sorted(refusal.allowed) == sorted(table[before])
    assert isinstance(refusal.error(), Unprocessable)
    for language in ("fr", "en"):
        assert all(target in refusal.issues[0].text(language) for target in table[before])


@given(st.sampled_from(sorted(TABLES)), st.data(), st.sampled_from(ROLES))
def test_a_stranger_moves_nothing_whatever_the_role(kind, data, role):
    table = TABLES[kind]
    before = data.draw(st.sampled_from(sorted(state for state in table if table[state])))
    after = data.draw(st.sampled_from(table[before]))
    family = [*trio("active"), task("t", "sequencage", "draft", owner=PLATFORM)]
    id = "t" if kind == "Task" else "order-0"
    new = {**one(family, id), "status": after}
    old = None if before == "-" else {**one(family, id), "status": before}
    stranger = Acting(role, "urn:elsewhere|1", "99000000099")
    refusal = allowed(old, new, stranger, dossier_of(family).with_(new), NOW)
    assert refusal is not None
    assert refusal.reason == "actor"
    assert isinstance(refusal.error(), Forbidden)


def test_no_token_can_say_that_it_is_the_server():
    refusal = write([*trio("active"), task("t", "sequencage", "draft")], "t", Acting("serveur"), status="requested")
    assert refusal is not None
    assert refusal.reason == "actor"


# --- the prescription


@pytest.mark.parametrize("actor", [PRESCRIPTEUR, ASSISTANT, Acting("flux-hospitalier", HOSPITAL)])
def test_a_draft_is_made_by_the_hospital_that_requests(actor: Actor):
    draft = one(trio(), "order-0")
    assert allowed(None, draft, actor, dossier_of(trio()), NOW) is None


def test_nobody_prescribes_for_another_hospital():
    refusal = allowed(None, one(trio(), "order-0"), STRANGER, dossier_of(trio()), NOW)
    assert refusal is not None
    assert refusal.reason == "actor"


def test_a_complete_dossier_is_finalised_by_its_prescriber():
    assert write(trio(), "order-0", PRESCRIPTEUR, status="active") is None


def test_a_dossier_with_gaps_is_not_finalised_and_all_that_blocks_is_told():
    family = without(trio(decided=False), "consent-1", "hpo-child")
    refusal = write(family, "order-0", PRESCRIPTEUR, status="active")
    assert set(reasons(refusal)) == {"dossier-rcp-missing", "dossier-consent-missing", "dossier-hpo-missing"}


def test_an_assistant_prepares_and_does_not_finalise():
    refusal = write(trio(), "order-0", ASSISTANT, status="active")
    assert refusal is not None
    assert refusal.reason == "actor"


@pytest.mark.parametrize("status", ["revoked", "on-hold"])
@pytest.mark.parametrize("actor", [PRESCRIPTEUR, SERVER])
def test_a_stop_needs_a_provenance_with_its_reason(status: str, actor: Actor):
    family = trio("active")
    assert reasons(write(family, "order-1", actor, status=status)) == ["request-provenance-missing"]
    unsaid = told("ServiceRequest/order-1", rpps=PRESCRIBER_RPPS)
    assert reasons(write(family, "order-1", actor, unsaid, status=status)) == ["request-provenance-missing"]
    why = told("ServiceRequest/order-1", "plus-necessaire", PRESCRIBER_RPPS)
    assert write(family, "order-1", actor, why, status=status) is None


def test_a_draft_that_was_a_mistake_is_taken_back_by_its_prescriber():
    assert write(trio(), "order-0", PRESCRIPTEUR, status="entered-in-error") is None


def test_the_server_finalises_what_is_complete_and_prescribes_nothing():
    assert write(trio(), "order-0", SERVER, status="active") is None
    assert write(trio(decided=False), "order-0", SERVER, status="active") is not None
    refusal = allowed(None, one(trio(), "order-0"), SERVER, dossier_of(trio()), NOW)
    assert refusal is not None
    assert refusal.reason == "actor"


def test_what_was_on_hold_goes_on_only_when_it_is_complete_again():
    family = changed(trio("on-hold"), "consent-1", provision={"provision": [provision("examen", "deny")]})
    refusal = write(family, "order-0", PRESCRIPTEUR, status="active")
    assert reasons(refusal) == ["dossier-consent-refused"]
    assert write(trio("on-hold"), "order-0", PRESCRIPTEUR, status="active") is None


def test_a_platform_revokes_only_after_a_blocking_non_conformity():
    why = told("ServiceRequest/order-1", "prelevement-non-conforme")
    family = trio("active")
    assert reasons(write(family, "order-1", PLATEFORME, why, status="revoked")) == ["request-no-non-conformity"]
    bad = specimen("tube", "mother", "order-1", status="unsatisfactory")
    assert write([*family, bad], "order-1", PLATEFORME, why, status="revoked") is None
    assert reasons(write([*family, bad], "order-1", PLATEFORME, status="revoked")) == ["request-provenance-missing"]
    stopped = task("t", "reception-prelevement", "on-hold", "order-1", PLATFORM, statusReason=REASON)
    assert write([*family, stopped], "order-1", PLATEFORME, why, status="revoked") is None
    refusal = write([*family, bad], "order-1", OTHER_PLATEFORME, why, status="revoked")
    assert refusal is not None
    assert refusal.reason == "actor"


def test_a_request_is_completed_after_the_restitution():
    family = trio("active")
    assert reasons(write(family, "order-0", PRESCRIPTEUR, status="completed")) == ["request-not-restituted"]
    done = task("t", "restitution", "completed", owner=PLATFORM)
    assert write([*family, done], "order-0", PRESCRIPTEUR, status="completed") is None


def test_past_draft_entered_in_error_needs_the_platform_and_an_idle_bench():
    running = task("t", "sequencage", "in-progress", owner=PLATFORM)
    refusal = write([*trio("active"), running], "order-0", PRESCRIPTEUR, status="entered-in-error")
    assert reasons(refusal) == ["request-in-progress", "request-platform-agreement-missing"]
    agreed = told("ServiceRequest/order-0", "autre", organisation=PLATFORM)
    assert write(trio("active"), "order-0", PRESCRIPTEUR, agreed, status="entered-in-error") is None


def test_past_draft_neither_person_nor_number_nor_prescriber_change():
    refusal = write(trio("active"), "order-0", PRESCRIPTEUR, subject=ref("Patient/father"))
    assert reasons(refusal) == ["dossier-element-fixed"]
    assert write(trio(), "order-0", PRESCRIPTEUR, note=[{"text": "x"}]) is None
    assert write(trio("active"), "order-0", PRESCRIPTEUR, note=[{"text": "x"}]) is None


def test_the_same_person_and_prescriber_may_be_named_in_another_way():
    subject = {"reference": "https://elsewhere.example/fhir/Patient/child", "display": "x"}
    assert write(trio("active"), "order-0", PRESCRIPTEUR, subject=subject) is None


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("reasonCode", [concept(codes.PREINDICATION, "F-46")]),
        ("code", concept(codes.EXAMEN, "wgs-duo")),
        ("category", [concept(codes.PARCOURS, "MR"), concept(codes.ROLE, "relative")]),
        ("requester", named(f"{codes.RPPS}|{COORDINATOR_RPPS}")),
        ("subject", ref("Patient/mother")),
    ],
)
def test_what_the_rcp_validated_is_not_changed_afterwards(element: str, value: Any):
    assert reasons(write(trio(), "order-0", PRESCRIPTEUR, **{element: value})) == ["dossier-validated-changed"]
    assert write(trio(decided=False), "order-0", PRESCRIPTEUR, **{element: value}) is None


def test_a_contained_prescriber_is_not_swapped_either():
    def role(rpps: str) -> dict[str, Any]:
        inside = {"resourceType": "PractitionerRole", "id": "r", "practitioner": named(f"{codes.RPPS}|{rpps}")}
        return {"contained": [{**inside, "organization": named(HOSPITAL)}], "requester": ref("#r")}

    family = changed(trio(), "order-0", **role(PRESCRIBER_RPPS))
    refusal = write(family, "order-0", PRESCRIPTEUR, **role("99000000077"))
    assert reasons(refusal) == ["dossier-validated-changed"]
    assert write(family, "order-0", PRESCRIPTEUR, **role(PRESCRIBER_RPPS)) is None


def test_another_holder_of_the_validated_preindication_is_no_other_preindication():
    family = changed(trio(), "order-0", reasonCode=[concept(codes.PREINDICATION, "F-49")])
    assert write(family, "order-0", PRESCRIPTEUR, reasonCode=[concept(codes.PREINDICATION, "F-50")]) is None


# --- four eyes


def rcp_task(status: str = "in-progress", **more: Any) -> Resource:
    return task("rcp", "rcp-amont", status, owner=RCP, **more)


def decide(actor: Actor, family: list[Resource] | None = None) -> Refusal | None:
    return write([*(family or trio(decided=False)), rcp_task()], "rcp", actor, status="completed")


def test_a_coordinator_validates_what_another_prescribed():
    assert decide(COORDONNATEUR) is None


def test_a_prescriber_does_not_validate_an_own_request_in_another_role():
    assert reasons(decide(Acting("coordonnateur-rcp", RCP, PRESCRIBER_RPPS))) == ["rcp-own-request"]


def test_whoever_prescribes_for_a_relative_is_a_prescriber_of_the_dossier():
    family = changed(trio(decided=False), "order-2", requester=named(f"{codes.RPPS}|{COORDINATOR_RPPS}"))
    assert reasons(decide(COORDONNATEUR, family)) == ["rcp-own-request"]


def test_without_rpps_nobody_can_tell_and_nobody_validates():
    assert reasons(decide(Acting("coordonnateur-rcp", RCP))) == ["rcp-person-unknown"]
    assert reasons(decide(COORDONNATEUR, changed(trio(decided=False), "role", practitioner=None))) == [
        "rcp-person-unknown"
    ]


def test_a_member_prepares_and_a_coordinator_validates():
    member = Acting("membre-rcp", RCP, "99000000005")
    assert reasons(decide(member)) == ["rcp-not-coordinator"]
    assert write([*trio(decided=False), rcp_task("accepted")], "rcp", member, status="in-progress") is None


def test_a_prescriber_who_swaps_the_requester_after_the_rcp_is_found_at_finalise():
    swapped = [
        {**each, "requester": named(f"{codes.RPPS}|{COORDINATOR_RPPS}")}
        if each["resourceType"] == "ServiceRequest"
        else each
        for each in trio()
    ]
    refusal = write(swapped, "order-0", Acting("prescripteur", HOSPITAL, COORDINATOR_RPPS), status="active")
    assert "dossier-rcp-prescriber" in reasons(refusal)


# --- tasks


def bench(status: str, code: str = "sequencage", owner: str | None = PLATFORM, **more: Any) -> list[Resource]:
    return [*trio("active"), task("t", code, status, owner=owner, **more)]


def test_the_owner_takes_a_task_through_to_its_end():
    assert write(bench("requested"), "t", PLATEFORME, status="received") is None
    assert write(bench("received"), "t", PLATEFORME, status="accepted") is None
    assert write(bench("accepted"), "t", PLATEFORME, status="in-progress") is None
    assert write(bench("in-progress"), "t", PLATEFORME, status="completed") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("requested", "rejected"),
        ("in-progress", "failed"),
        ("accepted", "on-hold"),
        ("in-progress", "cancelled"),
        ("on-hold", "cancelled"),
    ],
)
def test_what_stops_says_why(before: str, after: str):
    assert reasons(write(bench(before), "t", PLATEFORME, status=after)) == ["task-reason-missing"]
    assert write(bench(before), "t", PLATEFORME, status=after, statusReason=REASON) is None


def test_another_platform_moves_nothing_of_this_one():
    refusal = write(bench("accepted"), "t", OTHER_PLATEFORME, status="in-progress")
    assert refusal is not None
    assert refusal.reason == "actor"


def test_a_task_that_nobody_owns_is_claimed_by_naming_oneself():
    free = bench("requested", "interpretation", owner=None)
    laboratory = Acting("biologiste-lbm", OTHER_PLATFORM, "99000000006")
    assert write(free, "t", laboratory, status="accepted", owner=named(OTHER_PLATFORM)) is None
    assert reasons(write(free, "t", laboratory, status="accepted")) == ["task-owner-not-taken"]
    assert reasons(write(free, "t", laboratory, status="accepted", owner=named(PLATFORM))) == ["task-owner-not-taken"]
    assert write(free, "t", laboratory, status="received") is None
    motive = concept(codes.MOTIF, "autre")
    assert reasons(write(free, "t", laboratory, status="rejected", statusReason=motive)) == ["task-owner-not-taken"]
    mine = named(OTHER_PLATFORM)
    assert write(free, "t", laboratory, status="rejected", statusReason=motive, owner=mine) is None
    assert is_claim(one(free, "t"), {**one(free, "t"), "owner": named(OTHER_PLATFORM)})


def test_the_second_claim_meets_an_owner_and_is_refused():
    taken = bench("accepted", "interpretation", owner=PLATFORM)
    refusal = write(
        taken, "t", Acting("biologiste-lbm", OTHER_PLATFORM), status="accepted", owner=named(OTHER_PLATFORM)
    )
    assert refusal is not None


def test_only_the_platform_of_the_dossier_claims_its_bench():
    free = bench("requested", "sequencage", owner=None)
    assert write(free, "t", PLATEFORME, status="accepted", owner=named(PLATFORM)) is None
    refusal = write(free, "t", OTHER_PLATEFORME, status="accepted", owner=named(OTHER_PLATFORM))
    assert refusal is not None
    assert refusal.reason == "actor"


def test_its_owner_sends_a_task_away_and_nobody_else_does():
    free = bench("requested", "interpretation")
    assert write(free, "t", PLATEFORME, owner=named(OTHER_PLATFORM)) is None
    refusal = write(free, "t", OTHER_PLATEFORME, owner=named(OTHER_PLATFORM))
    assert refusal is not None
    assert refusal.reason == "actor"
    assert write(bench("in-progress"), "t", PLATEFORME, owner=named(OTHER_PLATFORM)) is not None


def test_what_a_task_is_about_never_changes():
    refusal = write(bench("requested"), "t", PLATEFORME, focus=ref("ServiceRequest/order-1"))
    assert reasons(refusal) == ["dossier-element-fixed"]


@pytest.mark.parametrize(("before", "after"), [("requested", "accepted"), ("accepted", "in-progress"),
                                               ("on-hold", "in-progress"), ("in-progress", "completed")])  # fmt: skip
def test_without_consent_nothing_starts_or_goes_on(before: str, after: str):
    family = changed(bench(before), "consent-0", provision={"provision": [provision("examen", "deny")]})
    assert reasons(write(family, "t", PLATEFORME, status=after)) == ["task-consent-lacking"]


def test_a_relative_who_withdraws_stops_the_dossier_and_not_the_tubes_of_others():
    withdrawn = [provision("examen", "deny")]
    family = changed(bench("accepted"), "consent-1", provision={"provision": withdrawn})
    assert write(family, "t", PLATEFORME, status="in-progress") is None
    family = changed(bench("accepted", "analyse-bioinfo"), "consent-1", provision={"provision": withdrawn})
    assert reasons(write(family, "t", PLATEFORME, status="in-progress")) == ["task-consent-lacking"]


@pytest.mark.parametrize(("before", "after"), [("requested", "accepted"), ("accepted", "in-progress"),
                                               ("on-hold", "accepted"), ("in-progress", "completed")])  # fmt: skip
def test_a_task_waits_while_its_request_is_on_hold(before: str, after: str):
    family = changed(bench(before), "order-0", status="on-hold")
    assert reasons(write(family, "t", PLATEFORME, status=after)) == ["task-request-stands"]


def test_the_deposit_goes_on_after_the_request_is_completed_and_the_rcp_runs_before_it_is_active():
    family = changed(bench("accepted", "depot-cad"), "order-0", status="completed")
    assert write(family, "t", PLATEFORME, status="in-progress") is None
    assert write([*trio(decided=False), rcp_task("accepted")], "rcp", COORDONNATEUR, status="in-progress") is None


def test_the_server_makes_holds_and_cancels_tasks_with_a_reason():
    made = task("new", "sequencage", "draft", owner=PLATFORM)
    assert allowed(None, made, SERVER, dossier_of([*trio("active"), made]), NOW) is None
    assert write(bench("in-progress"), "t", SERVER, status="on-hold", statusReason=REASON) is None
    assert write(bench("accepted"), "t", SERVER, status="cancelled", statusReason=REASON) is None
    refusal = write(bench("in-progress"), "t", SERVER, status="cancelled", statusReason=REASON)
    assert refusal is not None
    assert refusal.reason == "actor"


def test_a_restitution_is_completed_with_its_final_report():
    output = [{"type": concept(codes.PIECE, "compte-rendu"), "valueReference": ref("DiagnosticReport/report")}]
    family = bench("in-progress", "restitution")
    assert reasons(write(family, "t", PLATEFORME, status="completed")) == ["task-report-missing"]
    refusal = write([*family, report("preliminary")], "t", PLATEFORME, status="completed", output=output)
    assert reasons(refusal) == ["task-report-missing"]
    assert write([*family, report()], "t", PLATEFORME, status="completed", output=output) is None


def test_a_reception_is_completed_with_a_conform_tube():
    family = bench("in-progress", "reception-prelevement")
    tube = [{"type": concept(codes.PIECE, "prelevement"), "valueReference": ref("Specimen/tube")}]
    assert reasons(write(family, "t", PLATEFORME, status="completed")) == ["task-specimen-missing"]
    bad = specimen("tube", "child", "order-0", status="unsatisfactory")
    refusal = write([*family, bad], "t", PLATEFORME, status="completed", input=tube)
    assert reasons(refusal) == ["task-specimen-unsatisfactory"]
    good = specimen("tube", "child", "order-0", status="available")
    assert write([*family, good], "t", PLATEFORME, status="completed", input=tube) is None


def test_a_consent_is_obtained_when_a_form_answers():
    collecting = task("t", "recueil-consentement", "in-progress", owner=HOSPITAL)
    assert write([*trio(), collecting], "t", ASSISTANT, status="completed") is None
    family = [*without(trio(), "consent-0"), collecting]
    assert reasons(write(family, "t", ASSISTANT, status="completed")) == ["task-consent-missing"]


def test_the_server_alone_completes_what_was_not_taken_and_of_that_kind_only():
    asked = task("t", "recueil-consentement", "requested", owner=HOSPITAL)
    assert write([*trio(), asked], "t", SERVER, status="completed") is None
    refusal = write([*trio(), asked], "t", ASSISTANT, status="completed")
    assert refusal is not None
    assert (refusal.reason, "completed" in refusal.allowed) == ("actor", True)
    lacking = [*without(trio(), "consent-0"), asked]
    assert reasons(write(lacking, "t", SERVER, status="completed")) == ["task-consent-missing"]
    other = [*trio("active"), task("t", "sequencage", "requested", owner=PLATFORM)]
    refusal = write(other, "t", SERVER, status="completed")
    assert refusal is not None
    assert (refusal.reason, "completed" in refusal.allowed) == ("state", False)


def test_a_refused_request_is_asked_again_by_the_prescriber_and_only_then():
    again = task("again", "rcp-amont", "requested")
    refused = rcp_task("rejected", statusReason=concept(codes.MOTIF, "rcp-refus"))
    family = [*trio(decided=False), refused]
    assert allowed(None, again, PRESCRIPTEUR, dossier_of([*family, again]), NOW) is None
    assert allowed(None, again, ASSISTANT, dossier_of([*family, again]), NOW) is None
    standing = [*trio(decided=False), rcp_task("accepted")]
    assert reasons(allowed(None, again, PRESCRIPTEUR, dossier_of([*standing, again]), NOW)) == ["task-still-open"]
    bench_task = task("again", "sequencage", "requested")
    refusal = allowed(None, bench_task, PRESCRIPTEUR, dossier_of([*family, bench_task]), NOW)
    assert reasons(refusal) == ["task-still-open"]
