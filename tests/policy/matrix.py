"""The policy matrix: role × interaction × resource type × whose resource it is, each with what must come of it.

What a role may do is what the second reader says; what it sees follows from who owns and who addresses the dossiers of
`PLACES`, by the sentences of the issue "Identity and policy": an organisation sees its own dossiers, and those that are
addressed to it; what it writes about them is seen by whose they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tests.policy.second_reader import Allowed, SecondReader

SYSTEM = "https://finess.esante.gouv.fr"
NEAR, FAR = "near-hospital", "far-hospital"
LABORATORY, OTHER_LABORATORY = "laboratory", "other-laboratory"
# Who acts for whom. The others act for nobody.
ACTS_FOR = {
    **dict.fromkeys(("prescripteur", "conseiller-genetique", "assistant-prescription", "flux-hospitalier"), NEAR),
    **dict.fromkeys(("coordonnateur-rcp", "membre-rcp", "biologiste-lbm", "pathologiste-referent"), LABORATORY),
    **dict.fromkeys(("plateforme", "collecteur"), LABORATORY),
}


@dataclass(frozen=True)
class Dossier:
    """A patient's dossier: whose it is, to whom its order is addressed, and whether the order is sent."""

    name: str
    owner: str | None
    addressed: str | None = None
    sent: bool = True
    way: str = "identifier"  # how the order names whom it addresses


@dataclass(frozen=True)
class Place:
    """Where a resource stands: in which dossier, written by whom."""

    dossier: Dossier
    writer: str | None

    @property
    def name(self) -> str:
        return f"{self.dossier.name}-by-{self.writer or 'nobody'}"

    def seen_by(self, organisation: str | None, shared: bool) -> bool:
        """Tell whether an organisation sees a resource here. `shared`: its type belongs to a patient's dossier."""
        if organisation is None:
            return False
        if organisation == self.writer:
            return True
        dossier = self.dossier
        return shared and dossier.sent and {organisation, self.writer} == {dossier.owner, dossier.addressed}


DOSSIERS = (
    Dossier("own", NEAR, LABORATORY),
    Dossier("of-another", FAR, LABORATORY, way="organization"),
    Dossier("to-another-platform", NEAR, OTHER_LABORATORY, way="role"),
    Dossier("of-another-to-another", FAR, OTHER_LABORATORY),
    Dossier("draft", NEAR, LABORATORY, sent=False),
    Dossier("draft-of-another", FAR, LABORATORY, sent=False, way="organization"),
    Dossier("unaddressed", FAR),
    Dossier("nobodys", None),
)
_OF = {dossier.name: dossier for dossier in DOSSIERS}
PLACES = (
    *(Place(dossier, dossier.owner) for dossier in DOSSIERS),
    Place(_OF["own"], LABORATORY),
    Place(_OF["of-another"], LABORATORY),
    Place(_OF["to-another-platform"], OTHER_LABORATORY),
)

# The element by which a resource of a type says whose dossier it belongs to; types without one belong to none.
OF_PATIENT = {
    **dict.fromkeys(
        ("AdverseEvent", "Basic", "CarePlan", "CareTeam", "ClinicalImpression", "Communication", "CommunicationRequest",
         "Composition", "Condition", "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest",
         "DocumentReference", "Encounter", "Flag", "Goal", "ImagingStudy", "List", "Media", "MedicationAdministration",
         "MedicationDispense", "MedicationRequest", "MedicationStatement", "Observation", "Procedure",
         "QuestionnaireResponse", "RequestGroup", "RiskAssessment", "ServiceRequest", "Specimen"),
        "subject",
    ),
    **dict.fromkeys(
        ("AllergyIntolerance", "BodyStructure", "Consent", "DetectedIssue", "EpisodeOfCare", "FamilyMemberHistory",
         "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "MolecularSequence", "NutritionOrder",
         "RelatedPerson", "SupplyDelivery", "VisionPrescription"),
        "patient",
    ),
    "Coverage": "beneficiary",
    "Task": "for",
}  # fmt: skip
COMPARTMENT = OF_PATIENT.keys() - {"Task"}  # as R4 defines it; a Task is shared with what it is for all the same
# Of each kind some that belong to no dossier: directory, definitions, traces, what is only an organisation's own, and
# what is in no right but the administrator's.
OTHERS = (
    "Organization", "PractitionerRole", "Location", "Endpoint", "ValueSet", "Questionnaire", "PlanDefinition", "Device",
    "Binary", "Medication", "Group", "SupplyRequest", "AuditEvent", "Provenance", "Substance", "Schedule", "Invoice",
)  # fmt: skip
TYPES = ("Patient", *sorted(OF_PATIENT), *OTHERS)
# Types that a right holds to statuses, with the status of a resource that is none of a draft.
STATUS = {"ServiceRequest": "active", "RequestGroup": "active", "Consent": "active", "Task": "requested"}

