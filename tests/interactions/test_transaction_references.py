"""transaction: references between entries, conditional references.

Source: FHIR R4, RESTful API, "Transaction Processing Rules", "Conditional References"; Bundle, "Resolving references in
Bundles".
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_gateway.fhir.json import encode
from tests.interactions.desk import BASE, SYSTEM, Desk, Refused, bundle, by, entry, observation, patient, statuses

ONE = "urn:uuid:00000000-0000-0000-0000-000000000001"
TWO = "urn:uuid:00000000-0000-0000-0000-000000000002"
OID = "urn:oid:1.2.840.1"


def linked(*others: str, id: str | None = None, value: str | None = None) -> dict[str, Any]:
    return patient(id, value, link=[{"other": {"reference": other}, "type": "refer"} for other in others])


def links_of(resource: dict[str, Any]) -> list[str]:
    return [link["other"]["reference"] for link in resource["link"]]


def test_references_between_entries_become_those_of_the_resources_here_also_in_a_circle(desk: Desk) -> None:
    desk.transact(entry("POST", "Patient", linked(TWO), ONE), entry("POST", "Patient", linked(ONE, TWO), TWO))
    assert links_of(desk.get("Patient/id-1")) == ["Patient/id-2"]
    assert links_of(desk.get("Patient/id-2")) == ["Patient/id-1", "Patient/id-2"]
    assert [each["resource"]["id"] for each in desk.get("Patient?link=Patient/id-1")["entry"]] == ["id-2"]


def test_a_full_url_may_be_an_oid_or_a_url_and_its_entry_an_update(desk: Desk) -> None:
    elsewhere = "http://elsewhere.test/fhir/Patient/77"
    desk.transact(
        entry("POST", "Observation", observation(OID)),
        entry("POST", "Patient", patient(), OID),
        entry("PUT", "Observation/o", observation(elsewhere, "o")),
        entry("PUT", "Patient/mine", patient("mine"), elsewhere),
    )
    assert desk.get("Observation/id-1")["subject"] == {"reference": "Patient/id-2"}
    assert desk.get("Observation/o")["subject"] == {"reference": "Patient/mine"}


def test_every_type_the_standard_names_is_rewritten_and_canonicals_are_not(desk: Desk) -> None:
    narrative = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{ONE}">x</a><img src=\'{TWO}\'/>{ONE}</div>'
    http = "http://elsewhere.test/fhir/Binary/b"
    sent = {
        "resourceType": "Basic",
        "code": {"text": ONE},
        "text": {"status": "generated", "div": narrative},
        "subject": {"reference": ONE},
        "contained": [{"resourceType": "Basic", "id": "c", "code": {"text": "x"}, "subject": {"reference": ONE}}],
        "extension": [
            {"url": "http://example.org/uri", "valueUri": ONE},
            {"url": "http://example.org/url", "valueUrl": http},
            {"url": "http://example.org/uuid", "valueUuid": ONE},
            {"url": "http://example.org/oid", "valueOid": OID},
            {"url": "http://example.org/canonical", "valueCanonical": ONE},
            {"url": "http://example.org/string", "valueString": ONE},
            {"url": "http://example.org/attachment", "valueAttachment": {"url": http}},
            {"url": "http://example.org/reference", "valueReference": {"reference": TWO}},
        ],
    }
    desk.transact(
        entry("PUT", "Basic/z", {**sent, "id": "z"}),
        entry("POST", "Patient", patient(), ONE),
        entry("POST", "Patient", patient(), TWO),
        entry("POST", "Patient", patient(), OID),
        entry("PUT", "Binary/b", {"resourceType": "Binary", "id": "b", "contentType": "text/plain"}, http),
    )
    stored = desk.get("Basic/z")
    assert stored["extension"] == [
        {"url": "http://example.org/uri", "valueUri": "Patient/id-1"},
        {"url": "http://example.org/url", "valueUrl": "Binary/b"},
        {"url": "http://example.org/uuid", "valueUuid": "Patient/id-1"},
        {"url": "http://example.org/oid", "valueOid": "Patient/id-3"},
        {"url": "http://example.org/canonical", "valueCanonical": ONE},
        {"url": "http://example.org/string", "valueString": ONE},
        {"url": "http://example.org/attachment", "valueAttachment": {"url": "Binary/b"}},
        {"url": "http://example.org/reference", "valueReference": {"reference": "Patient/id-2"}},
    ]
    assert '<a href="Patient/id-1">x</a>' in stored["text"]["div"]
    assert 'src="Patient/id-2"' in stored["text"]["div"]
    assert f"{ONE}</div>" in stored["text"]["div"]
    assert stored["subject"] == stored["contained"][0]["subject"] == {"reference": "Patient/id-1"}
    assert stored["code"] == {"text": ONE}


def test_a_reference_to_a_version_stays_one_and_names_the_version_written(desk: Desk) -> None:
    desk.put(patient("mine"))
    desk.put(patient("mine", active=True))
    desk.transact(
        entry("POST", "Patient", linked(f"{ONE}/_history/7", f"{TWO}/_history/x", f"{ONE}#part")),
        entry("POST", "Patient", patient(), ONE),
        entry("PUT", "Patient/mine", patient("mine", active=False), TWO),
    )
    assert links_of(desk.get("Patient/id-1")) == [
        "Patient/id-2/_history/1", "Patient/mine/_history/3", "Patient/id-2#part",
    ]  # fmt: skip
    assert desk.versions("Patient", "id-1") == ["1"]


def test_a_reference_to_the_version_of_what_did_not_change_names_the_present_one(desk: Desk) -> None:
    desk.put(patient("mine"))
    desk.put(patient("mine", active=True))
    for _ in range(2):
        desk.transact(
            entry("PUT", "Patient/other", linked(f"{TWO}/_history/1", id="other")),
            entry("PUT", "Patient/mine", patient("mine", active=True), TWO),
        )
        assert links_of(desk.get("Patient/other")) == ["Patient/mine/_history/2"]
    assert desk.versions("Patient", "mine") == ["1", "2"]


def test_a_relative_reference_starts_from_the_full_url_of_its_entry(desk: Desk) -> None:
    desk.put(patient("1"))
    desk.transact(
        entry("POST", "Observation", observation("Patient/1"), "http://elsewhere.test/fhir/Observation/1"),
        entry("POST", "Observation", observation("Patient/1/_history/4"), "http://elsewhere.test/fhir/Observation/2"),
        entry("POST", "Observation", observation("Patient/1"), "http://third.test/Observation/3"),
        entry("POST", "Observation", observation("Patient/1"), ONE),
        entry("POST", "Patient", patient(), "http://elsewhere.test/fhir/Patient/1"),
    )
    subjects = [desk.get(f"Observation/id-{number}")["subject"]["reference"] for number in (1, 2, 3, 4)]
    assert subjects == ["Patient/id-5", "Patient/id-5/_history/1", "Patient/1", "Patient/1"]


def test_references_to_resources_outside_the_bundle_are_left_as_they_are(desk: Desk) -> None:
    desk.put(patient("here"))
    references = ["Patient/here", f"{BASE}/Patient/here", "http://elsewhere.test/Patient/1"]
    desk.transact(entry("POST", "Patient", linked(*references)))
    assert links_of(desk.get("Patient/id-1")) == references


def test_urns_without_an_entry_are_refused_with_each_place(desk: Desk) -> None:
    refused = desk.transaction_refused(
        entry("POST", "Patient", linked(ONE, TWO), ONE),
        entry("PUT", "Observation/o", observation(OID, "o", identifier=[{"system": OID, "value": TWO}])),
    )
    assert refused == Refused(
        422,
        (
            ("reference-unresolved", "Bundle.entry[0].resource.link[1].other"),
            ("reference-unresolved", "Bundle.entry[1].resource.subject"),
        ),
    )


def test_a_reference_to_an_entry_whose_condition_found_something_names_what_was_found(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    desk.put(patient("other", "2"))
    desk.transact(
        entry("POST", "Patient", patient(value="1"), ONE, ifNoneExist=by("1")),
        entry("PUT", f"Patient?{by('2')}", patient(value="2", active=True), TWO),
        entry("POST", "Patient", linked(ONE, TWO)),
    )
    # An id was kept ready for each of the three.
    assert links_of(desk.get("Patient/id-3")) == ["Patient/there", "Patient/other"]


def test_a_patch_may_refer_to_entries_too(desk: Desk) -> None:
    desk.put(patient("a"))
    operations = [{"op": "add", "path": "/link", "value": linked(ONE)["link"]}]
    data = base64.b64encode(encode(operations)).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    desk.transact(entry("PATCH", "Patient/a", binary), entry("POST", "Patient", patient(), ONE))
    assert links_of(desk.get("Patient/a")) == ["Patient/id-1"]
    operations[0]["value"] = linked(TWO, "Patient/none")["link"]
    binary["data"] = base64.b64encode(encode(operations)).decode()
    refused = desk.transaction_refused(entry("PATCH", "Patient/a", binary))
    assert refused == Refused(422, (("reference-unresolved", "Bundle.entry[0].resource.link[0].other"),))


# Conditional references.


def test_a_conditional_reference_becomes_the_reference_of_its_one_match(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    desk.transact(entry("POST", "Observation", observation(f"Patient?{by('1')}")))
    assert desk.get("Observation/id-1")["subject"] == {"reference": "Patient/there"}
    assert desk.get("Observation?subject=Patient/there")["total"] == 1


def test_a_conditional_reference_may_name_what_the_same_bundle_creates_updates_or_deletes(desk: Desk) -> None:
    desk.put(patient("changed", "old"))
    desk.put(patient("a", "twice"))
    desk.put(patient("b", "twice"))
    desk.transact(
        entry("POST", "Patient", linked(*(f"Patient?{by(value)}" for value in ("new", "now", "twice")))),
        entry("POST", "Patient", patient(value="new")),
        entry("PUT", "Patient/changed", patient("changed", "now")),
        entry("DELETE", "Patient/b"),
    )
    assert links_of(desk.get("Patient/id-1")) == ["Patient/id-2", "Patient/changed", "Patient/a"]
    assert desk.versions("Patient", "id-1") == ["1"]
    # The index says so too.
    assert desk.get("Patient?link=Patient/id-2")["total"] == 1


def test_conditional_references_without_one_match_refuse_the_whole_with_place_and_query(desk: Desk) -> None:
    desk.put(patient("a", "twice"))
    desk.put(patient("b", "twice"))
    performers = [{"reference": f"Patient?{by('twice')}"}]
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient()),
        entry("POST", "Observation", observation(f"Patient?{by('none')}")),
        entry("POST", "Observation", observation(f"Patient?{by('none')}", performer=performers)),
    )
    assert refused == Refused(
        422,
        (
            ("conditional-reference-no-match", "Bundle.entry[1].resource.subject"),
            ("conditional-reference-no-match", "Bundle.entry[2].resource.subject"),
            ("conditional-reference-multiple-matches", "Bundle.entry[2].resource.performer[0]"),
        ),
    )
    assert f"Patient?identifier={SYSTEM}|none" in refused.texts[0]
    assert desk.versions("Patient", "id-1") == []


def test_a_match_that_the_same_bundle_deletes_is_none(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    refused = desk.transaction_refused(
        entry("POST", "Observation", observation(f"Patient?{by('1')}")), entry("DELETE", "Patient/a")
    )
    assert refused == Refused(422, (("conditional-reference-no-match", "Bundle.entry[0].resource.subject"),))


def test_references_that_a_patch_leaves_alone_stay_as_they_are_stored(desk: Desk) -> None:
    desk.put(patient("1"))
    desk.put(observation("Patient/1", "o"))
    data = base64.b64encode(b'[{"op":"replace","path":"/status","value":"amended"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    desk.transact(
        entry("PATCH", "Observation/o", binary, "http://elsewhere.test/Observation/o"),
        entry("POST", "Patient", patient(), "http://elsewhere.test/Patient/1"),
    )
    assert desk.get("Observation/o")["subject"] == {"reference": "Patient/1"}


@pytest.mark.parametrize(
    ("reference", "detail"),
    [
        ("Patient?colour=blue", "search-parameter-unknown"),
        ("Patient?identifier=x&_count=1", "criteria-parameter"),
        ("Patient?_include=Patient:link", "criteria-parameter"),
        ("Patiens?identifier=x", "entry-type-unknown"),
        ("Patient?&", "criteria-missing"),
        ("Patient?identifier=%00", "criteria-nul"),
    ],
)
def test_a_conditional_reference_must_be_a_search_that_filters(desk: Desk, reference: str, detail: str) -> None:
    refused = desk.transaction_refused(entry("POST", "Observation", observation(reference)), lenient=True)
    assert refused == Refused(400, ((detail, "Bundle.entry[0].resource.subject"),))


def test_an_update_whose_conditional_reference_says_what_is_stored_makes_no_version(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    sent = entry("PUT", "Observation/o", observation(f"Patient?{by('1')}", "o"))
    assert statuses(desk.transact(sent)) == ["201 Created"]
    assert statuses(desk.transact(sent)) == ["200 OK"]
    assert desk.versions("Observation", "o") == ["1"]


def test_an_update_whose_conditional_reference_comes_to_name_another_makes_a_version(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    sent = entry("PUT", "Observation/o", observation(f"Patient?{by('1')}", "o"))
    desk.transact(sent)
    desk.transact(
        sent, entry("PUT", "Patient/there", patient("there", "2")), entry("PUT", "Patient/new", patient("new", "1"))
    )
    assert desk.get("Observation/o")["subject"] == {"reference": "Patient/new"}
    assert desk.versions("Observation", "o") == ["1", "2"]


def test_a_conditional_reference_in_a_contained_resource_is_one_too(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    inner = {"resourceType": "Observation", "id": "c", "status": "final", "code": {"text": "x"}}
    contained = [{**inner, "subject": {"reference": f"Patient?{by('1')}"}}]
    desk.transact(entry("POST", "Observation", observation("Patient/there", contained=contained)))
    assert desk.get("Observation/id-1")["contained"][0]["subject"] == {"reference": "Patient/there"}


def test_a_batch_does_not_rewrite_references(desk: Desk) -> None:
    answer = desk.ask(
        "POST",
        "",
        bundle(
            entry("POST", "Patient", patient(), ONE),
            entry("POST", "Observation", observation(ONE)),
            entry("POST", "Observation", observation(f"Patient?{by('1')}")),
            type="batch",
        ),
    )
    assert answer.status == 200
    assert desk.get("Observation/id-2")["subject"] == {"reference": ONE}
