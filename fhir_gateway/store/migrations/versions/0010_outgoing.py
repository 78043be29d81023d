"""Messages that are to go out, a row for each destination, and what each try to send one came to.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "outgoing",
        sa.Column("oid", RID, primary_key=True, autoincrement=True),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("vid", sa.Integer(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    unsettled = sa.text("state < 2")
    op.create_index(
        "outgoing_line",
        "outgoing",
        ["destination", "recorded", "oid"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_index("outgoing_state", "outgoing", ["state", "destination", "oid"])
    op.create_index("outgoing_control_id", "outgoing", ["control_id"])
    op.create_index("outgoing_subject", "outgoing", ["subject", "destination", "oid"])
    op.create_table(
        "outgoing_raw",
        sa.Column("oid", RID, primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "outgoing_try",
        sa.Column("oid", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("came", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("oid", "number"),
    )
