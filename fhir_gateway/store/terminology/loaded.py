"""What is loaded: one row a system, and the number that tells when that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fhir_gateway.store.contract import Row, Store

GENERATION_NAME = "terminology"  # its name in gateway_setting
_SHIFT = 32


class Loaded(NamedTuple):
    """A code system that is loaded. `loaded`: when, µs."""

    system: int
    url: str
    version: str
    supplements: str
    concepts: int
    names: int
    loaded: int

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}"


_LOADED = "SELECT system, url, version, supplements, concept_count, name_count, loaded FROM term_system"


def first_id(system: int) -> int:
    """Return the id of the first concept, or name, of a system."""
    return system << _SHIFT


def listed(store: Store) -> list[Loaded]:
    """Return the systems that are loaded, by url and version."""
    with store.read(feed=False) as view:
        return [Loaded(*row) for row in view.rows(f"{_LOADED} WHERE state = 'ready' ORDER BY url, version")]


def generation(rows: Sequence[Row]) -> int:
    """Return the number that rows of GENERATION tell: it grows when something is loaded or removed."""
    return int(bytes(rows[0][0])) if rows else 0


GENERATION = f"SELECT value FROM gateway_setting WHERE name = '{GENERATION_NAME}'"
