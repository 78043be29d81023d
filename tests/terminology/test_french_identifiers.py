"""Keys of INS, RPPS and FINESS numbers: one mistyped character is always found.

Source: INS (97 − n mod 97, Corsica as 19 and 18); key of Luhn (ISO/IEC 7812-1, annex B).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.terminology.french_identifiers import ins_key, is_finess, is_ins, is_rpps, luhn_key

DEPARTMENTS = st.sampled_from(["75", "69", "01", "97", "99", "2A", "2B"])
DIGITS = "0123456789"


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=count, max_size=count)


NUMBERS = st.tuples(st.sampled_from("1234" + "78"), digits(4), DEPARTMENTS, digits(6)).map("".join)


def test_the_numbers_of_public_test_messages_have_right_keys():
    # Made-up people of the ANS' HL7 v2 samples.
    assert is_ins("279035121518989")
    assert is_ins("277076322082910")


def test_corsica_counts_as_19_and_18():
    for department, counted in (("2A", "19"), ("2B", "18")):
        number, plain = f"18001{department}123456", f"18001{counted}123456"
        assert ins_key(number) == ins_key(plain)
        assert is_ins(number + ins_key(number))


@pytest.mark.parametrize("value", ["", "279035121518988", "2 79 03 51 215 189 89", "27903512151898", "2790351215189890",
                                   "579035121518989", "27903512A518989", "２79035121518989"])  # fmt: skip
def test_what_has_not_the_form_or_the_key_is_no_ins(value: str):
    assert not is_ins(value)


def test_a_key_is_made_of_thirteen_characters_only():
    with pytest.raises(ValueError, match="13 characters"):
        ins_key("279035121518")


@given(NUMBERS, st.integers(0, 12), st.sampled_from(DIGITS))
def test_one_wrong_digit_of_an_ins_is_found(number: str, place: int, digit: str):
    whole = number + ins_key(number)
    assert is_ins(whole)
    if whole[place] not in ("A", "B", digit):
        wrong = whole[:place] + digit + whole[place + 1 :]
        assert not is_ins(wrong)


@given(digits(10), st.integers(0, 10), st.sampled_from(DIGITS))
def test_one_wrong_digit_of_an_rpps_is_found(number: str, place: int, digit: str):
    whole = number + luhn_key(number)
    assert is_rpps(whole)
    assert is_rpps(whole[:place] + digit + whole[place + 1 :]) == (whole[place] == digit)


@pytest.mark.parametrize("value", ["750063265", "690045059", "210780581", "130030570"])
def test_the_finess_of_public_institutions_have_right_keys(value: str):
    assert is_finess(value)


def test_a_finess_of_corsica_counts_its_letter():
    assert is_finess("2A0000014")
    assert is_finess("2B0000020")
    assert not is_finess("2C0000014")
    assert not is_finess("A20000014")


@given(digits(8))
def test_one_key_of_ten_is_right(number: str):
    assert [is_finess(number + digit) for digit in DIGITS].count(True) == 1
    assert is_finess(number + luhn_key(number))
    assert not is_rpps(number)
