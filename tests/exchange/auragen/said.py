"""What a dossier says of what AURAGEN's files carry, read off without any code of the room.

Source: GIP-CAD, ser_client-api, AURAGEN schemas; profiles/pfmg.
"""

from __future__ import annotations

import json
from typing import Any

from fhir_gateway.exchange.auragen.people import LIBRARY


def said(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a dossier says of what the format carries, by library; read off without any code of the room."""
    names: dict[str, str] = {}
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in resources:
        if each.get("status") not in ("revoked", "entered-in-error"):
            by_type.setdefault(each["resourceType"], []).append(each)
    for each in by_type["Specimen"]:
        for one in each["identifier"]:
            if one["system"] == LIBRARY:
                names[_whose(each["subject"])] = one["value"]

    def who(reference: dict[str, Any]) -> str:
        return names[_whose(reference)]

    people = {
        names.get(f"Patient/{each.get('id')}", each["identifier"][0]["value"]): (each["gender"], each["birthDate"][:4])
        for each in by_type["Patient"]
        if f"Patient/{each.get('id')}" in names or each["identifier"][0]["system"] == LIBRARY
    }
    signs, affected = set(), {}
    for each in by_type["Observation"]:
        coding = each["code"]["coding"][0]
        if coding["code"].startswith("HP:") and each["valueCodeableConcept"]["coding"][0]["code"] == "LA9633-4":
            signs.add((who(each["subject"]), coding["code"]))
        elif coding["code"] == "103309006":
            affected[who(each["subject"])] = each["valueBoolean"]
    edges = set()
    for each in by_type.get("FamilyMemberHistory", ()):
        record = next(one["valueReference"] for one in each["extension"] if "patient-record" in one["url"])
        code = each["relationship"]["coding"][0]["code"]
        edges.add((who(each["patient"]), {"NSIS": "SIB", "NBRO": "SIB"}.get(code, code.lstrip("N")), who(record)))
    probands = {
        who(each["subject"])
        for each in by_type["ServiceRequest"]
        if any(one["coding"][0]["code"] == "proband" for one in each["category"])
    }
    return {
        "people": people,
        "affected": affected,
        "signs": {each for each in signs if each[0] in probands},
        "edges": edges,
        "proband": probands,
    }


def _whose(reference: dict[str, Any]) -> str:
    return reference.get("reference") or reference["identifier"]["value"]


def said_of_tumour(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a dossier of cancer says of what the format carries; read off without any code of the room."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in resources:
        by_type.setdefault(each["resourceType"], []).append(each)
    libraries, made_of = {}, []
    for each in by_type["Specimen"]:
        numbers = [one["value"] for one in each["identifier"] if one["system"] == LIBRARY]
        if numbers:
            state = "tumour" if _of_tumour(each) or _of_tumour(_parent(each, by_type["Specimen"])) else "normal"
            libraries[state] = numbers[0]
            if state == "tumour":
                made_of.append(_parent(each, by_type["Specimen"]))
    (tube,) = made_of
    (patient,) = [each for each in by_type["Patient"] if "gender" in each]
    own = [each for each in by_type.get("Observation", []) if _is_cellularity(each)]
    own = [each for each in own if _names(each["specimen"], tube)]
    kept = [one["code"] for one in tube.get("type", {}).get("coding", ()) if one["code"].startswith("tumeur")]
    return {
        "libraries": libraries,
        "person": (patient["gender"], patient["birthDate"][:4]),
        "sampled": tube["collection"]["collectedDateTime"][:10],
        "kept": {"tumeur-ffpe": "ffpe", "tumeur-congelee": "frozen"}[kept[0]] if kept else _kept(tube),
        "cellularity": [_class(each) for each in own],
    }


def _of_tumour(specimen: dict[str, Any]) -> bool:
    texts = json.dumps([specimen.get("extension"), specimen.get("type")])
    return "tumoral" in texts or "tumeur" in texts or '"tumour"' in texts


def _parent(library: dict[str, Any], specimens: list[dict[str, Any]]) -> dict[str, Any]:
    for reference in library.get("parent", ()):
        for each in specimens:
            if _names(reference, each):
                return each
    return library


def _names(reference: dict[str, Any], specimen: dict[str, Any]) -> bool:
    if "reference" in reference:
        return bool(reference["reference"] == f"Specimen/{specimen.get('id')}")
    return any(reference["identifier"]["value"] == each["value"] for each in specimen.get("identifier", ()))


def _kept(tube: dict[str, Any]) -> str | None:
    told = json.dumps(tube.get("condition"))
    return "frozen" if "FROZ" in told else "ffpe" if "ffpe" in told else None


def _class(observation: dict[str, Any]) -> str:
    """Return the class of a share: AURAGEN has eight."""
    if "valueRange" in observation:
        low = float(observation["valueRange"]["low"]["value"])
    else:
        low = float(observation["valueQuantity"]["value"])
        low = 0 if observation["valueQuantity"].get("comparator") == "<" else low
    bounds = (("100", 100), ("80", 80), ("50", 50), ("30", 30), ("20-29", 20), ("10-19", 10), ("1-9", 1), ("<1", 0))
    return next(name for name, bound in bounds if low >= bound)


def _is_cellularity(observation: dict[str, Any]) -> bool:
    return bool(observation["code"]["coding"][0]["code"] == "371510003")
