"""Which slices an element can belong to at all, told by one look at its url or code.

A profile may slice an element in thirty ways by one pattern; without this each element would be put to thirty tests.

Source: FHIR R4, Profiling, "Discriminator" (value, pattern).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import slices
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath.nodes import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

Key = str | tuple[Any, Any]  # a value; the system and code of a coding

_KEYED = ("value", "pattern")


@dataclass(frozen=True, slots=True)
class Choice:
    """The slices of one rule: the test of each, and the key that an element of it must have (None: any may belong).

    `values`: what the discriminator leads to; `needed`: where it leads nowhere, the element belongs to none.
    `undecided`: slices of which the profile does not say what tells them apart, with their places; they have no test.
    """

    tests: tuple[slices.Test | None, ...]
    keys: tuple[Key | None, ...]
    values: Callable[[Walk, Node], list[Any]]
    needed: bool = False
    undecided: tuple[tuple[int, slices.Reason], ...] = ()
    by_key: dict[Key, list[int]] = field(init=False, default_factory=dict)  # the places of slices
    keyless: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        for index, key in enumerate(self.keys):
            if key is not None:
                self.by_key.setdefault(key, []).append(index)
        object.__setattr__(self, "keyless", [index for index, key in enumerate(self.keys) if key is None])

    def candidates(self, walk: Walk, node: Node) -> Iterator[tuple[int, slices.Test]]:
        """Yield those slices, with their places, that an element may belong to."""
        if self.needed and not self.values(walk, node):
            return
        places: Sequence[int] = self.keyless
        if self.by_key:
            found = {place for key in keys_in(self.values(walk, node)) for place in self.by_key.get(key, ())}
            if found:
                places = sorted(found.union(places))
        for index in places:
            test = self.tests[index]
            if test is not None:
                yield index, test


def choice_of(walk: Walk, rule: Rule, schema: Schema) -> Choice:
    """Return what chooses among the slices of a rule; made once for each."""
    slicing = rule.slicing
    assert slicing is not None
    tests: list[slices.Test | None] = []
    undecided: list[tuple[int, slices.Reason]] = []
    for index, slice in enumerate(rule.slices):
        try:
            tests.append(slices.test_of(walk, slice, rule, schema))
        except slices.Undecided as error:
            tests.append(None)
            undecided.append((index, error.reason))
    kind, path = slicing.discriminators[0] if slicing.discriminators else ("", "$this")
    values = slices.values_at(walk, path)
    found = [list(slices.rules_at(walk, path, each, schema)) for each in rule.slices]
    if kind not in _KEYED:
        needed = kind == "type" and path != "$this" and not any(each.max == 0 for rules in found for each in rules)
        return Choice(tuple(tests), (None,) * len(tests), values, needed, tuple(undecided))
    return Choice(tuple(tests), tuple(map(_key_of, found)), values, False, tuple(undecided))


def _key_of(rules: list[Rule]) -> Key | None:
    """Return what a value must have to be that of a slice; None where it cannot be told by one key."""
    if len(rules) != 1:
        return None
    wanted = rules[0].fixed if rules[0].fixed is not None else rules[0].pattern
    if isinstance(wanted, str):
        return wanted
    if not isinstance(wanted, dict):
        return None
    codings = wanted.get("coding")
    coding = codings[0] if isinstance(codings, list) and codings else wanted
    if isinstance(coding, dict) and isinstance(coding.get("code"), str) and isinstance(coding.get("system"), str):
        return coding["system"], coding["code"]
    return None


def keys_in(values: Sequence[Any]) -> Iterator[Key]:
    """Yield what values that tell slices may be found by."""
    for each in values:
        value = each.value if isinstance(each, Node) else each
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            codings = value.get("coding")
            for coding in codings if isinstance(codings, list) else (value,):
                if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                    system = coding.get("system")
                    yield (system if isinstance(system, str) else None), coding["code"]
