"""Reference parameters and chains.

Source: FHIR R4, Search, "reference", "Chained parameters"; References, "Logical references".
"""

from __future__ import annotations

import pytest

from fhir_gateway.store.search.registry import Limits
from tests.store.search.library import BASE, Library, refusals

ELSEWHERE = "http://other.example.org/fhir/Patient/1"


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    def observation(id: str, **subject: object) -> dict[str, object]:
        return {"resourceType": "Observation", "id": id, "subject": subject}

    library.put(
        {"resourceType": "Organization", "id": "chu", "name": "CHU", "identifier": [{"system": "urn:o", "value": "7"}]},
        {
            "resourceType": "Patient",
            "id": "1",
            "name": [{"family": "Martin"}],
            "gender": "female",
            "managingOrganization": {"reference": "Organization/chu"},
        },
        {"resourceType": "Patient", "id": "2", "name": [{"family": "Durand"}], "gender": "male"},
        {"resourceType": "Group", "id": "1", "identifier": [{"value": "cohort"}]},
        {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Martin", "type": "other"}]},
        observation("relative", reference="Patient/1"),
        observation("absolute", reference=f"{BASE}/Patient/1"),
        observation("versioned", reference="Patient/1/_history/3"),
        observation("second", reference="Patient/2"),
        observation("group", reference="Group/1"),
        observation("device", reference="Device/d"),
        observation("elsewhere", reference=ELSEWHERE),
        observation("dangling", reference="Patient/404"),
        observation("logical", type="Patient", identifier={"system": "urn:mrn", "value": "42"}),
        observation("unsaid", identifier={"system": "urn:mrn", "value": "43"}),
        {"resourceType": "PlanDefinition", "id": "plan", "library": ["http://l.example.org/l|2.0"]},
        {
            "resourceType": "Task",
            "id": "task",
            "owner": {"identifier": {"system": "urn:platform", "value": "AURAGEN"}},
            "status": "requested",
        },
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=Patient/1", {"relative", "absolute", "versioned"}),
        ("subject=1", {"relative", "absolute", "versioned", "group"}),
        ("subject:Patient=1", {"relative", "absolute", "versioned"}),
        ("subject:Patient=Patient/1", {"relative", "absolute", "versioned"}),
        (f"subject={BASE}/Patient/1", {"relative", "absolute", "versioned"}),
        ("subject=Patient/1/_history/3", {"versioned"}),
        ("subject=Patient/1/_history/4", set()),
        ("patient=1", {"relative", "absolute", "versioned"}),
        ("subject=Patient/2,Group/1", {"second", "group"}),
        (f"subject={ELSEWHERE}", {"elsewhere"}),
        ("subject=Patient/404", {"dangling"}),
        ("subject:identifier=urn:mrn|42", {"logical"}),
        ("subject:identifier=43", {"unsaid"}),
        ("patient:identifier=urn:mrn|", {"logical"}),
        ("subject:missing=true", set()),
        ("performer:missing=false", set()),
        ("patient:missing=true", {"group", "device", "unsaid"}),
        # Chains.
        ("subject:Patient.name=martin", {"relative", "absolute", "versioned"}),
        ("subject.name=martin", {"relative", "absolute", "versioned"}),
        ("subject:Device.device-name=martin", {"device"}),
        ("patient.gender=male", {"second"}),
        ("patient.gender:not=male", {"relative", "absolute", "versioned"}),
        ("patient.organization:missing=true", {"second"}),
        ("patient.organization:missing=false", {"relative", "absolute", "versioned"}),
        ("subject:Patient.family:exact=Durand", {"second"}),
        ("subject:Patient._id=1,2", {"relative", "absolute", "versioned", "second"}),
        ("subject.identifier=cohort", {"group"}),
        ("subject:Patient.organization.identifier=urn:o|7", {"relative", "absolute", "versioned"}),
        ("subject:Patient.organization:Organization.name=chu", {"relative", "absolute", "versioned"}),
        ("patient.organization=Organization/chu", {"relative", "absolute", "versioned"}),
        ("patient.gender=female&patient.name=durand", set()),
        ("patient._lastUpdated=gt2000", {"relative", "absolute", "versioned", "second"}),
    ],
)
def test_a_reference_is_found_by_what_it_points_to(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("Observation", query)) == found


def test_a_task_is_found_by_the_identifier_of_its_owner(library: Library) -> None:
    assert library.ids("Task", "owner:identifier=urn:platform|AURAGEN&status=requested") == ["task"]


def test_a_canonical_is_found_with_or_without_its_version(library: Library) -> None:
    for query, found in (
        ("depends-on=http://l.example.org/l", ["plan"]),
        ("depends-on=http://l.example.org/l|2.0", ["plan"]),
        ("depends-on=http://l.example.org/l|1.0", []),
    ):
        assert library.ids("PlanDefinition", query) == found


def test_what_is_deleted_is_not_reached_by_a_chain(library: Library) -> None:
    library.put(
        {"resourceType": "Patient", "id": "gone", "name": [{"family": "Parti"}]},
        {"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "Patient/gone"}},
    )
    assert library.ids("Encounter", "subject:Patient.name=parti") == ["e"]
    library.delete("Patient", "gone")
    assert library.ids("Encounter", "subject:Patient.name=parti") == []
    assert library.ids("Encounter", "subject:Patient.name:missing=true") == []
    assert library.ids("Encounter", "subject=Patient/gone") == ["e"]


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("subject=what is this", ["search-reference-malformed"]),
        ("subject=Patient/", ["search-reference-malformed"]),
        ("subject:Practitioner=1", ["search-reference-type"]),
        ("subject:Patient=Group/1", ["search-reference-type"]),
        ("subject:exact=1", ["search-modifier-unsupported"]),
        ("subject:identifier=|", ["search-token-malformed"]),
        ("code.name=x", ["search-chain-impossible"]),
        ("subject:Practitioner.name=x", ["search-reference-type"]),
        ("subject:Patient.nothing=x", ["search-chain-target"]),
        # Only a Patient has it, so that no type need be named.
        ("subject.birthdate=x", ["search-date-malformed"]),
        ("patient.link.link.link.link.link=1", ["search-chain-too-long"]),
    ],
)
def test_what_is_no_reference_or_chain_is_refused(query: str, issues: list[str]) -> None:
    assert refusals("Observation", query, Limits(max_chain=4)) == issues
