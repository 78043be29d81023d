"""Index rows made again for versions that are here: which rows go and which come, found out before any lock is held.

Most of a resource's rows stay as they are when one parameter is added or changed; only the others are written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from fhir_gateway.store.contract import Draft, IndexTable, Read, Row, Version
from fhir_gateway.store.index.access import DRAFTED
from fhir_gateway.store.layout import INDEX_COLUMNS
from fhir_gateway.store.view import View

# Columns beside the key of their table.
_BESIDE = frozenset({"s", "long"})
KEYS: Mapping[IndexTable, tuple[str, ...]] = {
    table: tuple(column for column in columns if column not in _BESIDE) for table, columns in INDEX_COLUMNS.items()
}
_AT: Mapping[IndexTable, tuple[int, ...]] = {
    table: tuple(INDEX_COLUMNS[table].index(column) for column in columns) for table, columns in KEYS.items()
}
_TABLES: Mapping[IndexTable, tuple[str, ...]] = {**INDEX_COLUMNS, "i_access": ("party", "why", "rid")}


class Seen(NamedTuple):
    """A current version, and the key of the index rows it had."""

    version: Version
    idx_hash: int


class Redrafted(NamedTuple):
    """What a version's rows should be. `gone`: keys of rows; `come`: whole rows, rid last in both.

    `regranted`: who has access may have changed, so that all its rows of i_access are made again by the writer.
    """

    seen: Seen
    draft: Draft
    gone: Mapping[IndexTable, Sequence[Row]]
    come: Mapping[IndexTable, Sequence[Row]]
    regranted: bool

    @property
    def differs(self) -> bool:
        return self.seen.idx_hash != self.draft.index_hash


class Reindexed(NamedTuple):
    """How many resources had other index rows, and the rids of those that another transaction was writing."""

    written: int
    left: list[int]


def redrafted(view: Read, drafts: Sequence[tuple[Seen, Draft]]) -> list[Redrafted]:
    """Return what is to be written so that versions have the rows of their drafts. The view is that of `seen`."""
    assert isinstance(view, View)
    differing = [seen.version.rid for seen, draft in drafts if seen.idx_hash != draft.index_hash]
    stored: dict[IndexTable, dict[int, set[Row]]] = {}
    for table, columns in _TABLES.items() if differing else ():
        clause, value = view.among("rid", differing)
        by_rid = stored[table] = {}
        for row in view.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE {clause}", (value,)):
            by_rid.setdefault(row[-1], set()).add(tuple(row))
    return [_redrafted(seen, draft, stored) for seen, draft in drafts]


def _redrafted(seen: Seen, draft: Draft, stored: Mapping[IndexTable, Mapping[int, set[Row]]]) -> Redrafted:
    gone: dict[IndexTable, list[Row]] = {}
    come: dict[IndexTable, list[Row]] = {}
    if seen.idx_hash == draft.index_hash:
        return Redrafted(seen, draft, gone, come, regranted=False)
    rid = seen.version.rid
    for table, by_rid in stored.items():
        if table == "i_access":
            continue
        before: Collection[Row] = by_rid.get(rid, ())
        after = {(*row, rid) for row in draft.index.get(table, ())}
        gone[table] = [tuple(row[at] for at in _AT[table]) for row in before if row not in after]
        come[table] = [row for row in after if row not in before]
    drafted = {(party, why & DRAFTED) for party, why, _ in stored["i_access"].get(rid, ()) if why & DRAFTED}
    # By references it is about a patient, of whom something may be shared.
    regranted = bool(gone["i_ref"] or come["i_ref"]) or drafted != set(draft.index.get("i_access", ()))
    return Redrafted(seen, draft, gone, come, regranted)
