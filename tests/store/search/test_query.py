"""Reading a search: what is known, what is passed over, what is refused, and what two searches have in common.

Source: FHIR R4, Search, "Handling Errors", "Modifying search results"; RESTful API, "Conditional create".
"""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.conformance.subset import Subset
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.search.order import BY_RID
from fhir_gateway.store.search.query import SearchQuery, criteria_key, parse
from fhir_gateway.store.search.registry import Limits
from tests.store.search.library import LIMITS, refusals, registry


def lenient(text: str, limits: Limits = LIMITS) -> SearchQuery:
    return parse("Patient", parse_qsl(text, keep_blank_values=True), registry(limits=limits))


def test_unknown_parameters_are_passed_over_and_named() -> None:
    query = lenient("colour=red&name=a&_filter=b&_sort=size&_elements=size&shape:exact=round&_list=$current")
    assert [(issue.complaint.detail, issue.values["name"]) for issue in query.unknown] == [
        ("search-parameter-unknown", "colour"),
        ("search-parameter-unsupported", "_filter"),
        ("search-parameter-unknown", "_sort=size"),
        ("search-parameter-unknown", "shape:exact"),
        ("search-list-functional", "_list"),
        ("element-unknown", "size"),
    ]
    assert query.applied == (("name", "a"),)
    assert len(query.criteria) == 1
    assert query.order == BY_RID


def test_a_bad_value_is_refused_even_when_unknown_parameters_are_passed_over() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        lenient("colour=red&birthdate=soon&active=maybe")
    assert [issue.complaint.detail for issue in refusal.value.issues] == [
        "search-date-malformed",
        "search-boolean-malformed",
    ]


def test_a_strict_search_is_refused_for_all_that_is_wrong_at_once() -> None:
    assert refusals("Patient", "colour=red&birthdate=soon&_count=many&_sort=size&_total=exact&identifier=") == [
        "search-date-malformed",
        "search-value-invalid",
        "search-value-invalid",
        "search-value-empty",
        "search-parameter-unknown",
        "search-parameter-unknown",
    ]


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        ("_count=-1", ["search-value-invalid"]),
        ("_count=1.5", ["search-value-invalid"]),
        ("_count=٣", ["search-value-invalid"]),
        ("_count=1&_count=2", ["search-parameter-repeated"]),
        ("_sort=_id&_sort=-_id", ["search-parameter-repeated"]),
        ("_summary=some", ["summary-invalid"]),
        ("_summary=true&_elements=name", ["summary-with-elements"]),
        ("_summary=true&_summary=false", ["search-parameter-repeated"]),
        ("_summary=text&_include=*", ["search-text-with-includes"]),
        ("_summary:x=true", ["search-value-invalid"]),
        ("_elements=", ["search-value-empty"]),
        ("_elements=name,size", ["element-unknown"]),
        ("_sort:x=_id", ["search-value-invalid"]),
        ("_contained=true", []),
        ("_contained=false", []),
        ("_summary=false", []),
        ("_format=json&_pretty=true", []),
        ("name:missing=perhaps", ["search-boolean-malformed"]),
    ],
)
def test_wishes_about_the_result_are_checked(text: str, issues: list[str]) -> None:
    assert refusals("Patient", text) == issues


def test_every_issue_names_the_parameter_in_both_languages() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        lenient("birthdate=soon&identifier:above=x&active=1&organization..x=1&general-practitioner:Patient=1")
    assert len(refusal.value.issues) == 5
    for issue in refusal.value.issues:
        assert issue.values["name"] in issue.text("en")
        assert issue.values["name"] in issue.text("fr")
        assert issue.expression is None


def test_a_page_is_as_long_as_asked_up_to_the_limit() -> None:
    limits = Limits(default_count=20, max_count=100)
    assert [lenient(text, limits).count for text in ("", "_count=7", "_count=100000")] == [20, 7, 100]


