"""Properties that JSON text gives twice: the JSON reader keeps the last of them, silently.

Source: FHIR R4, JSON Representation of Resources: "Property names SHALL be unique"; RFC 8259, 4.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fhir_gateway.fhir.json import MAX_DEPTH, TOO_DEEP
from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.fhir.plan import label_of
from fhir_gateway.fhir.types import Element, Types

DUPLICATE_PROPERTY = Complaint(
    "duplicate-property",
    "structure",
    "'{name}' is given {times} times in one object, and only one could be kept; remove the others.",
    "« {name} » est donné {times} fois dans un même objet, et une seule valeur pourrait être gardée ; "
    "supprimer les autres.",
)

# Every property name ends so; so does a string that holds a quotation mark before a colon, or begins with a colon.
_END_OF_NAME = b'":'
_END_OF_NAME_WITH_SPACE = re.compile(rb'"[ \t\n\r]+:')


class _Repeating(dict[str, Any]):
    """An object whose text gave some names more than once, with all that it gave."""

    pairs: list[tuple[str, Any]]


def duplicate_keys(body: bytes, keys_counted: int, types: Types) -> list[Issue]:
    """Return an issue for each property given more than once in the same object of a JSON text.

    `keys_counted`: how many properties the decoded text has, which tells at once that most texts repeat none.
    The text has been decoded before, so it is JSON.
    """
    # Counting plain bytes is three times as fast as a regular expression, which is left to the rare spaced names.
    if body.count(_END_OF_NAME) == keys_counted and _END_OF_NAME_WITH_SPACE.search(body) is None:
        return []
    issues: list[Issue] = []
    try:
        # Numbers stay texts: a number that the first reader took must not stop this one.
        tree = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object, parse_int=str, parse_float=str)
        if isinstance(tree, dict):
            _search(tree, "Resource", "", types, issues)
    except RecursionError:
        issues.append(TOO_DEEP.at(limit=MAX_DEPTH))
    return issues


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    properties = dict(pairs)
    if len(properties) == len(pairs):
        return properties
    repeating = _Repeating(properties)
    repeating.pairs = pairs
    return repeating


def _search(value: dict[str, Any], type_name: str | None, path: str, types: Types, issues: list[Issue]) -> None:
    """Collect the repeated names of an object at `path` and below; its type may be None, not known."""
    if type_name == "Resource":
        named = value.get("resourceType")
        type_name = named if isinstance(named, str) else None
    path = path or type_name or "Resource"
    type = types.types.get(type_name) if type_name is not None else None
    elements = type.elements if type is not None else {}
    pairs = value.pairs if isinstance(value, _Repeating) else list(value.items())
    if isinstance(value, _Repeating):
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1:
                below = f"{path}.{_label(name, elements)}"
                issues.append(DUPLICATE_PROPERTY.at(below, name=name, times=times))
    for name, item in pairs:
        element = elements.get(name)
        child = element.type if element is not None else "Element" if name.startswith("_") else None
        below = f"{path}.{_label(name, elements)}"
        if isinstance(item, dict):
            _search(item, child, below, types, issues)
        elif isinstance(item, list):
            for index, one in enumerate(item):
                if isinstance(one, dict):
                    _search(one, child, f"{below}[{index}]", types, issues)


def _label(name: str, elements: Mapping[str, Element]) -> str:
    """The name FHIRPath has for a property: "value" for valueString and _valueString."""
    element = elements.get(name.removeprefix("_"))
    return name if element is None else label_of(element)
