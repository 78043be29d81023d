"""Messages as odd as senders write them: whatever their delimiters, line ends and character set, they say the same, are
written back as they were, and nothing that is made of them is invalid.

Source: HL7 v2.1 to v2.8, chapter 2 (delimiters, escapes, MSH-9, MSH-12, MSH-18, batches); WHATWG, Encoding.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.exchange.hl7v2.er7 import read, read_all
from fhir_gateway.fhir.data_folder import data_folder
from tests.exchange.hl7v2.french_messages import SENT

PERSON = "PID|1||471^^^HOP ESSAI&990000017&N^PI~472^^^HOP ESSAI&990000018&N^PI||ÉPREUVE^ZOÉ^^^^^L||19900112|F\r"
EVENT = "EVN||20260302101500\r"


def head(event: str = "ADT^A28^ADT_A05", version: str = "2.5", charset: str = "", at: str = "20260302101500",
         control: str = "7", ) -> str:  # fmt: skip
    return f"MSH|^~\\&|GAM|HOP ESSAI|PFMG|PFMG|{at}||{event}|{control}|P|{version}||||||{charset}\r"


PLAIN = head() + EVENT + PERSON + "PV1|1|N\r"


def converted(data: bytes) -> Conversion:
    (found,) = converter_of().convert_all(data)
    assert isinstance(found, Conversion)
    assert found.message.written() == found.message.data
    return found


_CONVERTERS: list[Converter] = []


def converter_of() -> Converter:
    if not _CONVERTERS:
        _CONVERTERS.append(converter())
    return _CONVERTERS[0]


def patient(data: bytes) -> dict[str, Any]:
    found = converted(data)
    assert found.result is not None
    return next(each.resource for each in found.result.instances if each.id == "patient")


@settings(deadline=None, max_examples=60)
@given(st.permutations(list("|^~\\&#$*!%@:;")), st.sampled_from(["\r", "\n", "\r\n"]), st.integers(0, 2))
def test_whatever_delimiters_and_line_ends_a_message_says_the_same(signs: list[str], end: str, after: int) -> None:
    table = str.maketrans(dict(zip("|^~\\&", signs[:5], strict=True)) | {"\r": end})
    assert patient((PLAIN.translate(table) + end * after).encode()) == patient(PLAIN.encode())


@pytest.mark.parametrize(
    ("declared", "codec", "warned"),
    [
        ("UNICODE UTF-8", "utf-8", ""), ("", "utf-8", ""), ("utf-8", "utf-8", ""),
        ("UNICODE UTF-8~8859/1", "utf-8", ""),
        ("8859/1", "iso8859-1", ""), ("8859/15", "iso8859-15", ""), ("ISO-8859-15", "iso8859-15", ""),
        ("latin1", "iso8859-1", ""), ("Windows-1252", "cp1252", ""), ("ANSI 1252", "cp1252", ""),
        ("", "cp1252", "hl7v2-charset-guessed"), ("", "iso8859-1", "hl7v2-charset-guessed"),
        ("UNICODE UTF-16", "utf-16", ""), ("", "utf-16", ""),
    ],
)  # fmt: skip
def test_whatever_its_character_set_a_message_says_the_same(declared: str, codec: str, warned: str) -> None:
    found = converted((head(charset=declared) + EVENT + PERSON).encode(codec))
    assert found.message.get("PID-5.1") == "ÉPREUVE"
    assert {each.complaint.detail for each in found.issues} == ({warned} if warned else set())


def test_letters_that_only_windows_1252_has_are_read_though_iso_8859_1_is_declared() -> None:
    data = (head(charset="8859/1") + EVENT + PERSON.replace("ÉPREUVE", "CŒUR")).encode("cp1252")
    found = converted(data)
    assert found.message.get("PID-5.1") == "CŒUR"
    assert [each.complaint.detail for each in found.issues] == ["hl7v2-windows-1252"]
    assert found.message.written() == data


@pytest.mark.parametrize("byte", [b"\x81", b"\x8d", b"\x9d"])
def test_bytes_that_windows_1252_has_not_either_stay_what_was_declared(byte: bytes) -> None:
    found = converted((head(charset="8859/1") + EVENT + PERSON).encode("iso8859-1").replace(b"PREUVE", b"P" + byte))
    assert found.issues == ()


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2", "2.5^FRA^2.11", "",
                "2.5^FRA&France&ISO3166_1^2.11&PAM"]
)  # fmt: skip
def test_an_identity_is_the_same_in_every_version(version: str) -> None:
    assert patient((head(version=version) + EVENT + PERSON).encode()) == patient(PLAIN.encode())


@pytest.mark.parametrize("event", ["ADT^A28", "ADT^A28^ADT_A05", "ADT^A28^", "ADT^A28~ADT^A31", "ADT"])
def test_msh_9_has_as_many_components_as_its_version_knew(event: str) -> None:
    found = converted((head(event) + "EVN|A28|20260302\r" + PERSON).encode())
    assert found.event == "ADT^A28"
    assert found.result is not None
    header = next(each.resource for each in found.result.instances if each.id == "header")
    assert header["eventCoding"] == {"code": "A28", "system": "http://terminology.hl7.org/CodeSystem/v2-0003"}


@pytest.mark.parametrize(("event", "status"), [("A01", "in-progress"), ("A03", "finished"), ("A11", "cancelled")])
def test_a_stay_is_what_evn_1_says_where_msh_9_does_not(event: str, status: str) -> None:
    stay = "PV1|1|I|||||||||||||||||24^^^HOP ESSAI&990000017&N^VN" + "|" * 25 + "20260302\r"
    found = converted((head("ADT", version="2.1") + f"EVN|{event}|20260302\r" + PERSON + stay).encode())
    assert found.result is not None
    encounter = next(each.resource for each in found.result.instances if each.id == "encounter")
    assert encounter["status"] == status


@pytest.mark.parametrize("text", [head(at=""), head(control=""), head(version=""), "MSH|^~\\&||||||| ADT^A28|||\r"])
def test_a_header_may_say_next_to_nothing(text: str) -> None:
    (found,) = read_all((text + EVENT + PERSON).encode())
    assert not isinstance(found, Exception)
    assert found.written() == (text + EVENT + PERSON).encode()


def test_ten_thousand_results_are_read_in_order() -> None:
    lines = "".join(f"OBX|{n}|NM|{n}^Mesure^L||{n}|g|||||F\r" for n in range(1, 10_001))
    found = converted((head("ORU^R01^ORU_R01") + PERSON + "OBR|1||F-1^LABO|1^Examen^L\r" + lines).encode())
    assert found.result is not None
    values = [
        str(each.resource["valueQuantity"]["value"]) for each in found.result.instances if each.id == "observation"
    ]
    assert values == [str(n) for n in range(1, 10_001)]


def test_a_name_of_300_kb_is_a_name() -> None:
    family = "É" * 150_000
    data = (head(charset="UNICODE UTF-8") + EVENT + PERSON.replace("ÉPREUVE", family)).encode()
    assert patient(data)["name"][0]["family"] == family


def test_eight_thousand_numbers_of_one_patient_are_his() -> None:
    numbers = "~".join(f"{n}^^^HOP ESSAI&990000017&N^PI" for n in range(8000))
    data = (head() + EVENT + PERSON.replace("472^", f"{numbers}~472^")).encode()
    assert len(patient(data)["identifier"]) == 8002


def test_messages_of_a_batch_are_each_their_own_and_the_headers_none() -> None:
    batch = f"FHS|^~\\&|GAM\rBHS|^~\\&|GAM\r{PLAIN}{PLAIN.replace('|7|P|', '|8|P|')}BTS|2\rFTS|1\r".encode()
    found = [each for each in converter_of().convert_all(batch) if isinstance(each, Conversion)]
    assert [each.message.control_id for each in found] == ["7", "8"]


@pytest.mark.parametrize("data", [b"", b"MSH", b"\x00\xff" * 50, b"H|^~\\&|x", b"<ADT_A01/>", b'{"a": 1}', b"MSH\r"])
def test_what_is_no_message_is_none(data: bytes) -> None:
    assert list(converter_of().convert_all(data)) == []
    with pytest.raises(Unreadable):
        read(data)


# --- words in wrong places

ODD = (
    '""', "", "0", "-1", "<5", "Y", "ZZ", "LN", "UCUM", "HL70131", "HL79999", "ISO", "M", "1.2.3.4", "01.2", "UUID",
    "URI", "http://x y/z", "é’œ", "\\X0D\\", "\\.br\\", "\\F\\a", "a\\", "x" * 300, "20261301", "20240230",
    "20240101250000", "2024-01-01", "00010101", "2024010112+9900", "A&B&C", "&", "a&", "^", "~", "~~", "a~b~c",
    "1^2^3^4^5^6^7^8^9^10^11^12^13^14^15", "ED", "RP", "NM", "SN", "DT", "\t", "\u200b", "😀", "INS", "VALI", "FICT",
    "INSERT", "CANCEL", "D", "SEL", "MTH", "application", "Base64", "%%%%", "10^mg&&UCUM", "[bad]^^UCUM", "I10",
)  # fmt: skip
SEEDS = range(40)
GOLDEN = sorted((data_folder("mappings") / "hl7v2" / "golden").glob("*.hl7"))


def mangled(random: Random, text: str) -> str:
    """Return a message with words in places where they mean nothing, segments exchanged, repeated or lost."""
    lines = text.rstrip("\r").split("\r")
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(lines))
        fields = lines[at].split("|")
        number = random.randrange(1, len(fields) + 2)
        if at == 0 and number in (1, 8, 17):
            continue  # what the message is, and in which letters, stays
        fields += [""] * (number + 1 - len(fields))
        parts = fields[number].split("^")
        place = random.randrange(len(parts) + 1)
        parts[place : place + 1] = [random.choice(ODD)]
        fields[number] = "^".join(parts)
        lines[at] = "|".join(fields)
    if len(lines) > 2 and random.random() < 0.3:
        one, other = random.sample(range(1, len(lines)), 2)
        lines[one], lines[other] = lines[other], lines[one]
    if random.random() < 0.2:
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(lines[1:]))
    return "\r".join((*lines, ""))


@pytest.mark.parametrize("seed", SEEDS)
def test_words_in_wrong_places_make_nothing_that_is_invalid(seed: int) -> None:
    random = Random(seed)
    texts = [path.read_bytes().decode() for path in GOLDEN] + [
        each.text for each in SENT.values() if each.codec == "utf-8"
    ]
    for text in random.sample(texts, 4):
        data = mangled(random, text).encode()
        for found in converter_of().convert_all(data):
            if not isinstance(found, Conversion):
                continue
            assert found.message.written() == found.message.data
            for each in found.result.instances if found.result is not None else ():
                wrong = [one.issue.text() for one in r4_validator().validate(each.resource) if one.is_error]
                assert [text for text in wrong if "pfmg" not in text.lower()] == [], data


def test_a_stay_begins_when_evn_6_says_it_did_where_nothing_else_says() -> None:
    stay = "PV1|1|I|||||||||||||||||24^^^HOP ESSAI&990000017&N^VN\r"
    found = converted((head("ADT^A01^ADT_A01") + "EVN||20260302101500||||20260301080000\r" + PERSON + stay).encode())
    assert found.result is not None
    encounter = next(each.resource for each in found.result.instances if each.id == "encounter")
    assert encounter["period"] == {"start": "2026-03-01T08:00:00+01:00"}
