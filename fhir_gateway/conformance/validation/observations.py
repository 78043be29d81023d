"""Vital signs: an Observation with one of their codes is held to the profile of it, claimed or not.

Source: FHIR R4, Vital Signs Profile: "If implementations use this Resource when expressing the profile-specific
concepts as structured data, they SHALL conform to the following profiles".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation.places import listed
from fhir_gateway.conformance.validation.schema import BASE
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_LOINC = "http://loinc.org"
_PROFILES = {
    "vitalspanel": "85353-1",
    "resprate": "9279-1",
    "heartrate": "8867-4",
    "oxygensat": "2708-6 59408-5",
    "bodytemp": "8310-5",
    "bodyheight": "8302-2",
    "headcircum": "9843-4",
    "bodyweight": "29463-7",
    "bmi": "39156-5",
    # Systolic and diastolic pressure by method and position come with the code of the panel.
    "bp": "85354-9 8480-6 8462-4 76534-7 76535-4 8459-0 8460-8 8461-6 8453-3 8454-1 8455-8",
}
_BY_CODE = {code: profile for profile, codes in _PROFILES.items() for code in codes.split()}


def called_for(observation: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the vital signs profiles that the codes of an Observation call for."""
    codings = listed(observation.get("code"), "coding")
    found = (_BY_CODE.get(str(each.get("code"))) for each in codings if each.get("system") == _LOINC)
    return tuple(BASE + each for each in found if each is not None)


def check(walk: Walk, node: Node) -> None:
    """Hold an Observation to the vital signs profiles that its codes call for, where profiles are asked about."""
    if not walk.wishes.claimed:
        return
    for profile in called_for(node.value):
        schema = walk.schemas.of(profile)
        if schema is not None:
            walk.against(node, schema)
