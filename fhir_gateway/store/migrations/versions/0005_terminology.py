"""Code systems that are loaded by command: their concepts, properties and words.

A concept is one row, all that is told of it together; its number is its place in the order of the hierarchy, so that
what stands below it is a few runs of numbers, kept with it. Sets of concepts (those that have a property's value) are
such runs too. Figures of the choices: store/terminology/README.md.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger()
RID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
C_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def column(name: str, type_: Any) -> Any:
    return sa.Column(name, type_, nullable=False)


def upgrade() -> None:
    op.create_table(
        "term_system",
        sa.Column("system", sa.Integer, primary_key=True, autoincrement=False),
        column("state", sa.Text()),
        column("url", sa.Text()),
        column("version", sa.Text()),
        column("supplements", sa.Text()),
        column("concept_count", sa.Integer()),
        column("name_count", sa.Integer()),
        column("loaded", BIG),
        column("holder", sa.Text()),
        column("held_until", BIG),
        column("head", sa.LargeBinary()),
        column("vocabulary", sa.LargeBinary()),
    )
    op.create_table(
        "term_concept",
        sa.Column("cid", RID, primary_key=True, autoincrement=False),
        column("system", sa.Integer()),
        column("code_key", C_TEXT),
        column("code", sa.Text()),
        column("last", sa.Integer()),
        column("detail", sa.LargeBinary()),
        column("children", sa.LargeBinary()),
        column("more", sa.LargeBinary()),
    )
    op.create_index("term_concept_code", "term_concept", ["system", "code_key"], unique=True)
    op.create_table(
        "term_property",
        column("system", sa.Integer()),
        column("property", C_TEXT),
        column("content", C_TEXT),
        column("concepts", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("system", "property", "content"),
    )
    op.create_table(
        "term_name",
        sa.Column("nid", RID, primary_key=True, autoincrement=False),
        column("concept", sa.Integer()),
        column("language", sa.Text()),
        column("flags", sa.SmallInteger()),
        column("words", sa.Text()),
    )
    op.create_table(
        "term_word",
        column("system", sa.Integer()),
        column("word", C_TEXT),
        column("names", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("system", "word"),
    )
