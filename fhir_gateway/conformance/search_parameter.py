"""A search parameter as the index and the query need it: which values of which types it takes from a resource.

Source: FHIR R4, SearchParameter; Search, "Search Parameter Types".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SearchType = Literal["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"]


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of a compiled expression: below the resource's property `first`, values of one `type`.

    `select` takes the value of that property (a list where it repeats) and returns the values found below it;
    it never raises on a resource that passed the structure check. Primitive values come as JSON has them, without the
    nulls of repeating ones. What it returns may be the resource's own list and is not to be changed.

    Where `first` is "", `select` takes the resource itself (`Observation` as the base of a composite, a test such as
    `Patient.deceased.exists() and …`, whose value is a boolean of every resource).
    """

    first: str  # JSON property of the resource where the path begins: "name", "valueQuantity"
    select: Callable[[Any], list[Any]]
    type: str  # FHIR type of every value returned: "HumanName", "code", "dateTime"; "Resource": a resource inside
    target: str | None = None  # only references to this resource type (`where(resolve() is Patient)`)
    system: str | None = None  # for `code`: the code system of its required binding, where there is exactly one


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite: `branches` start at the composite's own base value, not at the resource.

    Where `first` is "" in these branches, `select` takes the base value itself; a branch that has a `first` starts at
    the resource, as `%resource.referenceSeq.chromosome` does.
    """

    code: str
    type: SearchType
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter compiled for one resource type.

    A composite has `components` and its `branches` select the base values the components start from. Of a choice that
    the expression leaves open (`Procedure.performed`) there is a branch for each type a parameter of this type can
    search (`conformance.branches.SEARCHABLE`); of an extension, for each such type of its value.
    """

    code: str  # "name", "_lastUpdated", "code-value-quantity"
    type: SearchType
    url: str
    base: str  # the resource type it is compiled for
    expression: str
    branches: tuple[Branch, ...] = ()
    targets: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()


class SearchParameters:
    """The search parameters of every resource type, by code; immutable.

    `of(type)` holds those of Resource and DomainResource too (`_id`, `_tag`, `_text` …) and those whose
    expression is empty (`_content`, `_query` …), which have no branches.
    """

    def __init__(self, by_type: Mapping[str, Mapping[str, SearchParameter]]) -> None:
        self._by_type = by_type

    def of(self, type: str) -> Mapping[str, SearchParameter]:
        """Return the parameters of a resource type by code; KeyError when it is no R4 resource type."""
        return self._by_type[type]

    def extended(self, added: Mapping[str, Mapping[str, SearchParameter]]) -> SearchParameters:
        """Return these and others, by resource type and code; those of types without others are the very same."""
        return SearchParameters(_Extended(self._by_type, added)) if added else self


class _Extended(dict[str, Mapping[str, SearchParameter]]):
    """The parameters of each type together with those added, put together when first asked for."""

    def __init__(
        self,
        by_type: Mapping[str, Mapping[str, SearchParameter]],
        added: Mapping[str, Mapping[str, SearchParameter]],
    ) -> None:
        super().__init__()
        self._own = by_type
        self._added = added

    def __missing__(self, type: str) -> Mapping[str, SearchParameter]:
        own = self._own[type]
        added = self._added.get(type)
        return self.setdefault(type, {**own, **added} if added else own)
