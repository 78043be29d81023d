"""transaction: many acts, all or none.

Source: FHIR R4, RESTful API, "Transaction Processing Rules", "Batch/Transaction Response".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhir_gateway.fhir.bundle import ResponseEntry, response
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue
from fhir_gateway.interactions import answers, complaints, full_text
from fhir_gateway.interactions.access import require_each, seeing
from fhir_gateway.interactions.bundle_entries import entries_in, entry_from
from fhir_gateway.interactions.commit import commit
from fhir_gateway.interactions.entry import WRITES, Done, Entry
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.interactions.operations.operate import check_within
from fhir_gateway.interactions.reads import READS
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.interactions.responses import of_answer
from fhir_gateway.interactions.write import prepare
from fhir_gateway.store.contract import Narrowing, Read, Write
from fhir_gateway.store.writer import Writer


def transact(
    gateway: Gateway, interaction: Interaction, actor: Actor, beside: Callable[[Write], None] | None = None
) -> Answer:
    """Carry out all entries of the Bundle and answer with a transaction-response, in the order of the request.

    `beside`: what is written in the same commit and is no resource; nothing where the entries write nothing.
    Raises: one FhirError with every problem of a stage; then nothing is written.
    """
    entries = _entries(gateway, interaction)
    require_each(gateway, entries)
    writes = [entry for entry in entries if entry.act.code in WRITES]
    reads = [entry for entry in entries if entry.act.code not in WRITES]
    full_text.be_current(gateway, [each for entry in reads for each in entry.act.parameters])

    def answer(view: Read, done: list[Done]) -> Answer:
        if beside is not None and isinstance(view, Writer):
            beside(view)
        responses = {entry.number: _written(entry, each) for entry, each in zip(writes, done, strict=True)}
        # R4 has what reads come after what writes, in the same transaction, so that it sees all of it.
        shown = [each.version.rid for each in done if each.outcome == "found" and each.version is not None]
        responses.update(_read(gateway, view, reads, actor, shown))
        in_order = [responses[number] for number in range(len(entries))]
        body = response("transaction-response", in_order, (), gateway.new_id(), gateway.registry.now())
        return Answer(200, body, shown=shown)

    return commit(gateway, writes, answer, interaction.resource)


def _entries(gateway: Gateway, interaction: Interaction) -> list[Entry]:
    """Return the entries, each ready to be planned; raises all that is wrong with any of them."""
    refusals = Refusals()
    entries = []
    full_urls: dict[str, int] = {}
    for number, sent in enumerate(entries_in(gateway, interaction)):
        full_url = sent.get("fullUrl")
        if full_url is not None and full_urls.setdefault(full_url, number) != number:
            place = f"Bundle.entry[{number}].fullUrl"
            refusals.add(InvalidRequest, complaints.FULL_URL_TWICE.at(place, url=full_url, first=full_urls[full_url]))
        try:
            entry = entry_from(gateway, interaction, number, sent)
            if entry.act.code == "operation":
                _check_operation(entry)
        except FhirError as refusal:
            refusals.take(refusal, refusal.issues)
            continue
        if entry.act.code in WRITES:
            refusals.add(InvalidRequest, *prepare(gateway, entry))
        entries.append(entry)
    refusals.raise_any()
    return entries


def _check_operation(entry: Entry) -> None:
    """Refuse, before anything is written, an operation that is not there, does more than read, or lacks an input."""
    try:
        check_within(entry.act)
    except FhirError as refusal:
        resource = f"{entry.place}.resource"
        issues = (
            issue.moved(resource) if issue.expression else Issue(issue.complaint, entry.at("url"), issue.values)
            for issue in refusal.issues
        )
        raise type(refusal)(*issues) from None


def _written(entry: Entry, done: Done) -> ResponseEntry:
    """Return the response entry of a write. Its resource comes only when return=representation was asked for."""
    prefer, version = entry.act.prefer.return_, done.version
    answer = Answer(
        answers.status_of(done),
        version=None if version is None else version.vid,
        last_updated=None if version is None else version.last_updated,
        location=answers.location_of(done),
    )
    if prefer == "representation" and version is not None and not version.deleted:
        answer.body = version.body
        return of_answer(answer, f"{entry.act.base}/{version.type}/{version.id}")
    outcome = answers.outcome_of(entry, done) if prefer == "OperationOutcome" else None
    return of_answer(answer, outcome=outcome)


def _narrowing(gateway: Gateway, view: Read, entry: Entry) -> Narrowing | None:
    """Return what a reading entry sees: a view that writes may see more than reads may."""
    return view.narrowing if gateway.access is None else gateway.access.narrowing_of(entry.act)


def _read(
    gateway: Gateway, view: Read, reads: Sequence[Entry], actor: Actor, shown: list[int]
) -> dict[int, ResponseEntry]:
    """Return the response entries of what reads, and append the numbers (rid) of what they show to `shown`.

    Refuses the whole when one of them does not succeed.
    """
    refusals = Refusals()
    responses = {}
    for entry in reads:
        try:
            # Others wait for this transaction to end.
            with view.limited(gateway.limits.search_seconds), seeing(view, _narrowing(gateway, view, entry)):
                answer = READS[entry.act.code](gateway, view, entry.act, actor)
        except FhirError as refusal:
            refusals.take(refusal, [Issue(each.complaint, entry.at("url"), each.values) for each in refusal.issues])
            continue
        if entry.head:
            answer.body = None
        responses[entry.number] = of_answer(answer, entry.instance)
        shown += answer.shown
    refusals.raise_any()
    return responses
