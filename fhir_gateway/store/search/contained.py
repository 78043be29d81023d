"""Searches for resources that are contained in others: `_contained`, `_containedType`.

Contained resources have no index rows of their own; that a resource contains some of a type is known by one. Those are
read, the newest first, a batch at a time, and what they contain is indexed in a database in memory, where the criteria
of the search choose as they do everywhere. A page looks at so many containers at most (`Limits.max_containers`) and
says where the next one goes on, so that it may be shorter than asked for, or empty, though it is not the last.

Who sees a container sees what it contains, but for types that are hidden from him.

Source: FHIR R4, Search, "Contained resources".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.store.contract import Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value, condition
from fhir_gateway.store.index.contained import contained_key
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.index.indexer import Indexer
from fhir_gateway.store.index.reference import UNSEARCHED
from fhir_gateway.store.layout import INDEX_COLUMNS, RESOURCE
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.schema import metadata
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.criterion import on_columns
from fhir_gateway.store.search.narrowing import Sight, require, sight
from fhir_gateway.store.search.query import Position, SearchQuery
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.select import Page, find, match
from fhir_gateway.store.search.statement import COMMITTED, Dialect, bound, spelled
from fhir_gateway.store.view import View

_BATCH = 200  # containers read and indexed at once
_NEWEST = 2**62  # above every rid
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "resource": RESOURCE,
    **{str(name): of for name, of in INDEX_COLUMNS.items()},
}

Place = tuple[int, int]  # a container's rid, and which of those it contains


class _Candidate(NamedTuple):
    """A contained resource of a type that is searched."""

    container: Version
    number: int  # among those its container contains
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Matches of a page, and where the next one begins; None: there is none."""

    matches: list[_Candidate]
    next: Place | None


def find_contained(read: Read, query: SearchQuery) -> Page:
    """Return a page of a search that asks for contained resources; with `_contained` = both after all others.

    Raises: TooCostly when all are to be counted and more than `Limits.max_containers` have to be looked at;
    NotOfThisView.
    """
    require(read, query.narrowing)
    wish = query.contained
    assert wish is not None
    outside = replace(query, contained=None)
    if query.count_only:
        counted = find(read, outside).total or 0 if wish.both else 0
        return Page([], None, None, counted + _total(read, query))
    page = Page([], None, None, None)
    start: Place | None = (_NEWEST, 0)
    if query.after is not None and isinstance(query.after.key[0], str):
        start = _place(query.after.key[0])
    elif wish.both:
        page = find(read, outside)
        if page.next is not None:
            return page if page.total is None else replace(page, total=page.total + _total(read, query))
    part = _walk(read, query, start, query.count - len(page.matches))
    next = None if part.next is None else Position(_key(part.next), _key(part.next), before=_certain(read, query)[0])
    matches, containers = list(page.matches), [None for _ in page.matches]
    for found in part.matches:
        matches.append(_contained(found) if wish.alone else found.container)
    inside = [found.container.key if wish.alone else None for found in part.matches]
    total = None
    if query.after is None and next is None:
        total = len(matches)
    elif query.total != "none":
        total = _total(read, query) + ((find(read, replace(outside, count_only=True)).total or 0) if wish.both else 0)
    return Page(matches, next, page.previous, total, (*containers, *inside))


def _total(read: Read, query: SearchQuery) -> int:
    """Return how many contained resources, or containers, match in all."""
    part = _walk(read, query, (_NEWEST, 0), None)
    if part.next is not None:
        raise TooCostly(complaints.TOO_MANY_CONTAINERS.at(limit=query.registry.limits.max_containers))
    return len(part.matches)


def _walk(read: Read, query: SearchQuery, start: Place | None, wanted: int | None) -> _Part:
    """Return up to so many matches (None: all) from a place on, as far as one page may look."""
    found: list[_Candidate] = []
    looked = 0
    while start is not None and looked < query.registry.limits.max_containers:
        containers = _containers(read, query, start[0])
        for each in _matching(read, query, containers):
            place = (each.container.rid, each.number)
            if place[0] == start[0] and place[1] < start[1]:
                continue
            if len(found) == wanted:
                return _Part(found, place)
            found.append(each)
        looked += len(containers)
        start = (containers[-1].rid - 1, 0) if len(containers) == _BATCH else None
    return _Part(found, start)


def _matching(read: Read, query: SearchQuery, containers: Sequence[Version]) -> list[_Candidate]:
    """Return the contained resources that meet the criteria, in order; but one for each container if it is wanted."""
    assert query.contained is not None
    candidates = list(_candidates(containers, query))
    chosen = _chosen(candidates, query)
    if query.contained.alone:
        return chosen
    once = {each.container.rid: each for each in reversed(chosen)}
    if query.contained.both:
        # A container that matches by itself has come already.
        own = frozenset(query.types or query.registry.types)
        keys = [rk_of(*each.container.key) for each in once.values() if each.container.type in own]
        among = on_columns("_id", [condition("{rk} {any}", Keys(sorted(keys)))], few=len(keys))
        outside = replace(query, contained=None, criteria=(*query.criteria, among))
        seen = set(match(read, outside, len(keys))) if keys else set()
        return [each for each in reversed(once.values()) if each.container.key not in seen]
    return list(reversed(once.values()))


