"""The gateway seen by a Python program: every FHIR interaction as a method, resources as plain dicts.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote, unquote

import msgspec
import requests

from fhir_gateway.client.refusal import Refused, Unreachable

Resource = dict[str, Any]
Parameters = Mapping[str, str | Sequence[str]]

JSON = "application/fhir+json"
# Decimals stay decimals both ways: 1.10 is not 1.1 (FHIR R4, Datatypes, "decimal").
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Typed(Protocol):
    """A typed resource, as fhir.resources makes them (take its R4B classes)."""

    def model_dump_json(self) -> str: ...


class Gateway:
    """A FHIR R4 server at `base_url`.

    Resources go in as dicts or typed objects and come out as dicts, decimals as `Decimal`. A refusal raises
    `Refused`; no answer at all raises `Unreachable`. `timeout` in seconds, for each request; `witness` is told the
    method, the URL and the status of each; `token` is an access token, sent to this server alone. One Gateway belongs
    to one thread, as its `session` does.
    """

    def __init__(
        self,
        base_url: str,
        *,
        session: requests.Session | None = None,
        timeout: float = 60.0,
        language: str = "en",
        witness: Callable[[str, str, int], None] | None = None,
        token: str | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = session or requests.Session()
        self.timeout = timeout
        self.language = language
        self.witness = witness
        self._auth = None if token is None else _Bearer(token)

    def capabilities(self) -> Resource:
        """Return the server's CapabilityStatement."""
        return self._resource("GET", "metadata")

    def create(self, resource: Resource | Typed, *, if_none_exist: str | None = None) -> Resource:
        """Return the resource as stored; with `if_none_exist` ("identifier=system|value") the one that was there.

        Source: RESTful API, "create", "Conditional create".
        """
        content = _plain(resource)
        headers = {} if if_none_exist is None else {"If-None-Exist": if_none_exist}
        return self._resource("POST", content["resourceType"], content=content, headers=headers)

    def read(self, type: str, id: str, *, version: str | int | None = None) -> Resource:
        """Return the current version, or the version named."""
        tail = "" if version is None else f"/_history/{quote(str(version), safe='')}"
        return self._resource("GET", _instance(type, id) + tail)

    def update(
        self, resource: Resource | Typed, *, if_match: str | int | None = None, criteria: Parameters | None = None
    ) -> Resource:
        """Return the resource as stored. `if_match`: the version it was made from; 412 when that is no longer current.

        With `criteria` the server finds the resource to update, or creates one.
        Source: RESTful API, "update", "Conditional update", "Managing Resource Contention".
        """
        content = _plain(resource)
        type = content["resourceType"]
        path = type if criteria is not None else _instance(type, content["id"])
        return self._resource("PUT", path, parameters=criteria, content=content, headers=_if_match(if_match))

    def patch(
        self,
        type: str,
        id: str,
        patch: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        if_match: str | int | None = None,
    ) -> Resource:
        """Return the resource after a JSON Patch (a list of operations, RFC 6902) or a FHIRPath Patch (Parameters)."""
        is_resource = isinstance(patch, Mapping)
        media_type = "application/fhir+json" if is_resource else "application/json-patch+json"
        headers = {"Content-Type": media_type, **_if_match(if_match)}
        content = patch if is_resource else list(patch)
        return self._resource("PATCH", _instance(type, id), content=content, headers=headers)

    def delete(self, type: str, id: str) -> None:
        """Delete the resource; deleting what is not there is no error."""
        self._request("DELETE", _instance(type, id))

    def pages(self, type: str, parameters: Parameters | None = None) -> Iterator[Resource]:
        """Yield the pages (Bundles) of a search, following their `next` links."""
        yield from self._pages(type, parameters)

    def search(self, type: str, parameters: Parameters | None = None) -> Iterator[Resource]:
        """Yield the resources found, over all pages: matches and what was included with them.

        A name that repeats has a list of values: `{"birthdate": ["ge1970", "lt1980"]}`.
        """
        for page in self._pages(type, parameters):
            yield from (entry["resource"] for entry in page.get("entry", []))

    def history(
        self, type: str | None = None, id: str | None = None, parameters: Parameters | None = None
    ) -> Iterator[Resource]:
        """Yield the entries of a history, newest first: of a resource, of a type, or of everything.

        Entries, not resources, since a deletion is an entry without one. `parameters`: `_since`, `_at`, `_count`.
        """
        above = "" if type is None else (type if id is None else _instance(type, id)) + "/"
        for page in self._pages(f"{above}_history", parameters):
            yield from page.get("entry", [])

    def transaction(self, entries: Resource | Sequence[Mapping[str, Any]]) -> Resource:
        """Return the transaction-response Bundle for a transaction Bundle, or for its entries alone."""
        return self._bundle("transaction", entries)

    def batch(self, entries: Resource | Sequence[Mapping[str, Any]]) -> Resource:
        """Return the batch-response Bundle; each entry of it succeeded or failed by itself."""
        return self._bundle("batch", entries)

    def operation(
        self,
        name: str,
        type: str | None = None,
        id: str | None = None,
        *,
        parameters: Parameters | None = None,
        content: Resource | None = None,
        post: bool = False,
    ) -> Resource:
        """Return what an operation ("everything", without the $) answers, asked of everything, a type or a resource.

        It is asked for with GET, or with POST where there is `content` (a Parameters resource) or `post`.
        Source: Operations, "Executing an Operation Synchronously".
        """
        above = "" if type is None else (type if id is None else _instance(type, id)) + "/"
        method = "POST" if post or content is not None else "GET"
        return self._resource(method, f"{above}${name}", parameters=parameters, content=content)

    def _bundle(self, kind: str, entries: Resource | Sequence[Mapping[str, Any]]) -> Resource:
        bundle = entries if isinstance(entries, dict) else {"resourceType": "Bundle", "type": kind, "entry": entries}
        return self._resource("POST", "", content=bundle)

    def _pages(self, path: str, parameters: Parameters | None) -> Iterator[Resource]:
        page = self._resource("GET", path, parameters=parameters)
        yield page
        while (link := _next(page)) is not None:
            page = self._resource("GET", link)
            yield page

    def _resource(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        content: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Resource:
        response = self._request(method, path, parameters, content, headers)
        resource: Resource = _decode(response.content)
        return resource

    def _request(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        content: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}/{path}".rstrip("/")
        sent = {"Accept": JSON, "Accept-Language": self.language, "Prefer": "return=representation"}
        body = None if content is None else _encode(content)
        if body is not None:
            sent["Content-Type"] = JSON
        sent.update(headers or {})
        auth = (
            self._auth if url == self.base_url or url.startswith((f"{self.base_url}/", f"{self.base_url}?")) else None
        )
        try:
            response = self.session.request(
                method, url, params=parameters, data=body, headers=sent, auth=auth, timeout=self.timeout
            )
        except (requests.ConnectionError, requests.Timeout) as failure:
            raise Unreachable(f"{method} {url} got no answer: {type(failure).__name__}") from failure
        if self.witness is not None:
            self.witness(method, unquote(response.url), response.status_code)
        if not response.ok:
            raise Refused(f"{method} {url}", response.status_code, _outcome(response), response.reason)
        return response


class _Bearer(requests.auth.AuthBase):
    """An access token (RFC 6750); as `auth`, so that no .netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _plain(resource: Resource | Typed) -> Resource:
    if isinstance(resource, dict):
        return resource
    plain: Resource = _decode(resource.model_dump_json())
    return plain


def _instance(type: str, id: str) -> str:
    return f"{quote(type, safe='')}/{quote(id, safe='')}"


def _if_match(version: str | int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'W/"{version}"'}


def _next(page: Resource) -> str | None:
    return next((str(link["url"]) for link in page.get("link", []) if link["relation"] == "next"), None)


def _outcome(response: requests.Response) -> Resource | None:
    """Return the OperationOutcome of a refusal; None when something else answered (a proxy, another server)."""
    if "json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        content = _decode(response.content)
    except msgspec.DecodeError:
        return None
    return content if isinstance(content, dict) and content.get("resourceType") == "OperationOutcome" else None
