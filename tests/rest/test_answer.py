"""Requests become interactions, and answers and refusals become responses.

Source: FHIR R4, RESTful API; OperationOutcome; RFC 9110.
"""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from fhir_gateway.fhir.outcome import (
    Complaint,
    Gone,
    InvalidRequest,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from fhir_gateway.interactions.interaction import Answer, Conditions, Interaction, Preferences, Sent
from fhir_gateway.settings import Settings
from tests.rest.house import INSTANT, PATIENT, House

JSON = "application/fhir+json;charset=utf-8"
XML = "application/fhir+xml;charset=utf-8"
FORM = "application/x-www-form-urlencoded"
PATCH = {"Content-Type": "application/json-patch+json"}
TAKEN = "application/json-patch+json, application/fhir+json, application/fhir+xml"
BASE = "http://localhost:8080/fhir"
AMISS = Complaint("amiss", "value", "Wrong: {what}.", "Faux : {what}.")


# --- what is asked


def test_a_read_asks_for_type_and_id():
    house = House()
    since = "Sat, 21 Nov 2026 21:03:35 GMT"
    house.ask("GET", "/fhir/Patient/1", {"If-None-Match": 'W/"1"', "If-Modified-Since": since})
    conditions = Conditions(if_none_match='W/"1"', if_modified_since=since)
    assert house.interaction == Interaction("read", "Patient", "1", conditions=conditions, base=BASE)


def test_a_vread_asks_for_the_version():
    house = House()
    house.ask("GET", "/fhir/Patient/1/_history/7")
    assert (house.interaction.code, house.interaction.version) == ("vread", "7")


def test_a_create_carries_the_resource_its_links_and_its_headers():
    house = House(Answer(201, PATIENT, 1, INSTANT, location="Patient/1/_history/1"))
    body = b'{"resourceType":"Patient","managingOrganization":{"reference":"Organization/1"},"multipleBirthInteger":2}'
    house.ask(
        "POST",
        "/fhir/Patient",
        {
            "Content-Type": "application/fhir+json",
            "If-None-Exist": "?identifier=a|é",
            "Prefer": "return=minimal; handling=strict",
            "Accept-Language": "fr",
        },
        body,
    )
    asked = house.interaction
    assert (asked.code, asked.type, asked.id) == ("create", "Patient", None)
    assert asked.resource == json.loads(body)
    assert asked.links is not None
    assert len(asked.links[id(asked.resource)]) == 1
    assert asked.conditions.if_none_exist == "identifier=a|é"
    assert asked.prefer == Preferences("minimal", "strict")
    assert asked.language == "fr"


def test_a_criterion_in_utf8_in_a_header_is_read_as_such():
    house = House()
    house.ask(
        "PUT", "/fhir/Patient", {"If-Match": 'W/"é"'.encode().decode("latin-1"), "Content-Type": "text/json"}, PATIENT
    )
    assert house.interaction.conditions.if_match == 'W/"é"'


def test_a_resource_in_xml_is_the_same_as_in_json():
    house = House()
    xml = b'<Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/></Patient>'
    house.post("/fhir/Patient", xml, "application/fhir+xml")
    assert house.interaction.resource == json.loads(PATIENT)


def test_the_parameters_of_a_form_follow_those_of_the_url():
    house = House()
    house.post(
        "/fhir/Patient/_search?name=a&_format=xml", b"name=b+c&_pretty=true", "application/x-www-form-urlencoded"
    )
    assert house.interaction.code == "search-type"
    assert house.interaction.parameters == [("name", "a"), ("name", "b c")]


def test_a_search_by_post_needs_no_body():
    house = House()
    assert house.ask("POST", "/fhir/Patient/_search?name=a").status == 200
    assert house.interaction.parameters == [("name", "a")]


def test_the_parameters_of_the_door_are_not_those_of_the_interaction():
    house = House()
    house.ask("GET", "/fhir/Patient?_format=json&_summary=true&_pretty=true&_elements=id")
    assert house.interaction.parameters == [("_summary", "true"), ("_elements", "id")]


def test_a_json_patch_is_an_array_of_operations():
    house = House()
    house.ask(
        "PATCH",
        "/fhir/Patient/1",
        PATCH,
        b'[{"op":"test","path":"/a","value":1.10}]',
    )
    (operation,) = house.interaction.patch or []
    assert operation["value"].text == "1.10"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/fhir+json", b'{"resourceType":"Parameters","parameter":[{"name":"operation"}]}'),
        (
            "application/fhir+xml",
            b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/></parameter></Parameters>',
        ),
    ],
)
def test_a_fhirpath_patch_is_a_parameters_resource(content_type: str, body: bytes):
    house = House()
    house.ask("PATCH", "/fhir/Patient/1", {"Content-Type": content_type}, body)
    assert house.interaction.patch == {"resourceType": "Parameters", "parameter": [{"name": "operation"}]}


