"""Ways to hand prepared rows to PostgreSQL through psycopg: COPY, arrays, executemany; and the two packed forms.

psycopg adapts one value at a time. Rows of fixed width can be packed by one `struct.pack` for all of them, in the
binary formats of COPY and of arrays; the packed ways do so.
Source: PostgreSQL 18, COPY, "Binary Format"; src/backend/utils/adt/arrayfuncs.c, array_recv.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

from psycopg import Connection, pq
from psycopg.adapt import Dumper

from tests.benchmarks.synthea_rows import Row

# A table as its column names and SQL types, in the order of the prepared rows.
Columns = Sequence[tuple[str, str]]
Way = Callable[["Connection[Any]", dict[str, Columns], dict[str, list[Row]]], None]

OIDS = {"int2": 21, "int4": 23, "int8": 20, "float8": 701, "text": 25, "bytea": 17}
CODES = {"int2": "h", "int4": "i", "int8": "q", "float8": "d"}
SIZES = {"int2": 2, "int4": 4, "int8": 8, "float8": 8}
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL = b"\xff\xff"


class Packed(bytes):
    """A parameter that is already in PostgreSQL's binary format."""


class _PackedDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


PACKED: dict[str, type[Packed]] = {name: type(f"Packed_{name}", (Packed,), {}) for name in OIDS}
ARRAY_OIDS = {"int2": 1005, "int4": 1007, "int8": 1016, "float8": 1022, "text": 1009, "bytea": 1001}


def register_packed(connection: Connection[Any]) -> None:
    """Teach `connection` to send the `PACKED` classes as arrays."""
    for name, kind in PACKED.items():
        dumper: type[_PackedDumper] = type(f"Dumper_{name}", (_PackedDumper,), {})
        connection.adapters.register_dumper(kind, dumper)
        # Set late: a dumper registered with an oid would take over lists of that type as well.
        dumper.oid = ARRAY_OIDS[name]


def array_of(values: Sequence[Any], kind: str) -> bytes:
    """Return a one-dimensional array without nulls in binary format."""
    head = struct.pack(">iiiii", 1, 0, OIDS[kind], len(values), 1)
    if kind in CODES:
        pairs = chain.from_iterable(zip(repeat(SIZES[kind], len(values)), values, strict=True))
        return head + struct.pack(">" + ("i" + CODES[kind]) * len(values), *pairs)
    items = [value.encode() if kind == "text" else value for value in values]
    return head + b"".join(chain.from_iterable((struct.pack(">i", len(item)), item) for item in items))


def copy_payload(columns: Columns, rows: Sequence[Row]) -> bytes:
    """Return rows as the body of COPY … (FORMAT BINARY)."""
    kinds = [kind for _, kind in columns]
    if all(kind in CODES for kind in kinds):
        form = "h" + "".join("i" + CODES[kind] for kind in kinds)
        parts: list[Iterable[Any]] = [repeat(len(kinds), len(rows))]
        for kind, column in zip(kinds, zip(*rows, strict=True), strict=True):
            parts += (repeat(SIZES[kind], len(rows)), column)
        flat = chain.from_iterable(zip(*parts, strict=True))
        return COPY_HEAD + struct.pack(">" + form * len(rows), *flat) + COPY_TAIL
    out = [COPY_HEAD]
    for row in rows:
        out.append(struct.pack(">h", len(kinds)))
        for kind, value in zip(kinds, row, strict=True):
            data = _binary(kind, value)
            out += (struct.pack(">i", len(data)), data)
    return b"".join((*out, COPY_TAIL))


def _binary(kind: str, value: Any) -> bytes:
    if kind in CODES:
        return struct.pack(">" + CODES[kind], value)
    if kind == "int8[]":
        return array_of(value, "int8")
    return value.encode() if kind == "text" else bytes(value)


def _names(columns: Columns) -> str:
    return ", ".join(name for name, _ in columns)


