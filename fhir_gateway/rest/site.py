"""What is served beside FHIR: pages for people, the OpenAPI document, health, metrics.

Source: FastAPI; Kubernetes, "Liveness, Readiness, and Startup Probes".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Unavailable, operation_outcome
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.rest import html
from fhir_gateway.rest.complaints import METHOD_NOT_ALLOWED, NOT_OPEN, OUTSIDE_BASE
from fhir_gateway.rest.guide import add_guide
from fhir_gateway.rest.hl7v2 import Messages
from fhir_gateway.rest.hl7v2_outgoing import Outgoing
from fhir_gateway.rest.hosts import Hosts
from fhir_gateway.rest.metrics import CONTENT_TYPE, Metrics
from fhir_gateway.rest.negotiate import JSON, language_of
from fhir_gateway.rest.oauth import JWKS, PROTECTED_RESOURCE, SMART_CONFIGURATION, TOKEN, Oauth
from fhir_gateway.rest.openapi import BEARER, paths_of, schemas_of
from fhir_gateway.rest.version import VERSION
from fhir_gateway.settings import Settings

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.current import Refused

Check = Callable[[], None]  # raises FhirError when the database does not answer
_READY_SECONDS = 5.0
_PROBLEMS = 20  # of mappings, told at most


class Site:
    """The FastAPI application and what it shows. `check`, `refused` and `oauth` are set when the gateway is open.

    `refused`: why the newest mappings are not in force.
    """

    def __init__(self, settings: Settings, metrics: Metrics, lifespan: Lifespan[FastAPI]) -> None:
        self._settings = settings
        self._metrics = metrics
        self._hosts = Hosts(settings)
        self._document: dict[str, Any] | None = None
        self.resource_types: tuple[str, ...] = ()
        self.check: Check | None = None
        self.refused: Callable[[], Refused | None] | None = None
        self.oauth: Oauth | None = None
        self.app = FastAPI(
            title="FHIR gateway",
            version=VERSION,
            lifespan=lifespan,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            exception_handlers={HTTPException: self._refused, FhirError: self._closed},
        )
        self.app.openapi = self.document  # type: ignore[method-assign]
        add = self.app.add_api_route
        add("/", self.landing, response_class=HTMLResponse, include_in_schema=False)
        add("/docs", self.docs, response_class=HTMLResponse, include_in_schema=False)
        add_guide(self.app, settings.language)
        add("/openapi.json", self.openapi, include_in_schema=False)
        add("/health/live", self.live, summary="The process answers", tags=["health"])
        add("/health/ready", self.ready, summary="The database answers", tags=["health"], responses=_READY)
        add("/metrics", self.scrape, summary="Counts for Prometheus", tags=["health"], responses=_SCRAPE)
        self.messages = Messages(settings)
        self.messages.add_to(self.app)
        Outgoing(self.messages).add_to(self.app)
        self.beside_fhir = self._add_oauth() if settings.knows_who_asks else frozenset()

    def _add_oauth(self) -> frozenset[str]:
        """Add the pages about tokens; return the paths of those that are below the FHIR base."""
        base = self._settings.base_path
        add = self.app.add_api_route
        add(PROTECTED_RESOURCE + base, self.protected_resource, include_in_schema=False)
        add(base + SMART_CONFIGURATION, self.smart_configuration, include_in_schema=False)
        below = {base + SMART_CONFIGURATION}
        if self._settings.builtin_issuer:
            add(base + JWKS, self.jwks, include_in_schema=False)
            add(base + TOKEN, self.token, methods=["POST"], include_in_schema=False)
            below |= {base + JWKS, base + TOKEN}
        return frozenset(below)

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document: FHIR first, then the probes."""
        if self._document is None or not self.resource_types:
            document = get_openapi(
                title="FHIR gateway",
                version=VERSION,
                summary="FHIR R4 gateway for genomic medicine",
                description="Generic FHIR paths; /metadata tells what differs by type.",
                routes=self.app.routes,
            )
            document["paths"] = paths_of(self._settings.base_path, self._settings.knows_who_asks) | document["paths"]
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas_of(self.resource_types))
            if self._settings.knows_who_asks:
                components["securitySchemes"] = {"bearer": BEARER}
            self._document = document
        return self._document

    async def openapi(self) -> Response:
        return Response(msgspec.json.encode(self.document()), media_type="application/json")

    async def landing(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        try:
            base = self._hosts.base_of(headers, request.scope["scheme"], request.scope["server"])
        except InvalidRequest as refusal:
            return self._outcome(request, refusal)
        page = html.landing(base, self._settings.base_path, self._settings.knows_who_asks)
        return HTMLResponse(page, headers={"content-security-policy": html.policy()})

    async def docs(self) -> Response:
        page = html.docs(self.document(), self._settings.base_path, self._settings.knows_who_asks)
        return HTMLResponse(page, headers={"content-security-policy": html.policy()})

    async def smart_configuration(self) -> Response:
        return _kept_shortly(self._about_tokens.smart_configuration())

    async def protected_resource(self) -> Response:
        return _kept_shortly(self._about_tokens.protected_resource())

    async def jwks(self) -> Response:
        return _kept_shortly(self._about_tokens.jwks())

    async def token(self, request: Request) -> Response:
        return await self._about_tokens.token(request)

    @property
    def _about_tokens(self) -> Oauth:
        if self.oauth is None:
            raise Unavailable(NOT_OPEN.at())
        return self.oauth

    async def live(self) -> Response:
        return JSONResponse({"status": "up"})

    async def ready(self, request: Request) -> Response:
        if self.check is None:
            return JSONResponse({"status": "starting"}, 503)
        try:
            await asyncio.wait_for(asyncio.to_thread(self.check), _READY_SECONDS)
        except (FhirError, TimeoutError):
            return JSONResponse({"status": "database unavailable"}, 503, {"retry-after": "5"})
        refused = self.refused() if self.refused is not None else None
        if refused is None:
            return JSONResponse({"status": "ready"})
        # It answers, by the last good version: a probe must not end it for that.
        language = language_of(request.headers.get("accept-language"), self._settings.language)
        problems = [each.text(language) for each in refused.issues[:_PROBLEMS]]
        since = instant_text(int(refused.since * 1_000_000))
        told = {"status": "refused", "since": since, "count": len(refused.issues), "problems": problems}
        return JSONResponse({"status": "ready", "mappings": told})

    async def scrape(self) -> Response:
        page = await asyncio.to_thread(self._metrics.page)
        return Response(page, headers={"content-type": CONTENT_TYPE.decode()})

    async def _refused(self, request: Request, error: Exception) -> Response:
        """Tell in FHIR's way that there is nothing here, or not by this method."""
        assert isinstance(error, HTTPException)
        place = request.url.path
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "GET")
            issue = METHOD_NOT_ALLOWED.at(method=request.method, place=place, allowed=allowed)
        else:
            issue = OUTSIDE_BASE.at(place=place, base=self._settings.base_path)
        refusal = FhirError(issue)
        return self._outcome(request, refusal, error.status_code, dict(error.headers or {}))

    async def _closed(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, FhirError)
        return self._outcome(request, error, headers={"retry-after": "5"})

    def _outcome(
        self, request: Request, refusal: FhirError, status: int | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        language = language_of(request.headers.get("accept-language"), self._settings.language)
        body = msgspec.json.encode(operation_outcome(refusal.issues, language))
        all_headers = {**(headers or {}), "content-type": JSON.content_type.decode()}
        return Response(body, status or refusal.status, all_headers)


def _kept_shortly(document: dict[str, Any]) -> Response:
    """Return a public document about tokens: the same for everybody, and rarely another one."""
    return JSONResponse(document, headers={"cache-control": "public, max-age=300"})


_READY: dict[int | str, dict[str, Any]] = {503: {"description": "It does not answer, or the gateway is starting"}}
_SCRAPE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