def _candidates(containers: Sequence[Version], query: SearchQuery) -> Iterator[_Candidate]:
    seen = query.narrowing.types if query.narrowing is not None else None
    for container in containers:
        for number, resource in enumerate(decode(container.body).get("contained", ())):
            type = resource["resourceType"]
            if (not query.types or type in query.types) and (seen is None or type in seen):
                yield _Candidate(container, number, resource)


# --- containers, in the database


def _containers(read: Read, query: SearchQuery, newest: int) -> list[Version]:
    """Return the next resources, the newest first, that contain some of the types searched."""
    key = contained_key(query.types[0] if len(query.types) == 1 else "")
    seen = sight(read, query.registry)
    certain = _certain(read, query) if query.by_update else ()
    values: list[Value] = [UNSEARCHED, key, newest, *certain, *seen.values, _BATCH]
    rows = read.rows(_containers_text(query.by_update, read.dialect, seen.text), bound(values, read.dialect))
    return [_version(row, query.registry) for row in rows]


@cache
def _containers_text(committed: bool, dialect: Dialect, seen: str) -> str:
    sees = f"{f' AND {COMMITTED}' if committed else ''}{Sight(seen).of('i.rid')}"
    return spelled(
        "SELECT r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body FROM i_token i {join} resource r"
        f" ON r.rid = i.rid WHERE i.pid = ? AND i.h = ? AND i.rid <= ?{sees} ORDER BY i.rid DESC LIMIT ?",
        dialect,
    )


def _certain(read: Read, query: SearchQuery) -> tuple[int, int]:
    """Return which instants are shown: to a search by `_lastUpdated` those of its first page; see `Position.before`."""
    if not query.by_update:
        return 0, -1
    return read.certain if query.after is None else (query.after.before, -1)


def _version(row: Row, registry: Registry) -> Version:
    rtype, id, rid, vid, last_updated, body = row
    return Version(registry.names[rtype], id, rid, vid, last_updated, False, bytes(body))


def _contained(found: _Candidate) -> Version:
    """Return a contained resource by itself, with the version of its container."""
    resource = found.resource
    return found.container._replace(type=resource["resourceType"], id=resource.get("id", ""), body=encode(resource))


def _key(place: Place) -> tuple[str]:
    # A text, where the place of a resource that is not contained is a number.
    return (f"{place[0]}.{place[1]}",)


def _place(key: str) -> Place:
    rid, _, number = key.partition(".")
    return int(rid), int(number)


# --- what they contain, in memory


class _Memory(View):
    """A database in memory, of the same tables. Nothing there is narrowed: what is in it is seen."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, types: ResourceTypes, connection: sqlite3.Connection) -> None:
        super().__init__(types)
        self._connection = connection

    @property
    def certain(self) -> tuple[int, int]:
        return _NEWEST, -1

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(statement, parameters).fetchall()

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()


def _chosen(candidates: Sequence[_Candidate], query: SearchQuery) -> list[_Candidate]:
    """Return those of the candidates that meet the criteria."""
    if not candidates:
        return []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_tables())
        _fill(connection, candidates, query.registry)
        memory = _Memory(ResourceTypes(query.registry.types), connection)
        # Each is known by its number here: ids are not unique among resources contained in several.
        own = replace(query, contained=None, criteria=query.asked, narrowing=None)
        numbers = {int(id) for _, id in match(memory, own, len(candidates))}
    return [each for number, each in enumerate(candidates, 1) if number in numbers]


def _fill(connection: sqlite3.Connection, candidates: Sequence[_Candidate], registry: Registry) -> None:
    indexer = _indexer(registry)
    rows: dict[str, list[Row]] = {}
    for rid, (container, _, resource) in enumerate(candidates, 1):
        type, id = resource["resourceType"], resource.get("id", "")
        row = (rid, registry.rtypes[type], str(rid), rk_of(type, id), 1, container.last_updated, 0, 0, 0, b"")
        rows.setdefault("resource", []).append(row)
        for table, own in indexer.index(resource)[0].items():
            if table == "i_access":
                continue  # who sees the container sees what it contains
            rows.setdefault(table, []).extend((*each, rid) for each in own)
    for name, added in rows.items():
        columns = _COLUMNS[name]
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})", added)


@lru_cache(2)
def _indexer(registry: Registry) -> Indexer:
    return Indexer(registry.search_parameters, registry.pids, registry.base)


@cache
def _tables() -> str:
    """Return the script that makes the tables; two resources may have one key here, "#1" in two containers."""
    tables = [metadata.tables[name] for name in _COLUMNS]
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda each: str(each.name))]
    statements: list[CreateTable | CreateIndex] = [*map(CreateTable, tables), *map(CreateIndex, indexes)]
    texts = (str(each.compile(dialect=sqlite.dialect())) for each in statements)
    return ";".join(texts).replace("UNIQUE INDEX", "INDEX")
