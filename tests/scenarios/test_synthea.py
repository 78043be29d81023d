"""The bundles that Synthea made import as they are: hospital and practitioners first, then each patient.

Source: FHIR R4, RESTful API, "transaction"; the data of Synthea 2.4 beside the checkout.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.served import Served
from tests.shared_data import shared

FIRST = ("hospitalInformation", "practitionerInformation")


def bundles() -> list[Path]:
    """The files in the order of import."""
    files = sorted(shared("synthea").glob("*.json"))
    return sorted(files, key=lambda file: not file.name.startswith(FIRST))


def test_counts_by_type_equal_those_of_the_files(served: Served) -> None:
    gateway = served.gateway()
    expected: Counter[str] = Counter()
    for file in bundles():
        bundle = json.loads(file.read_bytes())
        expected.update(entry["resource"]["resourceType"] for entry in bundle["entry"])
        answer = gateway.transaction(bundle)
        assert {entry["response"]["status"][:3] for entry in answer["entry"]} == {"201"}, file.name
    stored = {type: next(gateway.pages(type, {"_summary": "count"}))["total"] for type in expected}
    assert stored == expected
