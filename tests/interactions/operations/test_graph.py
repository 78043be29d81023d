"""$graph: what a GraphDefinition leads to from a resource.

Source: FHIR R4, Resource Operations, "graph"; GraphDefinition.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.interactions.desk import BASE, Desk, Refused, observation, patient

URL = "http://example.org/GraphDefinition/g"


def define(desk: Desk, *links: Any, start: str = "Patient", id: str = "g", **more: Any) -> None:
    desk.put(
        {
            "resourceType": "GraphDefinition", "id": id, "url": URL, "name": "G", "status": "active", "start": start,
            "link": list(links), **more,
        }
    )  # fmt: skip


def path(path: str, *types: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "target": [{"type": type} for type in types], **more}


def search(type: str, params: str, *links: Any, **more: Any) -> dict[str, Any]:
    return {"target": [{"type": type, "params": params, **({"link": list(links)} if links else {})}], **more}


def followed(desk: Desk, url: str = f"Patient/a/$graph?graph={URL}") -> tuple[list[str], list[str]]:
    """Return what was found, with its mode, and the details of what is said of it."""
    answer = desk.get(url)
    assert (answer["type"], answer["total"]) == ("searchset", 1)
    found, said = [], []
    for each in answer["entry"]:
        if each["search"]["mode"] == "outcome":
            said = [issue["details"]["coding"][0]["code"] for issue in each["resource"]["issue"]]
            assert {issue["severity"] for issue in each["resource"]["issue"]} <= {"warning", "information"}
        else:
            found.append(f"{each['search']['mode']} {each['fullUrl'].removeprefix(f'{BASE}/')}")
    return found, said


@pytest.fixture
def family(desk: Desk) -> Desk:
    desk.put({"resourceType": "Organization", "id": "o", "name": "O"})
    desk.put({"resourceType": "Practitioner", "id": "d"})
    doctors = [{"reference": "Practitioner/d"}, {"reference": "Organization/o"}]
    desk.put(patient("a", managingOrganization={"reference": "Organization/o"}, generalPractitioner=doctors))
    desk.put(patient("b"))
    desk.put(observation("Patient/a", "1", performer=[{"reference": "Practitioner/d"}]))
    desk.put(observation("Patient/a", "2", hasMember=[{"reference": "Observation/1"}]))
    desk.put(observation("Patient/b", "3"))
    return desk


def test_paths_lead_to_what_is_referred_to(family: Desk) -> None:
    define(family, path("Patient.managingOrganization", "Organization"))
    assert followed(family) == (["match Patient/a", "include Organization/o"], [])


def test_a_path_may_begin_with_an_element_and_leads_to_the_types_of_its_targets_only(family: Desk) -> None:
    define(family, path("generalPractitioner", "Practitioner"))
    assert followed(family) == (["match Patient/a", "include Practitioner/d"], [])


def test_params_search_for_what_refers_to_the_resource(family: Desk) -> None:
    define(family, search("Observation", "patient={ref}&status=final"))
    found, said = followed(family)
    assert (found[0], sorted(found[1:]), said) == (
        "match Patient/a", ["include Observation/1", "include Observation/2"], [],
    )  # fmt: skip


def test_links_go_on_from_what_was_reached_and_each_resource_comes_once(family: Desk) -> None:
    define(
        family,
        search(
            "Observation", "patient={ref}",
            path("Observation.performer", "Practitioner"),
            path("Observation.subject", "Patient"),
            {"path": "hasMember", "target": [{"type": "Observation", "link": [path("subject", "Patient")]}]},
        ),
        path("Patient.generalPractitioner", "Practitioner", "Organization"),
    )  # fmt: skip
    found, said = followed(family)
    assert sorted(found) == [
        "include Observation/1", "include Observation/2", "include Organization/o", "include Practitioner/d",
        "match Patient/a",
    ]  # fmt: skip
    assert said == []


def test_a_canonical_is_followed_to_the_resource_that_has_it_as_url(desk: Desk) -> None:
    value_set = {"resourceType": "ValueSet", "status": "active", "url": "http://example.org/vs"}
    desk.put({**value_set, "id": "v1", "version": "1"})
    desk.put({**value_set, "id": "v2", "version": "2"})
    item = {"linkId": "1", "type": "choice", "answerValueSet": "http://example.org/vs|2"}
    desk.put({"resourceType": "Questionnaire", "id": "q", "status": "active", "item": [item]})
    define(desk, path("Questionnaire.item.answerValueSet", "ValueSet"), start="Questionnaire")
    assert followed(desk, f"Questionnaire/q/$graph?graph={URL}")[0] == ["match Questionnaire/q", "include ValueSet/v2"]


def test_links_that_occur_too_rarely_or_too_often_are_told_of(family: Desk) -> None:
    define(
        family,
        path("Patient.generalPractitioner", "Practitioner", max="1"),
        search("Encounter", "patient={ref}", min=1),
        search("Observation", "patient={ref}", min=2, max="2"),
    )
    assert followed(family)[1] == ["graph-link-occurs", "graph-link-occurs"]


def test_references_that_lead_nowhere_are_told_of(desk: Desk) -> None:
    define(desk, path("Patient.generalPractitioner", "Practitioner"))
    desk.put({"resourceType": "Practitioner", "id": "gone"})
    elsewhere = [
        {"reference": "http://elsewhere.example.org/Practitioner/1"}, {"display": "nobody"},
        {"reference": "#contained"},
    ]  # fmt: skip
    contained = [{"resourceType": "Practitioner", "id": "contained"}]
    desk.put(patient("a", generalPractitioner=elsewhere, contained=contained))
    assert followed(desk) == (["match Patient/a"], ["graph-target-not-here"])


def test_what_is_passed_over_is_told(family: Desk) -> None:
    target = {"type": "Organization", "profile": "http://example.org/p"}
    define(
        family,
        {"path": "managingOrganization", "sliceName": "s", "target": [target]},
        profile="http://example.org/p",
    )
    found, said = followed(family)
    assert (len(found), said) == (2, ["graph-passed-over"] * 3)


def test_all_that_cannot_be_followed_is_refused_at_once_with_its_place(family: Desk) -> None:
    define(
        family,
        path("Patient.name.matches('x')", "Practitioner"),
        path("Patient.nothing", "Practitioner"),
        {"path": "managingOrganization"},
        search("Observation", "patient=1"),
        search("Observation", "unknown={ref}"),
        search("Observation", "patient={ref}&_count=1"),
        search("Patiens", "patient={ref}"),
        path("managingOrganization", "Organization", max="many"),
        search("Observation", "patient={ref}&_text=x"),
    )
    refusal = family.refused("GET", f"Patient/a/$graph?graph={URL}")
    link = "GraphDefinition.link"
    assert refusal == Refused(
        422,
        (
            ("graph-path-unsupported", f"{link}[0].path"), ("graph-path-unsupported", f"{link}[1].path"),
            ("graph-link-without-target", f"{link}[2]"), ("graph-params-without-ref", f"{link}[3].target[0].params"),
            ("search-parameter-unknown", f"{link}[4].target[0].params"),
            ("criteria-parameter", f"{link}[5].target[0].params"), ("graph-type-unknown", f"{link}[6].target[0].type"),
            ("graph-max", f"{link}[7].max"), ("graph-params-full-text", f"{link}[8].target[0].params"),
        ),
    )  # fmt: skip


def test_the_definition_must_be_here_and_start_at_the_type(family: Desk) -> None:
    assert family.refused("GET", f"Patient/a/$graph?graph={URL}") == Refused(404, (("graph-unknown", None),))
    define(family, path("Encounter.subject", "Patient"), start="Encounter")
    assert family.refused("GET", f"Patient/a/$graph?graph={URL}") == Refused(
        422, (("graph-start", "GraphDefinition.start"),)
    )
    assert family.refused("GET", "Patient/a/$graph") == Refused(400, (("operation-input-missing", None),))
    assert family.refused("GET", f"Patient/x/$graph?graph={URL}").status == 404


def test_of_several_versions_the_one_named_is_followed_else_an_active_one(family: Desk) -> None:
    define(family, path("managingOrganization", "Organization"), version="1")
    define(family, path("generalPractitioner", "Practitioner"), id="g2", version="2", status="draft")
    assert followed(family)[0] == ["match Patient/a", "include Organization/o"]
    assert followed(family, f"Patient/a/$graph?graph={URL}|2")[0] == ["match Patient/a", "include Practitioner/d"]
    assert family.refused("GET", f"Patient/a/$graph?graph={URL}|3").status == 404


def test_a_graph_is_bounded(family: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    define(family, search("Observation", "patient={ref}", search("Observation", "has-member={ref}")))
    monkeypatch.setattr("fhir_gateway.interactions.operations.graph.SEARCHES", 2)
    assert family.refused("GET", f"Patient/a/$graph?graph={URL}").issues == (("graph-too-many-searches", None),)
    monkeypatch.setattr("fhir_gateway.interactions.operations.graph.LARGEST", 2)
    assert family.refused("GET", f"Patient/a/$graph?graph={URL}") == Refused(403, (("graph-too-large", None),))
