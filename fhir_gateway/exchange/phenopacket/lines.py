"""Tables applied: an object of a phenopacket into a resource and what is kept of it, and a resource back.

Source: the tables (`tables.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fhir_gateway.exchange.phenopacket import complaints
from fhir_gateway.exchange.phenopacket.ontologies import Codes
from fhir_gateway.exchange.phenopacket.tables import Line, Table


def resource_of(table: Table, value: Mapping[str, Any], codes: Codes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the resource that an object becomes, and what of it found no place (without what is empty)."""
    rest = copy.deepcopy(dict(value))
    made: dict[str, Any] = {"resourceType": table.type, **copy.deepcopy(dict(table.fixed))}
    for line in table.lines:
        _take(line, rest, made, codes)
    return made, pruned(rest)


def _take(line: Line, rest: dict[str, Any], made: dict[str, Any], codes: Codes) -> None:
    *way, last = line.path.split(".")
    holder: Any = rest
    for step in way:
        holder = holder.get(step) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or last not in holder:
        if line.otherwise is not None:
            line.place.put(made, line.kind.to_fhir(line.otherwise, codes))
        return
    values = holder[last] if line.many else [holder[last]]
    converted = [line.kind.to_fhir(each, codes) for each in values]
    if any(each is None for each in converted):
        return
    for each in converted:
        line.place.put(made, each)
    del holder[last]


def pruned(value: Any) -> Any:
    """Return a value without empty objects and lists inside it: they say nothing."""
    if isinstance(value, dict):
        inside = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in inside.items() if each not in ({}, [])}
    return [pruned(each) for each in value] if isinstance(value, list) else value


def object_of(table: Table, resource: Mapping[str, Any], codes: Codes, at: str) -> dict[str, Any]:
    """Return what a resource becomes by its table. `at`: where it stands; what cannot be said is told in `codes`."""
    made: dict[str, Any] = {}
    for line in table.lines:
        values = line.place.get(resource)
        converted = [line.kind.to_format(each, codes, f"{at}.{line.path}") for each in values]
        said = [each for each in converted if each is not None]
        if len(said) < len(values) or (len(said) > 1 and not line.many):
            codes.issues.append(complaints.NOT_WRITTEN.at(at, what=f"{table.type}: {line.path}"))
        if said and (line.otherwise is None or said[0] != line.otherwise):
            _put(made, line.path, said if line.many else said[0])
    return made


def _put(made: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        made = made.setdefault(step, {})
    made[last] = value


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
