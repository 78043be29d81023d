"""All definitions of FHIR R4: compiled tables of its types, search parameters and compartments, and the definitions
themselves, read when they are asked for.

Source: FHIR R4, "Conformance Module"; "Terminology Module".
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_gateway.conformance import cache as tables_cache
from fhir_gateway.conformance import compartments, search_parameters, type_tables
from fhir_gateway.conformance.branches import BranchCompiler
from fhir_gateway.conformance.compartments import Compartments
from fhir_gateway.conformance.lookup import split
from fhir_gateway.conformance.package import R4, Package, data_folder, decoded
from fhir_gateway.conformance.search_parameter import SearchParameter, SearchParameters
from fhir_gateway.conformance.subset import Subsets
from fhir_gateway.fhir.types import Types

if TYPE_CHECKING:
    from fhir_gateway.conformance.search_evaluation import Evaluation

# Whatever decides what the tables hold: a change in one of these makes tables anew.
_SOURCES = tuple(
    Path(__file__).with_name(name)
    for name in (
        "definitions.py",
        "type_tables.py",
        "search_parameters.py",
        "search_expression.py",
        "branches.py",
        "compartments.py",
    )
)


class Definitions:
    """The definitions of one FHIR version; immutable and shared by all threads.

    `types`, `subsets`, `search_parameters` and `compartments` are ready; `resource` and `resources` read the data file.
    """

    def __init__(self, package: Package, tables: Mapping[str, Any]) -> None:
        self.package = package
        self.version: str = tables["version"]
        self.types: Types = type_tables.types_from(tables["types"], tables["resources"], self.version)
        self.subsets = Subsets(self.types, tables["marks"])
        self.compartments: Compartments = MappingProxyType(tables["compartments"])
        self._compiler = BranchCompiler(self.types, tables["bases"], tables["systems"])
        self._known: search_parameters.Known = tables["known"]
        by_type = search_parameters.ByType(tables["parameters"], self._compiler.lineage, self.types.resources)
        self.standard_parameters = SearchParameters(by_type)
        self.search_parameters = self.standard_parameters
        self._lines: dict[str, dict[str, bytes]] = {}
        self._evaluating: Evaluation | None = None

    def bases(self, type: str) -> tuple[str, ...]:
        """Return a type and all that it specializes, itself first: ("Age", "Quantity", "Element")."""
        return tuple(self._compiler.lineage(type))

    def compile(self, search_parameter: Mapping[str, Any]) -> dict[str, SearchParameter]:
        """Return a SearchParameter resource compiled for each resource type it applies to.

        Raises: UnsupportedExpression, with position and reason, when its expression is outside the shapes of R4's
        own; Unprocessable with all that is wrong when there is more, or another fault (base, component).
        """
        return search_parameters.compile_custom(
            search_parameter, self._compiler, self._known, self.types.resources, self.version
        )

    def compile_definition(
        self, definition: search_parameters.ParameterDefinition, components: search_parameters.Known
    ) -> dict[str, SearchParameter]:
        """Return a definition compiled as by `compile`; its components may name those in `components` (by url) too.

        What is outside the shapes of R4's own is evaluated by the FHIRPath engine.
        """
        known = {**components, **self._known} if definition.component else self._known
        return search_parameters.compile_definition(
            definition, self._compiler, known, self.types.resources, self.version, self._evaluation
        )

    def _evaluation(self) -> Evaluation:
        if self._evaluating is None:
            from fhir_gateway.conformance.search_evaluation import Evaluation  # only where somebody needs it

            self._evaluating = Evaluation(self.types)
        return self._evaluating

    def is_standard(self, url: str) -> bool:
        """Tell whether R4 itself has a search parameter of this canonical url."""
        return url in self._known

    def types_of(self, base: str) -> list[str]:
        """Return the resource types that are of a base, such as DomainResource; none for what is no base."""
        return [type for type in self.types.resources if base in self._compiler.lineage(type)]

    def with_parameters(self, added: Mapping[str, Mapping[str, SearchParameter]]) -> Definitions:
        """Return the same definitions with R4's own search parameters and others, by resource type and code."""
        other = copy.copy(self)
        other.search_parameters = self.standard_parameters.extended(added)
        return other

    def structure(self, url: str) -> dict[str, Any] | None:
        """Return a StructureDefinition by canonical url, None when there is none."""
        return self.resource("StructureDefinition", url)

    def resource(self, kind: str, url: str) -> dict[str, Any] | None:
        """Return the definition of a type with this canonical url, None when there is none.

        A version (`url|4.0.1`) must be the one there is. The first question about a type reads its members of the
        data file and keeps their lines.
        """
        if "|" in url or "#" in url:
            url, version = split(url)
            found = self.resource(kind, url)
            return found if found is None or version in (None, found.get("version")) else None
        if kind not in self._lines:
            self._lines[kind] = {
                _url(line): line for member in self.package.members(kind) for line in self.package.lines(member)
            }
        line = self._lines[kind].get(url)
        return None if line is None else decoded(line)

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield all definitions of a type, by url, straight from the data file; nothing of them is kept."""
        return self.package.resources(kind)


class _Named(msgspec.Struct):
    url: str = ""


_named = msgspec.json.Decoder(_Named).decode


def _url(line: bytes) -> str:
    return _named(line).url


@cache
def definitions(cache_folder: Path | None = None) -> Definitions:
    """Return the definitions of R4, the same object throughout a process.

    Their compiled tables are kept in `cache_folder` (default: FHIR_GATEWAY_CACHE, else the user's cache folder).
    Raises: FileNotFoundError when the project's data file is not there.
    """
    package = Package(data_folder("profiles") / R4)
    key = tables_cache.key_of(package.fingerprint, sources=_SOURCES)
    folder = tables_cache.default_folder() if cache_folder is None else cache_folder
    return Definitions(package, tables_cache.cached(folder, "definitions", key, lambda: compiled_tables(package)))


def compiled_tables(package: Package) -> dict[str, Any]:
    """Return the tables of a package, compiled from its definitions, as plain data fit for the cache."""
    version = package.manifest()["version"]
    plain = type_tables.compile_types(type_tables.read(package.lines("StructureDefinition.type")))
    types = type_tables.types_from(plain.types, plain.resources, version)
    systems = _systems(plain.bindings, package.lines("ValueSet"))
    parameters = search_parameters.read(package.lines("SearchParameter"))
    compiler = BranchCompiler(types, plain.bases, systems)
    return {
        "version": version,
        "types": plain.types,
        "marks": plain.marks,
        "resources": plain.resources,
        "bases": plain.bases,
        "systems": systems,
        "known": search_parameters.known(parameters),
        "parameters": search_parameters.compile_all(parameters, compiler),
        "compartments": compartments.compile_compartments(package.lines("CompartmentDefinition")),
    }


class _Include(msgspec.Struct, frozen=True):
    system: str | None = None
    valueSet: tuple[str, ...] = ()


class _Compose(msgspec.Struct, frozen=True):
    include: tuple[_Include, ...] = ()


class _ValueSet(msgspec.Struct):
    url: str
    compose: _Compose = _Compose()


def _systems(bindings: Mapping[tuple[str, str], str], lines: Iterable[bytes]) -> dict[tuple[str, str], str]:
    """Return the code system of each required binding (by type and JSON name) whose value set has exactly one."""
    decode = msgspec.json.Decoder(_ValueSet).decode
    value_sets = {value_set.url: value_set for value_set in map(decode, lines)}

    def systems_of(url: str, seen: frozenset[str]) -> frozenset[str | None]:
        """Return the systems of a value set and of those it includes; None stands for one that is unknown."""
        if url not in value_sets or url in seen:
            return frozenset((None,))
        found: set[str | None] = set()
        for include in value_sets[url].compose.include:
            if include.system is not None:
                found.add(include.system)
            for other in include.valueSet:
                found |= systems_of(other.partition("|")[0], seen | {url})
        return frozenset(found)

    known = {url: systems_of(url, frozenset()) for url in set(bindings.values())}
    return {
        place: system
        for place, url in bindings.items()
        if len(known[url]) == 1
        for system in known[url]
        if system is not None
    }
