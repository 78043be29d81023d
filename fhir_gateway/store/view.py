"""Reading: versions by key, history and referers, over any connection that can run a SELECT.

Source: FHIR R4, RESTful API, "read", "vread", "history".
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

from fhir_gateway.store.access import outside, visible, visible_keys
from fhir_gateway.store.contract import HistoryPage, HistoryQuery, Key, Narrowing, Row, Version
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.layout import unpack
from fhir_gateway.store.resource_types import ResourceTypes

VERSION = "rtype, fhir_id, rid, vid, last_updated, deleted, body"
CURRENT = f"SELECT {VERSION} FROM resource WHERE rk = ?"
_SUPERSEDED = (
    "SELECT r.rtype, r.fhir_id, h.rid, h.vid, h.last_updated, h.deleted, h.body"
    " FROM history h JOIN resource r ON r.rid = h.rid WHERE r.rk = ? AND h.vid = ?"
)


def within(
    narrowing: Narrowing | None, dialect: Literal["sqlite", "postgresql"], resource: str
) -> tuple[str, tuple[Any, ...]]:
    """Return " AND …" that keeps a row of `resource`, by that alias, within a narrowing's parties, and its values."""
    if narrowing is None or narrowing.parties is None:
        return "", ()
    clause = visible(narrowing, dialect, resource)
    return f" AND {clause.text}", clause.values


