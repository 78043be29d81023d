"""The golden pairs of the mappings: each message becomes what stands beside it, and all of it is valid R4 and what it
claims to be; an answer makes nothing.

Source: mappings/hl7v2/golden (synthetic messages, synthetic people); FHIR R4, Validating Resources.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.json import decode, encode
from tests.spec.hl7v2 import MUST

MESSAGES = sorted((data_folder("mappings") / "hl7v2" / "golden").glob("*.hl7"))
ANSWERS = {"ack_r01", "orl_o22", "orr_o02"}
MADE = [path for path in MESSAGES if path.stem not in ANSWERS]


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def of(convert: Converter, path: Path) -> Conversion:
    (found,) = convert.convert_all(path.read_bytes())
    assert isinstance(found, Conversion)
    return found


def converted(convert: Converter, path: Path) -> dict[str, Any]:
    found = of(convert, path)
    assert found.result is not None
    return found.result.bundle()


def test_every_event_that_must_come_in_has_a_golden_pair(convert: Converter) -> None:
    assert {of(convert, path).event for path in MADE} >= MUST


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_golden_message_becomes_the_bundle_beside_it(convert: Converter, path: Path) -> None:
    expected = decode(path.with_suffix(".expected.json").read_bytes())
    assert decode(encode(converted(convert, path))) == expected


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_all_that_a_golden_message_becomes_is_valid(convert: Converter, path: Path) -> None:
    for entry in converted(convert, path)["entry"]:
        findings = [each.issue.text() for each in r4_validator().validate(entry["resource"]) if each.is_error]
        assert findings == [], entry["resource"]["resourceType"]


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_the_same_message_becomes_the_same_bundle_each_time(convert: Converter, path: Path) -> None:
    assert converted(convert, path) == converted(convert, path)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_answer_to_what_we_sent_makes_nothing_and_is_taken(convert: Converter, name: str) -> None:
    (path,) = (each for each in MESSAGES if each.stem == name)
    found = of(convert, path)
    assert (found.result, found.accepted) == (None, True)
    assert found.message.get("MSA-1") == "AA"
