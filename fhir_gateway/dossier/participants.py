"""Who takes part, and whether that is what the examination asks for: one proband, once each, solo to quatuor.

Source: `terminology/pfmg/CodeSystem-pfmg-examen.json`; GRZ metadata, "exactly one index donor"; genomics-fhir design,
"nombre-participants"; the published strategies (`preindications.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.finding import Finding, person_values
from fhir_gateway.dossier.preindications import preindications

# The least and the most people of an examination; the others (exome, reanalysis) bind no number.
PEOPLE: Final[dict[str, tuple[int, int | None]]] = {
    "wgs-solo": (1, 1),
    "wgs-duo": (2, 2),
    "wgs-trio": (3, 3),
    "wgs-quatuor": (4, None),
    "wgs-tumeur-constit": (1, 1),
    "wgs-wes-rnaseq": (1, 1),
}


def no_proband(dossier: Dossier, at: str) -> Iterator[Finding]:
    if dossier.people and not dossier.probands:
        yield Finding(dossier.people[0].request.at("category"))


def several_probands(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.probands[1:]:
        yield Finding(person.request.at("category"))


def same_person_twice(dossier: Dossier, at: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for person in dossier.people:
        if person.key and person.key in seen:
            yield Finding(person.request.at("subject"), person_values(person))
        seen.add(person.key)


def number_of_people(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield the proband's examination when it is for fewer or more people than take part."""
    proband = dossier.proband
    if proband is None:
        return
    examen = codes.code(proband.request.resource.get("code"), codes.EXAMEN)
    least, most = PEOPLE.get(examen or "", (1, None))
    count = len(dossier.people)
    if count < least or (most is not None and count > most):
        wanted = str(least) if least == most else f"≥ {least}"
        yield Finding(proband.request.at("code"), {"examen": str(examen), "wanted": wanted, "count": str(count)})


def announced_number(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield the number of participants announced when it is not how many take part."""
    for person in dossier.probands:
        announced = participants(person.request.resource)
        if announced is not None and announced != len(dossier.people):
            values = {"announced": str(announced), "count": str(len(dossier.people))}
            yield Finding(person.request.at(f"extension.where(url = '{codes.PARTICIPANTS}')"), values)


def participants(request: codes.Resource) -> int | None:
    """Return the number of participants that a request announces, the proband included; None: it announces none."""
    held = codes.extension(request, codes.PARTICIPANTS)
    number = held.get("valueInteger", held.get("valuePositiveInt")) if held is not None else None
    return int(number) if number is not None else None


def exams_differ(dossier: Dossier, at: str) -> Iterator[Finding]:
    proband = dossier.proband
    wanted = codes.code(proband.request.resource.get("code"), codes.EXAMEN) if proband is not None else None
    for person in dossier.relatives:
        own = codes.code(person.request.resource.get("code"), codes.EXAMEN)
        if wanted is not None and own is not None and own != wanted:
            values = {**person_values(person), "own": own, "wanted": wanted}
            yield Finding(person.request.at("code"), values)


def strategy_not_followed(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield the proband's examination when fewer take part than the published strategy asks, without a reason."""
    proband = dossier.proband
    known = preindications().get(dossier.preindication or "")
    if proband is None or known is None or known.strategy is None or known.strategy_certainty == "unknown":
        return
    motive = codes.extension(proband.request.resource, codes.MOTIF_STRATEGIE)
    is_new = codes.code(proband.request.resource.get("code"), codes.EXAMEN) not in ("reanalyse", "reinterpretation")
    if is_new and motive is None and len(dossier.people) < known.strategy.people:
        values = {
            "code": known.code,
            "preindication_fr": known.french,
            "preindication_en": known.english,
            "strategy": known.strategy_text,
            "wanted": str(known.strategy.people),
            "count": str(len(dossier.people)),
        }
        certainty = "inferred" if known.strategy.pilot else known.strategy_certainty
        yield Finding(proband.request.at("code"), values, certainty)
