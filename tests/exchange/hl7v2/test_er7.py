"""The ER7 reader: what a message says, where, and the very bytes it came in.

Source: HL7 v2.5.1, chapter 2; the traps of `../shared/reference/hl7v2.md`, chapters 3.4 and 5. Messages are our own.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.er7 import LARGE, Message, read, read_all
from fhir_gateway.exchange.hl7v2.escapes import Separators, escaped, unescaped
from tests.shared_data import shared

ADT = "\r".join(
    (
        "MSH|^~\\&|DPI^1.2.250.1.999.1^ISO|HOPITAL|GATEWAY|PFMG|20260105101500||ADT^A28^ADT_A05|M1|P|2.5^FRA^2.11|||||FRA"
        "|UNICODE UTF-8|FR",
        "EVN||20260105101500",
        "PID|1||10001^^^HOPITAL&1.2.250.1.999.1&ISO^PI~299999999999934^^^ASIP&1.2.250.1.213.1.4.10&ISO^INS||ÉTÉ^Zoé^"
        'Zoé Anne^^^^L~ÉTÉ-FICTIF^Zoé^^^^^D|""|20200101|F',
        "PV1|1|N",
    )
).encode()


def test_paths_name_fields_repetitions_components_and_subcomponents() -> None:
    message = read(ADT)
    assert message.type == ("ADT", "A28", "ADT_A05")
    assert message.control_id == "M1"
    assert message.get("PID-3.1") == "10001"
    assert message.get("PID-3.4.2") == "1.2.250.1.999.1"
    assert message.get("PID-3[2].5") == "INS"
    assert message.get("PID-5[2].7") == "D"
    assert message.get("PID-3[3].1") == message.get("NK1-2.1") == message.get("PID-99") == ""


def test_a_component_with_parts_reads_as_its_first_leaf() -> None:
    assert read(ADT).get("PID-3.4") == "HOPITAL"
    assert read(ADT).get("PID-5") == "ÉTÉ"


def test_two_quotes_ask_that_a_value_be_deleted_and_an_empty_field_says_nothing() -> None:
    message = read(ADT)
    (patient,) = message.all("PID")
    node = patient.node(6)
    assert node is not None
    assert node.deleted
    assert patient.node(4) is None


def test_a_node_knows_its_place_for_err_2() -> None:
    (patient,) = read(ADT).all("PID")
    node = patient.nodes(3)[1]
    assert node.place == "PID^1^3^2"
    authority = node.part(4)
    assert authority is not None
    universal = authority.part(2)
    assert universal is not None
    assert (universal.place, universal.text) == ("PID^1^3^2^4^2", "1.2.250.1.213.1.4.10")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "end", "end twice"])
def test_lines_end_in_cr_lf_or_both_and_come_back_as_they_were(end: str, tail: str) -> None:
    sent = ADT.replace(b"\r", end.encode()) + end.encode() * len(tail.split())
    message = read(sent)
    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "PID", "PV1"]
    assert message.written() == sent


@pytest.mark.parametrize("size", [0, 100_000])
@pytest.mark.parametrize("tail", [b"\r\n", b"\r\nPV1|2|O\r\n"])
def test_lines_of_an_editor_stay_lines_where_the_last_of_them_end_otherwise(size: int, tail: bytes) -> None:
    sent = ADT.replace(b"\r", b"\n") + tail + b"ZZZ|" * bool(size) + b"x" * size
    message = read(sent)
    names = ["MSH", "EVN", "PID", "PV1", *(["PV1"] if b"PV1" in tail else []), *(["ZZZ"] if size else [])]
    assert [segment.name for segment in message.segments] == names
    assert all(not field.endswith("\r") for each in message.segments for field in each.fields if isinstance(field, str))
    assert message.written() == sent
    both = sent + b"\n" + sent
    assert [each.written() for each in read_all(both) if isinstance(each, Message)] == [sent + b"\n", sent]


def test_a_bare_line_feed_inside_a_message_of_carriage_returns_is_data() -> None:
    message = read(b"MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5\rOBX|1|TX|N||one\ntwo||||||F")
    assert message.get("OBX-5") == "one\ntwo"


def test_delimiters_are_what_msh_says() -> None:
    message = read(b"MSH:*!?%:A:B:::20260101::ADT*A28:7:P:2.5\rPID:1::1*2*3*AUTH%9.9!X*Y\r")
    assert message.separators == Separators(":", "*", "!", "?", "%")
    assert message.get("PID-3.4.2") == "9.9"
    assert message.get("PID-3[2].2") == "Y"
    assert message.get("MSH-1") == ":"
    assert message.get("MSH-2") == "*!?%"


def test_a_small_tilde_stands_for_the_tilde_where_a_sender_writes_it() -> None:
    sent = "MSH|^˜\\&|A|B|||20260101||ADT^A28|7|P|2.5|||||FRA|UNICODE UTF-8\rPID|1||1˜2".encode()
    message = read(sent)
    assert message.separators.repetition == "\u02dc"
    assert message.get("PID-3[2]") == "2"
    assert message.written() == sent


def test_a_doubled_escape_character_leaves_the_subcomponent_delimiter_where_it_belongs() -> None:
    sent = b"MSH|^~\\\\&|A|B|||20260101||ADT^A28|7|P|2.5\rPID|1||1^^^A&9.9"
    message = read(sent)
    assert message.get("PID-3.4.2") == "9.9"
    assert message.written() == sent


def test_a_delimiter_that_is_given_two_meanings_has_the_first() -> None:
    message = read(b"MSH|^&&^|A|B|||20260101||ADT^A28|7|P|2.5\rPID|1||1^2&3")
    assert message.separators == Separators("|", "^", "&", "", "")
    assert message.get("PID-3[2]") == "3"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("8859/1", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("UNICODE UTF-8", "utf-8"),
        ("ISO-8859-1", "iso8859-1"),
        ("", "utf-8"),
    ],
)
def test_letters_are_read_in_the_character_set_that_is_declared(declared: str, codec: str) -> None:
    letters = "Zoé Œuvré" if codec != "iso8859-1" else "Zoé Ouvré"
    sent = f"MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5||||||{declared}\rPID|1||1||{letters}".encode(codec)
    assert read(sent).get("PID-5") == letters
    assert read(sent).written() == sent


def test_no_declared_character_set_and_no_utf_8_is_windows_1252_with_a_warning() -> None:
    message = read("MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5\rPID|1||1||Zoé".encode("cp1252"))
    assert message.get("PID-5") == "Zoé"
    assert [issue.complaint.detail for issue in message.warnings] == ["hl7v2-charset-guessed"]


def test_bytes_that_are_not_of_the_declared_character_set_are_refused_with_their_place() -> None:
    sent = "MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5||||||UNICODE UTF-8\rPID|1||1||Zoé".encode("latin-1")
    with pytest.raises(Unreadable) as refused:
        read(sent)
    assert (refused.value.condition, refused.value.location) == ("102", "MSH^1^18")
    assert refused.value.issues[0].values["offset"] == str(sent.index(b"\xe9") + 1)


def test_utf_8_under_another_name_is_refused_unless_the_partner_is_trusted_to_send_it() -> None:
    sent = "MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5||||||8859/1\rPID|1||1||Zoé".encode()
    with pytest.raises(Unreadable) as refused:
        read(sent)
    assert refused.value.issues[0].complaint.detail == "hl7v2-looks-like-utf-8"
    assert read(sent, trust="auto").get("PID-5") == "Zoé"


def test_utf_16_is_read() -> None:
    sent = "MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5||||||UNICODE\rPID|1||1||Zoé".encode("utf-16")
    assert read(sent).get("PID-5") == "Zoé"


def test_a_byte_order_mark_and_the_framing_before_it_are_passed_over() -> None:
    assert read(b"\xef\xbb\xbf" + ADT).control_id == "M1"
    assert read(b"\x0b" + ADT).control_id == "M1"


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"", "hl7v2-no-message"),
        (b"PID|1||1", "hl7v2-no-message"),
        (b"see MSH|^~\\&|", "hl7v2-no-message"),
        (b"H|^~\\&|P1", "hl7v2-hprim"),
        (b"<ADT_A05 xmlns='urn:hl7-org:v2xml'/>", "hl7v2-xml-encoding"),
    ],
)
def test_what_is_no_message_says_so(sent: bytes, detail: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(sent)
    assert refused.value.issues[0].complaint.detail == detail


def test_a_batch_gives_its_messages_without_its_envelope() -> None:
    one, two = ADT, ADT.replace(b"|M1|", b"|M2|")
    batch = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + one + b"\r" + two + b"\rBTS|2\rFTS|1\r"
    found = [message for message in read_all(batch) if isinstance(message, Message)]
    assert [message.control_id for message in found] == ["M1", "M2"]
    assert found[1].segments[-1].name == "PV1"


def test_a_message_of_a_file_that_cannot_be_read_does_not_hide_the_others() -> None:
    broken = b"MSH|^~\\&|A|B|||20260101||ADT^A28|7|P|2.5||||||KLINGON\r"
    found = list(read_all(broken + ADT))
    assert isinstance(found[0], Unreadable)
    assert isinstance(found[1], Message)


def test_a_document_of_megabytes_stays_a_place_in_the_bytes() -> None:
    document = b"QUJD" * LARGE
    sent = ADT + b"\rOBX|1|ED|PDF^r^L||^AP^^Base64^" + document + b"||||||F\rNTE|1||after"
    message = read(sent)
    (result,) = message.all("OBX")
    large = result.large(5)
    assert large is not None
    assert large.data is sent
    assert bytes(large.content[-4:]) == b"QUJD"
    assert result.field(11) == "F"
    assert message.get("NTE-3") == "after"
    assert message.written() == sent


def test_escape_sequences_are_read_after_splitting() -> None:
    message = read(
        b"MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5\rOBX|1|TX|N||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g\\H\\h\\N\\"
    )
    assert message.get("OBX-5") == "a|b^c&d~e\\f\ngh"


def test_escaped_bytes_are_of_the_messages_character_set_and_unknown_sequences_stay() -> None:
    latin = b"MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5||||||8859/1\rOBX|1|TX|N||Zo\\XE9\\ \\C2842\\ \\Zx\\ a\\b"
    message = read(latin + b"\rNTE|1||\xe9")
    assert message.get("OBX-5") == "Zoé \\C2842\\ \\Zx\\ a\\b"


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\x85"), max_size=30)


@given(_TEXT)
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    assert unescaped(escaped(text, Separators()), Separators()) == text


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.lists(_TEXT, min_size=1, max_size=3), min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from(["\r", "\n", "\r\n"]),
    st.sampled_from(["|^~\\&", ":*!?%", "#$+;@"]),
)
def test_any_message_is_read_as_it_was_made_and_written_back(
    segments: list[list[list[str]]], end: str, signs: str
) -> None:
    separators = Separators(*signs)
    lines = [f"MSH{signs}{signs[0]}A{signs[0] * 15}UNICODE UTF-8"]
    for segment in segments:
        fields = (signs[2].join(escaped(each, separators) for each in field) for field in segment)
        lines.append(signs[0].join(("ZZZ", *fields)))
    sent = end.join(lines).encode()
    message = read(sent)
    assert message.written() == sent
    for made, found in zip(segments, message.all("ZZZ"), strict=True):
        for number, field in enumerate(made, 1):
            for repetition, text in enumerate(field, 1):
                node = found.node(number, repetition)
                assert (node.text if node is not None else "") == text


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for sent in (data, b"MSH|^~\\&|" + data, b"MSH" + data):
        for message in read_all(sent):
            if isinstance(message, Message):
                assert message.written() in (sent[-len(message.data) :], message.data)
                message.get("PID-3[2].4.2")


def test_every_message_of_other_projects_is_read_and_written_back() -> None:
    files = sorted(path for path in shared("hl7v2").rglob("*") if path.suffix == ".hl7")
    assert len(files) >= 300
    without = []
    for path in files:
        data = path.read_bytes()
        found = list(read_all(data))
        if not found:
            without.append(path.name)
        for message in found:
            assert isinstance(message, Message), (path.name, message.issues[0].text())
            assert message.written() == message.data, path.name
            assert message.data in data
    assert len(without) == 2, without
