"""URIs whole, and URLs by their beginning.

Source: FHIR R4, Search, "uri" and "Modifiers".
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.index import uri
from fhir_gateway.store.index.condition import Asked, Condition, Keys
from fhir_gateway.store.index.rows import Rows
from fhir_gateway.store.index.syntax import escape

URLS = st.builds("{}://{}".format, st.sampled_from(["http", "https"]), st.text("ab/._é|?#", min_size=1, max_size=40))


def rows_of(*values: str, type: str = "uri") -> Rows:
    rows, take = Rows(), uri.take(5, type)
    assert take is not None
    take(list(values), rows)
    return rows


def asked(modifier: str | None, value: str) -> Condition:
    (condition,) = uri.ask(Asked("url", (value,), modifier)).conditions
    return condition


def found(condition: Condition, rows: Rows) -> bool:
    """Tell whether one of the rows passes, as their tables would tell it."""
    if "{v}" in condition.where:
        first, last = condition.values
        return any(first <= v <= last for _, v, _ in rows.str)
    (values,) = condition.values
    keys: tuple[Any, ...] = values if isinstance(values, Keys) else (values,)
    return any(h in keys for _, h, _ in rows.token)


@given(URLS, URLS)
def test_below_finds_what_begins_with_a_url_and_above_what_it_begins_with(stored: str, value: str) -> None:
    rows = rows_of(stored)
    assert found(asked("below", escape(value)), rows) is stored.startswith(value)
    assert found(asked("above", escape(value)), rows) is value.startswith(stored)
    assert found(asked(None, escape(value)), rows) is (stored == value)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("http://acme.org/fhir/ValueSet/123/_history/5", True),
        ("http://acme.org/fhir/ValueSet/123", True),
        ("http://acme.org/fhir/ValueSet/", True),
        ("http://acme.org", True),
        ("http://acme.org/fhir/ValueSet/1234", False),
        ("http://acme.org/fhir/ValueSet/124", False),
        ("HTTP://acme.org/fhir/ValueSet/123", False),
    ],
)
def test_above_finds_the_url_and_its_leading_parts(stored: str, expected: bool) -> None:
    above = asked("above", "http://acme.org/fhir/ValueSet/123/_history/5")
    assert found(above, rows_of(stored)) is expected


def test_below_is_exact_for_urls_of_the_greatest_length() -> None:
    longest = "http://" + "x" * (uri.KEPT - 8)
    assert found(asked("below", longest + "y"), rows_of(longest + "yz"))
    assert not found(asked("below", longest + "y"), rows_of(longest + "z"))


def test_a_canonical_is_found_by_its_url_by_its_version_and_by_its_beginning() -> None:
    rows = rows_of("http://p.example.org/a|1.0#x", type="canonical")
    assert rows.str[0][1] == "http://p.example.org/a"
    for modifier, value, expected in (
        (None, "http://p.example.org/a", True),
        (None, r"http://p.example.org/a\|1.0", True),
        (None, "http://p.example.org/a|1.0", True),
        (None, "http://p.example.org/a|1", False),
        ("below", "http://p.example.org/", True),
        ("above", "http://p.example.org/a/b", True),
        ("above", "http://p.example.org/", False),
    ):
        assert found(asked(modifier, value), rows) is expected


def test_the_url_of_a_resource_with_a_version_is_found_with_it() -> None:
    rows = Rows()
    uri.take_versioned(5)({"resourceType": "ValueSet", "url": "http://v.example.org/a", "version": "2"}, rows)
    uri.take_versioned(5)({"resourceType": "ValueSet", "url": "http://v.example.org/a"}, rows)
    uri.take_versioned(5)({"resourceType": "ValueSet", "version": "2"}, rows)
    assert len(rows.token) == 1
    assert found(asked(None, "http://v.example.org/a|2"), rows)
    assert not found(asked(None, "http://v.example.org/a|1"), rows)
