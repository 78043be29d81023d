"""The rules of a dossier in the one write path: who moves what to which state, and what the server does then.

The plan notes which entries are under the rules (`dossier_marks`), and the write takes a lock for each dossier that
they concern. Once all is staged, the dossier is gathered as it then is, and each write judged by `allowed`.
What follows is staged in the same commit: who decided, relatives finalised with the proband, what a withdrawal stops,
Tasks owed. Who is nobody in particular moves no dossier.

Source: FHIR R4, ServiceRequest, "status"; Task, "State Machine"; `fhir_gateway/dossier/README.md`, "For doors".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.changes import Changes, custodian, with_status
from fhir_gateway.dossier.dossier import Dossier, is_proband, task_code
from fhir_gateway.dossier.membership import is_member, kept
from fhir_gateway.dossier.rules import gaps, refusing, state_of
from fhir_gateway.dossier.states import TABLES, allowed, is_claim
from fhir_gateway.dossier.tasks import settled
from fhir_gateway.dossier.withdrawal import withdrawal
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Complaint, Forbidden, Issue, PreconditionFailed, Unprocessable
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions import dossier_marks as marks
from fhir_gateway.interactions import dossier_numbers
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.contention import GenerationChanged, IdentitiesChanged
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.entry import Done
from fhir_gateway.interactions.interaction import ANONYME, Actor
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Create, Draft, Key, Put, Read, Write

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.plan import Plan

Resource = dict[str, Any]

CLAIM_UNGUARDED = Complaint(
    "dossier-claim-unguarded",
    "required",
    "Nobody owns this task yet: taking it, or sending it to somebody, needs If-Match with the version that you saw "
    '(W/"{version}"), so that of two who take it one only does.',
    "Personne ne porte encore cette tâche : la prendre, ou l'adresser, demande If-Match avec la version que vous avez "
    'vue (W/"{version}"), pour que de deux preneurs un seul l\'emporte.',
)

NUMBER_OF_OTHERS = Complaint(
    "dossier-number-of-others",
    "forbidden",
    "The dossier {number} is none that you see, so no request joins it. Leave requisition out to begin a dossier, or "
    "ask its prescriber to add the request.",
    "Le dossier {number} n'est pas de ceux que vous voyez ; aucune prescription ne s'y ajoute. Omettez requisition "
    "pour commencer un dossier, ou demandez à son prescripteur de l'ajouter.",
)
ENTERED_BY_META = Complaint(
    "dossier-entered-by-meta",
    "business-rule",
    "A {type} does not come under the rules of a dossier by its meta alone. Send it with PUT, as a draft, with the "
    "profile and the codes.",
    "Une ressource {type} n'entre pas dans un dossier par ses seules métadonnées. Envoyez-la par PUT, en brouillon, "
    "avec le profil et les codes.",
)

# What is weighed by the errors of its dossier. A Consent is not: whoever refuses or withdraws is heard at once.
WEIGHED: Final = frozenset({"ServiceRequest", "Patient", "RelatedPerson", "FamilyMemberHistory", "Specimen"})
_PLACE = re.compile(r"(\w+)\.where\(id = '([^']*)'\)(.*)", re.DOTALL)
RCP_DECIDED: Final = frozenset({"completed", "rejected"})


@dataclass(frozen=True, slots=True)
class Deed:
    """One resource under the rules that is written. `before`: None when it is new to them; `after`: when deleted."""

    index: int
    before: Resource | None
    after: Resource | None

    @property
    def resource(self) -> Resource:
        found = self.before if self.after is None else self.after
        assert found is not None
        return found

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    def moves_to(self, status: str) -> bool:
        """Tell whether the write brings the resource into a status that it did not have."""
        was = None if self.before is None else self.before.get("status")
        return self.after is not None and was != self.after.get("status") == status


def locks(planned: Plan) -> frozenset[str]:
    """Return the names of the locks under which the dossiers concerned are decided about."""
    return frozenset(f"dossier {number}" for number in planned.dossiers) | dossier_numbers.locks(planned)


def carry_out(gateway: Gateway, tx: Write, planned: Plan, done: list[Done]) -> None:
    """Judge what was staged, and stage what follows from it; `done` is kept right.

    Raises: what the rules refuse, all of it; IdentitiesChanged when another dossier is concerned than was planned.
    """
    with seeing(tx, None):
        deeds = list(_deeds(planned, done))
        written = [each.resource for each in deeds] + [each.before for each in deeds if each.before is not None]
        numbers = marks.numbers_of(gateway, tx, written)
        if not numbers <= planned.dossiers:
            raise IdentitiesChanged
        at = instant_text(tx.instant)
        dossiers = {number: gathering.dossier_of(gateway, tx, number) for number in sorted(numbers)}
        _hold_numbers(gateway, tx, planned, deeds, dossiers)
        judge(gateway, tx, planned, deeds, dossiers, at)
        for number, dossier in dossiers.items():
            changes = _consequences(gateway, dossier, [each for each in deeds if _concerns(each, number)], at)
            _stage(gateway, tx, planned, done, changes)


def hold_others(tx: Write, planned: Plan, done: Sequence[Done]) -> None:
    """Raise IdentitiesChanged where a write that was planned as plain came upon what is under the rules by now.

    Where nobody wrote in between, which the number of the version tells, nothing is asked.
    """
    if len(planned.members) == len(planned.entries):
        return
    members = set(planned.members)
    for index, each in enumerate(done):
        version = each.version
        if index in members or version is None or each.outcome not in ("updated", "deleted"):
            continue
        seen = planned.seen.get(version.key)
        if version.vid == (1 if seen is None else seen.vid + 1):
            continue
        before = tx.version(version.type, version.id, version.vid - 1)
        if before is not None and marks.carries(before):
            raise IdentitiesChanged


def trial(gateway: Gateway, view: Read, planned: Plan) -> None:
    """Refuse what `carry_out` would refuse of acts that are planned and not staged."""
    with seeing(view, None):
        deeds = list(_planned_deeds(planned))
        after = [each.after for each in deeds if each.after is not None]
        dossiers = {number: gathering.dossier_of(gateway, view, number).with_(*after) for number in planned.dossiers}
        _hold_numbers(gateway, view, planned, deeds, dossiers)
        judge(gateway, view, planned, deeds, dossiers, instant_text(gateway.registry.now()))


def hold_meta(before: Resource, after: Resource) -> None:
    """Raise Unprocessable where another meta would bring a resource under the rules, or take it away from them."""
    if is_member(before):
        refusal = kept(before, after)
        if refusal is not None:
            raise refusal.error()
    elif is_member(after) and after["resourceType"] in TABLES:
        raise Unprocessable(ENTERED_BY_META.at(f"{after['resourceType']}.meta.profile", type=after["resourceType"]))


def _deeds(planned: Plan, done: Sequence[Done]) -> Iterator[Deed]:
    for index in planned.members:
        version = done[index].version
        for key in planned.identities[index].keys:
            after = None
            if index in planned.resources:
                if version is None or done[index].outcome == "unchanged":
                    continue
                after = decode(version.body)
            before = _before(planned, key)
            if before is not None or (after is not None and is_member(after)):
                yield Deed(index, before, after)


def _planned_deeds(planned: Plan) -> Iterator[Deed]:
    for index in planned.members:
        for key in planned.identities[index].keys:
            sent = planned.resources.get(index)
            after = None if sent is None else {**sent, "id": key[1]}
            before = _before(planned, key)
            if before is not None or (after is not None and is_member(after)):
                yield Deed(index, before, after)


def _before(planned: Plan, key: Key) -> Resource | None:
    """Return what was stored, where that was under the rules: what comes under them later begins there."""
    seen = planned.seen.get(key)
    if seen is None or seen.deleted:
        return None
    before: Resource = decode(seen.body)
    return before if is_member(before) else None


def _number(resource: Resource) -> str | None:
    return codes.token(resource.get("groupIdentifier" if resource["resourceType"] == "Task" else "requisition"))


def _concerns(deed: Deed, number: str) -> bool:
    return deed.type not in TABLES or _number(deed.resource) == number


def acting(gateway: Gateway) -> Actor:
    """Return who acts: nobody in particular, who moves nothing of a dossier, where no issuer is configured."""
    return ANONYME if gateway.access is None else gateway.access.actor


def _hold_numbers(
    gateway: Gateway, view: Read, planned: Plan, deeds: Sequence[Deed], dossiers: Mapping[str, Dossier]
) -> None:
    """Refuse requests that would join a dossier of which their sender sees no request: others' is none to add to."""
    access, refusals = gateway.access, Refusals()
    if access is None or not access.is_narrowed:
        return
    for deed in deeds:
        number = _number(deed.resource) if deed.type == "ServiceRequest" else None
        if number is None or number not in dossiers or (deed.before is not None and _number(deed.before) == number):
            continue
        names = (each.key.partition("/") for each in dossiers[number].of_type("ServiceRequest"))
        others = {(kind, id) for kind, _, id in names} - planned.written
        with seeing(view, access.writing):
            seen = view.current_of(others) if others else {}
        if others and not seen:
            issue = NUMBER_OF_OTHERS.at("ServiceRequest.requisition", number=number.rpartition("|")[2])
            refusals.add(Forbidden, planned.entries[deed.index].moved(issue))
    refusals.raise_any()


