"""Generated dossiers are plausible, valid by their profiles, and each act is one that the rules allow.

Source: `fhir_gateway/demo_dossiers/dossiers.py` for what is published; `fhir_gateway/dossier` for the rules.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.demo_dossiers.acts import Move, Write
from fhir_gateway.demo_dossiers.dossiers import DemoDossier, dossiers
from fhir_gateway.demo_dossiers.examples import text
from fhir_gateway.demo_dossiers.stages import STAGES
from fhir_gateway.demo_dossiers.standing import Standing
from fhir_gateway.demo_dossiers.submission import directory
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import gathered, submitted
from fhir_gateway.dossier.rules import gaps
from fhir_gateway.dossier.timeline import timeline
from tests.demo_dossiers.player import Player, Refused, summary

Resource = dict[str, Any]
MANY = list(dossiers(400, 20))


@cache
def held_of_many() -> list[list[Resource]]:
    return [each.resources() for each in MANY]


def errors(resource: Resource) -> list[str]:
    return [each.issue.text() for each in r4_validator().validate(resource) if each.is_error]


def statuses(resources: list[Resource], kind: str) -> dict[str, str]:
    return {each["id"]: each["status"] for each in resources if each["resourceType"] == kind}


def told_twice(dossier: DemoDossier) -> None:
    """Play a dossier through the rules, and compare with what the shortcut says."""
    played = Player().play(dossier.acts)
    held = dossier.resources()
    assert played.tasks() == summary([each for each in held if each["resourceType"] == "Task"])
    by_rules = [dict(each.resource) for each in played.dossier.resources]
    for kind in ("ServiceRequest", "Specimen", "Consent", "DiagnosticReport"):
        assert statuses(by_rules, kind) == statuses(held, kind)


@settings(max_examples=8, deadline=None)
@given(st.integers(min_value=0, max_value=10**6))
def test_whatever_the_seed_the_rules_allow_every_act_and_say_the_same_of_its_end(seed: int):
    for dossier in dossiers(2, seed):
        told_twice(dossier)


@pytest.mark.parametrize("fate", ["refused", "bad_tube", "failed_run", "cancelled", "withdrawn", "withdrawn-revoked"])
def test_what_seldom_happens_is_allowed_by_the_rules_too(fate: str):
    chosen = [
        each
        for each in MANY
        if each.plan.ending == fate
        or (each.plan.ending is None and getattr(each.plan, fate, None) not in (None, False))
    ]
    assert chosen
    for dossier in chosen[:3]:
        told_twice(dossier)


@settings(max_examples=4, deadline=None)
@given(st.integers(min_value=0, max_value=10**6))
def test_whatever_the_seed_all_that_is_made_is_valid(seed: int):
    for dossier in dossiers(2, seed):
        standing = Standing()
        for act in dossier.acts:
            if isinstance(act.deed, Write):
                sent = text(act.deed.bundle(standing.resources)).encode()
                assert [each.issue.text() for each in r4_validator().validate_bytes(sent) if each.is_error] == []
            standing.do(act)
        assert {told: each["id"] for each in standing.resources.values() for told in errors(each)} == {}


def test_a_submission_lacks_only_the_consents_and_at_finalise_nothing_at_all():
    for dossier in MANY[:60]:
        standing = Standing()
        for act in dossier.acts:
            standing.do(act)
            what = act.deed.what if isinstance(act.deed, Write) else ""
            if what == "submission":
                (draft,) = submitted(act.deed.bundle({}))  # type: ignore[union-attr]
                assert {gap.id for gap in gaps(draft, "draft", act.at)} == {"dossier-consent-missing"}
            if what == "finalise":
                (active,) = gathered(standing.resources.values())
                assert [gap.id for gap in gaps(active, "finalise", act.at)] == []


def test_the_same_seed_makes_the_same_dossiers_and_another_one_others():
    assert list(dossiers(3, 5)) == list(dossiers(3, 5))
    assert {each.number for each in dossiers(3, 5)}.isdisjoint(each.number for each in dossiers(3, 6))


def test_no_two_people_have_the_same_number():
    numbers = Counter(
        identifier["value"]
        for resources in held_of_many()
        for each in resources
        if each["resourceType"] == "Patient"
        for identifier in each["identifier"]
    )
    assert [value for value, count in numbers.items() if count > 1] == []


def test_pathways_delays_and_states_are_as_published():
    parcours = Counter(each.plan.prescription.parcours for each in MANY)
    assert 0.70 < parcours["MR"] / len(MANY) < 0.95
    assert parcours["KC"] / len(MANY) > 0.08
    for pathway, low, high in (("MR", 170, 240), ("KC", 35, 60)):
        days = [each.plan.days["restitution"] for each in MANY if each.plan.prescription.parcours == pathway]
        assert low < statistics.median(days) < high
    ends = Counter(str(status) for each in MANY for status in statuses(each.resources(), "ServiceRequest").values())
    assert set(ends) == {"draft", "active", "on-hold", "revoked", "completed"}


def test_every_step_is_somewhere_on_the_way():
    stages: Counter[str] = Counter()
    for resources in held_of_many():
        (held,) = gathered(resources)
        stages[timeline(held, "2026-11-02T00:00:00Z").etape] += 1
    assert {
        "attente-rcp", "attente-consentement", "rcp-valide", "dossier-valide", "prelevement-recu", "attente-analyse",
        "attente-interpretation", "rendu", "clos",
    } <= set(stages)  # fmt: skip


def test_acts_go_on_in_time_and_end_on_the_day():
    for dossier in dossiers(50, 9, date(2026, 6, 30)):
        instants = [act.at for act in dossier.acts]
        assert instants == sorted(instants)
        assert instants[-1] <= "2026-06-30T23:59:59Z"


def test_every_actor_has_a_role_and_a_structure_of_the_directory():
    structures = {
        token for each in directory() if each["resourceType"] == "Organization" for token in codes.tokens(each)
    }
    roles = {act.actor.role for each in MANY for act in each.acts}
    assert {act.actor.organisation for each in MANY for act in each.acts} <= structures
    assert roles == {"prescripteur", "assistant-prescription", "coordonnateur-rcp", "plateforme", "biologiste-lbm"}


def test_the_directory_is_valid():
    assert {told: each["id"] for each in directory() for told in errors(each)} == {}


def test_two_hundred_and_fifty_dossiers_take_less_than_five_seconds():
    start = time.process_time()
    held = sum(len(each.resources()) for each in dossiers(250, 1))
    assert held > 5_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", STAGES)
def test_the_stages_of_the_examples_are_what_the_rules_allow(name: str):
    stage = STAGES[name]
    played = Player().play(stage.acts())
    held = [each for each in stage.resources() if each["resourceType"] == "Task"]
    assert played.tasks() == summary(held)


def test_a_player_notices_an_act_that_is_not_allowed():
    first = next(each for each in MANY if len(each.acts) > 20)
    validated = next(
        place
        for place, act in enumerate(first.acts)
        if isinstance(act.deed, Move) and (act.deed.code, act.deed.status) == ("rcp-amont", "accepted")
    )
    with pytest.raises(Refused):
        Player().play([*first.acts[:validated], *first.acts[validated + 3 :]])
