"""Who has access to a resource by what it says itself: the organisations that it names or addresses.

Rows (party, why) of i_access, see store/access.py. `why` says by bits for what reasons a party has access:

  NAMED           the resource names the organisation as taking part; EVERYONE: a directory entry, hidden from nobody
  ADDRESSED       it addresses the organisation: a dossier is shared with that one (store/sharing.py)
  ROLE            not an organisation: the key of a PractitionerRole that is named; nobody belongs to such a party
  ROLE_ADDRESSED  the same of one that is addressed
  IDENTITY        an Organization, by each of its identifiers: whose it is
  RESOLVED        the organisation of such a PractitionerRole, put there by the writer
  OWNER           whose actor created the resource
  SHARED          something about the same patient addresses one of the owner and this party

The first five follow from the resource alone and are made here; the others by the writer.

Source: FHIR R4, References ("Literal references", "Logical references", "Contained Resources"); FiveWs ("who").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_gateway.store.contract import EVERYONE, Row
from fhir_gateway.store.index.hashing import joined_key, rk_of
from fhir_gateway.store.index.reference import local

NAMED, ADDRESSED, ROLE, ROLE_ADDRESSED, IDENTITY, RESOLVED, OWNER, SHARED = (1 << bit for bit in range(8))
DRAFTED = NAMED | ADDRESSED | ROLE | ROLE_ADDRESSED | IDENTITY

# What everybody may look up: who there is and where, definitions, what codes mean. Nothing of it is about a patient.
DIRECTORY: Final = frozenset({
    "Organization", "OrganizationAffiliation", "Practitioner", "PractitionerRole", "Location", "HealthcareService",
    "Endpoint",
    "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ExampleScenario", "GraphDefinition",
    "ImplementationGuide", "MessageDefinition", "NamingSystem", "OperationDefinition", "SearchParameter",
    "StructureDefinition", "StructureMap", "TerminologyCapabilities", "TestScript", "ValueSet",
    "ActivityDefinition", "ChargeItemDefinition", "DeviceDefinition", "EffectEvidenceSynthesis", "EventDefinition",
    "Evidence", "EvidenceVariable", "Library", "Measure", "ObservationDefinition",
    "PlanDefinition", "Questionnaire", "ResearchDefinition", "ResearchElementDefinition", "RiskEvidenceSynthesis",
    "SpecimenDefinition",
})  # fmt: skip

# Elements whose organisations see the resource: who asks for it, carries it out, says or records it, answers for it or
# keeps it, or is told it. Not who pays, insures, makes or regulates, whom to call (Patient.contact), whose patient
# somebody is otherwise (Patient.generalPractitioner), whom a Consent is about, or what an AuditEvent tells of.
NAMING: Final[Mapping[str, tuple[str, ...]]] = {
    "AdverseEvent": ("recorder", "contributor"),
    "AllergyIntolerance": ("recorder", "asserter"),
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "Basic": ("author",),
    "CarePlan": ("author", "contributor", "activity.detail.performer"),
    "CareTeam": ("participant.member", "participant.onBehalfOf", "managingOrganization"),
    "ClinicalImpression": ("assessor",),
    "Communication": ("sender", "recipient"),
    "CommunicationRequest": ("requester", "sender", "recipient"),
    "Composition": ("author", "attester.party", "custodian", "section.author"),
    "Condition": ("recorder", "asserter"),
    "Consent": ("performer", "organization"),
    "DetectedIssue": ("author",),
    "Device": ("owner",),
    "DeviceRequest": ("requester", "performer"),
    "DeviceUseStatement": ("source",),
    "DiagnosticReport": ("performer", "resultsInterpreter"),
    "DocumentManifest": ("author", "recipient"),
    "DocumentReference": ("author", "authenticator", "custodian"),
    "Encounter": ("participant.individual", "serviceProvider"),
    "EpisodeOfCare": ("managingOrganization", "careManager"),
    "Flag": ("author",),
    "Goal": ("expressedBy",),
    "Group": ("managingEntity",),
    "ImagingStudy": ("referrer", "interpreter", "series.performer.actor"),
    "Immunization": ("performer.actor",),
    "Linkage": ("author",),
    "List": ("source",),
    "MeasureReport": ("reporter",),
    "Media": ("operator",),
    "MedicationAdministration": ("performer.actor",),
    "MedicationDispense": ("performer.actor",),
    "MedicationRequest": ("requester", "performer", "recorder", "dispenseRequest.performer"),
    "MedicationStatement": ("informationSource",),
    "MessageHeader": ("destination.receiver", "sender", "enterer", "author", "responsible"),
    "MolecularSequence": ("performer",),
    "NutritionOrder": ("orderer",),
    "Observation": ("performer",),
    "Patient": ("managingOrganization",),
    "Person": ("managingOrganization",),
    "PractitionerRole": ("organization",),
    "Procedure": ("recorder", "asserter", "performer.actor", "performer.onBehalfOf"),
    "Provenance": ("agent.who", "agent.onBehalfOf"),
    "QuestionnaireResponse": ("author", "source"),
    "RequestGroup": ("author", "action.participant"),
    "ResearchStudy": ("sponsor", "principalInvestigator"),
    "RiskAssessment": ("performer",),
    "ServiceRequest": ("requester",),
    "Specimen": ("collection.collector",),
    "SupplyDelivery": ("supplier", "receiver"),
    "SupplyRequest": ("requester", "supplier"),
    "Task": ("requester", "restriction.recipient"),
    "VisionPrescription": ("prescriber",),
}

# Elements that address an organisation, and the statuses in which they do not: a draft is addressed to nobody yet, and
# what was entered in error never was.
ADDRESSING: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "ServiceRequest": ("performer", frozenset({"draft", "entered-in-error", "unknown"})),
    "Task": ("owner", frozenset({"draft", "entered-in-error"})),
}

_REMEMBERED = 16_384

Contained = Mapping[str, Mapping[str, Any]]  # by "#id"
Target = Callable[[str], tuple[str, int] | None]
Reach = Callable[[Any], list[Mapping[str, Any]]]  # the references at a path


def party_of(identifier: str) -> int:
    """Return the party of an organisation's identifier "system|value"; the system ends at the first "|".

    Raises: ValueError for an identifier without system or value.
    """
    system, bar, value = identifier.partition("|")
    if not system or not bar or not value:
        raise ValueError(f"identifier {identifier}: an organisation is named by system|value")
    return joined_key(system, value)


class Access:
    """Makes the rows. base: the service base URL, references under which are to this server's resources."""

    def __init__(self, base: str | None = None) -> None:
        @lru_cache(_REMEMBERED)
        def target(reference: str) -> tuple[str, int] | None:
            found = local(reference, base)
            return None if found is None else (found[0], rk_of(*found))

        self._target: Target = target

    def rows(self, resource: Mapping[str, Any]) -> list[Row]:
        """Return the rows (party, why) of a resource that has passed the structure check, each party once."""
        type = resource["resourceType"]
        named = _NAMING.get(type, ())
        if not named and type not in DIRECTORY:
            return _NONE
        why: dict[int, int] = {EVERYONE: NAMED} if type in DIRECTORY else {}
        for reach in named:
            for reference in reach(resource):
                self._take(reference, resource, NAMED, ROLE, why)
        if type in ADDRESSING:
            element, unaddressed = ADDRESSING[type]
            if element in resource and "status" in resource and resource["status"] not in unaddressed:
                addressed = resource[element]
                for reference in addressed if isinstance(addressed, list) else (addressed,):
                    self._take(reference, resource, ADDRESSED, ROLE_ADDRESSED, why)
        elif type == "Organization":
            for party in _identities(resource):
                why[party] = why.get(party, 0) | IDENTITY
        return list(why.items())

    def _take(
        self, reference: Mapping[str, Any], resource: Mapping[str, Any], direct: int, by_role: int, why: dict[int, int]
    ) -> None:
        for party, is_role in self._parties(reference, resource):
            why[party] = why.get(party, 0) | (by_role if is_role else direct)

    def _parties(
        self, reference: Mapping[str, Any], resource: Mapping[str, Any], of_contained: bool = False
    ) -> Iterator[tuple[int, bool]]:
        """Yield the organisations that a reference means, and whether one is the key of a PractitionerRole instead."""
        text = reference.get("reference", "")
        if text.startswith("#"):
            inside = _contained(resource, text[1:])
            type = inside.get("resourceType")
            if type == "Organization":
                yield from ((party, False) for party in _identities(inside))
            # From one contained PractitionerRole to another nothing leads, and so nothing in a circle.
            elif type == "PractitionerRole" and "organization" in inside and not of_contained:
                yield from self._parties(inside["organization"], resource, of_contained=True)
        elif (found := self._target(text)) is not None and found[0] in _ORGANISED:
            yield found[1], found[0] == "PractitionerRole"
        if "identifier" in reference and reference.get("type", "Organization") == "Organization":
            yield from ((party, False) for party in _identity(reference["identifier"]))


_NONE: list[Row] = []
_ORGANISED = frozenset({"Organization", "PractitionerRole"})


def _contained(resource: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    inside: Sequence[Mapping[str, Any]] = resource.get("contained", ())
    return next((each for each in inside if each.get("id") == id), {})


def _identities(organization: Mapping[str, Any]) -> Iterator[int]:
    for identifier in organization.get("identifier", ()):
        yield from _identity(identifier)


def _identity(identifier: Mapping[str, Any]) -> tuple[int, ...]:
    # A value without its system is another organisation's elsewhere.
    system, value = identifier.get("system"), identifier.get("value")
    return (joined_key(system, value),) if system and value else ()


def _reach(path: str) -> Reach:
    *through, last = path.split(".")

    def reach(resource: Any) -> list[Mapping[str, Any]]:
        elements = [resource]
        for name in (*through, last):
            found: list[Any] = []
            for element in elements:
                value = element.get(name)
                if value is not None:
                    found += value if isinstance(value, list) else (value,)
            elements = found
        return elements

    return reach


_NAMING: dict[str, tuple[Reach, ...]] = {type: tuple(map(_reach, paths)) for type, paths in NAMING.items()}
