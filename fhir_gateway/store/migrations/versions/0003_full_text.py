"""Full text: the words of each resource, for `_text` and `_content`.

Each engine has its own kind of index: SQLite FTS5, which keeps the words as they were given beside it; PostgreSQL a
row of two tsvectors, each under GIN. Without fastupdate, or searches would read through a list of what is not sorted in
yet. Prefixes of two and three letters have an index of their own in FTS5, which would else merge all words they begin.

This file is frozen: later changes are steps of their own.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE full_text USING fts5(narrative, rest,"
            " tokenize = \"ascii tokenchars '_'\", columnsize = 0, prefix = '2 3')"
        )
        return
    op.execute(
        "CREATE TABLE full_text (rid bigint PRIMARY KEY, at bigint NOT NULL, narrative tsvector NOT NULL,"
        " content tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX full_text_narrative ON full_text USING gin (narrative) WITH (fastupdate = off)")
    op.execute("CREATE INDEX full_text_content ON full_text USING gin (content) WITH (fastupdate = off)")
