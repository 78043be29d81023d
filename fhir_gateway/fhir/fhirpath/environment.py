"""What one evaluation of an expression may see besides its input: constants, variables, and what others know.

Source: FHIRPath 2.0 (N1), "Environment variables"; FHIR R4, FHIRPath, "Environment variables", "Additional functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fhir_gateway.fhir.fhirpath.nodes import Items, Node

Resolve = Callable[[str, Node], Node | None]  # a reference, and the node that holds it
MemberOf = Callable[[Node | str, str], bool | None]  # a coded item, a ValueSet's canonical; None: cannot be told
Subsumes = Callable[[Node, Node], bool | None]  # whether the first code subsumes the second
ConformsTo = Callable[[Node, str], bool | None]
Trace = Callable[[str, Items], None]

_URLS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_PATTERNED = (
    ("vs-", "http://hl7.org/fhir/ValueSet/"),
    ("ext-", "http://hl7.org/fhir/StructureDefinition/"),
    ("cs-", "http://hl7.org/fhir/"),
)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the engine asks of those who know more; without an answer `resolve` gives nothing, the others are empty."""

    resolve: Resolve | None = None
    member_of: MemberOf | None = None
    subsumes: Subsumes | None = None
    conforms_to: ConformsTo | None = None
    trace: Trace | None = None


@dataclass(slots=True)
class Environment:
    """One evaluation. `resource`: %resource, the resource or contained resource that holds the input; `root`:
    %rootResource, which contains it; `context`: %context, the input itself.
    """

    context: Items
    resource: Items = field(default_factory=list)
    root: Items = field(default_factory=list)
    variables: dict[str, Items] = field(default_factory=dict)
    hooks: Hooks = Hooks()
    now: datetime | None = None
    index: int | None = None
    total: Items = field(default_factory=list)

    def instant(self) -> datetime:
        """Return when this evaluation takes place: the same however often it is asked."""
        if self.now is None:
            self.now = datetime.now(UTC)
        return self.now


def constant(name: str) -> str | None:
    """Return the URL that `%name` stands for in FHIR; None when it is no constant."""
    found = _URLS.get(name)
    if found is not None:
        return found
    for prefix, base in _PATTERNED:
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return None


def variables_of(given: Mapping[str, Any] | None) -> dict[str, Items]:
    """Return variables as collections."""
    return {name: value if isinstance(value, list) else [value] for name, value in (given or {}).items()}
