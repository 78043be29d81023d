"""$meta, $meta-add, $meta-delete: profiles, tags and security labels, beside the resources that have them.

Source: FHIR R4, Resource Operations, "meta", "meta-add", "meta-delete"; Resource, "Metadata".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Conflict, InvalidRequest, PreconditionFailed, TooCostly, Unprocessable
from fhir_gateway.fhir.resource import bounded
from fhir_gateway.interactions import bounds, dossier_rules, preconditions, search_state
from fhir_gateway.interactions.complaints import UNSETTLED
from fhir_gateway.interactions.contention import GenerationChanged, IdentitiesChanged
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import UNCONDITIONAL, answer_with, read, vread
from fhir_gateway.interactions.trace import recorded
from fhir_gateway.interactions.validation import forbids
from fhir_gateway.store.contract import Key, Locks, Put, Read, Write
from fhir_gateway.store.search.in_use import examples

Meta = dict[str, Any]
Change = Callable[[Meta, Meta], None]

LABELS = 10_000  # different profiles, tags and labels that a summary of a type or of all types may have
_CODES = ("_profile", "_security", "_tag")
_CODINGS = ("security", "tag")
_ATTEMPTS = 8  # while others change what resources are indexed by


def meta(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the meta of a resource or of a version of it; of a type, or of all, with what is in use there.

    Raises: NotFound, Gone; TooCostly when there is more in use than a summary may have.
    """
    act = call.interaction
    if act.id is not None:
        # What is answered is no version of the resource, so that conditions about those say nothing.
        found = (read if act.version is None else vread)(gateway, view, replace(act, conditions=UNCONDITIONAL))
        assert found.body is not None
        return replace(_answer(decode(found.body)["meta"]), shown=found.shown)
    types = gateway.registry.types if act.type is None else (act.type,)
    bodies = examples(view, gateway.registry, types, _CODES, LABELS)
    if len(bodies) > LABELS:
        raise TooCostly(complaints.TOO_MANY_LABELS.at(limit=LABELS))
    return _answer(_summary(decode(body).get("meta", {}) for body in bodies))


def _answer(found: Meta) -> Answer:
    # An element without content cannot be written: then nothing is in use.
    parameter = {"parameter": [{"name": "return", "valueMeta": found}]} if found else {}
    return Answer(200, encode({"resourceType": "Parameters", **parameter}))


def _summary(metas: Iterable[Meta]) -> Meta:
    """Return all profiles, tags and security labels of many resources, each once, in order."""
    total: Meta = {}
    for each in metas:
        add(total, each)
    total.pop("_profile", None)
    for name in ("profile", *_CODINGS):
        if name in total:
            total[name].sort(key=lambda value: value if isinstance(value, str) else _identity(value))
    return total


def _identity(coding: Mapping[str, Any]) -> tuple[str, str]:
    """ "The identity of a tag or security label is the system+code"."""
    return (coding.get("system", ""), coding.get("code", ""))


def add(to: Meta, given: Meta) -> None:
    """Add the profiles, tags and security labels of `given` that are not there yet."""
    there = set(to.get("profile", ()))
    for profile in given.get("profile", ()):
        if profile is not None and profile not in there:
            there.add(profile)
            to.setdefault("profile", []).append(profile)
            if "_profile" in to:
                to["_profile"].append(None)
    for name in _CODINGS:
        known = {_identity(coding) for coding in to.get(name, ())}
        for coding in given.get(name, ()):
            if _identity(coding) not in known:
                known.add(_identity(coding))
                to.setdefault(name, []).append(coding)


def take_away(of: Meta, given: Meta) -> None:
    """Take the profiles, tags and security labels of `given` away where they are there."""
    gone = {profile for profile in given.get("profile", ()) if profile is not None}
    profiles = of.get("profile", [])
    kept = [index for index, profile in enumerate(profiles) if profile is None or profile not in gone]
    if len(kept) < len(profiles):
        for name in ("profile", "_profile"):
            if name in of:
                of[name] = [of[name][index] for index in kept]
    for name in _CODINGS:
        if name in of:
            out = {_identity(coding) for coding in given.get(name, ())}
            of[name] = [coding for coding in of[name] if _identity(coding) not in out]
    for name in ("profile", "_profile", *_CODINGS):
        # FHIR has no empty arrays, nor one of nothing but nulls.
        if name in of and not any(value is not None for value in of[name]):
            del of[name]


def meta_add(gateway: Gateway, call: Call) -> Answer:
    """Add profiles, tags and security labels to a resource; answer with its meta as it is then."""
    return _changed(gateway, call, add)


def meta_delete(gateway: Gateway, call: Call) -> Answer:
    """Take profiles, tags and security labels from a resource; answer with its meta as it is then."""
    return _changed(gateway, call, take_away)


def _hold(gateway: Gateway, call: Call, key: Key) -> int | None:
    """Refuse a claim that the resource does not live up to, as an update with it would be.

    Returns the version that was looked at; None when there is none.
    """
    version = gateway.store.current(*key)
    if version is None or version.deleted:
        return None
    resource = decode(version.body)
    add(resource["meta"], call.inputs.one("meta"))
    issues = gateway.validation.of_write(gateway, resource, call.interaction.base)
    if forbids(issues):
        raise Unprocessable(*bounded(issues))
    return version.vid


def _changed(gateway: Gateway, call: Call, change: Change) -> Answer:
    """Change the meta of a resource, which makes a new version when it comes out otherwise.

    If-Match holds as for an update. References are not looked at: they are those that were stored.

    Raises: NotFound, Gone, PreconditionFailed; InvalidRequest for a malformed If-Match; Unprocessable for a profile
    that the resource does not meet, or by which it would come under the rules of a dossier, or leave them.
    """
    act, given = call.interaction, call.inputs.one("meta")
    assert act.type is not None
    assert act.id is not None
    issues = preconditions.malformed(act.conditions, lambda _: None)
    if issues:
        raise InvalidRequest(*issues)
    key: Key = (act.type, act.id)

    def work(tx: Write) -> Meta:
        state = gateway.searching.state
        if tx.generation != state.generation:
            raise GenerationChanged
        version = tx.current(*key)
        refused = preconditions.refusals(act.conditions, key, version, lambda _: None)
        if refused:
            raise PreconditionFailed(*refused)
        answer_with(version, *key)
        assert version is not None
        if claims and version.vid != held:
            raise IdentitiesChanged
        resource = decode(version.body)
        change(resource["meta"], given)
        dossier_rules.hold_meta(decode(version.body), resource)
        bounds.require_update(gateway, tx, version, resource)
        links = structure.check(resource, state.definitions.types).links[id(resource)]
        staged = tx.stage([Put(draft(state.indexer, resource, *key, links))])[0].version
        assert staged is not None
        now: Meta = decode(staged.body)["meta"]
        return now

    claims = change is add and "profile" in given
    for _ in range(_ATTEMPTS):
        held = _hold(gateway, call, key) if claims else None  # beside the lock
        try:
            return _answer(gateway.store.write(recorded(work), Locks(keys=frozenset((key,)))))
        except GenerationChanged:
            search_state.renew(gateway)
        except IdentitiesChanged:
            continue
    raise Conflict(UNSETTLED.at())
