"""Who sends a request is known before anything of it is done; who is not known is told what an honest client needs.

Source: RFC 6750, sections 2.1 and 3; RFC 9728, section 5.1; FHIR R4, Security, "Authentication".
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import FhirError, Forbidden, Unauthenticated, Unavailable
from fhir_gateway.interactions.complaints import SCOPE_MISSING
from fhir_gateway.interactions.interaction import ANONYME, Actor, Answer
from fhir_gateway.policy import complaints
from fhir_gateway.rest import identity as module
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.log import JsonLines
from fhir_gateway.settings import Settings
from tests.rest.house import HOST, INSTANT, PATIENT, House, ask

PLATFORM = Actor("plateforme", "system", "labo", "https://issuer.example.org", "labo")
METADATA = "http://127.0.0.1:8080/.well-known/oauth-protected-resource/fhir"
GOOD = {"Authorization": "Bearer good"}
SECURED = Settings(builtin_issuer=True)


class Issuer:
    """Verifies tokens by their text, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.until = 2e9 * 2

    def __call__(self, token: str) -> tuple[Actor, float]:
        self.asked.append(token)
        refusals: dict[str, FhirError] = {
            "expired": Unauthenticated(complaints.TOKEN_EXPIRED.at()),
            "roleless": Forbidden(complaints.TOKEN_ROLE.at(roles="plateforme")),
            "away": Unavailable(complaints.KEYS_AWAY.at()),
        }
        if token in refusals:
            raise refusals[token]
        if token != "good":
            raise Unauthenticated(complaints.TOKEN_MALFORMED.at(limit=16))
        return PLATFORM, self.until


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def house(issuer: Issuer, short: bool = False, **more: Any) -> House:
    identity = Identity(issuer, "http://127.0.0.1:8080/fhir", METADATA)
    return House(settings=more.pop("settings", SECURED), identity=identity, short=short, **more)


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("header", ["Bearer good", "bearer good", "BEARER  good "])
def test_a_request_is_carried_out_for_the_actor_of_its_token(issuer: Issuer, header: str, short: bool) -> None:
    asked = house(issuer, short)
    assert asked.ask("GET", "/fhir/Patient/1", {"Authorization": header}).status == 200
    assert asked.actors == [PLATFORM]


def test_a_token_is_verified_once_while_it_holds(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = house(issuer, short=True)
    now = 1_800_000_000.0
    monkeypatch.setattr(module, "time", lambda: now)
    issuer.until = now + 10
    for _ in range(3):
        assert asked.ask("GET", "/fhir/Patient/1", GOOD).status == 200
    assert asked.ask("POST", "/fhir/Patient", {**GOOD, "Content-Type": "application/fhir+json"}, PATIENT).status == 200
    assert issuer.asked == ["good"]
    now += 11
    assert asked.ask("GET", "/fhir/Patient/1", GOOD).status == 200
    assert issuer.asked == ["good", "good"]
    assert asked.actors == [PLATFORM] * 5


def test_what_is_remembered_is_bounded(issuer: Issuer) -> None:
    known = Identity(issuer, "b", METADATA)
    for number in range(5000):
        known.actor(b"Bearer good" + b" " * number)
    assert len(known._remembered) <= 4096


def test_a_remembered_token_needs_no_thread(issuer: Issuer) -> None:
    asked = house(issuer, short=True)
    asked.ask("GET", "/fhir/Patient/1", GOOD)
    asked.door.lanes.close()  # who needs one now fails
    assert asked.ask("GET", "/fhir/Patient/1", GOOD).status == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}], ids=str)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_token_the_answer_is_401_and_says_where_one_is_had(
    issuer: Issuer, headers: dict[str, str], method: str
) -> None:
    asked = house(issuer, short=True)
    reply = asked.ask(method, "/fhir/Patient/1", headers)
    assert reply.status == 401
    # "If the request lacks any authentication information, the resource server SHOULD NOT include an error code"
    assert reply.headers["www-authenticate"] == f'Bearer realm="fhir", resource_metadata="{METADATA}"'
    assert reply.details == ["token-missing"]
    assert "http://127.0.0.1:8080/fhir/.well-known/smart-configuration" in reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert asked.actors == []
    assert issuer.asked == []


def test_a_token_that_proves_nothing_is_told_why(issuer: Issuer) -> None:
    reply = house(issuer, short=True).ask("GET", "/fhir/Patient/1", {"Authorization": "Bearer expired"})
    assert reply.status == 401
    assert reply.details == ["token-expired"]
    assert reply.headers["www-authenticate"] == (
        'Bearer realm="fhir", error="invalid_token", error_description="The access token has expired (exp): ask for a '
        f'new one.", resource_metadata="{METADATA}"'
    )


def test_the_reason_is_told_in_french_and_in_xml_where_that_is_asked_for(issuer: Issuer) -> None:
    headers = {"Authorization": "Bearer expired", "Accept-Language": "fr", "Accept": "application/fhir+xml"}
    reply = house(issuer).ask("GET", "/fhir/Patient/1", headers)
    assert reply.status == 401
    assert "Le jeton d'accès a expiré" in reply.body.decode()
    assert "has expired" in reply.headers["www-authenticate"]  # a header is ASCII


