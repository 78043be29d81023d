"""A seeded supply of plausible dossiers: which préindication, who takes part, how long a step takes, what goes wrong.

What is published is followed: the shares of rare disease, oncogenetics and cancer (prescriptions validated in 2023),
the median delays (202 days, 45 in cancer, to the end of 2023), the diagnostic yield, the family strategies. What is not
(préindications among each other, solos and trios, mishaps) is set here, once, and is a guess.

Source: PFMG, letters of 2024 and 2025; Lancet Regional Health Europe 2025 on PFMG's first results; `terminology/`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act
from fhir_gateway.demo_dossiers.course import PACE, Ending, Plan, acts
from fhir_gateway.demo_dossiers.families import MEMBERS, Family, family
from fhir_gateway.demo_dossiers.invented import Professional, professionals, structures
from fhir_gateway.demo_dossiers.prescription import Prescription
from fhir_gateway.demo_dossiers.resources import Resource
from fhir_gateway.demo_dossiers.standing import Standing
from fhir_gateway.dossier.preindications import preindications

UNTIL: Final = date(2026, 11, 1)
# Dossiers are begun over eighteen months: some are done, some have hardly begun.
SPAN_DAYS: Final = 540
# Prescriptions validated in 2023: 8,957 of rare disease, 97 of oncogenetics, 1,791 of cancer.
PARCOURS: Final = {"MR": 8957, "OC": 97, "KC": 1791}
MEDIAN_DAYS: Final = {"MR": 202.0, "OC": 202.0, "KC": 45.0}
SPREAD: Final = {"MR": 0.40, "OC": 0.40, "KC": 0.30}
# Reports with a causal variant, of rare disease and oncogenetics, to the end of 2023.
YIELD: Final = 0.306
# A guess: préindications of large cohorts are asked for more often.
OFTEN: Final = {"F-49": 10, "F-48": 6, "F-51": 3, "F-58": 4, "F-61": 3, "F-01": 3, "F-67": 4, "F-68": 3, "F-29": 3,
                "F-82": 3, "F-78": 5, "F-84": 3, "F-69": 3}  # fmt: skip
CHILDREN: Final = frozenset(
    {"F-10", "F-11", "F-13", "F-18", "F-26", "F-27", "F-41", "F-45", "F-48", "F-49", "F-51", "F-55", "F-57", "F-58",
     "F-59", "F-61", "F-62", "F-64", "F-68", "F-84", "F-85", "F-95"}
)  # fmt: skip
# A guess: how rare diseases are asked for.
EXAMENS: Final = {"wgs-trio": 55, "wgs-solo": 22, "wgs-duo": 16, "wgs-quatuor": 7}
PRESCRIBERS: Final = ("prescripteur", "oncologue", "prescripteur-granit")
_MOTIVE: Final = "Parents décédés ou injoignables ; aucun autre apparenté prélevable."
REFUSED, BAD_TUBE, FAILED_RUN, CANCELLED, WITHDRAWN = 0.05, 0.06, 0.03, 0.03, 0.02


@dataclass(frozen=True, slots=True)
class DemoDossier:
    """One dossier: its plan, and what was done until a day."""

    number: str
    plan: Plan
    acts: tuple[Act, ...]

    def resources(self) -> list[Resource]:
        """Return what a gateway holds of it: the resources with their ids, the server's Tasks among them."""
        return list(Standing().play(self.acts).resources.values())


def dossiers(number: int, seed: int, until: date = UNTIL) -> Iterator[DemoDossier]:
    """Yield plausible dossiers, begun in the eighteen months before a day and told up to it; equal for an equal seed.

    People, hospitals and numbers are invented; a dossier's number holds the seed.
    """
    supply = _Supply(seed, until)
    for place in range(number):
        yield supply.dossier(place)


