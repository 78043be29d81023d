"""Bounds of what an actor writes: not under ids of its choosing, not what is another's, not every element.

What is hidden from the actor is treated, and told, exactly as what is not there.

Source: FHIR R4, RESTful API, "update" ("servers MAY choose to … allow clients to PUT a resource to a location that does
not yet exist"; else 405); `fhir_gateway/policy/politique.yaml`, "portée", "champs", "depuis, vers".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Forbidden, Issue, NotAllowed
from fhir_gateway.fhir.references import parse
from fhir_gateway.fhir.structure import Link
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.access import Access
from fhir_gateway.interactions.entry import Entry
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.store.contract import Key, Read, Version

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.plan import Plan
    from fhir_gateway.policy.policy import Right

_ON_STORED = frozenset({"update", "patch", "delete"})
Resource = dict[str, Any]


def keep_ids(gateway: Gateway, planned: Plan) -> None:
    """Refuse updates that would create under an id of the sender's choosing, and pass over what is not there to delete.

    What was seen of the resources that entries name is noted in the plan: the decision rests on it.
    """
    access = gateway.access
    if access is None or not access.is_narrowed:
        return
    refusals = Refusals()
    for entry, identity in zip(planned.entries, planned.identities, strict=True):
        if identity.state not in ("named", "claimed"):
            continue
        key = identity.keys[0]
        planned.decided.add(key)
        planned.named.add(key)
        if key in planned.seen:
            continue
        if entry.act.code == "delete":
            planned.absent.add(key)
        elif entry.act.code == "update":
            issue = complaints.ID_NOT_CHOSEN.at(entry.at("url"), type=key[0], id=key[1], role=access.actor.role)
            refusals.add(NotAllowed, entry.placed(issue))
    refusals.raise_any()


def hold_references(gateway: Gateway, planned: Plan) -> None:
    """Add to what must be here what references name under the base that resources are indexed by.

    That base may be another than the one this request came to, and what is indexed as a reference to a patient gives
    access to what is shared about the patient.
    """
    base = gateway.registry.base
    if gateway.access is None or not gateway.access.is_narrowed or not base:
        return
    for index, resource in planned.resources.items():
        entry = planned.entries[index]
        if base == entry.act.base:
            continue
        for link in entry.links or structure.links(resource, gateway.definitions.types, every_uri=False):
            key = _named(link, base)
            if key is not None and link.container[link.key].startswith(base):  # type: ignore[index]
                planned.local.setdefault(key, []).append((index, link))


def changed_since(planned: Plan, current: dict[Key, Version]) -> bool:
    """Tell whether something that an entry names has come or gone since the plan."""
    return any((key in current) != (key in planned.seen) for key in planned.named)


def keep_to_rights(gateway: Gateway, view: Read | None, planned: Plan) -> None:
    """Refuse, all at once, what the role may not change of the resources that are there, and may not create."""
    if gateway.access is None or not gateway.access.writes:
        return
    refusals = Refusals()
    others = _owned_by_others(gateway.access, view, planned)
    for index, entry in enumerate(planned.entries):
        for key in planned.identities[index].keys:
            refusals.add(Forbidden, *map(entry.moved, _refused(gateway.access, planned, index, entry, key, others)))
    refusals.raise_any()


def _refused(access: Access, planned: Plan, index: int, entry: Entry, key: Key, others: set[Key]) -> Iterator[Issue]:
    type, code = key[0], entry.act.code
    sent = planned.resources.get(index)
    seen = planned.seen.get(key)
    there = seen if seen is not None and not seen.deleted else None
    if (sent is None and code != "delete") or (there is None and code == "delete"):
        return  # nothing is written
    if there is None and code != "create":
        # An update that creates, or brings back what was deleted.
        code = "create"
    right = access.right(code, type)
    if right is None:
        yield complaints.RIGHT_MISSING.at(role=access.actor.role, right=code, type=type)
        return
    if key in others:
        yield _not_own(access, code, key)
    if index in planned.kept:
        return
    if right.fields is None and right.before is None and right.after is None:
        return
    if there is not None:
        planned.decided.add(key)
        planned.patched[key] = there  # the decision rests on this version
    stored = None if there is None else decode(there.body)
    yield from _exceeding(access, right, code, type, stored, sent)


def _exceeding(
    access: Access, right: Right, code: str, type: str, stored: Resource | None, sent: Resource | None
) -> list[Issue]:
    values = {"role": access.actor.role, "right": code, "type": type, "may": _may(right)}
    return [
        complaints.ELEMENT_NOT_CHANGEABLE.at(f"{type}.{element}", element=element, **values)
        for element in right.refused(stored, sent)
    ]


def _not_own(access: Access, code: str, key: Key) -> Issue:
    return complaints.NOT_OWN.at(role=access.actor.role, right=code, type=key[0], id=key[1])


def _is_of_others(access: Access, owner: int) -> bool:
    return owner != 0 and access.writing is not None and owner not in (access.writing.parties or (owner,))


def _may(right: Right) -> str:
    """Return what a right lets change, in words of the resource."""
    told = ["*" if right.fields is None else ", ".join(sorted(right.fields))]
    told += [f"status: {'|'.join(sorted(right.before))} → …"] if right.before is not None else []
    told += [f"status: … → {'|'.join(sorted(right.after))}"] if right.after is not None else []
    return "; ".join(told)


def _owned_by_others(access: Access, view: Read | None, planned: Plan) -> set[Key]:
    """Return the resources to be changed by a right to what is one's own, and that another organisation owns."""
    if view is None or access.writing is None:
        return set()
    asked: set[Key] = set()
    for entry, identity in zip(planned.entries, planned.identities, strict=True):
        right = access.right(entry.act.code, entry.act.type) if entry.act.code in _ON_STORED else None
        if right is not None and right.scope == "organisation":
            asked.update(key for key in identity.keys if key in planned.seen)
    if not asked:
        return set()
    return {key for key, owner in view.owners(asked).items() if _is_of_others(access, owner)}


