"""What somebody who does not see everything may write: whose, which elements, from which status to which.

Source: `fhir_gateway/policy/politique.yaml`, "portée", "champs", "depuis, vers"; FHIR R4, RESTful API, "update",
"patch".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Forbidden
from fhir_gateway.interactions.access import Access, Rights
from fhir_gateway.interactions.interaction import Actor
from fhir_gateway.policy.policy import Policy, Right, shipped
from tests.interactions.desk import Desk, Refused, bundle, by, entry, observation, patient, statuses
from tests.interactions.people import (
    ADMINISTRATOR,
    ELSEWHERE,
    FOREIGNER,
    HOSPITAL,
    PLATFORM,
    PRESCRIBER,
    SEQUENCER,
    actor,
    order,
    organisation,
    task,
)
from tests.interactions.test_commit import Between


def addressed(desk: Desk) -> tuple[str, str]:
    """Store a patient and a prescription that is addressed to the platform, and return their ids."""
    id = desk.of(PRESCRIBER).post(patient())
    return id, desk.of(PRESCRIBER).post(order(id, PLATFORM))


def put(desk: Desk, resource: dict[str, Any], **more: Any) -> Any:
    return desk.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource, **more)


def test_what_is_created_belongs_to_the_organisation_of_its_creator(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    assert desk.of(actor("assistant-prescription", HOSPITAL)).ask("GET", f"Patient/{id}").status == 200
    assert desk.of(FOREIGNER).refused("GET", f"Patient/{id}").status == 404


def test_what_one_organisation_writes_another_may_see_but_not_change(desk: Desk) -> None:
    """The platform's results about the hospital's patient are the hospital's to read."""
    id, _ = addressed(desk)
    result = desk.of(SEQUENCER).post(observation(f"Patient/{id}"))
    mine = desk.of(PRESCRIBER)
    stored = mine.get(f"Observation/{result}")
    refused = mine.refused("PUT", f"Observation/{result}", {**stored, "status": "cancelled"})
    assert refused == Refused(403, (("not-own", None),))
    assert f"Observation/{result} is another organisation's" in refused.texts[0]
    patched = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    assert mine.refused("PATCH", f"Observation/{result}", patch=patched).status == 403
    assert mine.refused("PUT", f"Observation?_id={result}", observation(f"Patient/{id}")).status == 403
    assert put(desk.of(SEQUENCER), {**stored, "status": "amended"}).status == 200


def test_a_right_to_elements_names_each_that_is_beyond_it(desk: Desk) -> None:
    id, _ = addressed(desk)
    asked = desk.of(PRESCRIBER).post(task(id, PLATFORM, description="as agreed"))
    stored = desk.of(SEQUENCER).get(f"Task/{asked}")
    changed = {**stored, "status": "accepted", "description": "otherwise", "priority": "urgent"}
    refused = desk.of(SEQUENCER).refused("PUT", f"Task/{asked}", changed)
    assert refused == Refused(
        403, (("element-not-changeable", "Task.description"), ("element-not-changeable", "Task.priority"))
    )
    assert "as agreed" not in "".join(refused.texts)
    assert put(desk.of(SEQUENCER), {**stored, "status": "accepted"}).status == 200
    patched = [{"op": "replace", "path": "/status", "value": "in-progress"}]
    assert desk.of(SEQUENCER).ask("PATCH", f"Task/{asked}", patch=patched).status == 200
    patched = [{"op": "remove", "path": "/description"}]
    assert desk.of(SEQUENCER).refused("PATCH", f"Task/{asked}", patch=patched).status == 403


def test_in_a_transaction_the_element_is_told_at_its_entry(desk: Desk) -> None:
    id, _ = addressed(desk)
    asked = desk.of(PRESCRIBER).post(task(id, PLATFORM))
    stored = desk.of(SEQUENCER).get(f"Task/{asked}")
    refused = desk.of(SEQUENCER).transaction_refused(
        entry("POST", "Specimen", {"resourceType": "Specimen", "subject": {"reference": f"Patient/{id}"}}),
        entry("PUT", f"Task/{asked}", {**stored, "priority": "urgent"}),
    )
    assert refused == Refused(403, (("element-not-changeable", "Bundle.entry[1].resource.priority"),))


