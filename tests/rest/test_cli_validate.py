"""`fhir-gateway validate`: files, forms and exit status.

Source: README.md, "Validate"; SARIF 2.1.0; JUnit XML.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import forked

WRONG = '{"resourceType":"Patient",\n "contact":[{"gender":"female"}]}'
WRONG_XML = '<Patient xmlns="http://hl7.org/fhir">\n  <contact><gender value="female"/></contact></Patient>'


def run(folder: Path, *arguments: str, sent: str = "") -> subprocess.CompletedProcess[str]:
    return forked.run("validate", *arguments, cwd=folder, env=os.environ, sent=sent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "sound.json").write_text('{"resourceType":"Patient","gender":"female"}')
    (tmp_path / "below" / "wrong.json").write_text(WRONG)
    (tmp_path / "below" / "wrong.xml").write_text(WRONG_XML)
    (tmp_path / "lines.ndjson").write_text('{"resourceType":"Patient"}\n' + WRONG.replace("\n", "") + "\n")
    (tmp_path / "package.json").write_text('{"name":"no resource"}')
    return tmp_path


def test_a_folder_is_judged_file_by_file_with_places(folder: Path) -> None:
    told = run(folder, ".", "--language", "en")
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert lines[-1] == "4 files, 1 without a resource: 3 with errors, 3 errors, 0 warnings"
    files = [line for line in lines if line and not line.startswith(" ")][:-1]
    assert files == ["below/wrong.json", "below/wrong.xml", "lines.ndjson"]
    places = [line.split() for line in lines if " error " in line]
    assert [(place, expression) for place, _, expression in places] == [
        ("2:13", "Patient.contact[0]"),
        ("2:3", "Patient.contact[0]"),
        ("2:39", "Patient.contact[0]"),
    ]


def test_what_is_sound_ends_with_0_and_what_cannot_be_read_with_2(folder: Path) -> None:
    assert run(folder, "sound.json").returncode == 0
    assert run(folder, "sound.json", "none.json").returncode == 2
    assert run(folder, "sound.json", "--format", "yaml").returncode == 2
    assert run(folder, "package.json").returncode == 1


def test_warnings_are_no_errors_and_may_be_left_out(folder: Path) -> None:
    claims = '{"resourceType":"Patient","meta":{"profile":["http://example.org/none"]}}'
    told = run(folder, "-", sent=claims)
    assert (told.returncode, "warning" in told.stdout) == (0, True)
    told = run(folder, "-", "--level", "error", "--language", "en", sent=claims)
    assert told.stdout.strip() == "1 file: 0 with errors, 0 errors, 0 warnings"
    assert run(folder, "-", sent=WRONG_XML).returncode == 1


def test_a_profile_may_be_asked_for(folder: Path) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/bodyheight"
    told = run(folder, "sound.json", "--profile", profile)
    assert told.returncode == 1
    assert run(folder, "sound.json", "--profile", "http://example.org/none").returncode == 1


def test_json_says_it_all(folder: Path) -> None:
    told = json.loads(run(folder, "below/*.json", "--format", "json").stdout)
    (file,) = told["files"]
    assert (file["file"], file["valid"], told["summary"]["errors"]) == ("below/wrong.json", False, 1)
    (issue,) = file["issues"]
    assert (issue["line"], issue["column"], issue["code"]) == (2, 13, "validation-invariant")


def test_sarif_has_rules_places_and_levels(folder: Path) -> None:
    log = json.loads(run(folder, ".", "--format", "sarif").stdout)
    (sarif,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {each["id"] for each in sarif["tool"]["driver"]["rules"]} == {each["ruleId"] for each in sarif["results"]}
    first = sarif["results"][0]
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "below/wrong.json"}, "region": {"startLine": 2, "startColumn": 13}}


def test_sarif_gives_what_the_standard_and_code_hosts_ask_for(folder: Path) -> None:
    """SARIF 2.1.0, 3.4 (URIs), 3.14 (run), 3.19 (driver), 3.49 (rules); code hosts show `shortDescription`."""
    (folder / "à voir.json").write_text(WRONG)
    log = json.loads(run(folder, "à voir.json", "none.json", "--format", "sarif", "--language", "fr").stdout)
    (sarif,) = log["runs"]
    assert all(each["shortDescription"]["text"] for each in sarif["tool"]["driver"]["rules"])
    assert sarif["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "%C3%A0%20voir.json"}
    assert {each["level"] for each in sarif["results"]} <= {"none", "note", "warning", "error"}
    assert sarif["language"] == "fr"
    (invocation,) = sarif["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "n'existe pas" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    absolute = json.loads(run(folder, str(folder / "à voir.json"), "--format", "sarif").stdout)["runs"][0]["results"]
    place = absolute[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place.startswith("file:///")
    assert place.endswith("%C3%A0%20voir.json")


def test_a_build_that_judges_nothing_does_not_pass(folder: Path) -> None:
    (folder / "empty").mkdir()
    told = run(folder, "empty")
    assert (told.returncode, "empty" in told.stderr) == (2, True)


def test_a_slice_that_is_missing_is_explained_in_the_language_asked_for(folder: Path) -> None:
    seen = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "category": [{"text": "y"}]}
    (folder / "seen.json").write_text(json.dumps(seen))
    asked = ("seen.json", "--profile", "http://hl7.org/fhir/StructureDefinition/vitalsigns")
    assert "- Observation.category[0]: coding.code is not vital-signs" in run(folder, *asked, "--language", "en").stdout
    assert "- Observation.category[0] : coding.code n'est pas" in run(folder, *asked, "--language", "fr").stdout
    told = json.loads(run(folder, *asked, "--format", "json").stdout)["files"][0]["issues"]
    assert any("why" in each for each in told)


def test_junit_has_a_case_for_each_file(folder: Path) -> None:
    suites = ElementTree.fromstring(run(folder, ".", "none.json", "--format", "junit").stdout)
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("5", "3", "1")
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failed == ["below/wrong.json", "below/wrong.xml", "lines.ndjson"]


def test_the_page_needs_nothing_else_and_quotes_what_it_shows(folder: Path) -> None:
    (folder / "evil.json").write_text('{"resourceType":"Patient","<script>alert(1)</script>":1}')
    page = run(folder, "evil.json", "--format", "html", "--language", "fr").stdout
    assert '<html lang="fr">' in page
    assert "<script" not in page
    assert "http" not in page.split("<body>")[0]
    assert '<a href="evil.json#L1">1:' in page
    assert "<mark>1}</mark>" in page
    assert ">erreur</td>" in page


def test_many_files_are_judged_by_several_processes_in_order(folder: Path) -> None:
    for number in range(40):
        (folder / f"many-{number:02}.json").write_text(WRONG if number % 2 else '{"resourceType":"Patient"}')
    told = json.loads(run(folder, "many-*.json", "--format", "json", "--processes", "2").stdout)
    assert [each["valid"] for each in told["files"]] == [True, False] * 20


def test_the_help_teaches() -> None:
    told = run(Path.cwd(), "--help").stdout
    assert "Exit status" in told
    assert "fhir-gateway validate examples/ --format sarif" in told
