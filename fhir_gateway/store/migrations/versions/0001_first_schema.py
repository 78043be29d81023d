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
        column("txid", BIG),
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
        column("txid", BIG),
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
    # A transaction number and an instant handed out together and in the same order: what lies below the oldest
    # running number is committed, and what is still running will carry a later instant. The lock is held for the
    # few microseconds of this function, never until commit.
    op.execute("CREATE SEQUENCE gateway_instant")
    op.execute(
        """
        CREATE FUNCTION gateway_begin_commit(OUT txid bigint, OUT instant bigint) LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_lock(7300);
            txid := pg_current_xact_id()::text::bigint;
            SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, s.last_value + 1)
                INTO instant FROM gateway_instant s;
            PERFORM setval('gateway_instant', instant);
            PERFORM pg_advisory_unlock(7300);
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
    # Which numbers are certainly done with, as the asking statement's snapshot has it: below the oldest one running.
    # A transaction of another database of the same server is none of ours and holds nothing up; one that ended
    # between the snapshot and the look at the locks is taken for ours.
    op.execute(
        """
        CREATE FUNCTION gateway_horizon() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
        DECLARE
            s pg_snapshot := pg_current_snapshot();
        BEGIN
            IF pg_snapshot_xmin(s) = pg_snapshot_xmax(s) THEN
                RETURN pg_snapshot_xmax(s)::text::bigint;
            END IF;
            RETURN (
                SELECT coalesce(min(running), pg_snapshot_xmax(s)::text::bigint)
                FROM (SELECT x::text::bigint AS running FROM pg_snapshot_xip(s) x) r
                WHERE NOT EXISTS (
                    SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                    WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                    AND l.transactionid::text::bigint = r.running & 4294967295
                    AND a.datname <> current_database()
                )
            );
        END $$
        """
    )
