"""What other engines made of messages is found in ours, and all that is made of any message of the suite is valid R4.

Source: shared data hl7v2 (its SOURCES.md); `tests/spec/hl7v2.py`, which says what is counted.
"""

from __future__ import annotations

import os

import pytest

from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from tests.shared_data import shared
from tests.spec.hl7v2 import compare, made_valid, pairs

# Ratchets: of the values that occur in the message, and of the others. The first may not sink below 85 %, nor 60 %.
FLOORS = (0.94, 0.80)
# `make test` has a sample of each project in tests/exchange, and the French messages whole.
pytestmark = pytest.mark.skipif("FHIR_GATEWAY_SUITES" not in os.environ, reason="make conformance judges all files")


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def test_the_values_of_other_engines_are_found(convert: Converter) -> None:
    done = [each for pair in pairs(shared("hl7v2")) if (each := compare(convert, *pair)) is not None]
    assert len(done) == 27
    for kind, floor in zip(("present", "other"), FLOORS, strict=True):
        counted = [getattr(each, kind) for each in done]
        assert sum(found for _, found in counted) / sum(total for total, _ in counted) >= floor, kind


def test_all_that_any_message_becomes_is_valid(convert: Converter) -> None:
    messages, resources, wrong = made_valid(convert, shared("hl7v2"))
    assert (messages, resources >= 1_667) == (310, True)
    assert wrong == []
