"""Reading a resource from a request body: decoded, checked, or refused with all that is wrong with it.

Source: FHIR R4, JSON Representation of Resources; XML Representation of Resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fhir_gateway.fhir import json, xml
from fhir_gateway.fhir.duplicates import duplicate_keys
from fhir_gateway.fhir.outcome import Complaint, InvalidRequest, Issue
from fhir_gateway.fhir.structure import Links, check
from fhir_gateway.fhir.types import Types

MORE_ISSUES = Complaint(
    "more-issues",
    "incomplete",
    "{count} further problems are not listed; correct these first.",
    "{count} autres problèmes ne sont pas listés ; corriger d'abord ceux-ci.",
    severity="information",
)

# A refusal must not be larger than what it refuses by orders of magnitude.
MAX_ISSUES = 500


@dataclass(frozen=True, slots=True)
class Parsed:
    """A resource, where it holds links, and what is wrong with its structure: nothing, unless it was only examined."""

    resource: dict[str, Any]
    links: Links
    issues: tuple[Issue, ...] = ()


def read_resource(
    body: bytes, types: Types, expected_type: str | None = None, representation: Literal["json", "xml"] = "json"
) -> Parsed:
    """Return the resource that `body` represents, of `expected_type` where one is given.

    Raises: InvalidRequest with all issues of the structure (the first 500, and how many more there are).
    Source: FHIR R4, JSON Representation of Resources; XML Representation of Resources.
    """
    parsed = examined(body, types, expected_type, representation)
    if parsed.issues:
        raise InvalidRequest(*bounded(parsed.issues))
    return parsed


def examined(
    body: bytes, types: Types, expected_type: str | None = None, representation: Literal["json", "xml"] = "json"
) -> Parsed:
    """Return what `body` represents with every issue of its structure, however sound or unsound it is.

    Raises: InvalidRequest when it is no JSON or XML, or no object.
    """
    if representation == "xml":
        resource, issues = xml.read(body, types)
        known = {issue.expression for issue in issues}
    else:
        resource, issues, known = json.decode(body), [], set()
    findings = check(resource, types, expected_type)
    if representation == "json":
        issues = duplicate_keys(body, findings.keys, types)
    # What the XML reader could not read it left as it stood: said once is enough.
    issues.extend(issue for issue in findings.issues if issue.expression not in known)
    if not isinstance(resource, dict):
        raise InvalidRequest(*issues)
    return Parsed(resource, findings.links, tuple(issues))


def bounded(issues: Sequence[Issue]) -> Sequence[Issue]:
    """Return the first 500 issues, and how many more there are."""
    if len(issues) <= MAX_ISSUES:
        return issues
    return [*issues[:MAX_ISSUES], MORE_ISSUES.at(count=len(issues) - MAX_ISSUES)]
