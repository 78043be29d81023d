"""A trio and a tumour from draft to restitution: every write judged for who makes it, every step made by the server.

Source: PFMG care pathway; genomics design, "Workflow".
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import SERVER, Acting, Actor
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, submitted
from fhir_gateway.dossier.refusal import Refusal
from fhir_gateway.dossier.rules import gaps
from fhir_gateway.dossier.states import allowed
from fhir_gateway.dossier.tasks import settled
from fhir_gateway.dossier.timeline import timeline
from fhir_gateway.dossier.withdrawal import withdrawal
from tests.dossier.family import (
    ASSISTANT,
    COORDINATOR_RPPS,
    COORDONNATEUR,
    HOSPITAL,
    PLATEFORME,
    PLATFORM,
    PRESCRIBER_RPPS,
    PRESCRIPTEUR,
    RCP,
    Resource,
    ids,
    named,
    one,
    ref,
    report,
    specimen,
    trio,
    without,
)

BIOLOGISTE = Acting("biologiste-lbm", PLATFORM, "99000000007")


class Story:
    """One dossier, told write by write; the clock goes on by a day with each of them."""

    def __init__(self, *resources: Resource) -> None:
        (self.dossier,) = submitted({"resourceType": "Bundle"}, resources)
        self._ids = ids()
        self._day = 0
        self._settle()

    @property
    def now(self) -> str:
        return f"2026-{2 + self._day // 28:02}-{1 + self._day % 28:02}T09:00:00Z"

    def _settle(self) -> None:
        before = self.dossier
        self.dossier, changes = settled(before, self.now, self._ids)
        for each in (*changes.created, *changes.updated):
            old = before.resolve(ref(f"{each['resourceType']}/{each['id']}"))
            if old is not None and each["resourceType"] in ("Task", "ServiceRequest"):
                assert allowed(old.resource, each, SERVER, self.dossier, self.now) is None

    def resource(self, name: str) -> Resource:
        held = self.dossier.resolve(ref(name))
        assert held is not None, name
        return dict(held.resource)

    def try_(self, actor: Actor, after: Resource, *others: Resource) -> Refusal | None:
        """Ask for a write; nothing is kept of one that is refused."""
        name = f"{after['resourceType']}/{after['id']}"
        old = self.dossier.resolve(ref(name))
        if after["resourceType"] == "Task":
            after = {**after, "lastModified": self.now}
        dossier = self.dossier.with_(after, *others)
        refusal = allowed(old and old.resource, after, actor, dossier, self.now)
        if refusal is None:
            self._day += 1
            self.dossier = dossier
            self._settle()
        return refusal

    def do(self, actor: Actor, after: Resource, *others: Resource) -> None:
        refusal = self.try_(actor, after, *others)
        assert refusal is None, [issue.text() for issue in refusal.issues]

    def add(self, *resources: Resource) -> None:
        self.dossier = self.dossier.with_(*resources)
        self._settle()

    def task(self, code: str, order: str = "order-0") -> Resource:
        """The open Task of a code and a request: the one that is asked for, or worked on."""
        (found,) = [
            dict(each.resource)
            for each in self.dossier.tasks(code)
            if each.resource["focus"] == ref(f"ServiceRequest/{order}")
            and each.resource["status"] not in ("draft", "completed", "failed", "rejected", "cancelled")
        ]
        return found

    def move(self, actor: Actor, code: str, *states: str, order: str = "order-0", **elements: Any) -> None:
        """Take a Task through states; who accepts or rejects it names itself."""
        for state in states:
            task = self.task(code, order)
            own = {"owner": named(str(actor.organisation))} if state in ("accepted", "rejected") else {}
            last = elements if state == states[-1] else {}
            others: list[Resource] = []
            if code == "rcp-amont" and state == "completed":
                # What a door writes with every decision: who it was.
                others.append(who_decided(task["id"], str(actor.rpps)))
            self.do(actor, {**task, **own, **last, "status": state}, *others)

    def status(self, name: str) -> str:
        return str(self.resource(name)["status"])


def who_decided(task: str, rpps: str) -> Resource:
    who = {"identifier": {"system": codes.RPPS, "value": rpps}}
    return {"resourceType": "Provenance", "id": f"who-{task}", "target": [ref(f"Task/{task}")], "agent": [{"who": who}]}


def why(order: str, reason: str) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": f"why-{order}-{reason}",
        "target": [ref(f"ServiceRequest/{order}")],
        "recorded": "2026-05-01T09:00:00Z",
        "reason": [concept(codes.MOTIF, reason)],
        "agent": [{"who": {"identifier": {"system": codes.RPPS, "value": PRESCRIBER_RPPS}}}],
    }


THROUGH = ("accepted", "in-progress", "completed")
OUTPUT = [{"type": concept(codes.PIECE, "compte-rendu"), "valueReference": ref("DiagnosticReport/report")}]


def decided() -> Story:
    """A trio whose RCP refused first and validated then, and whose consents were obtained: one of them later."""
    family = trio(decided=False)
    story = Story(*without(family, "consent-1"))
    no = concept(codes.MOTIF, "rcp-refus")
    story.move(COORDONNATEUR, "rcp-amont", "rejected", statusReason=no)
    refused = next(iter(story.dossier.tasks("rcp-amont"))).resource
    again = {**refused, "id": "again", "status": "requested"}
    for name in ("owner", "statusReason"):
        again.pop(name, None)
    story.do(PRESCRIPTEUR, again)
    story.move(COORDONNATEUR, "rcp-amont", *THROUGH)
    story.move(ASSISTANT, "recueil-consentement", "accepted", order="order-1")
    story.add(one(family, "consent-1"))
    assert {each.resource["status"] for each in story.dossier.tasks("recueil-consentement")} == {"completed"}
    return story


def finalised() -> Story:
    story = decided()
    for order in ("order-0", "order-1", "order-2"):
        story.do(PRESCRIPTEUR, {**story.resource(f"ServiceRequest/{order}"), "status": "active"})
    return story


def received(story: Story) -> None:
    people = zip(("child", "mother", "father"), ("order-0", "order-1", "order-2"), strict=True)
    for person, order in people:
        story.add(specimen(f"tube-{person}", person, order, status="available", receivedTime=story.now))
        story.move(PLATEFORME, "reception-prelevement", *THROUGH, order=order)


def sequenced() -> Story:
    story = finalised()
    received(story)
    for order in ("order-0", "order-1", "order-2"):
        story.move(PLATEFORME, "preparation", *THROUGH, order=order)
        story.move(PLATEFORME, "sequencage", *THROUGH, order=order)
    return story


def test_a_trio_from_draft_to_restitution_with_a_refusal_of_the_rcp_and_a_bad_tube_on_the_way():
    story = finalised()
    bad = specimen("tube-bad", "mother", "order-1", status="unsatisfactory")
    story.add(bad)
    story.move(PLATEFORME, "reception-prelevement", "accepted", "in-progress", order="order-1")
    refusal = story.try_(PLATEFORME, {**story.task("reception-prelevement", "order-1"), "status": "completed"})
    assert refusal is not None
    motive = concept(codes.MOTIF, "prelevement-non-conforme")
    story.move(PLATEFORME, "reception-prelevement", "failed", order="order-1", statusReason=motive)
    received(story)
    for order in ("order-0", "order-1", "order-2"):
        story.move(PLATEFORME, "preparation", *THROUGH, order=order)
        story.move(PLATEFORME, "sequencage", *THROUGH, order=order)
    story.move(PLATEFORME, "analyse-bioinfo", *THROUGH)
    story.move(BIOLOGISTE, "interpretation", *THROUGH)
    story.add({**report(), "issued": story.now})
    story.move(BIOLOGISTE, "restitution", *THROUGH, output=OUTPUT)
    story.move(Acting("coordonnateur-rcp", RCP, COORDINATOR_RPPS), "rcp-aval", *THROUGH)
    story.move(PLATEFORME, "depot-cad", *THROUGH)
    for order in ("order-0", "order-1", "order-2"):
        story.do(PRESCRIPTEUR, {**story.resource(f"ServiceRequest/{order}"), "status": "completed"})
    seen = timeline(story.dossier, story.now)
    assert seen.etape == "clos"
    assert all(each.date is not None for each in seen.milestones if not each.code.startswith("depot"))
    assert [(each.task, each.reason) for each in seen.setbacks] == [
        ("rcp-amont", "rcp-refus"),
        ("reception-prelevement", "prelevement-non-conforme"),
    ]
    assert seen.waits == ()


def test_a_prescriber_who_coordinates_does_not_validate_an_own_dossier():
    story = Story(*trio(decided=False))
    both = Acting("coordonnateur-rcp", RCP, PRESCRIBER_RPPS)
    story.move(both, "rcp-amont", "accepted", "in-progress")
    refusal = story.try_(both, {**story.task("rcp-amont"), "status": "completed"})
    assert refusal is not None
    assert [issue.complaint.detail for issue in refusal.issues] == ["rcp-own-request"]
    assert story.status("ServiceRequest/order-0") == "draft"


def test_without_the_rcp_nothing_is_finalised():
    story = Story(*trio(decided=False))
    refusal = story.try_(PRESCRIPTEUR, {**story.resource("ServiceRequest/order-0"), "status": "active"})
    assert refusal is not None
    assert "dossier-rcp-missing" in {issue.complaint.detail for issue in refusal.issues}


def test_a_withdrawal_in_mid_course_stops_the_dossier_until_it_is_revoked_or_consented_anew():
    story = sequenced()
    story.move(PLATEFORME, "analyse-bioinfo", "accepted", "in-progress")
    consent = {**story.resource("Consent/consent-0"), "status": "inactive", "meta": {"lastUpdated": story.now}}
    story.add(consent)
    held = story.dossier.resolve(ref("Consent/consent-0"))
    assert held is not None
    agent = {"who": {"identifier": {"system": codes.RPPS, "value": PRESCRIBER_RPPS}}}
    changes = withdrawal(story.dossier, held, agent, story.now)
    story.add(*({"id": "withdrawn", **each} for each in changes.created), *changes.updated)
    assert {story.status(f"ServiceRequest/order-{n}") for n in range(3)} == {"on-hold"}
    assert story.task("analyse-bioinfo")["status"] == "on-hold"
    assert story.try_(PLATEFORME, {**story.task("analyse-bioinfo"), "status": "in-progress"}) is not None
    assert story.try_(PRESCRIPTEUR, {**story.resource("ServiceRequest/order-0"), "status": "active"}) is not None
    request = {**story.resource("ServiceRequest/order-0"), "status": "revoked"}
    story.do(PRESCRIPTEUR, request, why("order-0", "consentement-retire"))
    assert {story.status(f"ServiceRequest/order-{n}") for n in range(3)} == {"revoked"}
    ended = {each.resource["status"] for each in story.dossier.tasks()}
    assert ended == {"completed", "cancelled", "rejected"}


def tumour() -> list[Resource]:
    """The trio's child as an adult alone, with a tumour and blood."""
    family: list[Resource] = [each for each in trio(decided=False) if each["id"] in ("role", "hospital")]
    order = one(trio(), "order-0")
    order = {
        **order,
        "category": [concept(codes.PARCOURS, "KC"), concept(codes.ROLE, "proband")],
        "code": concept(codes.EXAMEN, "wgs-tumeur-constit"),
        "reasonCode": [concept(codes.PREINDICATION, "F-82")],
    }
    consent = one(trio(), "consent-1")
    held = {
        **consent,
        "category": [concept(codes.FORMULAIRE, "cancer-majeur")],
        "patient": ref("Patient/child"),
        "performer": [ref("Patient/child")],
    }
    patient = {"resourceType": "Patient", "id": "child", "gender": "female", "birthDate": "1960-01-01"}
    return [
        *family,
        patient,
        order,
        held,
        specimen("tumour", "child", "order-0", type=concept(codes.NATURE, "tumeur-congelee"), status="available"),
        specimen("blood", "child", "order-0", status="available"),
    ]


