"""What the server has to write: new resources, and new versions of those that are there. Pure values; doors write them.

Source: FHIR R4, Bundle, transaction; Provenance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Held
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

_AGENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
# The server as the agent of what it does by itself.
SERVER_AGENT: Final[Resource] = {
    "type": {"coding": [{"system": _AGENT_TYPE, "code": "assembler"}]},
    "who": {
        "type": "Device",
        "identifier": {"system": f"{CANONICAL_BASE}/identifier/application", "value": "fhir-gateway"},
        "display": "fhir-gateway",
    },
}


def custodian(organisations: Iterable[str]) -> list[Resource]:
    """Return the agent that the requesting hospital is: it keeps the dossier, and sees what is written about it.

    `organisations`: its identifiers, "system|value"; without one nobody is named.
    """
    numbers = sorted(organisations, key=lambda each: (not each.startswith(f"{codes.FINESS}|"), each))
    if not numbers:
        return []
    who = {"type": "Organization", "identifier": codes.identifier(numbers[0])}
    return [{"type": {"coding": [{"system": _AGENT_TYPE, "code": "custodian"}]}, "who": who}]


@dataclass(frozen=True, slots=True)
class Changes:
    """`created`: without id, the door gives them one; `updated`: whole new versions, with their id."""

    created: tuple[dict[str, Any], ...] = ()
    updated: tuple[dict[str, Any], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.updated)

    def __add__(self, other: Changes) -> Changes:
        """Return both; of two versions of one resource the later one holds."""
        kept = {(each["resourceType"], each.get("id")): each for each in (*self.updated, *other.updated)}
        return Changes((*self.created, *other.created), tuple(kept.values()))


def reference_to(held: Held) -> dict[str, str]:
    return {"reference": held.key}


def with_status(resource: Resource, status: str, at: str, reason: str | None = None) -> dict[str, Any]:
    """Return a new version in another status; of a Task also its lastModified and its reason (of pfmg-motif)."""
    changed: dict[str, Any] = {**resource, "status": status}
    if resource["resourceType"] == "Task":
        changed["lastModified"] = at
        if reason is not None:
            changed["statusReason"] = codes.concept(codes.MOTIF, reason)
        else:
            changed.pop("statusReason", None)
    return changed


def provenance(
    targets: Iterable[dict[str, str]],
    at: str,
    reason: str,
    agents: Iterable[Resource],
    entity: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the Provenance of changes. `reason`: a code of pfmg-motif; `agents`: Provenance.agent; `entity`: why."""
    made: dict[str, Any] = {
        "resourceType": "Provenance",
        "meta": {"profile": [f"{codes.PROFILE}provenance"]},
        "target": list(targets),
        "recorded": at,
        "reason": [codes.concept(codes.MOTIF, reason)],
        "agent": list(agents),
    }
    if entity is not None:
        made["entity"] = [{"role": "source", "what": entity}]
    return made
