"""Which result files were imported into a dossier: told by the Provenance of each import.

Source: `fhir_gateway/interactions/operations/dossier_import.py`; FHIR R4, Provenance, "entity".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fhir_gateway.dossier.codes import RESULT_FILE
from fhir_gateway.dossier.dossier import Dossier

FILE: Final = RESULT_FILE


@dataclass(frozen=True, slots=True)
class Imported:
    """An import: when, which file (SHA-256, name), of which format; `source`: the name of what tells it."""

    date: str
    digest: str
    name: str
    format: str
    source: str


def imports(dossier: Dossier) -> tuple[Imported, ...]:
    """Return the imports into a dossier, in the order of their dates."""
    return tuple(sorted(_imports(dossier), key=lambda each: each.date))


def _imports(dossier: Dossier) -> Iterator[Imported]:
    mine = {held.key for held in dossier.requests}
    for held in dossier.of_type("Provenance"):
        named = [each.get("what", {}) for each in held.resource.get("entity", ())]
        files = [each for each in named if each.get("identifier", {}).get("system") == FILE]
        if not files or not any(dossier.key(each) in mine for each in named if "reference" in each):
            continue
        agents = [each.get("who", {}) for each in held.resource.get("agent", ())]
        format = next((str(each["display"]) for each in agents if "display" in each), "-")
        for each in files:
            digest = str(each["identifier"].get("value", ""))
            yield Imported(
                str(held.resource.get("recorded", "")), digest, str(each.get("display", "-")), format, held.key
            )
