"""Deposits with the national collector, by the Tasks that ask for them: each laid down, its acknowledgement told.

A laboratory whose deposits this gateway makes has its Tasks `depot-cad` done: the one that is requested is accepted,
the folder laid down, and the Task is in progress; when the collector has answered, it is completed or failed, with the
acknowledgement as its output and a Provenance of the gateway's own. The Tasks are the queue: what was interrupted is
found again by their states, and laying down the same deposit twice lays it down once.

All is done as the laboratory, by the one gate: the rules of the dossier judge it as they judge the laboratory itself.
Of several processes on one database one looks after a collector; a Task is laid down by who claims it, whoever looks.

Source: reference: CAD, ACK ("Store the ACK as Task output"); FHIR R4, Task; `fhir_gateway/dossier/README.md`.
"""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.delivery.collector import Said, collector_context, said, tried, verdict
from fhir_gateway.delivery.ftps import FtpsAddress, FtpsPatience, NotDeposited
from fhir_gateway.dossier import codes, deposit
from fhir_gateway.dossier.changes import SERVER_AGENT, with_status
from fhir_gateway.dossier.deposit import CODE, CONTROL
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError, PreconditionFailed, Unprocessable
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Interaction
from fhir_gateway.interactions.perform import perform
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.collectors import BadCollectors, DepositAddress, collectors_of
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.lease import SECONDS, Lease
from fhir_gateway.store.search.select import match

if TYPE_CHECKING:
    from fhir_gateway.exchange.cad.cad import Written
    from fhir_gateway.exchange.cad.sender import Sender

Resource = dict[str, Any]
log = logging.getLogger(__name__)

ANSWERED: Final = "accuse-cad"
HL7: Final = "x-application/hl7-v2+er7"
_WAITS: Final = frozenset({"requested", "accepted"})
_AT_ONCE: Final = 1000  # Tasks that a round looks at
_ABOUT: Final = gathering.ABOUT | {"Procedure"}
_UNSAID: Final = "cad-research-not-said"


@dataclass(frozen=True, slots=True)
class Collector:
    """Where the deposits of a laboratory go. `laboratory`: whose they are, "system|value", and as whom `actor` acts.

    `sender`: how messages name it; `numbers`: systems of identifiers that people are called by, None: as they ship.
    `claim_seconds`: for how long an accepted Task is left to whoever accepted it; then it is tried again. `seconds`:
    from one round to the next.
    """

    name: str
    actor: Actor
    sender: Sender
    address: FtpsAddress
    patience: FtpsPatience = field(default_factory=FtpsPatience)
    numbers: tuple[str, ...] | None = None
    claim_seconds: float = 600.0
    seconds: float = 60.0

    @property
    def laboratory(self) -> str:
        return self.actor.organisation or ""


@dataclass(slots=True)
class Round:
    """What a round came to, in Tasks: laid down, answered, waiting for the other side, held by what their dossiers
    lack. `why`: of those that are held, by Task, the detail codes.
    """

    deposited: int = 0
    answered: int = 0
    waiting: int = 0
    held: int = 0
    why: dict[str, tuple[str, ...]] = field(default_factory=dict)


def collector_of(address: DepositAddress) -> Collector:
    """Return a collector as it is spoken to. Raises: BadCertificates; BadCollectors where it has no password."""
    try:
        password = address.password_file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, ValueError) as error:
        raise BadCollectors(f"{address.password_file}: {error}") from None
    context = collector_context(address.certificate, address.key, address.authority)
    goes_to = FtpsAddress(
        address.host, address.user, context, password, address.port, address.certificate_name, address.base
    )
    return Collector(
        address.name, address.actor, sender_of(address), goes_to, numbers=address.numbers or None,
        claim_seconds=address.claim_seconds, seconds=address.seconds,
    )  # fmt: skip


def sender_of(address: DepositAddress) -> Sender:
    """Return how messages name a laboratory and its collector."""
    from fhir_gateway.exchange.cad.sender import Sender, Structure

    return Sender(
        Structure(*address.laboratory), Structure(*address.facility), Structure(*address.legal),
        Structure(*address.application), Structure(*address.collector), processing=address.processing,
    )  # fmt: skip


