"""What FHIR R4B (4.3.0) defines otherwise than R4 (4.0.1), where a snapshot shows it.

The official snapshot cases are written for R4B, whose types are those of R4 but for this: definitions of R4 are given
what R4B says before a snapshot is made of them.

Source: FHIR R4B, the definitions of its types, compared with those of R4; the types of evidence are left out, which
R4B defines anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.conformance.lookup import Resource, split

BASE = "http://hl7.org/fhir/StructureDefinition/"
VALUE_SET = "http://hl7.org/fhir/ValueSet/"
TERMINOLOGY = "http://terminology.hl7.org/ValueSet/"

Element = dict[str, Any]
Change = Callable[[Element], Element]


def _bound(value_set: str) -> Change:
    return lambda element: (
        element | {"binding": {"strength": "example", **element.get("binding", {}), "valueSet": value_set}}
    )


def _loosened(element: Element) -> Element:
    return element | {"min": 0}


def _constrained(key: str, *keys: str) -> Change:
    """Return what replaces a constraint by others (the same one where none is named: it is added)."""

    def change(element: Element) -> Element:
        added = [{"key": each, "severity": "error", "human": each, "expression": "true"} for each in keys or (key,)]
        kept = element.get("constraint", [])
        at = next((index for index, each in enumerate(kept) if each["key"] == key), len(kept))
        return element | {"constraint": [*kept[:at], *added, *kept[at + 1 :]]}

    return change


def _typed(code: str, *targets: str) -> Change:
    """Return what adds a type, or targets to the type of this code."""
    urls = [BASE + target for target in targets]

    def change(element: Element) -> Element:
        types = element["type"]
        if all(type["code"] != code for type in types):
            return element | {"type": [*types, {"code": code, **({"targetProfile": urls} if urls else {})}]}
        return element | {
            "type": [
                type | {"targetProfile": [*type.get("targetProfile", ()), *urls]} if type["code"] == code else type
                for type in types
            ]
        }

    return change


def _open(element: Element) -> Element:
    """Return an element that may be of any type, with the types that R4B has besides, in its order; without Meta."""
    types: list[Any] = []
    for type in element["type"]:
        after = {"CodeableConcept": "CodeableReference", "Ratio": "RatioRange"}.get(type["code"])
        types += [] if type["code"] == "Meta" else [type]
        types += [] if after is None else [{"code": after}]
    return element | {"type": types}


_PRODUCTS = (
    "MedicinalProductDefinition", "SubstanceDefinition", "AdministrableProductDefinition", "ManufacturedItemDefinition",
    "PackagedProductDefinition",
)  # fmt: skip
_SUBJECTS = ("Organization", "Procedure", "Practitioner", "Medication", "Substance")

CHANGES: Mapping[str, Change] = {
    "ActivityDefinition": _constrained("adf-0", "cnl-0"),
    "ActivityDefinition.subject[x]": _typed("canonical"),
    "ActivityDefinition.product[x]": _typed("Reference", "Ingredient"),
    "ActivityDefinition.participant.role": _bound(TERMINOLOGY + "action-participant-role"),
    "CareTeam.participant.role": _bound(VALUE_SET + "careteam-participant-role"),
    "Composition.category": _bound(TERMINOLOGY + "v3-LoincDocumentOntologyInternational"),
    "Composition.confidentiality": _bound(TERMINOLOGY + "v3-Confidentiality|2.0.0"),
    "Contract.term.action.performerType": _bound(VALUE_SET + "provenance-participant-type"),
    "Contract.term.action.performerRole": _bound(VALUE_SET + "provenance-participant-role"),
    "DiagnosticReport.subject": _typed("Reference", *_SUBJECTS),
    "DocumentReference.type": _bound(VALUE_SET + "doc-typecodes"),
    "DocumentReference.category": _bound(VALUE_SET + "doc-classcodes"),
    "ElementDefinition.type.code": _bound(VALUE_SET + "fhir-element-types"),
    "ExplanationOfBenefit.priority": _bound(VALUE_SET + "process-priority"),
    "Group.member.entity": _typed("Reference", "RelatedPerson"),
    "Library": _constrained("lib-0", "cnl-0"),
    "MarketingStatus.country": _loosened,
    "MarketingStatus.dateRange": _loosened,
    "Measure": _constrained("mea-0", "cnl-0"),
    "Measure.group.code": _bound(VALUE_SET + "measure-group-example"),
    "Measure.group.stratifier.code": _bound(VALUE_SET + "measure-stratifier-example"),
    "Measure.group.stratifier.component.code": _bound(VALUE_SET + "measure-stratifier-example"),
    "Measure.supplementalData.code": _bound(VALUE_SET + "measure-supplemental-data-example"),
    "MeasureReport.group.code": _bound(VALUE_SET + "measure-group-example"),
    "MeasureReport.group.stratifier.code": _bound(VALUE_SET + "measure-stratifier-example"),
    "MeasureReport.group.stratifier.stratum.value": _bound(VALUE_SET + "measurereport-stratifier-value-example"),
    "MeasureReport.group.stratifier.stratum.component.code": _bound(VALUE_SET + "measure-stratifier-example"),
    "MeasureReport.group.stratifier.stratum.component.value": _bound(
        VALUE_SET + "measurereport-stratifier-value-example"
    ),
    "Observation.subject": _typed("Reference", *_SUBJECTS),
    "PlanDefinition": _constrained("pdf-0", "cnl-0"),
    "PlanDefinition.subject[x]": _typed("canonical", *_PRODUCTS),
    "PlanDefinition.action.subject[x]": _typed("canonical"),
    "PlanDefinition.action.code": _bound(VALUE_SET + "action-code"),
    "PlanDefinition.action.reason": _bound(VALUE_SET + "action-reason-code"),
    "PlanDefinition.action.participant.role": _bound(TERMINOLOGY + "action-participant-role"),
    "Questionnaire.item": _constrained("que-1", "que-1a", "que-1b", "que-1c"),
    "ServiceRequest.performerType": _bound(TERMINOLOGY + "action-participant-role"),
    "StructureDefinition.snapshot": _constrained("sdf-8b", "sdf-24", "sdf-25", "sdf-8b"),
}
_OPEN = ("Extension", "ElementDefinition")
_CONTAINED = _constrained("dom-r4b")


class R4B:
    """R4's definitions of types as R4B has them: a lookup of StructureDefinitions."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._made: dict[str, Resource | None] = {}

    def structure(self, url: str) -> Resource | None:
        url = split(url)[0]
        if url not in self._made:
            found = self._definitions.structure(url)
            self._made[url] = found if found is None else _changed(found)
        return self._made[url]

    def resource(self, kind: str, url: str) -> Resource | None:
        return self.structure(url) if kind == "StructureDefinition" else None


def _changed(structure: Resource) -> Resource:
    is_type = structure.get("derivation") != "constraint"
    elements = []
    for element in structure["snapshot"]["element"]:
        change = CHANGES.get(element["path"]) if is_type else None
        if is_type and element["path"].endswith(".contained"):
            change = _CONTAINED
        elif structure["type"] in _OPEN and any(type["code"] == "Meta" for type in element.get("type", ())):
            change = _open
        elements.append(element if change is None else change(element))
    return structure | {"snapshot": {"element": elements}}
