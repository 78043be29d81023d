"""Validation and FHIRPath Patch through the front door, in JSON and XML, alone and in transactions.

Source: FHIR R4, Validating Resources; Resource Operations, "validate"; FHIRPath Patch.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.served import Served

FHIR_JSON = {"Content-Type": "application/fhir+json"}
FHIR_XML = {"Content-Type": "application/fhir+xml"}
URN = "urn:uuid:0c5b8a0e-5d1d-4c3a-9a54-3d7d7b8c1f20"


def details(answer: requests.Response, severity: str = "error") -> set[str]:
    return {each["details"]["coding"][0]["code"] for each in answer.json()["issue"] if each["severity"] == severity}


def places(answer: requests.Response) -> list[str]:
    return [each["expression"][0] for each in answer.json()["issue"] if each["severity"] == "error"]


def wrong() -> dict[str, Any]:
    """A Patient of sound structure with three faults."""
    return {
        "resourceType": "Patient",
        "gender": "unspecified",
        "contact": [{"gender": "female"}],
        "link": [{"type": "refer"}],
    }


WRONG_PLACES = {"Patient.gender", "Patient.contact[0]", "Patient.link[0]"}


def test_a_create_with_errors_is_refused_with_all_of_them(served: Served) -> None:
    answer = requests.post(f"{served.base}/Patient", json=wrong(), headers=FHIR_JSON, timeout=30)
    assert answer.status_code == 422
    assert set(places(answer)) == WRONG_PLACES


def test_the_refusal_speaks_the_language_of_the_client(served: Served) -> None:
    headers = FHIR_JSON | {"Accept-Language": "fr"}
    answer = requests.post(f"{served.base}/Patient", json=wrong(), headers=headers, timeout=30)
    english = requests.post(f"{served.base}/Patient", json=wrong(), headers=FHIR_JSON, timeout=30)
    assert answer.json()["issue"][0]["diagnostics"] != english.json()["issue"][0]["diagnostics"]


def test_a_transaction_is_refused_with_the_errors_of_all_entries(served: Served) -> None:
    sound = {"resourceType": "Patient", "id": "sound"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": sound, "request": {"method": "PUT", "url": "Patient/sound"}},
            {"resource": wrong(), "request": {"method": "POST", "url": "Patient"}},
            {
                "resource": {
                    "resourceType": "Observation",
                    "status": "final",
                    "subject": {"reference": "Patient/sound"},
                },
                "request": {"method": "POST", "url": "Observation"},
            },
        ],
    }
    answer = requests.post(served.base, json=bundle, headers=FHIR_JSON, timeout=30)
    assert answer.status_code == 422
    expected = {place.replace("Patient", "Bundle.entry[1].resource") for place in WRONG_PLACES}
    assert set(places(answer)) == {*expected, "Bundle.entry[2].resource"}
    assert requests.get(f"{served.base}/Patient/sound", timeout=30).status_code == 404


def test_in_a_batch_only_the_entry_with_errors_is_refused(served: Served) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"resource": wrong(), "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        ],
    }
    answer = requests.post(served.base, json=bundle, headers=FHIR_JSON, timeout=30).json()
    assert [each["response"]["status"] for each in answer["entry"]] == ["422 Unprocessable Entity", "201 Created"]
    issues = answer["entry"][0]["response"]["outcome"]["issue"]
    assert {each["expression"][0] for each in issues} == {
        place.replace("Patient", "Bundle.entry[0].resource") for place in WRONG_PLACES
    }


def test_an_entry_may_refer_to_an_entry_of_the_type_that_its_profile_wants(served: Served) -> None:
    def observed(reference: str) -> dict[str, Any]:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": reference},
        }

    def sent(type: str) -> requests.Response:
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {"fullUrl": URN, "resource": {"resourceType": type}, "request": {"method": "POST", "url": type}},
                {"resource": observed(URN), "request": {"method": "POST", "url": "Observation"}},
            ],
        }
        return requests.post(served.base, json=bundle, headers=FHIR_JSON, timeout=30)

    assert sent("Patient").status_code == 200
    refused = sent("Practitioner")
    assert (refused.status_code, places(refused)) == (422, ["Bundle.entry[1].resource.subject"])


def test_warnings_refuse_nothing_and_are_told_to_whoever_asks(served: Served) -> None:
    claims = {"resourceType": "Patient", "meta": {"profile": ["http://example.org/fhir/StructureDefinition/none"]}}
    headers = FHIR_JSON | {"Prefer": "return=OperationOutcome"}
    answer = requests.post(f"{served.base}/Patient", json=claims, headers=headers, timeout=30)
    assert answer.status_code == 201
    assert details(answer, "warning") == {"validation-profile-unknown"}


def test_a_patch_that_would_break_a_rule_is_refused(served: Served) -> None:
    requests.put(f"{served.base}/Patient/p", json={"resourceType": "Patient", "id": "p"}, timeout=30,
                 headers=FHIR_JSON)  # fmt: skip
    patch = [{"op": "add", "path": "/gender", "value": "unspecified"}]
    headers = {"Content-Type": "application/json-patch+json"}
    answer = requests.patch(f"{served.base}/Patient/p", json=patch, headers=headers, timeout=30)
    assert answer.status_code == 422
    assert set(places(answer)) == {"Patient.gender"}


FHIRPATH_PATCH_JSON = b"""{"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
    {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
    {"name": "name", "valueString": "birthDate"}, {"name": "value", "valueDate": "1930-01-01"}]}]}"""
FHIRPATH_PATCH_XML = b"""<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
    <part><name value="type"/><valueCode value="replace"/></part>
    <part><name value="path"/><valueString value="Patient.birthDate"/></part>
    <part><name value="value"/><valueDate value="1931-02-02"/></part></parameter></Parameters>"""


def test_a_fhirpath_patch_comes_as_json_and_as_xml(served: Served) -> None:
    url = f"{served.base}/Patient/q"
    requests.put(url, json={"resourceType": "Patient", "id": "q"}, headers=FHIR_JSON, timeout=30)
    first = requests.patch(url, data=FHIRPATH_PATCH_JSON, headers=FHIR_JSON, timeout=30)
    assert (first.status_code, first.json()["birthDate"], first.headers["etag"]) == (200, "1930-01-01", 'W/"2"')
    second = requests.patch(url, data=FHIRPATH_PATCH_XML, headers=FHIR_XML, timeout=30)
    assert (second.status_code, second.json()["birthDate"]) == (200, "1931-02-02")
    stale = requests.patch(url, data=FHIRPATH_PATCH_XML, headers=FHIR_XML | {"If-Match": 'W/"1"'}, timeout=30)
    assert stale.status_code == 412


def test_a_fhirpath_patch_is_taken_inside_a_transaction_of_either_kind(served: Served) -> None:
    url = f"{served.base}/Patient/r"
    requests.put(url, json={"resourceType": "Patient", "id": "r"}, headers=FHIR_JSON, timeout=30)
    head = b'<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource>'
    tail = b'</resource><request><method value="PATCH"/><url value="Patient/r"/></request></entry></Bundle>'
    json = b'{"resourceType":"Bundle","type":"transaction","entry":[{"resource":' + FHIRPATH_PATCH_JSON
    json += b',"request":{"method":"PATCH","url":"Patient/r"}}]}'
    assert requests.post(served.base, data=json, headers=FHIR_JSON, timeout=30).status_code == 200
    xml = head + FHIRPATH_PATCH_XML.replace(b' xmlns="http://hl7.org/fhir"', b"") + tail
    assert requests.post(served.base, data=xml, headers=FHIR_XML, timeout=30).status_code == 200
    assert requests.get(url, timeout=30).json()["birthDate"] == "1931-02-02"


@pytest.mark.parametrize("media_type", ["application/json", "application/xml", "text/plain"])
def test_a_patch_of_another_media_type_is_told_which_are_taken(served: Served, media_type: str) -> None:
    url = f"{served.base}/Patient/q"
    answer = requests.patch(url, data=FHIRPATH_PATCH_JSON, headers={"Content-Type": media_type}, timeout=30)
    assert answer.status_code == 415
    assert answer.headers["accept-patch"] == "application/json-patch+json, application/fhir+json, application/fhir+xml"
    statement = requests.get(f"{served.base}/metadata", timeout=30).json()
    assert ", ".join(statement["patchFormat"]) == answer.headers["accept-patch"]


def test_validate_answers_200_whatever_the_verdict(served: Served) -> None:
    url = f"{served.base}/Patient/$validate"
    fine = requests.post(url, json={"resourceType": "Patient"}, headers=FHIR_JSON, timeout=30)
    assert (fine.status_code, details(fine, "information")) == (200, {"validation-all-ok"})
    bad = requests.post(url, json=wrong(), headers=FHIR_JSON, timeout=30)
    assert (bad.status_code, set(places(bad))) == (200, WRONG_PLACES)


LINES = b"""{"resourceType": "Patient",
 "birthDate": "yesterday",
 "colour": "blue", "contact": [
   {"gender": "female"}]}"""
LINES_XML = b"""<Patient xmlns="http://hl7.org/fhir">
 <birthDate value="yesterday"/>
 <contact><gender value="female"/></contact>
