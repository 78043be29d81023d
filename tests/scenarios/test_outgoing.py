"""Reports on their way out of a process as its operator starts it: killed while it sends, two workers, deaf hospitals.

Source: HL7 v2.5.1, chapter 2, 2.9.2 (a sender sends again until it is answered); `fhir_gateway/delivery/lines.py`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from fhir_gateway.demo.credentials import minted
from fhir_gateway.demo.driver import ADMINISTRATOR, drive
from fhir_gateway.demo.shown import planned
from fhir_gateway.demo_dossiers.course import acts
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.conftest import Engine
from tests.delivery.receiver import AGREES, Receiver, answer, control_id_of, eventually
from tests.dossier import family
from tests.floors import leave_to_conformance
from tests.mllp.feed import adt, answered
from tests.postgres import free_port
from tests.scenarios.test_mllp import Sender
from tests.scenarios.test_report_goes_home import SYSTEM, form, order, pdf
from tests.served import Served, serve, start

TRIO = ("F-49", "wgs-trio", "prescripteur")
CLAIM = 30.0  # seconds after which another process may send what a dead one had (delivery/lines.py)


def destination(name: str, port: int, **more: object) -> str:
    told = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f"""
[{name}]
organisation = "{family.HOSPITAL}"
[{name}.destination]
host = "127.0.0.1"
port = {port}
tls = false
receiving = "DPI|HOP EPREUVE"
systems = ["{SYSTEM}"]
{told}"""


class House:
    """A gateway without tokens that may be killed and started again; its hospital sends by MLLP."""

    def __init__(self, database: str, folder: Path, *destinations: str, workers: int = 1) -> None:
        self.port = free_port()
        partners = folder / "partners.toml"
        feed = f'[dpi]\nsending = ["DPI|HOP EPREUVE", "GAM|*"]\norganisation = "{family.HOSPITAL}"\n'
        partners.write_text(feed + "".join(destinations))
        arguments = ("--partners", str(partners), "--mllp-port", str(self.port), "--workers", str(workers))
        self.start: Callable[[], Served] = lambda: start(database, *arguments)
        self.served = self.start()

    def ordered(self) -> list[str]:
        """Send the order of a trio, and return its requests, the child's first."""
        with closing(Sender(self.port)) as sender:
            assert answered(sender.send(order()))[:2] == ("AA", "OML-1")
        return [self.found(f"ServiceRequest?identifier={SYSTEM}|PRE-{place}")[0]["id"] for place in (1, 2, 3)]

    def report(self, asked: Sequence[str], number: int, size: int = 100) -> dict[str, Any]:
        made = {
            "resourceType": "DiagnosticReport",
            "identifier": [{"system": "https://platform.example.org/report", "value": f"CR-{number}"}],
            "status": "final",
            "code": concept(codes.LOINC, "51969-4"),
            "subject": self.found(f"ServiceRequest?_id={asked[0]}")[0]["subject"],
            "basedOn": [{"reference": f"ServiceRequest/{each}"} for each in asked],
            "issued": "2026-05-10T10:00:00+02:00",
            "presentedForm": form(pdf(number, size)),
        }
        return {"resource": made, "request": {"method": "POST", "url": "DiagnosticReport"}}

    def reported(self, asked: Sequence[str], numbers: Sequence[int], size: int = 100) -> float:
        """Write reports in one transaction, and return the seconds until it was answered."""
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [self.report(asked, each, size) for each in numbers],
        }
        began = time.perf_counter()
        reply = requests.post(self.served.base, json=bundle, timeout=60)
        assert reply.status_code == 200, reply.text
        return time.perf_counter() - began

    def found(self, query: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.served.base}/{query}", timeout=60).json()
        return [each["resource"] for each in answer.get("entry", ())]

    def outgoing(self, query: str = "last=1000") -> list[dict[str, Any]]:
        """Return what the log says went out, the oldest first."""
        told = requests.get(f"{self.served.root}/hl7v2/outgoing?{query}", timeout=60)
        listed: list[dict[str, Any]] = told.json()["messages"]
        return listed[::-1]

    def states(self, query: str = "last=1000") -> Counter[str]:
        return Counter(each["state"] for each in self.outgoing(query))

    def kill(self) -> None:
        if self.served.process.poll() is None:
            self.served.kill()


