"""From the settings to whom this gateway believes: the issuers of tokens, their keys, the built-in issuer.

Source: SMART App Launch 2.2.0, "Backend Services"; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.delivery.keys import fetched
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from fhir_gateway.policy.clients import clients_of
from fhir_gateway.policy.issuers import Issuer, KeySource
from fhir_gateway.policy.jose import Keys, Malformed
from fhir_gateway.policy.tokens import Verifier
from fhir_gateway.settings import Settings
from fhir_gateway.trusted_issuers import TrustedIssuer


class NoTrust(Exception):
    """A file that identity rests on cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What verifies tokens, and the built-in issuer where it is on."""

    verifier: Verifier
    builtin: BuiltinIssuer | None


def trust_of(settings: Settings) -> Trust | None:
    """Return whom these settings trust; None where no issuer is configured and everybody is nobody in particular.

    Raises: NoTrust for a file of keys that holds none; BadClients with all that is wrong with the file of clients.
    """
    if not settings.knows_who_asks:
        return None
    issuers = [issuer_of(each, settings.base_url) for each in settings.issuers]
    sources = {each.url: _of_file(Path(each.jwks)) for each in issuers if each.jwks and "://" not in each.jwks}
    builtin = builtin_issuer(settings) if settings.builtin_issuer else None
    if builtin is not None:
        own = builtin.issuer()
        issuers.append(own)
        sources[own.url] = _known(json.dumps(builtin.jwks()).encode())
    return Trust(Verifier(issuers, fetched, sources=sources), builtin)


def builtin_issuer(settings: Settings, with_clients: bool = True) -> BuiltinIssuer:
    """Return the built-in issuer with its kept key. Raises: NoTrust, BadClients."""
    path = settings.issuer_key_file
    try:
        if settings.issuer_key is None:
            settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = kept_key(path)
    except Malformed:
        raise NoTrust(f"{path} holds no private key of EC (P-384) or RSA") from None
    except OSError as error:
        raise NoTrust(f"{path}: {error.strerror or error}") from None
    clients = clients_of(settings.clients, fetched) if with_clients and settings.clients is not None else {}
    return BuiltinIssuer(settings.builtin_issuer_url, settings.base_url, key, clients)


def issuer_of(given: TrustedIssuer, base_url: str) -> Issuer:
    """Return an issuer as policy knows it."""
    return Issuer(
        given.url,
        given.audience or base_url,
        jwks=given.jwks,
        algorithms=given.algorithms,
        role=given.role,
        roles=given.roles,
        organisation=given.organisation,
        organisation_system=given.organisation_system,
        people={rpps: (person.role, person.organisation) for rpps, person in given.people.items()},
        scopes=given.scopes,
    )


def _of_file(path: Path) -> KeySource:
    """Return keys that are read anew like fetched ones, from a file that must be good at start."""
    try:
        found = len(Keys.of(json.loads(path.read_bytes())))
    except (OSError, ValueError, Malformed, AttributeError):
        found = 0
    if not found:
        raise NoTrust(f"{path} holds no JSON Web Key Set with a public key of EC or RSA (2048 bits or more)")
    return KeySource(str(path), lambda place: Path(place).read_bytes())


def _known(jwks: bytes) -> KeySource:
    return KeySource("own", lambda _: jwks)
