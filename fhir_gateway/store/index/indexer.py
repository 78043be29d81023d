"""What a resource can be found by: its index rows, by all search parameters of its type; and whom it names.

Each resource type is compiled once, at first use: by property of the resource, what to take from it. A resource then
costs only what it has, and nothing is interpreted.

Source: FHIR R4, Search, "Search Parameter Types".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fhir_gateway.conformance.search_parameter import Branch, SearchParameter, SearchParameters
from fhir_gateway.store.contract import IndexRows
from fhir_gateway.store.index import composite, contained, date, near, number, quantity, reference, string, token, uri
from fhir_gateway.store.index.access import Access
from fhir_gateway.store.index.rows import Rows, Take

# The number of the rows' format. Rows of another number are made anew from their resources before they are trusted.
# 1: the first. 2: order texts of tokens and references, texts of codes, whole URIs, positions, contained types.
# 3: quantities in base units. 4: who has access.
INDEX_FORMAT = 4

# Columns of `resource` hold these; the instant of a version is not even known when its rows are made.
COLUMNS = frozenset({"_id", "_lastUpdated"})

Taking = tuple[Callable[[Any], list[Any]], Take]  # selects values below a property, and appends their rows
WholeTaking = Callable[[Mapping[str, Any], Rows], None]  # takes from a resource as a whole


def indexed(parameter: SearchParameter) -> bool:
    """Tell whether a parameter has index rows and so needs a number (pid)."""
    if parameter.code in COLUMNS or not parameter.branches:
        return False
    if parameter.type == "special":
        return near.indexed(parameter)
    return parameter.type != "composite" or composite.supported(parameter)


class Indexer:
    """Makes index rows.

    pids: the number of each parameter by (resource type, code); every `indexed` parameter needs one, else KeyError at
    the first resource of its type. base: the service base URL, references under which are to this server's resources.
    """

    def __init__(
        self, search_parameters: SearchParameters, pids: Mapping[tuple[str, str], int], base: str | None = None
    ) -> None:
        self._search_parameters = search_parameters
        self._pids = pids
        self._base = base
        self._targets = reference.targets_at(base)
        self._access = Access(base)
        self._leading_by_type: dict[str, tuple[contained.Leading, ...]] = {}
        self._by_type: dict[str, tuple[dict[str, tuple[Taking, ...]], tuple[WholeTaking, ...]]] = {}

    def index(self, resource: Mapping[str, Any], references: Iterable[str] = ()) -> tuple[IndexRows, int]:
        """Return a resource's rows by table, without rid, each once and in order, and their 64-bit key.

        The resource has passed the structure check. `references`: all literal references in it; those to resources
        here that no search parameter finds get a row too (`reference.UNSEARCHED`), so that what they refer to is
        known to be referred to. Contained resources have no rows of their own; see `contained`. Rows of equal
        resources are equal, and so are their keys.
        """
        rows = Rows()
        self._collect(resource, rows)
        reference.take_unsearched(references, self._targets, self._base, rows)
        if "contained" in resource:
            contained.take(resource, self._leading(resource["resourceType"]), self._collect, rows)
        rows.access = self._access.rows(resource)
        return rows.sealed()

    def _collect(self, resource: Mapping[str, Any], rows: Rows) -> None:
        """Append what the search parameters of its type take from a resource."""
        takings, whole_takings = self._takings(resource["resourceType"])
        for property, value in resource.items():
            for select, append in takings.get(property, ()):
                append(select(value), rows)
        for take in whole_takings:
            take(resource, rows)

    def prepare(self, types: Iterable[str]) -> None:
        """Compile what is taken from resources of these types now rather than at the first of each."""
        for type in types:
            self._takings(type)

    def _takings(self, type: str) -> tuple[dict[str, tuple[Taking, ...]], tuple[WholeTaking, ...]]:
        found = self._by_type.get(type)
        if found is None:
            found = self._by_type[type] = self._compiled(type)
        return found

    def _leading(self, type: str) -> tuple[contained.Leading, ...]:
        """Return by what a resource of a type may lead to those it contains."""
        found = self._leading_by_type.get(type)
        if found is None:
            found = self._leading_by_type[type] = tuple(
                contained.Leading(self._pids[type, parameter.code], branch.first, branch.select, branch.target)
                for parameter in self._search_parameters.of(type).values()
                if parameter.type == "reference" and indexed(parameter)
                for branch in parameter.branches
                if branch.type == "Reference"
            )
        return found

    def _compiled(self, type: str) -> tuple[dict[str, tuple[Taking, ...]], tuple[WholeTaking, ...]]:
        takings: dict[str, list[Taking]] = {}
        whole: list[WholeTaking] = []
        for parameter in self._search_parameters.of(type).values():
            if not indexed(parameter):
                continue
            pid = self._pids[type, parameter.code]
            if parameter.code == "url" and parameter.type == "uri":
                whole.append(uri.take_versioned(pid))
            if parameter.type == "composite":
                whole.append(composite.take(pid, parameter, self._targets))
                continue
            for branch in parameter.branches:
                append = self._take(parameter, pid, branch)
                if append is not None and branch.first:
                    takings.setdefault(branch.first, []).append((branch.select, append))
                elif append is not None:
                    whole.append(_of_whole(branch, append))
        return {property: tuple(each) for property, each in takings.items()}, tuple(whole)

    def _take(self, parameter: SearchParameter, pid: int, branch: Branch) -> Take | None:
        """Return what appends a branch's rows; None when values of its type are not searched by such a parameter."""
        if parameter.type == "token":
            return token.take(pid, branch.type, branch.system)
        if parameter.type == "reference":
            return reference.take(pid, branch.type, branch.target, self._targets)
        if parameter.type == "date":
            return date.take(pid, branch.type)
        if parameter.type == "string":
            return string.take(pid, branch.type)
        if parameter.type == "number":
            return number.take(pid, branch.type)
        if parameter.type == "special":
            return near.take(pid)
        if parameter.type == "quantity":
            return quantity.take(pid, branch.type)
        return uri.take(pid, branch.type)


def _of_whole(branch: Branch, append: Take) -> WholeTaking:
    return lambda resource, rows: append(branch.select(resource), rows)
