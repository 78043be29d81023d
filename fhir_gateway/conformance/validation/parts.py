"""What a likeness is made of: marks, the values that count, and what is said of those that are left out.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fhir_gateway.conformance.validation.coded import Codes
from fhir_gateway.fhir.plan import NumberRule, Quick

Resolve = Callable[[str], dict[str, Any] | None]

# What the parts of a likeness are marked by: none of them can be a text or a number of a resource.
LEFT, OBJECT, LIST, END, REFERENCE, CONCEPT, _CODED = (object() for _ in range(7))
CODING: Final = ("system", "code", "display")


class Unlike(Exception):
    """Of a resource nothing can be told but by walking it."""


class Parts(list[Any]):
    """A likeness in the making. `texts`: what codings hold and it leaves out, numbered as they are met: which of them
    are equal counts. `is_plain`: codings are kept as they are.
    """

    def __init__(self, is_plain: bool) -> None:
        self.texts: dict[str, int] = {}
        self.is_plain = is_plain


Step = Callable[[Any, Parts, Resolve | None], None]


def text_of(quick: Quick) -> Step:
    """Return what leaves out texts of a form."""

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is str:
            if quick(value) is None:
                raise Unlike
            # What begins with a mark may name something contained.
            found.append(value if value[0] == "#" else LEFT)
        elif type(value) is list:
            for each in value:
                if type(each) is not str or quick(each) is None or each[0] == "#":
                    raise Unlike
            found += (LIST, len(value))
        else:
            raise Unlike

    return step


def number_of(rule: NumberRule) -> Step:
    """Return what leaves out numbers that a rule allows."""

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if not rule(value):
            raise Unlike
        found.append(LEFT)

    return step


def exactly(value: Any, found: Parts, resolve: Resolve | None) -> None:
    """Append all of a value."""
    kind = type(value)
    if kind is str:
        found.append(value)
    elif kind is dict:
        found.append(OBJECT)
        for key, item in value.items():
            found.append(key)
            if type(item) is str:
                found.append(item)
                if key == "reference":
                    found.append(led_to(item, resolve))
            else:
                exactly(item, found, resolve)
        found.append(END)
    elif kind is list:
        found.append(LIST)
        for item in value:
            exactly(item, found, resolve)
        found.append(END)
    else:
        found.append((kind, getattr(value, "text", value)))  # 1, 1.0 and true are equal, and not the same


def concept_exactly(value: Any, found: Parts, resolve: Resolve | None) -> None:
    """Append all of a CodeableConcept: most have one coding and nothing else."""
    if type(value) is dict and len(value) == 1 and type(codings := value.get("coding")) is list and len(codings) == 1:
        (coding,) = codings
        if type(coding) is dict and len(coding) == 2:
            system, code = coding.get("system"), coding.get("code")
            if type(system) is type(code) is str:
                found += (CONCEPT, *coding, system, code)
                return
    exactly(value, found, resolve)


def refuse(value: Any, found: Parts, resolve: Resolve | None) -> None:
    raise Unlike


def led_to(reference: str, resolve: Resolve | None) -> object:
    target = None if resolve is None else resolve(reference)
    return None if target is None else (target.get("resourceType"),)


def coding_of(codes: Codes, value_sets: tuple[str, ...], quick: Sequence[Quick]) -> Step:
    """Return what appends the likeness of codings: what is answered about them, where nothing names them."""
    of_system, of_code, of_display = quick
    named, passed, answers = codes.named, codes.passed, codes.answers

    def one(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if found.is_plain or type(value) is not dict or not value.keys() <= _OF_CODING:
            exactly(value, found, resolve)
            return
        system, code, display = value.get("system"), value.get("code"), value.get("display", "")
        if (
            not (type(system) is type(code) is type(display) is str)
            or code in named
            or of_system(system) is None
            or of_code(code) is None
            or code[0] == "#"
            or ("display" in value and (of_display(display) is None or display in named or display[0] == "#"))
        ):
            exactly(value, found, resolve)
            return
        answered = answers(system, code, display or None, value_sets)
        if answered is None:
            exactly(value, found, resolve)
            return
        texts = found.texts
        found += (_CODED, *value, system, answered, texts.setdefault(code, len(texts)), passed(code))
        if display:
            found += (texts.setdefault(display, len(texts)), passed(display))

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is list:
            found.append(LIST)
            for each in value:
                one(each, found, resolve)
            found.append(END)
        else:
            one(value, found, resolve)

    return step


_OF_CODING: Final = frozenset(CODING)
