"""Drafts made by hand, for tests of the store alone."""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.store.contract import Draft, IndexRows
from fhir_gateway.store.index.hashing import h64


def draft(type: str, id: str, index: IndexRows | None = None, **properties: Any) -> Draft:
    """Return a draft of a resource with these properties and these index rows."""
    rest = encode(properties)[1:-1]
    tail = b'"}' + (b"," + rest if rest else b"") + b"}"
    rows = index or {}
    return Draft(type, id, tail, rows, h64(repr(rows)) if rows else 0)
