"""What is found out about one coding on the way through a value set.

Source: FHIR R4, ValueSet, "$validate-code".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.designations import Designation, called
from fhir_gateway.terminology.edition import Edition


class Refusal(Exception):
    """The value set cannot be asked, and the answer says so. `issues`: why."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__(*issues)
        self.issues = issues


@dataclass(slots=True)
class Coded:
    """What was found out of one coding.

    `issues`: with expressions relative to it, and whether the message says them.
    """

    system: str | None = None
    edition: Edition | None = None
    designations: list[Designation] = field(default_factory=list)
    inactive: bool = False
    status: str | None = None
    normalized: str | None = None
    issues: list[tuple[Issue, bool]] = field(default_factory=list)
    unknown: dict[str, None] = field(default_factory=dict)
    sent_display: str | None = None

    @property
    def is_called_so(self) -> bool:
        """Whether the display that was sent, if any, is one of those found."""
        if self.sent_display is None:
            return True
        return called(self.designations, self.sent_display, None)[0] == "same"

    def take(self, *others: Coded) -> None:
        """Take over what was found on the way; the last of several that found something counts."""
        for other in others:
            self.issues += other.issues
            self.unknown.update(other.unknown)
            if other.edition is not None:
                self.edition = other.edition
                self.designations, self.normalized = other.designations, other.normalized
                self.inactive, self.status = other.inactive, other.status

    def tell(self, issue: Issue | None, said: bool = False) -> None:
        if issue is not None:
            self.issues.append((issue, said))
