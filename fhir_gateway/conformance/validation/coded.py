"""What tells codings alike: what terminology answers about them, rather than the codes that they hold.

Of thirty variants no two have the same HGVS name, and validation asks of each the same: whether its system knows it,
whether it is in the value sets of its bindings. Two codings are alike where these answers are, where no rule names
either of them, and where they are equal to the same other codings of their resource. That is enough as long as
invariants do nothing with codes but compare them, or put them to a test that is known (`matches('^NM_')`); what does
more is *wild*, and codings below it are kept as they are.

Source: FHIR R4, Terminologies, "Coding"; Validating Resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.conformance.validation.asked import names_in
from fhir_gateway.conformance.validation.invariants import NATIVE
from fhir_gateway.conformance.validation.schema import Binding, Rule, Schema
from fhir_gateway.fhir.fhirpath import FhirPathError
from fhir_gateway.fhir.fhirpath.parser import parse
from fhir_gateway.fhir.fhirpath.syntax import Binary, Call, Expression, Index, Literal_, Member, Sign, TypeTest
from fhir_gateway.fhir.fhirpath.texts import pattern

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Knowledge

Test = tuple[str, str]  # a function of texts and what it is asked with: ("matches", "^NM_")
Answers = tuple[Any, ...]

WILD: Final = "?code"  # among the names that are asked about; no element has it
# What an expression names that looks at codes.
_OF_CODES: Final = frozenset({"code", "coding", "display", "$this"})
# Functions whose answer hangs on codes only by which of them are equal.
_EQUATING: Final = frozenset(
    {
        "exists", "empty", "hasValue", "count", "not", "all", "where", "select", "first", "last", "tail", "single",
        "distinct", "isDistinct", "intersect", "exclude", "union", "combine", "iif", "as", "is", "ofType", "subsetOf",
        "supersetOf", "extension", "hasExtension", "allTrue", "anyTrue",
    }
)  # fmt: skip
_COMPARING: Final = frozenset({"=", "!=", "and", "or", "xor", "implies", "|", "in", "contains"})
_ORDERING: Final = frozenset({"<", "<=", ">", ">=", "+", "-"})
_OF_TEXTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "matches": lambda text, wanted: pattern(wanted).search(text) is not None,
    "matchesFull": lambda text, wanted: pattern(wanted).fullmatch(text) is not None,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
_OUTSIDE: Final = re.compile(r"%(?:resource|rootResource|context)\b")
_NOTHING_TO_SAY: Final = frozenset({"unknown-system", "no-content"})  # of which the system alone is told
_TEXTS: Final = 20_000


class Codes:
    """What all rules known so far say of codes: the texts that they name, and the tests that they put texts to."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._read = 0  # schemas
        self.named: set[str] = set()
        self.is_closed = False  # whether a rule may ask more of any code there is
        self._tests: dict[Test, Callable[[str, str], bool]] = {}
        self._passed: dict[str, tuple[Test, ...]] = {}

    def current(self) -> int:
        """Take in what has become known, and return how many definitions that is."""
        compiled = self._knowledge.schemas.compiled
        count = len(compiled)
        for schema in compiled[self._read : count]:
            self._take(schema)
        self._read = count
        return count

    def _take(self, schema: Schema) -> None:
        tests = len(self._tests)
        for rule in _rules(schema):
            self.named.update(texts_in(rule.fixed))
            self.named.update(texts_in(rule.pattern))
            for each in rule.constraints:
                if each.key in NATIVE:
                    continue
                literals, asked = _said(each.expression)
                self.named.update(literals)
                self._tests |= {test: _OF_TEXTS[test[0]] for test in asked or ()}
                # A type's rule that looks about in the resource may stand anywhere in it.
                strange = asked is None and _OUTSIDE.search(each.expression) is not None
                self.is_closed |= strange and schema.type not in self._knowledge.engine.model.resources
        if len(self._tests) > tests:
            self._passed = {}

    def passed(self, text: str) -> tuple[Test, ...]:
        """Return which of the tests that rules put texts to a text passes."""
        known = self._passed  # replaced after the tests have changed
        found = known.get(text)
        if found is None:
            found = tuple(each for each, test in [*self._tests.items()] if test(text, each[1]))
            if len(known) < _TEXTS:
                known[text] = found
        return found

    def answers(self, system: str, code: str, display: str | None, value_sets: tuple[str, ...]) -> Answers | None:
        """Return what terminology answers about a coding; None where it has to say something of the code itself."""
        bindings = self._knowledge.bindings
        verdict = bindings.verdict(system, code, display)
        state = None
        if verdict is not None:
            state = verdict.state
            if state not in _NOTHING_TO_SAY and (
                state != "known" or verdict.right_display is False or verdict.inactive or verdict.by_language
            ):
                return None
        held = [bindings.holds(each, system, code) for each in value_sets]
        if False in held or (None in held and state not in _NOTHING_TO_SAY):
            return None
        return (state, *held)


