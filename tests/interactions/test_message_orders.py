"""Orders answered: ORL^O22 and ORR^O02 with both numbers of each order, in the commit that applies the message.

Source: HL7 v2.5.1, chapter 4, 4.4.2, 4.4.6, 4.4.7; tables 0119, 0121; mappings/hl7v2/golden (synthetic people).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.er7 import Message, read
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.message import Intake
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.partners import Partner, Partners
from fhir_gateway.policy.scopes import read as scopes_of
from tests.interactions.desk import Desk
from tests.interactions.test_messages import Feed, rules
from tests.mllp.feed import FINESS, answered, message

GOLDEN = data_folder("mappings") / "hl7v2" / "golden"
TRIO = (GOLDEN / "oml_o21_trio.hl7").read_bytes()
SOLO = (GOLDEN / "orm_o01_genome_solo.hl7").read_bytes()
ACTOR = Actor(
    "flux-hospitalier", "hl7v2", "dpi", organisation=f"{FINESS}|990000015", scopes=scopes_of("system/*.cruds")
)
DPI = Partner("dpi", ACTOR, (("DPI", "*"),))


class Hospital(Feed):
    """A hospital that orders."""

    def __init__(self, gateway: Gateway, partner: Partner = DPI) -> None:
        super().__init__(gateway, partner)

    def answer(self, data: bytes) -> Message:
        (answer,) = self.send(data).answers
        return read(answer)


@pytest.fixture
def hospital(desk: Desk) -> Hospital:
    return Hospital(desk.gateway)


def order(control: str = "NW", number: str = "P-1", control_id: str = "O1", flag: str = "", more: str = "") -> bytes:
    """Return an order of a laboratory."""
    return message(
        f"MSH|^~\\&|DPI|HOP|PFMG|PFMG|20260120093100||OML^O21^OML_O21|{control_id}|P|2.5.1|||||FRA|UNICODE UTF-8",
        "PID|1||77^^^HOP&990000015&N^PI~88^^^AUTRE&990000099&N^PI||ÉPREUVE^ZOÉ^^^^^L||19900112|F",
        f"ORC|{control}|{number}^HOP^990000015^M||||{flag}|||20260120093000",
        f"OBR|1|{number}^HOP^990000015^M||GLU^Glycémie^L{more}",
    )


def lines(found: Message, name: str = "ORC") -> list[list[str]]:
    return [[each.field(at) for at in (1, 2, 3)] for each in found.segments if each.name == name]


def requests(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return the orders by their number in the hospital."""
    found = [each["resource"] for each in desk.get("ServiceRequest?_count=50").get("entry", ())]
    return {each["identifier"][0]["value"]: each for each in found}


def test_a_trio_is_answered_by_an_orl_with_both_numbers_of_each_order(hospital: Hospital, desk: Desk) -> None:
    found = hospital.answer(TRIO)
    assert [found.get(f"MSH-9.{part}") for part in (1, 2, 3)] == ["ORL", "O22", "ORL_O22"]
    assert (found.get("MSA-1"), found.get("MSA-2")) == ("AA", "OML-1")
    assert [each.name for each in found.segments] == ["MSH", "MSA", *["PID", "ORC", "OBR"] * 3]
    made = requests(desk)
    assert lines(found) == [
        ["OK", f"{number}^HOP EPREUVE^990000015^M", f"{made[number]['id']}^PFMG"]
        for number in ("PRE-1", "PRE-2", "PRE-3")
    ]
    assert [each.field(4) for each in found.all("OBR")] == ["wgs-trio^Génome en trio^PFMG-EXAMEN"] * 3


def test_who_an_order_is_for_stands_there_as_its_sender_wrote_it_and_no_more(hospital: Hospital) -> None:
    sent, found = read(TRIO), hospital.answer(TRIO)
    assert [[each.field(at) for at in range(9)] for each in found.all("PID")] == [
        ["PID", each.field(1), "", each.field(3), "", each.field(5), "", "", ""] for each in sent.all("PID")
    ]


def test_an_orm_is_answered_by_an_orr(hospital: Hospital, desk: Desk) -> None:
    found = hospital.answer(SOLO)
    assert [found.get(f"MSH-9.{part}") for part in (1, 2, 3)] == ["ORR", "O02", "ORR_O02"]
    assert [each.name for each in found.segments] == ["MSH", "MSA", "PID", "ORC", "OBR"]
    ((number, one),) = requests(desk).items()
    assert lines(found)[0][1].startswith(f"{number}^")
    assert lines(found)[0][2] == f"{one['id']}^PFMG"


def test_the_same_order_again_gets_the_same_bytes(hospital: Hospital) -> None:
    first = hospital.send(TRIO)
    again = hospital.send(TRIO.replace(b"20260120093100", b"20260120094500", 1))
    assert again.state == "duplicate"
    assert again.answers == first.answers


