"""Profiles as the walk needs them: a StructureDefinition's snapshot turned into tables of rules, once.

Source: FHIR R4, StructureDefinition; ElementDefinition; Profiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF

BASE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = f"{BASE}structuredefinition-fhir-type"
_MAX_VALUE_SET = f"{BASE}elementdefinition-maxValueSet"
_BEST_PRACTICE = f"{BASE}elementdefinition-bestpractice"

# Held by every element or extension that passed the structure check; see `walk.py` for those checked natively.
EVERYWHERE = frozenset({"ele-1", "ext-1"})


class Lookup(Protocol):
    """Where definitions come from: a url, or "url|version"."""

    def structure(self, canonical: str) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant. `source`: the canonical of the definition it comes from."""

    key: str
    severity: str
    human: str
    expression: str
    source: str
    best_practice: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    strength: str
    value_set: str | None
    max_value_set: str | None = None


@dataclass(frozen=True, slots=True)
class TypeRule:
    """One type that an element may have, with the profiles of it, or of what it refers to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()
    versioning: str | None = None


@dataclass(frozen=True, slots=True)
class Slicing:
    discriminators: tuple[tuple[str, str], ...]  # (type, path)
    rules: str  # open, closed, openAtEnd
    ordered: bool


@dataclass(slots=True)
class Rule:
    """What a profile says of one element, or of one slice of it.

    `fixed`, `pattern`: the JSON value, None where there is none; `value_key` the key it stood under ("fixedCode").
    `children`: what the snapshot itself says below it, by name; empty where the type's own definition holds.
    """

    id: str
    path: str
    name: str  # last step of the path: "name", "value[x]"
    min: int
    max: int | None
    types: tuple[TypeRule, ...]
    slice_name: str | None = None
    fixed: Any = None
    fixed_key: str = ""
    pattern: Any = None
    pattern_key: str = ""
    min_value: Any = None
    min_key: str = ""
    max_value: Any = None
    max_key: str = ""
    max_length: int | None = None
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    content: str | None = None  # the id of the element whose content it has
    slicing: Slicing | None = None
    slices: list[Rule] = field(default_factory=list)
    children: dict[str, Rule] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type_codes(self) -> frozenset[str]:
        return frozenset(type.code for type in self.types)


@dataclass(slots=True)
class Schema:
    """One profile. `root`: the rule of the resource or data type itself; `by_id`: all rules."""

    url: str
    version: str | None
    type: str
    kind: str
    derivation: str | None
    base: str | None
    abstract: bool
    root: Rule
    by_id: dict[str, Rule]
    definition: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


class NoSnapshot(Exception):
    """A definition without a snapshot, and no way to make one."""


class Schemas:
    """Profiles by canonical, compiled when they are asked for.

    `generate`: makes a definition with a snapshot of one without.
    """

    def __init__(
        self, lookup: Lookup, generate: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    ) -> None:
        self._lookup = lookup
        self._generate = generate
        self._by_canonical: dict[str, Schema | None] = {}
        self._urls: dict[int, str] = {}

    def url_of(self, root: Rule) -> str | None:
        """Return the canonical url of the profile whose root a rule is; None for any other rule."""
        return self._urls.get(id(root))

    def of(self, canonical: str) -> Schema | None:
        """Return the schema of a profile; None when it is not known.

        Raises: NoSnapshot.
        """
        if canonical in self._by_canonical:
            return self._by_canonical[canonical]
        definition = self._lookup.structure(canonical)
        schema = None if definition is None else self._compiled(definition)
        self._by_canonical[canonical] = schema
        if schema is not None:
            self._urls[id(schema.root)] = schema.url
        return schema

    def of_type(self, type: str) -> Schema | None:
        """Return the base definition of a FHIR type."""
        return self.of(BASE + type)

    def _compiled(self, definition: Mapping[str, Any]) -> Schema:
        if "snapshot" not in definition:
            if self._generate is None:
                raise NoSnapshot(definition.get("url", ""))
            definition = self._generate(definition)
        return compiled(definition)


def compiled(definition: Mapping[str, Any]) -> Schema:
    """Return the schema of a StructureDefinition that has a snapshot."""
    by_id: dict[str, Rule] = {}
    root: Rule | None = None
    source = definition.get("url", "")
    for element in definition["snapshot"]["element"]:
        rule = _rule(element, source)
        by_id.setdefault(rule.id, rule)
        if root is None:
            root = rule
        else:
            _place(rule, by_id, root)
    assert root is not None
    return Schema(
        source,
        definition.get("version"),
        definition["type"].removeprefix(BASE),
        definition.get("kind", ""),
        definition.get("derivation"),
        definition.get("baseDefinition"),
        bool(definition.get("abstract", False)),
        root,
        by_id,
        definition,
    )


def _place(rule: Rule, by_id: Mapping[str, Rule], root: Rule) -> None:
    head, _, last = rule.id.rpartition(".")
    parent = by_id.get(head, root)
    name, colon, slice_name = last.partition(":")
    if not colon:
        parent.children[name] = rule
        return
    rule.slice_name = rule.slice_name or slice_name
    if "/" in slice_name:  # a slice of a slice
        outer = by_id.get(f"{head}.{name}:{slice_name.rpartition('/')[0]}")
        if outer is not None:
            outer.slices.append(rule)
            return
    unsliced = parent.children.get(name)
    if unsliced is None:
        parent.children[name] = rule
    else:
        unsliced.slices.append(rule)


def _rule(element: Mapping[str, Any], source: str) -> Rule:
    path = element["path"]
    fixed_key, fixed = _valued(element, "fixed")
    pattern_key, pattern = _valued(element, "pattern")
    min_key, min_value = _valued(element, "minValue")
    max_key, max_value = _valued(element, "maxValue")
    maximum = element.get("max", "1")
    return Rule(
        element.get("id", path),
        path,
        path.rpartition(".")[2],
        int(element.get("min", 0)),
        None if maximum == "*" else int(maximum),
        _types(element.get("type", ())),
        element.get("sliceName"),
        fixed,
        fixed_key,
        pattern,
        pattern_key,
        min_value,
        min_key,
        max_value,
        max_key,
        element.get("maxLength"),
        _binding(element.get("binding")),
        tuple(_constraint(each, source) for each in element.get("constraint", ()) if "expression" in each),
        _content(element.get("contentReference")),
        _slicing(element.get("slicing")),
        raw=element,
    )


def _content(reference: str | None) -> str | None:
    return None if reference is None else reference.partition("#")[2]


def _valued(element: Mapping[str, Any], prefix: str) -> tuple[str, Any]:
    for key, value in element.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key, value
    return "", None


def _types(types: Iterable[Mapping[str, Any]]) -> tuple[TypeRule, ...]:
    found = []
    for type in types:
        code = type.get("code", "")
        if code.startswith(_SYSTEM_TYPE):
            named: Mapping[str, Any] = next(
                (each for each in type.get("extension", ()) if each.get("url") == _FHIR_TYPE), {}
            )
            code = named.get("valueUrl") or named.get("valueUri") or code.removeprefix(_SYSTEM_TYPE).lower()
        found.append(
            TypeRule(
                code.removeprefix(BASE),
                tuple(type.get("profile", ())),
                tuple(type.get("targetProfile", ())),
                tuple(type.get("aggregation", ())),
                type.get("versioning"),
            )
        )
    return tuple(found)


def _binding(binding: Mapping[str, Any] | None) -> Binding | None:
    if binding is None:
        return None
    maximum: Mapping[str, Any] = next(
        (each for each in binding.get("extension", ()) if each.get("url") == _MAX_VALUE_SET), {}
    )
    return Binding(
        binding.get("strength", "example"),
        binding.get("valueSet"),
        maximum.get("valueCanonical") or maximum.get("valueUri"),
    )


def _constraint(constraint: Mapping[str, Any], source: str) -> Constraint:
    best = any(
        each.get("url") == _BEST_PRACTICE and each.get("valueBoolean") for each in constraint.get("extension", ())
    )
    return Constraint(
        constraint["key"],
        constraint.get("severity", "error"),
        constraint.get("human", ""),
        constraint["expression"],
        constraint.get("source", source),
        best,
    )


def _slicing(slicing: Mapping[str, Any] | None) -> Slicing | None:
    if slicing is None:
        return None
    return Slicing(
        tuple((each["type"], each["path"]) for each in slicing.get("discriminator", ())),
        slicing.get("rules", "open"),
        bool(slicing.get("ordered", False)),
    )


def is_primitive(type: str) -> bool:
    return type in SYSTEM_OF
