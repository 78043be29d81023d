"""A platform works by files: over HTTP, by a folder, by the command line; the same dossiers, the same rules.

Source: `profiles/pfmg/input/fsh/operations.fsh`; fhir_gateway/SETTINGS.md (result_folder, pseudonym_keys).
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from fhir_gateway.app import open_gateway
from fhir_gateway.dossier.codes import FINESS
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.fhir import structure
from fhir_gateway.interactions.draft import draft
from fhir_gateway.settings import Settings
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Put
from tests.exchange.auragen.dossiers_at_auragen import TABLES, at_auragen
from tests.forked import command
from tests.interactions.operations.test_dossier_import import libraries, vcf
from tests.served import serve

HOSPITAL = f"{FINESS}|990000001"


class Files:
    """A database with three dossiers at AURAGEN, and the settings that files need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"sqlite:///{folder / 'gateway.sqlite'}"
        keys, tables = folder / "keys", folder / "tables.toml"
        keys.write_text(f"2026 {b64encode(b'k' * 32).decode()}\n")
        rows = "".join(f'"{code}" = "{to}"\n' for code, to in TABLES["auragen-indications"].items())
        tables.write_text(f"[auragen-indications]\n{rows}")
        (folder / "results").mkdir()
        self.environment = {
            "FHIR_GATEWAY_DATABASE": self.database,
            "FHIR_GATEWAY_PSEUDONYM_KEYS": str(keys),
            "FHIR_GATEWAY_PLATFORM_TABLES": str(tables),
            "FHIR_GATEWAY_RESULT_FOLDER": str(folder / "results"),
        }
        self.dossiers = list(at_auragen(20, 3))[:3]
        self._store()

    def _store(self) -> None:
        gateway = open_gateway(Settings(database=self.database, synchronous="NORMAL"))
        types = gateway.definitions.types
        held = {(each["resourceType"], each["id"]): each for one in self.dossiers for each in one}
        drafts = [
            draft(gateway.indexer, dict(each), *key, structure.links(dict(each), types, False))
            for key, each in held.items()
        ]
        gateway.store.write(lambda tx: tx.stage([Put(each) for each in drafts]), owner=party_of(HOSPITAL))
        gateway.store.close()

    def proband(self, place: int) -> dict[str, Any]:
        return next(
            each
            for each in self.dossiers[place]
            if each["resourceType"] == "ServiceRequest" and "proband" in str(each["category"])
        )

    def case(self, place: int) -> str:
        identifiers = self.proband(place)["identifier"]
        return str(next(each["value"] for each in identifiers if each["system"] == CASE))

    def libraries(self, place: int) -> list[str]:
        return [
            one["value"]
            for each in self.dossiers[place]
            if each["resourceType"] == "Specimen"
            for one in each["identifier"]
            if one["system"] == LIBRARY
        ]

    def platform(self, place: int) -> str:
        return str(self.proband(place)["performer"][0]["identifier"]["value"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"))


def test_the_story_of_files_through_every_door(files: Files) -> None:
    with serve(files.database, environment=files.environment) as served:
        _pull_and_import_over_http(served.base, files)
        _drop(files, served.base)
        served.stop()
    _command_line(files)


def _pull_and_import_over_http(base: str, files: Files) -> None:
    page = f"{base}/ServiceRequest/$dossier?format=auragen-mr&_count=2"
    first = requests.get(page, headers={"Accept": "application/x-ndjson"}, timeout=60)
    assert (first.status_code, first.headers["Content-Type"]) == (200, "application/x-ndjson"), first.text
    second = requests.get(first.links["next"]["url"], headers={"Accept": "application/x-ndjson"}, timeout=60)
    assert "next" not in second.links
    cases = [json.loads(line) for answer in (first, second) for line in answer.text.splitlines()]
    assert {each["case_id"] for each in cases if "case_id" in each} == {files.case(place) for place in range(3)}

    packed = requests.get(f"{base}/ServiceRequest/$dossier?format=phenopacket&_format=zip", timeout=60)
    assert packed.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert len(archive.namelist()) == 4
    refused = requests.get(page, headers={"Accept": "image/png"}, timeout=60)
    assert refused.status_code == 406

    # A file as it is, known by what it says: JSON that is no resource, a VCF.
    imported = f"{base}/ServiceRequest/$import-result?nom=libraries.json"
    data = libraries(files.case(0), tuple(files.libraries(0)))
    answer = requests.post(imported, data=data, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert {"name": "empreinte", "valueString": sha256(data).hexdigest()} in answer.json()["parameter"]
    answer = requests.post(
        f"{base}/ServiceRequest/{files.proband(0)['id']}/$import-result",
        data=vcf(files.libraries(0)[0], 30),
        headers={"Content-Type": "text/plain"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert str(answer.json()).count("Observation/") == 30
    told = requests.get(f"{base}/ServiceRequest/{files.proband(0)['id']}/$suivi", timeout=60).json()
    assert [each["name"] for each in told["parameter"]].count("import") == 2
    # What is wrong with a file is told, whatever its type.
    unknown = vcf("nobody-knows")
    refused = requests.post(imported, data=unknown, headers={"Content-Type": "application/octet-stream"}, timeout=60)
    assert refused.status_code == 404, refused.text
    assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "result-dossier-not-found"
    # A resource that is no Binary is told so.
    wrong = requests.post(imported, json={"resourceType": "Patient"}, timeout=60)
    assert (wrong.status_code, wrong.json()["issue"][0]["details"]["coding"][0]["code"]) == (400, "operation-body-type")


def _drop(files: Files, base: str) -> None:
    folder = files.folder / "results" / files.platform(1)
    folder.mkdir()
    good, bad = vcf(files.libraries(1)[0]), libraries("MR-9999999", tuple(files.libraries(1)))
    for name, data, digest in (("good.vcf", good, sha256(good).hexdigest()), ("bad.json", bad, "0" * 64)):
        (folder / name).write_bytes(data)
        (folder / f"{name}.sha256").write_text(f"{digest}  {name}\n")
        (folder / f"{name}.ok").touch()
    deadline = time.monotonic() + 30
    while any(folder.glob("*.ok")) and time.monotonic() < deadline:
        time.sleep(0.2)
    names = {each.name for each in folder.iterdir()}
    assert names >= {"good.vcf.done", "good.vcf.ack", "bad.json.failed", "bad.json.ack"}, [
        each.read_text()[:1000] for each in folder.glob("*.ack")
    ]
    assert json.loads((folder / "good.vcf.ack").read_text())["resourceType"] == "Parameters"
    refusal = json.loads((folder / "bad.json.ack").read_text())
    assert refusal["issue"][0]["details"]["coding"][0]["code"] == "result-checksum-mismatch"


def _command_line(files: Files) -> None:
    out = files.folder / "out"
    run = command("dossier", "export", "--format", "ped", "--to", str(out), **files.environment)
    assert run.returncode == 0, run.stderr
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert {each["file"] for each in told} == {each.name for each in out.glob("*.ped")}
    assert len(told) == 3
    file = files.folder / "result.vcf"
    file.write_bytes(vcf(files.libraries(2)[0]))
    arguments = ("dossier", "import", str(file), "--organisation", files.platform(2))
    run = command(*arguments, **files.environment)
    assert run.returncode == 0, run.stderr
    (line,) = map(json.loads, run.stdout.splitlines())
    assert len([each for each in line["written"] if each.startswith("Observation/")]) == 3
    (again,) = map(json.loads, command(*arguments, **files.environment).stdout.splitlines())
    assert again["written"] == []
    file.write_bytes(b"no result")
    run = command(*arguments, **files.environment)
    assert run.returncode == 1
    assert "refused" in json.loads(run.stdout)
    keys = files.folder / "keys"
    keys.write_text(f"2027 {b64encode(b'n' * 32).decode()}\n{keys.read_text()}")
    run = command("dossier", "rotate", **files.environment)
    assert json.loads(run.stdout)["key"] == "2027"
    assert json.loads(run.stdout)["sealed"] > 0
    keys.write_text("2027 not base64\n")
    run = command("dossier", "rotate", **files.environment)
    assert run.returncode == 1
    assert "line 1" in run.stderr