SEARCHES = ("search-type", "search-compartment", "search-system")
ACTS = ("read", "vread", "history-instance", "history-type", *SEARCHES, "update", "patch", "delete")
WRITING = ("create", "update", "patch", "delete", "$meta-add", "$purge")
OPERATIONS = ("$meta", "$everything", "$validate", "$expand", "$meta-add", "$purge", "$reindex", "$explain")


NUMBERS = ("own-number", "number-of-others")
WITHIN = ("within", "own-number")


@dataclass(frozen=True)
class Case:
    """What is asked. `variant`: "within" the right, or beyond one of its limits: "elements", "before", "after".

    Of a right to identifiers of what is addressed: "own-number" is within it, "number-of-others" beyond.
    """

    role: str
    act: str
    type: str
    place: Place
    variant: str = "within"

    @property
    def name(self) -> str:
        return f"{self.role} {self.act} {self.type} {self.place.name} {self.variant}"


@dataclass(frozen=True)
class Expected:
    """The status of the answer, the detail code of a refusal, and whether the resource is found where one searches."""

    status: int
    detail: str | None = None
    found: bool | None = None


class Matrix:
    """All cases, and what must come of each."""

    def __init__(self, reader: SecondReader) -> None:
        self.reader = reader

    def cases(self) -> Iterator[Case]:
        for role, act, type, place in product(self.reader.roles, ACTS, TYPES, PLACES):
            if type == "Patient" and place.writer != place.dossier.owner:
                continue  # a dossier has one patient, who is its owner's
            if act == "search-compartment" and type not in COMPARTMENT:
                continue
            for variant in self._variants(role, act, type):
                yield Case(role, act, type, place, variant)
        for role, type in product(self.reader.roles, TYPES):
            for variant in self._variants(role, "create", type):
                yield Case(role, "create", type, PLACES[0], variant)
        for role, act, place in product(self.reader.roles, OPERATIONS, PLACES[: len(DOSSIERS)]):
            type = {"$everything": "Patient", "$expand": "ValueSet"}.get(act, "Observation")
            yield Case(role, act, type, place)

    def drawn(self, number: int, seed: int) -> list[Case]:
        """Return so many cases, of each act and outcome as many as there are or as of the others; what reads first."""
        draw = random.Random(seed)
        kinds: dict[tuple[str, Expected], list[Case]] = {}
        for case in self.cases():
            kinds.setdefault((case.act, self.expected(case)), []).append(case)
        for cases in kinds.values():
            draw.shuffle(cases)
        chosen: list[Case] = []
        while len(chosen) < number and kinds:
            for kind in list(kinds):
                chosen.append(kinds[kind].pop())
                if not kinds[kind]:
                    del kinds[kind]
        # What is written comes last, so that a history stays as short as it was filled.
        return sorted(chosen[:number], key=lambda case: case.act in WRITING)

    def _variants(self, role: str, act: str, type: str) -> list[str]:
        right = self.reader.allowed(role, act, type)
        if right is None:
            return ["within"]
        beyond = {"elements": right.elements, "before": right.before, "after": right.after}
        numbers = NUMBERS if right.scope == "adressé" and "identifier" in (right.elements or ()) else ()
        return ["within", *(limit for limit, words in beyond.items() if words is not None), *numbers]

    def right(self, case: Case) -> Allowed | None:
        if case.act.startswith("$"):
            at_system = case.act in ("$reindex", "$explain")
            return self.reader.allowed_operation(case.role, case.act, None if at_system else case.type)
        return self.reader.allowed(case.role, "search-type" if case.act in SEARCHES else case.act, case.type)

    def sees(self, case: Case) -> bool:
        """Tell whether the role sees the resource that a case is about."""
        seen = self.reader.allowed(case.role, "read", case.type)
        if seen is None:
            return False
        if seen.scope == "tout" or case.type in self.reader.public:
            return True
        return case.place.seen_by(ACTS_FOR.get(case.role), case.type == "Patient" or case.type in OF_PATIENT)

    def expected(self, case: Case) -> Expected:
        right = self.right(case)
        if right is None and case.act == "search-system":
            return Expected(200, found=False)  # there is always something that a role may search
        if right is None:
            return Expected(403, "right-missing")
        if case.act in ("create", "$validate", "$expand", "$reindex", "$explain"):
            return Expected(403, "element-not-changeable") if case.variant not in WITHIN else Expected(_DONE[case.act])
        sees = self.sees(case)
        if case.act in SEARCHES or case.act == "history-type":
            return Expected(200, found=sees)
        if not sees:
            return _HIDDEN.get(case.act, Expected(404, "resource-not-found"))
        if case.act in ("update", "patch", "delete"):
            own = case.place.writer in (None, ACTS_FOR.get(case.role))
            beyond = ["element-not-changeable"] if case.variant not in WITHIN else []
            foreign = ["not-own"] if right.scope == "organisation" and not own else []
            if beyond or foreign:
                return Expected(403, ", ".join(beyond + foreign))  # all that is wrong at once
        return Expected(_DONE[case.act])


