"""What belongs to a compartment: resources that refer to its own one by the parameters of its definition, and that one.

Source: FHIR R4, CompartmentDefinition; Compartments; Search, "Compartments"; RESTful API, "Variant Searches".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import NotFound
from fhir_gateway.store.index.condition import Keys, of_keys
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.criterion import Criterion, on_rows, on_set
from fhir_gateway.store.search.registry import Registry

Compartment = tuple[str, str]  # resource type and id: ("Patient", "1")

_REFERRING = "i_ref p WHERE p.trk = ? AND p.pid {any}"


def types_in(registry: Registry, compartment: Compartment, type: str | None) -> tuple[str, ...]:
    """Return the types searched in a compartment: the one named, or (None) all that may be in it.

    Raises: NotFound when there is no such compartment, or resources of the type are never in it.
    """
    known = registry.compartments.get(compartment[0])
    if known is None:
        shown = ", ".join(registry.compartments)
        raise NotFound(complaints.COMPARTMENT_UNKNOWN.at(type=compartment[0], known=shown))
    if type is None:
        return tuple(known)
    if type not in known:
        shown = ", ".join(known)
        raise NotFound(complaints.NOT_IN_COMPARTMENT.at(type=type, compartment=compartment[0], known=shown))
    return (type,)


def in_compartment(registry: Registry, compartment: Compartment, types: tuple[str, ...]) -> Criterion:
    """Return the criterion that a resource of these types, all of which may be in the compartment, is in it.

    "A resource is in the compartment if the indicated search parameter contains a reference to the compartment's own
    resource", which is in it too.
    """
    owner = compartment[0]
    name = "/".join(compartment)
    key = rk_of(*compartment)
    codes = registry.compartments[owner]
    pids = Keys(sorted(registry.pids[type, code] for type in types for code in codes[type]))
    if owner not in types:
        return on_rows(name, "i_ref", pids, [of_keys("{trk}", [key])])
    return on_set(
        name,
        f"SELECT p.rid FROM {_REFERRING} UNION ALL SELECT t.rid FROM resource t WHERE t.rk = ? AND t.deleted = 0",
        (key, pids, key),
        f"({{rk}} = ? OR {{some}}SELECT 1 FROM {_REFERRING} AND p.rid = {{rid}}{{/some}})",
        (key, key, pids),
    )
