"""Validation for the acts: strictness, what is advice, what is compiled ahead.

Source: FHIR R4, Validating Resources; SETTINGS.md.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.interactions.validation import Strictness, Unknown, Validation
from tests.interactions.desk import Desk, entry, observation, patient


def strict(
    desk: Desk, strictness: Strictness = "profiles", profiles: Unknown = "warn", extensions: Unknown = "warn"
) -> Desk:
    return Desk(replace(desk.gateway, validation=Validation(r4_validator, strictness, profiles, extensions)))


HEIGHT = {**observation("Patient/a"), "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/bodyheight"]}}
# A vital sign by its code, which R4 holds to the profile of it whether claimed or not.
PULSE = {**observation("Patient/a"), "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}}
UNKNOWN: dict[str, Any] = {"meta": {"profile": ["http://example.org/none"]}}
EXTENDED: dict[str, Any] = {"extension": [{"url": "http://hl7.org/none", "valueCode": "x"}]}


@pytest.mark.parametrize(
    ("strictness", "resource", "status"),
    [
        ("structure", patient(gender="x"), 201),
        ("base", patient(gender="x"), 422),
        ("base", HEIGHT, 201),
        ("profiles", HEIGHT, 422),
        ("base", PULSE, 201),
        ("profiles", PULSE, 422),
        ("profiles", patient(gender="male"), 201),
    ],
)
def test_a_write_is_held_to_what_the_setting_says(desk: Desk, strictness: Any, resource: Any, status: int) -> None:
    desk.put(patient("a"))
    desk = strict(desk, strictness)
    type = resource["resourceType"]
    if status == 422:
        assert desk.refused("POST", type, resource).status == 422
    else:
        assert desk.ask("POST", type, resource).status == status


@pytest.mark.parametrize(
    ("resource", "settings"),
    [(patient(**UNKNOWN), {"profiles": "refuse"}), (patient(**EXTENDED), {"extensions": "refuse"})],
)
def test_what_is_unknown_is_a_warning_unless_it_is_to_be_refused(desk: Desk, resource: Any, settings: Any) -> None:
    assert strict(desk).ask("POST", "Patient", resource).status == 201
    assert strict(desk, "profiles", **settings).refused("POST", "Patient", resource).status == 422


def test_a_display_of_ones_own_and_an_unknown_code_of_no_required_binding_refuse_nothing(desk: Desk) -> None:
    married = {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M", "display": "wed"}
    assert strict(desk).ask("POST", "Patient", patient(maritalStatus={"coding": [married]})).status == 201
    unknown = {**married, "code": "no-code"}
    answer = strict(desk).ask(
        "POST", "Patient", patient(maritalStatus={"coding": [unknown]}), prefer="OperationOutcome"
    )
    assert b"no-code" in (answer.body or b"")


def test_nothing_is_written_where_one_entry_is_wrong_and_all_faults_are_told(desk: Desk) -> None:
    desk = strict(desk)
    sent = [entry("PUT", "Patient/a", patient("a")), *(entry("POST", "Patient", patient(gender=each)) for each in "xy")]
    refused = desk.transaction_refused(*sent)
    assert refused.status == 422
    assert {place for _, place in refused.issues} == {f"Bundle.entry[{each}].resource.gender" for each in (1, 2)}
    assert desk.versions("Patient", "a") == []


def test_more_problems_than_can_be_read_are_counted(desk: Desk) -> None:
    sent = [entry("POST", "Patient", patient(gender="x")) for _ in range(400)]
    refused = strict(desk).transaction_refused(*sent)
    assert len(refused.issues) == 501
    assert refused.issues[-1][0] == "more-issues"


def test_a_claim_that_is_added_must_hold(desk: Desk) -> None:
    desk = strict(desk)
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    claim = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": HEIGHT["meta"]}]}
    assert desk.refused("POST", "Observation/o/$meta-add", claim).status == 422
    unknown = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": UNKNOWN["meta"]}]}
    assert desk.ask("POST", "Observation/o/$meta-add", unknown).status == 200
    assert desk.versions("Observation", "o") == ["1", "2"]


class Meanwhile(Validation):
    """Somebody else writes while a resource is looked at."""

    other: Desk
    written = 0

    def _wishes(self, *given: Any, **more: Any) -> Any:
        self.written += 1
        somebody = threading.Thread(target=self.other.put, args=(patient(f"other-{self.written}"),), daemon=True)
        somebody.start()
        somebody.join(10)
        assert not somebody.is_alive(), "the other write waits"
        return super()._wishes(*given, **more)


def test_no_write_waits_for_the_validation_of_another(desk: Desk) -> None:
    validation = Meanwhile(r4_validator)
    validation.other = desk
    busy = Desk(replace(desk.gateway, validation=validation))
    busy.put(patient("a"))
    busy.transact(entry("PUT", "Patient/b", patient("b")), entry("PUT", "Patient/c", patient("c")))
    busy.ask("PATCH", "Patient/a", patch=[{"op": "add", "path": "/gender", "value": "male"}])
    assert validation.written == 4
    assert desk.versions("Patient", "a") == ["1", "2"]


def test_what_is_commonest_is_compiled_ahead_in_small_steps(desk: Desk) -> None:
    validation = Validation(r4_validator)
    pauses = [validation.warm(desk.gateway) for _ in range(20)]
    assert 0.0 in pauses
    assert pauses[-1] > 60
    assert Validation(r4_validator, "structure").warm(desk.gateway) > 60
