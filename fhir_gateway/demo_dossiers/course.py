"""The course of a dossier, from submission to closure, as acts: when each step is done and what goes wrong on the way.

Source: genomics design, "Workflow"; PFMG care pathway (RCP d'amont, consents, tubes, platform, report, RCP d'aval);
delays as `dossiers.py` draws them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.invented import Professional, colleague, professionals, structures
from fhir_gateway.demo_dossiers.prescription import Member, Prescription, consents, request, specimens, submitted
from fhir_gateway.demo_dossiers.resources import Resource, identifier_system, profiled, provenance, to_structure
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.tasks import SKIPPED
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Ending = Literal["cancelled", "withdrawn", "withdrawn-revoked"]
NON_CONFORMITIES: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-non-conformite"
BENCH: Final = ("reception-prelevement", "preparation", "sequencage")
# In days for a median of 100 from creation to report: when each step is done.
PACE: Final = {
    "rcp": 6.0, "consents": 11.0, "tubes": 12.0, "finalised": 15.0, "reception-prelevement": 19.0, "preparation": 26.0,
    "sequencage": 48.0, "analyse-bioinfo": 66.0, "interpretation": 94.0, "restitution": 100.0, "rcp-aval": 106.0,
    "depot-cad": 109.0, "completed": 114.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to a dossier. `days`: when each step of PACE is done, in days since creation, in the order of PACE.

    `refused`: the RCP asks for more first. `bad_tube`, `failed_run`: the number of the member whose tube is not
    conform, whose sequencing fails. `ending`, after the step `ends_after`. `change`: what is found, None with
    "negative"; `markers`: TMB, MSI and HRD are told.
    """

    prescription: Prescription
    days: dict[str, float]
    by_assistant: bool = True
    refused: bool = False
    bad_tube: int | None = None
    failed_run: int | None = None
    ending: Ending | None = None
    ends_after: str = "sequencage"
    conclusion: str = "negative"
    change: results.Change | None = None
    markers: bool = False


class _Clock:
    """Instants that only go on: at the day asked for, or a quarter of an hour after the one before."""

    def __init__(self, day: str) -> None:
        self._start = datetime.fromisoformat(day).replace(hour=8, tzinfo=UTC)
        self._now = self._start

    def at(self, day: float = 0) -> str:
        wanted = self._start + timedelta(days=int(day))
        self._now = max(wanted, self._now + timedelta(minutes=15))
        return self._now.strftime("%Y-%m-%dT%H:%M:00Z")


def acts(plan: Plan, last: str | None = None) -> Iterator[Act]:
    """Yield what is done to a dossier, in the order of time; with `last` no further than that step ("submission", or
    one of PACE)."""
    yield from _Course(plan).acts(last)


