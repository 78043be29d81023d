"""The structure check: whether a decoded resource has the shape FHIR JSON prescribes, and where it holds links.

One walk over the tree, driven by the type tables. Cardinalities (`min`), codes and invariants are for validation.

Source: FHIR R4, JSON Representation of Resources; Datatypes; Resource, "Contained Resources"; RESTful API, transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.fhir import faults
from fhir_gateway.fhir.json import MAX_DEPTH, TOO_DEEP
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.plan import LinkKind, ListStep, NumberStep, ObjectStep, Plan, Plans, TextStep, TwinStep, plans_of
from fhir_gateway.fhir.primitives import MAX_STRING, TEXT_RULES
from fhir_gateway.fhir.types import Element, Types

# (parent, name, index): built on every step down, so as cheap as can be; `path_of` makes a text of it.
Path = tuple[Any, ...]


@dataclass(slots=True)
class Link:
    """A string that may have to be rewritten in a transaction: `container[key]`, with its FHIRPath expression."""

    container: dict[str, Any] | list[Any]
    key: str | int
    kind: LinkKind
    path: Path


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """Where a link stands, in whichever resource of the same shape: the keys that lead to its container."""

    steps: tuple[str | int, ...]
    key: str | int
    kind: LinkKind
    path: Path


Links = dict[int, list[Link]]  # by id() of each resource that is not contained (Bundle entries each have their own)


@dataclass(slots=True)
class Findings:
    """What the structure check found: every issue, how many properties there are, and the links of each resource."""

    issues: list[Issue] = field(default_factory=list)
    keys: int = 0
    links: Links = field(default_factory=dict)


def path_of(path: Path) -> str:
    """Return the FHIRPath expression of a path: "Patient.contact[0].name.family"."""
    steps: list[str] = []
    step: Path | None = path
    while step is not None:
        parent, name, index = step
        steps.append(name if index is None else f"{name}[{index}]")
        step = parent
    return ".".join(reversed(steps))


def check(resource: Any, types: Types, expected_type: str | None = None) -> Findings:
    """Return all that is wrong with the structure of a freshly decoded resource, and its links.

    `keys` counts the properties of all objects; it is exact where there is no issue. A Link's container is part
    of `resource` itself. Nothing is raised and nothing changed.

    Source: FHIR R4, JSON Representation of Resources.
    """
    findings = Findings()
    walk = Walk(plans_of(types), findings)
    if type(resource) is not dict:
        findings.issues.append(faults.NOT_A_RESOURCE.at())
        return findings
    plan = walk.plans.of_resource(resource.get("resourceType"))
    if plan is None:
        findings.issues.append(faults.resource_type_issue(resource, types.version, None))
        return findings
    if expected_type is not None and plan.name != expected_type:
        unexpected = faults.RESOURCE_TYPE_UNEXPECTED.at(plan.name, expected=expected_type, name=plan.name)
        findings.issues.append(unexpected)
    own = findings.links[id(resource)] = []
    findings.keys = walk.object(resource, plan, (None, plan.name, None), own, MAX_DEPTH)
    return findings


def prepare(types: Types) -> None:
    """Compile the plans of all resource types now rather than at the first resource of each."""
    plans = plans_of(types)
    for name in types.resources:
        plans.of(name)


def links(resource: Any, types: Types, every_uri: bool = True) -> list[Link]:
    """Return the links of one resource that passed `check`, those of its contained resources included.

    With `every_uri`, uri, url, oid and uuid values count whatever they begin with; a transaction needs that when a
    fullUrl is no URN. Resources in it that are not contained (Bundle entries, Parameters) keep theirs to themselves.
    """
    findings = Findings()
    walk = Walk(plans_of(types), findings, uri_prefix="" if every_uri else "urn:")
    plan = walk.plans.of_resource(resource["resourceType"])
    if plan is None:
        raise ValueError(f"{resource['resourceType']} is no resource type")
    own: list[Link] = []
    walk.object(resource, plan, (None, plan.name, None), own, MAX_DEPTH)
    return own


def places_of(resource: dict[str, Any], links: Sequence[Link]) -> tuple[LinkPlace, ...]:
    """Return where the links of a resource stand."""
    steps: dict[int, tuple[str | int, ...]] = {}
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(resource, ())]
    while waiting:
        value, here = waiting.pop()
        steps[id(value)] = here
        below = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += [(each, (*here, key)) for key, each in below if isinstance(each, dict | list)]
    return tuple(LinkPlace(steps[id(link.container)], link.key, link.kind, link.path) for link in links)


def links_at(resource: dict[str, Any], places: Sequence[LinkPlace]) -> list[Link]:
    """Return the links of a resource that stand at some places, which it must have."""
    found = []
    for place in places:
        container: Any = resource
        for step in place.steps:
            container = container[step]
        found.append(Link(container, place.key, place.kind, place.path))
    return found


class Walk:
    """One walk: the plans it follows, where it puts what it finds. A subclass may judge doubtful values itself."""

    __slots__ = ("findings", "issues", "plans", "uri_prefix")

    def __init__(self, plans: Plans, findings: Findings, uri_prefix: str = "urn:") -> None:
        self.plans = plans
        self.findings = findings
        self.issues = findings.issues
        self.uri_prefix = uri_prefix

    def object(self, value: dict[str, Any], plan: Plan, path: Path, own: list[Link], depth: int) -> int:
        """Check the properties of an object and return how many there are in it and below.

        `own`: the links of the resource it belongs to. `depth`: how many more levels are allowed.
        """
        keys = len(value)
        if keys == 0:
            self.issues.append(faults.EMPTY_OBJECT.at(path_of(path)))
            return 0
        if depth == 0:
            self.issues.append(TOO_DEEP.at(path_of(path), limit=MAX_DEPTH))
            return keys
        texts, uri_prefix = plan.texts, self.uri_prefix
        # The order of the questions is the order of frequency: this loop is most of what a write costs.
        for name, item in value.items():
            kind = type(item)
            if kind is str:
                entry = texts.get(name)
                if entry is None:
                    self.wrong(value, name, plan, path, own, depth)
                    continue
                quick, link, step = entry
                if quick is None:
                    if not item or not item.isprintable() or len(item) > MAX_STRING:
                        self.doubtful(item, step.element, (path, step.label, None), value)
                elif quick(item) is None:
                    self.doubtful(item, step.element, (path, step.label, None), value)
                # Most links are system URLs, which no transaction rewrites: no call for them.
                if link is not None and (link != "uri" or item.startswith(uri_prefix)):
                    self._link(value, name, item, link, (path, step.label, None), own)
            elif kind is dict:
                below = plan.objects.get(name)
                if below is None:
                    self.wrong(value, name, plan, path, own, depth)
                elif below.plan is not None:
                    keys += self.object(item, below.plan, (path, below.label, None), own, depth - 1)
                else:
                    keys += self.resource(item, below, (path, below.label, None), own, depth - 1)
            elif kind is list:
                steps = plan.lists.get(name)
                if steps is None or not item:
                    self.wrong(value, name, plan, path, own, depth)
                else:
                    keys += self._list(value, name, item, steps, path, own, depth)
            else:
                rule = plan.numbers.get(name)
                if rule is None or not rule(item):
                    self.wrong(value, name, plan, path, own, depth)
        if plan.choices:
            self.choices(value, plan, path)
        return keys

    def _list(
        self, value: dict[str, Any], name: str, items: list[Any], step: ListStep,
        path: Path, own: list[Link], depth: int,
    ) -> int:  # fmt: skip
        """Check a list that is not empty and return how many properties there are below it."""
        keys = 0
        label = step.label
        if type(step) is ObjectStep:
            below = step.plan
            for index, item in enumerate(items):
                if type(item) is not dict:
                    self.issues.append(faults.OBJECT_EXPECTED.at(path_of((path, label, index)), name=name))
                elif below is not None:
                    keys += self.object(item, below, (path, label, index), own, depth - 1)
                else:
                    keys += self.resource(item, step, (path, label, index), own, depth - 1)
        elif type(step) is TextStep:
            self._texts(value, name, items, step, path, own)
        elif type(step) is NumberStep:
            self._numbers(value, name, items, step, path)
        elif type(step) is TwinStep:
            keys += self._twins(value, name, items, step, path, own, depth)
        return keys

    def _texts(
        self, value: dict[str, Any], name: str, items: list[Any], step: TextStep, path: Path, own: list[Link]
    ) -> None:
        quick, link = step.quick, step.link
        element = step.element
        for index, item in enumerate(items):
            here = (path, step.label, index)
            if type(item) is not str:
                self.not_a_primitive(value, name, item, index, element, here)
                continue
            if quick is None:
                if not item or not item.isprintable() or len(item) > MAX_STRING:
                    self.doubtful(item, element, here, value)
            elif quick(item) is None:
                self.doubtful(item, element, here, value)
            if link is not None:
                self._link(items, index, item, link, here, own)

    def _numbers(self, value: dict[str, Any], name: str, items: list[Any], step: NumberStep, path: Path) -> None:
        for index, item in enumerate(items):
            if not step.rule(item):
                self.not_a_primitive(value, name, item, index, step.element, (path, step.label, index))

    def not_a_primitive(
        self, value: dict[str, Any], name: str, item: Any, index: int, element: Element, here: Path
    ) -> None:
        """Complain of an item of a list of primitives, unless it is a null that has its twin."""
        if item is not None:
            self.issues.append(faults.primitive_issue(item, element, path_of(here)))
            return
        twins = value.get(f"_{name}")
        if type(twins) is not list:
            self.issues.append(faults.NULL_NOT_ALLOWED.at(path_of(here), name=name))
        elif len(twins) == len(value[name]) and twins[index] is None:
            self.issues.append(faults.NULL_ON_BOTH_SIDES.at(path_of(here), name=name))

    def _twins(
        self, value: dict[str, Any], name: str, items: list[Any], step: TwinStep,
        path: Path, own: list[Link], depth: int,
    ) -> int:  # fmt: skip
        keys = 0
        values = value.get(name[1:])
        # "the array of values may be left out where none has a value": then no twin may be null.
        if type(values) is list and len(values) != len(items):
            self.issues.append(
                faults.TWINS_DIFFER.at(
                    path_of((path, step.label, None)), name=name[1:], values=len(values), twins=len(items)
                )
            )
        for index, item in enumerate(items):
            here = (path, step.label, index)
            if type(item) is dict:
                keys += self.object(item, step.plan, here, own, depth - 1)
            elif item is not None:
                self.issues.append(faults.OBJECT_EXPECTED.at(path_of(here), name=name))
            elif type(values) is not list:
                self.issues.append(faults.NULL_ON_BOTH_SIDES.at(path_of(here), name=name[1:]))
        return keys

    def resource(self, value: dict[str, Any], step: ObjectStep, path: Path, own: list[Link], depth: int) -> int:
        """Check a resource inside another: contained, a Bundle entry's, a parameter's."""
        plan = self.plans.of_resource(value.get("resourceType"))
        if plan is None:
            self.issues.append(faults.resource_type_issue(value, self.plans.types.version, path_of(path)))
            return 0
        if step.contained:
            self.issues.extend(faults.containment_issues(value, path_of(path)))
        else:
            own = self.findings.links[id(value)] = []
        return self.object(value, plan, path, own, depth)

    def _link(
        self, container: dict[str, Any] | list[Any], key: str | int, text: str,
        kind: LinkKind, path: Path, own: list[Link],
    ) -> None:  # fmt: skip
        if kind == "uri":
            if not text.startswith(self.uri_prefix):
                return
        elif kind == "narrative" and "href" not in text and "src" not in text:
            return
        own.append(Link(container, key, kind, path))

    def choices(self, value: dict[str, Any], plan: Plan, path: Path) -> None:
        """Complain where one choice has values of two types, or a value of one and an extension of another."""
        present = plan.choices.keys() & value.keys()
        if len(present) < 2:
            return
        names: dict[str, set[str]] = {}
        for name in present:
            names.setdefault(plan.choices[name], set()).add(name.removeprefix("_"))
        for definition, chosen in names.items():
            if len(chosen) > 1:
                self.issues.append(
                    faults.CHOICE_REPEATED.at(
                        path_of((path, definition.removesuffix("[x]"), None)),
                        definition=definition,
                        names=", ".join(sorted(chosen)),
                    )
                )

    def doubtful(self, text: str, element: Element, path: Path, holder: dict[str, Any]) -> None:
        """A quick test said no: let the rule of the type decide. `holder` has the property."""
        if not TEXT_RULES[element.type](text):
            self.issues.append(faults.text_issue(text, element, path_of(path)))

    def wrong(self, value: dict[str, Any], name: str, plan: Plan, path: Path, own: list[Link], depth: int) -> None:
        """Complain of a property that has no place or the wrong JSON type, and look below it where that makes sense."""
        item = value[name]
        issue = faults.property_issue(name, item, plan, path_of(path))
        self.issues.append(issue)
        step = plan.lists.get(name)
        if issue.complaint is faults.ARRAY_EXPECTED and step is not None:
            self._list({name: [item]}, name, [item], step, path, own, depth)
        elif issue.complaint is faults.ARRAY_UNEXPECTED:
            for one in item:
                if type(one) is not list:
                    self.object({name: one}, plan, path, own, depth)
