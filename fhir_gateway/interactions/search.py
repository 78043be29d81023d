"""search: resources that meet criteria, a page at a time, with what they include.

Source: FHIR R4, RESTful API, "search"; Search, "Handling Errors", "Search result".
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fhir_gateway.fhir.bundle import SearchEntry, searchset
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import Issue, operation_outcome
from fhir_gateway.interactions import access
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction, Parameters
from fhir_gateway.store.contract import Read, Version
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.paging import links, resume
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.select import find


def search(gateway: Gateway, view: Read, interaction: Interaction, actor: Actor) -> Answer:
    """Answer with a page of matches and what they include, as a searchset Bundle.

    Unknown parameters are refused, all of them by name, unless the sender prefers them passed over
    (handling=lenient): then they are missing from the self link, and an outcome entry names them.

    Raises: InvalidRequest with all that is wrong with the search; TooCostly.
    """
    strict = interaction.prefer.handling != "lenient"
    parameters = [*interaction.parameters, *access.narrow(actor, interaction)]
    query = resume(parse(interaction.type, parameters, gateway.registry, strict=strict), gateway.signing_key)
    page = find(view, query)
    base = interaction.base
    entries = [_entry(base, version) for version in page.matches]
    if query.includes:
        included = follow(view, page.matches, query)
        entries += [SearchEntry(f"{base}/{each.type}/{each.id}", each.body, "include") for each in included]
    if query.unknown:
        outcome = operation_outcome(map(_warning, query.unknown), interaction.language)
        entries.append(SearchEntry(None, encode(outcome), "outcome"))
    place = base if interaction.type is None else f"{base}/{interaction.type}"
    found = [(relation, url_of(place, each)) for relation, each in links(query, page, gateway.signing_key).items()]
    body = searchset(entries, found, page.total, gateway.new_id(), gateway.registry.now())
    return Answer(200, body)


def url_of(place: str, parameters: Parameters) -> str:
    """Return a URL with parameters, for a link."""
    return f"{place}?{urlencode(parameters, safe=':,/')}" if parameters else place


def _entry(base: str, version: Version) -> SearchEntry:
    return SearchEntry(f"{base}/{version.type}/{version.id}", version.body)


def _warning(issue: Issue) -> Issue:
    # The outcome in a result "SHALL NOT include any issues with a fatal or error severity".
    return replace(issue, complaint=replace(issue.complaint, severity="warning"))
