"""fhir-kit-client (npm), run by Node, by its own public calls.

Source: FHIR R4, RESTful API; fhir-kit-client's documentation.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.r4b import parse
from tests.served import Served

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("fhir_kit_client.mjs")
VERSION = "2.0.3"
OLDEST_NODE = 20


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder where fhir-kit-client is installed, under build/."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("fhir-kit-client needs node and npm, which are absent here")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"fhir-kit-client {VERSION} needs node {OLDEST_NODE}, and {version.strip()} is here")
    folder = ROOT / "build" / f"fhir-kit-client-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # the workers of one run install it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules" / "fhir-kit-client" / "package.json").exists():
            (folder / "package.json").write_text('{"private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"fhir-kit-client@{VERSION}"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


def test_every_call_of_fhir_kit_client_succeeds(installed: Path, served: Served) -> None:
    run = subprocess.run(
        ["node", SCRIPT, served.base], cwd=installed, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["done"] == {
        "capabilityStatement": "CapabilityStatement",
        "create": "1",
        "read": "1",
        "update": "2",
        "conditionalUpdate": "3",
        "patch": "4",
        "vread": "1",
        "search": 7,
        "postSearch": 7,
        "transaction": 2,
        "batch": 2,
        "resolve": "Patient",
        "resourceHistory": 4,
        "typeHistory": "history",
        "systemHistory": "history",
        "delete": 410,
    }
    for resource in told["resources"]:
        parse(resource)
