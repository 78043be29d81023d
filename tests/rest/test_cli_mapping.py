"""`fhir-gateway mapping`: what it prints and with which status it ends.

Source: mappings/README.md; HL7 v2-to-FHIR, its spreadsheets.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fhir_gateway.cli import app
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import shipped_mappings

GOLDEN = shipped_mappings() / "golden"
MESSAGE = GOLDEN / "identite_ins_creee.hl7"
SITE = "drop: [pid-8]\nrules:\n  - {id: own, value: other, to: gender}\n"


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["mapping", *map(str, arguments)], input=given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of rules with a site and a pair of its own."""
    path = tmp_path / "own" / "sites" / "990000017" / "segments" / "PID.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(SITE, encoding="utf-8")
    golden = path.parents[1] / "golden"
    golden.mkdir()
    (golden / "femme.hl7").write_bytes(MESSAGE.read_bytes())
    return tmp_path / "own"


def test_a_message_becomes_a_bundle_and_several_a_line_each() -> None:
    one = run("convert", MESSAGE)
    assert one.exit_code == 0
    assert json.loads(one.stdout) == json.loads(MESSAGE.with_suffix(".expected.json").read_bytes())
    several = run("convert", MESSAGE, MESSAGE)
    assert [json.loads(line)["type"] for line in several.stdout.splitlines()] == ["transaction"] * 2


def test_a_message_may_come_from_standard_input() -> None:
    found = run("convert", "-", "--ndjson", given=MESSAGE.read_bytes())
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 1


def test_what_cannot_be_read_is_told_with_status_1_a_file_that_is_not_there_with_2(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.hl7"
    wrong.write_bytes(b"MSH|^~\\&|A|B|||2024||ADT^A28|1|P|2.5||||||KLINGON\rPID|1")
    found = run("convert", wrong)
    assert found.exit_code == 1
    assert "KLINGON" in found.stderr
    assert run("convert", tmp_path / "none.hl7").exit_code == 2
    assert run("convert").exit_code == 2
    wrong.write_bytes(b"nothing")
    assert run("explain", wrong).exit_code == 2


def test_explain_tells_rule_file_line_field_and_element() -> None:
    found = run("explain", MESSAGE, "--language", "en")
    assert found.exit_code == 0
    rows = [line.split() for line in found.stdout.splitlines()]
    assert rows[1] == ["Rule", "Where", "it", "stands", "Source", "Element"]
    (birth,) = [row for row in rows if row[0] == "pid-7"]
    assert birth[2:] == ["PID-1-7", "Patient", "patient.birthDate"]
    name, _, line = birth[1].rpartition(":")
    assert (name, int(line) > 1) == ("base/segments/PID.yaml", True)
    assert any(row[-1] == "patient.identifier[+].system" for row in rows)


def test_explain_tells_what_found_no_place_in_either_language(tmp_path: Path) -> None:
    message = tmp_path / "strange.hl7"
    message.write_bytes(MESSAGE.read_bytes().rstrip() + b"\rZZZ|1|what")
    english, french = run("explain", message, "--language", "en"), run("explain", message, "--language", "fr")
    assert "Found no place: " in english.stdout
    assert "ZZZ^1^2" in english.stdout
    assert "N’ont pas trouvé de place : " in french.stdout
    assert french.stdout.splitlines()[1].split()[0] == "Règle"


def test_explain_tells_no_rule_whose_value_found_its_place_taken() -> None:
    found = run("explain", MESSAGE)
    elements = [line.split()[-1] for line in found.stdout.splitlines() if "provenance.recorded" in line]
    assert elements == ["provenance.recorded"]


def test_check_says_that_rules_are_sound_or_what_is_wrong_in_which_line(folder: Path) -> None:
    sound = run("check", "--mappings", folder)
    assert sound.exit_code == 0
    assert "990000017" in sound.stdout
    path = folder / "sites" / "990000017" / "segments" / "PID.yaml"
    path.write_text("rules:\n  - {id: a, from: PID-8, to: sex}\n", encoding="utf-8")
    wrong = run("check", "--mappings", folder, "--language", "fr")
    assert wrong.exit_code == 1
    assert "segments/PID.yaml:2 : Patient n'a pas d'élément sex" in wrong.stderr
    assert run("check", "--mappings", folder / "none").exit_code == 2


def test_every_golden_pair_that_ships_is_the_same() -> None:
    found = run("test", "--language", "en")
    assert found.exit_code == 0, found.stdout
    number = len(list(GOLDEN.glob("*.hl7")))
    assert found.stdout.splitlines()[-1] == f"{number}/{number}"


def test_a_pair_of_a_site_is_read_by_its_rules_written_and_then_the_same(folder: Path) -> None:
    wrong = run("test", "femme", "--mappings", folder, "--language", "en")
    assert wrong.exit_code == 1
    assert "DIFFERS" in wrong.stdout
    assert run("test", "femme", "--mappings", folder, "--write").exit_code == 0
    expected = json.loads((folder / "sites" / "990000017" / "golden" / "femme.expected.json").read_bytes())
    patients = [each["resource"] for each in expected["entry"] if each["resource"]["resourceType"] == "Patient"]
    assert [each["gender"] for each in patients] == ["other"]
    assert run("test", "990000017/femme", "--mappings", folder).exit_code == 0


def test_a_pair_that_differs_shows_where(folder: Path) -> None:
    assert run("test", "femme", "--mappings", folder, "--write").exit_code == 0
    path = folder / "sites" / "990000017" / "segments" / "PID.yaml"
    path.write_text(SITE.replace("other", "unknown"), encoding="utf-8")
    found = run("test", "femme", "--mappings", folder, "--language", "en")
    assert found.exit_code == 1
    assert "/gender\n        expected: other\n        made: unknown" in found.stdout


def test_the_rules_are_written_as_the_guide_s_tables(tmp_path: Path) -> None:
    assert run("export", "--out", tmp_path).exit_code == 0
    with (tmp_path / "segments" / "PID[Patient].csv").open(encoding="utf-8", newline="") as file:
        _, heads, *rows = csv.reader(file)
    assert heads[1], heads[9] == ("Identifier", "FHIR Attribute")
    (gender,) = [row for row in rows if row[1] == "PID-8"]
    assert gender[9:16] == ["gender", "", "code", "", "1", "", "v2-0001-gender"]
    assert {len(row) for row in rows} == {19}
    assert (tmp_path / "messages" / "ADT_A01.csv").is_file()
    assert run("export").exit_code == 2


def test_the_rules_are_written_as_concept_maps_that_are_valid(tmp_path: Path) -> None:
    assert run("export", "--out", tmp_path, "--conceptmap").exit_code == 0
    files = sorted(tmp_path.glob("ConceptMap-*.json"))
    assert len(files) > 40
    urls = []
    for path in files:
        found = json.loads(path.read_bytes())
        urls.append(found["url"])
        errors = [each.issue.text() for each in r4_validator().validate_bytes(path.read_bytes()) if each.is_error]
        assert errors == [], path.name
    assert len(set(urls)) == len(urls)


def test_its_help_tells_what_it_does_with_examples() -> None:
    found = run("--help")
    for words in ("convert FILE", "explain FILE", "Exit status", "mapping test --mappings"):
        assert words in found.stdout
