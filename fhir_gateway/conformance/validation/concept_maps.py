"""Rules of ConceptMap that its definition does not state: its codes are those of the systems it maps.

Source: FHIR R4, ConceptMap.group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import terminology_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import objects, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_SOURCE = (
    complaints.SOURCE_MISSING, complaints.SOURCE_UNKNOWN, complaints.SOURCE_CODE, complaints.SOURCE_DISPLAY,
)  # fmt: skip
_TARGET = (
    complaints.TARGET_MISSING, complaints.TARGET_UNKNOWN, complaints.TARGET_CODE, complaints.TARGET_DISPLAY,
)  # fmt: skip


def check(walk: Walk, node: Node) -> None:
    """Report codes and displays of a ConceptMap that their systems do not have."""
    model = walk.engine.model
    for group in objects(model, node, "group"):
        elements = objects(model, group, "element")
        targets = [target for element in elements for target in objects(model, element, "target")]
        _side(walk, group, "source", elements, _SOURCE)
        _side(walk, group, "target", targets, _TARGET)


def _side(walk: Walk, group: Node, side: str, elements: list[Node], kinds: tuple[Any, ...]) -> None:
    missing, unknown, wrong_code, wrong_display = kinds
    coded = [each for each in elements if text_of(each.value, "code") is not None]
    system, version = text_of(group.value, side), text_of(group.value, f"{side}Version")
    if system is None:
        if coded:
            walk.report(found(missing, group))
        return
    for element in coded:
        code, display = str(element.value["code"]), text_of(element.value, "display")
        verdict = walk.bindings.verdict(system, code, display, version)
        if verdict is None:
            return
        at = Node(code, "code", None, element, "code")
        if verdict.state == "unknown-code":
            walk.report(found(wrong_code, at, None, code=code, system=system))
        elif verdict.state != "known":
            walk.report(found(unknown, group, None, system=system))
            return
        elif verdict.right_display is False:
            valid = ", ".join(f"'{each}'" for each in verdict.displays)
            at = Node(display, "string", None, element, "display")
            walk.report(found(wrong_display, at, None, code=code, display=display, valid=valid))
