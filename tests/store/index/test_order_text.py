"""The texts by which resources are ordered: one for each token and each reference, beside the keys they are found by.

Source: FHIR R4, Search, "_sort"; "token"; "reference"; References, "Canonical URLs".
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.index import reference, token
from fhir_gateway.store.index.hashing import h64, order_text
from fhir_gateway.store.index.rows import Rows

BASE = "https://gateway.example.org/fhir"
TARGETS = reference.targets_at(BASE)
LITERALS = st.sampled_from(
    [
        "Patient/1",
        f"{BASE}/Patient/1",
        "Patient/1/_history/2",
        "http://other.example.org/Patient/1",
        "http://other.example.org/Patient/1/_history/2",
        "http://other.example.org/Patient/1/_history/2/_history/3",
        "http://other.example.org/Patient/1|2",
        "#p",
    ]
)


def references(*literals: str) -> list[tuple[Any, ...]]:
    rows, take = Rows(), reference.take(7, "Reference", None, TARGETS)
    assert take is not None
    take([{"reference": literal} for literal in literals], rows)
    return list(rows.sealed()[0].get("i_ref", ()))


def canonicals(*literals: str) -> list[tuple[Any, ...]]:
    rows, take = Rows(), reference.take(7, "canonical", None, TARGETS)
    assert take is not None
    take(list(literals), rows)
    return list(rows.sealed()[0].get("i_ref", ()))


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("Patient/1", "Patient/1"),
        (f"{BASE}/Patient/1", "Patient/1"),
        ("Patient/1/_history/2", "Patient/1/_history/2"),
        ("http://other.example.org/Patient/1", "http://other.example.org/Patient/1"),
        ("http://other.example.org/" + "x" * 100, "http://other.example.org/" + "x" * 39),
        ("#p", None),
    ],
)
def test_a_reference_is_ordered_by_its_text_relative_to_the_base(literal: str, text: str | None) -> None:
    rows = references(literal)
    assert [s for _, _, s in rows if s is not None] == ([] if text is None else [text])


def test_a_canonical_is_ordered_by_its_url_in_the_row_of_all_it_names() -> None:
    url, whole = h64("http://a.example.org/q"), h64("http://a.example.org/q|1")
    assert canonicals("http://a.example.org/q|1#x") == sorted([(url, 7, None), (whole, 7, "http://a.example.org/q")])
    assert canonicals("http://a.example.org/q") == [(url, 7, "http://a.example.org/q")]


def test_a_canonical_with_its_version_and_without_has_each_key_once() -> None:
    url, whole = h64("http://a.example.org/q"), h64("http://a.example.org/q|1")
    text = "http://a.example.org/q"
    both = canonicals("http://a.example.org/q|1", "http://a.example.org/q")
    assert both == sorted([(url, 7, text), (whole, 7, text)])
    assert both == canonicals("http://a.example.org/q", "http://a.example.org/q|1")


@given(st.lists(LITERALS, max_size=8))
def test_no_resource_has_a_key_of_a_reference_twice(literals: list[str]) -> None:
    rows = references(*literals)
    keys = [row[:2] for row in rows]
    assert keys == sorted(set(keys))
    assert rows == references(*reversed(literals))


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=100), st.text(max_size=5))
def test_only_the_row_of_a_bare_code_has_its_text(code: str, system: str) -> None:
    rows = token.keys_of(system or None, code)
    assert [s for _, s in rows if s is not None] == [order_text(code)]
    assert rows[0][1] == order_text(code)
    assert len(order_text(code)) <= 64
    assert "\x00" not in order_text(code)
    order_text(code).encode()


def test_the_identifier_of_a_reference_is_not_what_it_is_ordered_by() -> None:
    rows, take = Rows(), reference.take(7, "Reference", None, TARGETS)
    assert take is not None
    take([{"identifier": {"system": "urn:s", "value": "1"}}], rows)
    assert {s for _, _, s in rows.token} == {None}
    assert rows.ref == [(reference.TARGETLESS, 7, None)]
