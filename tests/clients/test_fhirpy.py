"""fhirpy (synchronous), by its own public calls.

Source: FHIR R4, RESTful API; fhirpy's README. fhirpy offers no history; its `patch` sends plain JSON.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.clients.r4b import parse
from tests.served import Served

SYSTEM = "https://example.org/fhirpy"


@pytest.fixture(scope="module")
def client(served: Served) -> SyncFHIRClient:
    return SyncFHIRClient(served.base)


def new_patient(client: SyncFHIRClient, value: str | None = None, family: str = "Essai") -> Any:
    return client.resource(
        "Patient", identifier=[{"system": SYSTEM, "value": value or uuid4().hex}], name=[{"family": family}]
    )


def test_a_created_resource_has_an_id_and_reads_back_the_same(client: SyncFHIRClient) -> None:
    created = new_patient(client).create()
    assert created.id
    assert created["meta"]["versionId"] == "1"
    read = client.get("Patient", created.id)
    assert read == created.serialize()
    parse(read)


def test_saving_a_resource_with_an_id_updates_it(client: SyncFHIRClient) -> None:
    patient = new_patient(client).create()
    patient["gender"] = "female"
    patient.save()
    assert patient["meta"]["versionId"] == "2"
    assert client.get("Patient", patient.id)["gender"] == "female"


def test_refresh_brings_the_newer_version_and_keeps_the_current_one(client: SyncFHIRClient) -> None:
    patient = new_patient(client).create()
    assert patient.refresh()["meta"]["versionId"] == "1"
    other = client.reference("Patient", patient.id).to_resource()
    other["active"] = True
    other.save()
    assert patient.refresh()["meta"]["versionId"] == "2"


def test_iterating_over_a_search_visits_every_page(client: SyncFHIRClient) -> None:
    family = f"Pages{uuid4().hex}"
    expected = {new_patient(client, family=family).create().id for _ in range(7)}
    found = [patient.id for patient in client.resources("Patient").search(family=family).limit(3)]
    assert len(found) == 7
    assert set(found) == expected


def test_the_first_of_a_search_and_the_only_one(client: SyncFHIRClient) -> None:
    value = uuid4().hex
    created = new_patient(client, value).create()
    search = client.resources("Patient").search(identifier=f"{SYSTEM}|{value}")
    first = search.first()
    assert first is not None
    assert first.id == created.id
    assert search.get().id == created.id
    parse(search.fetch_raw())


def test_a_search_includes_what_its_matches_refer_to(client: SyncFHIRClient) -> None:
    patient = new_patient(client).create()
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    client.resource("Observation", status="final", code=code, subject=patient.to_reference()).save()
    page = client.resources("Observation").search(subject=f"Patient/{patient.id}").include("Observation", "subject")
    assert [entry["resource"]["resourceType"] for entry in page.fetch_raw()["entry"]] == ["Observation", "Patient"]


def test_get_or_create_never_creates_twice(client: SyncFHIRClient) -> None:
    """fhirpy puts the criteria of a conditional create into the URL, where R4 knows none: they mean If-None-Exist."""
    value = uuid4().hex
    search = client.resources("Patient").search(identifier=f"{SYSTEM}|{value}")
    first, created = search.get_or_create(new_patient(client, value))
    second, created_again = search.get_or_create(new_patient(client, value))
    assert (created, created_again) == (1, 0)
    assert second.id == first.id
    assert len(search.fetch()) == 1


def test_a_conditional_update_finds_its_resource(client: SyncFHIRClient) -> None:
    value = uuid4().hex
    search = client.resources("Patient").search(identifier=f"{SYSTEM}|{value}")
    first, created = search.update(new_patient(client, value))
    second, created_again = search.update(new_patient(client, value, family="Autre"))
    assert (created, created_again) == (1, 0)
    assert (second.id, second["meta"]["versionId"]) == (first.id, "2")


def test_a_conditional_update_with_two_matches_is_told_as_such(client: SyncFHIRClient) -> None:
    value = uuid4().hex
    new_patient(client, value).create()
    new_patient(client, value).create()
    with pytest.raises(MultipleResourcesFound):
        client.resources("Patient").search(identifier=f"{SYSTEM}|{value}").update(new_patient(client, value))


def test_a_transaction_is_posted_to_the_base(client: SyncFHIRClient) -> None:
    full_url = f"urn:uuid:{uuid4()}"
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    observation = {"resourceType": "Observation", "status": "final", "code": code, "subject": {"reference": full_url}}
    answer = client.execute(
        "",
        data={
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": full_url,
                    "resource": new_patient(client).serialize(),
                    "request": {"method": "POST", "url": "Patient"},
                },
                {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
            ],
        },
    )
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    parse(answer)


def test_a_deleted_resource_is_gone(client: SyncFHIRClient) -> None:
    patient = new_patient(client).create()
    patient.delete()
    with pytest.raises(ResourceNotFound):
        client.get("Patient", patient.id)


def test_a_patch_of_plain_json_is_refused_with_415_and_the_types_taken(client: SyncFHIRClient, served: Served) -> None:
    patient = new_patient(client).create()
    with pytest.raises(OperationOutcome) as refusal:
        patient.patch(gender="male")
    text = refusal.value.resource["issue"][0]["diagnostics"]
    assert "application/json-patch+json" in text
    assert "application/json" in text
    assert client.get("Patient", patient.id)["meta"]["versionId"] == "1"
