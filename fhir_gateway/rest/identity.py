"""Who sends a request, by its Authorization header; and how one who proves nothing is told.

Source: RFC 6750, "Authorization Request Header Field", "The WWW-Authenticate Response Header Field"; RFC 9728.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import time

from fhir_gateway.fhir.outcome import FhirError, Unauthenticated
from fhir_gateway.interactions.complaints import SCOPE_MISSING
from fhir_gateway.interactions.interaction import Actor
from fhir_gateway.policy.complaints import TOKEN_MISSING

Verified = Callable[[str], tuple[Actor, float]]  # a token → its actor, and until when (Unix time); raises FhirError

_REMEMBERED = 4096
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(.*)", re.DOTALL)
# RFC 6750: "Values for the error_description attribute MUST NOT include characters outside" these.
_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")


class Identity:
    """Tells who sends a request. `metadata`: the URL of the protected resource's metadata; `base`: the FHIR base URL.

    Safe for any number of threads.
    """

    def __init__(self, verified: Verified, base: str, metadata: str) -> None:
        self._verified = verified
        self._base = base
        self._metadata = metadata
        self._remembered: dict[bytes | None, tuple[Actor, float]] = {}

    def known(self, authorization: bytes | None) -> Actor | None:
        """Return the actor of an Authorization header that was verified before and still holds, else None."""
        found = self._remembered.get(authorization)
        return found[0] if found is not None and time() < found[1] else None

    def actor(self, authorization: bytes | None) -> Actor:
        """Return the actor of an Authorization header. Blocks while the keys of its issuer are fetched.

        Raises: Unauthenticated for a header that proves nothing or is missing, Forbidden for a token without a role,
        Unavailable where its issuer's keys cannot be had.
        """
        known = self.known(authorization)
        if known is not None:
            return known
        found = _BEARER.fullmatch(authorization or b"")
        if found is None:
            # Another scheme is no credential that is understood here: as if there were none.
            raise Unauthenticated(TOKEN_MISSING.at(None, base=self._base))
        actor, until = self._verified(found[1].strip().decode("latin-1"))
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[authorization] = (actor, until)
        return actor

    def challenge(self, refusal: FhirError) -> bytes | None:
        """Return the WWW-Authenticate header of a refusal; None where a token would not help.

        "If the request lacks any authentication information, the resource server SHOULD NOT include an error code."
        """
        lacking = [issue.values["scope"] for issue in refusal.issues if issue.complaint is SCOPE_MISSING]
        if not lacking and not isinstance(refusal, Unauthenticated):
            return None
        parts = ['Bearer realm="fhir"']
        issue = refusal.issues[0]
        if issue.complaint is not TOKEN_MISSING:
            parts.append(f'error="{"insufficient_scope" if lacking else "invalid_token"}"')
            parts.append(f'error_description="{_UNQUOTABLE.sub("", issue.text("en"))}"')
        if lacking:
            parts.append(f'scope="{" ".join(dict.fromkeys(lacking))}"')
        parts.append(f'resource_metadata="{self._metadata}"')
        return ", ".join(parts).encode()