def test_a_fhirpath_patch_of_unsound_structure_is_refused():
    body = b'{"resourceType":"Parameters","operation":[]}'
    reply = House().ask("PATCH", "/fhir/Patient/1", {"Content-Type": "application/fhir+json"}, body)
    assert (reply.status, reply.details) == (400, ["unknown-property"])


@pytest.mark.parametrize("body", [b"{}", b"1", b"[1]", b'"[]"'])
def test_what_is_no_json_patch_is_refused(body: bytes):
    reply = House().ask("PATCH", "/fhir/Patient/1", PATCH, body)
    assert (reply.status, reply.details) == (400, ["patch-missing"])


@pytest.mark.parametrize(("type_", "code"), [("batch", "batch"), ("transaction", "transaction")])
def test_the_type_of_a_bundle_says_whether_it_is_a_batch_or_a_transaction(type_: str, code: str):
    house = House()
    house.post("/fhir", b'{"resourceType":"Bundle","type":"%s"}' % type_.encode())
    house.post("/fhir/", b'{"resourceType":"Bundle","type":"%s"}' % type_.encode())
    assert [asked.code for asked in house.asked] == [code, code]


def test_an_operation_may_be_asked_with_and_without_a_body():
    house = House()
    house.ask("GET", "/fhir/Patient/1/$everything?_count=5")
    house.ask("POST", "/fhir/Patient/$validate")
    house.post("/fhir/$convert", b'{"resourceType":"Parameters"}')
    first, second, third = house.asked
    assert (first.operation, first.parameters) == ("everything", [("_count", "5")])
    assert (second.operation, second.resource) == ("validate", None)
    assert (third.type, third.resource) == (None, {"resourceType": "Parameters"})


