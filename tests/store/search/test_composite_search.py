"""Composite parameters.

Source: FHIR R4, Search, "Composite Search Parameters": "match on a single element … not just on any of them".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.number import Number
from tests.store.search.library import Library, refusals

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def code(text: str, system: str | None = LOINC) -> dict[str, object]:
    return {"coding": [{"code": text} if system is None else {"system": system, "code": text}]}


def quantity(value: str, unit: str) -> dict[str, object]:
    return {"value": Number(value), "unit": unit, "system": UCUM, "code": unit}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    systolic = {"code": code("8480-6"), "valueQuantity": quantity("150", "mm[Hg]")}
    diastolic = {"code": code("8462-4"), "valueQuantity": quantity("80", "mm[Hg]")}
    library.put(
        {"resourceType": "Observation", "id": "pressure", "code": code("85354-9"), "component": [systolic, diastolic]},
        {"resourceType": "Observation", "id": "height", "code": code("8302-2"), "valueQuantity": quantity("170", "cm")},
        {
            "resourceType": "Observation",
            "id": "bare",
            "code": code("8302-2", None),
            "valueQuantity": {"value": 150, "unit": "cm"},
        },
        {
            "resourceType": "Observation",
            "id": "smoker",
            "code": code("72166-2"),
            "valueCodeableConcept": code("8517006", "http://snomed.info/sct"),
        },
        {"resourceType": "Observation", "id": "said", "code": code("T"), "valueString": "Élevé, très"},
        {"resourceType": "Observation", "id": "dated", "code": code("D"), "valueDateTime": "2020-05"},
        {
            "resourceType": "DocumentReference",
            "id": "amends",
            "status": "current",
            "content": [],
            "relatesTo": [
                {"code": "replaces", "target": {"reference": "DocumentReference/a"}},
                {"code": "appends", "target": {"reference": "DocumentReference/b"}},
            ],
        },
        {
            "resourceType": "MolecularSequence",
            "id": "seq",
            "coordinateSystem": 0,
            "referenceSeq": {"chromosome": code("1"), "windowStart": 100, "windowEnd": 200},
            "variant": [{"start": 110, "end": 111}, {"start": 150, "end": 160}],
        },
        {
            "resourceType": "Group",
            "id": "group",
            "type": "person",
            "actual": False,
            "characteristic": [
                {"code": code("g"), "valueCodeableConcept": code("female"), "exclude": False},
                {"code": code("s"), "valueBoolean": True, "exclude": False},
            ],
        },
    )


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("Observation", "component-code-value-quantity=8480-6$gt140", ["pressure"]),
        ("Observation", f"component-code-value-quantity={LOINC}|8480-6$150|{UCUM}|mm[Hg]", ["pressure"]),
        ("Observation", "component-code-value-quantity=8462-4$gt140", []),
        ("Observation", "component-code-value-quantity=8480-6$lt140,8462-4$lt90", ["pressure"]),
        ("Observation", "combo-code-value-quantity=8480-6$gt140", ["pressure"]),
        ("Observation", "combo-code-value-quantity=8302-2$ge150", ["bare", "height"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$170||cm", ["height"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$170|{UCUM}|cm", ["height"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$170|{UCUM}|m", []),
        # By canonical unit; a number without unit is never one of base units (170 cm is 1.7 m).
        ("Observation", f"code-value-quantity={LOINC}|8302-2$1.70|{UCUM}|m", ["height"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$gt1600|{UCUM}|mm", ["height"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$1.70|{UCUM}|g", []),
        ("Observation", "code-value-quantity=8302-2$lt10", []),
        ("Observation", "code-value-quantity=8302-2$1.70", []),
        ("Observation", f"component-code-value-quantity=8480-6$15|{UCUM}|cm[Hg]", ["pressure"]),
        ("Observation", f"code-value-quantity={LOINC}|8302-2$170|urn:other|cm", []),
        ("Observation", "code-value-quantity=urn:other|8302-2$170", []),
        ("Observation", "code-value-quantity=|8302-2$150||cm", ["bare"]),
        ("Observation", f"code-value-quantity={LOINC}|$ne3", ["height"]),
        ("Observation", "code-value-quantity=8480-6$gt140", []),
        ("Observation", "code-value-concept=72166-2$8517006", ["smoker"]),
        ("Observation", f"code-value-concept={LOINC}|72166-2$http://snomed.info/sct|8517006", ["smoker"]),
        ("Observation", f"code-value-concept={LOINC}|72166-2${LOINC}|8517006", []),
        ("Observation", "code-value-concept=72166-2$http://snomed.info/sct|", ["smoker"]),
        ("Observation", "code-value-concept=|72166-2$8517006", []),
        ("Observation", "code-value-string=T$eleve", ["said"]),
        ("Observation", r"code-value-string=T$Élevé\, tr", ["said"]),
        ("Observation", f"code-value-string={LOINC}|T$tres", []),
        ("Observation", "code-value-date=D$2020", ["dated"]),
        ("Observation", f"code-value-date={LOINC}|D$lt2020-05-02", ["dated"]),
        ("Observation", "code-value-date=D$gt2020-06", []),
        ("DocumentReference", "relationship=replaces$DocumentReference/a", ["amends"]),
        ("DocumentReference", "relationship=replaces$DocumentReference/b", []),
        ("DocumentReference", "relationship=http://hl7.org/fhir/document-relationship-type|appends$b", ["amends"]),
        ("MolecularSequence", "chromosome-variant-coordinate=1$ge110$le112", ["seq"]),
        ("MolecularSequence", "chromosome-variant-coordinate=1$110$160", []),
        ("MolecularSequence", "chromosome-variant-coordinate=1$150$160", ["seq"]),
        ("MolecularSequence", "chromosome-window-coordinate=1$lt105$gt195", ["seq"]),
        ("MolecularSequence", "chromosome-window-coordinate=2$lt105$gt195", []),
        ("Group", "characteristic-value=g$female", ["group"]),
        ("Group", "characteristic-value=s$true", ["group"]),
        ("Group", "characteristic-value=s$female", []),
        ("Observation", "component-code-value-quantity:missing=false", ["pressure"]),
    ],
)
def test_parts_of_a_composite_belong_together(library: Library, type: str, query: str, found: list[str]) -> None:
    assert library.ids(type, query) == found


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("code-value-quantity=8302-2", "search-composite-malformed"),
        ("code-value-quantity=8302-2$", "search-composite-malformed"),
        ("code-value-quantity=8302-2$1$2", "search-composite-malformed"),
        ("code-value-quantity=8302-2$much", "search-quantity-malformed"),
        ("code-value-date=D$soon", "search-date-malformed"),
        ("code-value-quantity=a|b|c$5", "search-token-malformed"),
        ("code-value-quantity:not=a$5", "search-modifier-unsupported"),
    ],
)
def test_a_composite_without_all_its_parts_is_refused(query: str, issue: str) -> None:
    assert refusals("Observation", query) == [issue]
