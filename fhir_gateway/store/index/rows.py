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

    __slots__ = ("comp", "date", "num", "qty", "ref", "str", "token")

    def __init__(self) -> None:
        self.token: list[Row] = []
        self.ref: list[Row] = []
        self.date: list[Row] = []
        self.num: list[Row] = []
        self.qty: list[Row] = []
        self.str: list[Row] = []
        self.comp: list[Row] = []

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
        )
        index: dict[IndexTable, list[Row]] = {table: sorted(set(rows)) for table, rows in tables if rows}
        return index, signed(xxh3_64_intdigest(_pack(index)))


# Appends the rows of the values that one branch of a search parameter selected.
Take = Callable[[list[Any], Rows], None]
