"""Every interaction and every condition, with requests alone, through a real server process on each engine.

Source: FHIR R4, RESTful API. Each JSON answer must parse in fhir.resources' R4B classes.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import requests

from tests.clients.r4b import parse
from tests.served import Served

JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
SYSTEM = "https://example.org/requests"


class Service(requests.Session):
    """A session whose URLs are relative to the base, and whose answers are all parsed by the witness."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.headers["Accept"] = JSON
        self.hooks["response"].append(lambda answer, **_: parse(answer.json()) if answer.content else None)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        content = options.get("json")
        if content is not None:
            options["headers"] = {"Content-Type": JSON, **options.get("headers", {})}
        address = url if url.startswith("http") else f"{self.base}/{url}".rstrip("/")
        return super().request(method, address, timeout=30, **options)


@pytest.fixture(scope="module")
def fhir(served: Served) -> Iterator[Service]:
    with Service(served.base) as service:
        yield service


def patient(value: str | None = None, **more: Any) -> dict[str, Any]:
    identifier = {"system": SYSTEM, "value": value or uuid4().hex}
    return {"resourceType": "Patient", "identifier": [identifier], "name": [{"family": "Essai"}], **more}


def observation(subject: str) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    quantity = {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": code,
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-01-15",
        "valueQuantity": quantity,
    }


def created(fhir: Service, value: str | None = None, **more: Any) -> dict[str, Any]:
    answer = fhir.post("Patient", json=patient(value, **more))
    assert answer.status_code == 201
    resource: dict[str, Any] = answer.json()
    return resource


def by_identifier(value: str) -> str:
    return f"identifier={SYSTEM}|{value}"


def details(answer: requests.Response) -> list[str]:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]


