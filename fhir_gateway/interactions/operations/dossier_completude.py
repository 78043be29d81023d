"""$completude and $a-completer: what dossiers lack, by the rules and codes that `$validate` and a write tell as well.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/dossier/rules.py`.
"""

from __future__ import annotations

from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, submitted
from fhir_gateway.dossier.rule import Gap, State
from fhir_gateway.dossier.rules import gaps, state_of
from fhir_gateway.dossier.timeline import timeline
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import DETAIL_SYSTEM, InvalidRequest, Issue, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.dossier_parameters import answered, dossier_asked, group, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import Read
from fhir_gateway.store.search.select import match

STATES: Final[tuple[State, ...]] = ("draft", "finalise", "active")
OPEN: Final = frozenset({"draft", "active", "on-hold"})
PAGE: Final = 50  # dossiers, where nobody says how many
MOST: Final = 1_000
_REQUESTS: Final = 50_000  # open requests that are looked through


def completude(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with an OperationOutcome of what the dossier of a request lacks for a state: the one asked for, or next.

    Raises: NotFound, Gone; InvalidRequest for a state that there is not; Unprocessable for a request of no dossier.
    """
    asked = call.inputs.one("pour")
    if asked is not None and asked not in STATES:
        raise InvalidRequest(complaints.STATE_UNKNOWN.at(state=asked, known=", ".join(STATES)))
    dossier, shown = dossier_asked(gateway, view, call)
    now = instant_text(gateway.registry.now())
    issues = [each.issue() for each in lacking(dossier, now, asked)] or [complaints.NOTHING_LACKS.at()]
    return Answer(200, encode(operation_outcome(issues, call.interaction.language)), shown=(shown,))


def lacking(dossier: Dossier, now: str, state: State | None = None) -> list[Gap]:
    """Return what a dossier lacks for a state; None: for the next one, and nothing once it is closed."""
    if state is None:
        if not any(each.resource.get("status") in OPEN for each in dossier.requests):
            return []
        state = "finalise" if state_of(dossier) == "draft" else "active"
    return gaps(dossier, state, now)


def of_submission(gateway: Gateway, view: Read, resource: dict[str, Any]) -> list[Issue]:
    """Return what the dossiers of a submission Bundle lack, as a POST of it would tell; nothing for anything else."""
    if resource.get("resourceType") != "Bundle" or resource.get("type") != "transaction":
        return []
    keys = {each for each in gathering.references(gateway, [resource]) if each[0] in gateway.resource_types}
    known = [decode(each.body) for each in view.current_of(keys).values() if not each.deleted] if keys else []
    now = instant_text(gateway.registry.now())
    dossiers = [each for each in submitted(resource, known) if each.people]
    return [gap.issue() for dossier in dossiers for gap in gaps(dossier, state_of(dossier), now)]


def a_completer(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the open dossiers of a hospital that lack something, those that wait longest first.

    Raises: InvalidRequest when neither the request nor who asks names a hospital.
    """
    hospital: str | None = call.inputs.one("etablissement") or call.actor.organisation
    if hospital is None:
        raise InvalidRequest(complaints.HOSPITAL_MISSING.at())
    wanted, most = call.inputs.all("parcours"), min(call.inputs.one("_count") or PAGE, MOST)
    criteria = [("category", f"{codes.ROLE}|proband"), ("status", ",".join(sorted(OPEN)))]
    keys = match(view, conditions.query_of(gateway, "ServiceRequest", criteria, view.narrowing), _REQUESTS)
    probands = {key: decode(each.body) for key, each in view.current_of(keys).items()}
    oldest = sorted(probands.values(), key=lambda each: str(each.get("authoredOn", each["meta"]["lastUpdated"])))
    now = instant_text(gateway.registry.now())
    told: list[dict[str, Any]] = []
    for number in dict.fromkeys(codes.token(each.get("requisition")) for each in oldest):
        if len(told) == most:
            break
        dossier = Dossier(()) if number is None else gathering.dossier_of(gateway, view, number)
        if not _is_of(dossier, hospital) or (wanted and dossier.parcours not in wanted):
            continue
        found = lacking(dossier, now)
        if found:
            told.append(_told(dossier, found, now, call))
    return answered(told)


def _is_of(dossier: Dossier, hospital: str) -> bool:
    proband = dossier.proband
    if proband is None:
        return False
    request = proband.request.resource
    return hospital in dossier.organisations(request.get("requester"), request)


def _told(dossier: Dossier, found: list[Gap], now: str, call: Call) -> dict[str, Any]:
    assert dossier.proband is not None
    lines = []
    for each in found:
        issue = each.issue()
        concept = {
            "coding": [{"system": DETAIL_SYSTEM, "code": each.id}],
            "text": issue.text(call.interaction.language),
        }
        lines += part("manque", "CodeableConcept", concept)
    return group(
        "dossier",
        part("numero", "Identifier", identifier(dossier.number)),
        part("prescription", "Reference", {"reference": dossier.proband.request.key}),
        part("depuis", "DateTime", timeline(dossier, now).date("creation")),
        lines,
    )
