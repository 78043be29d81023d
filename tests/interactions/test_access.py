"""Who may do what: rights of roles, SMART scopes, and refusals that say what is missing.

Source: SMART App Launch 2.2.0, "Scopes for requesting FHIR Resources"; `fhir_gateway/policy/politique.yaml`; FHIR R4,
RESTful API, "Batch Processing Rules", "Transaction Processing Rules".
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Forbidden
from fhir_gateway.interactions.access import Rights
from fhir_gateway.interactions.interaction import ANONYME, Actor
from fhir_gateway.interactions.perform import perform_read_now
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.scopes import NO_SCOPES
from tests.interactions.desk import Desk, Refused, bundle, by, entry, observation, patient, statuses
from tests.interactions.people import (
    ADMINISTRATOR,
    AUDITOR,
    FINESS,
    HOSPITAL,
    INTEGRATOR,
    PLATFORM,
    PRESCRIBER,
    SEQUENCER,
    actor,
    order,
)

NO_RIGHT = Refused(403, (("right-missing", None),))
NO_SCOPE = Refused(403, (("scope-missing", None),))


def test_what_the_policy_does_not_give_a_role_is_refused_with_the_right_that_is_missing(desk: Desk) -> None:
    assert desk.of(SEQUENCER).refused("POST", "Patient", patient()) == NO_RIGHT
    refused = desk.of(INTEGRATOR).refused("GET", "Patient/a")
    assert refused == NO_RIGHT
    assert refused.texts[0].startswith("The role integrateur has no right to read on Patient.")


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "Patient/a"), ("GET", "Patient/a/_history/1"), ("GET", "Patient/a/_history"),
        ("GET", "Patient/_history"), ("GET", "Patient?_id=a"), ("DELETE", "Patient/a"), ("DELETE", "Patient?_id=a"),
        ("GET", "Patient/a/Observation"), ("GET", "Patient/a/$everything"), ("GET", "Patient/$meta"),
    ],
)  # fmt: skip
def test_a_refusal_is_the_same_whether_the_resource_is_there_or_not(desk: Desk, method: str, url: str) -> None:
    before = desk.of(INTEGRATOR).refused(method, url)
    desk.put(patient("a"))
    after = desk.of(INTEGRATOR).refused(method, url)
    assert before.status == 403
    assert (before, before.texts) == (after, after.texts)


def test_a_scope_narrows_what_the_role_may_do(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    reader = desk.of(actor("prescripteur", HOSPITAL, "system/Patient.r"))
    assert reader.ask("GET", f"Patient/{id}").status == 200
    for method, url, scope in (
        ("GET", "Patient?_id=x", "system/Patient.s"),
        ("GET", "Observation/x", "system/Observation.r"),
        ("DELETE", "Consent/x", "system/Consent.d"),
        ("GET", f"Patient/{id}/$everything", "system/Patient.s"),
    ):
        refused = reader.refused(method, url)
        assert refused == NO_SCOPE
        assert scope in refused.texts[0]


def test_without_scopes_nothing_is_granted(desk: Desk) -> None:
    assert desk.of(replace(PRESCRIBER, scopes=NO_SCOPES)).refused("GET", "Patient/x") == NO_SCOPE


def test_an_act_on_all_types_shows_those_that_are_granted(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    desk.of(PRESCRIBER).post(observation(f"Patient/{id}"))
    some = desk.of(actor("prescripteur", HOSPITAL, "system/Patient.rs"))
    for url in ("?_lastUpdated=gt2020-01-01", "_history"):
        types = {each["resource"]["resourceType"] for each in some.get(url)["entry"]}
        assert types == {"Patient"}, url
    assert desk.of(actor("prescripteur", HOSPITAL, "system/Patient.c")).refused("GET", "_history") == NO_SCOPE


def test_what_is_not_granted_is_not_included_nor_searched_through(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient(value="1"))
    desk.of(PRESCRIBER).post(observation(f"Patient/{id}"))
    some = desk.of(actor("prescripteur", HOSPITAL, "system/Observation.rs"))
    found = some.get("Observation?_include=Observation:subject")
    assert [each["resource"]["resourceType"] for each in found["entry"]] == ["Observation"]
    assert "entry" not in some.get(f"Observation?patient.{by('1')}")
    assert "entry" not in desk.of(actor("prescripteur", HOSPITAL, "system/Patient.rs")).get(
        "Patient?_has:Observation:patient:status=final"
    )


def test_who_sees_everything_of_some_types_sees_nothing_of_the_others(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient(value="1"))
    told = {"resourceType": "Provenance", "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}
    desk.of(PRESCRIBER).post({**told, "target": [{"reference": f"Patient/{id}"}]})
    for who in (AUDITOR, actor("administrateur", scope="system/Provenance.rs")):
        seen = desk.of(who)
        found = seen.get("Provenance?_include=Provenance:target")
        assert [each["resource"]["resourceType"] for each in found["entry"]] == ["Provenance"]
        assert "entry" not in seen.get(f"Provenance?target:Patient.{by('1')}")
        assert {each["resource"]["resourceType"] for each in seen.get("_history")["entry"]} == {"Provenance"}
    assert desk.of(AUDITOR).refused("GET", f"Patient/{id}") == NO_RIGHT


def test_a_conditional_act_needs_the_right_and_the_scope_to_search(desk: Desk) -> None:
    writer = desk.of(actor("prescripteur", HOSPITAL, "system/Patient.cu"))
    assert writer.refused("POST", "Patient", patient(), if_none_exist=by("1")) == NO_SCOPE
    assert writer.refused("PUT", f"Patient?{by('1')}", patient()) == NO_SCOPE
    assert writer.ask("POST", "Patient", patient()).status == 201


def test_a_conditional_reference_needs_the_scope_to_search(desk: Desk) -> None:
    desk.of(PRESCRIBER).post(patient(value="1"))
    sent = entry("POST", "Observation", observation(f"Patient?{by('1')}"))
    assert statuses(desk.of(PRESCRIBER).transact(sent)) == ["201 Created"]
    writer = desk.of(actor("prescripteur", HOSPITAL, "system/Observation.c"))
    assert writer.transaction_refused(sent) == Refused(403, (("scope-missing", "Bundle.entry[0].resource.subject"),))


def test_who_may_only_create_still_refers_to_what_the_role_sees(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    writer = desk.of(actor("prescripteur", HOSPITAL, "system/Observation.c"))
    assert writer.ask("POST", "Observation", observation(f"Patient/{id}")).status == 201


def test_each_entry_of_a_batch_is_judged_as_if_it_had_come_alone(desk: Desk) -> None:
    sent = bundle(
        entry("POST", "Patient", patient()), entry("GET", "Organization"), entry("GET", "metadata"), type="batch"
    )
    answered = decode(desk.of(SEQUENCER).ask("POST", "", sent).body or b"")
    assert statuses(answered) == ["403 Forbidden", "200 OK", "200 OK"]


def test_a_transaction_is_refused_with_all_that_is_missing_at_its_entries(desk: Desk) -> None:
    refused = desk.of(SEQUENCER).transaction_refused(
        entry("POST", "Patient", patient()),
        entry("GET", "Organization"),
        entry("PUT", "Consent/x", {"resourceType": "Consent", "id": "x", "status": "active",
                                   "scope": {"text": "x"}, "category": [{"text": "x"}]}),
        entry("GET", "Patient/x/$everything"),
    )  # fmt: skip
    assert refused == Refused(403, (("right-missing", "Bundle.entry[0]"), ("right-missing", "Bundle.entry[2]")))


def test_operations_are_given_by_the_policy(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    for operation in ("$purge", "$meta-add"):
        assert desk.of(PRESCRIBER).refused("POST", f"Patient/{id}/{operation}").status == 403
    for url in ("$reindex", "$explain?search=Patient"):
        assert desk.of(PRESCRIBER).refused("GET", url) == NO_RIGHT
    told = desk.of(INTEGRATOR).ask("POST", "Patient/$validate", patient())
    assert told.status == 200
    assert desk.of(ADMINISTRATOR).ask("POST", f"Patient/{id}/$purge").status == 200


def test_who_connects_a_product_tries_what_a_write_would_be_refused_for_but_for_the_rights(desk: Desk) -> None:
    told = decode(desk.of(INTEGRATOR).ask("POST", "Patient/$validate?mode=create", patient()).body or b"")
    assert [each["details"]["coding"][0]["code"] for each in told["issue"]] == ["validation-all-ok"]
    refused = observation("Patient/none")
    told = decode(desk.of(INTEGRATOR).ask("POST", "Observation/$validate?mode=create", refused).body or b"")
    assert [each["details"]["coding"][0]["code"] for each in told["issue"]] == ["reference-absent"]


def test_validate_tells_what_the_sender_has_no_right_to(desk: Desk) -> None:
    told = decode(desk.of(SEQUENCER).ask("POST", "Patient/$validate?mode=create", patient()).body or b"")
    assert [each["details"]["coding"][0]["code"] for each in told["issue"]] == ["right-missing"]


def test_definitions_and_the_directory_are_open_to_every_role_and_kept_by_the_administrator(desk: Desk) -> None:
    desk.of(ADMINISTRATOR).put({"resourceType": "ValueSet", "id": "v", "status": "active"})
    written = {"resourceType": "Organization", "id": "o", "identifier": [{"system": FINESS, "value": HOSPITAL}]}
    desk.of(ADMINISTRATOR).put(written)
    for role in ROLES:
        seen = desk.of(actor(role))  # type: ignore[arg-type]  # it is one
        assert seen.ask("GET", "ValueSet/v").status == 200
        assert seen.ask("GET", "Organization/o").status == 200
        if role != "administrateur":
            assert seen.refused("PUT", "Organization/o", {**written, "active": True}) == NO_RIGHT, role
            defined = {"resourceType": "SearchParameter", "status": "active"}
            assert seen.refused("POST", "SearchParameter", defined) == NO_RIGHT, role


def test_without_an_organisation_only_what_is_open_to_all_is_seen_and_nothing_is_written(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    nobody = desk.of(actor("prescripteur"))
    assert nobody.refused("GET", f"Patient/{id}").status == 404
    assert nobody.refused("POST", "Patient", patient()) == Refused(403, (("organisation-missing", None),))


def test_who_is_nobody_in_particular_is_held_to_nothing(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    assert desk.of(ANONYME).ask("GET", f"Patient/{id}").status == 200
    assert desk.of(Actor()).refused("GET", f"Patient/{id}").status == 403  # whoever claims to be


def test_an_organization_with_the_identifier_of_the_actors_joins_its_parties_at_once(desk: Desk) -> None:
    """What names the Organization by its id is seen by who acts for the identifier it carries."""
    seen = desk.of(SEQUENCER)
    carried = {"resourceType": "Organization", "identifier": [{"system": FINESS, "value": PLATFORM}]}
    bare = desk.of(ADMINISTRATOR).post({"resourceType": "Organization", "name": "P"})
    id = desk.of(PRESCRIBER).post(patient())
    addressed = {"performer": [{"reference": f"Organization/{bare}"}]}
    asked = desk.of(PRESCRIBER).post({**order(id), **addressed})
    assert seen.refused("GET", f"ServiceRequest/{asked}").status == 404
    desk.of(ADMINISTRATOR).put({**carried, "id": bare})
    assert seen.ask("GET", f"ServiceRequest/{asked}").status == 200
    desk.of(ADMINISTRATOR).put({"resourceType": "Organization", "id": bare, "name": "P"})
    assert seen.refused("GET", f"ServiceRequest/{asked}").status == 404


def test_a_read_at_once_says_what_a_read_says(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    assert perform_read_now(desk.gateway, "Patient", id, actor=PRESCRIBER).status == 200
    with pytest.raises(Forbidden) as refused:
        perform_read_now(desk.gateway, "Patient", id, actor=INTEGRATOR)
    assert refused.value.issues[0].complaint.detail == "right-missing"


def test_what_an_actor_may_do_is_remembered_and_costs_next_to_nothing(desk: Desk) -> None:
    rights = Rights()
    assert rights.at_hand(PRESCRIBER) is None
    found = rights.of(desk.gateway, PRESCRIBER)
    assert rights.at_hand(PRESCRIBER) is found
    assert rights.at_hand(SEQUENCER) is None
    begun = time.process_time()
    for _ in range(2_000):
        rights.of(desk.gateway, PRESCRIBER).require_read("Patient")
    assert (time.process_time() - begun) / 2_000 < 10e-6  # seconds
    rights.forget()
    assert rights.at_hand(PRESCRIBER) is None


def test_colleagues_who_may_the_same_act_each_as_oneself(desk: Desk) -> None:
    rights = Rights()
    colleague = replace(PRESCRIBER, rpps="99900000000", subject="a colleague", client="another client")
    for who in (PRESCRIBER, colleague, PRESCRIBER):
        assert rights.of(desk.gateway, who).actor == who
        held = rights.at_hand(who)
        assert held is not None
        assert held.actor == who


def test_what_is_remembered_is_looked_at_again_after_a_second(desk: Desk) -> None:
    now = [0.0]
    rights = Rights(now=lambda: now[0])
    found = rights.of(desk.gateway, PRESCRIBER)
    now[0] = 1.5
    assert rights.at_hand(PRESCRIBER) is None
    assert rights.of(desk.gateway, PRESCRIBER) is found  # its parties are the same
