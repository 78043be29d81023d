"""Rules of single resource types that no definition states in a form a machine could read.

Source: FHIR R4, the text of each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fhir_gateway.conformance.validation import (
    bundles,
    code_systems,
    concept_maps,
    measures,
    naming,
    observations,
    operation_definitions,
    questionnaire_responses,
    questionnaires,
    search_parameter_rules,
    structure_definitions,
    value_sets,
)
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

Rules = Callable[["Walk", Node], None]

# What is called once for each resource of a type, wherever it stands, after the walk over it.
BY_TYPE: Mapping[str, tuple[Rules, ...]] = {
    "Bundle": (bundles.check,),
    "CapabilityStatement": (naming.check,),
    "CodeSystem": (code_systems.check, naming.check),
    "ConceptMap": (concept_maps.check, naming.check),
    "ImplementationGuide": (naming.check,),
    "Measure": (measures.check,),
    "MeasureReport": (measures.check_report,),
    "Observation": (observations.check,),
    "OperationDefinition": (operation_definitions.check, naming.check),
    "Questionnaire": (questionnaires.check,),
    "QuestionnaireResponse": (questionnaire_responses.check,),
    "SearchParameter": (search_parameter_rules.check, naming.check),
    "StructureDefinition": (structure_definitions.check, naming.check),
    "ValueSet": (value_sets.check, naming.check),
}
