"""Keys of a file that its format does not have: kept beside the dossier, whole, and found again.

    {"patients": [{"colour": {"name": "red"}}]}  ->  an Observation of that person, with a component
                                                     code.text /patients/0/colour, valueString {"name":"red"}

A component says where a key stood (RFC 6901) and what it said as JSON, so that null, numbers and empty lists stay what
they were. What a stranger's key holds nobody knows: it is read by no rule, and leaves only for where it came from.

Source: FHIR R4, Observation.component; RFC 6901, JSON Pointer; RFC 8259, JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Complaint, Issue

SYSTEM: Final = f"{CANONICAL_BASE}/CodeSystem/cle-inconnue"
_LABORATORY: Final = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
_DECODER: Final = msgspec.json.Decoder(float_hook=Number)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=Decimal)
# Of whom a key speaks: the elements `subject` and, where it is of a sample, `specimen`.
Owner = Mapping[str, Any]

HOMELESS = Complaint(
    "file-unknown-key-homeless",
    "incomplete",
    en="The unknown key {where} of the file that was read is not written: what held it is not in this file. It stays "
    "in the dossier.",
    fr="La clé inconnue {where} du fichier lu n'est pas écrite : ce qui la portait n'est pas dans ce fichier. Le "
    "dossier la garde.",
    severity="warning",
)
STAYS = Complaint(
    "file-unknown-key-stays",
    "informational",
    en="{count} unknown keys of a file that was read stay in the dossier: the format allows no others than its own.",
    fr="{count} clés inconnues d'un fichier lu restent dans le dossier : le format n'en admet pas d'autres que les "
    "siennes.",
    severity="information",
)


def observations(format: str, unknown: Mapping[str, Any], owner: Callable[[str], Owner]) -> list[dict[str, Any]]:
    """Return what keeps keys (by JSON pointer), an Observation for each `owner`. `format`: a code of `SYSTEM`."""
    made: dict[str, dict[str, Any]] = {}
    for where, value in unknown.items():
        of = owner(where)
        kept = made.setdefault(
            repr(of),
            {
                "resourceType": "Observation",
                "status": "final",
                "category": [{"coding": [_LABORATORY]}],
                "code": {"coding": [{"system": SYSTEM, "code": format}]},
                **of,
                "component": [],
            },
        )
        kept["component"].append({"code": {"text": where}, "valueString": _ENCODER.encode(value).decode()})
    return list(made.values())


def is_kept(observation: Mapping[str, Any], format: str) -> bool:
    """Tell whether an Observation keeps keys of a format."""
    codings = observation.get("code", {}).get("coding", ())
    return any(each.get("system") == SYSTEM and each.get("code") == format for each in codings)


def is_of(observation: Mapping[str, Any], organisation: str) -> bool:
    """Tell whether an organisation ("system|value") sent the file whose keys an Observation keeps: it performed it."""
    named = (each.get("identifier", {}) for each in observation.get("performer", ()))
    return any(f"{each.get('system', '')}|{each.get('value', '')}" == organisation for each in named)


def told(observation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield where each key stood, with what it said."""
    for each in observation.get("component", ()):
        yield str(each["code"]["text"]), _DECODER.decode(str(each["valueString"]).encode())


def staying(resources: Iterable[Mapping[str, Any]], format: str) -> list[Issue]:
    """Return what is told of keys that a dossier keeps of a format whose schema is closed."""
    kept = (each for each in resources if each["resourceType"] == "Observation" and is_kept(each, format))
    count = sum(len(each["component"]) for each in kept)
    return [STAYS.at("Observation.component", count=count)] if count else []


def steps(where: str) -> list[str]:
    """Return the keys and places of a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in where.split("/")[1:]]


def put_back(tree: dict[str, Any], where: str, value: Any) -> bool:
    """Put a key where what holds it is there and has it not; tell whether that was so. An item of a list comes back at
    its place, or at the end."""
    *way, last = steps(where)
    here: Any = tree
    for place, step in enumerate(way):
        if isinstance(here, list):
            here = here[int(step)] if step.isdecimal() and int(step) < len(here) else None
        elif isinstance(here, dict) and step not in here and not any(each.isdecimal() for each in way[place:]):
            # Objects that say nothing else were left out; a list that is not there has no item to put a key into.
            here = here.setdefault(step, [] if last.isdecimal() and place == len(way) - 1 else {})
        else:
            here = here.get(step) if isinstance(here, dict) else None
    if isinstance(here, list) and last.isdecimal():
        here.insert(int(last), value)
        return True
    if not isinstance(here, dict) or last in here:
        return False
    here[last] = value
    return True
