"""The issuers that are trusted, and their keys, which they may change at any time.

Source: OpenID Connect Discovery 1.0, "jwks_uri"; OpenID Connect Core 1.0, "Rotation of Asymmetric Signing Keys"; SMART
App Launch 2.2.0, "Asymmetric authentication".
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.policy.jose import ALGORITHMS, Keys, Malformed

Fetch = Callable[[str], bytes]  # raises OSError when there is nothing to be had

_KEPT = 3600.0  # seconds that keys are believed
_AT_LEAST = 30.0  # seconds between two fetches, however many tokens name keys that are not known


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer by its `iss`, which is compared to the letter.

    `jwks`: where its keys are, a URL or a file; None: as its discovery document says. `audience`: what a token's `aud`
    must hold. `role`: the claim that names the role, or lists roles, by `roles` (its value to ours; empty: ours).
    `organisation`: the claim that holds the identifier of the structure acted for, in the system `organisation_system`.
    `people`: role and organisation of persons by RPPS, where the tokens do not say (Pro Santé Connect). `scopes`: what
    a token without any SMART scope is granted, for issuers that know none of them.
    """

    url: str
    audience: str
    jwks: str | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    role: str = "pfmg_role"
    roles: Mapping[str, str] = field(default_factory=dict)
    organisation: str = "pfmg_organisation"
    organisation_system: str = "https://finess.esante.gouv.fr"
    people: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    scopes: str = ""


class KeysAway(Exception):
    """The keys cannot be had, and none are known."""


class KeySource:
    """The keys of one issuer: fetched when first needed, again after an hour, and when a token names one not known.

    Safe for any number of threads; one of them fetches, the others take what is known, or wait where nothing is yet.
    """

    def __init__(self, place: str, fetch: Fetch, discovered: bool = False, now: Callable[[], float] = time.monotonic):
        self._place = place
        self._fetch = fetch
        self._discovered = discovered
        self._now = now
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._tried = float("-inf")
        self._had = float("-inf")

    def keys(self, algorithm: str, kid: object) -> Keys:
        """Return the keys, fetched anew where none of them fits. Raises: KeysAway."""
        known = self._keys
        now = self._now()
        if known is not None and now - self._had < _KEPT and known.fitting(algorithm, kid):
            return known
        if known is None or now - self._tried >= _AT_LEAST:
            with self._lock:
                if now - self._tried >= _AT_LEAST:
                    self._tried = now
                    self._renew(now)
        if self._keys is None:
            raise KeysAway
        return self._keys

    def _renew(self, now: float) -> None:
        """Fetch the keys; where that fails the known ones go on being believed."""
        try:
            place = self._place
            if self._discovered:
                place = str(_read(self._fetch(place))["jwks_uri"])
            self._keys = Keys.of(_read(self._fetch(place)))
            self._had = now
        except (OSError, Malformed, KeyError):
            return


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


def key_source(issuer: Issuer, fetch: Fetch) -> KeySource:
    """Return where the keys of an issuer come from."""
    if issuer.jwks is not None:
        return KeySource(issuer.jwks, fetch)
    return KeySource(f"{issuer.url.rstrip('/')}/.well-known/openid-configuration", fetch, discovered=True)
