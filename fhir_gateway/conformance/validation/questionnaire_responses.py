"""Responses to questionnaires: their items in place and in order, required answers given, disabled ones not.

Source: FHIR R4, QuestionnaireResponse; Questionnaire, "enableWhen", "required", "repeats".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import questionnaire_complaints as complaints
from fhir_gateway.conformance.validation.answers import Answers
from fhir_gateway.conformance.validation.enabling import Enabling, Item, Path
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import extension, listed, objects, text_of
from fhir_gateway.fhir.fhirpath import FhirPathError, Node
from fhir_gateway.fhir.fhirpath.nodes import compared, truth

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_HL7 = "http://hl7.org/fhir/StructureDefinition/"
# Those that may answer nothing: "question" is abstract, and stands for a group of questions where it is used.
_GROUPS = ("group", "question")
_FINISHED = ("completed", "amended")


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a QuestionnaireResponse as an answer to its questionnaire."""
    url = text_of(node.value, "questionnaire")
    if url is None:
        walk.report(found(complaints.NO_QUESTIONNAIRE, node))
        return
    if _is_other(node, url):
        walk.report(found(complaints.NOT_A_QUESTIONNAIRE, node, url=url))
        return
    questionnaire = _questionnaire(walk, node, url)
    if questionnaire is None:
        example = url.startswith(("http://example.org", "https://example.org"))
        complaint = complaints.QUESTIONNAIRE_EXAMPLE if example else complaints.QUESTIONNAIRE_UNKNOWN
        walk.report(found(complaint, node, url=url))
        return
    _authored(walk, node, questionnaire)
    response = _Response(walk, node, questionnaire)
    response.constraints(node, questionnaire)
    response.check(node, questionnaire, ())


def _questionnaire(walk: Walk, node: Node, url: str) -> Item | None:
    if url.startswith("#"):
        return next(_contained(node, url), None)
    questionnaire = walk.schemas.resource("Questionnaire", url)
    _, mark, version = url.partition("|")
    # Another version may ask other questions: a response is not held to it.
    other = bool(mark) and questionnaire is not None and questionnaire.get("version") != version
    return None if other else questionnaire


def _contained(node: Node, url: str) -> Iterator[Item]:
    yield from (each for each in listed(node.value, "contained") if each.get("id") == url[1:])


def _is_other(node: Node, url: str) -> bool:
    """Tell whether a response names a contained resource that is no questionnaire."""
    return url.startswith("#") and any(each.get("resourceType") != "Questionnaire" for each in _contained(node, url))


def _authored(walk: Walk, node: Node, questionnaire: Item) -> None:
    period, authored = questionnaire.get("effectivePeriod"), text_of(node.value, "authored")
    if not isinstance(period, Mapping) or authored is None:
        return
    place = Node(authored, "dateTime", None, node, "authored")
    for key, complaint, beyond in (("end", complaints.AUTHORED_AFTER, 1), ("start", complaints.AUTHORED_BEFORE, -1)):
        limit = text_of(period, key)
        order = _order(place, limit) if limit is not None else None
        if order == beyond:
            walk.report(found(complaint, place, found=authored, wanted=limit))


def _order(one: Node, limit: str) -> int | None:
    try:
        return compared(one, Node(limit, "dateTime"))
    except FhirPathError:
        return None  # one of them is no date, which is reported for itself


