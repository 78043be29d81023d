"""fhir-kit-client (npm), run by Node, by its own public calls.

Source: FHIR R4, RESTful API; fhir-kit-client's documentation.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.r4b import parse
from tests.npm import installed
from tests.served import Served

SCRIPT = Path(__file__).with_name("fhir_kit_client.mjs")


@pytest.fixture(scope="session")
def folder() -> Path:
    return installed("fhir-kit-client", "2.0.3")


def test_every_call_of_fhir_kit_client_succeeds(folder: Path, served: Served) -> None:
    run = subprocess.run(
        ["node", SCRIPT, served.base], cwd=folder, capture_output=True, text=True, timeout=120, check=False
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
