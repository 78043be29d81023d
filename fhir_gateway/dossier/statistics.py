"""How many dossiers there are, where they stand and how long they take, by groups large enough to be told.

"80/20": the published figures part rare disease with oncogenetics (constitutional, about 80 %) from cancer (about
20 %), whose delays differ by months (medians of 202 and 45 days to the end of 2023); each group has its share, its
median, and the delays that the fastest 20 and 80 of 100 keep to.

Source: PFMG2025 in The Lancet Regional Health - Europe, 2024 (lanepe.2024.101183); `masking.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from fhir_gateway.dossier.consents_held import exam_decision
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.masking import THRESHOLD, masked
from fhir_gateway.dossier.preindications import principal
from fhir_gateway.dossier.routing import territories
from fhir_gateway.dossier.timeline import MILESTONES, timeline

Group = Literal["constitutionnel", "cancer"]
UNKNOWN: Final = "-"


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a dossier is kept for statistics: no person, no number.

    `parcours`, `preindication`: codes as its requests have them; `platform`: identifiers of the structures that
    perform, ascending; `created`: a date. `delays`: days from creation to a milestone.
    """

    parcours: str | None
    preindication: str | None
    platform: tuple[str, ...]
    etape: str
    created: str | None
    delays: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Case:
    """What statistics need of a dossier: no person, no number. `delays`: days from creation to a milestone."""

    group: Group
    preindication: str
    platform: str
    etape: str
    month: str
    delays: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Delay:
    """Days: half of the dossiers took at most `median`, 20 of 100 at most `p20`, 80 of 100 at most `p80`."""

    median: int
    p20: int
    p80: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One line. `count`: None when it is masked, and then nothing else is told. `share`: of the total, in percent.

    `delays`: by milestone, where at least the threshold of dossiers reached it; how many did is not told.
    """

    key: str
    count: int | None
    share: float | None = None
    delays: Mapping[str, Delay] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statistics:
    """`total`: None when there are too few dossiers for anything. Of a breakdown: None when it is withheld.

    `preindications`: by group, since they divide it.
    """

    total: int | None
    delays: Mapping[str, Delay]
    groups: tuple[Cell, ...] | None
    preindications: Mapping[str, tuple[Cell, ...] | None]
    platforms: tuple[Cell, ...] | None
    steps: tuple[Cell, ...] | None
    months: tuple[Cell, ...] | None


def facts_of(dossier: Dossier, now: str) -> Facts:
    """Return what is kept of a dossier for statistics, as it is at an instant."""
    told = timeline(dossier, now)
    return Facts(
        parcours=dossier.parcours,
        preindication=dossier.preindication,
        platform=tuple(sorted(dossier.platform)),
        etape=told.etape,
        created=told.date("creation"),
        delays={each.code: each.days for each in told.milestones if each.days is not None and each.code != "creation"},
    )


def holds_until(dossier: Dossier, now: str) -> int | None:
    """Return the first instant (µs) at which the facts may be others though nothing is written; None: there is none.

    A consent may end, or begin, at a date that it names.
    """
    ends = (exam_decision(dossier, person, now).until for person in dossier.people)
    return min((each for each in ends if each is not None), default=None)


def case_from(facts: Facts) -> Case:
    """Return what statistics need of a dossier's facts, by the préindications and platforms as they are known now."""
    return Case(
        group="cancer" if facts.parcours == "KC" else "constitutionnel",
        preindication=principal(facts.preindication) if facts.preindication is not None else UNKNOWN,
        platform=_platform(facts.platform),
        etape=facts.etape,
        month=facts.created[:7] if facts.created is not None else UNKNOWN,
        delays=facts.delays,
    )


def case_of(dossier: Dossier, now: str) -> Case:
    """Return what statistics need of a dossier."""
    return case_from(facts_of(dossier, now))


@lru_cache(256)
def _platform(identifiers: tuple[str, ...]) -> str:
    """Return the code of the platform (pfmg-plateforme), its number where it has none, "-" where there is none."""
    for proposal in territories().values():
        if not proposal.identifiers.isdisjoint(identifiers):
            return proposal.platform
    return min(identifiers, default=UNKNOWN)


def statistics(cases: Iterable[Case], threshold: int = THRESHOLD) -> Statistics:
    """Return the statistics of cases, with every cell under the threshold masked and none derivable from the totals."""
    held = list(cases)
    if len(held) < threshold:
        return Statistics(None, {}, None, {}, None, None, None)
    groups = _breakdown(held, lambda each: each.group, len(held), threshold)
    visible = {cell.key for cell in groups or () if cell.count is not None}

    def within(group: str) -> tuple[Cell, ...] | None:
        # Cells that divide a masked total would give it away: they are withheld with it.
        if group not in visible:
            return None
        return _breakdown(
            [each for each in held if each.group == group], lambda each: each.preindication, len(held), threshold
        )

    return Statistics(
        total=len(held),
        delays=_delays(held, threshold),
        groups=groups,
        preindications={group: within(group) for group in sorted({each.group for each in held})},
        platforms=_breakdown(held, lambda each: each.platform, len(held), threshold),
        steps=_breakdown(held, lambda each: each.etape, len(held), threshold),
        months=_breakdown(held, lambda each: each.month, len(held), threshold),
    )


def _breakdown(
    cases: Sequence[Case], key: Callable[[Case], str], total: int, threshold: int
) -> tuple[Cell, ...] | None:
    parts: dict[str, list[Case]] = {}
    for case in cases:
        parts.setdefault(key(case), []).append(case)
    told = masked({name: len(each) for name, each in parts.items()}, threshold)
    if told is None:
        return None
    return tuple(_cell(name, told[name], parts[name], total, threshold) for name in sorted(told))


def _cell(name: str, count: int | None, cases: Sequence[Case], total: int, threshold: int) -> Cell:
    if count is None:
        return Cell(name, None)
    return Cell(name, count, round(100 * count / total, 1), _delays(cases, threshold))


def _delays(cases: Sequence[Case], threshold: int) -> dict[str, Delay]:
    found: dict[str, Delay] = {}
    for milestone in MILESTONES:
        days = sorted(each.delays[milestone] for each in cases if milestone in each.delays)
        if len(days) >= threshold:
            found[milestone] = Delay(_at(days, 0.5), _at(days, 0.2), _at(days, 0.8))
    return found


def _at(days: Sequence[int], part: float) -> int:
    """Return the smallest value that a part of the values do not exceed (nearest rank): always one that occurred."""
    return days[max(0, math.ceil(part * len(days)) - 1)]
