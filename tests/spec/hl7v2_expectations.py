"""What each French message of the shared data must become: paths and values, written from the messages and the guides.

A path is FHIRPath, asked of the resources that a message makes; values are texts, in order. `kinds`: how many resources
there are of a type. An acknowledgement makes nothing: it closes what it answers.

Source: PAM France 2.11; CI-SIS, "Transmission de documents CDA-R2 en HL7v2", "LPS"; FR Core 2.2.0; INS, Référentiel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BASE = "https://pfmg.example.org/fhir"
FINESS = f"{BASE}/hl7v2/finess"
RELIABILITY = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability')"
BIRTH_PLACE = "extension('http://hl7.org/fhir/StructureDefinition/patient-birthPlace').value"
INSEE = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code').value"
BIRTH_LIST = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name').value"
DISCHARGE = "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-estimated-discharge-date').value"
UPDATED = (
    "extension('https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birthdate-update-indicator').value"
)
PATIENT, STAY, MOVEMENT = (
    "ofType(Patient)",
    "ofType(Encounter).where(partOf.empty())",
    "ofType(Encounter).where(partOf)",
)
DOCUMENT, TRANSMISSION = "ofType(DocumentReference)", "ofType(CommunicationRequest)"
FLAGS = f"{BASE}/hl7v2/system/MetaDMPMSS"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a message becomes. `answers`: the control id an acknowledgement answers; `warned`: details of its issues."""

    event: str
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    answers: str = ""


def ack(event: str, answers: str = "015") -> Expected:
    return Expected(event, answers=answers)


# --- who

_TROIS = {
    f"{PATIENT}.name.where(use = 'official').family": ("PAT-TROIS",),
    f"{PATIENT}.name.where(use = 'official').given": ("DOMINIQUE",),
    f"{PATIENT}.name.where(use = 'official').{BIRTH_LIST}": ("DOMINIQUE",),
    f"{PATIENT}.birthDate": ("1979-03-28",),
    f"{PATIENT}.gender": ("female",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10').value": ("279035121518989",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10').type.coding.code": ("INS-NIR-TEST",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.10').period.start": ("2010-12-07",),
    f"{PATIENT}.{BIRTH_PLACE}.{INSEE}.code": ("63220",),
    f"{PATIENT}.{RELIABILITY}.extension('identityStatus').value.code": ("VALI",),
    f"{PATIENT}.address.city": ("PARIS",),
    f"{PATIENT}.address.use": ("home",),
}  # fmt: skip
_NESSI = {
    f"{PATIENT}.name.family": ("NESSI",),
    f"{PATIENT}.name.given": ("RUTH",),
    f"{PATIENT}.birthDate": ("1977-07-14",),
    f"{PATIENT}.gender": ("female",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8').value": ("277076322082910",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8').type.coding.code": ("INS-NIR",),
    f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8').use": ("official",),
    # The repetition is told by U+02DC, as MSH-2 says: a home and a place of birth, not one odd address.
    f"{PATIENT}.address.line": ("Av de Breteuil",),
    f"{PATIENT}.{BIRTH_PLACE}.{INSEE}.code": ("63220",),
    f"{PATIENT}.{RELIABILITY}.extension('identityStatus').value.code": ("VALI",),
}  # fmt: skip


def _a(family: str) -> dict[str, tuple[str, ...]]:
    """The patient of the letters of 2022, whose name changes between the two messages."""
    ins = f"{PATIENT}.identifier.where(system = 'urn:oid:1.2.250.1.213.1.4.8')"
    return {
        f"{PATIENT}.name.family": (family,),
        f"{PATIENT}.name.given": ("DOMINIQUE",),
        f"{PATIENT}.birthDate": ("2005-01-01",),
        f"{PATIENT}.gender": ("male",),
        f"{ins}.value": ("274075176079430",),
        f"{ins}.use": ("official",),
        f"{PATIENT}.{BIRTH_PLACE}.{INSEE}.code": ("63220",),
        f"{PATIENT}.{RELIABILITY}.extension('identityStatus').value.code": ("VALI",),
    }


# --- PAM France: stays, movements, consents to the DMP

_IPP = f"{PATIENT}.identifier.where(type.coding.code = 'PI')"


