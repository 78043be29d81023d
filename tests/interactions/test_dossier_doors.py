"""What belongs to a dossier stays in it, whatever door a write comes by; and what writes beside its requests do to it.

Source: `fhir_gateway/dossier/membership.py`, `fhir_gateway/dossier/rules.py`; code civil, article 16-10.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.json import decode
from tests.dossier import family
from tests.interactions.desk import Desk, Refused, bundle, entry
from tests.interactions.dossier_people import (
    ASSISTANT,
    PLATFORM,
    PRESCRIBER,
    Pathway,
    Resource,
    submission,
    why,
)

PROFILE = f"{codes.PROFILE}specimen"


@pytest.fixture
def pathway(desk: Desk) -> Pathway:
    return Pathway(desk)


def finalised(pathway: Pathway) -> Pathway:
    pathway.submit()
    pathway.decide()
    pathway.finalise()
    return pathway


def details(refused: Refused) -> set[str]:
    return {detail for detail, _ in refused.issues}


# --- what once belonged stays: nobody in particular asks, whom no right keeps from it

Member = Callable[[Pathway], Resource]


def a_request(pathway: Pathway) -> Resource:
    return pathway.request()


def a_task(pathway: Pathway) -> Resource:
    return pathway.task("rcp-amont")


def a_consent(pathway: Pathway) -> Resource:
    return pathway.all("Consent")[0]


def a_specimen(pathway: Pathway) -> Resource:
    """A tube with a profile and a code: each of them is a mark."""
    made = family.specimen("x", "x", "x", meta={"profile": [PROFILE]}, subject=pathway.request()["subject"])
    made["request"] = [{"reference": f"ServiceRequest/{pathway.requests[0]}"}]
    made.pop("id")
    stored: Resource = pathway.desk.get(f"Specimen/{pathway.desk.of(ASSISTANT).post(made)}")
    return stored


MEMBERS: dict[str, tuple[Member, str]] = {
    "ServiceRequest": (a_request, "code"),
    "Task": (a_task, "code"),
    "Consent": (a_consent, "category"),
    "Specimen": (a_specimen, "type"),
}
STRIPPED = {"code": {"text": "x"}, "category": [{"text": "x"}, {"text": "y"}], "type": {"text": "x"}}


def by_put(desk: Desk, before: Resource, element: str) -> Refused:
    return desk.refused("PUT", f"{before['resourceType']}/{before['id']}", {**before, element: STRIPPED[element]})


def by_put_with_the_version(desk: Desk, before: Resource, element: str) -> Refused:
    match = f'W/"{before["meta"]["versionId"]}"'
    sent = {**before, element: STRIPPED[element]}
    return desk.refused("PUT", f"{before['resourceType']}/{before['id']}", sent, if_match=match)


def by_json_patch(desk: Desk, before: Resource, element: str) -> Refused:
    patch = [{"op": "replace", "path": f"/{element}", "value": STRIPPED[element]}]
    return desk.refused("PATCH", f"{before['resourceType']}/{before['id']}", patch=patch)


def by_fhirpath_patch(desk: Desk, before: Resource, element: str) -> Refused:
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": _coding(before, element)}]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    return desk.refused("PATCH", f"{before['resourceType']}/{before['id']}", patch=patch)


def _coding(before: Resource, element: str) -> str:
    """Return the path of the one coding that is the mark."""
    kind, held = before["resourceType"], before[element]
    if not isinstance(held, list):
        return f"{kind}.{element}.coding[0]"
    index = next(index for index, each in enumerate(held) if "pfmg-formulaire" in str(each))
    return f"{kind}.{element}[{index}].coding[0]"


def by_conditional_update(desk: Desk, before: Resource, element: str) -> Refused:
    sent = {name: value for name, value in before.items() if name not in ("id", "meta")} | {element: STRIPPED[element]}
    return desk.refused("PUT", f"{before['resourceType']}?_id={before['id']}", sent)


def by_conditional_patch(desk: Desk, before: Resource, element: str) -> Refused:
    patch = [{"op": "replace", "path": f"/{element}", "value": STRIPPED[element]}]
    return desk.refused("PATCH", f"{before['resourceType']}?_id={before['id']}", patch=patch)


def by_transaction(desk: Desk, before: Resource, element: str) -> Refused:
    url = f"{before['resourceType']}/{before['id']}"
    return desk.transaction_refused(entry("PUT", url, {**before, element: STRIPPED[element]}))


def by_batch(desk: Desk, before: Resource, element: str) -> Refused:
    url = f"{before['resourceType']}/{before['id']}"
    sent = bundle(entry("PUT", url, {**before, element: STRIPPED[element]}), type="batch")
    (response,) = decode(desk.ask("POST", "", sent).body or b"")["entry"]
    found = [(each["details"]["coding"][0]["code"], None) for each in response["response"]["outcome"]["issue"]]
    return Refused(int(response["response"]["status"].split()[0]), tuple(found))


CHANGES = (
    by_put, by_put_with_the_version, by_json_patch, by_fhirpath_patch, by_conditional_update, by_conditional_patch,
    by_transaction, by_batch,
)  # fmt: skip


@pytest.mark.parametrize("kind", MEMBERS)
def test_no_door_takes_the_marks_of_a_dossier_away(pathway: Pathway, kind: str) -> None:
    pathway.submit()
    make, element = MEMBERS[kind]
    before = make(pathway)
    for change in CHANGES:
        refused = change(pathway.desk, before, element)
        assert (change.__name__, refused.status, details(refused)) == (change.__name__, 422, {"dossier-mark-removed"})
    for door in DELETIONS:
        refused = door(pathway.desk, before)
        assert (door.__name__, details(refused)) in ((door.__name__, {each}) for each in NOT_DELETED), refused
    assert pathway.desk.get(f"{kind}/{before['id']}")["meta"]["versionId"] == before["meta"]["versionId"]


def by_delete(desk: Desk, before: Resource) -> Refused:
    return desk.refused("DELETE", f"{before['resourceType']}/{before['id']}")


def by_conditional_delete(desk: Desk, before: Resource) -> Refused:
    return desk.refused("DELETE", f"{before['resourceType']}?_id={before['id']}")


def by_deletion_in_a_transaction(desk: Desk, before: Resource) -> Refused:
    return desk.transaction_refused(entry("DELETE", f"{before['resourceType']}/{before['id']}"))


def by_purge_of_the_history(desk: Desk, before: Resource) -> Refused:
    return desk.refused("POST", f"{before['resourceType']}/{before['id']}/$purge", _inputs(history=True))


def by_purge(desk: Desk, before: Resource) -> Refused:
    refused = desk.refused("POST", f"{before['resourceType']}/{before['id']}/$purge")
    # What refers to it is told beside.
    return Refused(refused.status, tuple(each for each in refused.issues if each[0] != "purge-referred"))


DELETIONS = (by_delete, by_conditional_delete, by_deletion_in_a_transaction, by_purge_of_the_history, by_purge)
NOT_DELETED = ("dossier-member-deleted", "purge-dossier-member")


def _inputs(**given: bool) -> Resource:
    parameters = [{"name": name, "valueBoolean": value} for name, value in given.items()]
    return {"resourceType": "Parameters", "parameter": parameters}


def test_a_profile_alone_is_a_mark_that_no_door_takes_away(pathway: Pathway) -> None:
    pathway.submit()
    made = {**family.phenotype("x"), "subject": pathway.request()["subject"], "meta": {"profile": [PHENOTYPE]}}
    made.pop("id")
    id = pathway.desk.of(PRESCRIBER).post(made)
    url = f"Observation/{id}"
    plain = {name: value for name, value in pathway.desk.get(url).items() if name != "meta"}
    given = {"profile": [PHENOTYPE]}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": given}]}
    patch = [{"op": "remove", "path": "/meta/profile/0"}]
    for refused in (
        pathway.desk.refused("PUT", url, plain),
        pathway.desk.refused("PATCH", url, patch=patch),
        pathway.desk.transaction_refused(entry("PUT", url, plain)),
        pathway.desk.refused("POST", f"{url}/$meta-delete", parameters),
    ):
        assert (refused.status, details(refused)) == (422, {"dossier-mark-removed"})
    assert details(pathway.desk.refused("DELETE", url)) == {"dossier-member-deleted"}
    assert pathway.desk.versions("Observation", id) == ["1"]


PHENOTYPE = f"{codes.PROFILE}phenotype"


def test_what_belongs_to_a_dossier_is_purged_only_when_that_is_forced(pathway: Pathway) -> None:
    pathway.submit()
    child = pathway.request()["subject"]["reference"]
    refused = pathway.desk.refused("POST", f"{child}/$purge")
    assert refused.status == 409
    assert any(f"ServiceRequest/{pathway.requests[0]}" in text for text in refused.texts)
    assert pathway.statuses() == ["draft"] * 3
    assert pathway.desk.ask("POST", f"{child}/$purge", _inputs(force=True)).status == 200
    assert pathway.desk.refused("GET", child).status == 404


# --- consents that the server need not wait for


def collecting(pathway: Pathway) -> list[Resource]:
    return [each for each in pathway.all("Task") if "recueil-consentement" in codes.codes(each["code"], codes.TACHE)]


def test_consents_that_come_with_the_submission_complete_the_tasks_that_ask_for_them(pathway: Pathway) -> None:
    pathway.submit()
    consents = {each["patient"]["reference"]: each["id"] for each in pathway.all("Consent")}
    for task in collecting(pathway):
        assert task["status"] == "completed"
        assert [each["valueReference"]["reference"] for each in task["output"]] == [
            f"Consent/{consents[task['for']['reference']]}"
        ]
        assert codes.code(task["businessStatus"], codes.ETAPE) == "attente-rcp"


def test_a_consent_that_comes_later_completes_its_task_with_the_same_write(pathway: Pathway) -> None:
    pathway.submit("consent-1")
    (waiting,) = [each for each in collecting(pathway) if each["status"] != "completed"]
    consent = {**family.consent("x", "x", "tiers-apparente"), "patient": waiting["for"], "performer": [waiting["for"]]}
    consent = {name: value for name, value in consent.items() if name not in ("id", "sourceReference")}
    pathway.desk.of(ASSISTANT).post(consent)
    assert {each["status"] for each in collecting(pathway)} == {"completed"}


# --- errors that other writes than those of requests make


def edges(pathway: Pathway) -> list[Resource]:
    return pathway.all("FamilyMemberHistory")


def test_a_link_that_contradicts_a_dossier_that_runs_is_refused_and_a_plain_one_is_not(pathway: Pathway) -> None:
    finalised(pathway)
    (mother,) = [each for each in edges(pathway) if "MTH" in str(each["relationship"])]
    wrong = {**mother, "relationship": concept(codes.ROLE_CODE, "NFTH")}
    wrong = {name: value for name, value in wrong.items() if name not in ("id", "meta")}
    plain = pathway.desk.of(PRESCRIBER).post(wrong)
    assert pathway.desk.get(f"FamilyMemberHistory/{plain}")["relationship"] == wrong["relationship"]


def member(resource: Resource, profile: str) -> Resource:
    return {**resource, "meta": {"profile": [f"{codes.PROFILE}{profile}"]}}


def with_profiles() -> Resource:
    """Return a submission whose people and links say that they are of a dossier."""
    sent = submission()
    for each in sent["entry"]:
        kind = each["resource"]["resourceType"]
        profile = {"Patient": "patient", "FamilyMemberHistory": "family-member-history"}.get(kind)
        if profile is not None:
            each["resource"] = member(each["resource"], profile)
    return sent


def running(pathway: Pathway) -> Pathway:
    body = pathway.desk.of(PRESCRIBER).ask("POST", "", with_profiles()).body
    response = decode(body or b"")
    places = [each["response"]["location"].split("/") for each in response["entry"]]
    pathway.requests = [place[1] for place in places if place[0] == "ServiceRequest"]
    pathway.decide()
    pathway.finalise()
    return pathway


def test_what_makes_an_error_of_a_dossier_that_runs_is_refused_and_said_where(pathway: Pathway) -> None:
    running(pathway)
    (mother,) = [each for each in edges(pathway) if "MTH" in str(each["relationship"])]
    desk, url = pathway.desk.of(PRESCRIBER), f"FamilyMemberHistory/{mother['id']}"
    wrong = {**mother, "relationship": concept(codes.ROLE_CODE, "FTH")}
    refused = desk.refused("PUT", url, wrong)
    assert refused.status == 422
    assert ("dossier-edge-sex", "FamilyMemberHistory.relationship") in refused.issues
    person = pathway.desk.get(pathway.request(1)["subject"]["reference"])
    refused = desk.refused("PUT", f"Patient/{person['id']}", {**person, "gender": "male"})
    assert details(refused) == {"dossier-edge-sex"}
    assert all("male" in text for text in refused.texts)
    # Both at once contradict nothing.
    other = {**mother, "relationship": concept(codes.ROLE_CODE, "SIS")}
    desk.transact(entry("PUT", url, other), entry("PUT", f"Patient/{person['id']}", {**person, "birthDate": "1986"}))


def test_what_makes_no_new_error_is_written_though_the_dossier_has_one(pathway: Pathway) -> None:
    running(pathway)
    consent = next(each for each in pathway.all("Consent") if "tiers-apparente" in str(each["category"]))
    pathway.put(PRESCRIBER, consent, status="inactive")  # a refusal is never refused
    person = pathway.desk.get(pathway.request()["subject"]["reference"])
    stored = pathway.put(PRESCRIBER, person, birthDate="2018-03-05")
    assert stored["birthDate"] == "2018-03-05"


def test_a_number_of_another_person_is_refused_in_the_draft_too(pathway: Pathway) -> None:
    pathway.desk.of(PRESCRIBER).ask("POST", "", with_profiles())
    number = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "299009912345678"}
    first, second = pathway.all("Patient")[:2]
    pathway.put(PRESCRIBER, first, identifier=[number])
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", f"Patient/{second['id']}", {**second, "identifier": [number]})
    assert details(refused) == {"dossier-ins-shared"}


def added(pathway: Pathway, role: str) -> Resource:
    """Return a request of one more person, as a draft, for the dossier of a pathway."""
    standing = pathway.request(1)
    (person,) = [pathway.desk.of(PRESCRIBER).post({"resourceType": "Patient", "gender": "female", "birthDate": "2020"})]
    made = {name: standing[name] for name in standing if name not in ("id", "meta")}
    category = [concept(codes.PARCOURS, "MR"), concept(codes.ROLE, role)]
    return {**made, "status": "draft", "category": category, "subject": {"reference": f"Patient/{person}"}}


def test_a_relative_joins_a_dossier_that_runs_as_a_draft_with_gaps_and_a_second_proband_does_not(
    pathway: Pathway,
) -> None:
    finalised(pathway)
    refused = pathway.desk.of(PRESCRIBER).refused("POST", "ServiceRequest", added(pathway, "proband"))
    assert "dossier-probands-several" in details(refused)
    id = pathway.desk.of(PRESCRIBER).post(added(pathway, "relative"))
    stored = pathway.desk.get(f"ServiceRequest/{id}")
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", f"ServiceRequest/{id}", {**stored, "status": "active"})
    assert "dossier-consent-missing" in details(refused)


# --- the platform's agreement


def test_the_agreement_of_the_platform_is_what_the_platform_wrote_itself(pathway: Pathway) -> None:
    finalised(pathway)
    agreed = {**why(pathway.requests[0], "autre"), "agent": [{"who": family.named(family.PLATFORM)}]}
    pathway.desk.of(PRESCRIBER).post(agreed)
    request = pathway.request()
    wrong = {**request, "status": "entered-in-error"}
    refused = pathway.desk.of(PRESCRIBER).refused("PUT", f"ServiceRequest/{request['id']}", wrong)
    assert details(refused) == {"request-platform-agreement-missing"}
    forged = entry("POST", "Provenance", agreed)
    url = f"ServiceRequest/{request['id']}"
    refused = pathway.desk.of(PRESCRIBER).transaction_refused(entry("PUT", url, wrong), forged)
    assert details(refused) == {"request-platform-agreement-missing"}
    pathway.desk.of(PLATFORM).post(agreed)
    assert pathway.put(PRESCRIBER, request, status="entered-in-error")["status"] == "entered-in-error"


# --- a dossier that has come to its end


def test_a_closed_dossier_lacks_nothing(pathway: Pathway) -> None:
    finalised(pathway)
    consent = next(each for each in pathway.all("Consent") if "mr-mineur" in str(each["category"]))
    pathway.put(PRESCRIBER, consent, status="inactive")
    url = f"ServiceRequest/{pathway.requests[0]}"
    asked = f"{url}/$completude?pour=active"
    assert "dossier-consent-refused" in str(pathway.desk.get(asked))
    revoked = entry("PUT", url, {**pathway.request(), "status": "revoked"})
    said = entry("POST", "Provenance", why(pathway.requests[0], "consentement-retire"))
    pathway.desk.of(PRESCRIBER).transact(revoked, said)
    assert pathway.statuses() == ["revoked"] * 3
    assert "dossier-consent-refused" not in str(pathway.desk.get(asked))
