"""The one gate: every interaction, through whatever door it came, is asked for here.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from time import perf_counter

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.interactions import full_text
from fhir_gateway.interactions.batch import batch
from fhir_gateway.interactions.capabilities import capabilities
from fhir_gateway.interactions.entry import WRITES
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import ANONYME, Actor, Answer, Conditions, Interaction
from fhir_gateway.interactions.message_act import carry_out
from fhir_gateway.interactions.operations.operate import operate
from fhir_gateway.interactions.read import UNCONDITIONAL, answer_with
from fhir_gateway.interactions.reads import READS
from fhir_gateway.interactions.search_state import renew
from fhir_gateway.interactions.subset import cut, subset_of
from fhir_gateway.interactions.terminology_capabilities import asks_for_terminology, terminology_capabilities
from fhir_gateway.interactions.trace import followed
from fhir_gateway.interactions.transaction import transact
from fhir_gateway.interactions.write import write


def perform(gateway: Gateway, interaction: Interaction, actor: Actor = ANONYME) -> Answer:
    """Ask access, act, leave a trace; return the answer. Blocks: call it from a worker thread.

    Raises: the FhirError that refuses it. Nothing was written then.
    """
    if gateway.trace is None:
        return _asked(gateway, interaction, actor)
    return followed(gateway.trace, interaction, actor, lambda: _asked(gateway, interaction, actor))


def _asked(gateway: Gateway, interaction: Interaction, actor: Actor) -> Answer:
    if actor is not ANONYME:
        access = gateway.rights.of(gateway, actor)
        access.require(interaction)
        gateway = gateway.seen_by(access)
    return _act(gateway, interaction, actor)


def _act(gateway: Gateway, interaction: Interaction, actor: Actor) -> Answer:
    code = interaction.code
    if code == "capabilities" and asks_for_terminology(interaction):
        return terminology_capabilities(gateway, interaction)
    if code == "capabilities":
        return capabilities(gateway, interaction)  # without the database: it may be asked for when that is away
    if code == "read" and interaction.type is not None and interaction.id is not None:
        subset = subset_of(gateway, interaction)
        # One statement is a snapshot by itself.
        version = gateway.store.current(interaction.type, interaction.id)
        answer = answer_with(version, interaction.type, interaction.id, interaction.conditions)
        return cut(gateway, answer, interaction.type, subset)
    if code == "operation":
        return operate(gateway, interaction, actor)
    if interaction.message is not None:
        return carry_out(gateway, interaction.message)
    if code in READS:
        state = gateway.searching.state
        try:
            return _read(gateway, interaction, actor)
        except InvalidRequest:
            # Another process may have stored a search parameter that this one has not heard of, or this one has heard
            # of it meanwhile.
            if not code.startswith("search") or not (renew(gateway) or gateway.searching.state is not state):
                raise
        return _read(gateway, interaction, actor)
    if code in WRITES:
        return write(gateway, interaction)
    # The Bundle tells which it is; what is neither is refused there.
    if interaction.resource is not None and interaction.resource.get("type") == "batch":
        return batch(gateway, interaction, actor, perform)
    return transact(gateway, interaction, actor)


def _read(gateway: Gateway, interaction: Interaction, actor: Actor) -> Answer:
    full_text.be_current(gateway, interaction.parameters)
    narrowing = None if gateway.access is None else gateway.access.narrowing_of(interaction)
    with gateway.store.read(gateway.limits.search_seconds, _is_feed(interaction), narrowing) as view:
        return READS[interaction.code](gateway, view, interaction, actor)


def _is_feed(interaction: Interaction) -> bool:
    """Tell whether somebody may follow by it what changes: such an answer must never pass over a late commit."""
    if interaction.code.startswith("history"):
        return True
    return any("_lastUpdated" in name or "_lastUpdated" in value for name, value in interaction.parameters)


def perform_read_now(
    gateway: Gateway, type: str, id: str, conditions: Conditions = UNCONDITIONAL, actor: Actor = ANONYME
) -> Answer:
    """Answer a plain read at once, on whatever thread asks: one statement, and nothing built that is not sent.

    What `perform` would say of the same read. Raises: Forbidden, NotFound, Gone, Unavailable.
    """
    if gateway.trace is None:
        return _read_now(gateway, type, id, conditions, actor)
    began = perf_counter()
    try:
        answer = _read_now(gateway, type, id, conditions, actor)
    except Exception as refusal:
        gateway.trace.add_read(type, id, actor, began, refusal)
        raise
    gateway.trace.add_read(type, id, actor, began, answer)
    return answer


def _read_now(gateway: Gateway, type: str, id: str, conditions: Conditions, actor: Actor) -> Answer:
    if actor is ANONYME:
        return answer_with(gateway.store.current(type, id), type, id, conditions)
    access = gateway.rights.of(gateway, actor)
    access.require_read(type)
    return answer_with(gateway.store.current(type, id, access.reading), type, id, conditions)
