"""The built-in issuer: access tokens for tests, demonstrations and small sites, signed with a key of this gateway.

Source: SMART App Launch 2.2.0, "Backend Services": the token endpoint; RFC 6749, sections 4.4 and 5; RFC 9068.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.clients import Assertions, Client, Refused
from fhir_gateway.policy.issuers import Issuer
from fhir_gateway.policy.jose import SigningKey, key_set
from fhir_gateway.policy.scopes import Scopes

LIFE = 300  # seconds: "should not exceed one hour"; SMART recommends five minutes


class BuiltinIssuer:
    """Issues tokens whose `iss` is `url`, meant for `audience` (the FHIR base URL)."""

    def __init__(
        self,
        url: str,
        audience: str,
        key: SigningKey,
        clients: Mapping[str, Client] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.url = url.rstrip("/")
        self.audience = audience
        self.token_url = f"{self.url}/token"
        self._key = key
        self._now = now
        self._assertions = Assertions(clients or {}, self.token_url, now)

    def issuer(self) -> Issuer:
        """Return how this issuer is trusted."""
        return Issuer(self.url, self.audience, jwks=f"{self.url}/jwks", algorithms=(self._key.algorithm,))

    def jwks(self) -> dict[str, Any]:
        return key_set([self._key])

    def answer(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer of the token endpoint to a form. Raises: Refused."""
        if form.get("grant_type") != "client_credentials":
            raise Refused("unsupported_grant_type", "grant_type is client_credentials")
        client = self._assertions.client(form.get("client_assertion_type", ""), form.get("client_assertion", ""))
        asked = scopes.read(form.get("scope", ""), levels=("system",))
        if asked.unknown or not asked.may:
            wrong = " ".join(asked.unknown) or "(none)"
            raise Refused("invalid_scope", f"scope {wrong}: a system asks for system/Type.cruds")
        if not asked.within(client.scopes):
            raise Refused("invalid_scope", "the client is not registered for all of this scope")
        token = self.token(client.id, client.role, client.organisation, asked, client=client.id)
        return {"access_token": token, "token_type": "bearer", "expires_in": LIFE, "scope": asked.text}

    def token(
        self,
        subject: str,
        role: str,
        organisation: str | None,
        granted: Scopes,
        client: str = "",
        rpps: str | None = None,
        life: int = LIFE,
    ) -> str:
        """Return an access token. Raises: ValueError for a role that there is not."""
        if role not in ROLES:
            raise ValueError(f"role {role}: there is {', '.join(ROLES)}")
        now = int(self._now())
        claims = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "client_id": client or subject,
            "iat": now,
            "exp": now + life,
            "jti": secrets.token_urlsafe(16),
            "scope": granted.text,
            "pfmg_role": role,
            **({"pfmg_organisation": organisation} if organisation else {}),
            **({"rpps": rpps} if rpps else {}),
        }
        return self._key.signed(claims, typ="at+jwt")


def kept_key(path: Path) -> SigningKey:
    """Return the key of a file, made with it when there is none; the file is its owner's only.

    Raises: OSError; Malformed for a file that holds no key.
    """
    try:
        return SigningKey.of(path.read_bytes())
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = SigningKey.new()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return SigningKey.of(path.read_bytes())  # another process was faster
        with os.fdopen(handle, "wb") as file:
            file.write(made.as_pem())
        return made
