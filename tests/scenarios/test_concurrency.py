"""What the gateway promises when many clients act at once, through a real server process on each engine.

Source: FHIR R4, RESTful API, "Managing Resource Contention", "Conditional create", "Transaction integrity", "history".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import requests

from fhir_gateway.client import Gateway
from tests.conftest import Engine
from tests.served import Served, serve

SYSTEM = "https://example.org/concurrency"
JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
WRITERS = 8
SECONDS = 3.0

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def crowded(engine: Engine, database: str) -> Iterator[Served]:
    """A gateway as it is run for many: PostgreSQL with two worker processes."""
    workers = ("--workers", "2") if engine == "postgresql" else ()
    with serve(database, *workers) as served:
        yield served


def patient(value: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}], **more}


def at_once(number: int, act: Callable[[requests.Session, int], Result]) -> list[Result]:
    """Run `act` in `number` threads that start together, each with a session of its own."""
    barrier = threading.Barrier(number)

    def one(index: int) -> Result:
        with requests.Session() as session:
            session.headers.update(JSON)
            barrier.wait(30)
            return act(session, index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_of_32_identical_conditional_creates_one_creates(crowded: Served) -> None:
    for _ in range(3):
        value = uuid4().hex
        header = {"If-None-Exist": f"identifier={SYSTEM}|{value}"}

        def create(session: requests.Session, _: int, value: str = value, header: dict[str, str] = header) -> Any:
            answer = session.post(f"{crowded.base}/Patient", json=patient(value), headers=header, timeout=60)
            return answer.status_code, answer.json()["id"]

        answers = at_once(32, create)
        assert sorted(status for status, _ in answers) == [200] * 31 + [201]
        assert len({id for _, id in answers}) == 1
        assert len(list(crowded.gateway().search("Patient", {"identifier": f"{SYSTEM}|{value}"}))) == 1


def test_of_16_identical_transactions_with_the_same_conditions_one_creates(crowded: Served) -> None:
    value = uuid4().hex
    condition = f"identifier={SYSTEM}|{value}"
    entries = [
        {
            "resource": {**patient(value), "resourceType": type},
            "request": {"method": "POST", "url": type, "ifNoneExist": condition},
        }
        for type in ("Patient", "Practitioner")
    ]

    def post(session: requests.Session, index: int) -> list[str]:
        # Half of them name the conditions in the other order, which must not make two wait for each other.
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries[:: 1 if index % 2 else -1]}
        answer = session.post(crowded.base, json=bundle, timeout=60)
        assert answer.status_code == 200, answer.text
        return [entry["response"]["status"][:3] for entry in answer.json()["entry"]]

    answers = at_once(16, post)
    assert sorted(answers) == [["200", "200"]] * 15 + [["201", "201"]]


def test_of_two_updates_with_one_if_match_one_is_refused(crowded: Served) -> None:
    gateway = crowded.gateway()
    for _ in range(10):
        resource = gateway.create(patient(uuid4().hex))

        def update(session: requests.Session, index: int, resource: dict[str, Any] = resource) -> int:
            changed = {**resource, "name": [{"family": f"Essai {index}"}]}
            url = f"{crowded.base}/Patient/{resource['id']}"
            return session.put(url, json=changed, headers={"If-Match": 'W/"1"'}, timeout=60).status_code

        assert sorted(at_once(2, update)) == [200, 412]
        assert gateway.read("Patient", resource["id"])["meta"]["versionId"] == "2"


def test_a_transaction_is_seen_whole_or_not_at_all(crowded: Served) -> None:
    size = 10
    family = f"Whole{uuid4().hex}"
    gateway = crowded.gateway()
    ids = [gateway.create(patient(uuid4().hex, name=[{"family": family}]))["id"] for _ in range(size)]
    over = threading.Event()

    def bundle(text: str) -> dict[str, Any]:
        entries = [
            {
                "resource": patient(uuid4().hex, id=id, name=[{"family": family, "text": text}]),
                "request": {"method": "PUT", "url": f"Patient/{id}"},
            }
            for id in ids
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    def write(session: requests.Session, writer: int) -> int:
        rounds = 0
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            answer = session.post(crowded.base, json=bundle(f"{writer}.{rounds}"), timeout=60)
            assert answer.status_code in (200, 409, 412), answer.text
            # One whose last entry cannot be carried out must never be seen.
            failing = bundle("never")
            failing["entry"][-1]["request"]["ifMatch"] = 'W/"999999"'
            assert session.post(crowded.base, json=failing, timeout=60).status_code == 412
            rounds += 1
        return rounds

    def read(session: requests.Session, _: int) -> list[set[str]]:
        seen = []
        while not over.is_set():
            page = session.get(f"{crowded.base}/Patient", params={"family": family, "_count": "50"}, timeout=60).json()
            assert len(page["entry"]) == size
            seen.append({entry["resource"]["name"][0].get("text", "") for entry in page["entry"]})
        return seen

    def act(session: requests.Session, index: int) -> Any:
        if index >= 2:
            return read(session, index)
        try:
            return write(session, index)
        finally:
            over.set()

    rounds_1, rounds_2, *seen = at_once(4, act)
    states = [state for reader in seen for state in reader]
    assert rounds_1 + rounds_2 > 4
    assert len(states) > 4
    assert [state for state in states if len(state) != 1 or state == {"never"}] == []


def test_pollers_never_miss_a_version_while_eight_writers_write(crowded: Served) -> None:
    start = crowded.gateway().create(patient(uuid4().hex))["meta"]["lastUpdated"]
    over = threading.Event()
    acknowledged: set[tuple[str, str]] = set()

    def write(writer: int) -> None:
        gateway = crowded.gateway()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            resource = gateway.create(patient(uuid4().hex))
            acknowledged.add((resource["id"], "1"))
            if writer % 2:
                # Transactions of several sizes take several times from their instant to their commit.
                entries = [
                    {"resource": patient(uuid4().hex), "request": {"method": "POST", "url": "Patient"}}
                    for _ in range(5 * writer)
                ]
                for entry in gateway.transaction(entries)["entry"]:
                    _, id, _, version = entry["response"]["location"].rsplit("/", 3)
                    acknowledged.add((id, version))
            else:
                updated = gateway.update({**resource, "active": True})
                acknowledged.add((updated["id"], "2"))

    def poll(
        new: Callable[[Gateway, str], list[dict[str, Any]]], missing: Callable[[set[tuple[str, str]]], set[Any]]
    ) -> set[Any]:
        """Poll until the writers have ended and nothing is missing, or ten seconds longer; return what is missing."""
        gateway = crowded.gateway()
        watermark = start
        seen: set[tuple[str, str]] = set()
        end = float("inf")
        while True:
            found = new(gateway, watermark)
            seen.update((resource["id"], resource["meta"]["versionId"]) for resource in found)
            watermark = max([watermark, *(resource["meta"]["lastUpdated"] for resource in found)])
            if over.is_set():
                # A feed may come late, as long as nothing is passed over.
                end = min(end, time.monotonic() + 10)
                if not missing(seen) or time.monotonic() > end:
                    return missing(seen)

    def by_search(gateway: Gateway, watermark: str) -> list[dict[str, Any]]:
        return list(gateway.search("Patient", {"_lastUpdated": f"ge{watermark}", "_count": "200"}))

    def by_history(gateway: Gateway, watermark: str) -> list[dict[str, Any]]:
        entries = gateway.history(parameters={"_since": watermark, "_count": "200"})
        return [entry["resource"] for entry in entries if "resource" in entry]

    def never_told(seen: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return acknowledged - seen

    def never_found(seen: set[tuple[str, str]]) -> set[tuple[str, str]]:
        # A search shows the current version alone: of each resource the last one must have been seen.
        current: dict[str, str] = {}
        for id, version in acknowledged:
            current[id] = max(version, current.get(id, version))
        return set(current.items()) - seen

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        pollers = [pool.submit(poll, by_search, never_found), pool.submit(poll, by_history, never_told)]
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        try:
            for writer in writers:
                writer.result(120)
        finally:
            over.set()
        missed = [poller.result(120) for poller in pollers]
    assert len(acknowledged) > 4 * WRITERS
    assert missed == [set(), set()]
