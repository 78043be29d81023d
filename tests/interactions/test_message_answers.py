"""What bad input gets: each kind by its name, its answer, what is kept of it, and that nothing comes of it half.

AE: the message is wrong, it is not to be sent again as it is. AR: a circumstance, it is to be sent again.

Source: HL7 v2.5.1, chapter 2, 2.9.2, tables 0008 and 0357; IHE ITI TF-2x, C.2; CI-SIS, Volet Transport.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.interactions.message import Intake
from fhir_gateway.interactions.validation import Validation
from fhir_gateway.policy.partners import Partners
from fhir_gateway.store import complaints, messages
from tests.interactions.desk import Desk
from tests.interactions.test_messages import GAM, Feed, partner, patients
from tests.mllp.feed import adt, answered, message, msh

PID = "PID|1||1^^^HOPITAL-ESSAI^PI||ESSAI^ZOE^^^^^L||19900112|F"
OBR = "OBR|1|P1^GAM^1.2.3.1^ISO|F1^LAB^1.2.3.2^ISO|GLU^Glucose^L|||20260101|||||||||||||||20260102080000|||F"
OBX = "OBX|1|NM|GLU^Glucose^L||5.1|mmol/L^^UCUM|||||F"


@pytest.fixture
def feed(desk: Desk) -> Feed:
    return Feed(desk.gateway)


def by_rules(feed: Feed, folder: Path, **files: str) -> Feed:
    """Return the same gateway with rules of an operator's: text of a file by "segments/PID"."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    convert: Converter = converter((), folder)
    made = Feed(feed.gateway)
    made.intake = Intake(feed.gateway, Partners([GAM]), lambda _: convert, 1_000_000)
    return made


Check = Callable[[bytes, str, str, list[str]], None]


@pytest.fixture
def refused(feed: Feed, desk: Desk) -> Check:
    """Return what judges a message that is refused: MSA-1, MSA-2, conditions with their places; kept, nothing made."""

    def judge(data: bytes, code: str, control_id: str, errors: list[str]) -> None:
        told = feed.told(data)
        assert (*told[:2], told[2][: len(errors)]) == (code, control_id, errors)
        [known] = feed.log()
        assert known.state == ("failed-content" if code == "AE" else "failed-transient")
        with feed.gateway.store.read() as view:
            assert messages.raw(view, known.mid) == data
        assert desk.get("Patient")["total"] == desk.get("Observation")["total"] == 0

    return judge


def warned(feed: Feed, data: bytes, *codes: str) -> None:
    """Check that a message is taken over, and which warnings its log has."""
    assert feed.told(data)[0] == "AA"
    known = feed.log()[-1]
    assert [each["code"] for each in known.detail.get("issues", ())] == list(codes)
    assert known.state == ("applied-with-warnings" if codes else "applied")


# --- no MSH, garbage, HPRIM, XML: AR 207 or 200, dead letter


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (b"what is this", "207"),
        (b"", "207"),
        (b"PID|1||1^^^H^PI\rPV1|1|N\r", "207"),
        (b"\x00\xff\xfe" * 40, "207"),
        (b"H|^~\\&|x|\rP|1\r", "200"),
        (b"<ADT_A01/>", "200"),
        (b'<?xml version="1.0"?><ADT_A01 xmlns="urn:hl7-org:v2xml"/>', "200"),
    ],
    ids=["garbage", "nothing", "no MSH", "bytes", "HPRIM", "XML", "XML with a head"],
)
def test_no_msh_garbage_hprim_and_xml_are_rejected(refused: Check, data: bytes, condition: str) -> None:
    refused(data, "AR", "", [condition])


# --- bytes not in the declared charset: AE 102 at MSH-18


@pytest.mark.parametrize(
    "data",
    [
        adt(name="\x80", charset="ASCII"),
        adt(name="ÉPREUVE", charset="8859/1"),
        adt(charset="KLINGON"),
        adt(name="A").replace(b"|A^", b"|\xc9PREUVE^"),
    ],
    ids=["more than ASCII", "UTF-8 called 8859/1", "no such charset", "8859/1 called UTF-8"],
)
def test_bytes_that_are_not_of_the_declared_charset_are_an_error_at_msh_18(refused: Check, data: bytes) -> None:
    refused(data, "AE", "C1", ["102 MSH^1^18"])


# --- unknown type, event, version: AR 200, 201, 203, or AA by partner


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (message(msh("XYZ^A01")), "200 MSH^1^9"),
        (adt("A99"), "201 MSH^1^9"),
        (adt(version="3.0"), "203 MSH^1^12"),
    ],
    ids=["type", "event", "version"],
)
def test_an_unknown_type_event_or_version_is_rejected(refused: Check, data: bytes, error: str) -> None:
    refused(data, "AR", "C1", [error])


def test_an_unknown_event_is_taken_and_ignored_where_its_partner_wants_that(feed: Feed) -> None:
    ignoring = partner(feed, unknown="ignore")
    assert ignoring.told(adt("A99", "I1")) == ("AA", "I1", [])
    assert feed.states == ["ignored"]


