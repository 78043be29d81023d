"""Messages as French hospitals send them become what was written down for each beforehand, all of it valid R4.

Source: `tests/exchange/hl7v2/french_messages.py`, which names the guides.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from tests.exchange.hl7v2.asked import asked
from tests.exchange.hl7v2.french_messages import ACCEPTED, SENT


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def of(convert: Converter, data: bytes) -> Conversion:
    (found,) = convert.convert_all(data)
    assert isinstance(found, Conversion)
    return found


@pytest.mark.parametrize("name", SENT)
def test_a_message_becomes_what_was_expected_of_it(convert: Converter, name: str) -> None:
    sent = SENT[name]
    found = of(convert, sent.data)
    assert found.result is not None
    bundle = found.result.bundle()
    assert {path: asked(bundle, path) for path in sent.values} == dict(sent.values)
    kinds = [each.resource["resourceType"] for each in found.result.instances]
    assert {kind: kinds.count(kind) for kind in sent.kinds} == dict(sent.kinds)
    assert [each.text() for each in found.issues if each.severity == "error"] == []


@pytest.mark.parametrize("name", SENT)
def test_all_that_a_message_becomes_is_valid_and_the_message_is_written_back(convert: Converter, name: str) -> None:
    found = of(convert, SENT[name].data)
    assert found.message.written() == SENT[name].data
    assert found.result is not None
    for each in found.result.instances:
        wrong = [finding.issue.text() for finding in r4_validator().validate(each.resource) if finding.is_error]
        assert wrong == [], each.resource["resourceType"]


@pytest.mark.parametrize("event", ACCEPTED)
def test_what_is_only_accepted_makes_nothing(convert: Converter, event: str) -> None:
    found = of(convert, ACCEPTED[event].encode())
    assert (found.event, found.accepted, found.result) == (f"ADT^{event}", True, None)


def test_what_a_hospital_has_deleted_is_told(convert: Converter) -> None:
    data = SENT["A31, fictitious: never validated"].data.replace(b"12 rue des Essais", b'""', 1)
    start = data.index(b'""^^TESTVILLE')
    end = data.index(b"|", start)
    found = of(convert, data[:start] + b'""' + data[end:])
    assert found.result is not None
    (patient,) = (each for each in found.result.instances if each.id == "patient")
    assert "address" in {str(each).split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] for each in patient.deleted}
    assert "address" not in patient.resource
