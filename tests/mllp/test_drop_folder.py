"""Drop folders: a file is taken in once it is said to be whole, and once only.

Source: fhir_gateway/mllp/drop_folder.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.interactions.message import Intake
from fhir_gateway.mllp.drop_folder import DropFolder
from fhir_gateway.policy.partners import Partners
from fhir_gateway.settings import Settings
from fhir_gateway.store import messages
from tests.mllp.feed import adt, answered
from tests.mllp.house import GAM, rules


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    gateway = open_gateway(Settings(database=f"sqlite:///{tmp_path / 'gateway.sqlite'}", synchronous="NORMAL"))
    yield Intake(gateway, Partners([GAM]), lambda _: rules(), 1_000_000)
    gateway.store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / f"{name}.hl7").write_bytes(data)
    (folder / f"{name}.ok").touch()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_waits_for_its_sign_and_its_answer_lies_beside_it(folder: Path, intake: Intake) -> None:
    drop = DropFolder(folder, intake)
    (folder / "a.hl7").write_bytes(adt())
    assert drop.look() == 0
    (folder / "a.ok").touch()
    assert drop.look() == 1
    assert names(folder) == ["a.ack", "a.done"]
    assert answered((folder / "a.ack").read_bytes()) == ("AA", "C1", [])
    assert drop.look() == 0


def test_a_file_with_a_message_that_is_refused_is_marked_and_all_are_answered(folder: Path, intake: Intake) -> None:
    put(folder, "b", adt() + adt(control_id="C2", ipp=""))
    DropFolder(folder, intake).look()
    assert names(folder) == ["b.ack", "b.failed"]
    assert (folder / "b.ack").read_bytes().count(b"MSA|A") == 2


def test_ended_at_any_moment_all_is_done_again_and_nothing_twice(
    folder: Path, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "c", adt())

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", ended)
    with pytest.raises(KeyboardInterrupt):
        DropFolder(folder, intake).look()
    monkeypatch.undo()
    assert DropFolder(folder, intake).look() == 1
    assert names(folder) == ["c.ack", "c.done"]
    with intake.gateway.store.read() as view:
        assert messages.counts(view) == {"applied": 1, "duplicate": 1}


def test_a_sign_that_was_left_is_taken_away(folder: Path, intake: Intake) -> None:
    (folder / "d.done").touch()
    (folder / "d.ok").touch()
    assert DropFolder(folder, intake).look() == 0
    assert names(folder) == ["d.done"]
