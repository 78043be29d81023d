"""The resources of a dossier as its profiles want them, of invented people: plain dicts, references by "Type/id".

Source: `profiles/pfmg`; `terminology/pfmg`; FHIR FR Core 2.2.0 for identities, structures and professionals.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from fhir_gateway.demo_dossiers.invented import Person, Professional, Structure, names, structures
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Resource = dict[str, Any]

INS_TEST: Final = "urn:oid:1.2.250.1.213.1.4.10"
FR_CORE: Final = "https://hl7.fr/ig/fhir/core"
FR_TYPES: Final = f"{FR_CORE}/CodeSystem/fr-core-cs-v2-0203"
V2_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
EDAM: Final = "http://edamontology.org"
# An empty page: what a scan of a signed form or report would be.
PDF: Final = base64.b64encode(
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
).decode()
# LOINC (codes of R4's list of document types), and what each kind of document (pfmg-document) is called.
DOCUMENTS: Final = {
    "fiche-rcp": ("34098-4", "Fiche de la RCP d'amont"),
    "anatomopathologie": ("11526-1", "Compte rendu d'anatomopathologie"),
    "genetique-anterieure": ("51969-4", "Analyses génétiques antérieures"),
    "ophtalmologie": ("34807-8", "Compte rendu d'ophtalmologie"),
    "fond-oeil": ("70944-4", "Photographies du fond d'œil"),
    "autofluorescence": ("70946-9", "Autofluorescence"),
    "oct": ("70946-9", "Tomographie en cohérence optique"),
    "erg": ("70946-9", "Électrorétinogramme"),
    "consentement": ("59284-0", "Formulaire de consentement signé"),
    "decision-justice": ("64299-1", "Décision de justice qui désigne le représentant"),
    "compte-rendu-biologique": ("51969-4", "Compte rendu de génétique"),
    "donnees": ("51969-4", "Fichier de données"),
}


def identifier_system(name: str) -> str:
    return f"{CANONICAL_BASE}/identifier/{name}"


def ref(name: str) -> Resource:
    return {"reference": name}


def profiled(kind: str, id: str, profile: str) -> Resource:
    return {"resourceType": kind, "id": id, "meta": {"profile": [f"{codes.PROFILE}{profile}"]}}


def extension(name: str, **value: Any) -> Resource:
    return {"url": f"{CANONICAL_BASE}/StructureDefinition/{name}", **value}


# --- who: people, structures, professionals


def patient(person: Person, place: int = 0) -> Resource:
    """Return a Patient: of qualified identity with an INS number for tests, else provisional with a hospital's only.

    `place`: which of the places of birth.
    """
    made = profiled("Patient", f"p-{person.key}", "patient")
    status = "PROV" if person.ins is None else "VALI"
    made["extension"] = [_reliability(status)]
    identifiers: list[Resource] = []
    official: Resource = {"use": "official", "family": person.family, "given": list(person.given)}
    if person.ins is not None:
        made["extension"].append(_birth_place(place))
        kind = {"coding": [{"system": FR_TYPES, "code": "INS-NIR-TEST"}]}
        identifiers.append({"use": "official", "type": kind, "system": INS_TEST, "value": person.ins})
        listed = f"{FR_CORE}/StructureDefinition/fr-core-patient-birth-list-given-name"
        official = {
            "extension": [{"url": listed, "valueString": " ".join(person.given)}],
            "use": "official",
            "family": person.family,
            "given": [person.given[0]],
        }
    if person.is_fetus:
        made["extension"].append(extension("foetus", valueBoolean=True))
    if person.ipp is not None:
        kind = {"coding": [{"system": V2_TYPES, "code": "PI"}]}
        identifiers.append({"use": "usual", "type": kind, "system": identifier_system("ipp"), "value": person.ipp})
    made |= {"identifier": identifiers, "name": [official], "gender": person.gender, "birthDate": person.birth}
    if isinstance(person.deceased, str):
        made["deceasedDateTime"] = person.deceased
    elif person.deceased:
        made["deceasedBoolean"] = True
    return made


def _reliability(status: str) -> Resource:
    coding = {"system": f"{FR_CORE}/CodeSystem/fr-core-cs-v2-0445", "code": status}
    return {
        "url": f"{FR_CORE}/StructureDefinition/fr-core-identity-reliability",
        "extension": [{"url": "identityStatus", "valueCoding": coding}],
    }


def _birth_place(place: int) -> Resource:
    insee, city = names().places[place % len(names().places)]
    system = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
    coded = {
        "url": f"{FR_CORE}/StructureDefinition/fr-core-address-insee-code",
        "valueCoding": {"system": system, "code": insee},
    }
    address = {"extension": [coded], "city": city}
    return {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": address}


def related_person(person: Person, patient_id: str, role: str, suffix: str) -> Resource:
    """Return who signs for somebody: a parent, a guardian (`role` of v3-RoleCode)."""
    return {
        **profiled("RelatedPerson", f"{patient_id}-{suffix}", "related-person"),
        "identifier": [{"system": identifier_system("representant"), "value": f"{patient_id}-{suffix}"}],
        "patient": ref(f"Patient/{patient_id}"),
        "relationship": [concept(codes.ROLE_CODE, role)],
        "name": [{"use": "official", "family": person.family, "given": list(person.given)}],
    }


def organization(structure: Structure) -> Resource:
    numbers = [
        {
            "type": {"coding": [{"system": FR_TYPES, "code": kind}]},
            "system": codes.FINESS,
            "value": number,
        }
        for kind, number in structure.finess
    ]
    made = {
        **profiled("Organization", structure.key, "organization"),
        "identifier": numbers,
        "active": True,
        "type": [concept(f"{CANONICAL_BASE}/CodeSystem/pfmg-type-structure", structure.kind)],
        "name": structure.name,
    }
    if structure.postal_code is not None:
        made["address"] = [{"city": structure.city, "postalCode": structure.postal_code, "country": "FR"}]
    return made


def practitioner(professional: Professional) -> Resource:
    name: Resource = {"family": professional.family, "given": [professional.given]}
    if professional.prefix is not None:
        name["prefix"] = [professional.prefix]
    kind = {"coding": [{"system": FR_TYPES, "code": "RPPS"}]}
    return {
        **profiled("Practitioner", f"prof-{professional.key}", "practitioner"),
        "identifier": [{"type": kind, "system": codes.RPPS, "value": professional.rpps}],
        "name": [name],
    }


def practitioner_role(professional: Professional) -> Resource:
    structure = structures()[professional.structure]
    rpps = {"system": codes.RPPS, "value": professional.rpps}
    finess = {"system": codes.FINESS, "value": structure.number}
    return {
        **profiled("PractitionerRole", professional.key, "practitioner-role"),
        "identifier": [{"system": identifier_system("fonction"), "value": f"{professional.rpps}-{structure.number}"}],
        "active": True,
        "practitioner": {
            **ref(f"Practitioner/prof-{professional.key}"), "identifier": rpps, "display": professional.display,
        },
        "organization": {**ref(f"Organization/{structure.key}"), "identifier": finess, "display": structure.name},
        "code": [concept(f"{CANONICAL_BASE}/CodeSystem/pfmg-fonction", professional.function)],
        "telecom": [{"system": "email", "value": f"{professional.key}@mssante.example"}],
    }  # fmt: skip


def to_structure(structure: Structure) -> Resource:
    """Return a reference to a structure, with the FINESS number that a platform finds its work by."""
    number = {"system": codes.FINESS, "value": structure.number}
    return {**ref(f"Organization/{structure.key}"), "identifier": number, "display": structure.name}


def to_professional(professional: Professional) -> Resource:
    return {**ref(f"PractitionerRole/{professional.key}"), "display": professional.display}


# --- what is observed and told of a person


def phenotype(id: str, number: str, patient_id: str, term: tuple[str, str], present: bool, at: str) -> Resource:
    """Return an HPO term (code, what it says in French), present or absent."""
    return {
        **profiled("Observation", id, "phenotype"),
        "identifier": [{"system": identifier_system("phenotype"), "value": f"{number}-{id}"}],
        "status": "final",
        "category": [concept(CATEGORY, "exam")],
        "code": concept(codes.HPO, term[0], term[1]),
        "subject": ref(f"Patient/{patient_id}"),
        "effectiveDateTime": at,
        "valueCodeableConcept": concept(codes.LOINC, codes.PRESENT if present else "LA9634-2"),
    }


def affected(id: str, number: str, patient_id: str, is_affected: bool, at: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id,
        "identifier": [{"system": identifier_system("phenotype"), "value": f"{number}-{id}"}],
        "status": "final",
        "category": [concept(CATEGORY, "exam")],
        "code": concept(codes.SNOMED, codes.AFFECTED, "Atteint"),
        "subject": ref(f"Patient/{patient_id}"),
        "effectiveDateTime": at,
        "valueBoolean": is_affected,
    }


def cellularity(id: str, number: str, patient_id: str, specimen_id: str, percent: int, at: str) -> Resource:
    """Return the share of tumour cells (or blasts) of a specimen, in per cent, as the pathologist tells it."""
    value = {"value": percent, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    return {
        "resourceType": "Observation",
        "id": id,
        "identifier": [{"system": identifier_system("phenotype"), "value": f"{number}-{id}"}],
        "status": "final",
        "category": [concept(CATEGORY, "laboratory")],
        "code": concept(codes.SNOMED, "371510003", "Cellularité tumorale"),
        "subject": ref(f"Patient/{patient_id}"),
        "effectiveDateTime": at,
        "specimen": ref(f"Specimen/{specimen_id}"),
        "valueQuantity": value,
    }


def edge(id: str, number: str, patient_id: str, role: str, relative_id: str) -> Resource:
    """Return a link of the pedigree: to the patient the relative is what `role` says (v3-RoleCode)."""
    return {
        **profiled("FamilyMemberHistory", id, "family-member-history"),
        "extension": [{"url": codes.PATIENT_RECORD, "valueReference": ref(f"Patient/{relative_id}")}],
        "identifier": [{"system": identifier_system("lien"), "value": f"{number}-{id}"}],
        "status": "completed",
        "patient": ref(f"Patient/{patient_id}"),
        "relationship": concept(codes.ROLE_CODE, role),
    }


def document(id: str, number: str, kind: str, patient_id: str, request_id: str, at: str) -> Resource:
    """Return a PDF of a kind (pfmg-document) with its content."""
    loinc, title = DOCUMENTS[kind]
    return {
        **profiled("DocumentReference", id, "document-reference"),
        "identifier": [{"system": identifier_system("document"), "value": f"{number}-{id}"}],
        "status": "current",
        "type": concept(codes.LOINC, loinc),
        "category": [concept(codes.DOCUMENT, kind)],
        "subject": ref(f"Patient/{patient_id}"),
        "date": at,
        "content": [{"attachment": {"contentType": "application/pdf", "data": PDF, "title": title}}],
        "context": {"related": [ref(f"ServiceRequest/{request_id}")]},
    }


def data_file(id: str, number: str, edam: str, size: int, digest: str, patient_id: str, request_id: str, at: str,
              title: str) -> Resource:  # fmt: skip
    """Return a file that is announced: its EDAM format, its size in bytes, its SHA-256 digest; it is not fetched."""
    attachment = {
        "extension": [
            extension("empreinte-sha256", valueString=digest),
            extension("taille-octets", valueDecimal=size),
        ],
        "contentType": "application/octet-stream",
        "url": f"https://donnees.example.org/{number}/{title}",
        "title": title,
    }
    made = document(id, number, "donnees", patient_id, request_id, at)
    return {**made, "content": [{"attachment": attachment, "format": {"system": EDAM, "code": edam}}]}


def specimen(id: str, number: str, nature: str, origin: str, patient_id: str, request_id: str, taken: str,
             **more: Any) -> Resource:  # fmt: skip
    """Return a tube as it is sent: not there yet at the platform (unavailable). `nature`, `origin`: codes of PFMG."""
    return {
        **profiled("Specimen", id, "specimen"),
        "extension": [extension("origine", valueCodeableConcept=concept(codes.ORIGINE, origin))],
        "identifier": [{"system": identifier_system("prelevement"), "value": f"{number}-{id}"}],
        "status": "unavailable",
        "type": concept(codes.NATURE, nature),
        "subject": ref(f"Patient/{patient_id}"),
        "request": [ref(f"ServiceRequest/{request_id}")],
        "collection": {"collectedDateTime": taken},
        **more,
    }


# --- traces


def provenance(id: str, targets: list[str], at: str, reason: str, who: Professional | None,
               structure: Structure) -> Resource:  # fmt: skip
    """Return why something changed (`reason` of pfmg-motif), by whom (None: a platform's system), for whom."""
    agent: Resource = {"onBehalfOf": {"identifier": {"system": codes.FINESS, "value": structure.number}}}
    if who is None:
        agent = {"who": {"identifier": {"system": codes.FINESS, "value": structure.number}}}
    else:
        agent["who"] = {"identifier": {"system": codes.RPPS, "value": who.rpps}, "display": who.display}
    return {
        **profiled("Provenance", id, "provenance"),
        "target": [ref(each) for each in targets],
        "recorded": at,
        "reason": [concept(codes.MOTIF, reason)],
        "agent": [agent],
    }
