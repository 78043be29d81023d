"""A GraphDefinition read: which paths and searches lead from a resource to the next ones.

Source: FHIR R4, GraphDefinition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, Unprocessable
from fhir_gateway.interactions import conditions, full_text
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.urls import criteria_from

_REF = "{ref}"
_PROBE = "Patient/1"  # stands for any resource while parameters are tried

Select = Callable[[Mapping[str, Any]], list[str]]  # from a resource, the references and canonical urls found there


@dataclass(frozen=True, slots=True)
class Target:
    """What a link may lead to. `params`: the search that finds it, with "{ref}" for the resource it starts from."""

    type: str
    params: str | None
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `select`: what follows the path, None where there are searches instead. `max` None: any number."""

    name: str  # the path, or where the link stands
    select: Select | None
    min: int
    max: int | None
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A definition ready to be followed. `notes`: what of it is passed over."""

    start: str
    links: tuple[Link, ...]
    notes: tuple[Issue, ...]


def graph_of(gateway: Gateway, definition: Mapping[str, Any]) -> Graph:
    """Return the graph that a GraphDefinition describes.

    Raises: Unprocessable with all that cannot be followed, at its place in the definition.
    """
    reading = _Reading(gateway)
    if "profile" in definition:
        reading.passed_over("GraphDefinition.profile")
    links = reading.links(definition, definition["start"], "GraphDefinition")
    if reading.issues:
        raise Unprocessable(*reading.issues)
    return Graph(definition["start"], links, tuple(reading.notes))


class _Reading:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.issues: list[Issue] = []
        self.notes: list[Issue] = []

    def passed_over(self, place: str) -> None:
        self.notes.append(complaints.GRAPH_PASSED_OVER.at(place, element=place))

    def links(self, of: Mapping[str, Any], type: str, place: str) -> tuple[Link, ...]:
        return tuple(
            self._link(each, type, f"{place}.link[{number}]") for number, each in enumerate(of.get("link", ()))
        )

    def _link(self, link: Mapping[str, Any], type: str, place: str) -> Link:
        path = link.get("path")
        if "sliceName" in link:
            self.passed_over(f"{place}.sliceName")
        if not link.get("target"):
            self.issues.append(complaints.GRAPH_NO_TARGET.at(place))
        select = None if path is None else self._select(type, path, f"{place}.path")
        targets = tuple(
            self._target(each, path is None, f"{place}.target[{number}]")
            for number, each in enumerate(link.get("target", ()))
        )
        most = link.get("max", "*")
        if most != "*" and not (most.isascii() and most.isdigit()):
            self.issues.append(complaints.GRAPH_MAX.at(f"{place}.max", max=most))
            most = "*"
        return Link(path or place, select, link.get("min", 0), None if most == "*" else int(most), targets)

    def _select(self, type: str, path: str, place: str) -> Select | None:
        if type not in self.gateway.resource_types:
            return None  # said where the type stands
        try:
            return selecting(self.gateway.definitions, type, path)
        except FhirError as refusal:
            for issue in refusal.issues:
                reason, reason_fr = issue.text("en"), issue.text("fr")
                self.issues.append(complaints.GRAPH_PATH.at(place, path=path, reason=reason, reason_fr=reason_fr))
            return None

    def _target(self, target: Mapping[str, Any], searched: bool, place: str) -> Target:
        type, params = target["type"], target.get("params")
        for name in ("profile", "compartment"):
            if name in target:
                self.passed_over(f"{place}.{name}")
        if type not in self.gateway.resource_types:
            self.issues.append(complaints.GRAPH_TYPE.at(f"{place}.type", type=type))
        elif searched:
            self._check_params(type, params, f"{place}.params")
        return Target(type, params if searched else None, self.links(target, type, place))

    def _check_params(self, type: str, params: str | None, place: str) -> None:
        if params is None or _REF not in params:
            self.issues.append(complaints.GRAPH_NO_REF.at(place, type=type))
            return
        try:
            criteria = criteria_from(params.replace(_REF, _PROBE))
            conditions.query_of(self.gateway, type, criteria)
            if full_text.asked(criteria) is not None:
                self.issues.append(complaints.GRAPH_FULL_TEXT.at(place))
        except InvalidRequest as refusal:
            self.issues += (Issue(issue.complaint, place, issue.values) for issue in refusal.issues)


def searched_by(params: str, reference: str) -> list[tuple[str, str]]:
    """Return the criteria of a target's search from a resource."""
    return criteria_from(params.replace(_REF, reference))


@lru_cache(1024)
def selecting(definitions: Definitions, type: str, path: str) -> Select:
    """Return what takes the references and canonical urls at a path from a resource of a type.

    Raises: UnsupportedExpression for a path outside the shapes of search parameters.
    """
    parameter = {
        "resourceType": "SearchParameter",
        "url": "urn:graph", "name": "graph", "status": "active", "description": "-", "code": "graph",
        "base": [type], "type": "reference", "expression": path,
    }  # fmt: skip
    branches = definitions.compile(parameter)[type].branches

    def select(resource: Mapping[str, Any]) -> list[str]:
        found: list[str] = []
        for branch in branches:
            if branch.first in resource or not branch.first:
                found += _texts(branch.select(resource[branch.first] if branch.first else resource))
        return list(dict.fromkeys(found))

    return select


def _texts(values: Sequence[Any]) -> list[str]:
    """Return literal references and urls; a reference by identifier or display alone leads nowhere."""
    texts = (value.get("reference") if isinstance(value, dict) else value for value in values)
    return [text for text in texts if isinstance(text, str)]
