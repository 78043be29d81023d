"""Dossiers that are deposited: generated ones, with the data files that a laboratory announces; the published profile.

Source: GIP-CAD, ser_client-api: message profile LAB-36 (as hl7apy compiles it), formats and places of files.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.cad.cad import Cad, Written
from fhir_gateway.exchange.cad.files import CATEGORY, DIGEST, SIZE
from fhir_gateway.exchange.cad.sender import Sender, Structure
from fhir_gateway.exchange.hl7v2.er7 import read

Resource = dict[str, Any]
EXAMPLES = Path(__file__).resolve().parents[3] / "profiles" / "examples" / "pfmg" / "states"

LABORATORY = Structure("Laboratoire fictif", "990000200")
SENDER = Sender(
    laboratory=LABORATORY,
    facility=Structure("Groupement fictif", "990000201"),
    legal=Structure("Groupement fictif", "990000202"),
    application=Structure("CAD fictif", "1990000119"),
    collector=Structure("CAD fictif", "1990000119"),
    processing="T",
)
AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def reported(number: int, seed: int) -> Iterator[list[Resource]]:
    """Yield generated dossiers that have a report."""
    for each in dossiers(number, seed):
        held = each.resources()
        if any(one["resourceType"] == "DiagnosticReport" for one in held):
            yield copy.deepcopy(held)


def trio() -> list[Resource]:
    """Return a trio with a report: a file of each person, one of the whole family."""
    for held in reported(40, 7):
        requests = of(held, "ServiceRequest")
        if len(requests) == 3 and len(of(held, "FamilyMemberHistory")) == 2:
            return with_files(held)
    raise LookupError("no trio among these")


def of(resources: list[Resource], kind: str) -> list[Resource]:
    return [each for each in resources if each["resourceType"] == kind]


def with_files(held: list[Resource]) -> list[Resource]:
    """Return a dossier with a CRAM and its index of each person and a VCF of all of them."""
    requests = of(held, "ServiceRequest")
    files = []
    for request in requests:
        person = request["subject"]["reference"]
        files += [
            data_file(person, f"{request['id']}.cram", [request["id"]], 91_234_567_890),
            data_file(person, f"{request['id']}.cram.crai", [request["id"]], 1_234_567),
        ]
    proband = requests[0]["subject"]["reference"]
    everybody = [each["id"] for each in requests]
    return [*held, *files, data_file(proband, "famille.vcf", everybody, 45_678)]


def data_file(person: str, name: str, requests: list[str], size: int) -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": name.replace(".", "-"),
        "status": "current",
        "category": [{"coding": [{"system": CATEGORY, "code": "donnees"}]}],
        "subject": {"reference": person},
        "date": "2026-10-26T10:00:00Z",
        "content": [
            {
                "attachment": {
                    "extension": [
                        {"url": DIGEST, "valueString": sha256(name.encode()).hexdigest()},
                        {"url": SIZE, "valueDecimal": size},
                    ],
                    "contentType": "application/octet-stream",
                    "url": f"https://donnees.example.org/{name}",
                    "title": name,
                }
            }
        ],
        "context": {"related": [{"reference": f"ServiceRequest/{each}"} for each in requests]},
    }


def examples() -> list[Path]:
    """Return the examples of states of a dossier that have a report."""
    return sorted(each for each in EXAMPLES.glob("*.json") if '"DiagnosticReport"' in each.read_text(encoding="utf-8"))


def example(path: Path) -> list[Resource]:
    """Return the dossier of an example, with data files."""
    return with_files([each["resource"] for each in json.loads(path.read_text(encoding="utf-8"))["entry"]])


def lay_data(home: Path, resources: list[Resource]) -> str:
    """Lay down the data files as their laboratory does, each a byte long; return the folder of the dossier."""
    number = str(of(resources, "ServiceRequest")[0]["requisition"]["value"])
    people = {f"Patient/{each['id']}": each for each in of(resources, "Patient")}
    for each in of(resources, "DocumentReference"):
        if CATEGORY not in str(each["category"]) or "donnees" not in str(each["category"]):
            continue
        ipp = next(
            one["value"] for one in people[each["subject"]["reference"]]["identifier"] if "/ipp" in one["system"]
        )
        folder = home / number / ("" if len(each["context"]["related"]) > 1 else ipp)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / each["content"][0]["attachment"]["title"]).write_bytes(b"1")
    return number


def one_byte(resources: list[Resource]) -> list[Resource]:
    """Return the same dossier, whose data files are announced as a byte long each."""
    for each in of(resources, "DocumentReference"):
        for extension in each["content"][0]["attachment"].get("extension", ()):
            if extension["url"].endswith("taille-octets"):
                extension["valueDecimal"] = 1
    return resources


def answer(home: Path, number: str, code: str, *lines: str) -> bytes:
    """Answer as the collector does: to the message that lies there."""
    message = read((home / number / f"{number}.hl7").read_bytes())
    head = "MSH|^~\\&|CAD|CAD|LABO|LABO|20261122140000||ACK^R01^ACK|A-1|T|2.5^FRA"
    data = "\n".join([head, f"MSA|{code}|{message.get('MSH-10')}", *lines, ""]).encode()
    (home / number / f"{number}.hl7.ack").write_bytes(data)
    return data


def written(resources: list[Resource]) -> Written:
    return Cad(SENDER).write(resources, control="depot-1", at=AT)


def compiled(profile: Path, into: Path) -> Any:
    """Return a message profile as hl7apy compiles it: by the script that it installs beside the interpreter."""
    hl7apy = pytest.importorskip("hl7apy")
    script = Path(sys.executable).with_name("hl7apy_profile_parser")
    if not script.exists():
        pytest.skip("needs hl7apy_profile_parser beside the interpreter")
    command = [sys.executable, "-W", "ignore", str(script), "-o", str(into), str(profile)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return hl7apy.load_message_profile(str(into / profile.stem))
