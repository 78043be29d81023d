"""Entries from acts: what a create, update, patch or delete must bring, alone or inside a transaction.

Source: FHIR R4, RESTful API, "create", "update", "patch", "delete" and their conditional forms.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue
from fhir_gateway.fhir.resource import bounded
from fhir_gateway.interactions import complaints, conditions, patch, preconditions
from fhir_gateway.interactions.answers import answer
from fhir_gateway.interactions.commit import commit
from fhir_gateway.interactions.entry import Entry
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction, Parameters
from fhir_gateway.interactions.urls import criteria_from
from fhir_gateway.store.search.query import criteria_key

METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}


def write(gateway: Gateway, interaction: Interaction) -> Answer:
    """Carry out one create, update, patch or delete by itself: a transaction of one."""
    if interaction.issues:
        raise InvalidRequest(*bounded(gateway.validation.of_unsound(gateway, interaction)))
    resource, links = interaction.resource, interaction.links
    own = links.get(id(resource)) if links is not None and resource is not None else None
    entry = Entry(interaction, links=own)
    issues = prepare(gateway, entry)
    if issues:
        raise InvalidRequest(*issues)
    return commit(gateway, [entry], lambda _, done: answer(entry, done[0]))


def prepare(gateway: Gateway, entry: Entry) -> list[Issue]:
    """Complete an entry: its criteria, and the id for a resource it may create. Return all that is wrong with it."""
    act = entry.act
    issues = preconditions.malformed(act.conditions, entry.at)
    if act.code == "create":
        issues += _body(entry)
        if act.conditions.if_none_exist is not None:
            issues += _criteria(gateway, entry, act.conditions.if_none_exist, "ifNoneExist")
            if act.parameters:
                issues.append(complaints.CRITERIA_TWICE.at(entry.at("url"), type=act.type))
        elif act.parameters:
            # R4 has If-None-Exist only. Clients that write the criteria into the URL mean the same (fhirpy does), and
            # to pass over them would create what they ask not to create.
            issues += _criteria(gateway, entry, act.parameters, "url")
        entry.made_id = gateway.new_id()
        return issues
    if act.code == "update":
        issues += _body(entry)
    elif act.code == "patch":
        if act.patch is None:
            issues.append(entry.placed(complaints.PATCH_MISSING.at()))
        else:
            issues += map(entry.moved, patch.check(act.patch))
    if act.id is None:
        issues += _criteria(gateway, entry, act.parameters, "url")
        entry.made_id = gateway.new_id() if act.code == "update" else ""
    return issues


def _body(entry: Entry) -> list[Issue]:
    """Return what is wrong with the resource that the act brings: its type and, in an update by id, its id."""
    act = entry.act
    resource, type = act.resource, act.type
    if resource is None:
        place = f"{entry.place}.resource" if entry.place else None
        return [complaints.RESOURCE_MISSING.at(place, method=METHODS[act.code])]
    sent = resource["resourceType"]
    if sent != type:
        return [entry.moved(complaints.TYPE_DIFFERS.at(sent, sent=sent, type=type))]
    if act.code != "update" or act.id is None:
        return []
    if "id" not in resource:
        return [entry.moved(complaints.ID_MISSING.at(f"{type}.id", id=act.id))]
    if resource["id"] != act.id:
        return [entry.moved(complaints.ID_DIFFERS.at(f"{type}.id", sent=resource["id"], id=act.id))]
    return []


def _criteria(gateway: Gateway, entry: Entry, sent: str | Parameters, name: str) -> list[Issue]:
    """Set the entry's criteria, sent as a query or as parameters, and return what is wrong with them."""
    act = entry.act
    assert act.type is not None
    try:
        parameters = criteria_from(sent) if isinstance(sent, str) else sent
        if not parameters:
            # Without parameters everything of the type would match.
            raise InvalidRequest(complaints.CRITERIA_MISSING.at(method=METHODS[act.code], type=act.type))
        conditions.check(gateway, entry, parameters)
    except FhirError as refusal:
        return [Issue(issue.complaint, entry.at(name), issue.values) for issue in refusal.issues]
    entry.criteria = criteria_key(act.type, parameters)
    return []
