"""Hosts: which names this gateway answers to, and the base URL that follows from the one a client used.

A page of somebody else's, opened on the machine the gateway runs on, may reach loopback through a name of its own
(DNS rebinding); it cannot choose the Host its browser sends.

Source: RFC 9110, 7.2 (Host), 7.4 (rejecting misdirected requests); FHIR R4, RESTful API, "Service Base URL".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.rest.complaints import HOST_NOT_SERVED
from fhir_gateway.settings import Settings

_HOST = re.compile(rb"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::\d{1,5})?\Z")
_KNOWN_AT_MOST = 256


class Hosts:
    """Answers for a Host header; `known` holds the ones found good."""

    def __init__(self, settings: Settings) -> None:
        self._public = settings.public_url
        self._path = settings.base_path
        self._trust = settings.trust_forwarded
        named = {name.lower() for name in settings.allowed_hosts}
        if settings.public_url is not None:
            named.add(urlsplit(settings.public_url).hostname or "")
        self._any = "*" in named or (not settings.is_loopback and not settings.allowed_hosts)
        self._named = frozenset(named)
        self.known: dict[bytes | None, str] = {}

    def base_of(self, headers: Mapping[bytes, bytes], scheme: str, server: tuple[str, int] | None) -> str:
        """Return the FHIR base URL, without trailing slash, for the host that a request addresses.

        Raises: InvalidRequest when this gateway does not answer for that host.
        """
        host = headers.get(b"host")
        if host not in self.known:
            text = f"{server[0]}:{server[1]}" if server else "localhost"
            if host is not None:
                self._check(host)
                text = host.decode()
            if len(self.known) >= _KNOWN_AT_MOST:
                self.known.clear()
            self.known[host] = text
        if self._public is not None:
            return self._public
        name = self.known[host]
        if self._trust:
            proto, forwarded = headers.get(b"x-forwarded-proto"), headers.get(b"x-forwarded-host")
            if proto in (b"http", b"https"):
                scheme = proto.decode()
            if forwarded is not None and _HOST.match(forwarded):
                name = forwarded.decode()
        return f"{scheme}://{name}{self._path}"

    def _check(self, host: bytes) -> None:
        found = _HOST.match(host)
        name = (found[1] or found[2]).decode().lower() if found else ""
        if not found or not (self._any or name in self._named or _is_loopback(name)):
            raise InvalidRequest(HOST_NOT_SERVED.at(host=host.decode("latin-1")))


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
