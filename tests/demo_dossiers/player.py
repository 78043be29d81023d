"""Acts played through the rules of the dossier: each write judged for who makes it, each Task made by the server.

What a gateway does, without HTTP and store: `allowed`, then `withdrawal` and `settled`.

Source: fhir_gateway/dossier/README.md, "For doors".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.submission import name_of
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import SERVER, Actor
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, gathered, task_code
from fhir_gateway.dossier.rules import gaps
from fhir_gateway.dossier.states import allowed
from fhir_gateway.dossier.tasks import settled
from fhir_gateway.dossier.withdrawal import withdrawal

Resource = dict[str, Any]
OVER = frozenset({"completed", "cancelled", "failed", "rejected", "draft"})


class Refused(AssertionError):
    """An act of the generator that the rules do not allow."""


class Player:
    """One dossier; `refusals`: what the rules said against an act, with the act."""

    def __init__(self) -> None:
        self.dossier = Dossier([])
        self._numbers = itertools.count(1)

    def play(self, acts: Sequence[Act]) -> Player:
        for act in acts:
            if isinstance(act.deed, Write):
                self._write(act.deed, act)
            else:
                self._move(act.deed, act)
        return self

    def _ids(self) -> Iterator[str]:
        return (f"s{number}" for number in self._numbers)

    def _write(self, write: Write, act: Act) -> None:
        before = self.dossier
        (after,) = gathered([*(held.resource for held in before.with_(*write.replaced).resources), *write.created])
        for each in (*write.created, *write.replaced):
            self._judge(before, after, each, act.actor, act.at)
        if write.what == "submission":
            found = gaps(after, "draft", act.at)
            # Consents follow; of a draft that is a warning.
            if any(gap.gravity == "error" or gap.id != "dossier-consent-missing" for gap in found):
                raise Refused([(gap.id, gap.gravity) for gap in found])
        self.dossier = after
        if write.what == "withdrawal":
            held = after.resolve({"reference": name_of(write.replaced[0])})
            assert held is not None
            agent = {"who": {"identifier": {"system": codes.RPPS, "value": str(act.actor.rpps)}}}
            changes = withdrawal(after, held, agent, act.at)
            ids = self._ids()
            self.dossier = after.with_(*({**each, "id": next(ids)} for each in changes.created), *changes.updated)
        self._settle(act.at)

    def _move(self, move: Move, act: Act) -> None:
        task = self._find(move)
        after: Resource = {**task, "status": move.status, "lastModified": act.at}
        after.pop("statusReason", None)
        if move.status in ("accepted", "rejected"):
            after["owner"] = {**task.get("owner", {}), "identifier": codes.identifier(str(act.actor.organisation))}
        if move.owner is not None:
            after["owner"] = {"identifier": codes.identifier(move.owner)}
        if move.reason is not None:
            after["statusReason"] = concept(codes.MOTIF, move.reason)
        if move.output is not None:
            said = concept(codes.PIECE, "compte-rendu")
            after["output"] = [{"type": said, "valueReference": {"reference": move.output}}]
        others = []
        if move.code == "rcp-amont" and move.status == "completed":
            others = [
                {
                    "resourceType": "Provenance",
                    "id": f"decision-{task['id']}",
                    "target": [{"reference": name_of(task)}],
                    "agent": [{"who": {"identifier": {"system": codes.RPPS, "value": str(act.actor.rpps)}}}],
                }
            ]
        before, self.dossier = self.dossier, self.dossier.with_(after, *others)
        self._judge(before, self.dossier, after, act.actor, act.at)
        self._settle(act.at)

    def _find(self, move: Move) -> Resource:
        found = [
            dict(held.resource)
            for held in self.dossier.tasks(move.code)
            if held.resource["status"] not in OVER
            and held.resource["focus"]["reference"] == f"ServiceRequest/{move.request}"
            and (move.tube is None or f"Specimen/{move.tube}" in str(held.resource.get("input")))
        ]
        if len(found) != 1:
            raise Refused(f"{len(found)} open tasks for {move}")
        return found[0]

    def _judge(self, before: Dossier, after: Dossier, resource: Resource, actor: Actor, at: str) -> None:
        old = before.resolve({"reference": name_of(resource)})
        refusal = allowed(None if old is None else old.resource, resource, actor, after, at)
        if refusal is not None:
            raise Refused(name_of(resource), [issue.text() for issue in refusal.issues])

    def _settle(self, at: str) -> None:
        before = self.dossier
        self.dossier, changes = settled(before, at, self._ids())
        for each in changes.updated:
            self._judge(before, self.dossier, each, SERVER, at)

    def tasks(self) -> list[tuple[str, ...]]:
        return summary([dict(held.resource) for held in self.dossier.tasks()])


def summary(tasks: Sequence[Resource]) -> list[tuple[str, ...]]:
    """What Tasks say, without ids and dates: code, request, tubes, status, where it stands, owner, reason."""
    return sorted(
        (
            str(task_code(task)),
            task["focus"]["reference"],
            ",".join(each["valueReference"]["reference"] for each in task.get("input", ())),
            task["status"],
            str(codes.code(task.get("businessStatus"), codes.ETAPE)),
            str(codes.token(task.get("owner", {}).get("identifier"))),
            str(codes.code(task.get("statusReason"), codes.MOTIF)),
        )
        for task in tasks
    )
