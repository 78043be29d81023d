"""Orders answered by a running gateway, and rules that its operator changes while it runs.

Source: HL7 v2.5.1, chapter 4, 4.4.7 (ORL); mappings/README.md; synthetic people only.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hl7
import pytest
import requests
from hl7.client import MLLPClient
from hl7apy.parser import parse_message

from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.fhir.data_folder import data_folder
from tests.conftest import Engine
from tests.mllp.feed import FINESS
from tests.postgres import free_port
from tests.scenarios.test_mllp import Sender, listening
from tests.served import Served, start

GOLDEN = data_folder("mappings") / "hl7v2" / "golden"
TRIO = (GOLDEN / "oml_o21_trio.hl7").read_bytes()
SOLO = (GOLDEN / "orm_o01_genome_solo.hl7").read_bytes()
PARTNER = f'[dpi]\nsending = ["DPI|*"]\norganisation = "{FINESS}|990000015"\n'
SECONDS = 30.0


@dataclass
class House:
    served: Served
    port: int
    rules: Path  # for what is sent to the hospital

    def send(self, data: bytes) -> bytes:
        with closing(Sender(self.port)) as sender:
            return sender.send(data)

    def ready(self) -> dict[str, Any]:
        headers = {"Accept-Language": "en"}
        told: dict[str, Any] = requests.get(f"{self.served.root}/health/ready", timeout=10, headers=headers).json()
        return told

    def until(self, refused: bool) -> dict[str, Any]:
        """Return what is told once rules are refused, or no longer are."""
        deadline = time.monotonic() + SECONDS
        while ("mappings" in (told := self.ready())) is not refused:
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        return told


@pytest.fixture
def house(engine: Engine, clean_database: str, tmp_path: Path) -> Iterator[House]:
    partners, rules = tmp_path / "partners.toml", tmp_path / "rules"
    partners.write_text(PARTNER)
    segments = rules / "sites" / "HOP EPREUVE" / "out" / "segments"
    segments.mkdir(parents=True)
    port = free_port()
    served = start(clean_database, *listening(partners, port, "--mappings-folder", str(rules)))
    yield House(served, port, segments / "ORC.yaml")
    if served.process.poll() is None:
        served.kill()


def test_an_order_is_answered_alike_by_either_door_and_read_by_other_people_s_software(house: House) -> None:
    with MLLPClient("127.0.0.1", house.port) as client:
        answered = client.send_message(hl7.parse(SOLO.decode()))
    theirs = hl7.parse(answered.strip(b"\x0b\x1c\r").decode())
    assert str(theirs.segment("MSH")[9]) == "ORR^O02^ORR_O02"
    assert [str(each[0]) for each in theirs] == ["MSH", "MSA", "PID", "ORC", "OBR"]
    assert str(theirs.segment("ORC")[1]) == "OK"

    answer = house.send(TRIO)
    found = read(answer)
    made = requests.get(f"{house.served.base}/ServiceRequest?_count=50", timeout=10).json()["entry"]
    ids = {each["resource"]["id"] for each in made}
    assert {each.field(3).partition("^")[0] for each in found.all("ORC")} <= ids
    assert [each.field(1) for each in found.all("ORC")] == ["OK"] * 3
    assert parse_message(answer.decode(), find_groups=False).to_er7().rstrip("\r") == answer.decode().rstrip("\r")

    headers = {"Content-Type": "application/hl7-v2"}
    by_http = requests.post(f"{house.served.root}/hl7v2", TRIO, headers=headers, timeout=30)
    assert (by_http.status_code, by_http.content) == (200, answer)  # a duplicate: the earlier answer, byte for byte


def test_rules_are_read_again_at_sighup_and_wrong_ones_are_told_and_not_in_force(house: House) -> None:
    def ours(number: int) -> str:
        return read(house.send(SOLO.replace(b"ORM-1", f"ORM-{number}".encode(), 1))).get("ORC-3.1")

    assert not ours(1).startswith("PFMG-")
    house.rules.write_text('drop: [own]\nrules:\n  - {id: ours, value: "PFMG-{id}", to: ORC-3.1}\n', encoding="utf-8")
    house.served.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + SECONDS
    number = 2
    while not ours(number).startswith("PFMG-"):
        assert time.monotonic() < deadline
        number += 1
        time.sleep(0.2)
    house.rules.write_text("drop: [own]\nrules:\n  - {id: ours, from: nothingSuch, to: ORC-3.1}\n", encoding="utf-8")
    house.served.process.send_signal(signal.SIGHUP)
    about = house.until(refused=True)["mappings"]
    assert (about["status"], about["count"]) == ("refused", 1)
    assert "sites/HOP EPREUVE/out/segments/ORC.yaml:3" in about["problems"][0]
    assert "mappings_refused 1" in requests.get(f"{house.served.root}/metrics", timeout=10).text
    assert ours(900).startswith("PFMG-"), "the last good version stays"
    house.rules.unlink()
    house.served.process.send_signal(signal.SIGHUP)
    assert house.until(refused=False) == {"status": "ready"}
    assert not ours(901).startswith("PFMG-")
    lines = [json.loads(line) for line in house.served.log.read_text().splitlines() if line.startswith("{")]
    assert any("stays in force" in str(line) for line in lines)
    assert house.served.stop() == 0


def test_all_workers_are_told_by_the_one_signal(clean_database: str, engine: Engine, tmp_path: Path) -> None:
    if engine != "postgresql":
        pytest.skip("several workers need PostgreSQL")
    partners, rules = tmp_path / "partners.toml", tmp_path / "rules"
    partners.write_text(PARTNER)
    (rules / "segments").mkdir(parents=True)
    port = free_port()
    served = start(clean_database, *listening(partners, port, "--mappings-folder", str(rules), "--workers", "2"))
    try:
        _await(lambda: "Ctrl-C" in served.log.read_text())  # said when all workers answer, not the first of them
        before = _children(served.process.pid)
        (rules / "segments" / "PID.yaml").write_text("rules:\n  - {id: a, from: PID-8, to: sex}\n", encoding="utf-8")
        served.process.send_signal(signal.SIGHUP)
        _await(lambda: served.log.read_text().count("stays in force") == 2)
        assert _children(served.process.pid) == before
    finally:
        served.kill()


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _children(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
