r"""Messages that are written: what is put at a path is read back from it, whatever it holds.

Source: HL7 v2.5.1, chapter 2, 2.5 to 2.7.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.exchange.hl7v2.outgoing import Outgoing

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda text: text.strip()
)


def test_segments_stand_in_their_order_and_nothing_empty_at_an_end() -> None:
    message = Outgoing()
    message.head.put("9.1", "ORU")
    pid = message.segment("PID")
    pid.put("3[+].1", "1")
    pid.put("3.4.2", "1.2.250")
    pid.put("3[+].1", "2")
    pid.put("8", "F")
    pid.put("11.3", "")
    assert message.written() == b"MSH|^~\\&|||||||ORU|||||||||UNICODE UTF-8\rPID|||1^^^&1.2.250~2|||||F\r"


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_put_is_read_back(name: str, code: str, note: str) -> None:
    message = Outgoing()
    obx = message.segment("OBX")
    obx.put("3.2", name)
    obx.put("5[2].1.3", code)
    obx.put("30", note)
    found = read(message.written())
    assert [found.get(path) for path in ("OBX-3.2", "OBX-5[2].1.3", "OBX-30")] == [name, code, note]


def test_a_document_is_put_as_it_is() -> None:
    message = Outgoing()
    message.segment("OBX").put_encoded("5.5", "QUJD" * 50_000)
    assert read(message.written()).get("OBX-5.5") == "QUJD" * 50_000


def test_letters_are_written_in_the_receiver_s_character_set() -> None:
    message = Outgoing("8859/15")
    message.segment("PID").put("5", "ÉPREUVE œ € 漢")
    assert "ÉPREUVE œ € ?".encode("iso8859-15") in message.written()


@pytest.mark.parametrize("place", ["", "0", "3.0", "PID-3", "3[*]", "3.1.1.1", "3[0]"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="is no place"):
        Outgoing().segment("PID").put(place, "x")


def test_the_delimiters_of_msh_cannot_be_overwritten() -> None:
    with pytest.raises(ValueError, match="delimiters"):
        Outgoing().head.put("2", "x")
