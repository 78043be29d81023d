"""Questionnaires: conditions that lead somewhere, values that fit the item's type, and what is derived from others.

Source: FHIR R4, Questionnaire: "enableWhen", "Question Item Types", "Questionnaire.derivedFrom".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import questionnaire_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import below, choice, chosen, extension, listed, objects, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# What an answer to a question of each type is; "choice" and "open-choice" take any of the types of answerOption.
ANSWER_TYPES: Mapping[str, tuple[str, ...]] = {
    "boolean": ("boolean",),
    "decimal": ("decimal",),
    "integer": ("integer",),
    "date": ("date",),
    "dateTime": ("dateTime",),
    "time": ("time",),
    "string": ("string",),
    "text": ("string",),
    "url": ("uri",),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
    "choice": ("Coding", "date", "time", "integer", "string"),
    "open-choice": ("Coding", "date", "time", "integer", "string"),
}
_OPTIONS = {"choice": ("Coding", "date", "time", "integer", "string", "Reference"), "reference": ("Reference",)}
_OPTIONS["open-choice"] = _OPTIONS["choice"]
_CHOICES = ("answerOption", "answerValueSet")
_DERIVATION = "http://hl7.org/fhir/StructureDefinition/questionnaire-derivationType"
_DERIVATION_SYSTEM = "http://hl7.org/fhir/questionnaire-derivationType"


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a Questionnaire beyond its definition's rules."""
    items = [*_items(walk, node, ())]
    by_link: dict[str, _Item] = {}
    for place, item in enumerate(items):
        item.place = place
        if item.link_id is not None:
            by_link.setdefault(item.link_id, item)
    originals = [*_originals(walk, node)]
    for item in items:
        _conditions(walk, item, by_link)
        _values(walk, item)
        for original in originals:
            _derived(walk, item, original)


@dataclass(slots=True)
class _Item:
    """`parents`: the items it is in, outermost first; `place`: its rank in the order of the questionnaire."""

    node: Node
    link_id: str | None
    parents: tuple[_Item, ...]
    place: int = -1

    @property
    def type(self) -> str:
        return text_of(self.node.value, "type") or ""


def _items(walk: Walk, node: Node, parents: tuple[_Item, ...]) -> Iterator[_Item]:
    for each in objects(walk.engine.model, node, "item"):
        item = _Item(each, text_of(each.value, "linkId"), parents)
        yield item
        yield from _items(walk, each, (*parents, item))


# --- enableWhen


def _conditions(walk: Walk, item: _Item, by_link: Mapping[str, _Item]) -> None:
    for condition in objects(walk.engine.model, item.node, "enableWhen"):
        question = text_of(condition.value, "question")
        link_id = item.link_id or ""
        if question is None:
            walk.report(found(complaints.ENABLE_WHEN_NO_LINK, item.node))
            continue
        target = by_link.get(question)
        if target is None:
            texts = {"target": question, "link_id": link_id}
            walk.report(found(complaints.ENABLE_WHEN_UNKNOWN, item.node, **texts))
        elif target is item:
            walk.report(found(complaints.ENABLE_WHEN_SELF, item.node, link_id=link_id))
        elif item in target.parents:
            walk.report(found(complaints.ENABLE_WHEN_INNER, item.node, link_id=question))
        else:
            if target.place > item.place:
                walk.report(found(complaints.ENABLE_WHEN_AFTER, item.node, target=question))
            _condition_type(walk, condition, target, question)


def _condition_type(walk: Walk, condition: Node, target: _Item, question: str) -> None:
    answer = choice(walk.engine.model, condition, "answer")
    possible = ANSWER_TYPES.get(target.type)
    if answer is None or possible is None or condition.value.get("operator") == "exists":
        return
    if answer.type not in (*possible, *(("Reference",) if target.type.endswith("choice") else ())):
        texts = {"target": question, "found": answer.type, "type": target.type}
        walk.report(found(complaints.ENABLE_WHEN_TYPE, condition, **texts))


# --- answerOption and initial


