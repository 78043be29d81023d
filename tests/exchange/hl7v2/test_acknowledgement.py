"""Acknowledgements in the words of whoever is answered.

Source: HL7 v2.5.1, chapter 2, 2.9.2, 2.15.5, 2.15.8; IHE ITI TF-2x, C.2.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fhir_gateway.exchange.hl7v2.acknowledgement import Problem, acknowledgement, batch
from fhir_gateway.exchange.hl7v2.envelope import digest, envelope_of, is_batch, patients_of
from fhir_gateway.exchange.hl7v2.er7 import read

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)
HEAD = "MSH|^~\\&|GAM^1.2.3^ISO|CHU&x|PFMG^4.5^ISO|GW|20260101||{event}|C-1|P|{version}|||||FRA|{charset}|FR\rPID|1\r"
MISSING = Problem("101", "PID^1^3", "x-missing", "L'identité manque | à l'appel")


def answer(event: str = "ADT^A28", version: str = "2.5^FRA^2.11", charset: str = "UNICODE UTF-8") -> list[str]:
    data = HEAD.format(event=event, version=version, charset=charset).encode()
    made = acknowledgement(envelope_of(data), "AE", [MISSING], NOW)
    segments = read(made).segments
    assert [each.name for each in segments] == ["MSH", "MSA", "ERR"]
    return made.decode("latin-1" if charset.startswith("8859") else "utf-8").split("\r")


def test_names_are_swapped_whole_and_mode_version_country_and_charset_are_those_of_the_message() -> None:
    fields = answer()[0].split("|")
    assert fields[2:6] == ["PFMG^4.5^ISO", "GW", "GAM^1.2.3^ISO", "CHU&x"]
    assert fields[6] == "20260101080000+0000"
    assert fields[8] == "ACK^A28^ACK"
    assert len(fields[9]) == 20
    assert fields[10:12] == ["P", "2.5^FRA^2.11"]
    assert fields[16:] == ["FRA", "UNICODE UTF-8", "FR"]


def test_msa_2_is_msh_10_and_err_tells_place_condition_severity_own_code_and_text() -> None:
    _, msa, err, _ = answer()
    assert msa == "MSA|AE|C-1"
    assert err == ("ERR||PID^1^3|101^Required field missing^HL70357|E|x-missing^^L|||L'identité manque \\F\\ à l'appel")


def test_versions_before_2_5_have_one_field_of_errors_and_a_text_in_msa() -> None:
    _, msa, err, _ = answer(version="2.4")
    assert msa == "MSA|AE|C-1|L'identité manque \\F\\ à l'appel"
    assert err == "ERR|PID^1^3^101&Required field missing&HL70357"


def test_the_text_is_in_the_charset_of_the_sender_and_in_ascii_where_it_says_none() -> None:
    assert "identité" in answer(charset="8859/1")[2]
    assert "identite manque" in answer(charset="")[2]
    assert "identite manque" in answer(charset="NO SUCH CHARSET")[2]


def test_orders_are_answered_by_their_own_kind_of_message() -> None:
    assert answer("OML^O21^OML_O21")[0].split("|")[8] == "ORL^O22^ORL_O22"
    assert answer("ORM^O01")[0].split("|")[8] == "ORR^O02^ORR_O02"
    assert answer("")[0].split("|")[8] == "ACK"


def test_what_is_no_message_gets_an_answer_that_can_be_read() -> None:
    for garbage in (b"", b"\x00\xff", b"H|^~\\&|x", b"MSH|", b"MSH|^~\\&", b"MSH" * 2000, b"MSH\xff\xfe\xff"):
        made = acknowledgement(envelope_of(garbage), "AR", [MISSING], NOW)
        assert b"MSA" in made, garbage


def test_delimiters_are_those_of_the_message() -> None:
    data = b"MSH$:*?!$A$B$C$D$2026$$ADT:A28$7$P$2.5$$$$$$UNICODE UTF-8\r"
    made = acknowledgement(envelope_of(data), "AE", [MISSING], NOW).decode()
    assert made.startswith("MSH$:*?!$C$D$A$B$20260101080000+0000$$ACK:A28:ACK$")
    assert "\rMSA$AE$7\rERR$$PID:1:3$101:Required field missing:HL70357$E$" in made


def test_the_digest_of_a_message_does_not_know_when_it_was_made() -> None:
    one, other = (HEAD.format(event="ADT^A28", version="2.5", charset="").replace("20260101", at) for at in ("1", "22"))
    digests = {digest(each.encode(), envelope_of(each.encode())) for each in (one, other)}
    assert len(digests) == 1
    changed = one.replace("PID|1", "PID|2").encode()
    assert digest(changed, envelope_of(changed)) not in digests


def test_a_message_belongs_to_all_the_patients_it_names() -> None:
    data = b"MSH|^~\\&|A\rPID|1||11^^^X~22^^^Y|\rOBX|1|ST|PID|3\rPID|2||33^^^X\rMRG|44^^^X\r"
    assert patients_of(data, envelope_of(data)) == [b"11^^^X", b"22^^^Y", b"33^^^X", b"44^^^X"]


def test_a_batch_is_answered_as_one() -> None:
    data = b"FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|A\r"
    assert is_batch(data)
    assert not is_batch(data[24:])
    assert batch(envelope_of(data), [b"one\r", b"two\r"]) == b"BHS|^~\\&\rone\rtwo\rBTS|2\r"
