"""Rows as PostgreSQL takes them fastest: one prepared statement for all tables, its arrays packed here.

One resource costs a quarter of what psycopg's cursors take, a bundle no more than COPY (tests/benchmarks/README.md).

Source: PostgreSQL, "Frontend/Backend Protocol"; array_recv in arrayfuncs.c (binary form of arrays).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from psycopg import pq

from fhir_gateway.store.contract import Row
from fhir_gateway.store.layout import ACCESS, BY_RID, HISTORY, INDEX_COLUMNS, RESOURCE

_OIDS = {"int2": 21, "int4": 23, "int8": 20, "float8": 701, "text": 25, "bytea": 17}
_CODES = {"int2": "h", "int4": "i", "int8": "q", "float8": "d"}
_NULL = struct.pack(">i", -1)
_SIZES = {"int2": 2, "int4": 4, "int8": 8, "float8": 8}
_KINDS = {
    "owner": "int8", "party": "int8", "why": "int2", "patient": "int8", "source": "int8",
    "rid": "int8", "rtype": "int2", "fhir_id": "text", "rk": "int8", "vid": "int4", "last_updated": "int8",
    "deleted": "int2", "idx_hash": "int8", "body": "bytea",
    "pid": "int4", "h": "int8", "trk": "int8", "s": "text", "long": "int2", "u": "int8", "v": "text", "x": "int8",
    "h2": "int8", "lo": "int8", "hi": "int8", "code": "text", "type": "text", "url": "text", "name": "text",
    "value": "bytea", "id": "int4", "kind": "text", "state": "text", "detail": "bytea", "error": "text",
    "total": "int8", "done": "int8", "written": "int8", "failed": "int8", "stage": "int8", "position": "int8",
    "up_to": "int8", "barrier": "int8", "created": "int8", "started": "int8", "ended": "int8", "holder": "text",
    "held_until": "int8",
    "system": "int4", "version": "text", "supplements": "text", "concept_count": "int4", "name_count": "int4",
    "loaded": "int8", "head": "bytea", "vocabulary": "bytea", "cid": "int8", "code_key": "text", "last": "int4",
    "children": "bytea", "more": "bytea", "property": "text", "content": "text", "concepts": "bytea",
    "nid": "int8", "concept": "int4", "language": "text", "flags": "int2", "words": "text", "word": "text",
    "names": "bytea", "instant": "int8", "duration": "int8", "status": "int2", "record": "bytea",
    "dk": "int8", "due": "int8", "facts": "bytea", "part": "int2",
}  # fmt: skip
_DOUBLE = frozenset({"i_num", "i_qty", "i_comp"})  # tables whose lo and hi are double precision


def kind_of(table: str, column: str) -> str:
    """Return the PostgreSQL type of a column."""
    return "float8" if column in ("lo", "hi") and table in _DOUBLE else _KINDS[column]


def array_of(values: Sequence[Any], kind: str) -> bytes:
    """Return a one-dimensional array in PostgreSQL's binary form; of texts and bytes some may be None, for NULL."""
    size = len(values)
    if size == 0:
        return struct.pack(">iii", 0, 0, _OIDS[kind])
    if kind in _CODES:
        head = struct.pack(">iiiii", 1, 0, _OIDS[kind], size, 1)
        sized = chain.from_iterable(zip(repeat(_SIZES[kind], size), values, strict=True))
        return head + struct.pack(">" + ("i" + _CODES[kind]) * size, *sized)
    text = kind == "text"
    items = [_NULL if value is None else _item(value.encode() if text else value) for value in values]
    return struct.pack(">iiiii", 1, int(_NULL in items), _OIDS[kind], size, 1) + b"".join(items)


def _item(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


class Statement:
    """Rows for several tables in one prepared statement: an INSERT … SELECT FROM unnest for each, in CTEs.

    A table without rows takes part with empty arrays, so that there is one statement and one plan.
    """

    def __init__(self, name: str, tables: Mapping[str, tuple[str, ...]]) -> None:
        self.name = name.encode()
        self._columns = {
            table: [(column, kind_of(table, column)) for column in columns] for table, columns in tables.items()
        }
        number = iter(range(1, 1000))
        parts = [
            f"w_{table} AS (INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT * FROM unnest({', '.join(f'${next(number)}::{kind_of(table, name)}[]' for name in columns)}))"
            for table, columns in tables.items()
        ]
        self.text = f"WITH {', '.join(parts)} SELECT 1".encode()

    def arrays(self, rows: Mapping[str, Sequence[Row]]) -> list[bytes]:
        """Return the parameters of the statement for the rows of each table."""
        return list(self._arrays(rows))

    def _arrays(self, rows: Mapping[str, Sequence[Row]]) -> Iterator[bytes]:
        for table, columns in self._columns.items():
            wanted = rows.get(table)
            by_column: Sequence[Sequence[Any]] = list(zip(*wanted, strict=True)) if wanted else [()] * len(columns)
            for (_, kind), values in zip(columns, by_column, strict=True):
                yield array_of(values, kind)


_TABLES: dict[str, tuple[str, ...]] = {"history": HISTORY, "resource": RESOURCE}
_TABLES.update({str(table): columns for table, columns in INDEX_COLUMNS.items()})
_TABLES["i_access"] = ACCESS
WRITE = Statement("gateway_write", _TABLES)

REPLACE_KINDS = ("int4", "int8", "int2", "int8", "bytea", "int8")
REPLACE_NAME = b"gateway_replace"
REPLACE = (
    b"UPDATE resource r SET vid = n.vid, last_updated = n.last_updated, deleted = n.deleted,"
    b" idx_hash = n.idx_hash, body = n.body FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int8[], $5::bytea[],"
    b" $6::int8[]) AS n(vid, last_updated, deleted, idx_hash, body, rid) WHERE r.rid = n.rid"
)

UNINDEX_NAME = b"gateway_unindex"
UNINDEX = (
    "WITH "
    + ", ".join(f"d_{table} AS (DELETE FROM {table} WHERE rid = ANY($1::int8[]))" for table in BY_RID)
    + " SELECT 1"
).encode()

STATEMENTS = {WRITE.name: WRITE.text, REPLACE_NAME: REPLACE, UNINDEX_NAME: UNINDEX}
BINARY = pq.Format.BINARY