def require_update(gateway: Gateway, view: Read, stored: Version, changed: Resource) -> None:
    """Raise Forbidden where an operation must not change so a resource that is visible to who asks for it."""
    access, key = gateway.access, stored.key
    if access is None:
        return
    issues = access.lacking_on("update", stored.type)
    right = access.right("update", stored.type)
    if right is not None:
        if right.scope == "organisation" and _is_of_others(access, view.owners([key])[key]):
            issues.append(_not_own(access, "update", key))
        issues += _exceeding(access, right, "update", stored.type, decode(stored.body), changed)
    if issues:
        raise Forbidden(*issues)


def was_referred_to(gateway: Gateway, planned: Plan, index: int, key: Key) -> bool:
    """Tell whether a resource, before it is changed, refers already to what cannot be seen.

    Whoever changes it need not see all that others have written there.
    """
    access, entry = gateway.access, planned.entries[index]
    if access is None or not access.is_narrowed or entry.act.code not in ("update", "patch"):
        return False
    seen = planned.seen.get(planned.identities[index].keys[0])
    return seen is not None and not seen.deleted and key in _references(gateway, decode(seen.body), entry.act.base)


def _references(gateway: Gateway, resource: Resource, base: str) -> set[Key]:
    links = structure.links(resource, gateway.definitions.types, every_uri=False)
    return {key for link in links for each in (base, gateway.registry.base or "") if (key := _named(link, each))}


def _named(link: Link, base: str) -> Key | None:
    """Return what a link refers to here; None where it is no reference, or to something elsewhere."""
    if link.kind != "reference":
        return None
    reference = parse(link.container[link.key], base)  # type: ignore[index]
    if reference.form != "local" or reference.type is None or reference.id is None:
        return None
    return (reference.type, reference.id)
