"""Texts of HL7 v2 as primitives of FHIR.

Source: HL7 v2.5.1, chapter 2A, DT, DTM, TM, NM; FHIR R4, Data Types.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.exchange.hl7v2.values import (
    base64_of,
    boolean_of,
    converters,
    date_of,
    date_time_of,
    decimal_of,
    instant_of,
    time_of,
    uri_of,
)

PARIS = ZoneInfo("Europe/Paris")


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_every_time_of_a_sender_is_the_same_moment_in_fhir(at: datetime) -> None:
    found = date_time_of(f"{at:%Y%m%d%H%M%S}", PARIS)
    assert found is not None
    assert datetime.fromisoformat(found).replace(tzinfo=None) == at.replace(microsecond=0)


@given(st.text())
def test_any_text_becomes_a_value_or_none(text: str) -> None:
    for convert in converters(PARIS).values():
        convert(text)


@given(st.text("0123456789.+-ABC :", max_size=16))
def test_what_is_made_a_date_has_the_form_of_one(text: str) -> None:
    found = date_of(text)
    assert found is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", found)


@pytest.mark.parametrize(
    ("convert", "text", "expected"),
    [
        (date_of, "20240229", "2024-02-29"), (date_of, "20230229", None), (date_of, "202402291030", "2024-02-29"),
        (date_of, "0000", None), (time_of, "1030", "10:30:00"), (time_of, "2561", None), (boolean_of, "Y", True),
        (boolean_of, "N", False), (boolean_of, "", None), (uri_of, "urn:oid:1.2.840.1", "urn:oid:1.2.840.1"),
        (uri_of, "urn:oid:1.2.3", None),
        (uri_of, "urn:oid:1.02", None), (uri_of, "urn:oid:OLIS", None), (uri_of, "LN", None),
        (base64_of, "RG9j dW1l\nbnQ", "RG9jdW1lbnQ="), (base64_of, "R", None), (base64_of, "é===", None),
    ],
)  # fmt: skip
def test_a_text_becomes_what_the_type_holds(convert: Any, text: str, expected: Any) -> None:
    assert convert(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("5.10", "5.10"), ("+007", "7"), ("-.5", "-0.5"), ("0", "0")])
def test_a_number_keeps_the_digits_its_author_wrote(text: str, expected: str) -> None:
    found = decimal_of(text)
    assert found is not None
    assert found.text == expected


def test_an_instant_needs_a_time_of_day() -> None:
    assert instant_of("20240229", PARIS) is None
    assert instant_of("202402291030+0100", PARIS) == "2024-02-29T10:30:00+01:00"


@given(st.binary(max_size=60))
def test_base64_without_its_padding_is_the_same_document(data: bytes) -> None:
    found = base64_of(base64.b64encode(data).decode().rstrip("="))
    assert found is not None
    assert base64.b64decode(found) == data
