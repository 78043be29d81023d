"""Where two trees of JSON are not the same: paths with what was expected and what was made.

Source: RFC 6901 (the paths), with names in place of numbers where an item has a fullUrl or url.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

ABSENT = "—"


class Difference(NamedTuple):
    """One place. What is not there at all is ABSENT."""

    path: str
    expected: Any
    made: Any


def differences(expected: Any, made: Any, path: str = "") -> Iterator[Difference]:
    """Yield all places where trees differ, in the order of what was expected."""
    if isinstance(expected, dict) and isinstance(made, dict):
        for key in (*expected, *(each for each in made if each not in expected)):
            yield from differences(expected.get(key, ABSENT), made.get(key, ABSENT), f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(made, list):
        for at in range(max(len(expected), len(made))):
            one = expected[at] if at < len(expected) else ABSENT
            other = made[at] if at < len(made) else ABSENT
            yield from differences(one, other, f"{path}/{at}")
    elif expected != made or type(expected) is not type(made):
        yield Difference(path or "/", expected, made)
