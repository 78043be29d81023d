"""The golden pairs of reports that are sent: `<name>.json` says what is written to whom, `<name>.hl7` what it becomes.

Source: mappings/README.md.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from fhir_gateway.exchange.hl7v2.sending import Recipient, written
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.json import decode
from fhir_gateway.transform.writers import Writers

FOLDER = data_folder("mappings") / "hl7v2" / "golden" / "out"
ALL = sorted(FOLDER.glob("*.json"))
PAIRS = [path for path in ALL if path.stem.startswith(("oru_", "mdm_"))]


def asked(path: Path) -> dict[str, Any]:
    """Return what a pair asks to be written."""
    found: dict[str, Any] = decode(path.read_bytes().replace(PLACEHOLDER.encode(), CANONICAL_BASE.encode()))
    return found


def recipient_of(ask: dict[str, Any], **more: Any) -> Recipient:
    said = ask["recipient"]
    return Recipient(tuple(said["sending"]), tuple(said["receiving"]), frozenset(said["systems"]), **more)


def report_of(ask: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = next(
        each for each in ask["resources"] if f"{each['resourceType']}/{each['id']}" == ask["about"]
    )
    return about


def made(ask: dict[str, Any], rules: Writers | None = None, **more: Any) -> bytes:
    """Return the message that a pair asks for."""
    return written(
        ask["event"],
        report_of(ask),
        ask["resources"],
        recipient_of(ask, **more),
        control=ask["control"],
        at=datetime.fromisoformat(ask["at"]),
        document=ask.get("document", ""),
        replaces=ask.get("replaces", ""),
        rules=rules,
    )
