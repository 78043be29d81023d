"""How tests of single rules ask the validator: definitions laid over those of R4, and the findings as short texts.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.terminology.library import Library
from tests.conformance.validation.definition_lookup import DefinitionLookup


@cache
def _plain() -> Validator:
    lookup = DefinitionLookup(definitions())
    return Validator(definitions().types, lookup, Library(lookup))


def judged(resource: dict[str, Any], *others: dict[str, Any], wishes: Wishes | None = None) -> list[Finding]:
    """Return the findings on a resource, other definitions being known by their url."""
    validator = _plain()
    if others:
        lookup = DefinitionLookup(definitions(), {other["url"]: other for other in others})
        validator = Validator(definitions().types, lookup, Library(lookup))
    return validator.validate(resource, (), wishes or Wishes())


def told(findings: list[Finding], *severities: str) -> list[tuple[str, str]]:
    """Return the detail code (without "validation-") and the expression of the findings of these severities."""
    wanted = severities or ("error", "fatal")
    return [
        (each.issue.complaint.detail.removeprefix("validation-"), str(each.issue.expression))
        for each in findings
        if each.issue.severity in wanted
    ]


def errors(resource: dict[str, Any], *others: dict[str, Any], wishes: Wishes | None = None) -> list[tuple[str, str]]:
    return told(judged(resource, *others, wishes=wishes))
