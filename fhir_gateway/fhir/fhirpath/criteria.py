"""Functions that evaluate an argument for each item: where, select, all, repeat, aggregate, iif, sort …

Source: FHIRPath 2.0 (N1), "Filtering and projection", "Aggregates"; FHIRPath, "defineVariable", "sort".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import TYPE_CHECKING

from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF
from fhir_gateway.fhir.fhirpath.nodes import Items, Node, compared, is_in, kind_of, system, truth
from fhir_gateway.fhir.fhirpath.syntax import Call, Expression, Member, Sign
from fhir_gateway.fhir.fhirpath.texts import text
from fhir_gateway.fhir.fhirpath.typing import ANYTHING, Static, converts, joined, of_system, type_named

if TYPE_CHECKING:
    from fhir_gateway.fhir.fhirpath.compiler import Compiler

Closure = Callable[[Environment, Items], Items]
Step = Callable[[Environment, Items, Items], Items]  # environment, $this, input
Built = tuple[Step, Static]
Builder = Callable[["Compiler", Call, Static, Static], Built]

BUILDERS: dict[str, tuple[Builder, int, int]] = {}


def _builds(name: str, least: int, most: int) -> Callable[[Builder], Builder]:
    def declare(builder: Builder) -> Builder:
        BUILDERS[name] = (builder, least, most)
        return builder

    return declare


def each(closure: Closure, env: Environment, items: Items) -> list[Items]:
    """Return what a closure gives of each item as $this, with $index."""
    outer = env.index
    found = []
    for index, item in enumerate(items):
        env.index = index
        found.append(closure(env, [item]))
    env.index = outer
    return found


def _condition(compiler: Compiler, argument: Expression, input: Static) -> Closure:
    closure, static = compiler.scoped(argument, input.one())
    if not converts(static, "Boolean") and static.many:
        compiler.fail(argument, "a criterion is true or false")
    return closure


@_builds("where", 1, 1)
def _where(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    closure = _condition(compiler, call.arguments[0], input)

    def step(env: Environment, this: Items, items: Items) -> Items:
        if not items:
            return items
        outer = env.index
        found = []
        for index, item in enumerate(items):
            env.index = index
            if truth(closure(env, [item]), "where()"):
                found.append(item)
        env.index = outer
        return found

    return step, input


@_builds("exists", 0, 1)
def _exists(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    result = of_system("Boolean")
    if not call.arguments:
        return (lambda env, this, items: [bool(items)]), result
    closure = _condition(compiler, call.arguments[0], input)

    def step(env: Environment, this: Items, items: Items) -> Items:
        return [any(truth(found, "exists()") for found in each(closure, env, items))]

    return step, result


@_builds("all", 1, 1)
def _all(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    closure = _condition(compiler, call.arguments[0], input)

    def step(env: Environment, this: Items, items: Items) -> Items:
        return [all(truth(found, "all()") for found in each(closure, env, items))]

    return step, of_system("Boolean")


@_builds("select", 1, 1)
def _select(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    closure, static = compiler.scoped(call.arguments[0], input.one())

    def step(env: Environment, this: Items, items: Items) -> Items:
        return [one for found in each(closure, env, items) for one in found]

    return step, Static(static.types, input.many or static.many, static.ordered)


def _repeat(distinct_items: bool) -> Builder:
    def build(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
        closure, _ = compiler.scoped(call.arguments[0], ANYTHING.one())

        def step(env: Environment, this: Items, items: Items) -> Items:
            found: Items = []
            seen: set[int] = set()
            pending = items
            while pending:
                fresh: Items = []
                for one in (one for given in each(closure, env, pending) for one in given):
                    if not distinct_items:
                        fresh.append(one)
                    elif isinstance(one, Node) and isinstance(one.value, dict):
                        # An element is itself; looking for equal ones among thousands would be quadratic.
                        if id(one.value) not in seen:
                            seen.add(id(one.value))
                            fresh.append(one)
                    elif not is_in(one, found) and not is_in(one, fresh):
                        fresh.append(one)
                found += fresh
                if len(found) > _MOST:
                    raise failed("repeat() does not end")
                pending = fresh
            return found

        return step, ANYTHING

    return build


_MOST = 1_000_000
_builds("repeat", 1, 1)(_repeat(distinct_items=True))
_builds("repeatAll", 1, 1)(_repeat(distinct_items=False))


@_builds("aggregate", 1, 2)
def _aggregate(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    closure, static = compiler.scoped(call.arguments[0], input.one())
    initial = compiler.closure(call.arguments[1], this)[0] if len(call.arguments) > 1 else None

    def step(env: Environment, this: Items, items: Items) -> Items:
        outer_total, outer_index = env.total, env.index
        total = initial(env, this) if initial is not None else []
        for index, item in enumerate(items):
            env.total, env.index = total, index
            total = closure(env, [item])
        env.total, env.index = outer_total, outer_index
        return total

    return step, Static(None, static.many)


@_builds("iif", 2, 3)
def _iif(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    own = input if call.of is not None else this
    condition, static = compiler.scoped(call.arguments[0], own.one())
    if static.types is not None and static.types and not converts(static, "Boolean") and static.many:
        compiler.fail(call.arguments[0], "the criterion of iif() is one boolean")
    branches = [compiler.scoped(argument, own) for argument in call.arguments[1:]]
    yes = branches[0][0]
    no = branches[1][0] if len(branches) > 1 else None

    def step(env: Environment, this: Items, items: Items) -> Items:
        if len(items) > 1:
            raise failed(f"iif() takes one item, there are {len(items)}")
        decided = condition(env, items)
        value = system(decided[0]) if len(decided) == 1 else None
        if len(decided) > 1 or (decided and not isinstance(value, bool)):
            raise failed("the criterion of iif() is one boolean")
        if value:
            return yes(env, items)
        return [] if no is None else no(env, items)

    known = branches[0][1]
    for _, other in branches[1:]:
        known = joined(known, other, known.many or other.many)
    return step, known


@_builds("trace", 1, 2)
def _trace(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    name = compiler.closure(call.arguments[0], this)[0]
    shown = compiler.scoped(call.arguments[1], input.one())[0] if len(call.arguments) > 1 else None

    def step(env: Environment, this: Items, items: Items) -> Items:
        if env.hooks.trace is not None:
            found = items if shown is None else [one for given in each(shown, env, items) for one in given]
            env.hooks.trace(text(name(env, this), "trace()") or "", found)
        return items

    return step, input


@_builds("defineVariable", 1, 2)
def _define_variable(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    name = compiler.closure(call.arguments[0], this)[0]
    value = compiler.closure(call.arguments[1], input)[0] if len(call.arguments) > 1 else None

    def step(env: Environment, this: Items, items: Items) -> Items:
        own = text(name(env, this), "defineVariable()")
        if own is None or own in env.variables or own in RESERVED:
            raise failed(f"the variable %{own} is already defined")
        found = items if value is None else value(env, items)
        env.variables = {**env.variables, own: found}
        return items

    return step, input


RESERVED = frozenset({"context", "resource", "rootResource", "ucum", "sct", "loinc"})


@_builds("coalesce", 1, 99)
def _coalesce(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    closures = [compiler.scoped(argument, input)[0] for argument in call.arguments]

    def step(env: Environment, this: Items, items: Items) -> Items:
        for closure in closures:
            found = closure(env, items)
            if found:
                return found
        return []

    return step, ANYTHING


@_builds("sort", 0, 99)
def _sort(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    keys: list[tuple[Closure, bool]] = []
    for argument in call.arguments:
        descends = isinstance(argument, Sign) and argument.sign == "-"
        inner = argument.of if isinstance(argument, Sign) and descends else argument
        keys.append((compiler.scoped(inner, input.one())[0], descends))

    def step(env: Environment, this: Items, items: Items) -> Items:
        wanted = keys or [((lambda env, this: this), False)]
        rows = [
            ([(found[0] if found else None) for found in values], item)
            for values, item in zip(zip(*(each(key, env, items) for key, _ in wanted), strict=True), items, strict=True)
        ]

        def order(one: tuple[Items, object], other: tuple[Items, object]) -> int:
            for left, right, (_, descends) in zip(one[0], other[0], wanted, strict=True):
                if left is None or right is None:
                    found = (left is not None) - (right is not None)
                else:
                    found = compared(left, right) or 0
                if found:
                    return -found if descends else found
            return 0

        return [item for _, item in sorted(rows, key=cmp_to_key(order))]

    return step, Static(input.types, input.many)


# --- types


def type_argument(compiler: Compiler, call: Call, foreign: bool = False) -> tuple[str | None, str]:
    """Return the type that the argument of is(), as() or ofType() names.

    `foreign`: a name qualified by its namespace may be of a type that is not there; nothing is of it.

    Raises: FhirPathError (semantic) when there is no such type.
    """
    argument = call.arguments[0]
    name = _dotted(argument)
    found = type_named(compiler.model, name, foreign) if name else None
    if found is None:
        compiler.fail(argument, f"{name or 'this'} is no type")
    return found


def _dotted(argument: Expression) -> str | None:
    if not isinstance(argument, Member):
        return None
    if argument.of is None:
        return argument.name
    first = _dotted(argument.of)
    return None if first is None else f"{first}.{argument.name}"


def is_of(compiler: Compiler, wanted: tuple[str | None, str]) -> Callable[[object], bool]:
    """Return the test whether an item is of a type."""
    namespace, name = wanted
    is_kind = compiler.model.is_kind

    def test(item: object) -> bool:
        if isinstance(item, Node):
            return namespace != "System" and is_kind(item.type, name)
        return namespace != "FHIR" and (kind_of(item) == name or name == "Any")

    return test


def is_exactly(compiler: Compiler, wanted: tuple[str | None, str]) -> Callable[[object], bool]:
    """Return the test of as() and ofType(): a primitive is taken for its own type only, not for what that derives from.

    `Patient.gender.as(string)` gives nothing, although a code is a string.
    """
    namespace, name = wanted
    if namespace != "System" and name in SYSTEM_OF:
        return lambda item: isinstance(item, Node) and item.type == name
    return is_of(compiler, wanted)


def narrowed(compiler: Compiler, static: Static, wanted: tuple[str | None, str]) -> Static:
    namespace, name = wanted
    if namespace != "System" and compiler.model.knows(name):
        return Static(frozenset({name}), static.many, static.ordered)
    return Static(frozenset({f"System.{name}"}), static.many, static.ordered)


@_builds("ofType", 1, 1)
def _of_type(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    wanted = type_argument(compiler, call)
    test = is_exactly(compiler, wanted)
    return (lambda env, this, items: [item for item in items if test(item)]), narrowed(compiler, input, wanted)


@_builds("is", 1, 1)
def _is(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    wanted = type_argument(compiler, call, foreign=True)
    return is_step(is_of(compiler, wanted)), of_system("Boolean")


@_builds("as", 1, 1)
def _as(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    wanted = type_argument(compiler, call)
    return as_step(is_exactly(compiler, wanted)), narrowed(compiler, input, wanted).one()


def is_step(test: Callable[[object], bool]) -> Step:
    def step(env: Environment, this: Items, items: Items) -> Items:
        if len(items) > 1:
            raise failed(f"is takes one item, there are {len(items)}")
        return [test(items[0])] if items else []

    return step


def as_step(test: Callable[[object], bool]) -> Step:
    def step(env: Environment, this: Items, items: Items) -> Items:
        if len(items) > 1:
            raise failed(f"as takes one item, there are {len(items)}")
        return [item for item in items if test(item)]

    return step


@_builds("type", 0, 0)
def _type(compiler: Compiler, call: Call, input: Static, this: Static) -> Built:
    def step(env: Environment, this: Items, items: Items) -> Items:
        return [_reflected(item) for item in items]

    return step, ANYTHING


def _reflected(item: object) -> Node:
    namespace, name = ("FHIR", item.type) if isinstance(item, Node) else ("System", kind_of(item))
    return Node({"namespace": namespace, "name": name}, "System.TypeInfo")
