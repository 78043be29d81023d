"""A gateway that runs makes the deposits of its laboratories, is killed in the middle, and completes them afterwards.

Source: `fhir_gateway/interactions/deposits.py`; SETTINGS.md, "Collectors"; GIP-CAD, ser_client-api.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from fhir_gateway.app import open_gateway
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.settings import Settings
from tests.delivery.ftps_server import PASSWORD, SILENCE, USER, Authority, Server
from tests.exchange.cad.deposits import answer, lay_data, of, one_byte, trio
from tests.interactions.desk import Desk
from tests.served import Served, serve

Resource = dict[str, Any]
SECONDS = 60.0


def asked_for() -> list[Resource]:
    """Return a dossier whose deposit is asked for."""
    resources = one_byte(trio())
    (task,) = (each for each in of(resources, "Task") if "depot-cad" in str(each["code"]))
    task["status"] = "requested"
    return resources


def collectors(folder: Path, authority: Authority, server: Server, resources: list[Resource]) -> Path:
    platform = of(resources, "ServiceRequest")[0]["performer"][0]["identifier"]
    certificate, key = authority.issue("laboratoire")
    (folder / "cad.secret").write_text(PASSWORD, encoding="utf-8")
    path = folder / "collectors.toml"
    names = ("laboratory", "facility", "legal", "application", "collector")
    lines = {
        "organisation": f"{platform['system']}|{platform['value']}", "host": "127.0.0.1", "user": USER,
        "password_file": folder / "cad.secret", "certificate": certificate, "key": key, "authority": authority.path,
        "processing": "T", **dict.fromkeys(names, "Structure fictive|990000200"),
    }  # fmt: skip
    text = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    path.write_text(f"[cad]\nport = {server.port}\nclaim_seconds = 0\n{text}", encoding="utf-8")
    return path


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.1)


def status(served: Served) -> str:
    found = requests.get(f"{served.base}/Task?code=depot-cad", timeout=30).json()
    return str(found["entry"][0]["resource"]["status"])


def test_a_deposit_that_was_interrupted_by_a_kill_is_completed_by_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "depots"
    home.mkdir()
    authority = Authority(tmp_path)
    resources = asked_for()
    database = f"sqlite:///{tmp_path}/gateway.sqlite"
    gateway = open_gateway(Settings(database=database))  # type: ignore[call-arg]
    Desk(gateway).seed(*resources)
    gateway.store.close()
    halted = threading.Event()

    def halt(command: str, argument: str) -> str | None:
        """Say nothing any more once the message is to be renamed."""
        if command == "RNTO" and argument.endswith(".hl7"):
            halted.set()
        return SILENCE if halted.is_set() else None

    with Server(home, authority, halt) as server:
        number = lay_data(home, resources)
        environment = {"FHIR_GATEWAY_COLLECTORS": str(collectors(tmp_path, authority, server, resources))}
        with serve(database, environment=environment) as served:
            assert halted.wait(SECONDS)
            served.kill()
        assert not (home / number / f"{number}.hl7.ok").exists()
        server.before = lambda _command, _argument: None
        with serve(database, environment=environment) as served:
            wait_for(lambda: status(served) == "in-progress")
            assert (home / number / f"{number}.hl7.ok").exists()
            assert read((home / number / f"{number}.hl7").read_bytes()).get("MSH-11") == "T"
            answer(home, number, "AA")
            assert served.stop() == 0
        with serve(database, environment=environment) as served:
            wait_for(lambda: status(served) == "completed")
