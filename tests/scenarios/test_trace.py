"""The trace when the process is killed: no write without its record, no record of a write that is not there.

Source: issue 6; `fhir_gateway/interactions/trace.py`.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import requests

from fhir_gateway.client import Refused, Unreachable
from fhir_gateway.store import trace
from tests.conftest import Engine
from tests.served import serve, start

TRACED = {"FHIR_GATEWAY_TRACE": "true"}


def told(url: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in trace.lines(url, last=1_000_000)]


def test_after_sigkill_every_write_has_its_record_and_every_record_its_write(
    engine: Engine, clean_database: str
) -> None:
    workers = ("--workers", "2") if engine == "postgresql" else ()
    killed = start(clean_database, *workers, environment=TRACED)
    sent: list[str] = []  # ids of patients whose creation was asked for
    reads: list[float] = []  # when each was answered
    lock = threading.Lock()

    def load(_: int) -> None:
        gateway = killed.gateway()
        while True:
            try:
                id = uuid4().hex
                with lock:
                    sent.append(id)
                gateway.update({"resourceType": "Patient", "id": id})
                gateway.transaction(
                    [
                        {
                            "resource": {"resourceType": "Basic", "code": {"text": id}, "subject": at(id)},
                            "request": {"method": "POST", "url": "Basic"},
                        }
                    ]
                )
                gateway.read("Patient", id)
                with lock:
                    reads.append(time.monotonic())
            except Unreachable:
                return

    with ThreadPoolExecutor(4) as pool:
        loading = [pool.submit(load, number) for number in range(4)]
        time.sleep(2)
        killed.kill()
        ended = time.monotonic()
        for one in loading:
            one.result(60)

    records = told(clean_database)
    created = [each["id"] for each in records if each["interaction"] == "update"]
    of_basic = [each["patients"] for each in records if each["interaction"] == "transaction"]
    read = [each for each in records if each["interaction"] == "read"]
    assert len(created) > 20
    assert len(created) == len(set(created))
    with serve(clean_database, *workers) as again:
        gateway = again.gateway()
        for id in created:
            gateway.read("Patient", id)
        for id in set(sent) - set(created):
            with pytest.raises(Refused) as refusal:
                gateway.read("Patient", id)
            assert refusal.value.status == 404
        found = [each["subject"]["reference"] for each in gateway.search("Basic", {"_count": "1000"})]
        assert sorted(found) == sorted(f"Patient/{id}" for (id,) in of_basic)
    assert len(read) >= sum(ended - at > 1 for at in reads), "at most the last second of reads is lost"
    assert read


def at(id: str) -> dict[str, str]:
    return {"reference": f"Patient/{id}"}


def test_what_waits_is_written_before_the_gateway_ends(clean_database: str) -> None:
    with serve(clean_database, environment=TRACED) as served:
        for _ in range(5):
            requests.get(f"{served.base}/Patient?_id=none", timeout=30)
        assert served.stop() == 0
    assert [(each["interaction"], each["query"]) for each in told(clean_database)] == [("search-type", "_id=none")] * 5


def test_a_gateway_without_an_issuer_keeps_no_trace_unless_told_to(clean_database: str) -> None:
    with serve(clean_database) as served:
        served.gateway().create({"resourceType": "Patient"})
        assert served.stop() == 0
    assert told(clean_database) == []
