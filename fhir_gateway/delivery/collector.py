"""What becomes of a deposit with the national collector: laid down, acknowledged, refused, or to be tried again.

Source: reference: CAD, ACK ("AA accepted; AE with no ERR-4 = E accepted with warnings; AR or unknown failed").
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.delivery.ftps import (
    CannotBeDeposited,
    Fetched,
    FtpsAddress,
    FtpsPatience,
    NotDeposited,
    answers,
    deposit,
)
from fhir_gateway.delivery.mllp_client import context_of
from fhir_gateway.exchange.cad.answer import Acknowledgement, read_acknowledgement
from fhir_gateway.exchange.cad.complaints import UnreadableAnswer
from fhir_gateway.exchange.cad.folder import Folder
from fhir_gateway.store.outbox import State, Tried


@dataclass(frozen=True, slots=True)
class Said:
    """An acknowledgement of a deposit: what it says, the file as it came."""

    acknowledgement: Acknowledgement
    file: Fetched


def tried(address: FtpsAddress, patience: FtpsPatience, folder: Folder) -> Tried:
    """Lay a deposit down and return what came of it: sent (its acknowledgement comes later), rejected, or queued."""
    try:
        deposit(address, patience, folder)
    except CannotBeDeposited as error:
        return Tried("rejected", str(error), address=str(address))
    except NotDeposited as error:
        return Tried("queued", str(error), address=str(address))
    return Tried("sent", "deposited", address=str(address))


def said(
    address: FtpsAddress, patience: FtpsPatience, folder: str, control: str, known: Iterable[str] = ()
) -> Said | None:
    """Return the acknowledgement of a deposit, the last by its name; None where it has none yet.

    `control`: MSH-10 of the deposit. What cannot be read, or answers another deposit of the same dossier, is none: it
    may be half-written. `known`: names that were judged before. Raises: NotDeposited.
    """
    last: Said | None = None
    for file in answers(address, patience, folder, frozenset(known)):
        try:
            found = read_acknowledgement(file.data)
        except UnreadableAnswer:
            continue  # still being written, or none: it is looked at again the next time
        if found.of == control:
            last = Said(found, file)
    return last


def verdict(said: Said) -> Tried:
    """Return what an acknowledgement makes of a deposit; one that failed is not repeated as it is."""
    found = said.acknowledgement
    detail = {"code": found.code[:20], "outcome": found.outcome, "remarks": len(found.remarks)}
    state: State = "rejected" if found.outcome == "failed" else "acknowledged"
    return Tried(state, found.code[:20], answer=said.file.data, detail=detail)


def collector_context(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """Return what TLS is spoken by with the collector: 1.3, both sides with a certificate. Raises: BadCertificates."""
    made = context_of(certificate, key, authority)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    return made
