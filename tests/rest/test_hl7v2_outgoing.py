"""What went out by HL7 v2, over HTTP: the log, filters, messages sent again or set aside, in the caller's language.

Source: fhir_gateway/rest/hl7v2_outgoing.py; HL7 v2.5.1, chapter 2, 2.9.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.delivery import complaints
from fhir_gateway.delivery.complaints import told
from fhir_gateway.interactions.message import Intake
from fhir_gateway.interactions.trace import TraceLog
from fhir_gateway.policy.partners import Partners
from fhir_gateway.rest.hl7v2_outgoing import OUTGOING
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.site import Site
from fhir_gateway.settings import Settings
from fhir_gateway.store import outbox
from fhir_gateway.store import trace as table
from fhir_gateway.store.contract import Store
from fhir_gateway.store.outbox import Item, Tried, Written
from tests.interactions.desk import Desk
from tests.mllp.house import rules
from tests.rest.house import HOST, Reply, ask
from tests.rest.test_hl7v2 import verified
from tests.rest.test_site import nothing

ACK = b"MSH|^~\\&|DPI|HOPITAL|PASSERELLE|PFMG|20260101||ACK|X|P|2.5\rMSA|AE|of\rERR||PID^1^3|101|E\r"
MESSAGE = Written("MSH|^~\\&|PASSERELLE|PFMG|DPI|HOPITAL\rPID|1||1^^^H||ESSAI^ZOÉ\r".encode(), "rules 1")


def settled(store: Store, destination: str, tried: Tried) -> int:
    """Send the head of a line, as far as the log is concerned, and return its number."""
    with store.read() as view:
        head = outbox.head(view, destination)
    assert head is not None
    claimed = outbox.claim(store, head, "me", 60, None if head.size else MESSAGE)
    assert claimed is not None
    assert outbox.settle(store, claimed, "me", tried)
    return head.oid


@pytest.fixture
def store(site: Site) -> Store:
    assert site.messages.intake is not None
    return site.messages.intake.gateway.store


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The pages over a gateway with a report that was taken, one that was refused, one that waits, one elsewhere."""
    gateway = open_gateway(Settings(database=f"sqlite:///{tmp_path / 'gateway.sqlite'}", synchronous="NORMAL"))
    site = Site(Settings(), Metrics(), nothing)
    site.messages.intake = Intake(gateway, Partners(), lambda _: rules(), 10_000)
    site.messages.identity = Identity(verified, "http://x/fhir", "http://x/meta")
    items = [
        Item("chu", "ORU^R01", "final", "DiagnosticReport/1", 1),
        Item("chu", "MDM^T02", "final", "DiagnosticReport/1", 1, "R1-1"),
        Item("chu", "ORU^R01", "final", "DiagnosticReport/2", 3),
        Item("chr", "ORU^R01", "final", "DiagnosticReport/3", 1),
    ]
    for item in items:
        gateway.store.write(lambda tx, item=item: outbox.add(tx, [item]))  # type: ignore[misc]
    settled(gateway.store, "chu", Tried("acknowledged", "AA", answer=ACK.replace(b"AE", b"AA")))
    refused = {"code": "AE", "conditions": ["101 PID^1^3"]}
    settled(gateway.store, "chu", Tried("rejected", "AE", address="mllp://h:1", answer=ACK, detail=refused))
    late = told(complaints.NO_ANSWER.at(seconds="30"))
    settled(gateway.store, "chu", Tried("queued", "no answer in 30 s", wait=60_000_000, detail=late))
    yield site
    gateway.store.close()


def call(site: Site, path: str, method: str = "GET", role: str = "administrateur", language: str = "en") -> Reply:
    headers = [HOST, ("Authorization", f"Bearer {role}"), ("Accept-Language", language)]
    return asyncio.run(ask(site.app, method, f"{OUTGOING}{path}", headers, [b""]))


def oids(reply: Reply) -> list[int]:
    return [each["oid"] for each in reply.json["messages"]]


