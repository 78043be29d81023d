"""Generated dossiers as they stand once AURAGEN has made libraries: case number, a library for each person.

Source: GIP-CAD, ser_client-api, AURAGEN schemas (forms of the numbers).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY

KC_TABLES = {"auragen-indications": {f"F-{number:02}": f"IKC{number:04}" for number in range(1, 100)}}
TABLES = {"auragen-indications": {f"F-{number:02}": f"IMR{number:04}" for number in range(1, 100)}}


def at_auragen(number: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield dossiers of rare disease and oncogenetics in which each person has a tube, with case and libraries."""
    for place, each in enumerate(dossiers(number, seed)):
        held = each.resources()
        requests = [one for one in held if one["resourceType"] == "ServiceRequest" and one["status"] != "revoked"]
        tubes = {one["subject"]["reference"]: one for one in held if one["resourceType"] == "Specimen"}
        if not any("proband" in str(one["category"]) for one in requests):
            continue
        if each.number.startswith("KC") or any(one["subject"]["reference"] not in tubes for one in requests):
            continue
        yield _with_libraries(held, requests, tubes, each.number[:2], place)


def _with_libraries(
    held: list[dict[str, Any]], requests: list[dict[str, Any]], tubes: dict[str, Any], parcours: str, place: int
) -> list[dict[str, Any]]:
    made = copy.deepcopy([one for one in held if one not in requests])
    for at, request in enumerate(requests):
        kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]}
        filler = {"type": kind, "system": CASE, "value": f"{parcours}-{place:07}"}
        made.append({**request, "identifier": [*request["identifier"], filler]})
        tube = tubes[request["subject"]["reference"]]
        made.append(_library(tube, place, at))
    return made


def cancers_at_auragen(number: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yield dossiers of cancer of which a tumour was received, with case number and a library of each tube."""
    for place, each in enumerate(dossiers(number, seed)):
        held = each.resources()
        fit = [one for one in held if one["resourceType"] == "Specimen" and one["status"] == "available"]
        states = {
            "tumour" if "tumoral" in str(one["extension"]) else "normal": one for one in fit if "extension" in one
        }
        requests = [one for one in held if one["resourceType"] == "ServiceRequest"]
        if each.number.startswith("KC") and "tumour" in states and requests[0]["status"] != "revoked":
            made = copy.deepcopy([one for one in held if one not in requests])
            kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]}
            filler = {"type": kind, "system": CASE, "value": f"KC-{place:07}"}
            made.append({**requests[0], "identifier": [*requests[0]["identifier"], filler]})
            made += [_library(tube, place, at) for at, tube in enumerate(states.values())]
            yield made


def _library(tube: dict[str, Any], place: int, at: int) -> dict[str, Any]:
    keys = ("resourceType", "extension", "status", "type", "subject", "request", "collection")
    return {
        **{key: copy.deepcopy(tube[key]) for key in keys if key in tube},
        "id": f"lib-{place}-{at}",
        "identifier": [{"system": LIBRARY, "value": f"LIB{place:06}{at:02}"}],
        "parent": [{"reference": f"Specimen/{tube['id']}"}],
    }
