"""Messages of HL7 v2 over HTTP: bodies, tokens, a dry run, the log.

Source: fhir_gateway/rest/hl7v2.py; HL7 v2.5.1, chapter 2, 2.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.fhir.outcome import Unauthenticated
from fhir_gateway.interactions.interaction import Actor
from fhir_gateway.interactions.message import Intake
from fhir_gateway.policy.actor import Role
from fhir_gateway.policy.complaints import TOKEN_MISSING
from fhir_gateway.policy.partners import Partners
from fhir_gateway.policy.scopes import read
from fhir_gateway.rest.hl7v2 import LOG, MEDIA_TYPES, PATH
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.site import Site
from fhir_gateway.settings import Settings
from tests.mllp.feed import FINESS, HOSPITAL, adt, answered
from tests.mllp.house import rules
from tests.rest.house import HOST, Reply, ask
from tests.rest.test_site import nothing

ER7 = ("Content-Type", MEDIA_TYPES[0])


def actor(role: Role) -> Actor:
    return Actor(role, "system", role, organisation=f"{FINESS}|{HOSPITAL}", scopes=read("system/*.cruds"))


def verified(token: str) -> tuple[Actor, float]:
    """The token names the role."""
    if token not in ("flux-hospitalier", "administrateur", "prescripteur"):
        raise Unauthenticated(TOKEN_MISSING.at(None, base="x"))
    return actor(token), float("inf")  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The pages over a gateway, where tokens are asked for."""
    gateway = open_gateway(Settings(database=f"sqlite:///{tmp_path / 'gateway.sqlite'}", synchronous="NORMAL"))
    site = Site(Settings(max_body_bytes=20_000), Metrics(), nothing)
    site.messages.intake = Intake(gateway, Partners(), lambda _: rules(), 10_000)
    site.messages.identity = Identity(verified, "http://x/fhir", "http://x/meta")
    yield site
    gateway.store.close()


def send(site: Site, body: bytes, path: str = PATH, role: str = "flux-hospitalier", *more: tuple[str, str]) -> Reply:
    token = [("Authorization", f"Bearer {role}")] if role else []
    return asyncio.run(ask(site.app, "POST", path, [HOST, ER7, *token, *more], [body]))


def get(site: Site, path: str, role: str = "administrateur") -> Reply:
    return asyncio.run(ask(site.app, "GET", path, [HOST, ("Authorization", f"Bearer {role}")], [b""]))


def test_a_message_is_answered_by_its_acknowledgement_whatever_it_says(site: Site) -> None:
    reply = send(site, adt())
    assert (reply.status, reply.headers["content-type"]) == (200, MEDIA_TYPES[0])
    assert answered(reply.body) == ("AA", "C1", [])
    reply = send(site, adt(control_id="C2", ipp=""))
    assert (reply.status, answered(reply.body)) == (200, ("AE", "C2", ["101 PID^1^3"]))
    reply = send(site, b"not a message")
    assert (reply.status, answered(reply.body)) == (200, ("AR", "", ["207"]))
    assert send(site, adt()).body == send(site, adt(at="20270101")).body


def test_a_batch_is_answered_by_a_batch_and_an_acknowledgement_by_nothing(site: Site) -> None:
    reply = send(site, b"BHS|^~\\&\r" + adt() + adt(control_id="C2", ipp="2") + b"BTS|2\r")
    assert reply.body.count(b"\rMSA|AA|") == 2
    assert reply.body.startswith(b"BHS|")
    reply = send(site, b"MSH|^~\\&|A|B|C|D|2026||ACK|K1|P|2.5\rMSA|AA|ours\r")
    assert (reply.status, reply.body) == (204, b"")


def test_a_dry_run_tells_what_would_be_made_and_writes_nothing(site: Site) -> None:
    told = send(site, adt(), f"{PATH}?dry-run=true").json
    assert (told["state"], told["code"]) == ("applied", "AA")
    assert "Patient" in [each["resource"]["resourceType"] for each in told["bundle"]["entry"]]
    assert "MSA|AA|C1" in told["answer"]
    assert get(site, LOG).json == {"counts": {}, "messages": []}


def test_who_is_no_hospital_s_feed_is_told_by_http(site: Site) -> None:
    assert send(site, adt(), role="").status == 401
    reply = send(site, adt(), role="nobody")
    assert (reply.status, reply.details) == (401, ["token-missing"])
    assert reply.headers["www-authenticate"].startswith("Bearer ")
    reply = send(site, adt(), role="prescripteur")
    assert (reply.status, reply.details) == (403, ["hl7v2-role"])
    assert get(site, LOG, "flux-hospitalier").status == 403


def test_what_concerns_the_request_is_told_by_http(site: Site) -> None:
    reply = asyncio.run(
        ask(
            site.app,
            "POST",
            PATH,
            [HOST, ("Content-Type", "text/plain"), ("Authorization", "Bearer flux-hospitalier")],
            [b"x"],
        )
    )
    assert (reply.status, reply.details) == (415, ["hl7v2-media-type"])
    reply = send(site, b"x" * 30_000)
    assert reply.status == 413
    reply = send(site, adt(more=["ZZZ|" + "x" * 12_000]))
    assert (reply.status, answered(reply.body)) == (200, ("AR", "C1", ["207"]))
    site.messages.intake = None
    assert send(site, adt()).status == 503


def test_the_log_is_told_filtered_and_messages_are_taken_in_again(site: Site) -> None:
    send(site, adt())
    send(site, adt(control_id="T1", ipp="2", processing="T"))
    told = get(site, f"{LOG}?state=failed-transient,failed-content").json
    assert told["counts"] == {"applied": 1, "failed-transient": 1}
    [failed] = told["messages"]
    assert (failed["control_id"], failed["issues"][0]["code"]) == ("T1", "message-processing-id")
    whole = get(site, f"{LOG}/{failed['mid']}").json
    assert whole["raw"].startswith("MSH|^~\\&|GAM|HOPITAL-ESSAI|")
    texts = {}
    for language in ("fr", "en"):
        headers = [HOST, ("Authorization", "Bearer administrateur"), ("Accept-Language", language)]
        reply = asyncio.run(ask(site.app, "GET", f"{LOG}?mid={failed['mid']}", headers, [b""]))
        texts[language] = reply.json["messages"][0]["issues"][0]["text"]
    assert (texts["fr"][:11], texts["en"][:9]) == ("MSH-11 vaut", "MSH-11 is")
    again = send(site, b"", f"{LOG}/replay?state=failed-transient&dry-run=true", "administrateur").json
    assert [each["state"] for each in again["messages"]] == ["failed-transient"]
    assert get(site, f"{LOG}/999").status == 404


@pytest.mark.parametrize("query", ["colour=red", "state=sad", "last=many", "since=yesterday"])
def test_a_filter_that_means_nothing_is_refused(site: Site, query: str) -> None:
    assert get(site, f"{LOG}?{query}").status == 400
