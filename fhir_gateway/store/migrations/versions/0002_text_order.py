"""Order: texts of tokens and references beside their keys, and keys in which rid follows the value.

Rows written before have no texts until they are made anew (`store.index.indexer.INDEX_FORMAT`).
This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

C_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TEXTS: dict[str, Any] = {"sqlite_where": sa.text("s IS NOT NULL"), "postgresql_where": sa.text("s IS NOT NULL")}
ALIVE: dict[str, Any] = {"sqlite_where": sa.text("deleted = 0"), "postgresql_where": sa.text("deleted = 0")}


BIG = "BIGINT NOT NULL"
KEYS = {
    "i_date": (f"pid INTEGER NOT NULL, lo {BIG}, hi {BIG}, long SMALLINT NOT NULL, rid {BIG}", "pid, lo, rid, hi"),
    "i_num": (f"pid INTEGER NOT NULL, lo DOUBLE NOT NULL, hi DOUBLE NOT NULL, rid {BIG}", "pid, lo, rid, hi"),
    "i_qty": (
        f"pid INTEGER NOT NULL, u {BIG}, lo DOUBLE NOT NULL, hi DOUBLE NOT NULL, rid {BIG}",
        "pid, u, lo, rid, hi",
    ),
}
INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("i_date_rid", "i_date", ["rid", "pid"], None),
    ("i_num_rid", "i_num", ["rid", "pid"], None),
    ("i_qty_rid", "i_qty", ["rid", "pid"], None),
    ("i_date_long", "i_date", ["pid", "hi", "rid"], "long = 1"),
    ("i_num_spread", "i_num", ["pid", "hi", "rid"], "lo < hi"),
    ("i_qty_spread", "i_qty", ["pid", "u", "hi", "rid"], "lo < hi"),
)


def upgrade() -> None:
    for table in ("i_token", "i_ref"):
        op.add_column(table, sa.Column("s", C_TEXT, nullable=True))
        op.create_index(f"{table}_order", table, ["pid", "s", "rid"], **TEXTS)
    if op.get_bind().dialect.name == "postgresql":
        # Ids are ordered by code point, as SQLite orders them; no index holds them yet, so that this is the catalogue's
        # affair alone.
        op.execute('ALTER TABLE resource ALTER COLUMN fhir_id TYPE text COLLATE "C"')
        for table, (_, key) in KEYS.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY ({key})")
    else:
        _lay_down_anew()
    op.create_index("resource_type_id", "resource", ["rtype", "fhir_id", "rid"], **ALIVE)


def _lay_down_anew() -> None:
    # SQLite keeps a table without rowid in the order of its key, so that another key is another table.
    for table, (columns, key) in KEYS.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
        op.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID")
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before ORDER BY {key}")
        op.drop_table(f"{table}_before")
    for name, table, columns_, where in INDEXES:
        some = None if where is None else sa.text(where)
        op.create_index(name, table, columns_, sqlite_where=some)
