"""From a bearer token to the actor it speaks for: everything about it is checked, in an order that leaks nothing.

Source: RFC 6750; RFC 7519, "Registered Claim Names"; RFC 8725, "JSON Web Token Best Current Practices"; RFC 9068;
SMART App Launch 2.2.0; the Pro Santé Connect guide, "SubjectNameID", "SubjectOrganizationID".
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fhir_gateway.fhir.outcome import Complaint, Forbidden, Unauthenticated, Unavailable
from fhir_gateway.policy import complaints, scopes
from fhir_gateway.policy.actor import ROLES, Actor, Kind, Role
from fhir_gateway.policy.issuers import Fetch, Issuer, KeysAway, KeySource, key_source
from fhir_gateway.policy.jose import LONGEST, BadSignature, Malformed, unverified
from fhir_gateway.policy.scopes import Scopes

_SKEW = 60  # seconds that clocks may differ
_LONGEST_CACHED = 300.0  # seconds
_CACHED = 4096  # tokens
_RPPS = re.compile(r"8?(\d{11})")


class Verifier:
    """Verifies bearer tokens of several issuers; what was verified is remembered until it expires.

    Safe for any number of threads.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        fetch: Fetch,
        now: Callable[[], float] = time.time,
        sources: Mapping[str, KeySource] | None = None,
    ) -> None:
        self._issuers = {issuer.url: issuer for issuer in issuers}
        own = sources or {}
        self._keys = {url: own.get(url) or key_source(issuer, fetch) for url, issuer in self._issuers.items()}
        self._now = now
        self._known: dict[bytes, tuple[Actor, float]] = {}

    def actor(self, token: str) -> Actor:
        """Return the actor that a token speaks for. Raises: as `verified`."""
        return self.verified(token)[0]

    def verified(self, token: str) -> tuple[Actor, float]:
        """Return the actor that a token speaks for, and until when it need not be verified again (Unix time).

        Raises: Unauthenticated for a token that proves nothing, Forbidden for one that names no role here,
        Unavailable where the issuer's keys cannot be had.
        """
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(key)
        if known is not None and self._now() < known[1]:
            return known
        actor, until = self._verified(token)
        if len(self._known) >= _CACHED:
            self._known.clear()
        found = self._known[key] = (actor, min(until, self._now() + _LONGEST_CACHED))
        return found

    def _verified(self, token: str) -> tuple[Actor, float]:
        try:
            header, hearsay = unverified(token)
        except Malformed:
            raise _refused(complaints.TOKEN_MALFORMED, limit=LONGEST) from None
        issuer = self._issuers.get(str(hearsay.get("iss")))
        if issuer is None:
            raise _refused(complaints.TOKEN_ISSUER)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in issuer.algorithms or "crit" in header:
            raise _refused(complaints.TOKEN_ALGORITHM, accepted=", ".join(issuer.algorithms))
        try:
            keys = self._keys[issuer.url].keys(algorithm, header.get("kid"))
            claims = keys.claims(token, algorithm, header.get("kid"))
        except KeysAway:
            raise Unavailable(complaints.KEYS_AWAY.at()) from None
        except BadSignature:
            raise _refused(complaints.TOKEN_SIGNATURE) from None
        until = self._timely(claims)
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused(complaints.TOKEN_AUDIENCE, audience=issuer.audience)
        return actor_of(issuer, claims), until

    def _timely(self, claims: Mapping[str, Any]) -> float:
        """Return until when claims hold. Raises: Unauthenticated where they do not hold now."""
        times = {name: _instant(claims, name) for name in ("exp", "nbf", "iat")}
        until = times["exp"]
        if until is None:
            raise _refused(complaints.TOKEN_CLAIM, claim="exp")
        now = self._now()
        if now >= until + _SKEW:
            raise _refused(complaints.TOKEN_EXPIRED)
        if any(each is not None and each > now + _SKEW for each in (times["nbf"], times["iat"])):
            raise _refused(complaints.TOKEN_TOO_EARLY)
        return until


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise _refused(complaints.TOKEN_CLAIM, claim=name)
    return float(value)


def actor_of(issuer: Issuer, claims: Mapping[str, Any]) -> Actor:
    """Return the actor that verified claims speak of. Raises: Unauthenticated, Forbidden."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _refused(complaints.TOKEN_CLAIM, claim="sub")
    rpps = _rpps(claims)
    role, organisation = _role_of(issuer, claims), _organisation(issuer, claims)
    if rpps is not None and rpps in issuer.people:
        known_role, known_organisation = issuer.people[rpps]
        role, organisation = role or known_role, organisation or known_organisation
    if role not in ROLES:
        raise Forbidden(complaints.TOKEN_ROLE.at(roles=", ".join(ROLES)))
    kind: Kind = "person" if rpps is not None else "system"
    granted = claims.get("scope", "")
    text = " ".join(granted) if isinstance(granted, list) else str(granted)
    client = claims.get("client_id") or claims.get("azp") or ""
    named: Role = role  # type: ignore[assignment]  # it is among ROLES
    return Actor(named, kind, subject, issuer.url, str(client), organisation, rpps, _granted(issuer, text))


def _granted(issuer: Issuer, text: str) -> Scopes:
    """Return what a token's scopes grant; those of the level `patient` nothing, as no patient is launched here."""
    if not any(each.startswith(("patient/", "user/", "system/")) for each in text.split()):
        text = f"{text} {issuer.scopes}"
    return scopes.read(text, levels=("user", "system"))


def _role_of(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    value = claims.get(issuer.role)
    for each in value if isinstance(value, list) else [value]:
        role = issuer.roles.get(str(each)) if issuer.roles else each
        if isinstance(role, str) and role in ROLES:
            return role
    return None


def _organisation(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    """Return the identifier of the structure acted for, "system|value"; None where the token names none."""
    name = issuer.organisation if issuer.organisation in claims else "SubjectOrganizationID"
    found = claims.get(name)
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise _refused(complaints.TOKEN_CLAIM, claim=name)
    system, bar, value = found.partition("|") if "|" in found else (issuer.organisation_system, "|", found)
    if not system or not value:
        raise _refused(complaints.TOKEN_CLAIM, claim=name)
    return f"{system}{bar}{value}"


def _rpps(claims: Mapping[str, Any]) -> str | None:
    """Return the RPPS number: Pro Santé Connect gives the national identifier, an 8 before the RPPS's 11 digits."""
    for name in ("rpps", "SubjectNameID"):
        value = claims.get(name)
        found = _RPPS.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            return found[1]
    return None


def _refused(complaint: Complaint, **values: object) -> Unauthenticated:
    return Unauthenticated(complaint.at(None, **values))
