"""What changes while the gateway runs: search parameters that come and go, and long work in the background.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger()


def column(name: str, type_: Any) -> Any:
    return sa.Column(name, type_, nullable=False)


def upgrade() -> None:
    # The job that must end before resources can be searched by the parameter; 0: none.
    op.add_column("search_parameter", sa.Column("job", sa.Integer, nullable=False, server_default="0"))
    op.create_table("index_generation", column("generation", BIG))
    op.execute("INSERT INTO index_generation (generation) VALUES (0)")
    op.create_table(
        "job",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        column("kind", sa.Text()),
        column("state", sa.Text()),
        column("detail", sa.LargeBinary()),
        column("error", sa.Text()),
        *[column(name, BIG) for name in ("total", "done", "written", "failed")],
        *[column(name, BIG) for name in ("stage", "position", "up_to", "barrier")],
        *[column(name, BIG) for name in ("created", "started", "ended")],
        column("holder", sa.Text()),
        column("held_until", BIG),
    )
    if op.get_bind().dialect.name == "postgresql":
        # As gateway_begin_commit, and with the instant the generation, read while the lock 7300 is held: who gets a
        # greater instant than a transaction that began after a generation was committed knows that generation.
        op.execute(
            """
            CREATE FUNCTION gateway_begin_write(OUT instant bigint, OUT generation bigint) LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_lock(7300);
                SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, s.last_value + 1),
                    g.generation INTO instant, generation FROM gateway_instant s, index_generation g;
                PERFORM pg_advisory_xact_lock_shared(instant);
                PERFORM setval('gateway_instant', instant);
                PERFORM pg_advisory_unlock(7300);
            END $$
            """
        )