def transaction(*entries: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **request: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        entry["resource"] = resource
    return entry


# create and read


def test_a_create_tells_where_which_version_and_when(fhir: Service) -> None:
    answer = fhir.post("Patient", json=patient())
    resource = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{fhir.base}/Patient/{resource['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert "Last-Modified" in answer.headers
    assert fhir.get(f"Patient/{resource['id']}").json() == resource


def test_the_text_of_a_number_is_kept(fhir: Service) -> None:
    subject = f"Patient/{created(fhir)['id']}"
    sent = observation(subject)
    text = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}'
    answer = fhir.post("Observation", data=text, headers={"Content-Type": JSON})
    assert answer.status_code == 201
    assert '"value":1.10' in answer.text.replace(" ", "")
    assert '"value":1.10' in fhir.get(f"Observation/{answer.json()['id']}").text.replace(" ", "")
    assert fhir.post("Observation", json=sent).status_code == 201


def test_a_conditional_create_finds_makes_or_refuses(fhir: Service) -> None:
    value = uuid4().hex
    header = {"If-None-Exist": by_identifier(value)}
    first = fhir.post("Patient", json=patient(value), headers=header)
    again = fhir.post("Patient", json=patient(value), headers=header)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    created(fhir, value)
    assert fhir.post("Patient", json=patient(value), headers=header).status_code == 412


def test_a_conditional_read_answers_304_while_nothing_changed(fhir: Service) -> None:
    resource = created(fhir)
    url = f"Patient/{resource['id']}"
    read = fhir.get(url)
    same = {"If-None-Match": read.headers["ETag"]}
    unmodified = {"If-Modified-Since": read.headers["Last-Modified"]}
    assert fhir.get(url, headers=same).status_code == 304
    assert fhir.get(url, headers=unmodified).status_code == 304
    fhir.put(url, json={**resource, "active": True})
    assert fhir.get(url, headers=same).status_code == 200


def test_what_never_was_is_404_and_what_was_deleted_410(fhir: Service) -> None:
    resource = created(fhir)
    assert fhir.get(f"Patient/{uuid4()}").status_code == 404
    assert fhir.delete(f"Patient/{resource['id']}").status_code in (200, 204)
    assert fhir.get(f"Patient/{resource['id']}").status_code == 410
    assert fhir.get(f"Patient/{resource['id']}/_history/1").json() == resource


def test_xml_and_json_are_the_same_resource(fhir: Service) -> None:
    resource = created(fhir)
    url = f"{fhir.base}/Patient/{resource['id']}"
    xml = requests.get(url, headers={"Accept": "application/fhir+xml"}, timeout=30)
    assert xml.headers["Content-Type"].startswith("application/fhir+xml")
    answer = requests.put(
        url,
        data=xml.content,
        headers={"Content-Type": "application/fhir+xml", "Accept": JSON},
        timeout=30,
    )
    assert answer.status_code == 200
    assert answer.json() == resource  # the same content makes no new version


# update


def test_an_update_may_create(fhir: Service) -> None:
    id = str(uuid4())
    assert fhir.put(f"Patient/{id}", json=patient(id=id)).status_code == 201
    assert fhir.get(f"Patient/{id}").json()["meta"]["versionId"] == "1"


def test_an_update_that_changes_nothing_makes_no_version(fhir: Service) -> None:
    resource = created(fhir)
    again = fhir.put(f"Patient/{resource['id']}", json=resource)
    assert (again.status_code, again.json()) == (200, resource)


def test_an_update_from_a_stale_version_is_refused_with_412(fhir: Service) -> None:
    resource = created(fhir)
    url = f"Patient/{resource['id']}"
    assert fhir.put(url, json={**resource, "gender": "male"}, headers={"If-Match": 'W/"1"'}).status_code == 200
    assert fhir.put(url, json={**resource, "gender": "other"}, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert fhir.get(url).json()["gender"] == "male"


def test_a_conditional_update_creates_updates_or_refuses(fhir: Service) -> None:
    value = uuid4().hex
    url = f"Patient?{by_identifier(value)}"
    first = fhir.put(url, json=patient(value))
    second = fhir.put(url, json=patient(value, active=True))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["meta"]["versionId"] == "2"
    created(fhir, value)
    assert fhir.put(url, json=patient(value)).status_code == 412


# patch


def test_a_json_patch_changes_what_it_names(fhir: Service) -> None:
    resource = created(fhir)
    operations = [
        {"op": "test", "path": "/name/0/family", "value": "Essai"},
        {"op": "add", "path": "/birthDate", "value": "1990-01-02"},
    ]
    answer = fhir.patch(f"Patient/{resource['id']}", json=operations, headers={"Content-Type": JSON_PATCH})
    assert answer.status_code == 200
    assert answer.json()["birthDate"] == "1990-01-02"
    assert answer.json()["meta"]["versionId"] == "2"


def test_a_conditional_patch_and_a_stale_one(fhir: Service) -> None:
    value = uuid4().hex
    created(fhir, value)
    operations = [{"op": "add", "path": "/active", "value": True}]
    headers = {"Content-Type": JSON_PATCH, "If-Match": 'W/"1"'}
    url = f"Patient?{by_identifier(value)}"
    assert fhir.patch(url, json=operations, headers=headers).status_code == 200
    assert fhir.patch(url, json=operations, headers=headers).status_code == 412
    assert fhir.patch(f"Patient?{by_identifier('none')}", json=operations, headers=headers).status_code == 404


def test_a_plain_json_patch_is_refused_with_415_that_names_the_types_taken(fhir: Service) -> None:
    url = f"Patient/{created(fhir)['id']}"
    answer = fhir.patch(url, json={"active": True}, headers={"Content-Type": "application/json"})
    assert answer.status_code == 415
    assert JSON_PATCH in answer.json()["issue"][0]["diagnostics"]


# delete


def test_a_delete_is_idempotent(fhir: Service) -> None:
    url = f"Patient/{created(fhir)['id']}"
    assert [fhir.delete(url).status_code // 100 for _ in range(3)] == [2, 2, 2]


def test_a_conditional_delete_of_one_and_of_many(fhir: Service) -> None:
    value = uuid4().hex
    ids = [created(fhir, value)["id"] for _ in range(2)]
    assert fhir.delete(f"Patient?{by_identifier(value)}").status_code in (200, 204)
    assert [fhir.get(f"Patient/{id}").status_code for id in ids] == [410, 410]


def test_what_is_referred_to_cannot_be_deleted(fhir: Service) -> None:
    resource = created(fhir)
    referring = fhir.post("Observation", json=observation(f"Patient/{resource['id']}")).json()
    refused = fhir.delete(f"Patient/{resource['id']}")
    assert refused.status_code == 409
    assert f"Observation/{referring['id']}" in refused.text


def test_a_reference_to_nothing_is_refused(fhir: Service) -> None:
    answer = fhir.post("Observation", json=observation(f"Patient/{uuid4()}"))
    assert answer.status_code // 100 == 4
    assert answer.json()["issue"][0]["expression"] == ["Observation.subject"]


# search


def test_a_search_in_pages_finds_each_match_once(fhir: Service) -> None:
    family = f"Pages{uuid4().hex}"
    expected = {created(fhir, name=[{"family": family}])["id"] for _ in range(10)}
    page = fhir.get("Patient", params={"family": family, "_count": "3"}).json()
    found = []
    while True:
        assert len(page["entry"]) <= 3
        found += [one["resource"]["id"] for one in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = fhir.get(following[0]).json()
    assert len(found) == 10
    assert set(found) == expected


@pytest.mark.parametrize(
    "criteria",
    [
        "identifier=" + SYSTEM + "|{value}",
        "identifier={value}",
        "family:exact=Essai&identifier={value}",
        "birthdate=1991-05&identifier={value}",
        "_id={id}",
        "_id={id}&_lastUpdated=ge2020-01-01",
    ],
)
def test_a_resource_is_found_by(fhir: Service, criteria: str) -> None:
    value = uuid4().hex
    resource = created(fhir, value, birthDate="1991-05-17")
    page = fhir.get("Patient?" + criteria.format(value=value, id=resource["id"])).json()
    assert [one["resource"] for one in page["entry"]] == [resource]


def test_a_search_by_post_is_the_same_search(fhir: Service) -> None:
    value = uuid4().hex
    resource = created(fhir, value)
    page = fhir.post("Patient/_search", data={"identifier": f"{SYSTEM}|{value}"}).json()
    assert [one["resource"]["id"] for one in page["entry"]] == [resource["id"]]


def test_included_resources_are_marked_as_such(fhir: Service) -> None:
    subject = f"Patient/{created(fhir)['id']}"
    fhir.post("Observation", json=observation(subject))
    page = fhir.get("Observation", params={"subject": subject, "_include": "Observation:subject"}).json()
    assert [one["search"]["mode"] for one in page["entry"]] == ["match", "include"]


def test_an_unknown_parameter_is_refused_and_overlooked_when_asked_to(fhir: Service) -> None:
    assert fhir.get("Patient?colour=blue").status_code == 400
    lenient = fhir.get("Patient?colour=blue&_id=none", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    own = next(link["url"] for link in lenient.json()["link"] if link["relation"] == "self")
    assert "colour" not in own


# history


def test_a_history_at_three_levels_tells_every_version_and_deletion(fhir: Service) -> None:
    before = created(fhir)["meta"]["lastUpdated"]
    resource = created(fhir)
    fhir.put(f"Patient/{resource['id']}", json={**resource, "active": True})
    fhir.delete(f"Patient/{resource['id']}")
    for url in (f"Patient/{resource['id']}/_history", "Patient/_history", "_history"):
        page = fhir.get(url, params={"_since": before}).json()
        methods = [one["request"]["method"] for one in page["entry"] if resource["id"] in one["fullUrl"]]
        assert methods == ["DELETE", "PUT", "POST"], url


def test_a_history_in_pages_tells_each_version_once(fhir: Service) -> None:
    resource = created(fhir)
    for gender in ("male", "female", "other", "unknown"):
        fhir.put(f"Patient/{resource['id']}", json={**resource, "gender": gender})
    page = fhir.get(f"Patient/{resource['id']}/_history?_count=2").json()
    versions = []
    while True:
        versions += [one["resource"]["meta"]["versionId"] for one in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = fhir.get(following[0]).json()
    assert versions == ["5", "4", "3", "2", "1"]


# batch and transaction


def test_a_transaction_rewrites_its_references(fhir: Service) -> None:
    full_url = f"urn:uuid:{uuid4()}"
    bundle = transaction(
        {**entry("POST", "Observation", observation(full_url))},
        {"fullUrl": full_url, **entry("POST", "Patient", patient())},
    )
    answer = fhir.post("", json=bundle)
    assert answer.status_code == 200
    first, second = (one["response"] for one in answer.json()["entry"])
    assert (first["status"][:3], second["status"][:3]) == ("201", "201")
    where = first["location"].split("/_history")[0]
    subject = fhir.get(where).json()["subject"]["reference"]
    assert second["location"].split("/_history")[0].endswith(subject)


def test_a_transaction_that_fails_leaves_nothing(fhir: Service) -> None:
    value = uuid4().hex
    bundle = transaction(
        entry("POST", "Patient", patient(value)), entry("PUT", f"Patient/{uuid4()}", patient(), ifMatch='W/"7"')
    )
    answer = fhir.post("", json=bundle)
    assert answer.status_code // 100 == 4
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "entry" not in fhir.get(f"Patient?{by_identifier(value)}").json()


def test_a_transaction_takes_every_verb_and_condition(fhir: Service) -> None:
    kept, patched, removed = created(fhir), created(fhir), created(fhir)
    value = uuid4().hex
    new = str(uuid4())
    binary = {
        "resourceType": "Binary",
        "contentType": JSON_PATCH,
        "data": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0=",  # add /active true
    }
    bundle = transaction(
        entry("GET", f"Patient/{kept['id']}"),
        entry("PATCH", f"Patient/{patched['id']}", binary),
        entry("PUT", f"Patient/{new}", patient(id=new)),
        entry("POST", "Patient", patient(value), ifNoneExist=by_identifier(value)),
        entry("DELETE", f"Patient/{removed['id']}"),
    )
    answer = fhir.post("", json=bundle)
    assert answer.status_code == 200, answer.text
    statuses = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert statuses == ["200", "200", "201", "201", "204"]
    assert fhir.get(f"Patient/{patched['id']}").json()["active"] is True
    assert fhir.get(f"Patient/{removed['id']}").status_code == 410


def test_in_a_batch_each_entry_stands_alone(fhir: Service) -> None:
    bundle = transaction(
        entry("POST", "Patient", patient()), entry("GET", f"Patient/{uuid4()}"), entry("GET", "Patient?colour=blue")
    )
    answer = fhir.post("", json={**bundle, "type": "batch"})
    assert answer.status_code == 200
    assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["201", "404", "400"]


# the rest


def test_the_capability_statement_tells_the_version_and_the_formats(fhir: Service) -> None:
    statement = fhir.get("metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    assert {JSON, "application/fhir+xml"} <= {*statement["format"]} | {
        f"application/fhir+{format}" for format in statement["format"]
    }


def test_prefer_decides_what_comes_back(fhir: Service) -> None:
    minimal = fhir.post("Patient", json=patient(), headers={"Prefer": "return=minimal"})
    outcome = fhir.post("Patient", json=patient(), headers={"Prefer": "return=OperationOutcome"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert outcome.json()["resourceType"] == "OperationOutcome"


def test_a_refusal_speaks_french_when_asked_to(fhir: Service) -> None:
    english = fhir.get(f"Patient/{uuid4()}", headers={"Accept-Language": "en"})
    french = fhir.get(f"Patient/{uuid4()}", headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
    texts = [answer.json()["issue"][0]["details"]["text"] for answer in (english, french)]
    assert texts[0] != texts[1]
    assert details(english) == details(french)


def test_all_that_is_wrong_with_a_resource_is_said_at_once(fhir: Service) -> None:
    answer = fhir.post("Patient", json={"resourceType": "Patient", "gender": [], "colour": "blue", "active": "yes"})
    assert answer.status_code == 400
    issues = answer.json()["issue"]
    assert {"Patient.gender", "Patient.active"} <= {issue["expression"][0] for issue in issues}
    assert [issue for issue in issues if "colour" in issue["diagnostics"]]


def test_a_request_id_comes_back(fhir: Service) -> None:
    answer = fhir.get("metadata", headers={"X-Request-ID": "order-42"})
    assert answer.headers["X-Request-ID"] == "order-42"


def test_gzip_is_taken_and_given(fhir: Service) -> None:
    body = gzip.compress(msgspec.json.encode(patient()))
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    assert fhir.post("Patient", data=body, headers=headers).status_code == 201
    assert fhir.get("metadata").headers["Content-Encoding"] == "gzip"


def test_last_updated_finds_what_came_after(fhir: Service) -> None:
    value = uuid4().hex
    first = created(fhir, value)
    time.sleep(0.01)
    second = created(fhir, value)
    page = fhir.get(f"Patient?{by_identifier(value)}&_lastUpdated=gt{first['meta']['lastUpdated']}").json()
    assert [one["resource"]["id"] for one in page["entry"]] == [second["id"]]