class _Response:
    """One response and its questionnaire."""

    def __init__(self, walk: Walk, response: Node, questionnaire: Item) -> None:
        self._walk = walk
        self._model = walk.engine.model
        self._enabling = Enabling(walk, questionnaire, response)
        self._answers = Answers(walk, questionnaire)
        self._finished = response.value.get("status") in _FINISHED

    def _report(self, complaint: Any, node: Node, **texts: object) -> None:
        self._walk.report(found(complaint, node, **texts))

    def check(self, holder: Node, definition: Item, path: Path) -> None:
        """Check the items of a response, an item or an answer against those that `definition` has.

        `path`: the items of the response above them.
        """
        defined = [*listed(definition, "item")]
        rank = {text_of(each, "linkId"): place for place, each in reversed([*enumerate(defined)])}
        groups: dict[str, list[Node]] = {}
        latest = -1
        for item in objects(self._model, holder, "item"):
            link_id = text_of(item.value, "linkId")
            if link_id is None:
                self._report(complaints.ITEM_NO_LINK, holder)
            elif link_id in rank:
                if rank[link_id] < latest:
                    self._report(complaints.ITEM_ORDER, holder, link_id=link_id)
                latest = rank[link_id]
                groups.setdefault(link_id, []).append(item)
            else:
                self._stranger(holder, item, link_id, path)
        for each in defined:
            link_id = text_of(each, "linkId")
            given = groups.get(link_id, []) if link_id is not None else []
            self._occurrences(holder, each, given, path)

    def _stranger(self, holder: Node, item: Node, link_id: str, path: Path) -> None:
        """Report an item that has no place here; one of another place is checked all the same."""
        definition = self._enabling.item(link_id)
        if definition is None:
            self._report(complaints.ITEM_UNKNOWN, holder, link_id=link_id)
            return
        self._report(complaints.ITEM_MISPLACED, holder, link_id=link_id)
        self._item(item, definition, (*path, (definition, item)))

    def _occurrences(self, holder: Node, definition: Item, given: list[Node], path: Path) -> None:
        link_id = text_of(definition, "linkId") or ""
        enabled = self._enabling.is_enabled(definition, path)
        if not given:
            if enabled and definition.get("required") is True:
                self._missing(holder, link_id)
            return
        if not enabled:
            for item in given:
                if "answer" in item.value or "item" in item.value:
                    self._report(complaints.ITEM_NOT_ENABLED, item, link_id=link_id)
        if len(given) > 1 and definition.get("repeats") is not True:
            self._report(complaints.ITEM_REPEATS, holder, link_id=link_id, count=len(given))
        for item in given:
            self._item(item, definition, (*path, (definition, item)), enabled)

    def _missing(self, node: Node, link_id: str) -> None:
        """Report that an answer is missing: no error while the response is in progress."""
        complaint = complaints.ANSWER_MISSING if self._finished else complaints.ANSWER_MISSING_YET
        self._report(complaint, node, link_id=link_id)

    def _item(self, item: Node, definition: Item, path: Path, enabled: bool | None = None) -> None:
        link_id = text_of(definition, "linkId") or ""
        type = text_of(definition, "type")
        text = text_of(item.value, "text")
        if text is not None and text != definition.get("text"):
            self._report(complaints.ITEM_TEXT, item, link_id=link_id)
        if enabled is None:
            enabled = self._enabling.is_enabled(definition, path[:-1])
        answers = objects(self._model, item, "answer")
        if not answers and definition.get("required") is True and type not in _GROUPS and enabled:
            self._missing(item, link_id)
        self._counts(item, definition, answers, enabled)
        self.constraints(item, definition)
        for answer in answers:
            if type in (*_GROUPS, "display"):
                self._report(complaints.NO_ANSWER_HERE, item, type=type)
            else:
                self._answers.check(answer, definition, len(answers))
            if type not in _GROUPS:
                self.check(answer, definition, path)
        self._items(item, definition, type, link_id, path)

    def constraints(self, node: Node, definition: Item) -> None:
        """Report what the questionnaire's own constraints say of a finished response or of an item of it."""
        for constraint in listed(definition, "extension") if self._finished else ():
            expression = extension(constraint, "expression")
            if constraint.get("url") != f"{_HL7}questionnaire-constraint" or not isinstance(expression, str):
                continue
            key = str(extension(constraint, "key") or "")
            try:
                holds = truth(self._walk.evaluated(expression, node), key)
            except FhirPathError as error:
                self._report(complaints.CONSTRAINT_UNREADABLE, node, key=key, reason=error)
                continue
            if holds is False:
                self._report(complaints.CONSTRAINT, node, key=key, human=extension(constraint, "human") or expression)

    def _counts(self, item: Node, definition: Item, answers: list[Node], enabled: bool) -> None:
        count = len(answers)
        if count > 1 and definition.get("repeats") is not True:
            self._report(complaints.ANSWER_REPEATS, item, link_id=definition.get("linkId", ""))
        most, least = extension(definition, f"{_HL7}questionnaire-maxOccurs"), _least(definition)
        if isinstance(most, int) and count > most:
            self._report(complaints.ANSWERS_MANY, item, wanted=most, count=count)
        if isinstance(least, int) and count < least and enabled and definition.get("type") not in _GROUPS:
            self._report(complaints.ANSWERS_FEW, item, wanted=least, count=count)

    def _items(self, item: Node, definition: Item, type: str | None, link_id: str, path: Path) -> None:
        """Check the items directly below an item, which only a group has."""
        has_items = "item" in item.value
        if type is None:
            self._report(complaints.ITEM_UNTYPED, item, link_id=link_id)
        elif type in _GROUPS:
            if definition.get("required") is True and not has_items:
                self._report(complaints.GROUP_EMPTY, item, link_id=link_id)
            self.check(item, definition, path)
        elif has_items:
            self._report(complaints.NO_ITEMS_HERE, item, type=type, link_id=link_id)


def _least(definition: Item) -> Any:
    return extension(definition, f"{_HL7}questionnaire-minOccurs")
