"""How the two engines write what a search asks of the index of words, in place of markers of a statement's text.

Source: SQLite, "FTS5", "Full-text Query Syntax"; PostgreSQL, "Text Search Functions and Operators".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

# What SQLite calls `query.passes`.
PASSES: Final = "gateway_words"

# f: the row of a resource in the index. Each of the last four takes one value. Between {live} and {/live} stands what
# keeps out the deleted, which need not be kept out where rows are only counted.
SPELLED: Final[Mapping[Literal["sqlite", "postgresql"], Mapping[str, str]]] = {
    "sqlite": {
        "{live}": "",
        "{/live}": "",
        "{words_rid}": "rowid",
        "{text_found}": "f.full_text MATCH ?",
        "{content_found}": "f.full_text MATCH ?",
        "{text_passes}": f"{PASSES}(?, f.narrative, '')",
        "{content_passes}": f"{PASSES}(?, f.narrative, f.rest)",
    },
    "postgresql": {
        "{live}": "",
        "{/live}": "",
        "{words_rid}": "rid",
        # Of a query that a SELECT gives, the planner takes few rows to be found, whatever its statistics: it would else
        # read the table from its beginning for a common word, which may stand at its end alone.
        "{text_found}": "f.narrative @@ (SELECT ?::tsquery)",
        "{content_found}": "f.content @@ (SELECT ?::tsquery)",
        "{text_passes}": "f.narrative @@ ?::tsquery",
        "{content_passes}": "f.content @@ ?::tsquery",
    },
}
MARKERS: Final = frozenset(marker[1:-1] for marker in SPELLED["sqlite"] if "/" not in marker)
