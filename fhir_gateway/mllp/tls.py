"""TLS of a listener: its own certificate, and those that senders must have.

Source: IHE ITI TF-2, 3.19 (Authenticate Node): both ends have certificates; RFC 9325 (TLS 1.2 at least).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class BadCertificate(Exception):
    """A file of a certificate or key that cannot be used; the text says which and why."""


def context_of(certificate: Path, key: Path | None, authority: Path) -> ssl.SSLContext:
    """Return what a listener speaks TLS by: `authority` issues the certificates that senders must have.

    Raises: BadCertificate.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_cert_chain(certificate, key)
        made.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(str(each) for each in (certificate, key, authority) if each is not None)
        raise BadCertificate(f"{names}: {getattr(error, 'strerror', None) or error}") from None
    return made


def names_of(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in a certificate that was verified: its common name, and the DNS names it is for."""
    common = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return frozenset([*common, *(value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")])
