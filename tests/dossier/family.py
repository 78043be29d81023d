"""A family of invented people and its prescription, as small as the rules allow; each test changes what it is about.

Source: `terminology/pfmg`; the people, hospitals and RPPS numbers (99…, which no register gives) are invented.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, gathered
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Resource = dict[str, Any]

NOW = "2026-06-01T09:00:00Z"
DOSSIER = f"{CANONICAL_BASE}/identifier/dossier"
PRESCRIBER_RPPS, COORDINATOR_RPPS = "99000000001", "99000000002"
HOSPITAL, OTHER_HOSPITAL = f"{codes.FINESS}|990000015", f"{codes.FINESS}|990000031"
# AURAGEN's legal entity, as the platforms' formats need the real number.
PLATFORM, OTHER_PLATFORM = f"{codes.FINESS}|690043534", f"{codes.FINESS}|750059800"
RCP = f"{codes.FINESS}|990000049"

PRESCRIPTEUR = Acting("prescripteur", HOSPITAL, PRESCRIBER_RPPS)
ASSISTANT = Acting("assistant-prescription", HOSPITAL, "99000000003")
STRANGER = Acting("prescripteur", OTHER_HOSPITAL, "99000000004")
COORDONNATEUR = Acting("coordonnateur-rcp", RCP, COORDINATOR_RPPS)
PLATEFORME = Acting("plateforme", PLATFORM)
OTHER_PLATEFORME = Acting("plateforme", OTHER_PLATFORM)


def ref(name: str) -> Resource:
    return {"reference": name}


def named(token: str) -> Resource:
    return {"identifier": codes.identifier(token)}


def patient(id: str, gender: str = "male", birth: str = "1980-05-05", **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": id, "gender": gender, "birthDate": birth, **more}


def request(id: str, person: str, role: str, status: str = "draft", examen: str = "wgs-trio", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "requisition": {"system": DOSSIER, "value": "D-1"},
        "category": [concept(codes.PARCOURS, "MR"), concept(codes.ROLE, role)],
        "code": concept(codes.EXAMEN, examen),
        "subject": ref(f"Patient/{person}"),
        "authoredOn": "2026-01-10",
        "requester": ref("PractitionerRole/role"),
        "performer": [named(PLATFORM)],
        "reasonCode": [concept(codes.PREINDICATION, "F-45")],
        **more,
    }


def consent(id: str, person: str, form: str, *signers: str, answer: str = "permit", **more: Any) -> Resource:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]},
        "category": [concept(codes.LOINC, "59284-0"), concept(codes.FORMULAIRE, form)],
        "patient": ref(f"Patient/{person}"),
        "dateTime": "2026-01-20",
        "performer": [ref(each) for each in signers] or [ref(f"Patient/{person}")],
        "sourceReference": ref("DocumentReference/scan"),
        "verification": [{"verified": True}],
        "provision": {"provision": [provision("examen", answer)]},
        **more,
    }


def provision(code: str, answer: str, **period: str) -> Resource:
    made: Resource = {"type": answer, "code": [concept(codes.CHOIX, code)]}
    return {**made, "period": period} if period else made


def edge(id: str, child: str, role: str, parent: str) -> Resource:
    return {
        "resourceType": "FamilyMemberHistory",
        "id": id,
        "status": "completed",
        "patient": ref(f"Patient/{child}"),
        "relationship": concept(codes.ROLE_CODE, role),
        "extension": [{"url": codes.PATIENT_RECORD, "valueReference": ref(f"Patient/{parent}")}],
    }


def phenotype(person: str, present: bool = True) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"hpo-{person}",
        "status": "final",
        "code": concept(codes.HPO, "HP:0001250"),
        "subject": ref(f"Patient/{person}"),
        "valueCodeableConcept": concept(codes.LOINC, "LA9633-4" if present else "LA9634-2"),
    }


def specimen(id: str, person: str, order: str, **more: Any) -> Resource:
    return {
        "resourceType": "Specimen",
        "id": id,
        "status": "unavailable",
        "type": concept(codes.NATURE, "sang"),
        "subject": ref(f"Patient/{person}"),
        "request": [ref(f"ServiceRequest/{order}")],
        "collection": {"collectedDateTime": "2026-02-01"},
        **more,
    }


def task(id: str, code: str, status: str, order: str = "order-0", owner: str | None = None, **more: Any) -> Resource:
    made: Resource = {
        "resourceType": "Task",
        "id": id,
        "status": status,
        "intent": "order",
        "groupIdentifier": {"system": DOSSIER, "value": "D-1"},
        "code": concept(codes.TACHE, code),
        "focus": ref(f"ServiceRequest/{order}"),
        "for": ref("Patient/child"),
        "authoredOn": "2026-01-10T08:00:00Z",
        "lastModified": "2026-01-15T08:00:00Z",
        **more,
    }
    return made if owner is None else {**made, "owner": named(owner)}


def report(status: str = "final") -> Resource:
    return {
        "resourceType": "DiagnosticReport",
        "id": "report",
        "status": status,
        "code": concept(codes.LOINC, "51969-4"),
        "basedOn": [ref("ServiceRequest/order-0")],
        "subject": ref("Patient/child"),
        "issued": "2026-05-10T10:00:00Z",
    }


def told(target: str, reason: str | None = None, rpps: str | None = None, organisation: str | None = None) -> Resource:
    made: Resource = {"resourceType": "Provenance", "id": f"told-{target.replace('/', '-')}", "target": [ref(target)]}
    made["recorded"] = NOW
    who = {"identifier": {"system": codes.RPPS, "value": rpps}} if rpps else named(organisation or PLATFORM)
    made["agent"] = [{"who": who}]
    return made if reason is None else {**made, "reason": [concept(codes.MOTIF, reason)]}


def rcp(rpps: str = COORDINATOR_RPPS) -> list[Resource]:
    """A RCP d'amont that has decided, and who it was."""
    return [task("rcp", "rcp-amont", "completed", owner=RCP), told("Task/rcp", rpps=rpps)]


