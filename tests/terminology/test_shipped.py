"""Terminology comes from folders: what ships, and what an operator lays over it; a wrong file stops the start.

Source: FHIR R4, References, "Canonical References"; CodeSystem, csd-1; ValueSet, vsd-1; ConceptMap.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fhir_gateway
from fhir_gateway.app import open_gateway
from fhir_gateway.conformance.validators import r4_validator, validator_of
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.settings import Settings
from fhir_gateway.terminology.content import KINDS, ContentError
from fhir_gateway.terminology.shipped import Shipped, shipped

URL = "http://codes.test/pets"
PETS = {"resourceType": "CodeSystem", "url": URL, "version": "1.0.0", "status": "active", "content": "complete"}
EXAM = {
    "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"},
    "code": {"coding": [{"system": f"{CANONICAL_BASE}/CodeSystem/pfmg-examen", "code": "wgs-trio"}]},
}  # fmt: skip


def write(folder: Path, name: str, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return path


def faults(folder: Path, language: Any = "en") -> list[str]:
    with pytest.raises(ContentError) as refused:
        Shipped([folder])
    return [issue.text(language) for issue in refused.value.issues]


# --- what is found


def test_a_resource_is_found_by_url_and_version(tmp_path: Path):
    write(tmp_path, "pets.json", PETS)
    found = Shipped([tmp_path])
    for canonical in (URL, f"{URL}|1.0.0", f"{URL}|1.0", f"{URL}|1"):
        assert found.resource("CodeSystem", canonical) == PETS
    for canonical in (f"{URL}|2", f"{URL}|1.0.0.1", "http://codes.test/other"):
        assert found.resource("CodeSystem", canonical) is None
    assert found.resource("ValueSet", URL) is None
    assert found.structure(URL) is None
    assert list(found.resources("CodeSystem")) == [PETS]


def test_a_bundle_carries_several(tmp_path: Path):
    other = {**PETS, "url": "http://codes.test/other"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PETS}, {"resource": other}]}
    write(tmp_path, "all.json", bundle)
    assert [each["url"] for each in Shipped([tmp_path]).resources("CodeSystem")] == [URL, other["url"]]


def test_the_folder_laid_last_decides_and_other_versions_stay(tmp_path: Path):
    newer, again = {**PETS, "version": "2.0.0"}, {**PETS, "title": "again"}
    for name, content in (("a", PETS), ("b", newer), ("c", again)):
        write(tmp_path / name, "pets.json", content)
    found = Shipped([tmp_path / name for name in "abc"])
    assert found.resource("CodeSystem", URL) == again
    assert found.resource("CodeSystem", f"{URL}|2.0.0") == newer
    assert Shipped([tmp_path / name for name in "acb"]).resource("CodeSystem", URL) == newer


def test_an_operator_gives_the_map_that_ships_empty(tmp_path: Path):
    url = f"{CANONICAL_BASE}/ConceptMap/auragen-indication"
    assert "group" not in (shipped().resource("ConceptMap", url) or {})
    target = {"code": "F-01", "equivalence": "equivalent"}
    group = {"source": "{pfmg}/CodeSystem/auragen-indication", "element": [{"code": "IMR0001", "target": [target]}]}
    write(tmp_path, "map.json", {"resourceType": "ConceptMap", "url": url, "status": "active", "group": [group]})
    found = shipped((tmp_path,)).resource("ConceptMap", url) or {}
    assert found["group"][0]["source"] == f"{CANONICAL_BASE}/CodeSystem/auragen-indication"


def test_the_base_is_changed_in_one_place():
    other = "https://terminologie.test/pfmg"
    changed = Shipped([data_folder("terminology")], other)
    for kind in KINDS:
        text = json.dumps(list(changed.resources(kind)), default=str)
        assert CANONICAL_BASE not in text
        assert "{pfmg}" not in text
    assert changed.resource("CodeSystem", f"{other}/CodeSystem/pfmg-examen") is not None
    assert changed.resource("CodeSystem", f"{CANONICAL_BASE}/CodeSystem/pfmg-examen") is None


def test_no_file_names_the_base_itself():
    for path in data_folder("terminology").rglob("*.json"):
        assert CANONICAL_BASE not in path.read_text(encoding="utf-8"), path


# --- validation knows it


def test_validation_knows_what_ships_and_what_is_laid_over(tmp_path: Path):
    wrong = json.loads(json.dumps(EXAM).replace("wgs-trio", "wgs-octuor"))
    told = [finding.issue.text() for finding in r4_validator().validate_bytes(json.dumps(wrong).encode())]
    assert any("wgs-octuor" in text for text in told)
    assert not any("wgs-trio" in each.issue.text() for each in r4_validator().validate_bytes(json.dumps(EXAM).encode()))
    url = EXAM["code"]["coding"][0]["system"]  # type: ignore[index]
    own = {**PETS, "url": url, "concept": [{"code": "wgs-octuor", "display": "Octuor"}]}
    write(tmp_path, "examen.json", own)
    laid = validator_of((), terminology=[tmp_path])
    assert not any("wgs-octuor" in each.issue.text() for each in laid.validate_bytes(json.dumps(wrong).encode()))


# --- what is refused, with file and line


def test_text_that_is_no_json_is_told_with_its_line(tmp_path: Path):
    path = write(tmp_path, "broken.json", '{\n  "resourceType": "CodeSystem",\n  "url" "x"\n}')
    (told,) = faults(tmp_path)
    assert f"{tmp_path.name}/{path.name}, line 3" in told
    (told,) = faults(tmp_path, "fr")
    assert "ligne 3" in told


def test_bytes_that_are_no_text_are_told(tmp_path: Path):
    (tmp_path / "latin.json").write_bytes('{"resourceType": "CodeSystem", "title": "é"}'.encode("latin-1"))
    (told,) = faults(tmp_path)
    assert "latin.json, line 1" in told


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        ({"concept": [{"code": "cat"}, {"code": "dog", "concept": [{"code": "cat"}]}]}, 15, "'cat' is defined twice"),
        ({"concept": [{"code": " cat"}]}, 8, "needs a code"),
        ({"concept": [{"display": "cat"}]}, 8, "needs a code"),
        ({"concept": [{"code": "cat", "property": [{"code": "legs", "valueInteger": 4}]}]}, 11, "'legs'"),
        ({"url": "pets"}, 1, "no absolute url"),
        ({"resourceType": "Patient"}, 1, "no CodeSystem"),
        ({"resourceType": "ValueSet", "compose": {"include": [{"version": "1"}]}}, 9, "includes nothing"),
        ({"resourceType": "ValueSet"}, 1, "includes nothing"),
        ({"resourceType": "ValueSet", "compose": {"include": [{"system": URL, "concept": [{}]}]}}, 12, "code"),
        ({"resourceType": "ConceptMap", "group": [{"element": [{"code": "a", "target": [{}]}]}]}, 13, "equi"),
        ({"resourceType": "ConceptMap", "group": [{"element": [{"code": "a"}, {"code": "a"}]}]}, 13, "'a'"),
    ],
)  # fmt: skip
def test_a_wrong_resource_is_told_with_its_line(tmp_path: Path, change: dict[str, Any], line: int, words: str):
    write(tmp_path, "pets.json", {**PETS, **change})
    (told,) = faults(tmp_path)
    assert f"pets.json, line {line}:" in told
    assert words in told


def test_a_property_given_twice_is_told_with_its_line(tmp_path: Path):
    write(tmp_path, "pets.json", '{\n"resourceType": "CodeSystem",\n"url": "a:b", "property": [{"code": "x"},\n'
          '{"code": "y",\n"code": "z"}]}')  # fmt: skip
    (told,) = faults(tmp_path)
    assert "line 5: the property 'code' is given twice" in told


def test_everything_wrong_is_told_at_once(tmp_path: Path):
    write(tmp_path, "a.json", PETS)
    write(tmp_path, "b.json", {**PETS, "concept": [{"code": "cat"}, {"code": "cat"}, {}]})
    write(tmp_path, "c.json", "[]")
    told = faults(tmp_path)
    assert len(told) == 4
    assert any("already defined" in each and "b.json" in each and "a.json" in each for each in told)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    (told,) = faults(tmp_path / "nowhere")
    assert "terminology_folders" in told


def test_a_wrong_file_keeps_the_gateway_from_starting(tmp_path: Path):
    write(tmp_path / "own", "pets.json", {**PETS, "concept": [{"code": "cat"}, {"code": "cat"}]})
    settings = Settings(data_folder=tmp_path, terminology_folders=[str(tmp_path / "own")])
    with pytest.raises(ContentError):
        open_gateway(settings)
    assert not (tmp_path / "fhir-gateway.sqlite").exists()


def test_a_start_is_slowed_little(record_testsuite_property: Any):
    measured = (
        "import time\nimport fhir_gateway.terminology.shipped as room\n"
        "begun = time.process_time()\nroom.shipped()\nprint(time.process_time() - begun)"
    )
    ran = subprocess.run([sys.executable, "-c", measured], capture_output=True, check=True, env=dict(os.environ))
    seconds = float(ran.stdout)
    record_testsuite_property("terminology-start-seconds", seconds)
    assert seconds < 0.3


def test_no_module_names_the_base_itself_but_one():
    package = Path(fhir_gateway.__file__).parent
    naming = [path.name for path in package.rglob("*.py") if CANONICAL_BASE in path.read_text(encoding="utf-8")]
    assert naming == ["canonical_base.py"]
