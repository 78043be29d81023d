"""What a search is read against: search parameters, their numbers in the store, and the limits of this server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhir_gateway.conformance.search_parameter import SearchParameter, SearchParameters


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one search may ask."""

    default_count: int = 50  # resources on a page when `_count` does not say
    max_count: int = 1000  # a greater `_count` means this
    max_conditions: int = 1000  # criteria, alternatives and inclusions together
    max_chain: int = 4  # references followed by one criterion
    max_included: int = 1000  # resources included with a page


class Registry:
    """Immutable; shared by all searches.

    pids: number of each indexed parameter by (type, code). rtypes: number of each resource type by name. base: the
    service base URL. now: the clock, µs.
    """

    def __init__(
        self,
        search_parameters: SearchParameters,
        pids: Mapping[tuple[str, str], int],
        rtypes: Mapping[str, int],
        base: str | None = None,
        limits: Limits = Limits(),
        now: Callable[[], int] = _now,
    ) -> None:
        self.pids = pids
        self.base = base
        self.limits = limits
        self.now = now
        self.rtypes = {type: number for type, number in rtypes.items() if type}
        self.types = tuple(self.rtypes)
        self.names = {number: type for type, number in self.rtypes.items()}
        self._search_parameters = search_parameters

    def parameter(self, type: str, code: str) -> SearchParameter | None:
        """Return a search parameter of a type; None when it has none of this code."""
        return self._search_parameters.of(type).get(code)

    def parameters(self, type: str) -> Mapping[str, SearchParameter]:
        return self._search_parameters.of(type)