def judge(
    gateway: Gateway, view: Read, planned: Plan, deeds: Sequence[Deed], dossiers: Mapping[str, Dossier], at: str
) -> None:
    """Refuse, all at once, what the rules forbid; note in the entries what their dossiers lack."""
    refusals, actor = Refusals(), acting(gateway)
    for deed in deeds:
        entry = planned.entries[deed.index]
        dossier = _dossier_for(view, deed, planned, dossiers)
        refusal = allowed(deed.before, deed.after, actor, dossier, at)
        if refusal is not None:
            issues = [_placed(planned, deed.index, each) for each in refusal.issues]
            refusals.add(type(refusal.error()), *issues)
        elif deed.after is not None and is_claim(deed.before, deed.after) and entry.act.conditions.if_match is None:
            version = deed.before["meta"]["versionId"] if deed.before is not None else "1"
            refusals.add(PreconditionFailed, _placed(planned, deed.index, CLAIM_UNGUARDED.at("Task", version=version)))
    for deed in deeds:
        if deed.type == "ServiceRequest" and deed.after is not None:
            for issue in dossier_numbers.taken(gateway, view, deed.before, deed.after):
                refusals.add(Unprocessable, planned.entries[deed.index].moved(issue))
    if not refusals:
        weighed = [each for each in deeds if each.type in WEIGHED]
        for number, dossier in dossiers.items():
            _judge_whole(planned, weighed, number, dossier, at, refusals)
    refusals.raise_any()


