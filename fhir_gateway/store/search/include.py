"""Resources that come with a page of matches: those they refer to, and those that refer to them.

Source: FHIR R4, Search, "Including other resources in result (_include and _revinclude)".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_gateway.fhir.outcome import InvalidRequest, TooCostly
from fhir_gateway.store.contract import Key, Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Dialect, bound, spelled

if TYPE_CHECKING:
    from fhir_gateway.store.search.query import SearchQuery


@dataclass(frozen=True, slots=True)
class Include:
    """One `_include` or (reverse) `_revinclude`.

    `source`: the type whose parameters are meant, None for `*`. `pids`: their numbers, None for all parameters.
    `target`: only resources of this type are referred to. `iterate`: also from resources that were included.
    """

    reverse: bool
    iterate: bool
    source: str | None
    pids: tuple[int, ...] | None
    target: str | None


def include_of(name: str, value: str, registry: Registry) -> Include:
    """Return the inclusion that a parameter asks for.

    Raises: InvalidRequest when the value names no reference parameter, or an unknown type.
    """
    reverse, iterate = name.startswith("_revinclude"), name.endswith(":iterate")
    source, *rest = value.split(":")
    if value == "*":
        return Include(reverse, iterate, None, None, None)
    known = source in registry.rtypes and 1 <= len(rest) <= 2 and "" not in rest
    if not known or (len(rest) == 2 and rest[1] not in registry.rtypes):
        raise InvalidRequest(complaints.INCLUDE_MALFORMED.at(name=name, value=value))
    codes = [code for code, each in registry.parameters(source).items() if each.type == "reference"]
    if rest[0] != "*":
        codes = [code for code in codes if code == rest[0]]
    if not codes:
        raise InvalidRequest(complaints.INCLUDE_MALFORMED.at(name=name, value=value))
    pids = tuple(registry.pids[source, code] for code in codes)
    return Include(reverse, iterate, source, pids, rest[1] if len(rest) == 2 else None)


def follow(read: Read, matches: Sequence[Version], query: SearchQuery) -> list[Version]:
    """Return the resources that the query includes with a page of matches, each once and none of the matches.

    Raises: TooCostly when there are more than `Limits.max_included`.
    """
    seen: set[Key] = {version.key for version in matches}
    included: list[Version] = []
    fresh, includes = list(matches), query.includes
    while fresh and includes:
        found: list[Version] = []
        for include in includes:
            for version in _included(read, include, fresh, query.registry):
                if version.key not in seen:
                    seen.add(version.key)
                    found.append(version)
        included += found
        limit = query.registry.limits.max_included
        if len(included) > limit:
            raise TooCostly(complaints.TOO_MANY_INCLUDED.at(limit=limit))
        fresh, includes = found, tuple(include for include in includes if include.iterate)
    return included


def _included(read: Read, include: Include, sources: Iterable[Version], registry: Registry) -> list[Version]:
    """Return what one inclusion adds to `sources`, at most one more than is allowed."""
    starting = include.target if include.reverse else include.source
    chosen = [version for version in sources if starting is None or version.type == starting]
    if not chosen:
        return []
    if include.reverse:
        parameters: list[Value] = [Keys(sorted(rk_of(version.type, version.id) for version in chosen))]
    else:
        parameters = [Keys(sorted(version.rid for version in chosen))]
    if include.pids is not None:
        parameters.append(Keys(include.pids))
    typed = not include.reverse and include.target is not None
    if typed and include.target is not None:
        parameters.append(registry.rtypes[include.target])
    parameters.append(registry.limits.max_included + 1)
    text = _text(include.reverse, include.pids is not None, typed, read.dialect)
    return [_version(row, registry) for row in read.rows(text, bound(parameters, read.dialect))]


@lru_cache(64)
def _text(reverse: bool, of_parameters: bool, typed: bool, dialect: Dialect) -> str:
    start, join = ("i.trk {any}", "r.rid = i.rid") if reverse else ("i.rid {any}", "r.rk = i.trk")
    clauses = [start, *(["i.pid {any}"] if of_parameters else []), *(["r.rtype = ?"] if typed else []), "r.deleted = 0"]
    text = (
        "SELECT r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body FROM resource r WHERE r.rid IN"
        f" (SELECT r.rid FROM i_ref i JOIN resource r ON {join} WHERE {' AND '.join(clauses)}) ORDER BY r.rid LIMIT ?"
    )
    return spelled(text, dialect)


def _version(row: Row, registry: Registry) -> Version:
    rtype, id, rid, vid, last_updated, body = row
    return Version(registry.names[rtype], id, rid, vid, last_updated, False, bytes(body))