def professionals() -> list[Resource]:
    return [
        {
            "resourceType": "PractitionerRole",
            "id": "role",
            "practitioner": named(f"{codes.RPPS}|{PRESCRIBER_RPPS}"),
            "organization": ref("Organization/hospital"),
        },
        {"resourceType": "Organization", "id": "hospital", "identifier": [codes.identifier(HOSPITAL)]},
    ]


def trio(status: str = "draft", *more: Resource, decided: bool = True) -> list[Resource]:
    """A trio of a rare disease in which nothing is missing: child, mother, father."""
    parents = [ref("RelatedPerson/mere"), ref("RelatedPerson/pere")]
    return [
        *professionals(),
        patient("child", "male", "2018-03-04"),
        patient("mother", "female", "1985-01-01"),
        patient("father", "male", "1984-01-01"),
        request("order-0", "child", "proband", status),
        request("order-1", "mother", "relative", status),
        request("order-2", "father", "relative", status),
        consent("consent-0", "child", "mr-mineur", *(each["reference"] for each in parents)),
        consent("consent-1", "mother", "tiers-apparente"),
        consent("consent-2", "father", "tiers-apparente"),
        edge("edge-1", "child", "MTH", "mother"),
        edge("edge-2", "child", "FTH", "father"),
        phenotype("child"),
        *(rcp() if decided else []),
        *more,
    ]


def changed(resources: list[Resource], id: str, **elements: Any) -> list[Resource]:
    """The same resources, one of them with other elements (None takes one away)."""
    assert any(each.get("id") == id for each in resources)
    return [
        {name: value for name, value in {**each, **elements}.items() if value is not None}
        if each.get("id") == id
        else each
        for each in resources
    ]


def without(resources: list[Resource], *ids: str) -> list[Resource]:
    assert set(ids) <= {each.get("id") for each in resources}
    return [each for each in resources if each.get("id") not in ids]


def one(resources: list[Resource], id: str) -> Resource:
    return next(each for each in resources if each.get("id") == id)


def dossier_of(resources: list[Resource]) -> Dossier:
    (dossier,) = gathered(resources)
    return dossier


def ids() -> Iterator[str]:
    return (f"new-{number}" for number in itertools.count())
