"""What belongs to one resource's record: the resources of its compartment, and what those refer to.

Keys alone are gathered, in one statement for each question; bodies are read for what is shown. All of it is within the
narrowing of the view, but what is asked by number of what was deleted (`keys_of`, `tombstones`). What is hidden seems
to belong to nobody and to refer to nothing: whoever erases must see everything.

Source: FHIR R4, CompartmentDefinition; Patient, "$everything".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from fhir_gateway.store.contract import Key, Read, Row, Version
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.layout import unpack
from fhir_gateway.store.search.narrowing import Sight, sight
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Dialect, bound, spelled

Span = tuple[int, int]  # first and last instant, µs

# Dates of a resource that say nothing of when care was given.
NOT_OF_CARE = frozenset(
    {
        "_lastUpdated", "birthdate", "death-date", "value-date", "payment-date", "target-date", "location-period",
        "activity-date", "reaction-date", "last-date",
    }
)  # fmt: skip
_HL7 = "http://hl7.org/fhir/SearchParameter/"


class Member(NamedTuple):
    """A current resource, by number, with its type and when its version was made (µs)."""

    rid: int
    rtype: int
    last_updated: int


def compartment_pids(registry: Registry, owner: str) -> list[int]:
    """Return the numbers of the parameters by which resources belong to a compartment of this type."""
    members = registry.compartments[owner]
    return sorted(registry.pids[type, code] for type, codes in members.items() for code in codes)


def members_of(read: Read, registry: Registry, owner: Key, limit: int) -> list[Member]:
    """Return the resources of a compartment, without its own one, by rid, up to one more than `limit`."""
    pids = Keys(compartment_pids(registry, owner[0]))
    key = rk_of(*owner)
    found = sight(read, registry)
    return [Member(*row) for row in _seen(read, _MEMBERS, found, key, pids, key, *found.values, limit + 1)]


def referred_from(read: Read, registry: Registry, rids: Iterable[int]) -> list[Member]:
    """Return the current resources that those of `rids` refer to, each once, by rid."""
    found = sight(read, registry)
    return [Member(*row) for row in _seen(read, _REFERRED, found, Keys(sorted(rids)), *found.values)]


def care_dates(read: Read, registry: Registry, rids: Iterable[int]) -> dict[int, Span]:
    """Return when the care was given that resources tell of: from the first to the last of their clinical dates.

    A resource without any is left out. What is clinical: every date parameter of R4 for its type but NOT_OF_CARE.
    """
    pids = [
        registry.pids[type, code]
        for type in registry.types
        for code, parameter in registry.parameters(type).items()
        if parameter.type == "date" and code not in NOT_OF_CARE and parameter.url.startswith(_HL7)
    ]
    found = _rows(read, _DATES, Keys(sorted(rids)), Keys(sorted(pids)))
    return {rid: (low, high) for rid, low, high in found}


def versions_of(read: Read, registry: Registry, rids: Sequence[int]) -> list[Version]:
    """Return the current versions of resources by number, in the order of `rids`; those that are gone are left out."""
    found = sight(read, registry)
    by_rid = {
        rid: Version(registry.names[rtype], id, rid, vid, last_updated, False, bytes(body))
        for rtype, id, rid, vid, last_updated, body in _seen(read, _VERSIONS, found, Keys(rids), *found.values)
    }
    return [by_rid[rid] for rid in rids if rid in by_rid]


def owners_beside(read: Read, registry: Registry, owner: Key, rids: Iterable[int]) -> Mapping[int, Key]:
    """Return which of `rids` are in another compartment of the same type too, with one whose it is.

    A resource of that very type has a compartment of its own.
    """
    type = owner[0]
    values: list[Value] = [Keys(sorted(rids)), Keys(compartment_pids(registry, type)), rk_of(*owner)]
    found = sight(read, registry, (type,))
    rows = _seen(read, _SHARED, found, *values, registry.rtypes[type], *found.values)
    shared = {rid: (type, id) for rid, id in rows}
    own = {rid: (type, id) for rid, id in _rows(read, _OF_TYPE, values[0], registry.rtypes[type])}
    return shared | own


def keys_of(read: Read, registry: Registry, rids: Iterable[int]) -> list[Key]:
    """Return types and ids of resources by number, tombstones included, in order of `rids`."""
    wanted = list(rids)
    found = {rid: (registry.names[rtype], id) for rid, rtype, id in _rows(read, _KEYS, Keys(sorted(wanted)))}
    return [found[rid] for rid in wanted if rid in found]


def referers_outside(read: Read, registry: Registry, rids: Iterable[int], limit: int) -> list[Key]:
    """Return up to `limit` resources that refer to some of `rids` and are none of them."""
    keys = Keys(sorted(rids))
    found = sight(read, registry)
    rows = _seen(read, _REFERERS, found, keys, keys, *found.values, limit)
    return [(registry.names[rtype], id) for rtype, id in rows]


def owned_by_others(read: Read, registry: Registry, owner: Key, trks: Iterable[int]) -> bool:
    """Tell whether one of these reference keys is that of another resource of the owner's type."""
    keys = Keys(sorted(set(trks) - {rk_of(*owner)}))
    found = sight(read, registry, (owner[0],))
    return bool(_seen(read, _OWNERS, found, keys, registry.rtypes[owner[0]], *found.values))


