"""A trio in plain R4, without profiles or codes of PFMG: what any hospital and any laboratory could exchange.

Everybody and everything here is invented. The INS numbers stand under the test OID 1.2.250.1.213.1.4.10 and begin with
a 9, which no registered person's number does; RPPS and FINESS numbers begin with 99 for the same reason.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

PLATFORM = "https://finess.esante.gouv.fr|990000023"
DOSSIER_SYSTEM = f"{CANONICAL_BASE}/identifier/dossier"
STORED_DOSSIER = "DOSSIER-0001"


def example(name: str, dossier: str = STORED_DOSSIER) -> dict[str, Any]:
    """Return one of the files beside this one, of the dossier numbered `dossier`."""
    text = (Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8")
    resource: dict[str, Any] = json.loads(text.replace(STORED_DOSSIER, dossier), parse_float=Decimal)
    return resource
