"""Narratives hold the XHTML that FHIR allows, their links lead somewhere, their languages fit.

Source: FHIR R4, Narrative, txt-1 and txt-2; HTML 4.0.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.conformance.validation import narrative, tidy
from fhir_gateway.conformance.validation.narrative import Targets
from fhir_gateway.fhir import xhtml
from fhir_gateway.fhir.fhirpath.narrative import html_faults
from tests.conformance.validation.judging import _plain, judged, told

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def of_div(div, *severities, **resource):
    whole = {"resourceType": "Patient", "text": {"status": "generated", "div": div}, **resource}
    found = told(judged(whole), *severities)
    return [detail.removeprefix("narrative-") for detail, _ in found if detail.startswith("narrative-")]


def inside(content, *severities, **resource):
    return of_div(f"<div {XHTML}>{content}</div>", *severities, **resource)


@pytest.mark.parametrize(
    "content",
    [
        "x",
        "<p>a <b>b</b> <i class='x'>c</i><br/></p><hr/>",
        "<h1><p>x</p></h1>",
        "<ul><li>a</li><li><p>b</p></li></ul><ol><li>c</li></ol><dl><dt>d</dt><dd>e</dd></dl>",
        "<table border='1' cellpadding='0' summary='x'><caption>c</caption><colgroup><col width='1'/></colgroup>"
        "<thead><tr><th colspan='2'>x</th></tr></thead><tbody><tr><td nowrap='nowrap'>y</td></tr></tbody></table>",
        "<table>\n <tr>\n <td>x</td> </tr> </table>",
        "<a href='http://x.y/z?a=1&amp;b=2' rel='x'>y</a><a href='mailto:a@b.c'>m</a><a href='Patient-x.html'>r</a>",
        "<a id='here' name='here'>x</a><a href='#here'>y</a>",
        "<img src='data:image/png;base64,AAAA' alt='x' width='1'/>",
        "a &amp; b &lt; c &#160; &#xA0;",
        "x<!-- a comment -->",
        "x<![CDATA[<y>]]>",
        "<map name='m'><area href='x'/></map>x",
        "<pre>\n x\n</pre><blockquote cite='x'><div>y</div></blockquote>",
    ],
)
def test_a_sound_narrative_has_nothing_wrong(content):
    assert inside(content, "warning", "error", "fatal") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x<script>a</script>", ["txt-1", "element"]),
        ("<P>x</P>", ["txt-1", "element"]),
        ("<u>x</u>", ["txt-1", "element"]),
        ("<p onclick='x'>x</p>", ["txt-1", "attribute"]),
        ("<a href='x' target='_blank'>x</a>", ["txt-1", "attribute"]),
        ("<form action='x'><input type='text'/>x</form>", ["txt-1"] + ["element", "attribute"] * 2),
        ("x<svg xmlns='http://www.w3.org/2000/svg'/>", ["txt-1", "namespace", "element"]),
        ("", ["txt-2"]),
        (" \n ", ["txt-2"]),
        ("<p>x", ["unreadable", "txt-1", "txt-2"]),
        ("<b><i>x</b></i>", ["unreadable", "txt-1", "txt-2"]),
        ("a & b", ["unreadable", "txt-1", "txt-2"]),
        ("a&nothing;b", ["unreadable", "txt-1", "txt-2"]),
        ("a&nbsp;b", ["entity"]),
        ("<p>x<p>y</p></p>", ["in-paragraph"]),
        ("<p>x<ul><li>y</li></ul></p>", ["in-paragraph", "block-in-text"]),
        ("<span><table><tr><td>x</td></tr></table></span>", ["block-in-text"]),
        ("<a href='x'>y<a href='z'>t</a></a>", ["nested"]),
        ("<br>x</br>y", ["no-children"]),
        ("<li>x</li>", ["out-of-place"]),
        ("<tbody><tr><td>x</td></tr></tbody>", ["out-of-place"]),
        ("<table>x</table>", ["children"]),
        ("<ul><p>x</p></ul>", ["children"]),
    ],
)
def test_what_html_does_not_allow_is_said(content, said):
    assert sorted(inside(content)) == sorted(said)


@pytest.mark.parametrize(
    ("href", "said"),
    [
        ("", ["url", "link-empty"]),
        ("#nowhere", ["link-unresolved"]),
        ("javascript:x", ["link-active"]),
        ("vbscript:x", ["link-active"]),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", ["link-literal"]),
        ("cid:1", ["link-literal"]),
        ("http://a b", ["url"]),
        ("ftp://x.y", ["link-unusual"]),
        ("data:text/plain,x", []),
        ("data:text/plain", ["url"]),
        ("tel:+33100000000", []),
        ("#", []),
    ],
)
def test_a_hyperlink_leads_somewhere_and_does_nothing(href, said):
    assert inside(f'<a href="{href}">x</a>', "information", "error") == said


def test_a_hyperlink_may_lead_to_any_element_of_the_resource():
    name = [{"id": "nom", "text": "x"}]
    assert inside('<a href="#nom">x</a>', name=name) == []
    assert inside('<img src="#nom"/>', name=name) == []
    assert inside('<img src="#other"/>', name=name) == ["image-unresolved"]


def test_a_hyperlink_may_lead_into_the_same_bundle():
    text = {"status": "generated", "div": f'<div {XHTML}><a href="#p">x</a></div>'}
    entries = [
        {"fullUrl": "http://h.test/Basic/b", "resource": {"resourceType": "Basic", "id": "b", "text": text,
                                                          "code": {"text": "x"}}},
        {"fullUrl": "http://h.test/Patient/p", "resource": {"resourceType": "Patient", "id": "p"}},
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert told(judged(bundle)) == []
    bundle["entry"] = entries[:1]
    place = "Bundle.entry[0].resource/*Basic/b*/.text.div"
    assert told(judged(bundle)) == [("narrative-link-unresolved", place)]


def test_the_same_id_twice_is_warned_of():
    assert inside('<p id="a">x</p><p id="a">y</p>', "warning") == ["duplicate-ids"]


def test_the_outermost_element_is_a_div_of_xhtml():
    assert of_div("<div>x</div>") == ["namespace"]
    assert of_div('<div xmlns="http://z">x</div>') == ["namespace"]
    assert of_div(f"<p {XHTML}>x</p>") == ["not-a-div"]
    assert of_div("text") == ["unreadable", "txt-1", "txt-2"]
    assert of_div(f"<!DOCTYPE html><div {XHTML}>x</div>") == ["doctype"]


def test_a_narrative_in_xml_is_judged_like_one_in_json():
    body = (
        f'<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div {XHTML}><u>x</u></div></text>'
        "</Patient>"
    )
    assert told(_plain().validate_bytes(body.encode(), "xml")) == [
        ("narrative-txt-1", "Patient.text.div"),
        ("narrative-element", "Patient.text.div"),
    ]


def test_one_narrative_tells_fifty_faults_at_most():
    assert len(inside("".join(f"<u{count}>x</u{count}>" for count in range(200)))) == narrative.MAX_SAID


# --- languages


def test_content_outside_language_sections_is_warned_of():
    section = '<div xml:lang="en" lang="en">x</div>'
    assert inside(f"outside {section}", "warning") == ["mixed-languages"]
    assert inside(section, "warning") == []


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("", ["language-missing"]),
        ('lang="fr"', ["language-missing"]),
        ('lang="fr" xml:lang="fr"', []),
        ('lang="en" xml:lang="en"', ["language-different"]),
        ('lang="en" xml:lang="de"', ["language-different", "language-different"]),
    ],
)
def test_the_language_of_the_narrative_is_that_of_the_resource(attributes, said):
    assert of_div(f"<div {XHTML} {attributes}>x</div>", "warning", language="fr") == said


SECTIONS = f'<div {XHTML}><div xml:lang="en">x</div><div xml:lang="de">y</div></div>'


@pytest.mark.parametrize(
    ("code", "language", "said"),
    [
        ("_no", None, ["languages-prohibited"]),
        ("_yes", None, []),
        ("_resource", "en", []),
        ("_resource", "fr", ["language-section-missing"]),
        ("_resource", None, ["language-sections-absent"]),
        ("de", None, []),
        ("pt", None, ["language-section-missing"]),
    ],
)
def test_a_profile_says_which_languages_a_narrative_has(code, language, said):
    definition = {"extension": [{"url": narrative.LANGUAGE_CONTROL, "valueCode": code}]}
    found = list(narrative.control_faults({"div": SECTIONS}, definition, language))
    assert [complaint.detail.removeprefix("validation-narrative-") for complaint, _ in found] == said
    assert narrative.is_controlled(definition)


def test_a_profile_may_ask_where_each_part_of_a_narrative_comes_from():
    definition = {"extension": [{"url": narrative.SOURCE_CONTROL, "valueCode": "error"}]}
    div = f'<div {XHTML}><p class="generated">x</p><p>y</p></div>'
    found = list(narrative.control_faults({"div": div}, definition, None))
    assert [complaint.detail for complaint, _ in found] == ["validation-narrative-source-missing-error"]


# --- the quick look and the close one

PIECES = st.lists(
    st.sampled_from(
        [
            "x",
            " ",
            "&amp;",
            "&nbsp;",
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<br/>",
            "<table>",
            "</table>",
            "<tr>",
            "</tr>",
            "<td>",
            "</td>",
            "<ul>",
            "</ul>",
            "<li>",
            "</li>",
            "<div>",
            "</div>",
            "<span>",
            "</span>",
            "<script>",
            '<a href="x">',
            '<a href="#x">',
            "</a>",
            '<p id="a">',
            '<img src="x"/>',
            "<!-- -->",
            "<p class='x'>",
            "<",
            "<p onclick='x'>",
        ]
    ),
    max_size=12,
)


@given(PIECES)
def test_what_the_quick_look_lets_pass_has_nothing_wrong(pieces):
    div = f"<div {XHTML}>{''.join(pieces)}</div>"
    if tidy.is_tidy(div):
        assert list(narrative._faults(div, {}, Targets({}))) == []


@given(st.text(alphabet="<>/&;'\"= abdiv!-[]?x#", max_size=60))
def test_reading_never_fails_and_html_checks_agrees_with_it(text):
    fragment = xhtml.read(text)
    assert (fragment.root is None) == (fragment.broken is not None)
    assert html_faults(text) or fragment.root is not None
