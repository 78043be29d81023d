"""Compartments: by which search parameters each resource type belongs to a patient, an encounter, a practitioner.

Source: FHIR R4, CompartmentDefinition; Compartments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

Compartments = Mapping[str, Mapping[str, tuple[str, ...]]]  # compartment → resource type → parameter codes

_URL = "http://hl7.org/fhir/CompartmentDefinition/"


class _Member(msgspec.Struct):
    code: str
    param: tuple[str, ...] = ()


class _CompartmentDefinition(msgspec.Struct):
    url: str
    code: str
    resource: tuple[_Member, ...] = ()


def compile_compartments(lines: Iterable[bytes]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each compartment the resource types that may be in it, each with the codes of its parameters.

    A resource is in a compartment when one of these parameters refers to the compartment's own resource, which is
    itself in it: its type is always among them, if need be without a parameter. Other types without parameters are
    never in the compartment and are left out.
    """
    decode = msgspec.json.Decoder(_CompartmentDefinition).decode
    definitions = [decode(line) for line in lines]
    return {
        definition.code: _parameters(definition)
        for definition in definitions
        if definition.url == _URL + definition.code[:1].lower() + definition.code[1:]  # R4 has an example beside them
    }


def _parameters(definition: _CompartmentDefinition) -> dict[str, tuple[str, ...]]:
    # `{def}` is how R4 says "the resource itself": no search parameter has that name.
    own = {member.code: tuple(p for p in member.param if p != "{def}") for member in definition.resource}
    return {type: codes for type, codes in own.items() if codes or type == definition.code}