class Deposits:
    """Makes the deposits of laboratories in a thread of its own, a round each so many seconds (`Collector.seconds`).

    A round that fails as a whole is logged, and the next one tries again: the Tasks say what is left to do.
    """

    def __init__(self, gateway: Gateway, collectors: Sequence[Collector]) -> None:
        self._gateway = gateway
        store = gateway.everything.store
        self._turns = [_Turn(each, Lease(store, f"collector {each.name}", _held(each))) for each in collectors]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deposits", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> bool:
        """Begin no further round, and wait for the one at work; return whether it has ended. What was being laid down
        is laid down again by the next start.
        """
        self._stopping.set()
        self._thread.join(seconds)
        ended = not self._thread.is_alive()
        for each in self._turns if ended else ():
            with suppress(FhirError):  # the database is away: the lease lapses by itself
                each.lease.let_go()
        return ended

    def _run(self) -> None:
        while not self._stopping.is_set():
            for each in self._turns:
                if each.due <= time.monotonic():
                    self._take(each)
                    each.due = time.monotonic() + each.collector.seconds
            wait = min(each.due for each in self._turns) - time.monotonic()
            self._stopping.wait(max(wait, 0.0))

    def _take(self, turn: _Turn) -> None:
        collector = turn.collector
        try:
            told = round_of(self._gateway, collector) if turn.lease.held() else Round()
        except FhirError as refusal:
            codes_ = [issue.complaint.detail for issue in refusal.issues]
            log.warning("deposits refused", extra={"fields": {"collector": collector.name, "refusal": codes_}})
            return
        except Exception as error:  # the thread's edge: told, and tried again
            log.error("deposits failed", exc_info=error, extra={"fields": {"collector": collector.name}})
            return
        if told != Round():
            counts = {"deposited": told.deposited, "answered": told.answered, "waiting": told.waiting}
            why = {
                code: sum(code in each for each in told.why.values()) for code in sorted(set(chain(*told.why.values())))
            }
            log.info(
                "deposits", extra={"fields": {"collector": collector.name, **counts, "held": told.held, "why": why}}
            )


@dataclass(slots=True)
class _Turn:
    """A collector, who looks after it, and when (on the monotonic clock) the next round is."""

    collector: Collector
    lease: Lease
    due: float = 0.0


def _held(collector: Collector) -> float:
    """Return the seconds after which another process takes over from one that has gone away."""
    return max(SECONDS, 3 * collector.seconds)


def collectors_from(path: Path | None) -> list[Collector]:
    """Return the collectors of a file, none where there is none. Raises: BadCollectors, BadCertificates."""
    return [] if path is None else [collector_of(each) for each in collectors_of(path)]


def opened_deposits(gateway: Gateway, collectors: Sequence[Collector]) -> Deposits | None:
    """Begin to make the deposits of collectors; None where there are none."""
    if not collectors:
        return None
    made = Deposits(gateway, collectors)
    made.start()
    return made


def round_of(gateway: Gateway, collector: Collector) -> Round:
    """Lay down what is due, and take in what was answered. Whatever fails waits for the next round."""
    told = Round()
    for task in _due(gateway, collector):
        try:
            if task["status"] in _WAITS:
                _deposit(gateway, collector, task, told)
            else:
                _listen(gateway, collector, task, told)
        except FhirError as refusal:  # of this Task: it holds up no other
            told.held += 1
            told.why[task["id"]] = tuple(issue.complaint.detail for issue in refusal.issues)
    return told


def _due(gateway: Gateway, collector: Collector) -> list[Resource]:
    """Return the laboratory's Tasks that are to be done or are under way, and those that nobody owns, the oldest
    first; whose dossier it is shows when that is gathered.
    """
    asked = [("code", f"{codes.TACHE}|{CODE}"), ("status", "requested,accepted,in-progress")]
    with gateway.everything.store.read() as view, seeing(view, None):
        own = ",".join(sorted(_numbers(gateway, view, collector)))
        keys: set[Key] = set()
        for owner in (("owner:identifier", own), ("owner:missing", "true")):
            keys.update(match(view, conditions.query_of(gateway, "Task", [*asked, owner]), _AT_ONCE))
        found = sorted(view.current_of(keys).values(), key=lambda each: each.rid)
        return [decode(each.body) for each in found if not each.deleted]


