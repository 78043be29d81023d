"""Generated dossiers as they stand once SeqOIA has taken them: numbers of dossier, analysis and persons.

Source: GIP-CAD, ser_client-api, SPICE examples (forms of the numbers).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.seqoia.formats import keys_of
from fhir_gateway.exchange.seqoia.keys import ANALYSIS, CASE, ID_ANON

_CODES = (f"F-{number:02}" for number in range(1, 96))
# An operator's table, for the national codes that no single key of SeqOIA is public for.
TABLES = {"seqoia-preindications": {code: f"p1-sp9{code[2:]}" for code in _CODES if len(keys_of(code)) != 1}}
_V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def at_seqoia(number: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield dossiers with the numbers that SeqOIA gives."""
    for place, each in enumerate(dossiers(number, seed)):
        yield taken(each.resources(), place)


def taken(resources: list[dict[str, Any]], place: int) -> list[dict[str, Any]]:
    """Return the resources of a dossier with SeqOIA's numbers."""
    made = copy.deepcopy(resources)
    persons = 0
    for each in made:
        if each["resourceType"] == "ServiceRequest":
            kind = {"coding": [{"system": _V2, "code": "FILL"}]}
            each.setdefault("identifier", []).append({"type": kind, "system": CASE, "value": f"{place:024x}"})
        elif each["resourceType"] == "Patient":
            persons += 1
            kind = {"coding": [{"system": _V2, "code": "ANON"}]}
            each["identifier"].append({"type": kind, "system": ID_ANON, "value": f"{place:04X}{persons:02}"})
        elif each["resourceType"] == "Procedure" and "basedOn" in each:
            each["identifier"].append({"system": ANALYSIS, "value": f"{place:05}"})
    return made
