"""What the store offers to the acts: versions, drafts, commands, and the two kinds of transaction.

Everything a draft needs is made outside any lock; only the version number, the instant and the rid are given under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

Key = tuple[str, str]  # resource type and id
Row = tuple[Any, ...]
T = TypeVar("T")
# What is made for each resource read or written is a NamedTuple: as frozen as a frozen dataclass, made in a third of
# the time.
IndexTable = Literal["i_token", "i_ref", "i_date", "i_num", "i_qty", "i_str", "i_comp", "i_access"]
# For each index table the rows of one resource, without their rid: the writer appends it as the last column. Those of
# i_access are (party, why): what follows from the resource alone (store/index/access.py).
IndexRows = Mapping[IndexTable, Sequence[Row]]


class Version(NamedTuple):
    """One version of one resource, as stored. `body` is finished JSON, empty when `deleted`."""

    type: str
    id: str
    rid: int
    vid: int
    last_updated: int  # µs since the epoch, UTC
    deleted: bool
    body: bytes

    @property
    def key(self) -> Key:
        return (self.type, self.id)


EVERYONE = 0  # the party that everybody belongs to: what it has access to is hidden from nobody


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What somebody may see: current resources that one of `parties` has access to, of `types` (None: of all types).

    `parties` None: whoever has access to them; then there are types. A party is a signed 64-bit number, see
    `store.access`; EVERYONE is always among them. The history of a resource is seen by who sees the resource now, that
    of a deleted one by its owner. None in place of a Narrowing: everything.
    """

    parties: tuple[int, ...] | None  # ascending, each once
    types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource ready to be written: its finished bytes but for version and instant, and its index rows."""

    type: str
    id: str
    tail: bytes  # what follows the value of meta.lastUpdated: `"` and the rest of the JSON
    index: IndexRows
    index_hash: int

    @property
    def key(self) -> Key:
        return (self.type, self.id)


class Create(NamedTuple):
    """Write version 1 of a resource whose id the server has just made, so that nothing can be there."""

    draft: Draft


class Put(NamedTuple):
    """Write the next version of a resource, or its first; nothing happens when the stored one is the same."""

    draft: Draft
    superseded: tuple[int, bytes] | None = None  # see Delete


class Delete(NamedTuple):
    """Write a tombstone; nothing happens when there is no current version.

    `superseded`: the version the caller saw, and its body packed (`store.layout.pack`) before any lock was held.
    """

    type: str
    id: str
    superseded: tuple[int, bytes] | None = None


Command = Create | Put | Delete


class Staged(NamedTuple):
    """What a command did. `version` is the version now current (None: deleting what never was)."""

    outcome: Literal["created", "updated", "unchanged", "deleted", "absent"]
    version: Version | None


@dataclass(frozen=True, slots=True)
class Locks:
    """What a write decides about. `criteria`: normalised conditions ("Patient?identifier=…"); `keys`: resources."""

    criteria: frozenset[str] = frozenset()
    keys: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A page of history, newest first. None: not limited by it."""

    type: str | None = None
    id: str | None = None
    since: int | None = None  # µs: versions made at or after
    at_low: int | None = None  # µs: versions that were current at some instant of [at_low, at_high)
    at_high: int | None = None
    count: int = 50
    after: tuple[int, int, int] | None = None  # (last_updated, rid, vid) of the last entry of the page before


@dataclass(frozen=True, slots=True)
class HistoryPage:
    versions: list[Version]
    next: tuple[int, int, int] | None
    total: int | None  # for an instance only


