"""The command `messages`: the log listed and shown, messages taken in again.

Source: fhir_gateway/messages_command.py.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fhir_gateway.app import open_gateway
from fhir_gateway.cli import app
from fhir_gateway.interactions.message import Intake
from fhir_gateway.policy.partners import Partners
from fhir_gateway.settings import Settings
from fhir_gateway.store import outbox
from fhir_gateway.store.outbox import Item
from tests.forked import command
from tests.mllp.feed import FINESS, HOSPITAL, adt
from tests.mllp.house import GAM, rules

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
    for destination, number in (("chu", 1), ("chu", 2), ("chr", 3)):
        item = Item(destination, "ORU^R01", "final", f"DiagnosticReport/{number}", 1)
        gateway.store.write(lambda tx, item=item: outbox.add(tx, [item]))  # type: ignore[misc]
    gateway.store.close()
    return url


def run(database: str, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["messages", *arguments, "--database", database], env=environment)


def told_by(database: str, *arguments: str, **environment: str) -> list[dict[str, object]]:
    """Return what the command tells, a line each."""
    done = run(database, *arguments, **environment)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_dead_letters_are_listed_shown_tried_and_taken_in_again(database: str, tmp_path: Path) -> None:
    partners = tmp_path / "partners.toml"
    partners.write_text(TEST_MODE)
    told = partial(told_by, database, FHIR_GATEWAY_PARTNERS=str(partners))
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
    for arguments in (("replay",), ("show",), ("list", "--state", "sad"), ("list", "--since", "tomorrow")):
        assert run(database, *arguments).exit_code == 2, arguments


def test_what_goes_out_is_listed_by_destination_set_aside_and_sent_again(database: str) -> None:
    told = partial(told_by, database)
    assert [each["oid"] for each in told("list", "--outgoing")] == [1, 2, 3]
    assert [each["oid"] for each in told("list", "--outgoing", "--destination", "chr")] == [3]
    [shown] = told("show", "2", "--outgoing")
    assert (shown["subject"], shown["tries"], shown["raw"]) == ("DiagnosticReport/2/_history/1", [], "")
    recorded = str(shown["recorded"])
    assert [each["oid"] for each in told("list", "--outgoing", "--since", recorded)] == [2, 3]
    assert [each["oid"] for each in told("list", "--outgoing", "--until", recorded)] == [1]
    assert [each["oid"] for each in told("list", "--outgoing", "--control-id", str(shown["control_id"]))] == [2]
    [dry] = told("set-aside", "2", "--dry-run")
    assert (dry["was"], dry["state"]) == ("queued", "dead")
    assert [each["state"] for each in told("set-aside", "1", "2")] == ["dead", "dead"]
    [failed, _] = told("list", "--outgoing", "--state", "failed", LANG="fr_FR.UTF-8")
    assert "Quelqu'un l'a écarté" in str(failed["issues"])
    [first, second] = told("resend", "--state", "dead", "--destination", "chu")
    assert (first["oid"], first["was"], second["state"]) == (1, "dead", "queued")
    assert [each["state"] for each in told("list", "--outgoing")] == ["queued"] * 3


def test_nothing_goes_out_again_by_accident(database: str) -> None:
    for arguments in (
        ("resend",),
        ("set-aside", "--destination", "chu"),
        ("replay", "1", "--outgoing"),
        ("list", "--subject", "DiagnosticReport/1"),
        ("list", "--outgoing", "--state", "applied"),
        ("list", "--outgoing", "--until", "tomorrow"),
    ):
        assert run(database, *arguments).exit_code == 2, arguments


def test_as_a_process_it_tells_the_same_and_of_a_gateway_that_holds_the_file(database: str) -> None:
    done = command("messages", "list", "--outgoing", FHIR_GATEWAY_DATABASE=database)
    assert [json.loads(line)["oid"] for line in done.stdout.splitlines()] == [1, 2, 3]
    gateway = open_gateway(Settings(database=database))
    try:
        held = command("messages", "list", "--outgoing", FHIR_GATEWAY_DATABASE=database)
    finally:
        gateway.store.close()
    assert held.returncode == 1
    assert "GET /hl7v2/outgoing" in held.stderr
