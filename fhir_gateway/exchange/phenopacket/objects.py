"""An object of a phenopacket into resources and what is kept of it, and resources back into an object, by the rules.

Values are arranged before rules see them: an OntologyClass gets the code system of its prefix, an Age its number and
unit; what cannot be said so is left out. Kept is what does not come back: the object less what its resources say.

Source: mappings/platforms/phenopacket; GA4GH Phenopacket Schema 2.0.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_gateway.exchange.phenopacket import complaints
from fhir_gateway.exchange.phenopacket.formats import ALIASES, OF, STATUS, rules
from fhir_gateway.exchange.phenopacket.ontologies import Codes
from fhir_gateway.exchange.phenopacket.schema import SCHEMA
from fhir_gateway.exchange.phenopacket.values import day_or_instant, lettered, quantity, timestamp
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.transform.fhir_source import FhirSource
from fhir_gateway.transform.tree_source import TreeSource

Resource = Mapping[str, Any]
ORIGIN: Final = f"{CANONICAL_BASE}/StructureDefinition/origine"
_COUNT: Final = re.compile(r"[1-9]\d{0,17}|0", re.ASCII)
# Codes of components that a PhenotypicFeature speaks of; those of which there is one.
_ONE: Final = ("424850005", "HP:0003674", "HP:0012824")
_COMPONENTS: Final = frozenset({*_ONE, "HP:0012823", "81259-4"})


# --- from the format


def resources_of(
    message: str, value: Mapping[str, Any], of: str, codes: Codes
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the resources that an object becomes, and what of it found no place (without what is empty). `of`: whom it
    is about, a reference."""
    told = {**arranged(message, value, codes), STATUS: _status(message, value), OF: of}
    if message == "PhenotypicFeature":
        # An Observation has a code: where it cannot be coded, the text that it has.
        kind = value.get("type", {})
        told.setdefault("type", {"label": str(kind.get("label") or kind.get("id")).strip() or "-"})
    made = applied(message, told)
    if not made or made[0]["resourceType"] != ALIASES[message]:
        made.insert(0, {"resourceType": ALIASES[message]})
    said = object_of(message, _named(message, made), Codes(codes.declared), "")
    return made, pruned(minus(value, said))


def _status(message: str, value: Mapping[str, Any]) -> str | None:
    if message == "Disease":
        return "refuted" if value.get("excluded") else "confirmed"
    return {"PhenotypicFeature": "final", "File": "current"}.get(message)


