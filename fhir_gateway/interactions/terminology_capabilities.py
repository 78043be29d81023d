"""capabilities with mode=terminology: the TerminologyCapabilities, saying which code systems are at hand.

Source: FHIR R4, RESTful API, "capabilities" (mode); TerminologyCapabilities.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import encode
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction
from fhir_gateway.interactions.operations.terminology_inputs import EXPANDING

_TITLES = {"en": "Code systems known to this server", "fr": "Systèmes de codes connus de ce serveur"}


def asks_for_terminology(interaction: Interaction) -> bool:
    """Tell whether the statement about terminology is meant."""
    return ("mode", "terminology") in interaction.parameters


def terminology_capabilities(gateway: Gateway, interaction: Interaction) -> Answer:
    """Answer with the TerminologyCapabilities: each code system with the versions there are of it."""
    with gateway.store.read(gateway.limits.search_seconds) as view:
        catalog = gateway.terminology.catalog(gateway, view)
        systems: dict[str, list[str]] = {}
        for url, version in catalog.every_system():
            found = systems.setdefault(url, [])
            if version is not None:
                found.append(version)
    statement: dict[str, Any] = {
        "resourceType": "TerminologyCapabilities",
        "url": f"{CANONICAL_BASE}/TerminologyCapabilities/gateway",
        "version": gateway.software_version or "0",
        "name": "Gateway",
        "title": _TITLES[interaction.language],
        "status": "active",
        "date": gateway.started,
        "kind": "instance",
        "software": {"name": "fhir-gateway", "version": gateway.software_version or "0"},
        "implementation": {"description": _TITLES[interaction.language], "url": interaction.base},
        "lockedDate": False,
        "codeSystem": [_system(url, versions) for url, versions in sorted(systems.items())],
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": True,
            "parameter": [{"name": each.name} for each in EXPANDING],
            "textFilter": "Words that begin as those of the filter; case and accents make no difference.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }
    return Answer(200, encode(statement))


def _system(url: str, versions: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"uri": url}
    if versions:
        told["version"] = [
            {"code": version, **({"isDefault": True} if version == versions[-1] else {})} for version in versions
        ]
    return {**told, "subsumption": True}
