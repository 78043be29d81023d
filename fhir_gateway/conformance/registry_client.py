"""A package registry asked over HTTP: which versions a package has, and the package itself, checked.

This is the one place where packages come over the network.

Source: FHIR Package Registry, "Package Server API"; npm, "Package Metadata", `dist.shasum`, `dist.integrity`.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import new as new_hash
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import Request, build_opener

from fhir_gateway.conformance import package_complaints as complaints
from fhir_gateway.conformance.fhir_package import PackageError
from fhir_gateway.conformance.package_folder import rank

MAX_BYTES = 512 * 1024 * 1024  # of a package as it comes
MAX_DESCRIPTION = 16 * 1024 * 1024
_CHUNK = 1 << 20
_SHOWN = 8  # versions that a complaint names
_STRONGEST = ("sha512", "sha384", "sha256", "sha1")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A package as the registry sent it, its checksum verified where the registry announces one."""

    name: str
    version: str
    content: bytes


class RegistryClient:
    """A registry at a URL. `timeout`: seconds that it may be silent."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._open = build_opener().open

    def download(self, name: str, version: str = "") -> Downloaded:
        """Return a package; `version` may be exact, "3.0.x", or empty for the newest release.

        Raises: PackageError when the registry cannot be reached, has it not, or sends something else than announced.
        """
        described = self._described(name)
        chosen = self._chosen(name, version, described)
        dist = described["versions"][chosen].get("dist")
        dist = dist if isinstance(dist, dict) else {}
        place = dist.get("tarball")
        url = urljoin(self.url + "/", place) if isinstance(place, str) else f"{self.url}/{quote(name)}/{quote(chosen)}"
        # What is announced safely is not fetched in the open.
        if urlsplit(self.url).scheme == "https" and url.startswith("http://"):
            url = "https://" + url.removeprefix("http://")
        content = self._get(url, f"{name}@{chosen}", MAX_BYTES)
        self._verify(f"{name}@{chosen}", content, dist)
        return Downloaded(name, chosen, content)

    def _described(self, name: str) -> dict[str, Any]:
        body = self._get(f"{self.url}/{quote(name)}", name, MAX_DESCRIPTION)
        try:
            described = json.loads(body)
        except ValueError:
            described = None
        versions = described.get("versions") if isinstance(described, dict) else None
        if not isinstance(versions, dict) or not all(isinstance(each, dict) for each in versions.values()):
            raise PackageError(complaints.REGISTRY_ANSWER.at(registry=self.url, package=name))
        found: dict[str, Any] = described
        return found

    def _chosen(self, name: str, version: str, described: Mapping[str, Any]) -> str:
        versions = sorted(described["versions"], key=rank, reverse=True)
        tags = described.get("dist-tags")
        latest = tags.get("latest") if isinstance(tags, dict) else None
        if version in ("", "latest"):
            released = [each for each in versions if "-" not in each]
            chosen = latest if latest in versions else next(iter(released or versions), None)
        elif version.endswith(".x"):
            chosen = next((each for each in versions if each.startswith(version.removesuffix("x"))), None)
        else:
            chosen = version if version in versions else None
        if chosen is None:
            shown = ", ".join(versions[:_SHOWN]) + (" …" if len(versions) > _SHOWN else "")
            raise PackageError(
                complaints.VERSION_ABSENT.at(registry=self.url, package=name, version=version, versions=shown or "-")
            )
        return str(chosen)

    def _get(self, url: str, package: str, limit: int) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise PackageError(complaints.REGISTRY_ANSWER.at(registry=self.url, package=package))
        request = Request(url, headers={"Accept": "application/json, application/gzip, */*"})
        received = bytearray()
        try:
            with self._open(request, timeout=self._timeout) as response:
                while chunk := response.read(_CHUNK):
                    received += chunk
                    if len(received) > limit:
                        raise PackageError(
                            complaints.TOO_LARGE.at(package=package, what="the download", limit=f"{limit} bytes")
                        )
        except HTTPError as error:
            with error:  # it holds the connection open
                refusal = complaints.REGISTRY_REFUSED.at(registry=self.url, package=package, status=error.code)
            raise PackageError(refusal) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise PackageError(
                complaints.REGISTRY_UNREACHABLE.at(registry=self.url, package=package, reason=reason)
            ) from error
        return bytes(received)

    def _verify(self, package: str, content: bytes, dist: Mapping[str, Any]) -> None:
        """Compare what came with the checksums announced for it: the strongest of them."""
        announced = dict(_announced(dist))
        for algorithm in _STRONGEST:
            if algorithm in announced:
                if new_hash(algorithm, content).digest() not in announced[algorithm]:
                    raise PackageError(complaints.CHECKSUM.at(registry=self.url, package=package, algorithm=algorithm))
                return


def _announced(dist: Mapping[str, Any]) -> dict[str, list[bytes]]:
    """Return the checksums of a `dist` by algorithm. Source: W3C Subresource Integrity, "integrity metadata"."""
    found: dict[str, list[bytes]] = {}
    for each in str(dist.get("integrity") or "").split():
        algorithm, dash, digest = each.partition("-")
        if dash and algorithm in _STRONGEST:
            try:
                found.setdefault(algorithm, []).append(b64decode(digest, validate=True))
            except Base64Error:
                found.setdefault(algorithm, [])  # announced but unreadable: nothing can match it
    shasum = dist.get("shasum")
    if isinstance(shasum, str) and shasum:
        try:
            found.setdefault("sha1", []).append(bytes.fromhex(shasum))
        except ValueError:
            found.setdefault("sha1", [])
    return found
