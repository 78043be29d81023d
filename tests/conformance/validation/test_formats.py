"""What is wrong with JSON and XML is said once, at its place, and what is left of the resource is judged all the same.

Source: FHIR R4, JSON Representation of Resources; XML Representation of Resources.
"""

from __future__ import annotations

import json

import pytest

from fhir_gateway.conformance.validation.walk import Wishes
from tests.conformance.validation.judging import _plain, told

FHIR = 'xmlns="http://hl7.org/fhir"'


def of_json(body, *severities, **wishes):
    text = body if isinstance(body, str) else json.dumps(body)
    return told(_plain().validate_bytes(text.encode(), "json", (), Wishes(**wishes)), *severities)


def of_patient(**properties):
    return of_json({"resourceType": "Patient", "id": "a", **properties})


def of_xml(body, *severities):
    return told(_plain().validate_bytes(body.encode(), "xml"), *severities)


def of_patient_xml(inner):
    return of_xml(f'<Patient {FHIR}><id value="a"/>{inner}</Patient>')


# --- JSON that is read nevertheless


def test_a_sound_resource_has_nothing_wrong():
    assert of_patient(active=True, name=[{"family": "A", "_family": {"id": "x"}}]) == []


def test_an_unknown_property_is_said_of_the_object_that_has_it():
    assert of_patient(contact=[{"foo": 1, "name": {"text": "x"}}]) == [("unrecognized-property", "Patient.contact[0]")]


def test_a_property_given_twice_is_said_to_be_a_duplicate_and_the_first_one_counts():
    body = '{"resourceType":"Patient","gender":"male","gender":"nothing known"}'
    assert of_json(body) == [("json-duplicate", "Patient")]


def test_a_property_that_repeats_wants_an_array_and_is_read_as_its_only_item():
    assert of_patient(name={"familly": "x", "text": "y"}) == [
        ("array-wanted", "Patient.name"),
        ("unrecognized-property", "Patient.name"),
    ]


def test_a_property_that_does_not_repeat_wants_no_array_and_is_left_out():
    found = of_json({"resourceType": "Observation", "status": ["final"], "code": {"text": "x"}})
    assert found == [("simple-wanted", "Observation.status"), ("min", "Observation")]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"maritalStatus": "x"}, ("object-wanted", "Patient.maritalStatus")),
        ({"maritalStatus": [{"text": "x"}]}, ("object-wanted", "Patient.maritalStatus")),
        ({"name": [None, {"text": "x"}]}, ("object-wanted", "Patient.name[0]")),
        ({"name": [{"given": "x"}]}, ("array-wanted", "Patient.name[0].given")),
        ({"birthDate": {"a": 1}}, ("simple-wanted", "Patient.birthDate")),
        ({"active": None}, ("simple-wanted", "Patient.active")),
        ({"name": []}, ("empty-array", "Patient.name")),
        ({"maritalStatus": {}}, ("empty-object", "Patient.maritalStatus")),
        ({"name": [{"given": ["x", None]}]}, ("null", "Patient.name[0].given[1]")),
        ({"birthDate": "2000", "_birthDate": [{"id": "x"}]}, ("object-wanted", "Patient.birthDate")),
        ({"_maritalStatus": {"id": "x"}}, ("unrecognized-property", "Patient")),
        ({"_birthDate": {"value": 1}}, ("illegal-property", "Patient.birthDate")),
        ({"deceasedBoolean": True, "deceasedDateTime": "2000"}, ("second-choice", "Patient")),
        ({"contained": [{"id": "b"}]}, ("resource-type-missing", "Patient.contained[0]")),
        ({"contained": [{"resourceType": "Foo"}]}, ("contained-type-unknown", "Patient.contained[0]")),
    ],
)
def test_one_fault_gives_one_finding(properties, said):
    assert of_patient(**properties) == [said]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"active": "true"}, ["boolean-wanted"]),
        ({"active": "yes"}, ["boolean-wanted", "value-boolean"]),
        ({"multipleBirthInteger": "1"}, ["number-wanted"]),
        ({"birthDate": 2000}, ["string-wanted"]),
        ({"gender": True}, ["string-wanted", "code-required"]),
    ],
)
def test_a_value_of_the_wrong_json_type_is_judged_by_its_text_too(properties, said):
    found = [detail for detail, _ in of_patient(**properties)]
    assert found[: len(said)] == said or said[-1] == "code-required"
    assert found[0] == said[0]


