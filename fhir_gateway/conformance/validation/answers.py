"""The answers of a response: their type, their limits, and the options they are chosen from.

Source: FHIR R4, Questionnaire, "Question Item Types"; QuestionnaireResponse; the extensions of Questionnaire.item.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import questionnaire_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import (
    choice,
    chosen,
    extension,
    extensions,
    listed,
    text_of,
    written,
)
from fhir_gateway.conformance.validation.questionnaires import ANSWER_TYPES
from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath import FhirPathError, Node
from fhir_gateway.fhir.fhirpath.texts import pattern
from fhir_gateway.fhir.fhirpath.values import Temporal

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_HL7 = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_UCUM = "http://unitsofmeasure.org"
_NAMES = {_UCUM: "UCUM", "http://snomed.info/sct": "SNOMED CT"}

# Which options a question that is no choice may have: there is no valueDecimal or valueDateTime among them.
_OPTION_TYPES: Mapping[str, tuple[str, ...]] = {
    "integer": ("Integer",),
    "decimal": ("Decimal", "Integer"),
    "date": ("Date",),
    "dateTime": ("DateTime", "Date"),
    "time": ("Time",),
    "string": ("String",),
}

Item = Mapping[str, Any]


class Answers:
    """Judges single answers of one response to one questionnaire."""

    def __init__(self, walk: Walk, questionnaire: Item) -> None:
        self._walk = walk
        self._questionnaire = questionnaire
        self._checks: Mapping[str, Callable[[Node, Item], None]] = {
            "decimal": self._number,
            "integer": self._number,
            "date": self._moment,
            "dateTime": self._moment,
            "time": self._moment,
            "string": self._text,
            "text": self._text,
            "attachment": self._attachment,
            "reference": self._reference,
            "quantity": self._quantity,
        }

    def check(self, answer: Node, item: Item, count: int) -> None:
        """Check one answer to an item that has `count` of them."""
        type = text_of(item, "type") or ""
        value = choice(self._walk.engine.model, answer, "value")
        possible = ANSWER_TYPES.get(type)
        if value is None or possible is None or (value.type[:1].isupper() and not isinstance(value.value, dict)):
            return
        if value.type not in possible:
            self._report(complaints.ANSWER_TYPE, value, wanted=", ".join(possible), found=value.type)
            return
        if type in ("choice", "open-choice"):
            self._chosen(answer, value, item, count)
            return
        if type in self._checks:
            self._checks[type](value, item)
        if type in _OPTION_TYPES and "answerOption" in item:
            self._option(value, value, item, value.type, _OPTION_TYPES[type])

    def _report(self, complaint: Any, node: Node, **texts: object) -> None:
        self._walk.report(found(complaint, node, **texts))

    # --- limits

    def _limits(self, value: Node, item: Item, order: Callable[[Any], int | None]) -> None:
        """Report a value beyond minValue or maxValue. `order`: how the value compares with a limit, None if not."""
        for name, complaint, beyond in (
            ("minValue", complaints.VALUE_LOW, -1),
            ("maxValue", complaints.VALUE_HIGH, 1),
        ):
            limit = extension(item, _HL7 + name)
            compared = order(limit) if limit is not None else 0
            if compared is None:
                self._report(complaints.LIMIT_UNREADABLE, value, name=name, wanted=written(limit), type=value.type)
            elif compared == beyond:
                self._report(complaint, value, found=written(value.value), wanted=written(limit))

    def _number(self, value: Node, item: Item) -> None:
        number = value.value
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            return

        def order(limit: Any) -> int | None:
            return _sign(number, limit) if isinstance(limit, int | Decimal) else None

        self._limits(value, item, order)
        self._decimals(value, written(number), item)

    def _decimals(self, value: Node, text: str, item: Item) -> None:
        limit = extension(item, f"{_HL7}maxDecimalPlaces")
        if isinstance(limit, int) and len(text.partition(".")[2]) > limit:
            self._report(complaints.DECIMAL_PLACES, value, found=text, wanted=limit)

    def _moment(self, value: Node, item: Item) -> None:
        begin = _begin(value.value)

        def order(limit: Any) -> int | None:
            other = _begin(limit)
            return None if begin is None or other is None or len(begin) != len(other) else _sign(begin, other)

        if begin is not None:
            self._limits(value, item, order)

    def _quantity(self, value: Node, item: Item) -> None:
        for name, side, complaint, beyond in (
            ("sdc-questionnaire-minQuantity", "minimum", complaints.VALUE_LOW, -1),
            ("sdc-questionnaire-maxQuantity", "maximum", complaints.VALUE_HIGH, 1),
        ):
            limit = extension(item, _SDC + name)
            if not isinstance(limit, Mapping):
                continue
            order = _order_of_quantities(value.value, limit)
            texts = {"found": _quantity_text(value.value), "wanted": _quantity_text(limit)}
            if order is None:
                self._report(complaints.QUANTITY_INCOMPARABLE, value, side=side, **texts)
                if "value" not in value.value:
                    break  # which holds for both sides
            elif order == beyond:
                self._report(complaint, value, **texts)
        self._decimals(value, written(value.value.get("value", "")), item)
        self._unit(value, item)

    def _unit(self, value: Node, item: Item) -> None:
        quantity = value.value
        options = [each for each in extensions(item, f"{_HL7}questionnaire-unitOption") if isinstance(each, Mapping)]
        if options and not any(_has_unit(quantity, each) for each in options):
            wanted = ", ".join(_coding_text(each) for each in options)
            self._report(complaints.UNIT_NOT_ALLOWED, value, found=_quantity_text(quantity), wanted=wanted)
        value_set = extension(item, f"{_HL7}questionnaire-unitValueSet")
        known = isinstance(value_set, str) and self._knows(value_set)
        if known and (not isinstance(quantity.get("code"), str) or self._membership(quantity, value_set) is False):
            self._report(complaints.UNIT_NOT_ALLOWED, value, found=_quantity_text(quantity), wanted=value_set)

    def _text(self, value: Node, item: Item) -> None:
        text = value.value
        if not isinstance(text, str):
            return
        shortest, longest = extension(item, f"{_HL7}minLength"), item.get("maxLength")
        if isinstance(shortest, int) and len(text) < shortest:
            self._report(complaints.TEXT_SHORT, value, found=text, wanted=shortest)
        if isinstance(longest, int) and len(text) > longest:
            self._report(complaints.TEXT_LONG, value, found=text, wanted=longest)
        regex = extension(item, f"{_HL7}regex")
        if isinstance(regex, str):
            try:
                matches = pattern(regex).fullmatch(text) is not None
            except FhirPathError as error:
                matches = True
                texts = {"link_id": item.get("linkId", ""), "reason": error}
                self._report(complaints.TEXT_PATTERN_UNREADABLE, value, **texts)
            if not matches:
                wanted = extension(item, f"{_HL7}entryFormat") or regex
                self._report(complaints.TEXT_PATTERN, value, found=text, wanted=wanted)
        if item.get("type") == "string":
            self._line(value, text, item)

    def _line(self, value: Node, text: str, item: Item) -> None:
        """Check what holds for a string and not for a text: it is one line, and may be bound to a value set."""
        if "\n" in text or "\r" in text:
            self._report(complaints.TEXT_LINES, value)
        value_set = item.get("answerValueSet")
        if not isinstance(value_set, str):
            return
        if not self._knows(value_set):
            self._report(complaints.OPTIONS_UNKNOWN, value, value_set=value_set)
        elif self._membership({"code": text}, value_set) is False:
            self._report(complaints.TEXT_NOT_IN_VALUE_SET, value, found=text, value_set=value_set)

    def _attachment(self, value: Node, item: Item) -> None:
        allowed = [each for each in extensions(item, f"{_HL7}mimeType") if isinstance(each, str)]
        answer = value.parent
        assert answer is not None
        if allowed:
            given, wanted = value.value.get("contentType"), ", ".join(allowed)
            if not isinstance(given, str):
                self._report(complaints.MEDIA_TYPE_MISSING, answer, wanted=wanted)
            elif not given.startswith(tuple(allowed)):
                self._report(complaints.MEDIA_TYPE, answer, found=given, wanted=wanted)
        limit, data = extension(item, f"{_HL7}maxSize"), value.value.get("data")
        if isinstance(limit, int | Decimal) and isinstance(data, str):
            size = _size(data)
            if size is not None and size > limit:
                self._report(complaints.ATTACHMENT_LARGE, answer, wanted=written(limit), count=size)

    def _reference(self, value: Node, item: Item) -> None:
        reference = text_of(value.value, "reference")
        if reference is None or reference.startswith("#") or not self._walk.wishes.assume_rest:
            return  # what is resolved is checked with all other references
        parts = reference.partition("/_history/")[0].split("/")
        type = parts[-2] if len(parts) > 1 else ""
        allowed = list(extensions(item, f"{_HL7}questionnaire-referenceResource"))
        if allowed:
            if type not in allowed:
                texts = {"found": type, "reference": reference, "wanted": ",".join(map(str, allowed))}
                self._report(complaints.REFERENCE_NOT_ALLOWED, value, **texts)
        elif type and type not in self._walk.engine.model.resources:
            self._report(complaints.REFERENCE_NO_TYPE, value, found=type, reference=reference)

    # --- options

    def _chosen(self, answer: Node, value: Node, item: Item, count: int) -> None:
        """Check an answer to a choice or an open choice."""
        is_open = item.get("type") == "open-choice"
        if "answerOption" in item:
            if value.type == "Coding":
                self._coding_option(answer, value, item, count)
            elif value.type == "string" and is_open:
                self._free_text(answer, value, item)
            else:
                self._option(answer, value, item, value.type, (value.type[:1].upper() + value.type[1:],))
        elif value.type == "Coding" and isinstance(item.get("answerValueSet"), str):
            self._value_set(answer, value, item["answerValueSet"])
        else:
            self._report(complaints.NO_OPTIONS, answer, type=value.type)

    def _option(self, place: Node, value: Node, item: Item, type: str, suffixes: tuple[str, ...]) -> None:
        """Report a primitive that is none of the options of some types."""
        options = [chosen(each, "value") for each in listed(item, "answerOption")]
        texts = {written(each[1]) for each in options if each is not None and each[0] in suffixes}
        if not texts:
            self._report(complaints.NO_OPTIONS_OF_TYPE, place, type=type)
        elif written(value.value) not in texts:
            self._report(complaints.NOT_AN_OPTION, place, type=type, found=written(value.value))

    def _free_text(self, answer: Node, value: Node, item: Item) -> None:
        text = str(value.value).lower()
        for option in listed(item, "answerOption"):
            coding = option.get("valueCoding")
            if isinstance(coding, Mapping) and text in (
                str(coding.get("display", "")).lower(),
                str(coding.get("code", "")).lower(),
            ):
                self._report(complaints.OPTION_IN_CODING, answer, found=value.value)
                return

    def _coding_option(self, answer: Node, value: Node, item: Item, count: int) -> None:
        """Report a coding that is none of the options; what is free in an open choice is a string."""
        options = [each for each in listed(item, "answerOption") if isinstance(each.get("valueCoding"), Mapping)]
        system, code = value.value.get("system"), value.value.get("code")
        if not options:
            self._report(complaints.NO_OPTIONS_OF_TYPE, answer, type="Coding")
            return
        for option in options:
            coding = option["valueCoding"]
            if coding.get("system") == system and coding.get("code") == code:
                if count > 1 and extension(option, f"{_HL7}questionnaire-optionExclusive") is True:
                    self._report(complaints.OPTION_EXCLUSIVE, answer, found=f"{system}#{code}")
                return
        self._report(complaints.NOT_AN_OPTION, answer, type="Coding", found=f"{system}#{code}")

    def _value_set(self, answer: Node, value: Node, value_set: str) -> None:
        """Report a coding that a value set has not; one without system or code means nothing, so is in none."""
        coding = value.value
        nameless = "code" not in coding or "system" not in coding
        if not self._knows(value_set):
            self._report(complaints.OPTIONS_UNKNOWN, answer, value_set=value_set)
        elif nameless or self._membership(coding, value_set) is False or self._is_misnamed(coding):
            texts = {"code": coding.get("code", ""), "system": coding.get("system", ""), "value_set": value_set}
            self._report(complaints.CODE_NOT_OPTION, answer, **texts)

    def _is_misnamed(self, coding: Item) -> bool:
        """Tell whether a coding has a display that its system does not give it, which makes it none of the options."""
        system, code, display = (text_of(coding, key) for key in ("system", "code", "display"))
        if system is None or code is None or display is None or self._walk.wishes.wrong_displays != "error":
            return False
        verdict = self._walk.bindings.verdict(system, code, display)
        return verdict is not None and verdict.right_display is False

    def _contained(self, value_set: str) -> Item | None:
        return next(
            (each for each in listed(self._questionnaire, "contained") if each.get("id") == value_set[1:]), None
        )

    def _knows(self, value_set: str) -> bool:
        if value_set.startswith("#"):
            return self._contained(value_set) is not None
        return self._walk.bindings.knows(value_set)

    def _membership(self, coding: Item, value_set: str) -> bool | None:
        """Return whether a value set has a code; None when that cannot be told."""
        system, code = text_of(coding, "system"), str(coding.get("code"))
        if value_set.startswith("#"):
            contained = self._contained(value_set)
            return None if contained is None else self._walk.bindings.holds(contained, system, code)
        return self._walk.bindings.holds(value_set, system, code)


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _begin(text: Any) -> tuple[Decimal, ...] | None:
    """Return the first instant of a date, dateTime or time, as numbers that compare; None for what is none.

    Limits are compared by the begin of both: 2022-06-30 is after a maximum of 2022-06.
    """
    if not isinstance(text, str):
        return None
    kind = "Time" if text[2:3] == ":" else "DateTime"
    read = Temporal.read(kind, text)
    if read is None:
        return None
    parts = tuple(map(Decimal, read.in_utc().parts))
    first = (0, 0, 0) if kind == "Time" else (1, 1, 1, 0, 0, 0)
    return parts + tuple(map(Decimal, first[len(parts) :]))


def _order_of_quantities(one: Item, other: Item) -> int | None:
    """Return how two quantities compare (-1, 0, 1); None where they measure other things or say no unit."""
    value, limit = one.get("value"), other.get("value")
    if not isinstance(value, int | Decimal) or not isinstance(limit, int | Decimal):
        return None
    units = [(each.get("system"), each.get("code")) for each in (one, other)]
    if None in (*units[0], *units[1]):
        return None
    if units[0] == units[1]:
        return _sign(value, limit)
    if units[0][0] != _UCUM or units[1][0] != _UCUM:
        return None
    amounts = [ucum.canonical(Decimal(each), str(code)) for each, (_, code) in zip((value, limit), units, strict=True)]
    if amounts[0] is None or amounts[1] is None or amounts[0][1] != amounts[1][1]:
        return None
    return _sign(amounts[0][0], amounts[1][0])


def _quantity_text(quantity: Item) -> str:
    unit = f" {quantity['unit']}" if "unit" in quantity else ""
    return f"{quantity.get('comparator', '')}{written(quantity.get('value', ''))}{unit}{_code_text(quantity)}"


def _coding_text(coding: Item) -> str:
    return f"{coding.get('display', '')}{_code_text(coding)}"


def _code_text(coding: Item) -> str:
    if "system" not in coding and "code" not in coding:
        return ""
    system = str(coding.get("system", ""))
    return f" ({_NAMES.get(system, system)}#{coding.get('code', '')})"


def _has_unit(quantity: Item, option: Item) -> bool:
    return all(
        option.get(key) is None or option[key] == quantity.get(other)
        for key, other in (("system", "system"), ("code", "code"), ("display", "unit"))
    )


def _size(data: str) -> int | None:
    try:
        return len(base64.b64decode("".join(data.split()), validate=True))
    except (binascii.Error, ValueError):
        return None  # the structure check reports it
