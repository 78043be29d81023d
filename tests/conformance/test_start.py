"""How long definitions take and how much they hold: reported with each test run, bounded loosely.

Source: fhir_gateway/conformance/README.md, "Start".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_gateway.conformance.cache import CACHE_VARIABLE

MEASURE = """
import json, sys, time
import fhir_gateway.conformance.definitions as room

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

before, start = resident(), time.process_time()
found = room.definitions()
print(json.dumps({"seconds": time.process_time() - start, "bytes": resident() - before}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is not told here")
def test_definitions_are_ready_within_their_budget(
    tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
):
    def measured() -> dict[str, float]:
        environment = os.environ | {CACHE_VARIABLE: str(tmp_path)}
        run = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, check=True)
        figures: dict[str, float] = json.loads(run.stdout)
        return figures

    cold, warm = measured(), measured()
    record_testsuite_property("definitions-cold", cold)
    record_testsuite_property("definitions-warm", warm)
    # The budget is 1.0 s cold and 0.15 s warm of CPU; a busy machine may take three times that.
    assert cold["seconds"] < 3.0
    assert warm["seconds"] < 0.5
    assert warm["bytes"] < 40_000_000
