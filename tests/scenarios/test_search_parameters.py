"""Search parameters and reindexing in real server processes: two on one database, and one that is killed at work.

Source: `fhir_gateway/interactions/search_state.py`, `reindex.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.served import Served, serve, start

URL = "https://gateway.test/SearchParameter/ward"
WARD = "https://gateway.test/StructureDefinition/ward"
MANY = 3_000
FHIR = {"Content-Type": "application/fhir+json"}


def parameter(code: str = "ward", expression: str = f"Patient.extension('{WARD}').value as string") -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": f"https://gateway.test/SearchParameter/{code}",
        "name": "Ward",
        "status": "active",
        "description": "Where a patient lies.",
        "code": code,
        "base": ["Patient"],
        "type": "string",
        "expression": expression,
    }


def in_ward(ward: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "extension": [{"url": WARD, "valueString": ward}]}


def fill(served: Served, number: int) -> None:
    for first in range(0, number, 1000):
        entries = [
            {"resource": in_ward(f"Ward {(first + at) % 10}"), "request": {"method": "POST", "url": "Patient"}}
            for at in range(min(1000, number - first))
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = requests.post(served.base, json=bundle, headers={**FHIR, "Prefer": "return=minimal"}, timeout=60)
        assert answer.status_code == 200, answer.text


def total(served: Served, query: str) -> int:
    answer = requests.get(f"{served.base}/Patient?{query}&_summary=count", timeout=30)
    assert answer.status_code == 200, answer.text
    number: int = answer.json()["total"]
    return number


def job(served: Served, id: int = 1) -> dict[str, Any]:
    answer = requests.get(f"{served.base}/$reindex?job={id}", timeout=30)
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()["parameter"]
    return {part["name"]: next(part[key] for key in part if key.startswith("value")) for part in told["part"]}


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_where_little_is_stored_a_parameter_can_be_searched_by_at_once(served: Served) -> None:
    fill(served, 20)
    answer = requests.post(f"{served.base}/SearchParameter", json=parameter(), headers=FHIR, timeout=30)
    assert answer.status_code == 201, answer.text
    assert total(served, "ward=ward%201") == 2
    assert URL in requests.get(f"{served.base}/metadata", timeout=30).text


def test_a_parameter_stored_at_one_process_is_known_to_the_other(postgres_database: str) -> None:
    with serve(postgres_database) as one, serve(postgres_database) as other:
        fill(one, 50)
        answer = requests.put(
            f"{one.base}/SearchParameter/ward", json={**parameter(), "id": "ward"}, headers=FHIR, timeout=30
        )
        assert answer.status_code == 201, answer.text
        # Written by a process that may not have heard of it yet: found all the same.
        fill(other, 50)
        until(lambda: job(other)["state"] == "done")
        assert total(one, "ward=ward%203") == total(other, "ward=ward%203") == 10
        assert requests.delete(f"{other.base}/SearchParameter/ward", timeout=30).status_code in (200, 204)

        def forgotten(served: Served) -> bool:
            return requests.get(f"{served.base}/Patient?ward=x", timeout=30).status_code == 400

        assert forgotten(other)
        until(lambda: forgotten(one), 3.0)


def test_a_killed_reindex_goes_on_after_the_restart_and_finds_all(clean_database: str) -> None:
    served = start(clean_database)
    stored = 0
    try:
        # How much a machine reindexes while the write waits is its own affair: more is stored until it is too much.
        for number in range(1, 7):
            fill(served, max(MANY, stored))
            stored += max(MANY, stored)
            code = f"ward-{number}"
            begun = time.monotonic()
            answer = requests.post(f"{served.base}/SearchParameter", json=parameter(code), headers=FHIR, timeout=30)
            assert answer.status_code == 201, answer.text
            # The write waits a moment for the reindex, not for its end.
            assert time.monotonic() - begun < 5
            refused = requests.get(f"{served.base}/Patient?{code}=ward%203", timeout=30)
            until(lambda number=number: job(served, number)["done"] > 0)  # type: ignore[misc]
            before = job(served, number)
            if before["state"] == "running":
                break
    finally:
        served.kill()
    assert before["state"] == "running"
    assert refused.status_code == 400
    assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "search-parameter-being-indexed"
    with serve(clean_database) as again:
        assert job(again, number)["done"] >= before["done"]
        until(lambda: job(again, number)["state"] == "done")
        ended = job(again, number)
        assert (ended["done"], ended["written"]) == (stored, stored)
        assert total(again, f"{code}=ward%203") == stored // 10
        assert total(again, f"{code}:missing=true") == 0
        history = requests.get(f"{again.base}/Patient/_history?_count=0", timeout=30)
        assert history.status_code == 200


def test_writers_and_readers_go_on_during_a_reindex_and_what_they_write_is_found(clean_served: Served) -> None:
    fill(clean_served, MANY)
    seconds: list[float] = []
    ended = threading.Event()

    def write_and_read() -> None:
        with requests.Session() as session:
            while not ended.is_set():
                begun = time.perf_counter()
                answer = session.post(f"{clean_served.base}/Patient", json=in_ward("Ward 3"), headers=FHIR, timeout=30)
                assert answer.status_code == 201
                read = session.get(f"{clean_served.base}/Patient/{answer.json()['id']}", timeout=30)
                assert read.status_code == 200
                seconds.append(time.perf_counter() - begun)

    # It writes before, during and after, however short the reindex is.
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write_and_read)
        until(lambda: len(seconds) > 3)
        requests.post(f"{clean_served.base}/SearchParameter", json=parameter(), headers=FHIR, timeout=30)
        until(lambda: job(clean_served)["state"] == "done")
        written = len(seconds)
        until(lambda: len(seconds) > written + 3)
        ended.set()
        writer.result(30)
    # Alone it takes a few milliseconds; a batch of the reindex holds the writer for about as many.
    assert sorted(seconds)[int(len(seconds) * 0.95)] < 0.5
    assert total(clean_served, "ward=ward%203") == MANY // 10 + len(seconds)


def test_a_server_that_is_stopped_during_a_reindex_stops_within_seconds(clean_served: Served) -> None:
    fill(clean_served, 2000)
    answer = requests.post(f"{clean_served.base}/$reindex", timeout=30)
    assert answer.status_code == 202
    assert answer.headers["Content-Location"] == f"{clean_served.base}/$reindex?job=1"
    assert requests.get(answer.headers["Content-Location"], timeout=30).status_code == 200
    begun = time.monotonic()
    assert clean_served.stop() == 0
    assert time.monotonic() - begun < 10
