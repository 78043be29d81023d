"""Many questions of one identifier each, answered by one statement: what a transaction's conditions mostly are.

Source: FHIR R4, RESTful API, "Conditional update", "Conditional create"; Search, "token".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from fhir_gateway.store.contract import Key, Narrowing, Read
from fhir_gateway.store.index.hashing import h64, joined_key, part
from fhir_gateway.store.search.narrowing import seen, sight_of
from fhir_gateway.store.search.registry import Registry, UnknownParameter
from fhir_gateway.store.search.statement import KEPT, Dialect, bound, spelled

_TYPES = frozenset({"Identifier"})
_MOST = 256  # questions of one statement
_SIZES = (1, 4, 16, 32, 64, _MOST)  # statements are made for so many
_NO_KEY = (-1, 0)


class Token(NamedTuple):
    """A question: the resources of a type that have an identifier, by the key of its rows (table i_token)."""

    type: str
    pid: int
    h: int


def token_of(registry: Registry, type: str, parameters: Sequence[tuple[str, str]]) -> Token | None:
    """Return a search as the question of one identifier; None where it is another, or has anything wrong with it."""
    if len(parameters) != 1:
        return None
    name, value = parameters[0]
    if not value or "," in value or "\\" in value or not name.isalnum():
        return None
    pid = registry.pids.get((type, name))
    if pid is None:
        return None
    try:
        parameter = registry.parameter(type, name)
    except UnknownParameter:
        return None
    if parameter is None or parameter.type != "token" or {each.type for each in parameter.branches} != _TYPES:
        return None
    system, mark, code = value.partition("|")
    if "|" in code or value == "|":
        return None
    return Token(type, pid, joined_key(system, code) if mark else h64(part(system)))


def found(
    read: Read, registry: Registry, narrowing: Narrowing | None, asked: Sequence[Token], limit: int
) -> Mapping[Token, list[Key]] | None:
    """Return up to `limit` current resources for each question, the newest first, as a view narrowed so sees them.

    None where there are so many that each is better asked by itself.
    """
    tokens = list(dict.fromkeys(asked))
    if len(tokens) > _MOST:
        return None
    sight = sight_of(registry, narrowing, tuple(sorted({each.type for each in tokens})))
    # Statements of few lengths are prepared: what is too long is filled with a parameter that there is not.
    size = next(size for size in _SIZES if size >= len(tokens))
    if read.dialect == "postgresql":
        keys: list[object] = [[each.pid for each in tokens], [each.h for each in tokens]]
    else:
        keys = [*chain.from_iterable((each.pid, each.h) for each in tokens), *_NO_KEY * (size - len(tokens))]
    most = len(tokens) * limit
    rows = read.rows(_text(read.dialect, size, sight.text), [*keys, *bound(sight.values, read.dialect), most + 1])
    if len(rows) > most:
        return None
    by_key: dict[tuple[int, int], list[Key]] = {}
    for pid, h, rtype, id in rows:
        by_key.setdefault((pid, h), []).append((registry.names[rtype], id))
    return {each: by_key.get((each.pid, each.h), [])[:limit] for each in tokens}


@lru_cache(KEPT)
def _text(dialect: Dialect, size: int, sight: str) -> str:
    if dialect == "postgresql":
        # One by one through the index, whatever the planner thinks of a table that is young.
        rows = "SELECT i.rid FROM i_token i WHERE i.pid = k.pid AND i.h = k.h OFFSET 0"
        keyed = f"unnest(?::bigint[], ?::bigint[]) k(pid, h) CROSS JOIN LATERAL ({rows}) i"
    else:
        keys = f"SELECT column1 AS pid, column2 AS h FROM (VALUES {', '.join(['(?, ?)'] * size)})"
        keyed = f"({keys}) k CROSS JOIN i_token i ON i.pid = k.pid AND i.h = k.h"
    return spelled(
        f"SELECT k.pid, k.h, r.rtype, r.fhir_id FROM {keyed} {{join}} resource r ON r.rid = i.rid"
        f" WHERE r.deleted = 0{seen(sight, 'i.rid')} ORDER BY i.rid DESC LIMIT ?",
        dialect,
    )
