"""The entries of a batch or transaction, each decoded into the act it asks for.

Source: FHIR R4, Bundle, `entry.request`; RESTful API, "batch/transaction".
"""

from __future__ import annotations

import binascii
from typing import Any

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, TooLarge
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.entry import Entry
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Conditions, Interaction, Preferences
from fhir_gateway.interactions.patch import JSON_PATCH, Patch
from fhir_gateway.interactions.urls import interaction_from

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"})
_UNCONDITIONAL = Conditions()
# Which methods each condition goes with. One that has no meaning is refused: its sender believes to be protected.
_CONDITIONS = {
    "ifMatch": ("PUT", "PATCH", "DELETE"),
    "ifNoneMatch": ("GET", "HEAD", "PUT"),
    "ifModifiedSince": ("GET", "HEAD"),
    "ifNoneExist": ("POST",),
}


def entries_in(gateway: Gateway, interaction: Interaction) -> list[dict[str, Any]]:
    """Return the entries of the Bundle, as sent; it may have none.

    Raises: InvalidRequest when it is no batch or transaction; TooLarge when it has more entries than are taken.
    """
    bundle = interaction.resource or {}
    sent = bundle.get("resourceType")
    if sent != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        what = f"a {sent}" if sent != "Bundle" else f"a Bundle of type {bundle.get('type', '(none)')}"
        raise InvalidRequest(complaints.BUNDLE_TYPE.at("Bundle.type" if sent == "Bundle" else None, sent=what))
    entries: list[dict[str, Any]] = bundle.get("entry", [])
    limit = gateway.limits.entries
    if len(entries) > limit:
        raise TooLarge(complaints.TOO_MANY_ENTRIES.at("Bundle.entry", count=len(entries), limit=limit))
    return entries


def entry_from(gateway: Gateway, interaction: Interaction, number: int, sent: dict[str, Any]) -> Entry:
    """Return an entry as the act it asks for; raises all that is wrong with its request, with its place."""
    place = f"Bundle.entry[{number}]"
    kind = interaction.code if interaction.resource is None else interaction.resource["type"]
    request = sent.get("request", {})
    missing = [name for name in ("method", "url") if name not in request]
    if missing:
        # [base] itself is no empty url: Bundle.entry.request.url cannot be empty.
        at = f"{place}.request" if "request" in sent else place
        raise InvalidRequest(*(complaints.REQUEST_MISSING.at(at, type=kind, name=name) for name in missing))
    method, url = request["method"], request["url"]
    if method not in _METHODS:
        raise InvalidRequest(complaints.METHOD_UNKNOWN.at(f"{place}.request.method", method=method))
    try:
        act = interaction_from(method, url, gateway.resource_types, interaction.base)
    except FhirError as refusal:
        at = f"{place}.request.url"
        raise type(refusal)(*(Issue(issue.complaint, at, issue.values) for issue in refusal.issues)) from None
    if act.code == "batch":
        raise InvalidRequest(complaints.NESTED.at(f"{place}.request.url", type=kind))
    resource = sent.get("resource")
    act.prefer, act.base, act.language = interaction.prefer, interaction.base, interaction.language
    act.languages = interaction.languages
    if len(request) > 2:
        act.conditions = _conditions(request, method, place)
    links = None
    if act.code == "patch":
        act.patch = _patch(resource, place)
    elif act.code in ("create", "update", "operation"):
        act.resource, act.links = resource, interaction.links
        links = None if act.links is None or resource is None else act.links.get(id(resource))
    return Entry(
        act, number, place, sent.get("fullUrl"), method == "HEAD", links=links, links_from_root=links is not None
    )


def _conditions(request: dict[str, Any], method: str, place: str) -> Conditions:
    issues = [
        complaints.CONDITION_NOT_FOR_METHOD.at(
            f"{place}.request.{name}", name=name, method=method, methods=", ".join(methods)
        )
        for name, methods in _CONDITIONS.items()
        if name in request and method not in methods
    ]
    if issues:
        raise InvalidRequest(*issues)
    if not any(name in request for name in _CONDITIONS):
        return _UNCONDITIONAL
    return Conditions(
        if_match=request.get("ifMatch"),
        if_none_match=request.get("ifNoneMatch"),
        if_modified_since=request.get("ifModifiedSince"),
        if_none_exist=request.get("ifNoneExist"),
    )


def _patch(resource: dict[str, Any] | None, place: str) -> Patch | None:
    """Return the patch that a PATCH entry carries: Parameters, or what is in its Binary; None without a resource."""
    if resource is None or resource["resourceType"] == "Parameters":
        return resource
    if resource["resourceType"] != "Binary" or "data" not in resource:
        sent = f"a {resource['resourceType']}"
        raise InvalidRequest(complaints.PATCH_FORMAT.at(f"{place}.resource", sent=sent))
    content_type = resource.get("contentType", "")
    if content_type.partition(";")[0].strip().lower() != JSON_PATCH:
        raise InvalidRequest(
            complaints.PATCH_FORMAT.at(f"{place}.resource.contentType", sent=content_type or "(without)")
        )
    try:
        patch = decode(binascii.a2b_base64(resource["data"]))
    except FhirError as refusal:
        at = f"{place}.resource.data"
        raise type(refusal)(*(Issue(issue.complaint, at, issue.values) for issue in refusal.issues)) from None
    if not isinstance(patch, list):
        raise InvalidRequest(complaints.PATCH_MISSING.at(f"{place}.resource.data"))
    return patch


def unless_asked(prefer: Preferences) -> Preferences:
    """Return the preferences of an entry: without any, a response entry of a write has no resource.

    "In the case of transactions this means returning a Bundle with just the `Bundle.entry.response` populated for
    each entry" (RESTful API, "Managing Return Content").
    """
    return prefer if prefer.return_ is not None else Preferences("minimal", prefer.handling)