def _numbers(gateway: Gateway, view: Read, collector: Collector) -> set[str]:
    """Return by what a laboratory is named as an owner: its number, and the others that the directory has of it."""
    query = conditions.query_of(gateway, "Organization", [("identifier", collector.laboratory)])
    held = view.current_of(match(view, query, _AT_ONCE)).values()
    return {collector.laboratory, *(token for each in held if not each.deleted for token in codes.tokens(_body(each)))}


def _body(version: Version) -> Resource:
    found: Resource = decode(version.body)
    return found


def _dossier(gateway: Gateway, collector: Collector, task: Resource) -> Dossier | None:
    """Return the dossier of a Task; None where it is another laboratory's."""
    number = codes.token(task.get("groupIdentifier"))
    if number is None:
        return None
    with gateway.everything.store.read() as view, seeing(view, None):
        found = gathering.dossier_of(gateway, view, number, _ABOUT)
    return found if collector.laboratory in found.platform else None


def _number(gateway: Gateway, task: Resource) -> str | None:
    """Return what the laboratory calls the dossier of a Task, by the request that the Task is about."""
    from fhir_gateway.exchange.cad.dossier import number_of

    key = gathering.key_of(gateway, task.get("focus"))
    with gateway.everything.store.read() as view:
        version = None if key is None else view.current(*key)
    return None if version is None or version.deleted else number_of(_body(version))


def written(collector: Collector, dossier: Dossier, control: str) -> Written | None:
    """Return the deposit of a dossier; None where it has no report.

    It is the same however often it is asked for, until the dossier says something else.
    """
    from fhir_gateway.exchange.cad.cad import Cad  # only where something is deposited
    from fhir_gateway.exchange.cad.dossier import NUMBERS

    report = deposit.report_of(dossier)
    if report is None:
        return None
    cad = Cad(collector.sender, collector.numbers if collector.numbers is not None else NUMBERS)
    at = datetime.fromisoformat(report["meta"]["lastUpdated"])
    return cad.write((each.resource for each in dossier.resources), control=control, at=at)


def _controls(dossier: Dossier, task: Resource) -> tuple[str, bool]:
    """Return the MSH-10 of the deposit that a Task is to make, and whether the collector has refused the same report
    before and not taken it since. Each try has a number of its own: none takes the answer to another for its own.
    """
    own = deposit.version_of(deposit.report_of(dossier) or {})
    others = [each.resource for each in dossier.tasks(CODE) if each.resource["id"] != task["id"]]
    tries = [each["status"] for each in others if (deposit.control(each) or "").split("_")[0] == own]
    return (f"{own}_{len(tries) + 1}" if tries else own), "failed" in tries and "completed" not in tries


def _deposit(gateway: Gateway, collector: Collector, task: Resource, told: Round) -> None:
    begun = instant_text(gateway.registry.now())  # what is issued from now on is not in this deposit
    dossier = _dossier(gateway, collector, task)
    if dossier is None:
        return
    control, refused = _controls(dossier, task)
    if refused and task["status"] == "requested":
        # What the collector has refused is not repeated as it is, but when the laboratory accepts the Task.
        told.held += 1
        told.why[task["id"]] = ("refused before",)
        return
    made = written(collector, dossier, control)
    if made is None:
        told.held += 1
        return
    reasons = [each.complaint.detail for each in made.issues if each.severity == "error"]
    # Without CON the collector may read a refusal: who has not been asked yet is waited for.
    reasons += [each.complaint.detail for each in made.issues if each.complaint.detail == _UNSAID]
    if made.folder is None or reasons:
        told.held += 1
        told.why[task["id"]] = tuple(dict.fromkeys(reasons))
        return
    claimed = _claimed(gateway, collector, task)
    if claimed is None:
        told.waiting += 1
        return
    task = claimed
    came = tried(collector.address, collector.patience, made.folder)
    if came.state == "queued":
        told.waiting += 1
        log.warning("deposit put off", extra={"fields": {"collector": collector.name, "came": came.came}})
        return
    output = [*task.get("output", ()), {"type": {"text": CONTROL}, "valueString": control}]
    period = {"start": begun}  # whatever ended before was another try
    now = instant_text(gateway.registry.now())
    laid = {**with_status(task, "in-progress", now), "output": output, "executionPeriod": period}
    task = _moved(gateway, collector, laid)
    if came.state == "rejected":
        failed = {**with_status(task, "failed", now), "statusReason": _reason(came.came)}
        _moved(gateway, collector, {**failed, "executionPeriod": {**period, "end": now}})
        return
    told.deposited += 1


