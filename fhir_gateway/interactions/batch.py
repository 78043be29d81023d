"""batch: many acts, each by itself; a refusal of one is its own answer and leaves the others alone.

Source: FHIR R4, RESTful API, "Batch Processing Rules", "Batch/Transaction Response".
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_gateway.fhir.bundle import ResponseEntry, response
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.bundle_entries import entries_in, entry_from, unless_asked
from fhir_gateway.interactions.entry import WRITES, Entry
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.interactions.responses import of_answer, of_refusal

Perform = Callable[[Gateway, Interaction, Actor], Answer]


def batch(gateway: Gateway, interaction: Interaction, actor: Actor, perform: Perform) -> Answer:
    """Perform each entry through the gate, as if it had come alone; answer in the order of the request.

    References between entries are not rewritten: "References within a Bundle.entry.resource to another
    Bundle.entry.resource that is being created within the batch are considered to be non-conformant."

    Raises: only what concerns the Bundle as a whole.
    """
    sent = entries_in(gateway, interaction)
    responses: dict[int, ResponseEntry] = {}
    entries = []
    for number, each in enumerate(sent):
        try:
            entries.append(entry_from(gateway, interaction, number, each))
        except FhirError as refusal:
            responses[number] = of_refusal(refusal, list(refusal.issues), interaction.language)
    # "It is considered that servers execute the batch in the same order as specified below for transactions"
    for entry in sorted(entries, key=lambda entry: entry.order):
        responses[entry.number] = _response(gateway, interaction, entry, actor, perform)
    in_order = [responses[number] for number in range(len(sent))]
    return Answer(200, response("batch-response", in_order, (), gateway.new_id(), gateway.registry.now()))


def _response(
    gateway: Gateway, interaction: Interaction, entry: Entry, actor: Actor, perform: Perform
) -> ResponseEntry:
    act = entry.act
    if act.code in WRITES:
        act.prefer = unless_asked(act.prefer)
    try:
        answer = perform(gateway, act, actor)
    except FhirError as refusal:
        return of_refusal(refusal, [entry.moved(issue) for issue in refusal.issues], interaction.language)
    if entry.head:
        answer.body = None
    elif act.code in WRITES and act.prefer.return_ == "OperationOutcome":
        # Bundle.entry.response.outcome is its place there.
        outcome, answer.body = answer.body, None
        return of_answer(answer, outcome=outcome)
    return of_answer(answer, entry.instance or _created(act.base, answer))


def _created(base: str, answer: Answer) -> str | None:
    """Return the URL of a resource that has just got its id."""
    return None if answer.location is None else f"{base}/{answer.location.partition('/_history/')[0]}"
