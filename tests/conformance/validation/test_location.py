"""Lines and columns of findings, in JSON and in XML.

Source: FHIR R4, OperationOutcome.issue.expression.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validation import json_text
from fhir_gateway.conformance.validation.location import JsonSource, Step, XmlSource, steps_of
from fhir_gateway.fhir.xml import document
from tests.conformance.validation.judging import _plain

JSON = b"""{
  "resourceType": "Patient",
  "contained": [
    {"resourceType": "Patient", "id": "a_b"}
  ],
  "name": [
    {
      "given": ["x", 1]
    }
  ],
  "deceasedDateTime": "x",
  "_birthDate": {},
  "foo": 1
}
"""
XML = b"""<?xml version="1.0"?>
<!-- <birthDate value="in a comment"/> -->
<Patient xmlns="http://hl7.org/fhir">
  <contained>
    <Patient><id value="a_b"/></Patient>
  </contained>
  <text><status value="generated"/><div
    xmlns="http://www.w3.org/1999/xhtml"><p>x</p><u>y</u></div></text>
  <name>
    <given value="x"/>  <given value=" y"/>
  </name>
  <deceasedDateTime value="x"/> text
  <foo/>
</Patient>
"""


def places(body, format="json"):
    return {
        each.issue.complaint.detail.removeprefix("validation-"): each.position
        for each in _plain().validate_bytes(body, format)
    }


def test_findings_in_json_know_where_their_value_begins():
    found = places(JSON)
    assert found["value-resource-id"] == (4, 39)
    assert found["string-wanted"] == (8, 22)
    assert found["value-date-time"] == (11, 23)
    assert found["empty-object"] == (12, 17)
    assert found["unrecognized-property"] == (13, 10)


def test_findings_in_xml_know_where_their_element_begins():
    found = places(XML, "xml")
    assert found["value-resource-id"] == (5, 14)
    assert found["narrative-element"] == (7, 36)
    assert found["value-space-around"] == (10, 25)
    assert found["value-date-time"] == (12, 3)
    assert found["xml-element-undefined"] == (13, 3)
    assert found["xml-text"] == (3, 1)


def test_text_that_cannot_be_read_is_located_where_reading_stops():
    assert places(b'{"resourceType": "Patient",\n "id": #}') == {"json-unreadable": (2, 8)}
    assert places(b"<Patient xmlns='http://hl7.org/fhir'>\n</Foo>", "xml")["xml-unreadable"][0] == 2


def test_a_decoded_resource_has_no_lines():
    assert {each.position for each in _plain().validate({"resourceType": "Patient", "foo": 1})} == {None}


def test_lines_are_counted_only_when_somebody_asks():
    findings = _plain().validate_bytes(b'{"resourceType":"Patient","birthDate":"x"}')
    source = findings[0].source
    assert isinstance(source, JsonSource)
    assert source._lines is None
    assert (findings[0].line, findings[0].column) == (1, 39)
    assert source._lines is not None


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("Patient", []),
        ("Patient.name[1].given[0]", [(("name", "_name"), 1), (("given", "_given"), 0)]),
        (
            "Bundle.entry[0].resource/*Patient/a.b*/.deceased.ofType(dateTime)",
            [(("entry", "_entry"), 0), (("resource", "_resource"), None), (("deceasedDateTime", "deceased"), None)],
        ),
        ("Observation.value.ofType(Quantity).value", [(("valueQuantity", "value"), None), (("value", "_value"), None)]),
        ("Patient.deceased[x]", [(("deceased", "_deceased"), None)]),
    ],
)
def test_the_steps_of_an_expression(expression, steps):
    assert steps_of(expression) == [Step(names, index) for names, index in steps]


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("Patient.name[0].given[1]", (8, 22)),
        ("Patient.name[0].given", (8, 16)),
        ("Patient.deceased[x]", (11, 23)),
        ("Patient.deceased.ofType(dateTime)", (11, 23)),
        ("Patient.birthDate.extension[0]", (12, 17)),
        ("Patient.nothing[3].below", (1, 1)),
        ("Patient.name[7]", (6, 11)),
        (None, (1, 1)),
    ],
)
def test_an_expression_leads_to_the_nearest_place_that_there_is(expression, position):
    assert JsonSource(JSON).position(expression) == position


def test_the_line_of_an_ndjson_line_is_that_of_the_whole_text():
    assert JsonSource(b'{"a": 1}', first_line=7).position("X.a") == (7, 7)


def test_comments_and_cdata_do_not_shift_the_places_in_xml():
    source = XmlSource(*document(XML))
    assert source.position("Patient.name[0].given[1]") == (10, 25)
    assert source.position("Patient.text.div") == (7, 36)
    assert source.position("Patient.name[0].id") == (9, 3)
    assert source.position("/f:Patient/f:name") == (3, 1)


def test_the_tolerant_reader_gives_what_the_quick_one_gives():
    text = '{"a": [1, -2.50, true, null, "\\u00e9\\ud834\\udd1e\\n"], "b": {"c": {}}, "d": []}'
    reading = json_text.read(text)
    assert reading.value == {"a": [1, json_text.Number("-2.50"), True, None, "é𝄞\n"], "b": {"c": {}}, "d": []}
    assert reading.issues == []
    assert reading.fatal is None