# --- T or D to production: AR 202


@pytest.mark.parametrize("processing", ["T", "D"])
def test_tests_and_training_are_rejected_in_production(refused: Check, processing: str) -> None:
    refused(adt(processing=processing), "AR", "C1", ["202 MSH^1^11"])


# --- no PID-3, no usable assigning authority: AE 101 PID^1^3


@pytest.mark.parametrize(
    "data",
    [
        adt(ipp=""),
        message(msh(), "EVN||20260101080000", "PID|1||||A^B||1990|F", "PV1|1|N"),
        message(msh(), "EVN||20260101080000", "PID|1||7^^^^PI||A^B||1990|F", "PV1|1|N"),
        message(msh(), "EVN||20260101080000", "PID|1||~~||A^B||1990|F", "PV1|1|N"),
    ],
    ids=["an authority without a number", "no PID-3", "no assigning authority", "empty repetitions"],
)
def test_without_an_identifier_of_a_known_authority_nobody_is_searched_for(refused: Check, data: bytes) -> None:
    refused(data, "AE", "C1", ["101 PID^1^3"])


# --- segment missing or out of order: AE 100 where a mapped group becomes unclear, else AA and a warning


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (message(msh(), "EVN||20260101080000", "PV1|1|N"), "100 PID^1"),
        (message(msh("ORU^R01"), PID, OBX, OBR), "100 OBX^1"),
        (message(msh("ORU^R01"), PID, OBX), "100 OBX^1"),
        (message(msh("OML^O21"), PID, "SPM|1|T1^GAM||BLD"), "100 SPM^1"),
        (message(msh("MDM^T02"), "EVN||20260101080000", PID, "PV1|1|N", OBX), "100 OBX^1"),
    ],
    ids=["no PID", "OBX before OBR", "OBX without OBR", "SPM without an order", "OBX without TXA"],
)
def test_a_segment_whose_group_cannot_be_told_is_an_error(refused: Check, data: bytes, error: str) -> None:
    refused(data, "AE", "C1", [error])


def test_a_segment_that_is_missing_or_out_of_order_and_leaves_all_clear_is_warned_of(feed: Feed) -> None:
    warned(feed, message(msh(control_id="C1"), PID, "PV1|1|N"), "mapping-segment-missing")
    misplaced = message(msh("ORU^R01", "C2"), PID, OBR, OBX, "CTD|BP|ESSAI^ALEX", "ZFA|||||")
    warned(feed, misplaced)
    order = "OBR|1|P1^GAM^1.2.3.1^ISO||GLU^Glucose^L"
    late = message(msh("OML^O21", "C3"), PID, "ORC|NW|P1^GAM^1.2.3.1^ISO", order, OBX, "SAC|||C1")
    warned(feed, late, "mapping-misplaced")


# --- unknown Z or PRT segment: AA, kept, counted


@pytest.mark.parametrize("segment", ["ZQX|1|2", "PRT||UC||SB", "ZBE|1"])
def test_an_unknown_segment_is_kept_and_counted(feed: Feed, segment: str) -> None:
    data = adt(more=[segment])
    warned(feed, data)
    [known] = feed.log()
    assert known.unplaced == len(known.detail["unplaced"]) > 0
    assert all(each.startswith(segment[:3]) for each in known.detail["unplaced"])
    with feed.gateway.store.read() as view:
        assert messages.raw(view, known.mid) == data


# --- code not in the table: AA and a warning, unless the target is required: AE 103


def test_a_code_that_is_in_no_table_is_warned_of(feed: Feed, desk: Desk) -> None:
    warned(feed, adt().replace(b"|F\r", b"|Q\r"), "mapping-code-dropped")
    assert "gender" not in patients(desk)[0]


@pytest.mark.parametrize(
    "rules",
    [
        "drop: [no-status]\n",
        "rules:\n  - {id: obx-11, from: OBX-11, to: status, map: v2-0085-observation-status, unmatched: error}\n",
    ],
    ids=["what no rule fills else", "what a rule says to be an error"],
)
def test_a_code_that_is_in_no_table_is_an_error_where_its_element_is_required(
    feed: Feed, desk: Desk, tmp_path: Path, rules: str
) -> None:
    strict = by_rules(feed, tmp_path, segments__OBX=rules)
    data = message(msh("ORU^R01"), PID, OBR, OBX[:-1] + "Q")
    assert strict.told(data) == ("AE", "C1", ["103 OBX^1"])
    assert feed.states == ["failed-content"]
    assert desk.get("Patient")["total"] == 0
    assert strict.told(message(msh("ORU^R01", "C2"), PID, OBR, OBX))[0] == "AA"


# --- base64 broken: AE 102 OBX-5, nothing stored half


@pytest.mark.parametrize("document", ["!!no base64!!", "JVBERi0xLjQKJ", "JVBE*Ri0xLjQK"])
def test_a_document_that_is_no_base64_is_an_error_and_nothing_is_stored_half(refused: Check, document: str) -> None:
    broken = f"OBX|1|ED|PDF^Report^L||^AP^pdf^Base64^{document}||||||F"
    refused(message(msh("ORU^R01"), PID, OBR, broken), "AE", "C1", ["102 OBX^1^5"])