def applied(message: str, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the rules make of an object as it is arranged."""
    every = rules()
    source = TreeSource([every.keys.segment(message, 1, value, "")], b"")
    return [each.resource for each in every.read[message].apply(source).instances]


def _named(message: str, made: Sequence[Resource]) -> list[tuple[str, Resource]]:
    """Return what an object became under the names that it is written by: beside an Individual stand Observations."""
    if message != "Individual":
        return [(message, each) for each in made]
    patient, *others = made
    return [(message, patient), *(("Age" if "valueQuantity" in each else "Karyotype", each) for each in others)]


def arranged(message: str, value: Mapping[str, Any], codes: Codes) -> dict[str, Any]:
    """Return an object as rules want it; what they cannot be told is left out."""
    made: dict[str, Any] = {}
    for name, kind in SCHEMA[message].items():
        if name not in value:
            continue
        each = value[name]
        if kind.endswith("*"):
            listed = [_arranged(kind[:-1], one, codes) for one in each]
            found: Any = None if any(one is None for one in listed) else listed
        else:
            found = _arranged(kind, each, codes)
        if found not in (None, {}, []):
            made[name] = found
    if "uri" in made and not _is_word(made["uri"]):
        del made["uri"]
    if "dateOfBirth" in made:
        made["dateOfBirth"] = _birth(str(value["dateOfBirth"]))
    return made


def _birth(instant: str) -> dict[str, str]:
    """Return a day, and the instant where it is none that stands for the day alone."""
    day = {"day": instant.partition("T")[0]}
    return {**day, "instant": instant} if day_or_instant(instant) == instant else day


def _arranged(kind: str, value: Any, codes: Codes) -> Any:
    if kind == "OntologyClass":
        coding = codes.coding(value)
        return None if coding is None else {**coding, "label": value.get("label")}
    if kind == "Age":
        return quantity(value.get("iso8601duration")) if value.keys() == {"iso8601duration"} else None
    if kind == "map":
        return {name: each for name, each in value.items() if _MAPPED.get(name, _is_plain)(each)}
    if kind == "timestamp":
        return day_or_instant(value)
    if kind in SCHEMA:
        return arranged(kind, value, codes)
    if kind == "bool" or kind.startswith("enum ") or kind == "integer":
        return value
    return value if kind == "string" and _is_plain(value) else None


def _is_plain(text: str) -> bool:
    """Tell whether FHIR can hold a text as it is: neither empty nor with blanks around it, no control characters."""
    return bool(text) and text.strip() == text and all(sign >= " " or sign in "\t\n\r" for sign in text)


def _is_word(text: str) -> bool:
    """Tell whether a uri or code may be a text: without blanks."""
    return _is_plain(text) and len(text.split()) == 1


def _is_count(text: str) -> bool:
    return _COUNT.fullmatch(text) is not None


# Values of maps that FHIR holds as more than a text.
_MAPPED: Final[Mapping[str, Callable[[str], bool]]] = {"size": _is_count, "contentType": _is_word}


def pruned(value: Any) -> Any:
    """Return a value without empty objects and lists inside it: they say nothing."""
    if isinstance(value, dict):
        inside = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in inside.items() if each not in ({}, [])}
    return [pruned(each) for each in value] if isinstance(value, list) else value


def minus(value: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object less what another says just so; a list, and a value of another text, as a whole."""
    left: dict[str, Any] = {}
    for name, each in value.items():
        if isinstance(each, dict) and isinstance(said.get(name), dict):
            inside = minus(each, said[name])
            if inside:
                left[name] = inside
        elif (name not in said or said[name] != each) and not (name == "excluded" and each is False):
            left[name] = copy.deepcopy(each)
    return left


# --- to the format


def object_of(message: str, named: Sequence[tuple[str, Resource]], codes: Codes, at: str) -> dict[str, Any]:
    """Return what resources, each under its name, become. `at`: where they stand; what cannot be said is told in
    `codes`."""
    every = rules()
    segments = [every.paths.segment(name, 1, _written(name, message, resource, codes, at)) for name, resource in named]
    result = every.written[message].apply(FhirSource(segments, b""))
    return every.targets.assembled(result.instances).get(message, {})


Turn = Callable[[Any, Codes, str], Any]


def _class(held: Any, codes: Codes, at: str) -> Any:
    found = codes.ontology_class(held, at)
    if found is None:
        return None
    made: dict[str, Any] = {"coding": [{"code": found["id"]}]}
    return {**made, "text": found["label"]} if "label" in found else made


def _age(held: Any, codes: Codes, at: str) -> Any:
    return lettered(held)


def _time(held: Any, codes: Codes, at: str) -> Any:
    return timestamp(str(held))


# What is arranged of each resource: the element, what it is turned into, the path of the format that is told.
_TURNS: Final[Mapping[str, tuple[tuple[str, Turn, str], ...]]] = {
    "Individual": (("birthDate", _time, "dateOfBirth"),),
    "Age": (("valueQuantity", _age, "timeAtLastEncounter.age"),),
    "PhenotypicFeature": (
        ("code", _class, "type"),
        ("component.valueCodeableConcept", _class, "severity"),
        ("component.valueQuantity", _age, "onset.age"),
    ),
    "Disease": (
        ("code", _class, "term"),
        ("onsetAge", _age, "onset.age"),
        ("onsetDateTime", _time, "onset.timestamp"),
        ("stage.summary", _class, "diseaseStage"),
        ("bodySite", _class, "primarySite"),
    ),
    "Biosample": (
        ("type", _class, "sampleType"),
        ("collection.bodySite", _class, "sampledTissue"),
        ("collection.collectedDateTime", _time, "timeOfCollection.timestamp"),
        ("extension.valueCodeableConcept", _class, "materialSample"),
    ),
}
_TOLD_ONCE: Final = ("note", "bodySite", "content")  # lists of which the format has a place for the first


def _written(name: str, message: str, resource: Resource, codes: Codes, at: str) -> dict[str, Any]:
    """Return a resource as rules want it: codes as compact identifiers, ages in the letters of ISO 8601."""
    turns = _TURNS.get(name, ())
    if not turns:
        return dict(resource)
    made = copy.deepcopy(dict(resource))
    kind = str(made["resourceType"])
    for element, turn, path in turns:
        for holder, key in list(_holders(made, element.split("."))):
            turned = turn(holder[key], codes, f"{at}.{path}")
            if turned is not None:
                holder[key] = turned
                continue
            codes.issues.append(complaints.NOT_WRITTEN.at(at, what=f"{kind}: {path}"))
            if isinstance(holder, list):
                holder[key] = {}
            else:
                del holder[key]
    more = [each for each in _TOLD_ONCE if len(made.get(each, ())) > 1]
    said = [code for each in made.get("component", ()) for code in _codes(each) if code in _ONE]
    more += [each for each in _ONE if said.count(each) > 1]
    codes.issues += (complaints.NOT_WRITTEN.at(at, what=f"{kind}: {each}") for each in more)
    return made


def _holders(value: Any, steps: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Yield what holds each value of an element, and the key or place where it stands."""
    key, *others = steps
    if key not in value:
        return
    held = value[key]
    if not others:
        yield from ((held, place) for place in range(len(held))) if isinstance(held, list) else ((value, key),)
        return
    for each in held if isinstance(held, list) else (held,):
        mine = not _COMPONENTS.isdisjoint(_codes(each)) if key == "component" else True
        if mine and (key != "extension" or each.get("url") == ORIGIN):
            yield from _holders(each, others)


def _codes(component: Resource) -> list[str]:
    return [str(each.get("code")) for each in component.get("code", {}).get("coding", ())]


def merged(written: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is written with what was kept beside it; what is written holds."""
    made = dict(written)
    for name, each in kept.items():
        if name not in made:
            made[name] = each
        elif isinstance(made[name], dict) and isinstance(each, dict):
            made[name] = merged(made[name], each)
    return made


def leaves(value: Any, at: str) -> dict[str, Any]:
    """Return the values below an object by JSON pointer: lists as a whole."""
    if not isinstance(value, dict):
        return {at: value}
    escaped = ((name.replace("~", "~0").replace("/", "~1"), each) for name, each in value.items())
    return {place: leaf for name, each in escaped for place, leaf in leaves(each, f"{at}/{name}").items()}
