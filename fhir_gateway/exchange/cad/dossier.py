"""The dossier that is deposited: its people, the index first, each with what the message says of them.

Source: profiles/pfmg (one ServiceRequest a person, one requisition a dossier); reference: CAD message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_gateway.exchange.cad import complaints
from fhir_gateway.exchange.cad.files import is_fit, is_of
from fhir_gateway.exchange.pedigree.gathered import GONE, ROLE, Gathered, Resource, of_resources
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue

CHOICE: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-choix"
TASK: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-tache"
FILIERE: Final = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
STUDY: Final = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/genomic-study"
_VALID: Final = frozenset({"final", "amended", "corrected", "appended"})
# What a laboratory calls a person by, the first that they have.
NUMBERS: Final = (f"{CANONICAL_BASE}/identifier/seqoia-id-anon", f"{CANONICAL_BASE}/identifier/ipp")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a dossier. `number`: the Identifier they are called by, whose value names their folder."""

    key: str
    request: Resource
    patient: Resource
    number: Mapping[str, Any]

    @property
    def folder(self) -> str:
        return str(self.number["value"])


@dataclass(slots=True)
class Dossier:
    """A dossier. `issues`: all that keeps it from being deposited, and what is told beside it."""

    gathered: Gathered
    people: tuple[Person, ...] = ()
    number: str = ""
    report: Resource | None = None
    requests: dict[str, str] = field(default_factory=dict)  # keys of requests, each with whom it is for
    issues: list[Issue] = field(default_factory=list)

    def of(self, kind: str, element: str, person: Person) -> Iterator[Resource]:
        yield from (each for _, each in self.gathered.about(kind, element, person.key))

    def consent(self, person: Person, at: str) -> Resource | None:
        """Return the Consent by which a person permits research with their data on a day; None where none does."""
        told = [each for each in self.of("Consent", "patient", person) if _is_of_research(each)]
        told = [each for each in told if each.get("status") in ("active", "inactive", "rejected")]
        told = [each for each in told if is_of(_data_of(each), self.requests, self.gathered)]
        last = max(told, key=lambda each: str(each.get("dateTime", "")), default=None)
        choice = None if last is None else _choice(last, at)
        if last is not None and last["status"] == "active" and choice == "permit":
            return last
        complaint = complaints.NOT_SAID
        if last is not None and (last["status"] != "active" or choice == "deny"):
            complaint = complaints.NOT_PERMITTED
        self.issues.append(complaint.at(person.key, person=person.key))
        return None

    def preindication(self, person: Person, words: Mapping[str, str]) -> dict[str, str] | None:
        """Return the préindication of a person's request, else the index's, with its display."""
        for request in (person.request, self.people[0].request):
            for concept in request.get("reasonCode", ()):
                for coding in concept.get("coding", ()):
                    if coding.get("system") == FILIERE and "code" in coding:
                        code = str(coding["code"])
                        display = coding.get("display", words.get(code))
                        found = {"system": FILIERE, "code": code}
                        return found if display is None else {**found, "display": str(display)}
        return None

    def tubes(self, person: Person) -> list[Resource]:
        """Return what was sampled of a person, the first first; what was made of it (libraries) is left out."""
        own = [each for each in self.of("Specimen", "subject", person) if "parent" not in each]
        own = [each for each in own if is_of(each.get("request", ()), self.requests, self.gathered)]
        return sorted(own, key=lambda each: str(each.get("collection", {}).get("collectedDateTime", "")))

    def study(self) -> Resource | None:
        """Return the genomic study of the report: that which has analyses, else any of its requests."""
        found = [each for _, each in self.gathered.of_type("Procedure") if "identifier" in each]
        based = [
            each for each in found if any(self.gathered.key(ref) in self.requests for ref in each.get("basedOn", ()))
        ]
        return next(iter(based), None)

    def meeting(self) -> Resource | None:
        """Return the Task of the meeting that decided on the sequencing."""
        for _, each in self.gathered.of_type("Task"):
            codings = each.get("code", {}).get("coding", ())
            meets = any(coding.get("system") == TASK and coding.get("code") == "rcp-amont" for coding in codings)
            if meets and self.gathered.key(each.get("focus")) in self.requests:
                return each
        return None