def test_a_status_is_changed_only_as_the_right_says(desk: Desk) -> None:
    _, asked = addressed(desk)

    def patched(who: Desk, status: str) -> int:
        change = [{"op": "replace", "path": "/status", "value": status}]
        try:
            return who.ask("PATCH", f"ServiceRequest/{asked}", patch=change).status
        except Forbidden as refusal:
            return refusal.status

    assert patched(desk.of(SEQUENCER), "on-hold") == 403
    assert patched(desk.of(actor("assistant-prescription", HOSPITAL)), "on-hold") == 403
    assert patched(desk.of(SEQUENCER), "revoked") == 200
    assistant = desk.of(actor("assistant-prescription", HOSPITAL))
    id = assistant.post(patient())
    assert assistant.refused("POST", "ServiceRequest", order(id)) == Refused(
        403, (("element-not-changeable", "ServiceRequest.status"),)
    )
    draft = assistant.post(order(id, status="draft"))
    stored = assistant.get(f"ServiceRequest/{draft}")
    assert assistant.refused("PUT", f"ServiceRequest/{draft}", {**stored, "status": "active"}).status == 403
    assert put(desk.of(PRESCRIBER), {**stored, "status": "active"}).status == 200
    assert desk.of(PRESCRIBER).refused("DELETE", f"ServiceRequest/{draft}").status == 403  # no draft any more


def test_whoever_changes_a_resource_need_not_see_all_that_it_refers_to(desk: Desk) -> None:
    id, _ = addressed(desk)
    group = {"resourceType": "Group", "type": "person", "actual": True}
    hidden = desk.of(PRESCRIBER).post(group)
    asked = desk.of(PRESCRIBER).post(task(id, PLATFORM, focus={"reference": f"Group/{hidden}"}))
    platform = desk.of(SEQUENCER)
    assert platform.refused("GET", f"Group/{hidden}").status == 404
    stored = platform.get(f"Task/{asked}")
    assert put(platform, {**stored, "status": "accepted"}).status == 200
    sent = bundle(entry("PUT", f"Task/{asked}", {**stored, "status": "in-progress"}))
    assert statuses(decode(platform.ask("POST", "", sent).body or b"")) == ["200 OK"]
    output = [{"type": {"text": "x"}, "valueReference": {"reference": f"Group/{hidden}"}}]
    assert put(platform, {**stored, "output": output}).status == 200  # it is told there already
    other = desk.of(PRESCRIBER).post(group)
    output[0]["valueReference"] = {"reference": f"Group/{other}"}
    assert platform.refused("PUT", f"Task/{asked}", {**stored, "output": output}) == Refused(
        422, (("reference-absent", "Task.output[0].value"),)
    )


def test_a_conditional_update_without_a_match_creates_where_the_role_creates(desk: Desk) -> None:
    sent = ("PUT", f"Patient?{by('new')}", patient(value="new"))
    assert desk.of(PRESCRIBER).ask(*sent).status == 201
    assert desk.of(PRESCRIBER).ask(*sent).status == 200
    asked = ("PUT", "Task?code=none", {**task("x", PLATFORM), "for": organisation(HOSPITAL)})
    assert desk.of(actor("biologiste-lbm", PLATFORM)).refused(*asked) == Refused(403, (("right-missing", None),))


def test_who_sees_everything_chooses_ids_as_ever(desk: Desk) -> None:
    assert put(desk.of(ADMINISTRATOR), patient("chosen")).status == 201


def test_an_organisation_that_is_named_sees_but_does_not_own(desk: Desk) -> None:
    """Who manages a patient's record is told in the resource; whose dossier it is, by who created it."""
    id = desk.of(ADMINISTRATOR).post({**patient(), "managingOrganization": organisation(HOSPITAL)})
    stored = desk.of(PRESCRIBER).get(f"Patient/{id}")
    assert put(desk.of(PRESCRIBER), {**stored, "active": True}).status == 200  # nobody's: who sees it may
    owned = desk.of(FOREIGNER).post({**patient(), "managingOrganization": organisation(HOSPITAL)})
    stored = desk.of(PRESCRIBER).get(f"Patient/{owned}")
    assert desk.of(PRESCRIBER).refused("PUT", f"Patient/{owned}", {**stored, "active": True}).status == 403


