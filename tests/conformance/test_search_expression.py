"""The FHIRPath of search parameters is read by its grammar, and refused with place and reason where it goes beyond.

Source: FHIRPath, "Operator Precedence", "Literals"; FHIR R4, SearchParameter.expression.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.conformance.search_expression import (
    Call,
    Index,
    Literal,
    Member,
    Operation,
    TypeTest,
    UnsupportedExpression,
    Variable,
    parse,
)


def test_a_path_is_a_chain_of_members():
    assert parse("Patient.name") == Member(Member(None, "Patient", 0), "name", 8)
    assert parse(" Patient . name ") == Member(Member(None, "Patient", 1), "name", 11)


def test_as_binds_tighter_than_a_union_and_a_union_tighter_than_equality():
    expression = parse("a as Quantity | b = c")
    union = Operation("|", TypeTest(Member(None, "a", 0), "as", "Quantity", 2), Member(None, "b", 16), 14)
    assert expression == Operation("=", union, Member(None, "c", 20), 18)


def test_and_binds_tighter_than_or():
    a, b, c = Member(None, "a", 0), Member(None, "b", 5), Member(None, "c", 11)
    assert parse("a or b and c") == Operation("or", a, Operation("and", b, c, 7), 2)


def test_the_function_and_the_operator_of_a_type_mean_the_same():
    for text in ("a.as(Quantity)", "a.ofType(Quantity)", "a.ofType(FHIR.Quantity)", "a as FHIR.Quantity"):
        assert parse(text) == TypeTest(Member(None, "a", 0), "as", "Quantity", 2)


def test_calls_indexes_variables_and_literals_are_read():
    assert parse("a.where(b='x')[0]") == Index(
        Call(Member(None, "a", 0), "where", (Operation("=", Member(None, "b", 8), Literal("x", 10), 9),), 2), 0, 14
    )
    assert parse("%resource.a") == Member(Variable("%resource", 0), "a", 10)
    assert parse("true") == Literal(True, 0)
    assert parse("f()") == Call(None, "f", (), 0)


def test_escapes_in_strings_and_names_are_undone():
    assert parse(r"'l\'\u00e9t\n\\'") == Literal("l'ét\n\\", 0)
    assert parse("`as`") == Member(None, "as", 0)


@pytest.mark.parametrize(
    ("text", "position", "detail"),
    [
        ("", 0, "search-expression-unreadable"),
        ("a.", 2, "search-expression-unreadable"),
        ("a b", 2, "search-expression-unreadable"),
        ("'open", 0, "search-expression-unreadable"),
        ("a[b]", 2, "search-expression-unreadable"),
        ("f(a", 3, "search-expression-unreadable"),
        ("a as", 4, "search-expression-unreadable"),
        ("a + b", 2, "search-expression-unsupported"),
        ("a ~ b", 2, "search-expression-unsupported"),
        ("a in b", 2, "search-expression-unsupported"),
        ("a > 1", 2, "search-expression-unsupported"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_position(text: str, position: int, detail: str):
    with pytest.raises(UnsupportedExpression) as refusal:
        parse(text)
    assert (refusal.value.position, refusal.value.issues[0].complaint.detail) == (position, detail)
    assert f"character {position}" in refusal.value.reason
    assert refusal.value.issues[0].expression == "SearchParameter.expression"


@pytest.mark.parametrize(
    "text",
    ["(" * 1000, "a" + ".a" * 1000, "a" + " and a" * 1000, "a" + "[0]" * 1000, "f(" * 1000, "a" + " as b" * 1000],
)
def test_an_expression_that_would_exhaust_the_stack_is_refused(text: str):
    with pytest.raises(UnsupportedExpression):
        parse(text)


def test_a_union_of_a_thousand_alternatives_is_read():
    assert isinstance(parse(" | ".join(["a.b"] * 1000)), Operation)


@given(st.text(alphabet="aB._ ()[]|='`\\\"%$0+\n", max_size=30))
def test_any_text_is_read_or_refused(text: str):
    position = 0
    try:
        parse(text)
    except UnsupportedExpression as refusal:
        position = refusal.position
    assert 0 <= position <= len(text)
