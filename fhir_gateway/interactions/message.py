"""The intake of messages of hospitals: stored before understood, applied in one commit, answered after it.

A door hands over the bytes of a message and gets the bytes of the answer; which door it was makes no difference. The
same message again gets the same answer (`store.messages`). What no rule placed is kept with the message and counted.

Source: architecture, path (c); HL7 v2.5.1, chapter 2, 2.9; IHE ITI TF-2x, C.2.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from fhir_gateway.delivery.verdict import verdict
from fhir_gateway.exchange.hl7v2.acknowledgement import Code, acknowledgement, batch
from fhir_gateway.exchange.hl7v2.answer import answer_of
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.envelope import HEAD, Envelope, digest, envelope_of, is_batch, patients_of
from fhir_gateway.exchange.hl7v2.er7 import read, spans_of
from fhir_gateway.fhir.outcome import FhirError, Issue
from fhir_gateway.interactions import message_complaints as complaints
from fhir_gateway.interactions import message_orders
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import ANONYME, Actor, Interaction
from fhir_gateway.interactions.message_act import DryRun, MessageAct
from fhir_gateway.interactions.message_judgement import (
    Judgement,
    is_our_fault,
    of_issues,
    of_refusal,
    problem,
    rejected,
    unreadable,
)
from fhir_gateway.interactions.message_order import Order, Place
from fhir_gateway.interactions.perform import perform
from fhir_gateway.policy.partners import Partner, Partners
from fhir_gateway.store import messages, outbox
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.messages import SETTLED, STATES, Arrived, Filter, Outcome, SettledMeanwhile, State, Stored

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter
    from fhir_gateway.transform.writers import Writers

log = logging.getLogger(__name__)

_VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2")
# AA and AE are final; after AR the sender sends again, and is then heard anew.
_ANSWERED: frozenset[State] = SETTLED | {"failed-content"}
_PLACES = 100  # of what no rule read, in the log
_ENHANCED = {"AL": (True, True), "NE": (False, False), "ER": (False, True), "SU": (True, False)}  # success, error
ConverterOf = Callable[[tuple[str, ...]], "Converter"]  # by the sites laid over the mappings that ship


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that has arrived, its place taken in the order of its patients.

    `certificate`: the names in the certificate it came by; None where nobody asked for one. `actor`: who a token says
    sends it; None: as the partner says. `whole`: False where it was cut off at the limit.
    """

    data: bytes
    envelope: Envelope
    place: Place
    door: str
    certificate: frozenset[str] | None = None
    actor: Actor | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. `answers`: the acknowledgements to be sent, in order; none for an answer to us.

    `accepted`: what is told already once it is stored, to a sender of enhanced mode.
    """

    state: State
    answers: tuple[bytes, ...] = ()
    mid: int = 0
    code: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    bundle: dict[str, Any] | None = None  # of a dry run: what would be written


class Intake:
    """Takes messages in. Safe for any number of threads.

    `limit`: bytes of a message; `sending_of`: the rules that orders are answered by. Whoever is no configured partner
    is refused, unless a token says who it is.
    """

    def __init__(
        self,
        gateway: Gateway,
        partners: Partners,
        converter_of: ConverterOf,
        limit: int,
        sending_of: message_orders.RulesOf = message_orders.shipped_only,
    ) -> None:
        self.gateway = gateway
        self.partners = partners
        self.limit = limit
        self.sending_of = sending_of
        self._converter_of = converter_of
        self._order = Order()
        self._counts: Counter[State] = Counter()
        self._counting = threading.Lock()

    # --- as it comes

    def incoming(
        self,
        data: bytes,
        door: str,
        certificate: frozenset[str] | None = None,
        actor: Actor | None = None,
        whole: bool = True,
    ) -> Incoming:
        """Return a message with its place: call it in the order messages come. It must be received, or given up."""
        envelope = envelope_of(data)
        sender = envelope.part(3) + envelope.part(4)
        keys = [h64(f"{sender} {each!r}") for each in patients_of(data, envelope)]
        if envelope.name:
            keys.append(h64(envelope.name))
        return Incoming(data, envelope, self._order.place(keys), door, certificate, actor, whole)

    def receive(self, incoming: Incoming) -> Receipt:
        """Take a message in and return its answer, when all is durable. Blocks: call it from a worker thread.

        Nothing is raised: whatever becomes of a message, its sender is told.
        """
        try:
            with incoming.place:
                receipt = self._received(incoming)
        except FhirError as refusal:  # the database does not answer: nothing is stored, and the sender must know
            receipt = self._turned_away(incoming, of_refusal(refusal, ()))
        except Exception as error:  # noqa: BLE001 - the edge of the house: a defect is told as an incident
            receipt = self._turned_away(incoming, _defect(error))
        with self._counting:
            self._counts[receipt.state] += 1
        return receipt

    def receive_all(self, data: bytes, door: str, actor: Actor | None = None, dry: bool = False) -> Receipt:
        """Take in the messages of a body or file, one or a batch, one after another; return one receipt for all.

        Its state is that of the message that fared worst, its `detail` tells of each. What is no message is answered
        as one. Blocks; nothing is raised.
        """
        spans = list(spans_of(data))
        if len(spans) < 2 and not is_batch(data):
            return self._one(data, door, actor, dry)
        receipts = [self._one(data[start:end], door, actor, dry) for start, end in spans]
        told = [{"mid": each.mid, "state": each.state, "code": each.code, **each.detail} for each in receipts]
        worst = max(receipts, key=lambda each: STATES.index(each.state), default=None)
        answers = tuple(answer for each in receipts for answer in each.answers)
        if is_batch(data):
            answers = (batch(envelope_of(data[data.find(b"MSH") :] if spans else b""), answers),)
        if worst is None:
            return self._one(data, door, actor, dry)
        return replace(worst, answers=answers, detail={"messages": told})

    def _one(self, data: bytes, door: str, actor: Actor | None, dry: bool) -> Receipt:
        if dry:
            return self.try_out(data, actor)
        whole = len(data) <= self.limit
        return self.receive(self.incoming(data if whole else data[:HEAD], door, actor=actor, whole=whole))

    def give_up(self, incoming: Incoming) -> None:
        """Give back the place of a message that will not be received."""
        incoming.place.leave()

    @property
    def counts(self) -> dict[State, int]:
        """How many messages this process has received, by what became of them."""
        with self._counting:
            return dict(self._counts)

    def _turned_away(self, incoming: Incoming, judged: Judgement) -> Receipt:
        partner = self._partner(incoming)
        code = _transient(judged, partner)
        return Receipt("failed-transient", (acknowledgement(incoming.envelope, code, judged.problems),), code=code)

    def _partner(self, incoming: Incoming) -> Partner | None:
        """Return who sends a message; None: nobody who may."""
        envelope, actor = incoming.envelope, incoming.actor
        partner = self.partners.of(envelope.part(3), envelope.part(4), incoming.certificate)
        if actor is None:
            return partner
        if partner is not None and actor in (partner.actor, ANONYME):
            return partner
        if partner is not None and actor.organisation == partner.actor.organisation:
            return replace(partner, actor=actor)
        return None if actor is ANONYME and self.partners else Partner(actor.subject or actor.role, actor)

    # --- one message

    def _received(self, incoming: Incoming) -> Receipt:
        envelope = incoming.envelope
        partner = self._partner(incoming)
        if not incoming.whole:
            judged = rejected(complaints.TOO_LARGE.at(None, limit=self.limit))
            return self._turned_away(incoming, judged)
        rules = self._converter_of(() if partner is None else partner.sites)
        name = envelope.name or token_hex(8)
        arrived = Arrived(
            h64(name),
            digest(incoming.data, envelope),
            incoming.data,
            "" if partner is None else partner.name,
            incoming.door,
            envelope.event,
            envelope.part(10),
        )
        reception = messages.receive(self.gateway.everything.store, arrived, _ANSWERED, rules.mappings.version)
        if reception.earlier is not None:
            return _again(reception.earlier, envelope, partner)
        work = _Work(self, incoming.data, envelope, partner, rules, reception.mid, reception.state)
        if reception.same_name:
            work.warnings.append(complaints.SAME_NAME.at(None))
        return work.done()

    # --- again

    def replay(self, mid: int, dry: bool = False) -> Receipt:
        """Take a message of the log in again, by the rules and partners of now. What was applied stays as it is.

        dry: write nothing, and tell what would be. Raises: NotFound for a number that is not there; Unavailable.
        """
        store = self.gateway.everything.store
        with store.read(feed=False) as view:
            known = messages.stored(view, mid)
            data = messages.raw(view, mid)
        if known is None or known.state in SETTLED or known.state == "duplicate":
            state: State = "ignored" if known is None else known.state
            issue = complaints.SETTLED.at(None, mid=mid, state="-" if known is None else known.state)
            return Receipt(state, mid=mid, detail={"issues": of_issues([issue]).told()})
        incoming = self.incoming(data, known.door)
        with incoming.place:
            partner = next((each for each in self.partners.all if each.name == known.partner), None)
            partner = partner or self._partner(incoming)
            rules = self._converter_of(() if partner is None else partner.sites)
            return _Work(self, data, incoming.envelope, partner, rules, mid, known.state, dry).done()

    def try_out(self, data: bytes, actor: Actor | None = None) -> Receipt:
        """Return what a message would become, and write nothing, not even the message."""
        incoming = self.incoming(data, "dry-run", actor=actor)
        with incoming.place:
            partner = self._partner(incoming)
            rules = self._converter_of(() if partner is None else partner.sites)
            try:
                return _Work(self, data, incoming.envelope, partner, rules, 0, "received", True).done()
            except FhirError as refusal:
                return self._turned_away(incoming, of_refusal(refusal, ()))

    def resume(self) -> int:
        """Take in what was stored and not settled when a process ended, in the order it came; return how many."""
        count = 0
        before = 0
        waiting: list[int] = []
        while True:
            with self.gateway.everything.store.read(feed=False) as view:
                found = messages.found(view, Filter(states=("received",), before=before, last=500))
            waiting += [each.mid for each in found]
            if not found:
                break
            before = found[-1].mid
        for mid in reversed(waiting):
            self.replay(mid)
            count += 1
        return count


class _Work:
    """A message being taken in: judged, read, mapped, applied, and what became of it noted."""

    def __init__(
        self,
        intake: Intake,
        data: bytes,
        envelope: Envelope,
        partner: Partner | None,
        rules: Converter,
        mid: int,
        was: State,
        dry: bool = False,
    ) -> None:
        self._intake = intake
        self._data = data
        self._envelope = envelope
        self._partner = partner
        self._rules = rules
        self._mid = mid
        self._was: State = was
        self._dry = dry
        self._mapping = rules.mappings.version
        self.warnings: list[Issue] = []
        self._detail: dict[str, Any] = {}
        self._unplaced = 0
        self._answer = b""
        self._act: MessageAct | None = None
        self._conversion: Conversion | None = None
        self._sending: Writers | None = None  # what an order is answered by

    def done(self) -> Receipt:
        judged = self._at_the_door()
        if judged is not None:
            return self._failed(judged)
        assert self._partner is not None
        try:
            message = read(self._data, self._partner.charset)
        except Unreadable as refusal:
            return self._failed(unreadable(refusal))
        conversion = self._rules.convert(message)
        if message.first("MSA") is not None:
            self._answers_ours()
            return self._settled("ignored", Judgement("AA"), silent=True)
        if conversion.result is None:
            return self._without_result(conversion)
        return self._mapped(conversion)

    def _answers_ours(self) -> None:
        """Note an answer to what was sent to the partner: it may come as a message of its own, after a CA."""
        said, partner = answer_of(self._data), self._partner
        if said is None or partner is None or partner.destination is None or self._dry:
            return
        tried = verdict(said, self._data, enhanced=True)
        if tried.state in ("acknowledged", "rejected"):
            outbox.answered(self._intake.gateway.everything.store, partner.destination.name, said.of, tried)

    def _at_the_door(self) -> Judgement | None:
        """Return why a message is refused before it is read; None: it is not."""
        envelope, partner = self._envelope, self._partner
        if not envelope.found:
            try:
                read(self._data)
            except Unreadable as refusal:
                return unreadable(refusal)
        issues = [*self._refused_by_name()]
        if partner is not None:
            processing = envelope.part(11)
            if processing in ("T", "D") and partner.mode == "production":
                issues.append(complaints.PROCESSING_ID.at(None, processing=processing))
        version = envelope.part(12)
        if envelope.found and version and version not in _VERSIONS:
            issues.append(complaints.VERSION_UNKNOWN.at(None, version=version[:20]))
        if issues:
            return rejected(*issues)
        if envelope.found and not envelope.field(10):
            return Judgement("AE", (problem(complaints.NO_CONTROL_ID.at(None)),))
        return None

    def _refused_by_name(self) -> Sequence[Issue]:
        envelope, partner = self._envelope, self._partner
        if partner is None:
            names = {"application": envelope.part(3)[:80], "facility": envelope.part(4)[:80]}
            return [complaints.PARTNER_UNKNOWN.at(None, **names)]
        if not partner.is_addressed(envelope.part(5), envelope.part(6)):
            names = {"application": envelope.part(5)[:80], "facility": envelope.part(6)[:80]}
            return [complaints.NOT_ADDRESSED.at(None, **names)]
        return []

    def _without_result(self, conversion: Conversion) -> Receipt:
        assert self._partner is not None
        if conversion.accepted:
            return self._settled("ignored", of_issues(conversion.issues))
        if self._partner.unknown == "ignore":
            return self._settled("ignored", Judgement("AA"))
        kind = conversion.event.partition("^")[0]
        mappings = self._rules.mappings_for(conversion.message)
        if not any(each.partition("^")[0] == kind for each in (*mappings.messages, *mappings.accepted)):
            return self._failed(rejected(complaints.TYPE_UNKNOWN.at(None, type=kind or "-")))
        return self._failed(rejected(conversion.issues[-1]))

    def _mapped(self, conversion: Conversion) -> Receipt:
        assert conversion.result is not None
        self._conversion = conversion
        self._sending = message_orders.rules_for(self._intake.sending_of, self._envelope, self._partner)
        self._mapping = self._rules.mappings_for(conversion.message).version
        unplaced = conversion.result.unplaced
        self._unplaced = len(unplaced)
        if unplaced:
            self._detail["unplaced"] = [each.where for each in unplaced[:_PLACES]]
        issues = [*self.warnings, *map(_graver, _found(conversion))]
        merged = [each.criteria for each in conversion.result.instances if each.id in ("patient", "merged")]
        if len(merged) > 1 and merged[0] and merged[0] in merged[1:]:
            issues.append(complaints.MERGE_ITSELF.at(None))
        judged = of_issues(issues)
        if judged.is_error:
            return self._failed(judged)
        return self._applied(conversion, issues)

    def _applied(self, conversion: Conversion, issues: Sequence[Issue]) -> Receipt:
        intake, partner = self._intake, self._partner
        assert partner is not None
        gateway = intake.gateway

        def conclude(warnings: Sequence[Issue]) -> Outcome:
            return self._outcome(of_issues([*issues, *warnings]))

        base = gateway.registry.base or ""
        act = MessageAct(conversion, partner, self._mapping, conclude, self._mid, self._was, base, self._dry)
        self._act = act
        try:
            perform(gateway, Interaction("message", base=base, language="fr", message=act), partner.actor)
        except DryRun as told:
            return self._would_be(told, issues)
        except SettledMeanwhile:
            return self._settled_by_others()
        except FhirError as refusal:
            judged = of_refusal(refusal, act.instances)
            if is_our_fault(refusal):
                codes = sorted({each.detail for each in judged.problems})
                log.error("mapped message is invalid", extra={"fields": {"mid": self._mid, "codes": codes}})
                ours = problem(complaints.MADE_INVALID.at(None, mapping=self._mapping, mid=self._mid))
                judged = replace(judged, problems=(ours, *judged.problems))
            return self._failed(judged)
        else:
            if not act.is_settled:
                messages.settle_alone(gateway.everything.store, self._mid, self._was, conclude(act.warnings))
        finally:
            self._act = None  # which knows this through `conclude`: else all of a message would stay to be collected
        judged = of_issues([*issues, *act.warnings])
        return self._receipt(_state(judged), judged)

    # --- what became of it

    def _outcome(self, judged: Judgement, state: State | None = None) -> Outcome:
        partner = self._partner
        tells = partner is not None and partner.warnings
        problems = judged.problems if judged.is_error or tells else ()
        code, act = _transient(judged, partner), None if judged.is_error else self._act
        self._answer = message_orders.answer(self._envelope, code, problems, self._sending, self._conversion, act)
        if judged.problems:
            self._detail["issues"] = judged.told()
        outcome = state or _state(judged)
        return Outcome(outcome, self._answer, self._mapping, self._unplaced, self._detail, self._data)

    def _failed(self, judged: Judgement) -> Receipt:
        state: State = "failed-content" if judged.code == "AE" else "failed-transient"
        return self._settled(state, judged)

    def _settled(self, state: State, judged: Judgement, silent: bool = False) -> Receipt:
        outcome = self._outcome(judged, state)
        if silent:
            self._answer = b""
            outcome = replace(outcome, answer=b"")
        if not self._dry:
            try:
                messages.settle_alone(self._intake.gateway.everything.store, self._mid, self._was, outcome)
            except SettledMeanwhile:
                return self._settled_by_others()
        return self._receipt(state, judged)

    def _settled_by_others(self) -> Receipt:
        with self._intake.gateway.everything.store.read(feed=False) as view:
            known = messages.stored(view, self._mid)
        assert known is not None
        return _again(known, self._envelope, self._partner)

    def _receipt(self, state: State, judged: Judgement) -> Receipt:
        code = _transient(judged, self._partner)
        answers = _answers(self._answer, self._envelope, self._partner, code)
        return Receipt(state, answers, self._mid, code, self._detail)

    def _would_be(self, told: DryRun, issues: Sequence[Issue]) -> Receipt:
        judged = of_issues([*issues, *told.act.warnings])
        self._outcome(judged)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [*_told(told)]}
        return replace(self._receipt(_state(judged), judged), bundle=bundle)


def _told(dry: DryRun) -> Sequence[dict[str, Any]]:
    """Return what would be written: each resource as it would stand, and what would become of it."""
    from fhir_gateway.fhir.json import decode

    entries = []
    for instance, done in zip(dry.act.instances, dry.done, strict=True):
        version = done.version
        resource = decode(version.body) if version is not None and version.body else instance.resource
        entries.append({"fullUrl": instance.full_url, "resource": resource, "response": {"status": done.outcome}})
    return entries


def _state(judged: Judgement) -> State:
    return "applied-with-warnings" if judged.problems else "applied"


def _found(conversion: Conversion) -> Sequence[Issue]:
    """Return what was found; where there is nobody it is about, that first."""
    if conversion.message.first("PID") is not None:
        return conversion.issues
    return [complaints.NO_PATIENT.at(None), *(each for each in conversion.issues if each.severity != "error")]


def _graver(issue: Issue) -> Issue:
    """A document that is no base64 is an error: it would be stored half."""
    if issue.complaint.detail == "mapping-value-unfit" and issue.values.get("type") == "base64Binary":
        where = issue.values.get("where", "") or "OBX^1"
        return complaints.BASE64_BROKEN.at(None, where=where if where.count("^") > 1 else f"{where}^5")
    return issue


def _transient(judged: Judgement, partner: Partner | None) -> Code:
    """Return MSA-1: some senders stop on AR, and are told AE where they should send again."""
    return partner.transient if judged.code == "AR" and partner is not None else judged.code


def _answers(answer: bytes, envelope: Envelope, partner: Partner | None, code: str) -> tuple[bytes, ...]:
    """Return what is sent: in enhanced mode what MSH-15 and MSH-16 ask for, else the one acknowledgement.

    Source: HL7 v2.5.1, chapter 2, 2.9.2.2, table 0155.
    """
    if not answer:
        return ()
    accept, application = envelope.part(15), envelope.part(16)
    if partner is None or partner.acknowledgement == "original" or not (accept or application):
        return (answer,)
    at = 0 if code == "AA" else 1
    found = []
    if _ENHANCED.get(accept, (False, False))[0]:
        found.append(acknowledgement(envelope, "CA"))  # it is stored, whatever becomes of it
    if _ENHANCED.get(application, (False, False))[at]:
        found.append(answer)
    return tuple(found)


def _again(earlier: Stored, envelope: Envelope, partner: Partner | None) -> Receipt:
    """Return the earlier answer."""
    code = "AE" if earlier.state == "failed-content" else "AA"
    answers = _answers(earlier.answer, envelope, partner, code)
    return Receipt("duplicate", answers, earlier.mid, code, dict(earlier.detail))


def _defect(error: Exception) -> Judgement:
    incident = f"{time.time_ns() // 1_000_000:x}-{token_hex(2)}"
    log.error("defect", exc_info=error, extra={"fields": {"incident": incident}})
    return rejected(complaints.DEFECT.at(None, incident=incident))
