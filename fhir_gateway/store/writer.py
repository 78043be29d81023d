"""Writing: commands become rows, with one statement a table, whatever the number of commands.

Everything costly about a draft was done before the transaction began; here versions are numbered and rows laid down.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.store.access import visible_keys
from fhir_gateway.store.contract import (
    Command,
    Create,
    Delete,
    Draft,
    IndexTable,
    Key,
    Narrowing,
    Put,
    Row,
    Staged,
    Version,
)
from fhir_gateway.store.dossier_erased import ERASED, leaving
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.layout import ACCESS, BY_RID, INDEX_COLUMNS, first_rid, head, pack, says_the_same
from fhir_gateway.store.reindexing import KEYS, Redrafted, Reindexed
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sharing import Changes, Gone, Granted, PatientParameters, Sharing
from fhir_gateway.store.touched import Touched

_STORED = "rtype, fhir_id, rid, vid, last_updated, deleted, body, idx_hash, owner"


@dataclass(frozen=True, slots=True)
class _Stored:
    version: Version
    idx_hash: int
    owner: int


@dataclass(slots=True)
class Rows:
    """The rows that a list of commands comes to, by statement."""

    resource: list[Row] = field(default_factory=list)
    replaced: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    unindexed: list[int] = field(default_factory=list)
    index: dict[IndexTable, list[Row]] = field(
        default_factory=lambda: {**{table: [] for table in INDEX_COLUMNS}, "i_access": []}
    )
    granted: list[Granted] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)

    def add_index(self, draft: Draft, rid: int, owner: int, made: bool = False, new: bool = False) -> None:
        tail = (rid,)
        for table, rows in draft.index.items():
            if rows and table != "i_access":
                self.index[table].extend([row + tail for row in rows])
        if owner or not new or "i_access" in draft.index:
            self.granted.append(Granted(draft, rid, owner, made, new))


_NOTHING = (0, 0, 0)
_ORGANISATION = "Organization"
_TOLD = frozenset({"DiagnosticReport"})  # what messages to hospitals tell of (store/outbox.py)
# With: 1 for those only that wait for nothing any more, else 0; then which subjects.
ERASE_SENT = (
    "DELETE FROM outgoing_raw WHERE oid IN (SELECT oid FROM outgoing WHERE (state >= 2 OR ? = 0) AND {subjects})",
    "UPDATE outgoing SET answer = substr(answer, 1, 0), size = 0 WHERE (state >= 2 OR ? = 0) AND {subjects}",
)


class Writer(Sharing):
    """What both engines write alike; an engine adds `insert` and `write_rows`.

    instant: µs, meta.lastUpdated of all that is staged. owner: the party that owns what is created here.
    """

    def __init__(
        self,
        types: ResourceTypes,
        patient_parameters: PatientParameters,
        instant: int,
        narrowing: Narrowing | None,
        owner: int,
    ) -> None:
        super().__init__(types, patient_parameters, narrowing)
        self.instant = instant
        self.owner = owner
        self.organisations = False  # whether Organizations were written
        self.beside = False  # whether all that is written is no part of any resource: reads by id go on as they are
        self.made = 0  # resources given a rid so far
        self._instant_text = instant_text(instant)

    touched: Touched | None = None  # where it is noted which patients this transaction touches

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

    def insert_large(self, table: str, columns: Sequence[str], row: Row) -> None:
        """Insert a row whose last value is a document of many megabytes, whose first is its rowid."""
        self.insert(table, columns, [row])

    def insert_last(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows that nothing in this transaction looks at again."""
        self.insert(table, columns, rows)

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
        if self.touched is not None:
            self._touch(self.touched, commands, stored)
        rows = Rows()
        staged = [self._stage(command, stored, rows) for command in commands]
        self._write(rows)
        return staged

    def _write(self, rows: Rows) -> None:
        changes: Changes | None = None
        if rows.granted or rows.gone:
            rows.index["i_access"], changes = self.grant(rows.granted, rows.gone)
            self.organisations |= any(each.draft.type == _ORGANISATION for each in rows.granted)
            self.organisations |= any(each.type == _ORGANISATION for each in rows.gone)
        self.write_rows(rows)
        if changes:
            self.settle(changes)

    def _touch(self, touched: Touched, commands: Sequence[Command], stored: Mapping[Key, _Stored]) -> None:
        for command in commands:
            if not isinstance(command, Delete):
                touched.add_draft(command.draft)
        deleted = [stored.get(_key(command)) for command in commands if isinstance(command, Delete)]
        touched.add_stored(self, [each.version.rid for each in deleted if each is not None])

    def restage(self, drafts: Sequence[Draft]) -> list[Version]:
        if self.touched is not None:
            for draft in drafts:
                self.touched.add_draft(draft)
        stored = self._stored([draft.key for draft in drafts], self.claimed)
        rows = Rows()
        versions = []
        for draft in drafts:
            was, owner = stored[draft.key].version, stored[draft.key].owner
            body = self._head(draft.type, draft.id, was.vid) + draft.tail
            rows.replaced.append((was.vid, self.instant, 0, draft.index_hash, body, was.rid))
            rows.unindexed.append(was.rid)
            rows.add_index(draft, was.rid, owner)
            versions.append(Version(draft.type, draft.id, was.rid, was.vid, self.instant, False, body))
        self._write(rows)
        return versions

    def reindex(self, drafts: Sequence[Redrafted]) -> Reindexed:
        """Write the index rows that differ, of versions that are still as they were seen; no version is made.

        A version replaced meanwhile brought its own rows. What another transaction is writing is left out.
        """
        clause, value = self.among("rid", [each.seen.version.rid for each in drafts])
        found = self.rows(f"SELECT rid, vid, idx_hash, owner FROM resource WHERE {clause}{self.spared}", (value,))
        stored = {rid: (vid, idx_hash, owner) for rid, vid, idx_hash, owner in found}
        changed = [
            each
            for each in drafts
            if each.differs
            and stored.get(each.seen.version.rid, _NOTHING)[:2] == (each.seen.version.vid, each.seen.idx_hash)
        ]
        accessible = [
            Granted(each.draft, each.seen.version.rid, stored[each.seen.version.rid][2])
            for each in changed
            if each.regranted
        ]
        access, changes = self.grant(accessible, ())
        for table, columns in INDEX_COLUMNS.items():
            if gone := [row for each in changed for row in each.gone[table]]:
                self.remove(table, KEYS[table], gone)
            if come := [row for each in changed for row in each.come[table]]:
                self.insert(table, columns, come)
        if accessible:
            self.remove("i_access", ("rid",), [(each.rid,) for each in accessible])
        if access:
            self.insert("i_access", ACCESS, access)
        if changed:
            self.rehash([(each.draft.index_hash, each.seen.version.rid) for each in changed])
        if changes:
            self.settle(changes)
        return Reindexed(
            len(changed), [each.seen.version.rid for each in drafts if each.seen.version.rid not in stored]
        )

    @abstractmethod
    def erase(self, table: str, rids: Sequence[int]) -> int:
        """Delete the rows of these resources, so that nothing of them can be read again; return how many there were."""

    def doom(self, keys: Iterable[Key]) -> dict[Key, Version]:
        stored = self._stored(visible_keys(self.narrowing, keys), self.doomed, *self.within("resource"))
        return {key: each.version for key, each in stored.items()}

    def hold(self, rids: Sequence[int]) -> bool:
        if not self.doomed:
            return False  # there is one writer
        clause, value = self.among("rid", rids)
        self.rows(f"SELECT rid FROM resource WHERE {clause} ORDER BY rid{self.doomed}", (value,))
        return True

    def purge(self, rids: Sequence[int], superseded_only: bool = False) -> int:
        if self.touched is not None:
            self.touched.add_stored(self, rids)
        versions = self.erase("history", rids)
        clause, value = self.among("rid", rids)
        found = self.rows(f"SELECT rtype, fhir_id, rid, owner FROM resource WHERE {clause}", (value,))
        named = [(self.types.name(rtype), id) for rtype, id, *_ in found]
        if told := [f"{type}/{id}" for type, id in named if type in _TOLD]:
            self.erase_sent(told, superseded_only)
        if superseded_only:
            return versions
        gone = [Gone(self.types.name(rtype), id, rid, owner, purged=True) for rtype, id, rid, owner in found]
        self.organisations |= any(each.type == _ORGANISATION for each in gone)
        if erased := leaving(gone, self.instant):
            self.insert("dossier_erased", ERASED, erased)
        _, changes = self.grant((), gone)
        for table in BY_RID:
            self.erase(table, rids)
        versions += self.erase("resource", rids)
        if changes:
            self.settle(changes)
        return versions

    @abstractmethod
    def erase_sent(self, subjects: Sequence[str], settled_only: bool) -> None:
        """Take away the bytes of messages that told of resources ("DiagnosticReport/1"), and what was answered.

        One that still waits, of which nothing is left to be told, ends when it is to be written; `settled_only`: those
        are left, since what they tell of stays.
        """

    def absent(self, keys: Iterable[Key]) -> set[Key]:
        wanted = set(keys)
        by_rk = {rk_of(type, id): (type, id) for type, id in visible_keys(self.narrowing, wanted)}
        clause, value = self.among("r.rk", list(by_rk))
        within, values = self.within("r")
        found = self.rows(
            f"SELECT r.rk FROM resource r WHERE {clause} AND r.deleted = 0{within}{self.held}", (value, *values)
        )
        return wanted - {by_rk[rk] for (rk,) in found}

    held = ""  # how a SELECT keeps the rows it found from being deleted before this commit

    def _stored(
        self, keys: Sequence[Key], claim: str, within: str = "", values: tuple[object, ...] = ()
    ) -> dict[Key, _Stored]:
        if not keys:
            return {}
        clause, value = self.among("rk", [rk_of(type, id) for type, id in keys])
        found = self.rows(f"SELECT {_STORED} FROM resource WHERE {clause}{within}{claim}", (value, *values))
        stored = (_Stored(self.types.version(row[:7]), row[7], row[8]) for row in found)
        return {each.version.key: each for each in stored}

    spared = ""  # how a SELECT claims the rows it found, but for those that others write now
    claimed = ""  # how a SELECT claims the rows it is about to replace
    doomed = ""  # and those it is about to delete

    def _stage(self, command: Command, stored: dict[Key, _Stored], rows: Rows) -> Staged:
        if isinstance(command, Create):
            return self._create(command.draft, rows, new=True)
        was = stored.get(_key(command))
        if isinstance(command, Delete):
            return self._delete(command, was, rows)
        if was is None:
            return self._create(command.draft, rows, new=False)
        return self._put(command, was, rows)

    def _create(self, draft: Draft, rows: Rows, new: bool) -> Staged:
        rid = first_rid(self.instant) + self.made
        self.made += 1
        type, id = draft.type, draft.id
        body = self._head(type, id, 1) + draft.tail
        rows.resource.append(
            (rid, self.types.number(type), id, rk_of(type, id), 1, self.instant, 0, draft.index_hash, self.owner, body)
        )
        rows.add_index(draft, rid, self.owner, made=True, new=new)
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
            rows.add_index(draft, old.rid, was.owner)
        version = Version(draft.type, draft.id, old.rid, vid, self.instant, False, body)
        return Staged("created" if old.deleted else "updated", version)

    def _delete(self, command: Delete, was: _Stored | None, rows: Rows) -> Staged:
        if was is None or was.version.deleted:
            return Staged("absent", was.version if was else None)
        old = was.version
        self._supersede(was, command.superseded, rows)
        rows.replaced.append((old.vid + 1, self.instant, 1, 0, b"", old.rid))
        rows.unindexed.append(old.rid)
        rows.gone.append(Gone(old.type, old.id, old.rid, was.owner))
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
