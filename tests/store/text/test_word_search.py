"""Searches by words on both engines: `_text` is the narrative, `_content` the whole resource.

Source: FHIR R4, Search, "_text, _content".
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fhir_gateway.store.index.syntax import escape
from fhir_gateway.store.search.plan import Planner
from fhir_gateway.store.search.registry import Limits
from fhir_gateway.store.text.query import Tree
from fhir_gateway.store.text.words import words
from tests.store.search.library import refusals
from tests.store.text.conftest import Reading
from tests.store.text.test_query import holds, trees, written

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "ada",
        "text": {"status": "generated", "div": "<div><p>Métastases osseuses</p><p>suivi annuel</p></div>"},
        "name": [{"family": "Œuvrard", "given": ["Ada"]}],
        "birthDate": "1970-02-03",
    },
    {"resourceType": "Patient", "id": "bob", "name": [{"family": "Osseuses"}], "gender": "male"},
    {
        "resourceType": "Condition",
        "id": "liver",
        "text": {"status": "generated", "div": "<div>liver metastases</div>"},
        "subject": {"reference": "Patient/ada"},
        "code": {"coding": [{"code": "C78.7", "display": "Secondary malignant neoplasm of liver"}]},
    },
    {
        "resourceType": "Condition",
        "id": "bone",
        "text": {"status": "generated", "div": "<div>bone metastases</div>"},
        "subject": {"reference": "Patient/bob"},
        "code": {"coding": [{"code": "C79.5", "display": "Secondary malignant neoplasm of bone"}]},
        "note": [{"text": "no liver involvement"}],
    },
    {"resourceType": "Condition", "id": "flu", "subject": {"reference": "Patient/bob"}, "code": {"text": "flu"}},
]


@pytest.fixture(scope="module", autouse=True)
def filled(shelf: Reading) -> None:
    shelf.put(*RESOURCES)


@pytest.mark.parametrize(
    ("type", "asked", "found"),
    [
        # "_text=(bone OR liver) and metastases"
        ("Condition", "_text=(bone OR liver) and metastases", {"bone", "liver"}),
        ("Condition", "_text=metastases", {"bone", "liver"}),
        ("Condition", "_text=liver", {"liver"}),
        ("Condition", "_content=liver", {"bone", "liver"}),
        ("Condition", "_text=bone,liver", {"bone", "liver"}),
        ("Condition", "_text=bone liver", set()),
        ("Condition", "_text=nothing", set()),
        # a word of the narrative and one of the rest
        ("Condition", "_content=metastases secondary", {"bone", "liver"}),
        # accents, ligatures and case do not count, in what is stored and what is asked
        ("Patient", "_text=metastases", {"ada"}),
        ("Patient", "_text=MÉTASTASES", {"ada"}),
        ("Patient", "_content=oeuvrard", {"ada"}),
        ("Patient", "_content=œuvrard", {"ada"}),
        # phrases stay inside one text
        ("Patient", '_text="metastases osseuses"', {"ada"}),
        ("Patient", '_text="osseuses metastases"', set()),
        ("Patient", '_text="osseuses suivi"', set()),
        ("Patient", "_content=1970-02-03", {"ada"}),
        ("Condition", "_content=C78.7", {"liver"}),
        ("Condition", '_content="malignant neoplasm"', {"bone", "liver"}),
        # beginnings
        ("Condition", "_text=metast*", {"bone", "liver"}),
        ("Condition", "_content=second*", {"bone", "liver"}),
        ("Patient", "_content=1970-02*", {"ada"}),
        # NOT, alone and beside others; a resource without narrative does not have the word either
        ("Condition", "_text=metastases NOT liver", {"bone"}),
        ("Condition", "_text=NOT liver", {"bone", "flu"}),
        ("Condition", "_content=NOT liver", {"flu"}),
        ("Condition", "_text=bone OR NOT metastases", {"bone", "flu"}),
        ("Condition", "_text=NOT liver,liver", {"bone", "flu", "liver"}),
        # of the types searched alone, of several, of all
        ("Patient", "_content=osseuses", {"ada", "bob"}),
        (None, "_content=osseuses", {"ada", "bob"}),
        (None, "_text=metastases", {"ada", "bone", "liver"}),
        (None, "_type=Condition,Patient&_text=metastases", {"ada", "bone", "liver"}),
        (None, "_type=Condition&_text=metastases", {"bone", "liver"}),
        # with other criteria, in chains, behind _has, in a compartment
        ("Condition", "_text=metastases&code=C79.5", {"bone"}),
        ("Condition", "_text=metastases&_text=bone", {"bone"}),
        ("Condition", "_text=metastases&_id=bone,flu", {"bone"}),
        ("Condition", "_text=NOT bone&code=C79.5", set()),
        ("Condition", "subject:Patient._text=metastases", {"liver"}),
        ("Condition", "subject:Patient._text=NOT metastases", {"bone", "flu"}),
        ("Condition", "subject._content=male", {"bone", "flu"}),
        ("Patient", "_has:Condition:subject:_text=bone", {"bob"}),
        ("Patient", "_has:Condition:subject:_content=liver", {"ada", "bob"}),
    ],
)
def test_words_are_found(shelf: Reading, type: str | None, asked: str, found: set[str]) -> None:
    assert set(shelf.ids(type, asked)) == found


def test_a_search_by_words_is_sorted_counted_and_paged_like_any(shelf: Reading) -> None:
    assert shelf.ids("Condition", "_text=metastases&_sort=_id") == ["bone", "liver"]
    assert shelf.ids("Condition", "_text=metastases&_sort=-_id") == ["liver", "bone"]
    page = shelf.page("Condition", "_content=secondary&_count=1&_total=accurate&_sort=code")
    assert ([version.id for version in page.matches], page.total) == (["liver"], 2)
    assert shelf.page("Condition", "_content=secondary&_summary=count").total == 2


def test_a_compartment_is_searched_by_words(shelf: Reading) -> None:
    assert shelf.ids("Condition", "_content=liver", ("Patient", "bob")) == ["bone"]


def test_a_narrative_is_asked_only_of_what_may_have_one() -> None:
    assert refusals("Bundle", "_text=bone") == ["search-parameter-unknown"]
    assert refusals("Bundle", "_content=bone") == []
    assert refusals(None, "_text=bone") == []


def test_modifiers_are_refused() -> None:
    assert refusals("Patient", "_text:exact=bone") == ["text-modifier-unsupported"]
    assert refusals("Patient", "_content:missing=true") == ["text-modifier-unsupported"]


def test_without_an_index_of_words_both_parameters_are_unsupported() -> None:
    off = Limits(full_text=False)
    assert refusals("Patient", "_text=bone&_content=bone", off) == ["search-parameter-unsupported"] * 2
    assert refusals("Observation", "subject:Patient._text=bone", off) == ["search-parameter-unsupported"]


def test_all_that_is_wrong_with_a_search_is_told_together() -> None:
    assert refusals("Patient", "_text=(bone&birthdate=never&_content=*") == [
        "text-parenthesis-unclosed", "search-date-malformed", "text-wordless",
    ]  # fmt: skip


def test_a_word_that_leads_to_few_leads_the_search(shelf: Reading) -> None:
    for asked in ("_text=metastases", "_text=metastases&code=C79.5,C78.7", "_content=NOT flu"):
        criteria = shelf.query("Condition", asked).criteria
        with shelf.store.read() as view:
            planned = Planner(view).plan(criteria, by_rid=True)
        assert planned is not None
        assert planned.driver is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(trees())
def test_any_tree_finds_what_it_means(shelf: Reading, tree: Tree) -> None:
    texts: dict[str, list[tuple[str, ...]]] = {
        "liver": [("liver", "metastases")], "bone": [("bone", "metastases")], "flu": [],
    }  # fmt: skip
    meant = {id for id, each in texts.items() if holds(tree, each)}
    assert set(shelf.found("Condition", "_text", written(tree))) == meant


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_any_word_is_found_by_itself(library: Reading, text: str) -> None:
    value = '"' + escape(text.replace('"', " ")) + '"'
    library.put({"resourceType": "Basic", "id": "x", "code": {"text": text}})
    assume(words(text))
    assert library.found("Basic", "_content", value) == ["x"]
