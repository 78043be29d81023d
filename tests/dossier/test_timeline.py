"""The timeline of a dossier: dated milestones, the days between, what it waits for and on whom.

Source: dated steps of the SeqOIA export; `fhir_gateway/dossier/timeline.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.timeline import MILESTONES, Timeline, timeline
from tests.dossier.family import (
    COORDINATOR_RPPS,
    HOSPITAL,
    NOW,
    PLATFORM,
    RCP,
    Resource,
    changed,
    dossier_of,
    provision,
    ref,
    report,
    specimen,
    task,
    told,
    trio,
    without,
)


def of(resources: list[Resource], now: str = NOW) -> Timeline:
    return timeline(dossier_of(resources), now)


def done(code: str, day: str, order: str = "order-0", **more: Any) -> Resource:
    period = {"executionPeriod": {"end": f"{day}T12:00:00Z"}}
    return task(f"{code}-{order}", code, "completed", order, PLATFORM, **{**period, **more})


def finished() -> list[Resource]:
    """A trio that was told its result, each step on a day of its own."""
    people = list(zip(("child", "mother", "father"), ("order-0", "order-1", "order-2"), strict=True))
    return trio(
        "completed",
        *(specimen(f"tube-{order}", person, order, collection={"collectedDateTime": f"2026-02-0{n}"})
          for n, (person, order) in enumerate(people, start=1)),
        *(done("reception-prelevement", f"2026-02-1{n}", order) for n, (_, order) in enumerate(people)),
        *(done("sequencage", "2026-03-20", order) for _, order in people),
        done("analyse-bioinfo", "2026-04-01"),
        done("interpretation", "2026-05-01"),
        report(),
        done("restitution", "2026-05-15"),
    )  # fmt: skip


def test_each_milestone_has_its_date_and_its_days():
    seen = of(finished())
    assert [(each.code, each.date, each.days, each.days_since_previous) for each in seen.milestones] == [
        ("creation", "2026-01-10", 0, None),
        ("rcp", "2026-01-15T08:00:00Z", 5, 5),
        ("consentement", "2026-01-20", 10, 4),
        ("prelevement", "2026-02-03", 24, 14),
        ("reception", "2026-02-12T12:00:00Z", 33, 9),
        ("sequencage", "2026-03-20T12:00:00Z", 69, 36),
        ("interpretation", "2026-05-01T12:00:00Z", 111, 42),
        ("compte-rendu", "2026-05-10T10:00:00Z", 120, 8),
        ("restitution", "2026-05-15T12:00:00Z", 125, 5),
        *((code, None, None, None) for code in ("depot-demande", "depot", "depot-accuse")),
    ]
    assert (seen.days, seen.etape, seen.waits, seen.number) == (125, "clos", (), codes.token(trio()[5]["requisition"]))


def deposit(status: str, id: str = "depot", **more: Any) -> Resource:
    return task(id, "depot-cad", status, "order-0", PLATFORM, **{"lastModified": "2026-06-01T09:00:00Z", **more})


def again(at: str, because: str) -> Resource:
    return deposit("requested", authoredOn=at, reasonReference=ref(f"Task/{because}"))


LAID = {"executionPeriod": {"start": "2026-05-20T08:00:00Z"}}
ANSWERED = {"executionPeriod": {"start": "2026-05-20T08:00:00Z", "end": "2026-05-22T08:00:00Z"}}


@pytest.mark.parametrize(
    ("tasks", "asked", "laid", "acknowledged"),
    [
        ([deposit("draft")], None, None, None),
        ([deposit("requested")], "2026-05-15T12:00:00Z", None, None),
        ([deposit("accepted", authoredOn="2026-05-18T08:00:00Z")], "2026-05-15T12:00:00Z", None, None),
        ([deposit("in-progress", **LAID)], "2026-05-15T12:00:00Z", "2026-05-20T08:00:00Z", None),
        ([deposit("in-progress")], "2026-05-15T12:00:00Z", "2026-06-01T09:00:00Z", None),
        ([deposit("completed", **ANSWERED)], "2026-05-15T12:00:00Z", "2026-05-20T08:00:00Z", "2026-05-22T08:00:00Z"),
        # Refused: what was tried is told by the setback, what stands is the deposit that is asked for in its place.
        (
            [deposit("failed", "lost", **ANSWERED), again("2026-05-22T08:00:00Z", "lost")],
            "2026-05-22T08:00:00Z", None, None,
        ),
        # Amended: the collector has what is no longer true.
        (
            [deposit("completed", "first", **ANSWERED), again("2026-05-30T08:00:00Z", "first")],
            "2026-05-30T08:00:00Z", None, None,
        ),
        ([deposit("cancelled")], None, None, None),
    ],
)  # fmt: skip
def test_the_deposit_with_the_collector_is_told_step_by_step(
    tasks: list[Resource], asked: str | None, laid: str | None, acknowledged: str | None
):
    seen = of([*finished(), *tasks])
    assert (seen.date("depot-demande"), seen.date("depot"), seen.date("depot-accuse")) == (asked, laid, acknowledged)


def test_a_deposit_that_the_collector_refused_is_a_setback_and_waited_for_again():
    refused = deposit("failed", "lost", statusReason=concept(codes.MOTIF, "autre"))
    seen = of([*finished(), refused, again("2026-05-22T08:00:00Z", "lost")])
    (setback,) = (each for each in seen.setbacks if each.task == "depot-cad")
    assert (setback.status, setback.reason, setback.source) == ("failed", "autre", "Task/lost")
    assert [each.what for each in seen.waits] == ["depot-cad"]


def test_each_milestone_names_the_resource_that_says_so():
    sources = {each.code: each.source for each in of(finished()).milestones}
    assert sources["rcp"] == "Task/rcp"
    assert sources["prelevement"] == "Specimen/tube-order-2"
    assert sources["compte-rendu"] == "DiagnosticReport/report"
    assert {each.source for each in of(trio("active")).milestones[3:]} == {None}


def test_every_milestone_speaks_both_languages():
    assert [each.code for each in of(trio()).milestones] == list(MILESTONES)
    assert all(each.french != each.english for each in of(trio()).milestones if each.code != "restitution")


def test_what_is_not_reached_has_no_date_and_the_days_run_until_now():
    seen = of(trio("active"))
    assert [each.code for each in seen.milestones if each.date is None] == list(MILESTONES)[3:]
    assert seen.days == 142


@pytest.mark.parametrize("lacking", ["tube-order-1", "reception-prelevement-order-1", "sequencage-order-2"])
def test_a_milestone_is_reached_when_the_last_of_the_family_reached_it(lacking: str):
    code = {"tube": "prelevement", "reception": "reception", "sequencage": "sequencage"}[lacking.split("-")[0]]
    assert of(finished()).date(code) is not None
    family = without(finished(), lacking)
    if code != "prelevement":
        family.append(task("open", lacking.rpartition("-order")[0], "requested", "order-1", PLATFORM))
    assert of(family).date(code) is None


def test_a_refused_consent_is_no_milestone():
    family = changed(trio(), "consent-1", provision={"provision": [provision("examen", "deny")]})
    assert of(family).date("consentement") is None


def test_setbacks_are_told_with_their_reason_in_the_order_of_time():
    failed = task("tube", "reception-prelevement", "failed", owner=PLATFORM, lastModified="2026-02-12T00:00:00Z",
                  statusReason=concept(codes.MOTIF, "prelevement-non-conforme"))  # fmt: skip
    refused = task("no", "rcp-amont", "rejected", owner=RCP, lastModified="2026-01-12T00:00:00Z",
                   statusReason=concept(codes.MOTIF, "rcp-refus"))  # fmt: skip
    seen = of(trio("active", failed, refused))
    assert [(each.task, each.status, each.reason, each.date[:10]) for each in seen.setbacks] == [
        ("rcp-amont", "rejected", "rcp-refus", "2026-01-12"),
        ("reception-prelevement", "failed", "prelevement-non-conforme", "2026-02-12"),
    ]


# --- what it waits for


def waits(*more: Resource, status: str = "active", decided: bool = True) -> list[tuple[str, str, str | None, int]]:
    return [(each.what, each.whom_fr, each.owner, each.days) for each in of(trio(status, *more, decided=decided)).waits]


def test_a_draft_waits_for_the_rcp_and_for_each_consent_to_obtain():
    told_waits = waits(
        task("rcp", "rcp-amont", "requested"),
        task("collect", "recueil-consentement", "requested", owner=HOSPITAL),
        status="draft", decided=False,
    )  # fmt: skip
    assert told_waits == [
        ("rcp-amont", "la RCP d'amont", None, 137),
        ("recueil-consentement", "l'établissement prescripteur", HOSPITAL, 137),
    ]


def test_a_draft_that_has_everything_waits_for_its_prescriber():
    assert waits(status="draft") == [("finalisation", "le prescripteur", None, 132)]


def test_an_active_dossier_waits_for_who_owns_the_open_task():
    assert waits(task("s", "sequencage", "in-progress", owner=PLATFORM)) == [
        ("sequencage", "la plateforme", PLATFORM, 137)
    ]
    named = task("s", "sequencage", "in-progress", owner=PLATFORM)
    named["owner"]["display"] = "AURAGEN"
    assert waits(named)[0][1] == "AURAGEN"


def test_a_task_on_hold_says_what_it_lacks():
    reason = concept(codes.MOTIF, "piece-manquante")
    (wait,) = of(
        trio("active", task("s", "reception-prelevement", "on-hold", owner=PLATFORM, statusReason=reason))
    ).waits
    assert (wait.status, wait.reason) == ("on-hold", "piece-manquante")


def test_a_dossier_on_hold_waits_for_its_prescriber_since_the_provenance_says():
    why = {**told("ServiceRequest/order-0", "consentement-retire"), "recorded": "2026-05-22T09:00:00Z"}
    assert waits(why, status="on-hold") == [("decision", "le prescripteur", None, 10)]


def test_a_report_that_was_handed_over_waits_to_be_read():
    assert waits(done("restitution", "2026-05-15")) == [("lecture", "le prescripteur", None, 16)]


def test_a_closed_dossier_waits_for_what_follows_its_reading_and_for_nothing_else():
    tasks = [
        task("t", "depot-cad", "requested", owner=PLATFORM),
        task("v", "rcp-aval", "completed"),
        task("r", "analyse-bioinfo", "requested", owner=PLATFORM),
    ]
    assert [each.what for each in of([*finished(), *tasks]).waits] == ["depot-cad"]


# --- where it stands


def asked(code: str) -> Resource:
    return task(code, code, "requested", owner=PLATFORM)


def test_where_a_dossier_stands_follows_its_tasks():
    non_conform = task(
        "x", "reception-prelevement", "on-hold", statusReason=concept(codes.MOTIF, "prelevement-manquant")
    )
    assert [
        of(trio(decided=False)).etape,
        of(without(trio(), "consent-1")).etape,
        of(trio()).etape,
        of(trio("active", asked("reception-prelevement"))).etape,
        of(trio("active", non_conform)).etape,
        of(trio("active", done("reception-prelevement", "2026-02-10"))).etape,
        of(trio("active", asked("analyse-bioinfo"))).etape,
        of(trio("active", asked("interpretation"))).etape,
        of(trio("active", done("restitution", "2026-05-15"))).etape,
        of(trio("revoked")).etape,
    ] == [
        "attente-rcp", "attente-consentement", "rcp-valide", "dossier-valide", "non-conforme", "prelevement-recu",
        "attente-analyse", "attente-interpretation", "rendu", "clos",
    ]  # fmt: skip


def test_a_non_conformity_that_was_made_good_is_one_no_more():
    failed = task(
        "bad", "reception-prelevement", "failed", statusReason=concept(codes.MOTIF, "prelevement-non-conforme")
    )
    again = done("reception-prelevement", "2026-02-20", reasonReference={"reference": "Task/bad"})
    assert of(trio("active", failed)).etape == "non-conforme"
    assert of(trio("active", failed, again)).etape == "prelevement-recu"


def test_who_validated_is_not_told():
    assert COORDINATOR_RPPS not in repr(of(finished()))
