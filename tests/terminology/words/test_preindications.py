"""Typing help over the préindications that ship: what a prescriber types, and the préindication that is meant.

Source: terminology/preindications; FHIR R4, ValueSet, "$expand", "filter".
"""

from __future__ import annotations

import pytest

from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.shipped import shipped

URL = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"


@pytest.fixture(scope="module")
def preindications() -> CodeSystem:
    resource = shipped().resource("CodeSystem", URL)
    assert resource is not None
    return CodeSystem(resource)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("cardiomyop", "F-01"),
        ("cardiomyopathies familiales", "F-01"),
        ("cardiomiopathie", "F-01"),
        ("troubles du rythme", "F-02"),
        ("malformation cardiaque", "F-57"),
        ("F-57", "F-57"),
    ],
)
def test_a_preindication_is_found_by_what_is_typed(preindications: CodeSystem, typed: str, wanted: str) -> None:
    assert wanted in [each.code for each in preindications.search(typed, "fr", 5)]