def by_copy(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """Binary COPY, psycopg adapting each value."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns in tables.items():
            if rows[table]:
                with cursor.copy(f"copy {table} ({_names(columns)}) from stdin (format binary)") as copy:
                    copy.set_types([kind for _, kind in columns])
                    for row in rows[table]:
                        copy.write_row(row)


def by_packed_copy(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """Binary COPY, the body packed here."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns in tables.items():
            if rows[table]:
                with cursor.copy(f"copy {table} ({_names(columns)}) from stdin (format binary)") as copy:
                    copy.write(copy_payload(columns, rows[table]))


def _unnest(table: str, columns: Columns, placeholder: str) -> str:
    arrays = ", ".join(f"{placeholder}::{'text' if kind == 'int8[]' else kind}[]" for _, kind in columns)
    values = ", ".join(f"{name}::int8[]" if kind == "int8[]" else name for name, kind in columns)
    return f"insert into {table} ({_names(columns)}) select {values} from unnest({arrays}) as u({_names(columns)})"


def _column(kind: str, values: Sequence[Any]) -> list[Any]:
    # unnest flattens nested arrays, so that an array column has to travel as text.
    return ["{" + ",".join(map(str, value)) + "}" for value in values] if kind == "int8[]" else list(values)


def by_unnest(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """`insert … select from unnest(arrays)`, psycopg adapting each value, all tables in one pipeline."""
    with connection.pipeline(), connection.transaction(), connection.cursor(binary=True) as cursor:
        for table, columns in tables.items():
            if rows[table]:
                by_column = zip(*rows[table], strict=True)
                arrays = [_column(kind, v) for (_, kind), v in zip(columns, by_column, strict=True)]
                cursor.execute(_unnest(table, columns, "%b"), arrays, prepare=True)


def by_packed_unnest(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """`insert … select from unnest(arrays)`, the arrays packed here, all tables in one pipeline."""
    with connection.pipeline(), connection.transaction(), connection.cursor(binary=True) as cursor:
        for table, columns in tables.items():
            if rows[table]:
                arrays = []
                for (_, kind), values in zip(columns, zip(*rows[table], strict=True), strict=True):
                    sent = "text" if kind == "int8[]" else kind
                    arrays.append(PACKED[sent](array_of(_column(kind, values) if sent != kind else values, sent)))
                cursor.execute(_unnest(table, columns, "%b"), arrays, prepare=True)


def _one_statement(tables: dict[str, Columns], placeholder: str) -> str:
    parts = (f"w_{table} as ({_unnest(table, columns, placeholder)})" for table, columns in tables.items())
    return f"with {', '.join(parts)} select 1"


def _arrays(tables: dict[str, Columns], rows: dict[str, list[Row]]) -> Iterator[tuple[str, bytes]]:
    """Yield type and binary array for each column of each table."""
    for table, columns in tables.items():
        by_column = zip(*rows[table], strict=True) if rows[table] else [()] * len(columns)
        for (_, kind), values in zip(columns, by_column, strict=True):
            sent = "text" if kind == "int8[]" else kind
            yield sent, array_of(_column(kind, values) if sent != kind else values, sent)


def by_one_statement(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """All tables in one statement: an `insert … select from unnest` in a CTE for each, the arrays packed here."""
    arrays = [PACKED[kind](array) for kind, array in _arrays(tables, rows)]
    with connection.cursor(binary=True) as cursor:
        # Without BEGIN: one statement is one transaction.
        cursor.execute(_one_statement(tables, "%b"), arrays, prepare=True)


_prepared: dict[tuple[int, int], bytes] = {}


def by_libpq(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """The same statement, prepared once and executed through psycopg.pq, below psycopg's cursors."""
    pgconn, key = connection.pgconn, (connection.info.backend_pid, id(tables))
    if key not in _prepared:
        _prepared[key] = b"write"
        statement = _one_statement(tables, "%b")
        for number in range(1, statement.count("%b") + 1):
            statement = statement.replace("%b", f"${number}", 1)
        pgconn.prepare(b"write", statement.encode())
    arrays = [array for _, array in _arrays(tables, rows)]
    result = pgconn.exec_prepared(_prepared[key], arrays, [pq.Format.BINARY] * len(arrays))
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise RuntimeError(result.error_message.decode())


def by_executemany(connection: Connection[Any], tables: dict[str, Columns], rows: dict[str, list[Row]]) -> None:
    """`executemany`, which psycopg sends as a pipeline."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns in tables.items():
            if rows[table]:
                values = ", ".join("%b" for _ in columns)
                cursor.executemany(f"insert into {table} ({_names(columns)}) values ({values})", rows[table])


WAYS: dict[str, Way] = {
    "copy": by_copy,
    "packed copy": by_packed_copy,
    "unnest": by_unnest,
    "packed unnest": by_packed_unnest,
    "one statement": by_one_statement,
    "libpq": by_libpq,
    "executemany": by_executemany,
}
