"""Signed tokens: the door to joserfc, and nothing beyond what is needed here.

Source: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7519 (JWT); SMART Backend Services, "Advertising server support" (ES384 and
RS384).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

# Asymmetric ones only: a public key must never serve as the secret of an HMAC.
ALGORITHMS = ("ES384", "RS384", "ES256", "RS256", "PS256", "PS384")
LONGEST = 16_384  # characters of a token

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_OF_ALGORITHM = {"ES": "EC", "RS": "RSA", "PS": "RSA"}
_CURVES = {"ES256": "P-256", "ES384": "P-384"}
_LEAST_RSA_BITS = 2048


class BadSignature(Exception):
    """No key of the set made the signature."""


class Malformed(Exception):
    """A text that is no signed token, or a key set that is none."""


def unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token as they stand, believed by nobody yet. Raises: Malformed."""
    if len(token) > LONGEST or not _FORM.fullmatch(token):
        raise Malformed
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


class Keys:
    """The public keys of an issuer or a client."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def of(cls, key_set: Mapping[str, Any]) -> Keys:
        """Return the keys of a JWKS that can verify signatures; others are passed over. Raises: Malformed."""
        listed = key_set.get("keys")
        if not isinstance(listed, list):
            raise Malformed
        return cls([key for each in listed if isinstance(each, dict) and (key := _public(each)) is not None])

    def __len__(self) -> int:
        return len(self._keys)

    def fitting(self, algorithm: str, kid: object) -> list[Any]:
        """Return the keys that may have signed with an algorithm: the one of that id where one is named."""
        return [
            key
            for key in self._keys
            if key.key_type == _OF_ALGORITHM[algorithm[:2]]
            and (key.key_type != "EC" or key.curve_name == _CURVES[algorithm])
            and key.get("alg") in (None, algorithm)
            and (kid is None or key.kid == kid)
        ]

    def claims(self, token: str, algorithm: str, kid: object) -> dict[str, Any]:
        """Return the claims of a token that one of the keys has signed. Raises: BadSignature."""
        registry = JWSRegistry(algorithms=[algorithm])
        registry.max_payload_length = LONGEST
        for key in self.fitting(algorithm, kid):
            try:
                found: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
            except (JoseError, ValueError):
                continue
            return found
        raise BadSignature


def _public(key: Mapping[str, Any]) -> Any:
    if key.get("use") not in (None, "sig") or ("key_ops" in key and "verify" not in key["key_ops"]):
        return None
    if key.get("kty") not in ("EC", "RSA") or "d" in key:
        return None
    try:
        made = ECKey.import_key(dict(key)) if key["kty"] == "EC" else RSAKey.import_key(dict(key))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(made, RSAKey) and made.public_key.key_size < _LEAST_RSA_BITS:
        return None
    return made


class SigningKey:
    """A private key, kept as PEM or JWK, that signs tokens."""

    def __init__(self, key: ECKey | RSAKey) -> None:
        self._key = key
        self.kid = key.kid or key.thumbprint()
        self.algorithm = "ES384" if isinstance(key, ECKey) else "RS384"

    @classmethod
    def new(cls) -> SigningKey:
        """Return a new key of the curve P-384."""
        return cls(ECKey.generate_key("P-384"))

    @classmethod
    def of(cls, text: bytes) -> SigningKey:
        """Return the key of a PEM file or a JWK. Raises: Malformed."""
        try:
            if text.lstrip().startswith(b"{"):
                given = json.loads(text)
                return cls(ECKey.import_key(given) if given.get("kty") == "EC" else RSAKey.import_key(given))
            return cls(ECKey.import_key(text) if b"EC PRIVATE" in text else _of_pem(text))
        except (JoseError, ValueError, TypeError):
            raise Malformed from None

    def as_pem(self) -> bytes:
        return bytes(self._key.as_pem(private=True))

    def public(self) -> dict[str, Any]:
        """Return the JWK that verifies what this key signs."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def signed(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Return a signed token."""
        registry = JWSRegistry(algorithms=[self.algorithm])
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        return jwt.encode(head, dict(claims), self._key, algorithms=[self.algorithm], registry=registry)


def _of_pem(text: bytes) -> ECKey | RSAKey:
    try:
        return ECKey.import_key(text)
    except (JoseError, ValueError, TypeError):
        return RSAKey.import_key(text)


def key_set(keys: Sequence[SigningKey]) -> dict[str, Any]:
    """Return the JWKS of some keys."""
    return {"keys": [key.public() for key in keys]}


__all__ = ["ALGORITHMS", "LONGEST", "BadSignature", "Keys", "Malformed", "SigningKey", "key_set", "unverified"]
