"""What is kept of each dossier for statistics, of which resources it was made, and what was erased of them since.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "dossier_summary",
        sa.Column("dk", RID, primary_key=True, autoincrement=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("dossier_summary_due", "dossier_summary", ["due"])
    op.create_table(
        "dossier_member",
        sa.Column("rk", sa.BigInteger(), nullable=False),
        sa.Column("dk", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rk", "dk"),
        sqlite_with_rowid=False,
    )
    op.create_index("dossier_member_dk", "dossier_member", ["dk", "part"])
    op.create_table(
        "dossier_erased",
        sa.Column("rk", sa.BigInteger(), nullable=False),
        sa.Column("instant", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rk", "instant"),
        sqlite_with_rowid=False,
    )
