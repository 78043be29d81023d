"""Writing: commands become rows, with one statement a table, whatever the number of commands.

Everything costly about a draft was done before the transaction began; here versions are numbered and rows laid down.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.store.contract import Command, Create, Delete, Draft, IndexTable, Key, Put, Row, Staged, Version
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.layout import INDEX_COLUMNS, first_rid, head, pack, says_the_same
from fhir_gateway.store.reindexing import KEYS, Redrafted, Reindexed
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.view import View

_STORED = "rtype, fhir_id, rid, vid, last_updated, deleted, body, idx_hash"


@dataclass(frozen=True, slots=True)
class _Stored:
    version: Version
    idx_hash: int


@dataclass(slots=True)
class Rows:
    """The rows that a list of commands comes to, by statement."""

    resource: list[Row] = field(default_factory=list)
    replaced: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    unindexed: list[int] = field(default_factory=list)
    index: dict[IndexTable, list[Row]] = field(default_factory=lambda: {table: [] for table in INDEX_COLUMNS})

    def add_index(self, draft: Draft, rid: int) -> None:
        tail = (rid,)
        for table, rows in draft.index.items():
            if rows:
                self.index[table].extend([row + tail for row in rows])


_NOTHING = (0, 0)


class Writer(View):
    """What both engines write alike; an engine adds `insert` and `write_rows`.

    instant: µs, meta.lastUpdated of all that is staged.
    """

    def __init__(self, types: ResourceTypes, instant: int) -> None:
        super().__init__(types)
        self.instant = instant
        self.made = 0  # resources given a rid so far
        self._instant_text = instant_text(instant)

    def _head(self, type: str, id: str, vid: int) -> bytes:
        return head(type, id, vid, self._instant_text)

    @property
    @abstractmethod
    def generation(self) -> int: ...

    @abstractmethod
    def alone(self, name: str) -> bool: ...

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows of these columns."""

    @abstractmethod
    def write_rows(self, rows: Rows) -> None:
        """Write what the commands came to; index rows that go are deleted before their successors come."""

    @abstractmethod
    def remove(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Delete the rows that have these values in these columns."""

    @abstractmethod
    def rehash(self, hashes: Sequence[Row]) -> None:
        """Set the key of a resource's index rows: (idx_hash, rid) each."""

    def stage(self, commands: Sequence[Command]) -> list[Staged]:
        stored = self._stored([command.draft.key for command in commands if isinstance(command, Put)], self.claimed)
        stored |= self._stored([_key(command) for command in commands if isinstance(command, Delete)], self.doomed)
        rows = Rows()
        staged = [self._stage(command, stored, rows) for command in commands]
        self.write_rows(rows)
        return staged

    def restage(self, drafts: Sequence[Draft]) -> list[Version]:
        stored = self._stored([draft.key for draft in drafts], self.claimed)
        rows = Rows()
        versions = []
        for draft in drafts:
            was = stored[draft.key].version
            body = self._head(draft.type, draft.id, was.vid) + draft.tail
            rows.replaced.append((was.vid, self.instant, 0, draft.index_hash, body, was.rid))
            rows.unindexed.append(was.rid)
            rows.add_index(draft, was.rid)
            versions.append(Version(draft.type, draft.id, was.rid, was.vid, self.instant, False, body))
        self.write_rows(rows)
        return versions

    def reindex(self, drafts: Sequence[Redrafted]) -> Reindexed:
        """Write the index rows that differ, of versions that are still as they were seen; no version is made.

        A version replaced meanwhile brought its own rows. What another transaction is writing is left out.
        """
        clause, value = self.among("rid", [each.seen.version.rid for each in drafts])
        found = self.rows(f"SELECT rid, vid, idx_hash FROM resource WHERE {clause}{self.spared}", (value,))
        stored = {rid: (vid, idx_hash) for rid, vid, idx_hash in found}
        changed = [
            each
            for each in drafts
            if each.differs
            and stored.get(each.seen.version.rid, _NOTHING) == (each.seen.version.vid, each.seen.idx_hash)
        ]
        for table, columns in INDEX_COLUMNS.items():
            if gone := [row for each in changed for row in each.gone[table]]:
                self.remove(table, KEYS[table], gone)
            if come := [row for each in changed for row in each.come[table]]:
                self.insert(table, columns, come)
        if changed:
            self.rehash([(each.index_hash, each.seen.version.rid) for each in changed])
        return Reindexed(
            len(changed), [each.seen.version.rid for each in drafts if each.seen.version.rid not in stored]
        )

    @abstractmethod
    def erase(self, table: str, rids: Sequence[int]) -> int:
        """Delete the rows of these resources, so that nothing of them can be read again; return how many there were."""

    def doom(self, keys: Iterable[Key]) -> dict[Key, Version]:
        return {key: stored.version for key, stored in self._stored(list(keys), self.doomed).items()}

    def hold(self, rids: Sequence[int]) -> bool:
        if not self.doomed:
            return False  # there is one writer
        clause, value = self.among("rid", rids)
        self.rows(f"SELECT rid FROM resource WHERE {clause} ORDER BY rid{self.doomed}", (value,))
        return True

    def purge(self, rids: Sequence[int], superseded_only: bool = False) -> int:
        versions = self.erase("history", rids)
        if superseded_only:
            return versions
        for table in INDEX_COLUMNS:
            self.erase(table, rids)
        return versions + self.erase("resource", rids)

    def absent(self, keys: Iterable[Key]) -> set[Key]:
        by_rk = {rk_of(type, id): (type, id) for type, id in keys}
        clause, value = self.among("rk", list(by_rk))
        found = self.rows(f"SELECT rk FROM resource WHERE {clause} AND deleted = 0{self.held}", (value,))
        return set(by_rk.values()) - {by_rk[rk] for (rk,) in found}

    held = ""  # how a SELECT keeps the rows it found from being deleted before this commit

    def _stored(self, keys: Sequence[Key], claim: str) -> dict[Key, _Stored]:
        if not keys:
            return {}
        clause, value = self.among("rk", [rk_of(type, id) for type, id in keys])
        found = self.rows(f"SELECT {_STORED} FROM resource WHERE {clause}{claim}", (value,))
        stored = (_Stored(self.types.version(row[:7]), row[7]) for row in found)
        return {each.version.key: each for each in stored}

    spared = ""  # how a SELECT claims the rows it found, but for those that others write now
    claimed = ""  # how a SELECT claims the rows it is about to replace
    doomed = ""  # and those it is about to delete

    def _stage(self, command: Command, stored: dict[Key, _Stored], rows: Rows) -> Staged:
        if isinstance(command, Create):
            return self._create(command.draft, rows)
        was = stored.get(_key(command))
        if isinstance(command, Delete):
            return self._delete(command, was, rows)
        if was is None:
            return self._create(command.draft, rows)
        return self._put(command, was, rows)

    def _create(self, draft: Draft, rows: Rows) -> Staged:
        rid = first_rid(self.instant) + self.made
        self.made += 1
        type, id = draft.type, draft.id
        body = self._head(type, id, 1) + draft.tail
        rows.resource.append(
            (rid, self.types.number(type), id, rk_of(type, id), 1, self.instant, 0, draft.index_hash, body)
        )
        rows.add_index(draft, rid)
        return Staged("created", Version(type, id, rid, 1, self.instant, False, body))

    def _put(self, command: Put, was: _Stored, rows: Rows) -> Staged:
        draft, old = command.draft, was.version
        beginning = head(old.type, old.id, old.vid, instant_text(old.last_updated))
        if not old.deleted and says_the_same(old.body, beginning, draft.tail):
            return Staged("unchanged", old)
        vid = old.vid + 1
        body = self._head(draft.type, draft.id, vid) + draft.tail
        self._supersede(was, command.superseded, rows)
        rows.replaced.append((vid, self.instant, 0, draft.index_hash, body, old.rid))
        if was.idx_hash != draft.index_hash or old.deleted:
            rows.unindexed.append(old.rid)
            rows.add_index(draft, old.rid)
        version = Version(draft.type, draft.id, old.rid, vid, self.instant, False, body)
        return Staged("created" if old.deleted else "updated", version)

    def _delete(self, command: Delete, was: _Stored | None, rows: Rows) -> Staged:
        if was is None or was.version.deleted:
            return Staged("absent", was.version if was else None)
        old = was.version
        self._supersede(was, command.superseded, rows)
        rows.replaced.append((old.vid + 1, self.instant, 1, 0, b"", old.rid))
        rows.unindexed.append(old.rid)
        tombstone = Version(old.type, old.id, old.rid, old.vid + 1, self.instant, True, b"")
        return Staged("deleted", tombstone)

    def _supersede(self, was: _Stored, packed: tuple[int, bytes] | None, rows: Rows) -> None:
        old = was.version
        if packed is not None and packed[0] == old.vid:
            body = packed[1]
        else:
            # Somebody wrote between the caller's look and this transaction: packed here, under the lock, for once.
            body = b"" if old.deleted else pack(old.body)
        rtype = self.types.number(old.type)
        rows.history.append((old.rid, old.vid, rtype, old.last_updated, int(old.deleted), body))


def _key(command: Command) -> Key:
    return (command.type, command.id) if isinstance(command, Delete) else command.draft.key
