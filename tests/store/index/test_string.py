"""Texts folded and cut for comparison.

Source: FHIR R4, Search, "string".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.index.string import KEPT, LONGEST_CONTAINED, PIECE, compared, entries, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÉLÉONORE", "eleonore"),
        ("  Jean \t Paul\n", "jean paul"),
        ("d'Œuvre", "d'oeuvre"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("İzmir", "izmir"),
        ("Łódź", "lodz"),
        ("e\u0301", "e"),
        ("李", "李"),
    ],
)
def test_folding_takes_away_case_accents_and_extra_spaces(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(st.characters(exclude_categories=())))
def test_folding_twice_is_folding_once_and_can_be_stored(text: str) -> None:
    for function in (fold, compared):
        folded = function(text)
        assert function(folded) == folded
        assert PIECE not in folded
        assert "\x00" not in folded
        folded.encode()


# "Punctuation and non-significant whitespace (e.g. repeated space characters, tab vs space) should also be ignored."
@pytest.mark.parametrize(
    ("text", "found_as"),
    [
        ("Jean-Pierre", "jean pierre"),
        ("d'Œuvre", "d oeuvre"),
        ("12, rue de l’Été", "12 rue de l ete"),
        ("3\u00a0–\u00a04", "3 4"),
        ("a_b.c/d", "a b c d"),
        ("HER2+ = 3", "her2+ = 3"),
        ("…", ""),
    ],
)
def test_punctuation_is_taken_as_space(text: str, found_as: str) -> None:
    assert compared(text) == found_as


@given(st.text(min_size=1, max_size=400), st.data())
def test_every_short_part_of_a_text_lies_whole_in_one_of_its_rows(text: str, data: st.DataObject) -> None:
    folded = compared(text)
    start = data.draw(st.integers(0, max(0, len(folded) - 1)))
    part = folded[start : start + data.draw(st.integers(1, LONGEST_CONTAINED))]
    rows = [v for v, _ in entries(text)]
    assert any(part in row for row in rows)
    assert all(len(row) <= KEPT for row in rows)


def test_a_text_of_the_usual_length_has_one_row() -> None:
    assert [v for v, _ in entries("x" * KEPT)] == ["x" * KEPT]
