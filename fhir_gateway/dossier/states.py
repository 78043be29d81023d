"""Which state may follow which, by whom, and under what guard: the state machine of a dossier as one table.

What is not in the table is refused, and the refusal names what is. A Task's status never moves its request by itself.

Source: FHIR R4, ServiceRequest, "status"; Task, "State Machine"; the genomic order management of NHS England, whose
moves of Task are taken over; genomics design, "Workflow".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from fhir_gateway.dossier import guards
from fhir_gateway.dossier.actor import Actor
from fhir_gateway.dossier.change import ABSENT, Change
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.fixed import fixed
from fhir_gateway.dossier.membership import is_member, kept
from fhir_gateway.dossier.parties import ASSISTANT, CLAIMANT, FEED, OWNER, PLATFORM, PRESCRIBER, THE_SERVER, Party
from fhir_gateway.dossier.refusal import Refusal
from fhir_gateway.fhir.outcome import Complaint, Issue

Guard = Callable[[Change], Iterator[Issue]]


@dataclass(frozen=True, slots=True)
class Move:
    """From any of these states to any of those, by one of these parties, when all guards hold.

    `of`: the codes of the Tasks (pfmg-tache) that it is for; empty: for all.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    who: tuple[Party, ...]
    guards: tuple[Guard, ...] = ()
    of: tuple[str, ...] = ()

    def is_for(self, code: str) -> bool:
        """Tell whether it is for Tasks of a code, or, "" being no code, for a request."""
        return not self.of or code in self.of


# fmt: off
SERVICE_REQUEST: Final[tuple[Move, ...]] = (
    Move((ABSENT,), ("draft",), (PRESCRIBER, ASSISTANT, FEED)),
    # The prescriber finalises, the server judges: RCP by another, consents, platform, everything that blocks.
    Move(("draft",), ("active",), (PRESCRIBER, THE_SERVER), (guards.is_complete,)),
    Move(("draft",), ("entered-in-error",), (PRESCRIBER,)),
    Move(("active",), ("on-hold",), (PRESCRIBER, THE_SERVER), (guards.has_provenance,)),
    Move(("on-hold",), ("active",), (PRESCRIBER,), (guards.is_complete,)),
    # The server revokes relatives when the proband's request is revoked.
    Move(("active", "on-hold"), ("revoked",), (PRESCRIBER, THE_SERVER), (guards.has_provenance,)),
    Move(("active", "on-hold"), ("revoked",), (PLATFORM,), (guards.has_provenance, guards.has_non_conformity)),
    Move(("active",), ("completed",), (PRESCRIBER,), (guards.is_restituted,)),
    Move(("active", "on-hold", "revoked"), ("entered-in-error",), (PRESCRIBER,),
         (guards.nothing_in_progress, guards.platform_agrees)),
    # completed: nothing follows; a reanalysis is a new request with basedOn.
)

TASK: Final[tuple[Move, ...]] = (
    Move((ABSENT,), ("draft", "requested"), (THE_SERVER,)),
    # Asked again after the RCP refused, or a consent could not be obtained.
    Move((ABSENT,), ("requested",), (PRESCRIBER, ASSISTANT), (guards.asks_again,)),
    Move(("draft",), ("requested",), (THE_SERVER,)),
    Move(("requested",), ("received",), (OWNER, CLAIMANT)),
    # Without owner the first claims; a second one is stopped by If-Match, and by no longer being a claimant.
    Move(("requested", "received"), ("accepted",), (OWNER, CLAIMANT),
         (guards.takes_it, guards.request_runs, guards.permitted)),
    Move(("requested", "received"), ("rejected",), (OWNER, CLAIMANT), (guards.takes_it, guards.has_reason)),
    Move(("accepted",), ("in-progress",), (OWNER,), (guards.request_runs, guards.permitted)),
    Move(("accepted", "in-progress"), ("on-hold",), (OWNER, THE_SERVER), (guards.has_reason,)),
    Move(("on-hold",), ("accepted", "in-progress"), (OWNER,), (guards.request_runs, guards.permitted)),
    Move(("in-progress",), ("completed",), (OWNER,),
         (guards.request_runs, guards.permitted, guards.four_eyes, guards.has_output)),
    # The consent came otherwise: with the submission, from a feed.
    Move((ABSENT, "requested", "received", "accepted", "in-progress", "on-hold"), ("completed",), (THE_SERVER,),
         (guards.is_collected,), ("recueil-consentement",)),
    Move(("in-progress",), ("failed",), (OWNER,), (guards.has_reason,)),
    Move(("draft", "requested", "received", "accepted", "on-hold"), ("cancelled",), (OWNER, THE_SERVER),
         (guards.has_reason,)),
    # What is on the bench, only who is at the bench stops.
    Move(("in-progress",), ("cancelled",), (OWNER,), (guards.has_reason,)),
)