def dossier_of(resources: Iterable[Resource], numbers: Sequence[str]) -> Dossier:
    """Return the dossier that resources are of. `numbers`: systems of identifiers of people, the first there is."""
    found = Dossier(of_resources(resources))
    requests = [each for each in found.gathered.of_type("ServiceRequest") if each[1].get("status") not in GONE]
    requests = [each for each in requests if _role(each[1]) in ("proband", "relative")]
    index = [each for each in requests if _role(each[1]) == "proband"]
    if len(index) != 1:
        found.issues.append(complaints.NO_INDEX.at(None, found=len(index)))
        return found
    request = index[0][1]
    found.number = number_of(request)
    if not is_fit(found.number):
        found.issues.append(complaints.NAME_UNFIT.at(f"{index[0][0]}.identifier", name=found.number))
    people = []
    for key, each in (index[0], *(each for each in requests if each is not index[0])):
        person = _person(key, each, found, numbers)
        if person is not None:
            people.append(person)
    found.people = tuple(people)
    _unlike(found)
    found.report = _report(found)
    if found.report is None:
        found.issues.append(complaints.NO_REPORT.at(None))
    return found


def _person(key: str, request: Resource, dossier: Dossier, numbers: Sequence[str]) -> Person | None:
    subject = dossier.gathered.key(request.get("subject")) or ""
    dossier.requests[key] = subject
    if subject not in dossier.gathered:
        dossier.issues.append(complaints.NO_PATIENT.at(f"{key}.subject", person=subject or key))
        return None
    patient = dossier.gathered[subject]
    held = [each for each in patient.get("identifier", ()) if "value" in each and each.get("use") != "old"]
    number = next((each for system in numbers for each in held if each.get("system") == system), None)
    if number is None:
        dossier.issues.append(
            complaints.NO_NUMBER.at(f"{subject}.identifier", person=subject, systems=", ".join(numbers))
        )
        return None
    if not is_fit(str(number["value"])):
        dossier.issues.append(complaints.NAME_UNFIT.at(f"{subject}.identifier", name=number["value"]))
    return Person(subject, request, patient, number)


def _unlike(dossier: Dossier) -> None:
    """Say whose number is that of somebody before them: their files would lie in one folder."""
    seen: set[str] = set()
    for each in dossier.people:
        if each.folder in seen:
            dossier.issues.append(complaints.NUMBER_SHARED.at(f"{each.key}.identifier", person=each.key))
        seen.add(each.folder)


def number_of(request: Resource) -> str:
    """Return what the laboratory calls a dossier, else its own number."""
    for each in request.get("identifier", ()):
        codings = each.get("type", {}).get("coding", ())
        if any(coding.get("code") == "FILL" for coding in codings) and "value" in each:
            return str(each["value"])
    return str(request.get("requisition", {}).get("value", ""))


def _report(dossier: Dossier) -> Resource | None:
    """Return the report of a dossier: valid, based on one of its requests, the one issued last."""
    found = [
        each
        for _, each in dossier.gathered.of_type("DiagnosticReport")
        if each.get("status") in _VALID
        and any(dossier.gathered.key(one) in dossier.requests for one in each.get("basedOn", ()))
    ]
    return max(found, key=lambda each: str(each.get("issued", "")), default=None)


def _role(request: Resource) -> str | None:
    codings = (coding for concept in request.get("category", ()) for coding in concept.get("coding", ()))
    return next((str(each["code"]) for each in codings if each.get("system") == ROLE and "code" in each), None)


def _is_of_research(consent: Resource) -> bool:
    return any(each.get("code") == "research" for each in consent.get("scope", {}).get("coding", ()))


def _data_of(consent: Resource) -> list[Mapping[str, Any]]:
    return [each["reference"] for each in consent.get("provision", {}).get("data", ()) if "reference" in each]


def _choice(consent: Resource, at: str) -> str | None:
    """Return what was chosen for research with data, as it holds on a day; None where nothing was."""
    for each in consent.get("provision", {}).get("provision", ()):
        codings = (coding for code in each.get("code", ()) for coding in code.get("coding", ()))
        if any(one.get("system") == CHOICE and one.get("code") == "recherche-donnees" for one in codings):
            period = each.get("period", {})
            if str(period.get("start", at))[:10] <= at and str(period.get("end", at))[:10] >= at:
                return str(each.get("type", "")) or None
    return None
