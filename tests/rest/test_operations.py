"""Operations and compartments through the real door: methods, headers, representations.

Source: FHIR R4, Operations, "Executing an Operation"; RESTful API, "Variant Searches"; RFC 9110, 15.5.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import xml
from tests.clients.r4b import parse
from tests.served import Served

JSON, XML = "application/fhir+json", "application/fhir+xml"
TAG = {"system": "urn:tags", "code": "t"}


class Service:
    def __init__(self, base: str, session: requests.Session) -> None:
        self.base = base
        self.session = session

    def call(self, method: str, url: str, body: Any = None, accept: str = JSON) -> requests.Response:
        headers = {"Accept": accept} | ({"Content-Type": JSON} if body is not None else {})
        answer = self.session.request(method, f"{self.base}/{url}", json=body, headers=headers, timeout=30)
        if answer.content and answer.headers["Content-Type"].startswith(JSON):
            parse(answer.json())
        return answer


@pytest.fixture(scope="module")
def fhir(served: Served) -> Iterator[Service]:
    """A gateway with a patient and two observations of it."""
    with requests.Session() as session:
        service = Service(served.base, session)
        assert service.call("PUT", "Patient/p", {"resourceType": "Patient", "id": "p"}).status_code == 201
        for number in range(2):
            observation = {
                "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "x"},
                "subject": {"reference": "Patient/p"},
            }  # fmt: skip
            assert service.call("PUT", f"Observation/o{number}", observation).status_code == 201
        yield service


def test_a_record_comes_in_both_representations_and_its_links_keep_them(fhir: Service) -> None:
    page = fhir.call("GET", "Patient/p/$everything?_count=1&_format=json").json()
    (following,) = [each["url"] for each in page["link"] if each["relation"] == "next"]
    assert "_format=json" in following
    assert requests.get(following, timeout=30).json()["entry"][0]["resource"]["id"] == "o0"
    written = fhir.call("GET", "Patient/p/$everything", accept=XML)
    assert written.headers["Content-Type"].startswith(XML)
    read, issues = xml.read(written.content, definitions().types)
    assert issues == []
    assert len(read["entry"]) == 3


def test_what_changes_something_is_refused_by_get_with_the_methods_that_are_possible(fhir: Service) -> None:
    refused = fhir.call("GET", "Patient/p/$purge")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    assert fhir.call("DELETE", "Patient/p/$meta").status_code == 405
    assert fhir.call("GET", "Patient/p/$nothing").status_code == 404


def test_an_operation_takes_a_body_in_xml_and_answers_in_json(fhir: Service) -> None:
    body = (
        '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="meta"/><valueMeta><tag>'
        '<system value="urn:tags"/><code value="t"/></tag></valueMeta></parameter></Parameters>'
    )
    answer = requests.post(
        f"{fhir.base}/Patient/p/$meta-add", body, headers={"Content-Type": XML, "Accept": JSON}, timeout=30
    )
    assert answer.json()["parameter"][0]["valueMeta"]["tag"] == [TAG]
    assert fhir.call("GET", "Patient/$meta").json()["parameter"][0]["valueMeta"] == {"tag": [TAG]}
    assert fhir.call("POST", "Patient/$meta").json() == fhir.call("GET", "Patient/$meta").json()


def test_a_form_searches_a_compartment(fhir: Service) -> None:
    answer = requests.post(f"{fhir.base}/Patient/p/Observation/_search", {"_id": "o1"}, timeout=30)
    assert [each["resource"]["id"] for each in answer.json()["entry"]] == ["o1"]
    assert answer.json()["link"][0]["url"] == f"{fhir.base}/Patient/p/Observation?_id=o1"
    assert len(fhir.call("GET", "Patient/p/*").json()["entry"]) == 3
    assert fhir.call("POST", "Patient/p/Observation", {"resourceType": "Observation"}).status_code == 405


def test_a_search_is_explained_in_both_representations(fhir: Service) -> None:
    said = fhir.call("GET", "Observation/$explain?subject=Patient/p").json()
    assert {"name": "driver", "valueString": "subject"} in said["parameter"]
    written = fhir.call("GET", "Observation/$explain?subject=Patient/p", accept=XML)
    assert xml.read(written.content, definitions().types)[1] == []


def test_what_is_purged_is_gone_at_once_for_reads_too(fhir: Service) -> None:
    fhir.call("PUT", "Patient/gone", {"resourceType": "Patient", "id": "gone"})
    assert fhir.call("GET", "Patient/gone").status_code == 200
    answer = fhir.call("POST", "Patient/gone/$purge")
    assert answer.status_code == 200, answer.text
    assert fhir.call("GET", "Patient/gone").status_code == 404
    assert fhir.call("PUT", "Patient/gone", {"resourceType": "Patient", "id": "gone"}).headers["ETag"] == 'W/"1"'
