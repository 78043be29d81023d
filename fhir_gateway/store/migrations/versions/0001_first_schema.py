"""The first schema: resources, their history, and index tables for every search parameter type.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger()
RID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
C_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ALIVE: dict[str, Any] = {"sqlite_where": sa.text("deleted = 0"), "postgresql_where": sa.text("deleted = 0")}
SPREAD: dict[str, Any] = {"sqlite_where": sa.text("lo < hi"), "postgresql_where": sa.text("lo < hi")}
LONG: dict[str, Any] = {"sqlite_where": sa.text("long = 1"), "postgresql_where": sa.text("long = 1")}


def column(name: str, type_: Any) -> Any:
    return sa.Column(name, type_, nullable=False)


def upgrade() -> None:
    _resources()
    _index_tables()
    op.create_table(
        "search_parameter",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        column("type", sa.Text()),
        column("code", sa.Text()),
        column("url", sa.Text()),
    )
    op.create_index("search_parameter_code", "search_parameter", ["type", "code"], unique=True)
    op.create_table("gateway_setting", sa.Column("name", sa.Text, primary_key=True), column("value", sa.LargeBinary()))
    if op.get_bind().dialect.name == "postgresql":
        _commit_order()


def _resources() -> None:
    op.create_table(
        "resource",
        sa.Column("rid", RID, primary_key=True, autoincrement=False),
        column("rtype", sa.SmallInteger()),
        column("fhir_id", sa.Text()),
        column("rk", BIG),
        column("vid", sa.Integer()),
        column("last_updated", BIG),
        column("deleted", sa.SmallInteger()),
        column("idx_hash", BIG),
        column("body", sa.LargeBinary()),
    )
    op.create_index("resource_rk", "resource", ["rk"], unique=True)
    op.create_index("resource_type", "resource", ["rtype", "rid"], **ALIVE)
    op.create_index("resource_type_updated", "resource", ["rtype", "last_updated", "rid"])
    op.create_index("resource_updated", "resource", ["last_updated", "rid"])
    op.create_table(
        "history",
        column("rid", BIG),
        column("vid", sa.Integer()),
        column("rtype", sa.SmallInteger()),
        column("last_updated", BIG),
        column("deleted", sa.SmallInteger()),
        column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("rid", "vid"),
    )
    op.create_index("history_type_updated", "history", ["rtype", "last_updated", "rid"])
    op.create_index("history_updated", "history", ["last_updated", "rid"])


def _index_tables() -> None:
    double: Any = sa.Double()
    pid: tuple[str, Any] = ("pid", sa.Integer())
    tables: dict[str, tuple[list[tuple[str, Any]], list[str]]] = {
        "i_token": ([pid, ("h", BIG)], ["pid", "h", "rid"]),
        "i_ref": ([("trk", BIG), pid], ["trk", "pid", "rid"]),
        "i_date": ([pid, ("lo", BIG), ("hi", BIG), ("long", sa.SmallInteger())], ["pid", "lo", "hi", "rid"]),
        "i_num": ([pid, ("lo", double), ("hi", double)], ["pid", "lo", "hi", "rid"]),
        "i_qty": ([pid, ("u", BIG), ("lo", double), ("hi", double)], ["pid", "u", "lo", "hi", "rid"]),
        "i_str": ([pid, ("v", C_TEXT), ("x", BIG)], ["pid", "v", "rid", "x"]),
        "i_comp": (
            [pid, ("h", BIG), ("lo", double), ("hi", double), ("h2", BIG)],
            ["pid", "h", "lo", "hi", "h2", "rid"],
        ),
    }
    for name, (columns, key) in tables.items():
        op.create_table(
            name,
            *[column(*each) for each in columns],
            column("rid", BIG),
            sa.PrimaryKeyConstraint(*key),
            sqlite_with_rowid=False,
        )
        op.create_index(f"{name}_rid", name, ["rid", "pid"])
    op.create_index("i_date_long", "i_date", ["pid", "hi", "rid"], **LONG)
    # Values that are ranges are few; found by their end.
    op.create_index("i_num_spread", "i_num", ["pid", "hi", "rid"], **SPREAD)
    op.create_index("i_qty_spread", "i_qty", ["pid", "u", "hi", "rid"], **SPREAD)


def _commit_order() -> None:
    # Commits end in another order than their instants. Each writer therefore holds an advisory lock named by its
    # instant until it ends, taken before the instant is known to anybody (the lock 7300 is held for the microseconds
    # of these functions, never until commit).
    op.execute("CREATE SEQUENCE gateway_instant")
    op.execute(
        """
        CREATE FUNCTION gateway_begin_commit() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            instant bigint;
        BEGIN
            PERFORM pg_advisory_lock(7300);
            SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, s.last_value + 1)
                INTO instant FROM gateway_instant s;
            PERFORM pg_advisory_xact_lock_shared(instant);
            PERFORM setval('gateway_instant', instant);
            PERFORM pg_advisory_unlock(7300);
            RETURN instant;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION gateway_skip_instants(up_to bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_lock(7300);
            PERFORM setval('gateway_instant', greatest(up_to, s.last_value)) FROM gateway_instant s;
            PERFORM pg_advisory_unlock(7300);
        END $$
        """
    )
    # The instant below which every commit has ended, so that a snapshot taken after this call sees all of them. It
    # never falls: instants given out later are greater than all before. The sequence is read before the locks: what
    # was given out by then is held by its writer, or has ended. Locks of other databases do not count.
    op.execute(
        """
        CREATE FUNCTION gateway_horizon() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            beyond bigint;
            oldest bigint;
        BEGIN
            SELECT s.last_value + 1 INTO beyond FROM gateway_instant s;
            SELECT min((l.classid::bigint << 32) | l.objid::bigint) INTO oldest FROM pg_locks l
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock'
                AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
            RETURN least(beyond, coalesce(oldest, beyond));
        END $$
        """
    )
