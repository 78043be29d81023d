"""The walk over a resource: each element against what its profiles say of it.

Source: FHIR R4, Validating Resources; ElementDefinition; Profiling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.conformance.validation import complaints, matching, slices
from fhir_gateway.conformance.validation.bindings import Bindings
from fhir_gateway.conformance.validation.by_type import BY_TYPE
from fhir_gateway.conformance.validation.extensions import Extensions
from fhir_gateway.conformance.validation.findings import Finding, Placed, found
from fhir_gateway.conformance.validation.invariants import Invariants
from fhir_gateway.conformance.validation.references import References
from fhir_gateway.conformance.validation.schema import BASE, Rule, Schema, Schemas, TypeRule
from fhir_gateway.fhir.fhirpath import Engine, Hooks, Node
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF, Step


@dataclass(frozen=True, slots=True)
class Wishes:
    """How strict a validation is.

    `unknown_profiles`: a claimed profile that is not known is an error rather than a warning. `resolve`: finds
    resources outside what is validated. `best_practice`: whether best-practice rules are reported.
    """

    unknown_profiles: bool = False
    any_extensions: bool = False
    best_practice: bool = False
    example_urls: bool = True
    resolve: Callable[[str], dict[str, Any] | None] | None = None


@dataclass(slots=True)
class Slot:
    """What the walk does at one JSON key: the rule, where it leads, and whether there is anything to check below."""

    rule: Rule
    step: Step
    label: str | None  # "value.ofType(Quantity)"
    trivial: bool


@dataclass(slots=True)
class Table:
    """The children of one element as its profile sees them, by JSON key."""

    slots: dict[str, Slot]
    required: list[tuple[Rule, tuple[str, ...]]]
    limited: list[tuple[Rule, tuple[str, ...]]] = field(default_factory=list)


class Knowledge:
    """What all walks share: profiles, tables made of them, the FHIRPath engine, the terminology."""

    def __init__(self, schemas: Schemas, engine: Engine, bindings: Bindings) -> None:
        self.schemas = schemas
        self.engine = engine
        self.bindings = bindings
        self.invariants = Invariants(engine)
        self.tables: dict[tuple[int, str], Table] = {}
        self.slice_tests: dict[int, slices.Test] = {}
        self.kept: list[object] = []  # what `tables` names by id stays alive

    def table(self, children: dict[str, Rule], type: str) -> Table:
        """Return the table of an element's children; made once."""
        key = (id(children), type)
        made = self.tables.get(key)
        if made is None:
            made = self.tables[key] = self._made(children, type)
            self.kept.append(children)
        return made

    def _made(self, children: dict[str, Rule], type: str) -> Table:
        members = self.engine.model.members(type)
        slots: dict[str, Slot] = {}
        required: list[tuple[Rule, tuple[str, ...]]] = []
        for name, rule in children.items():
            base = name.removesuffix("[x]")
            steps = members.get(base, ())
            if not steps and name.endswith("[x]") is False:
                steps = tuple(step for found in members.values() for step in found if step.key == name)
            for step in steps:
                label = f"{base}.ofType({step.type})" if len(steps) > 1 or step.key != base else None
                slots[step.key] = Slot(rule, step, label, self._trivial(rule, step))
            if rule.min > 0 or any(each.min > 0 for each in rule.slices):
                required.append((rule, tuple(step.key for step in steps)))
        return Table(slots, required)

    def _trivial(self, rule: Rule, step: Step) -> bool:
        """Tell whether a primitive needs no look beyond its count, where it has no extensions."""
        return (
            step.primitive
            and rule.fixed is None
            and rule.pattern is None
            and not rule.slices
            and rule.max_length is None
            and rule.min_value is None
            and rule.max_value is None
            and rule.binding is None
            and step.type not in ("canonical", "xhtml")
            and not self.invariants.of(rule, step.type, None)
            and (not rule.types or step.type in rule.type_codes)
            and not any(type.profiles for type in rule.types)
        )


