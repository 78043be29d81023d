"""What is told to need no walk needs none: the findings are the same where everything is walked.

Source: FHIR R4, Validating Resources; seeded mangled inputs, and the official examples.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import carried_over
from fhir_gateway.conformance.validation.certainty import certainly
from fhir_gateway.conformance.validation.quiet import Quiet
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.conformance.validators import r4_validator, validator_with
from tests.conformance.validation.mangling import mangled
from tests.fhir.examples import official_examples
from tests.floors import SHARE, drawn

LARGEST = 100_000
THOROUGH = Wishes(quick=False)


def said(body: bytes, format: str, wishes: Wishes) -> list[tuple[str, str | None, str]]:
    findings = r4_validator().validate_bytes(body, format, (), wishes)
    return [(each.issue.complaint.detail, each.issue.expression, each.issue.text()) for each in findings]


def test_examples_have_the_same_findings_when_everything_is_walked():
    examples = dict(drawn([each for each in official_examples() if len(each[1]) < LARGEST], min(1, SHARE * 5)))
    assert [
        name for name, body in examples.items() if said(body, "json", Wishes()) != said(body, "json", THOROUGH)
    ] == []


def test_mangled_inputs_have_the_same_findings_when_everything_is_walked():
    different = []
    for number in range(300):
        format, body = mangled(number)
        if said(body, format, Wishes()) != said(body, format, THOROUGH):
            different.append(number)
    assert different == []


def test_threads_that_meet_an_element_while_another_makes_its_test_wait_for_it(monkeypatch: pytest.MonkeyPatch):
    of, begun = Quiet._of, threading.Barrier(4)

    def slowly(self: Quiet, *given: Any, **more: Any) -> Any:
        time.sleep(0.005)
        return of(self, *given, **more)

    monkeypatch.setattr(Quiet, "_of", slowly)
    validator = validator_with(carried_over(definitions()))
    resource = {"resourceType": "Patient", "identifier": [{"assigner": {"identifier": {"value": "1"}}, "value": "2"}]}

    def validated(_: int) -> list[str]:
        begun.wait()
        return [each.issue.severity for each in validator.validate(resource) if each.is_error]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(validated, range(4))) == [[]] * 4


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("code.empty() or system.exists()", {"value": 1}, True),
        ("code.empty() or system.exists()", {"code": "kg"}, False),
        ("start.hasValue().not() or end.hasValue().not() or (start <= end)", {"start": "2020-01-01"}, True),
        ("low.exists() and low.empty()", {"low": {}}, False),
        ("low.exists() xor high.exists()", {"low": {}}, True),
        ("low.exists() xor high.exists()", {"low": {}, "high": {}}, False),
        ("low.exists() implies high.exists()", {}, True),
        ("low.code = '%'", {"low": {"code": "%"}}, False),  # it cannot be told here
    ],
)
def test_an_invariant_is_certain_only_where_it_is_plain_to_see(expression, value, holds):
    assert (
        certainly(r4_validator().engine.model, "Range" if "low" in expression else _type(expression), expression)(value)
        is holds
    )


def _type(expression: str) -> str:
    return "Period" if "start" in expression else "Quantity"


@pytest.mark.parametrize(
    ("period", "wrong"),
    [
        ({"start": "2020-01-01", "end": "2020-01-02"}, False),
        ({"start": "2020-01-02", "end": "2020-01-01"}, True),
        ({"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-01T09:30:00+01:00"}, False),
        ({"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-01T08:30:00+01:00"}, True),
        ({"start": "2020-01-01T10:00:00Z", "end": "2020-01-01T09:00:00Z"}, True),
    ],
)
def test_a_period_that_ends_before_it_starts_is_wrong_in_whatever_zone(period, wrong):
    resource = {"resourceType": "Patient", "name": [{"text": "A", "period": period}]}
    found = [each.issue.values.get("key") for each in r4_validator().validate(resource)]
    assert ("per-1" in found) is wrong
