"""The one gate: every interaction, through whatever door it came, is asked for here.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import FhirError, NotFound
from fhir_gateway.interactions import access, complaints
from fhir_gateway.interactions.batch import batch
from fhir_gateway.interactions.capabilities import capabilities
from fhir_gateway.interactions.entry import WRITES
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Conditions, Interaction
from fhir_gateway.interactions.read import UNCONDITIONAL, answer_with
from fhir_gateway.interactions.reads import READS
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
    if code == "capabilities":
        return capabilities(gateway, interaction)  # without the database: it may be asked for when that is away
    if code == "read" and interaction.type is not None and interaction.id is not None:
        # One statement is a snapshot by itself.
        version = gateway.store.current(interaction.type, interaction.id)
        return answer_with(version, interaction.type, interaction.id, interaction.conditions)
    if code in READS:
        with gateway.store.read(gateway.limits.search_seconds, feed=_is_feed(interaction)) as view:
            return READS[code](gateway, view, interaction, actor)
    if code in WRITES:
        return write(gateway, interaction)
    if code in ("batch", "transaction"):
        # The Bundle tells which; what is neither is refused there.
        if interaction.resource is not None and interaction.resource.get("type") == "batch":
            return batch(gateway, interaction, actor, perform)
        return transact(gateway, interaction, actor)
    raise NotFound(complaints.OPERATION_UNKNOWN.at(operation=interaction.operation or code))


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
