"""What a method and a URL inside a Bundle entry ask for: the same as they would at the front door.

Source: FHIR R4, RESTful API, "Summary"; Bundle, `entry.request.url`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from fhir_gateway.fhir.outcome import InvalidRequest, NotAllowed, NotFound
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.interaction import Code, Interaction, Parameters

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

_SYSTEM: Mapping[str, Code] = {"GET": "search-system", "POST": "batch"}
_SYSTEM_SEARCH: Mapping[str, Code] = {"POST": "search-system"}
_SYSTEM_HISTORY: Mapping[str, Code] = {"GET": "history-system"}
_METADATA: Mapping[str, Code] = {"GET": "capabilities"}
_TYPE: Mapping[str, Code] = {
    "GET": "search-type", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete",
}  # fmt: skip
_TYPE_SEARCH: Mapping[str, Code] = {"POST": "search-type"}
_TYPE_HISTORY: Mapping[str, Code] = {"GET": "history-type"}
_INSTANCE: Mapping[str, Code] = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_INSTANCE_HISTORY: Mapping[str, Code] = {"GET": "history-instance"}
_VERSION: Mapping[str, Code] = {"GET": "vread"}
_COMPARTMENT: Mapping[str, Code] = {"GET": "search-compartment"}
_COMPARTMENT_SEARCH: Mapping[str, Code] = {"POST": "search-compartment"}
_OPERATION: Mapping[str, Code] = {"GET": "operation", "POST": "operation"}

# "The set of defined compartments" (FHIR R4, Compartments).
COMPARTMENTS = ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
ALL_TYPES = "*"  # in the place of a type: all types of a compartment

# How a representation is written is settled for the Bundle as a whole, at the door.
_REPRESENTATION = frozenset({"_format", "_pretty"})


_ENCODED = re.compile(r"[%+&\x00]")


def criteria_from(text: str) -> Parameters:
    """Return the decoded parameters of a query: "identifier=http://sys%7C1&active=true".

    Raises: InvalidRequest when one of them holds the character U+0000, which no FHIR string may hold.
    """
    name, mark, value = text.partition("=")
    if mark and name.isalnum() and name not in _REPRESENTATION and _ENCODED.search(value) is None:
        return [(name, value)]  # one parameter as it is: what a message's conditions are
    pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=True)
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidRequest(complaints.CRITERIA_NUL.at())
    return [(name, value) for name, value in pairs if name not in _REPRESENTATION]


def interaction_from(method: str, url: str, types: Container[str], base: str = "") -> Interaction:
    """Return the interaction that a method asks for at a URL relative to the service base (or below `base`).

    A leading slash is overlooked, as many senders write it. HEAD asks for what GET asks for.

    Raises: NotFound for an unknown type or a URL that names nothing, NotAllowed for a method that is not possible
    there, InvalidRequest for a malformed id. Their issues have no expression: the caller knows the place.
    """
    if method == "POST" and url in types:  # by far the commonest
        return Interaction("create", url)
    if base and url.startswith(base) and url[len(base) : len(base) + 1] in ("/", "?", ""):
        url = url[len(base) :]
    path, _, query = url.partition("?")
    codes, asked = _asked(url, _segments(path), types)
    for id in (asked.id, asked.version, asked.compartment and asked.compartment[1]):
        if id is not None and not _ID.fullmatch(id):
            raise InvalidRequest(complaints.ID_MALFORMED.at(id=id or "''"))
    verb = "GET" if method == "HEAD" else method
    if verb not in codes:
        allowed = ", ".join(codes)
        raise NotAllowed(complaints.METHOD_NOT_ALLOWED.at(method=method, url=url, allowed=allowed))
    asked.code = codes[verb]
    asked.safe = verb == "GET" and asked.code == "operation"
    asked.parameters = criteria_from(query)
    return asked


@lru_cache(maxsize=1024)
def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(segment) for segment in path.strip("/").split("/"))


def _asked(url: str, segments: tuple[str, ...], types: Container[str]) -> tuple[Mapping[str, Code], Interaction]:
    """Return what a path offers by method, and the interaction with all but its code."""
    match segments:
        case ("",):
            return _SYSTEM, Interaction("search-system")
        case ("metadata",):
            return _METADATA, Interaction("capabilities")
        case ("_history",):
            return _SYSTEM_HISTORY, Interaction("history-system")
        case ("_search",):
            return _SYSTEM_SEARCH, Interaction("search-system")
        case (operation,) if operation.startswith("$"):
            return _OPERATION, Interaction("operation", operation=operation[1:])
    type, *rest = segments
    if type not in types:
        raise NotFound(complaints.TYPE_UNKNOWN.at(type=type))
    match rest:
        case []:
            return _TYPE, Interaction("search-type", type)
        case ["_history"]:
            return _TYPE_HISTORY, Interaction("history-type", type)
        case ["_search"]:
            return _TYPE_SEARCH, Interaction("search-type", type)
        case [operation] if operation.startswith("$"):
            return _OPERATION, Interaction("operation", type, operation=operation[1:])
        case [id]:
            return _INSTANCE, Interaction("read", type, id)
        case [id, "_history"]:
            return _INSTANCE_HISTORY, Interaction("history-instance", type, id)
        case [id, "_history", version]:
            return _VERSION, Interaction("vread", type, id, version)
        case [id, operation] if operation.startswith("$"):
            return _OPERATION, Interaction("operation", type, id, operation=operation[1:])
        case [id, "_history", version, operation] if operation.startswith("$"):
            return _OPERATION, Interaction("operation", type, id, version, operation[1:])
        case [id, searched] if searched == ALL_TYPES or searched in types:
            return _COMPARTMENT, _of_compartment(url, type, id, searched)
        case [id, searched, "_search"] if searched == ALL_TYPES or searched in types:
            return _COMPARTMENT_SEARCH, _of_compartment(url, type, id, searched)
    raise NotFound(complaints.URL_UNKNOWN.at(url=url))


def _of_compartment(url: str, type: str, id: str, searched: str) -> Interaction:
    check_compartment(type, url)
    return Interaction("search-compartment", None if searched == ALL_TYPES else searched, compartment=(type, id))


def check_compartment(type: str, url: str) -> None:
    """Raise NotFound for a type that has no compartment."""
    if type not in COMPARTMENTS:
        raise NotFound(complaints.NO_COMPARTMENT.at(type=type, url=url, known=", ".join(COMPARTMENTS)))
