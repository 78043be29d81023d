"""References lead to what their element allows: contained, in the same Bundle or Parameters, or elsewhere.

Source: FHIR R4, References; Bundle, "Resolving references in Bundles"; ElementDefinition.type.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validation.references import ReferencePolicy
from fhir_gateway.conformance.validation.walk import Wishes
from tests.conformance.validation.judging import errors, judged, told

BASE = "http://server.test/fhir"
UUIDS = ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:7b0bd8cc-ddb8-4ef5-a7d0-0b1c5b8c5b0b")


def observation(reference=None, **more):
    base = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    return {**base, **({"subject": {"reference": reference}} if reference is not None else {}), **more}


def patient(id="p", **more):
    return {"resourceType": "Patient", "id": id, **more}


def bundle(*entries, type="collection"):
    return {"resourceType": "Bundle", "type": type, "entry": [*entries]}


def entry(resource, full_url=None, **more):
    url = full_url or f"{BASE}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, **more}


# --- contained


def test_a_contained_resource_is_there_and_is_referred_to():
    assert errors(observation("#p", contained=[patient()])) == []
    assert ("reference-contained", "Observation.subject") in errors(observation("#z"))
    assert errors(observation(contained=[patient()])) == [("contained-unused", "Observation.contained[0]/*Patient/p*/")]


def test_a_contained_resource_may_refer_to_its_container():
    linked = patient(link=[{"other": {"reference": "#"}, "type": "seealso"}])
    found = errors({**patient("outer"), "contained": [linked]})
    assert found == []
    assert errors(patient(link=[{"other": {"reference": "#"}, "type": "seealso"}])) == [
        ("invariant", "Patient.link[0].other")
    ]


def test_the_narrative_may_show_a_contained_resource():
    image = {"resourceType": "Binary", "id": "picture", "contentType": "image/gif"}
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><img src="#picture" alt="a picture"/></div>'
    shown = observation(contained=[image], text={"status": "additional", "div": div})
    assert errors(shown) == []


# --- types


def test_a_reference_leads_to_a_type_that_its_element_allows():
    assert errors(observation("Patient/1")) == []
    assert errors(observation("Medication/1")) == [("reference-type-implied", "Observation.subject")]
    medication = {"resourceType": "Medication", "id": "m"}
    assert errors(observation("#m", contained=[medication])) == [("reference-type", "Observation.subject")]


def test_the_type_that_a_reference_names_is_allowed_and_right():
    def named(type, reference):
        return errors(observation(subject={"reference": reference, "type": type}))

    assert named("Patient", "Patient/1") == []
    assert named("http://hl7.org/fhir/StructureDefinition/Patient", "Patient/1") == []
    assert named("Group", "Patient/1") == [("reference-type-other", "Observation.subject")]
    assert ("reference-type-named", "Observation.subject") in named("Medication", "Patient/1")
    assert errors(observation(subject={"type": "Medication", "display": "x"})) == [
        ("reference-type-named", "Observation.subject")
    ]


def test_a_reference_is_written_without_white_space():
    assert ("reference-blank", "Observation.subject") in errors(observation("Patient/1 "))


def test_a_reference_that_says_nothing_is_a_warning():
    found = told(judged(observation(subject={"id": "x"})), "warning")
    assert ("reference-no-display", "Observation.subject") in found


def test_a_conditional_reference_is_a_search():
    assert errors(observation("Patient?identifier=http://a.test|1")) == []
    assert errors(observation("Patient?identifier")) == [("reference-query", "Observation.subject")]


def test_odd_relative_references_are_warned_of_where_references_are_restful():
    wishes = Wishes(assume_rest=True)
    found = told(judged(observation("XXX/_history/1"), wishes=wishes), "warning")
    assert ("reference-suspicious", "Observation.subject") in found
    for sound in ("Patient/1", "Patient/1/_history/2", "http://a.test/x", "#p"):
        found = told(judged(observation(sound), wishes=wishes), "warning")
        assert ("reference-suspicious", "Observation.subject") not in found


# --- outside


def known(reference):
    return {"Patient/1": patient("1"), "Patient/2": {"resourceType": "Medication", "id": "2"}}.get(reference)


@pytest.mark.parametrize(
    ("policy", "reference", "details"),
    [
        (ReferencePolicy.IGNORE, "Patient/3", []),
        (ReferencePolicy.TYPE_IF_EXISTS, "Patient/3", []),
        (ReferencePolicy.TYPE_IF_EXISTS, "Patient/2", ["reference-type"]),
        (ReferencePolicy.EXISTS, "Patient/3", ["reference-unresolved"]),
        (ReferencePolicy.EXISTS, "http://example.org/Patient/3", []),
        (ReferencePolicy.EXISTS_AND_TYPE, "Patient/1", []),
    ],
)
def test_what_is_demanded_of_references_that_lead_outside(policy, reference, details):
    wishes = Wishes(references=policy, resolve=known)
    assert [detail for detail, _ in errors(observation(reference), wishes=wishes)] == details


# --- in Bundles


def test_a_relative_reference_is_completed_by_the_full_url():
    other = bundle(entry(observation("Patient/p")), entry({"resourceType": "Medication", "id": "m"}), entry(patient()))
    assert errors(other) == []
    wrong = bundle(entry(observation(f"{BASE}/Patient/p")), entry(patient(), UUIDS[0]))
    assert errors(wrong) == []


def test_beside_a_urn_a_relative_reference_means_the_urn_of_its_id():
    id = UUIDS[1].removeprefix("urn:uuid:")
    organization = {"resourceType": "Organization", "name": "x"}
    own = {**observation(f"Patient/{id}")}
    found = errors(bundle(entry(own, UUIDS[0]), entry(organization, UUIDS[1])))
    place = "Bundle.entry[0].resource/*Observation/o*/.subject"
    assert ("bundle-match-type", place) in found
    assert errors(bundle(entry(own, UUIDS[0]), entry({"resourceType": "Patient"}, UUIDS[1]))) == []


def test_the_type_of_what_an_entry_refers_to_is_checked():
    medication = {"resourceType": "Medication"}
    found = errors(bundle(entry(observation(UUIDS[1]), UUIDS[0]), entry(medication, UUIDS[1])))
    assert found == [("reference-type", "Bundle.entry[0].resource/*Observation/o*/.subject")]


def test_a_version_leads_to_the_entry_of_that_version():
    versions = [entry(patient(meta={"versionId": each}, active=each == "1")) for each in ("1", "2")]
    one = bundle(entry(observation(f"{BASE}/Patient/p/_history/2")), *versions)
    assert errors(one) == []
    any_version = bundle(entry(observation(f"{BASE}/Patient/p")), *versions)
    place = "Bundle.entry[0].resource/*Observation/o*/.subject"
    assert errors(any_version) == [("bundle-matches", place)]


def test_a_urn_that_no_entry_has_is_a_warning():
    findings = judged(bundle(entry(observation(UUIDS[1]))))
    assert told(findings) == []
    assert ("bundle-urn", "Bundle.entry[0].resource/*Observation/o*/.subject") in told(findings, "warning")


def test_an_entry_that_might_be_meant_is_named():
    findings = judged(bundle(entry(observation("Patient/p")), entry(patient(), "http://other.test/fhir/Patient/p")))
    assert told(findings) == []
    found = told(findings, "warning")
    assert ("bundle-possible-match", "Bundle.entry[0].resource/*Observation/o*/.subject") in found


def test_a_relative_reference_needs_the_full_url_of_its_entry():
    found = errors(bundle({"resource": observation("Patient/p")}))
    place = "Bundle.entry[0].resource/*Observation/o*/.subject"
    assert ("bundle-relative", place) in found
    request = {"method": "POST", "url": "Observation"}
    findings = judged(bundle({"resource": observation("Patient/p"), "request": request}, type="transaction"))
    assert told(findings) == []
    assert ("bundle-relative-server", place) in told(findings, "warning")


def test_a_relative_reference_in_a_bundle_has_the_form_of_one():
    found = errors(bundle(entry(observation("a/Patient/p"))))
    assert ("bundle-reference-form", "Bundle.entry[0].resource/*Observation/o*/.subject") in found
    request = {"method": "POST", "url": "Observation"}
    conditional = bundle(entry(observation("Patient?identifier=1"), request=request), type="transaction")
    assert errors(conditional) == []


def test_references_are_resolved_in_the_inner_bundle_of_a_bundle():
    inner = {
        **bundle(entry(observation(UUIDS[1]), UUIDS[0]), entry({"resourceType": "Medication"}, UUIDS[1])),
        "id": "b",
    }
    place = "Bundle.entry[0].resource/*Bundle/b*/.entry[0].resource/*Observation/o*/.subject"
    assert errors(bundle(entry(inner))) == [("reference-type", place)]


def test_parameters_hold_what_their_resources_refer_to():
    parts = [{"name": "a", "resource": patient()}, {"name": "b", "resource": observation("Patient/p")}]
    wishes = Wishes(references=ReferencePolicy.EXISTS_AND_TYPE)
    assert errors({"resourceType": "Parameters", "parameter": parts}, wishes=wishes) == []
    found = errors({"resourceType": "Parameters", "parameter": parts[1:]}, wishes=wishes)
    assert [detail for detail, _ in found] == ["reference-unresolved"]


# --- canonicals


def test_a_canonical_leads_to_the_kind_of_definition_asked_for():
    answered = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    wrong = {**answered, "questionnaire": "http://hl7.org/fhir/ValueSet/administrative-gender"}
    assert errors(wrong) == [("canonical-type", "QuestionnaireResponse.questionnaire")]
    assert errors(wrong, wishes=Wishes(references=ReferencePolicy.IGNORE)) == []


def test_a_canonical_that_leads_nowhere_is_an_error_only_where_references_must_lead_somewhere():
    answered = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://a.test/q"}
    place = "QuestionnaireResponse.questionnaire"
    assert ("canonical-unknown", place) in told(judged(answered), "information")
    found = errors(answered, wishes=Wishes(references=ReferencePolicy.EXISTS))
    assert found == [("canonical-unresolved", place)]


def test_a_canonical_of_a_contained_resource_leads_to_one():
    contained = {"resourceType": "ValueSet", "id": "v", "status": "active"}
    items = [{"linkId": "1", "type": "choice", "answerValueSet": "#v"}]
    form = {"resourceType": "Questionnaire", "status": "active", "item": items, "contained": [contained]}
    assert errors(form) == []
    items[0]["answerValueSet"] = "#w"
    assert ("canonical-not-contained", "Questionnaire.item[0].answerValueSet") in errors(form)


def test_an_entry_without_full_url_cannot_tell_where_its_references_lead():
    found = errors(bundle({"resource": observation(f"{BASE}/Patient/p")}))
    assert ("bundle-reference-without-full-url", "Bundle.entry[0]") in found


def test_answers_to_a_transaction_have_references_of_the_usual_form():
    answer = entry(observation("Patient/p/q"), response={"status": "200"})
    place = "Bundle.entry[0].resource/*Observation/o*/.subject"
    assert ("bundle-reference-form", place) in errors(bundle(answer, type="batch-response"))
