"""Resources of two organisations in one store, and another store that holds only what one of them may see."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any
from urllib.parse import parse_qsl

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.store.access import EVERYONE, party_of
from fhir_gateway.store.contract import Key, Narrowing, Put
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.search.contained import find_contained
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.query import SearchQuery, parse
from fhir_gateway.store.search.select import Page, find
from fhir_gateway.store.text.index import catch_up
from tests.store.search.library import Library

OURS, THEIRS = "urn:oid:1.2.250.1.71.4.2.2|1", "urn:oid:1.2.250.1.71.4.2.2|2"
Resource = Mapping[str, Any]
Question = tuple[str | None, str, tuple[str, str] | None]  # type, parameters as in a URL, compartment


def narrowing(*organisations: str, types: Iterable[str] | None = None) -> Narrowing:
    """Return what who acts for an Organization, whose id is that of the identifier's value, may see."""
    parties = {EVERYONE, party_of(OURS), *(rk_of("Organization", id) for id in organisations)}
    return Narrowing(tuple(sorted(parties)), None if types is None else frozenset(types))


def put(library: Library, resources: Iterable[Resource], owner: str | None) -> None:
    """Write resources, all in one commit, as created by an organisation's actor; None: by nobody's."""
    commands = [Put(library.draft(each)) for each in resources]
    party = 0 if owner is None else party_of(owner)
    library.store.write(lambda tx: tx.stage(commands), owner=party)


def owner_of(resource: Resource) -> str:
    """Return whose a resource is: ours, or theirs in one of two cases, always the same."""
    return (OURS, THEIRS)[zlib.crc32(f"{resource['resourceType']}/{resource['id']}".encode()) % 2]


def seen(library: Library, within: Narrowing) -> set[Key]:
    """Return what the rows of i_access say that may be seen."""
    parties = ", ".join(map(str, within.parties or ()))
    text = (
        "SELECT DISTINCT r.rtype, r.fhir_id FROM i_access a JOIN resource r ON r.rid = a.rid"
        f" WHERE a.party IN ({parties}) AND r.deleted = 0"
    )
    keys = {(library.registry.names[rtype], id) for rtype, id in library.read(lambda tx: tx.rows(text))}
    return {key for key in keys if within.types is None or key[0] in within.types}


@dataclass(frozen=True)
class Answered:
    """All pages of a search. `totals`: known for nothing, estimated, counted, and of the count alone."""

    matches: Sequence[tuple[Key, Key | None]]
    included: frozenset[Key]
    totals: tuple[int | None, ...]


@dataclass(frozen=True)
class Houses:
    """`both` holds everything, `ours` what is seen within `within`."""

    both: Library
    ours: Library
    within: Narrowing
    keys: frozenset[Key]

    def answers(self, question: Question, count: int) -> tuple[Answered | list[str], Answered | list[str]]:
        """Return what the narrowed search of everything gives, and the search of what is seen."""
        return answer(self.both, question, count, self.within), answer(self.ours, question, count, None)


def houses(both: Library, ours: Library, resources: Sequence[Resource], within: Narrowing) -> Houses:
    """Fill two stores; what is in both is in the same order."""
    read = [decode(dumps(each, default=str).encode()) for each in resources]
    for each in read:
        put(both, [each], owner_of(each))
    keys = seen(both, within)
    for each in read:
        if (each["resourceType"], each["id"]) in keys:
            put(ours, [each], None)
    for library in (both, ours):
        while catch_up(library.store):
            pass
    return Houses(both, ours, within, frozenset(keys))


def answer(library: Library, question: Question, count: int, within: Narrowing | None) -> Answered | list[str]:
    """Return all pages of a search of `count` each, or the codes of what is refused."""
    type, text, compartment = question
    try:
        return _answer(library, type, f"{text}&_count={count}", compartment, within)
    except FhirError as refusal:
        return [issue.complaint.detail for issue in refusal.issues]


def _answer(
    library: Library, type: str | None, text: str, compartment: tuple[str, str] | None, within: Narrowing | None
) -> Answered:
    def asked(more: str = "") -> SearchQuery:
        parameters = parse_qsl(text + more, keep_blank_values=True)
        return parse(type, parameters, library.registry, strict=True, compartment=compartment, narrowing=within)

    query = asked()
    with library.store.read(narrowing=within) as tx:
        search = find if query.contained is None else find_contained
        page: Page = search(tx, query)
        totals = [page.total]
        included = frozenset(each.key for each in follow(tx, page.matches, query))
        for more in ("&_total=estimate", "&_total=accurate", "&_summary=count"):
            if "_total" not in text and "_summary" not in text:
                totals.append(search(tx, asked(more)).total)
        matches: list[tuple[Key, Key | None]] = []
        while True:
            containers = page.containers or (None,) * len(page.matches)
            matches += zip((each.key for each in page.matches), containers, strict=True)
            if page.next is None:
                return Answered(matches, included, tuple(totals))
            query = _from(query, page)
            page = search(tx, query)


def _from(query: SearchQuery, page: Page) -> SearchQuery:
    return replace(query, after=page.next)
