"""Profiles as the walk needs them: a StructureDefinition's snapshot turned into tables of rules, once.

Source: FHIR R4, StructureDefinition; ElementDefinition; Profiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fhir_gateway.conformance.element_types import PROFILE_ELEMENT
from fhir_gateway.conformance.validation.complaints import NO_SNAPSHOT
from fhir_gateway.conformance.validation.limits import Limit, limits_of
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF
from fhir_gateway.fhir.outcome import FhirError, Unprocessable

BASE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = f"{BASE}structuredefinition-fhir-type"
_MAX_VALUE_SET = f"{BASE}elementdefinition-maxValueSet"
_BEST_PRACTICE = f"{BASE}elementdefinition-bestpractice"
_ADDITIONAL = "http://hl7.org/fhir/tools/StructureDefinition/additional-binding"

_TRANSLATION = f"{BASE}translation"
_IMPOSED = f"{BASE}structuredefinition-imposeProfile"

_VITALS_UNITS = "http://hl7.org/fhir/ValueSet/ucum-vitals-common"
_KEPT = 256  # definitions that were only looked at

# Held by every element or extension that passed the structure check; see `walk.py` for those checked natively.
EVERYWHERE = frozenset({"ele-1", "ext-1"})


class Lookup(Protocol):
    """Where definitions come from: a url, or "url|version"."""

    def structure(self, canonical: str) -> Mapping[str, Any] | None: ...

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None: ...

    def resources(self, kind: str) -> Iterator[Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant. `human`, `human_fr`: its text in English and French, or as it is, where it is in one language only.
    `source`: the canonical of the definition it comes from.
    """

    key: str
    severity: str
    human: str
    human_fr: str
    expression: str
    source: str
    best_practice: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """`additional`: more value sets that hold wherever the binding does, each with its strength."""

    strength: str
    value_set: str | None
    max_value_set: str | None = None
    additional: tuple[tuple[str, str], ...] = ()


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
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    content: str | None = None  # the id of the element whose content it has: "#id", "url#id" of another definition
    slicing: Slicing | None = None
    slices: list[Rule] = field(default_factory=list)
    children: dict[str, Rule] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()

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
        url = self.url.partition("#")[0]
        return f"{url}|{self.version}" if self.version else url

    @property
    def name(self) -> str:
        """The canonical to find it by; with the element, where it is about one element of a profile."""
        _, mark, element = self.url.partition("#")
        return f"{self.canonical}{mark}{element}"

    @property
    def imposed(self) -> list[str]:
        """The profiles that whatever is held to this one has to follow as well."""
        extensions = (each for each in self.definition.get("extension", ()) if each.get("url") == _IMPOSED)
        return [str(each["valueCanonical"]) for each in extensions if "valueCanonical" in each]

    @property
    def root_type(self) -> str:
        """The type of what is held to it: that of an element, where it is about one element of a profile."""
        return self.type if "." not in self.root.path or not self.root.types else self.root.types[0].code


class NoSnapshot(Unprocessable):
    """A definition without a snapshot, and no way to make one."""


Generate = Callable[[Any], Mapping[str, Any]]  # of a StructureDefinition


class Schemas:
    """Profiles by canonical, compiled when they are asked for.

    `generate`: makes a definition with a snapshot of one without, and refuses what is wrong; `lenient`: the same for
    profiles that resources are held to, which takes what is wrong as far as it can be.
    """

    def __init__(self, lookup: Lookup, generate: Generate | None = None, lenient: Generate | None = None) -> None:
        self._lookup = lookup
        self.generate = generate
        self._lenient = lenient or generate
        self.unusable: dict[str, FhirError] = {}  # profiles that no snapshot can be made of, by canonical
        self.compiled: list[Schema] = []  # all that were asked for so far, in that order
        self._by_canonical: dict[str, Schema | None] = {}
        self._urls: dict[int, str] = {}
        self._definitions: dict[str, Mapping[str, Any] | None] = {}
        self._globals: dict[str, list[str]] | None = None

    def url_of(self, root: Rule) -> str | None:
        """Return the canonical url of the profile whose root a rule is; None for any other rule."""
        return self._urls.get(id(root))

    def of(self, canonical: str) -> Schema | None:
        """Return the schema of a profile; None when it is not known, or `unusable`."""
        if canonical in self._by_canonical:
            return self._by_canonical[canonical]
        profile, mark, element = canonical.partition("#")
        if mark:
            schema = _part(self.of(profile), element)
        else:
            definition = self._lookup.structure(canonical)
            schema = None if definition is None else self._compiled(definition, canonical)
        if schema is not None:
            self._urls[id(schema.root)] = schema.url
            self.compiled.append(schema)
        self._by_canonical[canonical] = schema
        return schema

    def resource(self, kind: str, canonical: str) -> Mapping[str, Any] | None:
        """Return the resource of a type with this canonical url, as the lookup gives it."""
        return self._lookup.resource(kind, canonical)

    def globals(self, type: str) -> list[str]:
        """Return the profiles that implementation guides want every resource of a type to follow (global)."""
        if self._globals is None:
            self._globals = {}
            for guide in self._lookup.resources("ImplementationGuide"):
                for each in guide.get("global", ()):
                    self._globals.setdefault(each.get("type", ""), []).append(each.get("profile", ""))
        return self._globals.get(type, [])

    def content(self, rule: Rule, schema: Schema) -> tuple[Rule | None, Schema]:
        """Return the rule of the element whose content an element has, and the definition where it stands."""
        url, _, id = (rule.content or "").partition("#")
        own = schema if not url or url == schema.url else self.of(url)
        return (None, schema) if own is None else (own.by_id.get(id), own)

    def definition(self, canonical: str) -> Mapping[str, Any] | None:
        """Return a StructureDefinition as it is, with or without snapshot; None when it is not known."""
        known = self._by_canonical.get(canonical)
        if known is not None:
            return known.definition
        if canonical not in self._definitions:
            if len(self._definitions) >= _KEPT:
                self._definitions.clear()
            self._definitions[canonical] = self._lookup.structure(canonical)
        return self._definitions[canonical]

    def of_type(self, type: str) -> Schema | None:
        """Return the base definition of a FHIR type."""
        return self.of(BASE + type)

    def _compiled(self, definition: Mapping[str, Any], canonical: str) -> Schema | None:
        try:
            if "snapshot" not in definition:
                if self._lenient is None:
                    raise NoSnapshot(NO_SNAPSHOT.at(profile=canonical))
                definition = self._lenient(definition)
            return compiled(definition)
        except FhirError as error:
            self.unusable[canonical] = error
            return None


