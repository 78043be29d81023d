"""A Bundle's entries have identities, and each type of Bundle keeps its own rules.

Source: FHIR R4, Bundle; FHIR Documents; FHIR Messaging; RESTful API, "Search".
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validation.references import EntryProfile
from fhir_gateway.conformance.validation.walk import Wishes
from tests.conformance.validation.judging import errors, judged, told

BASE = "http://server.test/fhir"


def entry(resource, full_url=None, **more):
    url = full_url or f"{BASE}/{resource['resourceType']}/{resource.get('id')}"
    return {"fullUrl": url, "resource": resource, **more}


def patient(id="p", **more):
    return {"resourceType": "Patient", "id": id, **more}


def bundle(*entries, type="collection", **more):
    return {"resourceType": "Bundle", "type": type, **({"entry": [*entries]} if entries else {}), **more}


# --- identities


def test_a_full_url_is_the_url_of_the_resource():
    assert errors(bundle(entry(patient()))) == []
    other = entry(patient(), f"{BASE}/Patient/other")
    assert errors(bundle(other)) == [("bundle-full-url-id", "Bundle.entry[0]")]


def test_a_full_url_of_a_server_asks_for_an_id():
    found = errors(bundle(entry({"resourceType": "Patient"}, f"{BASE}/Patient/p")))
    assert found == [("bundle-full-url-no-id", "Bundle.entry[0]")]
    assert errors(bundle(entry({"resourceType": "Patient"}, "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"))) == []


def test_a_full_url_is_absolute_and_only_transactions_do_without():
    assert ("bundle-full-url-relative", "Bundle.entry[0]") in errors(bundle(entry(patient(), "Patient/p")))
    assert errors(bundle({"resource": patient()})) == [("bundle-full-url", "Bundle.entry[0]")]
    request = {"method": "PUT", "url": "Patient/p"}
    assert errors(bundle({"resource": patient(), "request": request}, type="transaction")) == []


def test_a_canonical_url_is_the_full_url_only_where_it_ends_with_the_id():
    url = "http://definitions.test/vs/colours"
    value_set = {"resourceType": "ValueSet", "id": "colours", "status": "draft", "url": url}
    assert errors(bundle(entry(value_set, url))) == [("bundle-full-url-canonical", "Bundle.entry[0]")]
    restful = {**value_set, "url": f"{BASE}/ValueSet/colours"}
    assert errors(bundle(entry(restful, restful["url"]))) == []


def test_entries_are_held_to_the_profiles_asked_for():
    wishes = Wishes(entry_profiles=(EntryProfile("Patient:1", "http://profiles.test/unknown"),))
    found = errors(bundle(entry(patient("a")), entry(patient("b"))), wishes=wishes)
    assert [place for _, place in found] == ["Bundle.entry[1].resource/*Patient/b*/"]


# --- links


def link(relation, url="http://server.test/fhir?_page=1"):
    return {"relation": relation, "url": url}


def test_pages_belong_to_searches_and_each_link_stands_once():
    paged = bundle(entry(patient(), search={"mode": "match"}), type="searchset", link=[link("next"), link("next")])
    assert errors(paged) == [("bundle-link-twice", "Bundle.link[1]")]
    collected = bundle(entry(patient()), link=[link("next"), link("self"), link("self")])
    places = [("bundle-link", "Bundle.link[0].relation"), ("bundle-link-twice", "Bundle.link[2].relation")]
    assert errors(collected) == places


# --- documents


def composition(**more):
    base = {"resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "date": "2020"}
    return {**base, "author": [{"display": "A"}], "title": "T", **more}


def document(*entries, **more):
    identifier = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}
    return bundle(*entries, type="document", identifier=identifier, timestamp="2020-01-01T00:00:00Z", **more)


def test_a_document_begins_with_a_composition():
    assert errors(document(entry(composition()))) == []
    assert ("bundle-no-entry", "Bundle") in errors(document())
    assert ("bundle-first-composition", "Bundle.entry[0].resource/*Patient/p*/") in errors(document(entry(patient())))


def test_what_a_composition_refers_to_is_in_the_document():
    whole = entry(composition(subject={"reference": "Patient/p"}))
    assert errors(document(whole, entry(patient()))) == []
    place = "Bundle.entry[0].resource/*Composition/c*/.subject"
    assert errors(document(whole)) == [("bundle-reference", place)]


def test_a_section_refers_to_entries_of_the_document():
    sections = [{"title": "S", "section": [{"title": "T", "entry": [{"reference": "Patient/z"}]}]}]
    found = errors(document(entry(composition(section=sections))))
    place = "Bundle.entry[0].resource/*Composition/c*/.section[0].section[0].entry[0]"
    assert found == [("bundle-reference", place)]


def test_an_entry_of_the_same_type_and_id_under_another_base_is_no_match():
    elsewhere = entry(patient(), "http://other.test/fhir/Patient/p")
    found = errors(document(entry(composition(subject={"reference": "Patient/p"})), elsewhere))
    place = "Bundle.entry[0].resource/*Composition/c*/.subject"
    assert ("bundle-reference-apparent", place) in found
    assert ("bundle-unreachable", "Bundle.entry[1]") in found


def test_every_entry_of_a_document_is_reached_forward_or_backward():
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    whole = entry(composition(subject={"reference": "Patient/p"}))
    backward = document(whole, entry(patient()), entry({**observation, "subject": {"reference": "Patient/p"}}))
    assert errors(backward) == []
    assert ("bundle-backward", "Bundle.entry[2]") in told(judged(backward), "warning")
    alone = document(whole, entry(patient()), entry(observation))
    assert errors(alone) == [("bundle-unreachable", "Bundle.entry[2]")]


def test_a_stylesheet_is_in_the_document():
    css = {"resourceType": "Binary", "id": "css", "contentType": "text/css"}
    for url, wrong in (("Binary/css", []), ("Binary/none", [("bundle-stylesheet", "Bundle.link[0].url")])):
        found = errors(document(entry(composition()), entry(css), link=[link("stylesheet", url)]))
        assert [each for each in found if each[0] == "bundle-stylesheet"] == wrong


# --- messages


def test_a_message_begins_with_its_header_and_has_what_that_is_about():
    header = {"resourceType": "MessageHeader", "id": "m", "eventUri": "urn:x:y", "source": {"endpoint": "urn:x:z"}}
    focused = {**header, "focus": [{"reference": "Patient/p"}]}
    assert errors(bundle(entry(focused), entry(patient()), type="message")) == []
    found = errors(bundle(entry(focused), type="message"))
    assert found == [("bundle-reference", "Bundle.entry[0].resource/*MessageHeader/m*/.focus[0]")]
    wrong = errors(bundle(entry(patient()), type="message"))
    assert ("bundle-first-message-header", "Bundle.entry[0].resource/*Patient/p*/") in wrong


def test_an_entry_of_a_message_that_nothing_leads_to_is_a_warning():
    header = {"resourceType": "MessageHeader", "id": "m", "eventUri": "urn:x:y", "source": {"endpoint": "urn:x:z"}}
    findings = judged(bundle(entry(header), entry(patient()), type="message"))
    assert told(findings) == []
    assert ("bundle-unreachable-message", "Bundle.entry[1]") in told(findings, "warning")


# --- searches


def search(*entries):
    return bundle(*entries, type="searchset", link=[link("self", f"{BASE}/Patient?name=x")])


@pytest.mark.parametrize(
    ("resource", "mode", "detail"),
    [
        (patient(), "match", None),
        ({"resourceType": "Group", "id": "g", "type": "person", "actual": True}, "include", None),
        ({"resourceType": "Group", "id": "g", "type": "person", "actual": True}, "match", "searchset-type"),
        (patient(), "outcome", "searchset-outcome"),
    ],
)
def test_results_fit_the_search_and_their_mode(resource, mode, detail):
    found = errors(search(entry(resource, search={"mode": mode})))
    assert [each for each, _ in found] == ([] if detail is None else [detail])


def test_results_have_resources_and_ids():
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    found = errors(search(entry({"resourceType": "Patient"}, urn, search={"mode": "match"})))
    assert found == [("searchset-id", "Bundle.entry[0].resource/*Patient/null*/")]
    empty = {"fullUrl": urn, "search": {"mode": "match"}}
    assert ("searchset-resource", "Bundle.entry[0]") in errors(search(empty))
