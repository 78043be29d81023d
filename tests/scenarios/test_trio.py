"""A trio from prescription to report: the hospital posts, one platform of two claims, the hospital sees it by polling.

Source: FHIR R4, Workflow; RESTful API, "transaction", "Managing Resource Contention", "history".
Data: tests/scenarios/plain_trio. The pathway of PFMG is told in test_demo.py and test_dossier_*.py.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest

from fhir_gateway.client import Gateway, Refused
from tests.scenarios.plain_trio import DOSSIER_SYSTEM, PLATFORM, example
from tests.served import Served

WORK = {
    "owner:identifier": PLATFORM,
    "status": "requested",
    "_include": "Task:focus",
    "_include:iterate": "ServiceRequest:subject",
}


@pytest.fixture
def dossier(request: pytest.FixtureRequest) -> str:
    """A dossier number for each test; the people are the same."""
    return f"DOSSIER-{crc32(request.node.nodeid.encode()):010d}"


@pytest.fixture
def gateway(served: Served) -> Gateway:
    gateway = served.gateway()
    gateway.transaction(example("organisations"))
    return gateway


def prescribed(gateway: Gateway, dossier: str) -> list[dict[str, Any]]:
    """Post the trio and return its tasks as the platform finds them."""
    gateway.transaction(example("trio", dossier))
    return [task for task in found(gateway, dossier) if task["resourceType"] == "Task"]


def found(gateway: Gateway, dossier: str) -> list[dict[str, Any]]:
    """What the platform's one search brings, of this dossier alone."""
    resources = list(gateway.search("Task", WORK))
    tasks = [
        resource
        for resource in resources
        if resource["resourceType"] == "Task" and resource["groupIdentifier"]["value"] == dossier
    ]
    orders = {task["focus"]["reference"] for task in tasks}
    people = {task["for"]["reference"] for task in tasks}
    return tasks + [
        resource for resource in resources if f"{resource['resourceType']}/{resource['id']}" in orders | people
    ]


def test_a_trio_is_one_transaction_whose_references_lead_to_each_other(gateway: Gateway, dossier: str) -> None:
    tasks = prescribed(gateway, dossier)
    orders = [gateway.read(*task["focus"]["reference"].split("/")) for task in tasks]
    assert len(orders) == 3
    assert {order["requisition"]["value"] for order in orders} == {dossier}
    assert {order["subject"]["reference"] for order in orders} == {task["for"]["reference"] for task in tasks}
    index = next(order for order in orders if "supportingInfo" in order)
    phenotypes = [gateway.read(*info["reference"].split("/")) for info in index["supportingInfo"]]
    assert [phenotype["code"]["coding"][0]["code"] for phenotype in phenotypes] == [
        "HP:0001250",
        "HP:0001263",
        "HP:0001252",
        "HP:0000252",
    ]
    # A conditional reference became the reference of the one it names.
    requester = gateway.read(*index["requester"]["reference"].split("/"))
    assert requester["name"][0]["family"] == "FICTIF-PRESCRIPTEUR"


def test_the_same_trio_sent_twice_is_stored_once(gateway: Gateway, dossier: str) -> None:
    first = gateway.transaction(example("trio", dossier))
    again = gateway.transaction(example("trio", dossier))
    assert {entry["response"]["status"][:3] for entry in again["entry"]} == {"200"}
    places = [[entry["response"]["location"] for entry in answer["entry"]] for answer in (first, again)]
    assert places[0] == places[1]


def test_the_platform_finds_its_work_in_one_search(gateway: Gateway, dossier: str) -> None:
    prescribed(gateway, dossier)
    types = [resource["resourceType"] for resource in found(gateway, dossier)]
    assert {type: types.count(type) for type in types} == {"Task": 3, "ServiceRequest": 3, "Patient": 3}


def test_another_platform_finds_nothing(gateway: Gateway, dossier: str) -> None:
    prescribed(gateway, dossier)
    other = PLATFORM.replace("990000023", "990000031")
    assert list(gateway.search("Task", {**WORK, "owner:identifier": other})) == []


def test_a_second_claimant_is_refused_and_changes_nothing(gateway: Gateway, dossier: str) -> None:
    task = prescribed(gateway, dossier)[0]
    claimed = gateway.update({**task, "status": "accepted"}, if_match=task["meta"]["versionId"])
    reject = [{"op": "replace", "path": "/status", "value": "rejected"}]
    with pytest.raises(Refused) as refusal:
        gateway.patch("Task", task["id"], reject, if_match=task["meta"]["versionId"])
    assert refusal.value.status == 412
    assert gateway.read("Task", task["id"]) == claimed


def test_the_hospital_sees_report_and_completed_tasks_by_polling(gateway: Gateway, dossier: str) -> None:
    tasks = prescribed(gateway, dossier)
    watermark = max(task["meta"]["lastUpdated"] for task in tasks)
    claimed = [gateway.update({**task, "status": "accepted"}, if_match=task["meta"]["versionId"]) for task in tasks]
    orders = list(gateway.search("ServiceRequest", {"requisition": f"{DOSSIER_SYSTEM}|{dossier}"}))
    assert {f"ServiceRequest/{order['id']}" for order in orders} == {task["focus"]["reference"] for task in tasks}
    gateway.transaction(
        [
            {"resource": example("report", dossier), "request": {"method": "POST", "url": "DiagnosticReport"}},
            *(
                {
                    "resource": {**task, "status": "completed"},
                    "request": {
                        "method": "PUT",
                        "url": f"Task/{task['id']}",
                        "ifMatch": f'W/"{task["meta"]["versionId"]}"',
                    },
                }
                for task in claimed
            ),
        ]
    )
    new = [
        resource
        for resource in gateway.search("DiagnosticReport", {"_lastUpdated": f"ge{watermark}"})
        if resource["identifier"][0]["value"] == f"{dossier}-CR"
    ]
    assert len(new) == 1
    assert {based_on["reference"] for based_on in new[0]["basedOn"]} == {
        f"ServiceRequest/{order['id']}" for order in orders
    }
    history = [entry["resource"] for entry in gateway.history("Task", parameters={"_since": watermark})]
    for task in tasks:
        states = [version["status"] for version in history if version["id"] == task["id"]]
        assert states == ["completed", "accepted", "requested"]
