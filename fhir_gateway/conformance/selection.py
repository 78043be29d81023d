"""Steps made into functions: what a branch selects from a resource, as fast as plain Python does it.

Source: FHIRPath, "Path selection", "where", "Equality", "Boolean logic" (three-valued: an empty operand is unknown).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_gateway.conformance.branches import Step, Steps, Test

Select = Callable[[Any], list[Any]]
Decide = Callable[[Any], bool | None]  # None: unknown, FHIRPath's empty collection


def selector(first: str, steps: Steps) -> Select:
    """Return the `select` of a branch: from the value of its property `first`, or of the resource where that is "".

    What it returns may be the resource's own list: it is not to be changed.
    """
    if not first:
        return _of_one(steps)
    _, _, many, primitive = steps[0]
    rest = steps[1:]
    if not many:
        return _of_one(rest)
    return _after(_without_nulls if primitive else _same, rest)


def _same(values: Any) -> list[Any]:
    return values  # type: ignore[no-any-return]  # a repeating element is a list


def _one(value: Any) -> list[Any]:
    return [value]


def _without_nulls(values: Any) -> list[Any]:
    """Leave out the nulls of a repeating primitive, which stand for values that have only extensions."""
    return [value for value in values if value is not None] if None in values else values


def _of_one(steps: Steps) -> Select:
    """Return the function for one object; the usual single step needs no list in between."""
    if len(steps) == 1 and steps[0][0] == "get":
        _, name, many, primitive = steps[0]
        if not many:
            return lambda value: [value[name]] if name in value else []
        if not primitive:
            return lambda value: value.get(name, [])
    return _after(_one, steps)


def _after(start: Select, steps: Steps) -> Select:
    """Return `start` and then every step, from list to list."""
    function = start
    for step in steps:
        function = _composed(function, _step(step))
    return function


def _composed(before: Select, after: Select) -> Select:
    if before is _same:
        return after
    return lambda value: after(before(value))


def _step(step: Step) -> Select:
    match step:
        case ("get", name, many, primitive):
            return _get(name, many, primitive)
        case ("index", index):
            return lambda values: values[index : index + 1]
        case ("where", test):
            return _where(test)
        case ("test", test):
            return _answers(decision(test))
    raise ValueError(f"no step of a branch: {step[0]!r}")


def _get(name: str, many: bool, primitive: bool) -> Select:
    if not many:
        return lambda values: [value[name] for value in values if name in value]
    if primitive:
        return lambda values: [item for value in values if name in value for item in value[name] if item is not None]
    return lambda values: [item for value in values if name in value for item in value[name]]


def _where(test: Test) -> Select:
    match test:
        case ("equal", ("paths", ((("get", name, False, True),),)), ("literal", str(text))):
            return lambda values: [value for value in values if value.get(name) == text]
        case ("type", name):
            return lambda values: [value for value in values if value["resourceType"] == name]
    decide = decision(test)
    return lambda values: [value for value in values if decide(value)]


def _answers(decide: Decide) -> Select:
    def answers(values: list[Any]) -> list[Any]:
        decided = (decide(value) for value in values)
        return [answer for answer in decided if answer is not None]

    return answers


def decision(test: Test) -> Decide:
    """Return the function that decides a test of one value: true, false, or None where FHIRPath gives nothing."""
    match test:
        case ("exists", paths) if names := _plain_names(paths):
            wanted = frozenset(names)
            return lambda value: not wanted.isdisjoint(value)
        case ("exists", paths):
            select = _paths(paths)
            return lambda value: bool(select(value))
        case ("true", paths):
            select = _paths(paths)
            return lambda value: _singleton(select(value))
        case ("equal", ("paths", paths), ("literal", bool(literal))) if names := _plain_names(paths):
            return _equal_boolean(names, literal)
        case ("equal", left, right):
            return _equal(_operand(left), _operand(right))
        case ("not", inner):
            decide = decision(inner)
            return lambda value: None if (answer := decide(value)) is None else not answer
        case ("and", left, right):
            return _both(decision(left), decision(right), False)
        case ("or", left, right):
            return _both(decision(left), decision(right), True)
    raise ValueError(f"no test of a branch: {test[0]!r}")


def _singleton(values: list[Any]) -> bool | None:
    """Read a collection as a boolean: one value that is no boolean counts as true ("Singleton Evaluation")."""
    return None if not values else values[0] is not False


def _both(left: Decide, right: Decide, decisive: bool) -> Decide:
    """Return `or` when true decides, `and` when false does; otherwise unknown stays unknown."""

    def decide(value: Any) -> bool | None:
        first = left(value)
        if first is decisive:
            return decisive
        second = right(value)
        if second is decisive:
            return decisive
        return None if first is None or second is None else not decisive

    return decide


def _equal(left: Select, right: Select) -> Decide:
    def decide(value: Any) -> bool | None:
        first, second = left(value), right(value)
        if not first or not second:
            return None
        # In Python 1 == True; in FHIRPath a number never equals a boolean.
        return len(first) == len(second) and all(
            a == b and isinstance(a, bool) == isinstance(b, bool) for a, b in zip(first, second, strict=True)
        )

    return decide


def _plain_names(paths: tuple[Steps, ...]) -> tuple[str, ...]:
    """Return the properties that paths of a single step to a single value name, or nothing when one is no such path."""
    names = [steps[0][1] for steps in paths if len(steps) == 1 and steps[0][0] == "get" and not steps[0][2]]
    return tuple(names) if len(names) == len(paths) else ()


def _equal_boolean(names: tuple[str, ...], literal: bool) -> Decide:
    """Return whether the one of these properties that is there (a choice has no more) is this boolean."""

    def decide(value: Any) -> bool | None:
        for name in names:
            if name in value:
                return value[name] is literal
        return None

    return decide


def _operand(operand: Test) -> Select:
    match operand:
        case ("literal", value):
            literal = [value]
            return lambda _: literal
        case ("paths", paths):
            return _paths(paths)
    raise ValueError(f"no operand of a test: {operand[0]!r}")


def _paths(paths: tuple[Steps, ...]) -> Select:
    """Return what selects the values of all alternatives of a path, from the value that is tested."""
    selects = [_of_one(steps) for steps in paths]
    if len(selects) == 1:
        return selects[0]
    return lambda value: [found for select in selects for found in select(value)]
