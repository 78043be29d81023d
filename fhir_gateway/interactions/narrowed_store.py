"""The store as one actor sees it: what acts open through it is narrowed, without their knowing.

Source: `fhir_gateway/policy/README.md`, "Channels".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, TypeVar

from fhir_gateway.store.contract import Locks, Narrowing, Read, Store, Version, Write

if TYPE_CHECKING:
    from fhir_gateway.interactions.access import Access

T = TypeVar("T")


class NarrowedStore:
    """A store that reads and writes for one actor. A narrowing may be named to read by, else the actor's holds."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access
        self.dialect: Literal["sqlite", "postgresql"] = store.dialect

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        return self._store.current(type, id, narrowing or self._access.reading)

    def parties(self, identifier: str | None) -> tuple[int, ...]:
        return self._store.parties(identifier)

    def read(
        self, seconds: float | None = None, feed: bool = True, narrowing: Narrowing | None = None
    ) -> AbstractContextManager[Read]:
        return self._store.read(seconds, feed, narrowing or self._access.reading)

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen and empty
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        return self._store.write(work, locks, narrowing or self._access.writing, owner or self._access.owner)

    def close(self) -> None:
        """Do nothing: who opened the store closes it."""
