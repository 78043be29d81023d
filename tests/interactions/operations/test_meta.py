"""$meta, $meta-add, $meta-delete.

Source: FHIR R4, Resource Operations, "meta", "meta-add", "meta-delete".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import Desk, Refused, bundle, entry, observation, patient

TAG = {"system": "urn:tags", "code": "t1", "display": "one"}
OTHER_TAG = {"system": "urn:tags", "code": "t2"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://example.org/StructureDefinition/p"


def meta_of(desk: Desk, url: str) -> Any:
    answer = desk.get(url)
    assert answer["resourceType"] == "Parameters"
    if "parameter" not in answer:
        return None
    (parameter,) = answer["parameter"]
    assert parameter["name"] == "return"
    return parameter["valueMeta"]


def changed(desk: Desk, url: str, **meta: Any) -> Any:
    sent = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    answer = decode(desk.ask("POST", url, sent).body or b"")
    return answer["parameter"][0]["valueMeta"]


def test_the_meta_of_a_resource_is_that_of_a_read(desk: Desk) -> None:
    stored = desk.put(patient("a", meta={"tag": [TAG], "profile": [PROFILE]}))
    assert meta_of(desk, "Patient/a/$meta") == stored["meta"]
    assert stored["meta"]["tag"] == [TAG]


def test_the_meta_of_a_version_is_that_of_a_vread(desk: Desk) -> None:
    first = desk.put(patient("a", meta={"tag": [TAG]}))
    desk.put(patient("a", meta={"tag": [OTHER_TAG]}))
    assert meta_of(desk, "Patient/a/_history/1/$meta") == first["meta"]
    assert desk.refused("GET", "Patient/a/_history/3/$meta").status == 404


def test_a_resource_that_is_not_there_has_no_meta(desk: Desk) -> None:
    assert desk.refused("GET", "Patient/a/$meta").status == 404
    desk.put(patient("a"))
    desk.ask("DELETE", "Patient/a")
    assert desk.refused("GET", "Patient/a/$meta").status == 410


def test_a_condition_about_the_resource_says_nothing_about_its_meta(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.ask("GET", "Patient/a/$meta", if_none_match='W/"1"').status == 200


def test_the_meta_of_a_type_and_of_all_is_what_is_in_use(desk: Desk) -> None:
    assert meta_of(desk, "$meta") is None
    for number in range(5):
        desk.put(patient(f"p{number}", meta={"tag": [TAG], "profile": [PROFILE]}))
    desk.put(patient("q", meta={"tag": [{"code": "bare"}, {**TAG, "display": "another"}], "security": [LABEL]}))
    desk.put(observation("Patient/q", "o", meta={"tag": [OTHER_TAG]}))
    desk.put(patient("gone", meta={"tag": [{"system": "urn:tags", "code": "gone"}]}))
    desk.ask("DELETE", "Patient/gone")
    of_patients = {"profile": [PROFILE], "security": [LABEL], "tag": [{"code": "bare"}, TAG]}
    assert meta_of(desk, "Patient/$meta") == of_patients
    assert meta_of(desk, "Observation/$meta") == {"tag": [OTHER_TAG]}
    assert meta_of(desk, "$meta") == {**of_patients, "tag": [{"code": "bare"}, TAG, OTHER_TAG]}
    assert meta_of(desk, "Encounter/$meta") is None


def test_a_summary_reads_one_resource_for_each_value_and_not_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        desk.put(patient(f"p{number}", meta={"tag": [TAG]}))
    monkeypatch.setattr("fhir_gateway.interactions.operations.meta.LABELS", 3)
    assert meta_of(desk, "Patient/$meta") == {"tag": [TAG]}
    for number in range(4):
        desk.put(patient(f"q{number}", meta={"tag": [{"code": f"c{number}"}]}))
    assert desk.refused("GET", "Patient/$meta") == Refused(403, (("too-many-labels", None),))


def test_what_is_added_makes_a_version_and_is_found_by_it(desk: Desk) -> None:
    desk.put(patient("a", meta={"tag": [TAG]}))
    now = changed(desk, "Patient/a/$meta-add", tag=[OTHER_TAG], security=[LABEL], profile=[PROFILE])
    assert now == desk.get("Patient/a")["meta"]
    assert (now["versionId"], now["tag"], now["security"], now["profile"]) == (
        "2", [TAG, OTHER_TAG], [LABEL], [PROFILE],
    )  # fmt: skip
    assert desk.get("Patient/a/_history/1")["meta"]["tag"] == [TAG]
    assert desk.get("Patient?_tag=urn:tags|t2")["entry"][0]["resource"]["id"] == "a"


def test_a_tag_is_the_same_by_system_and_code_whatever_its_version_and_display(desk: Desk) -> None:
    desk.put(patient("a", meta={"tag": [TAG]}))
    now = changed(desk, "Patient/a/$meta-add", tag=[{**TAG, "display": "eins", "version": "2"}])
    assert (now["versionId"], now["tag"]) == ("1", [TAG])  # nothing changed, so no version was made
    now = changed(desk, "Patient/a/$meta-delete", tag=[{**TAG, "display": "eins", "version": "2"}])
    assert (now["versionId"], "tag" in now) == ("2", False)


def test_what_is_not_there_is_no_error_to_take_away(desk: Desk) -> None:
    desk.put(patient("a", meta={"tag": [TAG], "profile": [PROFILE]}))
    now = changed(desk, "Patient/a/$meta-delete", tag=[{"code": "t1"}], security=[LABEL], profile=[PROFILE])
    assert now["tag"] == [TAG]
    assert "profile" not in now
    assert "total" in desk.get(f"Patient?_profile={PROFILE}&_total=accurate")
    assert desk.get(f"Patient?_profile={PROFILE}&_total=accurate")["total"] == 0


def test_extensions_of_profiles_stay_with_their_profiles(desk: Desk) -> None:
    extension = {"extension": [{"url": "http://example.org/x", "valueCode": "y"}]}
    sent = {"profile": [PROFILE, "http://example.org/q"], "_profile": [None, extension]}
    desk.put(patient("a", meta=sent))
    now = changed(desk, "Patient/a/$meta-add", profile=["http://example.org/r"])
    assert now["_profile"] == [None, extension, None]
    now = changed(desk, "Patient/a/$meta-delete", profile=[PROFILE])
    assert (now["profile"], now["_profile"]) == (["http://example.org/q", "http://example.org/r"], [extension, None])
    now = changed(desk, "Patient/a/$meta-delete", profile=["http://example.org/q"])
    assert (now["profile"], "_profile" in now) == (["http://example.org/r"], False)


def test_a_change_of_meta_needs_post_and_a_meta(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.refused("GET", "Patient/a/$meta-add") == Refused(405, (("operation-needs-post", None),))
    assert desk.refused("POST", "Patient/a/$meta-add") == Refused(400, (("operation-input-missing", None),))
    sent = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]}
    assert desk.refused("POST", "Patient/a/$meta-add", sent) == Refused(
        400, (("operation-input-value", "Parameters.parameter[0]"),)
    )
    assert desk.refused("POST", "Patient/a/$meta-add?meta=x").issues == (("operation-input-in-url", None),)


def test_a_change_of_meta_heeds_if_match(desk: Desk) -> None:
    desk.put(patient("a"))
    sent = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [TAG]}}]}
    assert desk.refused("POST", "Patient/a/$meta-add", sent, if_match='W/"2"').status == 412
    assert desk.refused("POST", "Patient/a/$meta-add", sent, if_match="?").status == 400
    assert desk.ask("POST", "Patient/a/$meta-add", sent, if_match='W/"1"').status == 200
    assert desk.refused("POST", "Patient/b/$meta-add", sent).status == 404


def test_a_batch_may_change_meta_and_a_transaction_may_not(desk: Desk) -> None:
    desk.put(patient("a"))
    sent = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [TAG]}}]}
    answer = desk.ask("POST", "", bundle(entry("POST", "Patient/a/$meta-add", sent), type="batch"))
    assert decode(answer.body or b"")["entry"][0]["response"]["status"] == "200 OK"
    assert desk.get("Patient/a")["meta"]["tag"] == [TAG]
    assert desk.transaction_refused(entry("POST", "Patient/a/$meta-delete", sent)) == Refused(
        405, (("operation-not-in-transaction", "Bundle.entry[0].request.url"),)
    )
    response = desk.transact(entry("PUT", "Patient/b", patient("b")), entry("GET", "Patient/b/$meta"))
    assert response["entry"][1]["resource"]["parameter"][0]["valueMeta"]["versionId"] == "1"
