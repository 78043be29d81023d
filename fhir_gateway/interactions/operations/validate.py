"""$validate: what is wrong with a resource, by the functions that every write goes through.

Without a mode the resource is held to its definition, to the profiles it claims and to those asked for. With `create`
and `update` it is told what a POST or a PUT of it would be refused for now, with `delete` what a DELETE would: nothing
is written. The answer is 200 whatever the verdict is.

Source: FHIR R4, Resource Operations, "validate"; Validating Resources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, operation_outcome
from fhir_gateway.fhir.resource import bounded
from fhir_gateway.fhir.structure import Link
from fhir_gateway.interactions import places
from fhir_gateway.interactions.commit import trial
from fhir_gateway.interactions.complaints import TYPE_DIFFERS
from fhir_gateway.interactions.entry import Entry
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction, Sent
from fhir_gateway.interactions.operations import complaints, dossier_completude
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.interactions.validation import besides, weight
from fhir_gateway.interactions.write import prepare
from fhir_gateway.store.contract import Read

Resource = dict[str, Any]

MODES = ("create", "update", "delete", "profile")


def validate(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with an OperationOutcome of all that was found, errors first; one issue says so when that is nothing.

    Raises: InvalidRequest when what is asked for makes no sense; NotFound, Gone for an instance that is not there.
    """
    mode = _mode(call)
    issues = _of_delete(gateway, view, call) if mode == "delete" else list(_of_resource(gateway, view, call, mode))
    issues = list(bounded(sorted(issues, key=weight))) or [complaints.ALL_OK.at()]
    return Answer(200, encode(operation_outcome(issues, call.interaction.language)))


def _mode(call: Call) -> str | None:
    """Return the mode; refuses, all at once, what does not go together."""
    act, inputs = call.interaction, call.inputs
    mode: str | None = inputs.one("mode")
    issues = []
    if mode is not None and mode not in MODES:
        issues.append(complaints.MODE_UNKNOWN.at(mode=mode, known=", ".join(MODES)))
    if mode == "profile" and not inputs.all("profile"):
        issues.append(complaints.INPUT_MISSING.at(operation="validate", name="profile", type="uri"))
    if mode in ("update", "delete") and act.id is None:
        issues.append(complaints.MODE_OF_INSTANCE.at(mode=mode))
    elif mode != "delete" and act.id is None and inputs.one("resource") is None:
        issues.append(complaints.INPUT_MISSING.at(operation="validate", name="resource", type="Resource"))
    if issues:
        raise InvalidRequest(*issues)
    return mode


def _of_delete(gateway: Gateway, view: Read, call: Call) -> list[Issue]:
    act = call.interaction
    answer_with(view.current(act.type or "", act.id or ""), act.type or "", act.id or "")
    return _refusals(gateway, view, _entry(act, "delete"))


def _of_resource(gateway: Gateway, view: Read, call: Call, mode: str | None) -> Iterator[Issue]:
    act = call.interaction
    resource: Resource | None = call.inputs.one("resource")
    links: list[Link] | None = None
    if resource is None:
        body = answer_with(view.current(act.type or "", act.id or ""), act.type or "", act.id or "").body
        resource = decode(body or b"")
    elif act.links is not None:
        links = act.links.get(id(resource))
    type = resource["resourceType"]
    writes = mode in ("create", "update")
    if act.type is not None and type != act.type and not writes:
        yield TYPE_DIFFERS.at(type, sent=type, type=act.type)
    profiles = call.inputs.all("profile")
    strictness = gateway.validation.strictness if writes else "profiles"
    sent = act.sent if resource is act.resource else None
    found = gateway.validation.findings(
        gateway, resource, act.base, profiles=profiles, strictness=strictness, sent=sent
    )
    told = [*(each.told() for each in found), *besides(call.inputs.issues, found, of_text=sent is not None)]
    if not call.inputs.issues:
        told += dossier_completude.of_submission(gateway, view, resource)
    if writes and not call.inputs.issues:
        entry = _entry(act, "create" if mode == "create" else "update", resource, links)
        told += _refusals(gateway, view, entry)
    yield from told if act.sent is None else _placed(told, act.sent, _place(act, resource))


def _place(act: Interaction, resource: Resource) -> str | None:
    """Return the expression of the resource in what was sent; None where it was not sent."""
    body = act.resource or {}
    if resource is body:
        return str(resource["resourceType"])
    for index, parameter in enumerate(body.get("parameter", ())):
        if parameter.get("resource") is resource:
            return f"Parameters.parameter[{index}].resource"
    return None


def _placed(issues: list[Issue], sent: Sent, place: str | None) -> list[Issue]:
    """Return the issues of a resource with line and column in the text that it was sent in."""
    if place is None:
        return issues
    source = places.source_of(sent)
    return [
        places.at(each, source.position(each.moved(place).expression)) if each.expression else each for each in issues
    ]


def _entry(
    act: Interaction,
    code: Literal["create", "update", "delete"],
    resource: Resource | None = None,
    links: list[Link] | None = None,
) -> Entry:
    """Return the write that is asked about."""
    id = None if code == "create" else act.id
    asked = Interaction(
        code, act.type, id, resource=resource, conditions=act.conditions, base=act.base, language=act.language
    )
    return Entry(asked, links=links)


def _refusals(gateway: Gateway, view: Read, entry: Entry) -> list[Issue]:
    """Return what a write would be refused for beside what validation finds, else what a dossier would still lack.

    Nothing is written or changed.
    """
    access = gateway.access
    issues = access.lacking(entry.act) if access is not None and access.writes else []
    issues += prepare(gateway, entry)
    if issues:
        return issues
    try:
        trial(gateway, view, [entry])
    except FhirError as refusal:
        return list(refusal.issues)
    finally:
        entry.undo()
    return list(entry.gaps)
