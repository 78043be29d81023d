"""A folder of results that several processes look at: each file is imported once, by one of them.

Source: `fhir_gateway/mllp/result_folder.py`; fhir_gateway/SETTINGS.md (result_folder).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.mllp.result_folder import ResultFolder
from tests.interactions.desk import BASE, Desk
from tests.interactions.dossier_people import PLATFORM
from tests.interactions.operations.files_of_platforms import LIBRARIES, running, with_files
from tests.interactions.operations.test_dossier_import import vcf

LARGEST = 1_000_000


def lay(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    (folder / f"{name}.ok").touch()


def test_a_file_is_imported_once_however_many_processes_look(desk: Desk, tmp_path: Path) -> None:
    house = with_files(desk)
    pathway = running(house)
    folder = tmp_path / str(PLATFORM.organisation).rpartition("|")[2]
    folder.mkdir()
    for person, library in enumerate(LIBRARIES):
        lay(folder, f"{person}.vcf", vcf(library, 2))
    # One process has the file of a SQLite database; on PostgreSQL there may be several.
    count = 3 if house.gateway.store.dialect == "postgresql" else 1
    looking = [ResultFolder(tmp_path, house.gateway, BASE, LARGEST) for _ in range(count)]
    together = threading.Barrier(count)

    def look(each: ResultFolder) -> int:
        together.wait()
        return each.look()

    with ThreadPoolExecutor(count) as threads:
        assert sorted(threads.map(look, looking)) == [*[0] * (count - 1), 3]
    for each in looking:
        each.stop()
    assert sorted(each.name for each in folder.glob("*.done")) == ["0.vcf.done", "1.vcf.done", "2.vcf.done"]
    assert not list(folder.glob("*.ok"))
    for answer in folder.glob("*.ack"):
        assert decode(answer.read_bytes())["resourceType"] == "Parameters"
    traces = [each for each in pathway.all("Provenance") if each.get("activity", {}).get("text") == "import-result"]
    assert len(traces) == 3


@pytest.mark.parametrize("named", ["990000099", "nobody"])
def test_what_lies_in_the_folder_of_another_platform_is_not_its_own(desk: Desk, tmp_path: Path, named: str) -> None:
    house = with_files(desk)
    pathway = running(house)
    (tmp_path / named).mkdir()
    lay(tmp_path / named, "a.vcf", vcf())
    looking = ResultFolder(tmp_path, house.gateway, BASE, LARGEST)
    assert looking.look() == 1
    looking.stop()
    refusal = decode((tmp_path / named / "a.vcf.ack").read_bytes())
    assert refusal["issue"][0]["details"]["coding"][0]["code"] == "result-dossier-not-found"
    assert pathway.all("DiagnosticReport") == []
