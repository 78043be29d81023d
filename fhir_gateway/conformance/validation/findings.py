"""What validation finds: issues with the profile that asks for it, and the place where it stands.

Source: FHIR R4, OperationOutcome; Validating Resources.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_gateway.fhir.fhirpath.nodes import Node
from fhir_gateway.fhir.outcome import Complaint, Issue


def expression_of(node: Node) -> str:
    """Return the FHIRPath expression of a node: "Bundle.entry[0].resource/*Patient/1*/.name[0].given[1]".

    A choice is written with its type; a resource inside another one is named in a comment, as HL7's validator does.
    """
    steps: list[str] = []
    current: Node | None = node
    while current is not None:
        parent = current.parent
        if parent is None:
            steps.append(current.type)
            break
        steps.append(_step(current, parent))
        current = parent
    return ".".join(reversed(steps))


def _step(node: Node, parent: Node) -> str:
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One issue at a node, the canonical of the profile that asks for it, and why (for slices that did not match)."""

    issue: Issue
    profile: str | None = None
    node: Node | None = None
    why: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.issue.severity in ("error", "fatal")


def found(complaint: Complaint, node: Node, profile: str | None = None, **values: object) -> Finding:
    return Finding(complaint.at(expression_of(node), profile=profile or "", **values), profile, node)
