"""Messages of hospitals taken in: stored before understood, applied once, merged into what is there, answered after.

Source: architecture, path (c) and law 7; HL7 v2.5.1, chapter 2, 2.9, chapter 3; IHE ITI TF-2x, C.2; PAM France 2.11.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from fhir_gateway.exchange.hl7v2.er7 import Message
from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.message import Intake, Receipt
from fhir_gateway.interactions.message_act import MessageAct
from fhir_gateway.interactions.trace import TraceLog
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.partners import Partner, Partners
from fhir_gateway.policy.scopes import read as scopes_of
from fhir_gateway.store import complaints, messages, trace
from fhir_gateway.store.messages import Filter, Stored
from tests.interactions.desk import Desk
from tests.mllp.feed import FINESS, HOSPITAL, adt, answered, merge, message, msh

ACTOR = Actor(
    "flux-hospitalier", "hl7v2", "gam", organisation=f"{FINESS}|{HOSPITAL}", scopes=scopes_of("system/*.cruds")
)
GAM = Partner("gam", ACTOR, (("GAM", "HOPITAL-ESSAI"),), (("PASSERELLE", "PFMG"),))


@cache
def rules() -> Converter:
    return converter()


class Feed:
    """A gateway and a partner of it."""

    def __init__(self, gateway: Gateway, partner: Partner = GAM, limit: int = 1_000_000) -> None:
        self.gateway = gateway
        self.intake = Intake(gateway, Partners([partner]), lambda _: rules(), limit)

    def send(self, data: bytes) -> Receipt:
        return self.intake.receive(self.intake.incoming(data, "test"))

    def told(self, data: bytes) -> tuple[str, str, list[str]]:
        """Send a message and return what MSA and ERR say."""
        [answer] = self.send(data).answers
        return answered(answer)

    def log(self, **wanted: Any) -> list[Stored]:
        """Return the log, the oldest first."""
        with self.gateway.store.read() as view:
            return messages.found(view, Filter(**wanted))[::-1]

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.log()]


@pytest.fixture
def feed(desk: Desk) -> Feed:
    return Feed(desk.gateway)


def partner(feed: Feed, **more: Any) -> Feed:
    """Return the same gateway for a partner of other manners."""
    return Feed(feed.gateway, replace(GAM, **more))


def patients(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    found = desk.get(f"Patient?_sort=_lastUpdated&{query}")
    return [each["resource"] for each in found.get("entry", ())]


def family(patient: dict[str, Any]) -> str:
    return str(patient["name"][0]["family"])


# --- taken over


def test_a_message_is_answered_once_it_is_applied_and_its_provenance_names_it_and_the_rules(
    feed: Feed, desk: Desk
) -> None:
    assert feed.told(adt()) == ("AA", "C1", [])
    [patient] = patients(desk)
    assert family(patient) == "ESSAI"
    [known] = feed.log()
    assert (known.state, known.event, known.control_id, known.partner) == ("applied", "ADT^A28", "C1", "gam")
    assert known.mapping == rules().mappings.version
    [provenance] = [each["resource"] for each in desk.get("Provenance")["entry"]]
    named = [each["what"].get("identifier", {}).get("value") for each in provenance["entity"]]
    assert str(known.mid) in named
    assert rules().mappings.version in [each["who"].get("identifier", {}).get("value") for each in provenance["agent"]]
    assert f"Patient/{patient['id']}" in [each["reference"] for each in provenance["target"]]


def test_what_no_rule_read_is_kept_with_the_message_and_counted(feed: Feed) -> None:
    data = adt(more=["ZZZ|what nobody knows", "PRT||UC||SB"])
    assert feed.told(data)[0] == "AA"
    [known] = feed.log()
    assert "ZZZ^1^1" in known.detail["unplaced"]
    assert known.unplaced == len(known.detail["unplaced"])
    with feed.gateway.store.read() as view:
        assert messages.raw(view, known.mid) == data


def test_what_a_partner_writes_belongs_to_its_organisation_and_is_traced_under_its_name(desk: Desk) -> None:
    log = TraceLog(desk.gateway.store, 1000, 1)
    feed = Feed(replace(desk.gateway, trace=log))
    feed.send(adt())
    with desk.gateway.store.read() as view:
        [record] = trace.records(view)
    [patient] = patients(desk)
    assert record["actor"]["role"] == "flux-hospitalier"
    assert record["interaction"] == "message"
    assert record["message"] == {"event": "ADT^A28", "control_id": "C1", "partner": "gam"}
    assert record["patients"] == [patient["id"]]
    foreign = replace(ACTOR, organisation=f"{FINESS}|990000002")
    assert desk.of(foreign).get("Patient").get("total") == 0
    assert desk.of(ACTOR).get("Patient")["total"] == 1


# --- once


def test_the_same_message_again_gets_the_earlier_answer_whatever_msh_7_says(feed: Feed, desk: Desk) -> None:
    first = feed.send(adt())
    again = feed.send(adt(at="20260101090000"))
    assert again.state == "duplicate"
    assert again.answers == first.answers
    assert feed.states == ["applied", "duplicate"]
    assert feed.log()[1].original == feed.log()[0].mid
    assert len(desk.get("Provenance")["entry"]) == 1


def test_the_same_control_id_over_other_bytes_is_processed_with_a_warning(feed: Feed, desk: Desk) -> None:
    feed.send(adt(ipp="1"))
    assert feed.told(adt(ipp="2")) == ("AA", "C1", [])
    assert feed.states == ["applied", "applied-with-warnings"]
    assert [each["code"] for each in feed.log()[1].detail["issues"]] == ["message-same-control-id"]
    assert len(patients(desk)) == 2


def test_what_failed_for_its_content_gets_the_earlier_answer_and_what_a_circumstance_stopped_is_tried_again(
    feed: Feed, desk: Desk
) -> None:
    wrong = adt(control_id="W", ipp="")
    assert feed.told(wrong) == feed.told(wrong) == ("AE", "W", ["101 PID^1^3"])
    late = adt(control_id="T", processing="T")
    assert feed.told(late)[0] == "AR"
    assert partner(feed, mode="test").told(late) == ("AA", "T", [])
    assert [(each.state, each.attempts) for each in feed.log()] == [
        ("failed-content", 1),
        ("duplicate", 0),
        ("applied", 2),
    ]


def test_when_the_database_is_away_the_sender_is_told_to_send_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable(complaints.STORE_UNAVAILABLE.at(reason="test"))

    monkeypatch.setattr(messages, "receive", away)
    assert feed.told(adt()) == ("AR", "C1", ["207"])
    monkeypatch.undo()
    assert feed.told(adt()) == ("AA", "C1", [])


def test_a_defect_is_told_as_an_incident_and_the_message_can_be_sent_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("fhir_gateway.interactions.message.perform", defect)
    assert feed.told(adt()) == ("AR", "C1", ["207"])
    monkeypatch.undo()
    assert feed.states == ["received"]
    assert feed.told(adt()) == ("AA", "C1", [])
    assert feed.states == ["applied"]


def test_what_was_stored_and_not_applied_is_applied_at_the_next_start_and_its_sender_answered_as_if_nothing_had_been(
    feed: Feed, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise RuntimeError("as if the process had ended")

    monkeypatch.setattr("fhir_gateway.interactions.message.perform", ended)
    for number in ("1", "2"):
        feed.send(adt(control_id=f"C{number}", ipp=number))
    monkeypatch.undo()
    assert Feed(feed.gateway).intake.resume() == 2
    assert feed.states == ["applied", "applied"]
    assert feed.send(adt(control_id="C1", ipp="1")).state == "duplicate"
    assert len(patients(desk)) == 2


# --- laid over what is there


def test_what_is_left_empty_stays_and_two_quotes_delete(feed: Feed, desk: Desk) -> None:
    feed.send(adt(after="|||1 rue A^^VILLE^^99001^FRA^H||^PRN^PH^^^^^^^^^0199000001"))
    feed.send(adt("A31", "C2", recorded="20260102080000", name="NOUVEAU^ZOE"))
    [patient] = patients(desk)
    assert family(patient) == "NOUVEAU"
    assert patient["telecom"][0]["value"] == "0199000001"
    feed.send(adt("A31", "C3", recorded="20260103080000", name="NOUVEAU^ZOE", after='|||||""'))
    [patient] = patients(desk)
    assert "telecom" not in patient
    assert patient["address"][0]["city"] == "VILLE"


def test_a_message_that_says_nothing_new_makes_no_version(feed: Feed, desk: Desk) -> None:
    feed.send(adt())
    feed.send(adt("A31", "C2", recorded="20260102080000"))
    [patient] = patients(desk)
    assert patient["meta"]["versionId"] == "1"


def test_older_data_never_overwrite_newer(feed: Feed, desk: Desk) -> None:
    feed.send(adt("A31", "C2", recorded="20260102080000", name="NEWER^ZOE"))
    assert feed.told(adt("A28", "C1", recorded="20260101080000", name="OLDER^ZOE"))[0] == "AA"
    [patient] = patients(desk)
    assert family(patient) == "NEWER"
    assert [each["code"] for each in feed.log()[1].detail["issues"]] == ["message-older"]
    feed.send(adt("A31", "C3", recorded="20260103080000", name="NEWEST^ZOE"))
    assert family(patients(desk)[0]) == "NEWEST"


def test_a_snapshot_sent_again_makes_nothing_new_of_what_has_no_identifier(feed: Feed, desk: Desk) -> None:
    relative = "NK1|1|ESSAI^ALMA|MTH^mother^HL70063||||||||||||F|19600101"
    feed.send(adt(more=[relative]))
    feed.send(adt("A31", "C2", recorded="20260102080000", more=[relative]))
    assert desk.get("RelatedPerson")["total"] == 1


def test_only_adt_tells_who_a_patient_is(feed: Feed, desk: Desk) -> None:
    feed.send(adt(name="KNOWN^ZOE"))
    result = message(
        msh("ORU^R01", "R1"),
        "PID|1||1^^^HOPITAL-ESSAI^PI||OTHER^NAME^^^^^L||19900112|F",
        "ORC|RE|P1^GAM|F1^LAB",
        "OBR|1|P1^GAM|F1^LAB|GLU^Glucose^L|||20260101|||||||||||||||20260102080000|||F",
        "OBX|1|NM|GLU^Glucose^L||5.1|mmol/L^^UCUM|||||F",
    )
    assert feed.told(result)[0] == "AA"
    [patient] = patients(desk)
    assert family(patient) == "KNOWN"
    [request] = [each["resource"] for each in desk.get("ServiceRequest")["entry"]]
    assert request["status"] == "draft"


def report(status: str, value: str, control_id: str, at: str) -> bytes:
    return message(
        msh("ORU^R01", control_id),
        "PID|1||1^^^HOPITAL-ESSAI^PI||ESSAI^ZOE^^^^^L||19900112|F",
        f"OBR|1|P1^GAM^1.2.3.1^ISO|F1^LAB^1.2.3.2^ISO|GLU^Glucose^L|||20260101|||||||||||||||{at}|||{status}",
        f"OBX|1|NM|GLU^Glucose^L||{value}|mmol/L^^UCUM|||||{status}",
    )


def test_a_final_result_replaces_an_early_one_and_is_not_replaced_by_one(feed: Feed, desk: Desk) -> None:
    feed.send(report("P", "5.1", "R1", "20260102080000"))
    feed.send(report("F", "5.3", "R2", "20260103080000"))
    assert feed.send(report("P", "5.2", "R3", "20260104080000")).state == "applied-with-warnings"
    [observation] = [each["resource"] for each in desk.get("Observation")["entry"]]
    assert (observation["status"], str(observation["valueQuantity"]["value"])) == ("final", "5.3")
    [found] = [each["resource"] for each in desk.get("DiagnosticReport")["entry"]]
    assert found["status"] == "final"


# --- merged


def by_number(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return the patients by the first of their identifiers that holds."""
    return {
        next(each["value"] for each in patient["identifier"] if each.get("use") != "old"): patient
        for patient in patients(desk)
    }


