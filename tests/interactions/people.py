"""Who acts in the tests: two hospitals, two platforms, and those who see all or nothing. Synthetic structures."""

from __future__ import annotations

from typing import Any

from fhir_gateway.interactions.interaction import Actor
from fhir_gateway.policy.actor import Role
from fhir_gateway.policy.scopes import read

FINESS = "https://finess.esante.gouv.fr"
HOSPITAL, OTHER, PLATFORM, ELSEWHERE = "990000001", "990000002", "990000003", "990000004"
EVERYTHING = "system/*.cruds"


def actor(role: Role, organisation: str | None = None, scope: str = EVERYTHING) -> Actor:
    """Return who acts in a role for an organisation, by its number."""
    named = None if organisation is None else f"{FINESS}|{organisation}"
    return Actor(role, "system", f"{role} {organisation}", "https://issuer.test", "c", named, None, read(scope))


PRESCRIBER, FOREIGNER = actor("prescripteur", HOSPITAL), actor("prescripteur", OTHER)
SEQUENCER, OTHER_SEQUENCER = actor("plateforme", PLATFORM), actor("plateforme", ELSEWHERE)
ADMINISTRATOR, AUDITOR, INTEGRATOR = actor("administrateur"), actor("auditeur"), actor("integrateur")


def organisation(number: str) -> dict[str, Any]:
    """Return a logical reference to an organisation."""
    return {"type": "Organization", "identifier": {"system": FINESS, "value": number}}


def order(patient: str, performer: str | None = None, status: str = "active", **more: Any) -> dict[str, Any]:
    """Return a prescription for a patient, by id, addressed to an organisation or to nobody."""
    made = {"resourceType": "ServiceRequest", "status": status, "intent": "order"}
    addressed = {} if performer is None else {"performer": [organisation(performer)]}
    return {**made, "subject": {"reference": f"Patient/{patient}"}, **addressed, **more}


def task(patient: str, owner: str, status: str = "requested", **more: Any) -> dict[str, Any]:
    """Return a task about a patient that an organisation is to do."""
    made = {"resourceType": "Task", "status": status, "intent": "order", "owner": organisation(owner)}
    return {**made, "for": {"reference": f"Patient/{patient}"}, **more}
