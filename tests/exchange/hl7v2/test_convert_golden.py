"""The golden pairs of the mappings: each message becomes what stands beside it, and all of it is valid R4.

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

MESSAGES = sorted((data_folder("mappings") / "hl7v2" / "golden").glob("*.hl7"))


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def converted(convert: Converter, path: Path) -> dict[str, Any]:
    (found,) = convert.convert_all(path.read_bytes())
    assert isinstance(found, Conversion)
    assert found.result is not None
    return found.result.bundle()


def test_there_are_golden_pairs_for_every_kind_of_message() -> None:
    assert len(MESSAGES) >= 8


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_a_golden_message_becomes_the_bundle_beside_it(convert: Converter, path: Path) -> None:
    expected = decode(path.with_suffix(".expected.json").read_bytes())
    assert decode(encode(converted(convert, path))) == expected


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_all_that_a_golden_message_becomes_is_valid(convert: Converter, path: Path) -> None:
    for entry in converted(convert, path)["entry"]:
        findings = [each.issue.text() for each in r4_validator().validate(entry["resource"]) if each.is_error]
        assert findings == [], entry["resource"]["resourceType"]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_the_same_message_becomes_the_same_bundle_each_time(convert: Converter, path: Path) -> None:
    assert converted(convert, path) == converted(convert, path)