_HIDDEN = {"update": Expected(405, "id-not-chosen"), "delete": Expected(204)}
_DONE = {
    "create": 201, "read": 200, "vread": 200, "history-instance": 200, "update": 200, "patch": 200, "delete": 204,
    "$meta": 200, "$everything": 200, "$validate": 200, "$expand": 200, "$meta-add": 200, "$purge": 200,
    "$reindex": 200, "$explain": 200,
}  # fmt: skip


# What some types cannot be stored without.
ENOUGH: dict[str, dict[str, Any]] = {
    "Binary": {"contentType": "text/plain", "data": "YQ=="},
    "ValueSet": {
        "status": "active",
        "url": "urn:oid:1.2.3.4",
        "compose": {"include": [{"system": "http://hl7.org/fhir/administrative-gender"}]},
    },
}


def resource(type: str, dossier: Dossier, status: str | None = None) -> dict[str, Any]:
    """Return a resource of a type in a dossier, with as little in it as can be stored."""
    made: dict[str, Any] = {"resourceType": type, **ENOUGH.get(type, {})}
    if type in OF_PATIENT:
        made[OF_PATIENT[type]] = {"reference": f"Patient/{dossier.name}"}
    if type in STATUS:
        made["status"] = STATUS[type] if status is None else status
    return made


def before_and_after(case: Case, right: Allowed | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a resource as it is stored, and as a case's update or patch would have it."""
    limits = right or Allowed("aucune")
    status = None if limits.before is None else min(limits.before)
    if case.variant == "before":
        status = "completed" if case.act != "delete" else None
    stored = resource(case.type, case.place.dossier, status)
    changed = dict(stored)
    if case.variant in NUMBERS:
        kind = "FILL" if case.variant == "own-number" else "PLAC"
        coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": kind}
        return stored, {**stored, "identifier": [{"type": {"coding": [coding]}, "value": "1"}]}
    if case.variant == "elements" or limits.elements is None:
        changed["language"] = "fr"
    elif limits.after is None:
        changed["status"] = "accepted"
    if limits.after is not None:
        changed["status"] = min(limits.after)
    if case.variant == "after":
        changed["status"] = "on-hold"
    return stored, changed
