"""Which consent form is the right one for a person, and who signs it.

Eight forms were published (versions of 15 May 2019 and April 2020). For who has none among them (an adult who died, a
living fetus, a protected adult with cancer …) nothing is expected: what is unknown is no rule.

Source: the blank forms of the PFMG in GenomeCAD/checkconsents; code de la santé publique, R1131-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import Dossier, Person
from fhir_gateway.dossier.preindications import Certainty
from fhir_gateway.fhir.primitives import interval_of

MAJORITY = 18
# Who signs for the person: everything but an adult's own form.
SIGNED_BY_ANOTHER = frozenset({"mr-mineur", "mr-majeur-tutelle", "mr-mineur-decede", "foetus-decede", "cancer-mineur"})
# Roles of v3-RoleCode by which a RelatedPerson represents an adult under guardianship.
GUARDIANS = frozenset({"GUARD", "GUADLTM", "HPOWATT", "POWATT", "DPOWATT"})
FETAL_EDGES = frozenset({"NFTHF", "NMTHF"})


@dataclass(frozen=True, slots=True)
class Expected:
    """The forms that fit a person (codes of pfmg-formulaire), and how surely that is known."""

    forms: tuple[str, ...]
    certainty: Certainty


def form_of(consent: Resource) -> str | None:
    return codes.code(consent.get("category"), codes.FORMULAIRE)


def is_care(consent: Resource) -> bool:
    """Tell whether this is the consent to the examination, and not the separate one to research."""
    scopes = {each.get("code") for each in consent.get("scope", {}).get("coding", ())}
    return "research" not in scopes


def expected(dossier: Dossier, person: Person, at: str) -> Expected | None:
    """Return which forms fit a person at the date of signature `at`; None where no published form is known to.

    A birth date too vague to tell a minor from an adult lets both forms pass.
    """
    if person.patient is None:
        return None
    patient = person.patient.resource
    if is_fetus(dossier, person):
        return Expected(("foetus-decede",), "sourced") if is_deceased(patient) else None
    ages = is_minor(patient, at)
    if not ages:
        return None
    parcours = dossier.parcours
    if parcours == "KC":
        return _cancer(dossier, person, ages)
    forms = [form for minor in ages if (form := _constitutional(dossier, person, minor)) is not None]
    if len(forms) != len(ages) or parcours is None:
        return None
    # The data models treat oncogenetics as rare disease; no source names its forms. Nor the form of a minor relative.
    sure = parcours == "MR" and (person.is_proband or forms == ["tiers-apparente"])
    return Expected(tuple(forms), "sourced" if sure else "inferred")


def _cancer(dossier: Dossier, person: Person, ages: tuple[bool, ...]) -> Expected | None:
    if not person.is_proband or is_deceased(_resource(person)) or has_guardian(dossier, person):
        return None
    return Expected(tuple("cancer-mineur" if minor else "cancer-majeur" for minor in ages), "sourced")


def _constitutional(dossier: Dossier, person: Person, minor: bool) -> str | None:
    dead = is_deceased(_resource(person))
    if minor:
        return "mr-mineur-decede" if dead else "mr-mineur"
    if dead:
        return None
    if has_guardian(dossier, person):
        return "mr-majeur-tutelle" if person.is_proband else None
    return "mr-majeur" if person.is_proband else "tiers-apparente"


def _resource(person: Person) -> Resource:
    return person.patient.resource if person.patient is not None else {}


def is_deceased(patient: Resource) -> bool:
    return patient.get("deceasedBoolean") is True or "deceasedDateTime" in patient


def is_fetus(dossier: Dossier, person: Person) -> bool:
    """Tell whether a person is a fetus: its Patient says so, or an edge to a biological parent of a fetus does."""
    marked = codes.extension(_resource(person), codes.FOETUS)
    if marked is not None:
        return marked.get("valueBoolean") is True
    return any(
        dossier.key(edge.resource.get("patient")) == person.key
        and FETAL_EDGES.intersection(codes.codes(edge.resource.get("relationship"), codes.ROLE_CODE))
        for edge in dossier.edges()
    )


def has_guardian(dossier: Dossier, person: Person) -> bool:
    """Tell whether a person is represented: by a RelatedPerson with that role, or one who signed the form for it."""
    represented = any(
        GUARDIANS.intersection(codes.codes(each.resource.get("relationship"), codes.ROLE_CODE))
        for each in dossier.about("RelatedPerson", "patient", person.key)
    )
    return represented or any(
        form_of(each.resource) == "mr-majeur-tutelle" and signed_by_another(dossier, person, each.resource)
        for each in dossier.consents(person.key)
    )


def signed_by_another(dossier: Dossier, person: Person, consent: Resource) -> bool:
    """Tell whether somebody else than the person signed."""
    return any(dossier.key(each) != person.key for each in consent.get("performer", ()))


def signed_by_self(dossier: Dossier, person: Person, consent: Resource) -> bool:
    return any(dossier.key(each) == person.key for each in consent.get("performer", ()))


def is_minor(patient: Resource, at: str) -> tuple[bool, ...]:
    """Return whether a person is a minor at a date: (True,), (False,), both when the birth date is too vague, or ()."""
    birth = patient.get("birthDate")
    if not isinstance(birth, str):
        return ()
    born, asked = interval_of(birth), interval_of(at)
    first, last = _birthday(born.low), _birthday(born.high - 1)
    return tuple(minor for minor, possible in ((True, asked.low < last), (False, asked.high > first)) if possible)


def _birthday(born: int) -> int:
    """Return the eighteenth birthday of somebody born at an instant, µs since 1970."""
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=born)).date()
    year = day.year + MAJORITY
    # Born on 29 February: of age on 1 March, for eighteen years after a leap year there is none.
    text = f"{year:04}-03-01" if (day.month, day.day) == (2, 29) else f"{year:04}-{day.month:02}-{day.day:02}"
    return interval_of(text).low
