"""What went out by HL7 v2, what waits and why, over HTTP: the log of it; messages sent again, or set aside.

Who sends again or sets aside names messages by their numbers or by their states, so that nobody does it to all by
accident, and may ask with `dry-run=true` what would be done.

Source: HL7 v2.5.1, chapter 2, 2.9.2; `fhir_gateway/store/outbox.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from fhir_gateway.fhir.outcome import InvalidRequest, Issue, Language, NotFound
from fhir_gateway.fhir.primitives import instant_of, instant_text
from fhir_gateway.interactions.message import Intake
from fhir_gateway.rest import complaints
from fhir_gateway.rest.hl7v2 import PATH, About, Messages, json_of, shown
from fhir_gateway.store import outbox
from fhir_gateway.store.contract import Read, Store
from fhir_gateway.store.outbox import STATES, Entry, Filter, WhyNot

log = logging.getLogger(__name__)

OUTGOING = f"{PATH}/outgoing"
_MOST = 1000  # messages told or taken at once
_KNOWN = frozenset(
    {"oid", "state", "destination", "event", "control-id", "subject", "since", "until", "before", "last", "dry-run"}
)
_WHY_NOT: Mapping[WhyNot, Any] = {
    "sending": complaints.OUTGOING_SENDING,
    "superseded": complaints.OUTGOING_SUPERSEDED,
    "settled": complaints.OUTGOING_SETTLED,
}


class Outgoing:
    """The pages, beside those of `Messages`, with whose rights and threads they work."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def add_to(self, app: FastAPI) -> None:
        add = app.add_api_route
        add(OUTGOING, self.listed, include_in_schema=False)
        add(f"{OUTGOING}/resend", self.resent, methods=["POST"], include_in_schema=False)
        add(f"{OUTGOING}/set-aside", self.put_aside, methods=["POST"], include_in_schema=False)
        add(f"{OUTGOING}/{{oid}}", self.shown, include_in_schema=False)

    async def listed(self, request: Request) -> Response:
        return await self._messages.told(request, self._list, "hl7v2/outgoing")

    async def shown(self, request: Request) -> Response:
        return await self._messages.told(request, self._show, f"hl7v2/outgoing/{request.path_params['oid'][:20]}")

    async def resent(self, request: Request) -> Response:
        return await self._messages.told(request, self._resend, "hl7v2/outgoing/resend")

    async def put_aside(self, request: Request) -> Response:
        return await self._messages.told(request, self._set_aside, "hl7v2/outgoing/set-aside")

    async def _list(self, request: Request, intake: Intake) -> Response:
        await self._messages.actor(request, "administrateur")
        wanted = filter_of(request.query_params)
        store, language = intake.gateway.everything.store, self._messages.language(request)

        def found() -> dict[str, Any]:
            with store.read(feed=False) as view:
                oldest = outbox.oldest(view)
                return {
                    "counts": outbox.counts(view),
                    **({"oldest": instant_text(oldest)} if oldest else {}),
                    "messages": [told(each, language) for each in outbox.found(view, wanted)],
                }

        return json_of(await self._messages.aside(found))

    async def _show(self, request: Request, intake: Intake) -> Response:
        await self._messages.actor(request, "administrateur")
        oid: str = request.path_params["oid"]
        store, language = intake.gateway.everything.store, self._messages.language(request)

        def found() -> dict[str, Any] | None:
            with store.read(feed=False) as view:
                known = outbox.stored(view, int(oid)) if oid.isdigit() and len(oid) < 19 else None
                if known is None:
                    return None
                type, _, id = known.subject.partition("/")
                rids = tuple(each.rid for each in view.current_of([(type, id)]).values())
                request.state.about = About(type, id, rids)
                return whole(view, known, language)

        answer = await self._messages.aside(found)
        if answer is None:
            raise NotFound(complaints.MESSAGE_UNKNOWN.at(None, mid=oid[:20]))
        return json_of(answer)

    async def _resend(self, request: Request, intake: Intake) -> Response:
        return await self._acted(request, intake, resent)

    async def _set_aside(self, request: Request, intake: Intake) -> Response:
        return await self._acted(request, intake, set_aside)

    async def _acted(self, request: Request, intake: Intake, act: Callable[..., dict[str, Any]]) -> Response:
        actor = await self._messages.actor(request, "administrateur")
        wanted = filter_of(request.query_params)
        if not (wanted.oids or wanted.states):
            raise InvalidRequest(complaints.OUTGOING_UNNAMED.at())
        dry = request.query_params.get("dry-run") == "true"
        store, language = intake.gateway.everything.store, self._messages.language(request)
        answer = await self._messages.aside(act, store, wanted, dry, language)
        done = [each["oid"] for each in answer["messages"] if "issues" not in each]
        if not dry:
            fields = {"act": act.__name__, "oids": done, "subject": actor.subject}
            log.info("outgoing messages handled", extra={"fields": fields})
        return json_of(answer)


def resent(store: Store, wanted: Filter, dry: bool, language: Language) -> dict[str, Any]:
    """Send the messages of a filter again, the oldest first; return what became of each, or would, when `dry`."""
    with store.read(feed=False) as view:
        found = [(each, outbox.why_not_again(view, each)) for each in outbox.found(view, wanted)]
    return _outcome(store, found, dry, language, outbox.send_again, "queued", outbox.why_not_again)