def is_wild(schema: Schema) -> bool:
    """Tell whether an invariant of a profile may do more with codes than compare them."""
    return any(
        each.key not in NATIVE and not each.best_practice and _said(each.expression)[1] is None
        for rule in _rules(schema)
        for each in rule.constraints
    )


def value_sets_of(binding: Binding | None) -> Iterator[str]:
    """Yield the value sets that a binding asks for."""
    if binding is None:
        return
    if binding.value_set is not None and binding.strength != "example":
        yield binding.value_set
    yield from (value_set for value_set, _ in binding.additional)
    if binding.max_value_set is not None:
        yield binding.max_value_set


def _rules(schema: Schema) -> Iterator[Rule]:
    yield from _below(schema.root)
    yield from schema.by_id.values()


def _below(rule: Rule) -> Iterator[Rule]:
    yield rule
    for each in (*rule.children.values(), *rule.slices):
        yield from _below(each)


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts within a value, and its numbers as they are written."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str):
        yield value
    elif not isinstance(value, bool) and value is not None:
        yield str(getattr(value, "text", value))


@lru_cache(8192)
def _said(expression: str) -> tuple[frozenset[str], frozenset[Test] | None]:
    """Return the texts that an expression names, and the tests that it puts texts to; None: it is wild."""
    try:
        read = parse(expression)
    except FhirPathError:
        return frozenset(), None
    literals = frozenset(_literals(read))
    names = names_in(read)
    if names is not None and names.isdisjoint(_OF_CODES):
        return literals, frozenset()
    try:
        return literals, frozenset(_tests_in(read)) if names is not None else None
    except _WildError:
        return literals, None


class _WildError(Exception):
    """An expression does more with texts than compare them."""


def _literals(node: Expression) -> Iterator[str]:
    if isinstance(node, Literal_) and isinstance(node.value, str):
        yield node.value
    for each in _parts(node):
        yield from _literals(each)


def _parts(node: Expression) -> Iterator[Expression]:
    match node:
        case Member(of=of) | Sign(of=of) | TypeTest(of=of):
            if of is not None:
                yield of
        case Call(of=of, arguments=arguments):
            if of is not None:
                yield of
            yield from arguments
        case Index(of=of, index=index):
            yield of
            yield index
        case Binary(left=left, right=right):
            yield left
            yield right
        case _:
            return


def _tests_in(node: Expression) -> Iterator[Test]:
    """Yield the tests that an expression puts texts to. Raises: _WildError."""
    for each in _parts(node):
        yield from _tests_in(each)
    match node:
        case Call(name=name, arguments=(Literal_(value=str() as wanted),)) if name in _OF_TEXTS:
            if name.startswith("matches"):
                try:
                    pattern(wanted)
                except FhirPathError:
                    raise _WildError from None
            yield name, wanted
        case Call(name=name):
            if name not in _EQUATING:
                raise _WildError
        case Binary(operator=operator, left=left, right=right):
            if operator not in _COMPARING and not (operator in _ORDERING and (_is_count(left) or _is_count(right))):
                raise _WildError
        case Sign():
            raise _WildError
        case _:
            return


def _is_count(node: Expression) -> bool:
    """Tell whether an expression is a number, whatever codes there are."""
    if isinstance(node, Literal_):
        return not isinstance(node.value, str)
    return isinstance(node, Call) and node.name == "count"
