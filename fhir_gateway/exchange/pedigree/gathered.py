"""The resources of one dossier, by the names that references give them, and who of them are its people.

Source: FHIR R4, Bundle, "Resolving references in Bundles"; ServiceRequest, "requisition".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.exchange.pedigree import complaints
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue, Unprocessable

Resource = Mapping[str, Any]
ROLE: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-role"
PATIENT_RECORD: Final = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"
GONE: Final = frozenset({"entered-in-error", "revoked"})


class Gathered:
    """Resources, immutable. A key is the first name of a resource: its fullUrl, else "Type/id"."""

    def __init__(self, named: Iterable[tuple[str | None, Resource]]) -> None:
        self._by_key: dict[str, Resource] = {}
        self._names: dict[str, str] = {}
        for place, (name, resource) in enumerate(named):
            own = f"{resource['resourceType']}/{resource['id']}" if "id" in resource else None
            names = [each for each in (name, own) if each is not None] or [f"#{place}"]
            self._by_key[names[0]] = resource
            for each in names:
                self._names.setdefault(each, names[0])

    def of_type(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """Yield the resources of a type with their keys, without those entered in error."""
        for key, resource in self._by_key.items():
            if resource["resourceType"] == kind and resource.get("status") != "entered-in-error":
                yield key, resource

    def __getitem__(self, key: str) -> Resource:
        return self._by_key[key]

    def patient(self, key: str) -> Resource:
        """Return a Patient; an empty one where it is not here, so that it is still called by its id."""
        return self._by_key.get(key, {"resourceType": "Patient"})

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def key(self, reference: Mapping[str, Any] | None) -> str | None:
        """Return the key of what a literal reference names; its text where that is not here; None without one."""
        text = reference.get("reference") if reference is not None else None
        if not isinstance(text, str):
            return None
        text = text.partition("/_history/")[0]
        return self._names.get(text) or self._names.get("/".join(text.split("/")[-2:]), text)

    def about(self, kind: str, element: str, key: str) -> Iterator[tuple[str, Resource]]:
        """Yield the resources of a type whose reference `element` names a person."""
        for own, resource in self.of_type(kind):
            if self.key(resource.get(element)) == key:
                yield own, resource


def of_resources(resources: Iterable[Resource]) -> Gathered:
    """Return resources as a store holds them: known by "Type/id"."""
    return Gathered((None, resource) for resource in resources)


def of_bundle(bundle: Resource) -> Gathered:
    """Return the resources of a Bundle: known by fullUrl, and by "Type/id"."""
    entries = (entry for entry in bundle.get("entry", ()) if "resource" in entry)
    return Gathered((entry.get("fullUrl"), entry["resource"]) for entry in entries)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a family: the key of the Patient, the Patient, what a file calls it (`id`)."""

    key: str
    patient: Resource
    id: str
    is_proband: bool


@dataclass(frozen=True, slots=True)
class Family:
    """The people of a dossier, the proband first, relatives without a request of their own last."""

    number: str
    members: tuple[Member, ...]

    def named(self, key: str | None) -> Member | None:
        return next((each for each in self.members if each.key == key), None)


def family(gathered: Gathered, system: str | None = None) -> Family:
    """Return the family that resources of one dossier are of.

    It is told by its ServiceRequests, or by a Composition that a format was read into.

    `system`: the system of the Patient.identifier that a file calls people by; None: the id of the Patient, before
    it has one the identifier without system, as a file gave it. Names never.
    Raises: Unprocessable when nothing says who belongs to it, or people lack such an identifier, or share one.
    """
    number, keys = _by_requests(gathered) or _by_compositions(gathered) or ("", {})
    if not keys:
        raise Unprocessable(complaints.NO_FAMILY.at())
    for relative in _linked(gathered, set(keys)):
        keys.setdefault(relative, False)
    members, wrong = [], []
    for key, is_proband in sorted(keys.items(), key=lambda each: not each[1]):
        patient = gathered.patient(key)
        id = _identifier(key, patient, system)
        if id is None:
            wrong.append(complaints.NO_IDENTIFIER.at(key, system=system))
        else:
            members.append(Member(key, patient, id, is_proband))
    wrong += _shared(members)
    if wrong:
        raise Unprocessable(*wrong)
    return Family(number, tuple(members))


def _by_requests(gathered: Gathered) -> tuple[str, dict[str, bool]] | None:
    requests = [each for _, each in gathered.of_type("ServiceRequest") if _has_role(each)]
    live = [each for each in requests if each.get("status") not in GONE] or requests
    if not live:
        return None
    people: dict[str, bool] = {}
    for request in live:
        key = gathered.key(request.get("subject"))
        if key is not None:
            people[key] = people.get(key, False) or _role(request) == "proband"
    return str(live[0].get("requisition", {}).get("value", "dossier")), people


def _has_role(request: Resource) -> bool:
    return _role(request) is not None


def _role(request: Resource) -> str | None:
    for concept in request.get("category", ()):
        for coding in concept.get("coding", ()):
            if coding.get("system") == ROLE and "code" in coding:
                return str(coding["code"])
    return None


def _by_compositions(gathered: Gathered) -> tuple[str, dict[str, bool]] | None:
    for _, each in gathered.of_type("Composition"):
        entries = [entry for section in each.get("section", ()) for entry in section.get("entry", ())]
        keys = [key for key in map(gathered.key, entries) if key is not None and key in gathered]
        people = [key for key in keys if gathered[key]["resourceType"] == "Patient"]
        if people:
            proband = gathered.key(each.get("subject"))
            number = str(each.get("identifier", {}).get("value", "family"))
            return number, {key: key == proband for key in people}
    return None


def _linked(gathered: Gathered, keys: set[str]) -> Iterator[str]:
    """Yield Patients whom links of the family, followed from person to person, name."""
    links = [
        (gathered.key(each.get("patient")), relative(gathered, each))
        for _, each in gathered.of_type("FamilyMemberHistory")
    ]
    front = set(keys)
    while front:
        found = {to for start, to in links if start in front and to is not None and to not in keys}
        for _, to in links:
            if to in found:
                yield str(to)
        keys |= {each for each in found if each is not None}
        front = {each for each in found if each is not None}


def relative(gathered: Gathered, link: Resource) -> str | None:
    """Return the key of the Patient that a link names as the relative; None where there is none."""
    for extension in link.get("extension", ()):
        if extension.get("url") == PATIENT_RECORD:
            return gathered.key(extension.get("valueReference"))
    return None


def _identifier(key: str, patient: Resource, system: str | None) -> str | None:
    if system is None and "id" in patient:
        return str(patient["id"])
    values = (each.get("value") for each in patient.get("identifier", ()) if each.get("system") == system)
    found = next((str(value) for value in values if value is not None), None)
    return key.rpartition("/")[2] if found is None and system is None else found


def _shared(members: list[Member]) -> Iterator[Issue]:
    ids = [member.id for member in members]
    for id in dict.fromkeys(ids):
        if ids.count(id) > 1:
            yield complaints.SHARED_IDENTIFIER.at(identifier=id)
