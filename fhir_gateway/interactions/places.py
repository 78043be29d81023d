"""Lines and columns of issues in the text that was sent.

Source: FHIR R4, OperationOutcome.issue.expression; the extensions operationoutcome-issue-line and -col.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from fhir_gateway.conformance.validation.location import JsonSource, Position, Source, XmlSource
from fhir_gateway.fhir import xml
from fhir_gateway.fhir.outcome import Detailed, FhirError, Issue
from fhir_gateway.interactions.interaction import Sent

_LONGEST = 8 * 1024 * 1024  # bytes; finding the places in more would take longer than a second
_ROOT = re.compile(r"[A-Z][A-Za-z]*")


def source_of(sent: Sent) -> Source:
    """Return what knows where each element of a text begins."""
    if sent.kind == "json":
        return JsonSource(sent.body)
    try:
        return XmlSource(*xml.document(sent.body))
    except FhirError:
        return XmlSource("", None)


def placed(issues: Iterable[Issue], sent: Sent) -> list[Issue]:
    """Return the issues with line and column, where they are about the text that was sent and it is not too long."""
    if len(sent.body) > _LONGEST:
        return list(issues)
    source = source_of(sent)
    type = source.type
    return [at(issue, _position(issue, source, type)) for issue in issues]


def at(issue: Issue, position: Position | None) -> Issue:
    """Return an issue at a line and a column, unless it knows its own."""
    if position is None or (isinstance(issue, Detailed) and issue.position is not None):
        return issue
    if isinstance(issue, Detailed):
        return replace(issue, position=position)
    return Detailed(issue.complaint, issue.expression, issue.values, position=position)


def _position(issue: Issue, source: Source, type: str | None) -> Position | None:
    if issue.expression is None:
        line, column = issue.values.get("line", ""), issue.values.get("column", "")
        return (int(line), int(column)) if line.isdigit() and column.isdigit() else None
    root = _ROOT.match(issue.expression)
    # What a patch makes, or what is stored, was not sent.
    return source.position(issue.expression) if root is not None and root[0] == type else None
