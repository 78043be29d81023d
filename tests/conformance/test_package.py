"""The definitions file holds all of R4's definitions and nothing else, and is made the same each time.

Source: FHIR NPM Packages specification; FHIR R4, "Narrative"; profiles/README.md.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance import pack
from fhir_gateway.conformance.package import MANIFEST, R4, SUFFIX, Package, data_folder
from fhir_gateway.fhir.number import Number
from tests.shared_data import shared

LARGEST_FILE = 3_000_000
COUNTS = {
    "StructureDefinition": 655,
    "SearchParameter": 1400,
    "ValueSet": 1316,
    "CodeSystem": 1062,
    "ConceptMap": 80,
    "OperationDefinition": 47,
    "CompartmentDefinition": 6,
    "NamingSystem": 2,
    "CapabilityStatement": 5,
}


@pytest.fixture(scope="module")
def r4() -> Package:
    return Package(data_folder("profiles") / R4)


def npm_package(path: Path, *resources: dict[str, Any] | str, name: str = "example.package") -> Path:
    """Write a FHIR npm package; a resource may be given as its JSON text."""
    own = {"name": name, "version": "1.0.0", "canonical": "http://example.org", "license": "CC0-1.0"}
    with tarfile.open(path, "w:gz") as file:
        for number, content in enumerate((own, *resources)):
            text = content if isinstance(content, str) else json.dumps(content)
            member = tarfile.TarInfo("package/package.json" if content is own else f"package/r{number}.json")
            member.size = len(text.encode())
            file.addfile(member, io.BytesIO(text.encode()))
    return path


def test_the_file_holds_every_definition_of_r4(r4: Package):
    counts = {kind: sum(1 for _ in r4.resources(kind)) for kind in COUNTS}
    assert counts == COUNTS
    assert {member.partition(".")[0] for member in r4.members()} == set(COUNTS)


def test_the_file_is_under_3_mb():
    assert (data_folder("profiles") / R4).stat().st_size < LARGEST_FILE


def test_the_manifest_counts_what_is_there_and_names_source_version_and_licence(r4: Package):
    manifest = r4.manifest()
    assert (manifest["name"], manifest["version"], manifest["license"]) == ("hl7.fhir.r4.core", "4.0.1", "CC0-1.0")
    assert manifest["source"]["package"] == "hl7.fhir.r4.examples"
    counted = {member: sum(1 for _ in r4.lines(member)) for member in r4.members()}
    assert {member: said["count"] for member, said in manifest["members"].items()} == counted


def test_no_definition_has_a_narrative(r4: Package):
    with_text = [resource["id"] for kind in COUNTS for resource in r4.resources(kind) if "text" in resource]
    assert with_text == []


def test_the_committed_file_is_what_the_script_makes_of_hl7s_package(r4: Package):
    made = pack.members_of(shared("packages", "hl7.fhir.r4.examples-4.0.1.tgz"))
    assert json.loads(made[MANIFEST]) == r4.manifest()
    assert {name.removesuffix(SUFFIX) for name in made if name != MANIFEST} == set(r4.members())
    assert all(b"".join(r4.lines(member)) == made[member + SUFFIX] for member in r4.members())


def test_the_same_package_gives_the_same_bytes(tmp_path: Path):
    first = {"resourceType": "ValueSet", "id": "b", "url": "http://example.org/b"}
    second = {"resourceType": "CodeSystem", "id": "a", "url": "http://example.org/a"}
    third = {"resourceType": "ValueSet", "id": "c", "url": "http://example.org/c"}
    source = npm_package(tmp_path / "p.tgz", third, second, first)
    pack.pack(source, tmp_path / "one.zip")
    pack.pack(source, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert [resource["id"] for resource in Package(tmp_path / "one.zip").resources("ValueSet")] == ["b", "c"]


def test_another_content_has_another_fingerprint(tmp_path: Path):
    value_set = {"resourceType": "ValueSet", "id": "a", "url": "http://example.org/a"}
    pack.pack(npm_package(tmp_path / "p.tgz", value_set), tmp_path / "one.zip")
    pack.pack(npm_package(tmp_path / "p.tgz", value_set | {"status": "draft"}), tmp_path / "two.zip")
    assert Package(tmp_path / "one.zip").fingerprint != Package(tmp_path / "two.zip").fingerprint


def test_example_instances_and_narrative_are_left_out_and_numbers_keep_their_text(tmp_path: Path):
    inner = {"resourceType": "ValueSet", "id": "in", "text": {"status": "empty"}}
    value_set = {"resourceType": "ValueSet", "id": "a", "text": {"status": "empty"}, "contained": [inner]}
    pack.pack(
        npm_package(
            tmp_path / "p.tgz",
            {"resourceType": "Patient", "id": "someone"},
            {"resourceType": "CapabilityStatement", "id": "mine", "url": "http://example.org/mine"},
            value_set,
            '{"resourceType": "CodeSystem", "id": "n", "property": [{"valueDecimal": 1.10}, {"valueDecimal": 1E2}]}',
        ),
        tmp_path / "out.zip",
    )
    package = Package(tmp_path / "out.zip")
    assert package.members() == ["CodeSystem", "ValueSet"]
    bare = {"resourceType": "ValueSet", "id": "in"}
    assert list(package.resources("ValueSet")) == [{"resourceType": "ValueSet", "id": "a", "contained": [bare]}]
    (code_system,) = package.resources("CodeSystem")
    values = [property["valueDecimal"] for property in code_system["property"]]
    assert all(isinstance(value, Number) for value in values)
    assert [value.text for value in values] == ["1.10", "1E2"]


def test_a_snomed_display_stays_only_where_its_notice_stands(tmp_path: Path):
    include = {"system": "http://snomed.info/sct", "concept": [{"code": "73211009", "display": "Diabetes mellitus"}]}
    loinc = {"system": "http://loinc.org", "concept": [{"code": "8480-6", "display": "Systolic blood pressure"}]}
    value_set = {"resourceType": "ValueSet", "compose": {"include": [include, loinc]}}
    pack.pack(
        npm_package(
            tmp_path / "p.tgz",
            value_set | {"id": "silent"},
            value_set | {"id": "with-notice", "copyright": "includes content from SNOMED CT, copyright of IHTSDO"},
        ),
        tmp_path / "out.zip",
    )
    silent, noted = Package(tmp_path / "out.zip").resources("ValueSet")
    assert silent["compose"]["include"] == [include | {"concept": [{"code": "73211009"}]}, loinc]
    assert noted["compose"]["include"] == [include, loinc]
    assert Package(tmp_path / "out.zip").manifest()["left-out"]["displays of SNOMED CT without its notice"] == 1


def test_what_is_no_fhir_package_is_refused(tmp_path: Path):
    with tarfile.open(tmp_path / "p.tgz", "w:gz"):
        pass
    with pytest.raises(ValueError, match="no FHIR npm package"):
        pack.pack(tmp_path / "p.tgz", tmp_path / "out.zip")


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = npm_package(tmp_path / "p.tgz", {"resourceType": "ValueSet", "id": "a"})
    assert pack.main([str(source), str(tmp_path / "new" / "out.zip")]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["1", "ValueSet"]
