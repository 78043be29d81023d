"""The head of a request: escapes, query, headers.

Source: RFC 3986, 2.1; WHATWG URL, "application/x-www-form-urlencoded"; RFC 7240; FHIR R4, RESTful API, "HTTP Headers".
"""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.interactions.interaction import Preferences
from fhir_gateway.rest.request import echoed_id, joined_headers, parameters_of, preferences_of, segments_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_every_parameter_survives_its_encoding_in_order(pairs: list[tuple[str, str]]):
    form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    assert parameters_of(form) == pairs


@given(st.lists(TEXT, min_size=1))
def test_every_segment_survives_its_encoding(segments: list[str]):
    assert segments_of("/".join(quote(segment, safe="") for segment in segments)) == segments


def test_an_escaped_slash_ampersand_or_equals_sign_does_not_separate():
    assert segments_of("Patient%2F1/x") == ["Patient/1", "x"]
    assert parameters_of("a%26b%3Dc=d%26e%3Df&g") == [("a&b=c", "d&e=f"), ("g", "")]


def test_a_name_may_repeat_and_empty_pieces_are_overlooked():
    assert parameters_of("date=ge2020&&date=lt2021&") == [("date", "ge2020"), ("date", "lt2021")]


def test_an_escape_is_undone_once():
    assert parameters_of("name=%2541") == [("name", "%41")]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("name=50%", ["malformed-escape"]),
        ("name=%g1", ["malformed-escape"]),
        ("name=%ff", ["malformed-escape"]),
        ("name=%00", ["nul-character"]),
        ("a=%&b=%00&c=1", ["malformed-escape", "nul-character"]),
    ],
)
def test_malformed_escapes_are_refused_all_at_once(form: str, expected: list[str]):
    with pytest.raises(InvalidRequest) as refusal:
        parameters_of(form)
    assert [issue.complaint.detail for issue in refusal.value.issues] == expected


def test_the_refusal_of_an_escape_names_the_parameter_but_not_its_value():
    with pytest.raises(InvalidRequest) as refusal:
        parameters_of("family=Durand%")
    text = refusal.value.issues[0].text("en")
    assert "family" in text
    assert "Durand" not in text


def test_header_fields_that_come_several_times_are_one_list():
    fields = [(b"accept", b"text/turtle"), (b"host", b"a"), (b"accept", b"*/*")]
    assert joined_headers(fields) == {b"accept": b"text/turtle, */*", b"host": b"a"}


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, Preferences()),
        ("return=minimal", Preferences("minimal")),
        ("return=representation, handling=strict", Preferences("representation", "strict")),
        ("handling=lenient; return=OperationOutcome", Preferences("OperationOutcome", "lenient")),
        ('return="minimal"', Preferences("minimal")),
        ("Return=Minimal", Preferences("minimal")),
        ("return=minimal, return=representation", Preferences("minimal")),
        ("respond-async, wait=10", Preferences()),
        ("return=everything", Preferences()),
    ],
)
def test_preferences_are_read_and_unknown_ones_ignored(prefer: str | None, expected: Preferences):
    assert preferences_of(prefer) == expected


@pytest.mark.parametrize("sent", [b"abc-1", b"urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427", b"a" * 128])
def test_a_request_id_is_echoed(sent: bytes):
    assert echoed_id({b"x-request-id": sent}) == sent


@pytest.mark.parametrize("sent", [b"", b"a b", b"a" * 129, b'"x"', b"a\n"])
def test_a_request_id_unfit_for_a_log_line_is_not_echoed(sent: bytes):
    assert echoed_id({b"x-request-id": sent}) is None
