"""$suivi: where a dossier stands, dated; what it waits for, on whom, since when; what went wrong; what was imported.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/dossier/timeline.py`.
"""

from __future__ import annotations

from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.imports import Imported, imports
from fhir_gateway.dossier.timeline import MILESTONES, Milestone, Setback, Wait, timeline
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations.dossier_parameters import answered, dossier_asked, group, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import Read

# What says when a milestone was reached, and what is waited for; signs and documents do not.
_TOLD_BY: Final = frozenset({"Consent", "Specimen", "DiagnosticReport", "Task", "Provenance"})


def suivi(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the timeline of the dossier of a request, as it is now.

    Raises: NotFound, Gone; Unprocessable for a request of no dossier.
    """
    dossier, shown = dossier_asked(gateway, view, call, _TOLD_BY)
    told = timeline(dossier, instant_text(gateway.registry.now()))
    in_french = call.interaction.language == "fr"
    request = (dossier.proband.request if dossier.proband is not None else dossier.requests[0]).resource
    return answered(
        [
            *part("dossier", "Identifier", identifier(dossier.number)),
            *part("statut", "Code", request["status"]),
            *part("jours", "Integer", told.days),
            *(_milestone(each, in_french) for each in told.milestones if each.date is not None),
            *(_wait(each, in_french) for each in told.waits),
            *(_setback(each) for each in told.setbacks),
            *(_import(each) for each in imports(dossier)),
        ],
        (shown,),
    )


def _import(told: Imported) -> dict[str, Any]:
    return group(
        "import",
        part("date", "DateTime", told.date),
        part("format", "Code", told.format),
        part("fichier", "String", told.name),
        part("empreinte", "String", told.digest),
        part("source", "Reference", {"reference": told.source}),
    )


def milestone(code: str, in_french: bool) -> dict[str, str]:
    """Return a milestone as people read it, a Coding of pfmg-jalon."""
    french, english = MILESTONES[code]
    return {"system": codes.JALON, "code": code, "display": french if in_french else english}


def _milestone(told: Milestone, in_french: bool) -> dict[str, Any]:
    return group(
        "etape",
        part("code", "Coding", milestone(told.code, in_french)),
        part("date", "DateTime", told.date),
        part("jours", "Integer", told.days_since_previous),
        part("source", "Reference", None if told.source is None else {"reference": told.source}),
    )


def _wait(told: Wait, in_french: bool) -> dict[str, Any]:
    whom: dict[str, Any] = {"display": told.whom_fr if in_french else told.whom_en}
    if told.owner is not None:
        whom["identifier"] = codes.identifier(told.owner)
    return group(
        "attente",
        part("code", "CodeableConcept", codes.concept(codes.TACHE, told.what)),
        part("qui", "Reference", whom),
        part("depuis", "DateTime", told.since),
        part("jours", "Integer", told.days),
        part("motif", "CodeableConcept", None if told.reason is None else codes.concept(codes.MOTIF, told.reason)),
    )


def _setback(told: Setback) -> dict[str, Any]:
    return group(
        "recul",
        part("tache", "Reference", {"reference": told.source, "type": "Task", "display": told.task}),
        part("statut", "Code", told.status),
        part("motif", "CodeableConcept", None if told.reason is None else codes.concept(codes.MOTIF, told.reason)),
        part("date", "DateTime", told.date),
    )