def test_what_is_told_is_there(hospital: Hospital, desk: Desk) -> None:
    ((_, _, number),) = lines(hospital.answer(order()))
    assert desk.get(f"ServiceRequest/{number.split('^')[0]}")["status"] == "draft"


def test_the_platform_s_own_number_of_an_order_goes_before_its_id(hospital: Hospital) -> None:
    data = order().replace(b"^990000015^M||||", b"^990000015^M|LBM-7^PLATEFORME^990000049^M|||", 1)
    assert lines(hospital.answer(data)) == [["OK", "P-1^HOP^990000015^M", "LBM-7^PLATEFORME^990000049^M"]]


@pytest.mark.parametrize(
    ("control", "done", "left"),
    [
        ("CA", "UC", "UC"),
        ("DC", "UD", "UD"),
        ("HD", "UH", "UH"),
        ("RL", "UR", "OE"),
        ("XO", "XR", "UX"),
        ("NW", "OK", "OK"),
        ("SN", "NA", "NA"),
        ("SC", "OK", "OK"),
    ],
)
def test_what_is_asked_of_an_order_is_answered_by_what_became_of_a_draft_and_of_one_that_is_running(
    hospital: Hospital, desk: Desk, control: str, done: str, left: str
) -> None:
    hospital.send(order())
    assert lines(hospital.answer(order(control, control_id="O2")))[0][0] == done
    hospital.send(order(number="P-2", control_id="O3"))
    running = requests(desk)["P-2"] | {"status": "active"}
    desk.ask("PUT", f"ServiceRequest/{running['id']}", running)
    assert lines(hospital.answer(order(control, "P-2", "O4")))[0][0] == left


def test_an_order_is_cancelled_by_a_person_and_its_feed_is_told_so(hospital: Hospital, desk: Desk) -> None:
    hospital.send(order())
    assert lines(hospital.answer(order("CA", control_id="O2")))[0][0] == "UC"
    assert requests(desk)["P-1"]["status"] == "draft"
    assert [each["code"] for each in hospital.log()[-1].detail["issues"]] == ["message-not-final"]
    desk.ask("PUT", f"ServiceRequest/{requests(desk)['P-1']['id']}", requests(desk)["P-1"] | {"status": "revoked"})
    assert lines(hospital.answer(order("CA", control_id="O3")))[0][0] == "CR"


def test_nothing_is_made_of_the_cancellation_of_what_is_not_known(hospital: Hospital, desk: Desk) -> None:
    found = hospital.answer(order("CA"))
    assert (found.get("MSA-1"), found.get("ERR-2"), found.get("ERR-3.1")) == ("AE", "ORC", "204")
    assert lines(found)[0] == ["UC", "P-1^HOP^990000015^M", ""]
    assert requests(desk) == {}


# --- not taken


def test_orders_of_a_message_that_is_refused_are_not_taken(hospital: Hospital, desk: Desk) -> None:
    broken = TRIO.replace(b"JVBERi0xLjQKJcOkw7zDtsOfCg==", b"!!no base64!!")
    found = hospital.answer(broken)
    assert found.get("MSA-1") == "AE"
    assert [each.name for each in found.segments[:3]] == ["MSH", "MSA", "ERR"]
    assert [each[0] for each in lines(found)] == ["UA"] * 3
    assert [each[2] for each in lines(found)] == [""] * 3
    assert requests(desk) == {}


def test_a_cancellation_that_is_refused_is_told_so(hospital: Hospital) -> None:
    broken = order("CA", more="\rOBX|1|ED|PDF^Report^L||^AP^pdf^Base64^!!no base64!!||||||F")
    assert [each[0] for each in lines(hospital.answer(broken))] == ["UC"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (order().replace(b"|P|2.5.1", b"|T|2.5.1"), "AR"),
        (order().replace(b"77^^^HOP&990000015&N^PI~88^^^AUTRE&990000099&N^PI", b""), "AE"),
    ],
)
def test_what_was_never_mapped_or_is_nobody_s_is_answered_without_numbers_of_ours(
    hospital: Hospital, data: bytes, code: str
) -> None:
    found = hospital.answer(data)
    assert (found.get("MSA-1"), found.get("MSH-9.1")) == (code, "ORL")
    assert [each[2] for each in lines(found)] in ([], [""])


# --- how much is told


@pytest.mark.parametrize(("flag", "told"), [("", 1), ("D", 1), ("F", 1), ("E", 0), ("R", 0), ("N", 0)])
def test_orc_6_says_how_much_is_told_of_what_is_taken(hospital: Hospital, flag: str, told: int) -> None:
    found = hospital.answer(order(flag=flag))
    assert len(lines(found)) == told
    assert found.get("MSA-1") == "AA"