class View(ABC):
    """What both engines read alike; an engine adds `rows`, `dialect`, `limited` and `certain`.

    Within a narrowing each statement has one clause more, about the row of `resource`; without, it has none.
    """

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, types: ResourceTypes, narrowing: Narrowing | None = None) -> None:
        self.types = types
        self.narrowing = narrowing

    @property
    @abstractmethod
    def certain(self) -> tuple[int, int]: ...

    @abstractmethod
    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]: ...

    @abstractmethod
    def limited(self, seconds: float) -> AbstractContextManager[None]: ...

    def among(self, column: str, values: Sequence[int]) -> tuple[str, Any]:
        """Return the clause "column is one of these" and its one parameter, the same text for any number."""
        if self.dialect == "postgresql":
            return f"{column} = ANY(?::bigint[])", list(values)
        return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(values))

    def within(self, resource: str) -> tuple[str, tuple[Any, ...]]:
        """Return " AND …" that keeps a row of `resource` within the parties of the narrowing, and its values."""
        return within(self.narrowing, self.dialect, resource)

    def current(self, type: str, id: str) -> Version | None:
        if outside(self.narrowing, type):
            return None
        within, values = self.within("resource")
        found = self.rows(CURRENT + within, (rk_of(type, id), *values))
        return self.types.version(found[0]) if found else None

    def owners(self, keys: Iterable[Key]) -> dict[Key, int]:
        by_rk = {rk_of(type, id): (type, id) for type, id in keys}
        clause, value = self.among("rk", list(by_rk))
        return {by_rk[rk]: owner for rk, owner in self.rows(f"SELECT rk, owner FROM resource WHERE {clause}", (value,))}

    def current_of(self, keys: Iterable[Key]) -> dict[Key, Version]:
        clause, value = self.among("rk", [rk_of(type, id) for type, id in visible_keys(self.narrowing, keys)])
        within, values = self.within("resource")
        found = self.rows(f"SELECT {VERSION} FROM resource WHERE {clause}{within}", (value, *values))
        return {version.key: version for version in map(self.types.version, found)}

    def version(self, type: str, id: str, vid: int) -> Version | None:
        current = self.current(type, id)
        if current is None or current.vid == vid:
            return current
        found = self.rows(_SUPERSEDED, (rk_of(type, id), vid))
        return self._superseded(found[0]) if found else None

    def referers(self, keys: Iterable[Key], limit: int = 10) -> list[tuple[Key | None, Key]]:
        by_rk = {rk_of(type, id): (type, id) for type, id in keys}
        clause, value = self.among("i.trk", list(by_rk))
        seen_by, values = self.within("r")
        by_type, types = self._of_types("r")
        found = self.rows(
            "SELECT DISTINCT r.rtype, r.fhir_id, i.trk FROM i_ref i JOIN resource r ON r.rid = i.rid"
            f" WHERE {clause}{seen_by}{by_type} LIMIT {int(limit)}",
            (value, *values, *types),
        )
        seen: list[tuple[Key | None, Key]] = [((self.types.name(rtype), id), by_rk[trk]) for rtype, id, trk in found]
        if self.narrowing is None:
            return seen
        hidden = self.rows(
            "SELECT DISTINCT i.trk FROM i_ref i JOIN resource r ON r.rid = i.rid"
            f" WHERE {clause} AND NOT (1 = 1{seen_by}{by_type}) LIMIT {int(limit)}",
            (value, *values, *types),
        )
        return seen + [(None, by_rk[trk]) for (trk,) in hidden]

    def referring(self, keys: Iterable[Key], types: Iterable[str]) -> list[Version]:
        targets, target_values = self.among("i.trk", [rk_of(type, id) for type, id in keys])
        kinds, kind_values = self.among("rtype", sorted(map(self.types.number, types)))
        within, values = self.within("resource")
        by_type, seen_types = self._of_types("resource")
        found = self.rows(
            f"SELECT {VERSION} FROM resource WHERE rid IN (SELECT i.rid FROM i_ref i WHERE {targets})"
            f" AND {kinds}{within}{by_type}",
            (target_values, kind_values, *values, *seen_types),
        )
        return list(map(self.types.version, found))

    def referring_to(self, keys: Iterable[Key], types: Iterable[str]) -> list[tuple[Version, list[Key]]]:
        by_rk = {rk_of(type, id): (type, id) for type, id in keys}
        targets, value = self.among("i.trk", list(by_rk))
        pairs = f"SELECT i.rid, {self._list('i.trk')} AS others FROM i_ref i WHERE {targets} GROUP BY i.rid"
        return self._paired(pairs, (value,), "rid", by_rk, types)

    def named_by(self, keys: Iterable[Key], types: Iterable[str]) -> list[tuple[Version, list[Key]]]:
        by_rk = {rk_of(type, id): (type, id) for type, id in keys}
        sources, value = self.among("s.rk", list(by_rk))
        within, values = self.within("s")
        pairs = (
            f"SELECT i.trk AS rk, {self._list('s.rk')} AS others FROM resource s JOIN i_ref i ON i.rid = s.rid"
            f" WHERE {sources}{within} GROUP BY i.trk"
        )
        return self._paired(pairs, (value, *values), "rk", by_rk, types)

    def _paired(
        self, pairs: str, given: Sequence[Any], key: str, by_rk: Mapping[int, Key], types: Iterable[str]
    ) -> list[tuple[Version, list[Key]]]:
        """Return the current resources of some types whose `key` stands in `pairs`, each with the others there."""
        kinds, kind_values = self.among("resource.rtype", sorted(map(self.types.number, types)))
        within, values = self.within("resource")
        by_type, seen_types = self._of_types("resource")
        columns = ", ".join(f"resource.{name}" for name in VERSION.split(", "))
        found = self.rows(
            f"SELECT p.others, {columns} FROM ({pairs}) p JOIN resource ON resource.{key} = p.{key}"
            f" WHERE resource.deleted = 0 AND {kinds}{within}{by_type}",
            (*given, kind_values, *values, *seen_types),
        )
        return [(self.types.version(row[1:]), [by_rk[rk] for rk in _listed(row[0])]) for row in found]

    def _list(self, column: str) -> str:
        """Return the aggregate that lists the different values of a column."""
        return f"array_agg(DISTINCT {column})" if self.dialect == "postgresql" else f"group_concat(DISTINCT {column})"

    def _of_types(self, row: str) -> tuple[str, tuple[Any, ...]]:
        """Return " AND …" that keeps a row with an rtype within the types of the narrowing, and its values."""
        if self.narrowing is None or self.narrowing.types is None:
            return "", ()
        clause, value = self.among(f"{row}.rtype", sorted(map(self.types.number, self.narrowing.types)))
        return f" AND {clause}", (value,)

    def history(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of versions, newest first; see HistoryQuery.

        Both tables are asked for one more than the page in its order, and merged.
        """
        newest: list[Version] = sorted(self._history_rows(query), key=_place, reverse=True)
        page = newest[: query.count]
        more = len(newest) > query.count
        return HistoryPage(page, _place(page[-1]) if more and page else None, self._history_total(query))

    def _history_rows(self, query: HistoryQuery) -> Iterator[Version]:
        for table, unpacked in (("resource", True), ("history", False)):
            clauses, parameters = self._history_clauses(query, "v", "v" if unpacked else "r")
            names = "v.rtype, r.fhir_id" if table == "history" else "v.rtype, v.fhir_id"
            join = " JOIN resource r ON r.rid = v.rid" if table == "history" else ""
            found = self.rows(
                f"SELECT {names}, v.rid, v.vid, v.last_updated, v.deleted, v.body FROM {table} v{join}"
                f" WHERE {' AND '.join(clauses)} ORDER BY v.last_updated DESC, v.rid DESC, v.vid DESC LIMIT ?",
                (*parameters, query.count + 1),
            )
            yield from (self.types.version(row) if unpacked else self._superseded(row) for row in found)

    def _history_clauses(self, query: HistoryQuery, v: str, resource: str) -> tuple[list[str], list[Any]]:
        """Return clauses about a version `v` and the row of `resource` it belongs to, by their aliases."""
        clauses: list[str] = ["1 = 1"]
        parameters: list[Any] = []

        def add(clause: str, *values: Any) -> None:
            clauses.append(clause)
            parameters.extend(values)

        if query.type is not None and query.id is not None:
            within, values = self.within("resource")
            add(f"{v}.rid = (SELECT rid FROM resource WHERE rk = ?{within})", rk_of(query.type, query.id), *values)
        elif query.type is not None:
            add(f"{v}.rtype = ?", self.types.number(query.type))
        if self.narrowing is not None and query.id is None:
            within, values = self.within(resource)
            by_type, types = self._of_types(v)
            add(f"1 = 1{within}{by_type}", *values, *types)
        if query.type is not None and outside(self.narrowing, query.type):
            add("1 = 0")
        # SQLite has one writer, whose commits come in the order of their instants.
        if query.id is None and self.dialect == "postgresql":
            add(f"({v}.last_updated < ? OR {v}.last_updated = ?)", *self.certain)
        if query.since is not None:
            add(f"{v}.last_updated >= ?", query.since)
        if query.at_high is not None:
            add(f"{v}.last_updated < ?", query.at_high)
        if query.at_low is not None:
            # Current at some instant of the interval: not replaced at or before its beginning.
            for successors in ("resource", "history"):
                add(
                    f"NOT EXISTS (SELECT 1 FROM {successors} n WHERE n.rid = {v}.rid AND n.vid = {v}.vid + 1"
                    " AND n.last_updated <= ?)",
                    query.at_low,
                )
        if query.after is not None:
            add(f"({v}.last_updated, {v}.rid, {v}.vid) < (?, ?, ?)", *query.after)
        return clauses, parameters

    def _history_total(self, query: HistoryQuery) -> int | None:
        if query.type is None or query.id is None:
            return None
        unpaged = HistoryQuery(query.type, query.id, query.since, query.at_low, query.at_high)
        total = 0
        for table in ("resource", "history"):
            clauses, parameters = self._history_clauses(unpaged, "v", "")  # of an instance: no other row is looked at
            total += self.rows(f"SELECT count(*) FROM {table} v WHERE {' AND '.join(clauses)}", parameters)[0][0]
        return total

    def _superseded(self, row: Row) -> Version:
        *columns, stored = row
        return self.types.version((*columns, b"" if row[5] else unpack(stored)))


def _listed(values: str | list[int]) -> list[int]:
    return list(map(int, values.split(","))) if isinstance(values, str) else values


def _place(version: Version) -> tuple[int, int, int]:
    return (version.last_updated, version.rid, version.vid)
