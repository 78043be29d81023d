"""$submit: a dossier by one transaction, answered with its number, its requests and Tasks, and what it still lacks.

The Bundle is carried out as a plain transaction would be; only the answer differs.

Source: `profiles/pfmg/input/fsh/operations.fsh`; FHIR R4, RESTful API, "transaction".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import InvalidRequest, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.dossier_completude import lacking
from fhir_gateway.interactions.operations.dossier_parameters import answered, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import Key


def submit(gateway: Gateway, call: Call) -> Answer:
    """Carry out a submission and answer with the dossier that it makes, or goes on with.

    Raises: what the transaction refuses; InvalidRequest for a Bundle that is no transaction or prescribes nothing.
    """
    from fhir_gateway.interactions.transaction import transact  # it asks for operations itself

    bundle: dict[str, Any] = call.inputs.one("resource")
    prescribed = [each for each in bundle.get("entry", ()) if _prescribes(each)]
    if bundle.get("type") != "transaction" or not prescribed:
        raise InvalidRequest(complaints.NOTHING_SUBMITTED.at("Bundle"))
    act = replace(call.interaction, code="transaction", type=None, operation=None, resource=bundle, parameters=[])
    response = decode(transact(gateway, act, call.actor).body or b"")
    places = [each["response"].get("location", "").split("/") for each in response["entry"]]
    keys: list[Key] = [(place[0], place[1]) for place in places if place[0] == "ServiceRequest"]
    whole = gateway.everything
    with whole.store.read() as view:
        numbers = gathering.numbers_of_requests(view, keys)
        dossiers = [gathering.dossier_of(whole, view, number) for number in sorted(numbers)]
    return _told(gateway, dossiers, call)


def _prescribes(entry: dict[str, Any]) -> bool:
    resource = entry.get("resource", {})
    return resource.get("resourceType") == "ServiceRequest" and is_member(resource)


def _told(gateway: Gateway, dossiers: list[Dossier], call: Call) -> Answer:
    now = instant_text(gateway.registry.now())
    issues = [each.issue() for dossier in dossiers for each in lacking(dossier, now)]
    outcome = operation_outcome(issues or [complaints.NOTHING_LACKS.at()], call.interaction.language)
    people = [each for dossier in dossiers for each in dossier.people]
    tasks = [each for dossier in dossiers for each in dossier.tasks()]
    return answered(
        [
            *(each for dossier in dossiers for each in part("dossier", "Identifier", identifier(dossier.number))),
            *(each for one in people for each in part("prescription", "Reference", {"reference": one.request.key})),
            *(each for one in tasks for each in part("tache", "Reference", _task(one.key, one.resource))),
            {"name": "outcome", "resource": outcome},
        ]
    )


def _task(key: str, task: codes.Resource) -> dict[str, Any]:
    return {"reference": key, "display": codes.code(task.get("code"), codes.TACHE) or "-"}
