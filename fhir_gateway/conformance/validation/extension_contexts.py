"""Where an extension may stand: what its element may be called, and whether one of its contexts names it.

Source: FHIR R4, Defining Extensions, "Extension Context"; StructureDefinition.context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation.schema import BASE, Schema
from fhir_gateway.fhir.fhirpath import FhirPathError, Model, Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# The extensions of examples, of fixed values and of patterns are those of what they stand for.
_EVERY_EXTENSION = frozenset(
    {"ElementDefinition.example.value", "ElementDefinition.pattern", "ElementDefinition.fixed"}
)
# What R4's later "CanonicalResource" stands for in R4, with those that R5 added.
_CANONICAL_RESOURCES = frozenset((
    "ActivityDefinition", "ActorDefinition", "CapabilityStatement", "ChargeItemDefinition", "CodeSystem",
    "CompartmentDefinition", "ConceptMap", "EffectEvidenceSynthesis", "EventDefinition", "Evidence",
    "EvidenceVariable", "ExampleScenario", "GraphDefinition", "ImplementationGuide", "Library", "Measure",
    "MessageDefinition", "NamingSystem", "OperationDefinition", "PlanDefinition", "Questionnaire", "Requirements",
    "ResearchDefinition", "ResearchElementDefinition", "RiskEvidenceSynthesis", "SearchParameter",
    "StructureDefinition", "StructureMap", "SubscriptionTopic", "TerminologyCapabilities", "TestPlan", "TestScript",
    "ValueSet",
))  # fmt: skip
# The elements that abstract types really have; whatever else stands below is not theirs.
_OF_ABSTRACT = {
    "Element": frozenset({"id", "extension"}),
    "BackboneElement": frozenset({"modifierExtension"}),
    "Resource": frozenset({"id", "meta", "implicitRules", "language"}),
    "DomainResource": frozenset({"text", "contained", "extension", "modifierExtension"}),
}
_ANYWHERE = [{"type": "element", "expression": "Element"}]
# Contexts that were published too narrow: used in more places by R4 itself.
_MENDED = {
    f"{BASE}structuredefinition-fhir-type": [{"type": "element", "expression": "ElementDefinition.type"}],
    f"{BASE}regex": [
        {"type": "element", "expression": "ElementDefinition"},
        {"type": "element", "expression": "ElementDefinition.type"},
    ],
    f"{BASE}structuredefinition-normative-version": _ANYWHERE,
    f"{BASE}capabilitystatement-expectation": _ANYWHERE,
    f"{BASE}capabilitystatement-prohibited": _ANYWHERE,
}
_VERSIONS = f"{BASE}version-specific-use"
_LETTERS = {"element": "e", "extension": "x", "fhirpath": "p"}


class Place:
    """The element that holds an extension: what it may be called, by its paths from each type it is in."""

    def __init__(self, walk: Walk, holder: Node) -> None:
        self._walk = walk
        self._model = walk.engine.model
        self.holder = holder
        self.names = _names(self._model, holder)

    def __str__(self) -> str:
        return ", ".join(sorted(self.names))

    def takes_all(self) -> bool:
        """Tell whether every extension may stand here."""
        return not _EVERY_EXTENSION.isdisjoint(self.names)

    def is_in(self, context: Mapping[str, Any]) -> bool:
        """Tell whether a context of an extension names this element."""
        kind, expression = context.get("type"), context.get("expression", "")
        if kind == "element":
            return self._is_element(expression)
        if kind == "extension":
            return bool(self._extension() == expression)
        return self._is_found(expression)

    def holds(self, invariant: str) -> bool:
        """Tell whether a context invariant holds; one that cannot be evaluated does."""
        try:
            items = self._walk.evaluated(invariant, self.holder)
        except FhirPathError:
            return True
        return (len(items) == 1 and items[0] is True) or (len(items) == 1 and not isinstance(items[0], bool))

    def _is_element(self, expression: str) -> bool:
        profile, hash, name = expression.rpartition("#")
        if name in ("Element", "Any"):
            return True
        if name == "Resource" and self.holder.type in self._model.resources:
            return True
        if name == "CanonicalResource" and not _CANONICAL_RESOURCES.isdisjoint(self.names):
            return True
        if hash and not self._follows(profile):
            return False
        return any(_matches(own, name) for each in self.names for own in self._inherited(each))

    def _follows(self, profile: str) -> bool:
        """Tell whether the resource is as a profile says, the elements of which the context means."""
        resource = self._resource()
        schema = self._walk.schemas.of(profile)
        if profile == BASE + resource.type:
            return True
        if schema is None:
            return False
        return schema.type != resource.type or self._walk.conforms(resource, profile)

    def _inherited(self, name: str) -> Iterator[str]:
        type, dot, rest = name.partition(".")
        current: str | None = type
        while current is not None:
            yield current + dot + rest
            current = self._model.base(current)

    def _resource(self) -> Node:
        resource = self.holder
        while resource.parent is not None and resource.type not in self._model.resources:
            resource = resource.parent
        return resource

    def _extension(self) -> str | None:
        """Return the url of the extension that the element is, or whose value it is."""
        holder = self.holder
        if holder.type != "Extension" and holder.parent is not None and holder.key.startswith("value"):
            holder = holder.parent
        return holder.value.get("url") if holder.type == "Extension" and isinstance(holder.value, dict) else None

    def _is_found(self, expression: str) -> bool:
        """Tell whether the element is among those that a FHIRPath expression gives of the resource."""
        try:
            items = self._walk.evaluated(expression, self._resource())
        except FhirPathError:
            return False
        holder = self.holder
        return any(isinstance(item, Node) and _is_same(item, holder) for item in items)


def _is_same(item: Node, holder: Node) -> bool:
    if item.type != holder.type or item.key != holder.key or (item.place or 0) != (holder.place or 0):
        return False
    if isinstance(item.value, dict):
        return item.value is holder.value
    above, beside = item.parent, holder.parent
    return above is not None and beside is not None and above.value is beside.value


def _names(model: Model, node: Node) -> frozenset[str]:
    """Return all names of an element: its paths from each type that it is in, and its own type.

    The value of an Observation is Observation.value, Observation.value.ofType(Quantity) and Quantity.
    """
    parent = node.parent
    if parent is None:
        return frozenset({node.type})
    if "." not in node.type:
        own = node.type
    else:
        own = model.base(node.type) or node.type
    steps = list(_steps(model, parent.type, node))
    above = _names(model, parent)
    paths = {f"{each}.{step}" for each in above for step in steps if _is_real(each, step)}
    if "." in node.type:
        paths.add(node.type)  # the path of the definition itself, wherever it is used again
    return frozenset({*paths, own})


def _is_real(path: str, step: str) -> bool:
    own = _OF_ABSTRACT.get(path)
    return own is None or step in own


def _steps(model: Model, type: str, node: Node) -> Iterator[str]:
    for name, found in model.members(type).items():
        if any(step.key == node.key for step in found):
            yield name
            if len(found) > 1 or found[0].key != name:
                yield f"{name}.ofType({node.type})"
                yield f"{name}{node.type}"
            return
    yield node.key


@lru_cache(1024)
def _matches(name: str, context: str) -> bool:
    """Tell whether the name of an element is the one a context says: `value[x]` is a value of any type."""
    if name == context:
        return True
    if "[x]" not in context:
        return False
    wanted = context.replace("[x]", "")
    head, typed, _ = name.partition(".ofType(")
    return name == wanted or (bool(typed) and head == wanted)


def contexts_of(definition: Schema) -> list[Mapping[str, Any]]:
    """Return the contexts of an extension that count in this version of FHIR."""
    given = _MENDED.get(definition.url) or definition.definition.get("context", ())
    return list(given)


def shown(contexts: list[Mapping[str, Any]]) -> str:
    """Return contexts as messages tell them: "e:Patient.name, x:http://…"."""
    return ", ".join(f"{_LETTERS.get(each.get('type', ''), '')}:{each.get('expression', '')}" for each in contexts)


def versions_of(element: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the first and the last version of FHIR that something is for, None where there is no limit."""
    for extension in element.get("extension", ()):
        if extension.get("url") == _VERSIONS:
            parts = {each.get("url"): each.get("valueCode") for each in extension.get("extension", ())}
            return parts.get("startFhirVersion"), parts.get("endFhirVersion")
    return None, None


def is_for(version: str, limits: tuple[str | None, str | None]) -> tuple[bool, bool]:
    """Tell whether a version is not before the first, and not after the last of two."""
    own = _numbers(version)[:2]
    first, last = limits
    return first is None or own >= _numbers(first), last is None or own <= _numbers(last)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())
