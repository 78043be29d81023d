"""The command `fhir-gateway messages`: the logs of messages of hospitals and to them, taken in and sent again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french

if TYPE_CHECKING:
    from fhir_gateway.fhir.outcome import Language
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.settings import Settings
    from fhir_gateway.store.messages import Filter
    from fhir_gateway.store.outbox import Filter as OutgoingFilter

S = TypeVar("S", bound=str)


def messages(
    action: Annotated[
        Literal["list", "show", "replay", "resend", "set-aside"],
        typer.Argument(help="What to do; the last two, with what goes out."),
    ],
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which messages.")] = None,
    outgoing: Annotated[bool, typer.Option("--outgoing", help="Those that go out, not those that came in.")] = False,
    state: Annotated[
        str, typer.Option(help="Of these states, separated by commas; `failed`: of those to be looked at.")
    ] = "",
    partner: Annotated[str, typer.Option("--partner", "--destination", help="Of, or to, this partner.")] = "",
    event: Annotated[str, typer.Option(help="Of this event: ADT^A28.")] = "",
    control_id: Annotated[str, typer.Option(help="With this MSH-10.")] = "",
    subject: Annotated[str, typer.Option(help="Outgoing: about this resource: DiagnosticReport/4711.")] = "",
    since: Annotated[str | None, typer.Option(help="From this instant on: 2026-11-22T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Outgoing: before this instant.")] = None,
    last: Annotated[int, typer.Option(help="At most so many, the newest.", min=1)] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be.")] = False,
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
) -> None:
    """List messages, show one whole, take some in again by the rules and partners of now, or send some again.

    What was applied is not applied again. replay, resend and set-aside want numbers or a state, so that nobody does it
    to everything by accident; try them with --dry-run first. resend writes a message anew, under a new MSH-10, and has
    one that waits tried at once, as it is; not one that tells of a report as it was, when what it is now has been sent.
    set-aside lets a line go on without it.

    \b
    Examples:
    fhir-gateway messages list --state failed
    fhir-gateway messages show 4711
    fhir-gateway messages replay --state failed-content --event 'ADT^A28' --dry-run
    fhir-gateway messages replay 4711 4712
    fhir-gateway messages list --outgoing --state failed --destination chu-exemple
    fhir-gateway messages resend --state rejected --destination chu-exemple --dry-run

    A SQLite file that a gateway holds open is asked of that gateway: GET /hl7v2/messages, POST /hl7v2/messages/replay;
    GET /hl7v2/outgoing, POST /hl7v2/outgoing/resend, POST /hl7v2/outgoing/set-aside.
    """
    goes_out = outgoing or action in ("resend", "set-aside")
    if action == "replay" and goes_out:
        give_up("--outgoing: resend" if not in_french() else "--outgoing : resend", 2)
    if not goes_out and (subject or until is not None):
        give_up("--subject, --until: --outgoing" if not in_french() else "--subject, --until : --outgoing", 2)
    if action == "show" and len(numbers or ()) != 1:
        give_up("show: one number" if not in_french() else "show : un numéro", 2)
    if action in ("replay", "resend", "set-aside") and not (numbers or state):
        give_up(f"{action}: numbers or --state" if not in_french() else f"{action} : des numéros ou --state", 2)
    first = 0 if since is None else _instant(since)
    chosen = chosen_settings({} if database is None else {"database": database})
    if goes_out:
        end = 0 if until is None else _instant(until)
        sent = _outgoing_filter(numbers or [], state, partner, event, control_id, subject, first, end, last)
        lines = _acted_on_outgoing(chosen, action, sent, dry_run)
    else:
        wanted = _filter(numbers or [], state, partner, event, control_id, first, last)
        lines = _acted(chosen, action, wanted, dry_run)
    for line in lines:
        typer.echo(json.dumps(line, ensure_ascii=False, default=str))


def _instant(text: str) -> int:
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.fhir.primitives import instant_of

    try:
        return instant_of(text)
    except FhirError as refusal:
        give_up("\n".join(issue.text("fr" if in_french() else "en") for issue in refusal.issues), 2)


def _filter(mids: list[int], state: str, partner: str, event: str, control_id: str, since: int, last: int) -> Filter:
    from fhir_gateway.store.messages import DEAD, STATES, Filter

    states = _states(state, STATES, DEAD)
    return Filter(mids, states, partner, event, control_id, since, 0, last)


def _outgoing_filter(
    oids: list[int], state: str, destination: str, event: str, control_id: str, subject: str, since: int, until: int,
    last: int,
) -> OutgoingFilter:  # fmt: skip
    from fhir_gateway.store.outbox import LEFT, STATES
    from fhir_gateway.store.outbox import Filter as OutgoingFilter

    states = _states(state, STATES, LEFT)
    return OutgoingFilter(
        oids, states, destination, event, control_id, subject, since=since, until=until, last=last
    )  # fmt: skip


def _states(asked: str, known: Sequence[S], failed: Iterable[S]) -> list[S]:
    """Return the states that are asked for, `failed` meaning several; those that are none are told."""
    names = [name for each in asked.split(",") if each for name in (failed if each == "failed" else [each])]
    states = [each for each in known if each in names]
    if len(states) != len(set(names)):
        give_up(f"--state: {', '.join(known)}, failed", 2)
    return states


@contextmanager
def _opened(chosen: Settings, page: str) -> Iterator[Gateway]:
    """Give the gateway of these settings, without doors; tell why where it cannot be had."""
    from fhir_gateway.app import open_gateway
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.store.file_lock import FileHeld

    try:
        gateway = open_gateway(chosen)
    except FileHeld:
        give_up(
            f"a running gateway holds this database; ask it: GET {page}"
            if not in_french()
            else f"une passerelle en marche tient cette base ; demandez-le-lui : GET {page}"
        )
    except FhirError as refusal:
        give_up("\n".join(issue.text("fr" if in_french() else "en") for issue in refusal.issues))
    try:
        yield gateway
    finally:
        gateway.store.close()


def _acted(chosen: Settings, action: str, wanted: Filter, dry: bool) -> list[Mapping[str, Any]]:
    from fhir_gateway.feeds import intake_of
    from fhir_gateway.policy.partners import BadPartners
    from fhir_gateway.rest.hl7v2 import replayed, shown, told
    from fhir_gateway.store import messages as log

    language: Language = "fr" if in_french() else "en"
    with _opened(chosen, "/hl7v2/messages") as gateway:
        if action == "replay":
            try:
                return list(replayed(intake_of(chosen, gateway), wanted, dry, language)["messages"])
            except BadPartners as error:
                give_up(str(error))
        with gateway.store.read(feed=False) as view:
            found = log.found(view, wanted)
            if action == "list":
                return [told(each, language) for each in reversed(found)]
            return [{**told(each, language), "raw": shown(log.raw(view, each.mid))} for each in found]


def _acted_on_outgoing(chosen: Settings, action: str, wanted: OutgoingFilter, dry: bool) -> list[Mapping[str, Any]]:
    from fhir_gateway.rest.hl7v2_outgoing import resent, set_aside, told, whole
    from fhir_gateway.store import outbox

    language: Language = "fr" if in_french() else "en"
    with _opened(chosen, "/hl7v2/outgoing") as gateway:
        if action in ("resend", "set-aside"):
            act = resent if action == "resend" else set_aside
            return list(act(gateway.store, wanted, dry, language)["messages"])
        with gateway.store.read(feed=False) as view:
            found = outbox.found(view, wanted)
            if action == "list":
                return [told(each, language) for each in reversed(found)]
            return [whole(view, each, language) for each in found]