def test_a_merge_links_both_and_what_comes_later_under_the_retired_identifier_is_about_the_survivor(
    feed: Feed, desk: Desk
) -> None:
    feed.send(adt(control_id="C1", ipp="1"))
    feed.send(adt(control_id="C2", ipp="2"))
    assert feed.told(merge("1", "2", "M1")) == ("AA", "M1", [])
    found = by_number(desk)
    staying, going = found["1"], found["2"]
    assert going["active"] is False
    assert going["link"] == [{"other": {"reference": f"Patient/{staying['id']}"}, "type": "replaced-by"}]
    assert staying["link"] == [{"other": {"reference": f"Patient/{going['id']}"}, "type": "replaces"}]
    assert {each["value"]: each.get("use") for each in staying["identifier"]}["2"] == "old"

    receipt = feed.send(adt("A31", "C3", "2", recorded="20260103080000", name="LATER^ZOE"))
    assert receipt.state == "applied-with-warnings"
    assert [each["code"] for each in receipt.detail["issues"]] == ["message-merged-patient"]
    found = by_number(desk)
    assert family(found["1"]) == "LATER"
    assert family(found["2"]) == "ESSAI"
    assert found["2"]["active"] is False
    assert {each["value"]: each.get("use") for each in found["1"]["identifier"]}["2"] == "old"


