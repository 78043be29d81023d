"""What the erasure of a resource leaves behind for the summaries of dossiers: keys, and nothing of what it said.

`dossier_summary` finds what was written by its instant; what was erased for good has none any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fhir_gateway.store.contract import Row
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.sharing import Gone

REQUEST: Final = "ServiceRequest"
# What speaks of a person or a request, and what is named, as far as statistics look at it.
SPEAKING: Final = frozenset({"Consent", "Specimen", "DiagnosticReport", "Task"})
NAMED: Final = frozenset({"Patient", "PractitionerRole", "Organization"})
COUNTING: Final = frozenset({REQUEST, *SPEAKING, *NAMED})
ERASED: Final = ("rk", "instant")


def leaving(gone: Iterable[Gone], instant: int) -> list[Row]:
    """Return the rows of `dossier_erased` for resources that are about to be erased at an instant (µs)."""
    return [(rk_of(each.type, each.id), instant) for each in gone if each.type in COUNTING]
