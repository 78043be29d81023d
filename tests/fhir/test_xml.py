"""XML and JSON are the same resource, and no XML trick gets through.

Source: FHIR R4, XML Representation of Resources; XML 1.0 (5th edition); OWASP, XML External Entity Prevention.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.fhir import json
from fhir_gateway.fhir.outcome import InvalidRequest, NotAcceptable
from fhir_gateway.fhir.types import Types
from fhir_gateway.fhir.xml import from_xml, to_xml
from tests.fhir.strategies import DECIMAL_TEXTS, resources

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
XHTML = "http://www.w3.org/1999/xhtml"


def xml(content: str, type: str = "Patient", attributes: str = "") -> bytes:
    return f'<{type} xmlns="http://hl7.org/fhir"{attributes}>{content}</{type}>'.encode()


def refusal(body: bytes, types: Types) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidRequest) as refused:
        from_xml(body, types)
    assert all(issue.text("en") != issue.text("fr") for issue in refused.value.issues)
    return [(issue.complaint.detail, issue.expression) for issue in refused.value.issues]


PAIRS = [
    ({}, ""),
    ({"id": "1", "active": True}, '<id value="1"/><active value="true"/>'),
    ({"birthDate": "2024", "_birthDate": {"id": "b"}}, '<birthDate value="2024" id="b"/>'),
    (
        {"_birthDate": {"extension": [{"url": "http://x", "valueInteger": 1}]}},
        '<birthDate><extension url="http://x"><valueInteger value="1"/></extension></birthDate>',
    ),
    (
        {"name": [{"id": "n", "given": ["a", None, "b"], "_given": [None, {"id": "g"}, {"id": "h"}]}]},
        '<name id="n"><given value="a"/><given id="g"/><given value="b" id="h"/></name>',
    ),
    ({"name": [{"_given": [{"id": "g"}]}]}, '<name><given id="g"/></name>'),
    (
        {"contained": [{"resourceType": "Organization", "id": "o"}, {"resourceType": "Basic"}]},
        '<contained><Organization><id value="o"/></Organization></contained><contained><Basic/></contained>',
    ),
    ({"name": [{"family": '<&>"\t\n\r'}]}, '<name><family value="&lt;&amp;&gt;&quot;&#9;&#10;&#13;"/></name>'),
    (
        {"text": {"status": "generated", "div": f"<div xmlns=\"{XHTML}\" class='a'>&#233;<br /></div>"}},
        f'<text><status value="generated"/><div xmlns="{XHTML}" class=\'a\'>&#233;<br /></div></text>',
    ),
]


@pytest.mark.parametrize(("properties", "content"), PAIRS)
def test_a_resource_is_written_and_read_as_the_standard_says(types: Types, properties: dict[str, Any], content: str):
    resource = {"resourceType": "Patient", **properties}
    expected = HEAD + (xml(content).decode() if content else '<Patient xmlns="http://hl7.org/fhir"/>')
    assert to_xml(resource, types).decode() == expected
    assert from_xml(expected.encode(), types) == resource


def test_elements_are_written_in_the_order_of_the_definition(types: Types):
    resource = {"resourceType": "Patient", "gender": "male", "active": True, "id": "1", "_active": {"id": "x"}}
    assert to_xml(resource, types).endswith(
        b'<id value="1"/><active value="true" id="x"/><gender value="male"/></Patient>'
    )


def test_pretty_puts_each_element_on_its_own_line(types: Types):
    resource = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "active": True}}]}
    assert to_xml(resource, types, pretty=True).decode().splitlines() == [
        HEAD,
        '<Bundle xmlns="http://hl7.org/fhir">',
        "  <entry>",
        "    <resource>",
        "      <Patient>",
        '        <active value="true"/>',
        "      </Patient>",
        "    </resource>",
        "  </entry>",
        "</Bundle>",
    ]
    assert from_xml(to_xml(resource, types, pretty=True), types) == resource


@pytest.mark.parametrize("text", [*DECIMAL_TEXTS, "0", "-7", "12345678901234567890123"])
def test_numbers_keep_their_text_both_ways(types: Types, text: str):
    body = f'{{"resourceType":"Observation","valueQuantity":{{"value":{text}}}}}'.encode()
    resource = json.decode(body)
    back = from_xml(to_xml(resource, types), types)
    assert json.encode(back) == body
    assert type(back["valueQuantity"]["value"]) is type(resource["valueQuantity"]["value"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), pretty=st.booleans())
def test_any_resource_is_the_same_after_json_xml_json(types: Types, data: st.DataObject, pretty: bool):
    resource = data.draw(resources(types))
    body = json.encode(resource)
    back = from_xml(to_xml(json.decode(body), types, pretty), types)
    assert json.canonical(back) == json.canonical(resource)


DIVS = [
    f'<div xmlns="{XHTML}">x &amp; &#233; é<br /><BR></BR></div>',
    f"<div  xmlns='{XHTML}' title='>'\n>\r\n<!-- </div> --><div><div/></div><![CDATA[<div>]]></div>",
    f'<div class="xmlns" xmlns="{XHTML}" xml:lang="fr"/>',
]


@pytest.mark.parametrize("div", DIVS)
def test_narrative_keeps_its_text(types: Types, div: str):
    texts = {"status": "generated", "div": div}
    resource = {
        "resourceType": "Patient",
        "text": texts,
        "contained": [{"resourceType": "Basic", "text": {"status": "empty", "div": DIVS[0]}}],
    }
    written = to_xml(resource, types)
    assert div.encode() in written
    assert from_xml(written, types) == resource


@pytest.mark.parametrize(
    ("root", "div"),
    [
        (f' xmlns:h="{XHTML}"', '<h:div class="a"><h:p>x<h:br/>y</h:p></h:div>'),
        (f' xmlns:h="{XHTML}"', f'<div xmlns="{XHTML}" class="a"><p>x<h:br/>y</p></div>'),
    ],
)
def test_a_narrative_that_borrows_a_prefix_is_written_anew(types: Types, root: str, div: str):
    resource = from_xml(xml(f'<text><status value="generated"/>{div}</text>', attributes=root), types)
    assert resource["text"]["div"] == f'<div xmlns="{XHTML}" class="a"><p>x<br/>y</p></div>'


def test_a_narrative_without_its_namespace_gets_it_in_xml(types: Types):
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": ' <div class="a">x</div>'}}
    assert f'<div xmlns="{XHTML}" class="a">x</div>'.encode() in to_xml(resource, types)


@pytest.mark.parametrize(
    "div",
    [
        "x",
        "<div>",
        "<p/>",
        "<div>&nbsp;</div>",
        "<div/><div/>",
        "</text><evil/><text>",
        '<?xml version="1.0"?><div/>',
        '<!DOCTYPE div [<!ENTITY x "y">]><div>&x;</div>',
        '<div xmlns="http://hl7.org/fhir"/>',
    ],
)
def test_a_narrative_that_is_no_xhtml_has_no_xml_form(types: Types, div: str):
    with pytest.raises(NotAcceptable) as refused:
        to_xml({"resourceType": "Patient", "text": {"status": "generated", "div": div}}, types)
    assert [(i.complaint.detail, i.expression) for i in refused.value.issues] == [
        ("narrative-not-xml", "Patient.text.div")
    ]


def test_characters_that_xml_cannot_carry_are_refused_all_at_once(types: Types):
    resource = {"resourceType": "Patient", "name": [{"family": "a\uffff", "text": "\ufffe"}], "gender": "ok"}
    with pytest.raises(NotAcceptable) as refused:
        to_xml(resource, types)
    assert [(i.complaint.detail, i.expression) for i in refused.value.issues] == [
        ("not-in-xml", "Patient.name[0].text"),
        ("not-in-xml", "Patient.name[0].family"),
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", [("body-empty", None)]),
        (b"<Patient", [("not-xml", None)]),
        (b"{}", [("not-xml", None)]),
        (b"<Patient/>", [("xml-namespace", None)]),
        (b'<Patient xmlns="http://hl7.org/fhir/"/>', [("xml-namespace", None)]),
        (b'<Patience xmlns="http://hl7.org/fhir"/>', [("resource-type-unknown", None)]),
        (xml("<foo/><bar/>"), [("xml-unknown-element", "Patient")] * 2),
        (xml('<name><foo value="1"/></name>'), [("xml-unknown-element", "Patient.name[0]")]),
        (xml('<active xmlns="urn:x" value="true"/>'), [("xml-namespace", "Patient")]),
        (xml("<text><div/></text>"), [("xml-namespace", "Patient.text")]),
        (xml(f'<div xmlns="{XHTML}"/>'), [("xml-namespace", "Patient")]),
        (xml("", attributes=' foo="1"'), [("xml-unknown-attribute", "Patient")]),
        (xml('<name value="x"><family value="x"/></name>'), [("xml-unknown-attribute", "Patient.name[0]")]),
        (xml('<active value="true" foo="x"/>'), [("xml-unknown-attribute", "Patient.active")]),
        (xml('<contained id="x"><Basic/></contained>'), [("xml-unknown-attribute", "Patient.contained[0]")]),
        (xml("x<active value='true'/>y"), [("xml-text", "Patient")] * 2),
        (xml("<active value='true'>x</active>"), [("xml-text", "Patient.active")]),
        (xml("<active value='true'/><active value='false'/>"), [("xml-element-repeated", "Patient.active")]),
        (xml("<gender value='male'/><active value='true'/>"), [("xml-element-order", "Patient.active")]),
        (xml("<active/>"), [("xml-element-empty", "Patient.active")]),
        (xml("<active value='1'/>"), [("invalid-boolean", "Patient.active")]),
        (xml("<multipleBirthInteger value='+1'/>"), [("invalid-integer", "Patient.multipleBirth")]),
        (xml("<valueQuantity><value value='.5'/></valueQuantity>", "Observation"),
         [("invalid-decimal", "Observation.value.value")]),
        (xml(f"<valueQuantity><value value='1e{'9' * 30}'/></valueQuantity>", "Observation"),
         [("invalid-decimal", "Observation.value.value")]),
        (xml(f"<multipleBirthInteger value='{'9' * 5000}'/>"), [("invalid-integer", "Patient.multipleBirth")]),
        (xml("<contained/>"), [("xml-one-resource", "Patient.contained[0]")]),
        (xml("<contained><Basic/><Basic/></contained>"), [("xml-one-resource", "Patient.contained[0]")]),
        (xml("<contained><HumanName/></contained>"), [("resource-type-unknown", "Patient.contained[0]")]),
        (xml("<contained>x<Basic/></contained>"), [("xml-text", "Patient.contained[0]")]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_xml_is_found_where_it_is(types: Types, body: bytes, found: list[tuple[str, str | None]]):
    assert refusal(body, types) == found


def test_the_refusal_says_line_and_column(types: Types):
    with pytest.raises(InvalidRequest) as refused:
        from_xml(b'<Patient xmlns="http://hl7.org/fhir">\n  <active value=true/>\n</Patient>', types)
    values = refused.value.issues[0].values
    assert (values["line"], values["column"], values["reason"]) == ("2", "17", "AttValue: \" or ' expected")


def test_comments_instructions_and_schema_locations_are_passed_over(types: Types):
    location = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir x.xsd"'
    content = "<!-- a --><?b c?>\n <active value='true'><!-- d --></active>\n<!-- e -->"
    assert from_xml(xml(content, attributes=location), types) == {"resourceType": "Patient", "active": True}


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("ISO-8859-1", "iso-8859-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("windows-1252", "cp1252"),
    ],
)
def test_a_declared_encoding_is_read(types: Types, declared: str, encoding: str):
    div = f'<div xmlns="{XHTML}">né</div>'
    text = xml(f'<text><status value="generated"/>{div}</text><name><family value="Édouard"/></name>').decode()
    body = f'<?xml version="1.0" encoding="{declared}"?>{text}'.encode(encoding)
    resource = from_xml(body, types)
    assert (resource["text"]["div"], resource["name"][0]["family"]) == (div, "Édouard")


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0" encoding="utf-7"?><Patient xmlns="http://hl7.org/fhir"/>',
        b'<?xml version="1.0" encoding="unicode_escape"?><Patient xmlns="http://hl7.org/fhir"/>',
        b'<?xml version="1.0" encoding="hex"?><Patient xmlns="http://hl7.org/fhir"/>',
        b'<?xml version="1.0" encoding="nonsense"?><Patient xmlns="http://hl7.org/fhir"/>',
        b'<Patient xmlns="http://hl7.org/fhir"><active value="\xe9"/></Patient>',
    ],
)
def test_text_in_no_readable_encoding_is_refused(types: Types, body: bytes):
    assert refusal(body, types) == [("xml-encoding", None)]


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE Patient [<!ENTITY l0 "lol">{entities}]>'


ATTACKS = {
    "billion laughs": laughs() + '<Patient xmlns="http://hl7.org/fhir"><name><family value="&l9;"/></name></Patient>',
    "external entity": '<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    f'<Patient xmlns="http://hl7.org/fhir"><text><div xmlns="{XHTML}">&x;</div></text></Patient>',
    "parameter entity": '<!DOCTYPE Patient [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>'
    '<Patient xmlns="http://hl7.org/fhir"/>',
    "external subset": '<!DOCTYPE Patient SYSTEM "http://127.0.0.1:9/x.dtd"><Patient xmlns="http://hl7.org/fhir"/>',
    "after a comment": '<!-- <a> --><?x?>\n<!DOCTYPE Patient><Patient xmlns="http://hl7.org/fhir"/>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_document_type_declaration_is_refused(types: Types, attack: str, encoding: str):
    start = time.process_time()
    assert refusal(ATTACKS[attack].encode(encoding), types) == [("xml-doctype", None)]
    assert time.process_time() - start < 0.5


def test_a_document_type_declaration_behind_two_byte_order_marks_is_refused(types: Types):
    body = b"\xef\xbb\xbf\xef\xbb\xbf" + ATTACKS["billion laughs"].encode()
    assert refusal(body, types)[0][0] in ("xml-doctype", "not-xml")


def test_the_word_doctype_inside_a_document_is_text(types: Types):
    resource = from_xml(xml("<name><family value='&lt;!DOCTYPE x>'/></name><!-- <!DOCTYPE y> -->"), types)
    assert resource["name"] == [{"family": "<!DOCTYPE x>"}]


def test_xinclude_and_undeclared_entities_bring_nothing_in(types: Types, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    include = f'<include xmlns="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    assert refusal(xml(include), types) == [("xml-namespace", "Patient")]
    assert refusal(xml("<name><family value='&secret;'/></name>"), types) == [("not-xml", None)]


def test_nesting_has_an_end(types: Types):
    body = xml("<extension url='http://x'>" * 300 + "</extension>" * 300)
    assert refusal(body, types) == [("not-xml", None)]
