"""References taken apart, and links in narrative rewritten.

Source: FHIR R4, References, "Literal References"; RESTful API, transaction and "Conditional references"; Narrative.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.references import Reference, parse, rewrite_narrative

BASE = "https://gateway.example.org/fhir"
UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Patient/1", Reference("local", "Patient/1", "Patient", "1")),
        ("Patient/1/_history/3", Reference("local", "Patient/1/_history/3", "Patient", "1", "3")),
        (f"{BASE}/Patient/1", Reference("local", f"{BASE}/Patient/1", "Patient", "1")),
        ("http://else.example/r4/Patient/1", Reference("absolute", "http://else.example/r4/Patient/1", "Patient", "1")),
        ("https://else.example/a?b#c", Reference("absolute", "https://else.example/a?b#c")),
        (f"{BASE}/metadata", Reference("absolute", f"{BASE}/metadata")),
        (UUID, Reference("urn", UUID)),
        ("urn:oid:1.2.3", Reference("urn", "urn:oid:1.2.3")),
        ("urn:isbn:1", Reference("unknown", "urn:isbn:1")),
        ("#p1", Reference("fragment", "#p1", id="p1")),
        ("#", Reference("fragment", "#", id="")),
        ("Patient?_id=a|b", Reference("conditional", "Patient?_id=a|b", "Patient", query="_id=a|b")),
        (f"{BASE}/Patient?_id=a", Reference("conditional", f"{BASE}/Patient?_id=a", "Patient", query="_id=a")),
        ("Patient", Reference("unknown", "Patient")),
        ("Patient/1/2", Reference("unknown", "Patient/1/2")),
        ("Patient/a_b", Reference("unknown", "Patient/a_b")),
        ("patient/1", Reference("unknown", "patient/1")),
        ("Patient?", Reference("unknown", "Patient?")),
        ("", Reference("unknown", "")),
    ],
)  # fmt: skip
def test_a_reference_is_taken_apart(text: str, parts: Reference):
    assert parse(text, BASE) == parts


def test_without_a_base_every_url_is_elsewhere():
    assert parse("http://x.example/Patient/1", "").form == "absolute"


@given(st.text(max_size=40))
def test_any_text_is_taken_apart_or_unknown(text: str):
    assert parse(text, BASE).text == text


def div(content: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<a href="{UUID}">x</a>', '<a href="Patient/1">x</a>'),
        (f"<a class='b' href = '{UUID}' >x</a>", """<a class='b' href = "Patient/1" >x</a>"""),
        (f'<img alt="a>b"\n src="{UUID}"/>', '<img alt="a>b"\n src="Patient/1"/>'),
        ('<a href="http://x?a=1&amp;b=2"/>', '<a href="Patient/2?x=1&amp;y"/>'),
    ],
)
def test_links_of_a_and_img_are_rewritten(before: str, after: str):
    mapping = {UUID: "Patient/1", "http://x?a=1&b=2": "Patient/2?x=1&y"}
    assert rewrite_narrative(div(before), mapping) == div(after)


@pytest.mark.parametrize(
    "content",
    [
        f"<p>{UUID}</p>",
        f'<a name="{UUID}">x</a>',
        f'<a src="{UUID}">x</a>',
        f'<abbr href="{UUID}">x</abbr>',
        f'<a href="{UUID}#x">x</a>',
        f"""<a title=' href="{UUID}"'>x</a>""",
        f'<!-- <a href="{UUID}"> -->',
        f'<![CDATA[<a href="{UUID}">]]>',
    ],
)
def test_nothing_else_is_rewritten(content: str):
    assert rewrite_narrative(div(content), {UUID: "Patient/1"}) == div(content)


@pytest.mark.parametrize("piece", ["<a ", '<a "', "<!--", "<![CDATA[", "<a href='", '<a x="" '])
def test_a_hostile_narrative_takes_no_longer_than_its_length(piece: str):
    start = time.process_time()
    rewrite_narrative(piece * 100_000, {UUID: "Patient/1"})
    assert time.process_time() - start < 2
