"""A dossier is the same wherever its resources come from, and nothing that is missing breaks what looks at it.

Source: FHIR R4, Bundle, "Resolving references in Bundles"; References; `fhir_gateway/dossier/dossier.py`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.consent import decision
from fhir_gateway.dossier.dossier import Dossier, gathered, submitted
from fhir_gateway.dossier.rules import gaps, state_of
from fhir_gateway.dossier.states import allowed
from fhir_gateway.dossier.statistics import case_of, statistics
from fhir_gateway.dossier.tasks import owed
from fhir_gateway.dossier.timeline import timeline
from fhir_gateway.dossier.withdrawal import withdrawal
from tests.dossier.family import (
    HOSPITAL,
    NOW,
    PLATFORM,
    PRESCRIBER_RPPS,
    PRESCRIPTEUR,
    Resource,
    changed,
    dossier_of,
    named,
    one,
    patient,
    ref,
    report,
    request,
    specimen,
    task,
    told,
    trio,
)


def whole(status: str = "active") -> list[Resource]:
    """A trio with something of everything."""
    return trio(
        status,
        specimen("tube", "child", "order-0"),
        specimen("dna", "child", "order-0", parent=[ref("Specimen/tube")]),
        task("t", "sequencage", "in-progress", owner=PLATFORM, input=[{"valueReference": ref("Specimen/dna")}]),
        task("f", "reception-prelevement", "failed", owner=PLATFORM),
        report(),
        told("ServiceRequest/order-0", "autre"),
    )


def test_people_are_found_by_their_role():
    dossier = dossier_of(trio())
    assert dossier.proband is not None
    assert dossier.proband.key == "Patient/child"
    assert [each.key for each in dossier.relatives] == ["Patient/mother", "Patient/father"]
    assert [each.french for each in dossier.people] == ["le cas index", "l'apparenté n° 1", "l'apparenté n° 2"]
    assert (dossier.parcours, dossier.preindication, dossier.examen) == ("MR", "F-45", "wgs-trio")
    assert dossier.platform == {PLATFORM}


def test_professionals_are_found_by_reference_and_by_identifier():
    dossier = dossier_of(trio())
    requester = one(trio(), "order-0")["requester"]
    assert dossier.rpps(requester) == PRESCRIBER_RPPS
    assert dossier.organisations(requester) == {HOSPITAL}
    assert dossier.rpps(named(f"{codes.RPPS}|1")) == "1"
    # An RPPS is no structure: nobody acts for an organisation by having a number of a person.
    assert dossier.organisations(named(f"{codes.RPPS}|1")) == frozenset()


def test_a_practitioner_is_found_behind_the_role():
    practitioner = {
        "resourceType": "Practitioner",
        "id": "p",
        "identifier": [{"system": codes.RPPS, "value": PRESCRIBER_RPPS}],
    }
    family = [*changed(trio(), "role", practitioner=ref("Practitioner/p")), practitioner]
    assert dossier_of(family).rpps(ref("PractitionerRole/role")) == PRESCRIBER_RPPS


def test_a_requester_and_a_performer_may_be_contained_and_tasks_name_them_by_number():
    role = {**one(trio(), "role"), "id": "r", "organization": ref("#h")}
    hospital = {"resourceType": "Organization", "id": "h", "identifier": [codes.identifier(HOSPITAL)]}
    platform = {"resourceType": "Organization", "id": "p", "identifier": [codes.identifier(PLATFORM)]}
    inside = {"contained": [role, hospital, platform], "requester": ref("#r"), "performer": [ref("#p")]}
    family = [{**each, **inside} if each["resourceType"] == "ServiceRequest" else each for each in trio()]
    dossier = dossier_of(family)
    assert gaps(dossier, "finalise", NOW) == []
    made = owed(dossier, NOW).created[0]
    assert made["requester"] == named(f"{codes.RPPS}|{PRESCRIBER_RPPS}")
    assert made["owner"] == named(HOSPITAL)


def test_a_reference_that_leads_nowhere_is_found_by_its_identifier():
    mother = {**patient("mother", "female", "1985-01-01"), "identifier": [{"system": "urn:ipp", "value": "7"}]}
    family = [mother if each.get("id") == "mother" else each for each in trio()]
    subject = {"reference": "https://his.example/Patient/77", "identifier": {"system": "urn:ipp", "value": "7"}}
    assert gaps(dossier_of(changed(family, "order-1", subject=subject)), "finalise", NOW) == []


def test_who_was_entered_in_error_is_not_there_and_who_was_revoked_takes_part_no_more():
    family = changed(changed(trio("active"), "order-1", status="entered-in-error"), "order-2", status="revoked")
    dossier = dossier_of(family)
    assert [each.key for each in dossier.people] == ["Patient/child"]
    assert len(dossier.requests) == 2


def test_absolute_and_versioned_references_name_the_same_resource():
    family = changed(trio(), "order-1", subject=ref("https://elsewhere.example/fhir/Patient/mother/_history/3"))
    assert dossier_of(family).relatives[0].patient is not None


def test_another_persons_resources_are_not_of_this_dossier():
    stranger = [patient("x"), specimen("tube-x", "x", "order-x"), task("task-x", "sequencage", "draft", "order-x")]
    dossier = dossier_of([*trio(), *stranger])
    assert dossier.specimens() == ()
    assert [each.resource["id"] for each in dossier.tasks()] == ["rcp"]


def test_requests_are_parted_by_their_number():
    other = {**request("other", "child", "proband"), "requisition": {"system": "urn:x", "value": "2"}}
    assert [each.number for each in gathered([*trio(), other])] == [
        codes.token(one(trio(), "order-0")["requisition"]),
        "urn:x|2",
    ]


def test_specimens_of_an_earlier_dossier_are_not_of_this_one_unless_a_request_names_them():
    old = specimen("old", "child", "earlier")
    assert dossier_of([*trio(), old]).specimens() == ()
    reused = changed(trio(), "order-0", specimen=[ref("Specimen/old")])
    assert [each.key for each in dossier_of([*reused, old]).specimens()] == ["Specimen/old"]


def test_a_reanalysis_goes_on_with_the_consents_to_the_request_it_is_based_on():
    family = trio()
    for number in range(3):
        order, held = f"order-{number}", f"consent-{number}"
        provision = {**one(family, held)["provision"], "data": [{"reference": ref(f"ServiceRequest/old-{number}")}]}
        family = changed(family, held, provision=provision)
        family = changed(family, order, code=concept(codes.EXAMEN, "reanalyse"))
    assert "dossier-consent-missing" in {gap.id for gap in gaps(dossier_of(family), "finalise", NOW)}
    for number in range(3):
        family = changed(family, f"order-{number}", basedOn=[ref(f"ServiceRequest/old-{number}")])
    assert gaps(dossier_of(family), "finalise", NOW) == []


def test_a_dossier_is_a_draft_until_one_request_is_active():
    assert state_of(dossier_of(trio())) == "draft"
    assert state_of(dossier_of(changed(trio(), "order-0", status="active"))) == "active"
    assert state_of(dossier_of(trio("on-hold"))) == "active"


def test_a_bundle_without_prescriptions_is_no_dossier():
    assert submitted({"resourceType": "Bundle", "entry": [{"resource": patient("x")}]}) == ()
    assert submitted({"resourceType": "Bundle"}) == ()


def test_a_bundle_may_refer_to_what_the_store_has():
    family = trio()
    stored = [each for each in family if each["resourceType"] in ("Patient", "Organization", "PractitionerRole")]
    sent = [each for each in family if each not in stored]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in sent]}
    (dossier,) = submitted(bundle, stored)
    assert gaps(dossier, "finalise", NOW) == []


def test_a_write_takes_the_place_of_the_version_before_it_and_leaves_the_dossier_as_it_was():
    dossier = dossier_of(trio())
    after = dossier.with_({**one(trio(), "order-0"), "status": "active"})
    assert [each.request.resource["status"] for each in after.probands] == ["active"]
    assert [each.request.resource["status"] for each in dossier.probands] == ["draft"]
    assert len(after.resources) == len(dossier.resources)


def look_at(dossier: Dossier) -> None:
    """Everything that is ever asked of a dossier."""
    for state in ("draft", "finalise", "active"):
        for gap in gaps(dossier, state, NOW):  # type: ignore[arg-type]
            assert gap.issue().text("fr")
    timeline(dossier, NOW)
    owed(dossier, NOW)
    statistics([case_of(dossier, NOW)] * 11)
    for held in dossier.resources:
        if held.type == "Consent":
            withdrawal(dossier, held, {}, NOW)
            decision([held.resource], ["Patient/child"], "examen", NOW)
        allowed(held.resource, {**held.resource, "status": "active"}, PRESCRIPTEUR, dossier, NOW)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_element_is_missing_everything_can_still_be_asked(data):
    family: list[Any] = whole(data.draw(st.sampled_from(["draft", "active", "on-hold", "revoked", "completed"])))
    for number in data.draw(st.lists(st.integers(0, len(family) - 1), max_size=8)):
        names = sorted(set(family[number]) - {"resourceType"})
        if names:
            lost = data.draw(st.sampled_from(names))
            family[number] = {name: value for name, value in family[number].items() if name != lost}
    for dossier in gathered(family):
        look_at(dossier)


def test_nothing_that_looks_at_a_dossier_changes_its_resources():
    family = whole()
    before = repr(family)
    look_at(dossier_of(family))
    assert repr(family) == before