def test_a_gzipped_body_is_inflated():
    house = House()
    reply = house.ask(
        "POST",
        "/fhir/Patient",
        {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"},
        gzip.compress(PATIENT),
    )
    assert reply.status == 200
    assert house.interaction.resource == json.loads(PATIENT)


# --- what is answered


def test_an_answer_has_etag_last_modified_and_an_absolute_location():
    house = House(Answer(201, PATIENT, 1, INSTANT, location="Patient/1/_history/1", content_location="Patient/1"))
    reply = house.post("/fhir/Patient", PATIENT)
    assert reply.status == 201
    assert reply.body == PATIENT
    assert {name: reply.headers[name] for name in reply.headers if name != "x-request-id"} == {
        "cache-control": "no-store",
        "vary": "Accept, Accept-Encoding",
        "etag": 'W/"1"',
        "last-modified": "Fri, 21 Nov 2025 21:03:35 GMT",
        "location": f"{BASE}/Patient/1/_history/1",
        "content-location": f"{BASE}/Patient/1",
        "content-type": JSON,
        "content-length": str(len(PATIENT)),
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize(("status", "length"), [(204, None), (304, None), (200, "0"), (201, "0")])
def test_an_answer_without_body_has_no_content_type(status: int, length: str | None):
    reply = House(Answer(status, None, 1)).ask("GET", "/fhir/Patient/1")
    assert (reply.status, reply.body) == (status, b"")
    assert reply.headers.get("content-length") == length
    assert "content-type" not in reply.headers


def test_the_answer_comes_in_xml_where_that_is_asked():
    reply = House().ask("GET", "/fhir/Patient/1", {"Accept": "application/fhir+xml"})
    assert reply.headers["content-type"] == XML
    assert reply.body.endswith(b'<id value="1"/><active value="true"/></Patient>')


def test_the_answer_is_indented_where_that_is_asked_and_numbers_keep_their_text():
    house = House(Answer(200, b'{"resourceType":"Observation","valueQuantity":{"value":1.10}}'))
    reply = house.ask("GET", "/fhir/Observation/1?_pretty=true")
    assert reply.body == b'{\n  "resourceType": "Observation",\n  "valueQuantity": {\n    "value": 1.10\n  }\n}'


def test_a_form_may_name_the_format_too():
    reply = House().post(
        "/fhir/Patient/_search", b"_format=application/fhir%2Bxml", "application/x-www-form-urlencoded"
    )
    assert reply.headers["content-type"] == XML


def test_a_head_request_has_the_headers_of_a_get_and_no_body():
    house = House()
    head, get = house.ask("HEAD", "/fhir/Patient/1"), house.ask("GET", "/fhir/Patient/1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(PATIENT))
    assert head.headers["etag"] == get.headers["etag"]


def test_a_large_answer_is_compressed_for_those_who_accept_it():
    body = b'{"resourceType":"Patient","id":"' + b"1" * 5000 + b'"}'
    house = House(Answer(200, body))
    plain = house.ask("GET", "/fhir/Patient/1")
    packed = house.ask("GET", "/fhir/Patient/1", {"Accept-Encoding": "gzip"})
    assert plain.body == body
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert gzip.decompress(packed.body) == body
    assert "Accept-Encoding" in packed.headers["vary"]


def test_a_small_answer_is_not_compressed():
    reply = House().ask("GET", "/fhir/Patient/1", {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in reply.headers


def test_the_request_id_is_echoed_or_made():
    house = House()
    assert house.ask("GET", "/fhir/Patient/1", {"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = [house.ask("GET", "/fhir/Patient/1", {"X-Request-ID": "no good"}).headers["x-request-id"] for _ in range(3)]
    assert len({*made}) == 3
    assert "no good" not in made


def test_options_tells_the_methods_and_the_patch_format():
    house = House()
    reply = house.ask("OPTIONS", "/fhir/Patient/1")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert reply.headers["accept-patch"] == TAKEN
    assert house.asked == []


# --- what is refused


def test_a_refusal_is_an_operation_outcome_with_all_its_issues():
    house = House(Unprocessable(AMISS.at("Patient.name", what="a"), AMISS.at(what="b")))
    reply = house.ask("GET", "/fhir/Patient/1")
    assert reply.status == 422
    assert reply.headers["content-type"] == JSON
    assert reply.headers["content-language"] == "en"
    assert reply.json["resourceType"] == "OperationOutcome"
    assert [issue["details"]["text"] for issue in reply.json["issue"]] == ["Wrong: a.", "Wrong: b."]
    assert [issue.get("expression") for issue in reply.json["issue"]] == [["Patient.name"], None]


def test_a_refusal_comes_in_the_language_and_representation_asked_for():
    house = House(NotFound(AMISS.at(what="a")))
    reply = house.ask("GET", "/fhir/Patient/1", {"Accept": "application/fhir+xml", "Accept-Language": "fr"})
    assert (reply.status, reply.headers["content-type"], reply.headers["content-language"]) == (404, XML, "fr")
    assert "Faux : a." in reply.body.decode()


def test_the_default_language_of_refusals_is_a_setting():
    house = House(NotFound(AMISS.at(what="a")), Settings(language="fr"))
    assert house.ask("GET", "/fhir/Patient/1").text == "Faux : a."


def test_what_a_text_quotes_never_breaks_its_xml():
    house = House(InvalidRequest(AMISS.at("Patient\x01", what="<\x00\x1f\ufffe>\U0001f9ec")))
    reply = house.ask("GET", "/fhir/Patient/1", {"Accept": "application/fhir+xml"})
    assert reply.status == 400
    assert "Wrong: &lt;���&gt;\U0001f9ec." in reply.body.decode()


def test_a_deleted_resource_tells_its_version():
    gone = Gone(AMISS.at(what="deleted"))
    gone.version = 4
    assert House(gone).ask("GET", "/fhir/Patient/1").headers["etag"] == 'W/"4"'


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (Unavailable(AMISS.at(what="")), "retry-after", "5"),
        (TooManyRequests(AMISS.at(what="")), "retry-after", "5"),
        (Unauthenticated(AMISS.at(what="")), "www-authenticate", 'Bearer realm="fhir"'),
    ],
)
def test_a_refusal_says_what_to_do_next(error: Exception, header: str, value: str):
    assert House(error).ask("GET", "/fhir/Patient/1").headers[header] == value


def test_an_unknown_type_is_404_and_a_wrong_method_405_with_allow():
    house = House()
    assert house.ask("GET", "/fhir/Patent/1").details == ["unknown-type"]
    reply = house.ask("POST", "/fhir/Patient/1")
    assert (reply.status, reply.details) == (405, ["method-not-allowed"])
    assert reply.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.parametrize("content_type", ["application/json", "application/xml", "application/merge-patch+json"])
def test_a_plain_json_body_in_patch_is_refused_with_415_and_what_is_taken(content_type: str):
    house = House()
    reply = house.ask("PATCH", "/fhir/Patient/1", {"Content-Type": content_type}, b'{"active":false}')
    assert (reply.status, reply.headers["accept-patch"]) == (415, TAKEN)
    assert all(media_type in reply.text for media_type in TAKEN.split(", "))
    assert house.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/fhir+xml"])
def test_an_empty_body_is_refused(method: str, content_type: str):
    reply = House().ask(method, "/fhir/Patient" + "/1" * (method == "PUT"), {"Content-Type": content_type})
    assert (reply.status, reply.json["issue"][0]["severity"]) == (400, "error")


@pytest.mark.parametrize(
    "url", ["/fhir/Patient/%zz", "/fhir/Patient?name=%ff", "/fhir/Patient?a=%00", "/fhir/Patient/a%2Fb", "/fhir/a%00"]
)
def test_a_malformed_url_is_refused_with_400_or_404(url: str):
    assert House().ask("GET", url).status in (400, 404)


def test_an_escaped_slash_does_not_make_two_segments_of_one():
    house = House(short=True)
    assert house.ask("GET", "/fhir/Patient%2F1").details == ["unknown-type"]
    assert house.read == []


WRONG = b'{"resourceType":"Patient","active":"yes",\n "naem":[],"gender":1}'


def test_all_errors_of_the_structure_are_told_at_once_with_line_and_column():
    reply = House().post("/fhir", b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":' + WRONG + b"}]}")
    assert reply.status == 400
    places = {
        each["expression"][0]: [extension["valueInteger"] for extension in each["extension"]]
        for each in reply.json["issue"]
    }
    assert places == {
        "Bundle.entry[0].resource.active": [1, 97],
        "Bundle.entry[0].resource": [1, 62],
        "Bundle.entry[0].resource.gender": [2, 21],
    }


def test_a_create_of_an_unsound_resource_is_refused_by_its_act_which_knows_what_else_is_wrong():
    house = House()
    house.post("/fhir/Patient", WRONG)
    assert len(house.interaction.issues) == 3
    assert house.interaction.sent == Sent(WRONG, "json")


def test_a_body_nested_beyond_all_bounds_is_refused():
    deep = b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 100_000
    reply = House().post("/fhir/Patient", deep)
    assert reply.status == 400


def test_nesting_that_only_an_act_finds_too_deep_is_the_senders_too():
    assert House(RecursionError()).post("/fhir/Patient", PATIENT).details == ["too-deep"]


def test_a_foreign_host_is_refused_on_loopback():
    house = House(short=True)
    reply = house.ask("GET", "/fhir/Patient/1", [("Host", "evil.example")])
    assert (reply.status, reply.details) == (400, ["host-not-served"])
    assert house.read == []


def test_a_defect_is_told_as_an_incident_without_what_was_in_the_request(caplog: pytest.LogCaptureFixture):
    house = House(ValueError("Durand, Ada"))
    with caplog.at_level(logging.ERROR):
        reply = house.ask("GET", "/fhir/Patient?family=Durand")
    assert (reply.status, reply.details) == (500, ["defect"])
    (record,) = [record for record in caplog.records if record.message == "defect"]
    incident = record.__dict__["fields"]["incident"]
    assert incident in reply.text
    assert b"Durand" not in reply.body
    assert "Durand" not in str(record.__dict__["fields"])


def test_a_closed_door_says_when_to_come_back():
    house = House()
    house.door.close()
    for accept in ("application/fhir+json", "application/fhir+xml"):
        reply = house.ask("GET", "/fhir/Patient/1", {"Accept": accept})
        assert (reply.status, reply.details, reply.headers["retry-after"]) == (503, ["not-open"], "5")
