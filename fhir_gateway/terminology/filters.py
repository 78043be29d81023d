"""Filters of a value set: which concepts of a system pass them.

Source: FHIR R4, ValueSet.compose.include.filter; CodeSystem filter-operator; FHIR R5 for child-of and descendent-leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fhir_gateway.terminology import regular_expressions
from fhir_gateway.terminology.system import Filter, Unsupported

if TYPE_CHECKING:
    from fhir_gateway.terminology.code_system import CodeSystem, Concept

Test = Callable[["CodeSystem", "Concept"], bool]

HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf"})
OPERATORS = frozenset({"=", "in", "not-in", "regex", "exists"}) | HIERARCHY


def tests(system: CodeSystem, filters: Iterable[Filter]) -> list[Test]:
    """Return the tests that filters are for a system in memory.

    Raises: Unsupported for an operator or a regular expression that cannot be answered.
    """
    return [_test(system, each) for each in filters]


def _test(system: CodeSystem, filter: Filter) -> Test:
    name, operator, value = filter.property, filter.op, filter.value
    if operator in HIERARCHY:
        return _in_hierarchy(system, operator, value)
    match operator:
        case "=":
            return lambda system, concept: value in _texts(system, concept, name)
        case "in":
            wanted = {each.strip() for each in value.split(",")}
            return lambda system, concept: bool(wanted & set(_texts(system, concept, name)))
        case "not-in":
            unwanted = {each.strip() for each in value.split(",")}
            return lambda system, concept: not unwanted & set(_texts(system, concept, name))
        case "regex":
            matches = regular_expressions.whole(value)
            if matches is None:
                raise Unsupported(value)
            return lambda system, concept: any(matches(each) for each in _texts(system, concept, name))
        case "exists":
            there = value == "true"
            return lambda system, concept: bool(_texts(system, concept, name)) == there
    raise Unsupported(operator)


def _in_hierarchy(system: CodeSystem, operator: str, value: str) -> Test:
    start = system.concept(value)
    code = value if start is None else start.code
    below = set(system.descendants(code))
    found: set[str]
    match operator:
        case "is-a":
            found = {code, *below}
        case "descendent-of":
            found = below - {code}
        case "is-not-a":
            found = system.concepts.keys() - {code, *below}
        case "generalizes":
            found = {code, *system.ancestors(code)}
        case "child-of":
            found = set() if start is None else set(start.children)
        case _:
            found = {each for each in below if each in system.concepts and not system.concepts[each].children}
    return lambda system, concept: concept.code in found


def _texts(system: CodeSystem, concept: Concept, name: str) -> list[str]:
    if name in ("code", "concept"):
        return [concept.code]
    if name == "display":
        return [concept.display] if concept.display is not None else []
    if name == "inactive" and not system.knows_property(name):
        return ["true" if system.is_inactive(concept) else "false"]
    return [
        "true" if each is True else "false" if each is False else str(each) for each in system.values(concept, name)
    ]
