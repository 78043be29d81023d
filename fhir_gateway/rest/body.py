"""Bodies: received within bounds of size and time, and inflated within the same bound.

Source: RFC 9110, 8.4 (Content-Encoding), 15.5.14 (413), 15.5.9 (408); RFC 1952 (gzip).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest, TooLarge, UnsupportedMediaType
from fhir_gateway.rest.complaints import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    BROKEN_GZIP,
    CONTENT_ENCODING_NOT_TAKEN,
    RequestTimeout,
)
from fhir_gateway.rest.lanes import ClientGone, Lanes
from fhir_gateway.rest.request import Request

Receive = Callable[[], Awaitable[Any]]

_DRAIN_SECONDS = 5.0


async def receive_body(request: Request, receive: Receive, lanes: Lanes, limit: int) -> bytes:
    """Return the body as it came over the wire. Its bytes are counted in `lanes.held`: free them after use.

    `request.unread` stays true where a part was left on the wire, so that the connection cannot be used again.

    Raises: TooLarge beyond `limit` bytes; RequestTimeout; Overloaded; ClientGone.
    """
    request.unread = True
    declared = request.headers.get(b"content-length", b"0")
    if int(declared) > limit if declared.isdigit() else True:
        # Who waits for "100 Continue" sends nothing when the refusal comes instead.
        if b"expect" not in request.headers:
            await _drain(request, receive, limit)
        raise TooLarge(BODY_TOO_LARGE.at(limit=limit))
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(lanes.time_limit):
            while request.unread:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                request.unread = message.get("more_body", False)
                if size + len(chunk) > limit:
                    break
                lanes.hold(len(chunk))
                size += len(chunk)
                chunks.append(chunk)
            else:
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        await _drain(request, receive, limit)
        raise TooLarge(BODY_TOO_LARGE.at(limit=limit))
    except TimeoutError:
        lanes.free(size)
        raise RequestTimeout(BODY_TOO_SLOW.at(seconds=f"{lanes.time_limit:g}")) from None
    except BaseException:
        lanes.free(size)
        raise


async def _drain(request: Request, receive: Receive, limit: int) -> None:
    """Read on for a while and forget it: a client in the middle of sending does not see an answer otherwise."""
    left = limit
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while request.unread and left > 0:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                left -= len(message.get("body", b""))
                request.unread = message.get("more_body", False)
    except TimeoutError:
        return


def inflated(body: bytes, content_encoding: str | None, limit: int) -> bytes:
    """Return the body with its Content-Encoding undone.

    Raises: UnsupportedMediaType for another coding than gzip; TooLarge when it inflates beyond `limit` bytes;
    InvalidRequest when it is no whole gzip.
    """
    coding = (content_encoding or "identity").strip().lower()
    if coding in ("identity", ""):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType(CONTENT_ENCODING_NOT_TAKEN.at(encoding=coding))
    members: list[bytes] = []
    left = limit
    while body:
        inflate = zlib.decompressobj(wbits=31)
        try:
            # One byte more than is allowed tells too much from just enough.
            member = inflate.decompress(body, left + 1)
        except zlib.error:
            raise InvalidRequest(BROKEN_GZIP.at()) from None
        left -= len(member)
        if left < 0:
            raise TooLarge(BODY_TOO_LARGE.at(limit=limit))
        if not inflate.eof:
            raise InvalidRequest(BROKEN_GZIP.at())
        members.append(member)
        body = inflate.unused_data
    return b"".join(members)
