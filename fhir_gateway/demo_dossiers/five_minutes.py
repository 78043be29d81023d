"""The dossier of the README's five minutes: what is posted on the way, as files that curl sends.

Source: README.md, "Five minutes"; `fhir_gateway/demo_dossiers/course.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Write
from fhir_gateway.demo_dossiers.course import PACE, Plan, acts
from fhir_gateway.demo_dossiers.invented import Person, ins_for_tests, professionals, structures
from fhir_gateway.demo_dossiers.prescription import Member, Prescription
from fhir_gateway.demo_dossiers.resources import Resource
from fhir_gateway.demo_dossiers.standing import Standing
from fhir_gateway.demo_dossiers.submission import transaction
from fhir_gateway.fhir.data_folder import data_folder

NUMBER: Final = "MR-2026-0100"
_BIRTH: Final = "1988-09-21"
_PERSON: Final = Person(
    "readme", "ESSAI-PERVENCHE", ("Lou",), "female", _BIRTH, ins_for_tests("female", _BIRTH, 999_999), "IPP-README"
)


def folder() -> Path:
    return data_folder("profiles") / "examples" / "demo"


def plan() -> Plan:
    sign = ("HP:0011675", "Arythmie", True)
    prescription = Prescription(
        NUMBER, "MR", "F-02", "wgs-solo", professionals()["prescripteur"], structures()["auragen"], "2026-03-02",
        (Member("index", _PERSON, "mr-majeur", is_affected=True, signs=(sign,)),), documents=("fiche-rcp",),
    )  # fmt: skip
    return Plan(prescription, dict(PACE), by_assistant=False, conclusion="positive", change=results.GERMLINE[1])


def files() -> Iterator[tuple[str, Resource]]:
    """Yield each file of the folder: its name, and the transaction that it holds."""
    standing = Standing()
    consents: list[Resource] = []
    for act in acts(plan(), "restitution"):
        if isinstance(act.deed, Write):
            if act.deed.what == "submission":
                yield "prescription.json", act.deed.bundle(standing.resources)
            elif act.deed.what in ("consent", "specimens"):
                consents += act.deed.created
            elif act.deed.what == "report":
                yield "report.json", act.deed.bundle(standing.resources)
        if _ends_the_gathering(act):
            submitted = {name: each for name, each in standing.resources.items() if each not in consents}
            yield "consents-and-tube.json", transaction(consents, (), submitted)
        standing.do(act)


def _ends_the_gathering(act: Act) -> bool:
    return isinstance(act.deed, Write) and act.deed.what == "finalise"
