"""Regular expressions that come from outside are matched in a time that grows with the text alone.

Source: FHIR R4, ValueSet.compose.include.filter.op, "regex".
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.terminology.regular_expressions import _Automaton, whole


@pytest.mark.parametrize(
    "pattern", ["((a+)+)+b", "(a*)*b", "([a-z]+)*b", "(a|aa)+b", r"(\w+\s?)*b", "((a)+)+b", "a*a*a*a*a*b"]
)
def test_what_makes_python_run_for_ages_is_told_at_once(pattern: str) -> None:
    test = whole(pattern)
    assert test is not None
    start = time.process_time()
    assert test("a" * 300 + "!") is False
    assert test("a" * 300 + "b") is True
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("pattern", ["(", "x" * 2000, "((a)+)+(?=b)", r"((a)+)+\1", "((a{900}){900}){900}"])
def test_what_is_wrong_or_beyond_an_automaton_is_no_test(pattern: str) -> None:
    assert whole(pattern) is None


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", "(a|b)", "(ab|a)"])
_COUNTS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}"])


@given(
    st.lists(st.tuples(_ATOMS, _COUNTS), min_size=1, max_size=5).map(lambda all_: "".join(a + c for a, c in all_)),
    st.text("ab1", max_size=8),
)
def test_an_automaton_says_what_python_says(pattern: str, text: str) -> None:
    import re._parser as parser  # type: ignore[import-not-found,import-untyped,unused-ignore]

    assert _Automaton(parser.parse(pattern)).matches(text) == (re.fullmatch(pattern, text) is not None)
