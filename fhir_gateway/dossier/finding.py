"""What a rule finds: a place, what its text needs, and how surely the rule is known there.

Source: FHIR R4, OperationOutcome.issue, "expression".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_gateway.dossier.dossier import Person
from fhir_gateway.dossier.preindications import Certainty


@dataclass(frozen=True, slots=True)
class Finding:
    """`expression`: where. `values`: for the texts of the rule; what differs by language ends in `_fr` and `_en`.

    `certainty`: "inferred" never blocks, whatever the rule's severity.
    """

    expression: str
    values: Mapping[str, str] = field(default_factory=dict)
    certainty: Certainty = "sourced"


def person_values(person: Person) -> dict[str, str]:
    return {"person_fr": person.french, "person_en": person.english}
