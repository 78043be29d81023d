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
from fhir_gateway.interactions.operations import dossier_completude
from fhir_gateway.policy.actor import Actor
from fhir_gateway.settings import Settings
from tests.dossier import family
from tests.interactions.desk import BASE, Desk
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


def pages(desk: Desk, who: Actor, url: str) -> list[list[str]]:
    """Return the numbers of the dossiers of each page, following `suivant`."""
    found: list[list[str]] = []
    following: str | None = url
    while following is not None:
        answer = asked(desk, who, "GET", following)
        lines = [{each["name"]: each for each in line} for line in named(answer, "dossier")]
        found.append([line["numero"]["valueIdentifier"]["value"] for line in lines])
        (following,) = [each.removeprefix(f"{BASE}/") for each in named(answer, "suivant")] or [None]
        assert len(found) < 50
    return found


def test_all_dossiers_with_gaps_come_once_over_the_pages_the_oldest_first(desk: Desk) -> None:
    days = [f"2026-01-{day:02}" for day in (7, 3, 9, 1, 5, 8, 2, 6, 4)]
    for day in days:
        sent = submission()
        for each in sent["entry"]:
            if "authoredOn" in each["resource"]:
                each["resource"]["authoredOn"] = day
        Pathway(desk).desk.of(PRESCRIBER).ask("POST", "", sent)
    requests = {each["requisition"]["value"]: each["authoredOn"] for each in Pathway(desk).all("ServiceRequest")}
    for count in (1, 2, 4, 9, 50):
        found = pages(desk, ASSISTANT, f"ServiceRequest/$a-completer?_count={count}&parcours=MR")
        assert all(len(each) <= count for each in found)
        assert [requests[number] for each in found for number in each] == sorted(days), count
    assert desk.of(ASSISTANT).refused("GET", "ServiceRequest/$a-completer?_count=0").status == 400


def test_a_page_looks_at_so_many_dossiers_and_leads_on_where_none_of_them_lacks_anything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        Pathway(desk).submit()
    monkeypatch.setattr(dossier_completude, "LOOKED_AT", 2)
    url = "ServiceRequest/$a-completer?_count=50"
    assert [len(each) for each in pages(desk, ASSISTANT, url)] == [2, 2, 1]
    elsewhere = f"{url}&etablissement={family.OTHER_HOSPITAL}"
    assert [len(each) for each in pages(desk, ASSISTANT, elsewhere)] == [0, 0, 0]


def test_a_page_is_for_who_was_given_it_and_for_its_question(desk: Desk) -> None:
    for _ in range(3):
        Pathway(desk).submit()
    (following,) = named(asked(desk, ASSISTANT, "GET", "ServiceRequest/$a-completer?_count=1"), "suivant")
    url = following.removeprefix(f"{BASE}/")
    assert len(named(asked(desk, ASSISTANT, "GET", url), "dossier")) == 1
    other = url.replace("_count=1", f"_count=1&etablissement={family.OTHER_HOSPITAL}")
    for who, wrong in ((STRANGER, url), (ASSISTANT, other), (ASSISTANT, url[:-2])):
        assert desk.of(who).refused("GET", wrong).issues == (("search-page-invalid", None),)


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
    mother = pathway.request(1)["subject"]
    # One that names its request comes by that; one of another dossier's request, or of no form of PFMG, does not.
    plain = {"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "subject": mother}
    elsewhere = pathway.desk.post(plain)
    named_request = consent(mother, f"ServiceRequest/{pathway.requests[1]}")
    ids = [pathway.desk.post(named_request), pathway.desk.post(consent(mother, f"ServiceRequest/{elsewhere}"))]
    ids.append(pathway.desk.post({**consent(mother), "category": [{"text": "x"}]}))
    for start in range(3):
        url = f"ServiceRequest/{pathway.requests[start]}/$graph?graph={CANONICAL_BASE}/GraphDefinition/pfmg-dossier"
        told = pathway.desk.get(url)
        kinds = [each["resource"]["resourceType"] for each in told["entry"]]
        assert {kind: kinds.count(kind) for kind in ("Patient", "Task", "Consent")} == {
            "Patient": 3, "Task": 4, "Consent": 4,
        }  # fmt: skip
        found = {each["resource"].get("id") for each in told["entry"]}
        assert [id in found for id in ids] == [True, False, False]
    gateway.store.close()


def consent(patient: Resource, request: str | None = None) -> Resource:
    made = {**family.consent("x", "x", "tiers-apparente"), "patient": patient, "performer": [patient]}
    made["sourceAttachment"] = {"title": "x"}
    if request is not None:
        made["provision"]["data"] = [{"meaning": "instance", "reference": {"reference": request}}]
    return {name: value for name, value in made.items() if name not in ("id", "sourceReference")}
