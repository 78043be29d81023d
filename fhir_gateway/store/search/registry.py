"""What a search is read against: search parameters, their numbers in the store, and the limits of this server."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_gateway.conformance.compartments import Compartments
from fhir_gateway.conformance.search_parameter import SearchParameter, SearchParameters
from fhir_gateway.conformance.subset import Subsets
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.store.search import complaints

if TYPE_CHECKING:
    from fhir_gateway.store.search.code_sets import CodeSets


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
    max_containers: int = 1000  # resources that one page looks into for contained ones
    full_text: bool = True  # `_text` and `_content` are supported


_NO_COMPARTMENTS: Compartments = MappingProxyType({})


class UnknownParameter(Exception):
    """A parameter that the types searched do not have, or that this server does not support: passed over if wanted."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.complaint.detail)
        self.issue = issue


@dataclass(slots=True)
class Pending:
    """A job that must end before some parameters can be searched by: how many resources it has done, of how many."""

    job: int
    done: int = 0
    total: int = 0
    state: str = "waiting"


_NONE_PENDING: Mapping[tuple[str, str], Pending] = MappingProxyType({})


class Registry:
    """Immutable; shared by all searches.

    pids: number of each indexed parameter by (type, code). rtypes: number of each resource type by name. base: the
    service base URL. now: the clock, µs. compartments: by whose own type, the types in them and by which parameters.
    subsets: what reads `_summary` and `_elements`. code_sets: what codes mean, for `:in` and its like; None: not known.
    """

    def __init__(
        self,
        search_parameters: SearchParameters,
        pids: Mapping[tuple[str, str], int],
        rtypes: Mapping[str, int],
        base: str | None = None,
        limits: Limits = Limits(),
        now: Callable[[], int] = _now,
        compartments: Compartments = _NO_COMPARTMENTS,
        *,
        subsets: Subsets,
        code_sets: CodeSets | None = None,
    ) -> None:
        self.pids = pids
        self.base = base
        self.limits = limits
        self.now = now
        self.compartments = compartments
        self.subsets = subsets
        self.code_sets = code_sets
        self.rtypes = {type: number for type, number in rtypes.items() if type}
        self.types = tuple(self.rtypes)
        self.names = {number: type for type, number in self.rtypes.items()}
        self.pending = _NONE_PENDING
        self._search_parameters = search_parameters

    def with_parameters(
        self,
        search_parameters: SearchParameters,
        pids: Mapping[tuple[str, str], int],
        pending: Mapping[tuple[str, str], Pending],
    ) -> Registry:
        """Return the same registry with other parameters; `pending`: those, by (type, code), not searchable yet."""
        other = copy.copy(self)
        other.pids = pids
        other.pending = pending
        other._search_parameters = search_parameters
        return other

    def parameter(self, type: str, code: str) -> SearchParameter | None:
        """Return a search parameter of a type; None when it has none of this code.

        Raises: UnknownParameter for one that not all resources here are indexed by yet; a search would miss some.
        """
        if self.pending and (type, code) in self.pending:
            job = self.pending[type, code]
            complaint = complaints.PARAMETER_PENDING if job.state in _AT_WORK else complaints.PARAMETER_STOPPED
            # Not how many: who asks may not see all of them.
            percent = 100 * job.done // max(job.total, 1)
            raise UnknownParameter(complaint.at(name=code, type=type, job=job.job, percent=percent, state=job.state))
        return self._search_parameters.of(type).get(code)

    @property
    def search_parameters(self) -> SearchParameters:
        """All search parameters, those included that cannot be searched by yet."""
        return self._search_parameters

    def parameters(self, type: str) -> Mapping[str, SearchParameter]:
        """Return the parameters of a type that can be searched by."""
        found = self._search_parameters.of(type)
        if not self.pending:
            return found
        return {code: parameter for code, parameter in found.items() if (type, code) not in self.pending}


_AT_WORK = frozenset({"waiting", "running"})
