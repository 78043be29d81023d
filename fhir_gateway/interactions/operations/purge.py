"""$purge: a resource, or a patient with all that is its own, taken away for good; or only superseded versions.

What is purged was never there: 404, not 410, and its id is free. A resource that belongs to another patient's
compartment too is kept and named. What belongs to a dossier, older versions with it, goes only when that is forced.
Everything happens in one transaction, so nothing is ever half done.

Source: no operation of HL7's; `profiles/operations/OperationDefinition-purge.json`. Compartments; GDPR, Art. 17.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Conflict, NotFound, TooCostly
from fhir_gateway.interactions import complaints as acts
from fhir_gateway.interactions import dossier_marks, pseudonymity, search_state
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.trace import recorded
from fhir_gateway.store.contract import Key, Locks, Read, Write
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.registry import PARAMETERS_LOCK, raise_generation
from fhir_gateway.store.search.record import (
    compartment_pids,
    keys_of,
    members_of,
    owned_by_others,
    owners_beside,
    referers_outside,
    tombstones,
)
from fhir_gateway.store.text import index as text

LIMIT = 20_000  # resources that one purge takes away
_REFERERS = 100  # that are named
_OWNER = "Patient"  # the type whose compartment goes with it
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Purge:
    """What goes, by number; what is kept because it is another patient's too; what refers to what goes."""

    rids: Sequence[int]
    kept: Sequence[Key]
    referring: Sequence[Key]


def purge(gateway: Gateway, call: Call) -> Answer:
    """Erase for good; answer with Parameters that say how much of each type, what was kept, and what refers to it.

    `history`: only versions that are superseded. `force`: although other resources refer to what is erased, whose
    references then lead nowhere, or although it belongs to a dossier.

    Raises: NotFound; Conflict naming what refers to it, and what belongs to a dossier; TooCostly for more than `LIMIT`
    resources.
    """
    act = call.interaction
    assert act.type is not None
    assert act.id is not None
    key: Key = (act.type, act.id)
    history, force = (bool(call.inputs.one(name)) for name in ("history", "force"))
    defines = act.type == search_state.TYPE and not history
    with gateway.store.read(feed=False) as view:
        deleted = _deleted_members(gateway, view, key) if act.type == _OWNER else []

    def work(tx: Write) -> Answer:
        planned = _plan(gateway, tx, key, deleted)
        held: Sequence[int] = ()
        while planned.rids != held and tx.hold(planned.rids):
            # What was changed before it was held may belong to somebody else by now.
            held, planned = planned.rids, _plan(gateway, tx, key, deleted)
        keys = keys_of(tx, gateway.registry, planned.rids)
        issues = [] if force else [complaints.PURGE_OF_A_DOSSIER.at(member=each) for each in _of_dossiers(tx, keys)]
        if gateway.limits.integrity_on_delete and not (force or history):
            issues += (complaints.PURGE_REFERRED.at(referer="/".join(each)) for each in planned.referring)
        if issues:
            raise Conflict(*issues)
        versions = tx.purge(planned.rids, superseded_only=history)
        if not history:
            text.erase(tx, planned.rids)
            pseudonymity.forget(gateway, tx, keys)
            if defines:
                raise_generation(tx)
        return _answer(keys, versions, planned, history)

    criteria = frozenset((PARAMETERS_LOCK,) if defines else ())
    answer = gateway.store.write(recorded(work), Locks(criteria, frozenset((key,))))
    if defines:
        search_state.renew(gateway)
    fields = {"type": act.type, "id": act.id, "role": call.actor.role, "history": history, "force": force}
    logger.warning("purged", extra={"fields": fields})
    return answer


def _plan(gateway: Gateway, tx: Write, key: Key, deleted: Sequence[int]) -> _Purge:
    # Held first: whoever begins to refer to it waits, and whoever has begun is waited for and seen.
    own = tx.doom([key]).get(key)
    if own is None:
        raise NotFound(acts.NOT_FOUND.at(type=key[0], id=key[1]))
    if key[0] != _OWNER:
        return _Purge([own.rid], (), referers_outside(tx, gateway.registry, [own.rid], _REFERERS))
    members = [each.rid for each in members_of(tx, gateway.registry, key, LIMIT)]
    if len(members) + len(deleted) >= LIMIT:
        raise TooCostly(complaints.PURGE_TOO_LARGE.at(limit=LIMIT))
    shared = owners_beside(tx, gateway.registry, key, members)
    # What was brought back since it was looked at is among the members, if it still belongs here.
    still = {
        version.rid for version in tx.current_of(keys_of(tx, gateway.registry, deleted)).values() if version.deleted
    }
    rids = sorted({own.rid, *still, *(rid for rid in members if rid not in shared)})
    kept = keys_of(tx, gateway.registry, sorted(shared))
    return _Purge(rids, kept, referers_outside(tx, gateway.registry, rids, _REFERERS))


def _of_dossiers(tx: Write, keys: Sequence[Key]) -> list[str]:
    """Return which resources are under the rules of a dossier, as many as are named."""
    there = tx.current_of(keys)
    marked = (each for each in there.values() if not each.deleted and dossier_marks.carries(each))
    members = ("/".join(each.key) for each in marked if is_member(decode(each.body)))
    return sorted(islice(members, _REFERERS))


def _deleted_members(gateway: Gateway, view: Read, key: Key) -> list[int]:
    """Return the deleted resources whose last version was in the compartment, and in no other of its type."""
    registry = gateway.registry
    pids = set(compartment_pids(registry, key[0]))
    named = "/".join(key).encode()
    found = []
    for rid, other, body in tombstones(view, registry, registry.compartments[key[0]]):
        if named not in body or other[0] == _OWNER:
            continue
        trks = {trk for trk, pid in _references(gateway, decode(body)) if pid in pids}
        if rk_of(*key) in trks and not owned_by_others(view, registry, key, trks):
            found.append(rid)
    return found


def _references(gateway: Gateway, resource: dict[str, Any]) -> list[tuple[int, int]]:
    links = structure.check(resource, gateway.definitions.types).links[id(resource)]
    texts = [link.container[link.key] for link in links if link.kind == "reference"]  # type: ignore[index]
    rows, _ = gateway.indexer.index(resource, texts)
    return [(row[0], row[1]) for row in rows.get("i_ref", ())]


def _answer(keys: Sequence[Key], versions: int, planned: _Purge, history: bool) -> Answer:
    counts = Counter(type for type, _ in keys)
    parameters: list[dict[str, Any]] = [
        {
            "name": "looked-through" if history else "erased",
            "part": [{"name": "type", "valueCode": type}, {"name": "resources", "valueInteger": counts[type]}],
        }
        for type in sorted(counts)
    ]
    parameters.append({"name": "versions", "valueInteger": versions})
    parameters += ({"name": "kept", "valueUri": "/".join(key)} for key in planned.kept)
    if not history:
        parameters += ({"name": "referring", "valueUri": "/".join(key)} for key in planned.referring)
    return Answer(200, encode({"resourceType": "Parameters", "parameter": parameters}))
