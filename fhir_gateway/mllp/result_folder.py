"""A folder of results: a platform's file is imported once it is said to be whole, and the answer is written beside it.

In `<folder>/<FINESS>/` a file `case.json` is whole when `case.json.ok` lies beside it; `case.json.sha256`, where it is
there, must be its digest. It is imported for that platform, `case.json.ack` written (the Parameters of $import-result,
or an OperationOutcome), the file renamed to `case.json.done` or `case.json.failed`, and the sign removed. Ended at any
moment, all of it is done again: what was imported already makes nothing new.

Source: `profiles/pfmg/input/fsh/operations.fsh`, import-result; the national collector's folder layout (final `.ok`).
"""

from __future__ import annotations

import logging
import os
from binascii import b2a_base64
from contextlib import suppress
from pathlib import Path
from typing import Any

from fhir_gateway.dossier.codes import FINESS
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import FhirError, operation_outcome
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.perform import perform
from fhir_gateway.interactions.result_complaints import TOO_LARGE
from fhir_gateway.mllp.watched_folder import WatchedFolder, write_whole
from fhir_gateway.policy.scopes import read as scopes
from fhir_gateway.store.lease import Lease

log = logging.getLogger(__name__)

_DIGEST, _ANSWER, _DONE, _FAILED = ".sha256", ".ack", ".done", ".failed"


def platform_of(number: str) -> Actor:
    """Return who imports what lies in the folder of a FINESS number."""
    granted = scopes("system/*.cruds")
    return Actor("plateforme", "folder", f"folder {number}", "", "folder", f"{FINESS}|{number}", None, granted)


class ResultFolder(WatchedFolder):
    """A folder with a folder for each platform."""

    signs, name = "*/*.ok", "result-folder"

    def __init__(self, folder: Path, gateway: Gateway, base: str, largest: int) -> None:
        super().__init__(folder)
        self._lease = Lease(gateway.everything.store, "result-folder")
        self._gateway = gateway
        self._base = base
        self._largest = largest

    def stop(self) -> None:
        """End after the file at work, and leave the folder to another process."""
        super().stop()
        with suppress(FhirError):  # the database is away: the lease lapses by itself
            self._lease.let_go()

    def look(self) -> int:
        """Take in what is whole, where no other process on this database does. Raises: OSError, Unavailable."""
        return super().look() if any(self._folder.glob(self.signs)) and self._lease.held() else 0

    def take(self, sign: Path) -> bool:
        file = sign.with_suffix("")
        if not self._lease.held():
            return False
        try:
            if file.stat().st_size > self._largest:
                log.error("result too large", extra={"fields": {"bytes": file.stat().st_size}})
                return self._settle(sign, file, _refusal_of_size(self._largest), failed=True)
            data = file.read_bytes()
        except FileNotFoundError:
            # Renamed before the process ended, or a sign without a file.
            if any(file.with_name(file.name + each).exists() for each in (_DONE, _FAILED)):
                sign.unlink(missing_ok=True)
            return False
        digest = file.with_name(file.name + _DIGEST)
        wanted = digest.read_text("ascii", "replace").split()[:1] if digest.exists() else []
        try:
            answer = perform(self._gateway, self._asked(file.name, data, wanted), platform_of(file.parent.name))
        except FhirError as refusal:
            if refusal.status in (429, 503):
                return False  # the database is away, or busy: the file waits
            told = encode(operation_outcome(refusal.issues, "fr"))
            return self._settle(sign, file, told, failed=True)
        return self._settle(sign, file, answer.body or b"", failed=False)

    def _asked(self, name: str, data: bytes, digest: list[str]) -> Interaction:
        return asked(self._base, name, data, [{"name": "empreinte", "valueString": each} for each in digest])

    def _settle(self, sign: Path, file: Path, answer: bytes, failed: bool) -> bool:
        write_whole(file.with_name(file.name + _ANSWER), answer)
        os.replace(file, file.with_name(file.name + (_FAILED if failed else _DONE)))
        sign.unlink(missing_ok=True)
        log.info("result taken in", extra={"fields": {"failed": failed}})
        return True


def asked(base: str, name: str, data: bytes, more: list[dict[str, Any]], request: str | None = None) -> Interaction:
    """Return the interaction $import-result of a file. `request`: the id of the request that is asked."""
    text = b2a_base64(data, newline=False).decode()
    binary = {"resourceType": "Binary", "contentType": "application/octet-stream", "data": text}
    parameters = [{"name": "fichier", "resource": binary}, {"name": "nom", "valueString": name}, *more]
    resource = {"resourceType": "Parameters", "parameter": parameters}
    return Interaction(
        "operation", "ServiceRequest", request, operation="import-result", resource=resource, base=base, language="fr"
    )


def _refusal_of_size(most: int) -> bytes:
    return encode(operation_outcome([TOO_LARGE.at(most=most)], "fr"))
