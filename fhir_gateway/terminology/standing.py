"""How far a definition says itself that it may be relied on.

Source: FHIR R4, PublicationStatus; CodeSystem.experimental; HL7, standards status.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a definition may be relied on."""

    kind: str
    canonical: str
    status: str | None
    standards_status: str | None
    experimental: bool

    @property
    def is_draft(self) -> bool:
        return "draft" in (self.status, self.standards_status)