# --- over the size cap: AR 207


def test_what_is_over_the_size_cap_is_rejected_with_its_control_id(feed: Feed) -> None:
    incoming = feed.intake.incoming(adt()[:200], "test", whole=False)
    receipt = feed.intake.receive(incoming)
    [answer] = receipt.answers
    assert (answered(answer), receipt.state) == (("AR", "C1", ["207"]), "failed-transient")
    small = Feed(feed.gateway, limit=100)
    [answer] = small.intake.receive_all(adt(), "test").answers
    assert answered(answer) == ("AR", "C1", ["207"])


# --- FHIR store down: AR (or AE by switch), retried


@pytest.mark.parametrize("code", ["AR", "AE"])
def test_while_the_store_is_down_the_sender_is_told_to_send_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason="test"))

    switched = Feed(feed.gateway, replace(GAM, transient=code))  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr("fhir_gateway.interactions.message.perform", away)
        assert switched.told(adt()) == (code, "C1", ["207"])
    assert feed.states == ["failed-transient"]
    assert switched.told(adt()) == ("AA", "C1", [])
    assert [(each.state, each.attempts) for each in feed.log()] == [("applied", 2)]


# --- FHIR invalid after mapping: AE 207, our fault, alarm

INVALID = 'rules:\n  - {id: nobody, value: somebody, to: "contact[+].relationship[+].text"}\n'  # breaks pat-1


def held_to_r4(feed: Feed) -> Feed:
    """Return the same gateway, which writes nothing that R4 does not allow."""
    return Feed(replace(feed.gateway, validation=Validation(r4_validator, "base")))


def test_what_is_invalid_once_it_is_mapped_is_our_fault_and_raises_the_alarm(
    feed: Feed, desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = by_rules(held_to_r4(feed), tmp_path, segments__PID=INVALID)
    with caplog.at_level(logging.ERROR):
        [answer] = faulty.send(adt()).answers
    code, control_id, errors = answered(answer)
    assert (code, control_id, {each.split()[0] for each in errors}) == ("AE", "C1", {"207"})
    [known] = feed.log()
    assert (known.state, known.detail["issues"][0]["code"]) == ("failed-content", "message-made-invalid")
    assert "La faute est nôtre" in answer.decode()
    assert known.mapping in answer.decode()
    [alarm] = [each for each in caplog.records if each.message == "mapped message is invalid"]
    assert "message-made-invalid" not in alarm.fields["codes"]  # type: ignore[attr-defined]
    assert alarm.fields["mid"] == known.mid  # type: ignore[attr-defined]
    assert "ESSAI" not in caplog.text
    assert desk.get("Patient")["total"] == 0
    assert Feed(feed.gateway).intake.replay(known.mid).state == "applied", "once the rules are mended"


def test_what_breaks_the_rules_of_a_dossier_is_the_message_s_fault_and_no_alarm(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from fhir_gateway.fhir.outcome import Complaint, Unprocessable

    def judged(*_: object) -> None:
        raise Unprocessable(Complaint("x-dossier", "business-rule", "No.", "Non.").at(None))

    monkeypatch.setattr("fhir_gateway.interactions.message.perform", judged)
    assert feed.told(adt())[::2] == ("AE", ["207"])
    assert "mapped message is invalid" not in caplog.text


# --- who else is refused


@pytest.mark.parametrize(
    ("data", "code", "control_id", "error"),
    [
        (adt(receiver="X|Y"), "AR", "C1", "207 MSH^1^5"),
        (adt(sender="WHO|IS IT"), "AR", "C1", "207 MSH^1^3"),
        (adt(control_id=""), "AE", "", "101 MSH^1^10"),
    ],
    ids=["another addressee", "a stranger", "no control id"],
)
def test_who_is_not_meant_or_not_known_or_cannot_be_answered_is_refused(
    refused: Check, data: bytes, code: str, control_id: str, error: str
) -> None:
    refused(data, code, control_id, [error])


@pytest.mark.parametrize(
    ("data", "state"), [(adt("A14"), "ignored"), (adt(version="2.5^FRA^2.11"), "applied")], ids=["accepted", "French"]
)
def test_what_is_unusual_and_clear_is_taken(feed: Feed, data: bytes, state: str) -> None:
    assert feed.told(data)[:2] == ("AA", "C1")
    assert feed.states == [state]


# --- in whose language


@pytest.mark.parametrize(
    ("language", "said"),
    [("", "MSH-11 vaut T"), ("FR", "MSH-11 vaut T"), ("EN", "MSH-11 is T"), ("en-GB", "MSH-11 is T")],
)
def test_problems_are_told_in_the_language_that_msh_19_names(feed: Feed, language: str, said: str) -> None:
    data = adt(processing="T").replace(b"|UNICODE UTF-8\r", f"|UNICODE UTF-8|{language}\r".encode())
    [answer] = feed.send(data).answers
    assert said in answer.decode()
