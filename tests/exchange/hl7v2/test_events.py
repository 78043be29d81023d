"""Which events come in, which are taken and kept, which are none that anybody here knows.

Source: HL7 v2.5.1, chapters 3, 4, 7, 9; PAM France 2.11; CI-SIS.
"""

from __future__ import annotations

import pytest

from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from tests.spec.hl7v2 import MUST

# Pending and cancelled events, absences, moved accounts, changed doctors, results of automata, receipts, appointments.
ACCEPTED = [
    "ADT^A14",
    "ADT^A15",
    "ADT^A16",
    "ADT^A21",
    "ADT^A22",
    "ADT^A25",
    "ADT^A26",
    "ADT^A27",
    "ADT^A43",
    "ADT^A44",
    "ADT^A49",
    "ADT^A52",
    "ADT^A53",
    "ADT^A54",
    "ADT^A55",
    "OUL^R22",
    "OUL^R23",
    "OUL^R24",
    "ZAM^Z01",
    "ZAM^Z02",
    "ZAM^Z03",
    "SIU^S12",
    "SIU^S14",
    "SIU^S15",
    "SIU^S26",
]


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def test_every_event_that_must_come_in_has_a_mapping(convert: Converter) -> None:
    assert [each for each in MUST if convert.mappings.of(each) is None] == []


def test_every_event_that_is_taken_is_known_and_makes_nothing(convert: Converter) -> None:
    assert [each for each in ACCEPTED if each not in convert.mappings.accepted] == []
    assert [each for each in ACCEPTED if convert.mappings.of(each) is not None] == []


@pytest.mark.parametrize("event", ["BAR^P01", "MFN^M02", "QRY^A19", "ADT^Z01"])
def test_other_events_are_refused_by_name(convert: Converter, event: str) -> None:
    data = f"MSH|^~\\&|A|B|C|D|20260101||{event}|1|P|2.5\rPID|1||1^^^H&1.2.3&ISO^PI".encode()
    (found,) = convert.convert_all(data)
    assert (found.accepted, found.result) == (False, None)  # type: ignore[union-attr]
    assert [each.complaint.detail for each in found.issues] == ["hl7v2-event-unknown"]