def test_the_log_says_what_went_where_what_waits_and_why(site: Site) -> None:
    answer = call(site, "").json
    assert answer["counts"] == {"queued": 2, "rejected": 1}
    assert answer["oldest"] == answer["messages"][1]["recorded"]
    elsewhere, waiting, rejected, taken = answer["messages"]
    assert (taken["state"], taken["destination"], taken["event"]) == ("acknowledged", "chu", "ORU^R01")
    assert (taken["subject"], taken["status"]) == ("DiagnosticReport/1/_history/1", "final")
    assert (taken["bytes"], taken["mapping"], "due" in taken) == (len(MESSAGE.data), "rules 1", False)
    assert (rejected["code"], rejected["conditions"], rejected["document"]) == ("AE", ["101 PID^1^3"], "R1-1")
    assert "MSA|AE|of" in rejected["answer"]
    assert waiting["issues"][0]["text"].startswith("The destination gave no answer in 30 s.")
    assert waiting["due"] > waiting["recorded"]
    assert (elsewhere["state"], elsewhere["attempts"]) == ("queued", 0)


def test_who_asks_in_french_reads_why_in_french(site: Site) -> None:
    [waiting] = call(site, "?state=queued&destination=chu", language="fr").json["messages"]
    [issue] = waiting["issues"]
    assert issue["code"] == "outgoing-no-answer"
    assert issue["text"].startswith("Le destinataire n'a pas répondu en 30 s.")
    reply = call(site, "/999", language="fr")
    assert (reply.status, "Il n'y a pas de message 999" in reply.body.decode()) == (404, True)


def test_it_is_asked_by_destination_state_time_number_and_msh_10(site: Site) -> None:
    assert oids(call(site, "?destination=chr")) == [4]
    assert oids(call(site, "?state=rejected,acknowledged")) == [2, 1]
    assert oids(call(site, "?event=MDM^T02")) == [2]
    assert oids(call(site, "?subject=DiagnosticReport/2")) == [3]
    assert oids(call(site, "?before=3&last=1")) == [2]
    third = call(site, "/3").json
    assert oids(call(site, f"?control-id={third['control_id']}")) == [3]
    assert oids(call(site, f"?since={third['recorded']}")) == [4, 3]
    assert oids(call(site, f"?until={third['recorded']}")) == [2, 1]


def test_one_is_shown_whole_with_each_try(site: Site) -> None:
    shown = call(site, "/2").json
    assert shown["raw"] == MESSAGE.data.decode().replace("\r", "\n")
    [tried] = shown["tries"]
    assert (tried["came"], tried["address"], tried["control_id"]) == ("AE", "mllp://h:1", shown["control_id"])
    assert tried["began"] <= tried["ended"]


@pytest.mark.parametrize("query", ["colour=red", "state=sad", "last=many", "oid=1,x", "since=yesterday"])
def test_a_filter_that_means_nothing_is_refused(site: Site, query: str) -> None:
    assert call(site, f"?{query}").status == 400
    assert call(site, f"/resend?{query}", "POST").status == 400


@pytest.mark.parametrize("path", ["", "/1", "/resend?oid=1", "/set-aside?oid=1"])
def test_only_an_administrator_learns_or_does_any_of_it(site: Site, path: str) -> None:
    method = "POST" if "?" in path else "GET"
    assert call(site, path, method, "nobody").status == 401
    for role in ("flux-hospitalier", "prescripteur"):
        reply = call(site, path, method, role)
        assert (reply.status, reply.details) == (403, ["hl7v2-role"])


def test_a_refused_one_is_sent_again_under_a_new_number_after_a_dry_run_that_changes_nothing(site: Site) -> None:
    before = call(site, "/2").json
    dry = call(site, "/resend?state=rejected&dry-run=true", "POST").json
    expected = [{"oid": 2, "destination": "chu", "was": "rejected", "state": "queued"}]
    assert dry == {"dry-run": True, "messages": expected}
    assert call(site, "/2").json == before
    assert call(site, "/resend?state=rejected", "POST").json == {"dry-run": False, "messages": expected}
    after = call(site, "/2").json
    assert (after["state"], after["raw"], len(after["tries"])) == ("queued", "", 1)
    assert after["control_id"] != before["control_id"]


