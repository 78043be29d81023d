"""`_sort`: the order that a search asks for.

Source: FHIR R4, Search, "Sorting".
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index.indexer import indexed
from fhir_gateway.store.index.syntax import split
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.order import SORTED_TYPES, Order, SortKey, by_column, by_rows
from fhir_gateway.store.search.registry import Registry, UnknownParameter

NAME = "_sort"


def order_of(value: str, types: Sequence[str], registry: Registry) -> Order:
    """Return the order that `_sort` asks for; between equals rid decides, in the direction of the last key.

    types: those that are searched; a parameter must be one of each of them, and of the same kind.
    Raises: UnknownParameter for parameters that the types do not have; InvalidRequest for those that give no order.
    """
    keys: dict[str, SortKey] = {}
    unknown: list[str] = []
    issues: list[Issue] = []
    for each in split(value, ","):
        code, descends = each.removeprefix("-"), each.startswith("-")
        if not code:
            issues.append(values.VALUE_EMPTY.at(name=NAME))
        elif code == "_id":
            keys.setdefault(code, by_column("fhir_id", descends))
        elif code == "_lastUpdated":
            keys.setdefault(code, by_column("last_updated", descends))
        elif parameters := _parameters(code, types, registry):
            if parameters[0].type in SORTED_TYPES and all(map(indexed, parameters)):
                pids = tuple(registry.pids[type, code] for type in types)
                keys.setdefault(code, by_rows(parameters[0].type, pids, descends))
            else:
                issues.append(complaints.SORT_IMPOSSIBLE.at(name=code))
        else:
            unknown.append(code)
    if issues:
        raise InvalidRequest(*issues)
    if unknown:
        shown = types[0] if len(types) == 1 else "all types searched"
        raise UnknownParameter(complaints.PARAMETER_UNKNOWN.at(name=f"{NAME}={','.join(unknown)}", type=shown))
    order = tuple(keys.values())
    return (*order, by_column("rid", order[-1].descends))


def _parameters(code: str, types: Sequence[str], registry: Registry) -> list[SearchParameter]:
    """Return the parameter of each type; empty when one has none, or they are of several kinds."""
    found = [registry.parameter(type, code) for type in types]
    parameters = [parameter for parameter in found if parameter is not None]
    if len(parameters) < len(types) or len({parameter.type for parameter in parameters}) > 1:
        return []
    return parameters
