"""Documents of megabytes in OBX-5: they are cut out of the bytes of their message, never copied on the way.

Source: HL7 v2.5.1, chapter 2A, ED; FHIR R4, Binary.
"""

from __future__ import annotations

import base64
import os
import tracemalloc
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter, shipped_mappings
from fhir_gateway.exchange.hl7v2.er7 import LARGE, Large, read

SMALL = (shipped_mappings() / "golden" / "mdm_t02_document.hl7").read_bytes()
SIZE = 3_000_000


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def holding(document: bytes) -> bytes:
    """Return a message with a document in the first OBX that has one."""
    segments = SMALL.split(b"\r")
    at = next(at for at, each in enumerate(segments) if each.startswith(b"OBX") and b"|ED|" in each)
    fields = segments[at].split(b"|")
    fields[5] = b"^".join((*fields[5].split(b"^")[:4], document))
    segments[at] = b"|".join(fields)
    return b"\r".join(segments)


def binary(convert: Converter, data: bytes) -> dict[str, Any]:
    (found,) = convert.convert_all(data)
    assert isinstance(found, Conversion)
    assert found.result is not None
    return next(each.resource for each in found.result.instances if each.resource["resourceType"] == "Binary")


def test_a_large_document_comes_whole(convert: Converter) -> None:
    document = base64.b64encode(os.urandom(SIZE))
    assert binary(convert, holding(document))["data"] == document.decode()


def test_blanks_and_missing_padding_are_mended_in_a_large_document_too(convert: Converter) -> None:
    document = base64.b64encode(os.urandom(SIZE + 1)).rstrip(b"=")
    torn = b" ".join(document[at : at + 76] for at in range(0, len(document), 76))
    assert base64.b64decode(binary(convert, holding(torn))["data"]) == base64.b64decode(document + b"==")


def test_a_large_document_that_is_none_is_told(convert: Converter) -> None:
    document = base64.b64encode(os.urandom(SIZE))
    (found,) = convert.convert_all(holding(document[:-9] + b"*" + document[-8:]))
    assert isinstance(found, Conversion)
    assert "mapping-value-unfit" in [each.complaint.detail for each in found.issues]


def test_the_text_in_the_resource_is_all_that_mapping_adds(convert: Converter) -> None:
    data = holding(base64.b64encode(os.urandom(SIZE)))
    binary(convert, SMALL)
    tracemalloc.start()
    try:
        made = binary(convert, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(made["data"]) < peak < 1.3 * len(made["data"])


def test_large_texts_are_cut_as_others_are() -> None:
    text = "A" * (LARGE + 1)
    sent = f"MSH|^~\\&|A|B|||2024||ORU^R01|1|P|2.5|||||FRA|UNICODE UTF-8\rOBX|1|ED|é||x^y&z~{text}^q|b".encode()
    segment = read(sent).segments[1]
    large = segment.fields[5]
    assert isinstance(large, Large)
    assert [each if isinstance(each, str) else len(each) for each in large.split("^")] == ["x", LARGE + 1 + 6 - 2, "q"]
    assert [large.startswith("x^"), large.startswith("y"), "~" in large, "é" in large] == [True, False, True, False]
    assert large.split("^", 1)[0] == "x"
    assert read(sent).get("OBX-5[2].2") == "q"
