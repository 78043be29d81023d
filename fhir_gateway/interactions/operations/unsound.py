"""What is wrong with the structure of a resource that an operation is to judge, told from that resource.

Source: FHIR R4, Resource Operations, "validate"; Parameters.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.faults import RESOURCE_TYPE_MISSING, RESOURCE_TYPE_UNKNOWN
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.fhir.resource import bounded
from fhir_gateway.interactions.interaction import Interaction

_NAMELESS = (RESOURCE_TYPE_MISSING, RESOURCE_TYPE_UNKNOWN)


def judged(interaction: Interaction) -> tuple[Issue, ...]:
    """Return the issues of the resource given: of the body, or of the parameter `resource` of a Parameters body.

    Raises: InvalidRequest with all issues when something is wrong around it, or it does not say what it is.
    """
    body, issues = interaction.resource, tuple(interaction.issues)
    if body is None or not issues:
        return ()
    place, type = _place(body)
    inside = place and all(f"{each.expression}.".startswith(f"{place}.") for each in issues)
    nameless = any(each.complaint in _NAMELESS and each.expression in (None, place) for each in issues)
    if not inside or nameless:
        raise InvalidRequest(*bounded(issues))
    return tuple(
        Issue(each.complaint, f"{type}{(each.expression or '')[len(place) :]}", each.values) for each in issues
    )


def _place(body: dict[str, Any]) -> tuple[str, str]:
    """Return the expression of the resource that is judged, and its type; "" where there is none."""
    type = body.get("resourceType")
    if type != "Parameters":
        return (type, type) if isinstance(type, str) else ("", "")
    parameters = body.get("parameter")
    for index, parameter in enumerate(parameters if isinstance(parameters, list) else ()):
        resource = parameter.get("resource") if isinstance(parameter, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            return f"Parameters.parameter[{index}].resource", resource["resourceType"]
    return "", ""
