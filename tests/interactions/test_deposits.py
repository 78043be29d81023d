"""A report reaches the national collector, and its answer the dossier: by the Task that asks for it, step by step.

Source: `fhir_gateway/interactions/deposits.py`; GIP-CAD, ser_client-api (ACK); `fhir_gateway/dossier/states.py`.
"""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.delivery.collector import collector_context
from fhir_gateway.delivery.ftps import FtpsAddress, FtpsPatience
from fhir_gateway.dossier import codes
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import deposits, dossier_gathering
from fhir_gateway.interactions.deposits import Collector, Round, round_of
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.policy.collectors import collectors_of
from tests.delivery.ftps_server import PASSWORD, USER, Authority, Server
from tests.exchange.cad.deposits import SENDER, answer, lay_data, of, one_byte, trio
from tests.interactions.desk import Desk, entry
from tests.interactions.dossier_people import actor

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("autorite"))


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> Iterator[Server]:
    home = tmp_path / "depots"
    home.mkdir()
    with Server(home, authority) as running:
        yield running


@pytest.fixture
def resources() -> list[Resource]:
    """A dossier whose report is restituted and whose deposit is asked for."""
    found = trio()
    (task,) = (each for each in of(found, "Task") if codes.code(each["code"], codes.TACHE) == "depot-cad")
    task["status"] = "requested"
    return found


@pytest.fixture
def collector(server: Server, authority: Authority, resources: list[Resource]) -> Collector:
    platform = of(resources, "ServiceRequest")[0]["performer"][0]["identifier"]
    context = collector_context(*authority.issue("client"), authority.path)
    address = FtpsAddress("127.0.0.1", USER, context, PASSWORD, server.port)
    laboratory = actor("plateforme", f"{platform['system']}|{platform['value']}")
    return Collector("cad", laboratory, SENDER, address, FtpsPatience(5, 5), claim_seconds=0)


def tasks_of(desk: Desk) -> list[Resource]:
    """Return the Tasks of the deposit: those that are done with first, then the oldest first."""
    # Not sorted by the gateway: in the order of instants it leaves out what an unfinished write may still precede.
    found = [each["resource"] for each in desk.get("Task?code=depot-cad&_count=200")["entry"]]
    return sorted(found, key=lambda each: (each["status"] not in ("completed", "failed"), each["meta"]["lastUpdated"]))


def task_of(desk: Desk) -> Resource:
    return tasks_of(desk)[0]


def deposited(desk: Desk, server: Server, collector: Collector, resources: list[Resource]) -> str:
    desk.seed(*one_byte(resources))
    number = lay_data(server.home, resources)
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    return number


