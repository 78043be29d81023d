"""$submit, $completude, $suivi, $decision, $a-completer, $statistiques, and $graph of a whole dossier.

Source: `profiles/pfmg/input/fsh/operations.fsh`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.dossier import codes
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode
from fhir_gateway.policy.actor import Actor
from fhir_gateway.settings import Settings
from tests.dossier import family
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import (
    ASSISTANT,
    COORDINATOR,
    PLATFORM,
    PRESCRIBER,
    STRANGER,
    Pathway,
    Resource,
    submission,
)
from tests.interactions.people import ADMINISTRATOR, AUDITOR


@pytest.fixture
def pathway(desk: Desk) -> Pathway:
    return Pathway(desk)


def asked(desk: Desk, who: Actor, method: str, url: str, resource: Resource | None = None, **more: Any) -> Any:
    return decode(desk.of(who).ask(method, url, resource, **more).body or b"")


def named(parameters: Resource, name: str) -> list[Any]:
    found = [each for each in parameters.get("parameter", ()) if each["name"] == name]
    return [next(value for key, value in each.items() if key != "name") for each in found]


def details(outcome: Resource) -> set[str]:
    return {each["details"]["coding"][0]["code"] for each in outcome["issue"]}


def test_a_submission_is_answered_with_its_number_its_requests_its_tasks_and_what_it_lacks(desk: Desk) -> None:
    answer = asked(desk, PRESCRIBER, "POST", "ServiceRequest/$submit", submission())
    (number,) = named(answer, "dossier")
    assert number["system"] == family.DOSSIER
    requests = named(answer, "prescription")
    assert len(requests) == 3
    stored = desk.get(requests[0]["reference"])
    assert stored["requisition"] == number
    assert codes.codes(stored["category"], codes.ROLE) == ("proband",)
    assert sorted(each["display"] for each in named(answer, "tache")) == ["rcp-amont", *["recueil-consentement"] * 3]
    (outcome,) = named(answer, "outcome")
    assert details(outcome) == {"dossier-rcp-missing"}


def test_a_submission_without_request_is_refused(desk: Desk) -> None:
    sent = submission("order-0", "order-1", "order-2")
    refused = desk.of(PRESCRIBER).refused("POST", "ServiceRequest/$submit", sent)
    assert refused.issues == (("submit-nothing", "Bundle"),)


def test_who_may_not_submit_is_refused(desk: Desk) -> None:
    assert desk.of(PLATFORM).refused("POST", "ServiceRequest/$submit", submission()).status == 403


def test_what_a_dossier_lacks_is_told_for_the_state_asked_for_in_the_language_asked_for(pathway: Pathway) -> None:
    pathway.submit()
    url = f"ServiceRequest/{pathway.requests[0]}/$completude"
    told = asked(pathway.desk, ASSISTANT, "GET", url, language="fr")
    assert details(told) == {"dossier-rcp-missing"}
    assert "RCP" in told["issue"][0]["diagnostics"]
    assert details(asked(pathway.desk, ASSISTANT, "GET", f"{url}?pour=draft")) == {"dossier-nothing-lacks"}
    assert pathway.desk.of(ASSISTANT).refused("GET", f"{url}?pour=x").status == 400
    assert pathway.desk.of(STRANGER).refused("GET", url).status == 404


def test_a_post_and_completude_tell_the_same_gaps(desk: Desk) -> None:
    pathway = Pathway(desk)
    sent = submission("consent-1", "hpo-child")
    answer = decode(desk.of(PRESCRIBER).ask("POST", "", sent, prefer="OperationOutcome").body or b"")
    outcomes = [each["response"]["outcome"] for each in answer["entry"] if "outcome" in each["response"]]
    posted = {code for each in outcomes for code in details(each) if code.startswith("dossier-")}
    (request,) = [each for each in pathway.all("ServiceRequest") if "proband" in str(each["category"])]
    url = f"ServiceRequest/{request['id']}/$completude?pour=draft"
    assert posted == details(asked(desk, PRESCRIBER, "GET", url)) != set()


def test_validate_of_a_submission_tells_what_a_post_of_it_would_lack(desk: Desk) -> None:
    sent = submission("consent-1", "hpo-child")
    told = asked(desk, PRESCRIBER, "POST", "Bundle/$validate", sent, language="fr")
    posted = decode(desk.of(PRESCRIBER).ask("POST", "", sent, prefer="OperationOutcome", language="fr").body or b"")
    outcomes = [each["response"]["outcome"]["issue"] for each in posted["entry"] if "outcome" in each["response"]]
    lacking = [each for issues in outcomes for each in issues if "dossier-" in str(each["details"]["coding"])]
    assert lacking
    assert [each for each in told["issue"] if "dossier-" in str(each["details"]["coding"])] == lacking


def test_the_timeline_tells_what_was_reached_and_whom_it_waits_for(pathway: Pathway) -> None:
    pathway.submit()
    pathway.address()
    told = asked(pathway.desk, COORDINATOR, "GET", f"ServiceRequest/{pathway.requests[0]}/$suivi", language="fr")
    assert named(told, "statut") == ["draft"]
    waits = [{each["name"]: each for each in wait} for wait in named(told, "attente")]
    rcp = next(each for each in waits if "rcp-amont" in str(each["code"]))
    assert rcp["qui"]["valueReference"]["identifier"] == codes.identifier(family.RCP)
    assert [step[0]["valueCoding"]["code"] for step in named(told, "etape")] == ["creation", "consentement"]


def test_a_dossier_with_gaps_is_in_the_list_of_its_hospital_only(pathway: Pathway) -> None:
    pathway.submit()
    (line,) = named(asked(pathway.desk, ASSISTANT, "GET", "ServiceRequest/$a-completer"), "dossier")
    lacks = [each["valueCodeableConcept"]["coding"][0]["code"] for each in line if each["name"] == "manque"]
    assert lacks == ["dossier-rcp-missing"]
    assert named(asked(pathway.desk, ASSISTANT, "GET", "ServiceRequest/$a-completer?parcours=KC"), "dossier") == []
    assert named(asked(pathway.desk, STRANGER, "GET", "ServiceRequest/$a-completer"), "dossier") == []
    other = f"ServiceRequest/$a-completer?etablissement={family.HOSPITAL}"
    assert named(asked(pathway.desk, STRANGER, "GET", other), "dossier") == []


def test_a_consent_answers_at_a_date_and_by_the_version_that_says_so(pathway: Pathway) -> None:
    pathway.submit()
    child = pathway.request()["subject"]["reference"]
    url = f"Consent/$decision?patient={child}&code=examen"
    told = asked(pathway.desk, ADMINISTRATOR, "GET", url)
    assert named(told, "decision") == ["permit"]
    assert named(told, "consent")[0]["reference"].endswith("/_history/1")
    consent = next(each for each in pathway.all("Consent") if each["patient"]["reference"] == child)
    pathway.put(PRESCRIBER, consent, status="inactive")
    # Withdrawn with the write: what was permitted before stays so.
    assert named(asked(pathway.desk, ADMINISTRATOR, "GET", f"{url}&at=2026-03-01"), "decision") == ["permit"]
    assert named(asked(pathway.desk, ADMINISTRATOR, "GET", url), "decision") == ["deny"]
    assert named(asked(pathway.desk, ADMINISTRATOR, "GET", f"{url}&at=2025-03-01"), "decision") == ["unknown"]
    assert pathway.desk.of(ADMINISTRATOR).refused("GET", "Consent/$decision?patient=x&code=examen").status == 404


def test_statistics_mask_what_is_small_and_are_for_auditors_and_administrators(pathway: Pathway) -> None:
    pathway.submit()
    assert asked(pathway.desk, AUDITOR, "GET", "ServiceRequest/$statistiques") == {"resourceType": "Parameters"}
    for _ in range(11):
        Pathway(pathway.desk).submit()
    told = asked(pathway.desk, ADMINISTRATOR, "GET", "ServiceRequest/$statistiques?par=etape&par=preindication")
    lines = [{each["name"]: each for each in line} for line in named(told, "ligne")]
    assert [(line["par"]["valueCode"], line["nombre"]["valueInteger"]) for line in lines] == [
        ("preindication", 12),
        ("etape", 12),
    ]
    assert pathway.desk.of(PRESCRIBER).refused("GET", "ServiceRequest/$statistiques").status == 403
    assert pathway.desk.of(AUDITOR).refused("GET", "ServiceRequest/$statistiques?par=x").status == 400


def test_the_whole_dossier_is_had_by_the_graph_that_comes_with_the_gateway(tmp_path: Path) -> None:
    gateway = open_gateway(Settings(data_folder=tmp_path, validation="structure"))
    pathway = Pathway(Desk(gateway))
    pathway.submit()
    url = f"ServiceRequest/{pathway.requests[0]}/$graph?graph={CANONICAL_BASE}/GraphDefinition/pfmg-dossier"
    told = asked(pathway.desk, PRESCRIBER, "GET", url)
    gateway.store.close()
    kinds = [each["resource"]["resourceType"] for each in told["entry"]]
    assert {kind: kinds.count(kind) for kind in ("ServiceRequest", "Patient", "Task")} == {
        "ServiceRequest": 3,
        "Patient": 3,
        "Task": 4,
    }
