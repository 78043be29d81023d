"""Who is whose parent: links of a dossier (FamilyMemberHistory) to a Pedigree, and a Pedigree to resources.

A link is an edge: to its `patient` the relative is what `relationship` says (v3-RoleCode).

Source: HL7 v3-RoleCode, "FamilyMember"; GA4GH Pedigree FHIR IG; HL7/phenomics-exchange-ig.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fhir_gateway.exchange.pedigree import complaints
from fhir_gateway.exchange.pedigree.gathered import PATIENT_RECORD, Family, Gathered, Member, Resource, relative
from fhir_gateway.exchange.pedigree.pedigree import Individual, Pedigree, Sex
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue

Parent = Literal["father", "mother"]
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
SNOMED: Final = "http://snomed.info/sct"
AFFECTED: Final = "103309006"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
LINK_PROFILE: Final = f"{CANONICAL_BASE}/StructureDefinition/pfmg-family-member-history"

# What each code of v3-RoleCode says of parents. "up": the way from the patient to the relative.
UP: Final[Mapping[str, tuple[Parent, ...]]] = {
    "FTH": ("father",), "NFTH": ("father",), "NFTHF": ("father",),
    "MTH": ("mother",), "NMTH": ("mother",), "NMTHF": ("mother",),
    "PGRFTH": ("father", "father"), "PGRMTH": ("father", "mother"),
    "MGRFTH": ("mother", "father"), "MGRMTH": ("mother", "mother"),
}  # fmt: skip
# The relative is a child of the patient: whether by father or mother says the patient's sex.
DOWN: Final = frozenset({"SON", "DAU", "NCHILD", "CHILD", "SONC", "DAUC"})
# "both biological parents in common": natural siblings and twins.
BESIDE: Final = frozenset(
    {"NSIB", "NBRO", "NSIS", "TWIN", "FTWIN", "ITWIN", "TWINBRO", "FTWINBRO", "ITWINBRO", "TWINSIS", "FTWINSIS",
     "ITWINSIS"}
)  # fmt: skip
SEXES: Final[Mapping[str, Sex]] = {"male": "male", "female": "female", "other": "other"}


@dataclass(slots=True)
class _Links:
    """The links of a family as (patient, role, relative, place), and the parents found so far."""

    members: Mapping[str, Member]
    parents: dict[str, dict[Parent, str]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def put(self, child: str, role: Parent, parent: str, place: str) -> None:
        first = self.parents.setdefault(child, {}).setdefault(role, parent)
        if first != parent:
            self.issues.append(complaints.SECOND_PARENT.at(place, parent=role))

    def parent(self, child: str | None, role: Parent) -> str | None:
        return self.parents.get(child, {}).get(role) if child is not None else None


def pedigree(gathered: Gathered, family: Family) -> tuple[Pedigree, tuple[Issue, ...]]:
    """Return the pedigree of a family, and the links that it has no place for (half-siblings, uncles, no Patient)."""
    found = _Links({member.key: member for member in family.members})
    links = list(_links(gathered, found))
    for patient, role, other, place in links:
        if role in UP and len(UP[role]) == 1:
            found.put(patient, UP[role][0], other, place)
        elif role in DOWN and (parent := _as_parent(found.members[patient])) is not None:
            found.put(other, parent, patient, place)
    _over_parents(links, found)
    people = tuple(_individual(gathered, member, found) for member in family.members)
    return Pedigree(family.number, people), tuple(found.issues)


def _over_parents(links: Sequence[tuple[str, str, str, str]], found: _Links) -> None:
    """Put what links say by way of parents; tell the links that say nothing of parents."""
    for patient, role, other, place in links:
        if role in UP and len(UP[role]) == 2 and (parent := found.parent(patient, UP[role][0])) is not None:
            found.put(parent, UP[role][1], other, place)
        elif role in BESIDE and patient in found.parents:
            for each, parent in found.parents[patient].items():
                found.put(other, each, parent, place)
        elif role in BESIDE and other in found.parents:
            for each, parent in found.parents[other].items():
                found.put(patient, each, parent, place)
        elif not (role in UP and len(UP[role]) == 1) and not (
            role in DOWN and _as_parent(found.members[patient]) is not None
        ):
            found.issues.append(complaints.LINK_WITHOUT_PLACE.at(f"{place}.relationship", role=role))


def _links(gathered: Gathered, found: _Links) -> Iterator[tuple[str, str, str, str]]:
    for place, link in gathered.of_type("FamilyMemberHistory"):
        patient, other, role = gathered.key(link.get("patient")), relative(gathered, link), _role(link)
        if patient not in found.members:
            continue
        if other is None or other not in found.members:
            found.issues.append(complaints.LINK_TO_NOBODY.at(place, role=role))
        else:
            yield str(patient), role, other, place


def _role(link: Resource) -> str:
    codings = link.get("relationship", {}).get("coding", ())
    return next((str(each["code"]) for each in codings if each.get("system") == ROLE_CODE and "code" in each), "")


def _as_parent(member: Member) -> Parent | None:
    sex = member.patient.get("gender")
    return "father" if sex == "male" else "mother" if sex == "female" else None


def _individual(gathered: Gathered, member: Member, found: _Links) -> Individual:
    def named(role: Parent) -> str | None:
        key = found.parent(member.key, role)
        return found.members[key].id if key is not None else None

    sex = SEXES.get(str(member.patient.get("gender")))
    return Individual(member.id, named("father"), named("mother"), sex, is_affected(gathered, member.key), member.key)


def is_affected(gathered: Gathered, key: str) -> bool | None:
    """Return what a dossier says of a person: affected, not affected; None: nothing."""
    for _, each in gathered.about("Observation", "subject", key):
        if "valueBoolean" in each and is_of_affection(each):
            return bool(each["valueBoolean"])
    return None


def is_of_affection(observation: Resource) -> bool:
    codings = observation.get("code", {}).get("coding", ())
    return any(each.get("system") == SNOMED and each.get("code") == AFFECTED for each in codings)


# --- to resources


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that was made, under the url that references in the same tree name it by."""

    url: str
    resource: dict[str, Any]


