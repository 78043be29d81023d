"""Times of SPICE are FHIR's and back: to the millisecond, days as days, what is none left out and told.

Source: GIP-CAD, ser_client-api, SPICE schema (format epoch_ms); FHIR R4, dateTime, instant.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.exchange.seqoia.moments import numbers, texts
from fhir_gateway.fhir.outcome import Issue

SCHEMA: dict[str, Any] = {
    "$defs": {"day": {"type": "integer"}, "moment": {"type": "integer"}},
    "properties": {
        "day": {"$ref": "#/$defs/day"},
        "list": {"items": {"properties": {"at": {"$ref": "#/$defs/moment"}}}},
    },
}
LAST = 253_402_300_799_999  # of the year 9999


def moment(value: Any) -> dict[str, Any]:
    return {"list": [{"at": value}]}


@given(st.integers(min_value=-62_135_596_800_000, max_value=LAST))
def test_a_moment_comes_back_to_the_millisecond(value: int):
    issues: list[Issue] = []
    read = texts(moment(value), SCHEMA, issues)
    assert numbers(read, SCHEMA, issues) == moment(value)
    assert issues == []


@given(st.dates(min_value=date(1900, 1, 1)))
def test_a_day_is_midnight_and_midnight_a_day(value: date):
    written = numbers({"day": value.isoformat()}, SCHEMA, [])
    assert written["day"] % 86_400_000 == 0
    assert texts(written, SCHEMA, []) == {"day": value.isoformat()}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1970-01-01T01:00:00+01:00", 0), ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59.999Z", -1)],
)
def test_a_moment_of_any_zone_is_one_of_utc(text: str, value: int):
    assert numbers(moment(text), SCHEMA, []) == moment(value)


@pytest.mark.parametrize("text", ["2026", "2026-03", "2026-03-04T10:00:00", "2026-02-30", "soon"])
def test_what_names_no_moment_is_left_out_and_told(text: str):
    issues: list[Issue] = []
    assert numbers(moment(text), SCHEMA, issues) == {"list": [{}]}
    assert [(each.complaint.detail, each.expression) for each in issues] == [("seqoia-partial-date", "/list/0/at")]


def test_a_number_beyond_all_calendars_is_left_out_and_told():
    issues: list[Issue] = []
    assert texts(moment(10**18), SCHEMA, issues) == {"list": [{}]}
    assert [(each.complaint.detail, each.expression) for each in issues] == [("seqoia-no-date", "/list/0/at")]