class Read(Protocol):
    """A consistent view of the store."""

    dialect: Literal["sqlite", "postgresql"]
    narrowing: Narrowing | None  # what is read from now on is within it: what is outside is as if it were not there

    @property
    def certain(self) -> tuple[int, int]:
        """Return which instants a feed may show: all below the first, and the second, which is this transaction's own.

        What lies below is committed and seen here, and nothing can come to lie there any more.
        """

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a SELECT written with `?` placeholders. Values: int, float, str, bytes, None; on PostgreSQL lists."""

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """Inside it, reading that runs beyond `seconds` is ended with TooCostly."""

    def current(self, type: str, id: str) -> Version | None:
        """Return the current version, a tombstone included; None when there never was one."""

    def current_of(self, keys: Iterable[Key]) -> dict[Key, Version]:
        """Return the current versions of many resources, tombstones included, in one statement."""

    def owners(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Return the parties that own resources, deleted ones too, whatever the narrowing; 0: nobody."""

    def version(self, type: str, id: str, vid: int) -> Version | None: ...

    def history(self, query: HistoryQuery) -> HistoryPage: ...

    def referers(self, keys: Iterable[Key], limit: int = 10) -> list[tuple[Key | None, Key]]:
        """Return up to `limit` pairs (referring resource, key it refers to) of current resources.

        Within a narrowing those that it hides come last, once for each key: (None, key).
        """

    def referring(self, keys: Iterable[Key], types: Iterable[str]) -> list[Version]:
        """Return the current resources of some types that refer to any of `keys`, by whatever element."""

    def referring_to(self, keys: Iterable[Key], types: Iterable[str]) -> list[tuple[Version, list[Key]]]:
        """Return the same, each with those of `keys` that it refers to."""

    def named_by(self, keys: Iterable[Key], types: Iterable[str]) -> list[tuple[Version, list[Key]]]:
        """Return the current resources of some types that current resources `keys` refer to, each with these."""


class Write(Read, Protocol):
    """A view that writes. Reads see what was staged before them.

    `narrowing` is about reads, `absent` and `doom`, not about `stage` and `restage`: whether the resource that is there
    may be written was decided before.
    """

    instant: int  # µs: meta.lastUpdated of everything staged here; greater than that of every earlier commit

    @property
    def generation(self) -> int:
        """Return how often what resources are indexed by was changed, asked after the instant was given.

        Index rows made by an older generation must not be written: see `store.jobs`.
        """

    def alone(self, name: str) -> bool:
        """Tell whether this transaction has the one lock of this name in the database; it keeps it until it ends."""

    def stage(self, commands: Sequence[Command]) -> list[Staged]:
        """Carry out commands (one a resource) with one statement a table; in the order given."""

    def restage(self, drafts: Sequence[Draft]) -> list[Version]:
        """Replace body and index of versions staged in this same transaction (conditional references)."""

    def doom(self, keys: Iterable[Key]) -> dict[Key, Version]:
        """Return the current versions, tombstones included, holding them until commit against whoever would change
        them or begin to refer to them.
        """

    def hold(self, rids: Sequence[int]) -> bool:
        """Hold resources by number as `doom` does. Return whether others may have changed some of them since they were
        looked at, so that they must be looked at again.
        """

    def purge(self, rids: Sequence[int], superseded_only: bool = False) -> int:
        """Erase resources for good, with all their versions and index rows, as if they had never been; or
        (`superseded_only`) those of their versions that are no longer current.

        Return how many versions were erased. What refers to them is not looked at.
        """

    def absent(self, keys: Iterable[Key]) -> set[Key]:
        """Return the keys that have no current version, holding the others against deletion until commit.

        What a narrowing hides is absent.
        """


class Store(Protocol):
    """A database of resources. Errors of the database itself become `Unavailable`."""

    dialect: Literal["sqlite", "postgresql"]

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        """Return the current version, a tombstone included, with no transaction around the one statement."""

    def parties(self, identifier: str | None) -> tuple[int, ...]:
        """Return the parties that who acts for an organisation belongs to, ascending; see `store.access.parties_of`.

        Remembered for a few seconds, and until an Organization is written by this process.
        """

    def read(
        self, seconds: float | None = None, feed: bool = True, narrowing: Narrowing | None = None
    ) -> AbstractContextManager[Read]:
        """A snapshot: several statements inside see the same commits. Beyond `seconds` it raises TooCostly.

        `feed` False: no history of a type or of everything, and nothing by `_lastUpdated`, will be asked.
        Within another read of the same thread it is the same snapshot, with the limits of that one, and a narrowing
        of its own.
        """

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        """Run `work` in one transaction and return what it returned once that is durable.

        `owner`: the party that will own what is created, `store.access.party_of` an actor's organisation; 0: nobody.

        `work` may run more than once (the database may ask to repeat), so it must depend on its inputs only.
        An exception from it rolls everything back and is raised here. Blocks; call it from a worker thread.
        """

    def close(self) -> None: ...
