"""What is prescribed for a family: who takes part and how, and the resources that say so when it is submitted.

Source: `profiles/pfmg`; `fhir_gateway/dossier/forms.py` for which form fits whom; the PFMG's forms for their boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fhir_gateway.demo_dossiers import resources as make
from fhir_gateway.demo_dossiers.invented import Person, Professional, Structure, structures
from fhir_gateway.demo_dossiers.resources import Resource, ref
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

# The boxes of the forms of 15 May 2019 and April 2020, beside the consent itself.
_RELATIVES: Final = ("parentele-soi", "parentele-medecin")
BOXES: Final[Mapping[str, tuple[str, ...]]] = {
    "mr-majeur": ("resultat", "conservation-diagnostic", *_RELATIVES, "don-gametes"),
    "tiers-apparente": ("resultat", "conservation-diagnostic", *_RELATIVES, "don-gametes"),
    "mr-mineur": ("resultat", "conservation-diagnostic", *_RELATIVES),
    "mr-majeur-tutelle": ("resultat", "conservation-diagnostic", *_RELATIVES),
    "mr-mineur-decede": ("resultat", "conservation-diagnostic", *_RELATIVES),
    "foetus-decede": ("resultat", "conservation-diagnostic", *_RELATIVES),
    "cancer-majeur": ("constit-tumeur", "conservation-diagnostic", *_RELATIVES, "don-gametes"),
    "cancer-mineur": ("constit-tumeur", "conservation-diagnostic", *_RELATIVES),
}
RESEARCH: Final = ("recherche-echantillons", "recherche-donnees")
VERSION: Final = {"foetus-decede": "2020-04"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs for somebody: a person, and what that one is to them (v3-RoleCode); `suffix` makes the id."""

    person: Person
    role: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a dossier. `key`: "index", "mere" …, of which ids are made; `link`: what a relative is to the
    proband (v3-RoleCode).

    `signers`: empty for who signs for himself. `refuses`: boxes answered with no. `signs`: HPO (code, French, present).
    `tubes`: (nature, origin), codes of PFMG.
    """

    key: str
    person: Person
    form: str
    link: str | None = None
    is_affected: bool = False
    signers: tuple[Signer, ...] = ()
    refuses: frozenset[str] = frozenset()
    signs: tuple[tuple[str, str, bool], ...] = ()
    tubes: tuple[tuple[str, str], ...] = (("sang", "constitutionnel"),)
    sole_authority: bool = False
    place: int = 0

    @property
    def patient_id(self) -> str:
        return f"p-{self.person.key}"


@dataclass(frozen=True, slots=True)
class Prescription:
    """A dossier as it is asked for: the proband first among `members`. `number`: its own, as people write it.

    `documents`: kinds (pfmg-document) that go with it. `based_on`: the number of the dossier that a reanalysis is of.
    """

    number: str
    parcours: str
    preindication: str
    examen: str
    prescriber: Professional
    platform: Structure
    authored: str
    members: tuple[Member, ...]
    documents: tuple[str, ...] = ()
    motive: str | None = None
    priority: str = "routine"
    note: str | None = None
    based_on: str | None = None
    cellularity: int | None = None
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.number.lower()

    @property
    def hospital(self) -> Structure:
        return structures()[self.prescriber.structure]

    @property
    def proband(self) -> Member:
        return self.members[0]

    def id(self, member: Member, what: str = "") -> str:
        """Return the id of a resource of one person of this dossier; of the request when nothing else is named."""
        return f"{self.slug}-{member.key}-{what}" if what else f"{self.slug}-{member.key}"

    def with_(self, **changes: Any) -> Prescription:
        return replace(self, **changes)


def directory(prescription: Prescription) -> list[Resource]:
    """Return the structures and professionals that a submission names."""
    prescriber = prescription.prescriber
    return [
        make.organization(prescription.hospital),
        make.organization(prescription.platform),
        make.practitioner(prescriber),
        make.practitioner_role(prescriber),
    ]


def submitted(prescription: Prescription) -> list[Resource]:
    """Return what is submitted: people, requests as drafts, clinical signs, pedigree, documents."""
    return [*directory(prescription), *_people(prescription), *_requests(prescription), *_told(prescription)]


def _people(prescription: Prescription) -> Iterator[Resource]:
    for member in prescription.members:
        yield make.patient(member.person, member.place)
        for signer in member.signers:
            yield make.related_person(signer.person, member.patient_id, signer.role, signer.suffix)


def _requests(prescription: Prescription) -> Iterator[Resource]:
    for member in prescription.members:
        yield request(prescription, member)


def request(prescription: Prescription, member: Member) -> Resource:
    """Return the draft ServiceRequest of one person."""
    is_proband = member is prescription.proband
    own = prescription.id(member)
    made: Resource = {
        **make.profiled("ServiceRequest", own, "service-request"),
        "identifier": [
            {
                "type": {"coding": [{"system": make.V2_TYPES, "code": "PLAC"}]},
                "system": make.identifier_system("prescription"),
                "value": f"{prescription.number}-{member.key}",
            }
        ],
        "requisition": {"system": make.identifier_system("dossier"), "value": prescription.number},
        "status": "draft",
        "intent": "order",
        "category": [
            concept(codes.PARCOURS, prescription.parcours),
            concept(codes.ROLE, "proband" if is_proband else "relative"),
        ],
        "priority": prescription.priority,
        "code": concept(codes.EXAMEN, prescription.examen),
        "subject": ref(f"Patient/{member.patient_id}"),
        "authoredOn": prescription.authored,
        "requester": make.to_professional(prescription.prescriber),
        "performer": [make.to_structure(prescription.platform)],
        "reasonCode": [concept(codes.PREINDICATION, prescription.preindication)],
    }
    if is_proband:
        made |= _of_the_proband(prescription)
    if prescription.based_on is not None:
        made["basedOn"] = [ref(f"ServiceRequest/{prescription.based_on.lower()}-{member.key}")]
    if prescription.note is not None:
        made["note"] = [{"text": prescription.note}]
    return {**made, **prescription.request}


def _of_the_proband(prescription: Prescription) -> Resource:
    said = [make.extension("nombre-participants", valuePositiveInt=len(prescription.members))]
    if prescription.motive is not None:
        said.append(make.extension("motif-strategie", valueString=prescription.motive))
    told = list(_told(prescription))
    made: Resource = {"extension": said}
    if told:
        made["supportingInfo"] = [ref(f"{each['resourceType']}/{each['id']}") for each in told]
    return made


def _told(prescription: Prescription) -> Iterator[Resource]:
    """Yield what is told of the family when it is submitted: signs, who is affected, links, documents."""
    number, at = prescription.number, prescription.authored
    for member in prescription.members:
        for place, (code, french, present) in enumerate(member.signs):
            own = prescription.id(member, f"signe-{place + 1}")
            yield make.phenotype(own, number, member.patient_id, (code, french), present, at)
        if prescription.parcours != "KC":
            yield make.affected(prescription.id(member, "atteint"), number, member.patient_id, member.is_affected, at)
    proband = prescription.proband
    for member in prescription.members[1:]:
        if member.link is not None:
            own = prescription.id(member, "lien")
            yield make.edge(own, number, proband.patient_id, member.link, member.patient_id)
    for kind in prescription.documents:
        own = prescription.id(proband, kind)
        yield make.document(own, number, kind, proband.patient_id, prescription.id(proband), f"{at}T12:00:00+01:00")


# --- consents


def consents(prescription: Prescription, member: Member, at: str, research: bool = True) -> list[Resource]:
    """Return the signed form of one person: the scan, the consent to the examination, that to research.

    `at`: the instant of the scan; its date is that of the signature.
    """
    scan = make.document(
        prescription.id(member, "formulaire"), prescription.number, "consentement", member.patient_id,
        prescription.id(member), at,
    )  # fmt: skip
    care = ("examen", *BOXES[member.form])
    made = [scan, _consent(prescription, member, at, "soins", "treatment", care)]
    if member.form == "mr-majeur-tutelle":
        made.append(
            make.document(
                prescription.id(member, "decision-justice"), prescription.number, "decision-justice",
                member.patient_id, prescription.id(member), at,
            )
        )  # fmt: skip
    if research:
        made.append(_consent(prescription, member, at, "recherche", "research", RESEARCH))
    return made


def _consent(prescription: Prescription, member: Member, at: str, what: str, scope: str,
             boxes: tuple[str, ...]) -> Resource:  # fmt: skip
    own = prescription.id(member, what)
    signers = [f"RelatedPerson/{member.patient_id}-{each.suffix}" for each in member.signers]
    signers = signers or [f"Patient/{member.patient_id}"]
    organizations = [make.to_structure(prescription.hospital)]
    if scope == "research":
        cad = structures()["cad"]
        number = {"system": codes.FINESS, "value": cad.number}
        organizations.append({"type": "Organization", "identifier": number, "display": cad.name})
    made: Resource = {
        **make.profiled("Consent", own, f"consent-{what}"),
        "identifier": [{"system": make.identifier_system("consentement"), "value": f"{prescription.number}-{own}"}],
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", scope),
        "category": [concept(codes.LOINC, "59284-0"), concept(codes.FORMULAIRE, member.form)],
        "patient": ref(f"Patient/{member.patient_id}"),
        "dateTime": at[:10],
        "performer": [ref(each) for each in signers],
        "organization": organizations,
        "sourceReference": ref(f"DocumentReference/{prescription.id(member, 'formulaire')}"),
        "policy": [{"uri": f"{CANONICAL_BASE}/formulaire/{member.form}/{VERSION.get(member.form, '2019-05-15')}"}],
        "policyRule": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
        "verification": [{"verified": True, "verificationDate": at[:10]}],
        "provision": {
            "data": [{"meaning": "related", "reference": ref(f"ServiceRequest/{prescription.id(member)}")}],
            "provision": [
                {"type": "deny" if box in member.refuses else "permit", "code": [concept(codes.CHOIX, box)]}
                for box in boxes
            ],
        },
    }
    if member.sole_authority:
        made["extension"] = [make.extension("autorite-parentale-exclusive", valueBoolean=True)]
    return made


# --- tubes


def specimens(prescription: Prescription, member: Member, taken: str) -> list[Resource]:
    """Return the tubes of one person, as they are taken on a day; a tumour's with what the pathologist says of it."""
    made: list[Resource] = []
    for place, (nature, origin) in enumerate(member.tubes):
        own = prescription.id(member, f"tube-{place + 1}")
        more: Resource = {}
        if origin.startswith("tumoral"):
            more["note"] = [{"text": "Qualifié par le centre qualifiant."}]
        made.append(
            make.specimen(own, prescription.number, nature, origin, member.patient_id, prescription.id(member), taken,
                          **more)
        )  # fmt: skip
        if origin.startswith("tumoral") and prescription.cellularity is not None:
            name = prescription.id(member, f"cellularite-{place + 1}")
            made.append(
                make.cellularity(name, prescription.number, member.patient_id, own, prescription.cellularity, taken)
            )
    return made