def test_what_was_done_is_told_where_it_is_not_what_was_asked() -> None:
    query = lenient("name=a&_count=100000&_elements=name,size,active", Limits(max_count=100))
    assert query.applied == (("name", "a"), ("_count", "100"), ("_elements", "name,active"))
    assert query.subset == Subset(elements=("name", "active"))
    assert lenient("_elements=size").applied == ()
    assert lenient("_count=0", Limits(default_count=100, max_count=100)).applied == (("_count", "0"),)


def test_more_conditions_than_the_limit_are_refused() -> None:
    limits = Limits(max_conditions=5)  # two criteria and three values, say
    assert refusals("Patient", "identifier=1,2&name=a", limits) == []
    for more in ("identifier=1,2&name=a,b", "identifier=1,2&name=a&active:missing=true", "identifier=1,2,3,4,5"):
        assert refusals("Patient", more, limits) == ["search-too-many-conditions"]
    assert refusals("Patient", "identifier=1,2&name=a&_include=*", limits) == ["search-too-many-conditions"]


def test_searches_that_differ_in_values_alone_have_one_shape() -> None:
    some = lenient("identifier=urn:a|1&birthdate=ge1970&name=ada&organization=Organization/1,2,3")
    others = lenient("identifier=urn:b|2&birthdate=ge2001-05&name=bob&organization=9,8")
    assert [each.shape for each in some.criteria] == [each.shape for each in others.criteria]
    assert some.key != others.key


@given(st.permutations(["identifier=a,b", "active=true", "name:exact=x", "_count=5", "_format=json"]))
def test_equal_conditions_have_equal_keys_whatever_their_order(parameters: list[str]) -> None:
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in parameters)]
    assert criteria_key("Patient", pairs) == "Patient?active=true&identifier=a,b&name:exact=x"


def test_other_conditions_have_other_keys() -> None:
    keys = {
        criteria_key(type, [(name, value)])
        for type, name, value in (
            ("Patient", "identifier", "a|1"),
            ("Practitioner", "identifier", "a|1"),
            ("Patient", "identifier", "a|2"),
            ("Patient", "identifier", r"a|1\,2"),
            ("Patient", "identifier", "a|1,2"),
            ("Patient", "identifier:not", "a|1"),
        )
    }
    assert len(keys) == 6


def test_alternatives_are_equal_in_any_order() -> None:
    assert criteria_key("Patient", [("identifier", "b,a,b")]) == criteria_key("Patient", [("identifier", "a,b")])


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        # A name of empty parts.
        ("=x", ["search-name-malformed"]),
        ("name:=x", ["search-name-malformed"]),
        ("name.=x", ["search-name-malformed"]),
        (".name=x", ["search-name-malformed"]),
        ("organization..name=x", ["search-name-malformed"]),
        ("organization:.name=x", ["search-name-malformed"]),
        # Modifiers that are none, or none of this type.
        ("name:a:b=x", ["search-modifier-unsupported"]),
        ("gender:exact=male", ["search-modifier-unsupported"]),
        ("birthdate:not=2000", ["search-modifier-unsupported"]),
        ("gender:in=http://v.example.org", ["search-modifier-unsupported"]),
        ("organization:Organization:exact.name=x", ["search-reference-type"]),
        # No references.
        ("name.given=x", ["search-chain-impossible"]),
        ("_id.x=1", ["search-chain-impossible"]),
        # What this server does not do is refused like what there is not.
        ("_filter=name eq x", ["search-parameter-unsupported"]),
        ("_query=x", ["search-parameter-unsupported"]),
        # Alternatives that are empty.
        ("name=a,,b", ["search-value-empty"]),
        ("name=,", ["search-value-empty"]),
        # All at once.
        (
            "name:=x&_query=y&gender:exact=z",
            ["search-name-malformed", "search-modifier-unsupported", "search-parameter-unsupported"],
        ),
    ],
)
def test_names_and_modifiers_that_are_not_possible_are_refused(text: str, issues: list[str]) -> None:
    assert refusals("Patient", text) == issues
