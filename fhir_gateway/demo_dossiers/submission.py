"""One transaction of resources: references among them by urn:uuid, to what is stored already by identifier.

Source: FHIR R4, RESTful API, "transaction", "Conditional References"; Bundle, "Resolving references in Bundles".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from fhir_gateway.demo_dossiers.invented import professionals, structures
from fhir_gateway.demo_dossiers.resources import INS_TEST, Resource, organization, practitioner, practitioner_role
from fhir_gateway.dossier import codes
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.number import Number

# Created once, whoever sends them first.
SHARED: Final = frozenset({"Organization", "Practitioner", "PractitionerRole", "Patient"})
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, CANONICAL_BASE)


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def urn(name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, name)}"


def token_of(resource: Resource) -> str | None:
    """Return the identifier that a resource is found by, "system|value"; None: it has none."""
    held = resource.get("identifier", [])
    if resource["resourceType"] == "Patient":
        held = sorted(held, key=lambda each: each["system"] != INS_TEST)
    return next((f"{each['system']}|{each['value']}" for each in held), None)


def condition(resource: Resource) -> str | None:
    token = token_of(resource)
    return None if token is None else f"identifier={token}"


def directory() -> list[Resource]:
    """Return all structures and professionals of the examples; an administrator writes them before all else."""
    made = [organization(each) for each in structures().values()]
    for each in professionals().values():
        made += [practitioner(each), practitioner_role(each)]
    return made


@cache
def _directory() -> Mapping[str, Resource]:
    return {name_of(each): each for each in directory()}


def transaction(
    created: Iterable[Resource],
    replaced: Iterable[Resource] = (),
    stored: Mapping[str, Resource] | None = None,
    *,
    profile: bool = False,
) -> Resource:
    """Return the transaction that creates resources and replaces others, found by their identifier.

    `stored`: what is there already by "Type/id": references to it become conditional ones, as to the structures and
    professionals of `directory` they do anyhow. `profile`: whether the
    Bundle claims the profile of a submission. Ids of what is created are left to the server.
    Raises: KeyError when a reference leads nowhere.
    """
    made, changed = list(created), list(replaced)
    names = {name_of(each): urn(name_of(each)) for each in made}
    for name, resource in {**_directory(), **(stored or {})}.items():
        if name not in names and (found := condition(resource)) is not None:
            names[name] = f"{resource['resourceType']}?{found}"
    entries = [_created(each, names) for each in made] + [_replaced(each, names) for each in changed]
    bundle: Resource = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    if profile:
        bundle["meta"] = {"profile": [f"{codes.PROFILE}submission-bundle"]}
    return bundle


def _created(resource: Resource, names: Mapping[str, str]) -> Resource:
    kind = resource["resourceType"]
    sent = renamed({key: value for key, value in resource.items() if key != "id"}, names)
    how = {"method": "POST", "url": kind}
    found = condition(resource)
    if kind in SHARED and found is not None:
        how["ifNoneExist"] = found
    return {"fullUrl": urn(name_of(resource)), "resource": sent, "request": how}


def _replaced(resource: Resource, names: Mapping[str, str]) -> Resource:
    kind = resource["resourceType"]
    sent = renamed({key: value for key, value in resource.items() if key != "id"}, names)
    return {"fullUrl": urn(name_of(resource)), "resource": sent,
            "request": {"method": "PUT", "url": f"{kind}?{condition(resource)}"}}  # fmt: skip


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value as it is sent: every literal reference "Type/id" by another name, numbers as plain Decimals.

    Raises: KeyError when a reference has no other name.
    """
    if isinstance(value, dict):
        made = {key: renamed(each, names) for key, each in value.items()}
        text = made.get("reference")
        if isinstance(text, str):
            made["reference"] = names[text]
        return made
    if isinstance(value, list):
        return [renamed(each, names) for each in value]
    return Decimal(value.text) if isinstance(value, Number) else value


def collection(resources: Iterable[Resource]) -> Resource:
    """Return resources as a store holds them, in one Bundle to read."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"{CANONICAL_BASE}/{name_of(each)}", "resource": each} for each in resources],
    }
