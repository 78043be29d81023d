"""What was sent, by the schema: snake_case and fields of version 1 upgraded, unknown keys and wrong types told.

Source: GA4GH Phenopacket Schema 2.0 and 1.0; protobuf, "ProtoJSON" (lowerCamelCase, the name of the .proto accepted).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fhir_gateway.exchange.json_tree import json_object
from fhir_gateway.exchange.phenopacket import complaints
from fhir_gateway.exchange.phenopacket.schema import SCHEMA
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import InvalidRequest, Issue

_SNAKE: Final = re.compile(r"_([a-z0-9])")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_IS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | str) and not isinstance(value, bool) and _is_integer(value),
    "timestamp": lambda value: isinstance(value, str) and _TIMESTAMP.fullmatch(value) is not None,
    "map": lambda value: isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
    "any": lambda value: True,
}
# What each message is nothing without. "!": refused; "?": told (the examples of the schema's own tools lack it).
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "Family": ("id!", "proband!", "pedigree?", "metaData?"),
    "Phenopacket": ("id?", "metaData?"),
    "Individual": ("id!",),
    "PhenotypicFeature": ("type!",),
    "Disease": ("term!",),
    "Biosample": ("id!",),
    "File": ("uri!",),
    "OntologyClass": ("id!", "label?"),
    "Person": ("individualId!",),
    "Interpretation": ("id!",),
    "MetaData": ("created?", "createdBy?", "resources?", "phenopacketSchemaVersion?"),
    "Resource": ("id?", "name?", "url?", "version?", "namespacePrefix?", "iriPrefix?"),
}


def _is_integer(value: int | str) -> bool:
    return isinstance(value, int) or re.fullmatch(r"-?\d+", value) is not None


def _age(value: Any) -> Any:
    """Version 1: {"age": "P10Y"} for what is {"age": {"iso8601duration": "P10Y"}}."""
    return {"age": {"iso8601duration": value["age"]}} if isinstance(value.get("age"), str) else {"age": value}


def _hts_file(value: Any) -> Any:
    attributes = {"fileFormat": str(value.get("htsFormat", value.get("hts_format", ""))).lower()}
    attributes["genomeAssembly"] = value.get("genomeAssembly", value.get("genome_assembly", ""))
    attributes["description"] = value.get("description", "")
    people = value.get("individualToSampleIdentifiers", value.get("individual_to_sample_identifiers"))
    known = {"htsFormat", "hts_format", "genomeAssembly", "genome_assembly", "description", "uri",
             "individualToSampleIdentifiers", "individual_to_sample_identifiers"}  # fmt: skip
    made = {"uri": value.get("uri", ""), "fileAttributes": {name: each for name, each in attributes.items() if each}}
    if people is not None:
        made["individualToFileIdentifiers"] = people
    return {**made, **{name: each for name, each in value.items() if name not in known}}


# Fields of version 1: the message and its field, the field of version 2, what becomes of an object that stands there.
UPGRADES: Final[Mapping[tuple[str, str], tuple[str, Callable[[Any], Any]]]] = {
    ("Phenopacket", "htsFiles"): ("files", _hts_file),
    ("Family", "htsFiles"): ("files", _hts_file),
    ("Individual", "ageAtCollection"): ("timeAtLastEncounter", _age),
    ("PhenotypicFeature", "negated"): ("excluded", lambda value: value),
    ("PhenotypicFeature", "ageOfOnset"): ("onset", _age),
    ("PhenotypicFeature", "classOfOnset"): ("onset", lambda value: {"ontologyClass": value}),
    ("Disease", "ageOfOnset"): ("onset", _age),
    ("Disease", "classOfOnset"): ("onset", lambda value: {"ontologyClass": value}),
}


@dataclass(slots=True)
class Tidied:
    """What was sent, in the names of version 2. `unknown`: the pointers of keys that no message has."""

    value: dict[str, Any]
    message: str
    unknown: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def check(data: bytes) -> list[Issue]:
    """Return all that is wrong with a Phenopacket or a Family, unknown keys among it, with JSON pointers.

    Raises: InvalidRequest for what is not JSON.
    """
    return tidied(data).issues


def tidied(data: bytes) -> Tidied:
    """Return a Phenopacket or a Family (it has a proband) as version 2 has it, and all that is wrong with it.

    Raises: InvalidRequest for what is not JSON, nested too deep, or has a key twice.
    """
    value = decode(data)
    if not isinstance(value, dict):
        return Tidied({}, "Phenopacket", issues=[complaints.NOT_AN_OBJECT.at()])
    try:
        json_object(data)
    except ValueError as reason:
        raise InvalidRequest(complaints.UNREADABLE.at(None, reason=str(reason))) from None
    message = "Family" if "proband" in value else "Phenopacket"
    found = Tidied({}, message)
    found.value = _message(value, message, "", found)
    _whole(found)
    return found


def pointer(*steps: str | int) -> str:
    """Return a JSON pointer (RFC 6901) below which `steps` stand: the first is a pointer itself."""
    first, *others = steps
    return "".join([str(first), *(f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in others)])


def _message(value: dict[str, Any], message: str, at: str, found: Tidied) -> dict[str, Any]:
    fields, made = SCHEMA[message], {}
    for key, each in value.items():
        place = pointer(at, key)
        name = key if key in fields else _SNAKE.sub(lambda match: match[1].upper(), key)
        if each is None:
            continue
        if (message, name) in UPGRADES and name not in fields:
            name, change = UPGRADES[message, name]
            each = _changed(each, change)
            found.issues.append(complaints.UPGRADED.at(place, pointer=place, now=name))
        if name not in fields or (name != key and name in value):
            found.unknown.append(place)
            found.issues.append(complaints.UNKNOWN_KEY.at(place, pointer=place))
            made[key] = each
        else:
            made[name] = _field(each, fields[name], place, found)
    for wanted in REQUIRED.get(message, ()):
        if wanted[:-1] not in made:
            complaint = complaints.REQUIRED if wanted.endswith("!") else complaints.REQUIRED_TOLD
            place = pointer(at, wanted[:-1])
            # An empty object says nothing, and lacks nothing.
            if made or (wanted.endswith("!") and value) or not at:
                found.issues.append(complaint.at(place, pointer=place))
    return made


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return change(value) if isinstance(value, dict) or change is not _age else value


def _field(value: Any, kind: str, at: str, found: Tidied) -> Any:
    if kind.endswith("*"):
        if not isinstance(value, list):
            found.issues.append(complaints.WRONG_TYPE.at(at, pointer=at, wanted="a list"))
            return value
        return [_field(each, kind[:-1], pointer(at, place), found) for place, each in enumerate(value)]
    if kind in SCHEMA:
        if not isinstance(value, dict):
            found.issues.append(complaints.WRONG_TYPE.at(at, pointer=at, wanted=kind))
            return value
        return _message(value, kind, at, found)
    allowed = kind.split(" ")[1:] if kind.startswith("enum ") else None
    if not (value in allowed if allowed is not None and isinstance(value, str) else _IS.get(kind, _no)(value)):
        found.issues.append(complaints.WRONG_TYPE.at(at, pointer=at, wanted=kind.replace("enum ", "one of ")))
    return value


def _no(value: Any) -> bool:
    return False


def _whole(found: Tidied) -> None:
    """Tell what no single message shows: packets without subject, versions that are not read."""
    for at, packet in packets(found):
        subject = packet.get("subject")
        if not isinstance(subject, dict) or "id" not in subject or not str(subject["id"]).strip():
            place = pointer(at, "subject")
            found.issues.append(complaints.NO_SUBJECT.at(place, pointer=place))
    for at, holder in [("", found.value), *packets(found)]:
        meta = holder.get("metaData")
        version = meta.get("phenopacketSchemaVersion") if isinstance(meta, dict) else None
        if isinstance(version, str) and not re.match(r"[12](\.|$)", version):
            place = pointer(at, "metaData", "phenopacketSchemaVersion")
            found.issues.append(complaints.VERSION.at(place, pointer=place, version=version))


def packets(found: Tidied) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Phenopackets with their pointers, the proband's first."""
    if found.message == "Phenopacket":
        yield "", found.value
        return
    if isinstance(found.value.get("proband"), dict):
        yield "/proband", found.value["proband"]
    relatives = found.value.get("relatives", [])
    for place, each in enumerate(relatives if isinstance(relatives, list) else []):
        if isinstance(each, dict):
            yield pointer("/relatives", place), each
