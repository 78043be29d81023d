"""search: resources that meet criteria, a page at a time, with what they include.

Source: FHIR R4, RESTful API, "search"; Search, "Handling Errors", "Search result".
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fhir_gateway.fhir.bundle import SearchEntry, SearchMode, searchset
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import Issue, operation_outcome
from fhir_gateway.interactions import full_text
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction, Parameters
from fhir_gateway.interactions.urls import ALL_TYPES
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.search.contained import find_contained
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.paging import links, resume
from fhir_gateway.store.search.query import SearchQuery, parse
from fhir_gateway.store.search.select import find


def search(gateway: Gateway, view: Read, interaction: Interaction, actor: Actor) -> Answer:
    """Answer with a page of matches and what they include, as a searchset Bundle.

    Unknown parameters are refused, all of them by name, unless the sender prefers them passed over
    (handling=lenient): then they are missing from the self link, and an outcome entry names them.

    Raises: InvalidRequest with all that is wrong with the search; TooCostly.
    """
    strict = interaction.prefer.handling != "lenient"
    parameters = interaction.parameters
    asked = parse(
        interaction.type,
        parameters,
        gateway.registry,
        strict=strict,
        compartment=interaction.compartment,
        narrowing=view.narrowing,
    )
    query = resume(asked, gateway.signing_key)
    full_text.be_current_within(gateway, view, parameters)
    page = find(view, query) if query.contained is None else find_contained(view, query)
    containers = page.containers or [None] * len(page.matches)
    entries = [
        _entry(gateway, interaction, query, version, "match", container)
        for version, container in zip(page.matches, containers, strict=True)
    ]
    shown = [version.rid for version in page.matches]
    if query.includes:
        included = follow(view, page.matches, query)
        shown += [version.rid for version in included]
        entries += [_entry(gateway, interaction, query, version, "include") for version in included]
    if query.unknown:
        outcome = operation_outcome(map(_warning, query.unknown), interaction.language)
        entries.append(SearchEntry(None, encode(outcome), "outcome"))
    place = place_of(interaction)
    found = [
        (relation, url_of(place, [*each, *interaction.presentation]))
        for relation, each in links(query, page, gateway.signing_key).items()
    ]
    body = searchset(entries, found, page.total, gateway.new_id(), gateway.registry.now())
    return Answer(200, body, shown=shown)


def place_of(interaction: Interaction) -> str:
    """Return the URL that a search is asked at, without its parameters: of a type, of all, or of a compartment."""
    parts = [interaction.base]
    if interaction.compartment is not None:
        parts += [*interaction.compartment, interaction.type or ALL_TYPES]
    elif interaction.type is not None:
        parts.append(interaction.type)
    return "/".join(parts)


def url_of(place: str, parameters: Parameters) -> str:
    """Return a URL with parameters, for a link."""
    return f"{place}?{urlencode(parameters, safe=':,/')}" if parameters else place


def _entry(
    gateway: Gateway,
    interaction: Interaction,
    query: SearchQuery,
    version: Version,
    mode: SearchMode,
    container: Key | None = None,
) -> SearchEntry:
    body = version.body
    if query.subset is not None:
        body = gateway.definitions.subsets.cut(body, version.type, query.subset, included=mode == "include")
    if container is not None:
        # Of a contained resource the URL leads to what contains it first, then inside.
        return SearchEntry(f"{interaction.base}/{'/'.join(container)}#{version.id}", body, mode)
    return SearchEntry(f"{interaction.base}/{version.type}/{version.id}", body, mode)


def _warning(issue: Issue) -> Issue:
    # The outcome in a result "SHALL NOT include any issues with a fatal or error severity".
    return replace(issue, complaint=replace(issue.complaint, severity="warning"))
