"""The mappings in force: changed files are noticed, wrong ones leave the last good version where it is.

Source: mappings/README.md.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fhir_gateway.exchange.hl7v2.convert import Conversion
from fhir_gateway.exchange.hl7v2.current import LOOK_EVERY, Current
from fhir_gateway.transform.complaints import MappingError

ADT = b"MSH|^~\\&|A|B|C|D|20240306111154||ADT^A28|1|P|2.5|||||FRA\rPID|||1^^^H&990000017&N^PI||TEST^ANN|||F\rPV1|1|N"
WRONG = "rules:\n  - {id: pid-8, from: PID-8, to: sex}\n"


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def write(folder: Path, gender: str) -> None:
    rules(folder, f"rules:\n  - {{id: pid-8, from: PID-8, value: {gender}, to: gender}}\n")


def rules(folder: Path, text: str) -> None:
    path = folder / "segments" / "PID.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def gender(current: Current) -> str:
    (found,) = current.of().convert_all(ADT)
    assert isinstance(found, Conversion)
    assert found.result is not None
    return str(next(each.resource for each in found.result.instances if each.id == "patient")["gender"])


def test_changed_files_come_into_force_without_anyone_waiting(tmp_path: Path) -> None:
    clock = Clock()
    current = Current(tmp_path, clock=clock)
    write(tmp_path, "other")
    assert gender(current) == "other"
    before = current.version
    write(tmp_path, "unknown")
    assert gender(current) == "other", "they were looked for less than a second ago"
    clock.now += LOOK_EVERY
    current.of()
    current.wait()
    assert gender(current) == "unknown"
    assert current.version != before


def test_wrong_files_leave_the_last_good_version_in_force_and_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    current = Current(tmp_path)
    write(tmp_path, "other")
    assert gender(current) == "other"
    version = current.version
    rules(tmp_path, WRONG)
    with caplog.at_level(logging.ERROR):
        assert not current.reload()
    assert gender(current) == "other"
    assert current.version == version
    assert version in caplog.text
    assert "segments/PID.yaml:2" in caplog.text
    assert current.refused is not None
    assert [each.complaint.detail for each in current.refused.issues] == ["mapping-element-unknown"]
    write(tmp_path, "unknown")
    assert current.reload()
    assert gender(current) == "unknown"
    assert current.refused is None


def test_wrong_files_at_the_start_are_told_to_who_asks(tmp_path: Path) -> None:
    rules(tmp_path, WRONG)
    with pytest.raises(MappingError):
        Current(tmp_path).of()


def test_files_that_did_not_change_are_not_read_again(tmp_path: Path) -> None:
    clock = Clock()
    current = Current(tmp_path, clock=clock)
    found = current.of()
    clock.now += 10 * LOOK_EVERY
    current.of()
    current.wait()
    assert current.of() is found


# --- what is sent


def sends(folder: Path, text: str) -> None:
    path = folder / "sites" / "990000017" / "out" / "segments" / "PV1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_rules_for_what_is_sent_are_read_again_with_the_others(tmp_path: Path) -> None:
    clock = Clock()
    current = Current(tmp_path, clock=clock)
    sends(tmp_path, "rules:\n  - {id: own, value: E, to: PV1-2}\n")
    before = current.out()
    assert before.to("DPI", "HOP^990000017") is not before.every
    assert before.to("DPI", "HOP^990000099") is before.every
    sends(tmp_path, "rules:\n  - {id: own, value: R, to: PV1-2}\n")
    assert current.out() is before, "they were looked for less than a second ago"
    clock.now += LOOK_EVERY
    current.out()
    current.wait()
    after = current.out()
    assert after.to("DPI", "HOP^990000017").version != before.to("DPI", "HOP^990000017").version
    assert after.every.version == before.every.version


def test_wrong_rules_for_what_is_sent_leave_all_in_force_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "other")
    sends(tmp_path, "rules:\n  - {id: own, value: E, to: PV1-2}\n")
    current = Current(tmp_path)
    before, _ = current.out(), current.of()
    write(tmp_path, "unknown")
    sends(tmp_path, "rules:\n  - {id: own, value: E, to: PID-2}\n")
    assert not current.reload()
    assert current.out() is before
    assert gender(current) == "other"
    assert current.refused is not None
    (issue,) = current.refused.issues
    assert issue.values["place"].endswith("sites/990000017/out/segments/PV1.yaml:2")
    sends(tmp_path, "rules:\n  - {id: own, value: R, to: PV1-2}\n")
    assert current.reload()
    assert (current.out() is before, gender(current)) == (False, "unknown")
    assert not current.refused


def test_what_is_wrong_of_both_kinds_is_told_at_once(tmp_path: Path) -> None:
    current = Current(tmp_path)
    current.out()
    rules(tmp_path, WRONG)
    sends(tmp_path, "rules:\n  - {id: own, value: E, to: PID-2}\n")
    assert not current.reload()
    assert current.refused is not None
    assert {each.complaint.detail for each in current.refused.issues} == {
        "mapping-element-unknown", "mapping-element-form",
    }  # fmt: skip