def test_a_deposit_is_laid_down_acknowledged_and_its_answer_told_in_the_dossier(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    task = task_of(desk)
    assert (task["status"], codes.token(task["owner"]["identifier"])) == ("in-progress", collector.laboratory)
    assert (server.home / number / f"{number}.hl7.ok").exists()
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    data = answer(server.home, number, "AA")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    task = task_of(desk)
    assert task["status"] == "completed"
    said = task["output"][-1]
    assert codes.code(said["type"], codes.PIECE) == "accuse-cad"
    assert b64decode(said["valueAttachment"]["data"]) == data
    told = desk.get(f"Provenance?target=Task/{task['id']}")["entry"][-1]["resource"]
    (agent,) = told["agent"]
    assert agent["who"]["display"] == "fhir-gateway"
    assert codes.token(agent["onBehalfOf"]["identifier"]) == collector.laboratory
    assert told["entity"][0]["what"]["reference"].startswith("DiagnosticReport/")
    assert round_of(desk.gateway, collector) == Round()


def test_a_deposit_that_the_collector_refuses_fails_its_task_with_the_reason(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    answer(server.home, number, "AE", "ERR|||x.cram|E||||Illisible")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    task = task_of(desk)
    assert (task["status"], codes.code(task["statusReason"], codes.MOTIF)) == ("failed", "autre")
    assert codes.code(task["output"][-1]["type"], codes.PIECE) == "accuse-cad"


def test_what_was_refused_is_not_repeated_as_it_is_until_the_laboratory_accepts_it_again(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    """The server asks for the deposit by a new Task; it waits for somebody."""
    number = deposited(desk, server, collector, resources)
    answer(server.home, number, "AR")
    round_of(desk.gateway, collector)
    _, again = tasks_of(desk)
    assert again["status"] == "requested"
    for _ in range(2):
        assert round_of(desk.gateway, collector) == Round(held=1, why={again["id"]: ("refused before",)})
    assert len(tasks_of(desk)) == 2
    desk.of(collector.actor).ask(
        "PUT", f"Task/{again['id']}", {**again, "status": "accepted"}, if_match=f'W/"{again["meta"]["versionId"]}"'
    )
    first = read((server.home / number / f"{number}.hl7").read_bytes()).control_id
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    second = read((server.home / number / f"{number}.hl7").read_bytes()).control_id
    assert second == f"{first}_2"
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    answer(server.home, number, "AA")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    assert sorted(each["status"] for each in tasks_of(desk)) == ["completed", "failed"]


def test_a_later_withdrawal_is_deposited_anew_and_the_old_answer_is_not_taken_for_its_own(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    answer(server.home, number, "AA")
    round_of(desk.gateway, collector)
    before = (server.home / number / f"{number}.hl7").read_bytes()
    key = of(resources, "ServiceRequest")[0]["subject"]["reference"]
    (consent,) = (
        each
        for each in of(resources, "Consent")
        if each["patient"]["reference"] == key and "research" in str(each["scope"])
    )
    (asked,) = (each for each in of(resources, "Task") if codes.code(each["code"], codes.TACHE) == "depot-cad")
    desk.seed({**consent, "status": "inactive"}, {**asked, "id": "notice"})
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    after = (server.home / number / f"{number}.hl7").read_bytes()
    assert (before.count(b"\rCON|"), after.count(b"\rCON|")) == (3, 2)
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    answer(server.home, number, "AA")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    assert {each["status"] for each in tasks_of(desk)} == {"completed"}


def signed(report: Resource) -> Resource:
    """Return a report by somebody whom the gateway need not hold."""
    return {**report, "resultsInterpreter": [{"identifier": {"system": codes.RPPS, "value": "99000000007"}}]}


def test_a_report_that_is_amended_after_its_deposit_is_deposited_again_by_itself(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    first = read((server.home / number / f"{number}.hl7").read_bytes()).control_id
    answer(server.home, number, "AA")
    round_of(desk.gateway, collector)
    assert [each["status"] for each in tasks_of(desk)] == ["completed"]
    (report,) = (each["resource"] for each in desk.get("DiagnosticReport?_count=10")["entry"])
    why = {
        "resourceType": "Provenance", "target": [{"reference": f"DiagnosticReport/{report['id']}"}],
        "recorded": "2026-11-22T10:00:00Z", "agent": [{"who": {"display": "biologiste"}}],
        "reason": [codes.concept(codes.MOTIF, "autre")],
    }  # fmt: skip
    amended = {**signed(report), "status": "amended", "conclusion": "Reclassé."}
    desk.transact(entry("PUT", f"DiagnosticReport/{report['id']}", amended), entry("POST", "Provenance", why))
    done, again = tasks_of(desk)
    assert (done["status"], again["status"]) == ("completed", "requested")
    assert again["reasonReference"]["reference"] == f"DiagnosticReport/{report['id']}"
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    message = read((server.home / number / f"{number}.hl7").read_bytes())
    assert message.control_id != first
    # The answer to the first is not taken for one to the second.
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    answer(server.home, number, "AA")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    assert [each["status"] for each in tasks_of(desk)] == ["completed", "completed"]
    assert round_of(desk.gateway, collector) == Round()


def test_what_is_amended_between_laying_down_and_answer_is_deposited_after_the_answer(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    (report,) = (each["resource"] for each in desk.get("DiagnosticReport?_count=10")["entry"])
    desk.ask("PUT", f"DiagnosticReport/{report['id']}", {**signed(report), "status": "corrected"})
    assert [each["status"] for each in tasks_of(desk)] == ["in-progress"]
    answer(server.home, number, "AA")
    assert round_of(desk.gateway, collector) == Round(answered=1)
    assert [each["status"] for each in tasks_of(desk)] == ["completed", "requested"]


def test_a_round_gathers_no_dossier_of_others_and_none_that_only_waits_for_its_answer(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    deposited(desk, server, collector, resources)
    gathered: list[str] = []
    made = dossier_gathering.dossier_of

    def counting(gateway: Gateway, view: Any, number: str, about: Any = ()) -> Any:
        gathered.append(number)
        return made(gateway, view, number, about)

    monkeypatch.setattr(dossier_gathering, "dossier_of", counting)
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    task = task_of(desk)
    other = {"identifier": {"system": "https://finess.esante.gouv.fr", "value": "990000099"}}
    desk.seed({**task, "id": "others", "status": "requested", "owner": other})
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    assert gathered == []
    # What nobody owns is looked at: whose it is, its dossier says.
    desk.seed(
        {**{name: value for name, value in task.items() if name != "owner"}, "id": "nobodys", "status": "requested"}
    )
    round_of(desk.gateway, collector)
    assert len(gathered) == 1


def test_warnings_of_the_collector_complete_the_task(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    number = deposited(desk, server, collector, resources)
    answer(server.home, number, "AE", "ERR|||x.cram|W||||Sans index")
    round_of(desk.gateway, collector)
    assert task_of(desk)["status"] == "completed"


def test_a_deposit_waits_for_the_data_files_and_the_server(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    desk.seed(*one_byte(resources))
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    assert task_of(desk)["status"] == "accepted"
    number = lay_data(server.home, resources)
    server.before = lambda command, _argument: "421 Busy." if command == "USER" else None
    assert round_of(desk.gateway, collector) == Round(waiting=1)
    server.before = lambda _command, _argument: None
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    assert (server.home / number / f"{number}.hl7.ok").exists()


def test_who_has_not_been_asked_about_research_is_waited_for(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    held = [each for each in resources if each["resourceType"] != "Consent" or "research" not in str(each["scope"])]
    desk.seed(*one_byte(held))
    lay_data(server.home, held)
    told = round_of(desk.gateway, collector)
    assert (told.held, told.why) == (1, {task_of(desk)["id"]: ("cad-research-not-said",)})
    assert task_of(desk)["status"] == "requested"
    assert not list(server.home.rglob("*.ok"))


def test_what_was_laid_down_before_an_interruption_is_laid_down_once(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    """The gateway ends after the mark and before the Task is written: the Task is still requested."""
    number = deposited(desk, server, collector, resources)
    task = task_of(desk)
    kept = (server.home / number / f"{number}.hl7").read_bytes()
    begun = next(each for each in resources if each["resourceType"] == "Task" and each["id"] == task["id"])
    desk.seed(begun)
    server.commands.clear()
    assert round_of(desk.gateway, collector) == Round(deposited=1)
    assert not [argument for command, argument in server.commands if command == "STOR"]
    assert (server.home / number / f"{number}.hl7").read_bytes() == kept
    assert task_of(desk)["status"] == "in-progress"


def test_a_task_that_was_just_accepted_is_left_to_whoever_accepted_it(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    (task,) = (each for each in of(resources, "Task") if codes.code(each["code"], codes.TACHE) == "depot-cad")
    task |= {"status": "accepted", "lastModified": instant_text(desk.gateway.registry.now() - 30_000_000)}
    desk.seed(*one_byte(resources))
    lay_data(server.home, resources)
    assert round_of(desk.gateway, replace(collector, claim_seconds=60)) == Round(waiting=1)
    assert server.commands == []
    assert round_of(desk.gateway, replace(collector, claim_seconds=10)) == Round(deposited=1)


def test_a_task_that_the_rules_refuse_to_move_is_held_and_nothing_is_laid_down(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    for each in of(resources, "ServiceRequest"):
        each["status"] = "on-hold"
    desk.seed(*one_byte(resources))
    lay_data(server.home, resources)
    told = round_of(desk.gateway, collector)
    assert (told.held, told.deposited) == (1, 0)
    assert told.why[task_of(desk)["id"]]
    assert server.commands == []


def test_deposits_of_another_laboratory_are_left_to_it(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource]
) -> None:
    desk.seed(*one_byte(resources))
    other = Collector("cad", actor("plateforme", "https://finess.esante.gouv.fr|990000099"), SENDER, collector.address)
    assert round_of(desk.gateway, other) == Round()
    assert server.commands == []


def test_deposits_are_made_by_a_thread_of_their_own_that_goes_on_after_a_failure(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.seed(*one_byte(resources))
    number = lay_data(server.home, resources)
    rounds: list[int] = []
    made = deposits.round_of

    def failing(gateway: Gateway, collector: Collector) -> Round:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise LookupError("once")
        return made(gateway, collector)

    monkeypatch.setattr(deposits, "round_of", failing)
    running = deposits.Deposits(desk.gateway, [replace(collector, seconds=0.05)])
    running.start()
    until = time.monotonic() + 20
    while task_of(desk)["status"] != "in-progress" and time.monotonic() < until:
        time.sleep(0.05)
    assert running.stop()
    assert (server.home / number / f"{number}.hl7.ok").exists()
    assert len(rounds) >= 2


def test_a_table_of_the_file_is_a_collector_that_deposits_are_made_with(
    desk: Desk, server: Server, authority: Authority, resources: list[Resource], tmp_path: Path
) -> None:
    certificate, key = authority.issue("laboratoire")
    (tmp_path / "cad.secret").write_text(f"{PASSWORD}\n")
    platform = of(resources, "ServiceRequest")[0]["performer"][0]["identifier"]
    structures = "".join(
        f'{each} = "Structure fictive|990000200"\n'
        for each in ("laboratory", "facility", "legal", "application", "collector")
    )
    (tmp_path / "collectors.toml").write_text(
        f'''[cad]
organisation = "{platform["system"]}|{platform["value"]}"
host = "127.0.0.1"
port = {server.port}
user = "{USER}"
password_file = "{tmp_path / "cad.secret"}"
certificate = "{certificate}"
key = "{key}"
authority = "{authority.path}"
processing = "T"
{structures}'''
    )
    (address,) = collectors_of(tmp_path / "collectors.toml")
    assert address.host == "127.0.0.1"
    desk.seed(*one_byte(resources))
    number = lay_data(server.home, resources)
    assert deposits.opened_deposits(desk.gateway, deposits.collectors_from(None)) is None
    running = deposits.opened_deposits(desk.gateway, deposits.collectors_from(tmp_path / "collectors.toml"))
    assert running is not None
    until = time.monotonic() + 20
    while task_of(desk)["status"] != "in-progress" and time.monotonic() < until:
        time.sleep(0.05)
    assert running.stop()
    message = read((server.home / number / f"{number}.hl7").read_bytes())
    assert (message.get("MSH-3"), message.get("MSH-3.2"), message.get("MSH-11")) == (
        "Structure fictive",
        "1990000200",
        "T",
    )


def test_of_several_processes_one_looks_after_a_collector(
    desk: Desk, server: Server, collector: Collector, resources: list[Resource], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def counted(*_: Any) -> Round:
        rounds.append(threading.get_ident())
        return Round()

    monkeypatch.setattr(deposits, "round_of", counted)
    both = [deposits.Deposits(desk.gateway, [replace(collector, seconds=0.05)]) for _ in range(2)]
    for each in both:
        each.start()
    time.sleep(0.6)
    for each in both:
        assert each.stop()
    # One process has the file of a SQLite database: there is nobody else to ask about.
    assert len(set(rounds)) == (1 if desk.gateway.store.dialect == "postgresql" else 2)
    assert len(rounds) > 2
