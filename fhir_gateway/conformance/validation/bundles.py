"""Bundles: identities of their entries, and what each type of Bundle asks for.

Source: FHIR R4, Bundle; RESTful API, "Search"; FHIR Documents; FHIR Messaging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_gateway.conformance.validation import reference_complaints as complaints
from fhir_gateway.conformance.validation.documents import Linked
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import below, objects, text_of
from fhir_gateway.conformance.validation.resolution import is_absolute, rest
from fhir_gateway.conformance.validation.searchsets import check_searchset
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_WITHOUT_FULL_URL = ("transaction", "transaction-response", "batch", "batch-response")
_PAGES = ("first", "previous", "next", "last")
_STYLESHEET = "https://hl7.org/fhir/fhir.css"


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a Bundle beyond its definition's rules."""
    type = text_of(node.value, "type") or ""
    entries = objects(walk.engine.model, node, "entry")
    _links(walk, node, type, entries)
    if type in ("document", "message"):
        _first(walk, node, entries, type)
    elif type == "searchset":
        check_searchset(walk, node, entries)
    counts: dict[str, int] = {}
    for entry in entries:
        resource = next(iter(objects(walk.engine.model, entry, "resource")), None)
        _identity(walk, entry, resource, type)
        if resource is not None:
            _profiles(walk, entry, resource, counts)


# --- entries


def _identity(walk: Walk, entry: Node, resource: Node | None, type: str) -> None:
    full_url = text_of(entry.value, "fullUrl")
    if full_url is None:
        if type not in _WITHOUT_FULL_URL:
            walk.report(found(complaints.FULL_URL_REQUIRED, entry))
        return
    if not is_absolute(full_url):
        walk.report(found(complaints.FULL_URL_RELATIVE, entry, full_url=full_url))
        return
    target = rest(full_url, walk.engine.model) if full_url.startswith(("http:", "https:")) else None
    if resource is None:
        return
    id = text_of(resource.value, "id")
    if target is not None and id is None:
        walk.report(found(complaints.FULL_URL_NO_ID, entry, full_url=full_url))
    elif target is not None and not full_url.endswith(f"/{resource.type}/{id}"):
        texts = {"full_url": full_url, "type": resource.type, "id": id}
        walk.report(found(complaints.FULL_URL_OTHER_ID, entry, **texts))
    if text_of(resource.value, "url") == full_url and (target is None or target.id != id):
        walk.report(found(complaints.FULL_URL_CANONICAL, entry, url=full_url, full_url=full_url, id=id or "—"))


def _profiles(walk: Walk, entry: Node, resource: Node, counts: dict[str, int]) -> None:
    """Check a resource against the profiles asked for entries like this one."""
    place = counts[resource.type] = counts.get(resource.type, -1) + 1
    for wanted in walk.wishes.entry_profiles:
        if wanted.rule in (resource.type, f"{resource.type}:{place}", str(entry.place)):
            walk.profile(resource, wanted.profile, asked=True)


# --- first entries, links


def _first(walk: Walk, node: Node, entries: list[Node], type: str) -> None:
    if not entries:
        walk.report(found(complaints.NO_ENTRY, node))
        return
    resource = next(iter(objects(walk.engine.model, entries[0], "resource")), None)
    linked = Linked(walk, node)
    if resource is None:
        walk.report(found(complaints.FIRST_NO_RESOURCE, entries[0]))
    elif type == "document":
        if resource.type == "Composition":
            linked.composition(resource)
        else:
            walk.report(found(complaints.FIRST_COMPOSITION, resource))
    elif resource.type == "MessageHeader":
        linked.message_header(resource)
    else:
        walk.report(found(complaints.FIRST_MESSAGE_HEADER, resource))
    linked.reached(is_message=type == "message")


def _links(walk: Walk, node: Node, type: str, entries: list[Node]) -> None:
    seen: set[str] = set()
    for link in objects(walk.engine.model, node, "link"):
        relation = text_of(link.value, "relation")
        if relation is None:
            continue
        place = below(walk.engine.model, link, "relation")[0]
        if type in ("searchset", "history"):
            if relation in seen and relation in (*_PAGES, "self"):
                walk.report(found(complaints.LINK_TWICE, link, relation=relation))
        elif relation in _PAGES:
            walk.report(found(complaints.LINK_PROHIBITED, place, relation=relation))
        elif relation == "self" and relation in seen:
            walk.report(found(complaints.LINK_TWICE, place, relation=relation))
        elif relation == "stylesheet" and type == "document":
            _stylesheet(walk, link, entries)
        seen.add(relation)


def _stylesheet(walk: Walk, link: Node, entries: list[Node]) -> None:
    url = text_of(link.value, "url")
    if url is None or url == _STYLESHEET:
        return
    place = below(walk.engine.model, link, "url")[0]
    if is_absolute(url):
        walk.report(found(complaints.STYLESHEET_EXTERNAL, place))
        if url.startswith("http:"):
            walk.report(found(complaints.STYLESHEET_INSECURE, place))
        return
    resources = (entry.value.get("resource") for entry in entries)
    names = (f"{each.get('resourceType')}/{each.get('id')}" for each in resources if isinstance(each, dict))
    if url not in names:
        walk.report(found(complaints.STYLESHEET_NOT_FOUND, place))