def test_of_a_merge_what_is_not_known_yet_is_made_so_that_later_data_land_right(feed: Feed, desk: Desk) -> None:
    assert feed.told(merge("1", "2", "M1"))[0] == "AA"
    assert len(patients(desk)) == 2
    feed.send(adt("A31", "C3", "2", recorded="20260103080000", name="LATER^ZOE"))
    assert family(by_number(desk)["1"]) == "LATER"


def test_a_merge_said_again_changes_nothing(feed: Feed, desk: Desk) -> None:
    feed.send(merge("1", "2", "M1"))
    before = patients(desk)
    assert feed.told(merge("1", "2", "M2", "20260103080000")) == ("AA", "M2", [])
    assert sorted(each["meta"]["versionId"] for each in patients(desk)) == sorted(
        each["meta"]["versionId"] for each in before
    )


def test_merges_that_contradict_what_is_known_are_refused(feed: Feed, desk: Desk) -> None:
    assert feed.told(merge("1", "1", "M0")) == ("AE", "M0", ["205 MRG^1^1"])
    feed.send(merge("1", "2", "M1"))
    before = patients(desk)
    assert feed.told(merge("2", "1", "M2")) == ("AE", "M2", ["205 MRG^1^1"])  # the other way round
    assert feed.told(merge("3", "2", "M3")) == ("AE", "M3", ["205 MRG^1^1"])  # into yet another
    assert patients(desk) == before


