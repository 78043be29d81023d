"""The values of primitives, of small datatypes and within a profile's limits, to the letter.

Source: FHIR R4, Datatypes; Resource, "id"; ElementDefinition: minValue[x], maxValue[x], maxLength.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_gateway.conformance.validation import limits
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.number import Number
from tests.conformance.validation.judging import errors, judged, told

ALL = ("information", "warning", "error", "fatal")


def said(type, value, *severities):
    """The detail codes of what is said of one value of a type."""
    name = f"value{type[0].upper()}{type[1:]}"
    resource = {"resourceType": "Parameters", "parameter": [{"name": "x", name: value}]}
    place = f"Parameters.parameter[0].value.ofType({type})"
    found = told(judged(resource), *(severities or ("error", "fatal")))
    assert {where for _, where in found} <= {place}
    return [detail.removeprefix("value-") for detail, _ in found]


@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("boolean", [True, False]),
        ("integer", [0, -1, 2**31 - 1, -(2**31)]),
        ("unsignedInt", [0, 2**31 - 1]),
        ("positiveInt", [1]),
        ("decimal", [1, -1, 0, Number("1.10"), Number("1e5"), Number("-0.1E-7"), Number("0.00000000000000001")]),
        ("string", ["x", "a b", "a < b", "é", "a\tb", "𝄞"]),
        ("markdown", ["# x\n\n* y\n", " x"]),
        ("code", ["a", "a b", "<="]),
        ("id", ["a", "A-1.b", "x" * 64]),
        ("uri", ["http://x.y/z", "urn:oid:1.2.250.1", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "a/b", "#x"]),
        ("url", ["http://x.y", "mailto:a@b.c", "rel/ative"]),
        ("oid", ["urn:oid:1.2.250.1"]),
        ("uuid", ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
        ("canonical", ["http://x.y/z|1", "#x", "urn:foo:bar"]),
        ("date", ["2024", "2024-02", "2024-02-29", "1800"]),
        ("dateTime", ["2024", "2024-02-29", "2024-01-01T10:00:00Z", "2024-01-01T10:00:60.123456789+14:00"]),
        ("instant", ["2024-01-01T10:00:00.5-01:00"]),
        ("time", ["10:00:00", "23:59:60", "10:00:00.5"]),
        ("base64Binary", ["AAAA", "AA==", "AAA="]),
    ],
)
def test_sound_values_have_nothing_said_of_them(type, values):
    assert [said(type, value, *ALL) for value in values] == [[]] * len(values)


@pytest.mark.parametrize(
    ("type", "value", "detail"),
    [
        ("integer", 2**31, "integer"),
        ("integer", Number("1.0"), "integer"),
        ("integer", Number("1e2"), "integer"),
        ("unsignedInt", -1, "not-negative"),
        ("positiveInt", 0, "positive"),
        ("string", "x" * 1_048_577, "too-long"),
        ("code", " a", "code"),
        ("code", "a  b", "code"),
        ("code", "a\tb", "code"),
        ("id", "a_b", "id"),
        ("id", "x" * 65, "id"),
        ("uri", "a b", "uri-space"),
        ("uri", " http://x.y", "uri-space"),
        ("uri", "oid:1.2.3", "uri-oid"),
        ("uri", "uuid:c757873d-ec9a-4326-a141-556f43239520", "uri-uuid"),
        ("uri", "urn:oid:1.2.x", "oid"),
        ("uri", "urn:oid:01.2.3", "oid"),
        ("uri", "urn:oid:2.16", "oid"),
        ("uri", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "uuid"),
        ("oid", "1.2.250.1", "oid-start"),
        ("uuid", "c757873d-ec9a-4326-a141-556f43239520", "uuid-start"),
        ("canonical", "Questionnaire/x", "canonical"),
        ("date", "2023-02-29", "date"),
        ("date", "2024-13", "date"),
        ("date", "2024-1-1", "date"),
        ("date", "0000", "date"),
        ("date", "2024-01-01T00:00:00Z", "date"),
        ("dateTime", "2024-01-01T10:00:00", "time-zone"),
        ("dateTime", "2024-01-01T10:00Z", "date-time"),
        ("dateTime", "2024-01-01T24:00:00Z", "date-time"),
        ("dateTime", "2024-01-01T10:00:00+15:00", "date-time"),
        ("dateTime", "2024-02-30T10:00:00Z", "date"),
        ("instant", "2024-01-01", "instant"),
        ("time", "10:00", "time"),
        ("time", "25:00:00", "time"),
        ("time", "10:00:00Z", "time"),
        ("base64Binary", "AAA", "base64"),
        ("base64Binary", "AA.A", "base64"),
    ],
)
def test_a_wrong_value_is_an_error(type, value, detail):
    assert said(type, value) == [detail]


@pytest.mark.parametrize(
    ("type", "value", "detail"),
    [
        ("string", " x", "space-around"),
        ("string", "x\n", "space-around"),
        ("string", "\u00a0x", "space-around"),
        ("string", "  ", "all-space"),
        ("string", "a\u0001b", "bad-characters"),
        ("string", "a \u202e b", "bidirectional"),
        ("string", "<b>x</b>", "html-hint"),
        ("markdown", "a <b>x</b>", "markdown-html"),
        ("date", "1799", "year"),
        ("dateTime", "9999-01-01", "year"),
        ("decimal", Number("0.1234567890123456789"), "decimal-range"),
        ("base64Binary", "AAAA AAAA", "base64-space"),
    ],
)
def test_a_doubtful_value_is_a_warning_or_a_hint(type, value, detail):
    assert said(type, value) == []
    assert said(type, value, "warning", "information") == [detail]


def test_a_year_is_reasonable_until_eighty_years_from_now():
    this = datetime.now(UTC).year
    assert said("date", str(this + 80), "warning") == []
    assert said("date", str(this + 81), "warning") == ["year"]


@pytest.mark.parametrize("type", ["string", "code", "uri", "date", "base64Binary"])
def test_an_empty_text_is_no_value_and_breaks_ele_1(type):
    assert said(type, "")[:2] == ["empty", "ele-1"]


def test_bidirectional_marks_that_are_closed_are_fine():
    assert said("string", "a \u202bb\u202c c", *ALL) == []


# --- security


def test_html_in_a_string_is_an_error_where_security_is_asked_for():
    resource = {"resourceType": "Patient", "name": [{"text": "a <script>x</script>"}]}
    assert errors(resource) == []
    assert errors(resource, wishes=Wishes(security=True)) == [("value-html", "Patient.name[0].text")]


@pytest.mark.parametrize("text", ["a < b > c", "<b", "x <y> z", "1 <2> 3", "<http://x>"])
def test_what_is_no_tag_is_no_html(text):
    assert said("string", text, *ALL) == []


# --- resources, identifiers, attachments, extensions


@pytest.mark.parametrize(
    ("id", "detail"), [("a_b", "resource-id"), ("/x", "resource-id"), ("x" * 65, "resource-id-length")]
)
def test_the_id_of_a_resource_has_its_own_rule(id, detail):
    assert errors({"resourceType": "Patient", "id": id}) == [(f"value-{detail}", "Patient.id")]


def test_the_id_of_a_resource_has_no_extension():
    twin = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
    assert ("value-resource-id-extension", "Patient.id") in errors({"resourceType": "Patient", "id": "a", "_id": twin})


def test_a_contained_resource_has_an_id():
    found = errors({"resourceType": "Patient", "contained": [{"resourceType": "Patient", "active": True}]})
    assert ("value-resource-id-missing", "Patient.contained[0]/*Patient/null*/") in found


@pytest.mark.parametrize(
    ("identifier", "details"),
    [
        ({"system": "relative"}, ["identifier-system"]),
        ({"system": "oid:1.2.3"}, ["identifier-system", "uri-oid"]),
        ({"system": "urn:ietf:rfc:3986", "value": "1.2.3"}, ["identifier-uri"]),
        ({"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4"}, []),
        ({"system": "http://x.y", "value": "1"}, []),
    ],
)
def test_the_system_of_an_identifier_is_absolute(identifier, details):
    found = errors({"resourceType": "Patient", "identifier": [identifier]})
    assert [detail for detail, _ in found] == [f"value-{detail}" for detail in details]


@pytest.mark.parametrize(
    ("attachment", "details"),
    [
        ({"data": "YWJj", "size": 3, "hash": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}, []),
        ({"data": "YWJj", "size": 4}, ["attachment-size"]),
        ({"data": "YWJj", "hash": "YWJj"}, ["attachment-hash"]),
        ({"data": "...."}, ["attachment-base64"]),
        ({"data": "YWJj YWJj"}, ["attachment-base64"]),
        ({"data": "YWJ"}, ["base64"]),
        ({"data": "YWJj", "size": -1}, ["attachment-size-invalid", "not-negative"]),
    ],
)
def test_an_attachment_is_what_it_says_of_itself(attachment, details):
    found = errors({"resourceType": "Patient", "photo": [{"contentType": "image/png", **attachment}]})
    assert [detail for detail, _ in found] == [f"value-{detail}" for detail in details]


def test_the_url_of_a_conformance_resource_is_absolute():
    found = errors({"resourceType": "ValueSet", "url": "foo/bar", "status": "active"})
    assert ("value-canonical", "ValueSet.url") in found


def test_an_extension_has_a_value_or_extensions():
    inner = {"url": "a", "valueString": "b"}
    for extension in ({"url": "http://example.org/x"}, {**inner, "url": "http://example.org/x", "extension": [inner]}):
        found = errors({"resourceType": "Patient", "extension": [extension]})
        assert ("value-ext-1", "Patient.extension[0]") in found


def test_example_urls_are_errors_where_they_are_not_allowed():
    resource = {"resourceType": "Patient", "identifier": [{"system": "http://hospital.example.org/ids", "value": "1"}]}
    assert errors(resource) == []
    assert errors(resource, wishes=Wishes(example_urls=False)) == [
        ("value-example-url", "Patient.identifier[0].system")
    ]
    resource["identifier"][0]["system"] = "http://myexample.org/ids"
    assert errors(resource, wishes=Wishes(example_urls=False)) == []


# --- the limits of a profile


def beyond(definition, value, type, twin=None):
    node = Node(value, type, twin)
    return [
        complaint.detail.removeprefix("validation-")
        for limit in limits.limits_of(definition)
        for complaint, values in limit(node)
        if complaint.at("x", profile="p", **values).text("fr")
    ]


UCUM = "http://unitsofmeasure.org"


def quantity(value, code="g", system=UCUM):
    return {"value": value, "code": code, "system": system}


@pytest.mark.parametrize(
    ("definition", "value", "type", "said"),
    [
        ({"maxLength": 3}, "abcd", "string", ["max-length"]),
        ({"maxLength": 3}, "abc", "string", []),
        ({"minValueInteger": 2}, 1, "integer", ["min-value"]),
        ({"minValueInteger": 2}, 2, "integer", []),
        ({"maxValueDecimal": Number("1.5")}, Number("1.50"), "decimal", []),
        ({"maxValueDecimal": Number("1.5")}, Number("1.51"), "decimal", ["max-value"]),
        ({"maxValueInteger": 9}, Number("9.1"), "decimal", ["max-value"]),
        ({"minValueDate": "2024-02"}, "2024-01-31", "date", ["min-value"]),
        ({"minValueDate": "2024-02"}, "2024-02-01", "date", []),
        ({"maxValueDateTime": "2024-01-01T10:00:00Z"}, "2024-01-01T12:00:01+02:00", "dateTime", ["max-value"]),
        ({"maxValueDateTime": "2024-01-01T10:00:00Z"}, "2024", "dateTime", []),
        ({"maxValueTime": "10:00:00"}, "11:00:00", "time", ["max-value"]),
        ({"maxValueQuantity": quantity(10)}, quantity(11), "Quantity", ["max-quantity"]),
        ({"minValueQuantity": quantity(10)}, quantity(11), "Quantity", []),
        ({"maxValueQuantity": quantity(1, "kg")}, quantity(1001), "Quantity", ["max-quantity-converted"]),
        ({"minValueQuantity": quantity(1, "kg")}, quantity(1001), "Quantity", []),
        ({"maxValueQuantity": quantity(1, "m")}, quantity(1), "Quantity", ["quantity-not-convertible"]),
        ({"maxValueQuantity": quantity(1)}, {"value": 2}, "Quantity", ["max-quantity-unclear"]),
        ({"maxValueDuration": quantity(10, "a")}, "2999-01-01", "date", ["max-duration"]),
        ({"maxValueDuration": quantity(10, "a")}, "2024-01-01", "date", []),
        ({"minValueDuration": quantity(-1, "d")}, "2020", "dateTime", ["min-duration"]),
        ({"extension": [{"url": limits.MIN_LENGTH, "valueInteger": 3}]}, "ab", "string", ["min-length"]),
        ({"extension": [{"url": limits.MAX_DECIMALS, "valueInteger": 1}]}, Number("1.25"), "decimal",
         ["max-decimal-places"]),
        ({"extension": [{"url": limits.MAX_DECIMALS, "valueInteger": 1}]}, quantity(Number("1.5")), "Quantity", []),
        ({"extension": [{"url": limits.MAX_SIZE, "valueDecimal": 2}]}, "AAAA", "base64Binary", ["max-size"]),
        ({"extension": [{"url": limits.REGEX, "valueString": "[a-z]+"}]}, "A", "string", ["regex"]),
        ({"extension": [{"url": limits.REGEX, "valueString": "[a-z"}]}, "A", "string", []),
    ],
)  # fmt: skip
def test_a_value_stays_within_the_limits_of_its_profile(definition, value, type, said):
    assert beyond(definition, value, type) == said


def test_a_primitive_without_a_value_breaks_no_limit():
    definition = {"maxLength": 1, "minValueInteger": 9, "extension": [{"url": limits.MIN_LENGTH, "valueInteger": 3}]}
    assert beyond(definition, None, "string", {"id": "x"}) == []


def test_no_two_elements_of_a_resource_have_the_same_id():
    names = [{"id": "a", "family": "x"}, {"id": "b", "family": "y"}]
    assert errors({"resourceType": "Patient", "id": "a", "name": names}) == []
    names[1]["id"] = "a"
    assert errors({"resourceType": "Patient", "name": names}) == [("value-element-id-twice", "Patient.name[1]")]


def test_ids_of_contained_resources_are_counted_apart_and_differ():
    inner = [{"resourceType": "Organization", "id": "a", "name": "x"}]
    patient = {"resourceType": "Patient", "contained": inner, "name": [{"id": "a"}]}
    patient["managingOrganization"] = {"reference": "#a"}
    assert ("value-element-id-twice", "Patient.name[0]") not in errors(patient)
    inner.append({"resourceType": "Organization", "id": "a", "name": "y"})
    assert ("value-contained-id-twice", "Patient.contained[1]/*Organization/a*/") in errors(patient)
