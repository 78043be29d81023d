"""The 30 French messages of the shared data become what was written down for each by hand, all of it valid R4.

Source: `tests/spec/hl7v2_expectations.py`, which names the guides.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from tests.exchange.hl7v2.asked import asked
from tests.shared_data import shared
from tests.spec.hl7v2_expectations import EXPECTED

NAMES = sorted(EXPECTED)
SHORT = {name: name.rpartition("/")[2] for name in NAMES}


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def converted(convert: Converter, name: str) -> Conversion:
    (found,) = convert.convert_all((shared("hl7v2") / f"{name}.hl7").read_bytes())
    assert isinstance(found, Conversion)
    return found


def resources(found: Conversion) -> list[dict[str, Any]]:
    return [] if found.result is None else [each.resource for each in found.result.instances]


def test_every_french_message_has_an_expectation() -> None:
    folder = shared("hl7v2")
    there = {f"{each}/{path.stem}" for each in ("ans-fr", "french-misc") for path in (folder / each).glob("*.hl7")}
    assert there == set(EXPECTED)
    assert len(EXPECTED) == 30


@pytest.mark.parametrize("name", NAMES, ids=SHORT.get)
def test_a_french_message_becomes_what_its_author_meant(convert: Converter, name: str) -> None:
    expected, found = EXPECTED[name], converted(convert, name)
    assert found.event == expected.event
    if expected.answers:
        assert found.result is None
        assert found.accepted
        assert found.message.get("MSA-2") == expected.answers
        return
    assert found.result is not None
    bundle = found.result.bundle()
    met = {path: asked(bundle, path) for path in expected.values}
    assert met == dict(expected.values)
    kinds = [each["resourceType"] for each in resources(found)]
    assert {kind: kinds.count(kind) for kind in expected.kinds} == dict(expected.kinds)
    assert [each for each in found.issues if each.severity == "error"] == []
    assert set(expected.warned) <= {each.complaint.detail for each in found.issues}


@pytest.mark.parametrize("name", NAMES, ids=SHORT.get)
def test_all_that_a_french_message_becomes_is_valid(convert: Converter, name: str) -> None:
    for each in resources(converted(convert, name)):
        wrong = [finding.issue.text() for finding in r4_validator().validate(each) if finding.is_error]
        assert wrong == [], each["resourceType"]
