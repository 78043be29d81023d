"""Responses: an answer or a refusal as status, headers and body.

Source: FHIR R4, RESTful API, "HTTP Headers", "Status codes"; RFC 9110.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from fhir_gateway.fhir import primitives
from fhir_gateway.fhir.outcome import FhirError, Language, NotAllowed, Unauthenticated, operation_outcome
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.patch import FORMATS as PATCH_FORMATS
from fhir_gateway.rest.negotiate import Format

Headers = list[tuple[bytes, bytes]]
ToXml = Callable[[bytes], bytes]  # finished JSON of a resource → its XML

# Health data is kept by no cache, neither a shared one nor a browser's disk: clients that want If-None-Match keep
# the ETag themselves.
NO_STORE = (b"cache-control", b"no-store")
VARY = (b"vary", b"Accept, Accept-Encoding")
VARY_LANGUAGE = (b"vary", b"Accept, Accept-Encoding, Accept-Language")
NO_SNIFF = (b"x-content-type-options", b"nosniff")
GZIP = (b"content-encoding", b"gzip")
LENGTH_0 = (b"content-length", b"0")


@dataclass(slots=True)
class Response:
    """What goes out. `body` is complete; Content-Length and Content-Encoding are among the headers."""

    status: int
    headers: Headers
    body: bytes = b""


def of_answer(answer: Answer, format_: Format, base: str, to_xml: ToXml, gzip_from: int | None = None) -> Response:
    """Return an answer as HTTP. `gzip_from`: compress bodies of at least so many bytes (None: not accepted)."""
    headers: Headers = [NO_STORE, VARY]
    if answer.version is not None:
        headers.append((b"etag", b'W/"%d"' % answer.version))
    if answer.last_updated is not None:
        headers.append((b"last-modified", http_date(answer.last_updated // 1_000_000)))
    if answer.location is not None:
        headers.append((b"location", f"{base}/{answer.location}".encode()))
    if answer.content_location is not None:
        headers.append((b"content-location", f"{base}/{answer.content_location}".encode()))
    if answer.next is not None:
        headers.append((b"link", f'<{answer.next}>; rel="next"'.encode()))
    if answer.media_type is not None and answer.body is not None:
        return _as_it_is(answer.status, headers, answer.body, answer.media_type, gzip_from)
    if answer.body is None:
        if answer.status not in (204, 304):
            headers.append(LENGTH_0)
        return Response(answer.status, headers)
    return _with_body(answer.status, headers, answer.body, format_, to_xml, gzip_from)


def of_refusal(
    error: FhirError,
    format_: Format,
    language: Language,
    to_xml: ToXml,
    method: str = "GET",
    challenge: bytes | None = None,
) -> Response:
    """Return a refusal as HTTP: an OperationOutcome with all issues, in the representation and language asked for.

    `challenge`: what one is told who has not said who he is, or whose token does not reach that far.
    """
    headers: Headers = [NO_STORE, VARY_LANGUAGE, (b"content-language", language.encode())]
    if isinstance(error, NotAllowed):
        # RFC 9110, 15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if challenge is not None or isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", challenge or b'Bearer realm="fhir"'))
    if error.status == 415 and method == "PATCH":
        headers.append((b"accept-patch", ", ".join(PATCH_FORMATS).encode()))
    if error.status in (429, 503):
        headers.append((b"retry-after", b"%d" % getattr(error, "retry_after", 5)))
    version = getattr(error, "version", None)
    if version is not None:
        headers.append((b"etag", b'W/"%d"' % version))
    body = msgspec.json.encode(operation_outcome(error.issues, language))
    return _with_body(error.status, headers, body, format_, to_xml, None)


def _as_it_is(status: int, headers: Headers, body: bytes, media_type: str, gzip_from: int | None) -> Response:
    """Return a body that is no resource; what is compressed already is left so."""
    if gzip_from is not None and len(body) >= gzip_from and "zip" not in media_type:
        body = gzipped(body)
        headers.append(GZIP)
    headers += [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body)), NO_SNIFF]
    return Response(status, headers, body)


def _with_body(
    status: int, headers: Headers, body: bytes, format_: Format, to_xml: ToXml, gzip_from: int | None
) -> Response:
    if format_.kind == "xml":
        body = to_xml(body)
    elif format_.pretty:
        body = msgspec.json.format(body, indent=2)
    if gzip_from is not None and len(body) >= gzip_from:
        body = gzipped(body)
        headers.append(GZIP)
    headers += [(b"content-type", format_.content_type), (b"content-length", b"%d" % len(body)), NO_SNIFF]
    return Response(status, headers, body)


def gzipped(body: bytes) -> bytes:
    """Return a body compressed for the wire: level 1, since a network waits less for zlib than zlib for level 6."""
    return zlib.compress(body, 1, wbits=31)


@lru_cache(maxsize=16_384)
def http_date(seconds: int) -> bytes:
    """Return seconds since the epoch as the HTTP date of a header: b"Sat, 21 Nov 2026 21:03:35 GMT"."""
    return primitives.http_date(seconds * primitives.SECOND).encode()
