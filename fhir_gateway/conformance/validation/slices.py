"""Slices: which slice of a profile an element belongs to, by its discriminators.

Source: FHIR R4, Profiling, "Slicing", "Discriminator".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation.matching import follows, is_exactly, shown
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath import FhirPathError
from fhir_gateway.fhir.fhirpath.nodes import Node, member

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

Reason = tuple[str, str]  # in English and French
Test = Callable[["Walk", Node, int], Reason | None]  # None: it matches; else why it does not

_STEP = re.compile(r"\.(?![^(]*\))")
_OF_TYPE = re.compile(r"ofType\((?:FHIR\.)?(\w+)\)")
_EXTENSION = re.compile(r"extension\('([^']+)'\)")


class Undecided(Exception):
    """A profile does not say what tells a slice apart. `reason`: why, in English and French."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def test_of(walk: Walk, slice: Rule, head: Rule, schema: Schema) -> Test:
    """Return the test whether an element belongs to a slice of another; compiled once for each.

    Raises: Undecided.
    """
    assert head.slicing is not None
    discriminators = head.slicing.discriminators
    if not discriminators:
        return _by_type(slice) if slice.name.endswith("[x]") else _never
    if discriminators[0][0] == "position":
        return _by_position(slice, head)
    if slice.max == 0 and head.slicing.rules == "closed" and all(path == "$this" for _, path in discriminators):
        return _forbidden  # where nothing but slices may be, what may not be is none
    made = (_by(walk, kind, path, slice, schema) for kind, path in discriminators)
    tests = [test for test in made if test is not None]
    if not tests:
        paths, name = "|".join(path for _, path in discriminators), slice.id
        raise Undecided(
            (
                f"could not match discriminator ({paths}) for slice {name} - the discriminator [{paths}] does not have "
                "fixed value, binding or existence assertions",
                f"le discriminant ({paths}) de la coupe {name} n'a ni valeur fixe, ni motif, ni liaison, ni présence "
                "exigée",
            )
        )

    def all_hold(walk: Walk, node: Node, place: int) -> Reason | None:
        for test in tests:
            reason = test(walk, node, place)
            if reason is not None:
                return reason
        return None

    return all_hold


def _never(walk: Walk, node: Node, place: int) -> Reason | None:
    return "the slicing has no discriminator", "le découpage n'a pas de discriminant"


def _forbidden(walk: Walk, node: Node, place: int) -> Reason | None:
    return "there may be none", "il ne peut y en avoir"


def _by_type(rule: Rule) -> Test:
    codes = rule.type_codes

    def test(walk: Walk, node: Node, place: int) -> Reason | None:
        wanted = ", ".join(sorted(codes))
        if node.type in codes:
            return None
        return f"the type {node.type} is not {wanted}", f"le type {node.type} n'est pas {wanted}"

    return test


def _by(walk: Walk, kind: str, path: str, slice: Rule, schema: Schema) -> Test | None:
    """Return the test of one discriminator; None where the slice says nothing that it could look at.

    Raises: Undecided.
    """
    rules = list(rules_at(walk, path, slice, schema))
    values = values_at(walk, path)
    if any(rule.max == 0 for rule in rules) and path != "$this":
        return _absent(path, values)
    if kind == "type":
        return _typed(path, rules, values, slice)
    if kind == "exists":
        return _existing(path, rules, values, slice)
    if kind == "profile":
        return _conforming(path, rules, values)
    return _valued(path, [rule for rule in rules if _is_told(rule)], values)


def _is_told(rule: Rule) -> bool:
    """Tell whether a rule says which values there may be."""
    bound = rule.binding is not None and rule.binding.strength == "required" and rule.binding.value_set is not None
    return bound or _tells(rule)


def _by_position(slice: Rule, head: Rule) -> Test:
    """Return the test of the place: each slice begins where those before it end.

    Raises: Undecided where that cannot be told.
    """
    first = 0
    for other in head.slices:
        if other is slice:
            break
        if other.max != other.min:
            name = other.id
            raise Undecided(
                (
                    f"how many elements slice {name} has is left open, so what stands after it cannot be told",
                    f"le nombre d'éléments de la coupe {name} est laissé ouvert : ce qui la suit est indéterminé",
                )
            )
        first += other.min
    end = None if slice.max is None else first + slice.max

    def test(walk: Walk, node: Node, place: int) -> Reason | None:
        if place >= first and (end is None or place < end):
            return None
        return f"it stands at {place}", f"sa place est {place}"

    return test


# --- the elements that a discriminator's path leads to, in the profile and in the data


