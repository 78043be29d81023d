"""Deposits over implicit FTPS with certificates on both sides, against a server: whole or not at all, the mark last.

Source: RFC 959, RFC 3659, RFC 4217; GIP-CAD, ser_client-api and ser_client-ftps (layout, transport, answers).
"""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from fhir_gateway.delivery import ftps
from fhir_gateway.delivery.collector import collector_context, said, tried, verdict
from fhir_gateway.delivery.ftps import (
    CannotBeDeposited,
    FtpsAddress,
    FtpsPatience,
    NotDeposited,
    answers,
    deposit,
)
from fhir_gateway.delivery.mllp_client import BadCertificates
from fhir_gateway.exchange.cad.folder import Folder, Laid, sidecar
from tests.delivery.ftps_server import PASSWORD, SILENCE, USER, Authority, Server

PATIENCE = FtpsPatience(connect_seconds=5, step_seconds=5)
MESSAGE = b"MSH|^~\\&|LABO|LABO|CAD|CAD|20261122130000||ORU^R01^ORU_R01|depot-1|T|2.5^FRA\rPID|1\r"


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
def address(server: Server, authority: Authority) -> FtpsAddress:
    context = collector_context(*authority.issue("client"), authority.path)
    return FtpsAddress("127.0.0.1", USER, context, PASSWORD, server.port)


def folder_of(message: bytes = MESSAGE, expected: tuple[tuple[str, int | None], ...] = ()) -> Folder:
    laid = (
        Laid("P1/x.cram.sha256", sidecar("P1/x.cram", "0" * 64)),
        Laid("famille.vcf", b"##fileformat=VCFv4.2\n"),
        Laid("D-1.hl7", message),
        Laid("D-1.hl7.sha256", sidecar("D-1.hl7", sha256(message).hexdigest())),
    )
    return Folder("D-1", laid, "D-1.hl7.ok", expected)


def held(server: Server) -> dict[str, bytes]:
    files = (each for each in server.home.rglob("*") if each.is_file())
    return {str(each.relative_to(server.home)): each.read_bytes() for each in files}


def whole(folder: Folder) -> dict[str, bytes]:
    return {f"D-1/{each.path}": each.data for each in folder.laid} | {"D-1/D-1.hl7.ok": b""}


# --- laid down


def test_a_folder_is_laid_down_whole_and_its_mark_last(server: Server, address: FtpsAddress) -> None:
    folder = folder_of()
    assert deposit(address, PATIENCE, folder)
    assert held(server) == whole(folder)
    renamed = [argument for command, argument in server.commands if command == "RNTO"]
    assert [Path(each).name for each in renamed] == [Path(each.path).name for each in folder.laid] + ["D-1.hl7.ok"]
    sent = [argument for command, argument in server.commands if command == "STOR"]
    assert all(Path(each).name.startswith(".") and each.endswith(".part") for each in sent)


