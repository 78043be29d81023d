"""Files as strangers break them are imported as far as they go, or refused with a place and a reason.

Source: README.md of fhir_gateway/exchange; RFC 8259; the published samples of each format.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.files import Formats
from fhir_gateway.exchange.results import Asked, Made, opened
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue
from tests.exchange.auragen.test_clinic_kc import case as cancer
from tests.exchange.auragen.test_clinic_mr import case
from tests.exchange.auragen.test_libraries_and_software import software
from tests.exchange.broken import broken, bytes_of
from tests.exchange.seqoia.files import prescription
from tests.shared_data import shared

FORMATS = Formats()
ASKED = Asked("2026-11-22T10:00:00Z")
EACH = 40  # broken copies of each file
VALID = 4  # of which so many are judged by the validator


def whole(name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"seqoia": prescription, "clinic_mr": case, "clinic_kc": cancer, "software": software}
    if name in made:
        found: dict[str, Any] = made[name]()
    else:
        places = {
            "libraries": ("platforms", "librairies_sample_01.json"),
            "family": ("genomics", "phenopacket", "family.json"),
        }
        found = json.loads(shared(*places[name]).read_bytes())
    return found


@pytest.mark.parametrize("name", ["seqoia", "clinic_mr", "clinic_kc", "libraries", "software", "family"])
def test_a_broken_file_is_read_as_far_as_it_goes_or_refused_with_its_reason(name: str):
    tree = whole(name)
    judged = 0
    for number in range(EACH):
        draw = random.Random(f"{name} {number}")
        data = bytes_of(broken(tree, draw), draw)
        made, reasons = imported(data)
        assert bool(made) != bool(reasons)
        assert all(each.text() and each.text("fr") for each in reasons)
        if made and judged < VALID:
            judged += 1
            found = (each for one in made for each in r4_validator().validate_bytes(encode(one.resource)))
            assert [(number, each.issue.text()) for each in found if each.is_error] == []


def imported(data: bytes) -> tuple[tuple[Made, ...], tuple[Issue, ...]]:
    """Return what is made of a file, or why nothing is."""
    try:
        return opened(FORMATS, data, ASKED).read(None).made, ()
    except FhirError as refusal:
        return (), tuple(refusal.issues)


def refused(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        opened(FORMATS, data, ASKED)
    return [(each.complaint.detail, each.text()) for each in caught.value.issues]


def test_a_file_with_a_byte_order_mark_is_read():
    data = b"\xef\xbb\xbf" + json.dumps(prescription()).encode()
    assert opened(FORMATS, data, ASKED).read(None).made


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"patients": [{"id_anon": "1", "x": {"a/b": 1, "a/b": 2}}]}', "/patients/0/x/a~1b stands twice"),
        (b'{"patients": [' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"]}", "nested deeper than 64 levels"),
        (b'{"patients": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "nested deeper than 64 levels"),
        (b'{"patients": "\\u0000"}', "a control character"),
        ('{"patients": "é"}'.encode("latin-1"), "UTF-8"),
        ('{"patients": "é"}'.encode("utf-16"), "malformed"),
        (b'{"patients": 1' + b"0" * 5000 + b"}", ""),
        (b'{"patients": ', "truncated"),
        (b"[]", "list"),
    ],
    ids=["twice", "deep", "deeper", "control", "Latin-1", "UTF-16", "huge", "truncated", "list"],
)
def test_what_no_reader_should_guess_at_is_refused_with_its_reason(data: bytes, reason: str):
    ((detail, text),) = refused(data)
    assert (detail, reason.lower() in text.lower()) == ("result-file-unknown", True), text


def test_a_fhir_resource_is_told_where_it_belongs():
    ((detail, text),) = refused(b'{"resourceType": "Bundle", "patients": []}')
    assert (detail, "Bundle" in text) == ("result-file-is-fhir", True)


def test_a_packet_without_subject_is_known_and_refused_for_that():
    with pytest.raises(FhirError) as caught:
        opened(FORMATS, shared("genomics", "phenopacket", "marfan.no-subject.json").read_bytes(), ASKED)
    assert ("phenopacket-no-subject", "/subject") in [
        (each.complaint.detail, each.expression) for each in caught.value.issues
    ]


def test_an_unknown_key_of_a_relative_is_kept_with_the_relative():
    tree = whole("family")
    tree["relatives"][1]["mood"] = 1
    made = [each.resource for each in opened(FORMATS, json.dumps(tree).encode(), ASKED).read(None).made]
    (kept,) = [each for each in made if "cle-inconnue" in str(each.get("code"))]
    assert kept["subject"]["identifier"]["value"] == tree["relatives"][1]["subject"]["id"]