class Generous:
    """The policy that ships, with one operation more for all: what a site's own file may say."""

    def __init__(self, policy: Policy) -> None:
        self.types, self.unnarrowed = policy.types, policy.unnarrowed
        self._policy = policy

    def right(self, role: str, code: str, type: str | None, operation: str | None = None) -> Right | None:
        return Right("adressé") if operation == "meta-add" else self._policy.right(role, code, type, operation)


def overtaken(desk: Desk, who: Actor, *acts: Callable[[], Any]) -> Desk:
    """Return the desk of an actor before whose writes something else happens."""
    store: Any = Between(desk.gateway.store, *acts)
    return Desk(replace(desk.gateway, store=store), who)


def test_what_is_hidden_between_plan_and_lock_is_not_written(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    asked = desk.of(PRESCRIBER).post(task(id, PLATFORM))
    stored = desk.of(SEQUENCER).get(f"Task/{asked}")
    elsewhere = {**stored, "owner": organisation(ELSEWHERE)}
    for method, more in (("PUT", {"resource": {**stored, "status": "accepted"}}), ("PATCH", {"patch": _ACCEPTED})):
        late = overtaken(desk, SEQUENCER, lambda: put(desk.of(ADMINISTRATOR), elsewhere))
        assert late.refused(method, f"Task/{asked}", **more).status == (405 if method == "PUT" else 404)
        assert desk.of(ADMINISTRATOR).get(f"Task/{asked}")["status"] == "requested"
        put(desk.of(ADMINISTRATOR), stored)


_ACCEPTED = [{"op": "replace", "path": "/status", "value": "accepted"}]


def test_elements_are_held_to_the_version_that_is_overwritten(desk: Desk) -> None:
    id, _ = addressed(desk)
    asked = desk.of(PRESCRIBER).post(task(id, PLATFORM, priority="routine"))
    stored = desk.of(SEQUENCER).get(f"Task/{asked}")
    urgent = {**stored, "priority": "urgent"}
    late = overtaken(desk, SEQUENCER, lambda: put(desk.of(ADMINISTRATOR), urgent))
    assert late.refused("PUT", f"Task/{asked}", {**stored, "status": "accepted"}) == Refused(
        403, (("element-not-changeable", "Task.priority"),)
    )


def test_what_comes_into_sight_between_plan_and_lock_is_deleted(desk: Desk) -> None:
    id = desk.of(PRESCRIBER).post(patient())
    draft = desk.of(ADMINISTRATOR).post(order(id, status="draft"))
    stored = desk.of(ADMINISTRATOR).get(f"ServiceRequest/{draft}")
    named = {**stored, "requester": organisation(HOSPITAL)}
    late = overtaken(desk, PRESCRIBER, lambda: put(desk.of(ADMINISTRATOR), named))
    assert late.ask("DELETE", f"ServiceRequest/{draft}").status == 204
    assert desk.versions("ServiceRequest", draft) == ["1", "2", "3 deleted"]


def test_labels_are_changed_only_where_an_update_may_change_them(desk: Desk) -> None:
    policy: Any = Generous(shipped())
    generous = Desk(replace(desk.gateway, rights=Rights(lambda: policy)))
    id, asked = addressed(desk)
    label = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}
    assert generous.of(PRESCRIBER).ask("POST", f"ServiceRequest/{asked}/$meta-add", label).status == 200
    other = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "y"}]}}]}
    refused = generous.of(SEQUENCER).refused("POST", f"ServiceRequest/{asked}/$meta-add", other)
    assert {detail for detail, _ in refused.issues} == {"element-not-changeable"}
    assert generous.of(SEQUENCER).refused("POST", f"Patient/{id}/$meta-add", label).status == 403
    assert generous.of(FOREIGNER).refused("POST", f"Patient/{id}/$meta-add", label).status == 404


def test_an_access_is_asked_about_one_actor_only(desk: Desk) -> None:
    found: Access = desk.gateway.rights.of(desk.gateway, PRESCRIBER)
    assert desk.gateway.seen_by(found).everything is desk.gateway
    assert desk.gateway.everything is desk.gateway
    with pytest.raises(Forbidden):
        found.require_read("AuditEvent")