</Patient>"""


def lines(answer: requests.Response) -> dict[str, tuple[int, int]]:
    """Return line and column of each error, by its expression, as HL7's validator writes them."""
    url = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-"
    told = {}
    for each in answer.json()["issue"]:
        places = {extension["url"].removeprefix(url): extension["valueInteger"] for extension in each["extension"]}
        told[each["expression"][0]] = (places["line"], places["col"])
    return told


@pytest.mark.parametrize("url", ["Patient/$validate", "Patient/$validate?mode=create", "Patient"])
def test_errors_have_the_line_and_column_of_what_was_sent(served: Served, url: str) -> None:
    answer = requests.post(f"{served.base}/{url}", data=LINES, headers=FHIR_JSON, timeout=30)
    assert answer.status_code == (200 if "validate" in url else 400)
    assert lines(answer) == {"Patient.birthDate": (2, 15), "Patient": (3, 12), "Patient.contact[0]": (4, 4)}
    headers = FHIR_XML | {"Accept": "application/fhir+json"}
    answer = requests.post(f"{served.base}/{url}", data=LINES_XML, headers=headers, timeout=30)
    assert lines(answer) == {"Patient.birthDate": (2, 2), "Patient.contact[0]": (3, 2)}


def test_lines_count_in_the_parameters_and_in_the_bundle_that_were_sent(served: Served) -> None:
    sent = b'{"resourceType":"Parameters","parameter":[{"name":"resource","resource":\n' + LINES + b"}]}"
    answer = requests.post(f"{served.base}/Patient/$validate", data=sent, headers=FHIR_JSON, timeout=30)
    assert {place: line for place, (line, _) in lines(answer).items()} == {
        "Patient.birthDate": 3,
        "Patient": 2,
        "Patient.contact[0]": 5,
    }
    bundle = b'{"resourceType":"Bundle","type":"transaction","entry":[\n{"request":{"method":"POST","url":"Patient"},'
    bundle += b'"resource":{"resourceType":"Patient","gender":"x"}}]}'
    answer = requests.post(served.base, data=bundle, headers=FHIR_JSON, timeout=30)
    assert answer.status_code == 422
    assert lines(answer) == {"Bundle.entry[0].resource.gender": (2, 92)}