def test_two_validated_identities_with_different_ins_are_not_merged(feed: Feed) -> None:
    def validated(control_id: str, ipp: str, ins: str) -> bytes:
        head = f"{ipp}^^^HOPITAL-ESSAI^PI~{ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
        return message(
            msh("ADT^A28", control_id),
            "EVN||20260101080000",
            f"PID|1||{head}||ESSAI^ZOE^^^^^L||19900112|F{'|' * 24}VALI",
            "PV1|1|N",
        )

    feed.send(validated("C1", "1", "290019900000112"))
    feed.send(validated("C2", "2", "290019900000210"))
    assert feed.told(merge("1", "2", "M1")) == ("AE", "M1", ["205 MRG^1^1"])


# --- what else; what bad input gets is in test_message_answers.py


def test_a_movement_that_is_cancelled_was_never(feed: Feed, desk: Desk) -> None:
    def stay(event: str, control_id: str, action: str, recorded: str) -> bytes:
        return message(
            msh(f"ADT^{event}", control_id),
            f"EVN||{recorded}",
            "PID|1||1^^^HOPITAL-ESSAI^PI||ESSAI^ZOE^^^^^L||19900112|F",
            "PV1|1|I|CHIR^12^B||||||||||||||||24-1^^^HOPITAL-ESSAI^VN",
            f"ZBE|313^HOPITAL-ESSAI|20260101080000||{action}|N|A01|Chirurgie^^^^^^UF^^^6268||M",
        )

    feed.send(stay("A01", "C1", "INSERT", "20260101080000"))
    assert feed.told(stay("Z99", "C2", "CANCEL", "20260101090000"))[0] == "AA"
    found = [each["resource"] for each in desk.get("Encounter")["entry"]]
    assert sorted(each["status"] for each in found) == ["entered-in-error", "in-progress"]


