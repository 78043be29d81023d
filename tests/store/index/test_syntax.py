"""How values are written in a query.

Source: FHIR R4, Search, "Escaping Search Parameters", "Prefixes".
"""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.index.syntax import escape, prefixed, split, unescape

Mark = Literal[",", "|", "$"]


def test_marks_with_a_backslash_belong_to_the_value() -> None:
    assert split(r"a\,b,c", ",") == [r"a\,b", "c"]
    assert unescape(r"a\,b\|c\$d\\e") == r"a,b|c$d\e"


def test_a_backslash_before_anything_else_is_itself() -> None:
    assert unescape(r"\d\\") == "\\d\\"


def test_an_escaped_backslash_does_not_escape_the_mark_after_it() -> None:
    assert split("a\\\\,b", ",") == ["a\\\\", "b"]


def test_empty_parts_are_parts() -> None:
    assert split(",a,", ",") == ["", "a", ""]
    assert split(r",\,", ",") == ["", r"\,"]


@given(st.lists(st.text(alphabet=st.sampled_from("ab\\,|$é\n")), min_size=1), st.sampled_from([",", "|", "$"]))
def test_what_is_escaped_and_joined_is_split_and_unescaped_to_the_same(parts: list[str], mark: Mark) -> None:
    assert [unescape(part) for part in split(mark.join(map(escape, parts)), mark)] == parts


@pytest.mark.parametrize(
    ("text", "prefix", "rest"),
    [("ge2020", "ge", "2020"), ("2020", "eq", "2020"), ("ap5", "ap", "5"), ("g5", "eq", "g5")],
)
def test_a_prefix_is_two_letters_and_eq_when_there_is_none(text: str, prefix: str, rest: str) -> None:
    assert prefixed(text) == (prefix, rest)
