"""Search parameters that a server has beside R4's own: which SearchParameter resources take effect, what forbids it.

A resource takes effect while its status is `active`. R4's own parameters cannot be changed: a resource with the url of
one of them has no effect of its own, and is refused where it says something else.

Source: FHIR R4, SearchParameter; Search, "Standard Parameters" (names that begin with "_" are the standard's).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fhir_gateway.conformance import complaints
from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.conformance.search_parameters import ParameterDefinition, problems_of
from fhir_gateway.fhir.outcome import FhirError, Issue

Resource = Mapping[str, Any]
Takes = Callable[[SearchParameter], bool]  # whether the index of this server can hold what a parameter selects

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class CustomParameter:
    """A SearchParameter resource that takes effect: what it says, and what it comes to for each resource type."""

    id: str
    resource: Resource
    definition: ParameterDefinition
    compiled: Mapping[str, SearchParameter]

    def selects_like(self, other: CustomParameter | None) -> bool:
        """Tell whether both take the same values from a resource, whatever else they say."""
        if other is None:
            return False
        mine, its = self.definition, other.definition
        if (mine.type, mine.expression, mine.component) != (its.type, its.expression, its.component):
            return False
        # What a component's url names may have changed meanwhile.
        return [_components(each) for each in self.compiled.values()] == [
            _components(each) for each in other.compiled.values()
        ]


def _components(parameter: SearchParameter) -> list[tuple[str, str]]:
    return [(component.code, component.type) for component in parameter.components]


@dataclass(frozen=True, slots=True)
class CustomParameters:
    """All that take effect, by the id of their resource; immutable."""

    by_id: Mapping[str, CustomParameter] = field(default_factory=dict)

    def by_type(self) -> dict[str, dict[str, SearchParameter]]:
        """Return the parameters of each resource type that has some, by code."""
        found: dict[str, dict[str, SearchParameter]] = {}
        for custom in self.by_id.values():
            for type, parameter in custom.compiled.items():
                found.setdefault(type, {})[parameter.code] = parameter
        return found

    def __iter__(self) -> Iterator[tuple[tuple[str, str], CustomParameter]]:
        """Yield (resource type, code) of each parameter, and what it came from."""
        for custom in self.by_id.values():
            for type, parameter in custom.compiled.items():
                yield (type, parameter.code), custom


NO_CUSTOM_PARAMETERS = CustomParameters()


def custom_parameters(
    definitions: Definitions, resources: Mapping[str, Resource], takes: Takes, known: CustomParameters
) -> tuple[CustomParameters, dict[str, list[Issue]]]:
    """Return what takes effect of SearchParameter resources (by id), and by id what is wrong with the others.

    Of two that would be the same parameter of a type, the first in order takes effect. `known`: what took effect
    before; what is the same is not compiled again.
    """
    making = _Making(definitions, takes, known)
    return making.made(resources)


class _Making:
    def __init__(self, definitions: Definitions, takes: Takes, known: CustomParameters) -> None:
        self.definitions = definitions
        self.takes = takes
        self.known = known
        self.taken: dict[tuple[str, str], str] = {}  # url by (type, code)

    def made(self, resources: Mapping[str, Resource]) -> tuple[CustomParameters, dict[str, list[Issue]]]:
        active = {id: resource for id, resource in resources.items() if resource.get("status") == "active"}
        refused = {id: issues for id, resource in active.items() if (issues := problems_of(resource))}
        read = {
            id: msgspec.convert(resource, ParameterDefinition)
            for id, resource in active.items()
            if id not in refused and not self._is_standard(resource)
        }
        for id in active.keys() - read.keys() - refused.keys():
            if issues := self._differences(msgspec.convert(active[id], ParameterDefinition)):
                refused[id] = issues
        components = {each.url: (each.code, each.type) for each in read.values()}
        made: dict[str, CustomParameter] = {}
        for id, definition in read.items():
            issues = self._issues_of_code(definition)
            compiled: Mapping[str, SearchParameter] = {}
            try:
                compiled = self._compiled(id, definition, components)
            except FhirError as refusal:
                issues += refusal.issues
            issues += self._issues_of(definition, compiled)
            if issues:
                refused[id] = issues
                continue
            self.taken |= {(type, definition.code): definition.url for type in compiled}
            made[id] = CustomParameter(id, active[id], definition, compiled)
        return CustomParameters(made), refused

    def _compiled(
        self, id: str, definition: ParameterDefinition, components: Mapping[str, Any]
    ) -> Mapping[str, SearchParameter]:
        before = self.known.by_id.get(id)
        if before is not None and before.definition == definition and not definition.component:
            return before.compiled
        return self.definitions.compile_definition(definition, components)

    def _is_standard(self, resource: Resource) -> bool:
        return self.definitions.is_standard(resource["url"])

    def _differences(self, definition: ParameterDefinition) -> list[Issue]:
        """Return an issue where the resource of a standard url is not what the standard says."""
        for base in definition.base:
            for type in self.definitions.types_of(base):
                own = self.definitions.standard_parameters.of(type).get(definition.code)
                same = own is not None and own.url == definition.url and own.type == definition.type
                if own is None or not same or _text(own.expression) != _text(definition.expression):
                    return [complaints.STANDARD_DIFFERS.at("SearchParameter.url", url=definition.url)]
        return []

    def _issues_of_code(self, definition: ParameterDefinition) -> list[Issue]:
        if _CODE.fullmatch(definition.code):
            return []
        return [complaints.CODE_IMPOSSIBLE.at("SearchParameter.code", code=definition.code)]

    def _issues_of(self, definition: ParameterDefinition, compiled: Mapping[str, SearchParameter]) -> list[Issue]:
        issues: list[Issue] = []
        code = definition.code
        if compiled and not all(map(self.takes, compiled.values())):
            issues.append(complaints.TYPE_NOT_INDEXED.at("SearchParameter.type", type=definition.type))
        taken: dict[str, list[str]] = {}
        for type in compiled:
            own = self.definitions.standard_parameters.of(type).get(code)
            url = self.taken.get((type, code)) if own is None else own.url
            if url is not None:
                taken.setdefault(url, []).append(type)
        for url, types in taken.items():
            shown = ", ".join(types[:3]) + (" …" if len(types) > 3 else "")
            issues.append(complaints.CODE_TAKEN.at("SearchParameter.code", code=code, types=shown, url=url))
        return issues


def _text(expression: str) -> str:
    return " ".join(expression.split())
