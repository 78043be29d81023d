"""What has a canonical url and what names it by it; medications, contained and not.

Source: FHIR R4, ValueSet, Questionnaire, QuestionnaireResponse, PlanDefinition, Medication.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.search.edge_cases.elements import SCT, Resource, concept, make, quantity, reference


def definitions() -> Iterator[Resource]:
    for id, url, version in (
        ("vs1", "http://acme.example/fhir/ValueSet/123", "1"),
        ("vs2", "http://acme.example/fhir/ValueSet", "1"),
        ("vs3", "http://acme.example/fhir", None),
        ("vs4", "http://acme.example/fhirs", None),
        ("vs5", "urn:oid:1.2.3.4.5", "2"),
        ("vs6", "http://acme.example/fhir/ValueSet/123/_history/5", None),
        ("vs7", "HTTP://ACME.example/fhir/ValueSet/123", None),
    ):
        yield make(
            "ValueSet",
            id,
            url=url,
            status="active",
            title=f"Jeu {id}",
            **({} if version is None else {"version": version}),
        )
    yield make(
        "ValueSet",
        "vs8",
        url="http://acme.example/fhir/ValueSet/a%20b",
        status="draft",
        date="2020-01",
        useContext=[
            {
                "code": {"system": "http://u", "code": "age"},
                "valueRange": {"low": quantity(5, "a"), "high": quantity(10, "a")},
            },
            {"code": {"system": "http://u", "code": "focus"}, "valueCodeableConcept": concept(SCT, "1")},
        ],
    )
    yield make(
        "Questionnaire",
        "q1",
        url="http://acme.example/Questionnaire/q",
        version="1.0",
        status="active",
        name="Formulaire",
        title="Formulaire clinique",
    )
    yield make(
        "Questionnaire",
        "q2",
        url="http://acme.example/Questionnaire/q",
        version="2.0",
        status="active",
        name="Formulaire2",
        derivedFrom=["http://acme.example/Questionnaire/q|1.0"],
    )
    yield make(
        "QuestionnaireResponse",
        "r0",
        status="completed",
        questionnaire="http://acme.example/Questionnaire/q",
        subject=reference("Patient/index"),
        authored="2024-03-01",
    )
    yield make(
        "QuestionnaireResponse",
        "r1",
        status="completed",
        questionnaire="http://acme.example/Questionnaire/q|1.0",
        subject=reference("Patient/mother"),
    )
    yield make(
        "QuestionnaireResponse", "r2", status="in-progress", questionnaire="http://acme.example/Questionnaire/q|2.0"
    )
    yield make(
        "QuestionnaireResponse", "r3", status="completed", questionnaire="http://acme.example/Questionnaire/q|3.0"
    )
    yield make(
        "PlanDefinition",
        "preindication",
        url="http://fr.example/PlanDefinition/preindication",
        version="2024",
        status="active",
        title="Préindication : cardiomyopathies familiales",
    )
    yield make(
        "Medication",
        "aspirin",
        code=concept("http://atc", "B01AC06", "Acide acétylsalicylique"),
        ingredient=[{"itemCodeableConcept": concept(SCT, "387458008")}],
    )
    yield make(
        "MedicationRequest",
        "m1",
        status="active",
        intent="order",
        subject=reference("Patient/index"),
        medicationReference=reference("Medication/aspirin"),
        authoredOn="2024-04-01",
    )
    yield make(
        "MedicationRequest",
        "m2",
        status="stopped",
        intent="order",
        subject=reference("Patient/mother"),
        medicationCodeableConcept=concept("http://atc", "B01AC06"),
        requester=reference("Practitioner/d2"),
    )
    yield make(
        "MedicationRequest",
        "m3",
        status="active",
        intent="plan",
        subject=reference("Patient/father"),
        medicationReference=reference("#m"),
        contained=[{"resourceType": "Medication", "id": "m", "code": concept("http://atc", "C07AB07", "Bisoprolol")}],
    )
