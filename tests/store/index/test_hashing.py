"""Keys of texts.

Source: xxHash, XXH3 64-bit.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.store.index.hashing import h64, joined_key, rk_of


def test_the_key_of_a_text_never_changes() -> None:
    # Databases hold these numbers.
    assert h64("") == 0x2D06800538D394C2
    assert h64("Patient/1") == rk_of("Patient", "1") == -3877984980618929415


@given(st.text(st.characters(exclude_categories=())))
def test_a_key_is_a_signed_64_bit_number_whatever_the_text(text: str) -> None:
    assert -(2**63) <= h64(text) < 2**63


def test_a_lone_surrogate_has_a_key() -> None:
    assert h64("\ud800") != h64("?")


@given(st.lists(st.text(st.sampled_from("a|\\")), min_size=1), st.lists(st.text(st.sampled_from("a|\\")), min_size=1))
def test_joined_keys_are_equal_only_for_equal_parts(some: list[str], others: list[str]) -> None:
    assert (joined_key(*some) == joined_key(*others)) == (some == others)
