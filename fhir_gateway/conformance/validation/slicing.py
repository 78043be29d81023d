"""Slicing: the elements of a list shared out among the slices of a profile, and how many of each there are.

Source: FHIR R4, Profiling, "Slicing"; ElementDefinition.slicing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.findings import expression_of, found
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.conformance.validation.slices import Reason
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_FEW_REASONS = 10

Strangers = list[tuple[int, Node]]  # elements of no slice, with their places


def check(walk: Walk, node: Node, items: Sequence[Node], rule: Rule, schema: Schema) -> None:
    """Check the elements of a sliced list, each against the slice it belongs to, and count them."""
    slicing = rule.slicing
    if slicing is None:
        return
    undecided = walk.choice(rule, schema).undecided
    for _, (english, french) in undecided:
        for item in items:
            walk.report(found(complaints.SLICING_UNDECIDED, item, schema.canonical, reason=english, reason_fr=french))
    counts: dict[str, int] = {}
    latest = -1
    strangers: Strangers = []
    for place, item in enumerate(items):
        matched = _slice_of(walk, item, place, rule, schema)
        if matched is None:
            latest = -1
            strangers.append((place, item))
            if slicing.rules == "closed" and not undecided:
                english, french = _why_none(walk, item, place, rule, schema)
                walk.report(found(complaints.SLICE_CLOSED, item, schema.canonical, reasons=english, reasons_fr=french))
            continue
        slice = rule.slices[matched]
        if slicing.ordered and matched < latest:
            walk.report(found(complaints.SLICE_ORDER, item, schema.canonical, element=slice.id))
        latest = matched
        if strangers and slicing.rules == "openAtEnd":
            walk.report(found(complaints.SLICE_AT_END, item, schema.canonical))
        name = slice.slice_name or ""
        counts[name] = counts.get(name, 0) + 1
        walk.part(item, slice, schema)
        if slice.slices:
            check(walk, node, [item], slice, schema)
    if undecided:
        return  # how many of each there are cannot be told
    for slice in rule.slices:
        count = counts.get(slice.slice_name or "", 0)
        if slice.max is not None and count > slice.max:
            walk.too_many(node, slice, schema, count)
    missing(walk, node, rule, schema, counts, strangers)


def _slice_of(walk: Walk, item: Node, place: int, rule: Rule, schema: Schema) -> int | None:
    """Return the place of the slice that an element belongs to; a second one of it is reported."""
    matched: int | None = None
    for index, test in walk.choice(rule, schema).candidates(walk, item):
        if test(walk, item, place) is not None:
            continue
        if matched is None:
            matched = index
            if rule.name.endswith("[x]"):
                break
        else:
            names = {"first": rule.slices[matched].slice_name, "second": rule.slices[index].slice_name}
            walk.report(found(complaints.SLICES_OVERLAP, item, schema.canonical, **names))
    return matched


def _why_none(walk: Walk, item: Node, place: int, rule: Rule, schema: Schema) -> Reason:
    """Return why an element belongs to none of the slices of a rule."""
    english, french = [], []
    for slice, test in zip(rule.slices, walk.choice(rule, schema).tests, strict=True):
        reason = (None if test is None else test(walk, item, place)) or ("", "")
        english.append(f"Does not match slice '{slice.slice_name}' ({reason[0]})")
        french.append(f"ne correspond pas à la coupe « {slice.slice_name} » ({reason[1]})")
    return "; ".join(english), " ; ".join(french)


def missing(walk: Walk, node: Node, rule: Rule, schema: Schema, counts: dict[str, int], strangers: Strangers) -> None:
    """Report the slices of which there are too few. `counts`: how many there are, by name."""
    for index, slice in enumerate(rule.slices):
        count = counts.get(slice.slice_name or "", 0)
        if count < slice.min:
            texts = {"element": slice.id, "min": slice.min, "count": count}
            absent = found(complaints.SLICE_MISSING, node, schema.canonical, **texts)
            if strangers and not walk.decides:
                absent = replace(absent, why=tuple(_why_not(walk, strangers, rule, schema, index)))
            walk.report(absent)


def _why_not(walk: Walk, strangers: Strangers, rule: Rule, schema: Schema, index: int) -> Iterator[Reason]:
    """Yield why elements that belong to no slice, the first few of them, do not belong to a certain one."""
    test = walk.choice(rule, schema).tests[index]
    for place, item in strangers[:_FEW_REASONS]:
        reason = None if test is None else test(walk, item, place)
        if reason is not None:
            name = expression_of(item)
            yield f"{name}: {reason[0]}", f"{name} : {reason[1]}"
