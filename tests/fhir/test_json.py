"""JSON in and out: number text kept, and every unreadable body refused.

Source: FHIR R4, JSON Representation of Resources; Datatypes, "decimal"; RFC 8259.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.json import canonical, decode, encode, pretty
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import InvalidRequest

NUMBERS = b"[1.10,1E2,0.00000010,-0.0,1e5,1.0e+3,12345678901234567890123456789,0,-7]"


def refusal(body: bytes) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        decode(body)
    return [issue.complaint.detail for issue in refused.value.issues]


def test_every_number_is_written_as_it_was_read():
    assert encode(decode(NUMBERS)) == NUMBERS


def test_numbers_with_fraction_or_exponent_are_decimals_and_others_are_whole():
    assert [type(number) for number in decode(b"[1.0,1E2,100]")] == [Number, Number, int]
    assert decode(b"[1.10]")[0].text == "1.10"


def test_a_plain_decimal_is_written_as_a_number():
    assert encode([Decimal("1.50")]) == b"[1.50]"


def test_pretty_indents_by_two_and_keeps_numbers():
    assert pretty(b'{"a":[1.10,1E2],"b":{}}') == b'{\n  "a": [\n    1.10,\n    1E2\n  ],\n  "b": {}\n}'


def test_canonical_form_has_sorted_properties_and_keeps_precision():
    assert canonical({"b": 1, "a": {"d": 1, "c": 2}}) == b'{"a":{"c":2,"d":1},"b":1}'
    assert canonical([Number("1.0")]) != canonical([Number("1.00")])


def test_a_byte_order_mark_is_passed_over():
    assert decode(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "body-empty"),
        (b" \n", "body-empty"),
        (b'{"a":', "json-truncated"),
        (b'{"a":"x', "json-truncated"),
        (b'{"a":tru}', "not-json"),
        (b'{"a":01}', "not-json"),
        (b"NaN", "not-json"),
        (b"{} {}", "not-json"),
        (b'{"a":"\x01"}', "not-json"),
        (b'{"a":"\\ud800x"}', "not-json"),
        (b'{"a":"\xff"}', "not-utf-8"),
        ('{"a":"é"}'.encode("utf-16"), "not-utf-8"),
        (b"[" * 1_000_000 + b"]" * 1_000_000, "too-deep"),
        (b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000, "too-deep"),
        (b"1" * 5000, "number-too-large"),
        (b"[1e9999999999999999999999]", "number-too-large"),
    ],
)
def test_an_unreadable_body_is_refused_with_its_reason(body: bytes, detail: str):
    assert refusal(body) == [detail]


def test_the_refusal_says_line_and_column():
    with pytest.raises(InvalidRequest) as refused:
        decode(b'{\n "a": 1,\n "b": nul\n}')
    assert refused.value.issues[0].values == {"line": "3", "column": "7", "byte": "17"}


def test_the_refusal_says_where_the_text_is_not_utf_8():
    with pytest.raises(InvalidRequest) as refused:
        decode(b'{"a":"\xff"}')
    assert refused.value.issues[0].values == {"byte": "6"}


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes):
    try:
        value = decode(body)
    except InvalidRequest:
        return
    assert decode(encode(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:e}"))
def test_every_spelling_of_a_decimal_survives(text: str):
    assert encode(decode(text.encode())) == text.encode()
