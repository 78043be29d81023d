"""The index rows of one resource while they are collected, and the key that tells whether they changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from fhir_gateway.store.contract import IndexRows, IndexTable, Row
from fhir_gateway.store.index.hashing import signed

_pack = msgspec.msgpack.Encoder().encode


class Rows:
    """Rows by table, without their rid; `Take`s append to them."""

    __slots__ = ("access", "comp", "date", "num", "qty", "ref", "str", "token")

    def __init__(self) -> None:
        self.token: list[Row] = []
        self.ref: list[Row] = []
        self.date: list[Row] = []
        self.num: list[Row] = []
        self.qty: list[Row] = []
        self.str: list[Row] = []
        self.comp: list[Row] = []
        self.access: list[Row] = []

    def sealed(self) -> tuple[IndexRows, int]:
        """Return the rows of each table that has some, each row once and in order, and the key of them all.

        The key is a signed 64-bit number; equal rows have equal keys, in every process.
        """
        tables: tuple[tuple[IndexTable, list[Row]], ...] = (
            ("i_token", self.token),
            ("i_ref", self.ref),
            ("i_date", self.date),
            ("i_num", self.num),
            ("i_qty", self.qty),
            ("i_str", self.str),
            ("i_comp", self.comp),
            ("i_access", self.access),
        )
        index: dict[IndexTable, list[Row]] = {table: _in_order(rows) for table, rows in tables if rows}
        return index, signed(xxh3_64_intdigest(_pack(index)))


def _in_order(rows: list[Row]) -> list[Row]:
    if len(rows) == 1:
        return rows
    try:
        return sorted(set(rows))
    except TypeError:
        # One key with a text and without, as of a canonical that is there with its version and without: that with the
        # text stays. Texts do not compare with None, and no two rows whose keys differ get as far as that.
        named = {row[:-1]: row for row in sorted(rows, key=lambda row: row[-1] is not None)}
        return sorted(named.values())


# Appends the rows of the values that one branch of a search parameter selected.
Take = Callable[[list[Any], Rows], None]
