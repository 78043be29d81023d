"""Who acts: a person, a system, a partner of an HL7 v2 feed, a drop folder, or nobody in particular.

Source: SMART App Launch 2.2; the Pro Santé Connect guide for the claims about people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from fhir_gateway.policy.scopes import NO_SCOPES, Scopes

Kind = Literal["anonyme", "person", "system", "hl7v2", "folder"]
Role = Literal[
    "anonyme", "prescripteur", "conseiller-genetique", "assistant-prescription", "coordonnateur-rcp", "membre-rcp",
    "biologiste-lbm", "pathologiste-referent", "plateforme", "flux-hospitalier", "collecteur", "integrateur",
    "auditeur", "administrateur",
]  # fmt: skip
ROLES: tuple[str, ...] = get_args(Role)[1:]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as a verified token or the configuration of a partner says.

    `organisation`: the identifier of the structure acted for, "system|value" (a FINESS number); None where there is
    none. `rpps`: of a person. `subject` and `issuer` name the actor in traces; `client` the software.
    """

    role: Role = "anonyme"
    kind: Kind = "anonyme"
    subject: str = ""
    issuer: str = ""
    client: str = ""
    organisation: str | None = None
    rpps: str | None = None
    scopes: Scopes = NO_SCOPES


ANONYME = Actor()
