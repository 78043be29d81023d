"""Messages of HL7 v2 over HTTP: one or a batch in a body, its answer in the response; and the log of messages.

A message that is refused is answered with 200 and its acknowledgement, as over MLLP; 4xx and 5xx are for what concerns
the request: its media type, its token, a database that is away before there is a message. With `dry-run=true` nothing
is written, not even the message, and what would be made is told.

Source: HL7, "HL7 v2 over HTTP" (HAPI); HL7 v2.5.1, chapter 2, 2.9 and 2.10.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import (
    FhirError,
    Forbidden,
    InvalidRequest,
    Language,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    operation_outcome,
)
from fhir_gateway.fhir.primitives import instant_of, instant_text
from fhir_gateway.interactions.interaction import ANONYME, Actor
from fhir_gateway.interactions.message import Intake, Receipt
from fhir_gateway.interactions.message_judgement import in_language
from fhir_gateway.interactions.trace import Record
from fhir_gateway.rest import complaints
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.negotiate import JSON, language_of
from fhir_gateway.settings import Settings
from fhir_gateway.store import messages
from fhir_gateway.store.messages import STATES, Filter, Stored

T = TypeVar("T")

PATH = "/hl7v2"
LOG = f"{PATH}/messages"
MEDIA_TYPES = ("application/hl7-v2", "x-application/hl7-v2+er7")
_THREADS = 8
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The acknowledgement, whatever it says", "content": {MEDIA_TYPES[0]: {}}},
    204: {"description": "An acknowledgement came, which is not acknowledged"},
    400: {"description": "The request cannot be read"},
    401: {"description": "No token, or one that proves nothing"},
    403: {"description": "The role is another one"},
    408: {"description": "The body did not arrive"},
    413: {"description": "The body is too large"},
    415: {"description": "The body is of another media type"},
    503: {"description": "The gateway is starting or ending"},
}
_MOST = 1000  # messages told at once


@dataclass(frozen=True, slots=True)
class About:
    """Which resource a page is about, for the trace; `rids`: its number, by which the patients it touches are found."""

    type: str | None = None
    id: str | None = None
    rids: tuple[int, ...] = ()


NOTHING = About()


class Messages:
    """The pages. `intake` and `identity` are set while the gateway is open; without an identity nobody is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, "hl7v2")
        self._places = asyncio.Semaphore(settings.mllp_connections)
        self.intake: Intake | None = None
        self.identity: Identity | None = None

    def add_to(self, app: FastAPI) -> None:
        add = app.add_api_route
        add(PATH, self.take, methods=["POST"], summary="Take in messages of HL7 v2", tags=["hl7v2"], responses=_ANSWERS)
        add(LOG, self.listed, include_in_schema=False)
        add(f"{LOG}/replay", self.replayed, methods=["POST"], include_in_schema=False)
        add(f"{LOG}/{{mid}}", self.shown, include_in_schema=False)

    async def take(self, request: Request) -> Response:
        return await self.told(request, self._take)

    async def listed(self, request: Request) -> Response:
        return await self.told(request, self._list, "hl7v2/messages")

    async def shown(self, request: Request) -> Response:
        return await self.told(request, self._show, f"hl7v2/messages/{request.path_params['mid'][:20]}")

    async def replayed(self, request: Request) -> Response:
        return await self.told(request, self._replay, "hl7v2/messages/replay")

    async def told(
        self, request: Request, act: Callable[[Request, Intake], Any], operation: str | None = None
    ) -> Response:
        """Return what an act answers, or its refusal in the language of who asks.

        `operation`: as the trace names it; None for an act that leaves its own records.
        """
        instant, began = time.time_ns() // 1000, time.perf_counter()
        issues: tuple[str, ...] = ()
        response: Response
        try:
            if self.intake is None:
                raise Unavailable(complaints.NOT_OPEN.at())
            response = await act(request, self.intake)
        except FhirError as refusal:
            issues = tuple(each.complaint.detail for each in refusal.issues)
            response = self._refused(request, refusal)
        except ClientDisconnect:
            return Response(status_code=499)
        actor: Actor | None = getattr(request.state, "actor", None)
        trace = None if self.intake is None else self.intake.gateway.everything.trace
        if operation is not None and actor is not None and trace is not None:
            duration = int((time.perf_counter() - began) * 1_000_000)
            about: About = getattr(request.state, "about", NOTHING)
            more = {"operation": operation, "query": request.query_params.multi_items()}
            told = (instant, duration, response.status_code, actor, "operation", about.type, about.id, about.rids)
            trace.add(Record(*told, issues, more if more["query"] else {"operation": operation}))
        return response

    def _refused(self, request: Request, refusal: FhirError) -> Response:
        language = self.language(request)
        headers = {"content-type": JSON.content_type.decode(), "cache-control": "no-store"}
        challenge = self.identity.challenge(refusal) if self.identity is not None else None
        if challenge is not None:
            headers["www-authenticate"] = challenge.decode("latin-1")
        if refusal.status == 503:
            headers["retry-after"] = "5"
        return Response(encode(operation_outcome(refusal.issues, language)), refusal.status, headers)

    def language(self, request: Request) -> Language:
        return language_of(request.headers.get("accept-language"), self._settings.language)

    async def actor(self, request: Request, role: str) -> Actor:
        """Return who asks. Raises: Unauthenticated; Forbidden for another role than this."""
        if self.identity is None:
            return ANONYME
        header = request.headers.get("authorization")
        actor = await self.aside(self.identity.actor, None if header is None else header.encode("latin-1"))
        request.state.actor = actor
        if actor.role != role:
            raise Forbidden(complaints.ROLE_NOT_MEANT.at(None, role=actor.role, meant=role))
        return actor

    async def aside(self, work: Callable[..., T], *values: Any) -> T:
        """Return what some work comes to in a thread, that the loop may go on."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)

    # --- messages

    async def _take(self, request: Request, intake: Intake) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        actor = await self.actor(request, "flux-hospitalier")
        if media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(complaints.NO_ER7.at(None, sent=media_type or "-", known=", ".join(MEDIA_TYPES)))
        async with self._places:
            data = await self._body(request)
            dry = request.query_params.get("dry-run") == "true"
            receipt = await self.aside(intake.receive_all, data, "http", actor, dry)
        if dry:
            return json_of(_dry(receipt, self.language(request)))
        if not receipt.answers:
            return Response(status_code=204, headers={"cache-control": "no-store"})
        return Response(
            b"".join(receipt.answers), headers={"content-type": MEDIA_TYPES[0], "cache-control": "no-store"}
        )

    async def _body(self, request: Request) -> bytes:
        limit = self._settings.max_body_bytes
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.request_timeout):
                async for part in request.stream():
                    size += len(part)
                    if size > limit:
                        raise TooLarge(complaints.BODY_TOO_LARGE.at(limit=limit))
                    parts.append(part)
        except TimeoutError:
            seconds = f"{self._settings.request_timeout:g}"
            raise complaints.RequestTimeout(complaints.BODY_TOO_SLOW.at(seconds=seconds)) from None
        return b"".join(parts)

    # --- the log

    async def _list(self, request: Request, intake: Intake) -> Response:
        await self.actor(request, "administrateur")
        wanted = _filter(request.query_params)
        store, language = intake.gateway.everything.store, self.language(request)

        def found() -> dict[str, Any]:
            with store.read(feed=False) as view:
                return {
                    "counts": messages.counts(view),
                    "messages": [told(each, language) for each in messages.found(view, wanted)],
                }

        return json_of(await self.aside(found))

    async def _show(self, request: Request, intake: Intake) -> Response:
        await self.actor(request, "administrateur")
        mid = request.path_params["mid"]
        store, language = intake.gateway.everything.store, self.language(request)

        def found() -> dict[str, Any] | None:
            with store.read(feed=False) as view:
                known = messages.stored(view, int(mid)) if mid.isdigit() and len(mid) < 19 else None
                return None if known is None else {**told(known, language), "raw": shown(messages.raw(view, known.mid))}

        answer = await self.aside(found)
        if answer is None:
            raise NotFound(complaints.MESSAGE_UNKNOWN.at(None, mid=mid[:20]))
        return json_of(answer)

    async def _replay(self, request: Request, intake: Intake) -> Response:
        await self.actor(request, "administrateur")
        wanted = _filter(request.query_params)
        dry = request.query_params.get("dry-run") == "true"
        return json_of(await self.aside(replayed, intake, wanted, dry, self.language(request)))


def replayed(intake: Intake, wanted: Filter, dry: bool, language: Language) -> dict[str, Any]:
    """Take the messages of a filter in again, the oldest first; return what became of each."""
    with intake.gateway.everything.store.read(feed=False) as view:
        found = messages.found(view, wanted)
    receipts = [intake.replay(each.mid, dry) for each in reversed(found)]
    return {"dry-run": dry, "messages": [_dry(each, language) if dry else _became(each, language) for each in receipts]}


def _became(receipt: Receipt, language: Language) -> dict[str, Any]:
    told = in_language(receipt.detail, language)
    return {"mid": receipt.mid, "state": receipt.state, "code": receipt.code, **told}


def _dry(receipt: Receipt, language: Language) -> dict[str, Any]:
    """Return what a message would become."""
    answer = b"".join(receipt.answers).decode("utf-8", "replace")
    made = {"bundle": receipt.bundle} if receipt.bundle is not None else {}
    return {**_became(receipt, language), "answer": answer, **made}


def told(known: Stored, language: Language) -> dict[str, Any]:
    """Return a message as the log is told, its problems in the language of who asks."""
    return {
        "mid": known.mid,
        "received": instant_text(known.received),
        **({"settled": instant_text(known.settled)} if known.settled else {}),
        "state": known.state,
        "partner": known.partner,
        "door": known.door,
        "event": known.event,
        "control_id": known.control_id,
        "attempts": known.attempts,
        **({"original": known.original} if known.original else {}),
        **({"mapping": known.mapping} if known.mapping else {}),
        "unplaced_count": known.unplaced,
        **in_language(known.detail, language),
        "answer": shown(known.answer),
    }


def shown(raw: bytes) -> str:
    """Return a message as text, a segment a line."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return text.replace("\r", "\n")


