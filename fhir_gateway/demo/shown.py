"""The dossiers that the demonstration opens on, one in each state, and the trio of its story; told up to today.

Source: `terminology/pfmg/CodeSystem-pfmg-etape.json`; `fhir_gateway/demo_dossiers/course.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import takewhile
from typing import Any, Final

from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Move
from fhir_gateway.demo_dossiers.course import PACE, Plan, acts
from fhir_gateway.demo_dossiers.families import family
from fhir_gateway.demo_dossiers.invented import professionals, structures
from fhir_gateway.demo_dossiers.prescription import Prescription

_FOUND: Final[Mapping[str, Any]] = {"conclusion": "positive", "change": results.GERMLINE[1]}
# The whole course takes 114 days of this pace, so that today is after the last of them.
DAYS: Final = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """A dossier of the demonstration. `last`: the step after which it stands (a name of PACE, or "submission"), or
    `stop`: the move (code, status) with which it ends sooner.

    `asked`: préindication, examination, prescriber, by their keys. `plan`: what goes wrong, what is found.
    """

    number: str
    english: str
    french: str
    last: str | None = None
    stop: tuple[str, str] | None = None
    asked: tuple[str, str, str] = ("F-49", "wgs-trio", "prescripteur")
    plan: Mapping[str, Any] = field(default_factory=dict)

    def acts(self, today: date) -> list[Act]:
        told = list(acts(planned(self.number, int(self.number[-2:]), today, *self.asked, **self.plan), self.last))
        if self.stop is None:
            return told
        before = list(takewhile(lambda act: not self._stops(act), told))
        return told[: len(before) + 1]

    def _stops(self, act: Act) -> bool:
        return isinstance(act.deed, Move) and (act.deed.code, act.deed.status) == self.stop


_SOLO: Final = ("F-02", "wgs-solo", "prescripteur")
SHOWN: Final[tuple[Shown, ...]] = (
    Shown("MR-DEMO-01", "a draft that waits for the RCP", "un brouillon qui attend la RCP", "submission"),
    Shown(
        "MR-DEMO-02", "sent back by the RCP", "renvoyé par la RCP", stop=("rcp-amont", "rejected"),
        plan={"refused": True},
    ),
    Shown("MR-DEMO-03", "validated, consents to come", "validé, consentements attendus", "rcp", asked=_SOLO),
    Shown("MR-DEMO-04", "ready to be finalised", "prêt à être finalisé", "tubes", asked=_SOLO),
    Shown("MR-DEMO-05", "with the platform, tubes awaited", "à la plateforme, tubes attendus", "finalised"),
    Shown(
        "MR-DEMO-06", "a tube is not conform", "un tube n'est pas conforme", stop=("reception-prelevement", "failed"),
        asked=_SOLO, plan={"bad_tube": 0},
    ),
    Shown("MR-DEMO-07", "to be sequenced", "à séquencer", "preparation", asked=_SOLO),
    Shown("MR-DEMO-08", "waits for the analysis", "attend l'analyse", "sequencage", asked=_SOLO),
    Shown(
        "KC-DEMO-09", "a tumour of another hospital, with another platform",
        "une tumeur d'un autre hôpital, à l'autre plateforme", "analyse-bioinfo",
        asked=("F-82", "wgs-tumeur-constit", "oncologue"),
    ),
    Shown("MR-DEMO-10", "reported and given back", "rendu", "restitution", asked=_SOLO, plan=_FOUND),
    Shown("MR-DEMO-11", "closed", "clos", asked=_SOLO),
    Shown(
        "MR-DEMO-12", "cancelled", "annulé", asked=_SOLO, plan={"ending": "cancelled", "ends_after": "finalised"},
    ),
    Shown(
        "MR-DEMO-13", "stopped by a withdrawn consent", "arrêté par un consentement retiré", asked=_SOLO,
        plan={"ending": "withdrawn", "ends_after": "reception-prelevement"},
    ),
)  # fmt: skip


def shown(today: date) -> Iterator[tuple[str, list[Act]]]:
    """Yield the number and the acts of each dossier."""
    for each in SHOWN:
        yield each.number, each.acts(today)


def planned(
    number: str, serial: int, today: date, preindication: str, examen: str, prescriber: str, **plan: Any
) -> Plan:
    """Return the plan of an invented dossier that was begun so long ago that its whole course lies before today.

    `serial`: of the INS numbers of its people, other ones for each.
    """
    parcours = number.partition("-")[0]
    who = professionals()[prescriber]
    begun = today - timedelta(days=DAYS)
    chance = random.Random(serial)
    is_child = preindication == "F-49"
    made = family(chance, number, serial * 7, parcours, preindication, examen, begun, is_child)
    is_tumour = parcours == "KC"
    prescription = Prescription(
        number, parcours, preindication, examen, who,
        structures()["auragen" if who.structure == "valmont" else "seqoia"], begun.isoformat(), made.members,
        documents=("fiche-rcp", "anatomopathologie") if is_tumour else ("fiche-rcp",),
        cellularity=60 if is_tumour else None,
    )  # fmt: skip
    return Plan(prescription, dict(PACE), **{"by_assistant": False, **plan})