class Walk:
    """One validation: what it found so far, and the resource it is in."""

    def __init__(self, knowledge: Knowledge, wishes: Wishes, root: Node) -> None:
        self.knowledge = knowledge
        self.schemas = knowledge.schemas
        self.engine = knowledge.engine
        self.bindings = knowledge.bindings
        self.wishes = wishes
        self.root = root
        self.findings: list[Finding] = []
        self.references = References(self, root)
        self.extensions = Extensions(self)
        self.hooks = Hooks(
            resolve=self.references.resolved,
            member_of=knowledge.bindings.member_of,
            conforms_to=self._conforms_to,
        )
        self.environment = Environment([root], [root], [root], {}, self.hooks)
        self._seen: set[tuple[int, str]] = set()
        self._verdicts: dict[tuple[int, str], bool] = {}
        self._running: set[tuple[int, str]] = set()

    # --- resources

    def resource(self, node: Node, profiles: Sequence[str] = ()) -> None:
        """Check a resource against its type's definition, the profiles it claims, and those asked for."""
        outer = self.environment.resource, self.environment.root
        contained = node.key == "contained"
        self.environment.resource = [node]
        self.environment.root = outer[1] if contained else [node]
        base = self.schemas.of_type(node.type)
        if base is not None:
            self.against(node, base)
        meta = node.value.get("meta")
        claimed = meta.get("profile", ()) if isinstance(meta, dict) else ()
        for url in (*(each for each in claimed if isinstance(each, str)), *profiles):
            self._profile(node, url, asked=url in profiles)
        for rules in BY_TYPE.get(node.type, ()):
            rules(self, node)
        self.environment.resource, self.environment.root = outer

    def _profile(self, node: Node, url: str, asked: bool) -> None:
        schema = self.schemas.of(url)
        if schema is None:
            strict = asked or self.wishes.unknown_profiles
            complaint = complaints.PROFILE_UNKNOWN_ERROR if strict else complaints.PROFILE_UNKNOWN
            self.report(found(complaint, node, url, url=url))
        elif not self.engine.model.is_kind(node.type, schema.type):
            self.report(found(complaints.PROFILE_OF_OTHER_TYPE, node, schema.url, wanted=schema.type, found=node.type))
        else:
            self.against(node, schema)

    def against(self, node: Node, schema: Schema) -> None:
        """Check an element against a whole profile, once."""
        key = (id(node.value), schema.url)
        if key in self._seen:
            return
        self._seen.add(key)
        self.element(node, schema.root, schema)

    def report(self, finding: Finding) -> None:
        self.findings.append(finding)

    # --- elements

    def element(self, node: Node, rule: Rule, schema: Schema) -> None:
        """Check one element against one rule, and all below it."""
        self._values(node, rule, schema)
        if rule.binding is not None:
            self.bindings.check(self, node, rule, schema)
        self.knowledge.invariants.check(self, node, rule, schema)
        type_rule = _type_rule(rule, node.type)
        if type_rule is not None:
            if type_rule.profiles and node.key not in ("extension", "modifierExtension"):
                self._type_profiles(node, type_rule, schema)
            if type_rule.targets or type_rule.aggregation:
                self.references.check(node, type_rule, schema)
        if node.type == "Reference":
            self.references.exists(node)
        self._below(node, rule, schema)

    def _values(self, node: Node, rule: Rule, schema: Schema) -> None:
        value = node.value
        if rule.fixed is not None and not matching.is_exactly(value, rule.fixed):
            self._differs(complaints.FIXED, node, rule, schema, rule.fixed)
        if rule.pattern is not None and not matching.follows(value, rule.pattern):
            self._differs(complaints.PATTERN, node, rule, schema, rule.pattern)
        if rule.max_length is not None and isinstance(value, str) and len(value) > rule.max_length:
            self.report(found(complaints.TOO_LONG, node, schema.canonical, max=rule.max_length, count=len(value)))
        for limit, key, complaint, side in (
            (rule.min_value, rule.min_key, complaints.BELOW, -1),
            (rule.max_value, rule.max_key, complaints.ABOVE, 1),
        ):
            if limit is not None:
                prefix = "minValue" if side < 0 else "maxValue"
                if matching.order(node, limit, key, prefix) == side:
                    texts = {"found": matching.shown(value), "wanted": matching.shown(limit)}
                    self.report(found(complaint, node, schema.canonical, **texts))

    def _differs(self, complaint: Any, node: Node, rule: Rule, schema: Schema, wanted: Any) -> None:
        texts = {"found": matching.shown(node.value), "wanted": matching.shown(wanted), "element": rule.id}
        self.report(found(complaint, node, schema.canonical, **texts))

    def _type_profiles(self, node: Node, type_rule: TypeRule, schema: Schema) -> None:
        known = [(url, self.schemas.of(url)) for url in type_rule.profiles]
        for url, profile in known:
            if profile is None:
                self.report(found(complaints.PROFILE_UNKNOWN_ERROR, node, url, url=url))
        usable = [profile for _, profile in known if profile is not None]
        if len(usable) == 1:
            self.against(node, usable[0])
        elif usable and not any(self.conforms(node, profile.canonical) for profile in usable):
            profiles = ", ".join(url for url, _ in known)
            self.report(found(complaints.TYPE_PROFILE, node, schema.canonical, profiles=profiles))

    # --- children

    def _below(self, node: Node, rule: Rule, schema: Schema) -> None:
        children, own = self._children(node, rule, schema)
        if not children:
            return
        holder = node.value if isinstance(node.value, dict) else node.twin
        if holder is None:
            return
        table = self.knowledge.table(children, node.type)
        slots = table.slots
        met: dict[int, int] = {}
        for key in holder:
            slot = slots.get(key)
            if slot is None:
                if key[:1] != "_" or key[1:] in holder:
                    continue
                slot = slots.get(key[1:])
                if slot is None:
                    continue
                key = key[1:]
            twin = holder.get(f"_{key}")
            if slot.trivial and twin is None:
                value = holder[key]
                count = len(value) if isinstance(value, list) else 1
            else:
                items = _items(node, holder, key, slot)
                count = len(items)
                self._group(node, items, slot, own)
            if slot.rule.max is not None and count > slot.rule.max:
                self._too_many(node, slot.rule, own, count)
            met[id(slot.rule)] = met.get(id(slot.rule), 0) + count
        for required, keys in table.required:
            count = met.get(id(required), 0)
            if count < required.min:
                self.report(
                    found(complaints.TOO_FEW, node, own.canonical, element=required.id, min=required.min, count=count)
                )
            if count == 0 and required.slices and (required.min > 0 or keys):
                self._missing_slices(node, required, own, {})

    def _too_many(self, node: Node, rule: Rule, schema: Schema, count: int) -> None:
        self.report(found(complaints.TOO_MANY, node, schema.canonical, element=rule.id, max=rule.max, count=count))

    def _children(self, node: Node, rule: Rule, schema: Schema) -> tuple[dict[str, Rule], Schema]:
        """Return the rules of what is below an element, and the profile they come from."""
        if rule.children:
            return rule.children, schema
        if rule.content is not None:
            target = schema.by_id.get(rule.content)
            if target is not None:
                return target.children, schema
        base = self.schemas.of_type(node.type)
        return ({}, schema) if base is None else (base.root.children, base)

    def _group(self, node: Node, items: list[Node], slot: Slot, schema: Schema) -> None:
        rule = slot.rule
        if rule.types and not _allowed(self.engine, slot.step.type, rule):
            allowed = ", ".join(sorted(rule.type_codes))
            for item in items:
                self.report(
                    found(complaints.TYPE_NOT_ALLOWED, item, schema.canonical, found=item.type, element=rule.id,
                          allowed=allowed)
                )  # fmt: skip
            return
        key = slot.step.key
        for item in items:
            if key in ("extension", "modifierExtension"):
                self.extensions.check(item, node, schema)
            if item.type in self.engine.model.resources and key in ("resource", "contained", "outcome"):
                self.resource(item)
            self.element(item, rule, schema)
        if rule.slices:
            self._slices(node, items, rule, schema)

    # --- slices

    def _slices(self, node: Node, items: list[Node], rule: Rule, schema: Schema) -> None:
        slicing = rule.slicing
        if slicing is None:
            return
        counts: dict[str, int] = {}
        latest = -1
        strangers = False
        for place, item in enumerate(items):
            matched, reasons = self._slice_of(item, place, rule, schema)
            if matched is None:
                strangers = True
                if slicing.rules == "closed":
                    why = "; ".join(reasons)
                    self.report(found(complaints.SLICE_CLOSED, item, schema.canonical, reasons=why))
                continue
            slice = rule.slices[matched]
            if slicing.ordered and matched < latest:
                self.report(found(complaints.SLICE_ORDER, item, schema.canonical, element=slice.id))
            latest = max(latest, matched)
            if strangers and slicing.rules == "openAtEnd":
                self.report(found(complaints.SLICE_AT_END, item, schema.canonical))
            name = slice.slice_name or ""
            counts[name] = counts.get(name, 0) + 1
            self.element(item, slice, schema)
            if slice.slices:
                self._slices(node, [item], slice, schema)
        for slice in rule.slices:
            count = counts.get(slice.slice_name or "", 0)
            if slice.max is not None and count > slice.max:
                self._too_many(node, slice, schema, count)
        self._missing_slices(node, rule, schema, counts)

    def _slice_of(self, item: Node, place: int, rule: Rule, schema: Schema) -> tuple[int | None, list[str]]:
        assert rule.slicing is not None
        reasons: list[str] = []
        tests = self.knowledge.slice_tests
        for index, slice in enumerate(rule.slices):
            test = tests.get(id(slice))
            if test is None:
                test = tests[id(slice)] = slices.test_of(self, slice, rule.slicing, schema)
                self.knowledge.kept.append(slice)
            reason = test(self, item, place)
            if reason is None:
                return index, []
            reasons.append(f"Does not match slice '{slice.slice_name}' ({reason})")
        return None, reasons

    def _missing_slices(self, node: Node, rule: Rule, schema: Schema, counts: dict[str, int]) -> None:
        for slice in rule.slices:
            count = counts.get(slice.slice_name or "", 0)
            if count < slice.min:
                self.report(
                    found(complaints.TOO_FEW, node, schema.canonical, element=slice.id, min=slice.min, count=count)
                )

    # --- questions that slices, invariants and references ask

    def evaluated(self, path: str, node: Node) -> list[Any]:
        """Return what a FHIRPath expression gives of a node.

        Raises: FhirPathError.
        """
        expression = self.engine.compile(path)
        env = self.environment
        outer, env.context = env.context, [node]
        items = expression.closure(env, [node])
        env.context = outer
        return items

    def conforms(self, node: Node, canonical: str) -> bool:
        """Tell whether a node meets a profile without an error; false for an unknown profile."""
        schema = self.schemas.of(canonical)
        if schema is None or not self.engine.model.is_kind(node.type, schema.type):
            return False
        key = (id(node.value), schema.url)
        known = self._verdicts.get(key)
        if known is not None:
            return known
        if key in self._running:
            return True  # it refers to itself: what is being decided is taken to hold
        self._running.add(key)
        findings, seen, self.findings, self._seen = self.findings, self._seen, [], set()
        self.element(node, schema.root, schema)
        verdict = not any(finding.is_error for finding in self.findings)
        self.findings, self._seen = findings, seen
        self._running.discard(key)
        self._verdicts[key] = verdict
        return verdict

    def urls_of_root(self, rule: Rule) -> list[str]:
        """Return the canonical of the profile whose root a rule is."""
        url = self.schemas.url_of(rule)
        return [] if url is None else [url]

    def _conforms_to(self, node: Node, url: str) -> bool | None:
        if self.schemas.of(url) is None:
            return None
        return self.conforms(node, url)