README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def houses(clean_database: str, tmp_path: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def house(*destinations: str, workers: int = 1) -> House:
        made.append(House(clean_database, tmp_path, *destinations, workers=workers))
        return made[-1]

    yield house
    for each in made:
        each.kill()


def test_killed_between_the_message_and_its_answer_it_sends_the_same_bytes_again_and_closes_it_once(
    engine: Engine, houses: Callable[..., House]
) -> None:
    leave_to_conformance(engine, "what a dead process had waits half a minute there")
    with Receiver(lambda data: []) as hospital:
        house = houses(destination("chu", hospital.port))
        house.reported(house.ordered(), [1, 2, 3])
        assert eventually(lambda: len(hospital.received) == 1)
        house.kill()
        hospital.behaviour = AGREES
        house.served = house.start()
        assert eventually(lambda: house.states() == {"acknowledged": 3}, CLAIM + 30)
        first, again, *others = hospital.received
        assert first == again
        entries = house.outgoing()
        assert [control_id_of(each) for each in (first, *others)] == [each["control_id"] for each in entries]
        assert [each["attempts"] for each in entries] == [2, 1, 1]
        tries = requests.get(f"{house.served.root}/hl7v2/outgoing/{entries[0]['oid']}", timeout=60).json()["tries"]
        assert [each["came"] for each in tries] == ["AA"]


def test_killed_again_and_again_every_report_arrives_in_order_and_is_closed_once(
    engine: Engine, houses: Callable[..., House]
) -> None:
    if engine == "postgresql":
        pytest.skip("what a dead process had waits half a minute there, which the test before does once")
    number, kills = 60, 4

    def slowly(data: bytes) -> list[bytes]:
        time.sleep(0.02)
        return [answer("AA", control_id_of(data))]

    with Receiver(slowly) as hospital:
        house = houses(destination("chu", hospital.port))
        house.reported(house.ordered(), range(number))
        for kill in range(kills):
            enough = number * (kill + 1) // (kills + 1)
            assert eventually(lambda enough=enough: len(hospital.received) >= enough, 60)  # type: ignore[misc]
            house.kill()
            house.served = house.start()
        assert eventually(lambda: house.states() == {"acknowledged": number}, CLAIM + 30)
        received = [*hospital.received]
    control_ids = [control_id_of(each) for each in received]
    assert [*dict.fromkeys(control_ids)] == [each["control_id"] for each in house.outgoing()]
    assert number <= len(received) <= number + kills
    assert len(set(received)) == number  # what came again came as it was


def test_of_two_workers_one_sends_each_report(engine: Engine, houses: Callable[..., House]) -> None:
    if engine == "sqlite":
        pytest.skip("a SQLite file is written by one process")
    with Receiver() as hospital, Receiver() as other:
        house = houses(destination("chu", hospital.port), destination("chr", other.port), workers=2)
        asked = house.ordered()
        for first in range(0, 60, 20):
            house.reported(asked, range(first, first + 20))
        assert eventually(lambda: house.states() == {"acknowledged": 120}, 60)
        for name, receiver in (("chu", hospital), ("chr", other)):
            sent = [each["control_id"] for each in house.outgoing(f"destination={name}&last=1000")]
            assert receiver.control_ids == sent
        assert {each["attempts"] for each in house.outgoing()} == {1}


def test_a_hospital_that_never_answers_and_one_that_is_gone_hold_up_nobody(
    engine: Engine, houses: Callable[..., House], record_property: Callable[[str, object], None]
) -> None:
    """What comes in is taken as fast as before, and who else listens gets its reports."""

    def taken(house: House, name: str, number: int = 40) -> float:
        """Return the seconds from a message to its answer, of a quarter of them less: the machine has other work."""
        times = []
        with closing(Sender(house.port)) as sender:
            for each in range(number):
                began = time.perf_counter()
                code = answered(sender.send(adt(control_id=f"{name}-{each}", ipp=f"{name}-{each}")))[0]
                times.append(time.perf_counter() - began)
                assert code == "AA"
        return sorted(times)[number // 4]

    silent = threading.Event()

    def never(data: bytes) -> list[bytes]:
        silent.wait(60)
        return []

    with Receiver(never) as deaf, Receiver() as well:
        house = houses(
            destination("deaf", deaf.port, answer_seconds=20), destination("gone", free_port()),
            destination("well", well.port),
        )  # fmt: skip
        asked = house.ordered()
        taken(house, "warm")
        before = taken(house, "before")
        alone = house.reported(asked, [0])
        waited = [house.reported(asked, [each], 1_000_000) for each in range(1, 4)]
        assert eventually(lambda: len(deaf.received) == 1)
        after = taken(house, "after")
        assert eventually(lambda: house.states("destination=well") == {"acknowledged": 4})
        assert "acknowledged" not in house.states("destination=deaf") | house.states("destination=gone")
        began = time.monotonic()
        assert house.served.stop() == 0
        assert time.monotonic() - began < 10  # half of what a container gets to end is for the deaf one
        silent.set()
    told = (
        f"{engine}: a message is answered in {before * 1000:.1f} ms (first quartile), beside a deaf hospital in"
        f" {after * 1000:.1f}; a report in {alone * 1000:.0f} ms, of 1 MB then in {max(waited) * 1000:.0f}"
    )
    record_property("score", told)
    assert after < 3 * before + 0.02, told
    assert max(waited) < alone + 2, told


def written(folder: Path, name: str, port: int) -> str:
    """Write a file of the README, for a port that is free here, and return its path."""
    _, _, rest = README.partition(f"```toml\n# {name}\n")
    text, end, _ = rest.partition("```")
    assert end, name
    (folder / name).write_text(text.replace("2575", str(port)))
    return str(folder / name)


def test_the_example_of_the_readme_sends_the_report_of_the_demo_to_another_gateway(tmp_path: Path) -> None:
    port, key = free_port(), tmp_path / "issuer-key.pem"
    hospital = ("--partners", written(tmp_path, "hospital.toml", port), "--mllp-port", str(port))
    sender = ("--partners", written(tmp_path, "partners.toml", port))
    environment = {"FHIR_GATEWAY_BUILTIN_ISSUER": "true", "FHIR_GATEWAY_ISSUER_KEY": str(key)}
    with (
        serve(f"sqlite:///{tmp_path}/hospital.sqlite", *hospital) as other,
        serve(f"sqlite:///{tmp_path}/gateway.sqlite", *sender, environment=environment) as served,
    ):
        issuer = BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(key))
        plan = planned("MR-README", 7, date(2026, 11, 20), *TRIO)
        told = [(plan.prescription.number, [*acts(plan)])]
        assert drive(served.base, minted(issuer, 3600), told).refusals == []

        def arrived() -> list[str]:
            log = requests.get(f"{other.root}/hl7v2/messages?state=applied", timeout=60).json()["messages"]
            return sorted(each["event"] for each in log)

        assert eventually(lambda: arrived() == ["MDM^T02", "ORU^R01"])
        token = {"Authorization": f"Bearer {minted(issuer, 3600)(ADMINISTRATOR)}"}

        def states() -> list[str]:
            log = requests.get(f"{served.root}/hl7v2/outgoing", headers=token, timeout=60).json()["messages"]
            return [each["state"] for each in log]

        assert eventually(lambda: states() == ["acknowledged"] * 2)
        found = requests.get(f"{other.base}/DiagnosticReport", timeout=60).json()["entry"]
        assert {each["resource"]["status"] for each in found} == {"final"}