def _claimed(gateway: Gateway, collector: Collector, task: Resource) -> Resource | None:
    """Take a Task, so that of several processes one lays its deposit down; None where another has it."""
    now = gateway.registry.now()
    if task["status"] == "accepted":
        since = now / 1_000_000 - datetime.fromisoformat(task["lastModified"]).timestamp()
        if 0 <= since < collector.claim_seconds:
            return None
    owner = {"identifier": codes.identifier(collector.laboratory)}
    try:
        return _moved(gateway, collector, {**with_status(task, "accepted", instant_text(now)), "owner": owner})
    except PreconditionFailed:
        return None


def _listen(gateway: Gateway, collector: Collector, task: Resource, told: Round) -> None:
    control, number = deposit.control(task), _number(gateway, task)
    if control is None or number is None:
        told.held += 1
        return
    try:
        found = said(collector.address, collector.patience, number, control)
    except NotDeposited as error:
        told.waiting += 1
        log.warning("answers put off", extra={"fields": {"collector": collector.name, "came": str(error)}})
        return
    if found is None:
        told.waiting += 1
        return
    dossier = _dossier(gateway, collector, task)
    if dossier is None:
        return
    _close(gateway, collector, task, dossier, found)
    told.answered += 1


def _close(gateway: Gateway, collector: Collector, task: Resource, dossier: Dossier, found: Said) -> None:
    """Say on the Task what the collector answered, with the answer itself, and by whom that was written."""
    acknowledgement = found.acknowledgement
    answer = {
        "type": codes.concept(codes.PIECE, ANSWERED),
        "valueAttachment": {
            "contentType": HL7,
            "title": found.file.name,
            "data": b64encode(found.file.data).decode(),
        },
    }
    now = instant_text(gateway.registry.now())
    is_taken = verdict(found).state == "acknowledged"
    changed = with_status(task, "completed" if is_taken else "failed", now)
    changed |= {
        "output": [*task["output"], answer],
        "executionPeriod": {**task.get("executionPeriod", {}), "end": now},
    }
    if not is_taken:
        changed["statusReason"] = _reason(f"{acknowledgement.code}: {acknowledgement.outcome}")
    trace = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Task/{task['id']}"}],
        "recorded": now,
        "activity": {"text": CODE},
        "agent": [{**SERVER_AGENT, "onBehalfOf": _organisation(collector)}],
        "entity": [
            {"role": "source", "what": {"reference": each.key}}
            for each in sorted(dossier.reports(), key=lambda each: each.key)
        ],
    }
    _written(gateway, collector, _put(changed), {"resource": trace, "request": {"method": "POST", "url": "Provenance"}})


def _organisation(collector: Collector) -> Resource:
    return {"type": "Organization", "identifier": codes.identifier(collector.laboratory)}


def _reason(text: str) -> Resource:
    return {**codes.concept(codes.MOTIF, "autre"), "text": f"Dépôt au CAD : {text}"}


def _put(resource: Resource) -> Resource:
    match_ = f'W/"{resource["meta"]["versionId"]}"'
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, "ifMatch": match_}}


def _moved(gateway: Gateway, collector: Collector, task: Resource) -> Resource:
    """Write a Task and return it as it is stored."""
    _written(gateway, collector, _put(task))
    with gateway.everything.store.read() as view:
        version = view.current("Task", task["id"])
    if version is None:
        raise LookupError(f"Task/{task['id']} is gone")
    stored: Resource = decode(version.body)
    return stored


def _written(gateway: Gateway, collector: Collector, *entries: Mapping[str, Any]) -> None:
    """Carry out a transaction as the laboratory. Raises: the FhirError that refuses it."""
    bundle: Resource = {"resourceType": "Bundle", "type": "transaction", "entry": [dict(each) for each in entries]}
    checked = structure.check(bundle, gateway.definitions.types)
    if checked.issues:
        raise Unprocessable(*checked.issues)
    base = gateway.registry.base or ""
    act = Interaction("transaction", resource=bundle, links=checked.links, base=base, language="fr")
    perform(gateway, act, collector.actor)
