"""Routes: which interaction a method and a URL below the base name.

Source: FHIR R4, RESTful API, the table of interactions under "Summary"; Operations, "Executing an Operation".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fhir_gateway.fhir.outcome import InvalidRequest, NotFound
from fhir_gateway.interactions.interaction import Code
from fhir_gateway.interactions.urls import ALL_TYPES, check_compartment
from fhir_gateway.rest.complaints import (
    MALFORMED_ID,
    METHOD_NOT_ALLOWED,
    UNKNOWN_TYPE,
    UNKNOWN_URL,
    MethodNotAllowed,
)

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")

# What each shape of URL offers, by method. "batch" stands for batch and transaction: the Bundle tells which.
# HEAD goes wherever GET goes, and OPTIONS everywhere (RFC 9110, 9.3.2 and 9.3.7).
SYSTEM: Mapping[str, Code] = {"GET": "search-system", "POST": "batch"}
SYSTEM_HISTORY: Mapping[str, Code] = {"GET": "history-system"}
SYSTEM_SEARCH: Mapping[str, Code] = {"POST": "search-system"}
METADATA: Mapping[str, Code] = {"GET": "capabilities"}
TYPE: Mapping[str, Code] = {
    "GET": "search-type",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
TYPE_HISTORY: Mapping[str, Code] = {"GET": "history-type"}
TYPE_SEARCH: Mapping[str, Code] = {"POST": "search-type"}
INSTANCE: Mapping[str, Code] = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
INSTANCE_HISTORY: Mapping[str, Code] = {"GET": "history-instance"}
VERSION: Mapping[str, Code] = {"GET": "vread"}
COMPARTMENT: Mapping[str, Code] = {"GET": "search-compartment"}
COMPARTMENT_SEARCH: Mapping[str, Code] = {"POST": "search-compartment"}
OPERATION: Mapping[str, Code] = {"GET": "operation", "POST": "operation"}


@dataclass(frozen=True, slots=True)
class Route:
    """What a URL names. `acts` are the interactions there by method.

    `compartment`: the type and id that the path of a compartment's search begins with; `type` is what is searched.
    """

    acts: Mapping[str, Code]
    type: str | None = None
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    form: bool = False  # the body is a form of search parameters
    compartment: tuple[str, str] | None = None

    def code(self, method: str, place: str) -> Code:
        """Return the interaction that a method asks for here; raises MethodNotAllowed."""
        code = self.acts.get("GET" if method == "HEAD" else method)
        if code is None:
            allowed = self.allowed
            issue = METHOD_NOT_ALLOWED.at(method=method, place=place, allowed=", ".join(allowed))
            raise MethodNotAllowed(issue, allowed)
        return code

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods for an Allow header."""
        methods = [*self.acts, "OPTIONS"]
        if "GET" in methods:
            methods.insert(methods.index("GET") + 1, "HEAD")
        return tuple(methods)


def route(segments: list[str], types: Collection[str], place: str) -> Route:
    """Return what the decoded segments of a path below the base name.

    One empty last segment (a trailing slash) is overlooked.

    Raises: NotFound for an unknown type or shape; InvalidRequest for a malformed id.
    """
    if segments and not segments[-1]:
        segments = segments[:-1]
    if not segments:
        return Route(SYSTEM)
    first, *rest = segments
    if first == "metadata" and not rest:
        return Route(METADATA)
    if first == "_history" and not rest:
        return Route(SYSTEM_HISTORY)
    if first == "_search" and not rest:
        return Route(SYSTEM_SEARCH, form=True)
    if first.startswith("$") and not rest:
        return Route(OPERATION, operation=first[1:])
    if first not in types:
        raise _unknown(first, types)
    return _below_type(first, rest, types, place)


def _below_type(type_: str, rest: list[str], types: Collection[str], place: str) -> Route:
    match rest:
        case []:
            return Route(TYPE, type_)
        case ["_history"]:
            return Route(TYPE_HISTORY, type_)
        case ["_search"]:
            return Route(TYPE_SEARCH, type_, form=True)
        case [name] if name.startswith("$"):
            return Route(OPERATION, type_, operation=name[1:])
        case [id_, *below]:
            _check_id(id_)
            return _below_instance(type_, id_, below, types, place)
    raise NotFound(UNKNOWN_URL.at(place=place))


def _below_instance(type_: str, id_: str, below: list[str], types: Collection[str], place: str) -> Route:
    match below:
        case []:
            return Route(INSTANCE, type_, id_)
        case ["_history"]:
            return Route(INSTANCE_HISTORY, type_, id_)
        case ["_history", version]:
            _check_id(version)
            return Route(VERSION, type_, id_, version=version)
        case [name] if name.startswith("$"):
            return Route(OPERATION, type_, id_, operation=name[1:])
        case ["_history", version, name] if name.startswith("$"):
            _check_id(version)
            return Route(OPERATION, type_, id_, version=version, operation=name[1:])
        case [searched, *search] if search in ([], ["_search"]) and (searched == ALL_TYPES or searched in types):
            check_compartment(type_, place)
            found = None if searched == ALL_TYPES else searched
            acts = COMPARTMENT_SEARCH if search else COMPARTMENT
            return Route(acts, found, form=bool(search), compartment=(type_, id_))
    raise NotFound(UNKNOWN_URL.at(place=place))


def _check_id(id_: str) -> None:
    if not ID.match(id_):
        raise InvalidRequest(MALFORMED_ID.at(id=id_ or "''"))


def _unknown(type_: str, types: Collection[str]) -> NotFound:
    """Return the refusal of a type, which names the one that was probably meant."""
    by_lower = {name.lower(): name for name in types}
    near = difflib.get_close_matches(type_.lower(), by_lower, n=1, cutoff=0.75)
    hint = f" ({by_lower[near[0]]}?)" if near else ""
    return NotFound(UNKNOWN_TYPE.at(type=type_ or "''", hint=hint))