def test_tests_are_taken_in_test_mode(feed: Feed) -> None:
    tests = partner(feed, mode="test")
    for processing in ("T", "D", "P"):
        assert tests.told(adt(processing=processing, control_id=processing))[0] == "AA"


def test_an_acknowledgement_is_never_acknowledged(feed: Feed) -> None:
    receipt = feed.send(message(msh("ACK^A28^ACK", "K1"), "MSA|AA|ours"))
    assert (receipt.state, receipt.answers) == ("ignored", ())


def test_partners_choose_how_they_are_told(feed: Feed) -> None:
    assert partner(feed, unknown="ignore").told(adt("A99", "I1")) == ("AA", "I1", [])
    assert partner(feed, transient="AE").told(adt(processing="T", control_id="I2"))[0] == "AE"
    warned = partner(feed, warnings=True).told(adt(control_id="I3").replace(b"|F\r", b"|Q\r"))
    assert warned[0] == "AA"
    assert warned[2][0].startswith("103 PID^1")
    assert feed.states == ["ignored", "failed-transient", "applied-with-warnings"]


@pytest.mark.parametrize(
    ("modes", "codes"),
    [("|", ["AA"]), ("AL|AL", ["CA", "AA"]), ("AL|NE", ["CA"]), ("NE|AL", ["AA"]), ("ER|ER", []), ("SU|", ["CA"])],
)
def test_enhanced_mode_answers_what_msh_15_and_16_ask_for(feed: Feed, modes: str, codes: list[str]) -> None:
    enhanced = partner(feed, acknowledgement="enhanced")
    answers = enhanced.send(adt(modes=modes)).answers
    assert [answered(each)[0] for each in answers] == codes
    assert [answered(each)[0] for each in partner(feed).send(adt(modes=modes)).answers] == ["AA"]


# --- replayed, tried out


def test_a_replay_takes_in_again_what_failed_and_leaves_what_was_applied(feed: Feed, desk: Desk) -> None:
    feed.send(adt(processing="T"))
    [failed] = feed.log()
    tests = partner(feed, mode="test")
    dry = tests.intake.replay(failed.mid, dry=True)
    assert dry.state == "applied"
    assert dry.bundle is not None
    assert [each["response"]["status"] for each in dry.bundle["entry"]] == ["created"] * len(dry.bundle["entry"])
    assert (feed.states, patients(desk)) == (["failed-transient"], [])
    assert tests.intake.replay(failed.mid).state == "applied"
    assert tests.intake.replay(failed.mid).detail["issues"][0]["code"] == "message-settled"
    assert feed.states == ["applied"]
    assert len(desk.get("Provenance")["entry"]) == 1


def test_trying_out_writes_nothing_and_tells_what_would_be(feed: Feed, desk: Desk) -> None:
    receipt = feed.intake.try_out(adt())
    assert receipt.bundle is not None
    kinds = {each["resource"]["resourceType"] for each in receipt.bundle["entry"]}
    assert kinds == {"Patient", "Provenance"}
    assert feed.log() == []
    assert patients(desk) == []


