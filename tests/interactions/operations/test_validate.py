"""$validate: the verdict, its modes, and that it never lies about a later write.

Source: FHIR R4, Resource Operations, "validate".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.validation import Strictness, Unknown, Validation
from tests.interactions.desk import Desk, Refused, by, observation, patient

LOINC = {"system": "http://loinc.org", "code": "718-7"}


def strict(desk: Desk, strictness: Strictness = "profiles", unknown_profiles: Unknown = "warn") -> Desk:
    """Return the desk with writes held to definitions, as a gateway is by default."""
    return Desk(replace(desk.gateway, validation=Validation(r4_validator, strictness, unknown_profiles)))


def outcome(desk: Desk, url: str, resource: Any = None, method: str = "POST", **more: Any) -> list[dict[str, Any]]:
    """Return the issues that $validate answers with."""
    answer = desk.ask(method, url, resource, **more)
    assert answer.status == 200
    told = decode(answer.body or b"")
    assert told["resourceType"] == "OperationOutcome"
    issues: list[dict[str, Any]] = told["issue"]
    return issues


def codes(issues: list[dict[str, Any]], severity: str = "error") -> set[str]:
    return {each["details"]["coding"][0]["code"] for each in issues if each["severity"] == severity}


def parameters(**given: Any) -> dict[str, Any]:
    made = []
    for name, value in given.items():
        key = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}[name]
        made.append({"name": name, key: value})
    return {"resourceType": "Parameters", "parameter": made}


def test_a_resource_without_a_fault_is_all_ok(desk: Desk) -> None:
    (issue,) = outcome(desk, "Patient/$validate", patient(gender="female"))
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    assert issue["details"]["coding"][0]["code"] == "validation-all-ok"


def test_all_that_is_wrong_is_told_with_its_place(desk: Desk) -> None:
    wrong = {"resourceType": "Observation", "status": "done", "category": [{}], "code": {"coding": [LOINC]}}
    wrong["category"] = [{"coding": [{"code": "x", "display": "y", "system": "urn:z"}]}]
    wrong["referenceRange"] = [{"type": {"text": "x"}}]
    issues = outcome(desk, "Observation/$validate", wrong)
    places = {each["expression"][0] for each in issues if each["severity"] == "error"}
    assert places == {"Observation.status", "Observation.referenceRange[0]"}


def test_it_answers_in_the_language_asked_for(desk: Desk) -> None:
    (issue,) = outcome(desk, "Patient/$validate", patient(), language="fr")
    assert issue["details"]["text"] == "Aucun problème n'a été trouvé."


def test_the_resource_may_come_in_parameters_beside_mode_and_profile(desk: Desk) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/bodyheight"
    height = {**observation("Patient/x"), "code": {"coding": [LOINC]}}
    sent = parameters(resource=height, mode="profile", profile=profile)
    assert any("bodyheight" in each["diagnostics"] for each in outcome(desk, "Observation/$validate", sent))
    assert codes(outcome(desk, "Observation/$validate", parameters(resource=height))) == set()


def test_a_profile_that_is_asked_for_and_unknown_is_an_error(desk: Desk) -> None:
    issues = outcome(desk, "Patient/$validate?profile=http://example.org/none", patient())
    assert codes(issues) == {"validation-profile-not-found"}


def test_an_instance_is_judged_as_it_is_stored(desk: Desk) -> None:
    desk.put({"resourceType": "Observation", "id": "o", "status": "done", "code": {"text": "x"}})
    issues = outcome(desk, "Observation/o/$validate", method="GET")
    assert {each["expression"][0] for each in issues if each["severity"] == "error"} == {"Observation.status"}
    assert desk.refused("GET", "Observation/none/$validate").status == 404


@pytest.mark.parametrize(
    ("url", "resource", "issues"),
    [
        ("Patient/$validate", None, [("operation-input-missing", None)]),
        ("Patient/$validate?mode=judge", patient(), [("validation-mode-unknown", None)]),
        ("Patient/$validate?mode=delete", patient(), [("validation-mode-of-instance", None)]),
        ("Patient/$validate?mode=update", patient(), [("validation-mode-of-instance", None)]),
        ("Patient/$validate?mode=profile", patient(), [("operation-input-missing", None)]),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, url: str, resource: Any, issues: Any) -> None:
    assert desk.refused("POST", url, resource) == Refused(400, tuple(issues))


def test_it_is_for_types_and_instances_only(desk: Desk) -> None:
    assert desk.refused("POST", "$validate", patient()).status == 404


def test_another_type_than_the_url_says_is_an_error(desk: Desk) -> None:
    assert codes(outcome(desk, "Patient/$validate", observation("Patient/a"))) >= {"resource-type-differs"}


def test_delete_tells_what_still_refers_to_it(desk: Desk) -> None:
    desk.put(patient("a"))
    assert codes(outcome(desk, "Patient/a/$validate?mode=delete", method="GET")) == set()
    desk.put(observation("Patient/a", "o"))
    assert codes(outcome(desk, "Patient/a/$validate?mode=delete", method="GET")) == {"still-referenced"}
    desk.put({**observation("Patient/a", "o"), "hasMember": [{"reference": "Observation/o"}]})
    assert codes(outcome(desk, "Observation/o/$validate?mode=delete", method="GET")) == set()


def test_update_tells_of_ids_versions_and_references(desk: Desk) -> None:
    desk.put(patient("a"))
    url = "Patient/a/$validate?mode=update"
    assert codes(outcome(desk, url, patient("a"))) == set()
    assert codes(outcome(desk, url, patient("b"))) == {"id-differs"}
    assert codes(outcome(desk, url, patient("a"), if_match='W/"7"')) == {"if-match-stale"}
    away = patient("a", generalPractitioner=[{"reference": "Practitioner/none"}])
    assert codes(outcome(desk, url, away)) == {"reference-absent"}
    assert desk.versions("Patient", "a") == ["1"]


def test_create_tells_of_conditions_and_writes_nothing(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.put(patient("b", "1"))
    url = "Patient/$validate?mode=create"
    assert codes(outcome(desk, url, patient(value="1"), if_none_exist=by("1"))) == {"multiple-matches"}
    assert codes(outcome(desk, url, patient(value="2"), if_none_exist=by("2"))) == set()
    assert desk.get("Patient")["total"] == 2


def test_without_a_mode_what_is_here_does_not_matter(desk: Desk) -> None:
    away = patient(generalPractitioner=[{"reference": "Practitioner/none"}])
    assert codes(outcome(desk, "Patient/$validate", away)) == set()


def corpus() -> list[tuple[str, dict[str, Any]]]:
    """Resources with and without defects, by what is wrong with them."""
    seen = {**observation("Patient/a"), "code": {"coding": [LOINC]}}
    return [
        ("nothing", patient(gender="male")),
        ("nothing of an observation", seen),
        ("a code", patient(gender="unspecified")),
        ("an absent reference", observation("Patient/none")),
        ("a reference to another type", observation("Practitioner/p")),
        ("a conditional reference", observation(f"Patient?{by('1')}")),
        ("a missing element", {"resourceType": "Observation", "status": "final"}),
        ("an invariant", patient(contact=[{"gender": "male"}])),
        ("several", patient(gender="x", contact=[{"gender": "y"}], link=[{"type": "refer"}])),
        ("an unknown profile", patient(meta={"profile": ["http://example.org/none"]})),
        ("a claimed profile", {**seen, "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/bodyheight"]}}),
        ("an unknown extension", patient(extension=[{"url": "http://hl7.org/none", "valueCode": "x"}])),
        ("a contained resource nobody refers to", patient(contained=[{"resourceType": "Patient", "id": "x"}])),
        ("a dangling fragment", patient(managingOrganization={"reference": "#none"})),
        ("a search parameter", {"resourceType": "SearchParameter", "url": "http://x.test/p", "name": "p",
                                "status": "active", "description": "p", "code": "p", "base": ["Patient"],
                                "type": "string", "expression": "Patient.name.trace('x').bogus"}),
    ]  # fmt: skip


@pytest.mark.parametrize("strictness", ["structure", "base", "profiles"])
@pytest.mark.parametrize("unknown_profiles", ["warn", "refuse"])
@pytest.mark.parametrize(("defect", "resource"), corpus())
def test_create_never_lies_about_a_later_post(
    desk: Desk, strictness: Strictness, unknown_profiles: Unknown, defect: str, resource: dict[str, Any]
) -> None:
    desk.put(patient("a", "1"))
    desk.put({"resourceType": "Practitioner", "id": "p"})
    desk = strict(desk, strictness, unknown_profiles)
    type = resource["resourceType"]
    told = outcome(desk, f"{type}/$validate?mode=create", resource)
    try:
        desk.ask("POST", type, resource)
        refused: set[str] = set()
    except FhirError as refusal:
        refused = {each.complaint.detail for each in refusal.issues if each.severity == "error"}
    assert bool(refused) == bool(codes(told)), (defect, refused, codes(told))
    assert refused <= codes(told)


def test_the_corpus_has_both_verdicts_at_each_strictness(desk: Desk) -> None:
    verdicts = {
        strictness: {
            bool(codes(outcome(strict(desk, strictness), f"{each['resourceType']}/$validate?mode=create", each)))
            for _, each in corpus()
        }
        for strictness in ("structure", "base", "profiles")
    }
    assert all(each == {True, False} for each in verdicts.values())


def test_inside_a_transaction_it_sees_what_was_written_there(desk: Desk) -> None:
    sent = [
        {"resource": patient("a"), "request": {"method": "PUT", "url": "Patient/a"}},
        {"request": {"method": "GET", "url": "Patient/a/$validate"}},
    ]
    done = desk.transact(*sent)
    assert done["entry"][1]["response"]["status"] == "200 OK"
