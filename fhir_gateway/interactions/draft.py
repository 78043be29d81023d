"""Drafts: a resource made ready for the store, outside any lock.

Source: FHIR R4, RESTful API, "create" and "update": the server sets id, meta.versionId and meta.lastUpdated and
ignores those sent; other metadata stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.structure import Link
from fhir_gateway.fhir.types import Resource
from fhir_gateway.store.contract import Draft
from fhir_gateway.store.index.indexer import Indexer

_HEAD = ("resourceType", "id", "meta")
_VERSION = frozenset({"versionId", "_versionId", "lastUpdated", "_lastUpdated"})


def draft(indexer: Indexer, resource: Resource, type: str, id: str, links: Iterable[Link]) -> Draft:
    """Return the draft of `resource` under an id; its bytes begin after the value of meta.lastUpdated.

    `links`: where it holds references, as the structure check found them.
    """
    references = [link.container[link.key] for link in links if link.kind == "reference"]  # type: ignore[index]
    index, index_hash = indexer.index(resource, references)
    return Draft(type, id, tail(resource), index, index_hash)


def tail(resource: Resource) -> bytes:
    """Return the JSON of a resource from the quote that closes meta.lastUpdated."""
    rest: dict[str, Any] = dict(resource)
    for name in _HEAD:
        rest.pop(name, None)
    # Joined once: the resource may be a document of many megabytes.
    end = (b",", memoryview(encode(rest))[1:]) if rest else (b"}",)
    meta = resource.get("meta")
    kept = {name: value for name, value in meta.items() if name not in _VERSION} if meta else None
    beginning = (b'",', memoryview(encode(kept))[1:]) if kept else (b'"}',)
    return b"".join((*beginning, *end))