def _admission(day: str, stay: str, account: str, consents: Mapping[str, str]) -> Expected:
    """An admission of the Vague 2 examples: what differs is the day, the numbers, and what was said of the DMP."""
    at = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    values = {
        **_TROIS,
        f"{_IPP}.value": ("000003",),
        f"{_IPP}.system": (f"{FINESS}/000897406",),
        f"{_IPP}.use": ("usual",),
        f"{PATIENT}.{RELIABILITY}.extension('methodCollection').value.code": ("INSI",),
        f"{PATIENT}.{RELIABILITY}.extension('dateCollection').value": ("2021-12-01",),
        f"{PATIENT}.{UPDATED}": ("false",),
        "ofType(PractitionerRole).code.coding.code": ("ODRP",),
        f"{PATIENT}.generalPractitioner.count()": ("1",),
        "ofType(Practitioner).where(name.family = 'AGNES').identifier.system": ("https://rpps.esante.gouv.fr",),
        "ofType(Practitioner).where(name.family = 'AGNES').identifier.value": ("10000023084",),
        "ofType(Practitioner).where(name.family = 'Réault').identifier.system": ("urn:oid:1.2.250.1.71.4.2.1",),
        "ofType(Practitioner).where(name.family = 'Réault').identifier.value": ("801234567897",),
        "ofType(Account).identifier.value": (account,),
        f"{STAY}.identifier.value": (stay,),
        f"{STAY}.identifier.type.coding.code": ("VN",),
        f"{STAY}.status": ("in-progress",),
        f"{STAY}.class.code": ("IMP",),
        f"{STAY}.period.start": (f"{at}T11:00:00+01:00",),
        f"{STAY}.participant.type.coding.code": ("ATND", "ADM"),
        # PV1-16 = N: no courtesy. PV2-9 and -12. ZFM-1: how the patient came, by the PMSI.
        f"{STAY}.hospitalization.specialCourtesy.count()": ("0",),
        f"{STAY}.{DISCHARGE}": ("2024-03-10",),
        f"{STAY}.reasonCode.text": ("Surveillance",),
        f"{STAY}.hospitalization.admitSource.coding.code": ("8",),
        f"{MOVEMENT}.identifier.value": ("312",),
        f"{MOVEMENT}.identifier.system": (f"{FINESS}/000897406/mouvement",),
        f"{MOVEMENT}.status": ("in-progress",),
        f"{MOVEMENT}.period.start": (f"{at}T11:00:00+01:00",),
        f"{MOVEMENT}.type.coding.code": ("HMS",),
        "ofType(Organization).where(identifier.value = '6268').name": ("Chir V",),
        "ofType(Consent).policyRule.text": tuple(consents),
        "ofType(Consent).provision.type": tuple(consents.values()),
        "ofType(Consent).dateTime": (f"{at}T11:11:54+01:00",) * len(consents),
        "ofType(Provenance).recorded": (f"{at}T11:11:54+01:00",),
        "ofType(Provenance).occurred": (f"{at}T11:00:00+01:00",),
    }
    kinds = {"Patient": 1, "Encounter": 2, "Consent": len(consents), "Account": 1, "PractitionerRole": 1}
    return Expected("ADT^A01", values, kinds)


_FEED, _CONSULT = "Dossier médical partagé : alimentation", "Dossier médical partagé : consultation"

_DISCHARGE = Expected(
    "ADT^A03",
    {
        **_TROIS,
        f"{_IPP}.value": ("000003",),
        f"{STAY}.status": ("finished",),
        f"{STAY}.identifier.value": ("000897406",),
        # ZBE is one field too far on: INSERT in 5, the ward in 8, the nature in 10.
        f"{MOVEMENT}.identifier.value": ("002",),
        f"{MOVEMENT}.period.start": ("2024-03-06T11:00:00+01:00",),
        f"{MOVEMENT}.status": ("finished",),
        f"{MOVEMENT}.type.coding.code": ("HMS",),
        f"{MOVEMENT}.contained.ofType(Organization).name": ("Urgences",),
        f"{MOVEMENT}.contained.ofType(Organization).identifier.value": ("8782",),
    },
    {"Patient": 1, "Encounter": 2, "Consent": 0},
    warned=("mapping-read-elsewhere",),
)
_TRANSFER = Expected(
    "ADT^A02",
    {
        # ISO 8859-1, as MSH-18 declares.
        f"{PATIENT}.name.family": ("SMITH",),
        f"{PATIENT}.name.given": ("Gwénaëlle",),
        f"{PATIENT}.name.use": ("official",),
        f"{PATIENT}.birthDate": ("1960-01-01",),
        f"{PATIENT}.gender": ("female",),
        f"{PATIENT}.identifier.value": ("11111111",),  # PID-19 is forbidden by PAM France: no us-ssn of it
        f"{PATIENT}.telecom.value": ("0000000000",),
        f"{PATIENT}.deceased": ("false",),
        "ofType(Account).identifier.value": ("010000002",),
        f"{STAY}.identifier.value": ("314000002",),
        f"{STAY}.status": ("in-progress",),
        f"{STAY}.class.code": ("IMP",),
        f"{STAY}.period.start": ("2014-10-20T12:15:00+02:00",),
        f"{MOVEMENT}.identifier.value": ("40390000",),
        f"{MOVEMENT}.period.start": ("2014-10-20T18:30:00+02:00",),
        f"{MOVEMENT}.type.coding.code": ("L",),
        "ofType(Organization).where(name = 'MATER').identifier.value": ("MATER",),
        "ofType(Practitioner).identifier.value": ("SMIJ4", "221720000", "SMIJ"),
    },
    {"Patient": 1, "Encounter": 2},
)