def rules_at(walk: Walk, path: str, slice: Rule, schema: Schema) -> Iterator[Rule]:
    """Yield the rules of the elements a path leads to, from a slice on."""
    current: list[tuple[Rule, Schema]] = [(slice, schema)]
    if path == "$this":
        yield slice
        return
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
            # What has to be there says more than what all of them have in common.
            telling = [each for each in child.slices if each.min > 0 or (child.name.endswith("[x]") and _tells(each))]
            if not telling and child.slices and not _is_told(child):
                telling = child.slices  # the values of its slices are those it may have
            yield from ((each, own) for each in telling or (child,))
            continue
        for each in child.slices:
            if any(extension[1] == url.partition("|")[0] for type in each.types for url in type.profiles):
                found = walk.schemas.of(extension[1])
                yield (each, own) if each.children or found is None else (found.root, found)


def _tells(rule: Rule) -> bool:
    """Tell whether a rule or one below it prescribes a value."""
    return rule.fixed is not None or rule.pattern is not None or any(map(_tells, rule.children.values()))


def _children(walk: Walk, rule: Rule, schema: Schema, name: str) -> Iterator[tuple[Rule, Schema]]:
    """Yield the rule of a child: that of the first who prescribes a value of it, else the first."""
    found = []
    for holder, own in _holders(walk, rule, schema):
        child = holder.children.get(name) or holder.children.get(f"{name}[x]")
        if child is not None:
            found.append((child, own))
    if name == "url" and rule.name in ("extension", "modifierExtension") and not any(_tells(each) for each, _ in found):
        found = [(each, schema) for each in _named(walk, rule)] or found
    telling = [each for each in found if _tells(each[0])]
    yield from (telling or found)[:1]


def _named(walk: Walk, rule: Rule) -> Iterator[Rule]:
    """Yield the url that an extension has by the name of its definition, where that is not known."""
    for type in rule.types:
        for profile in type.profiles:
            if walk.schemas.of(profile) is None:
                url = profile.partition("|")[0]
                yield replace(rule, name="url", fixed=url, fixed_key="fixedUri", pattern=None, children={}, slices=[])


def _holders(walk: Walk, rule: Rule, schema: Schema) -> Iterator[tuple[Rule, Schema]]:
    if rule.children:
        yield rule, schema
    if rule.content is not None:
        target, own = walk.schemas.content(rule, schema)
        if target is not None:
            yield target, own
    for type in rule.types:
        for profile in type.profiles:
            found = walk.schemas.of(profile)
            if found is not None:
                yield found.root, found
        base = walk.schemas.of_type(type.code)
        if base is not None:
            yield base.root, base


def values_at(walk: Walk, path: str) -> Callable[[Walk, Node], list[Any]]:
    """Return what finds the values that a discriminator's path leads to from an element; none where it fails."""
    if path == "$this":
        return lambda walk, node: [node]
    if _MEMBERS.fullmatch(path) is not None:
        return _members(path)

    def values(walk: Walk, node: Node) -> list[Any]:
        key = (id(node.value), path)
        found = walk.members.get(key) if isinstance(node.value, dict) else None
        if found is not None:
            return found
        try:
            found = walk.evaluated(path, node)
        except FhirPathError:
            found = []
        if isinstance(node.value, dict):
            walk.members[key] = found
        return found

    return values


_MEMBERS = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)*")


def _members(path: str) -> Callable[[Walk, Node], list[Any]]:
    """Return the same for a path of names only, which needs no expression; asked twice of an element, answered once."""
    names = path.split(".")

    def values(walk: Walk, node: Node) -> list[Any]:
        key = (id(node.value), path)
        found = walk.members.get(key) if isinstance(node.value, dict) else None
        if found is None:
            found = [node]
            for name in names:
                found = [below for each in found for below in member(walk.engine.model, each, name)]
            if isinstance(node.value, dict):
                walk.members[key] = found
        return found

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


def _valued(path: str, rules: list[Rule], values: _Values) -> Test | None:
    if not rules:
        return None

    def test(walk: Walk, node: Node, place: int) -> Reason | None:
        found = values(walk, node)
        reasons: list[Reason] = []
        for rule in rules:
            reason = _why_not(walk, path, rule, found)
            if reason is None:
                return None
            reasons.append(reason)
        return "; ".join(each[0] for each in reasons), " ; ".join(each[1] for each in reasons)

    return test


