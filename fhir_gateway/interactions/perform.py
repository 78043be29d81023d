"""The one gate: every interaction, through whatever door it came, is asked for here.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest
from fhir_gateway.interactions import access, full_text
from fhir_gateway.interactions.batch import batch
from fhir_gateway.interactions.capabilities import capabilities
from fhir_gateway.interactions.entry import WRITES
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Conditions, Interaction
from fhir_gateway.interactions.operations.operate import operate
from fhir_gateway.interactions.read import UNCONDITIONAL, answer_with
from fhir_gateway.interactions.reads import READS
from fhir_gateway.interactions.search_state import renew
from fhir_gateway.interactions.subset import cut, subset_of
from fhir_gateway.interactions.terminology_capabilities import asks_for_terminology, terminology_capabilities
from fhir_gateway.interactions.transaction import transact
from fhir_gateway.interactions.write import write

ANONYME = Actor()


def perform(gateway: Gateway, interaction: Interaction, actor: Actor = ANONYME) -> Answer:
    """Ask access, act, leave a trace; return the answer. Blocks: call it from a worker thread.

    Raises: the FhirError that refuses it. Nothing was written then.
    """
    try:
        access.require(actor, interaction)
        answer = _act(gateway, interaction, actor)
    except FhirError as refusal:
        gateway.trace(interaction, actor, refusal.status)
        raise
    gateway.trace(interaction, actor, answer.status)
    return answer


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
    with gateway.store.read(gateway.limits.search_seconds, feed=_is_feed(interaction)) as view:
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

    What `perform` would say of the same read, without its trace. Raises: NotFound, Gone, Unavailable.
    """
    if actor is not ANONYME:
        access.require(actor, Interaction("read", type, id))
    return answer_with(gateway.store.current(type, id), type, id, conditions)
