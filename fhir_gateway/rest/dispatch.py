"""The front door: FHIR requests go from ASGI straight to the acts; everything else goes to the pages.

A read is the commonest request by far, so it has a way of its own, without a thread and with nothing built that is
not sent. Whatever is unusual about a read (parameters, XML, a repeated header, a refusal) takes the general way.

Source: FHIR R4, RESTful API, "read"; ASGI 3.0, "HTTP Connection Scope".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from fhir_gateway.fhir.outcome import NotAcceptable
from fhir_gateway.interactions.interaction import ANONYME, Actor, Answer, Conditions
from fhir_gateway.interactions.read import UNCONDITIONAL
from fhir_gateway.rest import log
from fhir_gateway.rest.answer import LARGE, Acts, Answerer, Receive, Scope
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.lanes import ClientGone, Lanes
from fhir_gateway.rest.metrics import READ, ROW_OF, Metrics
from fhir_gateway.rest.negotiate import format_of, takes_gzip
from fhir_gateway.rest.request import echoed_id
from fhir_gateway.rest.respond import GZIP, NO_SNIFF, NO_STORE, VARY, Headers, gzipped, http_date
from fhir_gateway.rest.routes import ID
from fhir_gateway.settings import Settings

Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ACCEPTS_AT_MOST = 256


class Door:
    """The ASGI application. Closed until `open`; then FHIR requests below the base path are answered.

    `beside`: the paths below the base path that are pages nevertheless.
    """

    def __init__(self, settings: Settings, pages: App, metrics: Metrics, beside: frozenset[str] = frozenset()) -> None:
        self._pages = pages
        self._beside = beside
        self._metrics = metrics
        self._base = settings.base_path
        self._below = settings.base_path + "/"
        self._skip = len(self._below)
        self._gzip_from = settings.gzip_from
        self._types: frozenset[str] = frozenset()
        self._read_now: Callable[[str, str, Conditions, Actor], Answer] | None = None
        self._read_soon: Callable[[str, str, Conditions, Actor], Awaitable[Answer]] | None = None
        self._identity: Identity | None = None
        self._answerer = Answerer(settings)
        self._hosts = self._answerer.hosts.known
        # The Content-Type for each Accept header that asks for plain JSON; None for one that asks for more.
        self._plain: dict[bytes | None, bytes | None] = {}
        self._logged = 0.0
        self._share = settings.log_requests

    @property
    def lanes(self) -> Lanes:
        """Where long work runs."""
        return self._answerer.lanes

    def open(self, acts: Acts) -> None:
        """Begin to answer."""
        self._types = acts.representations.resources
        self._read_now, self._read_soon = acts.read_now, acts.read_soon
        self._identity = acts.identity
        self._answerer.acts = acts

    def close(self) -> None:
        """Answer no more, and wait for the work that has begun."""
        self._types = frozenset()
        self._read_now = self._read_soon = self._answerer.acts = None
        self.lanes.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(self._below):
            if scope["method"] == "GET" and not scope["query_string"]:
                type_, _, id_ = path[self._skip :].partition("/")
                # A path with escapes is longer raw than decoded.
                if type_ in self._types and ID.match(id_) and len(scope.get("raw_path") or b"") == len(path):
                    headers = dict(scope["headers"])
                    content_type = self._plain_json(headers.get(b"accept"))
                    actor: Actor | None = ANONYME
                    if self._identity is not None:
                        actor = self._identity.known(headers.get(b"authorization"))
                    if (
                        content_type is not None
                        and actor is not None
                        and headers.get(b"host") in self._hosts
                        and len(headers) == len(scope["headers"])
                        and (self._read_now is not None or self._read_soon is not None)
                    ):
                        failed = await self._read(type_, id_, actor, headers, content_type, send, started)
                        if failed is not None:
                            await self._answer(scope, receive, send, started, failed)
                        return
            if path in self._beside:
                await self._pages(scope, receive, send)
                return
        elif path != self._base:
            await self._pages(scope, receive, send)
            return
        await self._answer(scope, receive, send, started)

    def _plain_json(self, accept: bytes | None) -> bytes | None:
        if accept in self._plain:
            return self._plain[accept]
        try:
            format_ = format_of(accept.decode("latin-1") if accept is not None else None)
        except NotAcceptable:
            return None
        content_type = format_.content_type if format_.kind == "json" and not format_.pretty else None
        if len(self._plain) < _ACCEPTS_AT_MOST:
            self._plain[accept] = content_type
        return content_type

    async def _read(
        self,
        type_: str,
        id_: str,
        actor: Actor,
        headers: Mapping[bytes, bytes],
        content_type: bytes,
        send: Send,
        started: float,
    ) -> Exception | None:
        """Answer a plain read; or return why not, and send nothing."""
        conditions = UNCONDITIONAL
        if b"if-none-match" in headers or b"if-modified-since" in headers:
            conditions = Conditions(
                if_none_match=_text(headers.get(b"if-none-match")),
                if_modified_since=_text(headers.get(b"if-modified-since")),
            )
        try:
            if self._read_now is not None:
                answer = self._read_now(type_, id_, conditions, actor)
            else:
                assert self._read_soon is not None
                answer = await self._read_soon(type_, id_, conditions, actor)
        except Exception as error:  # noqa: BLE001 - the general way tells the refusal or the defect
            return error
        request_id = echoed_id(headers) or self._answerer.new_id()
        out: Headers = [NO_STORE, VARY, (b"x-request-id", request_id)]
        if answer.version is not None:
            out.append((b"etag", b'W/"%d"' % answer.version))
        if answer.last_updated is not None:
            out.append((b"last-modified", http_date(answer.last_updated // 1_000_000)))
        body = answer.body
        if body is not None:
            if len(body) >= self._gzip_from and takes_gzip(headers.get(b"accept-encoding", b"").decode("latin-1")):
                body = gzipped(body) if len(body) < LARGE else await self.lanes.aside(gzipped, body)
                out.append(GZIP)
            out += ((b"content-type", content_type), (b"content-length", b"%d" % len(body)), NO_SNIFF)
        else:
            body = b""
        await send({"type": "http.response.start", "status": answer.status, "headers": out})
        await send({"type": "http.response.body", "body": body})
        seconds = perf_counter() - started
        self._metrics.observe(READ, answer.status, seconds, 0, len(body))
        if self._share:
            self._note("GET", "read", type_, answer.status, seconds, request_id, actor)
        return None

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, started: float, failed: Exception | None = None
    ) -> None:
        """Answer any FHIR request. `failed`: what came of a read already."""
        request = self._answerer.request(scope)
        self._metrics.in_flight(1)
        try:
            response = await self._answerer.respond(request, scope, receive, failed)
        except ClientGone:
            return
        finally:
            self._metrics.in_flight(-1)
        response.headers.append((b"x-request-id", request.request_id))
        body = b"" if request.method == "HEAD" else response.body
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        await send({"type": "http.response.body", "body": body})
        seconds = perf_counter() - started
        self._metrics.observe(ROW_OF[request.code or "none"], response.status, seconds, request.received, len(body))
        if self._share or response.status >= 500:
            self._note(
                request.method, request.code, request.type, response.status, seconds, request.request_id, request.actor
            )

    def _note(
        self,
        method: str,
        code: str | None,
        type_: str | None,
        status: int,
        seconds: float,
        request_id: bytes,
        actor: Actor,
    ) -> None:
        """Leave a line for every server error and for the share of the others that is asked for.

        It names the role; who the person is stands in the trace alone.
        """
        self._logged += self._share
        if status < 500 and self._logged < 1:
            return
        self._logged %= 1
        fields = {
            "method": method,
            "interaction": code,
            "type": type_,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "request_id": request_id.decode("latin-1"),
            **({"role": actor.role} if self._identity is not None else {}),
        }
        log.requests.info("request", extra={"fields": fields})


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None
