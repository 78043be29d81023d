"""The interactions that read, each over a view of the store: alone, or inside a transaction after its writes.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_gateway.interactions.capabilities import capabilities
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.history import history
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.interactions.operations.operate import operate_within
from fhir_gateway.interactions.read import read, vread
from fhir_gateway.interactions.search import search
from fhir_gateway.store.contract import Read

Reading = Callable[[Gateway, Read, Interaction, Actor], Answer]

READS: Mapping[str, Reading] = {
    "read": lambda gateway, view, interaction, actor: read(gateway, view, interaction),
    "vread": lambda gateway, view, interaction, actor: vread(gateway, view, interaction),
    "history-instance": lambda gateway, view, interaction, actor: history(gateway, view, interaction),
    "history-type": lambda gateway, view, interaction, actor: history(gateway, view, interaction),
    "history-system": lambda gateway, view, interaction, actor: history(gateway, view, interaction),
    "search-type": search,
    "search-system": search,
    "search-compartment": search,
    "operation": operate_within,
    "capabilities": lambda gateway, view, interaction, actor: capabilities(gateway, interaction),
}
