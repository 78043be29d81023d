"""Codes that a sender says are of a system: the system is named where it has the code, else a name of the sender's; and
what R4 forbids wherever it stands is left out.

Source: HL7 v2.5.1, chapter 2C, table 0396; FHIR R4, Terminologies, "Using Codes"; Data Types, "Period", "Duration".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.exchange.hl7v2.invariants import keep
from fhir_gateway.exchange.hl7v2.tables import settle
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

THO = "http://terminology.hl7.org/CodeSystem"
OWN = f"{CANONICAL_BASE}/hl7v2/system"
HEAD = "MSH|^~\\&|GAM|HOP ESSAI|PFMG|PFMG|20260302101500||ADT^A04^ADT_A01|1|P|2.5"
PID = "PID|1||471^^^HOP ESSAI&990000017&N^PI||FICTIVE^ZOE^^^^^L||19900112|F{more}"
PV1 = "PV1|1|O|||||||||||||||||24^^^HOP ESSAI&990000017&N^VN" + "|" * 25 + "20260302"


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def converted(convert: Converter, *segments: str) -> Conversion:
    (found,) = convert.convert_all("\r".join((HEAD, "EVN||20260302", *segments, "")).encode())
    assert isinstance(found, Conversion)
    assert found.result is not None
    for each in found.result.instances:
        assert [one.issue.text() for one in r4_validator().validate(each.resource) if one.is_error] == []
    return found


def resource(found: Conversion, kind: str) -> dict[str, Any]:
    assert found.result is not None
    return next(each.resource for each in found.result.instances if each.resource["resourceType"] == kind)


def test_a_code_that_a_table_has_not_is_kept_under_the_sender_s_name_of_it(convert: Converter) -> None:
    found = converted(convert, PID.format(more="||||||||Q^Pacsé^HL70002"))
    assert resource(found, "Patient")["maritalStatus"] == {
        "coding": [{"code": "Q", "system": f"{OWN}/HL70002"}],
        "text": "Pacsé",
    }
    assert "hl7v2-code-not-of-system" in {each.complaint.detail for each in found.issues}


def test_a_code_of_any_table_of_hl7_names_its_system_without_the_sender_s_display() -> None:
    coding = {"system": f"{OWN}/HL70406", "code": "1", "display": "Labo de ville"}
    patient = {"resourceType": "Organization", "type": [{"coding": [coding], "text": "Labo de ville"}]}
    assert list(settle(patient)) == []
    assert coding == {"system": f"{THO}/v2-0406", "code": "1"}


@pytest.mark.parametrize(
    "system", ["http://loinc.org", "http://snomed.info/sct", f"{OWN}/L", "urn:oid:1.2.250.1.999.1"]
)
def test_of_a_system_that_is_not_known_whole_nothing_is_said(system: str) -> None:
    coding = {"system": system, "code": "none such"}
    assert list(settle({"resourceType": "Basic", "code": {"coding": [coding]}})) == []
    assert coding == {"system": system, "code": "none such"}


def test_a_unit_that_is_none_of_ucum_s_stays_as_it_was_written() -> None:
    quantity = {"value": "5", "code": "mm Hg", "system": "http://unitsofmeasure.org"}
    (issue,) = settle({"resourceType": "Observation", "valueQuantity": quantity})
    assert issue.severity == "warning"
    assert quantity == {"value": "5", "unit": "mm Hg"}


def test_systems_of_this_project_are_left_to_a_profile_that_is_claimed() -> None:
    system = f"{CANONICAL_BASE}/CodeSystem/pfmg-examen"
    for meta, kept in (({"profile": ["x"]}, system), ({}, f"{OWN}/pfmg-examen")):
        coding = {"system": system, "code": "none-such"}
        list(settle({"resourceType": "ServiceRequest", "meta": meta, "code": {"coding": [coding]}}))
        assert coding["system"] == kept


def test_a_validity_that_ends_before_it_starts_has_no_end(convert: Converter) -> None:
    number = "471^^^HOP ESSAI&990000017&N^PI^^20260101^20200101"
    found = converted(convert, PID.replace("471^^^HOP ESSAI&990000017&N^PI", number).format(more=""))
    assert resource(found, "Patient")["identifier"][0]["period"] == {"start": "2026-01-01"}
    assert "mapping-ends-before-start" in {each.complaint.detail for each in found.issues}


@pytest.mark.parametrize("name", ["effectivePeriod", "performedPeriod", "valuePeriod"])
def test_so_has_any_other_time_of_a_resource(name: str) -> None:
    basic = {"resourceType": "Basic", name: {"start": "2026-01-02", "end": "2026-01-01"}}
    (issue,) = keep(basic)
    assert (issue.severity, basic[name]) == ("warning", {"start": "2026-01-02"})


def test_an_end_in_winter_time_is_not_before_a_start_in_summer_time() -> None:
    night = {"start": "2026-10-25T02:30:00+02:00", "end": "2026-10-25T02:10:00+01:00"}
    assert list(keep({"resourceType": "Encounter", "period": night})) == []
    assert "end" in night
    back = {"start": night["end"], "end": night["start"]}
    assert len(list(keep({"resourceType": "Encounter", "period": back}))) == 1


def test_a_length_of_stay_without_its_number_is_none(convert: Converter) -> None:
    found = converted(convert, PID.format(more=""), PV1, "PV2|||||||||||^")
    assert "length" not in resource(found, "Encounter")


def test_content_of_a_kind_that_nobody_knows_is_bytes() -> None:
    binary = {"resourceType": "Binary", "contentType": "not a kind", "data": "Zm9v"}
    assert list(keep(binary)) == []
    assert binary["contentType"] == "application/octet-stream"


@pytest.mark.parametrize(("told", "expected"), [("FR", "fr"), ("fr", "fr"), ("en-US", "en-US"), ("QQ", None)])
def test_a_language_is_told_as_bcp_47_has_it(convert: Converter, told: str, expected: str | None) -> None:
    head = HEAD + "||||||" + "|" + told
    (found,) = convert.convert_all("\r".join((head, "EVN||20260302", PID.format(more=""), "")).encode())
    assert isinstance(found, Conversion)
    assert resource(found, "MessageHeader").get("language") == expected


def test_an_authority_that_is_said_to_be_an_oid_and_is_none_has_a_url_of_this_project_s(convert: Converter) -> None:
    found = converted(convert, PID.replace("990000017&N", "990000017&ISO").format(more=""))
    assert resource(found, "Patient")["identifier"][0]["system"] == f"{CANONICAL_BASE}/hl7v2/authority/990000017"
