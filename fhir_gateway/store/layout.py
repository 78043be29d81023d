"""How a version is laid down in a row: numbers for types, bodies as finished bytes, superseded bodies packed."""

from __future__ import annotations

import zlib

from fhir_gateway.fhir.json import canonical, decode
from fhir_gateway.store.contract import IndexTable

RESOURCE = ("rid", "rtype", "fhir_id", "rk", "vid", "last_updated", "deleted", "idx_hash", "owner", "body")
LARGE = 1024 * 1024  # bytes of a document from which on it is written piece by piece, where an engine can
HISTORY = ("rid", "vid", "rtype", "last_updated", "deleted", "body")
# Column names in the order in which index rows of search parameters are made; rid is always last.
INDEX_COLUMNS: dict[IndexTable, tuple[str, ...]] = {
    "i_token": ("pid", "h", "s", "rid"),
    "i_ref": ("trk", "pid", "s", "rid"),
    "i_date": ("pid", "lo", "hi", "long", "rid"),
    "i_num": ("pid", "lo", "hi", "rid"),
    "i_qty": ("pid", "u", "lo", "hi", "rid"),
    "i_str": ("pid", "v", "x", "rid"),
    "i_comp": ("pid", "h", "lo", "hi", "h2", "rid"),
}
ACCESS = ("party", "rtype", "why", "rid")  # of i_access, see store/index/access.py
BY_RID = (*INDEX_COLUMNS, "i_access")  # tables with rows that go with the current version

_RAW, _DEFLATED = b"\x00", b"\x01"
_RID_EPOCH = 1_577_836_800_000_000  # 2020-01-01T00:00:00Z in µs
_RID_BITS = 12


def first_rid(instant: int) -> int:
    """Return the rid of the first resource made at an instant (µs); those made with it follow one by one.

    71 years of µs since 2020 and 12 bits fit in 63: rids grow in commit order, so that a page walked by rid
    neither repeats nor loses a resource, and a bound on rid keeps later ones out.
    """
    return (instant - _RID_EPOCH) << _RID_BITS


def instants_used(made: int) -> int:
    """Return how many µs the rids of `made` resources cover, so that the next commit begins after them."""
    return made >> _RID_BITS


def head(type: str, id: str, vid: int, last_updated: str) -> bytes:
    """Return the beginning of a stored body, up to the value of meta.lastUpdated without its closing quote."""
    return f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{vid}","lastUpdated":"{last_updated}'.encode()


def says_the_same(body: bytes, beginning: bytes, tail: bytes) -> bool:
    """Tell whether a stored body is `tail` but for version and instant, whatever the order of its properties."""
    if len(body) != len(beginning) + len(tail):
        return False
    if body.endswith(tail):
        return True
    return canonical(decode(body)) == canonical(decode(beginning + tail))


def pack(body: bytes) -> bytes:
    """Return a superseded body compressed, with a first byte that says how."""
    packed = zlib.compress(body, 1)
    return _DEFLATED + packed if len(packed) < len(body) else _RAW + body


def unpack(stored: bytes) -> bytes:
    """Return the body that `pack` was given."""
    return zlib.decompress(stored[1:]) if stored[:1] == _DEFLATED else bytes(stored[1:])