def test_what_is_laid_down_is_as_the_sidecars_say(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    checked = subprocess.run(
        ["sha256sum", "--check", "D-1.hl7.sha256"], cwd=server.home / "D-1", capture_output=True, timeout=30
    )
    assert checked.returncode == 0


def test_a_base_folder_of_the_account_is_entered(server: Server, address: FtpsAddress) -> None:
    (server.home / "remote").mkdir()
    deposit(
        FtpsAddress("127.0.0.1", USER, address.context, PASSWORD, server.port, base="remote"), PATIENCE, folder_of()
    )
    assert "remote/D-1/D-1.hl7.ok" in held(server)


def test_data_channels_resume_the_session_of_the_control_channel(
    server: Server, address: FtpsAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[bool | None] = []
    opened = ftps._Session.ntransfercmd

    def spied(self: ftps._Session, cmd: str, rest: int | str | None = None) -> object:
        channel, size = opened(self, cmd, rest)
        assert isinstance(channel, ssl.SSLSocket)
        resumed.append(channel.session_reused)
        return channel, size

    monkeypatch.setattr(ftps._Session, "ntransfercmd", spied)
    deposit(address, PATIENCE, folder_of())
    assert len(resumed) == 5
    assert all(resumed)


def test_a_message_of_megabytes_arrives_as_it_is(server: Server, address: FtpsAddress) -> None:
    folder = folder_of(MESSAGE + b"OBX|" + bytes(range(32, 127)) * 40_000)
    deposit(address, PATIENCE, folder)
    assert held(server) == whole(folder)


# --- again


def test_what_is_there_already_is_not_laid_down_again(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    server.commands.clear()
    assert not deposit(address, PATIENCE, folder_of())
    assert not any(command == "STOR" for command, _ in server.commands)


def test_an_amended_report_replaces_the_deposit_and_its_mark_is_taken_away_first(
    server: Server, address: FtpsAddress
) -> None:
    deposit(address, PATIENCE, folder_of())
    server.commands.clear()
    amended = folder_of(MESSAGE.replace(b"depot-1", b"depot-2"))
    assert deposit(address, PATIENCE, amended)
    assert held(server) == whole(amended)
    acts = [command for command, _ in server.commands if command in ("DELE", "STOR")]
    assert acts[0] == "DELE"


def test_after_a_break_at_any_step_nothing_is_taken_for_whole_and_the_next_try_completes_it(
    server: Server, address: FtpsAddress
) -> None:
    folder = folder_of()
    deposit(address, PATIENCE, folder)
    steps = [each for each, (command, _) in enumerate(server.commands) if command in ("STOR", "RNFR", "RNTO", "SIZE")]
    for each in (server.home / "D-1").rglob("*"):
        if each.is_file():
            each.unlink()
    for step in steps[:: max(1, len(steps) // 8)]:
        server.commands.clear()
        server.before = lambda _command, _argument, step=step: "" if len(server.commands) == step else None  # type: ignore[misc]
        with pytest.raises(NotDeposited):
            deposit(address, PATIENCE, folder)
        found = held(server)
        assert "D-1/D-1.hl7.ok" not in found
        named = {path: data for path, data in found.items() if not path.endswith(".part")}
        assert named.items() <= whole(folder).items()
    server.before = lambda _command, _argument: None
    assert deposit(address, PATIENCE, folder)
    assert held(server) == whole(folder)


def test_where_a_taken_name_cannot_be_renamed_to_it_is_freed_first(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    removed: set[str] = set()

    def before(command: str, argument: str) -> str | None:
        if command == "DELE":
            removed.add(Path(argument).name)
        name = Path(argument).name
        if command == "RNTO" and (server.home / argument.lstrip("/")).exists() and name not in removed:
            return "550 File exists."
        return None

    server.before = before
    amended = folder_of(MESSAGE.replace(b"depot-1", b"depot-2"))
    assert deposit(address, PATIENCE, amended)
    assert held(server) == whole(amended)


# --- files of others


def test_no_mark_is_laid_while_data_files_are_absent_or_of_another_size(server: Server, address: FtpsAddress) -> None:
    folder = folder_of(expected=(("P1/x.cram", 8), ("big.vcf", None)))
    with pytest.raises(NotDeposited, match="2 of 2 absent"):
        deposit(address, PATIENCE, folder)
    (server.home / "D-1" / "P1").mkdir(parents=True, exist_ok=True)
    (server.home / "D-1" / "P1" / "x.cram").write_bytes(b"1234567")
    (server.home / "D-1" / "big.vcf").write_bytes(b"1")
    with pytest.raises(NotDeposited, match="0 of 2 absent, 1 of another size"):
        deposit(address, PATIENCE, folder)
    assert "D-1/D-1.hl7.ok" not in held(server)
    (server.home / "D-1" / "P1" / "x.cram").write_bytes(b"12345678")
    assert deposit(address, PATIENCE, folder)
    assert held(server).keys() == {*whole(folder), "D-1/P1/x.cram", "D-1/big.vcf"}


def test_a_server_that_tells_no_sizes_is_believed(server: Server, address: FtpsAddress) -> None:
    server.before = lambda command, _argument: "502 Not here." if command == "SIZE" else None
    assert deposit(address, PATIENCE, folder_of(expected=(("x.cram", 8),)))
    assert held(server) == whole(folder_of())


# --- refused, or later


@pytest.mark.parametrize(
    ("command", "reply", "text"),
    [
        ("PASS", "530 No.", "530: logging in"),
        ("STOR", "452 Full.", "452: sending a file"),
        ("STOR", "552 Full.", "552: sending a file"),
        ("RNTO", "451 Not now.", "451: renaming a file"),
        ("MKD", "550 No.", "550: entering the folder"),
        ("USER", "421 Busy.", "421: logging in"),
        ("STOR", "", "ended: sending a file"),
    ],
)
def test_what_may_be_otherwise_later_is_tried_again(
    server: Server, address: FtpsAddress, command: str, reply: str, text: str
) -> None:
    server.before = lambda given, _argument: reply if given == command else None
    with pytest.raises(NotDeposited) as told:
        deposit(address, PATIENCE, folder_of())
    assert text in str(told.value) or str(told.value).startswith(reply[:3] + ":")
    assert tried(address, PATIENCE, folder_of()).state == "queued"


def test_a_name_that_the_server_refuses_is_not_tried_again(server: Server, address: FtpsAddress) -> None:
    server.before = lambda command, _argument: "553 Name not allowed." if command == "STOR" else None
    with pytest.raises(CannotBeDeposited, match="553: sending a file"):
        deposit(address, PATIENCE, folder_of())
    assert tried(address, PATIENCE, folder_of()).state == "rejected"


def test_a_server_that_says_nothing_is_left_in_time(server: Server, address: FtpsAddress) -> None:
    server.before = lambda command, _argument: SILENCE if command == "RNFR" else None
    with pytest.raises(NotDeposited, match="nothing in time: renaming a file"):
        deposit(address, FtpsPatience(connect_seconds=5, step_seconds=0.5), folder_of())


def test_nobody_listening_is_told(address: FtpsAddress, server: Server) -> None:
    elsewhere = FtpsAddress("127.0.0.1", USER, address.context, PASSWORD, 1)
    with pytest.raises(NotDeposited, match="connecting"):
        deposit(elsewhere, PATIENCE, folder_of())


# --- certificates


def test_a_server_of_another_authority_gets_nothing(server: Server, tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path, "autre")
    context = collector_context(*authority.issue("client"), other.path)
    address = FtpsAddress("127.0.0.1", USER, context, PASSWORD, server.port)
    with pytest.raises(NotDeposited, match="certificate"):
        deposit(address, PATIENCE, folder_of())
    assert server.commands == []


def test_a_certificate_for_another_name_gets_nothing(server: Server, address: FtpsAddress) -> None:
    other = FtpsAddress("127.0.0.1", USER, address.context, PASSWORD, server.port, name="cad.example.org")
    with pytest.raises(NotDeposited, match="certificate"):
        deposit(other, PATIENCE, folder_of())
    assert server.commands == []


def test_a_client_of_another_authority_is_turned_away(server: Server, tmp_path: Path, authority: Authority) -> None:
    context = collector_context(*Authority(tmp_path, "autre").issue("client"), authority.path)
    address = FtpsAddress("127.0.0.1", USER, context, PASSWORD, server.port)
    with pytest.raises(NotDeposited):
        deposit(address, PATIENCE, folder_of())
    assert server.commands == []


def test_files_that_are_no_certificates_are_told_by_name(tmp_path: Path, authority: Authority) -> None:
    wrong = tmp_path / "client.pem"
    wrong.write_text("nothing")
    with pytest.raises(BadCertificates, match=r"client\.pem"):
        collector_context(wrong, wrong, authority.path)


# --- answers


def acknowledgement(code: str, of: str, *lines: str) -> bytes:
    head = "MSH|^~\\&|CAD|CAD|LABO|LABO|20261122140000||ACK^R01^ACK|A-1|T|2.5^FRA"
    return "\n".join([head, f"MSA|{code}|{of}", *lines, ""]).encode()


def test_answers_are_fetched_and_left_where_they_are(server: Server, address: FtpsAddress) -> None:
    assert answers(address, PATIENCE, "D-1") == ()
    deposit(address, PATIENCE, folder_of())
    assert answers(address, PATIENCE, "D-1") == ()
    answer = acknowledgement("AA", "depot-1")
    (server.home / "D-1" / "D-1.hl7.ack").write_bytes(answer)
    (found,) = answers(address, PATIENCE, "D-1")
    assert (found.name, found.data) == ("D-1.hl7.ack", answer)
    assert answers(address, PATIENCE, "D-1", known={"D-1.hl7.ack"}) == ()
    assert (server.home / "D-1" / "D-1.hl7.ack").exists()


def test_an_answer_beside_the_folder_is_found_by_the_name_of_the_deposit(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    for name in ("D-1.hl7.ack", "D-10.hl7.ack", "D-1.txt", "other.ack"):
        (server.home / name).write_bytes(acknowledgement("AA", "depot-1"))
    assert [each.name for each in answers(address, PATIENCE, "D-1")] == ["D-1.hl7.ack"]
    assert said(address, PATIENCE, "D-1", "depot-1") is not None


@pytest.mark.parametrize(
    ("code", "lines", "state", "outcome"),
    [
        ("AA", [], "acknowledged", "accepted"),
        ("AE", ["ERR|||x.cram|W||||Sans index"], "acknowledged", "accepted-with-warnings"),
        ("AE", ["ERR|||x.cram|E||||Illisible"], "rejected", "failed"),
        ("AR", [], "rejected", "failed"),
    ],
)
def test_an_answer_settles_the_deposit(
    server: Server, address: FtpsAddress, code: str, lines: list[str], state: str, outcome: str
) -> None:
    assert tried(address, PATIENCE, folder_of()).state == "sent"
    (server.home / "D-1" / "D-1.hl7.ack").write_bytes(acknowledgement(code, "depot-1", *lines))
    found = said(address, PATIENCE, "D-1", "depot-1")
    assert found is not None
    settled = verdict(found)
    assert (settled.state, settled.came, settled.detail["outcome"]) == (state, code, outcome)
    assert settled.answer == acknowledgement(code, "depot-1", *lines)


def test_an_answer_to_an_earlier_deposit_or_half_written_settles_nothing(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    (server.home / "D-1" / "1.ack").write_bytes(acknowledgement("AA", "depot-0"))
    (server.home / "D-1" / "2.ack").write_bytes(acknowledgement("AA", "depot-1")[:60])
    assert said(address, PATIENCE, "D-1", "depot-1") is None
    (server.home / "D-1" / "2.ack").write_bytes(acknowledgement("AA", "depot-1"))
    assert said(address, PATIENCE, "D-1", "depot-1") is not None


def test_an_answer_without_end_is_not_read(server: Server, address: FtpsAddress) -> None:
    deposit(address, PATIENCE, folder_of())
    (server.home / "D-1" / "D-1.ack").write_bytes(b"x" * 3000)
    with pytest.raises(NotDeposited, match="more than 2000 bytes"):
        answers(address, FtpsPatience(5, 5, answer_bytes=2000), "D-1")


def test_the_password_is_in_no_text_of_an_address(address: FtpsAddress) -> None:
    assert PASSWORD not in f"{address} {address!r}"
    assert str(address) == f"ftps://127.0.0.1:{address.port}"
