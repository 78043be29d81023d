"""Dossiers as a gateway holds them on the way: from draft to closure, and where they went wrong or ended early.

Source: genomics design, "Workflow"; `terminology/pfmg/CodeSystem-pfmg-etape.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.cases import cases
from fhir_gateway.demo_dossiers.course import PACE, Plan, acts
from fhir_gateway.demo_dossiers.resources import Resource
from fhir_gateway.demo_dossiers.standing import Standing

# A rare disease at the published median, 202 days; a cancer, 45.
_DAYS: Final = {"MR": 2.02, "OC": 2.02, "KC": 0.45}


@dataclass(frozen=True, slots=True)
class Stage:
    """`case`: a name of `cases`; `last`: the step after which it is told; `stop`: the act with which it ends sooner.

    `plan`: what goes wrong and what is found.
    """

    case: str
    last: str | None = None
    stop: Callable[[Act], bool] | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)

    def planned(self) -> Plan:
        prescription = cases()[self.case]
        days = {step: each * _DAYS[prescription.parcours] for step, each in PACE.items()}
        return Plan(prescription, days, **self.plan)

    def acts(self) -> list[Act]:
        told = list(acts(self.planned(), self.last))
        if self.stop is None:
            return told
        before = list(takewhile(lambda act: not self.stop(act), told))  # type: ignore[misc]
        return told[: len(before) + 1]

    def resources(self) -> list[Resource]:
        return list(Standing().play(self.acts()).resources.values())


def _moved(code: str, status: str) -> Callable[[Act], bool]:
    return lambda act: isinstance(act.deed, Move) and (act.deed.code, act.deed.status) == (code, status)


def _wrote(what: str) -> Callable[[Act], bool]:
    return lambda act: isinstance(act.deed, Write) and act.deed.what == what


_FOUND: Final = {"conclusion": "positive", "change": results.GERMLINE[1]}
_TUMOUR: Final = {"conclusion": "positive", "change": results.SOMATIC[0], "markers": True}

STAGES: Final[Mapping[str, Stage]] = {
    "01-draft": Stage("trio", "submission"),
    "02-refused-by-the-rcp": Stage("trio", stop=_moved("rcp-amont", "rejected"), plan={"refused": True}),
    "03-validated-by-the-rcp": Stage("solo", "rcp"),
    "04-consents-obtained": Stage("solo", "tubes"),
    "05-active": Stage("trio", "finalised"),
    "06-tube-not-conform": Stage("solo", stop=_moved("reception-prelevement", "failed"), plan={"bad_tube": 0}),
    "07-tube-replaced": Stage("solo", "reception-prelevement", plan={"bad_tube": 0}),
    "08-sequencing-failed": Stage("solo", stop=_moved("sequencage", "failed"), plan={"failed_run": 0}),
    "09-sequenced": Stage("trio", "sequencage"),
    "10-in-analysis": Stage("solo", stop=_moved("analyse-bioinfo", "in-progress")),
    "11-awaiting-interpretation": Stage("solo", "analyse-bioinfo"),
    "12-report-signed": Stage("trio", stop=_wrote("report"), plan=_FOUND),
    "13-restituted": Stage("trio", "restitution", plan=_FOUND),
    "14-closed": Stage("trio", plan=_FOUND),
    "15-closed-without-a-finding": Stage("solo"),
    "16-tumour-sequenced": Stage("solid-tumour", "sequencage"),
    "17-tumour-closed": Stage("solid-tumour", plan=_TUMOUR),
    "18-leukaemia-restituted": Stage("leukaemia", "restitution", plan=_TUMOUR),
    "19-oncogenetics-restituted": Stage(
        "oncogenetics", "restitution", plan={"conclusion": "uncertain", "change": results.GERMLINE[3]}
    ),
    "20-fetus-restituted": Stage("fetus", "restitution", plan=_FOUND),
    "21-reanalysis-closed": Stage("reanalysis"),
    "22-cancelled": Stage("solo", plan={"ending": "cancelled", "ends_after": "finalised"}),
    "23-consent-withdrawn": Stage("solo", plan={"ending": "withdrawn"}),
    "24-withdrawn-and-revoked": Stage("trio", plan={"ending": "withdrawn-revoked"}),
}