def test_a_tumour_and_its_normal_tissue_go_their_ways_and_meet_at_the_analysis():
    story = Story(*tumour())
    story.move(COORDONNATEUR, "rcp-amont", *THROUGH)
    story.do(PRESCRIPTEUR, {**story.resource("ServiceRequest/order-0"), "status": "active"})
    left = ["reception-prelevement", "preparation", "sequencage"] * 2
    while left:
        ready = [
            dict(each.resource)
            for each in story.dossier.tasks()
            if each.resource["status"] == "requested" and codes.code(each.resource["code"], codes.TACHE) in left
        ]
        assert story.dossier.tasks("analyse-bioinfo")[0].resource["status"] == "draft"
        for state in THROUGH:
            own = {"owner": named(PLATFORM)} if state == "accepted" else {}
            story.do(PLATEFORME, {**story.resource(f"Task/{ready[0]['id']}"), **own, "status": state})
        left.remove(str(codes.code(ready[0]["code"], codes.TACHE)))
    assert story.task("analyse-bioinfo")["status"] == "requested"


@pytest.mark.parametrize("state", ["draft", "finalise", "active"])
def test_a_dossier_on_its_way_has_no_gaps_of_its_state(state: Any):
    story = finalised()
    assert gaps(story.dossier, state, story.now) == []
    assert HOSPITAL != PLATFORM
    assert isinstance(story.dossier, Dossier)


def problems(resource: Resource) -> list[str]:
    told = r4_validator().validate_bytes(json.dumps(resource, default=str).encode())
    return [each.issue.text() for each in told if each.issue.severity in ("fatal", "error")]


def test_what_the_server_writes_is_valid_by_its_own_profile():
    story = finalised()
    story.add(specimen("tube", "mother", "order-1"))
    motive = concept(codes.MOTIF, "prelevement-non-conforme")
    story.move(
        PLATEFORME, "reception-prelevement", "accepted", "in-progress", "failed", order="order-1", statusReason=motive
    )
    request = {**story.resource("ServiceRequest/order-0"), "status": "revoked"}
    story.do(PRESCRIPTEUR, request, why("order-0", "plus-necessaire"))
    made = [dict(each.resource) for each in story.dossier.resources if str(each.resource.get("id")).startswith("new-")]
    assert {each["resourceType"] for each in made} == {"Task", "Provenance"}
    assert any("reasonReference" in each for each in made)
    assert {each["meta"]["profile"][0].rpartition("/")[2] for each in made} == {"pfmg-task", "pfmg-provenance"}
    assert {name: told for each in made if (told := problems(each)) for name in [each["id"]]} == {}
