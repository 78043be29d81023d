"""What a gateway holds after the acts on a dossier: what they wrote, and the Tasks that the server made and moved on.

A shortcut for stores that are filled directly (benchmarks, demonstrations): what usually happens is applied by the
table of steps alone; what seldom does (a failure, a refusal, a revocation, a withdrawal) is left to the rules of the
dossier. That both say the same is what the tests of this room play through the rules.

Source: `fhir_gateway/dossier/tasks.py`; genomics design, "Workflow".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.resources import Resource, profiled
from fhir_gateway.demo_dossiers.submission import name_of
from fhir_gateway.dossier import codes, deposit
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.changes import Changes, custodian
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, Person, gathered, task_code
from fhir_gateway.dossier.tasks import BENCH, BY_CODE, SKIPPED, STEPS, Step, new_task, settled
from fhir_gateway.dossier.withdrawal import withdrawal

SELDOM: Final = frozenset({"again", "specimens", "revocation", "withdrawal"})
OVER: Final = frozenset({"completed", "cancelled", "failed", "rejected"})


class Standing:
    """The resources of one dossier by "Type/id", as acts leave them."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self._tasks: list[Resource] = []
        self._made = 0
        self._slug = ""
        self._examen = ""
        self._is_active = False

    def play(self, acts: Iterable[Act]) -> Standing:
        for act in acts:
            self.do(act)
        return self

    def do(self, act: Act) -> None:
        """Apply an act. Raises: LookupError when it moves a Task that there is not."""
        if isinstance(act.deed, Move):
            self._move(act.deed, act)
        else:
            self._write(act.deed, act)

    # --- writes

    def _write(self, write: Write, act: Act) -> None:
        for each in (*write.created, *write.replaced):
            each = dict(each)
            self.resources[name_of(each)] = each
            if each["resourceType"] == "Task":
                self._tasks.append(each)
        if write.what == "submission":
            self._begin(act.at)
        elif write.what == "finalise":
            self._activate(act.at)
        elif write.what == "withdrawal":
            self._withdraw(write, act)
        elif write.what == "consent" or (write.what in SELDOM and (self._is_active or write.what == "again")):
            self._settle(act.at)

    def _begin(self, at: str) -> None:
        dossier = self._dossier()
        (proband,) = dossier.probands
        self._slug = str(proband.request.resource["requisition"]["value"]).lower()
        self._examen = str(codes.code(proband.request.resource["code"], codes.EXAMEN))
        self._ask(dossier, BY_CODE["rcp-amont"], proband, at, "requested")
        for person in dossier.people:
            self._ask(dossier, BY_CODE["recueil-consentement"], person, at, "requested")

    def _activate(self, at: str) -> None:
        self._is_active = True
        dossier = self._dossier()
        (proband,) = dossier.probands
        wanted = [step for step in STEPS if not step.from_draft and step.code not in SKIPPED.get(self._examen, ())]
        for step in wanted:
            first = "requested" if step is wanted[0] else "draft"
            if step.scope == "dossier":
                self._ask(dossier, step, proband, at, first)
                continue
            for person in dossier.people:
                for tube in dossier.specimens(person.key):
                    self._add(new_task(dossier, step, person, at, first, tube))

    def _ask(self, dossier: Dossier, step: Step, person: Person, at: str, status: str) -> None:
        self._add(new_task(dossier, step, person, at, status))

    def _add(self, task: Resource) -> None:
        self._made += 1
        made = {"resourceType": "Task", "id": f"{self._slug}-t{self._made}", **task}
        self.resources[name_of(made)] = made
        self._tasks.append(made)

    # --- moves

    def _move(self, move: Move, act: Act) -> None:
        task = self._find(move)
        task |= {"status": move.status, "lastModified": act.at}
        task.pop("statusReason", None)
        if move.status in ("accepted", "rejected"):
            task["owner"] = {**task.get("owner", {}), "identifier": codes.identifier(str(act.actor.organisation))}
        if move.owner is not None:
            task["owner"] = {"identifier": codes.identifier(move.owner)}
        if move.reason is not None:
            task["statusReason"] = concept(codes.MOTIF, move.reason)
        if move.output is not None:
            said = concept(codes.PIECE, "compte-rendu")
            task["output"] = [{"type": said, "valueReference": {"reference": move.output}}]
        if move.code == deposit.CODE:  # when it was laid down is a milestone of its own
            if move.status == "in-progress":
                task["executionPeriod"] = {"start": act.at}
            elif move.status in ("completed", "failed"):
                task["executionPeriod"] = {**task.get("executionPeriod", {}), "end": act.at}
        if move.status == "completed":
            if move.code == "rcp-amont":
                self._trace(task, act.actor, act.at)
            self._next(move, act.at)
        elif move.status == "failed":
            self._settle(act.at)

    def _find(self, move: Move) -> Resource:
        focus = f"ServiceRequest/{move.request}"
        for task in self._tasks:
            if (
                task["status"] not in OVER
                and task["focus"]["reference"] == focus
                and task_code(task) == move.code
                and (move.tube is None or f"Specimen/{move.tube}" in _inputs(task))
            ):
                return task
        raise LookupError(f"no open task {move.code} of {move.request}")

    def _trace(self, task: Resource, actor: Acting, at: str) -> None:
        """Write who validated, as a door does with every decision; the hospital keeps it, and so sees it."""
        dossier = self._dossier()
        (proband,) = dossier.probands
        request = proband.request.resource
        made = {
            **profiled("Provenance", f"{task['id']}-decision", "provenance"),
            "target": [{"reference": name_of(task)}],
            "recorded": at,
            "reason": [concept(codes.MOTIF, "rcp-validation")],
            "agent": [
                {
                    "who": {"identifier": {"system": codes.RPPS, "value": str(actor.rpps)}},
                    "onBehalfOf": {"identifier": codes.identifier(str(actor.organisation))},
                },
                *custodian(dossier.organisations(request.get("requester"), request)),
            ],
        }
        self.resources[name_of(made)] = made

    def _next(self, move: Move, at: str) -> None:
        """Ask for what is due once a step is done."""
        for task in self._tasks:
            step = BY_CODE[str(task_code(task))]
            if task["status"] != "draft" or step.after != move.code:
                continue
            if step.code in BENCH:
                due = f"Specimen/{move.tube}" in _inputs(task)
            else:
                due = all(
                    each["status"] in ("completed", "failed") for each in self._tasks if task_code(each) == move.code
                )
            if due:
                task |= {"status": "requested", "lastModified": at}

    # --- what the rules of the dossier say

    def _dossier(self) -> Dossier:
        (dossier,) = gathered(self.resources.values())
        return dossier

    def _settle(self, at: str) -> None:
        self._keep(settled(self._dossier(), at, self._ids())[1])

    def _withdraw(self, write: Write, act: Act) -> None:
        dossier = self._dossier()
        (consent,) = write.replaced
        held = dossier.resolve({"reference": name_of(consent)})
        assert held is not None
        agent = {"who": {"identifier": {"system": codes.RPPS, "value": str(act.actor.rpps)}}}
        changes = withdrawal(dossier, held, agent, act.at)
        numbered = tuple({**each, "id": next(self._ids())} for each in changes.created)
        self._keep(Changes(numbered, changes.updated))
        self._settle(act.at)

    def _keep(self, changes: Changes) -> None:
        for each in (*changes.created, *changes.updated):
            made: dict[str, Any] = dict(each)
            self.resources[name_of(made)] = made
        self._tasks = [each for each in self.resources.values() if each["resourceType"] == "Task"]

    def _ids(self) -> Iterator[str]:
        while True:
            self._made += 1
            yield f"{self._slug}-t{self._made}"


def _inputs(task: Resource) -> list[str]:
    return [each["valueReference"]["reference"] for each in task.get("input", ())]
