"""patch: the two kinds of patch that are taken, checked and applied alike.

A JSON Patch is a list of operations; a FHIRPath Patch is a Parameters resource.

Source: FHIR R4, RESTful API, "patch"; RFC 6902; FHIR R4, FHIRPath Patch.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.fhirpath import Engine
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.interactions import complaints, fhirpath_patch, json_patch

Patch = list[dict[str, Any]] | dict[str, Any]

JSON_PATCH = "application/json-patch+json"
# application/json is neither: it may be an array of operations as well as a resource.
FORMATS = (JSON_PATCH, "application/fhir+json", "application/fhir+xml")


def check(patch: Patch) -> list[Issue]:
    """Return what is wrong with the form of a patch, every problem of every operation."""
    if isinstance(patch, list):
        return json_patch.check(patch)
    if patch["resourceType"] != "Parameters":
        return [complaints.PATCH_NOT_PARAMETERS.at(patch["resourceType"], sent=patch["resourceType"])]
    return fhirpath_patch.check(patch)


def apply(resource: dict[str, Any], patch: Patch, engine: Engine) -> Any:
    """Return a new tree: `resource` after the patch. Neither argument is changed.

    Raises: InvalidRequest for operations that are none; Unprocessable for what the resource does not allow.
    """
    if isinstance(patch, list):
        return json_patch.apply(resource, patch)
    return fhirpath_patch.apply(resource, patch, engine)
