"""What shows only once all is staged: conditional references, and which version a versioned reference names.

Source: FHIR R4, RESTful API, "Transaction Processing Rules" (step 5: resolve any conditional references; "version-
specific references should remain as version-specific references after the references have been updated").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.interactions import complaints, conditions
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.entry import Done
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.plan import Late, Plan
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.store.contract import Draft, Key, Put, Write


def settle(gateway: Gateway, tx: Write, planned: Plan, done: list[Done], refusals: Refusals) -> None:
    """Write the late links' texts; where one differs from the draft, stage the resource again, and note it in `done`.

    Adds to `refusals`: conditional references without a match, or with several.
    """
    if not planned.late:
        return
    keys = _resolved(gateway, tx, planned, refusals)
    drafted = {id(late): late.planned for late in planned.late}
    # Staging a resource anew may give it another version, which a versioned reference then names; that happens to
    # each resource once at most, so this ends.
    while changed := _written(planned, done, keys, drafted):
        drafts = [_draft(gateway, planned, done, index) for index in changed]
        _stage(tx, changed, drafts, done)


def _resolved(gateway: Gateway, tx: Write, planned: Plan, refusals: Refusals) -> dict[str, Key]:
    """Return the one match of each conditional reference, held against deletion until commit."""
    by_criteria: dict[str, list[Late]] = {}
    for late in planned.late:
        if late.criteria is not None:
            by_criteria.setdefault(late.criteria.text, []).append(late)
    if not by_criteria:
        return {}
    asked = {text: _asked(planned, lates[0]) for text, lates in by_criteria.items()}
    matches = conditions.resolve_references(gateway, tx, asked, refusals)
    keys = {}
    for text, lates in by_criteria.items():
        found = matches.get(text, ())
        if len(found) == 1:
            keys[text] = found[0]
            continue
        complaint = complaints.REFERENCE_MULTIPLE if found else complaints.REFERENCE_NO_MATCH
        for late in lates:
            refusals.add(Unprocessable, complaint.at(planned.expression(late.index, late.link), reference=text))
    if others := set(keys.values()) - planned.written - planned.guessed:
        tx.absent(others)
    return keys


def _asked(planned: Plan, late: Late) -> conditions.Asked:
    assert late.criteria is not None
    return (late.criteria.type or "", late.criteria.query or "", planned.expression(late.index, late.link))


def _written(planned: Plan, done: Sequence[Done], keys: Mapping[str, Key], drafted: dict[int, str]) -> list[int]:
    """Write the texts as they are now, and return the entries whose drafts have others."""
    changed = set()
    for late in planned.late:
        if late.criteria is not None:
            key = keys.get(late.criteria.text)
            text = late.criteria.text if key is None else "/".join(key)
        else:
            version = done[late.target].version
            assert version is not None
            text = f"{version.type}/{version.id}/_history/{version.vid}{late.fragment}"
        if text != drafted[id(late)]:
            drafted[id(late)] = text
            changed.add(late.index)
            rewriting = planned.entries[late.index].rewriting
            assert rewriting is not None
            rewriting.write(late.link, text)
    return sorted(changed)


def _draft(gateway: Gateway, planned: Plan, done: Sequence[Done], index: int) -> Draft:
    version = done[index].version
    assert version is not None
    links = planned.entries[index].links or ()
    return draft(gateway.indexer, planned.resources[index], version.type, version.id, links)


def _stage(tx: Write, changed: Sequence[int], drafts: Sequence[Draft], done: list[Done]) -> None:
    staged_before = [(index, each) for index, each in zip(changed, drafts, strict=True) if _was_staged(done[index])]
    others = [(index, each) for index, each in zip(changed, drafts, strict=True) if not _was_staged(done[index])]
    if staged_before:
        versions = tx.restage([each for _, each in staged_before])
        for (index, _), version in zip(staged_before, versions, strict=True):
            done[index] = replace(done[index], version=version)
    if others:
        # What its draft left unchanged, its late links may change.
        for (index, _), staged in zip(others, tx.stage([Put(each) for _, each in others]), strict=True):
            done[index] = Done(staged.outcome, staged.version)


def _was_staged(done: Done) -> bool:
    return done.outcome != "unchanged"
