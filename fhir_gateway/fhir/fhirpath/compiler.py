"""An expression's tree compiled to one closure, its types checked against the definitions on the way.

Source: FHIRPath 2.0 (N1); FHIR R4, FHIRPath.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

from fhir_gateway.fhir.fhirpath import collections, elements, moments, numbers, texts
from fhir_gateway.fhir.fhirpath.criteria import BUILDERS, as_step, is_exactly, is_of, is_step, narrowed
from fhir_gateway.fhir.fhirpath.environment import Environment, constant
from fhir_gateway.fhir.fhirpath.faults import FhirPathError, failed
from fhir_gateway.fhir.fhirpath.functions import Function, merged
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Items, Node, kind_of, member, single, system, truth
from fhir_gateway.fhir.fhirpath.operators import OPERATORS
from fhir_gateway.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Expression,
    Index,
    Literal_,
    Member,
    Sign,
    This,
    TypeTest,
    Variable,
)
from fhir_gateway.fhir.fhirpath.typing import ANYTHING, Static, converts, joined, of_system, type_named
from fhir_gateway.fhir.fhirpath.values import Quantity

Closure = Callable[[Environment, Items], Items]
Compiled = tuple[Closure, Static]

FUNCTIONS = merged(collections.TABLE, texts.TABLE, numbers.TABLE, moments.TABLE, elements.TABLE)
_TYPE_INFO = "System.TypeInfo"
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement", "Any"})


class Compiler:
    """Compiles one expression. `strict`: also refuse what depends on an order that is not given."""

    def __init__(self, model: Model, text: str, strict: bool = False) -> None:
        self.model = model
        self.text = text
        self.strict = strict
        self.defines = "defineVariable" in text

    def fail(self, at: Expression, message: str) -> NoReturn:
        raise FhirPathError("semantic", message, at.position, self.text)

    # --- expressions

    def scoped(self, tree: Expression, this: Static) -> Compiled:
        """Compile an expression in which variables may be defined that nobody outside sees."""
        closure, static = self.closure(tree, this)
        if not self.defines:
            return closure, static

        def scope(env: Environment, this: Items) -> Items:
            outer = env.variables
            found = closure(env, this)
            env.variables = outer
            return found

        return scope, static

    def closure(self, tree: Expression, this: Static) -> Compiled:
        match tree:
            case Literal_(value):
                items = [value]
                return (lambda env, this: items), of_system(kind_of(value))
            case Empty():
                return (lambda env, this: []), Static(frozenset(), False)
            case This("$this"):
                return (lambda env, this: this), this
            case This("$index"):
                return (lambda env, this: [] if env.index is None else [env.index]), of_system("Integer")
            case This():
                return (lambda env, this: env.total), ANYTHING
            case Variable():
                return self._variable(tree)
            case Member():
                return self._member(tree, this)
            case Call():
                return self._call(tree, this)
            case Index():
                return self._index(tree, this)
            case Sign():
                return self._sign(tree, this)
            case TypeTest():
                return self._type_test(tree, this)
            case Binary():
                return self._binary(tree, this)

    def _variable(self, tree: Variable) -> Compiled:
        name = tree.name
        match name:
            case "context":
                return (lambda env, this: env.context), ANYTHING
            case "resource":
                return (lambda env, this: env.resource or env.context), ANYTHING
            case "rootResource":
                return (lambda env, this: env.root or env.resource or env.context), ANYTHING
        url = constant(name)

        def variable(env: Environment, this: Items) -> Items:
            found = env.variables.get(name)
            if found is not None:
                return found
            if url is not None:
                return [url]
            raise FhirPathError("execution", f"the variable %{name} is not defined", tree.position, self.text)

        return variable, ANYTHING if url is None else of_system("String")

    # --- paths

    def _member(self, tree: Member, this: Static) -> Compiled:
        if tree.of is None:
            narrowing = self._type_prefix(tree, this)
            if narrowing is not None:
                return narrowing
            source, input = None, this
        else:
            source, input = self.closure(tree.of, this)
        static = self._member_static(tree, input)
        step = self._step(tree.name)
        if source is None:
            return step, static
        inner = source
        return (lambda env, this: step(env, inner(env, this))), static

    def _step(self, name: str) -> Closure:
        model = self.model

        def step(env: Environment, items: Items) -> Items:
            if len(items) == 1:
                only = items[0]
                return _member_of(model, only, name) if isinstance(only, Node) else []
            found: Items = []
            for item in items:
                if isinstance(item, Node):
                    found += _member_of(model, item, name)
            return found

        return step

    def _type_prefix(self, tree: Member, this: Static) -> Compiled | None:
        """Return the closure of a path that begins with the type of its input: `Patient.name`."""
        name = tree.name
        if not name[:1].isupper() or not self.model.knows(name):
            return None
        is_kind = self.model.is_kind

        def prefix(env: Environment, this: Items) -> Items:
            return [item for item in this if isinstance(item, Node) and is_kind(item.type, name)]

        return prefix, Static(frozenset({name}), this.many, this.ordered)

    def _member_static(self, tree: Member, input: Static) -> Static:
        if input.types is None or not input.types:
            return ANYTHING
        found: set[str] = set()
        many = input.many
        known = False
        for type in input.types:
            if type in _ABSTRACT or type == _TYPE_INFO or type.startswith("System."):
                return ANYTHING
            steps = self.model.members(type).get(tree.name)
            if steps is None:
                if tree.name == "value":  # of a primitive
                    return ANYTHING
                continue
            known = True
            found.update(step.type for step in steps)
            many = many or any(step.many for step in steps)
        if not known:
            shown = " or ".join(sorted(input.types))
            self.fail(tree, f"{tree.name} is no element of {shown}")
        return Static(frozenset(found), many, input.ordered)

    def _index(self, tree: Index, this: Static) -> Compiled:
        source, input = self.closure(tree.of, this)
        place, _ = self.closure(tree.index, this)

        def index(env: Environment, this: Items) -> Items:
            items = source(env, this)
            at = collections.integer(place(env, this), "an index")
            return [items[at]] if at is not None and 0 <= at < len(items) else []

        return index, input.one()

    # --- functions

    def _call(self, tree: Call, this: Static) -> Compiled:
        if tree.of is None:
            source: Closure | None = None
            input = this
        else:
            source, input = self.closure(tree.of, this)
        builder = BUILDERS.get(tree.name)
        if builder is not None:
            build, least, most = builder
            self._check_arguments(tree, least, most)
            step, static = build(self, tree, input, this)
        else:
            function = FUNCTIONS.get(tree.name)
            if function is None:
                self.fail(tree, f"there is no function {tree.name}()")
            self._check_arguments(tree, function.least, function.most)
            self._check_input(tree, function, input)
            step, static = self._plain(tree, function, input, this)
        placed = self._placed(tree, step)
        if source is None:
            return (lambda env, this: placed(env, this, this)), static
        inner = source
        return (lambda env, this: placed(env, this, inner(env, this))), static

    def _placed(
        self, tree: Call, step: Callable[[Environment, Items, Items], Items]
    ) -> Callable[[Environment, Items, Items], Items]:
        """Return a step whose failures say where in the expression they happened."""

        def placed(env: Environment, this: Items, items: Items) -> Items:
            try:
                return step(env, this, items)
            except FhirPathError as error:
                if error.position is None:
                    error.position, error.expression = tree.position, self.text
                raise

        return placed

    def _check_arguments(self, tree: Call, least: int, most: int) -> None:
        given = len(tree.arguments)
        if not least <= given <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.fail(tree, f"{tree.name}() takes {wanted} arguments, {given} are given")

    def _check_input(self, tree: Call, function: Function, input: Static) -> None:
        if function.of is not None and not converts(input, function.of):
            shown = " or ".join(sorted(input.types or ()))
            self.fail(tree, f"{tree.name}() is no function of {shown}")
        if self.strict and function.ordered and not input.ordered:
            self.fail(tree, f"{tree.name}() needs an order, and its input has none")

    def _plain(
        self, tree: Call, function: Function, input: Static, this: Static
    ) -> tuple[Callable[[Environment, Items, Items], Items], Static]:
        act, model = function.act, self.model
        arguments = [self.scoped(argument, this)[0] for argument in tree.arguments]

        def step(env: Environment, this: Items, items: Items) -> Items:
            return act(model, env, items, [argument(env, this) for argument in arguments])

        if function.result == "same":
            static = input if function.many else input.one()
        elif function.result == "Extension":
            static = Static(frozenset({"Extension"}))
        elif function.result is None:
            static = Static(None, function.many, tree.name not in ("children", "descendants"))
        else:
            static = of_system(function.result.removesuffix("s") if function.many else function.result, function.many)
        return step, static

    # --- operators

    def _sign(self, tree: Sign, this: Static) -> Compiled:
        source, input = self.closure(tree.of, this)
        negative = tree.sign == "-"

        def sign(env: Environment, this: Items) -> Items:
            value = system(single(source(env, this), tree.sign))
            if value is None:
                return []
            if isinstance(value, Quantity):
                return [Quantity(-value.value, value.unit, value.calendar) if negative else value]
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                error = failed(f"{tree.sign} takes a number, not a {kind_of(value)}")
                error.position, error.expression = tree.position, self.text
                raise error
            return [-value if negative else value]

        return sign, input.one()

    def _type_test(self, tree: TypeTest, this: Static) -> Compiled:
        source, input = self.closure(tree.of, this)
        testing = tree.operator == "is"
        wanted = type_named(self.model, tree.type, foreign=testing)
        if wanted is None:
            self.fail(tree, f"{tree.type} is no type")
        step = is_step(is_of(self, wanted)) if testing else as_step(is_exactly(self, wanted))
        static = of_system("Boolean") if testing else narrowed(self, input, wanted).one()
        return (lambda env, this: step(env, this, source(env, this))), static

    def _binary(self, tree: Binary, this: Static) -> Compiled:
        left, its = self.scoped(tree.left, this)
        right, others = self.scoped(tree.right, this)
        logic = _LOGIC.get(tree.operator)
        if logic is not None:
            return self._located(tree, logic(left, right)), of_system("Boolean")
        operator = OPERATORS[tree.operator]

        def operate(env: Environment, this: Items) -> Items:
            return operator(left(env, this), right(env, this))

        return self._located(tree, operate), self._operator_static(tree, its, others)

    def _located(self, tree: Binary, closure: Closure) -> Closure:
        def located(env: Environment, this: Items) -> Items:
            try:
                return closure(env, this)
            except FhirPathError as error:
                if error.position is None:
                    error.position, error.expression = tree.position, self.text
                raise

        return located

    def _operator_static(self, tree: Binary, left: Static, right: Static) -> Static:
        if tree.operator == "|":
            return joined(left, right)
        if tree.operator == "&":
            return of_system("String")
        if tree.operator in ("+", "-", "*", "/", "div", "mod"):
            return Static(None, False)
        return of_system("Boolean")


def _member_of(model: Model, node: Node, name: str) -> Items:
    if node.type == _TYPE_INFO:
        return [node.value[name]] if name in node.value else []
    return member(model, node, name)


# --- logic: three-valued, the right side evaluated only where it decides


def _and(left: Closure, right: Closure) -> Closure:
    def closure(env: Environment, this: Items) -> Items:
        one = truth(left(env, this), "and")
        if one is False:
            return [False]
        other = truth(right(env, this), "and")
        if other is False:
            return [False]
        return [] if one is None or other is None else [True]

    return closure


def _or(left: Closure, right: Closure) -> Closure:
    def closure(env: Environment, this: Items) -> Items:
        one = truth(left(env, this), "or")
        if one:
            return [True]
        other = truth(right(env, this), "or")
        if other:
            return [True]
        return [] if one is None or other is None else [False]

    return closure


def _xor(left: Closure, right: Closure) -> Closure:
    def closure(env: Environment, this: Items) -> Items:
        one, other = truth(left(env, this), "xor"), truth(right(env, this), "xor")
        return [] if one is None or other is None else [one != other]

    return closure


def _implies(left: Closure, right: Closure) -> Closure:
    def closure(env: Environment, this: Items) -> Items:
        one = truth(left(env, this), "implies")
        if one is False:
            return [True]
        other = truth(right(env, this), "implies")
        if other:
            return [True]
        return [] if one is None or other is None else [False]

    return closure


_LOGIC = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}
