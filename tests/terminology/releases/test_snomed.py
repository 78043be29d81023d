"""SNOMED CT in RF2: a made-up release, sound and bad.

Source: SNOMED CT Release File Specification.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import snomed
from fhir_gateway.terminology.releases.files import files_of
from fhir_gateway.terminology.releases.prepared import Prepared
from tests.terminology.releases.made_up_rf2 import ROOT, code_of, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, 50, 160)
    return tmp_path


def file(folder: Path, part: str) -> Path:
    return next(path for path in folder.iterdir() if part in path.name)


def changed(folder: Path, part: str, change: Callable[[str], str]) -> Path:
    path = file(folder, part)
    path.write_text(change(path.read_bytes().decode()), encoding="utf-8", newline="")
    return folder


def refusal(folder: Path) -> tuple[str, str | None]:
    with pytest.raises(Unprocessable) as refused:
        Prepared(snomed.read(files_of([folder]), None))
    issue = refused.value.issues[0]
    return issue.complaint.detail, issue.values.get("line")


def test_a_concept_brings_preferred_names_of_all_languages_and_its_relationships(folder: Path) -> None:
    found = {each.code: each for each in snomed.read(files_of([folder]), None).concepts}
    assert len(found) == 50
    concept = found[code_of(7)]
    french = [text for language, kind, text in concept.names if (language, kind) == ("fr", "display")]
    full = [text for language, kind, text in concept.names if kind == "fully-specified"]
    assert len(french) == 1
    assert full[0].endswith("(finding)")
    assert concept.display is not None
    assert not concept.display.endswith("(finding)")
    assert concept.parents
    assert found[ROOT].parents == ()
    assert any(code == "363698007" for each in found.values() for code, _, _ in each.properties)


def test_the_version_is_edition_and_date_as_fhir_writes_them(folder: Path) -> None:
    release = snomed.read(files_of([folder]), None)
    assert release.version == "http://snomed.info/sct/900000000000207008/version/20260101"
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("INT", "FR1000315"))
    release = snomed.read(files_of([folder]), None)
    assert release.version == "http://snomed.info/sct/11000315107/version/20260101"


def test_a_release_without_its_relationships_is_refused(folder: Path) -> None:
    file(folder, "Relationship").unlink()
    assert refusal(folder)[0] == "release-file-absent"


def test_a_file_that_ends_in_the_middle_is_refused_with_the_line(folder: Path) -> None:
    changed(folder, "Description_Snapshot-fr", lambda text: text[:-10])
    detail, line = refusal(folder)
    assert detail in ("release-truncated", "release-columns")
    assert line is not None


def test_relationships_that_are_missing_are_noticed_by_concepts_without_parents(folder: Path) -> None:
    changed(folder, "Relationship", lambda text: "".join(text.splitlines(keepends=True)[:20]))
    assert refusal(folder)[0] == "release-concept-without-parent"


def test_a_code_that_is_there_twice_is_refused_with_both_lines(folder: Path) -> None:
    changed(folder, "Concept_", lambda text: text + text.splitlines(keepends=True)[3])
    assert refusal(folder) == ("release-code-duplicate", "52")


def test_a_circle_is_refused_with_the_codes_in_it(folder: Path) -> None:
    line = f"1\t20260101\t1\t900000000000207008\t{code_of(1)}\t{code_of(40)}\t0\t116680003\t900000000000011006\t9\r\n"
    changed(folder, "Relationship", lambda text: text + line)
    with pytest.raises(Unprocessable) as refused:
        Prepared(snomed.read(files_of([folder]), None))
    (issue,) = refused.value.issues
    assert issue.complaint.detail == "release-cycle"
    assert issue.values["circle"].count("→") >= 1


def test_a_description_of_nothing_is_refused_with_the_line(folder: Path) -> None:
    changed(folder, "Description_Snapshot-fr", lambda text: text.replace(code_of(9), "999", 1))
    detail, line = refusal(folder)
    assert detail == "release-code-unknown"
    assert line is not None


def test_another_encoding_is_refused_with_the_line(folder: Path) -> None:
    path = file(folder, "Description_Snapshot-fr")
    path.write_bytes(path.read_bytes().decode().encode("latin-1"))
    assert refusal(folder)[0] == "release-encoding"


def test_up_to_twenty_faults_are_told_at_once(folder: Path) -> None:
    changed(folder, "Concept_", lambda text: text + "".join(text.splitlines(keepends=True)[1:40]))
    with pytest.raises(Unprocessable) as refused:
        Prepared(snomed.read(files_of([folder]), None))
    assert len(refused.value.issues) == 20
