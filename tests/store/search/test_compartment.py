"""Searches in a compartment.

Source: FHIR R4, Search, "Compartments" (`Patient/1/Observation`, `Patient/1/*`); CompartmentDefinition; RESTful API,
"Variant Searches".
"""

from __future__ import annotations

import pytest

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.query import parse
from tests.store.search.library import Library, refusals, registry


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


PATIENT = ("Patient", "1")


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        {"resourceType": "Patient", "id": "1", "gender": "female", "link": [{"other": to("Patient/2")}]},
        {"resourceType": "Patient", "id": "2", "link": [{"other": to("Patient/1")}]},
        {"resourceType": "Practitioner", "id": "doctor"},
        {"resourceType": "Organization", "id": "chu"},
        {"resourceType": "Observation", "id": "about", "status": "final", "subject": to("Patient/1")},
        {
            "resourceType": "Observation",
            "id": "by",
            "status": "amended",
            "subject": to("Patient/2"),
            "performer": [to("Patient/1")],
        },
        {
            "resourceType": "Observation",
            "id": "both",
            "status": "final",
            "subject": to("Patient/1"),
            "performer": [to("Patient/1"), to("Practitioner/doctor")],
        },
        {"resourceType": "Observation", "id": "other", "status": "final", "subject": to("Patient/2")},
        # It refers to the patient, but by no parameter of the compartment.
        {"resourceType": "Observation", "id": "focus", "status": "final", "focus": [to("Patient/1")]},
        {"resourceType": "Encounter", "id": "visit", "subject": to("Patient/1")},
        {"resourceType": "Condition", "id": "flu", "subject": to("Patient/1"), "encounter": to("Encounter/visit")},
    )


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize(
    ("compartment", "type", "query", "found"),
    [
        (PATIENT, "Observation", "", ["both", "by", "about"]),
        (PATIENT, "Observation", "status=final", ["both", "about"]),
        (PATIENT, "Observation", "status:not=final", ["by"]),
        (PATIENT, "Observation", "subject=Patient/2", ["by"]),
        (PATIENT, "Condition", "", ["flu"]),
        (PATIENT, "Condition", "encounter.status:missing=true", ["flu"]),
        (PATIENT, "MedicationRequest", "", []),
        (PATIENT, None, "", ["flu", "visit", "both", "by", "about", "2", "1"]),
        (PATIENT, None, "_type=Condition,Encounter", ["flu", "visit"]),
        (PATIENT, None, "_type=Patient", ["2", "1"]),
        (PATIENT, None, "_id=1,flu", ["flu", "1"]),
        # "the patient itself", and those linked to it.
        (PATIENT, "Patient", "", ["2", "1"]),
        (PATIENT, "Patient", "gender=female", ["1"]),
        (("Patient", "404"), None, "", []),
        (("Practitioner", "doctor"), "Observation", "", ["both"]),
        (("Practitioner", "doctor"), None, "", ["both", "doctor"]),
        (("Encounter", "visit"), None, "", ["flu", "visit"]),
        (("Encounter", "visit"), "Encounter", "", ["visit"]),
        (("Encounter", "visit"), "Encounter", "_id=other", []),
    ],
)
def test_what_a_compartment_holds(
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    compartment: tuple[str, str],
    type: str | None,
    query: str,
    found: list[str],
    few: int,
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    assert library.ids(type, query, compartment) == found
    assert library.page(type, f"{query}&_count=1&_total=accurate", compartment).total == len(found)


def test_the_order_of_a_search_in_a_compartment_is_the_one_asked_for(library: Library) -> None:
    assert library.ids("Observation", "_sort=_id", PATIENT) == ["about", "both", "by"]


@pytest.mark.parametrize(
    ("compartment", "type", "query", "issues"),
    [
        (("Organization", "chu"), "Patient", "", ["search-compartment-unknown"]),
        (PATIENT, "Organization", "", ["search-compartment-type"]),
        (PATIENT, None, "_type=Organization", ["search-compartment-type"]),
        (PATIENT, None, "_type=Robot", ["search-type-unknown"]),
        (PATIENT, "Observation", "nothing=1", ["search-parameter-unknown"]),
    ],
)
def test_what_is_in_no_compartment_is_refused(
    compartment: tuple[str, str], type: str | None, query: str, issues: list[str]
) -> None:
    assert refusals(type, query, compartment=compartment) == issues


def test_searches_in_other_compartments_are_other_searches() -> None:
    read = registry()
    queries = [
        parse("Observation", [], read, compartment=compartment) for compartment in (None, PATIENT, ("Patient", "2"))
    ]
    assert len({query.key for query in queries}) == 3


def test_every_parameter_of_a_compartment_is_a_reference_that_is_indexed() -> None:
    read = registry()
    for types in read.compartments.values():
        for type, codes in types.items():
            for code in codes:
                parameter = read.parameter(type, code)
                assert parameter is not None
                assert parameter.type == "reference"
                assert (type, code) in read.pids
