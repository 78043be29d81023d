"""Inputs that no validator should fall over: sound resources, broken in one to six places, each from its own number.

The same number gives the same bytes on every machine.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Literal

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.xml import to_xml

Format = Literal["json", "xml"]
SEED = 20261122

_DIV = (
    '<div xmlns="http://www.w3.org/1999/xhtml"><p id="top">Sequencing <b>report</b></p><table><tr><td>gene</td>'
    '<td><a href="#top">BRCA1 &amp; co</a></td></tr></table><img src="data:image/png;base64,AAAA" alt="x"/></div>'
)
_TEXT = {"status": "generated", "div": _DIV}
_CODE = {"coding": [{"system": "http://loinc.org", "code": "48018-6", "display": "Gene studied"}], "text": "Gene"}
SEEDS: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Patient",
        "id": "p1",
        "language": "fr",
        "text": _TEXT,
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "180000000000000"}],
        "active": True,
        "name": [{"family": "Martin", "given": ["Zoé", "Anne"], "_given": [None, {"id": "second"}]}],
        "telecom": [{"system": "phone", "value": "0100000000", "rank": 1}],
        "gender": "female",
        "birthDate": "1980-02-29",
        "_birthDate": {"extension": [{"url": "http://example.org/fhir/birth-time", "valueTime": "10:11:12"}]},
        "multipleBirthInteger": 2,
        "photo": [{"contentType": "image/png", "data": "AAAA", "size": 3}],
        "contact": [{"name": {"text": "Léa"}, "period": {"start": "2020-01-01", "end": "2021-01-01T00:00:00Z"}}],
        "link": [{"other": {"reference": "Patient/p2"}, "type": "seealso"}],
    },
    {
        "resourceType": "Observation",
        "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/bp"], "lastUpdated": "2024-05-06T07:08:09.123Z"},
        "contained": [{"resourceType": "Patient", "id": "inside", "birthDate": "1970"}],
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": _CODE,
        "subject": {"reference": "#inside"},
        "effectiveDateTime": "2024-05-06T07:08:09+02:00",
        "component": [
            {"code": _CODE, "valueQuantity": {"value": 1.50, "unit": "mg", "system": "http://unitsofmeasure.org"}},
            {"code": _CODE, "valueRange": {"low": {"value": -3}, "high": {"value": 1e3}}},
        ],
        "referenceRange": [{"text": "< 3 <b>mg</b>"}],
    },
    {
        "resourceType": "Bundle",
        "type": "document",
        "timestamp": "2024-05-06T07:08:09Z",
        "entry": [
            {
                "fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
                "resource": {
                    "resourceType": "Composition",
                    "status": "final",
                    "type": _CODE,
                    "subject": {"reference": "urn:uuid:cc2a4b7b-7f9b-4e2e-9b1a-3d5b1d0b5c11"},
                    "date": "2024-05-06",
                    "author": [{"reference": "Practitioner/x"}],
                    "title": "Compte rendu",
                    "section": [{"title": "Résultats", "text": _TEXT, "entry": [{"reference": "#nothing"}]}],
                },
            },
            {
                "fullUrl": "urn:uuid:cc2a4b7b-7f9b-4e2e-9b1a-3d5b1d0b5c11",
                "resource": {"resourceType": "Patient", "id": "cc2a4b7b-7f9b-4e2e-9b1a-3d5b1d0b5c11", "active": True},
                "request": {"method": "PUT", "url": "Patient/1"},
            },
        ],
    },
    {
        "resourceType": "Questionnaire",
        "url": "http://example.org/fhir/Questionnaire/q",
        "status": "active",
        "item": [
            {
                "linkId": "1",
                "type": "group",
                "item": [
                    {
                        "linkId": "1.1",
                        "type": "choice",
                        "enableWhen": [{"question": "1.2", "operator": "=", "answerBoolean": True}],
                        "answerOption": [{"valueCoding": {"code": "a"}}, {"valueInteger": 3}],
                        "maxLength": 5,
                    },
                    {"linkId": "1.2", "type": "boolean", "initial": [{"valueBoolean": False}]},
                ],
            }
        ],
    },
    {
        "resourceType": "QuestionnaireResponse",
        "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active",
                       "item": [{"linkId": "1", "type": "decimal", "repeats": True}]}],
        "questionnaire": "#q",
        "status": "completed",
        "item": [{"linkId": "1", "answer": [{"valueDecimal": 1.25}, {"valueDecimal": 100}]}],
    },
    {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/fhir/StructureDefinition/s",
        "name": "S",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [
            {"id": "Patient.name", "path": "Patient.name", "min": 1, "max": "1",
             "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"},
             "constraint": [{"key": "s-1", "severity": "error", "human": "named", "expression": "family.exists()"}]},
        ]},
    },
    {
        "resourceType": "ValueSet",
        "url": "http://example.org/fhir/ValueSet/v",
        "status": "active",
        "compose": {"include": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "male"}],
                                 "filter": [{"property": "concept", "op": "is-a", "value": "x"}]}]},
    },
    {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "valueBase64Binary": "AAECAwQ="},
            {"name": "b", "resource": {"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA"}},
            {"name": "c", "part": [{"name": "d", "valueTiming": {"repeat": {"count": 3, "periodUnit": "d"}}}]},
        ],
    },
)  # fmt: skip

_ODD_TEXTS = (
    "", " ", "\u0000", "\u202e", "\ud800", "<script>x</script>", "a" * 5000, "é" * 300, "-", "1e999999", "0x10", "NaN",
    "2024-02-30", "0000", "T00:00:00Z", "urn:oid:", "urn:uuid:", "#", "##", "/", "Patient/", "http://", "|", "a|b|c",
    "javascript:x", "%", "%factory", "{}", "[]", "&nbsp;", "&#0;", "<div>", "<!-- ", "]]>", "\ufeff", "𝄞", "\r\n\t",
    "Observation.value[x]", "../../x", "=" * 4000, "(" * 200, "A" * 100 + "!", "1" * 5000, "-" * 300, "." * 300,
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 10**30, 1.5, -0.0, 1e308, [], {}, [[]], [None], [{}], {"a": {}}, "",
    {"resourceType": "Patient"}, {"resourceType": 3}, {"extension": []}, {"url": "x"}, {"reference": "#"}, ["x", None],
)  # fmt: skip
_ODD_BYTES = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"{", b"}", b"[", b"]", b'"', b"\\",
    b"\\u", b"\\ud800", b"<", b">", b"&", b"&x;", b"<!DOCTYPE a>", b"<![CDATA[", b"<?x ?>", b"<!--", b"-->", b"/>",
    b"</", b"//", b"/*", b",", b",,", b":", b"NaN", b"1e400", b"1" * 400, b'xmlns="x"', b"'", b"\r", b"\n", b" " * 50,
)  # fmt: skip


def mangled(number: int) -> tuple[Format, bytes]:
    """Return the input of a number and the format it is sent as."""
    draw = random.Random(SEED * 1_000_003 + number)
    resource = json.loads(json.dumps(draw.choice(SEEDS)))
    format: Format = draw.choice(("json", "json", "xml"))
    if format == "xml":
        body = to_xml(resource, definitions().types, pretty=draw.random() < 0.5)
        return format, _bytes_broken(draw, body)
    for _ in range(draw.randint(0, 4)):
        _tree_broken(draw, resource)
    text = json.dumps(resource, ensure_ascii=draw.random() < 0.5, indent=draw.choice((None, None, 1)))
    body = text.encode("utf-8", "surrogatepass")
    return format, _bytes_broken(draw, body) if draw.random() < 0.5 else body


# --- trees


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree, as a container and its key."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        one = pending.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            pending.append(one[key])
    return found


_MOST_PLACES = 2000  # how long a text may be is decided before it is validated


def _tree_broken(draw: random.Random, resource: dict[str, Any]) -> None:
    places = _places(resource)
    if not places or len(places) > _MOST_PLACES:
        return
    container, key = draw.choice(places)
    draw.choice(_TREE_WAYS)(draw, container, key)


def _other_text(draw: random.Random, container: Any, key: Any) -> None:
    container[key] = draw.choice(_ODD_TEXTS)


def _other_value(draw: random.Random, container: Any, key: Any) -> None:
    container[key] = json.loads(json.dumps(draw.choice(_ODD_VALUES)))


def _another_of_its_kind(draw: random.Random, container: Any, key: Any) -> None:
    source = draw.choice(SEEDS)
    found, place = draw.choice(_places(source))
    container[key] = json.loads(json.dumps(found[place]))


def _wrapped(draw: random.Random, container: Any, key: Any) -> None:
    container[key] = [container[key]] if draw.random() < 0.5 else {"extension": [container[key]]}


def _dropped(draw: random.Random, container: Any, key: Any) -> None:
    del container[key]


def _renamed(draw: random.Random, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        container[draw.choice((f"_{key}", str(key).upper(), f"{key}X", "valueString", "id", "resourceType"))] = (
            container.pop(key)
        )


def _repeated(draw: random.Random, container: Any, key: Any) -> None:
    if isinstance(container, list):
        container += [container[key]] * draw.randint(1, 60)


def _nested(draw: random.Random, container: Any, key: Any) -> None:
    value = container[key]
    for _ in range(draw.choice((5, 40, 99, 101, 150))):
        value = {"extension": [value], "url": "x"} if draw.random() < 0.8 else [value]
    container[key] = value


Way = Callable[[random.Random, Any, Any], None]
_TREE_WAYS: tuple[Way, ...] = (
    _other_text, _other_text, _other_value, _other_value, _another_of_its_kind, _wrapped, _dropped, _renamed, _repeated,
    _nested,
)  # fmt: skip


# --- bytes


def _bytes_broken(draw: random.Random, body: bytes) -> bytes:
    for _ in range(draw.randint(1, 6)):
        body = draw.choice(_BYTE_WAYS)(draw, body)
    return body


def _flipped(draw: random.Random, body: bytes) -> bytes:
    place = draw.randrange(len(body) + 1)
    return body[:place] + bytes([draw.randrange(256)]) + body[place + 1 :]


def _inserted(draw: random.Random, body: bytes) -> bytes:
    place = draw.randrange(len(body) + 1)
    return body[:place] + draw.choice(_ODD_BYTES) + body[place:]


def _cut(draw: random.Random, body: bytes) -> bytes:
    return body[: draw.randrange(len(body) + 1)] if draw.random() < 0.3 else body


def _without(draw: random.Random, body: bytes) -> bytes:
    start = draw.randrange(len(body) + 1)
    return body[:start] + body[start + draw.randint(1, 30) :]


def _moved(draw: random.Random, body: bytes) -> bytes:
    start = draw.randrange(len(body) + 1)
    piece = body[start : start + draw.randint(1, 60)]
    place = draw.randrange(len(body) + 1)
    return body[:place] + piece + body[place:]


def _other_encoding(draw: random.Random, body: bytes) -> bytes:
    if draw.random() > 0.15:
        return body
    text = body.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-16-le", "utf-8-sig", "latin-1", "utf-32")), "replace")


def _deep(draw: random.Random, body: bytes) -> bytes:
    if draw.random() > 0.1:
        return body
    opening, closing = draw.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<name>", b"</name>"), (b"<extension>", b"")))
    place = draw.randrange(len(body) + 1)
    count = draw.choice((10, 90, 300, 3000))
    return body[:place] + opening * count + closing * count + body[place:]


_BYTE_WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flipped, _flipped, _inserted, _inserted, _cut, _without, _moved, _other_encoding, _deep,
)  # fmt: skip
