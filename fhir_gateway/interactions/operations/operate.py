"""operation: look up which one is meant, read what it was given, carry it out.

Source: FHIR R4, Operations, "Executing an Operation".
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_gateway.fhir.outcome import NotAllowed, NotFound
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.inputs import inputs_of
from fhir_gateway.interactions.operations.operation import Call, Level, Operation, level_of
from fhir_gateway.interactions.operations.table import OPERATIONS
from fhir_gateway.store.contract import Read

_BELOW: Mapping[Level, str] = {"system": "", "type": "", "instance": "/[id]", "version": "/[id]/_history/[vid]"}


def operate(gateway: Gateway, interaction: Interaction, actor: Actor) -> Answer:
    """Carry out the operation that is asked for.

    Raises: NotFound for one that is not there, with those that are; NotAllowed for a GET that would change something;
    InvalidRequest with all that is wrong with its inputs; what the operation itself refuses.
    """
    operation = operation_of(interaction)
    call = Call(interaction, actor, inputs_of(operation, interaction))
    if operation.act is not None:
        return operation.act(gateway, call)
    assert operation.read is not None
    if operation.ready is not None:
        operation.ready(gateway)
    with gateway.store.read(gateway.limits.search_seconds, feed=operation.feed) as view:
        return operation.read(gateway, view, call)


def operate_within(gateway: Gateway, view: Read, interaction: Interaction, actor: Actor) -> Answer:
    """Carry out an operation that only reads, over a view that is open, once `check_within` has let it pass."""
    operation = operation_of(interaction)
    assert operation.read is not None
    return operation.read(gateway, view, Call(interaction, actor, inputs_of(operation, interaction)))


def check_within(interaction: Interaction) -> None:
    """Refuse what cannot be asked for inside a transaction: as `operate`; NotAllowed for what does more than read."""
    operation = operation_of(interaction)
    if operation.read is None:
        raise NotAllowed(complaints.NOT_IN_TRANSACTION.at(operation=operation.name))
    inputs_of(operation, interaction)


def operation_of(interaction: Interaction) -> Operation:
    """Return the operation that is asked for; raises NotFound and NotAllowed."""
    name, type, level = interaction.operation or "", interaction.type, level_of(interaction)
    operation = OPERATIONS.get(name)
    if operation is None or not operation.is_at(level, type):
        known = sorted(f"${each.name}" for each in OPERATIONS.values() if each.is_at(level, type))
        place = f"{type or '[base]'}{_BELOW[level]}"
        raise NotFound(complaints.UNKNOWN.at(operation=name, place=place, known=", ".join(known) or "-"))
    if operation.affects_state and interaction.safe:
        refusal = NotAllowed(complaints.NEEDS_POST.at(operation=name))
        refusal.allowed = ("POST", "OPTIONS")
        raise refusal
    return operation