def set_aside(store: Store, wanted: Filter, dry: bool, language: Language) -> dict[str, Any]:
    """Set the messages of a filter aside, the oldest first; return what became of each, or would, when `dry`."""
    with store.read(feed=False) as view:
        found = [(each, outbox.why_not_aside(each)) for each in outbox.found(view, wanted)]

    def aside(store: Store, oid: int) -> bool:
        return outbox.set_aside(store, oid, "set aside")

    return _outcome(store, found, dry, language, aside, "dead", lambda _, entry: outbox.why_not_aside(entry))


def _outcome(
    store: Store,
    found: list[tuple[Entry, WhyNot]],
    dry: bool,
    language: Language,
    act: Callable[[Store, int], bool],
    state: str,
    again: Callable[[Read, Entry], WhyNot],
) -> dict[str, Any]:
    listed = []
    for entry, why_not in reversed(found):
        made: dict[str, Any] = {"oid": entry.oid, "destination": entry.destination, "was": entry.state}
        if not why_not and not dry and not act(store, entry.oid):
            with store.read(feed=False) as view:  # it has been sent or settled meanwhile
                now = outbox.stored(view, entry.oid)
                why_not = "settled" if now is None else again(view, now) or "settled"
        if why_not:
            issue: Issue = _WHY_NOT[why_not].at(None, oid=entry.oid)
            listed.append(made | {"state": entry.state, "issues": [_issue(issue, language)]})
        else:
            listed.append(made | {"state": state})
    return {"dry-run": dry, "messages": listed}


def _issue(issue: Issue, language: Language) -> dict[str, str]:
    return {"code": issue.complaint.detail, "text": issue.text(language)}


def whole(view: Read, entry: Entry, language: Language) -> dict[str, Any]:
    """Return all that is known of a message: also its bytes, as text, and each try to send it."""
    return {
        **told(entry, language),
        "tries": [
            {
                "began": instant_text(each.began),
                "ended": instant_text(each.ended),
                "control_id": each.control_id,
                **({"address": each.address} if each.address else {}),
                "came": each.came,
            }
            for each in outbox.tries(view, entry.oid)
        ],
        "raw": shown(outbox.raw(view, entry.oid)),
    }


def told(entry: Entry, language: Language) -> dict[str, Any]:
    """Return a message as the log is told. `issues`: what the last try came to, in the language of who asks."""
    detail = {**entry.detail}
    issues = [{**each, "text": each["text"][language]} for each in detail.pop("issues", ())]
    if detail.pop("given_up", None) is not None:
        issues.append(_issue(complaints.OUTGOING_SET_ASIDE.at(), language))
    is_open = entry.state in ("queued", "sending")
    return {
        "oid": entry.oid,
        "recorded": instant_text(entry.recorded),
        **({"due": instant_text(entry.due)} if is_open else {}),
        **({"settled": instant_text(entry.settled)} if entry.settled else {}),
        "state": entry.state,
        "destination": entry.destination,
        "event": entry.event,
        "subject": f"{entry.subject}/_history/{entry.vid}",
        "status": entry.why,
        **({"document": entry.document} if entry.document else {}),
        **({"replaces": entry.replaces} if entry.replaces else {}),
        "control_id": entry.control_id,
        "attempts": entry.attempts,
        **({"bytes": entry.size} if entry.size else {}),
        **({"mapping": entry.mapping} if entry.mapping else {}),
        **detail,
        **({"issues": issues} if issues else {}),
        "answer": shown(entry.answer),
    }


def filter_of(parameters: Mapping[str, str]) -> Filter:
    """Return which messages are asked for. Raises: InvalidRequest."""
    if unknown := parameters.keys() - _KNOWN:
        raise InvalidRequest(
            complaints.FILTER_UNKNOWN.at(None, name=sorted(unknown)[0][:40], known=", ".join(sorted(_KNOWN)))
        )
    asked = [each for each in parameters.get("state", "").split(",") if each]
    states = [each for each in STATES if each in asked]
    if len(states) != len(set(asked)):
        raise InvalidRequest(complaints.FILTER_STATE.at(None, known=", ".join(STATES)))
    oids = [each for each in parameters.get("oid", "").split(",") if each]
    numbers = {name: parameters.get(name, "") or "0" for name in ("before", "last")}
    if not all(each.isdecimal() and each.isascii() and len(each) < 19 for each in (*oids, *numbers.values())):
        raise InvalidRequest(complaints.OUTGOING_NUMBER.at())
    instants = {name: instant_of(parameters[name]) if parameters.get(name) else 0 for name in ("since", "until")}
    return Filter(
        oids=[int(each) for each in oids],
        states=states,
        destination=parameters.get("destination", ""),
        event=parameters.get("event", ""),
        control_id=parameters.get("control-id", ""),
        subject=parameters.get("subject", ""),
        before=int(numbers["before"]),
        last=min(int(numbers["last"]) or 100, _MOST),
        **instants,
    )


__all__ = ["OUTGOING", "Outgoing", "filter_of", "resent", "set_aside", "told", "whole"]
