"""The command `fhir-gateway messages`: the log of messages of hospitals, and messages taken in again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french

if TYPE_CHECKING:
    from fhir_gateway.settings import Settings
    from fhir_gateway.store.messages import Filter


def messages(
    action: Annotated[Literal["list", "show", "replay"], typer.Argument(help="What to do.")],
    mids: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which messages.")] = None,
    state: Annotated[str, typer.Option(help="Of these states, separated by commas; `failed`: of both.")] = "",
    partner: Annotated[str, typer.Option(help="Of this partner.")] = "",
    event: Annotated[str, typer.Option(help="Of this event: ADT^A28.")] = "",
    control_id: Annotated[str, typer.Option(help="With this MSH-10.")] = "",
    since: Annotated[str | None, typer.Option(help="Received from this instant on: 2026-11-22T08:00:00Z.")] = None,
    last: Annotated[int, typer.Option(help="At most so many, the newest.", min=1)] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be.")] = False,
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
) -> None:
    """List messages, show one whole, or take some in again by the rules and partners of now.

    What was applied is not applied again. replay wants numbers or a state, so that nobody takes in everything by
    accident; try it with --dry-run first.

    \b
    Examples:
    fhir-gateway messages list --state failed
    fhir-gateway messages show 4711
    fhir-gateway messages replay --state failed-content --event 'ADT^A28' --dry-run
    fhir-gateway messages replay 4711 4712

    A SQLite file that a gateway holds open is asked of that gateway: GET /hl7v2/messages, POST /hl7v2/messages/replay.
    """
    wanted = _filter(mids or [], state, partner, event, control_id, since, last)
    if action == "show" and len(mids or ()) != 1:
        give_up("show: one number" if not in_french() else "show : un numéro", 2)
    if action == "replay" and not (mids or state):
        give_up("replay: numbers or --state" if not in_french() else "replay : des numéros ou --state", 2)
    chosen = chosen_settings({} if database is None else {"database": database})
    for line in _acted(chosen, action, wanted, dry_run):
        typer.echo(json.dumps(line, ensure_ascii=False, default=str))


def _filter(
    mids: list[int], state: str, partner: str, event: str, control_id: str, since: str | None, last: int
) -> Filter:
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.fhir.primitives import instant_of
    from fhir_gateway.store.messages import STATES, Filter

    asked = [name for each in state.split(",") if each for name in _states(each)]
    states = [each for each in STATES if each in asked]
    if len(states) != len(set(asked)):
        give_up(f"--state: {', '.join(STATES)}, failed", 2)
    try:
        first = 0 if since is None else instant_of(since)
    except FhirError as refusal:
        give_up("\n".join(issue.text("fr" if in_french() else "en") for issue in refusal.issues), 2)
    return Filter(mids, states, partner, event, control_id, first, 0, last)


def _states(name: str) -> list[str]:
    return ["failed-content", "failed-transient"] if name == "failed" else [name]


def _acted(chosen: Settings, action: str, wanted: Filter, dry: bool) -> list[Mapping[str, Any]]:
    from fhir_gateway.app import open_gateway
    from fhir_gateway.feeds import intake_of
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.policy.partners import BadPartners
    from fhir_gateway.rest.hl7v2 import replayed, shown, told
    from fhir_gateway.store import messages as log
    from fhir_gateway.store.file_lock import FileHeld

    try:
        gateway = open_gateway(chosen)
    except FileHeld:
        give_up("a running gateway holds this database; ask it: GET /hl7v2/messages")
    except FhirError as refusal:
        give_up("\n".join(issue.text("en") for issue in refusal.issues))
    try:
        if action == "replay":
            return list(replayed(intake_of(chosen, gateway), wanted, dry)["messages"])
        with gateway.store.read(feed=False) as view:
            found = log.found(view, wanted)
            if action == "list":
                return [told(each) for each in reversed(found)]
            return [{**told(each), "raw": shown(log.raw(view, each.mid))} for each in found]
    except BadPartners as error:
        give_up(str(error))
    finally:
        gateway.store.close()
