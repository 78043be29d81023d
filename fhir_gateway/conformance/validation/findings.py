"""What validation finds: issues with the profile that asks for it, and the place where it stands.

Source: FHIR R4, OperationOutcome; Validating Resources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance.validation.location import Position, Source
from fhir_gateway.fhir.fhirpath.nodes import Node
from fhir_gateway.fhir.outcome import Complaint, Detailed, Issue


def expression_of(node: Node) -> str:
    """Return the FHIRPath expression of a node: "Bundle.entry[0].resource/*Patient/1*/.name[0].given[1]".

    A choice is written with its type; a resource inside another one is named in a comment, as HL7's validator does.
    Each node keeps its own: what is wrong with one element is often wrong with its neighbours.
    """
    known = node.expression
    if known is None:
        parent = node.parent
        known = node.type if parent is None else f"{expression_of(parent)}.{_step(node)}"
        node.expression = known
    return known


def _step(node: Node) -> str:
    step = node.label if isinstance(node, Placed) and node.label else node.key
    if node.place is not None:
        step = f"{step}[{node.place}]"
    if isinstance(node.value, dict) and "resourceType" in node.value and node.key in ("resource", "contained"):
        return f"{step}/*{node.value['resourceType']}/{node.value.get('id', 'null')}*/"
    return step


class Placed(Node):
    """A node that knows how its step is written: "value.ofType(Quantity)" rather than "valueQuantity"."""

    __slots__ = ("label",)

    label: str


@dataclass(slots=True)
class Finding:
    """One issue at a node, the canonical of the profile that asks for it, and why, in English and French: for a slice
    that is missing, why elements that are there do not belong to it.

    `source`: the text that was validated, which knows lines and columns; `spot`: what its reader remembers of the
    place.
    """

    issue: Issue
    profile: str | None = None
    node: Node | None = None
    why: tuple[tuple[str, str], ...] = ()
    source: Source | None = None
    spot: Any = None

    @property
    def is_error(self) -> bool:
        return self.issue.severity in ("error", "fatal")

    @property
    def position(self) -> Position | None:
        """Line and column, both from 1, of what the issue is about; None where no text was given."""
        return None if self.source is None else self.source.position(self.issue.expression, self.spot)

    @property
    def line(self) -> int | None:
        position = self.position
        return None if position is None else position[0]

    @property
    def column(self) -> int | None:
        position = self.position
        return None if position is None else position[1]

    def told(self) -> Detailed:
        """Return the issue with all that is known beside it."""
        issue = self.issue
        return Detailed(issue.complaint, issue.expression, issue.values, self.profile, self.why, self.position)


def found(complaint: Complaint, node: Node, profile: str | None = None, /, **values: object) -> Finding:
    return Finding(complaint.at(expression_of(node), profile=profile or "", **values), profile, node)