# --- CI-SIS: documents

_REPORT = {
    "ofType(DiagnosticReport).identifier.where(type.coding.code = 'PLAC').value": ("98765431",),
    "ofType(DiagnosticReport).identifier.where(type.coding.code = 'FILL').value": ("1001-E1",),
    "ofType(DiagnosticReport).code.coding.code": ("11502-2",),
    "ofType(DiagnosticReport).code.coding.system": ("http://loinc.org",),
    "ofType(DiagnosticReport).status": ("final",),
    "ofType(DiagnosticReport).contained.ofType(Practitioner).name.family": ("LABBIO",),
    "ofType(ServiceRequest).identifier.value": ("98765431", "1001-E1"),
    "ofType(ServiceRequest).requisition.value": ("777",),
    f"{STAY}.identifier.value": ("000897406",),
    f"{STAY}.class.code": ("IMP",),
    "ofType(Account).identifier.value": ("405660",),
}  # fmt: skip


def _biology(
    who: Mapping[str, tuple[str, ...]], code: str, ins: str, documents: int = 2, acknowledged: bool = False
) -> Expected:
    """A report of biology (ORU): `code` is OBX-11, `ins` the number the patient's own address begins with."""
    doc_status, status = {"F": ("final", "current"), "C": ("amended", "current"), "D": ("entered-in-error",) * 2}[code]
    asked = ("DESTDMP", "DESTMSSANTEPS", "DESTMSSANTEPAT", *(("ACK_RECEPTION", "ACK_LECTURE_MSS") * acknowledged))
    values = {
        **who,
        **_REPORT,
        f"{DOCUMENT}.type.coding.code": ("11502-2",) * documents,
        f"{DOCUMENT}.docStatus": (doc_status,) * documents,
        f"{DOCUMENT}.status": (status,) * documents,
        f"{DOCUMENT}.content.attachment.contentType": ("text/xml",) * documents,
        f"{DOCUMENT}.identifier.value": tuple(f"1001-E1/11502-2/{n}" for n in range(1, documents + 1)),
        f"{DOCUMENT}.securityLabel.count()": ("0",),
        f"{DOCUMENT}.first().meta.tag.code": asked,
        f"{DOCUMENT}.first().meta.tag.system.distinct()": (FLAGS,),
        # PRT: who sends, who receives (a professional, and the patient), to whom to answer.
        f"{TRANSMISSION}.status": ("draft",),
        f"{TRANSMISSION}.recipient.count()": ("2",),
        f"{TRANSMISSION}.reasonCode.coding.code": asked,
        f"{TRANSMISSION}.payload.content.title": ("CORPSMAIL_PS",),
        "ofType(PractitionerRole).code.coding.code": ("SB", "RCT", "REPLY"),
        "ofType(PractitionerRole).telecom.value": ("adam.hoda@test-ci-sis.mssante.fr",) * 2,
        "ofType(PractitionerRole).telecom.system": ("email",) * 2,
        "ofType(Practitioner).where(name.family = 'DIAZ').identifier.value": ("801234567866",),
        "ofType(Practitioner).where(name.family = 'DIAZ').identifier.system": ("urn:oid:1.2.250.1.71.4.2.1",),
        f"ofType(Practitioner).where(identifier.value = '{ins}').count()": ("0",),
    }
    kinds = {
        "Patient": 1, "Encounter": 1, "DiagnosticReport": 1, "ServiceRequest": 1, "Observation": 0,
        "DocumentReference": documents, "Binary": documents, "CommunicationRequest": 1, "PractitionerRole": 3,
    }  # fmt: skip
    return Expected("ORU^R01", values, kinds)


