"""What every code system answers, wherever its concepts lie: read from a resource into memory, or loaded into tables.

Source: FHIR R4, CodeSystem; "Code System Supplements"; CodeSystem, "$lookup", "$subsumes"; ValueSet, "$expand".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Unsupported(Exception):
    """A filter that the content at hand cannot answer."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a value set: property, operator, value. Source: ValueSet.compose.include.filter."""

    property: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """A concept that a search gave, and how well it fits: 0 is an exact term, larger is worse."""

    code: str
    rank: int = 0


class System(Protocol):
    """A code system. Concepts are those of `code_system.Concept`; a system in tables makes them when asked."""

    url: str
    version: str | None
    title: str
    content: str  # complete, fragment, example, not-present, supplement
    case_sensitive: bool
    language: str | None
    status: str | None
    value_set: str | None  # canonical of the value set of all its codes

    @property
    def complete(self) -> bool: ...

    @property
    def canonical(self) -> str: ...

    def count(self) -> int:
        """Return how many concepts there are."""
        ...

    def concept(self, code: str) -> Any | None:
        """Return the concept of a code, whatever its case where the system does not mind it."""
        ...

    def codes(self) -> Iterator[str]:
        """Yield all codes in their order."""
        ...

    def roots(self) -> Iterator[str]:
        """Yield the codes that stand below no other."""
        ...

    def descendants(self, code: str) -> Iterator[str]: ...

    def ancestors(self, code: str) -> Iterator[str]: ...

    def subsumes(self, above: str, below: str) -> bool | None: ...

    def matching(self, filters: Sequence[Filter]) -> Iterator[str]:
        """Yield the codes that pass all filters, in the order of the system; what is also a Sequence is read by pages.

        Raises: Unsupported.
        """
        ...

    def holds(self, code: str, filters: Sequence[Filter]) -> bool:
        """Tell whether one code passes all filters, without making the list of those that do. Raises: Unsupported."""
        ...

    def search(self, text: str, language: str | None, limit: int) -> Sequence[Found]:
        """Return the concepts whose words begin with the words of a text, best first; accents and case folded."""
        ...

    def properties(self) -> Sequence[Mapping[str, Any]]:
        """Return the declarations of its properties (CodeSystem.property)."""
        ...


class Systems(Protocol):
    """Code systems that lie in tables, loaded by command: `store` implements it."""

    def system(self, canonical: str) -> System | None:
        """Return a loaded code system by "url" (the newest version) or "url|version"."""
        ...

    def canonicals(self) -> Sequence[str]:
        """Return "url|version" of all that are loaded."""
        ...

    def generation(self) -> int:
        """Return a number that changes when something is loaded or removed."""
        ...
