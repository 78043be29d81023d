"""Conditions, encounters, and what has ages, ranges, numbers and money.

Source: FHIR R4, Condition, Encounter, RiskAssessment, ChargeItem, Invoice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.search.edge_cases.elements import HPO, SCT, UCUM, Resource, concept, make, quantity, reference


def conditions() -> Iterator[Resource]:
    def condition(id: str, subject: str = "Patient/index", **more: Any) -> Resource:
        return make("Condition", id, subject=reference(subject), **more)

    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    yield condition(
        "onset-age",
        onsetAge={"value": 12, "system": UCUM, "code": "a", "unit": "ans"},
        code=concept(SCT, "233873004"),
        clinicalStatus=concept(clinical, "active"),
    )
    yield condition(
        "onset-range",
        onsetRange={"low": quantity(10, "a"), "high": quantity(20, "a")},
        clinicalStatus=concept(clinical, "resolved"),
        abatementString="à l'âge adulte",
    )
    yield condition(
        "onset-open", onsetRange={"low": quantity(30, "a")}, abatementAge={"value": 40, "system": UCUM, "code": "a"}
    )
    yield condition("onset-string", onsetString="petite enfance", recordedDate="2019-07-14")
    yield condition(
        "onset-period", "Patient/mother", onsetPeriod={"start": "2001-01", "end": "2003"}, abatementDateTime="2005-05"
    )
    yield condition(
        "onset-date", "Patient/mother", onsetDateTime="2010-10-10T10:10:10Z", asserter=reference("Practitioner/d2")
    )
    yield condition(
        "evidence",
        "Patient/father",
        evidence=[{"detail": [reference("Observation/concept")], "code": [concept(HPO, "HP:0001639")]}],
        encounter=reference("Encounter/consult"),
    )
    yield make(
        "Encounter",
        "consult",
        status="finished",
        subject=reference("Patient/index"),
        period={"start": "2022-03-04T09:00:00+01:00", "end": "2022-03-04T10:00:00+01:00"},
        length={"value": 60, "system": UCUM, "code": "min", "unit": "minutes"},
        serviceProvider=reference("Organization/hospital"),
        participant=[{"individual": reference("Practitioner/d1")}],
        location=[{"location": reference("Location/lyon")}],
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
    )
    yield make(
        "Encounter",
        "ongoing",
        status="in-progress",
        subject=reference("Patient/mother"),
        period={"start": "2024-01-01"},
        partOf=reference("Encounter/consult"),
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}},
    )
    yield make(
        "RiskAssessment",
        "low",
        status="final",
        subject=reference("Patient/index"),
        prediction=[{"probabilityDecimal": 0.05}, {"probabilityDecimal": 0.9}],
    )
    yield make(
        "RiskAssessment",
        "hundred",
        status="final",
        subject=reference("Patient/mother"),
        prediction=[{"probabilityDecimal": 100}],
    )
    yield make(
        "RiskAssessment",
        "range",
        status="final",
        subject=reference("Patient/father"),
        prediction=[{"probabilityRange": {"low": {"value": 94.9}, "high": {"value": 99}}}],
    )
    yield make(
        "RiskAssessment",
        "tiny",
        status="final",
        subject=reference("Patient/father"),
        prediction=[{"probabilityDecimal": 1e-9}],
    )
    for id, factor in (
        ("f95", 95),
        ("f94", 94.999),
        ("f105", 105),
        ("f104", 104.999),
        ("f100", 100),
        ("f-2", -2.5),
        ("f99", 99.5),
        ("f100-5", 100.5),
    ):
        yield make(
            "ChargeItem",
            id,
            status="billable",
            code=concept("http://ccam", "DEQP003"),
            subject=reference("Patient/index"),
            factorOverride=factor,
            quantity={"value": factor},
            priceOverride={"value": factor * 2, "currency": "EUR" if factor > 0 else "CHF"},
        )
    yield make(
        "Invoice",
        "invoice",
        status="issued",
        totalNet={"value": 950.5, "currency": "EUR"},
        totalGross={"value": 1140.6, "currency": "EUR"},
        subject=reference("Patient/index"),
    )
