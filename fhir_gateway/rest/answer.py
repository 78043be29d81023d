"""The general way of a FHIR request: head, body, interaction, answer or refusal.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fhir_gateway.fhir.json import MAX_DEPTH, TOO_DEEP
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, NotFound, Unavailable
from fhir_gateway.interactions import places
from fhir_gateway.interactions.interaction import Actor, Answer, Conditions, Interaction, Sent
from fhir_gateway.interactions.operations.table import gives_files
from fhir_gateway.interactions.patch import FORMATS as PATCH_FORMATS
from fhir_gateway.rest.act import check_content_type, interaction_of, is_file
from fhir_gateway.rest.body import inflated, receive_body
from fhir_gateway.rest.complaints import DEFECT, NOT_OPEN, OUTSIDE_BASE
from fhir_gateway.rest.hosts import Hosts
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.lanes import ClientGone, Lanes
from fhir_gateway.rest.negotiate import JSON, body_kind, container_of, format_of, language_of, takes_gzip
from fhir_gateway.rest.representations import Representations
from fhir_gateway.rest.request import (
    Request,
    conditions_of,
    echoed_id,
    joined_headers,
    parameters_of,
    segments_of,
    without_own,
)
from fhir_gateway.rest.respond import NO_STORE, Response, of_answer, of_refusal
from fhir_gateway.rest.routes import Route, route
from fhir_gateway.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]

LARGE = 256 * 1024  # bytes; what takes longer than a millisecond to compress is compressed in a thread
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_RESOURCES = frozenset({"create", "update", "batch", "transaction", "operation"})  # whose body is a resource

logger = logging.getLogger(__name__)


class NotAtHand(Exception):
    """What a short way needs would have to be waited for: the general way is taken."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What the door calls. Of the two short ways to read at most one is there.

    `read_now` answers at once on the event loop's own thread; `read_soon` awaits the database. Both raise what
    `perform` would, or NotAtHand. `identity` tells who sends a request; None: nobody is asked, everybody is `anonyme`.
    """

    perform: Callable[[Interaction, Actor], Answer]
    representations: Representations
    read_now: Callable[[str, str, Conditions, Actor], Answer] | None = None
    read_soon: Callable[[str, str, Conditions, Actor], Awaitable[Answer]] | None = None
    identity: Identity | None = None


class Answerer:
    """Answers FHIR requests, whatever they are. Without `acts` (not open) each is refused with 503."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.hosts = Hosts(settings)
        self.lanes = Lanes(
            settings.threads, settings.max_concurrency, settings.max_held_bytes, settings.request_timeout
        )
        self.acts: Acts | None = None
        self._first = secrets.token_hex(4).encode()
        self._numbers = itertools.count(1)

    def new_id(self) -> bytes:
        """Return an id for a request that brought none, unique among processes and restarts."""
        return b"%b-%d" % (self._first, next(self._numbers))

    def request(self, scope: Scope) -> Request:
        """Return what is certain about a request before anything in it is judged."""
        headers = joined_headers(scope["headers"])
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        request = Request(
            method=scope["method"],
            place=raw_path.decode("latin-1"),
            headers=headers,
            request_id=echoed_id(headers) or self.new_id(),
        )
        request.language = language_of(request.header(b"accept-language"), self._settings.language)
        return request

    async def respond(
        self, request: Request, scope: Scope, receive: Receive, failed: Exception | None = None
    ) -> Response:
        """Return the response to a request. `failed`: what came of it already, when it took the short way.

        Raises: ClientGone when nobody waits for it any more.
        """
        try:
            self._read_query(request, scope["query_string"])
            if self.acts is None:
                raise Unavailable(NOT_OPEN.at())
            found = self._read_url(request, scope, self.acts)
            if request.method == "OPTIONS":
                return _options(found)
            request.code = found.code(request.method, request.place)
            # The CapabilityStatement says how one becomes known, so it is for everybody.
            if self.acts.identity is not None and request.code != "capabilities":
                request.actor = await self._actor(self.acts.identity, request)
            if failed is not None and not isinstance(failed, NotAtHand):
                raise failed
            if request.method not in _BODIES:
                return await self._carry_out(self.acts, request, found, None, receive)
            check_content_type(request, found, request.code)
            body = await receive_body(request, receive, self.lanes, self._settings.max_body_bytes)
            request.received = len(body)
            try:
                return await self._carry_out(self.acts, request, found, body, receive)
            finally:
                self.lanes.free(len(body))
        except FhirError as refusal:
            return self._refused(request, refusal)
        except ClientGone:
            raise
        except RecursionError as error:
            if not request.received:
                return self._defect(request, error)
            return self._refused(request, InvalidRequest(TOO_DEEP.at(limit=MAX_DEPTH)))
        except Exception as error:  # noqa: BLE001 - the door of the house: a defect is told as an incident
            return self._defect(request, error)

    def _read_query(self, request: Request, query: bytes) -> None:
        """Fill in the parameters, and the format that `_format` or the Accept header asks for."""
        if gives_files(request.place.rpartition("/$")[2]):
            self._read_container(request, query)
        # The Accept header first: a refusal of the query is written as it says.
        request.format = format_of(request.header(b"accept")) if request.container is None else JSON
        if not query:
            return
        request.parameters, request.own = without_own(parameters_of(query.decode("latin-1")))
        if request.own and request.container is None:
            asked, pretty = request.own.get("_format"), request.own.get("_pretty")
            request.format = format_of(request.header(b"accept"), asked, pretty)

    def _read_container(self, request: Request, query: bytes) -> None:
        """Fill in which files are asked for, where the operation gives files."""
        own = without_own(parameters_of(query.decode("latin-1")))[1] if query else {}
        request.container = container_of(request.header(b"accept"), own.get("_format"))

    def _read_url(self, request: Request, scope: Scope, acts: Acts) -> Route:
        """Fill in the base URL, and return what the path names."""
        request.base = self.hosts.base_of(request.headers, scope["scheme"], scope.get("server"))
        base = self._settings.base_path
        if not request.place.startswith(base):
            raise NotFound(OUTSIDE_BASE.at(place=request.place, base=base))
        found = route(segments_of(request.place[len(base) + 1 :]), acts.representations.resources, request.place)
        request.type = found.type
        return found

    async def _actor(self, identity: Identity, request: Request) -> Actor:
        """Return who sends a request, before anything of its body is read. Raises: as `Identity.actor`."""
        authorization = request.headers.get(b"authorization")
        known = identity.known(authorization)
        if known is not None or authorization is None:
            return known or identity.actor(None)
        # A signature takes a millisecond, and the keys it is checked with may have to be fetched.
        return await self.lanes.aside(identity.actor, authorization)

    async def _carry_out(
        self, acts: Acts, request: Request, found: Route, body: bytes | None, receive: Receive
    ) -> Response:
        if request.code == "read" and request.format.kind == "json" and not request.parameters:
            answer = await self._short_read(acts, request, found)
            if answer is not None and len(answer.body or b"") < LARGE:
                return self._written(acts, request, answer)
            if answer is not None:
                return await self.lanes.aside(self._written, acts, request, answer)
        return await self.lanes.run(lambda: self._work(acts, request, found, body), receive)

    async def _short_read(self, acts: Acts, request: Request, found: Route) -> Answer | None:
        type_, id_ = found.type or "", found.id or ""
        try:
            if acts.read_now is not None:
                return acts.read_now(type_, id_, conditions_of(request), request.actor)
            if acts.read_soon is not None:
                return await acts.read_soon(type_, id_, conditions_of(request), request.actor)
        except NotAtHand:
            return None
        return None

    def _work(self, acts: Acts, request: Request, found: Route, body: bytes | None) -> Response:
        """Do in a thread all that takes time: inflate, parse, act, compress."""
        if body is not None:
            body = inflated(body, request.header(b"content-encoding"), self._settings.max_body_bytes)
        assert request.code is not None
        try:
            interaction = interaction_of(request, found, request.code, body, acts.representations)
            request.code = interaction.code
            return self._written(acts, request, acts.perform(interaction, request.actor))
        except FhirError as refusal:
            if body and request.code in _RESOURCES and not is_file(request, found, body):
                kind = body_kind(request.header(b"content-type"))
                refusal.issues = tuple(places.placed(refusal.issues, Sent(body, kind)))
            raise

    def _written(self, acts: Acts, request: Request, answer: Answer) -> Response:
        accepted = request.header(b"accept-encoding")
        gzip_from = self._settings.gzip_from if accepted is not None and takes_gzip(accepted) else None
        return of_answer(answer, request.format, request.base, acts.representations.xml_of, gzip_from)

    def _refused(self, request: Request, refusal: FhirError) -> Response:
        format_, xml_of = request.format, None
        if self.acts is not None:
            xml_of = self.acts.representations.xml_of
        elif format_.kind == "xml":
            format_ = JSON  # what writes XML is not there yet
        challenge = None
        if self.acts is not None and self.acts.identity is not None and refusal.status in (401, 403):
            challenge = self.acts.identity.challenge(refusal)
        response = of_refusal(refusal, format_, request.language, xml_of or bytes, request.method, challenge)
        if request.unread:
            response.headers.append((b"connection", b"close"))
        return response

    def _defect(self, request: Request, error: Exception) -> Response:
        """Tell an incident id outside and the places of the code inside, and neither what was in the request."""
        incident = f"{self._first.decode()}-{next(self._numbers)}"
        fields = {"incident": incident, "request_id": request.request_id.decode("latin-1"), "interaction": request.code}
        logger.error("defect", exc_info=error, extra={"fields": fields})
        return self._refused(request, Defect(DEFECT.at(incident=incident)))


class Defect(FhirError):
    """Something the gateway should have foreseen."""


def _options(found: Route) -> Response:
    headers = [NO_STORE, (b"allow", ", ".join(found.allowed).encode())]
    if "PATCH" in found.acts:
        headers.append((b"accept-patch", ", ".join(PATCH_FORMATS).encode()))
    return Response(204, headers)
