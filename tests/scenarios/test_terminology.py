"""Terminology in real server processes: two on one database, and a restart.

Source: FHIR R4, Terminology Service.
"""

from __future__ import annotations

from typing import Any

import requests

from tests.served import Served, serve

SYSTEM, SET = "http://codes.test/wards", "http://sets.test/wards"
WARDS = {
    "resourceType": "CodeSystem", "id": "wards", "url": SYSTEM, "version": "1", "status": "active",
    "content": "complete", "concept": [{"code": "a", "display": "Ward A"}],
}  # fmt: skip
ALL = {
    "resourceType": "ValueSet", "id": "wards", "url": SET, "status": "active",
    "compose": {"include": [{"system": SYSTEM}]},
}  # fmt: skip


def put(served: Served, resource: dict[str, Any]) -> None:
    answer = requests.put(f"{served.base}/{resource['resourceType']}/{resource['id']}", json=resource, timeout=30)
    assert answer.status_code in (200, 201), answer.text


def codes(served: Served) -> list[str]:
    answer = requests.get(f"{served.base}/ValueSet/$expand", params={"url": SET}, timeout=30)
    assert answer.status_code == 200, answer.text
    return [each["code"] for each in answer.json()["expansion"]["contains"]]


def test_what_one_process_stores_the_other_answers_with_at_once(postgres_database: str) -> None:
    with serve(postgres_database) as one, serve(postgres_database) as other:
        put(one, WARDS)
        put(one, ALL)
        assert codes(other) == ["a"]
        put(other, {**WARDS, "concept": [{"code": "a"}, {"code": "b"}]})
        assert codes(one) == ["a", "b"]


def test_what_is_stored_survives_a_restart(clean_database: str) -> None:
    with serve(clean_database) as served:
        put(served, WARDS)
        put(served, ALL)
        assert codes(served) == ["a"]
        served.stop()
    with serve(clean_database) as served:
        assert codes(served) == ["a"]
        found = requests.get(
            f"{served.base}/ValueSet/$validate-code", params={"url": SET, "system": SYSTEM, "code": "a"}, timeout=30
        )
        assert {"name": "result", "valueBoolean": True} in found.json()["parameter"]


def test_a_stored_code_system_is_what_validation_asks_at_once(clean_served: Served) -> None:
    put(clean_served, WARDS)
    put(clean_served, ALL)
    concept = {"coding": [{"system": SYSTEM, "code": "zz"}]}
    observation = {"resourceType": "Observation", "status": "final", "code": concept}
    answer = requests.post(f"{clean_served.base}/Observation/$validate", json=observation, timeout=30)
    texts = [each["diagnostics"] for each in answer.json()["issue"]]
    assert any("zz" in text for text in texts), texts
    put(clean_served, {**WARDS, "concept": [{"code": "zz"}]})
    answer = requests.post(f"{clean_served.base}/Observation/$validate", json=observation, timeout=30)
    texts = [each["diagnostics"] for each in answer.json()["issue"]]
    assert not any("zz" in text for text in texts), texts
