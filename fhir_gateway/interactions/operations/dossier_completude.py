"""$completude and $a-completer: what dossiers lack, by the rules and codes that `$validate` and a write tell as well.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/dossier/rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from fhir_gateway.dossier import codes, submission
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.rule import Gap, State
from fhir_gateway.dossier.rules import gaps, state_of
from fhir_gateway.dossier.timeline import timeline
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import DETAIL_SYSTEM, InvalidRequest, Issue, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Parameters
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.dossier_parameters import answered, dossier_asked, group, identifier, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.search import url_of
from fhir_gateway.store.contract import Read, Version
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.search.paging import sign, verify
from fhir_gateway.store.search.query import PAGE, SearchQuery, parse
from fhir_gateway.store.search.select import find

STATES: Final[tuple[State, ...]] = ("draft", "finalise", "active")
OPEN: Final = frozenset({"draft", "active", "on-hold"})
COUNT: Final = 50  # dossiers of a page, where nobody says how many
MOST: Final = 200
LOOKED_AT: Final = 200  # dossiers that one page gathers


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
    return submission.lacking(resource, instant_text(gateway.registry.now()), known)


def a_completer(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the open dossiers of a hospital that lack something, the oldest first, a page at a time.

    A page has at most `_count` of them, and may have fewer, even none: it looks at `LOOKED_AT` dossiers at most. Where
    others may follow, `suivant` is the URL of the next one, which is for who may see the same, and the same question.

    Raises: InvalidRequest when neither the request nor who asks names a hospital, or for a page of another question.
    """
    hospital: str | None = call.inputs.one("etablissement") or call.actor.organisation
    count = call.inputs.one("_count")
    if hospital is None:
        raise InvalidRequest(complaints.HOSPITAL_MISSING.at())
    if count is not None and count < 1:
        raise InvalidRequest(complaints.COUNT_OF_RECORD.at(count=count))
    most = min(count or COUNT, MOST)
    query = _walk(gateway, view, call, hospital)
    now = instant_text(gateway.registry.now())
    told: list[dict[str, Any]] = []
    shown: list[int] = []
    looked = 0
    # A page that is more than half full is given as it is: the last few would be looked for one by one.
    while looked < LOOKED_AT and (room := min(most - len(told), LOOKED_AT - looked)) and len(told) * 2 <= most:
        looked += room
        page = find(view, replace(query, count=room))
        for proband, dossier in _gathered(gateway, view, page.matches, hospital):
            if found := lacking(dossier, now):
                told.append(_told(dossier, found, now, call))
                shown.append(proband.rid)
        if page.next is None:
            return answered(told, shown)
        query = replace(query, after=page.next)
    assert query.after is not None
    token = sign(query.after, query, gateway.signing_key)
    act = call.interaction
    url = url_of(f"{act.base}/ServiceRequest/$a-completer", [*_given(call), (PAGE, token), *act.presentation])
    return answered([*told, *part("suivant", "Uri", url)], shown)


def _walk(gateway: Gateway, view: Read, call: Call, hospital: str) -> SearchQuery:
    """Return the search for the probands of open dossiers that one may see, at the page that was asked for."""
    criteria = [("category", f"{codes.ROLE}|proband"), ("status", ",".join(sorted(OPEN))), ("_sort", "authored")]
    parcours, token = call.inputs.all("parcours"), call.inputs.one(PAGE)
    if parcours:
        criteria.append(("category", ",".join(f"{codes.PARCOURS}|{_escaped(each)}" for each in parcours)))
    query = parse("ServiceRequest", criteria, gateway.registry, strict=True, narrowing=view.narrowing)
    query = replace(query, key=h64(f"a-completer {query.key} {hospital} {sorted(parcours)}"))
    return query if token is None else replace(query, after=verify(token, query, gateway.signing_key))


def _gathered(
    gateway: Gateway, view: Read, probands: Sequence[Version], hospital: str
) -> Iterator[tuple[Version, Dossier]]:
    """Yield the dossiers of a hospital that probands' requests belong to, each once, gathered together."""
    numbers: dict[str, Version] = {}
    for version in probands:
        number = codes.token(decode(version.body).get("requisition"))
        if number is not None:
            numbers.setdefault(number, version)
    gathered = gathering.dossiers_numbered(gateway, view, numbers)
    for number, version in numbers.items():
        dossier = gathered.get(number)
        # Of a dossier with two probands the first one stands for it, on whatever page.
        if dossier is None or dossier.proband is None or dossier.proband.request.key != "/".join(version.key):
            continue
        if _is_of(dossier, hospital):
            yield version, dossier


def _given(call: Call) -> Parameters:
    values = call.inputs.values
    return [(name, str(value)) for name in values if name != PAGE for value in values[name]]


def _escaped(code: str) -> str:
    return code.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


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