def test_who_wants_exceptions_only_hears_of_them(hospital: Hospital) -> None:
    broken = order(flag="E", more="\rOBX|1|ED|PDF^Report^L||^AP^pdf^Base64^!!no base64!!||||||F")
    assert [each[0] for each in lines(hospital.answer(broken))] == ["UA"]


@pytest.mark.parametrize(
    ("modes", "kinds"),
    [("|", ["ORL"]), ("AL|AL", ["ACK", "ORL"]), ("AL|NE", ["ACK"]), ("NE|AL", ["ORL"]), ("ER|ER", [])],
)
def test_in_enhanced_mode_the_orl_is_the_application_s_answer(desk: Desk, modes: str, kinds: list[str]) -> None:
    hospital = Hospital(desk.gateway, replace(DPI, acknowledgement="enhanced"))
    data = order().replace(b"|2.5.1|||||", f"|2.5.1|||{modes}|".encode())
    answers = hospital.send(data).answers
    assert [read(each).get("MSH-9.1") for each in answers] == kinds
    assert [answered(each)[0] for each in answers] == [{"ACK": "CA", "ORL": "AA"}[each] for each in kinds]
    assert [len(lines(read(each))) for each in answers] == [int(each == "ORL") for each in kinds]


def test_a_dry_run_tells_the_answer_that_would_be_given(hospital: Hospital, desk: Desk) -> None:
    (answer,) = hospital.intake.try_out(order()).answers
    assert lines(read(answer))[0][:2] == ["OK", "P-1^HOP^990000015^M"]
    assert requests(desk) == {}


# --- letters and delimiters


def test_an_answer_has_the_delimiters_and_the_letters_of_who_asked(hospital: Hospital) -> None:
    text = order().decode().replace("UNICODE UTF-8", "8859/15")
    (answer,) = hospital.send(text.encode("iso8859-15")).answers
    assert "ÉPREUVE^ZOÉ" in answer.decode("iso8859-15")
    other = text.translate(str.maketrans("|^~&", "!:*%")).replace(":*\\%", ":*\\%").encode("iso8859-15")
    (answer,) = hospital.send(other.replace(b"!O1!", b"!O2!")).answers
    assert b"\rORC!OK!P-1:HOP:990000015:M!" in answer


def test_letters_of_a_message_without_a_character_set_are_sent_back_as_they_came(hospital: Hospital) -> None:
    (answer,) = hospital.send(order().decode().replace("UNICODE UTF-8", "").encode("cp1252")).answers
    assert "ÉPREUVE^ZOÉ".encode("cp1252") in answer


def test_another_event_is_answered_by_its_acknowledgement_alone(hospital: Hospital) -> None:
    result = order().replace(b"OML^O21^OML_O21", b"ORU^R01^ORU_R01").replace(b"ORC|NW", b"ORC|RE")
    assert [each.name for each in hospital.answer(result).segments] == ["MSH", "MSA"]


# --- whose rules


def test_a_site_s_rules_say_how_its_orders_are_answered(desk: Desk, tmp_path: Any) -> None:
    from fhir_gateway.exchange.hl7v2.current import Current

    path = tmp_path / "sites" / "HOP" / "out" / "segments" / "ORC.yaml"
    path.parent.mkdir(parents=True)
    path.write_text('drop: [own]\nrules:\n  - {id: ours, value: "PFMG-{id}", to: ORC-3.1}\n', encoding="utf-8")
    hospital = Hospital(desk.gateway)
    hospital.intake = Intake(desk.gateway, Partners([DPI]), lambda _: rules(), 1_000_000, Current(tmp_path).out)
    ((_, _, number),) = lines(hospital.answer(order()))
    assert number == f"PFMG-{requests(desk)['P-1']['id']}"
    assert lines(hospital.answer(order(control_id="O9").replace(b"|HOP|", b"|AUTRE|", 1)))[0][2].endswith("^PFMG")


def test_rules_that_ask_for_what_is_not_there_leave_the_order_taken_and_plainly_acknowledged(
    desk: Desk, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from fhir_gateway.exchange.hl7v2.current import Current

    path = tmp_path / "out" / "messages" / "ORL_O22.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("makes:\n  - {id: order, needs: [ORC-15]}\n", encoding="utf-8")
    hospital = Hospital(desk.gateway)
    hospital.intake = Intake(desk.gateway, Partners([DPI]), lambda _: rules(), 1_000_000, Current(tmp_path).out)
    found = hospital.answer(order())
    assert (found.get("MSA-1"), lines(found)) == ("AA", [])
    assert list(requests(desk)) == ["P-1"]
    assert "answer to an order cannot be written" in caplog.text
