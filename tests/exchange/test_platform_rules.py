"""The rules of platforms' files: sound as they ship, and told with file and line where they are not.

Source: mappings/README.md, "Platforms".
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fhir_gateway.exchange.phenopacket import formats
from fhir_gateway.exchange.platform_rules import compiled
from fhir_gateway.transform.complaints import MappingError


def test_the_rules_that_ship_are_sound():
    compiled()


@pytest.mark.parametrize(
    ("file", "sound", "broken"),
    [
        ("read/messages/Disease.yaml", "to: onsetDateTime", "to: onsetMoment"),
        ("read/messages/Individual.yaml", "from: Individual.sex,", "from: Individual.gener,"),
        ("write/messages/Biosample.yaml", "from: Biosample.note.text", "from: Biosample.notes.text.where("),
        ("write/messages/File.yaml", "to: uri", "to: url"),
        ("write/messages/PhenotypicFeature.yaml", "to: type.id", "to: type.id.more"),
    ],
)
def test_a_rule_that_cannot_be_is_told_with_its_file_and_line(
    file: str, sound: str, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copy = tmp_path / "phenopacket"
    shutil.copytree(formats.folder(), copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert sound in text
    (copy / file).write_text(text.replace(sound, broken, 1), encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if sound in each)
    monkeypatch.setattr(formats, "folder", lambda: copy)
    with pytest.raises(MappingError) as caught:
        formats.rules.__wrapped__()
    assert [f"{Path(file).name}:{line}" in each.text() for each in caught.value.issues] == [True]
