"""Observations of every kind of date, value and reference.

Source: FHIR R4, Observation; Quantity, Timing, Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.search.edge_cases.elements import BASE, HPO, INS, LOINC, SCT, Resource, concept, make, quantity, reference


def observations() -> Iterator[Resource]:
    def observation(id: str, code: Any = None, subject: str | None = "Patient/index", **more: Any) -> Resource:
        about = {} if subject is None else {"subject": reference(subject)}
        return make(
            "Observation",
            id,
            status=more.pop("status", "final"),
            code=code or concept(LOINC, "8302-2"),
            **about,
            **more,
        )

    weight, height = (
        concept(LOINC, "29463-7", "Poids", "Body weight"),
        concept(LOINC, "8302-2", "Taille", "Body height"),
    )
    yield observation("kg70", weight, valueQuantity=quantity(70, "kg", "kg"), effectiveDateTime="2020-05-17")
    yield observation(
        "kg70-0", weight, valueQuantity=quantity(70.0, "kg", "kilo"), effectiveDateTime="2020-05-17T10:00:00+02:00"
    )
    yield observation(
        "kg70-4", weight, valueQuantity=quantity(70.4, "kg"), effectiveDateTime="2020-05-18T00:30:00+02:00"
    )
    yield observation("kg70-5", weight, valueQuantity=quantity(70.5, "kg"), effectiveDateTime="2020")
    yield observation(
        "kg69-5", weight, "Patient/mother", valueQuantity=quantity(69.5, "kg"), effectiveDateTime="2020-05"
    )
    yield observation(
        "lb154",
        weight,
        "Patient/mother",
        valueQuantity=quantity(154, "[lb_av]", "lb"),
        effectiveDateTime="2021-01-01T00:00:00Z",
    )
    yield observation(
        "g70000",
        weight,
        "Patient/father",
        valueQuantity=quantity(70000, "g"),
        effectivePeriod={"start": "2020-05-01", "end": "2020-05-31"},
    )
    yield observation(
        "unitless",
        weight,
        "Patient/father",
        valueQuantity={"value": 70, "unit": "kg"},
        effectivePeriod={"start": "2020-05-17"},
    )
    yield observation(
        "below5",
        height,
        "Patient/father",
        valueQuantity=quantity(5, "mg", comparator="<"),
        effectivePeriod={"end": "2020-05-17"},
    )
    yield observation("atmost5", height, valueQuantity=quantity(5, "mg", comparator="<="))
    yield observation(
        "above5", height, valueQuantity=quantity(5, "mg", comparator=">"), effectiveInstant="2020-05-17T08:00:00.123Z"
    )
    yield observation("atleast5", height, valueQuantity=quantity(5, "mg", comparator=">="))
    yield observation(
        "five", height, valueQuantity=quantity(5, "mg"), effectiveTiming={"event": ["2020-05-10", "2020-05-20"]}
    )
    yield observation(
        "huge",
        height,
        valueQuantity=quantity(6.02e23, "mol"),
        effectiveTiming={"repeat": {"boundsPeriod": {"start": "2020-01-01", "end": "2020-06-30"}, "frequency": 1}},
    )
    yield observation("tiny", height, valueQuantity=quantity(0.0054, "g"), effectiveTiming={"code": {"text": "BID"}})
    yield observation(
        "negative", height, valueQuantity=quantity(-3.5, "Cel"), effectiveDateTime="1969-12-31T23:59:59.999Z"
    )
    yield observation("zero", height, valueQuantity=quantity(0, "mg"), effectiveDateTime="1850-01-01")
    yield observation("noval", height, valueQuantity={"unit": "mg"}, dataAbsentReason=concept("http://dar", "unknown"))
    yield observation(
        "concept",
        concept(HPO, "HP:0001639", "Cardiomyopathie", "Hypertrophic cardiomyopathy"),
        valueCodeableConcept=concept(SCT, "373066001", "Oui", "Yes"),
        effectiveDateTime="2022-03-04",
    )
    yield observation(
        "absent",
        concept(HPO, "HP:0001250", None, "Seizure"),
        "Patient/mother",
        valueCodeableConcept=concept(SCT, "373067005", None, "No"),
        effectiveDateTime="2022-03-04",
    )
    yield observation("text-only", concept(text="douleur thoracique"), valueString="Forte, à l'effort", subject=None)
    yield observation(
        "two-codes",
        {
            "coding": [{"system": "http://b", "code": "zz"}, {"system": "http://a", "code": "aa"}, {"code": "mm"}],
            "text": "mixte",
        },
        valueString="forte|faible",
        category=[concept("http://c", "laboratory"), concept("http://c", "exam")],
    )
    yield observation("dated-value", concept(LOINC, "21112-8", "Naissance"), valueDateTime="1999-01-07T05:00:00+01:00")
    yield observation(
        "period-value",
        concept(LOINC, "21112-8"),
        "Patient/mother",
        valuePeriod={"start": "1968-02-01", "end": "1968-02-29"},
    )
    pressure = concept(LOINC, "85354-9", "Pression artérielle")
    systolic, diastolic = concept(LOINC, "8480-6", "Systolique"), concept(LOINC, "8462-4", "Diastolique")
    yield observation(
        "bp1",
        pressure,
        effectiveDateTime="2023-01-01",
        component=[
            {"code": systolic, "valueQuantity": quantity(120, "mm[Hg]")},
            {"code": diastolic, "valueQuantity": quantity(80, "mm[Hg]")},
        ],
    )
    yield observation(
        "bp2",
        pressure,
        "Patient/mother",
        effectiveDateTime="2023-01-02T12:00:00Z",
        component=[
            {"code": systolic, "valueQuantity": quantity(80, "mm[Hg]")},
            {"code": diastolic, "valueQuantity": quantity(120, "mm[Hg]")},
            {"code": concept("http://x", "pos", "Position"), "valueCodeableConcept": concept(SCT, "33586001")},
        ],
    )
    yield observation(
        "amended",
        height,
        status="amended",
        performer=[reference("Practitioner/d1"), reference("Organization/lab")],
        method=concept("http://m", "m1"),
        note=[{"text": "mesure reprise à la demande"}],
    )
    yield observation(
        "entered",
        height,
        status="entered-in-error",
        derivedFrom=[reference("Observation/five")],
        hasMember=[reference("Observation/bp1")],
    )
    yield observation(
        "sampled",
        concept(LOINC, "11524-6"),
        valueSampledData={"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2"},
    )
    # References of every kind
    yield observation("ref-absolute", height, f"{BASE}/Patient/index", effectiveDateTime="2024-01-01")
    yield observation(
        "ref-elsewhere", height, "http://elsewhere.example/fhir/Patient/index", effectiveDateTime="2024-01-02"
    )
    yield observation("ref-versioned", height, "Patient/index/_history/1", effectiveDateTime="2024-01-03")
    yield observation("ref-urn", height, "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001")
    yield observation(
        "ref-logical",
        height,
        None,
        specimen={"identifier": {"system": "http://specimens", "value": "s|1"}, "type": "Specimen"},
    )
    yield make(
        "Observation",
        "ref-identifier",
        status="final",
        code=height,
        subject={"identifier": {"system": INS, "value": "299017512345678"}, "type": "Patient"},
    )
    yield make(
        "Observation",
        "ref-contained",
        status="final",
        code=height,
        subject=reference("#p"),
        contained=[{"resourceType": "Patient", "id": "p", "name": [{"family": "Contenue"}], "birthDate": "2001-01-01"}],
    )
    yield make("Observation", "ref-display", status="final", code=height, subject={"display": "Éloïse"})
    yield observation("ref-dangling", height, "Patient/nowhere-to-be-found")
    yield observation("ref-group", height, "Group/family")
    yield observation("ref-location", height, "Location/lyon")
    yield observation(
        "oid",
        {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.1", "code": "8302-2"}]},
        identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000002"}],
    )
