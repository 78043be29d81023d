"""A report has the groups, populations and scores that its measure asks for.

Source: FHIR R4, Measure; MeasureReport.
"""

from __future__ import annotations

import base64

import pytest

from fhir_gateway.fhir.number import Number
from tests.conformance.validation.judging import errors, judged, told

URL = "http://measures.test/Measure/m"


def concept(code):
    return {"coding": [{"system": "http://codes.test", "code": code}]}


def measure(*groups, scoring="cohort", **more):
    codes = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/measure-scoring", "code": scoring}]}
    return {"resourceType": "Measure", "url": URL, "status": "active", "scoring": codes, "group": [*groups], **more}


def defined(*codes, **more):
    criteria = {"language": "text/fhirpath", "expression": "true"}
    return {"population": [{"code": concept(each), "criteria": criteria} for each in codes], **more}


def report(*groups, type="summary", **more):
    period = {"start": "2020", "end": "2021"}
    base = {"resourceType": "MeasureReport", "status": "complete", "type": type, "measure": URL, "period": period}
    return {**base, "group": [*groups], **more}


def told_of(*codes, count=1, **more):
    return {"population": [{"code": concept(each), "count": count} for each in codes], **more}


def test_a_report_has_the_populations_of_its_measure():
    asked = measure(defined("a", "b"))
    assert errors(report(told_of("a", "b")), asked) == []
    assert errors(report(told_of("a")), asked) == [("report-missing", "MeasureReport.group[0]")]
    place = "MeasureReport.group[0].population[2]"
    assert errors(report(told_of("a", "b", "z")), asked) == [("report-code-unknown", place)]
    assert errors(report(told_of("a", "b", "b")), asked) == [("report-code-twice", place)]


def test_several_groups_are_told_apart_by_their_code():
    asked = measure(defined("a", code=concept("g")), defined("a", code=concept("h")))
    sound = report(told_of("a", code=concept("h")), told_of("a", code=concept("g")))
    assert errors(sound, asked) == []
    found = errors(report(told_of("a"), told_of("a", code=concept("g"))), asked)
    assert found == [("report-code", "MeasureReport.group[0]"), ("report-missing", "MeasureReport")]


def test_subjects_are_listed_in_subject_lists_only():
    asked = measure(defined("a"))
    listed = {"population": [{"code": concept("a"), "count": 1, "subjectResults": {"reference": "List/1"}}]}
    assert errors(report(listed, type="subject-list"), asked) == []
    place = "MeasureReport.group[0].population[0]"
    assert errors(report(listed), asked) == [("report-subjects", place)]
    assert errors(report(told_of("a", count=5), type="subject-list"), asked) == [("report-count", place)]


@pytest.mark.parametrize(
    ("scoring", "score", "details"),
    [
        ("proportion", {"value": Number("0.5")}, []),
        ("proportion", {"value": Number("1.5")}, ["report-score-range"]),
        ("proportion", {"value": Number("0.5"), "unit": "%"}, ["report-score-unit"]),
        ("ratio", None, ["report-score-required"]),
        ("cohort", {"value": Number("1")}, ["report-score-prohibited"]),
        ("cohort", None, []),
    ],
)
def test_a_score_fits_the_scoring_of_the_measure(scoring, score, details):
    group = told_of("a", **({"measureScore": score} if score is not None else {}))
    found = errors(report(group), measure(defined("a"), scoring=scoring))
    assert [detail for detail, _ in found] == details


def test_an_unknown_measure_is_a_warning():
    findings = judged(report(told_of("a")))
    assert told(findings) == []
    assert ("report-measure-unknown", "MeasureReport") in told(findings, "warning")


def test_a_criterion_in_cql_needs_a_library():
    criteria = {"language": "text/cql", "expression": "Ages"}
    asked = measure(defined("a", stratifier=[{"criteria": criteria}]))
    assert errors(asked) == [("measure-criteria-library", "Measure.group[0].stratifier[0].criteria")]
    library = {"resourceType": "Library", "url": "http://measures.test/Library/l", "name": "L", "status": "active"}
    place = "Measure.group[0].stratifier[0].criteria"
    assert errors({**asked, "library": [library["url"]]}, library) == [("measure-criteria-elm-missing", place)]


@pytest.mark.parametrize(
    ("elm", "details"),
    [
        ('<library xmlns="urn:hl7-org:elm:r1"><statements><def name="Ages"/></statements></library>', []),
        (
            '<library xmlns="urn:hl7-org:elm:r1"><statements><def name="Sexes"/></statements></library>',
            ["measure-criteria-undefined"],
        ),
        ("<library/>", ["measure-criteria-elm"]),
        ("no XML", ["measure-criteria-elm"]),
    ],
)
def test_a_criterion_is_defined_in_the_compiled_form_of_its_library(elm, details):
    criteria = {"language": "text/cql", "expression": "L.Ages"}
    library = {"resourceType": "Library", "url": "http://measures.test/Library/l", "name": "L", "status": "active"}
    data = base64.b64encode(elm.encode()).decode()
    library["content"] = [{"contentType": "application/elm+xml", "data": data}]
    asked = measure(defined("a", stratifier=[{"criteria": criteria}]), library=[library["url"]])
    assert [detail for detail, _ in errors(asked, library)] == details


def test_a_measure_without_groups_asks_nothing_of_reports():
    assert errors(report(told_of("a")), {**measure(), "group": []}) == []


def test_a_report_is_not_held_to_another_version_of_its_measure():
    asked = {**measure(defined("a")), "version": "1"}
    assert errors(report(told_of("z"), measure=f"{URL}|2"), asked) == []
    assert errors(report(told_of("z"), measure=f"{URL}|1"), asked) != []


def test_a_list_that_can_be_read_says_how_many_subjects_there_are():
    entries = [{"item": {"reference": "Patient/1"}}, {"item": {"reference": "Patient/2"}}]
    subjects = {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "entry": entries}

    def counted(count, reference="#l"):
        population = {"code": concept("a"), "count": count, "subjectResults": {"reference": reference}}
        return report({"population": [population]}, type="subject-list", contained=[subjects])

    asked, place = measure(defined("a")), "MeasureReport.group[0].population[0]"
    assert errors(counted(2), asked) == []
    assert errors(counted(3), asked) == [("report-count", place)]
    elsewhere = report({"population": [counted(9, "List/9")["group"][0]["population"][0]]}, type="subject-list")
    assert errors(elsewhere, asked) == []


def test_the_unit_of_a_score_is_that_of_the_measure():
    unit = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"}
    unit["valueCoding"] = {"system": "http://unitsofmeasure.org", "code": "kg"}
    asked = measure(defined("a"), scoring="ratio", extension=[unit])
    for score, found in (
        ({"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}, []),
        ({"value": 1, "system": "http://unitsofmeasure.org", "code": "g"}, ["measureScore.code"]),
        ({"value": 1}, ["measureScore"]),
    ):
        places = [("report-score-unit-fixed", f"MeasureReport.group[0].{each}") for each in found]
        assert errors(report(told_of("a", measureScore=score)), asked) == places
