"""Negotiation of representation, language and encoding.

Source: FHIR R4, RESTful API, "Content Types and encodings"; RFC 9110, 12.5.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, NotAcceptable, UnsupportedMediaType
from fhir_gateway.rest.negotiate import (
    KINDS,
    Format,
    body_kind,
    check_form_type,
    format_of,
    language_of,
    patch_kind,
    ranges_of,
    takes_gzip,
)

FHIR_JSON = "application/fhir+json;charset=utf-8"
FHIR_XML = "application/fhir+xml;charset=utf-8"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


def details(error: FhirError) -> list[str]:
    return [issue.complaint.detail for issue in error.issues]


@pytest.mark.parametrize(
    ("accept", "written"),
    [
        (None, FHIR_JSON),
        ("", FHIR_JSON),
        ("*/*", FHIR_JSON),
        ("application/*", FHIR_JSON),
        ("application/fhir+json", FHIR_JSON),
        ("application/fhir+xml", FHIR_XML),
        ("APPLICATION/FHIR+XML", FHIR_XML),
        ("application/json", "application/json;charset=utf-8"),
        ("application/xml", "application/xml;charset=utf-8"),
        ("text/json", "text/json;charset=utf-8"),
        ("text/xml", "text/xml;charset=utf-8"),
        ("text/*", "text/json;charset=utf-8"),
        ("application/fhir+json;charset=utf-8", FHIR_JSON),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json;fhirVersion=4.0;charset=utf-8"),
        ("application/fhir+xml; fhirVersion=4.0", "application/fhir+xml;fhirVersion=4.0;charset=utf-8"),
        ('application/fhir+json; fhirVersion="4.0"', "application/fhir+json;fhirVersion=4.0;charset=utf-8"),
        ("application/fhir+xml, application/fhir+json", FHIR_XML),
        ("application/fhir+json, application/fhir+xml", FHIR_JSON),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.9", FHIR_JSON),
        ("application/fhir+json;q=0.5, application/fhir+xml", FHIR_XML),
        ("application/fhir+json;q=0, */*", FHIR_XML),
        ("image/png, application/fhir+xml;q=0.1", FHIR_XML),
        ("*/*, application/fhir+xml", FHIR_XML),
        ("application/fhir+json;fhirVersion=5.0, application/fhir+xml;fhirVersion=4.0;q=0.1", None),
    ],
)
def test_the_accept_header_chooses_the_representation(accept: str | None, written: str | None):
    expected = written or "application/fhir+xml;fhirVersion=4.0;charset=utf-8"
    chosen = format_of(accept)
    assert chosen == Format("xml" if "xml" in expected else "json", expected.encode())


@pytest.mark.parametrize("accept", [BROWSER, JAVA, "text/html"])
def test_a_browser_gets_indented_json_it_can_show(accept: str):
    assert format_of(accept) == Format("json", b"application/json;charset=utf-8", pretty=True)


def test_html_at_lesser_weight_is_not_preferred():
    assert format_of("text/html;q=0.5, application/fhir+xml").kind == "xml"


@pytest.mark.parametrize("accept", ["text/turtle", "image/*", "application/fhir+json;q=0", "nonsense", "text/html;q=0"])
def test_what_is_not_served_is_not_acceptable(accept: str):
    with pytest.raises(NotAcceptable) as refusal:
        format_of(accept)
    assert details(refusal.value) == ["not-acceptable"]


def test_another_fhir_version_is_not_acceptable():
    with pytest.raises(NotAcceptable) as refusal:
        format_of("application/fhir+json; fhirVersion=3.0")
    assert details(refusal.value) == ["fhir-version-not-served"]


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        ("json", FHIR_JSON),
        ("xml", FHIR_XML),
        ("application/fhir+json", FHIR_JSON),
        ("application/fhir json", FHIR_JSON),
        ("application/fhir xml", FHIR_XML),
        ("application/json", "application/json;charset=utf-8"),
        ("text/xml", "text/xml;charset=utf-8"),
        ("application/fhir+xml; fhirVersion=4.0", "application/fhir+xml;fhirVersion=4.0;charset=utf-8"),
    ],
)
def test_format_in_the_query_overrides_the_accept_header(format_: str, written: str):
    assert format_of("text/turtle", format_).content_type == written.encode()
    assert format_of("application/fhir+xml", format_).content_type == written.encode()


@pytest.mark.parametrize(("format_", "detail"), [("ttl", "unknown-format"), ("", "unknown-format")])
def test_an_unknown_format_is_not_acceptable(format_: str, detail: str):
    with pytest.raises(NotAcceptable) as refusal:
        format_of(None, format_)
    assert details(refusal.value) == [detail]


def test_a_format_of_another_fhir_version_and_of_no_known_type_is_told_both():
    with pytest.raises(NotAcceptable) as refusal:
        format_of(None, "text/turtle;fhirVersion=3.0")
    assert details(refusal.value) == ["fhir-version-not-served", "unknown-format"]


def test_pretty_indents_and_overrides_what_a_browser_gets():
    assert format_of(None, None, "true").pretty
    assert not format_of(BROWSER, None, "false").pretty


def test_pretty_takes_a_boolean_only():
    with pytest.raises(InvalidRequest) as refusal:
        format_of(None, None, "maybe")
    assert details(refusal.value) == ["not-a-boolean"]


@given(st.text(max_size=60))
def test_no_accept_header_breaks_the_negotiation(accept: str):
    try:
        chosen = format_of(accept)
    except NotAcceptable:
        return
    assert chosen.content_type.decode().partition(";")[0] in KINDS


@given(st.lists(st.tuples(st.sampled_from([*KINDS, "*/*", "text/turtle"]), st.integers(0, 1000)), min_size=1))
def test_nothing_of_weight_zero_is_chosen_and_nothing_heavier_was_there(asked: list[tuple[str, int]]):
    header = ", ".join(f"{value};q={weight / 1000}" for value, weight in asked)
    first = dict(reversed(asked))  # of a type named twice the first counts
    try:
        chosen = format_of(header).content_type.decode().partition(";")[0]
    except NotAcceptable:
        assert all(first.get(kind, first.get("*/*", 0)) == 0 for kind in KINDS)
        return
    weight = {kind: first.get(kind, first.get("*/*", 0)) for kind in KINDS}
    assert weight[chosen] == max(weight.values()) > 0


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("de, en;q=0.5, fr;q=0.7", "fr"),
        ("en-GB, fr", "en"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_heavier_of_english_and_french(header: str | None, language: str):
    assert language_of(header, "en") == language


def test_the_default_language_answers_those_who_ask_for_neither():
    assert language_of("de", "fr") == language_of("*", "fr") == language_of(None, "fr") == "fr"
    assert language_of("en", "fr") == "en"


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
    ],
)
def test_gzip_is_sent_to_those_who_accept_it(header: str, taken: bool):
    assert takes_gzip(header) is taken


@pytest.mark.parametrize("media_type", KINDS)
def test_a_body_may_come_in_each_representation(media_type: str):
    assert body_kind(f"{media_type}; charset=UTF-8") == KINDS[media_type]
    assert body_kind(f'{media_type}; fhirVersion=4.0; charset="utf-8"') == KINDS[media_type]


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, ["media-type-not-taken"]),
        ("text/plain", ["media-type-not-taken"]),
        ("application/fhir+json; charset=latin-1", ["charset-not-taken"]),
        ("application/fhir+json; fhirVersion=5.0", ["fhir-version-not-served"]),
        ("text/csv; charset=utf-16", ["media-type-not-taken", "charset-not-taken"]),
    ],
)
def test_a_body_of_another_kind_is_refused_with_all_reasons(content_type: str | None, expected: list[str]):
    with pytest.raises(UnsupportedMediaType) as refusal:
        body_kind(content_type)
    assert details(refusal.value) == expected


@pytest.mark.parametrize("content_type", ["application/json", "application/xml", "application/merge-patch+json"])
def test_a_patch_of_another_type_is_refused_with_a_text_that_says_which_is_taken(content_type: str):
    with pytest.raises(UnsupportedMediaType) as refusal:
        patch_kind(content_type)
    text = refusal.value.issues[0].text("en")
    assert content_type in text
    assert "application/json-patch+json" in text


def test_a_fhirpath_patch_is_taken_as_json_and_as_xml():
    assert patch_kind("application/fhir+json; fhirVersion=4.0") == "json"
    assert patch_kind("application/fhir+xml; charset=utf-8") == "xml"
    with pytest.raises(UnsupportedMediaType):
        patch_kind("application/fhir+json; fhirVersion=5.0")


def test_a_json_patch_and_a_form_are_taken_where_they_belong():
    assert patch_kind("application/json-patch+json; charset=utf-8") is None
    check_form_type("application/x-www-form-urlencoded")
    with pytest.raises(UnsupportedMediaType):
        check_form_type("multipart/form-data; boundary=x")


def test_commas_and_semicolons_inside_quotes_do_not_separate():
    (range_,) = ranges_of('application/fhir+json; note="a,b;c\\"d"; q=0.5')
    assert range_.parameters == {"note": 'a,b;c"d'}
    assert range_.q == 0.5
