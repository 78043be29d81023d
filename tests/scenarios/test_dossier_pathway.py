"""The pathway over HTTP, with a token of each role: what each does, what is refused, what the others see of it.

Source: genomics design, "Workflow"; PFMG care pathway; `fhir_gateway/dossier/states.py`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fhir_gateway.client import Refused
from fhir_gateway.demo.driver import ADMINISTRATOR, Player
from fhir_gateway.demo.shown import planned
from fhir_gateway.demo.story import moved, wrote
from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Move
from fhir_gateway.demo_dossiers.course import Plan, acts
from fhir_gateway.demo_dossiers.invented import colleague, professionals, structures
from fhir_gateway.demo_dossiers.resources import identifier_system, provenance
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from tests.issued import Issued

Resource = dict[str, Any]
# The day until which the dossiers are told.
TODAY = date(2026, 11, 20)
PRESCRIBER = professionals()["prescripteur"].acting
ASSISTANT = professionals()["assistante"].acting
COORDINATOR = professionals()["coordonnatrice"].acting
BIOLOGIST = colleague("auragen", "biologiste-lbm").acting
OTHER_BIOLOGIST = colleague("seqoia", "biologiste-lbm").acting
PLATFORM = Acting("plateforme", structures()["auragen"].token)
OTHER_PLATFORM = Acting("plateforme", structures()["seqoia"].token)
OTHER_PRESCRIBER = professionals()["prescripteur-granit"].acting
TRIO = ("F-49", "wgs-trio", "prescripteur")
SOLO = ("F-02", "wgs-solo", "prescripteur")
TUMOUR = ("F-82", "wgs-tumeur-constit", "oncologue")
_COUNT = itertools.count(1)


class Pathway:
    """One dossier that is played act by act, and asked for by those who act on it."""

    def __init__(self, gateway: Issued, plan: Plan) -> None:
        self.gateway, self.plan = gateway, plan
        self.player = Player(gateway.connections(), plan.prescription.number)
        self.acts = acts(plan)

    @property
    def number(self) -> str:
        return f"{identifier_system('dossier')}|{self.player.number}"

    def until(self, last: Callable[[Act], bool]) -> Act:
        """Play acts up to one, that included."""
        for act in self.acts:
            self.player.do(act)
            if last(act):
                return act
        raise AssertionError("the acts end before")

    def before(self, next: Callable[[Act], bool]) -> Act:
        """Play acts up to one, that not included, and return it; it is the next one still."""
        for act in self.acts:
            if next(act):
                self.acts = itertools.chain([act], self.acts)
                return act
            self.player.do(act)
        raise AssertionError("the acts end before")

    def end(self) -> None:
        """Play all that is left, and hold the gateway to it."""
        for act in self.acts:
            self.player.do(act)
        self.player.compare()

    def requests(self, who: Acting = PRESCRIBER) -> list[Resource]:
        return list(self.gateway.of(who).search("ServiceRequest", {"requisition": self.number, "_sort": "_id"}))

    def request(self, who: Acting = PRESCRIBER, member: str = "index") -> Resource:
        id = self.player.places[f"ServiceRequest/{self.player.number.lower()}-{member}"].partition("/")[2]
        return self.gateway.of(who).read("ServiceRequest", id)

    def tasks(self, code: str, who: Acting = PRESCRIBER) -> list[Resource]:
        asked = {"group-identifier": self.number, "code": f"{codes.TACHE}|{code}", "_sort": "_lastUpdated"}
        return list(self.gateway.of(who).search("Task", asked))

    def states(self, code: str) -> list[str]:
        return [str(each["status"]) for each in self.tasks(code)]


def unique(prefix: str) -> tuple[str, int]:
    """Return a number for a dossier, and the serial of its people: of this process and moment."""
    serial = (time.time_ns() // 10**6 * 10 + next(_COUNT)) % 140_000
    return f"{prefix}-SCENARIO-{serial:06}", serial


@pytest.fixture
def of(pathway_gateway: Issued) -> Callable[..., Pathway]:
    """Return what begins a dossier: what is asked for, and what goes wrong with it."""

    def begun(asked: tuple[str, str, str], prefix: str = "MR", **plan: Any) -> Pathway:
        number, serial = unique(prefix)
        return Pathway(pathway_gateway, planned(number, serial, TODAY, *asked, **plan))

    return begun


def refused(ask: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refusal:
        ask()
    return refusal.value


def test_a_trio_from_draft_to_restitution_sent_back_by_the_rcp_and_with_a_tube_that_is_not_conform(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    found = {"conclusion": "positive", "change": results.GERMLINE[1]}
    dossier = of(TRIO, by_assistant=True, refused=True, bad_tube=1, **found)
    dossier.until(wrote("submission"))
    assert [each["status"] for each in dossier.requests()] == ["draft"] * 3
    assert dossier.states("rcp-amont") == ["requested"]
    # Nobody else learns of a draft.
    for stranger in (COORDINATOR, PLATFORM, BIOLOGIST, OTHER_PLATFORM, OTHER_PRESCRIBER):
        assert dossier.requests(stranger) == []

    dossier.until(moved("rcp-amont", "rejected"))
    (rejected,) = dossier.tasks("rcp-amont")
    assert codes.code(rejected["statusReason"], codes.MOTIF) == "rcp-complement"
    # It is corrected: the draft is free as long as the RCP has not validated it.
    request = dossier.request()
    corrected = {**request, "note": [{"text": "Antécédents familiaux précisés."}]}
    pathway_gateway.of(PRESCRIBER).update(corrected, if_match=request["meta"]["versionId"])
    dossier.until(moved("rcp-amont", "completed"))
    assert dossier.states("rcp-amont") == ["rejected", "completed"]
    assert dossier.request(COORDINATOR)["note"] == corrected["note"]
    agents = [
        each["agent"][0]["who"]["identifier"]["value"]
        for task in dossier.tasks("rcp-amont")
        for each in pathway_gateway.of(PRESCRIBER).search("Provenance", {"target": f"Task/{task['id']}"})
    ]
    assert agents == [COORDINATOR.rpps] * 2

    dossier.until(wrote("finalise"))
    assert [each["status"] for each in dossier.requests()] == ["active"] * 3
    assert [each["status"] for each in dossier.requests(PLATFORM)] == ["active"] * 3
    assert dossier.requests(OTHER_PLATFORM) == []

    dossier.until(moved("reception-prelevement", "failed"))
    open_again = [each for each in dossier.tasks("reception-prelevement") if "reasonReference" in each]
    assert [each["status"] for each in open_again] == ["requested"]
    suivi = pathway_gateway.of(ASSISTANT).operation("suivi", "ServiceRequest", dossier.request()["id"])
    assert "prelevement-non-conforme" in str(suivi)

    dossier.until(moved("restitution", "completed"))
    assert sorted(dossier.states("reception-prelevement")) == ["completed"] * 3 + ["failed"]
    reports = list(
        pathway_gateway.of(PRESCRIBER).search(
            "DiagnosticReport", {"based-on": f"ServiceRequest/{dossier.request()['id']}"}
        )
    )
    assert [each["status"] for each in reports] == ["final"]
    dossier.end()
    assert [each["status"] for each in dossier.requests()] == ["completed"] * 3


def test_a_tumour_and_its_normal_tissue_go_through_the_bench_side_by_side(of: Callable[..., Pathway]) -> None:
    oncologist = professionals()["oncologue"].acting
    dossier = of(TUMOUR, "KC", markers=True, conclusion="positive", change=results.SOMATIC[0])
    dossier.until(wrote("finalise"))
    (request,) = dossier.requests(oncologist)
    tubes = list(dossier.gateway.of(OTHER_PLATFORM).search("Specimen", {"subject": request["subject"]["reference"]}))
    assert len(tubes) == 2
    received = dossier.gateway.of(OTHER_PLATFORM).search(
        "Task", {"group-identifier": dossier.number, "code": f"{codes.TACHE}|reception-prelevement"}
    )
    inputs = {each["input"][0]["valueReference"]["reference"] for each in received}
    assert inputs == {f"Specimen/{each['id']}" for each in tubes}
    dossier.end()
    (request,) = dossier.requests(oncologist)
    assert request["status"] == "completed"
    results_of = list(
        dossier.gateway.of(oncologist).search("DiagnosticReport", {"subject": request["subject"]["reference"]})
    )
    assert len(results_of) == 1
    assert dossier.requests(PRESCRIBER) == []


def test_a_consent_withdrawn_in_mid_course_stops_the_platform_at_once(of: Callable[..., Pathway]) -> None:
    dossier = of(SOLO, ending="withdrawn-revoked", ends_after="reception-prelevement")
    dossier.until(moved("reception-prelevement", "completed"))
    (prepared,) = dossier.tasks("preparation", PLATFORM)
    dossier.until(wrote("withdrawal"))
    (request,) = dossier.requests()
    assert request["status"] == "on-hold"
    told = list(dossier.gateway.of(PRESCRIBER).search("Provenance", {"target": f"ServiceRequest/{request['id']}"}))
    assert [codes.code(each["reason"][0], codes.MOTIF) for each in told] == ["consentement-retire"]
    # What waits is cancelled or held; nothing starts any more, whichever version the platform saw.
    (stopped,) = dossier.tasks("preparation", PLATFORM)
    start = {**stopped, "status": "accepted"}
    refusal = refused(lambda: dossier.gateway.of(PLATFORM).update(start, if_match=stopped["meta"]["versionId"]))
    assert refusal.status == 422
    stale = refused(lambda: dossier.gateway.of(PLATFORM).update({**prepared, "status": "accepted"}, if_match="1"))
    assert stale.status in (412, 422)
    back = refused(lambda: dossier.gateway.of(PRESCRIBER).update({**request, "status": "active"}))
    assert "dossier-consent-refused" in back.details
    decision = dossier.gateway.of(COORDINATOR).operation(
        "decision", "Consent",
        parameters={"patient": request["subject"]["reference"], "code": "examen", "at": time.strftime("%Y-%m-%d")},
    )  # fmt: skip
    assert "deny" in str(decision)
    dossier.end()
    assert [each["status"] for each in dossier.requests()] == ["revoked"]


def test_nobody_validates_an_own_dossier_under_whatever_role(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    dossier = of(SOLO)
    dossier.until(lambda act: isinstance(act.deed, Move) and act.deed.owner is not None)
    # The prescriber has a second role: the coordinator of that RCP. The RPPS is the same.
    twofold = replace(COORDINATOR, rpps=PRESCRIBER.rpps)
    gateway = pathway_gateway.of(twofold)
    (task,) = dossier.tasks("rcp-amont", twofold)
    for status in ("accepted", "in-progress"):
        task = gateway.update({**task, "status": status}, if_match=task["meta"]["versionId"])
    refusal = refused(lambda: gateway.update({**task, "status": "completed"}, if_match=task["meta"]["versionId"]))
    assert (refusal.status, refusal.details) == (422, ["rcp-own-request"])
    # Nor as prescriber, nor without a person behind the role.
    for other in (PRESCRIBER, replace(COORDINATOR, rpps=None)):
        again = refused(lambda who=other: pathway_gateway.of(who).update({**task, "status": "completed"}))  # type: ignore[misc]
        assert again.status in (403, 404, 405, 422)
    assert dossier.states("rcp-amont") == ["in-progress"]
    done = pathway_gateway.of(COORDINATOR).update({**task, "status": "completed"}, if_match=task["meta"]["versionId"])
    assert done["status"] == "completed"


def claims(gateway: Issued, task: Resource, claimants: Sequence[Acting]) -> list[int]:
    """Let everybody claim a Task at once, each for its own structure with the version that all saw."""

    def claim(who: Acting) -> int:
        owner = {"identifier": codes.identifier(str(who.organisation))}
        sent = {**task, "status": "accepted", "owner": owner}
        try:
            gateway.of(who).update(sent, if_match=task["meta"]["versionId"])
        except Refused as refusal:
            return refusal.status
        return 200

    with ThreadPoolExecutor(len(claimants)) as pool:
        return sorted(pool.map(claim, claimants))


def test_of_a_platform_that_claims_from_several_places_at_once_one_wins_and_the_others_get_412(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    dossier = of(SOLO)
    dossier.until(wrote("finalise"))
    (task,) = dossier.tasks("reception-prelevement", PLATFORM)
    assert claims(pathway_gateway, task, [PLATFORM] * 4) == [200, 412, 412, 412]
    (taken,) = dossier.tasks("reception-prelevement", PLATFORM)
    assert (taken["status"], taken["meta"]["versionId"]) == ("accepted", "2")


def test_of_two_platforms_that_claim_an_interpretation_at_once_one_wins_and_the_other_gets_412(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    """A patient of two dossiers, one with each platform: both may interpret, so both see the task that nobody owns."""
    dossier = of(SOLO)
    dossier.until(moved("analyse-bioinfo", "completed"))
    elsewhere = replace(
        dossier.plan.prescription, number=f"{dossier.plan.prescription.number}-B", platform=structures()["seqoia"]
    )
    other = Pathway(pathway_gateway, replace(dossier.plan, prescription=elsewhere))
    other.until(wrote("finalise"))
    (task,) = dossier.tasks("interpretation", OTHER_BIOLOGIST)
    assert "owner" not in task
    assert claims(pathway_gateway, task, [BIOLOGIST, OTHER_BIOLOGIST]) == [200, 412]
    (taken,) = dossier.tasks("interpretation", BIOLOGIST)
    winner = codes.token(taken["owner"]["identifier"])
    assert winner in (BIOLOGIST.organisation, OTHER_BIOLOGIST.organisation)
    # Who lost does not move it afterwards either.
    loser = OTHER_BIOLOGIST if winner == BIOLOGIST.organisation else BIOLOGIST
    again = refused(lambda: pathway_gateway.of(loser).update({**taken, "status": "in-progress"}))
    assert again.status in (403, 404, 405)
    # A platform that is not the dossier's takes no step of the bench, however it comes to see it.
    (bench,) = other.tasks("reception-prelevement", OTHER_PLATFORM)
    assert claims(pathway_gateway, bench, [PLATFORM])[0] in (403, 404, 405)


def test_a_claim_without_the_version_that_was_seen_is_refused_with_412(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    dossier = of(SOLO)
    dossier.until(moved("analyse-bioinfo", "completed"))
    (task,) = dossier.tasks("interpretation", BIOLOGIST)
    owner = {"identifier": codes.identifier(str(BIOLOGIST.organisation))}
    refusal = refused(lambda: pathway_gateway.of(BIOLOGIST).update({**task, "status": "accepted", "owner": owner}))
    assert (refusal.status, refusal.details) == (412, ["dossier-claim-unguarded"])


def test_a_dossier_revoked_with_its_reason_takes_relatives_and_tasks_along(
    of: Callable[..., Pathway], pathway_gateway: Issued
) -> None:
    dossier = of(TRIO)
    dossier.until(wrote("finalise"))
    request = dossier.request()
    revoked = {**request, "status": "revoked"}
    silent = refused(lambda: pathway_gateway.of(PRESCRIBER).update(revoked))
    assert silent.details == ["request-provenance-missing"]
    said = provenance(
        f"{dossier.player.number.lower()}-why", [f"ServiceRequest/{request['id']}"], "2026-11-20T09:00:00Z",
        "plus-necessaire", professionals()["prescripteur"], structures()["valmont"],
    )  # fmt: skip
    del said["id"]
    pathway_gateway.of(PRESCRIBER).transaction(
        [
            {"resource": revoked, "request": {"method": "PUT", "url": f"ServiceRequest/{request['id']}"}},
            {"resource": said, "request": {"method": "POST", "url": "Provenance"}},
        ]
    )
    assert [each["status"] for each in dossier.requests()] == ["revoked"] * 3
    number = {"group-identifier": dossier.number}
    states = {each["status"] for each in pathway_gateway.of(ADMINISTRATOR).search("Task", number)}
    assert states == {"completed", "cancelled"}
