"""What goes out because of a write: a report of a dossier, to the hospital that asked for it, in that very commit.

Source: `fhir_gateway/interactions/outgoing.py`; HL7 v2.5.1, chapters 7 (ORU) and 9 (MDM).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.delivery.lines import Unwritable
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.interactions.message import Intake
from fhir_gateway.interactions.outgoing_gathering import writer
from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.destinations import Destination, Destinations, Kind
from fhir_gateway.policy.partners import Partner, Partners
from fhir_gateway.store import outbox
from fhir_gateway.store.outbox import Entry, Filter, State, Tried, Written
from tests.dossier import family
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import Pathway, Resource
from tests.mllp.feed import message, msh
from tests.mllp.house import rules
from tests.scenarios.test_report_goes_home import FACILITY, TRIO, order, pid

BOTH: tuple[Kind, ...] = ("ORU", "MDM")


def going_to(desk: Desk, *destinations: Destination) -> Desk:
    """Return the same desk for a gateway with destinations."""
    return Desk(replace(desk.gateway, destinations=Destinations(destinations)), desk.actor)


def hospital(name: str = "chu", organisation: str = family.HOSPITAL, **more: Any) -> Destination:
    return Destination(name, organisation, "127.0.0.1", 2575, tls=False, **more)


@pytest.fixture
def pathway(desk: Desk) -> Pathway:
    """A dossier of a hospital that gets reports by ORU and by MDM; another hospital does too."""
    made = Pathway(going_to(desk, hospital(kinds=BOTH), hospital("other", family.OTHER_HOSPITAL)))
    made.submit()
    return made


def report(pathway: Pathway, status: str = "final", **more: Any) -> Resource:
    made = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "https://example.org/reports", "value": "R1"}],
        "status": status,
        "code": concept(codes.LOINC, "51969-4"),
        "subject": pathway.request()["subject"],
        "basedOn": [{"reference": f"ServiceRequest/{each}"} for each in pathway.requests],
    }
    return {**made, **more}


def written(pathway: Pathway, status: str = "final") -> Resource:
    stored: Resource = pathway.desk.get(f"DiagnosticReport/{pathway.desk.post(report(pathway, status))}")
    return stored


def become(pathway: Pathway, stored: Resource, status: str) -> Resource:
    pathway.desk.put({**stored, "status": status})
    found: Resource = pathway.desk.get(f"DiagnosticReport/{stored['id']}")
    return found


def entries(desk: Desk) -> list[Entry]:
    """Return what is to go out, the oldest first."""
    with desk.gateway.store.read() as view:
        return outbox.found(view, Filter())[::-1]


def events(desk: Desk) -> list[tuple[str, str]]:
    return [(each.destination, each.event) for each in entries(desk)]


def test_a_final_report_goes_to_the_hospital_that_asked_for_it_once_for_each_kind(pathway: Pathway) -> None:
    stored = written(pathway)
    assert events(pathway.desk) == [("chu", "ORU^R01"), ("chu", "MDM^T02")]
    first = entries(pathway.desk)[0]
    assert (first.subject, first.vid, first.why) == (f"DiagnosticReport/{stored['id']}", 1, "final")
    assert (first.document, first.replaces) == ("R1-1", "")


def test_a_report_that_is_not_final_yet_goes_nowhere_until_it_is(pathway: Pathway) -> None:
    stored = written(pathway, "preliminary")
    assert entries(pathway.desk) == []
    become(pathway, stored, "final")
    assert events(pathway.desk) == [("chu", "ORU^R01"), ("chu", "MDM^T02")]


def test_amended_it_replaces_what_was_sent_and_withdrawn_it_takes_it_back(pathway: Pathway) -> None:
    stored = become(pathway, written(pathway), "amended")
    become(pathway, stored, "entered-in-error")
    documents = [each for each in entries(pathway.desk) if each.event.startswith("MDM")]
    assert [(each.event, each.document, each.replaces) for each in documents] == [
        ("MDM^T02", "R1-1", ""),
        ("MDM^T10", "R1-2", "R1-1"),
        ("MDM^T04", "R1-2", "R1-2"),
    ]


def test_withdrawn_before_it_was_sent_it_says_nothing(pathway: Pathway) -> None:
    become(pathway, written(pathway, "preliminary"), "entered-in-error")
    assert entries(pathway.desk) == []


def test_what_was_refused_over_there_was_not_sent(pathway: Pathway) -> None:
    stored = written(pathway)
    store = pathway.desk.gateway.store
    for _ in range(2):
        with store.read() as view:
            head = outbox.head(view, "chu")
        assert head is not None
        claimed = outbox.claim(store, head, "me", 60, Written(b"x"))
        assert claimed is not None
        outbox.settle(store, claimed, "me", Tried("rejected", "AE"))
    become(pathway, stored, "amended")
    assert events(pathway.desk)[2:] == [("chu", "ORU^R01"), ("chu", "MDM^T02")]


def test_a_write_that_is_refused_leaves_nothing_to_be_sent(pathway: Pathway) -> None:
    refused = pathway.desk.refused("POST", "DiagnosticReport", report(pathway, subject={"reference": "Patient/nobody"}))
    assert refused.status == 422
    assert entries(pathway.desk) == []


def test_a_report_of_no_dossier_goes_nowhere(desk: Desk) -> None:
    own = going_to(desk, hospital())
    patient = own.post({"resourceType": "Patient"})
    request = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"identifier": codes.identifier(family.HOSPITAL)},
    }
    based = [{"reference": f"ServiceRequest/{own.post(request)}"}]
    code = concept(codes.LOINC, "51969-4")
    made = {"resourceType": "DiagnosticReport", "status": "final", "code": code, "basedOn": based}
    own.post(made)
    assert entries(own) == []


# --- erased for good


def sent(pathway: Pathway, destination: str, came: str) -> None:
    """Send the head of a line, as far as the outbox is concerned."""
    store = pathway.desk.gateway.store
    with store.read() as view:
        head = outbox.head(view, destination)
    assert head is not None
    claimed = outbox.claim(store, head, "me", 60, Written(b"MSH|Unmistakable"))
    assert claimed is not None
    state: State = "acknowledged" if came == "AA" else "queued"
    assert outbox.settle(store, claimed, "me", Tried(state, came, answer=b"MSA|Unmistakable", wait=60_000_000))


def kept(desk: Desk) -> list[tuple[str, bytes, bytes]]:
    with desk.gateway.store.read() as view:
        return [(each.state, outbox.raw(view, each.oid), each.answer) for each in outbox.found(view, Filter())[::-1]]


def test_of_a_report_that_is_erased_for_good_no_message_keeps_anything(pathway: Pathway, tmp_path: Path) -> None:
    desk = pathway.desk
    first, second = (
        desk.post(report(pathway, identifier=[{"system": "https://example.org/reports", "value": number}]))
        for number in ("R1", "R2")
    )
    for came in ("AA", "AR"):
        sent(pathway, "chu", came)  # the ORU is taken, the MDM waits
    whole = (b"MSH|Unmistakable", b"MSA|Unmistakable")
    assert kept(desk)[:2] == [("acknowledged", *whole), ("queued", *whole)]
    assert desk.ask("POST", f"DiagnosticReport/{first}/$purge").status == 200
    assert kept(desk)[:2] == [("acknowledged", b"", b""), ("queued", b"", b"")]
    if desk.gateway.store.dialect == "sqlite":
        desk.put(desk.get(f"DiagnosticReport/{second}") | {"status": "amended"})
        until = time.monotonic() + 20  # it leaves the log once no reader stands in that
        while b"unmistakable" in b"".join(each.read_bytes() for each in tmp_path.iterdir()).lower():
            assert time.monotonic() < until, "still there"
            time.sleep(0.05)
    # Nothing can be said of it any more: whoever looks after the line is told why.
    with desk.gateway.store.read() as view:
        head = outbox.head(view, "chu")
    assert head is not None
    assert (head.subject, head.size) == (f"DiagnosticReport/{first}", 0)
    with pytest.raises(Unwritable) as refusal:
        writer(desk.gateway)(head)
    assert [each["code"] for each in refusal.value.detail["issues"]] == ["outgoing-subject-gone"]


def test_of_a_report_whose_history_is_erased_what_waits_still_goes(pathway: Pathway) -> None:
    stored = written(pathway)
    sent(pathway, "chu", "AA")
    desk = pathway.desk
    become(pathway, stored, "amended")
    assert desk.ask("POST", f"DiagnosticReport/{stored['id']}/$purge?history=true").status == 200
    assert [(state, raw) for state, raw, _ in kept(desk)][:2] == [("acknowledged", b""), ("queued", b"")]


# --- by messages


def partner(name: str, organisation: str) -> Partner:
    """Return a partner whose messages say in MSH-3 who it is."""
    rights = scopes.read("system/*.cruds")
    return Partner(
        name, Actor("flux-hospitalier", "hl7v2", name, organisation=organisation, scopes=rights), ((name, "*"),)
    )


def result(name: str, control_id: str, status: str = "F", event: str = "ORU^R01^ORU_R01") -> bytes:
    """Return a result on the child's order, with a document."""
    ipp, called, sex, birth, _, serial = TRIO[0]
    placed = f"PRE-1^{FACILITY}"
    return message(
        msh(event, control_id, sender=f"{name}|HOP EPREUVE", version="2.5.1"),
        pid(1, ipp, called, sex, birth, serial),
        f"ORC|RE|{placed}|LAB-1^{FACILITY}",
        f"OBR|1|{placed}|LAB-1^{FACILITY}|51969-4^^LN{'|' * 18}20260501100000||GE|{status}",
        "OBX|1|ED|51969-4^^LN||^application^pdf^Base64^JVBERi0xLjQKJcOkw7zDtsOfCg==||||||F|||20260501100000",
    )


def received(intake: Intake, data: bytes) -> str:
    return intake.receive(intake.incoming(data, "mllp")).code


def test_what_a_hospital_has_sent_itself_does_not_go_back_to_it(desk: Desk) -> None:
    feed = partner("dpi", family.HOSPITAL)
    sending = going_to(desk, hospital(kinds=BOTH))
    intake = Intake(sending.gateway, Partners([feed]), lambda _: rules(), 1_000_000)
    assert received(intake, order(feed.name)) == "AA"
    assert received(intake, result(feed.name, "ORU-1")) == "AA"
    [stored] = [each["resource"] for each in sending.get("DiagnosticReport")["entry"]]
    assert (stored["status"], "basedOn" in stored) == ("final", True)
    assert entries(sending) == []
    # What somebody else makes of it is news.
    sending.put({**stored, "status": "amended"})
    assert events(sending) == [("chu", "ORU^R01"), ("chu", "MDM^T02")]
    assert received(intake, result(feed.name, "ORU-2", "C")) == "AA"
    assert len(entries(sending)) == 2


def test_where_no_destination_is_configured_nothing_is_noted(desk: Desk) -> None:
    pathway = Pathway(desk)
    pathway.submit()
    written(pathway)
    assert entries(desk) == []