def _items(node: Node, holder: dict[str, Any], key: str, slot: Slot) -> list[Node]:
    """Return the nodes at a key, in order."""
    step = slot.step
    value, twin = holder.get(key), holder.get(f"_{key}") if step.primitive else None
    if not isinstance(value, list) and not isinstance(twin, list):
        return [_placed(value, step, twin, node, slot.label, None)] if value is not None or twin is not None else []
    values = value if isinstance(value, list) else []
    twins = twin if isinstance(twin, list) else []
    found = []
    for place in range(max(len(values), len(twins))):
        one = values[place] if place < len(values) else None
        other = twins[place] if place < len(twins) else None
        if one is not None or other is not None:
            found.append(_placed(one, step, other, node, slot.label, place))
    return found


def _placed(value: Any, step: Step, twin: Any, parent: Node, label: str | None, place: int | None) -> Node:
    type = step.type
    if type == "Resource" and isinstance(value, dict):
        type = value.get("resourceType", type)
    if label is None:
        return Node(value, type, twin if isinstance(twin, dict) else None, parent, step.key, place)
    node = Placed(value, type, twin if isinstance(twin, dict) else None, parent, step.key, place)
    node.label = label
    return node


def _type_rule(rule: Rule, type: str) -> TypeRule | None:
    for each in rule.types:
        if each.code == type:
            return each
    return rule.types[0] if len(rule.types) == 1 else None


def _allowed(engine: Engine, type: str, rule: Rule) -> bool:
    codes = rule.type_codes
    if type in codes or not codes or type == "Resource" or "." in type:
        return True
    if codes & {"Element", "BackboneElement", "Resource", "*"}:
        return True
    if SYSTEM_OF.get(type) and any(SYSTEM_OF.get(code) == SYSTEM_OF[type] for code in codes):
        return True
    return any(engine.model.is_kind(type, code) or engine.model.is_kind(code, type) for code in codes)


__all__ = ["BASE", "Knowledge", "Walk", "Wishes"]
