"""Messages made into FHIR: the French rules, one by one, and what becomes of what has no place.

Source: PAM France 2.11; FR Core 2.2.0; INS, Référentiel; HL7 v2-to-FHIR; HL7 v2.5.1, chapter 3.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.exchange.hl7v2.er7 import Message, Segment
from fhir_gateway.transform.run import Instance, Run
from fhir_gateway.transform.source import Scope

RELIABILITY = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"
INSEE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
IPP = "1^^^H&990000017&N^PI"


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def message(event: str, *segments: str, country: str = "FRA") -> bytes:
    structure = f"{event.replace('^', '_')}"
    head = f"MSH|^~\\&|GAM|HOP|DPI|HOP|20240306111154||{event}^{structure}|1|P|2.5|||||{country}|UNICODE UTF-8"
    return "\r".join((head, "EVN||20240306111154", *segments)).encode()


def pid(**fields: str) -> str:
    """Return PID with fields given by number: f5="ÉPREUVE^ZOÉ"."""
    given = {"f3": IPP, **fields}
    return "PID|" + "|".join(given.get(f"f{number}", "") for number in range(1, 40)).rstrip("|")


def of(convert: Converter, data: bytes) -> Conversion:
    (found,) = convert.convert_all(data)
    assert isinstance(found, Conversion)
    return found


def made(convert: Converter, data: bytes, kind: str) -> list[dict[str, Any]]:
    found = of(convert, data)
    assert found.result is not None
    return [each.resource for each in found.result.instances if each.resource["resourceType"] == kind]


def patient(convert: Converter, **fields: str) -> dict[str, Any]:
    (found,) = made(convert, message("ADT^A28", pid(**fields)), "Patient")
    return found


def extensions(resource: dict[str, Any], url: str) -> list[dict[str, Any]]:
    return [each for each in resource.get("extension", ()) if each["url"] == url]


# --- times


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("202401151030", "2024-01-15T10:30:00+01:00"),
        ("20240715103015", "2024-07-15T10:30:15+02:00"),
        ("202407151030+0530", "2024-07-15T10:30:00+05:30"),
        ("20240715", "2024-07-15"),
    ],
)
def test_a_time_without_offset_is_of_paris_summer_and_winter(convert: Converter, written: str, expected: str) -> None:
    assert patient(convert, f29=written)["deceasedDateTime"] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1979", "1979"), ("197903", "1979-03"), ("19790300", "1979-03"), ("19790000", "1979"), ("19791500", "1979")],
)
def test_a_partial_birth_date_keeps_the_precision_it_has(convert: Converter, written: str, expected: str) -> None:
    assert patient(convert, f7=written)["birthDate"] == expected


def test_a_birth_date_that_is_none_is_left_out_and_told(convert: Converter) -> None:
    found = of(convert, message("ADT^A28", pid(f7="19790231")))
    assert found.result is not None
    assert "mapping-value-unfit" in [each.complaint.detail for each in found.issues]
    assert all("birthDate" not in each.resource for each in found.result.instances)


# --- identities


@pytest.mark.parametrize(
    ("oid", "code", "use"),
    [
        ("1.2.250.1.213.1.4.8", "INS-NIR", "official"),
        ("1.2.250.1.213.1.4.9", "INS-NIA", "temp"),
        ("1.2.250.1.213.1.4.10", "INS-NIR-TEST", "official"),
        ("1.2.250.1.213.1.4.11", "INS-NIR-DEMO", "official"),
        ("1.2.250.1.213.1.4.2", "INS-C", "secondary"),
    ],
)
def test_an_ins_is_told_by_its_authority_not_by_its_name(
    convert: Converter, oid: str, code: str, use: str | None
) -> None:
    (found,) = patient(convert, f3=f"290019900000112^^^QUOI&{oid}&ISO^INS")["identifier"]
    assert found["system"] == f"urn:oid:{oid}"
    assert found["type"]["coding"][0]["code"] == code
    assert found.get("use") == use


def test_empty_repetitions_make_no_identifier(convert: Converter) -> None:
    assert len(patient(convert, f3=f"~~{IPP}~")["identifier"]) == 1


def test_a_patient_is_found_by_the_ipp_whatever_comes_first(convert: Converter) -> None:
    ins = "290019900000112^^^INS&1.2.250.1.213.1.4.10&ISO^INS"
    found = of(convert, message("ADT^A28", pid(f3=f"{ins}~{IPP}"))).result
    assert found is not None
    criteria = [each.criteria for each in found.instances if each.id == "patient"]
    assert criteria == ["identifier=https://pfmg.example.org/fhir/hl7v2/finess/990000017|1"]


@pytest.mark.parametrize("identifiers", ["", "471"])
def test_a_patient_without_authority_is_an_error_at_pid_3(convert: Converter, identifiers: str) -> None:
    found = of(convert, message("ADT^A28", pid(f3=identifiers, f5="ÉPREUVE^ZOÉ^^^^^L")))
    errors = [each for each in found.issues if each.severity == "error"]
    assert [each.complaint.detail for each in errors] == ["mapping-no-identifier"]
    assert "PID^1^3" in errors[0].text()


@pytest.mark.parametrize("status", ["VALI", "PROV"])
def test_pid_32_is_the_status_of_the_identity(convert: Converter, status: str) -> None:
    (found,) = extensions(patient(convert, f32=status), RELIABILITY)
    assert found["extension"][0]["valueCoding"]["code"] == status


def test_a_doubtful_identity_is_provisional_and_keeps_its_word(convert: Converter) -> None:
    found = patient(convert, f32="VALI~DOUT")
    (reliability,) = extensions(found, RELIABILITY)
    assert [each["valueCoding"]["code"] for each in reliability["extension"]] == ["PROV"]
    assert [each["code"] for each in found["meta"]["tag"]] == ["DOUT"]


def test_the_list_of_birth_names_is_no_second_given_name(convert: Converter) -> None:
    (name,) = patient(convert, f5="ÉPREUVE^ZOÉ^ZOÉ MARGUERITE^^^^L")["name"]
    assert name["given"] == ["ZOÉ"]
    assert name["extension"][0]["valueString"] == "ZOÉ MARGUERITE"


def test_birth_and_used_names_are_both_kept(convert: Converter) -> None:
    names = patient(convert, f5="ÉPREUVE^ZOÉ^^^^^L~DUFICTIF^ZOÉ^^^^^D")["name"]
    assert [(each["use"], each["family"]) for each in names] == [("official", "ÉPREUVE"), ("usual", "DUFICTIF")]


def test_a_place_of_birth_is_no_address(convert: Converter) -> None:
    found = patient(convert, f11="1 rue A^^VILLE^^99001^FRA^H^^99001~^^^^^^BDL^^99002", f23="AILLEURS")
    assert len(found["address"]) == 1
    (birth,) = extensions(found, "http://hl7.org/fhir/StructureDefinition/patient-birthPlace")
    (code,) = extensions(birth["valueAddress"], INSEE)
    assert code["valueCoding"]["code"] == "99002"
    assert "text" not in birth["valueAddress"]


def test_a_number_may_stand_in_xtn_12(convert: Converter) -> None:
    found = patient(convert, f13="^PRN^PH^^^^^^^^^0199000001~^NET^Internet^a@exemple.invalid~^^X.400^b@mss.invalid")
    assert [(each["system"], each["value"]) for each in found["telecom"]] == [
        ("phone", "0199000001"), ("email", "a@exemple.invalid"), ("email", "b@mss.invalid"),
    ]  # fmt: skip


def test_a_value_to_be_deleted_is_told_and_not_written(convert: Converter) -> None:
    found = of(convert, message("ADT^A31", pid(f7='""', f8="F"))).result
    assert found is not None
    (one,) = [each for each in found.instances if each.id == "patient"]
    assert one.deleted == ["birthDate"]
    assert "birthDate" not in one.resource


def test_other_countries_do_not_get_the_french_rules(convert: Converter) -> None:
    data = message("ADT^A28", pid(f5="TEST^ANN^B^^^^L", f19="123"), country="USA")
    (found,) = made(convert, data, "Patient")
    assert found["name"][0]["given"] == ["ANN", "B"]
    assert found["identifier"][1]["system"] == "http://hl7.org/fhir/sid/us-ssn"


# --- stays and movements

PV1 = "PV1|1|I|CHIR^12^B||||||||||||||||77^^^H&990000017&M^VN" + "|" * 25 + "202403060900"
ZBE = "ZBE|312^H^990000017|20240306110000||{action}|{historic}|{origin}|UF A^^^^^H&990000017&N^UF^^^62||HMS"


def zbe(action: str = "INSERT", historic: str = "N", origin: str = "") -> str:
    return ZBE.format(action=action, historic=historic, origin=origin)


@pytest.mark.parametrize("event", ["ADT^A28", "ADT^A31"])
def test_a_visit_of_class_n_is_none(convert: Converter, event: str) -> None:
    assert made(convert, message(event, pid(), "PV1|1|N"), "Encounter") == []


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("A01", "in-progress"), ("A04", "in-progress"), ("A05", "planned"), ("A02", "in-progress"), ("A03", "finished"),
        ("A11", "cancelled"), ("A38", "cancelled"), ("A13", "in-progress"),
    ],
)  # fmt: skip
def test_the_status_of_a_stay_is_that_of_the_event(convert: Converter, event: str, status: str) -> None:
    (stay,) = made(convert, message(f"ADT^{event}", pid(), PV1), "Encounter")
    assert stay["status"] == status


def test_a_movement_is_part_of_its_stay(convert: Converter) -> None:
    found = of(convert, message("ADT^A02", pid(), PV1, zbe())).result
    assert found is not None
    stay, movement = (each for each in found.instances if each.resource["resourceType"] == "Encounter")
    assert movement.resource["partOf"] == {"reference": stay.full_url}
    assert movement.resource["period"] == {"start": "2024-03-06T11:00:00+01:00"}
    assert movement.resource["identifier"][0]["value"] == "312"
    assert movement.resource["type"][0]["coding"][0]["code"] == "HMS"
    assert stay.criteria != movement.criteria


def test_a_stay_without_beginning_begins_with_its_movement(convert: Converter) -> None:
    bare = "PV1|1|I|||||||||||||||||77^^^H&990000017&M^VN"
    stay, _ = made(convert, message("ADT^A01", pid(), bare, zbe()), "Encounter")
    assert stay["period"]["start"] == "2024-03-06T11:00:00+01:00"


@pytest.mark.parametrize(
    ("segment", "status"),
    [
        (zbe("CANCEL", origin="A02"), "entered-in-error"),
        (zbe("UPDATE", origin="A01"), "in-progress"),
        (zbe("UPDATE", "Y", "A01"), "finished"),
    ],
)
def test_z99_changes_the_movement_as_its_original_event_says(convert: Converter, segment: str, status: str) -> None:
    _, movement = made(convert, message("ADT^Z99", pid(), PV1, segment), "Encounter")
    assert movement["status"] == status


def test_a_movement_shifted_by_one_field_is_read_where_it_stands(convert: Converter) -> None:
    shifted = "ZBE|314^H^990000017|20240306110000|||INSERT|N||UF A^^^^^H&990000017&N^UF^^^62||HMS"
    _, movement = made(convert, message("ADT^A03", pid(), PV1, shifted), "Encounter")
    assert movement["type"][0]["coding"][0]["code"] == "HMS"
    assert "serviceProvider" in movement


# --- consents to the DMP


@pytest.mark.parametrize(
    ("feeding", "consulting", "expected"),
    [
        ("INO", "IC", [("disclose", "permit"), ("access", "permit")]),
        ("IO", "INC", [("disclose", "deny"), ("access", "deny")]),
        ("INO", "NA", [("disclose", "permit")]),
        ("NA", "NA", []),
    ],
)
def test_zfa_makes_a_consent_for_each_answer_and_none_for_na(
    convert: Converter, feeding: str, consulting: str, expected: list[tuple[str, str]]
) -> None:
    zfa = f"ZFA|ACTIF|20240306|||||||{feeding}|20240306|{consulting}|20240306"
    found = made(convert, message("ADT^A01", pid(), PV1, zfa), "Consent")
    told = [(each["provision"]["action"][0]["coding"][0]["code"], each["provision"]["type"]) for each in found]
    assert told == expected


# --- merges


def test_a_merge_links_both_identities_and_retires_one(convert: Converter) -> None:
    data = message("ADT^A40", pid(), "MRG|9^^^H&990000017&N^PI||||||ÉPREUVE^Z^^^^^L")
    found = of(convert, data).result
    assert found is not None
    stays, goes = (each for each in found.instances if each.resource["resourceType"] == "Patient")
    assert goes.resource["active"] is False
    assert goes.resource["link"] == [{"other": {"reference": stays.full_url}, "type": "replaced-by"}]
    assert stays.resource["link"] == [{"other": {"reference": goes.full_url}, "type": "replaces"}]
    assert [(each["value"], each["use"]) for each in stays.resource["identifier"]] == [("9", "old"), ("1", "usual")]


# --- what has no place


def test_fields_that_no_rule_reads_are_told_by_their_place(convert: Converter) -> None:
    found = of(convert, message("ADT^A28", pid(f19="2790351"), "ZZZ|quelque chose")).result
    assert found is not None
    places = {each.where for each in found.unplaced}
    assert {"PID^1^19", "ZZZ^1^1"} <= places


def test_explain_tells_rule_file_line_source_and_element(convert: Converter) -> None:
    (found,) = convert.convert_all(message("ADT^A28", pid(f8="F")), traced=True)
    assert isinstance(found, Conversion)
    assert found.result is not None
    (fired,) = [each for each in found.result.trace if each.element == "gender"]
    assert fired.rule == "pid-8"
    assert fired.place.startswith("base/segments/PID.yaml:")
    assert (fired.of, fired.where) == ("patient", "PID^1^8")


def test_an_event_of_no_rule_is_taken_or_told(convert: Converter) -> None:
    taken = of(convert, message("ADT^A21", pid()))
    assert (taken.accepted, taken.result) == (True, None)
    unknown = of(convert, message("BAR^P01", pid()))
    assert [each.complaint.detail for each in unknown.issues] == ["hl7v2-event-unknown"]


def test_an_answer_makes_nothing(convert: Converter) -> None:
    found = of(convert, b"MSH|^~\\&|A|B|C|D|20240306||ACK^A01^ACK|2|P|2.5\rMSA|AA|1")
    assert (found.accepted, found.result) == (True, None)


def test_a_document_whose_first_component_is_empty_is_one_all_the_same(convert: Converter) -> None:
    obx = "OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^RG9jdW1lbnQ||||||F"
    found = of(convert, message("ORU^R01", pid(), "OBR|1|||11502-2^CR^LN", obx)).result
    assert found is not None
    binary, document = (
        next(each for each in found.instances if each.resource["resourceType"] == kind)
        for kind in ("Binary", "DocumentReference")
    )
    assert binary.resource["data"] == "RG9jdW1lbnQ="
    assert document.resource["content"][0]["attachment"]["url"] == binary.full_url


def test_what_only_a_condition_looks_at_has_found_no_place(convert: Converter) -> None:
    flag = "OBX|1|CE|MASQUE_PS^Masqué^MetaDMPMSS||N^^HL70136||||||F"
    found = of(convert, message("ORU^R01", pid(), "OBR|1|||11502-2^CR^LN", flag)).result
    assert found is not None
    assert {"OBX^1^3", "OBX^1^5"} <= {each.where for each in found.unplaced}


@pytest.mark.parametrize("event", ["OML^O21", "ORM^O01"])
@pytest.mark.parametrize(("control", "status"), [("NW", "draft"), ("OC", "revoked"), ("OH", "on-hold")])
def test_a_new_order_is_a_draft_never_silently_active(
    convert: Converter, event: str, control: str, status: str
) -> None:
    orders = made(convert, message(event, pid(), f"ORC|{control}|77^SIL", "OBR|1|||EXOME^Exome^L"), "ServiceRequest")
    assert [each["status"] for each in orders] == [status]


def test_a_message_that_was_converted_leaves_nothing_to_be_collected(convert: Converter) -> None:
    data = message(
        "ADT^A01^ADT_A01", pid(f5="TEST^ANN"), "PV1|1|I|A^1^2", "NK1|1|TEST^EVE|MTH", "OBX|1|NM|8302-2^^LN||1"
    )
    kinds = (Message, Segment, Scope, Run, Instance)
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) in kinds for each in gc.get_objects())
        of(convert, data)
        assert sum(type(each) in kinds for each in gc.get_objects()) == before
    finally:
        gc.enable()
