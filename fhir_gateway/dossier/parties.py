"""Who may move a ServiceRequest or a Task: by the role of the actor, and by whose organisation it is.

Source: genomics design, "Workflow"; `terminology/pfmg/CodeSystem-pfmg-tache.json`, property "responsable".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fhir_gateway.dossier.actor import ASSISTANTS, LABORATORY, PRESCRIBERS, RCP_MEMBERS, SERVER
from fhir_gateway.dossier.change import Change


@dataclass(frozen=True, slots=True)
class Party:
    """Who it is, in both languages, and whether the actor of a change is it."""

    french: str
    english: str
    holds: Callable[[Change], bool]


# The roles that may hold a Task of each code; tumours go through a qualifying centre, whose pathologist receives them.
HOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "rcp-amont": RCP_MEMBERS,
    "recueil-consentement": PRESCRIBERS | ASSISTANTS,
    "reception-prelevement": LABORATORY | {"pathologiste-referent"},
    "preparation": LABORATORY | {"pathologiste-referent"},
    "sequencage": LABORATORY,
    "analyse-bioinfo": LABORATORY,
    "interpretation": LABORATORY,
    "restitution": LABORATORY,
    "rcp-aval": RCP_MEMBERS,
    "depot-cad": LABORATORY,
}
# Whom the platform of the dossier must be; the biologist who interprets may belong to another laboratory.
OF_THE_PLATFORM: Final = frozenset(
    {"reception-prelevement", "preparation", "sequencage", "analyse-bioinfo", "restitution", "depot-cad"}
)


def _of_requester(roles: frozenset[str]) -> Callable[[Change], bool]:
    def holds(change: Change) -> bool:
        request = change.standing if change.type == "ServiceRequest" else change.request and change.request.resource
        if change.actor.role not in roles or not request:
            return False
        requester = request.get("requester")
        own = change.actor.organisation
        if own is not None and own in change.dossier.organisations(requester, request):
            return True
        return change.actor.rpps is not None and change.actor.rpps == change.dossier.requester_rpps(request)

    return holds


def _is_server(change: Change) -> bool:
    # Not by its role: no token may say that it is the server.
    return change.actor is SERVER


def _is_platform(change: Change) -> bool:
    return change.actor.role in LABORATORY and change.actor.organisation in change.dossier.platform


def _has_role(change: Change) -> bool:
    return change.actor.role in HOLDERS.get(change.code, frozenset())


def _is_owner(change: Change) -> bool:
    owners = change.dossier.organisations(change.standing.get("owner"))
    return _has_role(change) and change.actor.organisation in owners


def _may_claim(change: Change) -> bool:
    if change.standing.get("owner") or not _has_role(change) or change.actor.organisation is None:
        return False
    platform = change.dossier.platform
    return change.code not in OF_THE_PLATFORM or not platform or change.actor.organisation in platform


PRESCRIBER: Final = Party(
    "un prescripteur de l'établissement demandeur",
    "a prescriber of the requesting hospital",
    _of_requester(PRESCRIBERS),
)
ASSISTANT: Final = Party(
    "un assistant de prescription de l'établissement demandeur",
    "an assistant de prescription of the requesting hospital",
    _of_requester(ASSISTANTS),
)
FEED: Final = Party(
    "le flux de l'établissement demandeur",
    "the feed of the requesting hospital",
    _of_requester(frozenset({"flux-hospitalier"})),
)
PLATFORM: Final = Party("la plateforme du dossier", "the platform of the dossier", _is_platform)
OWNER: Final = Party("la structure qui porte la tâche", "the structure that owns the task", _is_owner)
CLAIMANT: Final = Party(
    "une structure habilitée, si personne ne porte la tâche",
    "an authorised structure, where nobody owns the task",
    _may_claim,
)
THE_SERVER: Final = Party("le serveur", "the server", _is_server)
