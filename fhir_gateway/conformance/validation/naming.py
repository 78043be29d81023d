"""Rules for conformance resources that are about to be published: who answers for them, what they must say.

Source: FHIR R4, Shareable CodeSystem, ValueSet and ConceptMap profiles; HL7's rules for publication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_gateway.conformance.validation import definition_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import extension, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_WORKGROUP = "http://hl7.org/fhir/StructureDefinition/structuredefinition-wg"
_SHARED = ("url", "version", "title", "status", "experimental", "description")
_SHAREABLE = {"CodeSystem": (*_SHARED, "content", "caseSensitive"), "ValueSet": _SHARED, "ConceptMap": _SHARED}


def check(walk: Walk, node: Node) -> None:
    """Report what a conformance resource lacks for publication; nothing where none is intended."""
    if not walk.wishes.publication or node.key == "contained":
        return
    url = text_of(node.value, "url") or ""
    hl7 = "hl7.org/" in url or "fhir.org/" in url
    if hl7 and extension(node.value, _WORKGROUP) is None:
        walk.report(found(complaints.WORKGROUP_MISSING, node, None, url=_WORKGROUP))
    complaint = complaints.SHAREABLE_HL7 if hl7 else complaints.SHAREABLE
    for element in _SHAREABLE.get(node.type, ()):
        supplement = element == "caseSensitive" and node.value.get("content") == "supplement"
        if element not in node.value and not supplement:
            walk.report(found(complaint, node, None, type=node.type, element=element))
