"""Rules of single resource types that no definition states in a form a machine could read.

Source: FHIR R4, the text of each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

Rules = Callable[["Walk", Node], None]

# What is called once for each resource of a type, wherever it stands, after the walk over it.
BY_TYPE: Mapping[str, tuple[Rules, ...]] = {}