def _judge_whole(
    planned: Plan, deeds: Sequence[Deed], number: str, dossier: Dossier, at: str, refusals: Refusals
) -> None:
    """Refuse writes that leave a dossier with errors of its state; what it lacks beside is told, not refused.

    A draft must be without errors when its requests are written; what else is written, and a dossier that runs, may
    have errors that came of themselves (a consent withdrawn): there only those count that the write makes.
    """
    requests = [each for each in deeds if each.after is not None and _number(each.after) == number]
    others = [each for each in deeds if each.type != "ServiceRequest"]
    if not dossier.people or not (requests or others):
        return
    first = next((each for each in requests if each.after is not None and is_proband(each.after)), None)
    index = (first or [*requests, *others][0]).index
    if requests:
        found = gaps(dossier, state_of(dossier), at)
        planned.entries[index].gaps = [_placed(planned, index, each.issue()) for each in found]
    if any(each.after is not None and each.after.get("status") not in ("draft", "active") for each in requests):
        return
    standing: set[tuple[str, str | None]] = set()
    if not requests or state_of(dossier) != "draft":
        standing = {(each.complaint.detail, each.expression) for each in _errors(_undone(dossier, deeds), at)}
    new = [each for each in _errors(dossier, at) if (each.complaint.detail, each.expression) not in standing]
    if new:
        lacking = [each for each in planned.entries[index].gaps if each.severity == "warning"] if requests else []
        refusals.add(Unprocessable, *(_placed(planned, index, each) for each in new), *lacking)


