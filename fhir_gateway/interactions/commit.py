"""Writes, from acts to versions: conditions are predicted and drafts made first, then all is decided under the lock.

Every write goes this way, a create alone as well as a transaction of a thousand entries:

0. `validation`: each resource that is brought is held to its definitions.
1. `plan`: in a read snapshot, what each entry is about, references rewritten, drafts made. No lock is held.
2. `_carry_out`: in the write transaction conditions are asked again. Where they come out otherwise, everything is
   rolled back and planned anew; else preconditions and references are checked, commands staged, and conditional
   references, which may name what has just been staged, settled.

Source: FHIR R4, RESTful API, "Transaction Processing Rules", "Managing Resource Contention", "delete".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fhir_gateway.fhir.outcome import Conflict, Gone, NotFound, PreconditionFailed, Unprocessable
from fhir_gateway.interactions import (
    bounds,
    complaints,
    conditions,
    dossier_rules,
    full_text,
    late,
    outgoing,
    preconditions,
    search_state,
)
from fhir_gateway.interactions.contention import GenerationChanged, IdentitiesChanged
from fhir_gateway.interactions.entry import Done, Entry, Identity
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.plan import Plan, plan
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.interactions.terminology import KINDS
from fhir_gateway.interactions.trace import recorded
from fhir_gateway.store.contract import Command, Delete, Key, Locks, Narrowing, Read, Staged, Version, Write
from fhir_gateway.store.registry import PARAMETERS_LOCK

T = TypeVar("T")
Absent = Callable[[Iterable[Key]], set[Key]]  # which of some resources are not here

_OPTIMISTIC = 4  # attempts that draft outside the lock; the later ones draft under it, so that they come to an end
_ATTEMPTS = 8


def commit(
    gateway: Gateway,
    entries: Sequence[Entry],
    answer: Callable[[Read, list[Done]], T],
    bundle: Mapping[str, Any] | None = None,
) -> T:
    """Carry out all entries or none, and return what `answer` makes of them, in the order of `entries`.

    `bundle`: what they came in, held to the profiles that it claims. `answer` reads in the same transaction, after all
    is written; what it raises undoes everything.

    Raises: the FhirErrors of the acts, all problems of a stage together; Conflict when other writes kept
    interfering.
    """
    gateway.validation.check(gateway, entries, bundle)
    full_text.be_current(gateway, [each for entry in entries for each in entry.parameters or ()])
    for attempt in range(_ATTEMPTS):
        planned = _planned(gateway, entries)
        if planned.writes_nothing:
            with gateway.store.read(gateway.limits.search_seconds, narrowing=_narrowing(gateway)) as view:
                if not _changed(gateway, view, entries, planned):
                    current = view.current_of([key for identity in planned.identities for key in identity.keys])
                    return answer(view, _done(planned, (), current))
            continue
        locks = _locks(entries, planned)
        under_lock = attempt >= _OPTIMISTIC

        def work(tx: Write, planned: Plan = planned, locks: Locks = locks, under_lock: bool = under_lock) -> T:
            if under_lock:
                planned = plan(gateway, tx, entries)
                wanted = _locks(entries, planned)
                if not (locks.keys >= wanted.keys and locks.criteria >= wanted.criteria):
                    raise IdentitiesChanged
            return answer(tx, _carry_out(gateway, tx, entries, planned))

        try:
            answered = gateway.store.write(recorded(work), locks)
        except GenerationChanged:
            search_state.renew(gateway)
            continue
        except IdentitiesChanged:
            continue
        if PARAMETERS_LOCK in locks.criteria:
            search_state.take_effect(gateway)
        if any(entry.act.type in KINDS for entry in entries):
            gateway.terminology.changed()
        if under_lock or any(_type(command) == "Organization" for command, _ in planned.commands):
            gateway.rights.forget()
        return answered
    raise Conflict(complaints.UNSETTLED.at())


def _type(command: Command) -> str:
    return command.type if isinstance(command, Delete) else command.draft.type


def trial(gateway: Gateway, view: Read, entries: Sequence[Entry]) -> None:
    """Refuse what `commit` would refuse as the store is now, but for what validation finds; write nothing.

    For acts alone: what only shows once others of a transaction are staged is not looked at. The texts of links may
    have been rewritten afterwards (`Entry.undo`).

    Raises: as `commit`, the problems of the first stage that has any.
    """
    planned = plan(gateway, view, entries)
    current = view.current_of(planned.decided) if planned.decided else {}

    def absent(keys: Iterable[Key]) -> set[Key]:
        there = view.current_of(keys)
        return {key for key in keys if key not in there or there[key].deleted}

    _check(gateway, absent, entries, planned, current)
    if planned.members:
        dossier_rules.trial(gateway, view, planned)
    refusals = Refusals()
    _check_referers(gateway, view, planned, refusals)
    refusals.raise_any()


def _planned(gateway: Gateway, entries: Sequence[Entry]) -> Plan:
    if all(entry.asks_nothing for entry in entries):
        return plan(gateway, None, entries)
    with gateway.store.read(narrowing=_narrowing(gateway)) as view:
        return plan(gateway, view, entries)


def _narrowing(gateway: Gateway) -> Narrowing | None:
    """Return what a plan sees: the same as the write that it is for."""
    return None if gateway.access is None else gateway.access.writing


def _locks(entries: Sequence[Entry], planned: Plan) -> Locks:
    criteria = frozenset(entry.criteria for entry in entries if entry.criteria is not None)
    if planned.change is not None:
        criteria |= {PARAMETERS_LOCK}
    criteria |= dossier_rules.locks(planned)
    keys = frozenset(key for identity in planned.identities if identity.state != "new" for key in identity.keys)
    return Locks(criteria, keys)


def _changed(gateway: Gateway, view: Read, entries: Sequence[Entry], planned: Plan) -> bool:
    known = conditions.together(gateway, view, entries)
    return any(
        entry.criteria is not None and conditions.resolve(gateway, view, entry, known) != identity
        for entry, identity in zip(entries, planned.identities, strict=True)
    )


def _carry_out(gateway: Gateway, tx: Write, entries: Sequence[Entry], planned: Plan) -> list[Done]:
    if tx.generation != planned.generation:
        raise GenerationChanged
    if _changed(gateway, tx, entries, planned):
        raise IdentitiesChanged
    current = tx.current_of(planned.decided) if planned.decided else {}
    if bounds.changed_since(planned, current):
        raise IdentitiesChanged
    _check(gateway, tx.absent, entries, planned, current)
    for key, seen in planned.patched.items():
        if key not in current or current[key].vid != seen.vid:
            raise IdentitiesChanged
    staged = tx.stage([command for command, _ in planned.commands])
    done = _done(planned, staged, current)
    dossier_rules.hold_others(tx, planned, done)
    refusals = Refusals()
    late.settle(gateway, tx, planned, done, refusals)
    if planned.late and not refusals:
        bounds.keep_to_rights(gateway, tx, planned)  # as its references came out
    if planned.members and not refusals:
        dossier_rules.carry_out(gateway, tx, planned, done)
    _check_referers(gateway, tx, planned, refusals)
    refusals.raise_any()
    outgoing.note(gateway, tx, done)
    if planned.change is not None:
        search_state.write_change(tx, planned.change)
    return done


def _done(planned: Plan, staged: Sequence[Staged], current: dict[Key, Version]) -> list[Done]:
    """Return what became of each entry, from what became of the commands."""
    by_entry: dict[int, list[Staged]] = {}
    for (_, index), each in zip(planned.commands, staged, strict=True):
        by_entry.setdefault(index, []).append(each)
    done = []
    for index, identity in enumerate(planned.identities):
        of_entry = by_entry.get(index, ())
        if len(of_entry) == 1:
            done.append(Done(of_entry[0].outcome, of_entry[0].version))
        elif of_entry:
            done.append(Done("deleted", None, len(of_entry)))
        elif identity.keys and identity.keys[0] not in planned.absent:
            done.append(Done("found", current[identity.keys[0]]))
        else:
            done.append(Done("absent", None))
    return done


def _check(
    gateway: Gateway, absent: Absent, entries: Sequence[Entry], planned: Plan, current: dict[Key, Version]
) -> None:
    """Refuse, all at once, what preconditions and references forbid."""
    refusals = Refusals()
    for entry, identity in zip(entries, planned.identities, strict=True):
        for key in identity.keys:
            if key in planned.decided:
                _check_key(refusals, entry, identity, key, current.get(key))
    # To whom something is shown follows from references, so those of who is not shown everything are always checked.
    checked = gateway.limits.integrity_on_write or (gateway.access is not None and gateway.access.is_narrowed)
    if checked and (planned.local or planned.guessed):
        _check_local(gateway, refusals, absent, planned)
    refusals.raise_any()


def _check_key(refusals: Refusals, entry: Entry, identity: Identity, key: Key, now: Version | None) -> None:
    type, id = key
    act = entry.act
    if act.code != "create":
        issues = preconditions.refusals(act.conditions, key, now, entry.at)
        refusals.add(PreconditionFailed, *map(entry.placed, issues))
    if identity.state == "claimed" and now is not None and not now.deleted:
        issue = complaints.CRITERIA_ID_TAKEN.at(entry.at("url"), criteria=entry.criteria, type=type, id=id)
        refusals.add(Conflict, entry.placed(issue))
    if act.code == "patch" and now is None:
        refusals.add(NotFound, complaints.NOT_FOUND.at(entry.at("url"), type=type, id=id))
    elif act.code == "patch" and now is not None and now.deleted:
        refusals.add(Gone, complaints.DELETED.at(entry.at("url"), type=type, id=id, version=now.vid))


def _check_local(gateway: Gateway, refusals: Refusals, absent: Absent, planned: Plan) -> None:
    """Refuse references to what is not here, and to what this same Bundle takes away."""
    gone = {(command.type, command.id) for command, _ in planned.commands if isinstance(command, Delete)}
    # What conditional references seem to name is held here too; whether it is what they name, `late` finds out.
    elsewhere = (planned.local.keys() | planned.guessed) - gone - planned.written
    missing = absent(elsewhere) if elsewhere else set()
    for key, places in planned.local.items():
        if key not in gone and key not in missing:
            continue
        for index, link in places:
            place, reference = planned.expression(index, link), "/".join(key)
            if key in gone:
                refusals.add(Conflict, complaints.REFERENCE_DELETED.at(place, reference=reference))
            elif not bounds.was_referred_to(gateway, planned, index, key):
                refusals.add(Unprocessable, complaints.REFERENCE_ABSENT.at(place, reference=reference))


def _check_referers(gateway: Gateway, view: Read, planned: Plan, refusals: Refusals) -> None:
    """Refuse to delete what something still refers to, after all else is staged.

    A referer that this same transaction deletes or rewrites refers no longer. On PostgreSQL the tombstone is staged
    by now, so that a reference made meanwhile waits for this commit and finds its target gone. Who refers and is hidden
    from the actor is not named.
    """
    deleted = {(command.type, command.id): index for command, index in planned.commands if isinstance(command, Delete)}
    if not deleted or not gateway.limits.integrity_on_delete:
        return
    for referer, (type, id) in view.referers(deleted):
        if referer in deleted:
            continue
        place = planned.entries[deleted[type, id]].at("url")
        if referer is None:
            refusals.add(Conflict, complaints.STILL_REFERENCED_ELSEWHERE.at(place, type=type, id=id))
            continue
        refusals.add(Conflict, complaints.STILL_REFERENCED.at(place, type=type, id=id, referer="/".join(referer)))