def _letter(
    event: str, who: Mapping[str, tuple[str, ...]], id: str, labels: tuple[str, ...], tags: tuple[str, ...],
    *, stay: bool, replaced: str = "", mail: str = "CORPSMAIL_PS", doc_status: str = "final",
    roles: tuple[str, ...] = ("SB", "RCT", "REPLY"),
) -> Expected:  # fmt: skip
    """A letter of imaging (MDM). `labels`: from whom it is kept, `tags`: what else its flags say."""
    values = {
        **who,
        f"{DOCUMENT}.masterIdentifier.value": (f"urn:oid:{id}",),
        f"{DOCUMENT}.type.coding.code": ("18748-4",),
        f"{DOCUMENT}.type.coding.system": ("http://loinc.org",),
        f"{DOCUMENT}.docStatus": (doc_status,),
        f"{DOCUMENT}.status": ("entered-in-error" if event.endswith("T04") else "current",),
        f"{DOCUMENT}.context.period.start": ("2022-12-16T09:32:00+01:00",),
        f"{DOCUMENT}.securityLabel.coding.code": labels,
        f"{DOCUMENT}.meta.tag.code": tags,
        f"{DOCUMENT}.relatesTo.code": ("replaces",) if replaced else (),
        f"{DOCUMENT}.relatesTo.target.identifier.value": (f"urn:oid:{replaced}",) if replaced else (),
        f"{DOCUMENT}.content.attachment.url.count()": ("1",),
        "ofType(Binary).contentType": ("text/xml",),
        f"{TRANSMISSION}.status": ("draft",),
        f"{TRANSMISSION}.payload.content.title": (mail,),
        f"{TRANSMISSION}.payload.content.contentType": ("text/plain",),
        f"{TRANSMISSION}.recipient.count()": ("1",),
        "ofType(PractitionerRole).code.coding.code": roles,
        # The number of who signs, with its prefix, is none of the register's eleven digits.
        "ofType(Practitioner).where(name.family = 'Eric').identifier.value": ("801234564895",),
        "ofType(Practitioner).where(name.family = 'Eric').identifier.system": ("urn:oid:1.2.250.1.71.4.2.1",),
        "ofType(Provenance).recorded": ("2021-10-05T15:29:08+02:00",),
        "ofType(Account).identifier.value": ("405660",),
    }
    kinds = {
        "Patient": 1, "Encounter": int(stay), "DocumentReference": 1, "Binary": 1, "Observation": 0,
        "CommunicationRequest": 1, "ServiceRequest": 0,
    }  # fmt: skip
    return Expected(event, values, kinds)


_ROOT = "1.2.250.1.71.4.2.2.120456789"
_HIDDEN = ("INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX")
_TWO = ("SB", "RCT")

