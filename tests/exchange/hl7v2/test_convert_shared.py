"""Messages of other projects: every one converts or gets its answer, and all that is made of them is valid R4.

Source: shared data hl7v2 (its SOURCES.md); FHIR R4, Validating Resources.
"""

from __future__ import annotations

from collections import Counter

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from tests.shared_data import shared
from tests.spec.hl7v2 import compare, pairs


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


@pytest.mark.parametrize("folder", ["ans-fr", "french-misc", "microsoft", "v2-to-fhir", "lfh", "hl7v2-fhir-bridge"])
def test_all_that_becomes_of_a_project_s_messages_is_valid(convert: Converter, folder: str) -> None:
    wrong: Counter[str] = Counter()
    for path in sorted(shared("hl7v2", folder).rglob("*.hl7")):
        for found in convert.convert_all(path.read_bytes()):
            if not isinstance(found, Conversion) or found.result is None:
                continue
            for each in found.result.instances:
                kind = each.resource["resourceType"]
                for finding in r4_validator().validate(each.resource):
                    if finding.is_error:
                        wrong[f"{path.name} {kind}: {finding.issue.text()[:120]}"] += 1
    assert not wrong


def test_each_french_message_makes_a_patient_or_is_an_answer(convert: Converter) -> None:
    for folder in ("ans-fr", "french-misc"):
        for path in sorted(shared("hl7v2", folder).glob("*.hl7")):
            (found,) = convert.convert_all(path.read_bytes())
            assert isinstance(found, Conversion)
            if found.message.first("MSA") is not None:
                assert found.result is None, path.name
                assert found.accepted
                continue
            assert found.result is not None, path.name
            assert "patient" in [each.id for each in found.result.instances], path.name
            assert [each for each in found.issues if each.severity == "error"] == [], path.name


def test_all_pairs_of_events_that_must_come_in_are_compared(convert: Converter) -> None:
    suite = shared("hl7v2")
    assert len([each for pair in pairs(suite) if (each := compare(convert, *pair)) is not None]) == 27
