"""Which values of a parameter are in use: for each, one resource that has it.

The keys of a parameter are walked from one to the next greater, so that the cost grows with how many different values
there are and not with how many resources have them.

Source: FHIR R4, Resource Operations, "$meta" at system and type level.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.condition import Keys
from fhir_gateway.store.search.narrowing import Sight, sight
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Dialect, bound, spelled

_AT_ONCE = 500  # resources read by one statement


def examples(read: Read, registry: Registry, types: Iterable[str], codes: Iterable[str], limit: int) -> list[bytes]:
    """Return bodies of current resources of these types that together show every value of the token and uri
    parameters of these codes; more than `limit` of them where there are more values than that.
    """
    chosen, named = list(codes), list(types)
    pids = [registry.pids[type, code] for type in named for code in chosen if (type, code) in registry.pids]
    seen = sight(read, registry, named)
    text = _examples_text(read.dialect, seen.text)
    rids: dict[int, None] = {}
    for first in range(0, len(pids), _AT_ONCE):
        values = bound([Keys(pids[first : first + _AT_ONCE]), *seen.values], read.dialect)
        found = read.rows(text, [*values, limit + 1])
        rids.update((rid, None) for (rid,) in found)
        if len(rids) > limit:
            break
    return _bodies(read, list(rids))


def _bodies(read: Read, rids: list[int]) -> list[bytes]:
    text = spelled("SELECT r.body FROM resource r WHERE r.rid {any} ORDER BY r.rid", read.dialect)
    found: list[bytes] = []
    for first in range(0, len(rids), _AT_ONCE):
        keys = Keys(sorted(rids[first : first + _AT_ONCE]))
        found += (bytes(body) for (body,) in read.rows(text, bound([keys], read.dialect)))
    return found


@lru_cache(8)
def _examples_text(dialect: Dialect, seen: str) -> str:
    """Return the statement for one resource of each key of each parameter. Its values: the parameters, what may be
    seen, the limit.
    """
    each = {
        "sqlite": "SELECT value AS pid FROM json_each(?)",
        "postgresql": "SELECT pid FROM unnest(?::bigint[]) AS p(pid)",
    }[dialect]
    # The next greater key, by the primary key (pid, h, …): one step down the tree for each different value.
    following = "SELECT t.h FROM i_token t WHERE t.pid = {pid} {after}ORDER BY t.h LIMIT 1"
    first = following.format(pid="CAST(p.pid AS INTEGER)", after="")
    next = following.format(pid="k.pid", after="AND t.h > k.h ")
    sight = Sight(spelled(seen, dialect)).of("t.rid")
    example = f"SELECT t.rid FROM i_token t WHERE t.pid = k.pid AND t.h = k.h{sight} LIMIT 1"
    keys = (
        f"WITH RECURSIVE p AS ({each}), k(pid, h) AS ("
        f"SELECT CAST(p.pid AS INTEGER), ({first}) FROM p"
        f" UNION ALL SELECT k.pid, ({next}) FROM k WHERE k.h IS NOT NULL)"
    )
    if not seen:
        return f"{keys} SELECT DISTINCT ({example}) FROM k WHERE k.h IS NOT NULL LIMIT ?"
    # A key may be only in what is hidden.
    found = f"SELECT ({example}) AS rid FROM k WHERE k.h IS NOT NULL"
    return f"{keys} SELECT DISTINCT e.rid FROM ({found}) e WHERE e.rid IS NOT NULL LIMIT ?"
