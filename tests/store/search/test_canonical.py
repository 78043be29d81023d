"""Chains, reverse chains and inclusions along canonical URLs, with and without a version.

Source: FHIR R4, References, "Canonical URLs": "url|version" means that business version; a url alone any; Search,
"Chained parameters", "Reverse Chaining", "Including other resources in result".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.store.search import plan
from tests.store.search.library import Library, refusals

URL = "http://q.example.org/q"


def _questionnaire(id: str, version: str | None, title: str, url: str = URL) -> dict[str, Any]:
    versioned = {} if version is None else {"version": version}
    return {"resourceType": "Questionnaire", "id": id, "url": url, "status": "active", "title": title, **versioned}


def _response(id: str, questionnaire: str, status: str = "completed") -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "id": id, "status": status, "questionnaire": questionnaire}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        _questionnaire("one", "1", "Anamnesis"),
        _questionnaire("two", "2", "Phenotype"),
        _questionnaire("none", None, "Consent", "http://q.example.org/unversioned"),
        {
            "resourceType": "Measure",
            "id": "m",
            "url": "http://m.example.org/m",
            "status": "active",
            "title": "Anamnesis",
        },
        _response("of-one", f"{URL}|1"),
        _response("of-two", f"{URL}|2", "in-progress"),
        _response("of-any", URL),
        _response("of-three", f"{URL}|3"),
        _response("part", f"{URL}|2#group", "amended"),
        _response("unversioned", "http://q.example.org/unversioned"),
        _response("elsewhere", "http://elsewhere.example.org/q"),
        {"resourceType": "MeasureReport", "id": "r", "measure": "http://m.example.org/m|4"},
        {
            "resourceType": "CarePlan",
            "id": "plan",
            "instantiatesCanonical": [URL, "http://m.example.org/m"],
        },
    )


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("QuestionnaireResponse", "questionnaire.title=anamnesis", {"of-one", "of-any"}),
        ("QuestionnaireResponse", "questionnaire.title=phenotype", {"of-two", "of-any", "part"}),
        ("QuestionnaireResponse", "questionnaire.title=consent", {"unversioned"}),
        ("QuestionnaireResponse", "questionnaire:Questionnaire.title:exact=Consent", {"unversioned"}),
        ("QuestionnaireResponse", "questionnaire.version=2", {"of-two", "of-any", "part"}),
        ("QuestionnaireResponse", "questionnaire.version:missing=true", {"unversioned"}),
        ("QuestionnaireResponse", "questionnaire.version:not=2", {"of-one", "of-any", "unversioned"}),
        ("QuestionnaireResponse", "questionnaire._id=one", {"of-one", "of-any"}),
        ("QuestionnaireResponse", "questionnaire.title=nothing", set()),
        ("QuestionnaireResponse", "questionnaire.title=anamnesis&status=completed", {"of-one", "of-any"}),
        ("CarePlan", "instantiates-canonical.title=anamnesis", {"plan"}),
        ("CarePlan", "instantiates-canonical:Measure.title=anamnesis", {"plan"}),
        ("CarePlan", "instantiates-canonical:Measure.title=phenotype", set()),
        ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:status=completed", {"one", "two", "none"}),
        ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:status=in-progress", {"two"}),
        ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:_id=of-any", {"one", "two"}),
        ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:_id=of-three", set()),
        ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:status=amended&version=2", {"two"}),
        # The url itself, with a version and without.
        ("QuestionnaireResponse", f"questionnaire={URL}|2", {"of-two", "part"}),
        ("QuestionnaireResponse", f"questionnaire={URL}", {"of-one", "of-two", "of-any", "of-three", "part"}),
    ],
)
def test_a_canonical_leads_to_what_has_its_url_and_version(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str, query: str, found: set[str], few: int
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    assert set(library.ids(type, query)) == found


@pytest.mark.parametrize(
    ("type", "query", "included"),
    [
        ("QuestionnaireResponse", "_id=of-one&_include=QuestionnaireResponse:questionnaire", ["Questionnaire/one"]),
        (
            "QuestionnaireResponse",
            "_id=of-any&_include=QuestionnaireResponse:questionnaire",
            ["Questionnaire/one", "Questionnaire/two"],
        ),
        ("QuestionnaireResponse", "_id=of-three&_include=QuestionnaireResponse:questionnaire", []),
        ("QuestionnaireResponse", "_id=elsewhere&_include=*", []),
        ("QuestionnaireResponse", "_id=part&_include=*", ["Questionnaire/two"]),
        ("QuestionnaireResponse", "_id=unversioned&_include=QuestionnaireResponse:*", ["Questionnaire/none"]),
        ("MeasureReport", "_include=MeasureReport:measure", []),  # another version
        (
            "CarePlan",
            "_include=CarePlan:instantiates-canonical",
            ["Measure/m", "Questionnaire/one", "Questionnaire/two"],
        ),
        ("CarePlan", "_include=CarePlan:instantiates-canonical:Measure", ["Measure/m"]),
        ("CarePlan", "_include=CarePlan:instantiates-canonical:ActivityDefinition", []),
        (
            "Questionnaire",
            "_id=one&_revinclude=QuestionnaireResponse:questionnaire",
            ["QuestionnaireResponse/of-any", "QuestionnaireResponse/of-one"],
        ),
        ("Questionnaire", "_id=none&_revinclude=*", ["QuestionnaireResponse/unversioned"]),
        (
            "MeasureReport",
            "_include=MeasureReport:measure&_revinclude=CarePlan:instantiates-canonical",
            [],
        ),
        (
            "CarePlan",
            "_include=CarePlan:instantiates-canonical:Questionnaire"
            "&_revinclude:iterate=QuestionnaireResponse:questionnaire:Questionnaire",
            [
                "Questionnaire/one",
                "Questionnaire/two",
                "QuestionnaireResponse/of-any",
                "QuestionnaireResponse/of-one",
                "QuestionnaireResponse/of-two",
                "QuestionnaireResponse/part",
            ],
        ),
    ],
)
def test_what_comes_along_a_canonical(library: Library, type: str, query: str, included: list[str]) -> None:
    assert library.included(type, query) == included


def test_a_chain_to_what_no_url_finds_is_refused() -> None:
    # Neither has a canonical URL of its own in R4.
    assert refusals("Library", "depends-on:Account.name=x") == ["search-chain-canonical"]
