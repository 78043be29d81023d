"""Who has access to what: the owner of a resource, the parties that see it, and what is shared about a patient.

The parties that resources name are found by reindexing: rows of index format 4.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger()


def column(name: str, type_: Any) -> Any:
    return sa.Column(name, type_, nullable=False)


def upgrade() -> None:
    # Behind the body: neither engine copies the table for it.
    op.add_column("resource", sa.Column("owner", BIG, nullable=False, server_default="0"))
    op.create_table(
        "i_access",
        column("party", BIG),
        column("rtype", sa.SmallInteger()),
        column("why", sa.SmallInteger()),
        column("rid", BIG),
        sa.PrimaryKeyConstraint("party", "rtype", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("i_access_rid", "i_access", ["rid", "party"])
    op.create_table(
        "share",
        *[column(name, BIG) for name in ("patient", "owner", "party", "source")],
        sa.PrimaryKeyConstraint("patient", "owner", "party", "source"),
        sqlite_with_rowid=False,
    )
    op.create_index("share_source", "share", ["source"])
