"""Bundles that the server sends, put together from finished JSON: no resource is parsed on its way out.

Source: FHIR R4, Bundle; RESTful API, search, history, "Batch/Transaction" responses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.primitives import instant_text

SearchMode = Literal["match", "include", "outcome"]
Link = tuple[str, str]  # relation and url


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """A resource found. `resource` is finished JSON."""

    full_url: str | None  # None for an OperationOutcome, which has no address
    resource: bytes
    mode: SearchMode = "match"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A version: what was asked (method, url relative to the base) and what it gave. A deletion has no resource."""

    full_url: str
    resource: bytes | None
    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    url: str
    status: str  # "201 Created"
    version: int
    last_modified: int  # µs since the epoch, UTC


@dataclass(frozen=True, slots=True)
class ResponseEntry:
    """What became of one entry of a batch or transaction. `outcome` is finished JSON too."""

    status: str  # "201 Created"
    location: str | None = None
    version: int | None = None
    last_modified: int | None = None  # µs since the epoch, UTC
    resource: bytes | None = None
    outcome: bytes | None = None
    full_url: str | None = None


def searchset(
    entries: Iterable[SearchEntry], links: Iterable[Link], total: int | None, id: str, last_updated: int
) -> bytes:
    """Return a searchset Bundle as JSON. `last_updated`: µs since the epoch, UTC; `total` None: not counted.

    Source: FHIR R4, Bundle; Search, "Search result".
    """
    return _bundle("searchset", id, last_updated, map(_search_entry, entries), total, links)


def history(
    entries: Iterable[HistoryEntry], links: Iterable[Link], total: int | None, id: str, last_updated: int
) -> bytes:
    """Return a history Bundle as JSON. `last_updated`: µs since the epoch, UTC; `total` None: not counted.

    Source: FHIR R4, RESTful API, "history".
    """
    return _bundle("history", id, last_updated, map(_history_entry, entries), total, links)


def response(
    type: Literal["batch-response", "transaction-response"],
    entries: Iterable[ResponseEntry],
    links: Iterable[Link],
    id: str,
    last_updated: int,
) -> bytes:
    """Return the response to a batch or transaction as JSON, its entries in the order of the request.

    Source: FHIR R4, RESTful API, "Batch/Transaction": "the response … entries SHALL be in the same order".
    """
    return _bundle(type, id, last_updated, map(_response_entry, entries), None, links)


def _bundle(
    type: str, id: str, last_updated: int, entries: Iterable[bytes], total: int | None, links: Iterable[Link]
) -> bytes:
    parts = [
        b'{"resourceType":"Bundle","id":%b,"meta":{"lastUpdated":"%b"},"type":"%b"'
        % (encode(id), instant_text(last_updated).encode(), type.encode())
    ]
    if total is not None:
        parts.append(b',"total":%d' % total)
    written_links = b",".join(b'{"relation":%b,"url":%b}' % (encode(name), encode(url)) for name, url in links)
    if written_links:
        parts.append(b',"link":[%b]' % written_links)
    # "An array SHALL NOT be empty": nothing found is no `entry`.
    written_entries = b",".join(entries)
    if written_entries:
        parts += (b',"entry":[', written_entries, b"]")
    parts.append(b"}")
    return b"".join(parts)


def _search_entry(entry: SearchEntry) -> bytes:
    full_url = b"" if entry.full_url is None else b'"fullUrl":%b,' % encode(entry.full_url)
    return b'{%b"resource":%b,"search":{"mode":"%b"}}' % (full_url, entry.resource, entry.mode.encode())


def _history_entry(entry: HistoryEntry) -> bytes:
    resource = b"" if entry.resource is None else b',"resource":%b' % entry.resource
    return b'{"fullUrl":%b%b,"request":{"method":"%b","url":%b},"response":%b}' % (
        encode(entry.full_url),
        resource,
        entry.method.encode(),
        encode(entry.url),
        _response(entry.status, None, entry.version, entry.last_modified, None),
    )


def _response_entry(entry: ResponseEntry) -> bytes:
    full_url = b"" if entry.full_url is None else b'"fullUrl":%b,' % encode(entry.full_url)
    resource = b"" if entry.resource is None else b'"resource":%b,' % entry.resource
    answer = _response(entry.status, entry.location, entry.version, entry.last_modified, entry.outcome)
    return b'{%b%b"response":%b}' % (full_url, resource, answer)


def _response(
    status: str, location: str | None, version: int | None, last_modified: int | None, outcome: bytes | None
) -> bytes:
    parts = [b'"status":%b' % encode(status)]
    if location is not None:
        parts.append(b'"location":%b' % encode(location))
    if version is not None:
        parts.append(b'"etag":"W/\\"%d\\""' % version)
    if last_modified is not None:
        parts.append(b'"lastModified":"%b"' % instant_text(last_modified).encode())
    if outcome is not None:
        parts.append(b'"outcome":%b' % outcome)
    return b"{%b}" % b",".join(parts)
