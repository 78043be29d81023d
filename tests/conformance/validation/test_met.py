"""What a resource is known to meet is not asked again by what refers to it; the findings are the same.

Source: FHIR R4, Profiling, "Limitations of Use"; Genomics Reporting 3.0.0, GenomicReport.result (slices by profile).
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.validation.walk import BASE, Walk, Wishes
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.dossier import codes
from fhir_gateway.exchange.vcf import observation, reading
from tests.interactions.operations.test_dossier_import import vcf

VARIANT = f"{codes.PROFILE}variant"


def variant() -> dict[str, Any]:
    found = reading.read(vcf("one", 1), "one", origin="germline")
    return observation.observation(found.variants[0], observation.About({"reference": "Patient/1"}))


def report() -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "meta": {"profile": [f"{codes.PROFILE}diagnostic-report"]},
        "identifier": [{"system": "urn:a", "value": "1"}],
        "basedOn": [{"reference": "ServiceRequest/1"}],
        "status": "preliminary",
        "category": [codes.concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE")],
        "code": codes.concept(codes.LOINC, "51969-4"),
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2026-11-22",
        "performer": [{"reference": "Organization/1"}],
        "specimen": [{"reference": "Specimen/1"}],
        "result": [{"reference": "Observation/v"}],
    }


def told(result: dict[str, Any], met: list[str]) -> list[tuple[str, str | None]]:
    wishes = Wishes(
        resolve=lambda reference: result if reference == "Observation/v" else None, met={id(result): met} if met else {}
    )
    found = r4_validator().validate(report(), (), wishes)
    return sorted((each.issue.complaint.detail, each.issue.expression or "") for each in found)


@pytest.mark.parametrize("claims", [True, False])
def test_a_result_that_is_known_to_meet_its_profile_is_of_the_slice_of_what_that_profile_narrows(claims: bool) -> None:
    result = variant()
    if not claims:
        del result["meta"]
    asked, known = told(result, []), told(result, [VARIANT])
    assert asked == known


def test_a_profile_that_is_no_base_of_what_is_met_is_still_asked() -> None:
    result = variant()
    del result["component"]
    del result["code"]
    assert told(result, [f"{codes.PROFILE}phenotype"]) == told(result, [])


def test_what_is_known_to_be_sound_is_not_held_to_its_type_again(monkeypatch: pytest.MonkeyPatch) -> None:
    result, asked = variant(), []
    conforms = Walk.conforms
    monkeypatch.setattr(
        Walk, "conforms", lambda walk, node, canonical: asked.append(canonical) or conforms(walk, node, canonical)
    )
    unknown = told(result, [])
    assert f"{BASE}Observation" in asked
    asked.clear()
    assert told(result, [f"{codes.PROFILE}phenotype"]) == unknown
    assert asked
    assert f"{BASE}Observation" not in asked