@pytest.mark.parametrize(("language", "reason"), [("en", "coding.code is not"), ("fr", "coding.code n'est pas")])
def test_an_issue_names_the_profile_and_why_no_element_is_the_slice(served: Served, language: str, reason: str) -> None:
    laboratory = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    sent = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [laboratory]}],
        "code": {"text": "x"},
    }
    answer = requests.post(
        f"{served.base}/Observation/$validate?profile=http://hl7.org/fhir/StructureDefinition/vitalsigns",
        json=sent,
        headers=FHIR_JSON | {"Accept-Language": language},
        timeout=30,
    )
    (missing,) = (each for each in answer.json()["issue"] if "VSCat" in each["details"]["text"])
    assert "http://hl7.org/fhir/StructureDefinition/vitalsigns" in missing["diagnostics"]
    assert "\n- Observation.category[0]" in missing["diagnostics"]
    assert reason in missing["diagnostics"]


def test_a_patch_that_makes_a_resource_unsound_is_told_all_that_is_wrong_with_it(served: Served) -> None:
    url = f"{served.base}/Patient/u"
    requests.put(url, json={"resourceType": "Patient", "id": "u"}, headers=FHIR_JSON, timeout=30)
    patch = [{"op": "add", "path": f"/{name}", "value": "x"} for name in ("colour", "gender")]
    headers = {"Content-Type": "application/json-patch+json"}
    answer = requests.patch(url, json=patch, headers=headers, timeout=30)
    assert answer.status_code == 422
    assert set(places(answer)) == {"Patient", "Patient.gender"}


def test_what_xml_cannot_hold_is_replaced_in_the_texts_that_quote_it(served: Served) -> None:
    headers = FHIR_JSON | {"Accept": "application/fhir+xml"}
    sent = b'{"resourceType":"Patient","gender":"x\\u0001"}'
    answer = requests.post(f"{served.base}/Patient/$validate", data=sent, headers=headers, timeout=30)
    assert answer.status_code == 200
    assert "x\ufffd" in answer.content.decode()


def test_validate_judges_a_resource_of_unsound_structure(served: Served) -> None:
    url = f"{served.base}/Patient/$validate"
    unsound = {"resourceType": "Patient", "colour": "blue", "birthDate": "yesterday", "gender": "unspecified"}
    bare = requests.post(url, json=unsound, headers=FHIR_JSON, timeout=30)
    assert bare.status_code == 200
    assert set(places(bare)) == {"Patient", "Patient.birthDate", "Patient.gender"}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": unsound}]}
    wrapped = requests.post(url, json=parameters, headers=FHIR_JSON, timeout=30)
    assert (wrapped.status_code, sorted(places(wrapped))) == (200, sorted(places(bare)))
    xml = b'<Patient xmlns="http://hl7.org/fhir"><colour value="blue"/><gender value="unspecified"/></Patient>'
    answer = requests.post(url, data=xml, headers=FHIR_XML, timeout=30)
    assert answer.status_code == 200
    assert "Patient.gender" in places(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"gender": "male"}',
        b'{"resourceType": "Person of interest"}',
        b'{"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"id": "x"}}]}',
        b'{"resourceType": "Parameters", "colour": "blue"}',
    ],
)
def test_what_says_not_what_it_is_cannot_be_validated(served: Served, body: bytes) -> None:
    answer = requests.post(f"{served.base}/Patient/$validate", data=body, headers=FHIR_JSON, timeout=30)
    assert answer.status_code == 400
