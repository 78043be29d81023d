"""The type tables of FHIR R4, read once for all tests of this room."""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.types import Types


@pytest.fixture(scope="session")
def types() -> Types:
    return definitions().types
