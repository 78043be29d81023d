"""Which resources are under the rules of a dossier: those that carry a profile or a code of PFMG, and no others.

What once belonged stays: a mark (a profile, or a code of a system at an element) may be changed, not taken away.

Source: FHIR R4, Resource, "meta.profile"; `terminology/pfmg`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.refusal import Refusal
from fhir_gateway.fhir.outcome import Complaint

# Where a code of PFMG makes a resource one of a dossier. A code elsewhere (in a note, a list) says nothing of it.
MARKING: Final = {
    "ServiceRequest": (
        ("category", codes.PARCOURS),
        ("category", codes.ROLE),
        ("code", codes.EXAMEN),
        ("reasonCode", codes.PREINDICATION),
    ),
    "Task": (("code", codes.TACHE),),
    "Consent": (("category", codes.FORMULAIRE),),
    "Specimen": (("type", codes.NATURE),),
    "DocumentReference": (("category", codes.DOCUMENT),),
}
# The same by element, which may be marked by codes of several systems.
_SYSTEMS: Final = {
    kind: tuple(
        (element, frozenset(system for name, system in marking if name == element))
        for element in dict.fromkeys(name for name, _ in marking)
    )
    for kind, marking in MARKING.items()
}
# Never deleted: their end is a status, and the dossier's history needs them. People and structures have no such status:
# what refers to them keeps them.
KEPT: Final = {
    "ServiceRequest": "entered-in-error",
    "Task": "cancelled",
    "Consent": "inactive",
    "DiagnosticReport": "entered-in-error",
    "Specimen": "entered-in-error",
    "Observation": "entered-in-error",
    "FamilyMemberHistory": "entered-in-error",
    "DocumentReference": "entered-in-error",
    "Procedure": "entered-in-error",
}

MARK_REMOVED = Complaint(
    "dossier-mark-removed",
    "business-rule",
    "This {type} belongs to a PFMG dossier and must keep {mark}: what once belonged stays under the rules. Put it "
    "back; if the resource was entered by mistake, set its status to entered-in-error.",
    "Cette ressource {type} appartient à un dossier du PFMG et doit garder {mark} : ce qui en a fait partie reste "
    "soumis aux règles. Remettez-le ; si la ressource a été saisie par erreur, mettez son statut à entered-in-error.",
)
DELETED = Complaint(
    "dossier-member-deleted",
    "business-rule",
    "This {type} belongs to a PFMG dossier and is not deleted; set its status to {status}.",
    "Cette ressource {type} appartient à un dossier du PFMG et ne se supprime pas ; mettez son statut à {status}.",
)
TRACE_CHANGED = Complaint(
    "dossier-trace-changed",
    "business-rule",
    "A Provenance of a dossier is a trace: it is neither changed nor deleted. Write another one that corrects it.",
    "Une Provenance de dossier est une trace : elle n'est ni modifiée ni supprimée. Écrivez-en une autre qui la "
    "corrige.",
)


def marks(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield what makes a resource one of a dossier, as (element, profile without version, or code system)."""
    for profile in resource.get("meta", {}).get("profile", ()):
        url = str(profile).partition("|")[0]
        if url.startswith(codes.PROFILE):
            yield "meta.profile", url
    for element, system in MARKING.get(str(resource.get("resourceType")), ()):
        if codes.codes(resource.get(element), system):
            yield element, system


def _content(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name not in ("meta", "text")}


def is_member(resource: Resource) -> bool:
    """Tell whether a resource is under the rules of a dossier, by `marks`; plain R4 resources have none."""
    # Every write asks: written out, since a generator and a tuple for each element cost four times as much.
    if "meta" in resource and "profile" in resource["meta"]:
        for profile in resource["meta"]["profile"]:
            if isinstance(profile, str) and profile.startswith(codes.PROFILE):
                return True
    marking = _SYSTEMS.get(resource["resourceType"])
    if marking is None:
        return False
    for element, systems in marking:
        if element in resource:
            value = resource[element]
            for concept in value if isinstance(value, list) else (value,):
                if "coding" in concept:
                    for coding in concept["coding"]:
                        if "system" in coding and coding["system"] in systems and "code" in coding:
                            return True
    return False


def kept(before: Resource, after: Resource | None) -> Refusal | None:
    """Return why a write takes a resource out of its dossier, or None. `after`: None when it is deleted."""
    held = list(marks(before))
    if not held:
        return None
    kind = str(before["resourceType"])
    if kind == "Provenance" and (after is None or _content(after) != _content(before)):
        return Refusal("membership", (TRACE_CHANGED.at(kind),))
    if after is None:
        if kind not in KEPT:
            return None
        return Refusal("membership", (DELETED.at(kind, type=kind, status=KEPT[kind]),), (KEPT[kind],))
    now = set(marks(after))
    lost = [
        MARK_REMOVED.at(f"{kind}.{element}", type=kind, mark=f"{element} = {value}")
        for element, value in held
        if (element, value) not in now
    ]
    return Refusal("membership", tuple(lost)) if lost else None
