"""The command `messages`: the log listed and shown, messages taken in again.

Source: fhir_gateway/messages_command.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.interactions.message import Intake
from fhir_gateway.policy.partners import Partners
from fhir_gateway.settings import Settings
from tests.mllp.feed import FINESS, HOSPITAL, adt
from tests.mllp.house import GAM, rules
from tests.rest.test_cli import command

TEST_MODE = f"""
[gam]
sending = ["GAM|*"]
organisation = "{FINESS}|{HOSPITAL}"
mode = "test"
"""


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with a message that was applied, and one of a test that was rejected."""
    url = f"sqlite:///{tmp_path / 'gateway.sqlite'}"
    gateway = open_gateway(Settings(database=url, synchronous="NORMAL"))
    intake = Intake(gateway, Partners([GAM]), lambda _: rules(), 1_000_000)
    for data in (adt(), adt(control_id="T1", ipp="2", processing="T")):
        intake.receive(intake.incoming(data, "test"))
    gateway.store.close()
    return url


def test_the_dead_letters_are_listed_shown_tried_and_taken_in_again(database: str, tmp_path: Path) -> None:
    partners = tmp_path / "partners.toml"
    partners.write_text(TEST_MODE)
    environment = {"FHIR_GATEWAY_DATABASE": database, "FHIR_GATEWAY_PARTNERS": str(partners)}

    def told(*arguments: str) -> list[dict[str, object]]:
        run = command("messages", *arguments, **environment)
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    assert [each["state"] for each in told("list")] == ["applied", "failed-transient"]
    [failed] = told("list", "--state", "failed")
    assert failed["control_id"] == "T1"
    [whole] = told("show", str(failed["mid"]))
    assert str(whole["raw"]).startswith("MSH|^~\\&|GAM|")
    [tried] = told("replay", "--state", "failed", "--dry-run")
    assert (tried["state"], "bundle" in tried) == ("applied", True)
    assert [each["state"] for each in told("list")] == ["applied", "failed-transient"]
    [again] = told("replay", str(failed["mid"]))
    assert again["state"] == "applied"
    assert [each["state"] for each in told("list")] == ["applied", "applied"]


def test_nothing_is_taken_in_again_by_accident(database: str) -> None:
    assert command("messages", "replay", FHIR_GATEWAY_DATABASE=database).returncode == 2
    assert command("messages", "show", FHIR_GATEWAY_DATABASE=database).returncode == 2
    assert command("messages", "list", "--state", "sad", FHIR_GATEWAY_DATABASE=database).returncode == 2