@pytest.mark.parametrize(
    ("token", "status", "detail"),
    [("roleless", 403, "token-role"), ("away", 503, "token-keys-away"), ("é", 401, "token-malformed")],
)
def test_other_refusals_of_a_token(issuer: Issuer, token: str, status: int, detail: str) -> None:
    reply = house(issuer).ask("GET", "/fhir/Patient", {"Authorization": f"Bearer {token}"})
    assert (reply.status, reply.details) == (status, [detail])
    assert ("retry-after" in reply.headers) == (status == 503)


def test_a_scope_that_is_missing_is_named_for_the_next_request_of_a_token(issuer: Issuer) -> None:
    refusal = Forbidden(SCOPE_MISSING.at(scope="system/Patient.r"), SCOPE_MISSING.at(scope="system/Patient.s"))
    reply = house(issuer, short=True, says=refusal).ask("GET", "/fhir/Patient/1", GOOD)
    assert reply.status == 403
    assert 'error="insufficient_scope"' in reply.headers["www-authenticate"]
    assert 'scope="system/Patient.r system/Patient.s"' in reply.headers["www-authenticate"]
    other = Forbidden(complaints.TOKEN_ROLE.at(roles="x"))
    assert "www-authenticate" not in house(issuer, says=other).ask("GET", "/fhir/Patient/1", GOOD).headers


def test_two_tokens_are_none(issuer: Issuer) -> None:
    asked = house(issuer, short=True)
    fields = [("Authorization", "Bearer good"), ("Authorization", "Bearer good")]
    assert asked.ask("GET", "/fhir/Patient/1", fields).details == ["token-malformed"]


@pytest.mark.parametrize("authorization", [None, "Bearer expired"])
def test_a_refusal_comes_before_the_body_is_read(issuer: Issuer, authorization: str | None) -> None:
    asked = house(issuer)
    fields = [(b"host", b"localhost:8080"), (b"content-type", b"application/fhir+json"), (b"content-length", b"9")]
    if authorization is not None:
        fields.append((b"authorization", authorization.encode()))
    scope = {
        "type": "http", "method": "POST", "path": "/fhir", "raw_path": b"/fhir", "query_string": b"", "headers": fields,
        "scheme": "http", "server": ("127.0.0.1", 8080),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(asked.door(scope, receive, send))
    assert sent[0]["status"] == 401
    assert asked.actors == []


def test_the_capability_statement_and_options_are_for_everybody(issuer: Issuer) -> None:
    asked = house(issuer)
    for headers in ({}, {"Authorization": "Bearer expired"}):
        assert asked.ask("GET", "/fhir/metadata", headers).status == 200
        assert asked.ask("OPTIONS", "/fhir/Patient/1", headers).status == 204
    assert asked.actors == [ANONYME, ANONYME]
    assert issuer.asked == []


@pytest.mark.parametrize("short", [True, False])
def test_without_an_issuer_an_authorization_header_means_nothing(short: bool) -> None:
    asked = House(short=short)
    assert asked.ask("GET", "/fhir/Patient/1", {"Authorization": "Bearer garbage"}).status == 200
    assert asked.actors == [ANONYME]


def test_the_log_names_the_role_and_never_the_token_or_the_person(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    asked = house(issuer, short=True, settings=Settings(builtin_issuer=True, log_requests=1))
    with caplog.at_level(logging.INFO, "fhir_gateway"):
        asked.ask("GET", "/fhir/Patient/1", GOOD)
        asked.ask("GET", "/fhir/Patient/1", GOOD)
        asked.ask("GET", "/fhir/Patient/1", {"Authorization": "Bearer expired"})
        asked.says = RuntimeError("a defect")
        asked.ask("GET", "/fhir/Patient/1", GOOD)
    lines = [JsonLines().format(record) for record in caplog.records]
    requests = [json.loads(line) for line in lines if '"message":"request"' in line]
    assert [line["role"] for line in requests] == ["plateforme", "plateforme", "anonyme", "plateforme"]
    for line in lines:
        assert "good" not in line
        assert "expired" not in line
        assert "labo" not in line


def test_no_metric_names_anybody(issuer: Issuer) -> None:
    asked = house(issuer)
    asked.ask("GET", "/fhir/Patient/1", GOOD)
    page = asked.metrics.page().decode()
    assert 'interaction="read"' in page
    assert "plateforme" not in page
    assert "labo" not in page


def test_while_one_token_is_verified_others_are_answered(issuer: Issuer) -> None:
    slow = asyncio.Event()

    def verified(token: str) -> tuple[Actor, float]:
        if token == "slow":
            loop.call_soon_threadsafe(slow.set)
            time.sleep(0.3)
            raise Unauthenticated(complaints.TOKEN_EXPIRED.at())
        return issuer(token)

    asked = House(
        Answer(200, PATIENT, 1, INSTANT), settings=SECURED, identity=Identity(verified, "b", METADATA), short=True
    )
    asked.ask("GET", "/fhir/Patient/1", GOOD)
    loop = asyncio.new_event_loop()
    order: list[str] = []

    async def one(token: str) -> None:
        reply = await ask(asked.door, "GET", "/fhir/Patient/1", [HOST, ("Authorization", f"Bearer {token}")], [b""])
        order.append(f"{token} {reply.status}")

    async def both() -> None:
        first = asyncio.ensure_future(one("slow"))
        await slow.wait()
        await one("good")
        await first

    loop.run_until_complete(both())
    loop.close()
    assert order == ["good 200", "slow 401"]