EXPECTED: Mapping[str, Expected] = {
    "french-misc/medic_L7_issue5_ADT_A02": _TRANSFER,
    "ans-fr/SGL_sortie": _DISCHARGE,
    "ans-fr/pam_consent_ConsentementConsultation_NonOppositionAlimentation":
        _admission("20240306", "000897406", "24000006", {_FEED: "permit", _CONSULT: "permit"}),
    "ans-fr/pam_consent_NonConsentementConsultation_NonOppositionAlimentation":
        _admission("20240307", "000197406", "24000007", {_FEED: "permit", _CONSULT: "deny"}),
    "ans-fr/pam_consent_NonConsentementConsultation_OppositionAlimentation":
        _admission("20240309", "000297406", "24000008", {_FEED: "deny", _CONSULT: "deny"}),
    "ans-fr/pam_consent_NonRecueillieConsentementConsultation_NonOppositionAlimentation":
        _admission("20240310", "000597406", "24000009", {_FEED: "permit"}),
    "ans-fr/pam_consent_NonRecueillieConsentementConsultation_NonRecueillieOppositionAlimentation":
        _admission("20240311", "000997406", "24000010", {}),
    "ans-fr/cda_V2_0_ORU_INIT_ORU_message_ORU_CR_Bio_INIT_N1_N3":
        _biology(_NESSI, "F", "277076322082910", acknowledged=True),
    "ans-fr/cda_V2_0_ORU_Remplacement_ORU_message_ORU_CR_Bio_RPLC_N1_Base64_N3_Base64":
        _biology(_NESSI, "C", "277076322082910"),
    "ans-fr/cda_V2_0_ORU_Remplacement_ORU_message_ORU_CR_Bio_RPLC_N1_N3": _biology(_NESSI, "C", "277076322082910"),
    "ans-fr/cda_V2_0_ORU_Suppression_ORU_message_ORU_CR_Bio_DEL_N1_Base64_N3_Base64":
        _biology(_NESSI, "D", "277076322082910"),
    "ans-fr/cda_V2_0_ORU_Suppression_ORU_message_ORU_CR_Bio_DEL_N1_N3": _biology(_NESSI, "D", "277076322082910"),
    "ans-fr/cda_V2_1_ORU_Remplacement_ORU_message_ORU_CR_Bio_RPLC_N1_Base64_N3_Base64":
        _biology(_TROIS, "C", "279035121518989"),
    "ans-fr/cda_V2_1_ORU_Suppression_ORU_message_ORU_CR_Bio_DEL_N1_Base64_N3_Base64":
        _biology(_TROIS, "D", "279035121518989"),
    "ans-fr/v2cda_ORU_Remplacement_ORU_message_ORU_CR_Bio_RPLC_N3_SEGUR":
        _biology(_TROIS, "C", "279035121518989", documents=1),
    "ans-fr/v2cda_ORU_Suppression_ORU_message_ORU_CR_Bio_DEL_N3_SEGUR":
        _biology(_TROIS, "D", "279035121518989", documents=1),
    "ans-fr/v2cda_MDM_INIT_MDM_message_MDM_CR_Radio_INIT_N1_Base64":
        _letter("MDM^T02", _TROIS, f"{_ROOT}.71024000081", _HIDDEN, ("CONNEXION_SECRETE", "DESTDMP", "DESTMSSANTEPS"),
                stay=True, roles=_TWO),
    "ans-fr/v2cda_MDM_Suppression_MDM_message_MDM_CR_Radio_DEL_N1":
        _letter("MDM^T04", _TROIS, f"{_ROOT}.71024000082", (), ("CONNEXION_SECRETE", "DESTDMP", "DESTMSSANTEPS"),
                stay=True, roles=_TWO),
    "ans-fr/lps_V1_0_INIT_MDM_message_MDM_LPS_MSS_CR_Radio_INIT_N1":
        _letter("MDM^T02", _a("PatA"), f"{_ROOT}.A71024000081", _HIDDEN, (), stay=True,
                mail="XDM/1.0/DDM+CR d’examens biologiques PatA DOMINIQUE 07/08/2010"),
    "ans-fr/lps_V1_0_Remplacement_MDM_message_MDM_LPS_MSS_CR_Radio_RPLC_N1":
        _letter("MDM^T10", _a("PatientA"), f"{_ROOT}.A71024000082", (), ("MODIF_CONF_CODE",), stay=True,
                replaced="1.2.250.1.71.4.2.2.120456789A71024000082",
                mail="XDM/1.0/DDM+CR d’examens biologiques PatientA DOMINIQUE 07/08/2010"),
    # PV1-2 = N: there is no stay.
    "ans-fr/v2lps_INIT_MDM_message_MDM_LPS_MSS_CR_Radio_INIT_N1":
        _letter("MDM^T02", _TROIS, f"{_ROOT}.71024000081", _HIDDEN, (), stay=False,
                mail="XDM/1.0/DDM+CR d’examens de radiologie PAT-TROIS DOMINIQUE 07/08/2010"),
    "ans-fr/v2lps_INIT_MDM_message_MDM_LPS_MSS_CR_Radio_INIT_N1_Base64":
        _letter("MDM^T02", _TROIS, f"{_ROOT}.71024000081", _HIDDEN, (), stay=False,
                mail="XDM/1.0/DDM+CR d’examens radiologiques PAT-TROIS DOMINIQUE 07/08/2010"),
    "ans-fr/v2lps_Remplacement_MDM_message_MDM_LPS_MSS_CR_Radio_RPLC_N1":
        _letter("MDM^T10", _TROIS, f"{_ROOT}.71024000082", (), ("MODIF_CONF_CODE",), stay=False,
                replaced=f"{_ROOT}.71024000081",
                mail="XDM/1.0/DDM+CR d’examens radiologie PAT-TROIS DOMINIQUE 07/08/2010"),
    "ans-fr/cda_V1_2_MDM_ack": ack("ACK^T02"),
    "ans-fr/cda_V2_0_MDM_Remplacement_MDM_ack": ack("ACK^T10"),
    "ans-fr/cda_V2_0_ORU_Remplacement_ORU_ack": ack("ACK^R01"),
    "ans-fr/cda_V2_1_ORU_Remplacement_ORU_ack": ack("ACK^R01"),
    "ans-fr/v2cda_MDM_Remplacement_MDM_ack": ack("ACK^T10"),
    "ans-fr/v2cda_MDM_Suppression_MDM_ack": ack("ACK^T04"),
    "ans-fr/v2lps_INIT_MDM_ack": ack("ACK^T02"),
}  # fmt: skip
