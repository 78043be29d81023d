"""Every rule of the table finds what it is for, and nothing in a dossier where nothing is missing.

Source: `fhir_gateway/dossier/rules.py`; pfmg-domain sources named in the modules of the rules.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
from collections.abc import Callable
from typing import Any

import pytest

import fhir_gateway
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import submitted
from fhir_gateway.dossier.rule import State
from fhir_gateway.dossier.rules import RULES, gaps, refusing
from fhir_gateway.dossier.tasks import owed
from fhir_gateway.fhir.fhirpath.parser import parse
from fhir_gateway.fhir.outcome import Complaint
from fhir_gateway.terminology.french_identifiers import ins_key
from tests.dossier.family import (
    NOW,
    OTHER_PLATFORM,
    PRESCRIBER_RPPS,
    Resource,
    changed,
    consent,
    dossier_of,
    edge,
    named,
    patient,
    phenotype,
    professionals,
    provision,
    rcp,
    ref,
    request,
    specimen,
    trio,
    without,
)

Family = list[Resource]


def found(resources: Family, state: State = "finalise", at: str = NOW) -> dict[str, str]:
    """The gaps of a state: rule and gravity."""
    return {gap.id: gap.gravity for gap in gaps(dossier_of(resources), state, at)}


def solo(
    *more: Resource, parcours: str = "MR", preindication: str = "F-02", examen: str = "wgs-solo", **order: Any
) -> Family:
    """An adult alone in whose dossier nothing is missing."""
    return [
        *professionals(),
        patient("child", "female", "1990-01-01"),
        request(
            "order-0", "child", "proband", "draft", examen,
            **{
                "category": [concept(codes.PARCOURS, parcours), concept(codes.ROLE, "proband")],
                "reasonCode": [concept(codes.PREINDICATION, preindication)],
                **order,
            },
        ),
        consent("consent-0", "child", "cancer-majeur" if parcours == "KC" else "mr-majeur"),
        phenotype("child"),
        *rcp(),
        *more,
    ]  # fmt: skip


def document(kind: str) -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": f"document-{kind}",
        "status": "current",
        "category": [concept(codes.DOCUMENT, kind)],
        "subject": ref("Patient/child"),
    }


def cancer(*more: Resource) -> Family:
    tumour = specimen(
        "tumour", "child", "order-0",
        type=concept(codes.NATURE, "tumeur-congelee"),
        extension=[
            {"url": codes.ORIGINE_EXTENSION, "valueCodeableConcept": concept(codes.ORIGINE, "tumoral-primitif")}
        ],
    )  # fmt: skip
    cellularity = {
        "resourceType": "Observation",
        "id": "cellularity",
        "status": "final",
        "code": concept(codes.SNOMED, "371510003"),
        "subject": ref("Patient/child"),
        "specimen": ref("Specimen/tumour"),
    }
    return solo(tumour, cellularity, document("anatomopathologie"), *more, parcours="KC", preindication="F-82",
                examen="wgs-tumeur-constit")  # fmt: skip


def ins(number: str) -> list[Resource]:
    """A test number of the INS with its key; month 99 is no month that anybody is born in."""
    return [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": f"{number}{ins_key(number)}"}]


def status_of_identity(code: str) -> list[Resource]:
    coding = {"system": codes.STATUT_IDENTITE, "code": code}
    return [{"url": "https://example.org/reliability", "extension": [{"url": "identityStatus", "valueCoding": coding}]}]


def affected(value: bool) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "affected",
        "status": "final",
        "code": concept(codes.SNOMED, "103309006"),
        "subject": ref("Patient/child"),
        "valueBoolean": value,
    }


# What is done to a dossier without gaps, and how grave each state calls what is then found (- nothing, w, e).
CASES: dict[str, tuple[Callable[[], Family], str]] = {
    "dossier-proband-missing": (
        lambda: changed(trio(), "order-0", category=[concept(codes.PARCOURS, "MR"), concept(codes.ROLE, "relative")]),
        "wee",
    ),
    "dossier-probands-several": (
        lambda: changed(trio(), "order-1", category=[concept(codes.PARCOURS, "MR"), concept(codes.ROLE, "proband")]),
        "eee",
    ),
    "dossier-person-twice": (lambda: changed(trio(), "order-2", subject=ref("Patient/mother")), "eee"),
    "dossier-participants": (lambda: without(trio(), "order-2"), "wew"),
    "dossier-participants-announced": (
        lambda: changed(trio(), "order-0", extension=[{"url": codes.PARTICIPANTS, "valuePositiveInt": 4}]),
        "wew",
    ),
    "dossier-exams-differ": (lambda: changed(trio(), "order-1", code=concept(codes.EXAMEN, "wgs-duo")), "www"),
    "dossier-strategy": (lambda: solo(preindication="F-45"), "wew"),
    "dossier-preindication-missing": (
        lambda: [{k: v for k, v in each.items() if k != "reasonCode"} for each in trio()],
        "wee",
    ),
    "dossier-preindications-differ": (
        lambda: changed(trio(), "order-1", reasonCode=[concept(codes.PREINDICATION, "F-46")]),
        "wee",
    ),
    "dossier-parcours-differ": (
        lambda: changed(trio(), "order-1", category=[concept(codes.PARCOURS, "OC"), concept(codes.ROLE, "relative")]),
        "wee",
    ),
    "dossier-preindication-parcours": (lambda: solo(preindication="F-87"), "wew"),
    "dossier-platform-missing": (lambda: changed(trio(), "order-0", performer=None), "-ee"),
    "dossier-platforms-differ": (lambda: changed(trio(), "order-1", performer=[named(OTHER_PLATFORM)]), "wee"),
    "dossier-platform-territory": (
        lambda: changed(trio(), "hospital", address=[{"postalCode": "35000"}]),
        "ww-",
    ),
    "dossier-requester-unknown": (lambda: changed(trio(decided=False), "role", practitioner=None), "-ew"),
    "dossier-rcp-missing": (lambda: trio(decided=False), "-ew"),
    "dossier-rcp-prescriber": (lambda: trio("draft", *rcp(PRESCRIBER_RPPS), decided=False), "eee"),
    "dossier-rcp-validator-unknown": (lambda: without(trio(), "told-Task-rcp"), "-ew"),
    "dossier-hpo-missing": (lambda: [*without(trio(), "hpo-child"), phenotype("child", present=False)], "wew"),
    "dossier-nobody-affected": (lambda: [*trio(), affected(False)], "ww-"),
    "dossier-document-missing": (
        lambda: solo(*map(document, ("ophtalmologie", "fond-oeil", "oct", "erg")), preindication="F-67"),
        "wew",
    ),
    "dossier-pathology-report-missing": (lambda: without(cancer(), "document-anatomopathologie"), "ww-"),
    "dossier-tumour-missing": (lambda: without(cancer(), "tumour"), "-ww"),
    "dossier-cellularity-missing": (lambda: without(cancer(), "cellularity"), "-ww"),
    "dossier-tumour-ffpe": (lambda: changed(cancer(), "tumour", type=concept(codes.NATURE, "tumeur-ffpe")), "ww-"),
    "dossier-edge-missing": (lambda: without(trio(), "edge-1"), "wew"),
    "dossier-edge-sex": (lambda: changed(trio(), "mother", gender="male"), "wee"),
    "dossier-edge-sex-differs": (
        lambda: changed(trio(), "edge-1", sex=concept("http://hl7.org/fhir/administrative-gender", "male")),
        "wew",
    ),
    "dossier-edge-parents-several": (lambda: [*trio(), edge("edge-3", "child", "NFTH", "mother")], "wee"),
    "dossier-edge-circle": (lambda: [*trio(), edge("edge-3", "father", "FTH", "child")], "wee"),
    "dossier-parent-younger": (lambda: changed(trio(), "father", birthDate="2019-01-01"), "wew"),
    "dossier-trio-without-parents": (
        lambda: changed(trio(), "edge-2", relationship=concept(codes.ROLE_CODE, "UNCLE")),
        "ww-",
    ),
    "dossier-patient-missing": (lambda: without(trio(), "father"), "wew"),
    "dossier-ins-shared": (
        lambda: changed(
            changed(trio(), "mother", identifier=ins("2859999999999")), "child", identifier=ins("2859999999999")
        ),
        "eee",
    ),
    "dossier-ins-unqualified": (
        lambda: changed(trio(), "mother", identifier=ins("2859999999999"), extension=status_of_identity("PROV")),
        "wew",
    ),
    "dossier-ins-key": (
        lambda: changed(
            trio(), "mother", identifier=[{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "285999999999900"}]
        ),
        "wew",
    ),
    "dossier-ins-traits": (lambda: changed(trio(), "mother", identifier=ins("1859999999999")), "www"),
    "dossier-sex-unknown": (lambda: changed(trio(), "mother", gender="unknown"), "-w-"),
    "dossier-consent-missing": (lambda: without(trio(), "consent-1"), "wee"),
    "dossier-consent-refused": (
        lambda: changed(trio(), "consent-1", provision={"provision": [provision("examen", "deny")]}),
        "wee",
    ),
    "dossier-consent-unanswered": (
        lambda: changed(trio(), "consent-1", provision={"provision": [provision("resultat", "permit")]}),
        "wee",
    ),
    "dossier-consent-form": (
        lambda: changed(trio(), "consent-1", category=[concept(codes.FORMULAIRE, "mr-majeur")]),
        "wew",
    ),
    "dossier-consent-signer": (lambda: changed(trio(), "consent-1", performer=[ref("Patient/father")]), "wew"),
    "dossier-consent-attestation": (lambda: changed(trio(), "consent-1", verification=[{"verified": False}]), "wew"),
    "dossier-court-decision-missing": (
        lambda: changed(
            solo(), "consent-0",
            category=[concept(codes.FORMULAIRE, "mr-majeur-tutelle")], performer=[ref("RelatedPerson/tuteur")],
        ),
        "www",
    ),
    "dossier-consent-of-age": (lambda: changed(trio(), "child", birthDate="2008-03-04"), "-ww"),
}  # fmt: skip


@pytest.mark.parametrize("state", ["draft", "finalise", "active"])
@pytest.mark.parametrize("whole", [trio, solo, cancer], ids=["trio", "solo", "cancer"])
def test_a_dossier_in_which_nothing_is_missing_has_no_gaps(whole: Callable[[], Family], state: State):
    assert found(whole(), state) == {}


def test_every_rule_has_a_case():
    assert set(CASES) == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_finds_what_it_is_for_as_gravely_as_the_table_says(rule: str):
    make, gravities = CASES[rule]
    states: tuple[State, ...] = ("draft", "finalise", "active")
    told = "".join(found(make(), state).get(rule, "-")[0] for state in states)
    assert told == gravities


@pytest.mark.parametrize("rule", CASES)
def test_what_is_observed_and_documented_makes_no_error_of_a_dossier_that_is_stored_and_moves_no_task(rule: str):
    """So the doors need not weigh the writes of these types (`interactions/dossier_marks.py`)."""
    make, _ = CASES[rule]
    silent = {"Observation", "DocumentReference", "DiagnosticReport"}
    family = make()
    without_them = dossier_of([each for each in family if each["resourceType"] not in silent])
    for state in ("draft", "active"):
        found = refusing(gaps(dossier_of(family), state, NOW))
        assert found == refusing(gaps(without_them, state, NOW))
    assert owed(dossier_of(family), NOW) == owed(without_them, NOW)


@pytest.mark.parametrize("status", ["revoked", "completed"])
def test_a_closed_dossier_lacks_nothing(status: str):
    refused = changed(trio("active"), "consent-0", provision={"provision": [provision("examen", "deny")]})
    assert "dossier-consent-refused" in found(refused, "active")
    closed = [{**each, "status": status} if each["resourceType"] == "ServiceRequest" else each for each in refused]
    for state in ("draft", "finalise", "active"):
        assert found(closed, state) == {}


@pytest.mark.parametrize("rule", CASES)
def test_a_gap_says_in_both_languages_what_to_do_at_a_place_that_is_fhirpath(rule: str):
    make, _ = CASES[rule]
    gap = next(gap for gap in gaps(dossier_of(make()), "finalise", NOW) if gap.id == rule)
    issue = gap.issue()
    assert issue.text("fr") != issue.text("en")
    assert "{" not in issue.text("fr") + issue.text("en")
    assert issue.as_fhir("fr")["details"]["coding"][0]["code"] == rule
    parse(gap.expression)


def test_details_are_kebab_case_and_the_same_values_serve_both_texts():
    for rule in RULES:
        assert re.fullmatch(r"dossier-[a-z]+(-[a-z]+)*", rule.id)
        fields = [{field for _, field, _, _ in string.Formatter().parse(text) if field} for text in (rule.fr, rule.en)]
        assert {each.removesuffix("_fr") for each in fields[0]} == {each.removesuffix("_en") for each in fields[1]}, (
            rule.id
        )


def test_no_rule_has_the_code_of_another_or_of_any_complaint_of_the_gateway():
    details = [rule.id for rule in RULES]
    for module in pkgutil.walk_packages(fhir_gateway.__path__, "fhir_gateway."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            values = vars(importlib.import_module(module.name)).values()
            details += {value.detail for value in values if isinstance(value, Complaint)} & set(details)
    assert len(details) == len(set(details))


def test_all_gaps_are_told_at_once_errors_first():
    bare = without(trio(decided=False), "consent-1", "edge-2", "hpo-child")
    told = gaps(dossier_of(bare), "finalise", NOW)
    assert [gap.gravity for gap in told] == sorted((gap.gravity for gap in told), key=lambda each: each != "error")
    assert {gap.id for gap in told} == {
        "dossier-rcp-missing", "dossier-hpo-missing", "dossier-edge-missing", "dossier-consent-missing",
        "dossier-trio-without-parents",
    }  # fmt: skip
    assert len(refusing(told)) == 4


def test_the_same_gaps_are_found_in_a_bundle_and_in_the_store_at_their_own_places():
    resources = without(trio(), "edge-1", "consent-2")
    urns = {
        f"{each['resourceType']}/{each['id']}": f"urn:uuid:00000000-0000-4000-8000-{number:012}"
        for number, each in enumerate(resources)
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": urns[f"{each['resourceType']}/{each['id']}"], "resource": _renamed(each, urns)}
            for each in resources
        ],
    }
    (sent,) = submitted(bundle)
    here = [(gap.id, gap.gravity) for gap in gaps(dossier_of(resources), "finalise", NOW)]
    there = gaps(sent, "finalise", NOW)
    assert [(gap.id, gap.gravity) for gap in there] == here
    assert all(gap.expression.startswith("Bundle.entry[") for gap in there)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items() if key != "id"}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


# --- what is no gap


def test_another_holder_of_the_same_preindication_is_the_same_preindication():
    family = changed(trio(), "order-0", reasonCode=[concept(codes.PREINDICATION, "F-49")])
    family = changed(family, "order-1", reasonCode=[concept(codes.PREINDICATION, "F-50")])
    family = changed(family, "order-2", reasonCode=None)
    assert found(family) == {}


def test_a_stated_reason_lets_fewer_people_than_the_strategy_asks():
    reason = [{"url": codes.MOTIF_STRATEGIE, "valueString": "Adopté ; parents inconnus"}]
    assert found(solo(preindication="F-45", extension=reason)) == {}


def test_a_strategy_that_is_advice_or_a_pilot_project_never_blocks():
    assert found(solo(preindication="F-49")) == {"dossier-strategy": "warning"}
    assert found(solo(preindication="F-33")) == {"dossier-strategy": "warning"}


def test_a_strategy_that_nobody_published_asks_nothing():
    assert found(solo(preindication="F-02")) == {}


def test_an_inferred_pathway_warns_where_a_sourced_one_blocks():
    assert found(solo(preindication="F-14", parcours="OC"))["dossier-preindication-parcours"] == "warning"
    assert found(solo(preindication="F-02", parcours="OC"))["dossier-preindication-parcours"] == "error"


def test_a_waived_relative_whose_request_was_revoked_takes_part_no_more():
    family = without(changed(trio("active"), "order-2", status="revoked"), "consent-2", "edge-2")
    assert "dossier-consent-missing" not in found(family, "active")


def test_the_number_of_the_insi_may_follow_a_qualified_identity_only():
    family = changed(trio(), "mother", identifier=ins("2859999999999"), extension=status_of_identity("QUAL"))
    assert found(family) == {}


def test_no_platform_is_proposed_where_no_source_says_one():
    assert found(changed(trio(), "hospital", address=[{"postalCode": "86000"}])) == {}


def test_grandparents_are_reached_over_the_parents():
    family = [
        *changed(trio(), "order-0", code=concept(codes.EXAMEN, "wgs-quatuor")),
        patient("grandfather", "male", "1950-01-01"),
        request("order-3", "grandfather", "relative"),
        consent("consent-3", "grandfather", "tiers-apparente"),
        edge("edge-3", "mother", "FTH", "grandfather"),
    ]
    family = [
        {**each, "code": concept(codes.EXAMEN, "wgs-quatuor")} if each["resourceType"] == "ServiceRequest" else each
        for each in family
    ]
    assert found(family) == {}


def test_requests_of_two_dossiers_in_one_bundle_are_judged_apart():
    other = {**request("other", "child", "proband"), "requisition": {"system": "urn:other", "value": "D-2"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in [*trio(), other]]}
    first, second = submitted(bundle)
    assert gaps(first, "finalise", NOW) == []
    assert "dossier-participants" in {gap.id for gap in gaps(second, "finalise", NOW)}


def test_a_conditional_reference_finds_the_patient_of_the_same_bundle():
    mother = {**patient("mother", "female", "1985-01-01"), "identifier": [{"system": "urn:ipp", "value": "7"}]}
    family = [mother if each.get("id") == "mother" else each for each in trio()]
    family = changed(family, "order-1", subject=ref("Patient?identifier=urn:ipp|7"))
    assert found(family) == {}


def test_the_consent_to_research_is_no_consent_to_the_examination():
    scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}
    assert "dossier-consent-missing" in found(changed(trio(), "consent-1", scope=scope))
    draft = changed(trio(), "consent-1", status="draft")
    assert "dossier-consent-missing" in found(draft)


def test_an_adult_for_whom_another_signed_the_adults_form_is_not_taken_for_protected():
    assert found(changed(solo(), "consent-0", performer=[ref("RelatedPerson/x")])) == {
        "dossier-consent-signer": "error"
    }


MISMATCH = {"dossier-ins-traits": "warning"}


@pytest.mark.parametrize(
    ("number", "told"),
    [("1840199999999", {}), ("1840299999999", MISMATCH), ("1830199999999", MISMATCH), ("1849999999999", {})],
)
def test_an_ins_number_is_held_against_year_and_month_of_birth_where_it_tells_a_month(
    number: str, told: dict[str, str]
):
    assert found(changed(trio(), "father", identifier=ins(number))) == told


def test_an_edge_may_be_told_from_the_parent_too():
    told_from_the_father = [*without(trio(), "edge-2"), edge("edge-2", "father", "SON", "child")]
    assert set(found(told_from_the_father)) == {"dossier-trio-without-parents"}
    round_about = [*trio(), edge("edge-3", "child", "SON", "father")]
    assert "dossier-edge-circle" in found(round_about)


def test_blood_beside_a_tumour_and_libraries_of_it_have_no_cellularity():
    blood = specimen("blood", "child", "order-0")
    library = specimen(
        "library", "child", "order-0", type=concept(codes.NATURE, "tumeur-congelee"), parent=[ref("Specimen/tumour")]
    )
    assert found(cancer(blood, library)) == {}