def _errors(dossier: Dossier, at: str) -> tuple[Issue, ...]:
    """Return the errors of the state that a dossier is in; while it runs, a request added as a draft is one still."""
    of_draft = refusing(gaps(dossier, "draft", at))
    if state_of(dossier) == "draft":
        return of_draft
    drafts = [each.key for each in dossier.requests if each.resource.get("status") == "draft"]
    running = refusing(gaps(dossier.without(drafts) if drafts else dossier, "active", at))
    told = {(each.complaint.detail, each.expression) for each in running}
    return (*running, *(each for each in of_draft if (each.complaint.detail, each.expression) not in told))


def _undone(dossier: Dossier, deeds: Sequence[Deed]) -> Dossier:
    """Return a dossier as it was before writes, but for others of the same transaction."""
    written = (f"{each.type}/{each.resource['id']}" for each in deeds)
    return dossier.without(written).with_(*(each.before for each in deeds if each.before is not None))


def _dossier_for(view: Read, deed: Deed, planned: Plan, dossiers: Mapping[str, Dossier]) -> Dossier:
    """Return the dossier by which a write is judged: why a request moves now, older Provenances do not say.

    That the platform agreed, it said before, and it said so itself: what others wrote in its name says nothing.
    """
    number = _number(deed.resource) if deed.type in TABLES else None
    dossier = dossiers.get(number or "")
    if dossier is None:
        return Dossier((), number).with_(deed.resource)
    if deed.type != "ServiceRequest":
        return dossier
    name = f"{deed.type}/{deed.resource['id']}"
    told = {
        ("Provenance", str(each.resource["id"]))
        for each in dossier.of_type("Provenance")
        if any(dossier.key(target) == name for target in each.resource.get("target", ()))
    }
    if deed.moves_to("entered-in-error"):
        performers = dossier.performers(deed.before or deed.resource)
        platform = {party_of(each) for each in performers if not each.startswith("|")}
        owners = view.owners(told) if told else {}
        unheard = {key for key in told if key in planned.written or owners.get(key) not in platform}
    else:
        unheard = told - planned.written
    return dossier.without("/".join(key) for key in unheard)


def _placed(planned: Plan, index: int, issue: Issue) -> Issue:
    """Return an issue told from the root of what was sent, where that has the resource; else by its id."""
    match = _PLACE.fullmatch(issue.expression or "")
    if match is None:
        return planned.entries[index].moved(issue)
    kind, id, rest = match.groups()
    for number, identity in enumerate(planned.identities):
        if (kind, id) in identity.keys and number in planned.resources:
            return planned.entries[number].moved(issue.moved_to(f"{kind}{rest}"))
    return issue


# --- what follows


