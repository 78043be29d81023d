"""Whether the identities of a dossier agree: one INS one person, an INS only when qualified, traits as the number says.

Source: RNIV and the INS référentiel of the ANS; FR Core 2.2.0, fr-core-patient-ins; SeqOIA's class of non-conformity
"donnée démographique".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, Person
from fhir_gateway.dossier.finding import Finding, person_values
from fhir_gateway.dossier.forms import is_fetus
from fhir_gateway.terminology.french_identifiers import is_ins

_FR_CORE: Final = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-"
# Which codes of which system say "qualified". FR Core 2.2.0 and table 0445 say VALI for it (and for a mere check of
# papers too: there VALI is let pass); the working versions after it have the four statuses of RNIV.
_QUALIFIED: Final[Mapping[str, frozenset[str]]] = {
    codes.STATUT_IDENTITE: frozenset({"QUAL"}),
    f"{_FR_CORE}identity-status": frozenset({"QUAL"}),
    f"{_FR_CORE}fiabilite-identite": frozenset({"VALI"}),
    f"{_FR_CORE}v2-0445": frozenset({"VALI"}),
}


def patients_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        if person.patient is None:
            yield Finding(person.request.at("subject"), person_values(person))


def numbers_shared(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a person whose INS number another person of the dossier has too."""
    seen: dict[str, str] = {}
    for person in dossier.people:
        for place, value in _ins(person):
            if seen.setdefault(value, person.key) != person.key:
                yield Finding(place, person_values(person))


def numbers_unqualified(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield an INS number on an identity that says itself to be anything but qualified."""
    for person in dossier.people:
        numbers = list(_ins(person))
        status = _status(person)
        if numbers and status is not None and status[1] not in _QUALIFIED[status[0]]:
            yield Finding(numbers[0][0], {**person_values(person), "status": status[1]})


def numbers_mistyped(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        for place, value in _ins(person):
            if not is_ins(value):
                yield Finding(place, person_values(person))


def traits_contradict(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield an INS number whose sex, year or month is not that of the Patient: to be looked at, it may be right."""
    for person in dossier.people:
        for place, value in _ins(person):
            if person.patient is not None and is_ins(value) and _contradicts(value, person.patient.resource):
                yield Finding(place, person_values(person))


def sex_unknown(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        if person.patient is None or is_fetus(dossier, person):
            continue
        if person.patient.resource.get("gender") not in ("male", "female"):
            yield Finding(person.patient.at("gender"), person_values(person))


def _ins(person: Person) -> Iterator[tuple[str, str]]:
    if person.patient is None:
        return
    for number, each in enumerate(person.patient.resource.get("identifier", ())):
        if each.get("system") in codes.INS and "value" in each:
            yield person.patient.at(f"identifier[{number}].value"), str(each["value"])


def _status(person: Person) -> tuple[str, str] | None:
    """Return (system, code) of the identity's status wherever an extension of the Patient holds it, or None."""
    if person.patient is None:
        return None
    for coding in _codings(person.patient.resource.get("extension", ())):
        if coding.get("system") in _QUALIFIED and "code" in coding:
            return str(coding["system"]), str(coding["code"])
    return None


def _codings(extensions: Any) -> Iterator[Mapping[str, Any]]:
    for each in extensions:
        if "valueCoding" in each:
            yield each["valueCoding"]
        yield from each.get("valueCodeableConcept", {}).get("coding", ())
        yield from _codings(each.get("extension", ()))


def _contradicts(value: str, patient: codes.Resource) -> bool:
    sex, year, month = value[0], value[1:3], value[3:5]
    gender, birth = patient.get("gender"), str(patient.get("birthDate", ""))
    # 7 and 8 are waiting numbers, 3 and 4 foreigners being registered: men have the odd ones.
    if gender in ("male", "female") and (sex in "137") != (gender == "male"):
        return True
    if len(birth) >= 4 and birth[2:4] != year:
        return True
    # Months above 12 stand for a month that was not known.
    return len(birth) >= 7 and "01" <= month <= "12" and birth[5:7] != month