def _values(walk: Walk, item: _Item) -> None:
    possible = ANSWER_TYPES.get(item.type)
    if possible is None:
        return
    for key, types in (("answerOption", _OPTIONS.get(item.type, possible)), ("initial", possible)):
        for each in objects(walk.engine.model, item.node, key):
            value = choice(walk.engine.model, each, "value")
            if value is not None and value.type not in types and not (key == "initial" and value.type == "Reference"):
                texts = {"element": key, "found": value.type, "type": item.type}
                walk.report(found(complaints.OPTION_TYPE, value, **texts))


# --- derivedFrom


@dataclass(frozen=True, slots=True)
class _Original:
    """A questionnaire that this one is derived from. `extends`: it may have items of its own."""

    url: str
    extends: bool
    by_link: Mapping[str, Mapping[str, Any]]


def _originals(walk: Walk, node: Node) -> Iterator[_Original]:
    twins = node.value.get("_derivedFrom", ())
    for place, each in enumerate(below(walk.engine.model, node, "derivedFrom")):
        url = str(each.value)
        questionnaire = walk.schemas.resource("Questionnaire", url)
        if questionnaire is None:
            walk.report(found(complaints.DERIVATION_UNKNOWN, each, url=url))
            continue
        twin = twins[place] if isinstance(twins, list) and place < len(twins) else None
        kind = extension(twin, _DERIVATION) or {}
        code = kind.get("code") if isinstance(kind, Mapping) and kind.get("system") == _DERIVATION_SYSTEM else None
        if code in ("extends", "compliesWith"):
            yield _Original(url, code == "extends", dict(items_by_link(questionnaire)))
        elif code != "inspiredBy":
            walk.report(found(complaints.DERIVATION_UNTYPED, each, url=url, found=code or "—"))


def items_by_link(holder: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all items of a questionnaire with their linkIds, in order."""
    for item in listed(holder, "item"):
        link_id = text_of(item, "linkId")
        if link_id is not None:
            yield link_id, item
        yield from items_by_link(item)


def _derived(walk: Walk, item: _Item, original: _Original) -> None:
    link_id = item.link_id or ""
    first = original.by_link.get(link_id)
    texts = {"url": original.url, "link_id": link_id}
    if first is None:
        if not original.extends:
            walk.report(found(complaints.DERIVED_NEW, item.node, **texts))
        return
    own = item.node.value
    for name, wanted, changed in (
        ("type", first.get("type"), own.get("type") != first.get("type")),
        ("repeats", False, not first.get("repeats") and own.get("repeats") is True),
        ("required", True, first.get("required") is True and own.get("required") is False),
        ("maxLength", first.get("maxLength"), _longer(own.get("maxLength"), first.get("maxLength"))),
        ("answerValueSet", None, "answerOption" in first and "answerValueSet" in own),
        ("answerOption", "a list of options", "answerOption" in first and own.keys().isdisjoint(_CHOICES)),
        ("answerOption", None, "answerValueSet" in first and "answerOption" in own),
    ):
        if changed:
            at = next(iter(below(walk.engine.model, item.node, name)), item.node)
            at = item.node if name in _CHOICES else at
            values = {"name": name, "wanted": wanted, "found": own.get(name)}
            walk.report(found(complaints.DERIVED_CHANGED, at, **texts, **values))
    if "answerOption" in first:
        permitted = [_option(each) for each in listed(first, "answerOption")]
        for each in objects(walk.engine.model, item.node, "answerOption"):
            if _option(each.value) not in permitted:
                walk.report(found(complaints.DERIVED_OPTION, each, **texts))


def _longer(own: Any, first: Any) -> bool:
    return isinstance(first, int) and (not isinstance(own, int) or own > first)


def _option(option: Mapping[str, Any]) -> Any:
    """Return what an answer option stands for: displays and extensions left out."""
    value = chosen(option, "value")
    if value is None or not isinstance(value[1], Mapping):
        return value
    kept = ("system", "code") if value[0] == "Coding" else ("reference",)
    return value[0], tuple(value[1].get(key) for key in kept)
