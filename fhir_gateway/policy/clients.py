"""The clients that the built-in issuer knows: a file of theirs, and the assertions by which they say who they are.

Source: SMART App Launch 2.2.0, "Backend Services" and "Asymmetric authentication": private_key_jwt, RFC 7523.
"""

from __future__ import annotations

import json
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.issuers import Fetch, KeysAway, KeySource
from fhir_gateway.policy.jose import BadSignature, Keys, Malformed, unverified
from fhir_gateway.policy.scopes import Scopes

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# "Servers SHALL support ES384 and RS384" and nothing is gained by more.
ALGORITHMS = ("ES384", "RS384")
_LONGEST_LIFE = 300  # seconds: "no more than five minutes in the future"
_SKEW = 30


class BadClients(Exception):
    """A file of clients that cannot be used; the text says why, every problem in a line."""


class Refused(Exception):
    """An answer of RFC 6749, section 5.2: `error` and what a developer needs to mend it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Client:
    """A registered system. `keys`: where its public keys come from: fetched from its `jwks_url`, or given."""

    id: str
    role: str
    organisation: str | None
    scopes: Scopes
    source: KeySource | None
    keys: Keys | None

    def keys_for(self, algorithm: str, kid: object) -> Keys:
        """Return the client's keys. Raises: KeysAway."""
        if self.source is not None:
            return self.source.keys(algorithm, kid)
        if self.keys is None:
            raise KeysAway
        return self.keys


def clients_of(path: Path, fetch: Fetch) -> dict[str, Client]:
    """Return the clients of a TOML file by id.

    Each table `[client-id]` has role, organisation, scope, and either jwks or jwks_url. Raises: BadClients with all
    that is wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadClients(f"{path}: {error}") from None
    found: dict[str, Client] = {}
    problems: list[str] = []
    for id, table in tables.items():
        try:
            found[id] = _client(id, table, fetch)
        except Malformed:
            problems.append(f"{path}: [{id}] jwks is no JSON Web Key Set")
        except ValueError as error:
            problems.append(f"{path}: [{id}] {error}")
    if problems:
        raise BadClients("\n".join(problems))
    return found


def _client(id: str, table: Any, fetch: Fetch) -> Client:
    if not isinstance(table, dict):
        raise ValueError("is no table")
    extra = table.keys() - {"role", "organisation", "scope", "jwks", "jwks_url"}
    if extra:
        raise ValueError(f"has {', '.join(sorted(extra))}, which means nothing")
    if table.get("role") not in ROLES:
        raise ValueError(f"role is none of {', '.join(ROLES)}")
    organisation = table.get("organisation")
    if organisation is not None and (not isinstance(organisation, str) or not all(organisation.partition("|")[::2])):
        raise ValueError("organisation is no identifier, system|value")
    granted = scopes.read(str(table.get("scope", "system/*.cruds")), levels=("system",))
    if granted.unknown:
        raise ValueError(f"scope {' '.join(granted.unknown)} is none that can be granted to a system")
    if ("jwks" in table) == ("jwks_url" in table):
        raise ValueError("needs either jwks or jwks_url")
    url = table.get("jwks_url")
    if url is not None and not str(url).startswith("https://"):
        raise ValueError("jwks_url begins with https://")
    jwks = table.get("jwks")
    keys = None if jwks is None else Keys.of(json.loads(jwks) if isinstance(jwks, str) else jwks)
    if keys is not None and not len(keys):
        raise ValueError("jwks holds no public key of RSA (2048 bits or more) or EC")
    source = None if url is None else KeySource(str(url), fetch)
    return Client(id, str(table["role"]), table.get("organisation"), granted, source, keys)


class Assertions:
    """Checks the assertions of clients, and that each is used once; safe for any number of threads.

    `token_url`: what an assertion's `aud` must be.
    """

    def __init__(self, clients: Mapping[str, Client], token_url: str, now: Callable[[], float] = time.time) -> None:
        self._clients = clients
        self._token_url = token_url
        self._now = now
        self._lock = threading.Lock()
        self._used: dict[tuple[str, str], float] = {}

    def client(self, assertion_type: str, assertion: str) -> Client:
        """Return the client whose assertion it is. Raises: Refused (invalid_client, invalid_request)."""
        if assertion_type != ASSERTION_TYPE:
            raise Refused("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}")
        try:
            header, hearsay = unverified(assertion)
        except Malformed:
            raise Refused("invalid_client", "client_assertion is no signed JWT") from None
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS or "crit" in header:
            raise Refused("invalid_client", "client_assertion is signed with ES384 or RS384")
        client = self._clients.get(str(hearsay.get("iss")))
        if client is None or hearsay.get("sub") != hearsay.get("iss"):
            raise Refused("invalid_client", "iss and sub of the client_assertion are both the client_id")
        try:
            keys = client.keys_for(algorithm, header.get("kid"))
            claims = keys.claims(assertion, algorithm, header.get("kid"))
        except KeysAway:
            raise Refused("temporarily_unavailable", "the client's jwks_url does not answer") from None
        except BadSignature:
            raise Refused("invalid_client", "no key of the client made this signature") from None
        self._check(client, claims)
        return client

    def _check(self, client: Client, claims: Mapping[str, Any]) -> None:
        audience, until, jti = claims.get("aud"), claims.get("exp"), claims.get("jti")
        if self._token_url not in (audience if isinstance(audience, list) else [audience]):
            raise Refused("invalid_client", f"aud of the client_assertion is {self._token_url}")
        now = self._now()
        if isinstance(until, bool) or not isinstance(until, int | float) or until > now + _LONGEST_LIFE + _SKEW:
            raise Refused("invalid_client", "exp of the client_assertion is at most five minutes ahead")
        if until < now - _SKEW:
            raise Refused("invalid_client", "the client_assertion has expired")
        if not isinstance(jti, str) or not 0 < len(jti) <= 200:
            raise Refused("invalid_client", "jti of the client_assertion is a text of its own for each")
        with self._lock:
            self._used = {key: end for key, end in self._used.items() if end >= now - _SKEW}
            if (client.id, jti) in self._used:
                raise Refused("invalid_client", "the client_assertion was used before: make a new one, with a new jti")
            self._used[(client.id, jti)] = float(until)
