"""No bytes bring the validator down, and none keeps it busy for a second.

200,000 seeded inputs with FHIR_GATEWAY_SUITES=full, a tenth of them with `tenth`, a fiftieth in `make test`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from functools import cache

import pytest

from fhir_gateway.app import GC_THRESHOLDS
from fhir_gateway.conformance import snapshot
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.terminology.library import Library
from tests.conformance.validation.definition_lookup import DefinitionLookup
from tests.conformance.validation.mangling import SEEDS, mangled
from tests.floors import SHARE

INPUTS = 200_000
PORTIONS = 16
LONGEST = 1.0  # seconds of CPU


@cache
def validator() -> Validator:
    lookup = DefinitionLookup(definitions())
    return Validator(
        definitions().types, lookup, Library(lookup), lambda definition: snapshot.generate(definition, lookup)
    )


@pytest.fixture(scope="module", autouse=True)
def collected_as_in_a_server() -> Iterator[None]:
    """Set the collector as the server does: what stays is not looked through again, which takes up to a second here."""
    before = gc.get_threshold()
    validator().validate({"resourceType": "Patient", "active": True})
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_mangled_inputs_are_judged_without_an_exception_and_within_a_second_of_cpu(portion: int):
    count = round(INPUTS * SHARE)
    slow = {}
    errors = 0
    numbers = range(portion, count, PORTIONS)
    for number in numbers:
        format, body = mangled(number)
        start = time.process_time()
        findings = validator().validate_bytes(body, format)
        for finding in findings[:20]:
            assert finding.issue.text("en"), number
            assert finding.issue.text("fr"), number
            assert finding.position is None or min(finding.position) >= 1, number
        took = time.process_time() - start
        if took > LONGEST and number >= PORTIONS:  # the first of a portion reads the definitions
            slow[number] = took
        errors += any(finding.is_error for finding in findings)
    assert slow == {}
    assert errors > len(numbers) / 2, "most of the inputs are broken, and are said to be"


def test_the_resources_that_are_mangled_are_readable_before():
    for resource in SEEDS:
        findings = validator().validate(resource)
        assert [each for each in findings if each.issue.severity == "fatal"] == []


def test_the_same_number_gives_the_same_bytes():
    assert [mangled(number) for number in range(20)] == [mangled(number) for number in range(20)]


@pytest.mark.parametrize("body", [b"", b"\x00", b"null", b"[]", b'"x"', b"{", b"<", b"<a", b"\xff\xfe", b"{}" * 9])
@pytest.mark.parametrize("format", ["json", "xml", "ndjson"])
def test_what_is_no_resource_at_all_is_said_to_be_none(format, body):
    findings = validator().validate_bytes(body, format)
    assert findings
    assert {each.issue.severity for each in findings} <= {"fatal", "error", "warning"}


PIECE = 100_000
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


@pytest.mark.parametrize(
    "div",
    [
        "<b>" * PIECE,
        "<!--" * PIECE,
        "<a" + " a" * PIECE,
        "&a" * PIECE,
        '<a href="#x">y</a>' * (PIECE // 9),
        ("<span>" * 90 + "</span>" * 90) * (PIECE // 500),
        ("<b>" * 90 + "<table></table>" + "</b>" * 90) * (PIECE // 500),
    ],
    ids=["nested", "comments", "attributes", "references", "links", "spans", "blocks"],
)
def test_a_long_narrative_costs_what_its_length_costs(div):
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": f"{DIV}{div}</div>"}}
    validator().validate({"resourceType": "Patient", "active": True})
    start = time.process_time()
    validator().validate(resource)
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize(
    "body",
    [
        b"[" * PIECE,
        b'{"a":' * PIECE,
        b'{"resourceType":"Patient"' + b',"gender":"male"' * (PIECE // 8) + b"}",
        b'{"resourceType":"Patient"' + b"," * PIECE + b"}",
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"1" * PIECE + b"}",
        b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
        b'{"resourceType":"Patient","implicitRules":"urn:oid:' + b"1." * PIECE + b'"}',
    ],
    ids=["arrays", "objects", "duplicates", "commas", "digits", "exponent", "oid"],
)
def test_a_long_json_text_costs_what_its_length_costs(body):
    validator().validate({"resourceType": "Patient", "active": True})
    start = time.process_time()
    assert validator().validate_bytes(body)
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize("inner", [b"<foo/>", b'<gender value="male"/>', b"x<name/>", b"<?a b?>"])
def test_a_long_xml_text_costs_what_its_length_costs(inner):
    body = b'<Patient xmlns="http://hl7.org/fhir">' + inner * (PIECE // 4 // len(inner)) + b"</Patient>"
    validator().validate({"resourceType": "Patient", "active": True})
    start = time.process_time()
    assert validator().validate_bytes(body, "xml")
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize("attribute", ['a{0}="x"', 'xmlns:a{0}="urn:{0}" a{0}:b="x"'], ids=["plain", "namespaces"])
@pytest.mark.parametrize(
    "body",
    [
        '<Patient xmlns="http://hl7.org/fhir" {}/>',
        '<Patient xmlns="http://hl7.org/fhir"><gender value="male" {}/></Patient>',
    ],
)
def test_an_element_of_many_attributes_costs_what_their_number_costs(body, attribute):
    attributes = " ".join(attribute.format(number) for number in range(PIECE // 4))
    validator().validate({"resourceType": "Patient", "active": True})
    start = time.process_time()
    assert validator().validate_bytes(body.format(attributes).encode(), "xml")
    assert time.process_time() - start < LONGEST
