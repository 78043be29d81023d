"""capabilities: the CapabilityStatement, saying what is true of this gateway.

Source: FHIR R4, RESTful API, "capabilities"; CapabilityStatement.
"""

from __future__ import annotations

import zlib

from fhir_gateway.conformance.capability import OfferedOperation, Supported, capability_statement
from fhir_gateway.fhir.json import encode
from fhir_gateway.interactions.gateway import Gateway, Limits
from fhir_gateway.interactions.interaction import Answer, Interaction
from fhir_gateway.interactions.operations.table import OPERATIONS
from fhir_gateway.interactions.patch import FORMATS
from fhir_gateway.interactions.preconditions import versions_in

_KEPT = 32  # statements; base URLs come from requests, so their number is bounded


def supported(types: frozenset[str], limits: Limits, full_text: bool = True) -> Supported:
    """Return what this room does, in the codes of the CapabilityStatement. `full_text`: whether words are searched."""
    return Supported(
        types=types,
        formats=("application/fhir+json", "application/fhir+xml"),
        patch_formats=FORMATS,
        interactions=(
            "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
        ),
        system_interactions=("transaction", "batch", "search-system", "history-system"),
        versioning="versioned",
        read_history=True,
        update_create=True,
        conditional_create=True,
        conditional_read="full-support",
        conditional_update=True,
        conditional_delete="multiple" if limits.deletes > 1 else "single",
        reference_policy=("literal", "logical", *(("enforced",) if limits.integrity_on_write else ()), "local"),
        search_types=frozenset(
            {"token", "reference", "string", "date", "number", "quantity", "uri", "composite", "special"}
        ),
        special_parameters=frozenset(("_text", "_content") if full_text else ()),
        include=True,
        reverse_include=True,
        included_values=frozenset({"Reference", "canonical", "uri"}),
        unnamed_parameters=(("_has", "string"), ("_list", "string"), ("_type", "token")),
        operations=_operations(types),
    )  # fmt: skip


def _operations(types: frozenset[str]) -> tuple[OfferedOperation, ...]:
    found: list[OfferedOperation] = []
    for each in OPERATIONS.values():
        at = frozenset(each.types or types) if {"type", "instance"} & {*each.levels} else frozenset()
        by_itself = at & each.definitions.keys()
        found += (OfferedOperation(each.name, each.definitions[type], False, frozenset((type,))) for type in by_itself)
        if "system" in each.levels or at - by_itself:
            found.append(OfferedOperation(each.name, each.definition, "system" in each.levels, at - by_itself))
    return tuple(found)


def capabilities(gateway: Gateway, interaction: Interaction) -> Answer:
    """Answer with the CapabilityStatement; of `mode` only "terminology" makes a difference, and is answered elsewhere.

    Its ETag changes when it does, and If-None-Match with that ETag is answered with 304.
    """
    key = (interaction.base, interaction.language)
    body = gateway.statements.get(key)
    if body is None:
        body = encode(
            capability_statement(
                gateway.definitions,
                supported(gateway.resource_types, gateway.limits, gateway.registry.limits.full_text),
                base=interaction.base,
                software_version=gateway.software_version,
                date=gateway.started,
                security=gateway.security,
                language=interaction.language,
                parameters_of=gateway.registry.parameters,
                offers=gateway.offers,
            )
        )
        if len(gateway.statements) < _KEPT:
            gateway.statements[key] = body
    tag = zlib.crc32(body)
    known = interaction.conditions.if_none_match
    if known is not None and str(tag) in (versions_in(known) or ()):
        return Answer(304, None, tag)
    return Answer(200, body, tag)