# A status that stays: sending a Task to an owner is the only such move that needs a right. A RCP learns of a request by
# it: the hospital addresses it the Task that nobody owns yet.
SEND_AWAY: Final = (
    Move(("requested",), ("requested",), (OWNER, THE_SERVER), (guards.changes_owner,)),
    Move(("requested",), ("requested",), (PRESCRIBER, ASSISTANT), (guards.is_for_a_rcp, guards.changes_owner)),
)
# fmt: on

TABLES: Final = {"ServiceRequest": SERVICE_REQUEST, "Task": TASK}

NO_SUCH_MOVE = Complaint(
    "dossier-state-not-allowed",
    "business-rule",
    "{type} does not go from {before} to {after}. From {before} it may go to: {allowed}.",
    "{type} ne passe pas de {before} à {after}. À partir de {before}, sont possibles : {allowed}.",
)
NOT_YOURS = Complaint(
    "dossier-actor-not-allowed",
    "forbidden",
    "{type} goes from {before} to {after} by: {who_en}; not by {role} of {organisation}. From {before} it may go to: "
    "{allowed}.",
    "Ce passage de {before} à {after} ({type}) revient à : {who_fr} ; pas à {role} de {organisation}. À partir de "
    "{before}, sont possibles : {allowed}.",
)


def targets(kind: str, before: str, code: str = "") -> tuple[str, ...]:
    """Return the states that may follow one, for anybody, in the order of the table. `code`: of a Task (pfmg-tache)."""
    moves = (move for move in TABLES[kind] if before in move.before and move.is_for(code))
    return tuple(dict.fromkeys(after for move in moves for after in move.after))


def allowed(before: Resource | None, after: Resource | None, actor: Actor, dossier: Dossier, at: str) -> Refusal | None:
    """Return why an actor may not write `after` in place of `before`, or None: it may.

    `before`: None when it is made; `after`: None when it is deleted. `dossier`: as it would be after the write, with
    the Provenances of the same transaction and no older ones of it. `at`: when, as FHIR writes a date or an instant.
    Resources of other types, and those that never belonged to a dossier, are not judged.
    Raises: InvalidRequest("not-a-date") when a date in the dossier is none.
    """
    if before is not None and (leaving := kept(before, after)) is not None:
        return leaving
    if after is None or after.get("resourceType") not in TABLES or not _belongs(before, after):
        return None
    change = Change(before, after, actor, dossier, at)
    if moved := tuple(fixed(change)):
        return Refusal("guard", moved, targets(change.type, change.start, change.code))
    if change.start == change.end:
        sent_away = change.type == "Task" and _owner_changes(change)
        return _judged(change, SEND_AWAY if change.start == "requested" else ()) if sent_away else None
    moves = tuple(
        each
        for each in TABLES[change.type]
        if change.start in each.before and change.end in each.after and each.is_for(change.code)
    )
    return _judged(change, moves)


def _belongs(before: Resource | None, after: Resource) -> bool:
    return is_member(after) or (before is not None and is_member(before))


def _judged(change: Change, moves: tuple[Move, ...]) -> Refusal | None:
    possible = targets(change.type, change.start, change.code)
    words = {
        "type": change.type,
        "before": change.start,
        "after": change.end,
        "allowed": ", ".join(possible) or "-",
    }
    place = f"{change.type}.status"
    if not moves:
        return Refusal("state", (NO_SUCH_MOVE.at(place, **words),), possible)
    mine = [move for move in moves if any(party.holds(change) for party in move.who)]
    if not mine:
        who = list(dict.fromkeys(party for move in moves for party in move.who))
        values = {
            **words,
            "who_fr": " ; ".join(each.french for each in who),
            "who_en": "; ".join(each.english for each in who),
            "role": change.actor.role,
            "organisation": change.actor.organisation or "-",
        }
        return Refusal("actor", (NOT_YOURS.at(place, **values),), possible)
    refusals = [tuple(issue for guard in move.guards for issue in guard(change)) for move in mine]
    fewest = min(refusals, key=len)
    return Refusal("guard", fewest, possible) if fewest else None


def _owner_changes(change: Change) -> bool:
    before = change.dossier.organisations(change.standing.get("owner"))
    after = change.dossier.organisations(change.after.get("owner"))
    return before != after and not before & after


def is_claim(before: Resource | None, after: Resource) -> bool:
    """Tell whether a write takes a Task that nobody owns: a door demands If-Match for it, so that one of two wins."""
    return (
        before is not None
        and after.get("resourceType") == "Task"
        and not before.get("owner")
        and bool(after.get("owner"))
    )
