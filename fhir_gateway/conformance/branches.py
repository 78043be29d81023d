"""A search parameter's expression resolved against the types: its branches, each of one type, as plain data.

Source: FHIR R4, Search, "Search Parameter Types" (which data types each may be used on); SearchParameter.expression;
FHIRPath, "Path selection", "as", "ofType", "where".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_gateway.conformance.search_expression import (
    NO_VALUE,
    UNKNOWN_ELEMENT,
    UNSUPPORTED,
    Call,
    Expression,
    Index,
    Literal,
    Member,
    Operation,
    TypeTest,
    UnsupportedExpression,
    Variable,
    parse,
)
from fhir_gateway.fhir.types import Element, Types

# Steps and tests are tuples that begin with their kind, so that they can be kept on disk:
#   ("get", name, many, primitive) | ("index", n) | ("where", test) | ("test", test)
#   ("exists", paths) | ("true", paths) | ("equal", operand, operand) | ("type", resource type)
#   ("not", test) | ("and", test, test) | ("or", test, test)
# where an operand is ("literal", value) or ("paths", paths), and paths are the steps of several alternatives.
Step = tuple[Any, ...]
Test = tuple[Any, ...]
Steps = tuple[Step, ...]
PlainBranch = tuple[str, Steps, str, str | None, str | None]  # first, steps, type, target, system

_URIS = ("uri", "url", "canonical", "oid", "uuid")
_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration", "Money", "Range", "SampledData")
# What is taken of a choice that the expression leaves open: "Procedure.performed" as a date is no string and no Age.
SEARCHABLE: Mapping[str, frozenset[str]] = {
    # RiskAssessment-probability has "f:probabilityDecimal | f:probabilityRange" as its xpath.
    "number": frozenset(("integer", "positiveInt", "unsignedInt", "decimal", "Range")),
    "date": frozenset(("date", "dateTime", "instant", "Period", "Timing")),
    "string": frozenset(("string", "markdown", "HumanName", "Address")),
    "token": frozenset(
        ("Coding", "CodeableConcept", "Identifier", "ContactPoint", "code", "boolean", "id", "string", *_URIS)
    ),
    "reference": frozenset(("Reference", *_URIS)),
    "quantity": frozenset(_QUANTITIES),
    "uri": frozenset(_URIS),
}
# What else an expression may name, as some custom parameters do; of an open choice it is not taken.
NAMED: Mapping[str, frozenset[str]] = {
    "string": frozenset(("code", "id", *_URIS)),
    "token": frozenset(
        ("date", "dateTime", "instant", "time", "markdown", "integer", "positiveInt", "unsignedInt", "decimal")
    ),
    "reference": frozenset(("Resource",)),  # Bundle.entry[0].resource: the resource that stands there
    "uri": frozenset(("string",)),
}
_BOOLEAN_CALLS = frozenset({"exists", "empty", "not", "hasExtension"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path has come to: one static type, and the steps from its origin.

    `rooted`: the origin is the resource; otherwise it is the value a composite's components start from. `choice`: the
    last step went to one of several types. `element`: the last element, as type and JSON name.
    """

    type: str
    steps: Steps = ()
    rooted: bool = True
    choice: bool = False
    target: str | None = None
    element: tuple[str, str] | None = None


class _OfAnotherType(Exception):
    """An alternative of the expression begins with the name of another resource type: it is not ours."""


class BranchCompiler:
    """Compiles expressions for the types of one FHIR version.

    `bases` gives the type each type specializes; `systems` the code system of an element of type code that is bound
    to exactly one, by type and JSON name.
    """

    def __init__(self, types: Types, bases: Mapping[str, str], systems: Mapping[tuple[str, str], str]) -> None:
        self.types = types.types
        self.bases = bases
        self.systems = systems

    def branches(self, text: str, base: str, search_type: str) -> tuple[PlainBranch, ...]:
        """Return the branches of an expression for the resource type `base`.

        Alternatives for other resource types are left out. Raises: UnsupportedExpression.
        """
        root = Place(base)
        places = _Resolver(self, text, root).alternatives(parse(text), root)
        return self._finished(places, text, base, search_type)

    def component(self, text: str, base: str, start: str, search_type: str) -> tuple[PlainBranch, ...]:
        """Return the branches of a composite's component, which starts at a value of type `start`.

        A branch whose `first` is not empty starts at the resource (`%resource.…`). Raises: UnsupportedExpression.
        """
        start_place = Place(start, rooted=False)
        places = _Resolver(self, text, Place(base)).alternatives(parse(text), start_place)
        return self._finished(places, text, start, search_type)

    def lineage(self, type: str) -> Iterator[str]:
        """Yield a type and all that it specializes."""
        yield type
        while type in self.bases:
            type = self.bases[type]
            yield type

    def _finished(self, places: Iterable[Place], text: str, base: str, search_type: str) -> tuple[PlainBranch, ...]:
        wanted = SEARCHABLE.get(search_type)  # composite and special take everything
        named = NAMED.get(search_type, frozenset())
        found: dict[PlainBranch, None] = {}
        for place in places:
            for final in self._values(place) if wanted else (place,):
                if wanted is None or final.type in wanted or (final.type in named and not final.choice):
                    found[self._plain(final)] = None
                elif not final.choice:
                    raise UnsupportedExpression(NO_VALUE, text, 0, search_type, final.type)
        if not found:
            raise UnsupportedExpression(NO_VALUE, text, 0, search_type, base)
        return tuple(found)

    def _values(self, place: Place) -> Iterable[Place]:
        """Yield what is searched of a value: of an extension, its value."""
        return children(self.types["Extension"].elements, place, "value") if place.type == "Extension" else (place,)

    def _plain(self, place: Place) -> PlainBranch:
        first = place.steps[0][1] if place.rooted and place.steps and place.steps[0][0] == "get" else ""
        system = self.systems.get(place.element) if place.type == "code" and place.element else None
        return (first, place.steps, place.type, place.target, system)


