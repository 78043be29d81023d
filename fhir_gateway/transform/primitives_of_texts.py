"""What makes a primitive of a text that a tree or a resource holds: the text as FHIR and JSON write it.

Source: FHIR R4, Datatypes, "Primitive types".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fhir_gateway.fhir.number import Number

_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,9})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?")
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_MOMENT = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))?)?)?")


def _of_form(form: re.Pattern[str], make: Callable[[str], Any] = str) -> Callable[[str], Any]:
    return lambda text: make(text) if form.fullmatch(text) else None


def _text(text: str) -> str | None:
    return text or None


CONVERTERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("string", "markdown", "uri", "url", "canonical", "oid", "id"), _text),
    "code": _of_form(re.compile(r"\S+(?: \S+)*")),
    "boolean": lambda text: {"true": True, "false": False}.get(text),
    **{name: _of_form(_INTEGER, int) for name in ("integer", "unsignedInt", "positiveInt")},
    "decimal": _of_form(_DECIMAL, Number),
    "date": _of_form(_DATE),
    "dateTime": _of_form(_MOMENT),
    "instant": _of_form(_MOMENT),
}


def written(value: Any) -> str:
    """Return a value of JSON as its text, "" for none and for what has no text of its own."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