def url_of(*names: str) -> str:
    """Return a urn:uuid that is the same whenever the same names are given."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "\n".join((CANONICAL_BASE, *names))).urn


def resources(
    pedigree: Pedigree, at: str, system: str | None = None, patients: Mapping[str, str] | None = None
) -> list[Made]:
    """Return the resources of a pedigree: Patients, links to father and mother, who is affected, a Composition.

    `at`: the dateTime that the Composition says. `system`: of the identifiers of Patients.
    `patients`: references of Patients that are known, by individual; nothing is made for them.
    A Patient made here has no name: it claims no profile of PFMG, which demands one.
    """
    pedigree = Pedigree(pedigree.family, (*pedigree.people, *_without_line(pedigree)))
    known = dict(patients or {})
    urls = {each.id: known.get(each.id, url_of(pedigree.family, "Patient", each.id)) for each in pedigree.people}
    made = [Made(urls[each.id], _patient(each, system)) for each in pedigree.people if each.id not in known]
    made += relations(pedigree, urls)
    return [*made, Made(url_of(pedigree.family, "Composition"), _composition(pedigree, at, urls))]


def _without_line(pedigree: Pedigree) -> Iterator[Individual]:
    """Yield the parents whom a file names without a line of their own, of the sex that a parent has."""
    listed = {each.id for each in pedigree.people}
    for person in pedigree.people:
        for role, parent in person.parents:
            if parent not in listed:
                listed.add(parent)
                yield Individual(parent, sex="male" if role == "father" else "female", place=person.place)


def relations(pedigree: Pedigree, urls: Mapping[str, str]) -> list[Made]:
    """Return the links of a pedigree and who is affected. `urls`: of the Patients, by individual."""
    made: list[Made] = []
    for each in pedigree.people:
        if each.is_affected is not None:
            made.append(Made(url_of(pedigree.family, "affected", each.id), _affected(urls[each.id], each.is_affected)))
        for role, parent in each.parents:
            if parent in urls:
                link = _link(urls[each.id], "FTH" if role == "father" else "MTH", urls[parent])
                made.append(Made(url_of(pedigree.family, role, each.id), link))
    return made


def _patient(person: Individual, system: str | None) -> dict[str, Any]:
    identifier = {"value": person.id} if system is None else {"system": system, "value": person.id}
    made: dict[str, Any] = {"resourceType": "Patient", "identifier": [identifier]}
    return made if person.sex is None else {**made, "gender": person.sex}


def _link(patient: str, role: str, other: str) -> dict[str, Any]:
    return {
        "resourceType": "FamilyMemberHistory",
        "meta": {"profile": [LINK_PROFILE]},
        "extension": [{"url": PATIENT_RECORD, "valueReference": {"reference": other}}],
        "status": "completed",
        "patient": {"reference": patient},
        "relationship": {"coding": [{"system": ROLE_CODE, "code": role}]},
    }


def _affected(patient: str, affected: bool) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "exam"}]}],
        "code": {"coding": [{"system": SNOMED, "code": AFFECTED}], "text": "Atteint"},
        "subject": {"reference": patient},
        "valueBoolean": affected,
    }


def _composition(pedigree: Pedigree, at: str, urls: Mapping[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "identifier": {"value": pedigree.family},
        "status": "final",
        "type": {"text": "Pedigree"},
        "date": at,
        "author": [{"display": "PED"}],
        "title": "Pedigree",
        "section": [
            {"title": "Individuals", "entry": [{"reference": urls[each.id]} for each in pedigree.people]},
        ],
    }
