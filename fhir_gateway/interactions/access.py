"""Who may do what: the one place that is asked before any act.

Until identity exists everybody is `anonyme`, and `anonyme` may do everything the gateway offers; that is why the front
door opens on the loopback address only.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint, Forbidden
from fhir_gateway.interactions.interaction import Actor, Interaction, Parameters

ROLE_UNKNOWN = Complaint(
    "role-unknown",
    "forbidden",
    en="The role {role} may do nothing here.",
    fr="Le rôle {role} ne permet rien ici.",
)
_EVERYTHING = frozenset({"anonyme"})


def require(actor: Actor, interaction: Interaction) -> None:
    """Raise Forbidden when the actor may not do this."""
    if actor.role not in _EVERYTHING:
        raise Forbidden(ROLE_UNKNOWN.at(role=actor.role))


def narrow(actor: Actor, interaction: Interaction) -> Parameters:
    """Return the search parameters that must hold besides those asked: none for one who may see everything."""
    return []
