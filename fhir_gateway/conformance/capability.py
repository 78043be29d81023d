"""The CapabilityStatement: what this server does, made from the definitions and from what its rooms say they support.

Source: FHIR R4, CapabilityStatement; RESTful API, "capabilities".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.conformance.package_offers import NOTHING, Offers
from fhir_gateway.conformance.search_parameter import SearchParameter, SearchType
from fhir_gateway.fhir.outcome import Language

_PROFILE = "http://hl7.org/fhir/StructureDefinition/"
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
_ALL_TYPES = "Resource"

_DESCRIPTION: Mapping[Language, str] = {
    "en": "FHIR gateway for genomic medicine: prescriptions in, reports back, between hospitals and platforms.",
    "fr": "Passerelle FHIR pour la médecine génomique : prescriptions et comptes rendus entre établissements et "
    "plateformes.",
}
_DOCUMENTATION: Mapping[Language, str] = {
    "en": "An unknown or unsupported search parameter is refused with 400 and an "
    "OperationOutcome that names it, unless the request says `Prefer: handling=lenient`: then it is left out of the "
    "search and absent from the self link. This departs on purpose from the advice of FHIR R4, RESTful API, to ignore "
    "it, since a search without a criterion answers another question. An update that changes nothing makes no version.",
    "fr": "Un paramètre de recherche inconnu ou non pris en charge est refusé par 400 "
    "et un OperationOutcome qui le nomme, sauf si la requête dit `Prefer: handling=lenient` : il est alors laissé "
    "hors de la recherche et absent du lien self. C'est un écart voulu au conseil de FHIR R4, RESTful API, de "
    "l'ignorer, car une recherche privée d'un critère répond à une autre question. Une mise à jour qui ne change rien "
    "ne crée pas de version.",
}


@dataclass(frozen=True, slots=True)
class OfferedOperation:
    """An operation, without its dollar sign. `types`: where it is for a type or a resource; `system`: and for all."""

    name: str
    definition: str
    system: bool
    types: frozenset[str]

    def said(self) -> dict[str, Any]:
        return {"name": self.name, "definition": self.definition}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """What the server supports, said by the rooms that do it; codes as in the CapabilityStatement.

    `types` are the resource types it keeps. A search parameter is taken when its type is one of `search_types` and it
    selects something, or when its code is one of `special_parameters` (those without an expression: `_list`,
    `_text` …); never when its code is one of `refused_parameters`. `include` and `reverse_include` follow the
    reference parameters that select a value of one of `included_values`. `unnamed_parameters`: parameters of all
    types that no SearchParameter defines (`_has`, `_list`), with their types.
    """

    types: frozenset[str]
    formats: tuple[str, ...]
    patch_formats: tuple[str, ...]
    interactions: tuple[str, ...]
    system_interactions: tuple[str, ...]
    versioning: str
    read_history: bool
    update_create: bool
    conditional_create: bool
    conditional_read: str
    conditional_update: bool
    conditional_delete: str
    reference_policy: tuple[str, ...]
    search_types: frozenset[SearchType]
    special_parameters: frozenset[str] = frozenset()
    refused_parameters: frozenset[str] = frozenset()
    include: bool = False
    reverse_include: bool = False
    included_values: frozenset[str] = frozenset(("Reference",))
    unnamed_parameters: tuple[tuple[str, SearchType], ...] = ()
    operations: tuple[OfferedOperation, ...] = ()

    def takes(self, parameter: SearchParameter) -> bool:
        """Tell whether a search may use this parameter."""
        if parameter.code in self.refused_parameters:
            return False
        return parameter.code in self.special_parameters or (
            parameter.type in self.search_types and bool(parameter.branches)
        )

    def follows(self, parameter: SearchParameter) -> bool:
        """Tell whether an include may follow this parameter."""
        return parameter.type == "reference" and any(
            branch.type in self.included_values for branch in parameter.branches
        )


def capability_statement(
    definitions: Definitions,
    supported: Supported,
    *,
    base: str,
    software_version: str,
    date: str,
    security: Mapping[str, Any] | None = None,
    language: Language = "en",
    parameters_of: Callable[[str], Mapping[str, SearchParameter]] | None = None,
    offers: Offers = NOTHING,
) -> dict[str, Any]:
    """Return the CapabilityStatement of the server at `base`, as of `date` (a FHIR dateTime).

    `parameters_of` a type: the search parameters there are at the moment, by code; None: those of the definitions.
    `offers`: the guides that packages bring, and their profiles. `security` is the content of
    CapabilityStatement.rest.security, left out while there is none.
    """
    types = sorted(supported.types)
    found_of = parameters_of or definitions.search_parameters.of
    parameters = {type: _taken(found_of(type), supported) for type in types}
    referring = _referring(supported, parameters)
    rest: dict[str, Any] = {"mode": "server", "documentation": _DOCUMENTATION[language]}
    if security is not None:
        rest["security"] = dict(security)
    rest["resource"] = [
        _resource(supported, type, parameters[type], referring, offers.profiles.get(type, ())) for type in types
    ]
    rest["interaction"] = [{"code": code} for code in supported.system_interactions]
    common = set.intersection(*(set(found) for found in parameters.values())) if parameters else set()
    everywhere = [found for found in next(iter(parameters.values()), {}).values() if found.code in common]
    named = [_search_param(parameter) for parameter in everywhere]
    named += ({"name": name, "type": type} for name, type in supported.unnamed_parameters)
    if named:
        rest["searchParam"] = sorted(named, key=lambda each: str(each["name"]))
    if operations := [each.said() for each in supported.operations if each.system]:
        rest["operation"] = operations
    if compartments := sorted(_compartment(code) for code in definitions.compartments):
        rest["compartment"] = compartments
    return {
        "resourceType": "CapabilityStatement",
        "language": language,
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "fhir-gateway", "version": software_version},
        "implementation": {"description": _DESCRIPTION[language], "url": base},
        "fhirVersion": definitions.version,
        "format": list(supported.formats),
        "patchFormat": list(supported.patch_formats),
        **({"implementationGuide": [*offers.guides]} if offers.guides else {}),
        "rest": [rest],
    }


def _taken(found: Mapping[str, SearchParameter], supported: Supported) -> dict[str, SearchParameter]:
    return {code: found[code] for code in sorted(found) if supported.takes(found[code])}


def _referring(supported: Supported, parameters: Mapping[str, Mapping[str, SearchParameter]]) -> dict[str, list[str]]:
    """Return for each resource type the parameters that may refer to it, as `_revinclude` names them."""
    referring: defaultdict[str, list[str]] = defaultdict(list)
    for type, found in parameters.items():
        for code, parameter in found.items():
            if supported.follows(parameter):
                for target in parameter.targets or (_ALL_TYPES,):
                    referring[target].append(f"{type}:{code}")
    return referring


def _resource(
    supported: Supported,
    type: str,
    parameters: Mapping[str, SearchParameter],
    referring: Mapping[str, list[str]],
    profiles: Sequence[str],
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "type": type,
        "profile": _PROFILE + type,
        **({"supportedProfile": [*profiles]} if profiles else {}),
        "interaction": [{"code": code} for code in supported.interactions],
        "versioning": supported.versioning,
        "readHistory": supported.read_history,
        "updateCreate": supported.update_create,
        "conditionalCreate": supported.conditional_create,
        "conditionalRead": supported.conditional_read,
        "conditionalUpdate": supported.conditional_update,
        "conditionalDelete": supported.conditional_delete,
        "referencePolicy": list(supported.reference_policy),
    }
    includes = [f"{type}:{code}" for code, parameter in parameters.items() if supported.follows(parameter)]
    if supported.include and includes:
        resource["searchInclude"] = includes
    reverse = sorted({*referring.get(type, ()), *referring.get(_ALL_TYPES, ())})
    if supported.reverse_include and reverse:
        resource["searchRevInclude"] = reverse
    if parameters:
        resource["searchParam"] = [_search_param(parameter) for parameter in parameters.values()]
    if operations := [each.said() for each in supported.operations if type in each.types]:
        resource["operation"] = operations
    return resource


def _compartment(code: str) -> str:
    return f"{_COMPARTMENT}{code[:1].lower()}{code[1:]}"


def _search_param(parameter: SearchParameter) -> dict[str, Any]:
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.type}
