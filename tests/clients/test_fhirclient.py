"""fhirclient (SMART on FHIR), by its own public calls.

Source: FHIR R4, RESTful API; fhirclient's README. It offers neither patch nor, but by reading a path, history.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhirclient.models.codeableconcept import CodeableConcept
from fhirclient.models.coding import Coding
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from requests import HTTPError

from tests.clients.r4b import parse
from tests.served import Served


@pytest.fixture(scope="module")
def client(served: Served) -> FHIRClient:
    client = FHIRClient(settings={"app_id": "tests", "api_base": served.base})
    client.prepare()
    return client


def patient(family: str = "Essai") -> Patient:
    patient = Patient()
    patient.name = [HumanName({"family": family})]
    return patient


def haemoglobin(subject: str) -> Observation:
    observation = Observation()
    observation.status = "final"
    observation.code = CodeableConcept()
    observation.code.coding = [Coding({"system": "http://loinc.org", "code": "718-7"})]
    observation.subject = FHIRReference({"reference": subject})
    return observation


def test_the_capability_statement_parses_and_the_client_is_ready(client: FHIRClient) -> None:
    assert client.ready
    assert client.server.capabilityStatement.fhirVersion == "4.0.1"


def test_a_created_resource_reads_back(client: FHIRClient) -> None:
    created = patient().create(client.server)
    parse(created)
    read = Patient.read(created["id"], client.server)
    assert read.as_json() == created


def test_an_update_makes_the_next_version(client: FHIRClient) -> None:
    read = Patient.read(patient().create(client.server)["id"], client.server)
    read.gender = "male"
    assert read.update()["meta"]["versionId"] == "2"
    assert Patient.read(read.id, client.server).gender == "male"


def test_a_search_visits_every_page(client: FHIRClient) -> None:
    family = f"Pages{uuid4().hex}"
    expected = {patient(family).create(client.server)["id"] for _ in range(7)}
    pages = list(Patient.where({"family": family, "_count": "3"}).perform_iter(client.server))
    found = [entry.resource.id for page in pages for entry in page.entry or []]
    assert len(pages) == 3
    assert len(found) == 7
    assert set(found) == expected


def test_a_search_includes_what_its_matches_refer_to(client: FHIRClient) -> None:
    subject = f"Patient/{patient().create(client.server)['id']}"
    haemoglobin(subject).create(client.server)
    search = Observation.where({"subject": subject}).include("subject")
    found = [resource.relativePath() for resource in search.perform_resources_iter(client.server)]
    assert len(found) == 2
    assert found[1] == subject


def test_a_transaction_bundle_is_created_at_the_base(client: FHIRClient) -> None:
    full_url = f"urn:uuid:{uuid4()}"
    bundle = Bundle()
    bundle.type = "transaction"
    bundle.entry = []
    for url, resource in ((full_url, patient()), (f"urn:uuid:{uuid4()}", haemoglobin(full_url))):
        entry = BundleEntry()
        entry.fullUrl = url
        entry.resource = resource
        entry.request = BundleEntryRequest({"method": "POST", "url": resource.resource_type})
        bundle.entry.append(entry)
    answer = bundle.create(client.server)
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    parse(answer)


def test_a_history_is_read_by_its_path(client: FHIRClient) -> None:
    created = patient().create(client.server)
    read = Patient.read(created["id"], client.server)
    read.active = True
    read.update()
    history = Bundle.read_from(f"Patient/{read.id}/_history", client.server)
    assert [entry.resource.meta.versionId for entry in history.entry] == ["2", "1"]


def test_a_deleted_resource_is_gone(client: FHIRClient) -> None:
    read = Patient.read(patient().create(client.server)["id"], client.server)
    read.delete()
    with pytest.raises(HTTPError) as refusal:
        Patient.read(read.id, client.server)
    assert refusal.value.response.status_code == 410
