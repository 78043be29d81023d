"""Who may do what, and what of the store they see: the one place that is asked before any act.

An actor's role has rights by the policy; the scopes of the token narrow them; the organisation acted for says which
dossiers are seen. `ANONYME`, who acts where no issuer is configured, is never asked about: nothing is narrowed then.

Source: SMART App Launch 2.2.0, "Scopes for requesting FHIR Resources"; `fhir_gateway/policy/politique.yaml`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_gateway.fhir.outcome import Forbidden, Issue
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.entry import WRITES, Entry
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.policy.scopes import LETTER_OF
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Narrowing, Read

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.policy.policy import Policy, Right

_OPEN = frozenset({"capabilities", "batch", "transaction", "message"})  # of the latter three each entry is judged
# What concerns several types is judged by each of them.
_BY_TYPE = {"search-system": "search-type", "search-compartment": "search-type", "history-system": "history-type"}
_SEES = ("read", "search-type")
_TOUCHES = ("update", "patch", "delete")
_KEPT = 4096  # actors
_SECONDS = 1.0  # between looks at the parties, which the store remembers as well

Parties = tuple[int, ...] | None  # None: all of them
_Identity = tuple[str, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Access:
    """What an actor may do and see for the moment, whoever of its organisation, role and scopes it is.

    `reading`: what is seen by reads and conditions; `writing`: by what is written, which the scopes for reading do not
    cut (who may only create still refers to what its role sees). None: everything. `owner`: the party that what it
    creates belongs to, 0: none. `readable`: the types it may read. `writes`: whether it has a right to any write; who
    has none may still try with `$validate` what a write would be refused for.
    """

    actor: Actor
    policy: Policy
    reading: Narrowing | None
    writing: Narrowing | None
    owner: int
    readable: frozenset[str]
    writes: bool

    @property
    def is_narrowed(self) -> bool:
        """Whether there may be something that is hidden from it."""
        return self.writing is not None

    def right(self, code: str, type: str | None, operation: str | None = None) -> Right | None:
        """Return the right of the role, whatever the scopes; None: it has none."""
        return self.policy.right(self.actor.role, code, type, operation)

    def require(self, act: Interaction) -> None:
        """Raise Forbidden, with all that is missing, when the actor may not do this."""
        if issues := self.lacking(act):
            raise Forbidden(*issues)

    def require_read(self, type: str) -> None:
        """What `require` says of a plain read, at once where it is allowed."""
        if type not in self.readable:
            self.require(Interaction("read", type, "-"))

    def lacking(self, act: Interaction) -> list[Issue]:
        """Return which rights and scopes are missing for an act; it says nothing about data."""
        if act.code in _OPEN:
            return []
        if act.code == "operation":
            return self._of_operation(act)
        code = _BY_TYPE.get(act.code, act.code)
        if act.type is None:
            return self._of_some_type(code)
        issues = self.lacking_on(code, act.type)
        if _asks_condition(act):
            issues += self.lacking_on("search-type", act.type)
        return issues

    def lacking_on(self, code: str, type: str) -> list[Issue]:
        """Return what is missing for an interaction on a type."""
        right = self.right(code, type)
        if right is None:
            return [self._no_right(code, type)]
        if not self.actor.scopes.allow(type, LETTER_OF[code]):
            return [self._no_scope(type, LETTER_OF[code])]
        if code in WRITES and right.scope in ("organisation", "adressé") and self.actor.organisation is None:
            return [complaints.ORGANISATION_MISSING.at(role=self.actor.role)]
        return []

    def _of_some_type(self, code: str) -> list[Issue]:
        """Of an act on many types: it is allowed on some; what it may not see is narrowed away."""
        types = self.policy.types(self.actor.role, code)
        letter, may = LETTER_OF[code], self.actor.scopes
        if types is not None and not types:
            return [self._no_right(code, "*")]
        granted = any(letter in letters for letters in may.may.values()) if types is None else None
        if granted or (types is not None and any(may.allow(type, letter) for type in types)):
            return []
        return [self._no_scope("*", letter)]

    def _of_operation(self, act: Interaction) -> list[Issue]:
        from fhir_gateway.interactions.operations.table import OPERATIONS  # its modules ask for access themselves

        operation = OPERATIONS.get(act.operation or "")
        if operation is None:
            return []  # refused where it is looked up
        right = self.right("operation", act.type, operation.name)
        if right is None or (operation.is_of_everything and right.scope != "tout"):
            return [self._no_right(f"${operation.name}", act.type or "[base]")]
        letters = operation.letters or ("r" if act.id is not None else "")
        return [
            self._no_scope(act.type or "*", letter)
            for letter in letters
            if not self.actor.scopes.allow(act.type, letter)
        ]

    def _no_right(self, right: str, type: str) -> Issue:
        return complaints.RIGHT_MISSING.at(role=self.actor.role, right=right, type=type)

    def _no_scope(self, type: str, letter: str) -> Issue:
        level = "user" if self.actor.kind == "person" else "system"
        return complaints.SCOPE_MISSING.at(scope=f"{level}/{type}.{letter}")

    def narrowing_of(self, act: Interaction) -> Narrowing | None:
        """Return what a read sees: of an act on many types only those for which the role has that right."""
        if act.type is not None or act.code not in _BY_TYPE:
            return self.reading
        code = _BY_TYPE[act.code]
        types = self.policy.types(self.actor.role, code)
        if types is None or self.reading is None:
            return self.reading
        return replace(self.reading, types=types if self.reading.types is None else types & self.reading.types)


def _asks_condition(act: Interaction) -> bool:
    """Tell whether an act searches for what it is about."""
    if act.code == "create":
        return act.conditions.if_none_exist is not None or bool(act.parameters)
    return act.code in _TOUCHES and act.id is None


@contextmanager
def seeing(view: Read, narrowing: Narrowing | None) -> Iterator[None]:
    """Inside it, a view that is open sees what another narrowing lets it see."""
    before = view.narrowing
    view.narrowing = narrowing
    try:
        yield
    finally:
        view.narrowing = before


def _shipped() -> Policy:
    from fhir_gateway.policy.policy import shipped  # read where somebody is asked about

    return shipped()


class Rights:
    """What actors may do and see, remembered for a moment. Safe for any number of threads."""

    def __init__(self, policy: Callable[[], Policy] = _shipped, now: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._now = now
        self._lock = threading.Lock()
        self._forgotten = 0
        self._known: dict[_Identity, tuple[Access, Parties, float]] = {}

    def at_hand(self, actor: Actor) -> Access | None:
        """Return what is remembered of an actor, without a question to the store; None: ask `of`."""
        known = self._known.get(_identity(actor))
        return _acted_by(known[0], actor) if known is not None and self._now() < known[2] else None

    def of(self, gateway: Gateway, actor: Actor) -> Access:
        """Return what an actor may do and see. Raises: Unavailable when the database does not answer."""
        found = self.at_hand(actor)
        if found is not None:
            return found
        forgotten, identity, policy = self._forgotten, _identity(actor), self._policy()
        parties = None if policy.unnarrowed(actor.role) else gateway.everything.store.parties(actor.organisation)
        known = self._known.get(identity)
        made = known[0] if known is not None and known[1] == parties else _access(gateway, actor, policy, parties)
        with self._lock:
            if forgotten == self._forgotten:  # else an Organization was written since it was asked
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[identity] = (made, parties, self._now() + _SECONDS)
        return _acted_by(made, actor)

    def forget(self) -> None:
        """Ask anew who belongs to which organisation: one was written here."""
        with self._lock:
            self._forgotten += 1
            self._known.clear()


def _acted_by(access: Access, actor: Actor) -> Access:
    """Return what several people of one role and organisation may alike, as that of the one who acts."""
    return access if access.actor is actor or access.actor == actor else replace(access, actor=actor)


def _identity(actor: Actor) -> _Identity:
    return (actor.role, actor.organisation, actor.scopes.text, actor.kind)


def _access(gateway: Gateway, actor: Actor, policy: Policy, parties: Parties) -> Access:
    every, role, may = gateway.resource_types, actor.role, actor.scopes
    rights = {type: [right for code in _SEES if (right := policy.right(role, code, type))] for type in every}
    seen = frozenset(type for type, found in rights.items() if found)
    granted = frozenset(type for type in seen if may.allow(type, "r") or may.allow(type, "s"))
    touched = frozenset(type for type in every if any(policy.right(role, code, type) for code in _TOUCHES))
    if all(right.scope == "tout" for found in rights.values() for right in found):
        parties = None  # all there is, of these types
    return Access(
        actor,
        policy,
        _narrowing(parties, granted, every),
        _narrowing(parties, seen | touched, every),
        0 if actor.organisation is None else party_of(actor.organisation),
        frozenset(type for type in every if policy.right(role, "read", type) and may.allow(type, "r")),
        any(policy.types(role, code) != frozenset() for code in WRITES),
    )


def _narrowing(parties: Parties, types: frozenset[str], every: frozenset[str]) -> Narrowing | None:
    if parties is None and types == every:
        return None
    return Narrowing(parties, None if types == every else types)


def require_each(gateway: Gateway, entries: Iterable[Entry]) -> None:
    """Refuse, all at once, what the actor may not do: each entry as if it had come alone.

    Raises: Forbidden with what every entry lacks.
    """
    if gateway.access is None:
        return
    refusals = Refusals()
    for entry in entries:
        refusals.add(Forbidden, *map(entry.placed, gateway.access.lacking(entry.act)))
    refusals.raise_any()