def test_an_empty_twin_breaks_ele_1_as_well():
    assert of_patient(_birthDate={}) == [
        ("empty-object", "Patient.birthDate"),
        ("value-ele-1", "Patient.birthDate"),
        ("value-missing", "Patient.birthDate"),
    ]


def test_an_id_alone_is_no_value():
    assert of_patient(_birthDate={"id": "x"}) == [("value-ele-1", "Patient.birthDate")]


def test_an_item_of_a_list_may_have_its_value_in_either_array():
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    assert of_patient(name=[{"given": ["x", None], "_given": [None, {"extension": [absent]}]}]) == []


def test_comments_names_without_quotes_and_commas_too_many_are_each_said():
    body = '{resourceType: "Patient", // who\n"name": [{"family": "x",}],\n"active" : true "gender": "male"}'
    assert [detail for detail, _ in of_json(body)] == [
        "json-name-without-quotes",
        "json-comment",
        "json-comma-extra",
        "json-comma-missing",
    ]


def test_numbers_that_json_does_not_have_are_judged_as_what_they_should_be():
    body = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":01.0}}'
    assert of_json(body) == [("value-decimal", "Observation.value.ofType(Quantity).value")]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '"x"',
        '{"resourceType":"Patient"',
        '{"resourceType":"Patient"}{}',
        '{"resourceType":"Patient"}x',
        '{"resourceType":"Patient","id":"a',
        '{"resourceType":"Patient","name":[{"given":["x"]]}]}',
        '{"resourceType":"Patient","name":[#]}',
        "{'resourceType':'Patient'}",
        '{/* a */"resourceType":"Patient"}',
        '{"resourceType":"Patient","id":"\\x"}',
    ],
)
def test_what_cannot_be_read_as_json_gives_one_fatal_finding(body):
    assert of_json(body) == [("json-unreadable", "None")]


def test_text_that_is_not_utf_8_gives_one_fatal_finding():
    findings = _plain().validate_bytes(b'{"resourceType":"Patient","id":"\xff"}')
    assert told(findings) == [("not-utf-8", "None")]


def test_a_byte_order_mark_is_passed_over():
    assert of_json('\ufeff{"resourceType":"Patient","active":true}') == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "a"}, ("resource-type-missing", "$")),
        ({}, ("resource-type-missing", "$")),
        ({"resourceType": 1}, ("resource-type-not-text", "$")),
        ({"resourceType": "Foo"}, ("resource-type-unknown", "Foo")),
    ],
)
def test_a_resource_without_a_known_type_gives_one_fatal_finding(body, said):
    assert of_json(body) == [said]


def test_a_decoded_resource_is_judged_like_its_text():
    resource = {"resourceType": "Patient", "foo": 1, "name": [], "active": "true"}
    assert told(_plain().validate(resource)) == of_json(resource)


def test_the_resource_given_is_never_changed():
    resource = {"resourceType": "Patient", "foo": 1, "name": [None], "active": "true"}
    before = json.dumps(resource)
    _plain().validate(resource)
    assert json.dumps(resource) == before


# --- NDJSON


def test_each_line_of_ndjson_is_judged_and_an_empty_one_is_warned_of():
    body = b'{"resourceType":"Patient","active":true}\n\n{"resourceType":"Patient","birthDate":"x"}\n'
    findings = _plain().validate_bytes(body, "ndjson")
    assert told(findings, "warning", "error") == [
        ("ndjson-empty-line", "None"),
        ("value-date", "Patient.birthDate"),
    ]
    assert [each.line for each in findings if each.issue.severity in ("warning", "error")] == [2, 3]


# --- XML


def test_unknown_elements_attributes_and_text_stand_at_their_xml_path():
    found = of_patient_xml(
        '<active value="true" foo="x">text</active><contact><bar/><name><text value="x"/></name></contact>'
    )
    assert sorted(found) == [
        ("xml-attribute-undefined", "/f:Patient/f:active"),
        ("xml-element-undefined", "/f:Patient/f:contact"),
        ("xml-text", "/f:Patient/f:active"),
    ]


