"""The validator as other programs use it.

Source: fhir_gateway/conformance/README.md, "The validator as a library".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_gateway.conformance import Validator
from fhir_gateway.conformance.fhir_package import PackageError
from fhir_gateway.fhir.outcome import FhirError

ROOM = Path(__file__).resolve().parents[2] / "fhir_gateway" / "conformance"
URL = "https://example.org/fhir/StructureDefinition/named-patient"
NAMED = {
    "resourceType": "StructureDefinition",
    "url": URL,
    "version": "1.0.0",
    "name": "NamedPatient",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
}


def test_the_example_of_the_readme_runs() -> None:
    text = (ROOM / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("error Patient.gender ")


def test_a_file_is_judged_with_lines_and_columns(tmp_path: Path) -> None:
    file = tmp_path / "patient.xml"
    file.write_text('<Patient xmlns="http://hl7.org/fhir">\n <contact><gender value="male"/></contact>\n</Patient>')
    (finding,) = Validator.for_r4().validate_file(file)
    assert (finding.line, finding.column, finding.issue.expression) == (2, 2, "Patient.contact[0]")


def package(folder: Path) -> Path:
    """Return a package with one profile that has no snapshot."""
    inside = folder / "named" / "package"
    inside.mkdir(parents=True)
    (inside / "package.json").write_text(json.dumps({"name": "example.named", "version": "1.0.0"}))
    (inside / "StructureDefinition-named-patient.json").write_text(json.dumps(NAMED))
    return folder / "named"


def test_a_profile_of_a_package_is_known_though_it_has_no_snapshot(tmp_path: Path) -> None:
    validator = Validator.for_r4(packages=[package(tmp_path)])
    assert [each.issue.expression for each in validator.validate({"resourceType": "Patient"}, [URL])] == ["Patient"]
    assert validator.validate({"resourceType": "Patient", "name": [{"family": "x"}]}, [f"{URL}|1.0.0"]) == []


def test_a_package_may_be_named_in_a_folder(tmp_path: Path) -> None:
    package(tmp_path)
    validator = Validator.for_r4(packages=["example.named@1.0.0"], folder=tmp_path)
    assert validator.knows(URL)


def test_what_is_no_package_is_refused_with_all_names(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as refusal:
        Validator.for_r4(packages=["none.such", "nor.this"], folder=tmp_path)
    assert len(refusal.value.issues) == 2
    assert isinstance(refusal.value, FhirError)


def test_one_validator_serves_many_threads() -> None:
    validator = Validator.for_r4()
    resources = [{"resourceType": "Patient", "gender": gender} for gender in ("male", "x") * 50]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda each: bool(validator.validate(each)), resources))
    assert verdicts == [False, True] * 50
