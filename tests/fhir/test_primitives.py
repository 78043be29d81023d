"""Primitive types: the texts they allow, and the instants that dates mean.

Source: FHIR R4, Datatypes, "Primitive Types"; Search, "date"; RFC 9110, 5.6.7.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.primitives import (
    DAY,
    SECOND,
    TEXT_RULES,
    Interval,
    http_date,
    instant_of,
    instant_of_http_date,
    instant_text,
    interval_of,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


TWELVE = microseconds(2024, 2, 3, 10, 11, 12)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", microseconds(2024, 1, 1), microseconds(2025, 1, 1)),
        ("2024-02", microseconds(2024, 2, 1), microseconds(2024, 3, 1)),
        ("2024-12", microseconds(2024, 12, 1), microseconds(2025, 1, 1)),
        ("2024-02-29", microseconds(2024, 2, 29), microseconds(2024, 3, 1)),
        ("2024-02-03T10:11", microseconds(2024, 2, 3, 10, 11), microseconds(2024, 2, 3, 10, 12)),
        ("2024-02-03T10:11Z", microseconds(2024, 2, 3, 10, 11), microseconds(2024, 2, 3, 10, 12)),
        ("2024-02-03T10:11:12+01:00", microseconds(2024, 2, 3, 9, 11, 12), microseconds(2024, 2, 3, 9, 11, 13)),
        ("2024-02-03T00:00:00-14:00", microseconds(2024, 2, 3, 14), microseconds(2024, 2, 3, 14, 0, 1)),
        ("2024-02-03T10:11:12.5Z", TWELVE + 500_000, TWELVE + 600_000),
        ("2024-02-03T10:11:12.123Z", TWELVE + 123_000, TWELVE + 124_000),
        ("2024-02-03T10:11:12.1234567Z", TWELVE + 123_456, TWELVE + 123_457),
        ("2016-12-31T23:59:60Z", microseconds(2017, 1, 1), microseconds(2017, 1, 1, 0, 0, 1)),
        ("0001", microseconds(1, 1, 1), microseconds(2, 1, 1)),
        ("9999", microseconds(9999, 1, 1), microseconds(9999, 12, 31) + DAY),
        ("9999-12", microseconds(9999, 12, 1), microseconds(9999, 12, 31) + DAY),
        ("9999-12-31", microseconds(9999, 12, 31), microseconds(9999, 12, 31) + DAY),
    ],
)  # fmt: skip
def test_a_date_means_the_instants_its_precision_leaves_open(text: str, low: int, high: int):
    assert interval_of(text) == Interval(low, high)


def test_a_value_without_zone_is_read_in_the_zone_given():
    paris = ZoneInfo("Europe/Paris")
    # That day has 23 hours there: the clocks go forward.
    assert interval_of("2024-03-31", paris) == Interval(microseconds(2024, 3, 30, 23), microseconds(2024, 3, 31, 22))
    assert interval_of("2024-07-01T12:00:00", paris).low == microseconds(2024, 7, 1, 10)
    assert interval_of("2024-07-01T12:00:00Z", paris).low == microseconds(2024, 7, 1, 12)
    assert interval_of("9999", paris).high == microseconds(9999, 12, 31, 23)


@pytest.mark.parametrize(
    "text",
    [
        "", "24", "0000", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "2024-1-1", "2024-02-03T10", "20240203",
        "2024-02-03T24:00:00Z", "2024-02-03T10:60:00Z", "2024-02-03T10:11:61Z", "2024-02-03T10:11:12.Z",
        "2024-02-30T10:11:12Z", "2024-02-03 10:11:12", "2024-02-03T10:11:12+15:00", "2024-02-03Z", " 2024", "2024\n",
        "２０２４", "2024-W05", "now",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str):
    with pytest.raises(InvalidRequest) as refused:
        interval_of(text)
    assert [issue.complaint.detail for issue in refused.value.issues] == ["not-a-date"]


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from([4, 7, 10, 16, 19, 21, 23, 26]),
)
def test_the_interval_of_a_partial_date_contains_its_instants(local: datetime, offset: int, length: int):
    zone = timezone(timedelta(minutes=offset))
    text = local.isoformat("T", "microseconds")[:length]
    instant = (local.replace(tzinfo=zone) - EPOCH) // timedelta(microseconds=1)
    interval = interval_of(text, zone)
    assert interval.low <= instant < interval.high
    if length > 10:
        sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
        assert interval_of(f"{text}{sign}{hours:02}:{minutes:02}") == interval


@given(st.integers(microseconds(1, 1, 1), microseconds(9999, 12, 31) + DAY - 1))
def test_an_instant_is_read_as_it_was_written(instant: int):
    text = instant_text(instant)
    assert len(text) == 27
    assert instant_of(text) == instant
    assert interval_of(text) == Interval(instant, instant + 1)
    assert TEXT_RULES["instant"](text)


def test_an_instant_has_six_digits_and_z():
    assert instant_text(microseconds(2026, 11, 21, 20, 46, 32)) == "2026-11-21T20:46:32.000000Z"


def test_http_dates_are_imf_fixdates_cut_to_the_second():
    assert http_date(microseconds(1994, 11, 6, 8, 49, 37, 999_999)) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_an_http_date_are_read(text: str):
    assert instant_of_http_date(text) == microseconds(1994, 11, 6, 8, 49, 37)


@pytest.mark.parametrize("text", ["", "yesterday", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT"])
def test_what_is_no_http_date_is_none(text: str):
    assert instant_of_http_date(text) is None


@given(st.integers(microseconds(1970, 1, 1) // SECOND, microseconds(9999, 12, 31) // SECOND))
def test_an_http_date_is_read_as_it_was_written(second: int):
    assert instant_of_http_date(http_date(second * SECOND)) == second * SECOND


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        ("date", ["2024", "2024-02", "2024-02-29"], ["2023-02-29", "2024-02-03T10:11:12Z", "24", "0000", "2024-2"]),
        ("dateTime", ["2024", "2024-02-29T23:59:60Z", "2024-01-31T00:00:00.1+14:00"],
         ["2024-02-30T00:00:00Z", "2024-02-03T10:11Z", "2024-02-03T10:11:12", "2024-02-03T24:00:00Z"]),
        ("instant", ["2024-02-29T23:59:60.123456789Z"], ["2024", "2024-02-29", "2024-02-30T00:00:00Z"]),
        ("time", ["00:00:00", "23:59:60.5"], ["24:00:00", "10:11", "10:11:12Z"]),
        ("code", ["a", "a b", "é"], ["", " a", "a ", "a  b", "a\tb "]),
        ("id", ["a", "A-1.b", "x" * 64], ["", "a_b", "x" * 65, "é"]),
        ("oid", ["urn:oid:1.2.3"], ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"]),
        ("uuid", ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"], ["c757873d-ec9a-4326-a141-556f43239520",
         "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"]),
        ("uri", ["urn:x", "http://é", "a"], ["", "a b", "\n"]),
        ("base64Binary", ["QUJD", "QQ==", "QU\nJD QQ==", "QUJD" * 1000], ["", "QQ", "Q===", "QUJD!", "é", " "]),
        ("string", ["a", " ", "a\t\r\nb", "x" * 1_048_576, "\u00a0"], ["", "a\x00", "\x0b", "x" * 1_048_577]),
        ("markdown", ["# a\n"], ["", "\x1f"]),
    ],
)  # fmt: skip
def test_texts_of_primitive_types(type: str, good: list[str], bad: list[str]):
    rule = TEXT_RULES[type]
    assert [text for text in good if not rule(text)] == []
    assert [text for text in bad if rule(text)] == []
