"""Rules of SearchParameter that its definition does not state: its expression, its components, what it derives from.

Source: FHIR R4, SearchParameter; Search.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_gateway.conformance.validation import definition_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import listed, text_of
from fhir_gateway.fhir.fhirpath import FhirPathError, Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_MEANINGFUL = "$|."  # in the name of a parameter of a search


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a SearchParameter."""
    resource = node.value
    code = text_of(resource, "code") or ""
    for character in _MEANINGFUL:
        if character in code:
            walk.report(found(complaints.SEARCH_CHARACTER, node, None, character=character))
    if resource.get("type") == "composite" and len(list(listed(resource, "component"))) < 2:
        walk.report(found(complaints.SEARCH_COMPONENTS, node))
    _expression(walk, node)
    _derived(walk, node)


def _bases(node: Node) -> list[str]:
    return [each for each in node.value.get("base") or () if isinstance(each, str)]


def _expression(walk: Walk, node: Node) -> None:
    expression = text_of(node.value, "expression")
    if expression is None:
        return
    at = Node(expression, "string", None, node, "expression")
    try:
        walk.engine.compile(expression)
    except FhirPathError as error:
        walk.report(found(complaints.SEARCH_EXPRESSION, at, None, fhirpath=expression, reason=error))
        return
    model, bases = walk.engine.model, _bases(node)
    for part in _operands(expression):
        head = re.match(r"\(*([A-Z][A-Za-z]+)\b", part)
        type = head[1] if head is not None else None
        if type not in model.resources or not bases:
            continue
        if not any(model.is_kind(base, type) or model.is_kind(type, base) for base in bases):
            reason = f"The name '{type}' is not valid for any of the possible types: {bases}"
            walk.report(found(complaints.SEARCH_EXPRESSION, at, None, fhirpath=expression, reason=reason))
            return


def _operands(expression: str) -> list[str]:
    """Return the parts of a union, as they are written."""
    return [part.strip() for part in re.split(r"\|", expression) if part.strip()]


def _derived(walk: Walk, node: Node) -> None:
    url = text_of(node.value, "derivedFrom")
    if url is None:
        return
    base = walk.schemas.resource("SearchParameter", url)
    if base is None:
        walk.report(found(complaints.SEARCH_UNKNOWN, node, None, url=url))
        return
    for type in _bases(node):
        if type not in base.get("base", ()) and "Resource" not in base.get("base", ()):
            walk.report(found(complaints.SEARCH_BASE, node, None, type=type, url=url))
    kind, wanted = text_of(node.value, "type"), text_of(base, "type")
    if kind is not None and kind != wanted:
        walk.report(found(complaints.SEARCH_TYPE, node, None, type=kind, wanted=wanted, url=url))
    own, its = text_of(node.value, "expression"), text_of(base, "expression")
    if own is not None and its is not None and _for(own, _bases(node)) != _for(its, _bases(node)):
        texts = {"fhirpath": own, "wanted": its, "url": url}
        walk.report(found(complaints.SEARCH_EXPRESSION_DIFFERS, node, None, **texts))


def _for(expression: str, bases: list[str]) -> set[str]:
    """Return the parts of an expression that are about some resource types."""
    parts = {part.strip("() ") for part in _operands(expression)}
    return {part for part in parts if part.partition(".")[0] in bases or not part[:1].isupper()}
