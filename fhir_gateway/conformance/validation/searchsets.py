"""Results of searches: modes, ids, and types that fit the search.

Source: FHIR R4, RESTful API, "Search"; Bundle.entry.search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from fhir_gateway.conformance.validation import reference_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import listed, objects, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk


def check_searchset(walk: Walk, node: Node, entries: list[Node]) -> None:
    """Report what is wrong with a Bundle of search results."""
    if not entries:
        return
    itself = next((each for each in listed(node.value, "link") if each.get("relation") == "self"), None)
    types: list[str] = []
    if itself is None:
        walk.report(found(complaints.SEARCH_NO_SELF, node))
    else:
        types = _types(walk, text_of(itself, "url") or "")
        if not types:
            walk.report(found(complaints.SEARCH_SELF_UNREADABLE, node))
    modes = [text_of(entry.value.get("search"), "mode") for entry in entries]
    if any(mode is not None for mode in modes):
        for entry, mode in zip(entries, modes, strict=True):
            _entry(walk, entry, mode, types)
    else:
        _without_modes(walk, node, entries, types)


def _types(walk: Walk, url: str) -> list[str]:
    """Return the types that a search asks for; none when it does not say."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []  # the url itself is reported elsewhere
    last = parts.path.rpartition("/")[2]
    if last in walk.engine.model.resources:
        return [last]
    return [type for each in parse_qs(parts.query).get("_type", ()) for type in each.split(",")]


def _entry(walk: Walk, entry: Node, mode: str | None, types: list[str]) -> None:
    if mode is None:
        walk.report(found(complaints.SEARCH_NO_MODE, entry))
    resource = next(iter(objects(walk.engine.model, entry, "resource")), None)
    if resource is None:
        walk.report(found(complaints.SEARCH_NO_RESOURCE, entry))
        return
    if mode in ("match", "include") and text_of(resource.value, "id") is None:
        walk.report(found(complaints.SEARCH_NO_ID, resource))
    if mode == "match" and types and resource.type not in types:
        texts = {"found": resource.type, "allowed": ", ".join(types)}
        walk.report(found(complaints.SEARCH_TYPE, resource, **texts))
    if mode == "outcome" and resource.type != "OperationOutcome":
        walk.report(found(complaints.SEARCH_OUTCOME, resource, found=resource.type))


def _without_modes(walk: Walk, node: Node, entries: list[Node], types: list[str]) -> None:
    unsure = not types
    seen: set[str] = set()
    for entry in entries:
        resource = next(iter(objects(walk.engine.model, entry, "resource")), None)
        if resource is None:
            walk.report(found(complaints.SEARCH_NO_RESOURCE, entry))
            continue
        if types and resource.type not in types:
            unsure = True
            texts = {"found": resource.type, "allowed": ", ".join(types)}
            walk.report(found(complaints.SEARCH_TYPE_NO_MODE, entry, **texts))
        elif resource.type != "OperationOutcome":
            seen.add(resource.type)
            if text_of(resource.value, "id") is None:
                walk.report(found(complaints.SEARCH_NO_ID_PERHAPS, resource))
    unsure = unsure or len(seen) > 1
    walk.report(found(complaints.SEARCH_NO_MODE if unsure else complaints.SEARCH_NO_MODES, node))
