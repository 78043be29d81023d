"""The plan of a write: what each entry is about, its resource with references rewritten, its draft and command.

Nothing here writes or locks; it may all be done again when the store has changed meanwhile.

Source: FHIR R4, RESTful API, "Transaction Processing Rules".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.conformance.subset import CODE as SUBSETTED
from fhir_gateway.conformance.subset import is_subset
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Conflict, FhirError, Gone, NotFound, Unprocessable
from fhir_gateway.fhir.references import Reference
from fhir_gateway.fhir.structure import Link
from fhir_gateway.interactions import bounds, complaints, conditions, dossier_marks, patch
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.entry import Entry, Identity
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.references import rewrite, root_of
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.interactions.search_state import Change, plan_change
from fhir_gateway.store.contract import Command, Create, Delete, Draft, Key, Put, Read, Version
from fhir_gateway.store.layout import pack


@dataclass(frozen=True, slots=True)
class Late:
    """A link whose text shows only once all is staged. `planned` is what the draft has meanwhile.

    A conditional reference has its `criteria`; a versioned one the entry (`target`) whose version it names.
    """

    index: int
    link: Link
    planned: str
    criteria: Reference | None = None
    target: int = -1
    fragment: str = ""


@dataclass(slots=True)
class Plan:
    """What is to be decided and staged. Numbers are places in the list of entries."""

    entries: Sequence[Entry]
    identities: list[Identity]
    resources: dict[int, dict[str, Any]] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)  # entries whose message leaves what is there as it is
    commands: list[tuple[Command, int]] = field(default_factory=list)  # in processing order
    decided: set[Key] = field(default_factory=set)  # whose current version a decision rests on
    patched: dict[Key, Version] = field(default_factory=dict)  # the versions that patches, and rights, rest on
    named: set[Key] = field(default_factory=set)  # what somebody names who may not see it (`bounds`)
    absent: set[Key] = field(default_factory=set)  # of these what is to be deleted and is not there
    written: set[Key] = field(default_factory=set)
    local: dict[Key, list[tuple[int, Link]]] = field(default_factory=dict)  # what must be here, and for which links
    guessed: set[Key] = field(default_factory=set)  # what conditional references seem to name
    late: list[Late] = field(default_factory=list)
    seen: dict[Key, Version] = field(default_factory=dict)
    generation: int = 0  # of what the drafts are indexed by, or an older one
    change: Change | None = None  # of the search parameters
    members: list[int] = field(default_factory=list)  # entries under the rules of a dossier (`dossier_marks`)
    dossiers: frozenset[str] = frozenset()  # the numbers of the dossiers that they concern

    @property
    def writes_nothing(self) -> bool:
        return not (self.commands or self.absent)

    def expression(self, index: int, link: Link) -> str:
        """Return the expression of a link in the resource of an entry."""
        return self.entries[index].expression(link)


def plan(gateway: Gateway, view: Read | None, entries: Sequence[Entry]) -> Plan:
    """Return the plan for `entries`, as `view` sees the store; None when no entry asks the store anything.

    Texts rewritten by an earlier plan for the same entries are put back first.

    Raises: every problem that can be known without the lock, those of a stage together.
    """
    for entry in entries:
        entry.undo()
    generation = gateway.searching.state.generation
    planned = Plan(entries, _identities(gateway, view, entries), generation=generation)
    keys = [key for identity in planned.identities if identity.state != "new" for key in identity.keys]
    planned.seen = view.current_of(keys) if view is not None and keys else {}
    bounds.keep_ids(gateway, planned)
    _resources(gateway, view, planned)
    _rewrite(gateway, view, planned)
    dossier_marks.mark(gateway, view, planned)
    bounds.hold_references(gateway, planned)
    bounds.keep_to_rights(gateway, view, planned)
    _commands(gateway, planned)
    planned.change = plan_change(gateway, planned)
    return planned


def _identities(gateway: Gateway, view: Read | None, entries: Sequence[Entry]) -> list[Identity]:
    refusals = Refusals()
    identities = []
    first: dict[Key | str, int] = {}
    known = conditions.together(gateway, view, entries)
    for index, entry in enumerate(entries):
        try:
            identity = conditions.resolve(gateway, view, entry, known)
        except FhirError as refusal:
            refusals.take(refusal, map(entry.placed, refusal.issues))
            continue
        identities.append(identity)
        names: list[Key | str] = [*identity.keys]
        if entry.criteria is not None and identity.state in ("new", "claimed"):
            # Two entries that would both create what the same condition describes are about one resource.
            names.append(entry.criteria)
        for name in names:
            if first.setdefault(name, index) != index:
                what = name if isinstance(name, str) else "/".join(name)
                issue = complaints.IDENTITY_TWICE.at(entry.at("url"), first=entries[first[name]].number, what=what)
                refusals.add(Conflict, issue)
    refusals.raise_any()
    return identities


def _resources(gateway: Gateway, view: Read | None, planned: Plan) -> None:
    """Settle which tree each writing entry stores, and where its links are."""
    refusals = Refusals()
    for index, (entry, identity) in enumerate(zip(planned.entries, planned.identities, strict=True)):
        act = entry.act
        if act.code == "patch":
            try:
                _patch(gateway, planned, index, entry, identity.keys[0])
            except FhirError as refusal:
                refusals.take(refusal, map(entry.moved, refusal.issues))
        elif act.code == "update" and entry.onto is not None:
            try:
                _lay(gateway, view, planned, index, entry, identity.keys[0])
            except FhirError as refusal:
                refusals.take(refusal, map(entry.moved, refusal.issues))
        elif act.code == "update" and act.resource is not None and is_subset(act.resource):
            # "… to ensure that the incomplete resource is not accidentally used to overwrite a complete resource."
            place = f"{act.type}.meta.tag.where(code='{SUBSETTED}')"
            refusals.add(Unprocessable, entry.moved(complaints.SUBSET_SENT.at(place)))
        elif act.code == "update" or (act.code == "create" and identity.state == "new"):
            assert act.resource is not None
            planned.resources[index] = act.resource
        held = act.code == "create" and identity.state == "found"
        guarded = act.conditions.if_match is not None or act.conditions.if_none_match is not None
        if act.code == "patch" or identity.state == "claimed" or held or guarded:
            planned.decided.update(identity.keys)
    refusals.raise_any()


def _patch(gateway: Gateway, planned: Plan, index: int, entry: Entry, key: Key) -> None:
    """Apply the patch to the version seen, and check what came of it as a resource sent would be."""
    seen = planned.seen.get(key)
    if seen is None:
        raise NotFound(complaints.NOT_FOUND.at(entry.at("url"), type=key[0], id=key[1]))
    if seen.deleted:
        raise Gone(complaints.DELETED.at(entry.at("url"), type=key[0], id=key[1], version=seen.vid))
    patched = patch.apply(decode(seen.body), entry.act.patch or [], gateway.validation.engine)
    if not isinstance(patched, dict):
        raise Unprocessable(complaints.PATCH_IDENTITY.at(element="resourceType", was=key[0]))
    for element, was in (("resourceType", key[0]), ("id", key[1])):
        if patched.get(element) != was:
            raise Unprocessable(complaints.PATCH_IDENTITY.at(f"{key[0]}.{element}", element=element, was=was))
    findings = structure.check(patched, gateway.definitions.types, key[0])
    gateway.validation.check_patched(gateway, patched, findings.issues, entry, planned.entries)
    planned.resources[index] = patched
    planned.patched[key] = seen
    entry.links, entry.links_from_root = findings.links[id(patched)], False


def _lay(gateway: Gateway, view: Read | None, planned: Plan, index: int, entry: Entry, key: Key) -> None:
    """Lay what the entry brings over the version seen, and check what came of it as a resource sent would be."""
    assert entry.onto is not None
    seen = planned.seen.get(key)
    stored = None if seen is None or seen.deleted else decode(seen.body)
    laid = entry.onto.laid(view, key, stored)
    if laid is stored:
        planned.kept.add(index)
    else:
        gateway.validation.check_patched(gateway, laid, (), entry, planned.entries)
    planned.resources[index] = laid
    if laid is not entry.act.resource:
        entry.links = None
    if seen is not None:
        planned.patched[key] = seen
        planned.decided.add(key)


def _rewrite(gateway: Gateway, view: Read | None, planned: Plan) -> None:
    """Rewrite what refers to entries, note what references rest on, and guess what shows only later."""
    entries, identities = planned.entries, planned.identities
    targets: dict[str, str] = {}
    places: dict[str, int] = {}
    removed: dict[str, Key] = {}
    for index, (entry, identity) in enumerate(zip(entries, identities, strict=True)):
        if entry.full_url is not None and len(identity.keys) == 1:
            targets[entry.full_url] = "/".join(identity.keys[0])
            places[entry.full_url] = index
            if entry.act.code == "delete":
                removed[entry.full_url] = identity.keys[0]
    # Where a fullUrl is no URN, the structure check has not collected the uri values that may be meant.
    every_uri = any(not full_url.startswith("urn:") for full_url in targets)
    refusals = Refusals()
    conditional: list[tuple[int, Link, Reference]] = []
    for index, resource in planned.resources.items():
        entry = entries[index]
        # What a patch did not touch was stored here: it is relative to this server, whatever the entry's fullUrl.
        root = "" if entry.act.code == "patch" else root_of(entry.full_url)
        done = rewrite(_links(gateway, entry, resource, every_uri), targets, root, entry.act.base)
        if done.originals or done.versioned or done.conditional:
            entry.rewriting = done
        for link, key in done.local:
            planned.local.setdefault(key, []).append((index, link))
        if removed:
            for link, text in done.originals:
                if text in removed:
                    planned.local.setdefault(removed[text], []).append((index, link))
        if done.unresolved and entry.place:
            for link, text in done.unresolved:
                refusals.add(Unprocessable, complaints.REFERENCE_UNRESOLVED.at(entry.expression(link), reference=text))
        for link, full_url, fragment in done.versioned:
            target = places[full_url]
            text = f"{targets[full_url]}/_history/1{fragment}"
            done.write(link, text)
            planned.late.append(Late(index, link, text, target=target, fragment=fragment))
        conditional += [(index, link, reference) for link, reference in done.conditional]
    _guess(gateway, view, planned, conditional, refusals)
    refusals.raise_any()


def _links(gateway: Gateway, entry: Entry, resource: dict[str, Any], every_uri: bool) -> list[Link]:
    if entry.links is None or every_uri:
        entry.links, entry.links_from_root = structure.links(resource, gateway.definitions.types, every_uri), False
    if resource["resourceType"] == "Bundle":
        # A document or collection that is stored has fullUrls and links of its own, which are not ours.
        return [link for link in entry.links if link.kind == "reference"]
    return entry.links


def _guess(
    gateway: Gateway,
    view: Read | None,
    planned: Plan,
    conditional: Sequence[tuple[int, Link, Reference]],
    refusals: Refusals,
) -> None:
    """Write into each conditional reference what it means now; `late` asks again when all is staged."""
    asked: dict[str, conditions.Asked] = {}
    for index, link, reference in conditional:
        expression, text = planned.expression(index, link), reference.text
        if planned.entries[index].place:
            asked.setdefault(text, (reference.type or "", reference.query or "", expression))
        else:
            # "In a transaction (and only in a transaction), references … may be replaced by a search URI"
            refusals.add(Unprocessable, complaints.REFERENCE_CONDITIONAL.at(expression, reference=text))
    if not asked:
        return
    if view is not None:
        keys = conditions.resolve_references(gateway, view, asked, refusals)
    else:
        with gateway.store.read() as opened:
            keys = conditions.resolve_references(gateway, opened, asked, refusals)
    for index, link, reference in conditional:
        now, found = reference.text, keys.get(reference.text, ())
        if len(found) == 1:
            now = "/".join(found[0])
            planned.guessed.add(found[0])
            rewriting = planned.entries[index].rewriting
            assert rewriting is not None
            rewriting.write(link, now)
        planned.late.append(Late(index, link, now, criteria=reference))


def _commands(gateway: Gateway, planned: Plan) -> None:
    entries = planned.entries
    for index in sorted(range(len(entries)), key=lambda index: entries[index].order):
        identity = planned.identities[index]
        if entries[index].act.code == "delete":
            there = [key for key in identity.keys if key not in planned.absent]
            planned.commands += [(Delete(*key, _superseded(planned.seen, key)), index) for key in there]
        elif index in planned.resources:
            key = identity.keys[0]
            made = draft(gateway.indexer, planned.resources[index], *key, entries[index].links or ())
            planned.written.add(key)
            planned.commands.append((_command(made, identity, planned.seen), index))


def _command(made: Draft, identity: Identity, seen: Mapping[Key, Version]) -> Command:
    return Create(made) if identity.state == "new" else Put(made, _superseded(seen, made.key))


def _superseded(seen: Mapping[Key, Version], key: Key) -> tuple[int, bytes] | None:
    version = seen.get(key)
    return None if version is None or version.deleted else (version.vid, pack(version.body))
