"""The resources of a dossier for who writes a format: who is who, what is whose.

Source: FHIR R4, References; profiles/pfmg (one ServiceRequest a person, one FamilyMemberHistory an edge).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Resource = Mapping[str, Any]

_ROLE: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-role"
_ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_HPO: Final = "http://human-phenotype-ontology.org"
_RECORD: Final = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"
_GONE: Final = frozenset({"entered-in-error"})
_ENDED: Final = frozenset({"entered-in-error", "revoked"})
_FATHERS: Final = frozenset({"FTH", "NFTH", "NFTHF"})
_MOTHERS: Final = frozenset({"MTH", "NMTH", "NMTHF"})
_PARENTS: Final = frozenset({"PRN", "NPRN"})


def codes(element: Any, system: str) -> list[str]:
    """Return the codes of a system in a CodeableConcept or a list of them."""
    concepts = element if isinstance(element, list | tuple) else () if element is None else (element,)
    return [
        str(coding["code"])
        for concept in concepts
        for coding in concept.get("coding", ())
        if coding.get("system") == system and "code" in coding
    ]


def identifier(resource: Resource, system: str) -> str | None:
    """Return the first identifier of a system."""
    return next((str(each["value"]) for each in resource.get("identifier", ()) if each.get("system") == system), None)


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a dossier: prescription, who it is for, libraries, what is known."""

    key: str
    request: Resource
    patient: Resource | None
    proband: bool


class People:
    """Who and what is in the resources of one dossier. `ended`: states of prescriptions that count for nobody."""

    def __init__(self, resources: Iterable[Resource], ended: frozenset[str] = _ENDED) -> None:
        self.resources: Sequence[Resource] = tuple(resources)
        self._names: dict[str, str] = {}
        self._held: dict[str, Resource] = {}
        for number, each in enumerate(self.resources):
            key = f"{each['resourceType']}/{each.get('id', f'#{number}')}"
            self._held[key] = each
            self._names[key] = key
            for one in _listed(each.get("identifier")):
                if "value" in one:
                    name = f"{each['resourceType']}|{one.get('system', '')}|{one['value']}"
                    self._names.setdefault(name, key)
        requests = [each for each in self.of("ServiceRequest") if each.get("status") not in ended]
        self.people = tuple(sorted(map(self._person, requests), key=lambda each: not each.proband))

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a type that were not entered in error."""
        yield from (each for each in self.resources if each["resourceType"] == kind and each.get("status") not in _GONE)

    def key(self, reference: Any) -> str:
        """Return what tells whom a reference names: "Patient/1", or its identifier where nobody is held of it."""
        if not isinstance(reference, Mapping):
            return ""
        text = str(reference.get("reference", ""))
        tail = "/".join(text.split("/_history/", maxsplit=1)[0].split("/")[-2:])
        if tail in self._names:
            return self._names[tail]
        one = reference.get("identifier")
        if isinstance(one, Mapping) and "value" in one:
            name = f"{reference.get('type', 'Patient')}|{one.get('system', '')}|{one['value']}"
            return self._names.get(name, name)
        return text

    def patient(self, key: str) -> Resource | None:
        """Return the Patient of a key; None where nobody is held of it."""
        return self._held.get(key)

    def held(self, reference: Any) -> Resource | None:
        """Return the resource that a reference names; None where it is not here."""
        return self._held.get(self.key(reference))

    def _person(self, request: Resource) -> Person:
        key = self.key(request.get("subject"))
        proband = "proband" in codes(request.get("category"), _ROLE)
        return Person(key, request, self._held.get(key), proband)

    @property
    def probands(self) -> tuple[Person, ...]:
        return tuple(each for each in self.people if each.proband)

    # --- what is somebody's

    def tube(self, specimen: Resource) -> Resource:
        """Return what a specimen was made of in the end: the tube, or the specimen itself where no parent is told."""
        seen: list[Resource] = [specimen]
        while parents := seen[-1].get("parent"):
            parent = self.held(parents[0])
            if parent is None or parent in seen:
                break
            seen.append(parent)
        return seen[-1]

    def observations(self, key: str) -> Iterator[Resource]:
        yield from (each for each in self.of("Observation") if self.key(each.get("subject")) == key)

    def signs(self, key: str) -> list[Resource]:
        """Return the signs that are present, one of each term, in the order of the terms."""
        found: dict[str, Resource] = {}
        for each in self.observations(key):
            for term in codes(each.get("code"), _HPO):
                if "LA9633-4" in codes(each.get("valueCodeableConcept"), "http://loinc.org"):
                    found.setdefault(term, each)
        return [found[term] for term in sorted(found)]

    def told(self, key: str, code: str) -> Resource | None:
        """Return what an Observation of a code says last of a person."""
        own = (
            each
            for each in self.observations(key)
            if any(coding.get("code") == code for coding in each.get("code", {}).get("coding", ()))
        )
        return max(own, key=lambda each: str(each.get("effectiveDateTime", "")), default=None)

    def affected(self, key: str) -> Resource | None:
        """Return what says last whether a person is affected."""
        told = [
            each
            for each in self.observations(key)
            if "103309006" in codes(each.get("code"), "http://snomed.info/sct") and "valueBoolean" in each
        ]
        return max(told, key=lambda each: str(each.get("effectiveDateTime", "")), default=None)

    # --- edges

    def edges(self, key: str) -> Iterator[tuple[Resource, str]]:
        """Yield the edges from a person, each with whom it leads to."""
        for each in self.of("FamilyMemberHistory"):
            if self.key(each.get("patient")) == key:
                for extension in each.get("extension", ()):
                    if extension.get("url") == _RECORD:
                        yield each, self.key(extension.get("valueReference"))

    def link(self, proband: str, key: str) -> Resource | None:
        """Return the edge from the proband to a person."""
        return next((edge for edge, other in self.edges(proband) if other == key), None)

    def parents(self, key: str) -> tuple[str, str]:
        """Return whom edges name as father and mother of a person, "" where nobody; of unsaid sex: the place left."""
        father = mother = ""
        unsaid = []
        for edge, other in self.edges(key):
            roles = set(codes(edge.get("relationship"), _ROLE_CODE))
            if roles & _FATHERS:
                father = father or other
            elif roles & _MOTHERS:
                mother = mother or other
            elif roles & _PARENTS:
                unsaid.append(other)
        for other in unsaid:
            if not father:
                father = other
            elif not mother:
                mother = other
        return father, mother


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [value] if isinstance(value, Mapping) else list(value or ())
