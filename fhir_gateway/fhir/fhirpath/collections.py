"""Functions over collections: existence, subsetting, combining, navigation.

Source: FHIRPath 2.0 (N1), "Existence", "Subsetting", "Combining", "Tree navigation".
"""

from __future__ import annotations

from fhir_gateway.fhir.fhirpath import nodes
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.functions import Table
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Item, Items, Node, distinct, is_in, single, system

TABLE = Table()
_add = TABLE.add


def integer(items: Items, what: str) -> int | None:
    """Return the one integer of an argument.

    Raises: FhirPathError for any other type.
    """
    value = system(single(items, what)) if items else None
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise failed(f"{what} takes an integer")
    return value


@_add("empty", result="Boolean")
def _empty(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [not items]


@_add("not", result="Boolean")
def _not(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    value = nodes.truth(items, "not()")
    return [] if value is None else [not value]


@_add("count", result="Integer")
def _count(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [len(items)]


def _booleans(items: Items, what: str) -> list[bool]:
    found = [system(item) for item in items]
    if not all(isinstance(value, bool) for value in found):
        raise failed(f"{what} takes booleans only")
    return found


@_add("allTrue", result="Boolean")
def _all_true(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [all(_booleans(items, "allTrue()"))]


@_add("anyTrue", result="Boolean")
def _any_true(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [any(_booleans(items, "anyTrue()"))]


@_add("allFalse", result="Boolean")
def _all_false(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [not any(_booleans(items, "allFalse()"))]


@_add("anyFalse", result="Boolean")
def _any_false(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [not all(_booleans(items, "anyFalse()"))]


@_add("subsetOf", 1, result="Boolean")
def _subset_of(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [all(is_in(item, given[0]) for item in items)]


@_add("supersetOf", 1, result="Boolean")
def _superset_of(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [all(is_in(item, items) for item in given[0])]


@_add("distinct", result="same", many=True)
def _distinct(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return distinct(items)


@_add("isDistinct", result="Boolean")
def _is_distinct(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [len(distinct(items)) == len(items)]


@_add("first", result="same", ordered=True)
def _first(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return items[:1]


@_add("last", result="same", ordered=True)
def _last(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return items[-1:]


@_add("tail", result="same", ordered=True, many=True)
def _tail(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return items[1:]


@_add("single", result="same")
def _single(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    single(items, "single()")
    return items


@_add("skip", 1, result="same", ordered=True, many=True)
def _skip(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    count = integer(given[0], "skip()")
    return items[max(0, count or 0) :]


@_add("take", 1, result="same", ordered=True, many=True)
def _take(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    count = integer(given[0], "take()")
    return items[: max(0, count or 0)]


@_add("intersect", 1, result="same", many=True)
def _intersect(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return distinct([item for item in items if is_in(item, given[0])])


@_add("exclude", 1, result="same", many=True)
def _exclude(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [item for item in items if not is_in(item, given[0])]


@_add("union", 1, many=True)
def _union(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return distinct([*items, *given[0]])


@_add("combine", 1, 2, many=True)
def _combine(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [*items, *given[0]]


@_add("children", many=True)
def _children(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [child for node in nodes.iterate_nodes(items) for child in nodes.children(model, node)]


@_add("descendants", many=True)
def _descendants(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return nodes.descendants(model, items)


@_add("hasValue", result="Boolean")
def _has_value(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [len(items) == 1 and has_value(items[0])]


@_add("getValue")
def _get_value(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [system(items[0])] if len(items) == 1 and has_value(items[0]) else []


def has_value(item: Item) -> bool:
    """Tell whether an item is a primitive that has a value, not extensions only."""
    return not isinstance(system(item), Node) or (isinstance(item, Node) and isinstance(item.value, str))
