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
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Dialect, bound, spelled

_AT_ONCE = 500  # resources read by one statement


def examples(read: Read, registry: Registry, types: Iterable[str], codes: Iterable[str], limit: int) -> list[bytes]:
    """Return bodies of current resources of these types that together show every value of the token and uri
    parameters of these codes; more than `limit` of them where there are more values than that.
    """
    chosen = list(codes)
    pids = [registry.pids[type, code] for type in types for code in chosen if (type, code) in registry.pids]
    text = _examples_text(read.dialect)
    rids: dict[int, None] = {}
    for first in range(0, len(pids), _AT_ONCE):
        found = read.rows(text, [*bound([Keys(pids[first : first + _AT_ONCE])], read.dialect), limit + 1])
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


@lru_cache(2)
def _examples_text(dialect: Dialect) -> str:
    """Return the statement for one resource of each key of each parameter. Its values: the parameters, the limit."""
    each = {
        "sqlite": "SELECT value AS pid FROM json_each(?)",
        "postgresql": "SELECT pid FROM unnest(?::bigint[]) AS p(pid)",
    }[dialect]
    # The next greater key, by the primary key (pid, h, …): one step down the tree for each different value.
    following = "SELECT t.h FROM i_token t WHERE t.pid = {pid} {after}ORDER BY t.h LIMIT 1"
    first = following.format(pid="CAST(p.pid AS INTEGER)", after="")
    next = following.format(pid="k.pid", after="AND t.h > k.h ")
    return (
        f"WITH RECURSIVE p AS ({each}), k(pid, h) AS ("
        f"SELECT CAST(p.pid AS INTEGER), ({first}) FROM p"
        f" UNION ALL SELECT k.pid, ({next}) FROM k WHERE k.h IS NOT NULL)"
        " SELECT DISTINCT (SELECT t.rid FROM i_token t WHERE t.pid = k.pid AND t.h = k.h LIMIT 1)"
        " FROM k WHERE k.h IS NOT NULL LIMIT ?"
    )
