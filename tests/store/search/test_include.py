"""Resources that come with the matches.

Source: FHIR R4, Search, "Including other resources in result (_include and _revinclude)".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.registry import Limits
from fhir_gateway.store.search.select import find
from tests.store.search.library import BASE, Library, refusals


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    def to(reference: str) -> dict[str, str]:
        return {"reference": reference}

    library.put(
        {"resourceType": "Organization", "id": "hospital", "name": "CHU"},
        {"resourceType": "Patient", "id": "child", "managingOrganization": to("Organization/hospital")},
        {"resourceType": "Patient", "id": "gone"},
        {"resourceType": "Practitioner", "id": "doctor"},
        {
            "resourceType": "ServiceRequest",
            "id": "order",
            "subject": to(f"{BASE}/Patient/child"),
            "requester": to("Practitioner/doctor"),
            "performer": [to("http://elsewhere.example.org/Organization/1"), to("Organization/never")],
        },
        {
            "resourceType": "Task",
            "id": "task",
            "focus": to("ServiceRequest/order"),
            "for": to("Patient/child"),
            "partOf": [to("Task/task")],
        },
        {"resourceType": "Observation", "id": "hpo", "subject": to("Patient/child"), "basedOn": [to("Task/task")]},
        {"resourceType": "Observation", "id": "member", "hasMember": [to("Observation/hpo")]},
        {
            "resourceType": "Provenance",
            "id": "origin",
            "target": [to("Observation/member"), to("Task/task/_history/1")],
        },
        {"resourceType": "Encounter", "id": "visit", "subject": to("Patient/gone")},
    )
    library.delete("Patient", "gone")


@pytest.mark.parametrize(
    ("type", "query", "included"),
    [
        ("Task", "_include=Task:focus", ["ServiceRequest/order"]),
        (
            "Task",
            "_include=Task:focus&_include:iterate=ServiceRequest:subject",
            ["Patient/child", "ServiceRequest/order"],
        ),
        (
            "Task",
            "_include=Task:focus&_include:iterate=ServiceRequest:subject&_include:iterate=Patient:organization",
            ["Organization/hospital", "Patient/child", "ServiceRequest/order"],
        ),
        # Without iterate only from the matches.
        ("Task", "_include=Task:focus&_include=ServiceRequest:subject", ["ServiceRequest/order"]),
        ("Task", "_include=Task:focus:ServiceRequest", ["ServiceRequest/order"]),
        ("Task", "_include=Task:focus:Patient", []),
        ("Task", "_include=Task:*", ["Patient/child", "ServiceRequest/order"]),
        ("Task", "_include=*", ["Patient/child", "ServiceRequest/order"]),
        # A match is not included again, nor is anything twice.
        ("Task", "_include=Task:part-of", []),
        ("Task", "_include=Task:patient&_include=Task:subject", ["Patient/child"]),
        # What is elsewhere, was never here, or was deleted.
        ("ServiceRequest", "_include=ServiceRequest:performer", []),
        ("Encounter", "_include=Encounter:subject", []),
        (
            "ServiceRequest",
            "_include=ServiceRequest:requester&_include=ServiceRequest:patient",
            ["Patient/child", "Practitioner/doctor"],
        ),
        ("Patient", "_revinclude=Observation:subject", ["Observation/hpo"]),
        ("Patient", "_revinclude=Observation:subject&_revinclude=Task:patient", ["Observation/hpo", "Task/task"]),
        (
            "Patient",
            "_revinclude=Observation:subject&_revinclude:iterate=Observation:has-member",
            ["Observation/hpo", "Observation/member"],
        ),
        (
            "Patient",
            "_revinclude=Task:patient&_include:iterate=Task:focus",
            ["ServiceRequest/order", "Task/task"],
        ),
        ("Task", "_revinclude=Provenance:target", ["Provenance/origin"]),
        ("Task", "_revinclude=Provenance:target:Patient", []),
        ("Task", "_revinclude=*", ["Observation/hpo", "Provenance/origin"]),
        (
            "Organization",
            "_revinclude=Patient:organization&_revinclude:iterate=*",
            [
                "Observation/hpo",
                "Observation/member",
                "Patient/child",
                "Provenance/origin",
                "ServiceRequest/order",
                "Task/task",
            ],
        ),
    ],
)
def test_what_a_search_includes(library: Library, type: str, query: str, included: list[str]) -> None:
    assert library.included(type, query) == included


def test_more_than_the_ceiling_is_refused_not_cut(library: Library) -> None:
    query = library.query("Task", "_include=*", Limits(max_included=1))
    with library.store.read() as tx, pytest.raises(TooCostly) as refusal:
        follow(tx, find(tx, query).matches, query)
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["search-too-many-included"]


@pytest.mark.parametrize(
    "query",
    [
        "_include=focus",
        "_include=Task:nothing",
        "_include=Task:status",
        "_include=Robot:focus",
        "_include=Task:focus:Robot",
        "_include=Task:focus:",
        "_revinclude=Task",
        "_include:iterate=Task::x",
    ],
)
def test_an_inclusion_of_what_is_no_reference_is_refused(query: str) -> None:
    assert refusals("Task", query) == ["search-include-malformed"]


def test_an_unknown_modifier_of_include_is_refused() -> None:
    assert refusals("Task", "_include:recurse=Task:focus") == ["search-value-invalid"]
