"""One row of an index table, for conditions to be tried on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence


def holds(where: str, values: Sequence[object], columns: Mapping[str, float]) -> bool:
    """Tell whether a condition's text with its values holds for a row of these columns."""
    names = ", ".join(f"? AS {name}" for name in columns)
    text = where.format_map({name: name for name in columns})
    connection = sqlite3.connect(":memory:")
    try:
        (found,) = connection.execute(f"SELECT {text} FROM (SELECT {names})", (*values, *columns.values())).fetchone()
    finally:
        connection.close()
    return bool(found)
