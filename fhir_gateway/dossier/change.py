"""One write to a ServiceRequest or a Task, as the state machine is asked about it.

Source: FHIR R4, ServiceRequest, "status"; Task, "State Machine".
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_gateway.dossier.actor import Actor
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Dossier, Held, Person, task_code

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """`before`: None when it is made. `dossier`: as it would be after the write. `at`: when, as FHIR writes it."""

    before: Resource | None
    after: Resource
    actor: Actor
    dossier: Dossier
    at: str

    @property
    def type(self) -> str:
        return str(self.after["resourceType"])

    @property
    def start(self) -> str:
        """The status before, "-" when there was no resource."""
        return ABSENT if self.before is None else str(self.before.get("status", ABSENT))

    @property
    def end(self) -> str:
        return str(self.after.get("status", ABSENT))

    @property
    def standing(self) -> Resource:
        """The resource whose requester and owner count: nobody gains a right by the write that would need it."""
        return self.after if self.before is None else self.before

    @property
    def code(self) -> str:
        """The code of a Task (pfmg-tache), "" where there is none."""
        return task_code(self.standing) or ""

    @property
    def request(self) -> Held | None:
        """The ServiceRequest concerned: the resource itself, or the focus of a Task; None when it was not gathered."""
        if self.type == "ServiceRequest":
            name = f"ServiceRequest/{self.after['id']}" if "id" in self.after else ""
            return next((each for each in self.dossier.requests if name in each.names), None)
        return self.dossier.resolve(self.standing.get("focus"))

    @property
    def person(self) -> Person | None:
        held = self.request
        return (
            None if held is None else next((each for each in self.dossier.people if each.request.key == held.key), None)
        )