def test_nobody_sends_everything_again_by_accident(site: Site) -> None:
    for path in ("/resend", "/set-aside?destination=chu", "/resend?dry-run=true"):
        reply = call(site, path, "POST")
        assert (reply.status, reply.details) == (400, ["outgoing-unnamed"])


def test_what_was_sent_since_is_not_undone_by_sending_an_earlier_version_again(site: Site, store: Store) -> None:
    amended = Item("chu", "ORU^R01", "amended", "DiagnosticReport/1", 2)
    store.write(lambda tx: outbox.add(tx, [amended]))
    assert call(site, "/resend?oid=1&dry-run=true", "POST").json["messages"][0]["state"] == "queued"
    assert outbox.set_aside(store, 3, "out of the way")
    assert settled(store, "chu", Tried("acknowledged", "AA")) == 5
    for path in ("/resend?oid=1&dry-run=true", "/resend?oid=1"):
        [kept] = call(site, path, "POST").json["messages"]
        assert (kept["was"], kept["state"], kept["issues"][0]["code"]) == (
            "acknowledged", "acknowledged", "outgoing-superseded",
        )  # fmt: skip
    # Its document of another kind, and the newer one itself, may be.
    assert [each["state"] for each in call(site, "/resend?oid=2,5", "POST").json["messages"]] == ["queued"] * 2


def test_what_is_set_aside_lets_its_line_go_on_and_can_be_sent_again(site: Site, store: Store) -> None:
    first, second = call(site, "/set-aside?oid=1,3", "POST").json["messages"]
    assert (first["state"], first["issues"][0]["code"]) == ("acknowledged", "outgoing-settled")
    assert (second["was"], second["state"]) == ("queued", "dead")
    with store.read() as view:
        assert outbox.lines(view) == ["chr"]
    shown = call(site, "/3").json
    assert (shown["state"], shown["issues"][-1]["code"]) == ("dead", "outgoing-set-aside")
    assert shown["tries"][-1]["came"] == "set aside"
    assert call(site, "/resend?oid=3", "POST").json["messages"][0]["state"] == "queued"


def test_what_is_being_sent_is_left_alone(site: Site, store: Store) -> None:
    with store.read() as view:
        head = outbox.head(view, "chr")
    assert head is not None
    assert outbox.claim(store, head, "me", 60, MESSAGE) is not None
    for path in ("/resend?oid=4", "/set-aside?oid=4"):
        [kept] = call(site, path, "POST", language="fr").json["messages"]
        assert (kept["state"], kept["issues"][0]["code"]) == ("sending", "outgoing-sending")
        assert kept["issues"][0]["text"] == "Le message 4 est en cours d'envoi. Attendez ce qu'il en advient."


def test_who_looks_at_messages_or_sends_them_again_leaves_a_record(site: Site, store: Store) -> None:
    """A message tells of a person: of which one is known by the report that it is about."""
    assert site.messages.intake is not None
    gateway = site.messages.intake.gateway
    log = TraceLog(gateway.store, 1000, 10)
    site.messages.intake.gateway = replace(gateway, trace=log)
    desk = Desk(gateway)
    desk.put({"resourceType": "Patient", "id": "p"})
    about = {"code": {"text": "x"}, "subject": {"reference": "Patient/p"}}
    desk.put({"resourceType": "DiagnosticReport", "id": "2", "status": "final", **about})
    call(site, "?state=queued")
    call(site, "/3")
    call(site, "/resend?oid=2", "POST")
    call(site, "/3", role="prescripteur")
    call(site, "/3", role="nobody")
    log.flush()
    with store.read() as view:
        listed, shown, again, refused = table.records(view)
    assert (listed["operation"], listed["query"], listed["actor"]["role"]) == (
        "hl7v2/outgoing", "state=queued", "administrateur",
    )  # fmt: skip
    assert (shown["operation"], shown["type"], shown["id"]) == ("hl7v2/outgoing/3", "DiagnosticReport", "2")
    assert shown["patients"] == ["p"]
    assert (again["operation"], again["query"], again["status"]) == ("hl7v2/outgoing/resend", "oid=2", 200)
    assert (refused["status"], refused["issues"], "patients" in refused) == (403, ["hl7v2-role"], False)
