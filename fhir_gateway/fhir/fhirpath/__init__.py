"""FHIRPath: the path language of FHIR."""

from fhir_gateway.fhir.fhirpath.engine import Engine, Expression
from fhir_gateway.fhir.fhirpath.environment import Hooks
from fhir_gateway.fhir.fhirpath.faults import FhirPathError
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Node

__all__ = ["Engine", "Expression", "FhirPathError", "Hooks", "Model", "Node"]
