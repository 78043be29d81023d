"""A refusal by the rules of a dossier: what is wrong, of which kind, and what is possible instead.

Source: FHIR R4, RESTful API, "Status codes" (422 business rules, 403 not this actor).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir_gateway.fhir.outcome import FhirError, Forbidden, Issue, Unprocessable


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason`: the state has no such successor, it is not for this actor, a guard does not hold, or it would leave.

    `issues`: all of them, worst first. `allowed`: the states that may follow, in the order of the table.
    """

    reason: Literal["state", "actor", "guard", "membership"]
    issues: tuple[Issue, ...]
    allowed: tuple[str, ...] = ()

    def error(self) -> FhirError:
        """Return the refusal as a door raises it: 403 for the wrong actor, 422 for everything else."""
        return (Forbidden if self.reason == "actor" else Unprocessable)(*self.issues)