def test_the_xml_path_begins_anew_with_each_resource():
    patient = '<Patient><active value="true"><foo/></active></Patient>'
    entry = f'<fullUrl value="urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"/><resource>{patient}</resource>'
    found = of_xml(f'<Bundle {FHIR}><type value="collection"/><entry>{entry}</entry></Bundle>')
    assert ("xml-element-undefined", "Patient/f:active") in found


def test_an_empty_element_is_said_to_be_empty_and_a_primitive_breaks_ele_1_too():
    assert of_patient_xml("<maritalStatus/>") == [("xml-empty", "/f:Patient/f:maritalStatus")]
    assert of_patient_xml("<active/>") == [
        ("xml-empty", "/f:Patient/f:active"),
        ("value-ele-1", "Patient.active"),
        ("value-missing", "Patient.active"),
    ]


def test_elements_come_in_the_order_of_the_definition():
    assert of_patient_xml('<gender value="male"/><active value="true"/>') == [("xml-order", "Patient.active")]
    found = of_patient_xml('<name><text value="x"/></name><active value="true"/><name><text value="y"/></name>')
    assert found == [("xml-order", "Patient.active")]


def test_an_element_that_does_not_repeat_is_counted_once_for_all():
    assert of_patient_xml('<gender value="male"/><gender value="female"/><gender value="other"/>') == [
        ("xml-repeated", "Patient")
    ]


def test_two_values_of_one_choice_are_too_many():
    found = of_patient_xml('<multipleBirthInteger value="1"/><multipleBirthBoolean value="true"/>')
    assert found == [("xml-repeated", "Patient")]


def test_a_wrong_namespace_is_said_and_the_element_is_read():
    assert of_patient_xml('<active xmlns="http://z" value="maybe"/>') == [
        ("xml-namespace", "/f:Patient/?:active"),
        ("value-boolean", "Patient.active"),
    ]


def test_a_schema_location_is_no_attribute_of_a_resource():
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"'
    assert of_xml(f'<Patient {FHIR} {xsi}><active value="true"/></Patient>') == [
        ("xml-attribute-undefined", "/f:Patient")
    ]


def test_instructions_are_not_allowed_and_comments_are():
    assert of_xml(f'<?foo bar?><!-- c --><Patient {FHIR}><active value="true"/></Patient>') == [
        ("xml-instruction", "(document)")
    ]


def test_an_encoding_other_than_utf_8_is_an_error_and_the_resource_is_judged():
    body = f'<?xml version="1.0" encoding="ISO-8859-1"?><Patient {FHIR}><birthDate value="x"/></Patient>'
    assert of_xml(body) == [("xml-encoding", "XML"), ("value-date", "Patient.birthDate")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", ("xml-unreadable", "(xml)")),
        ("x", ("xml-unreadable", "(xml)")),
        (f"<Patient {FHIR}>", ("xml-unreadable", "(xml)")),
        (f"<Patient {FHIR}/><Patient/>", ("xml-unreadable", "(xml)")),
        (f'<Patient {FHIR}><id value="&foo;"/></Patient>', ("xml-unreadable", "(xml)")),
        (f"<!DOCTYPE a><Patient {FHIR}/>", ("xml-doctype", "(xml)")),
        ("<Patient/>", ("xml-root-unknown", "Patient")),
        (f"<Foo {FHIR}/>", ("xml-root-unknown", "Foo")),
    ],
)
def test_what_cannot_be_read_as_xml_gives_one_fatal_finding(body, said):
    assert of_xml(body) == [said]


def test_an_unknown_element_with_a_div_does_not_shift_the_narratives():
    xhtml = 'xmlns="http://www.w3.org/1999/xhtml"'
    text = f'<text><status value="generated"/><div {xhtml}><blink>x</blink></div></text>'
    found = of_patient_xml(f"<foo><div {xhtml}>fine</div></foo>{text}")
    assert [detail for detail, _ in found] == [
        "xml-element-undefined",
        "narrative-txt-1",
        "narrative-element",
    ]


def test_a_number_that_is_none_is_judged_by_its_type():
    assert of_patient_xml('<multipleBirthInteger value="x"/>') == [
        ("value-integer", "Patient.multipleBirth.ofType(integer)")
    ]