def _filter(parameters: Mapping[str, str]) -> Filter:
    """Return which messages are asked for. Raises: InvalidRequest."""
    known = {"mid", "state", "partner", "event", "control-id", "since", "before", "last", "dry-run"}
    if unknown := parameters.keys() - known:
        raise InvalidRequest(
            complaints.FILTER_UNKNOWN.at(None, name=sorted(unknown)[0][:40], known=", ".join(sorted(known)))
        )
    states = [each for each in STATES if each in parameters.get("state", "").split(",")]
    if len(states) != len([each for each in parameters.get("state", "").split(",") if each]):
        raise InvalidRequest(complaints.FILTER_STATE.at(None, known=", ".join(STATES)))
    numbers = {name: parameters.get(name, "") for name in ("mid", "before", "last")}
    if any(not each.replace(",", "").isdigit() for each in numbers.values() if each):
        raise InvalidRequest(complaints.FILTER_NUMBER.at(None))
    return Filter(
        mids=[int(each) for each in numbers["mid"].split(",") if each],
        states=states,
        partner=parameters.get("partner", ""),
        event=parameters.get("event", ""),
        control_id=parameters.get("control-id", ""),
        since=instant_of(parameters["since"]) if parameters.get("since") else 0,
        before=int(numbers["before"] or 0),
        last=min(int(numbers["last"] or 100), _MOST),
    )


def json_of(content: Any) -> Response:
    """Return a page of the log, which nobody may keep."""
    return Response(encode(content), headers={"content-type": "application/json", "cache-control": "no-store"})


__all__ = ["LOG", "MEDIA_TYPES", "PATH", "Messages", "json_of", "replayed", "shown", "told"]