def children(elements: Mapping[str, Element], place: Place, name: str) -> list[Place]:
    """Return the places one step below `place`: one for each type the element may have."""
    direct = elements.get(name)
    if direct is not None and direct.definition == name:
        found, choice = [direct], False
    else:
        found, choice = [element for element in elements.values() if element.definition == name + "[x]"], True
    return [
        Place(
            element.type,
            (*place.steps, ("get", element.name, element.many, element.primitive)),
            place.rooted,
            choice,
            element=(place.type, element.name),
        )
        for element in found
    ]


class _Resolver:
    """Resolves one expression, of which `root` is the resource."""

    def __init__(self, compiler: BranchCompiler, text: str, root: Place) -> None:
        self.compiler = compiler
        self.text = text
        self.root = root

    def unsupported(self, position: int, found: str) -> UnsupportedExpression:
        return UnsupportedExpression(UNSUPPORTED, self.text, position, found)

    def alternatives(self, expression: Expression, context: Place) -> list[Place]:
        """Return the places of every alternative of a union that is of our type."""
        pending, places = [expression], []
        while pending:
            each = pending.pop()
            if isinstance(each, Operation) and each.operator == "|":
                pending += (each.right, each.left)
                continue
            try:
                places += self.places(each, context)
            except _OfAnotherType:
                continue  # "For resource type A.x | B.x": of a parameter for A and B, each has its own alternatives.
        return places

    def places(self, expression: Expression, context: Place) -> list[Place]:
        """Return where an expression leads, from `context`."""
        match expression:
            case Variable(name="%resource" | "%context"):
                return [self.root]
            case Variable(name="$this"):
                return [context]
            case Member():
                return self.member(expression, context)
            case TypeTest(operator="as"):
                return self.cast(expression, context)
            case Index():
                places = self.places(expression.of, context)
                if len(places) > 1:
                    raise self.unsupported(expression.position, f"[{expression.index}] × {len(places)}")
                return [self.step(place, ("index", expression.index)) for place in places]
            case Call():
                return self.call(expression, context)
            case Operation(operator="|"):
                return self.alternatives(expression, context)
            case Operation():
                return [Place("boolean", (*context.steps, ("test", self.test(expression, context))), context.rooted)]
        name = getattr(expression, "name", None) or getattr(expression, "operator", None) or expression.position
        raise self.unsupported(expression.position, str(name))

    def origins(self, expression: Expression, context: Place) -> list[Place]:
        """Return the places a path goes on from; there are none where a whole union is of other types."""
        places = self.places(expression, context)
        if not places:
            raise _OfAnotherType
        return places

    @staticmethod
    def step(place: Place, step: Step) -> Place:
        return replace(place, steps=(*place.steps, step))

    def member(self, member: Member, context: Place) -> list[Place]:
        types = self.compiler.types
        if member.of is None:
            named = types.get(member.name)
            if context.rooted and not context.steps and named is not None and named.kind == "resource":
                if member.name not in self.compiler.lineage(self.root.type):
                    raise _OfAnotherType
                return [self.root]
            origins = [context]
        else:
            origins = self.origins(member.of, context)
        for origin in origins:
            self.refuse_primitive(origin, member)
        places = [below for origin in origins for below in children(types[origin.type].elements, origin, member.name)]
        if not places:
            kinds = ", ".join(dict.fromkeys(origin.type for origin in origins))
            raise UnsupportedExpression(UNKNOWN_ELEMENT, self.text, member.position, member.name, kinds)
        return places

    def refuse_primitive(self, place: Place, step: Member | Call) -> None:
        """Refuse a step into a primitive: JSON keeps its id and extensions elsewhere, beside the value."""
        if self.compiler.types[place.type].kind == "primitive":
            raise self.unsupported(step.position, f"{place.type}.{step.name}")

    def cast(self, test: TypeTest, context: Place) -> list[Place]:
        """Return the places of the type asked for, and of its specializations: a canonical is a uri too."""
        name = self.type_named(test)
        places = self.origins(test.of, context)
        if self.compiler.types[name].kind == "resource":
            return [
                replace(place, type=name, steps=(*place.steps, ("where", ("type", name))))
                for place in places
                if place.type == "Resource"
            ] or self.nothing(test, places)
        kept = [place for place in places if name in self.compiler.lineage(place.type)]
        return [replace(place, choice=False) for place in kept] or self.nothing(test, places)

    def type_named(self, test: TypeTest) -> str:
        """Return the FHIR type a test names. R4's own expressions write `DateTime` for dateTime."""
        for name in (test.type, test.type[:1].lower() + test.type[1:]):
            if name in self.compiler.types:
                return name
        raise UnsupportedExpression(UNKNOWN_ELEMENT, self.text, test.position, test.type, "FHIR")

    def nothing(self, test: TypeTest, places: Iterable[Place]) -> list[Place]:
        kinds = ", ".join(dict.fromkeys(place.type for place in places))
        raise UnsupportedExpression(UNKNOWN_ELEMENT, self.text, test.position, f"as {test.type}", kinds)

    def call(self, call: Call, context: Place) -> list[Place]:
        match call:
            case Call(name="where", of=of, arguments=(criterion,)) if of is not None:
                return [self.where(place, criterion) for place in self.places(of, context)]
            case Call(name="extension", of=of, arguments=(Literal(value=str(url)),)):
                origins = [context] if of is None else self.places(of, context)
                return [self.extension(place, url, call) for place in origins]
            case Call(name="first", of=of, arguments=()) if of is not None:
                return self.places(Index(of, 0, call.position), context)
            case Call(name=name) if name in _BOOLEAN_CALLS:
                return [Place("boolean", (*context.steps, ("test", self.test(call, context))), context.rooted)]
        raise self.unsupported(call.position, f"{call.name}()")

    def extension(self, place: Place, url: str, call: Call) -> Place:
        self.refuse_primitive(place, call)
        below = children(self.compiler.types[place.type].elements, place, "extension")
        if not below:
            raise UnsupportedExpression(UNKNOWN_ELEMENT, self.text, call.position, "extension", place.type)
        paths = ((("get", "url", False, True),),)
        return self.step(below[0], ("where", ("equal", ("paths", paths), ("literal", url))))

    def where(self, place: Place, criterion: Expression) -> Place:
        match criterion:
            case TypeTest(operator="is", of=Call(name="resolve", of=None | Variable(name="$this"))):
                # What a reference points to is not looked at: its own type, or its text, says what it is.
                if place.type != "Reference":
                    raise self.unsupported(criterion.position, f"resolve() × {place.type}")
                return replace(place, target=self.type_named(criterion))
        return self.step(place, ("where", self.test(criterion, Place(place.type, rooted=False))))

    def test(self, expression: Expression, context: Place) -> Test:
        """Return the test an expression stands for, of a value of the context's type."""
        match expression:
            case Operation(operator="and" | "or", left=left, right=right):
                return (expression.operator, self.test(left, context), self.test(right, context))
            case Operation(operator="=", left=left, right=right):
                return ("equal", self.operand(left, context), self.operand(right, context))
            case Operation(operator="!=", left=left, right=right):
                return ("not", ("equal", self.operand(left, context), self.operand(right, context)))
            case Call(name=name) if name in _BOOLEAN_CALLS:
                return self.call_test(expression, context)
        return ("true", self.paths(expression, context))

    def call_test(self, call: Call, context: Place) -> Test:
        of = Variable("$this", call.position) if call.of is None else call.of
        match call:
            case Call(name="exists", arguments=()):
                return ("exists", self.paths(of, context))
            case Call(name="exists", arguments=(_,)):
                return ("exists", self.paths(Call(of, "where", call.arguments, call.position), context))
            case Call(name="empty", arguments=()):
                return ("not", ("exists", self.paths(of, context)))
            case Call(name="not", arguments=()):
                return ("not", self.test(of, context))
            case Call(name="hasExtension", arguments=(_,)):
                return ("exists", self.paths(Call(of, "extension", call.arguments, call.position), context))
        raise self.unsupported(call.position, f"{call.name}()")

    def operand(self, expression: Expression, context: Place) -> Test:
        if isinstance(expression, Literal):
            return ("literal", expression.value)
        return ("paths", self.paths(expression, context))

    def paths(self, expression: Expression, context: Place) -> tuple[Steps, ...]:
        """Return the steps to what an expression inside a test selects, from the value that is tested."""
        places = self.origins(expression, replace(context, steps=()))
        if not context.rooted and any(place.rooted for place in places):
            raise self.unsupported(expression.position, "%resource")
        if any(place.target is not None for place in places):
            raise self.unsupported(expression.position, "resolve()")
        return tuple(dict.fromkeys(place.steps for place in places))
