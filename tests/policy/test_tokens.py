"""Bearer tokens: what an honest client sends is understood, and what an attacker sends proves nothing.

Source: RFC 8725; RFC 6750; the table of attacks of the issue "Identity and policy".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import FhirError, Forbidden, Unauthenticated, Unavailable
from fhir_gateway.policy import scopes
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer
from fhir_gateway.policy.issuers import Issuer, KeySource
from fhir_gateway.policy.jose import SigningKey
from fhir_gateway.policy.tokens import Verifier

URL, AUDIENCE, NOW = "https://issuer.example.org", "https://gateway.example.org/fhir", 1_800_000_000
KEY, OTHER_KEY = SigningKey.new(), SigningKey.new()
GOOD: dict[str, Any] = {
    "iss": URL, "aud": AUDIENCE, "sub": "laboratoire", "exp": NOW + 300, "iat": NOW, "scope": "system/*.rs",
    "pfmg_role": "plateforme", "pfmg_organisation": "690043534",
}  # fmt: skip


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def jwks(*keys: SigningKey) -> bytes:
    return json.dumps({"keys": [key.public() for key in keys]}).encode()


def verifier(clock: Clock | None = None, **changes: Any) -> Verifier:
    issuer = Issuer(URL, AUDIENCE, jwks=f"{URL}/jwks", **changes)
    return Verifier([issuer], lambda url: jwks(KEY), clock or Clock())


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def hmac_with_public_key() -> str:
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(GOOD)}"
    made = hmac.new(json.dumps(KEY.public()).encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{part(made)}"


def altered() -> str:
    header, _, signature = KEY.signed(GOOD).split(".")
    return f"{header}.{part({**GOOD, 'pfmg_role': 'administrateur'})}.{signature}"


ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: f"{part({'alg': 'none'})}.{part(GOOD)}.{part(b'x')}", "token-algorithm"),
    "alg none without signature": (lambda: f"{part({'alg': 'none'})}.{part(GOOD)}.", "token-malformed"),
    "alg None as a list": (lambda: f"{part({'alg': ['ES384']})}.{part(GOOD)}.{part(b'x')}", "token-algorithm"),
    "an HMAC with the public key": (hmac_with_public_key, "token-algorithm"),
    "another key of the same id": (lambda: OTHER_KEY.signed(GOOD, kid=KEY.kid), "token-signature"),
    "a key nobody published": (lambda: OTHER_KEY.signed(GOOD), "token-signature"),
    "a key brought along": (lambda: OTHER_KEY.signed(GOOD, jwk=OTHER_KEY.public()), "token-signature"),
    "claims altered after signing": (altered, "token-signature"),
    "another issuer": (lambda: KEY.signed({**GOOD, "iss": "https://elsewhere.example.org"}), "token-issuer"),
    "no issuer": (lambda: KEY.signed({**GOOD, "iss": None}), "token-issuer"),
    "another audience": (lambda: KEY.signed({**GOOD, "aud": "https://elsewhere.example.org"}), "token-audience"),
    "an audience that begins alike": (lambda: KEY.signed({**GOOD, "aud": AUDIENCE + "/x"}), "token-audience"),
    "expired": (lambda: KEY.signed({**GOOD, "exp": NOW - 61}), "token-expired"),
    "not yet valid": (lambda: KEY.signed({**GOOD, "nbf": NOW + 61}), "token-too-early"),
    "issued in the future": (lambda: KEY.signed({**GOOD, "iat": NOW + 61}), "token-too-early"),
    "for ever": (lambda: KEY.signed({k: v for k, v in GOOD.items() if k != "exp"}), "token-claim"),
    "exp that is text": (lambda: KEY.signed({**GOOD, "exp": "9999999999"}), "token-claim"),
    "exp that is true": (lambda: KEY.signed({**GOOD, "exp": True}), "token-claim"),
    "nobody": (lambda: KEY.signed({**GOOD, "sub": ""}), "token-claim"),
    "a critical header that is not understood": (
        lambda: f"{part({'alg': 'ES384', 'crit': ['exp']})}.{part(GOOD)}.{part(b'x')}", "token-algorithm"),
    "oversized": (lambda: KEY.signed({**GOOD, "x": "y" * 20_000}), "token-malformed"),
    "garbage": (lambda: "garbage", "token-malformed"),
    "three parts of garbage": (lambda: "a.b.c", "token-malformed"),
    "empty": (lambda: "", "token-malformed"),
    "a header of deep arrays": (lambda: f"{part(b'[' * 9000)}.{part(GOOD)}.{part(b'x')}", "token-malformed"),
    "characters outside base64url": (lambda: "é.é.é", "token-malformed"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_proves_nothing_and_the_reason_helps_an_honest_client(attack: str) -> None:
    make, detail = ATTACKS[attack]
    with pytest.raises(Unauthenticated) as refused:
        verifier().actor(make())
    [issue] = refused.value.issues
    assert issue.complaint.detail == detail
    assert "plateforme" not in issue.text()
    assert "laboratoire" not in issue.text()


def test_a_token_speaks_for_the_actor_it_names() -> None:
    actor = verifier().actor(KEY.signed(GOOD))
    assert (actor.role, actor.kind, actor.subject, actor.issuer) == ("plateforme", "system", "laboratoire", URL)
    assert actor.organisation == "https://finess.esante.gouv.fr|690043534"
    assert actor.scopes.allow("ServiceRequest", "r")
    assert not actor.scopes.allow("ServiceRequest", "c")


@pytest.mark.parametrize("organisation", [None, ""])
def test_a_token_may_speak_for_no_organisation(organisation: str | None) -> None:
    assert verifier().actor(KEY.signed({**GOOD, "pfmg_organisation": organisation})).organisation is None


@pytest.mark.parametrize("organisation", ["|690043534", "https://finess.esante.gouv.fr|", ["690043534"], 690043534])
def test_an_organisation_that_cannot_be_understood_is_told_rather_than_left_out(organisation: object) -> None:
    with pytest.raises(Unauthenticated) as refused:
        verifier().actor(KEY.signed({**GOOD, "pfmg_organisation": organisation}))
    assert refused.value.issues[0].values == {"claim": "pfmg_organisation"}


def test_one_of_several_audiences_is_enough() -> None:
    assert verifier().actor(KEY.signed({**GOOD, "aud": ["https://other.example.org", AUDIENCE]})).role == "plateforme"


def test_clocks_may_differ_by_a_minute() -> None:
    assert verifier().actor(KEY.signed({**GOOD, "exp": NOW - 59, "nbf": NOW + 59})).role == "plateforme"


def test_a_role_that_there_is_not_is_forbidden_rather_than_unknown() -> None:
    with pytest.raises(Forbidden):
        verifier().actor(KEY.signed({**GOOD, "pfmg_role": "roi"}))


def test_a_person_of_pro_sante_connect_has_the_role_that_the_site_gave_the_rpps_number() -> None:
    claims = {k: v for k, v in GOOD.items() if not k.startswith("pfmg")} | {"SubjectNameID": "899700000000"}
    people = {"99700000000": ("prescripteur", "https://finess.esante.gouv.fr|750000000")}
    actor = verifier(people=people).actor(KEY.signed(claims))
    assert (actor.role, actor.kind, actor.rpps) == ("prescripteur", "person", "99700000000")
    assert actor.organisation == "https://finess.esante.gouv.fr|750000000"


def test_an_issuers_own_words_for_roles_are_translated() -> None:
    issuing = verifier(role="groups", roles={"GEN-PRESC": "prescripteur"})
    assert issuing.actor(KEY.signed({**GOOD, "groups": ["ALL", "GEN-PRESC"]})).role == "prescripteur"
    with pytest.raises(Forbidden):
        issuing.actor(KEY.signed({**GOOD, "groups": ["administrateur"]}))


def test_a_verified_token_is_remembered_until_it_expires_and_no_longer() -> None:
    clock, asked = Clock(), []
    source = KeySource("keys", lambda url: asked.append(url) or jwks(KEY), now=clock)  # type: ignore[func-returns-value]
    checking = Verifier([Issuer(URL, AUDIENCE)], lambda url: b"", clock, {URL: source})
    token = KEY.signed(GOOD)
    assert checking.actor(token) is checking.actor(token)
    clock.now = NOW + 361
    with pytest.raises(FhirError) as refused:
        checking.actor(token)
    assert refused.value.issues[0].complaint.detail == "token-expired"


def test_a_rotated_key_is_fetched_when_a_token_names_it_but_not_at_every_attackers_wish() -> None:
    clock, published, asked = Clock(), [KEY], []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return jwks(*published)

    checking = Verifier([Issuer(URL, AUDIENCE, jwks="keys")], fetch, clock, {URL: KeySource("keys", fetch, now=clock)})
    checking.actor(KEY.signed(GOOD))
    published[:] = [OTHER_KEY]
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            checking.actor(OTHER_KEY.signed({**GOOD, "jti": str(len(asked))}))
    assert len(asked) == 1
    clock.now += 31
    assert checking.actor(OTHER_KEY.signed(GOOD)).role == "plateforme"
    assert len(asked) == 2


def test_keys_that_cannot_be_had_are_no_fault_of_the_token() -> None:
    def away(url: str) -> bytes:
        raise OSError("no route")

    checking = Verifier([Issuer(URL, AUDIENCE)], away, Clock())
    with pytest.raises(Unavailable):
        checking.actor(KEY.signed(GOOD))


def test_who_comes_while_keys_are_fetched_for_the_first_time_waits_for_them() -> None:
    fetching, go_on = threading.Event(), threading.Event()

    def slow(url: str) -> bytes:
        fetching.set()
        assert go_on.wait(10)
        return jwks(KEY)

    checking = Verifier([Issuer(URL, AUDIENCE, jwks="keys")], slow, Clock())
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(checking.actor, KEY.signed(GOOD))
        assert fetching.wait(10)
        second = threads.submit(checking.actor, KEY.signed({**GOOD, "jti": "2"}))
        done, _ = wait([second], 0.1)
        assert not done
        go_on.set()
        assert first.result(10).role == second.result(10).role == "plateforme"


def test_the_built_in_issuers_tokens_are_understood() -> None:
    issuer = BuiltinIssuer("https://gateway.example.org/auth", AUDIENCE, KEY, now=Clock())
    checking = Verifier([issuer.issuer()], lambda url: json.dumps(issuer.jwks()).encode(), Clock())
    token = issuer.token("essai", "prescripteur", "a|1", scopes.read("user/*.cruds"), rpps="99700000000")
    actor = checking.actor(token)
    assert (actor.role, actor.organisation, actor.rpps) == ("prescripteur", "a|1", "99700000000")
    with pytest.raises(ValueError, match="prescripteur"):
        issuer.token("essai", "roi", None, scopes.NO_SCOPES)
