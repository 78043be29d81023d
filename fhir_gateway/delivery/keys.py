"""Keys and discovery documents of issuers and clients, fetched over the network within bounds.

Source: RFC 7517, "JWK Set"; OpenID Connect Discovery 1.0; RFC 8725, "Do Not Trust Received
Claims" (requests that a server is made to send).
"""

from __future__ import annotations

import time
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

SECONDS = 5.0  # for all of it: whoever waits for these keys holds a thread
MAX_BYTES = 256 * 1024
_CHUNK = 16 * 1024


class NotFetched(OSError):
    """The document cannot be had; the text says why."""


def fetched(url: str) -> bytes:
    """Return what is at a URL, as it is: https, or http on this machine; no redirect is followed.

    Neither credentials of a .netrc nor cookies are sent. Raises: NotFetched.
    """
    if not _is_safe(url):
        raise NotFetched("only https is asked, and http on loopback")
    import requests  # a twentieth of a start, which most gateways need not spend
    from urllib3.exceptions import HTTPError

    deadline = time.monotonic() + SECONDS
    try:
        with requests.Session() as session:
            session.auth = _nobody  # or requests would look for credentials in a .netrc
            headers = {"Accept": "application/jwk-set+json, application/json"}
            with session.get(url, headers=headers, timeout=SECONDS, stream=True, allow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise NotFetched(f"answered {answer.status_code}")
                return _read(answer, deadline)
    except (requests.RequestException, HTTPError, ValueError) as error:
        raise NotFetched(type(error).__name__) from error


def _read(answer: requests.Response, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    # Not iter_content, which waits until a chunk is full: a server may take its time for every byte.
    while part := answer.raw.read1(_CHUNK, decode_content=True):
        size += len(part)
        if size > MAX_BYTES:
            raise NotFetched(f"is longer than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise NotFetched(f"took longer than {SECONDS:g} seconds")
        parts.append(part)
    return b"".join(parts)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username is not None or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (host == "localhost" or _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