class _Supply:
    def __init__(self, seed: int, until: date) -> None:
        self._random = random.Random(seed)
        self._seed, self._until = seed, until
        self._end = f"{until.isoformat()}T23:59:59Z"
        self._codes = {parcours: _codes(parcours) for parcours in PARCOURS}

    def dossier(self, place: int) -> DemoDossier:
        chance = self._random
        parcours = _drawn(chance, PARCOURS)
        begun = self._until - timedelta(days=chance.randrange(SPAN_DAYS))
        number = f"{parcours}-{self._seed:03}-{place + 1:05}"
        # No two people of a seed have the same INS number; those of two seeds may, rarely.
        serial = (self._seed * 250_007 + place * 5) % 1_000_000
        plan = self._plan(number, serial, parcours, begun)
        done = tuple(act for act in acts(plan) if act.at <= self._end)
        return DemoDossier(number, plan, done)

    def _plan(self, number: str, serial: int, parcours: str, begun: date) -> Plan:
        chance = self._random
        prescription = self._prescription(number, serial, parcours, begun)
        median = MEDIAN_DAYS[parcours] * chance.lognormvariate(0, SPREAD[parcours])
        change = self._change(parcours)
        people = len(prescription.members)
        ending: Ending | None = None
        fate = chance.random()
        if fate < CANCELLED:
            ending = "cancelled"
        elif fate < CANCELLED + WITHDRAWN:
            ending = chance.choice(("withdrawn", "withdrawn-revoked"))
        return Plan(
            prescription,
            self._days(median),
            by_assistant=chance.random() < 0.6,
            refused=chance.random() < REFUSED,
            bad_tube=chance.randrange(people) if chance.random() < BAD_TUBE else None,
            failed_run=chance.randrange(people) if chance.random() < FAILED_RUN else None,
            ending=ending,
            ends_after=chance.choice(("finalised", "reception-prelevement", "sequencage")),
            conclusion="negative" if change is None else "positive" if change.acmg >= 4 else "uncertain",
            change=change,
            markers=parcours == "KC",
        )

    def _days(self, median: float) -> dict[str, float]:
        """Return when each step is done: each takes its part of the whole, more or less, after the one before."""
        chance = self._random
        days: dict[str, float] = {}
        at = before = 0.0
        for step, share in PACE.items():
            at += (share - before) * median / 100 * chance.uniform(0.7, 1.3)
            days[step], before = at, share
        return days

    def _change(self, parcours: str) -> results.Change | None:
        chance = self._random
        if parcours == "KC":
            return chance.choice(results.SOMATIC)
        drawn = chance.random()
        known = [each for each in results.GERMLINE if each.acmg >= 4]
        if drawn < YIELD:
            return chance.choice(known)
        return next(each for each in results.GERMLINE if each.acmg == 3) if drawn < YIELD + 0.08 else None

    def _prescription(self, number: str, serial: int, parcours: str, begun: date) -> Prescription:
        chance = self._random
        code = _drawn(chance, self._codes[parcours])
        examen, motive = self._examen(parcours, code)
        prescriber, platform = self._where()
        urgent = parcours == "KC" and chance.random() < 0.3
        made: Family = family(chance, number, serial, parcours, code, examen, begun, code in CHILDREN)
        return Prescription(
            number, parcours, code, examen, prescriber, structures()[platform], begun.isoformat(), made.members,
            documents=(*_documents(parcours), *preindications()[code].documents),
            motive=motive,
            priority="urgent" if urgent else "routine",
            note="Décision thérapeutique attendue." if urgent else None,
            cellularity=chance.randrange(30, 90) if parcours == "KC" else None,
        )  # fmt: skip

    def _where(self) -> tuple[Professional, str]:
        """Return who prescribes, and the platform that the territory proposes."""
        prescriber = professionals()[self._random.choice(PRESCRIBERS)]
        return prescriber, "auragen" if prescriber.structure == "valmont" else "seqoia"

    def _examen(self, parcours: str, code: str) -> tuple[str, str | None]:
        """Return an examination, and why the published strategy is not followed where it is not."""
        if parcours == "KC":
            return "wgs-tumeur-constit", None
        examen = "wgs-solo" if parcours == "OC" else _drawn(self._random, EXAMENS)
        strategy = preindications()[code].strategy
        if strategy is None or MEMBERS[examen] >= strategy.people:
            return examen, None
        return ("wgs-trio", None) if self._random.random() < 0.9 else (examen, _MOTIVE)


def _documents(parcours: str) -> tuple[str, ...]:
    return ("fiche-rcp", "anatomopathologie") if parcours == "KC" else ("fiche-rcp",)


def _codes(parcours: str) -> dict[str, int]:
    """Return the first codes of the préindications of a pathway, each with how often it is asked for."""
    known = preindications().values()
    return {
        each.code: OFTEN.get(each.code, 1)
        for each in known
        if each.code == each.principal and each.parcours == parcours
    }


def _drawn(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
