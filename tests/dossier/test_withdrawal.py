"""A withdrawn consent stops at once what it must, and nothing else.

Source: code civil, article 16-10; `fhir_gateway/dossier/withdrawal.py`.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import SERVER
from fhir_gateway.dossier.changes import Changes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.states import allowed
from fhir_gateway.dossier.tasks import settled
from fhir_gateway.dossier.withdrawal import withdrawal
from tests.dossier.family import (
    NOW,
    PLATFORM,
    PRESCRIBER_RPPS,
    Resource,
    consent,
    dossier_of,
    ids,
    named,
    one,
    provision,
    task,
    trio,
)

AGENT = {"who": named(f"{codes.RPPS}|{PRESCRIBER_RPPS}")}


def withdrawn(dossier: Dossier, id: str, **elements: Any) -> tuple[Dossier, Changes]:
    """The dossier with a new version of a consent, and what that stops."""
    before = dossier.resolve({"reference": f"Consent/{id}"})
    assert before is not None
    after = dossier.with_({**before.resource, **elements})
    held = after.resolve({"reference": f"Consent/{id}"})
    assert held is not None
    return after, withdrawal(after, held, AGENT, NOW)


def running(status: str = "active") -> Dossier:
    """A trio in which each kind of work is going on."""
    return dossier_of(
        trio(
            status,
            task("seq-0", "sequencage", "in-progress", "order-0", PLATFORM),
            task("seq-1", "sequencage", "accepted", "order-1", PLATFORM),
            task("prep-1", "preparation", "requested", "order-1", PLATFORM),
            task("analysis", "analyse-bioinfo", "in-progress", "order-0", PLATFORM),
            task("report", "restitution", "draft", "order-0", PLATFORM),
        )
    )


def states(changes: Changes) -> dict[str, str]:
    return {each["id"]: each["status"] for each in changes.updated}


WHOLE = {"status": "inactive", "meta": {"lastUpdated": "2026-05-30T10:00:00Z"}}


def test_a_relative_who_withdraws_puts_own_request_and_tubes_on_hold_and_the_common_work():
    _, changes = withdrawn(running(), "consent-1", **WHOLE)
    assert states(changes) == {"order-1": "on-hold", "seq-1": "on-hold", "analysis": "on-hold"}


def test_a_proband_who_withdraws_puts_everything_on_hold():
    _, changes = withdrawn(running(), "consent-0", provision={"provision": [provision("examen", "deny")]})
    assert states(changes) == {
        "order-0": "on-hold", "order-1": "on-hold", "order-2": "on-hold",
        "seq-0": "on-hold", "seq-1": "on-hold", "analysis": "on-hold",
    }  # fmt: skip


def test_the_changes_say_why_and_are_told_by_one_provenance():
    _, changes = withdrawn(running(), "consent-1", **WHOLE)
    (made,) = changes.created
    assert made["reason"] == [concept(codes.MOTIF, "consentement-retire")]
    assert made["recorded"] == NOW
    assert made["agent"] == [AGENT]
    assert made["entity"][0]["what"] == {"reference": "Consent/consent-1"}
    assert {each["reference"] for each in made["target"]} == {"ServiceRequest/order-1", "Task/seq-1", "Task/analysis"}
    reasons = [each["statusReason"] for each in changes.updated if each["resourceType"] == "Task"]
    assert reasons == [concept(codes.MOTIF, "consentement-retire")] * 2


def test_the_server_may_write_what_a_withdrawal_changes():
    before, changes = withdrawn(running(), "consent-0", **WHOLE)
    after = before.with_(*({"id": "why", **each} for each in changes.created), *changes.updated)
    for each in changes.updated:
        old = before.resolve({"reference": f"{each['resourceType']}/{each['id']}"})
        assert old is not None
        assert allowed(old.resource, each, SERVER, after, NOW) is None


def test_asked_again_nothing_is_left_to_stop():
    before, changes = withdrawn(running(), "consent-0", **WHOLE)
    after = before.with_(*changes.updated)
    held = after.resolve({"reference": "Consent/consent-0"})
    assert held is not None
    assert not withdrawal(after, held, AGENT, NOW)


def test_after_a_withdrawal_the_server_asks_for_no_next_step():
    before, changes = withdrawn(running(), "consent-0", **WHOLE)
    asked = {each.resource["id"] for each in before.tasks() if each.resource["status"] == "requested"}
    after, _ = settled(before.with_(*changes.updated), NOW, ids())
    assert {each.resource["id"] for each in after.tasks() if each.resource["status"] == "requested"} <= asked


def test_a_draft_has_nothing_to_stop():
    dossier = dossier_of(trio())
    assert not withdrawn(dossier, "consent-0", **WHOLE)[1]


def test_a_new_form_without_refusal_stops_nothing():
    assert not withdrawn(running(), "consent-1", dateTime="2026-05-01")[1]


def test_no_to_storage_or_results_stops_nothing_that_runs():
    answers = [
        provision("examen", "permit"),
        provision("resultat", "deny"),
        provision("conservation-diagnostic", "deny"),
    ]
    assert not withdrawn(running(), "consent-0", provision={"provision": answers})[1]


# --- research


def research(*more: Resource) -> Dossier:
    held = consent("research", "child", "mr-mineur", "RelatedPerson/mere", "RelatedPerson/pere",
                   scope={"coding": [{"code": "research"}]},
                   provision={"provision": [provision("recherche-donnees", "permit")]})  # fmt: skip
    return dossier_of(trio("active", held, *more))


OBJECTION = {"provision": {"provision": [provision("recherche-donnees", "deny", start="2026-05-01")]}}


def test_an_objection_to_research_after_the_deposit_sends_the_notice_to_the_collector():
    before, changes = withdrawn(research(task("d", "depot-cad", "completed", owner=PLATFORM)), "research", **OBJECTION)
    notice, why = changes.created
    assert (notice["code"], notice["status"]) == (concept(codes.TACHE, "depot-cad"), "requested")
    assert notice["input"][0]["valueReference"] == {"reference": "Consent/research"}
    assert notice["owner"] == named(PLATFORM)
    assert why["target"] == [{"reference": "Task/d"}]
    assert changes.updated == ()
    again = before.with_({**notice, "id": "notice"})
    held = again.resolve({"reference": "Consent/research"})
    assert held is not None
    assert not withdrawal(again, held, AGENT, NOW)


def test_an_objection_to_research_before_the_deposit_travels_with_it():
    assert not withdrawn(research(task("d", "depot-cad", "draft", owner=PLATFORM)), "research", **OBJECTION)[1]


def test_an_objection_to_research_does_not_stop_care():
    _, changes = withdrawn(research(task("s", "sequencage", "in-progress", owner=PLATFORM)), "research", **OBJECTION)
    assert not changes
    assert one(trio("active"), "order-0")["status"] == "active"
