"""$decision: what a person's consents answer to a question of the form at a date, and which version says so.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/dossier/consent.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.consent import decision
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import NotFound
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.dossier_parameters import answered, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import HistoryQuery, Key, Read, Version
from fhir_gateway.store.search.select import match

VERSIONS = 200  # of one consent that are looked at, the newest


def consent_decision(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with permit, deny or unknown, since when and until when, and the version of the Consent that decides.

    Raises: NotFound for a patient that is not here; InvalidRequest for a date that is none.
    """
    asked: str = call.inputs.one("patient")
    key = _patient(gateway, view, asked)
    patient = view.current(*key)
    if patient is None or patient.deleted:
        raise NotFound(complaints.PATIENT_UNKNOWN.at(patient=asked))
    names = {"/".join(key), *codes.tokens(decode(patient.body))}
    versions = [
        version
        for each in view.referring({key}, {"Consent"})
        for version in view.history(HistoryQuery(each.type, each.id, count=VERSIONS)).versions
        if not version.deleted
    ]
    at = call.inputs.one("at") or instant_text(gateway.registry.now())
    told = decision((decode(each.body) for each in versions), names, call.inputs.one("code"), at)
    return answered(
        [
            *part("decision", "Code", told.answer),
            *part("consent", "Reference", _reference(told.consent)),
            *part("depuis", "DateTime", None if told.since is None else instant_text(told.since)),
            *part("jusque", "DateTime", None if told.until is None else instant_text(told.until)),
        ],
        tuple(dict.fromkeys(_rids(patient, versions))),
    )


def _rids(patient: Version, versions: list[Version]) -> Iterator[int]:
    yield patient.rid
    yield from (each.rid for each in versions)


def _patient(gateway: Gateway, view: Read, asked: str) -> Key:
    """Return which Patient is meant: by "Patient/1", an id, or an identifier "system|value"."""
    if "|" not in asked:
        return ("Patient", asked.rpartition("/")[2])
    query = conditions.query_of(gateway, "Patient", [("identifier", asked)], view.narrowing)
    found = match(view, query)
    if len(found) != 1:
        raise NotFound(complaints.PATIENT_UNKNOWN.at(patient=asked))
    return found[0]


def _reference(consent: Any) -> dict[str, str] | None:
    if consent is None:
        return None
    return {"reference": f"Consent/{consent['id']}/_history/{consent['meta']['versionId']}"}
