"""The rows that a filter of a log names: its WHERE clause, with the values of it.

Source: this project's own; the logs of messages that came in and that go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def chosen(
    numbers: Iterable[tuple[str, Sequence[int]]],
    texts: Iterable[tuple[str, str]],
    bounds: Iterable[tuple[str, int]],
) -> tuple[str, list[Any]]:
    """Return the clause, "" where all rows are named. What is empty or 0 names whichever.

    numbers: columns, and which values. texts: columns, and the value. bounds: comparisons ("oid < ?"), and with what.
    """
    clauses: list[str] = []
    values: list[Any] = []
    for column, some in numbers:
        if some:
            clauses.append(f"{column} IN ({', '.join('?' * len(some))})")
            values += some
    for clause, value in (*((f"{column} = ?", text) for column, text in texts), *bounds):
        if value:
            clauses.append(clause)
            values.append(value)
    return (f" WHERE {' AND '.join(clauses)}" if clauses else ""), values
