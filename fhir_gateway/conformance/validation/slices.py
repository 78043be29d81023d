"""Slices: which slice of a profile an element belongs to, by its discriminators.

Source: FHIR R4, Profiling, "Slicing", "Discriminator".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation.matching import follows, is_exactly, shown
from fhir_gateway.conformance.validation.schema import Rule, Schema, Slicing
from fhir_gateway.fhir.fhirpath import FhirPathError
from fhir_gateway.fhir.fhirpath.nodes import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

Test = Callable[["Walk", Node, int], str | None]  # None: it matches; else why it does not

_STEP = re.compile(r"\.(?![^(]*\))")
_OF_TYPE = re.compile(r"ofType\((?:FHIR\.)?(\w+)\)")
_EXTENSION = re.compile(r"extension\('([^']+)'\)")


def test_of(walk: Walk, slice: Rule, slicing: Slicing, schema: Schema) -> Test:
    """Return the test whether an element belongs to a slice; compiled once for each."""
    tests = [_by(walk, kind, path, slice, schema) for kind, path in slicing.discriminators]
    if not tests:
        return _by_type(slice) if slice.name.endswith("[x]") else _never

    def all_hold(walk: Walk, node: Node, place: int) -> str | None:
        for test in tests:
            reason = test(walk, node, place)
            if reason is not None:
                return reason
        return None

    return all_hold


def _never(walk: Walk, node: Node, place: int) -> str | None:
    return "the slicing has no discriminator"


def _by_type(rule: Rule) -> Test:
    codes = rule.type_codes

    def test(walk: Walk, node: Node, place: int) -> str | None:
        return None if node.type in codes else f"the type {node.type} is not {', '.join(sorted(codes))}"

    return test


def _by(walk: Walk, kind: str, path: str, slice: Rule, schema: Schema) -> Test:
    if kind == "position":
        return _by_position(slice)
    rules = [slice] if path == "$this" else list(_rules_at(walk, path, slice, schema))
    values = _values_at(walk, path)
    if kind == "type":
        return _typed(path, rules, values)
    if kind == "exists":
        return _existing(path, rules, values)
    if kind == "profile":
        return _conforming(path, rules, values)
    return _valued(path, rules, values)


def _by_position(slice: Rule) -> Test:
    match = re.search(r"(\d+)$", slice.slice_name or "")
    wanted = int(match[1]) if match else None

    def test(walk: Walk, node: Node, place: int) -> str | None:
        return None if place == wanted else f"it stands at {place}"

    return test


# --- the elements that a discriminator's path leads to, in the profile and in the data


def _rules_at(walk: Walk, path: str, slice: Rule, schema: Schema) -> Iterator[Rule]:
    """Yield the rules of the elements a path leads to, from a slice on."""
    current: list[tuple[Rule, Schema]] = [(slice, schema)]
    for step in _STEP.split(path):
        following: list[tuple[Rule, Schema]] = []
        for rule, own in current:
            following += _stepped(walk, step, rule, own)
        current = following
    yield from (rule for rule, _ in current)


def _stepped(walk: Walk, step: str, rule: Rule, schema: Schema) -> Iterator[tuple[Rule, Schema]]:
    if step in ("$this", "resolve()"):
        if step == "resolve()":
            for type in rule.types:
                for target in type.targets:
                    found = walk.schemas.of(target)
                    if found is not None:
                        yield found.root, found
            return
        yield rule, schema
        return
    typed = _OF_TYPE.fullmatch(step)
    if typed is not None:
        if typed[1] in rule.type_codes or not rule.types:
            yield rule, schema
        return
    extension = _EXTENSION.fullmatch(step)
    for child, own in _children(walk, rule, schema, "extension" if extension else step):
        if extension is None:
            yield child, own
            yield from ((each, own) for each in child.slices if child.name.endswith("[x]"))
            continue
        for each in child.slices:
            if any(extension[1] in type.profiles for type in each.types):
                found = walk.schemas.of(extension[1])
                yield (each, own) if each.children or found is None else (found.root, found)


def _children(walk: Walk, rule: Rule, schema: Schema, name: str) -> Iterator[tuple[Rule, Schema]]:
    for holder, own in _holders(walk, rule, schema):
        child = holder.children.get(name) or holder.children.get(f"{name}[x]")
        if child is not None:
            yield child, own
            return


def _holders(walk: Walk, rule: Rule, schema: Schema) -> Iterator[tuple[Rule, Schema]]:
    if rule.children:
        yield rule, schema
    if rule.content and rule.content in schema.by_id:
        yield schema.by_id[rule.content], schema
    for type in rule.types:
        for profile in type.profiles:
            found = walk.schemas.of(profile)
            if found is not None:
                yield found.root, found
        base = walk.schemas.of_type(type.code)
        if base is not None:
            yield base.root, base


def _values_at(walk: Walk, path: str) -> Callable[[Walk, Node], list[Any]]:
    if path == "$this":
        return lambda walk, node: [node]

    def values(walk: Walk, node: Node) -> list[Any]:
        try:
            return walk.evaluated(path, node)
        except FhirPathError:
            return []

    return values


# --- the kinds of discriminators

_Values = Callable[["Walk", Node], list[Any]]


def _conditions(walk: Walk, rule: Rule, prefix: str = "") -> Iterator[tuple[str, Rule]]:
    """Yield the elements at or below a rule that have a fixed value or a pattern, with their path from it."""
    if rule.fixed is not None or rule.pattern is not None:
        yield prefix, rule
        return
    for name, child in rule.children.items():
        step = name.removesuffix("[x]")
        yield from _conditions(walk, child, f"{prefix}.{step}" if prefix else step)


def _valued(path: str, rules: list[Rule], values: _Values) -> Test:
    def test(walk: Walk, node: Node, place: int) -> str | None:
        found = values(walk, node)
        reasons: list[str] = []
        for rule in rules:
            reason = _why_not(walk, path, rule, found)
            if reason is None:
                return None
            reasons.append(reason)
        return "; ".join(reasons) or f"the profile says nothing of {path}"

    return test


def _why_not(walk: Walk, path: str, rule: Rule, found: list[Any]) -> str | None:
    if rule.fixed is not None:
        if any(isinstance(each, Node) and is_exactly(each.value, rule.fixed) for each in found):
            return None
        return f"{path} is not {shown(rule.fixed)}"
    if rule.pattern is not None:
        if any(isinstance(each, Node) and follows(each.value, rule.pattern) for each in found):
            return None
        return f"{path} does not follow {shown(rule.pattern)}"
    conditions = list(_conditions(walk, rule))
    if conditions:
        for each in found:
            if isinstance(each, Node) and all(
                _why_not(walk, below, condition, walk.evaluated(below, each)) is None for below, condition in conditions
            ):
                return None
        return f"{path} is not as the slice says"
    if rule.binding is not None and rule.binding.strength == "required" and rule.binding.value_set is not None:
        if any(isinstance(each, Node) and walk.bindings.is_in(each, rule.binding.value_set) for each in found):
            return None
        return f"{path} has no code of {rule.binding.value_set}"
    if rule.max == 0:
        return f"{path} is there" if found else None
    if rule.min > 0:
        return None if found else f"{path} is absent"
    return None


def _typed(path: str, rules: list[Rule], values: _Values) -> Test:
    codes = frozenset(code for rule in rules for code in rule.type_codes)

    def test(walk: Walk, node: Node, place: int) -> str | None:
        found = [each for each in values(walk, node) if isinstance(each, Node)]
        kinds = {each.type for each in found}
        if any(walk.engine.model.is_kind(kind, code) for kind in kinds for code in codes):
            return None
        return f"the type of {path} is not {', '.join(sorted(codes))}"

    return test


def _existing(path: str, rules: list[Rule], values: _Values) -> Test:
    absent = any(rule.max == 0 for rule in rules)

    def test(walk: Walk, node: Node, place: int) -> str | None:
        there = bool(values(walk, node))
        if absent:
            return f"{path} is there" if there else None
        return None if there else f"{path} is absent"

    return test


def _conforming(path: str, rules: list[Rule], values: _Values) -> Test:
    profiles = [profile for rule in rules for type in rule.types for profile in type.profiles]
    if not profiles:
        # `resolve()` leads to the root of the target profile itself.
        profiles = [rule.path for rule in rules]

    def test(walk: Walk, node: Node, place: int) -> str | None:
        wanted = profiles
        if path.endswith("resolve()"):
            wanted = [schema for rule in rules for schema in walk.urls_of_root(rule)]
        for each in values(walk, node):
            if isinstance(each, Node) and any(walk.conforms(each, profile) for profile in wanted):
                return None
        return f"{path} conforms to none of {', '.join(wanted)}"

    return test