def test_the_messages_of_a_batch_are_each_answered(feed: Feed) -> None:
    batch = b"BHS|^~\\&|GAM\r" + adt(control_id="C1") + adt(control_id="C2", ipp="") + b"BTS|2\r"
    receipt = feed.intake.receive_all(batch, "test")
    [answer] = receipt.answers
    assert receipt.state == "failed-content"
    codes = [line.split("|")[1:3] for line in answer.decode().split("\r") if line.startswith("MSA")]
    assert codes == [["AA", "C1"], ["AE", "C2"]]
    assert answer.startswith(b"BHS|^~\\&\r")
    assert answer.endswith(b"BTS|2\r")
    assert feed.states == ["applied", "failed-content"]


def test_namespaces_of_a_partner_name_the_systems_of_its_identifiers(feed: Feed, desk: Desk) -> None:
    named = partner(feed, namespaces={"HOPITAL-ESSAI": "urn:oid:1.2.250.1.999.1"})
    named.send(adt())
    named.send(adt("A31", "C2", recorded="20260102080000", name="AGAIN^ZOE"))
    [patient] = patients(desk, "identifier=urn:oid:1.2.250.1.999.1|1")
    assert family(patient) == "AGAIN"


# --- messages of many megabytes, which SQLite is given piece by piece


LARGE = 2_000_000


def large(control_id: str = "C1", event: str = "A28") -> bytes:
    return adt(event, control_id, more=[f"ZZZ|{'0123456789abcdef' * (LARGE // 16)}"])


def test_a_large_message_is_kept_as_it_came_and_applied_once(desk: Desk):
    feed = Feed(desk.gateway, limit=2 * LARGE)
    assert feed.told(large())[0] == "AA"
    assert feed.told(large())[0] == "AA"
    first, second = feed.log()
    assert (first.state, first.attempts, second.state, second.original) == ("applied", 1, "duplicate", first.mid)
    assert first.answer
    with desk.gateway.store.read() as view:
        assert messages.raw(view, first.mid) == messages.raw(view, second.mid) == large()
    assert len(patients(desk)) == 1


def test_a_large_message_that_failed_can_be_replayed(desk: Desk):
    feed = Feed(desk.gateway, limit=2 * LARGE)
    assert feed.told(large(event="A99"))[0] == "AR"
    [failed] = feed.log()
    assert feed.intake.replay(failed.mid).state == "failed-transient"
    [again] = feed.log()
    assert (again.mid, again.state, again.attempts, again.received) == (failed.mid, failed.state, 2, failed.received)
    with desk.gateway.store.read() as view:
        assert messages.raw(view, failed.mid) == large(event="A99")


def test_a_large_message_that_somebody_settled_meanwhile_is_left_as_it_is(desk: Desk):
    feed = Feed(desk.gateway, limit=2 * LARGE)
    feed.send(large())
    [known] = feed.log()
    with pytest.raises(messages.SettledMeanwhile):
        messages.settle_alone(
            desk.gateway.store, known.mid, "received", messages.Outcome("failed-content", raw=large())
        )
    assert feed.log() == [known]


def test_a_large_document_is_stored_whole_and_so_are_its_versions(desk: Desk):
    data = "QUJD" * (LARGE // 4)
    id = desk.post({"resourceType": "Binary", "contentType": "text/plain", "data": data})
    assert desk.get(f"Binary/{id}")["data"] == data
    desk.put({"resourceType": "Binary", "id": id, "contentType": "text/plain", "data": data[4:]})
    assert desk.get(f"Binary/{id}")["data"] == data[4:]
    assert desk.get(f"Binary/{id}/_history/1")["data"] == data


def test_a_message_that_was_answered_leaves_nothing_to_be_collected(feed: Feed):
    feed.send(adt("A28", "C1", "1"))
    gc.collect()
    gc.disable()
    try:
        assert feed.send(adt("A28", "C2", "2")).code == "AA"
        assert [each for each in gc.get_objects() if type(each) in (Message, MessageAct)] == []
    finally:
        gc.enable()
