"""Which items of a questionnaire are enabled, given the answers of a response.

Source: FHIR R4, Questionnaire, "enableWhen"; Structured Data Capture, "enableWhenExpression".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import questionnaire_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import choice, chosen, extension, listed, objects, text_of
from fhir_gateway.fhir.fhirpath import FhirPathError, Node
from fhir_gateway.fhir.fhirpath.nodes import compared, truth

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_EXPRESSION = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
# Older than SDC's and still in use; the expression is a plain string.
_STRING_EXPRESSION = "http://phr.kanta.fi/StructureDefinition/fiphr-ext-questionnaire-enablewhen"
_ORDERS = {
    "=": lambda order: order == 0,
    "!=": lambda order: order != 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
}

Item = Mapping[str, Any]
# The items of the response that lead to the one at hand, outermost first, each with its definition.
Path = tuple[tuple[Item, Node], ...]


@dataclass(slots=True)
class Enabling:
    """The conditions of one questionnaire, asked of one response."""

    walk: Walk
    questionnaire: Item
    response: Node
    _lines: dict[str, tuple[Item, ...]] = field(default_factory=dict)  # of each linkId: its ancestors and itself

    def __post_init__(self) -> None:
        for line in _lines(self.questionnaire, ()):
            self._lines.setdefault(text_of(line[-1], "linkId") or "", line)

    def item(self, link_id: str) -> Item | None:
        """Return the item of the questionnaire with this linkId, wherever it stands."""
        line = self._lines.get(link_id)
        return None if line is None else line[-1]

    def is_enabled(self, item: Item, path: Path) -> bool:
        """Tell whether an item is enabled where the response has the items of `path` above it."""
        expression = _expression(item)
        if expression is not None:
            return self._evaluated(expression, item)
        conditions = [*listed(item, "enableWhen")]
        if not conditions:
            return True
        met = [self._met(condition, item, path) for condition in conditions]
        if len(met) == 1 or item.get("enableBehavior") == "any":
            return any(met)
        # Without an enableBehavior several conditions say nothing; que-12 reports that.
        return item.get("enableBehavior") != "all" or all(met)

    def _evaluated(self, expression: str, item: Item) -> bool:
        try:
            return truth(self.walk.evaluated(expression, self.response), "enableWhenExpression") is True
        except FhirPathError as error:
            texts = {"link_id": item.get("linkId", ""), "reason": error}
            self.walk.report(found(complaints.ENABLE_UNREADABLE, self.response, **texts))
            return True

    def _met(self, condition: Item, item: Item, path: Path) -> bool:
        question = text_of(condition, "question") or ""
        answers = [*self._answers(question, item, path)]
        wanted = chosen(condition, "answer")
        operator = condition.get("operator")
        if operator == "exists":
            return wanted is not None and bool(wanted[1]) is bool(answers)
        return wanted is not None and any(_compares(answer, wanted, str(operator)) for answer in answers)

    def _answers(self, question: str, item: Item, path: Path) -> Iterator[Node]:
        """Yield the answers to a question that count for an item: those in the closest group that holds both."""
        target = self._lines.get(question)
        own = self._lines.get(text_of(item, "linkId") or "")
        if target is None or own is None:
            return
        shared = [one for one, other in zip(own, target, strict=False) if one is other]
        holder = self.response
        if shared:
            places = [node for definition, node in path if definition is shared[-1]]
            if not places:
                return
            holder = places[-1]
            if holder.value.get("linkId") == question:
                yield from _values(self.walk, holder)
        yield from self._below(holder, question)

    def _below(self, holder: Node, question: str) -> Iterator[Node]:
        model = self.walk.engine.model
        inner = [each for answer in objects(model, holder, "answer") for each in objects(model, answer, "item")]
        for item in [*objects(model, holder, "item"), *inner]:
            if item.value.get("linkId") == question:
                yield from _values(self.walk, item)
            yield from self._below(item, question)


def _lines(holder: Item, above: tuple[Item, ...]) -> Iterator[tuple[Item, ...]]:
    for item in listed(holder, "item"):
        line = (*above, item)
        yield line
        yield from _lines(item, line)


def _values(walk: Walk, item: Node) -> Iterator[Node]:
    for answer in objects(walk.engine.model, item, "answer"):
        value = choice(walk.engine.model, answer, "value")
        if value is not None:
            yield value


def _expression(item: Item) -> str | None:
    string = extension(item, _STRING_EXPRESSION)
    if isinstance(string, str):
        return string
    expression = extension(item, _EXPRESSION)
    if isinstance(expression, Mapping) and expression.get("language") == "text/fhirpath":
        return text_of(expression, "expression")
    return None


def _compares(answer: Node, wanted: tuple[str, Any], operator: str) -> bool:
    kind, value = wanted
    if kind.lower() != answer.type.lower():
        return False
    if operator in ("=", "!=") and kind in ("Coding", "Reference", "Boolean"):
        return _same(answer.value, value, kind) is (operator == "=")
    test = _ORDERS.get(operator)
    try:
        order = compared(answer, Node(value, answer.type))
    except FhirPathError:
        return False
    return test is not None and order is not None and bool(test(order))


def _same(value: Any, wanted: Any, kind: str) -> bool:
    if not isinstance(value, Mapping) or not isinstance(wanted, Mapping):
        return bool(value == wanted)
    if kind == "Reference":
        return value.get("reference") == wanted.get("reference")
    if "system" in wanted and value.get("system") != wanted["system"]:
        return False
    return value.get("code") == wanted.get("code")
