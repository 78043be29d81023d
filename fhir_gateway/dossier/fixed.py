"""What a write may not change: what a Task is about, whose a request is, and what the RCP has validated.

Source: genomics design, "Workflow"; PFMG, FAQ of the RCP d'amont (the coordinator validates a demand, not whatever is
put into it afterwards).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.change import Change
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.preindications import principal
from fhir_gateway.dossier.prescription import rcp_decision
from fhir_gateway.fhir.outcome import Complaint, Issue

FIXED_CHANGED = Complaint(
    "dossier-element-fixed",
    "business-rule",
    "{element} does not change any more once it was set in a dossier. Put it back; for another one make a new {type}.",
    "{element} ne change plus une fois posé dans un dossier. Remettez-le ; pour un autre, créez une nouvelle ressource "
    "{type}.",
)
VALIDATED_CHANGED = Complaint(
    "dossier-validated-changed",
    "business-rule",
    "The RCP validated this request with another {element}. Put it back; for another one take this request back "
    "(entered-in-error) and have a new one validated.",
    "La RCP a validé cette prescription avec un autre {element}. Remettez-le ; pour un autre, retirez cette "
    "prescription (entered-in-error) et faites-en valider une nouvelle.",
)


Meaning = Callable[[Dossier, Resource, str], object]


def _reference(dossier: Dossier, resource: Resource, element: str) -> object:
    return dossier.key(resource.get(element))


def _requester(dossier: Dossier, resource: Resource, element: str) -> object:
    # The person, where it is known: a contained role may stay "#role" and be somebody else's.
    return dossier.requester_rpps(resource) or dossier.key(resource.get(element))


def _identifier(dossier: Dossier, resource: Resource, element: str) -> object:
    return codes.token(resource.get(element))


def _codes(system: str) -> Meaning:
    return lambda dossier, resource, element: sorted(map(principal, codes.codes(resource.get(element), system)))


# An element and what of it must stay: a reference may be written in another way, a code be given a display.
OWNERSHIP: Final[Mapping[str, Meaning]] = {"subject": _reference, "requisition": _identifier, "requester": _requester}
VALIDATED: Final[Mapping[str, Meaning]] = {
    **OWNERSHIP,
    "reasonCode": _codes(codes.PREINDICATION),
    "code": _codes(codes.EXAMEN),
    "category": _codes(codes.ROLE),
}
OF_TASK: Final[Mapping[str, Meaning]] = {
    "code": _codes(codes.TACHE),
    "focus": _reference,
    "for": _reference,
    "groupIdentifier": _identifier,
}


def fixed(change: Change) -> Iterator[Issue]:
    """Yield what a write changes of what is fixed. A draft is free until the RCP has validated it."""
    before = change.before
    if before is None:
        return
    complaint, elements = FIXED_CHANGED, OF_TASK if change.type == "Task" else OWNERSHIP
    if change.type == "ServiceRequest" and change.start == "draft":
        if rcp_decision(change.dossier) is None:
            return
        complaint, elements = VALIDATED_CHANGED, VALIDATED
    for element, meaning in elements.items():
        here = meaning(change.dossier, before, element)
        if element in before and here != meaning(change.dossier, change.after, element):
            yield complaint.at(f"{change.type}.{element}", element=f"{change.type}.{element}", type=change.type)