def _part(whole: Schema | None, element: str) -> Schema | None:
    """Return what a profile says of one of its elements, as a profile."""
    if whole is None or element not in whole.by_id:
        return None
    return replace(whole, url=f"{whole.url}#{element}", root=whole.by_id[element])


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
        _binding(element.get("binding"), source),
        tuple(_constraint(each, source) for each in element.get("constraint", ()) if "expression" in each),
        element.get("contentReference"),
        _slicing(element.get("slicing")),
        raw=element,
        limits=limits_of(element),
    )


def _valued(element: Mapping[str, Any], prefix: str) -> tuple[str, Any]:
    for key, value in element.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key, value
    return "", None


def _profiles(type: Mapping[str, Any]) -> Iterator[str]:
    """Yield the profiles of a type; one of which only an element is followed as url#id."""
    parts = type.get("_profile", ())
    for index, profile in enumerate(type.get("profile", ())):
        part = parts[index] if index < len(parts) else None
        element = next((each for each in (part or {}).get("extension", ()) if each.get("url") == PROFILE_ELEMENT), None)
        yield profile if element is None else f"{profile}#{element.get('valueString')}"


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
                tuple(_profiles(type)),
                tuple(type.get("targetProfile", ())),
                tuple(type.get("aggregation", ())),
                type.get("versioning"),
            )
        )
    return tuple(found)


def _binding(binding: Mapping[str, Any] | None, source: str) -> Binding | None:
    if binding is None:
        return None
    strength = binding.get("strength", "example")
    if source.startswith(BASE) and str(binding.get("valueSet")).startswith(_VITALS_UNITS):
        # R4's vital signs ask for these units as required, which HL7 corrected: other units are right where they fit.
        strength = "extensible"
    maximum: Mapping[str, Any] = next(
        (each for each in binding.get("extension", ()) if each.get("url") == _MAX_VALUE_SET), {}
    )
    return Binding(
        strength,
        binding.get("valueSet"),
        maximum.get("valueCanonical") or maximum.get("valueUri"),
        tuple(_additional(binding)),
    )


def _additional(binding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield value set and strength of the additional bindings that hold without a usage context."""
    for extension in binding.get("extension", ()):
        if extension.get("url") != _ADDITIONAL:
            continue
        parts = {each.get("url"): each for each in extension.get("extension", ())}
        purpose = parts.get("purpose", {}).get("valueCode")
        value_set = parts.get("valueSet", {}).get("valueCanonical")
        if (
            value_set is not None
            and "usage" not in parts
            and purpose in ("maximum", "required", "extensible", "preferred")
        ):
            yield value_set, purpose


def _whole(key: str, expression: str) -> str:
    """Return R4's rules about the form of names and paths as they are meant: of the whole of them."""
    unbound = key in ("eld-19", "eld-20") or key.endswith("-0")
    return expression.replace(".matches('[", ".matchesFull('[") if unbound else expression


def _constraint(constraint: Mapping[str, Any], source: str) -> Constraint:
    best = any(
        each.get("url") == _BEST_PRACTICE and each.get("valueBoolean") for each in constraint.get("extension", ())
    )
    human = constraint.get("human", "")
    said = _translations(constraint["_human"]) if "_human" in constraint else {}
    return Constraint(
        constraint["key"],
        constraint.get("severity", "error"),
        said.get("en", human),
        said.get("fr", human),
        _whole(constraint["key"], constraint["expression"]),
        constraint.get("source", source),
        best,
    )


def _translations(primitive: Mapping[str, Any]) -> dict[str, str]:
    """Return the translations of a text by language, from what stands beside its value."""
    found: dict[str, str] = {}
    for extension in primitive.get("extension", ()):
        if extension.get("url") == _TRANSLATION:
            parts = {each.get("url"): each for each in extension.get("extension", ())}
            lang, content = parts.get("lang", {}).get("valueCode"), parts.get("content", {})
            found[str(lang)] = str(content.get("valueString", content.get("valueMarkdown", "")))
    return found


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