def _consequences(gateway: Gateway, dossier: Dossier, deeds: Sequence[Deed], at: str) -> Changes:
    """Return what the server has to write: who decided, the relatives' finalise, a withdrawal, the Tasks owed."""
    actor = acting(gateway)
    ids = (make() for make in repeat(gateway.new_id))
    total = Changes()
    for deed in deeds:
        made = Changes()
        if deed.type == "Task" and any(map(deed.moves_to, RCP_DECIDED)) and task_code(deed.resource) == "rcp-amont":
            made = Changes((_decision(dossier, deed.resource, actor, at),))
        elif deed.type == "ServiceRequest" and _finalises(deed):
            drafts = [each.request for each in dossier.relatives if each.request.resource.get("status") == "draft"]
            made = Changes((), tuple(with_status(each.resource, "active", at) for each in drafts))
        elif deed.type == "Consent" and deed.after is not None:
            held = dossier.resolve({"reference": f"Consent/{deed.after['id']}"})
            made = Changes() if held is None else withdrawal(dossier, held, _agent(actor), at)
        made = Changes(tuple({**each, "id": next(ids)} for each in made.created), made.updated)
        dossier = dossier.with_(*made.created, *made.updated)
        total = total + made
    _, owed = settled(dossier, at, ids)
    return _once(total + owed)


def _once(changes: Changes) -> Changes:
    """Return changes in which what is made and then moved on is written once."""
    updated = {(each["resourceType"], each["id"]): each for each in changes.updated}
    created = tuple(updated.pop((each["resourceType"], each["id"]), each) for each in changes.created)
    return Changes(created, tuple(updated.values()))


def _finalises(deed: Deed) -> bool:
    was = None if deed.before is None else deed.before.get("status")
    return was == "draft" and deed.moves_to("active") and is_proband(deed.resource)


def _agent(actor: Actor) -> Resource:
    """Return the Provenance.agent that an actor is: a person by RPPS, else the software by its name."""
    if actor.rpps is not None:
        who: Resource = {"type": "Practitioner", "identifier": {"system": codes.RPPS, "value": actor.rpps}}
    else:
        who = {"type": "Device", "display": actor.client or actor.subject or actor.role}
    made: Resource = {"who": who}
    if actor.organisation is not None:
        made["onBehalfOf"] = {"type": "Organization", "identifier": codes.identifier(actor.organisation)}
    return made


def _decision(dossier: Dossier, task: Resource, actor: Actor, at: str) -> Resource:
    """Return the Provenance of a decision of the RCP d'amont: the rules read it, and the hospital sees who decided."""
    held = dossier.resolve(task.get("focus"))
    request = {} if held is None else held.resource
    keeping = custodian(dossier.organisations(request.get("requester"), request))
    reason = task.get("statusReason") or codes.concept(codes.MOTIF, "rcp-validation")
    return {
        "resourceType": "Provenance",
        "meta": {"profile": [f"{codes.PROFILE}provenance"]},
        "target": [{"reference": f"Task/{task['id']}"}],
        "recorded": at,
        "reason": [reason],
        "agent": [_agent(actor), *keeping],
    }


def _stage(gateway: Gateway, tx: Write, planned: Plan, done: list[Done], changes: Changes) -> None:
    """Stage what the server writes; what the sender wrote in this same transaction is written in its place."""
    if gateway.searching.state.generation != planned.generation:
        raise GenerationChanged
    sent = {
        done[index].version.key: index  # type: ignore[union-attr]
        for index in planned.resources
        if done[index].version is not None and done[index].outcome in ("created", "updated")
    }
    commands: list[Create | Put] = [Create(_draft(gateway, each)) for each in changes.created]
    again: list[tuple[int, Draft]] = []
    for each in changes.updated:
        made = _draft(gateway, each)
        if made.key in sent:
            again.append((sent[made.key], made))
        else:
            commands.append(Put(made))
    if commands:
        tx.stage(commands)
    if again:
        for (index, _), version in zip(again, tx.restage([made for _, made in again]), strict=True):
            done[index] = Done(done[index].outcome, version)


def _draft(gateway: Gateway, resource: Mapping[str, Any]) -> Draft:
    written = dict(resource)
    links = structure.links(written, gateway.definitions.types, every_uri=False)
    return draft(gateway.indexer, written, written["resourceType"], written["id"], links)