def tombstones(read: Read, registry: Registry, types: Iterable[str]) -> Iterator[tuple[int, Key, bytes]]:
    """Yield number, key and last body of each deleted resource of these types. Deleted resources have no index rows,
    so all of them are walked.
    """
    rtypes = Keys(sorted(registry.rtypes[type] for type in types))
    after = -1
    while rows := _rows(read, _TOMBSTONES, after, rtypes, _AT_ONCE):
        for rid, rtype, id, stored in rows:
            yield rid, (registry.names[rtype], id), unpack(stored)
        after = rows[-1][0]


_AT_ONCE = 500
_KEYS = "SELECT r.rid, r.rtype, r.fhir_id FROM resource r WHERE r.rid {any}"
_REFERERS = (
    "SELECT r.rtype, r.fhir_id FROM resource r WHERE r.rid IN"
    " (SELECT i.rid FROM i_ref i WHERE i.trk IN (SELECT p.rk FROM resource p WHERE p.rid {any}))"
    " AND NOT (r.rid {any}){seen} ORDER BY r.rid LIMIT ?"
)
_OWNERS = "SELECT 1 FROM resource r WHERE r.rk {any} AND r.rtype = ?{seen} LIMIT 1"
_TOMBSTONES = (
    "SELECT r.rid, r.rtype, r.fhir_id, h.body FROM resource r JOIN history h ON h.rid = r.rid AND h.vid = r.vid - 1"
    " WHERE r.rid > ? AND r.deleted = 1 AND r.rtype {any} ORDER BY r.rid LIMIT ?"
)
_MEMBERS = (
    "SELECT r.rid, r.rtype, r.last_updated FROM resource r WHERE r.rid IN"
    " (SELECT i.rid FROM i_ref i WHERE i.trk = ? AND i.pid {any}) AND r.rk <> ? AND r.deleted = 0{seen}"
    " ORDER BY r.rid LIMIT ?"
)
_REFERRED = (
    "SELECT r.rid, r.rtype, r.last_updated FROM resource r WHERE r.rk IN"
    " (SELECT i.trk FROM i_ref i WHERE i.rid {any}) AND r.deleted = 0{seen} ORDER BY r.rid"
)
_DATES = "SELECT d.rid, min(d.lo), max(d.hi) FROM i_date d WHERE d.rid {any} AND d.pid {any} GROUP BY d.rid"
_VERSIONS = (
    "SELECT r.rtype, r.fhir_id, r.rid, r.vid, r.last_updated, r.body FROM resource r WHERE r.rid {any}"
    " AND r.deleted = 0{seen}"
)
_SHARED = (
    "SELECT i.rid, min(r.fhir_id) FROM i_ref i JOIN resource r ON r.rk = i.trk"
    " WHERE i.rid {any} AND i.pid {any} AND i.trk <> ? AND r.rtype = ?{seen} GROUP BY i.rid"
)
_OF_TYPE = "SELECT r.rid, r.fhir_id FROM resource r WHERE r.rid {any} AND r.rtype = ?"


@lru_cache(256)
def _spelled(text: str, dialect: Dialect) -> str:
    return spelled(text, dialect)


def _rows(read: Read, text: str, *values: Value) -> list[Row]:
    return read.rows(_spelled(text, read.dialect), bound(values, read.dialect))


def _seen(read: Read, text: str, within: Sight, *values: Value) -> list[Row]:
    """Run a statement about resources r, with the test that these may be seen put in its place."""
    return _rows(read, text.replace("{seen}", within.of("r.rid")), *values)
