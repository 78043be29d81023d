"""The Tasks that the server makes and moves on, from draft to deposit, with what fails on the way.

Source: genomics design, "Tasks: code, scope, owner"; `fhir_gateway/dossier/tasks.py`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import SERVER
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, task_code
from fhir_gateway.dossier.states import allowed
from fhir_gateway.dossier.tasks import STEPS, owed, settled
from tests.dossier.family import (
    HOSPITAL,
    NOW,
    PLATFORM,
    Resource,
    changed,
    dossier_of,
    ids,
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


class Pathway:
    """A dossier and the server beside it: after each write what is owed is written too, and checked by the table."""

    def __init__(self, resources: list[Resource]) -> None:
        self._ids = ids()
        self.dossier: Dossier = dossier_of(resources)
        self._settle()

    def _settle(self) -> None:
        before = self.dossier
        self.dossier, changes = settled(before, NOW, self._ids)
        assert not owed(self.dossier, NOW)
        for each in (*changes.created, *changes.updated):
            # What was made and moved on in one go is written once, in its last state.
            old = before.resolve({"reference": f"{each['resourceType']}/{each['id']}"})
            if each["resourceType"] == "Task" and (old is None or old.resource["status"] != each["status"]):
                refusal = allowed(old and old.resource, each, SERVER, self.dossier, NOW)
                assert refusal is None, refusal

    def write(self, *resources: Resource) -> None:
        self.dossier = self.dossier.with_(*resources)
        self._settle()

    def tasks(self, code: str, order: str | None = None) -> list[Any]:
        return [
            each.resource
            for each in self.dossier.tasks(code)
            if order is None or each.resource["focus"] == ref(f"ServiceRequest/{order}")
        ]

    def states(self) -> dict[str, str]:
        """Per code the states of its Tasks, counted, as "2 requested, 1 draft"."""
        found: dict[str, Counter[str]] = {}
        for each in self.dossier.tasks():
            found.setdefault(task_code(each.resource) or "", Counter())[each.resource["status"]] += 1
        return {code: ", ".join(f"{n} {state}" for state, n in sorted(each.items())) for code, each in found.items()}

    def end(self, code: str, status: str = "completed", order: str | None = None, reason: str | None = None) -> None:
        """End all Tasks of a code that are asked for."""
        elements: Resource = {"status": status}
        if reason is not None:
            elements["statusReason"] = concept(codes.MOTIF, reason)
        self.write(*[{**each, **elements} for each in self.tasks(code, order) if each["status"] == "requested"])


def active(*more: Resource) -> Pathway:
    return Pathway(trio("active", *more))


CONSENTS = ("consent-0", "consent-1", "consent-2")


def test_a_draft_is_given_the_rcp_and_each_person_a_consent_to_obtain():
    pathway = Pathway(without(trio(decided=False), *CONSENTS))
    assert pathway.states() == {"rcp-amont": "1 requested", "recueil-consentement": "3 requested"}
    assert {each["owner"]["identifier"]["value"] for each in pathway.tasks("recueil-consentement")} == {"990000015"}
    assert "owner" not in pathway.tasks("rcp-amont")[0]
    made = pathway.tasks("rcp-amont")[0]
    assert made["groupIdentifier"]["value"] == "D-1"
    assert made["requester"] == ref("PractitionerRole/role")
    assert made["for"] == ref("Patient/child")


def test_consents_that_came_with_the_submission_leave_nothing_to_collect():
    pathway = Pathway(trio(decided=False))
    assert pathway.states()["recueil-consentement"] == "3 completed"
    for each in pathway.tasks("recueil-consentement"):
        (output,) = each["output"]
        consent = output["valueReference"]["reference"].partition("/")[2]
        assert one(trio(), consent)["patient"] == each["for"]
        assert codes.codes(output["type"], codes.PIECE) == ("consentement",)
        assert codes.code(each["businessStatus"], codes.ETAPE) == "attente-rcp"
        assert each["owner"]["identifier"]["value"] == "990000015"


def test_a_consent_that_comes_later_completes_what_asks_for_it_and_no_more():
    family = trio(decided=False)
    pathway = Pathway(without(family, *CONSENTS))
    pathway.write(one(family, "consent-1"))
    assert [each["status"] for each in pathway.tasks("recueil-consentement", "order-1")] == ["completed"]
    assert pathway.states()["recueil-consentement"] == "1 completed, 2 requested"


@pytest.mark.parametrize(
    "lacking",
    [
        {"provision": {"provision": [provision("examen", "deny")]}},
        {"provision": {"provision": [provision("conservation-diagnostic", "permit")]}},
        {"verification": None},
        {"status": "proposed"},
        {"category": [concept(codes.FORMULAIRE, "mr-mineur")]},
        {"performer": [ref("RelatedPerson/somebody")]},
    ],
    ids=["refused", "unanswered", "no attestation", "not signed", "another form", "another signer"],
)
def test_what_blocks_at_finalise_is_still_to_be_collected(lacking: Resource):
    pathway = Pathway(changed(trio(decided=False), "consent-1", **lacking))
    assert [each["status"] for each in pathway.tasks("recueil-consentement", "order-1")] == ["requested"]


def test_where_no_hospital_is_known_somebody_has_to_complete_it():
    alone = [{**each, "organization": None} if each["id"] == "role" else each for each in trio(decided=False)]
    assert Pathway(alone).states()["recueil-consentement"] == "3 requested"


def test_a_dossier_without_number_owes_nothing_yet():
    unnumbered = [{k: v for k, v in each.items() if k != "requisition"} for each in trio(decided=False)]
    assert not owed(dossier_of(unnumbered), NOW)


def test_an_active_dossier_has_all_its_steps_and_waits_for_the_tubes():
    pathway = active()
    assert pathway.states() == {
        "rcp-amont": "1 completed",
        "recueil-consentement": "3 completed",
        "reception-prelevement": "3 requested",
        "preparation": "3 draft",
        "sequencage": "3 draft",
        "analyse-bioinfo": "1 draft",
        "interpretation": "1 draft",
        "restitution": "1 draft",
        "rcp-aval": "1 draft",
        "depot-cad": "1 draft",
    }
    assert all(each["owner"]["identifier"]["value"] == "690043534" for each in pathway.tasks("reception-prelevement"))
    assert "owner" not in pathway.tasks("interpretation")[0]


def test_each_step_is_asked_for_when_the_one_before_is_done_to_the_end():
    pathway = active()
    order = ["reception-prelevement", "preparation", "sequencage", "analyse-bioinfo", "interpretation", "restitution"]
    for before, after in itertools.pairwise(order):
        assert all(each["status"] == "draft" for each in pathway.tasks(after))
        pathway.end(before)
        assert all(each["status"] == "requested" for each in pathway.tasks(after)), after
    pathway.end("restitution")
    assert (pathway.states()["rcp-aval"], pathway.states()["depot-cad"]) == ("1 requested", "1 requested")


# --- the deposit, again


def deposited(output: str | None, status: str = "completed", laid: str = "2026-05-20T08:00:00Z") -> Resource:
    told = {"output": [{"type": {"text": "MSH-10"}, "valueString": output}]} if output else {}
    period = {"start": laid, "end": "2026-05-22T08:00:00Z"}
    return task("depot", "depot-cad", status, owner=PLATFORM, executionPeriod=period, **told)


def reported(status: str, version: str, **more: Any) -> Resource:
    return {**report(status), "meta": {"versionId": version}, **more}


AHEAD = reported("amended", "2", issued="2027-05-10T10:00:00Z")


@pytest.mark.parametrize(
    ("task", "held", "again"),
    [
        (deposited("report-1"), reported("final", "1"), False),
        (deposited("report-1"), reported("amended", "2"), True),
        (deposited("report-1_3"), reported("corrected", "2"), True),
        (deposited("report-2"), reported("appended", "2"), False),
        # A new version of what is still final says nothing else: a label, a reference.
        (deposited("report-1"), reported("final", "2"), False),
        (deposited("report-1"), reported("entered-in-error", "2"), False),
        (deposited("other-1"), reported("final", "1"), True),
        # A laboratory that deposits by itself does not tell MSH-10: what was issued since is not in it.
        (deposited(None), reported("amended", "2", issued="2026-06-01T10:00:00Z"), True),
        (deposited(None), reported("amended", "2"), False),
        (deposited(None), {**AHEAD, "meta": {"versionId": "2", "lastUpdated": "2026-05-19T08:00:00Z"}}, False),
        # What is under way, or asked for, is waited for.
        (deposited("report-1", "in-progress"), reported("amended", "2"), False),
        (deposited("report-1", "requested"), reported("amended", "2"), False),
    ],
)
@pytest.mark.parametrize("status", ["active", "completed"])
def test_a_report_that_is_amended_after_its_deposit_is_deposited_again_once(
    task: Resource, held: Resource, again: bool, status: str
):
    pathway = active()
    waiting = pathway.tasks("depot-cad")[0]
    pathway.write({**waiting, "status": "cancelled", "statusReason": concept(codes.MOTIF, "autre")})
    before = len(pathway.tasks("depot-cad"))
    pathway.write({**one(trio("active"), "order-0"), "status": status}, task, held)
    made = [each for each in pathway.tasks("depot-cad")[before:] if each["id"] != "depot"]
    assert [each["status"] for each in made] == (["requested"] if again else [])
    if again:
        assert made[0]["reasonReference"] == ref("DiagnosticReport/report")
        assert made[0]["owner"] == pathway.tasks("sequencage")[0]["owner"]


def test_the_tube_of_one_person_goes_ahead_of_the_others():
    pathway = active()
    pathway.end("reception-prelevement", order="order-1")
    assert [each["status"] for each in pathway.tasks("preparation", "order-1")] == ["requested"]
    assert [each["status"] for each in pathway.tasks("preparation", "order-0")] == ["draft"]


def test_the_analysis_waits_for_all_of_the_trio():
    pathway = active()
    for code in ("reception-prelevement", "preparation", "sequencage"):
        pathway.end(code, order="order-0")
        pathway.end(code, order="order-1")
    assert pathway.states()["analyse-bioinfo"] == "1 draft"


@pytest.mark.parametrize("step", ["cancelled", "revoked"])
def test_the_analysis_goes_on_without_a_member_that_is_waived(step: str):
    pathway = active()
    for code in ("reception-prelevement", "preparation", "sequencage"):
        pathway.end(code, order="order-0")
        pathway.end(code, order="order-1")
    if step == "cancelled":
        waived = pathway.tasks("sequencage", "order-2")[0]
        pathway.write({**waived, "status": "cancelled", "statusReason": concept(codes.MOTIF, "prelevement-manquant")})
    else:
        pathway.write({**one(trio("active"), "order-2"), "status": "revoked"})
    assert pathway.states()["analyse-bioinfo"] == "1 requested"


def test_the_proband_is_never_waived():
    pathway = active()
    for code in ("reception-prelevement", "preparation", "sequencage"):
        pathway.end(code, order="order-1")
        pathway.end(code, order="order-2")
    waived = pathway.tasks("sequencage", "order-0")[0]
    pathway.write({**waived, "status": "cancelled", "statusReason": concept(codes.MOTIF, "autre")})
    assert pathway.states()["analyse-bioinfo"] == "1 draft"


def test_the_analysis_waits_for_as_many_as_were_announced():
    announced = [{"url": codes.PARTICIPANTS, "valuePositiveInt": 4}]
    pathway = Pathway(changed(trio("active"), "order-0", extension=announced))
    for code in ("reception-prelevement", "preparation", "sequencage"):
        pathway.end(code)
    assert pathway.states()["analyse-bioinfo"] == "1 draft"


# --- tubes


def tube(id: str, order: str = "order-0", person: str = "child", **more: Any) -> Resource:
    return specimen(id, person, order, **more)


def inputs(tasks: list[Any]) -> list[list[str]]:
    return [[each["valueReference"]["reference"] for each in task.get("input", [])] for task in tasks]


def test_a_tube_that_is_known_at_activation_has_its_own_tasks():
    pathway = active(tube("tumour"), tube("normal"))
    for code in ("reception-prelevement", "preparation", "sequencage"):
        assert inputs(pathway.tasks(code, "order-0")) == [["Specimen/tumour"], ["Specimen/normal"]]


def test_a_library_is_no_tube():
    pathway = active(tube("tube"), tube("dna", parent=[ref("Specimen/tube")]))
    assert inputs(pathway.tasks("reception-prelevement", "order-0")) == [["Specimen/tube"]]


def test_a_tube_that_comes_later_is_put_into_the_tasks_that_wait_for_one():
    pathway = active()
    pathway.write(tube("late"))
    for code in ("reception-prelevement", "preparation", "sequencage"):
        assert inputs(pathway.tasks(code, "order-0")) == [["Specimen/late"]]
        assert inputs(pathway.tasks(code, "order-1")) == [[]]


def test_a_second_tube_that_comes_later_gets_tasks_of_its_own_and_the_analysis_waits():
    pathway = active(tube("first"))
    pathway.write(tube("second"))
    assert inputs(pathway.tasks("sequencage", "order-0")) == [["Specimen/first"], ["Specimen/second"]]


def test_a_task_about_a_tube_that_was_not_gathered_is_about_it_all_the_same():
    pathway = active(tube("here"))
    piece = concept(codes.PIECE, "prelevement")
    (other,) = pathway.tasks("preparation", "order-0")
    elsewhere = {**other, "input": [{"type": piece, "valueReference": ref("Specimen/elsewhere")}]}
    pathway.write(elsewhere)
    pathway.end("reception-prelevement", order="order-0")
    states = {each["status"]: inputs([each]) for each in pathway.tasks("preparation", "order-0")}
    assert states == {"draft": [["Specimen/elsewhere"]], "requested": [["Specimen/here"]]}


def test_a_non_conform_tube_is_asked_for_again_and_the_steps_ahead_wait_for_the_new_one():
    pathway = active(tube("bad"))
    pathway.end("reception-prelevement", "failed", "order-0", "prelevement-non-conforme")
    receptions = pathway.tasks("reception-prelevement", "order-0")
    assert [each["status"] for each in receptions] == ["failed", "requested"]
    assert receptions[1]["reasonReference"] == ref(f"Task/{receptions[0]['id']}")
    assert inputs(pathway.tasks("preparation", "order-0")) == [[]]
    pathway.write(tube("good"))
    assert inputs(pathway.tasks("reception-prelevement", "order-0")) == [["Specimen/bad"], ["Specimen/good"]]
    assert inputs(pathway.tasks("sequencage", "order-0")) == [["Specimen/good"]]
    pathway.end("reception-prelevement", order="order-0")
    assert [each["status"] for each in pathway.tasks("preparation", "order-0")] == ["requested"]


def test_a_sequencing_that_failed_is_done_again_with_the_same_tube():
    pathway = active(tube("tube"))
    pathway.end("reception-prelevement", order="order-0")
    pathway.end("preparation", order="order-0")
    pathway.end("sequencage", "failed", "order-0", "echec-sequencage")
    tasks = pathway.tasks("sequencage", "order-0")
    assert [each["status"] for each in tasks] == ["failed", "requested"]
    assert inputs(tasks) == [["Specimen/tube"], ["Specimen/tube"]]


def test_a_preparation_that_failed_for_the_tube_asks_for_a_new_tube_and_prepares_it_anew():
    pathway = active(tube("tube"))
    pathway.end("reception-prelevement", order="order-0")
    pathway.end("preparation", "failed", "order-0", "prelevement-non-conforme")
    assert [each["status"] for each in pathway.tasks("reception-prelevement", "order-0")] == ["completed", "requested"]
    assert [each["status"] for each in pathway.tasks("preparation", "order-0")] == ["failed", "draft"]
    pathway.write(tube("new"))
    pathway.end("reception-prelevement", order="order-0")
    pathway.end("preparation", order="order-0")
    assert [each["status"] for each in pathway.tasks("sequencage", "order-0")] == ["requested"]


def test_an_analysis_that_failed_is_asked_for_again():
    pathway = active()
    for code in ("reception-prelevement", "preparation", "sequencage"):
        pathway.end(code)
    pathway.end("analyse-bioinfo", "failed", reason="echec-pipeline")
    assert pathway.states()["analyse-bioinfo"] == "1 failed, 1 requested"
    pathway.end("analyse-bioinfo")
    assert pathway.states()["interpretation"] == "1 requested"


def test_a_reanalysis_needs_no_tube_and_a_reinterpretation_no_analysis():
    def alone(examen: str) -> dict[str, str]:
        family = without(trio("active"), "order-1", "order-2")
        return Pathway(changed(family, "order-0", code=concept(codes.EXAMEN, examen))).states()

    assert alone("reanalyse")["analyse-bioinfo"] == "1 requested"
    assert "sequencage" not in alone("reanalyse")
    assert alone("reinterpretation")["interpretation"] == "1 requested"
    assert "analyse-bioinfo" not in alone("reinterpretation")


# --- what is revoked or on hold


def test_a_revoked_relative_takes_its_own_tasks_with_it():
    pathway = active()
    why = told("ServiceRequest/order-2", "consentement-retire")
    pathway.write({**one(trio("active"), "order-2"), "status": "revoked"}, why)
    cancelled = [each.resource for each in pathway.dossier.tasks() if each.resource["status"] == "cancelled"]
    assert {each["focus"]["reference"] for each in cancelled} == {"ServiceRequest/order-2"}
    assert {each["statusReason"]["coding"][0]["code"] for each in cancelled} == {"consentement-retire"}
    assert pathway.states()["analyse-bioinfo"] == "1 draft"


def test_a_revoked_proband_takes_the_whole_dossier_with_it_but_not_what_is_in_progress():
    pathway = active()
    running = pathway.tasks("reception-prelevement", "order-1")[0]
    pathway.write({**running, "status": "in-progress"})
    pathway.write({**one(trio("active"), "order-0"), "status": "revoked"})
    left = {each.resource["status"] for each in pathway.dossier.tasks()} - {"cancelled", "completed"}
    assert left == {"in-progress"}
    assert {each.resource["status"] for each in pathway.dossier.requests} == {"revoked"}
    recorded = [each for each in pathway.dossier.of_type("Provenance") if len(each.resource["target"]) == 2]
    assert len(recorded) == 1


def test_while_a_request_is_on_hold_its_next_step_is_not_asked_for():
    pathway = active()
    pathway.write({**one(trio("active"), "order-1"), "status": "on-hold"})
    pathway.end("reception-prelevement", order="order-1")
    assert [each["status"] for each in pathway.tasks("preparation", "order-1")] == ["draft"]
    pathway.write(one(trio("active"), "order-1"))
    assert [each["status"] for each in pathway.tasks("preparation", "order-1")] == ["requested"]


# --- whatever happens


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(["completed", "failed", "rejected", "cancelled", "tube"])),
        max_size=25,
    )
)
def test_whatever_is_done_the_server_owes_nothing_twice_and_obeys_its_own_table(steps):
    pathway = active()
    for number, (chosen, act) in enumerate(steps):
        if act == "tube":
            pathway.write(tube(f"tube-{number}"))
            continue
        asked = [each.resource for each in pathway.dossier.tasks() if each.resource["status"] == "requested"]
        if asked:
            elements = {"status": act, "statusReason": concept(codes.MOTIF, "prelevement-non-conforme")}
            pathway.write({**asked[chosen % len(asked)], **elements})
    assert {task_code(each.resource) for each in pathway.dossier.tasks()} == {step.code for step in STEPS}


def test_the_platform_finds_its_tasks_by_the_number_that_the_prescription_names():
    family = [
        {**each, "performer": [ref("Organization/platform")]} if each["resourceType"] == "ServiceRequest" else each
        for each in trio("active")
    ]
    platform = {"resourceType": "Organization", "id": "platform", "identifier": [named(PLATFORM)["identifier"]]}
    pathway = Pathway([*family, platform])
    assert pathway.tasks("sequencage")[0]["owner"] == {"reference": "Organization/platform", **named(PLATFORM)}
    assert HOSPITAL != PLATFORM