def _why_not(walk: Walk, path: str, rule: Rule, found: list[Any]) -> Reason | None:
    if rule.fixed is not None:
        # Of a value with parts only those that are told: what it has besides is an error of its slice.
        is_it = follows if isinstance(rule.fixed, dict) else is_exactly
        if any(isinstance(each, Node) and is_it(each.value, rule.fixed) for each in found):
            return None
        return f"{path} is not {shown(rule.fixed)}", f"{path} n'est pas {shown(rule.fixed)}"
    if rule.pattern is not None:
        if any(isinstance(each, Node) and follows(each.value, rule.pattern) for each in found):
            return None
        return f"{path} does not follow {shown(rule.pattern)}", f"{path} ne suit pas {shown(rule.pattern)}"
    conditions = list(_conditions(walk, rule))
    if conditions:
        for each in found:
            if isinstance(each, Node) and all(
                _why_not(walk, below, condition, walk.evaluated(below, each)) is None for below, condition in conditions
            ):
                return None
        return f"{path} is not as the slice says", f"{path} n'est pas comme le demande la coupe"
    if rule.binding is not None and rule.binding.strength == "required" and rule.binding.value_set is not None:
        if any(isinstance(each, Node) and walk.bindings.is_in(each, rule.binding.value_set) for each in found):
            return None
        value_set = rule.binding.value_set
        return f"{path} has no code of {value_set}", f"{path} n'a pas de code de {value_set}"
    return None


def _is_there(path: str) -> Reason:
    return f"{path} is there", f"{path} est présent"


def _is_absent(path: str) -> Reason:
    return f"{path} is absent", f"{path} est absent"


def _absent(path: str, values: _Values) -> Test:
    return lambda walk, node, place: _is_there(path) if values(walk, node) else None


def _typed(path: str, rules: list[Rule], values: _Values, slice: Rule) -> Test:
    if any(not rule.types and "." in rule.path for rule in rules):
        reason = f"discriminator ({path}) is based on type, but slice {slice.id} has no types"
        raise Undecided((reason, f"le discriminant ({path}) est un type, mais la coupe {slice.id} n'en a pas"))
    codes = frozenset(code for rule in rules for code in rule.type_codes or {rule.path})

    def test(walk: Walk, node: Node, place: int) -> Reason | None:
        found = [each for each in values(walk, node) if isinstance(each, Node)]
        kinds = {each.type for each in found}
        if any(walk.engine.model.is_kind(kind, code) for kind in kinds for code in codes):
            return None
        wanted = ", ".join(sorted(codes))
        return f"the type of {path} is not {wanted}", f"le type de {path} n'est pas {wanted}"

    return test


def _existing(path: str, rules: list[Rule], values: _Values, slice: Rule) -> Test:
    if not any(rule.min > 0 for rule in rules):
        raise Undecided(
            (
                f"discriminator ({path}) is based on element existence, but slice {slice.id} neither sets min>=1 or "
                "max=0",
                f"le discriminant ({path}) est la présence d'un élément, mais la coupe {slice.id} n'a ni min>=1 ni "
                "max=0",
            )
        )
    return lambda walk, node, place: None if values(walk, node) else _is_absent(path)


def _conforming(path: str, rules: list[Rule], values: _Values) -> Test:
    profiles = [profile for rule in rules for type in rule.types for profile in type.profiles]
    if not profiles:
        # `resolve()` leads to the root of the target profile itself.
        profiles = [rule.path for rule in rules]

    def test(walk: Walk, node: Node, place: int) -> Reason | None:
        wanted = profiles
        if path.endswith("resolve()"):
            wanted = [schema for rule in rules for schema in walk.urls_of_root(rule)]
        for each in values(walk, node):
            if isinstance(each, Node) and any(_is_met(walk, each, one) or walk.conforms(each, one) for one in wanted):
                return None
        if not wanted:
            return None  # every profile will do
        names = ", ".join(wanted)
        return f"{path} conforms to none of {names}", f"{path} n'est conforme à aucun de {names}"

    return test


def _is_met(walk: Walk, node: Node, canonical: str) -> bool:
    """Tell whether a profile follows from one that a resource is known to meet: a profile narrows its base.

    Source: FHIR R4, Profiling, "Limitations of Use": what a profile allows, its base allows.
    """
    wanted = walk.schemas.of(canonical) if id(node.value) in walk.wishes.met else None
    for url in walk.wishes.met[id(node.value)] if wanted is not None else ():
        known = walk.schemas.of(url)
        while known is not None and wanted is not None and known.url != wanted.url:
            known = None if known.base is None else walk.schemas.of(known.base)
        if known is not None:
            return True
    return False
