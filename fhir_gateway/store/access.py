"""Who may see what: the parties somebody belongs to, and the clauses by which statements are kept within a narrowing.

A party is a signed 64-bit number: EVERYONE, the key of an Organization stored here (`rk_of`), or the key of an
organisation's identifier (`party_of`). Table i_access has a row (party, rtype, why, rid) for each party that has access
to a current resource, whatever the reasons (`why`: store/index/access.py). A deleted resource has none, and is seen by
its owner alone (`resource.owner`, 0: nobody's).

Where rows of `resource` are read by key or in feeds, deleted ones too, the clause is `visible`; searches have texts of
their own, in store/search/narrowing.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from fhir_gateway.store.contract import EVERYONE, Narrowing, Read
from fhir_gateway.store.index.access import IDENTITY, party_of

__all__ = ["EVERYONE", "Parties", "Within", "parties_of", "party_of", "visible"]

Dialect = Literal["sqlite", "postgresql"]

_SECONDS = 5.0  # how long the parties of an organisation are remembered: other processes write Organizations too
_REMEMBERED = 4096  # organisations

_ORGANISATIONS = (
    f"SELECT r.rk FROM i_access i JOIN resource r ON r.rid = i.rid WHERE i.party = ? AND (i.why & {IDENTITY}) <> 0"
)


class Within(NamedTuple):
    """A clause about one row of `resource`, and its values."""

    text: str
    values: tuple[Any, ...]


def visible(narrowing: Narrowing, dialect: Dialect, resource: str = "r") -> Within:
    """Return the clause that a row of `resource`, by that alias, deleted or not, is seen by one of the parties.

    It says nothing of types, and nothing at all where the parties are not narrowed. Texts are equal for narrowings with
    as many parties. On SQLite the parties are values one by one, twice over; on PostgreSQL a list, twice.
    """
    return _ALL if narrowing.parties is None else _visible(narrowing.parties, dialect, resource)


_ALL = Within("1 = 1", ())


@lru_cache(1024)
def _visible(parties: tuple[int, ...], dialect: Dialect, resource: str) -> Within:
    any = "= ANY(?::bigint[])" if dialect == "postgresql" else f"IN ({', '.join('?' * len(parties))})"
    values: tuple[Any, ...] = (*parties, *parties) if dialect == "sqlite" else (list(parties), list(parties))
    probe = f"SELECT 1 FROM i_access a WHERE a.rid = {resource}.rid AND"
    # SQLite: without + it would seek once for each party, where a resource has few rows. PostgreSQL: without LIMIT it
    # could gather all that the parties see before it looks at one row.
    probed = (
        f"EXISTS ({probe} +a.party {any})" if dialect == "sqlite" else f"({probe} a.party {any} LIMIT 1) IS NOT NULL"
    )
    # `owner` stands behind the body, so it comes last; 0 is not the party EVERYONE there.
    text = f"({probed} OR ({resource}.owner <> 0 AND {resource}.owner {any}))"
    return Within(text, values)


def parties_of(read: Read, identifier: str | None) -> tuple[int, ...]:
    """Return the parties of who acts for the organisation of an identifier "system|value", ascending.

    EVERYONE; the identifier's own (`party_of`); the keys of the current Organizations that carry it. Without an
    organisation EVERYONE alone. Raises: ValueError for an identifier without system or value.
    """
    if identifier is None:
        return (EVERYONE,)
    party = party_of(identifier)
    return tuple(sorted({EVERYONE, party, *(rk for (rk,) in read.rows(_ORGANISATIONS, (party,)))}))


def asked_of(read: Callable[..., AbstractContextManager[Read]]) -> Callable[[str], tuple[int, ...]]:
    """Return what finds the parties of an identifier in a snapshot of its own, which `read` opens."""

    def ask(identifier: str) -> tuple[int, ...]:
        with read(feed=False) as view:
            return parties_of(view, identifier)

    return ask


class Parties:
    """Parties of organisations, remembered. `ask` finds them out."""

    def __init__(self, ask: Callable[[str], tuple[int, ...]], now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[int, ...]]] = {}
        self._forgotten = 0

    def of(self, identifier: str | None) -> tuple[int, ...]:
        if identifier is None:
            return (EVERYONE,)
        known = self._known.get(identifier)
        if known is not None and known[0] > self._now():
            return known[1]
        forgotten = self._forgotten
        found = self._ask(identifier)
        with self._lock:
            if forgotten == self._forgotten:  # else an Organization was written since it was asked
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[identifier] = (self._now() + _SECONDS, found)
        return found

    def forget(self) -> None:
        """After a commit that wrote Organizations."""
        with self._lock:
            self._forgotten += 1
            self._known.clear()


def outside(narrowing: Narrowing | None, type: str) -> bool:
    """Tell whether a narrowing hides all resources of a type."""
    return narrowing is not None and narrowing.types is not None and type not in narrowing.types


def visible_keys(narrowing: Narrowing | None, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the keys whose types a narrowing does not hide."""
    return [key for key in keys if not outside(narrowing, key[0])]
