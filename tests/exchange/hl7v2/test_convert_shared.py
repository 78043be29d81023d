"""Messages of other projects: a sample of each converts or gets its answer, and all that is made of it is valid R4.

All files are judged by `make conformance`, `tests/spec/test_hl7v2_suite.py`; the French ones by
`tests/spec/test_hl7v2_expectations.py`.

Source: shared data hl7v2 (its SOURCES.md); FHIR R4, Validating Resources.
"""

from __future__ import annotations

from collections import Counter

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from tests.shared_data import shared
from tests.spec.hl7v2 import compare, pairs

SAMPLE = 5  # messages of a project
FOLDERS = ["french-misc", "hapi", "hl7apy", "hl7types", "hl7v2-fhir-bridge", "lfh", "node-hl7", "oie", "v2-to-fhir"]
PAIRS = ("ADT-A04-02", "ADT-A47-02", "LAB-ORU-1", "MDM-T02-02", "ORM-O01-02")


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_that_becomes_of_a_project_s_messages_is_valid(convert: Converter, folder: str) -> None:
    wrong: Counter[str] = Counter()
    for path in sorted(shared("hl7v2", folder).rglob("*.hl7"))[:SAMPLE]:
        for found in convert.convert_all(path.read_bytes()):
            if not isinstance(found, Conversion) or found.result is None:
                continue
            for each in found.result.instances:
                kind = each.resource["resourceType"]
                for finding in r4_validator().validate(each.resource):
                    if finding.is_error:
                        wrong[f"{path.name} {kind}: {finding.issue.text()[:120]}"] += 1
    assert not wrong


def test_most_values_of_another_engine_are_found(convert: Converter) -> None:
    chosen = [pair for pair in pairs(shared("hl7v2")) if pair[0].stem in PAIRS]
    done = [each for pair in chosen if (each := compare(convert, *pair)) is not None]
    assert len(done) == len(PAIRS)
    for each in done:
        assert each.present[1] / each.present[0] >= 0.85, each.name