class _Course:
    def __init__(self, plan: Plan) -> None:
        prescription = plan.prescription
        self.plan, self.prescription, self.clock = plan, prescription, _Clock(prescription.authored)
        self.prescriber = prescription.prescriber
        self.assistant = colleague(prescription.hospital.key, "assistant-prescription")
        self.coordinator = professionals()["coordonnatrice"]
        self.biologist = colleague(prescription.platform.key, "biologiste-lbm")
        self.platform = Acting("plateforme", prescription.platform.token)
        self.tubes: dict[str, list[Resource]] = {}
        self.requests = {each.key: request(prescription, each) for each in prescription.members}
        self.consents: dict[str, Resource] = {}

    def acts(self, last: str | None) -> Iterator[Act]:
        for name, step in self._steps():
            yield from step
            if self.plan.ending is not None and name == self.plan.ends_after:
                yield from self._ended()
                return
            if name == last:
                return

    def _steps(self) -> Iterator[tuple[str, Iterator[Act]]]:
        examen = self.prescription.examen
        yield "submission", self._submitted()
        yield "rcp", self._decided()
        yield "consents", self._consented()
        if examen not in SKIPPED:
            yield "tubes", self._sampled()
        yield "finalised", self._finalised()
        for code in BENCH:
            if code not in SKIPPED.get(examen, ()):
                yield code, self._at_the_bench(code)
        if "analyse-bioinfo" not in SKIPPED.get(examen, ()):
            yield "analyse-bioinfo", self._of_the_dossier("analyse-bioinfo", self.platform)
        yield "interpretation", self._of_the_dossier("interpretation", self.biologist.acting)
        yield "restitution", self._reported()
        yield "rcp-aval", self._discussed()
        yield "depot-cad", self._of_the_dossier("depot-cad", self.platform)
        yield "completed", self._completed()

    # --- at the hospital

    def _submitted(self) -> Iterator[Act]:
        who = self.assistant if self.plan.by_assistant else self.prescriber
        yield Act(self.clock.at(), who.acting, Write("submission", tuple(submitted(self.prescription))))

    def _decided(self) -> Iterator[Act]:
        proband = self._id(self.prescription.proband)
        day = self.plan.days["rcp"]
        who = self.coordinator.acting
        yield self._addressed("rcp-amont", self.assistant if self.plan.by_assistant else self.prescriber)
        if self.plan.refused:
            refusal = Move("rcp-amont", proband, "rejected", reason="rcp-complement")
            yield Act(self.clock.at(day * 0.6), who, refusal)
            at = self.clock.at(day * 0.8)
            yield Act(at, self.prescriber.acting, Write("again", (self._asked_again(at),)))
        yield from self._moves(who, Move("rcp-amont", proband, "completed"), day)

    def _asked_again(self, at: str) -> Resource:
        """Return the Task by which the prescriber asks the RCP again."""
        proband = self.requests[self.prescription.proband.key]
        return {
            **profiled("Task", f"{self.prescription.slug}-rcp-2", "task"),
            "identifier": [{"system": identifier_system("tache"), "value": f"{self.prescription.number}-rcp-2"}],
            "groupIdentifier": proband["requisition"],
            "status": "requested",
            "businessStatus": concept(codes.ETAPE, "attente-rcp"),
            "intent": "order",
            "priority": proband["priority"],
            "code": concept(codes.TACHE, "rcp-amont"),
            "focus": {"reference": f"ServiceRequest/{proband['id']}"},
            "for": proband["subject"],
            "authoredOn": at,
            "lastModified": at,
            "requester": proband["requester"],
            "owner": to_structure(structures()[self.coordinator.structure]),
        }

    def _addressed(self, code: str, who: Professional) -> Act:
        """Tell which RCP is asked: without that no coordinator would see the dossier."""
        asked = structures()[self.coordinator.structure].token
        move = Move(code, self._id(self.prescription.proband), "requested", owner=asked)
        return Act(self.clock.at(), who.acting, move)

    def _consented(self) -> Iterator[Act]:
        for member in self.prescription.members:
            at = self.clock.at(self.plan.days["consents"])
            made = consents(self.prescription, member, at)
            self.consents[member.key] = next(each for each in made if each["resourceType"] == "Consent")
            yield Act(at, self.assistant.acting, Write("consent", tuple(made)))

    def _sampled(self) -> Iterator[Act]:
        at = self.clock.at(self.plan.days["tubes"])
        made: list[Resource] = []
        for member in self.prescription.members:
            taken = specimens(self.prescription, member, at[:10])
            self.tubes[member.key] = [each for each in taken if each["resourceType"] == "Specimen"]
            made += taken
        yield Act(at, self.assistant.acting, Write("specimens", tuple(made)))

    def _finalised(self) -> Iterator[Act]:
        yield Act(
            self.clock.at(self.plan.days["finalised"]),
            self.prescriber.acting,
            Write("finalise", (), self._all("active")),
        )

    def _completed(self) -> Iterator[Act]:
        yield Act(
            self.clock.at(self.plan.days["completed"]), self.prescriber.acting,
            Write("completed", (), self._all("completed")),
        )  # fmt: skip

    def _all(self, status: str) -> tuple[Resource, ...]:
        self.requests = {key: {**each, "status": status} for key, each in self.requests.items()}
        return tuple(self.requests.values())

    # --- at the platform

    def _at_the_bench(self, code: str) -> Iterator[Act]:
        day = self.plan.days[code]
        for number, member in enumerate(self.prescription.members):
            for tube in list(self.tubes[member.key]):
                if code == BENCH[0]:
                    yield from self._received(member, tube, day, bad=number == self.plan.bad_tube)
                    continue
                own = self._tubes(member)[self.tubes[member.key].index(tube)]
                move = Move(code, self._id(member), "completed", tube=own)
                if code == "sequencage" and number == self.plan.failed_run:
                    failed = Move(code, self._id(member), "failed", tube=own, reason="echec-sequencage")
                    yield from self._moves(self.platform, failed, day * 0.9)
                yield from self._moves(self.platform, move, day)

    def _received(self, member: Member, tube: Resource, day: float, bad: bool) -> Iterator[Act]:
        code = BENCH[0]
        if bad and tube is self.tubes[member.key][0]:
            at = self.clock.at(day * 0.8)
            yield Act(at, self.platform, Move(code, self._id(member), "accepted", tube=tube["id"]))
            yield Act(self.clock.at(), self.platform, Move(code, self._id(member), "in-progress", tube=tube["id"]))
            lost = {
                **tube,
                "status": "unsatisfactory",
                "receivedTime": at,
                "condition": [concept(NON_CONFORMITIES, "prelevement", "Tube hémolysé")],
            }
            yield Act(self.clock.at(), self.platform, Write("non-conform", (), (lost,)))
            failed = Move(code, self._id(member), "failed", tube=tube["id"], reason="prelevement-non-conforme")
            yield Act(self.clock.at(), self.platform, failed)
            again = {**tube, "id": f"{tube['id']}-bis"}
            again["identifier"] = [{**each, "value": f"{each['value']}-bis"} for each in tube["identifier"]]
            at = self.clock.at(day * 0.9)
            again["collection"] = {"collectedDateTime": at[:10]}
            yield Act(at, self.assistant.acting, Write("specimens", (again,)))
            self.tubes[member.key][0] = tube = again
        at = self.clock.at(day)
        arrived = {**tube, "status": "available", "receivedTime": at}
        yield Act(at, self.platform, Write("received", (), (arrived,)))
        yield from self._moves(self.platform, Move(code, self._id(member), "completed", tube=tube["id"]), day)

    def _of_the_dossier(self, code: str, who: Acting) -> Iterator[Act]:
        yield from self._moves(who, Move(code, self._id(self.prescription.proband), "completed"), self.plan.days[code])

    def _discussed(self) -> Iterator[Act]:
        yield self._addressed("rcp-aval", self.prescriber)
        yield from self._of_the_dossier("rcp-aval", self.coordinator.acting)

    def _reported(self) -> Iterator[Act]:
        day = self.plan.days["restitution"]
        made = self._report(self.clock.at(day))
        yield Act(made[-1]["issued"], self.biologist.acting, Write("report", tuple(made)))
        output = f"DiagnosticReport/{made[-1]['id']}"
        done = Move("restitution", self._id(self.prescription.proband), "completed", output=output)
        yield from self._moves(self.biologist.acting, done, day)

    def _report(self, at: str) -> list[Resource]:
        prescription, proband, change = self.prescription, self.prescription.proband, self.plan.change
        tubes = [each for member in prescription.members for each in self._tubes(member)]
        found: list[Resource] = list(results.study(prescription, at, tubes)) if tubes else []
        own = self._tubes(proband)[0] if tubes else None
        if change is not None and own is not None:
            seen = results.variant(prescription, proband, change, at, own)
            found += [seen, results.implication(prescription, proband, change, at, seen["id"])]
        if self.plan.markers and own is not None:
            values = {"tmb": results.tmb("7.5"), "msi": results.msi(False), "hrd": results.hrd(21)}
            found += [results.biomarker(prescription, proband, kind, at, own, value) for kind, value in values.items()]
        named = tubes or [f"{(prescription.based_on or '').lower()}-{proband.key}-tube-1"]
        return [*found, results.report(prescription, self.biologist, self.plan.conclusion, at, named, found)]

    # --- when it ends early

    def _ended(self) -> Iterator[Act]:
        proband = self.prescription.proband
        if self.plan.ending != "cancelled":
            at = self.clock.at()
            consent = self.consents[proband.key]
            provision = {**consent["provision"], "period": {"end": at}}
            withdrawn = {**consent, "status": "inactive", "provision": provision}
            yield Act(at, self.prescriber.acting, Write("withdrawal", (), (withdrawn,)))
        if self.plan.ending != "withdrawn":
            why = "plus-necessaire" if self.plan.ending == "cancelled" else "consentement-retire"
            at = self.clock.at()
            revoked = {**self.requests[proband.key], "status": "revoked"}
            told = provenance(
                f"{self.prescription.slug}-revocation", [f"ServiceRequest/{revoked['id']}"], at, why, self.prescriber,
                self.prescription.hospital,
            )  # fmt: skip
            yield Act(at, self.prescriber.acting, Write("revocation", (told,), (revoked,)))

    # --- words

    def _moves(self, who: Acting, last: Move, day: float) -> Iterator[Act]:
        """Yield a Task accepted, in progress, and as the move says, the last of them on its day."""
        for status in ("accepted", "in-progress"):
            yield Act(self.clock.at(day - 1), who, Move(last.code, last.request, status, tube=last.tube))
        yield Act(self.clock.at(day), who, last)

    def _id(self, member: Member) -> str:
        return self.prescription.id(member)

    def _tubes(self, member: Member) -> list[str]:
        return [each["id"] for each in self.tubes.get(member.key, ())]
