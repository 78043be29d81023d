"""Resources that come with a page of matches: those they refer to, and those that refer to them.

A canonical leads to the resources that give themselves its url, and its version where it names one; a reference to a
version of a resource leads to the resource as it is now.

Source: FHIR R4, Search, "Including other resources in result (_include and _revinclude)"; References, "Canonical URLs".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from fhir_gateway.fhir.outcome import InvalidRequest, TooCostly
from fhir_gateway.store.contract import Key, Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.index.hashing import h64, rk_of
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.chain import means, url_pids
from fhir_gateway.store.search.narrowing import require, seen, sight_of
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Dialect, bound, spelled

if TYPE_CHECKING:
    from fhir_gateway.store.search.query import SearchQuery


@dataclass(frozen=True, slots=True)
class Include:
    """One `_include` or (reverse) `_revinclude`.

    `source`: the type whose parameters are meant, None for `*`. `pids`: the numbers of those that hold references,
    None for all parameters; `canonicals`: of those that hold canonicals. `target`: only resources of this type are
    referred to. `iterate`: also from resources that were included.
    """

    reverse: bool
    iterate: bool
    source: str | None
    pids: tuple[int, ...] | None
    canonicals: tuple[int, ...] | None
    target: str | None


def include_of(name: str, value: str, registry: Registry) -> Include:
    """Return the inclusion that a parameter asks for.

    Raises: InvalidRequest when the value names no reference parameter, or an unknown type.
    """
    reverse, iterate = name.startswith("_revinclude"), name.endswith(":iterate")
    source, *rest = value.split(":")
    if value == "*":
        return Include(reverse, iterate, None, None, None, None)
    known = source in registry.rtypes and 1 <= len(rest) <= 2 and "" not in rest
    if not known or (len(rest) == 2 and rest[1] not in registry.rtypes):
        raise InvalidRequest(complaints.INCLUDE_MALFORMED.at(name=name, value=value))
    found = [
        (registry.pids[source, code], means([each]))
        for code, each in registry.parameters(source).items()
        if each.type == "reference" and (source, code) in registry.pids and rest[0] in (code, "*")
    ]
    if not found:
        raise InvalidRequest(complaints.INCLUDE_MALFORMED.at(name=name, value=value))
    literals = tuple(pid for pid, by in found if by.literal)
    canonicals = tuple(pid for pid, by in found if by.canonical)
    return Include(reverse, iterate, source, literals, canonicals, rest[1] if len(rest) == 2 else None)


def follow(read: Read, matches: Sequence[Version], query: SearchQuery) -> list[Version]:
    """Return the resources that the query includes with a page of matches, each once and none of the matches.

    Raises: TooCostly when there are more than `Limits.max_included`; NotOfThisView.
    """
    require(read, query.narrowing)
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
    """Return what one inclusion adds to `sources`, by each of the ways to refer at most one more than is allowed."""
    starting = include.target if include.reverse else include.source
    chosen = [version for version in sources if starting is None or version.type == starting]
    if not chosen:
        return []
    found: list[Version] = []
    if include.pids != ():
        start = sorted(rk_of(each.type, each.id) if include.reverse else each.rid for each in chosen)
        way: _Way = "referring" if include.reverse else "referred"
        found += _found(read, include, way, [Keys(start)], include.pids, registry)
    if include.canonicals == ():
        return found
    if include.reverse:
        if names := _canonical_names(chosen, registry):
            found += _found(read, include, "naming", [Keys(names)], include.canonicals, registry)
        return found
    urls = url_pids(registry, registry.types if include.target is None else (include.target,))
    start = sorted(each.rid for each in chosen)
    return found + _found(read, include, "named", [urls, Keys(start)], include.canonicals, registry)


def _canonical_names(versions: Iterable[Version], registry: Registry) -> list[int]:
    """Return the keys of all that a canonical may call these resources: the url, and with the version."""
    names = set()
    for version in versions:
        if url_pids(registry, (version.type,)):
            named = _decode(version.body)
            if named.url is not None:
                names.add(h64(named.url))
                if named.version is not None:
                    names.add(h64(f"{named.url}|{named.version}"))
    return sorted(names)


class _Named(msgspec.Struct):
    url: str | None = None
    version: str | None = None


_decode = msgspec.json.Decoder(_Named).decode


def _found(
    read: Read,
    include: Include,
    way: _Way,
    start: list[Value],
    pids: tuple[int, ...] | None,
    registry: Registry,
) -> list[Version]:
    typed = not include.reverse and include.target is not None
    parameters = [*start, *([] if pids is None else [Keys(pids)])]
    if typed and include.target is not None:
        parameters.append(registry.rtypes[include.target])
    type = include.source if include.reverse else include.target
    sight = sight_of(registry, read.narrowing, () if type is None else (type,))
    parameters += [*sight.values, registry.limits.max_included + 1]
    text = _text(way, pids is not None, typed, read.dialect, sight.text)
    return [_version(row, registry) for row in read.rows(text, bound(parameters, read.dialect))]


# How included resources are found: those referred to, those that refer, and both along canonicals.
_Way = Literal["referred", "referring", "named", "naming"]
# The row of a reference that has a text (`s`) is the one of its whole key, version included.
_WAYS: dict[_Way, tuple[str, str, str]] = {
    "referred": ("r.rk", "SELECT i.trk FROM i_ref i WHERE i.rid {any}", ""),
    "referring": ("r.rid", "SELECT i.rid FROM i_ref i WHERE i.trk {any}", ""),
    "named": (
        "r.rid",
        "SELECT u.rid FROM i_token u WHERE u.pid {any} AND u.h {in}SELECT i.trk FROM i_ref i"
        " WHERE ({+}i.s) IS NOT NULL AND i.rid {any}",
        "{/in}",
    ),
    "naming": ("r.rid", "SELECT i.rid FROM i_ref i WHERE ({+}i.s) IS NOT NULL AND i.trk {any}", ""),
}


@lru_cache(256)
def _text(way: _Way, of_parameters: bool, typed: bool, dialect: Dialect, sight: str) -> str:
    """Return the statement of one way. Its values: where it starts, the parameters, the target's type, what may be
    seen, the limit.
    """
    column, inside, end = _WAYS[way]
    # Numbers of search parameters begin at 1: "any search parameter of type=reference", and no other reference.
    keys = f"{inside} AND {'i.pid {any}' if of_parameters else '{+}i.pid > 0'}{end}"
    of_type = " AND {+}r.rtype = ?" if typed else ""
    text = (
        "SELECT r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body FROM resource r"
        f" WHERE {column} {{in}}{keys}{{/in}}{of_type} AND {{+}}r.deleted = 0{seen(sight, 'r.rid')}"
        " ORDER BY {+}r.rid{+0} LIMIT ?"
    )
    return spelled(text, dialect)


def _version(row: Row, registry: Registry) -> Version:
    rtype, id, rid, vid, last_updated, body = row
    return Version(registry.names[rtype], id, rid, vid, last_updated, False, bytes(body))
