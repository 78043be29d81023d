"""The walk over a resource: each element against what its profiles say of it.

Source: FHIR R4, Validating Resources; ElementDefinition; Profiling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_gateway.conformance.validation import complaints, matching, narrative, novelty, slicing, value_complaints
from fhir_gateway.conformance.validation.bindings import CODED, Bindings
from fhir_gateway.conformance.validation.by_type import BY_TYPE
from fhir_gateway.conformance.validation.certainty import Test
from fhir_gateway.conformance.validation.choosing import Choice, choice_of
from fhir_gateway.conformance.validation.differences import differences
from fhir_gateway.conformance.validation.extensions import Extensions
from fhir_gateway.conformance.validation.findings import Finding, Placed, expression_of, found
from fhir_gateway.conformance.validation.invariants import Check, Invariants, domain
from fhir_gateway.conformance.validation.quiet import UNTOLD, Quiet, plain_breaks
from fhir_gateway.conformance.validation.references import EntryProfile, ReferencePolicy, References
from fhir_gateway.conformance.validation.schema import BASE, Rule, Schema, Schemas, TypeRule
from fhir_gateway.fhir.fhirpath import Engine, Hooks, Node
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF, Step
from fhir_gateway.fhir.outcome import Language

_LANGUAGES: tuple[Language, Language] = ("en", "fr")
_HOLDERS = frozenset({"resource", "contained", "outcome"})  # where resources stand inside others


@dataclass(frozen=True, slots=True)
class Wishes:
    """How strict a validation is.

    `claimed`: resources are held to the profiles in their meta.profile. `unknown_profiles`: a claimed profile that is
    not known is an error rather than a warning. `resolve`: finds resources outside what is validated.
    `best_practice`: whether best-practice rules are reported. `references`: what is demanded of references that lead
    outside. `assume_rest`: every reference has the form of a RESTful URL. `entry_profiles`: which profiles the entries
    of a Bundle must meet besides those they claim. `wrong_displays`: what a display is that its code system does not
    have. `language`: the one displays should be in where the resource names none, None for any. `publication`:
    conformance resources are about to be published, and held to the rules for that. `security`: what looks like HTML
    in a string is an error. `met`: profiles that resources outside are known to meet, by the id() of their dict.
    `quick`: elements of which nothing is to be said are told by a look at their JSON; the findings are the same.
    """

    claimed: bool = True
    unknown_profiles: bool = False
    any_extensions: bool = False
    best_practice: bool = False
    example_urls: bool = True
    resolve: Callable[[str], dict[str, Any] | None] | None = None
    references: ReferencePolicy = ReferencePolicy.TYPE_IF_EXISTS
    assume_rest: bool = False
    entry_profiles: tuple[EntryProfile, ...] = ()
    wrong_displays: Literal["error", "warning"] = "error"
    language: str | None = None
    publication: bool = False
    security: bool = False
    met: Mapping[int, Sequence[str]] = field(default_factory=dict)
    quick: bool = True


@dataclass(slots=True)
class Slot:
    """What the walk does at one JSON key: the rule, where it leads, and whether there is anything to check below."""

    rule: Rule
    step: Step
    label: str | None  # "value.ofType(Quantity)"
    trivial: bool
    allowed: bool  # of a type that the rule names
    counted: bool  # there is a least number
    max: int
    twin: str  # the key of its ids and extensions, where it is a primitive
    silent: bool  # the profile says nothing of it that its type does not, and that has been checked


@dataclass(slots=True)
class Table:
    """The children of one element as its profile sees them, by JSON key."""

    slots: dict[str, Slot]
    required: list[tuple[Rule, tuple[str, ...]]]
    limited: list[tuple[Rule, tuple[str, ...]]] = field(default_factory=list)


@dataclass(slots=True)
class Look:
    """What there is to look at in an element of one type under one rule, found out once.

    `table`: what is below it, None where nothing is; `own`: the profile that says so.
    """

    valued: bool
    binding: bool
    coded: bool
    reference: bool
    resource: bool
    targets: bool
    checks: list[Check]
    own_checks: list[Check]  # those of the rule alone, without those of its type
    type_rule: TypeRule | None
    table: Table | None
    own: Schema


_UNBOUNDED = 1 << 62


class Knowledge:
    """What all walks share: profiles, tables made of them, the FHIRPath engine, the terminology."""

    def __init__(self, schemas: Schemas, engine: Engine, bindings: Bindings) -> None:
        self.schemas = schemas
        self.engine = engine
        self.bindings = bindings
        self.invariants = Invariants(engine)
        self.tables: dict[tuple[int, str], Table] = {}
        self.looks: dict[tuple[int, str], Look] = {}
        self.choices: dict[int, Choice] = {}
        self.kept: list[object] = []  # what `tables` names by id stays alive
        self._breaks: dict[int, list[Test]] = {}
        self._quiet = {
            (alone, tongued): Quiet(self, alone, tongued) for alone in (False, True) for tongued in (False, True)
        }

    def quiet(self, wishes: Wishes, root: Node) -> Quiet | None:
        """Return what tells of elements that they need no walk; None where more is wished than it knows of."""
        if not wishes.quick or wishes.best_practice or wishes.language is not None:
            return None
        outside = wishes.resolve is None and not wishes.references.demands_existence
        single = root.type not in ("Bundle", "Parameters")
        tongued = not single or "language" in root.value or "contained" in root.value
        return self._quiet[outside and single, tongued]

    def plain_breaks(self, schema: Schema) -> list[Test]:
        """Return tests that tell of most resources that do not meet a profile without walking them."""
        made = self._breaks.get(id(schema))
        if made is None:
            made = self._breaks[id(schema)] = list(plain_breaks(schema))
            self.kept.append(schema)
        return made

    def look(self, rule: Rule, type: str, schema: Schema) -> Look:
        """Return what there is to look at in an element of a type under a rule of a profile."""
        key = (id(rule), type)
        made = self.looks.get(key)
        if made is None:
            self.kept.append(rule)
            made = self.looks[key] = self._look(rule, type, schema)
        return made

    def _look(self, rule: Rule, type: str, schema: Schema) -> Look:
        is_new = not novelty.is_constraint(schema)  # else the definition of the type has been asked before
        base = None if rule is schema.root else self.schemas.of_type(type)
        children, own = self._children(rule, type, schema)
        type_rule = _type_rule(rule, type)
        own_checks = self.invariants.compiled(novelty.new_constraints(self.schemas, rule, schema), type)
        said = None if is_new else novelty.base_rule(self.schemas, rule, schema)
        return Look(
            valued=rule.fixed is not None or rule.pattern is not None or bool(rule.limits) or type == "Narrative",
            binding=rule.binding is not None and (said is None or said.binding != rule.binding),
            coded=is_new and type in CODED,
            reference=is_new and type == "Reference",
            resource=type in self.engine.model.resources,
            targets=type_rule is not None
            and bool(type_rule.targets or type_rule.aggregation)
            and (said is None or type_rule not in said.types),
            checks=self.invariants.of(rule, type, base) if is_new else own_checks,
            own_checks=self.invariants.of(rule, type, None) if is_new else own_checks,
            type_rule=type_rule,
            table=self.table(children, type, own) if children and (is_new or own is schema) else None,
            own=own,
        )

    def _children(self, rule: Rule, type: str, schema: Schema) -> tuple[dict[str, Rule], Schema]:
        """Return the rules of what is below an element, and the profile they come from."""
        if rule.children:
            return rule.children, schema
        if rule.content is not None:
            target, own = self.schemas.content(rule, schema)
            if target is not None:
                return target.children, own
        base = self.schemas.of_type(type)
        return ({}, schema) if base is None else (base.root.children, base)

    def table(self, children: dict[str, Rule], type: str, schema: Schema) -> Table:
        """Return the table of an element's children; made once."""
        key = (id(children), type)
        made = self.tables.get(key)
        if made is None:
            made = self.tables[key] = self._made(children, type, schema)
            self.kept.append(children)
        return made

    def _made(self, children: dict[str, Rule], type: str, schema: Schema) -> Table:
        members = self.engine.model.members(type)
        slots: dict[str, Slot] = {}
        required: list[tuple[Rule, tuple[str, ...]]] = []
        primitive = type[:1].islower()  # its value is no child in JSON
        for name, rule in children.items():
            base = name.removesuffix("[x]")
            if primitive and base == "value":
                continue
            is_counted = rule.min > 0 or any(each.min > 0 for each in rule.slices)
            steps = members.get(base, ())
            if not steps and name.endswith("[x]") is False:
                steps = tuple(step for found in members.values() for step in found if step.key == name)
            for step in steps:
                label = f"{base}.ofType({step.type})" if len(steps) > 1 or step.key != base else None
                allowed = not rule.types or _allowed(self.engine, step.type, rule)
                maximum = _UNBOUNDED if rule.max is None else rule.max
                trivial = self._trivial(rule, step)
                silent = allowed and novelty.says_nothing(self.schemas, rule, schema)
                twin = f"_{step.key}"
                slots[step.key] = Slot(rule, step, label, trivial, allowed, is_counted, maximum, twin, silent)
            if is_counted:
                required.append((rule, tuple(step.key for step in steps)))
        return Table(slots, required)

    def _trivial(self, rule: Rule, step: Step) -> bool:
        """Tell whether a primitive needs no look beyond its count, where it has no extensions."""
        return (
            step.primitive
            and rule.fixed is None
            and rule.pattern is None
            and not rule.slices
            and not rule.children
            and not rule.limits
            and rule.binding is None
            and step.type not in ("canonical", "xhtml")
            and not self.invariants.of(rule, step.type, None)
            and (not rule.types or step.type in rule.type_codes)
            and not any(type.profiles for type in rule.types)
        )


class _BrokenError(Exception):
    """A profile is not met: no need to know how."""


class Walk:
    """One validation: what it found so far, and the resource it is in.

    `sound`: whether the resource had the shape that its type prescribes before what has no place was taken out.
    """

    def __init__(self, knowledge: Knowledge, wishes: Wishes, root: Node, sound: bool = True) -> None:
        self.knowledge = knowledge
        self.schemas = knowledge.schemas
        self.engine = knowledge.engine
        self.bindings = knowledge.bindings
        self.wishes = wishes
        self.root = root
        self.findings: list[Finding] = []
        self.sound = sound
        self.references = References(self, root)
        self.extensions = Extensions(self)
        self.hooks = Hooks(
            resolve=self.references.resolved,
            member_of=knowledge.bindings.member_of,
            subsumes=knowledge.bindings.subsumes,
            conforms_to=self._conforms_to,
        )
        self.environment = Environment([root], [root], [root], {}, self.hooks)
        self._quiet = knowledge.quiet(wishes, root)
        self._seen: set[tuple[object, str]] = set()
        self._verdicts: dict[tuple[int, str], bool] = {}
        self._held: dict[tuple[int, str], list[Finding]] = {}  # what was found where a profile was met
        self.members: dict[tuple[int, str], list[Any]] = {}  # what the paths of discriminators lead to
        self._errors = 0
        self._deciding = 0
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
        meta = node.value.get("meta") if self.wishes.claimed else None
        claimed = meta.get("profile", ()) if isinstance(meta, dict) else ()
        for url in (*(each for each in claimed if isinstance(each, str)), *profiles):
            self.profile(node, url, asked=url in profiles)
        if self.wishes.claimed:
            for url in self.schemas.globals(node.type):
                self.profile(node, url, asked=False)
        for rules in BY_TYPE.get(node.type, ()):
            rules(self, node)
        self.environment.resource, self.environment.root = outer

    def _of_inner(self, node: Node, rule: Rule, schema: Schema) -> None:
        """Check what the profile of the outer resource says of one inside it."""
        if rule.types and not any(self.engine.model.is_kind(node.type, code) for code in rule.type_codes):
            allowed = ", ".join(sorted(rule.type_codes))
            texts = {"found": node.type, "allowed": allowed}
            self.report(found(complaints.RESOURCE_OF_OTHER_TYPE, node, schema.canonical, **texts))
            self.report(found(complaints.TYPE_NOT_ALLOWED, node, schema.canonical, element=rule.id, **texts))
            return
        look = self.knowledge.look(rule, node.type, schema)
        self.knowledge.invariants.check(self, node, look.own_checks, schema)
        type_rule = look.type_rule
        if not rule.children and (type_rule is None or not type_rule.profiles):
            return
        # %resource is the outer resource for rules on the inner one, the inner one for rules below it.
        outer = self.environment.resource, self.environment.root
        self.environment.resource = [node]
        self.environment.root = outer[1] if node.key == "contained" else [node]
        if type_rule is not None and type_rule.profiles:
            self._type_profiles(node, type_rule, schema)
        if rule.children:
            self._below(node, look)
        self.environment.resource, self.environment.root = outer

    def profile(self, node: Node, url: str, asked: bool) -> None:
        """Check a resource against a profile that it claims, or that somebody asked for."""
        schema = self.schemas.of(url)
        if url in self.schemas.unusable:
            self._unusable(node, url)
        elif schema is None:
            strict = asked or self.wishes.unknown_profiles
            complaint = complaints.PROFILE_UNKNOWN_ERROR if strict else complaints.PROFILE_UNKNOWN
            self.report(found(complaint, node, url, url=url))
        elif not self.engine.model.is_kind(node.type, schema.root_type):
            self.report(found(complaints.PROFILE_OF_OTHER_TYPE, node, schema.url, wanted=schema.type, found=node.type))
        else:
            self.against(node, schema)
            for imposed in schema.imposed:
                if self.is_first(node, f"imposed {imposed}"):
                    self.profile(node, imposed, asked=False)

    def _unusable(self, node: Node, url: str) -> None:
        issues = self.schemas.unusable[url].issues
        reasons, reasons_fr = ("; ".join(each.text(language) for each in issues) for language in _LANGUAGES)
        self.report(found(complaints.PROFILE_UNUSABLE, node, url, url=url, reasons=reasons, reasons_fr=reasons_fr))

    def against(self, node: Node, schema: Schema) -> None:
        """Check an element against a whole profile, once."""
        key = (id(node.value), schema.url)
        if key in self._seen:
            if self._verdicts.get(key) is False:
                self._broken()
            return
        self._seen.add(key)
        held, before = self._held.get(key), self._errors
        if held is None:
            self.element(node, schema.root, schema)
        for finding in held or ():
            self.report(finding)
        if not self._deciding:
            self._verdicts[key] = self._errors == before

    def report(self, finding: Finding) -> None:
        """Keep a finding, once: a profile repeats what its base says already."""
        if finding.is_error:
            self._broken()
        key = (finding.issue.expression, finding.issue.text())
        if key not in self._seen:
            self._seen.add(key)
            self.findings.append(finding)

    @property
    def decides(self) -> bool:
        """Whether only the verdict is asked for, not what it rests on."""
        return self._deciding > 0

    def _broken(self) -> None:
        if self._deciding:
            raise _BrokenError
        self._errors += 1

    def is_first(self, node: Node, what: str) -> bool:
        """Tell whether this is the first question of its kind about an element; later ones need no answer."""
        key = (id(node.value), what)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    # --- elements

    def element(self, node: Node, rule: Rule, schema: Schema) -> None:
        """Check one element against one rule, and all below it."""
        if node.value is None:
            self._valueless(node)
        look = self.knowledge.look(rule, node.type, schema)
        if look.coded and self._quiet is not None and self._quiet.beside_code(rule, look, node.type)(node.value):
            self.bindings.coding(self, node)
            return
        if look.valued:
            self._values(node, rule, schema)
        if look.binding:
            self.bindings.check(self, node, rule, schema)
        if look.coded:
            self.bindings.coding(self, node)
        if look.checks:
            self.knowledge.invariants.check(self, node, look.checks, schema)
        if look.resource:
            domain(self, node, schema)
        type_rule = look.type_rule
        if type_rule is not None:
            if type_rule.profiles and node.key not in ("extension", "modifierExtension"):
                self._type_profiles(node, type_rule, schema)
            if look.targets:
                self.references.check(node, type_rule, schema)
        if look.reference:
            self.references.look(node)
        self._below(node, look)

    def _valueless(self, node: Node) -> None:
        """Check ele-1 of a primitive that has no value: then it has extensions."""
        twin = node.twin or {}
        if "extension" in twin or "value" in twin:
            return
        if self.is_first(node.parent or node, f"ele-1 {node.key} {node.place}"):
            self.report(found(value_complaints.ELE_1, node))
            if "id" not in twin:
                self.report(found(value_complaints.NO_VALUE, node))

    def _values(self, node: Node, rule: Rule, schema: Schema) -> None:
        value = node.value
        # A primitive without value has extensions in its stead.
        if rule.fixed is not None and value is not None and not matching.is_exactly(value, rule.fixed):
            self._differs(node, rule, schema, rule.fixed, exact=True)
        if rule.pattern is not None and value is not None and not matching.follows(value, rule.pattern):
            self._differs(node, rule, schema, rule.pattern, exact=False)
        for limit in rule.limits:
            for complaint, texts in limit(node):
                self.report(found(complaint, node, schema.canonical, **texts))
        if node.type == "Narrative" and narrative.is_controlled(rule.raw):
            resource = self.environment.resource[0].value
            for complaint, texts in narrative.control_faults(value, rule.raw, resource.get("language")):
                self.report(found(complaint, node, schema.canonical, **texts))

    def _differs(self, node: Node, rule: Rule, schema: Schema, wanted: Any, *, exact: bool) -> None:
        """Report each part of a value that is not as a fixed value or pattern says."""
        expression = expression_of(node)
        for each in differences(node.value, wanted, exact):
            texts = {"found": matching.shown(each.found), "wanted": matching.shown(each.wanted), "name": each.name}
            complaint = complaints.OF_DIFFERENCE[each.what]
            if each.what == "value" and not exact and isinstance(wanted, dict | list) and not each.place:
                complaint = complaints.PATTERN
            place = expression + each.place
            issue = complaint.at(place, profile=schema.canonical, element=rule.id, **texts)
            self.report(Finding(issue, schema.canonical, node))

    def _type_profiles(self, node: Node, type_rule: TypeRule, schema: Schema) -> None:
        known = [(url, self.schemas.of(url)) for url in type_rule.profiles]
        for url, profile in known:
            if profile is None:
                self.report(found(complaints.PROFILE_UNKNOWN_ERROR, node, url, url=url))
        usable = [profile for _, profile in known if profile is not None]
        resource = node.type in self.engine.model.resources
        if resource and usable and not any(self.engine.model.is_kind(node.type, each.type) for each in usable):
            allowed = ", ".join(sorted({each.type for each in usable}))
            self.report(
                found(complaints.RESOURCE_OF_OTHER_TYPE, node, schema.canonical, allowed=allowed, found=node.type)
            )
        elif len(usable) == 1:
            self.against(node, usable[0])
        elif usable and not any(self.conforms(node, profile.name) for profile in usable):
            profiles = ", ".join(url for url, _ in known)
            if resource:
                self.report(found(complaints.RESOURCE_PROFILE, node, schema.canonical, profiles=profiles))
            self.report(found(complaints.TYPE_PROFILE, node, schema.canonical, profiles=profiles))
            for profile in usable:
                if self.engine.model.is_kind(node.type, profile.root_type):
                    self._told_of(node, profile)

    def _told_of(self, node: Node, schema: Schema) -> None:
        """Report all that speaks against an element's being of a profile that it need not be of alone."""
        findings, seen, self.findings, self._seen = self.findings, self._seen, [], set()
        self.element(node, schema.root, schema)
        told, self.findings, self._seen = self.findings, findings, seen
        for each in told:
            self.report(each)

    # --- children

    def _below(self, node: Node, look: Look) -> None:
        table, own = look.table, look.own
        if table is None:
            return
        holder = node.value if isinstance(node.value, dict) else node.twin
        if holder is None:
            if not table.required:
                return
            holder = {}  # a primitive without extensions may have to have some
        slots, quiet = table.slots, self._quiet
        met: dict[int, int] = {}
        for key, value in holder.items():
            slot = slots.get(key)
            if slot is None:
                if key[:1] != "_" or key[1:] in holder:
                    continue
                key, value = key[1:], None
                slot = slots.get(key)
                if slot is None:
                    continue
            if slot.silent or (slot.trivial and slot.twin not in holder):
                if value is None:
                    value = holder.get(slot.twin)
                count = len(value) if type(value) is list else 1
            elif quiet is not None and slot.twin not in holder and quiet.at(slot, own)[1](value):
                count = len(value) if type(value) is list else 1
            else:
                items = _items(node, holder, value, slot)
                count = len(items)
                self._group(node, items, slot, own)
            if count > slot.max:
                self.too_many(node, slot.rule, own, count)
            if slot.counted:
                met[id(slot.rule)] = met.get(id(slot.rule), 0) + count
        for required, keys in table.required:
            count = met.get(id(required), 0)
            if count < required.min:
                self.report(
                    found(complaints.TOO_FEW, node, own.canonical, element=required.id, min=required.min, count=count)
                )
            if count == 0 and required.slices and (required.min > 0 or keys):
                slicing.missing(self, node, required, own, {}, [])

    def too_many(self, node: Node, rule: Rule, schema: Schema, count: int) -> None:
        self.report(found(complaints.TOO_MANY, node, schema.canonical, element=rule.id, max=rule.max, count=count))

    def _group(self, node: Node, items: list[Node], slot: Slot, schema: Schema) -> None:
        rule = slot.rule
        if not slot.allowed:
            self._of_other_type(node, items, rule, schema)
            if rule.slices:
                slicing.check(self, node, items, rule, schema)
            return
        key = slot.step.key
        # Of several some may be quiet; a single one has been found not to be, unless it is sliced as well.
        one = self._quiet.at(slot, schema)[2] if self._quiet is not None and (len(items) > 1 or rule.slices) else None
        for item in items:
            if key in ("extension", "modifierExtension"):
                self.extensions.check(item, node, schema)
            if item.type in self.engine.model.resources and key in _HOLDERS:
                self.resource(item)
                self._of_inner(item, rule, schema)
            elif one is None or item.twin is not None or not one(item.value):
                self.element(item, rule, schema)
        if rule.slices:
            slicing.check(self, node, items, rule, schema)

    def _of_other_type(self, node: Node, items: list[Node], rule: Rule, schema: Schema) -> None:
        """Report elements of a choice that are of none of its types: at what holds them where there are several."""
        if len(rule.types) == 1 and schema.type == "Extension" and ":" in str((node.value or {}).get("url", ":")):
            return  # the extension itself is reported
        for item in items:
            place = node if len(rule.types) > 1 else item
            texts = {"found": item.type, "element": rule.id, "allowed": ", ".join(sorted(rule.type_codes))}
            self.report(found(complaints.TYPE_NOT_ALLOWED, place, schema.canonical, **texts))
            if len(rule.types) == 1:
                # What else is asked of it is asked all the same.
                look = self.knowledge.look(rule, item.type, schema)
                self._values(item, rule, schema)
                if look.own is schema:
                    self._below(item, look)

    def part(self, node: Node, rule: Rule, schema: Schema) -> None:
        """Check an element against one more rule: that of a slice it belongs to."""
        if node.type in self.engine.model.resources and node.key in _HOLDERS:
            self._of_inner(node, rule, schema)
        elif (
            self._quiet is None
            or node.twin is not None
            or node.key in UNTOLD
            or not self._quiet.of(rule, node.type, schema)(node.value)
        ):
            self.element(node, rule, schema)

    def choice(self, rule: Rule, schema: Schema) -> Choice:
        """Return what tells the slices of a rule apart; made once for all walks."""
        made = self.knowledge.choices.get(id(rule))
        if made is None:
            made = self.knowledge.choices[id(rule)] = choice_of(self, rule, schema)
            self.knowledge.kept.append(rule)
        return made

    # --- questions that slices, invariants and references ask

    def evaluated(self, path: str, node: Node) -> list[Any]:
        """Return what a FHIRPath expression gives of a node. Raises: FhirPathError."""
        expression = self.engine.compile(path)
        env = self.environment
        outer, env.context = env.context, [node]
        items = expression.closure(env, [node])
        env.context = outer
        return items

    def conforms(self, node: Node, canonical: str) -> bool:
        """Tell whether a node meets a profile without an error; false for an unknown profile."""
        schema = self.schemas.of(canonical)
        if schema is None or not self.engine.model.is_kind(node.type, schema.root_type):
            return False
        base = BASE + node.type
        is_new = node.type in self.engine.model.resources and id(node.value) not in self.wishes.met
        if is_new and schema.url != base and not self.conforms(node, base):
            return False
        key = (id(node.value), schema.url)
        known = self._verdicts.get(key)
        if known is not None:
            return known
        if any(breaks(node.value) for breaks in self.knowledge.plain_breaks(schema)):
            self._verdicts[key] = False
            return False
        if key in self._running:
            return True  # it refers to itself: what is being decided is taken to hold
        self._running.add(key)
        findings, seen, self.findings, self._seen = self.findings, self._seen, [], set()
        env = self.environment
        outer = env.resource, env.root, env.context, env.variables
        if node.type in self.engine.model.resources:
            env.resource = [node]
            env.root = outer[1] if node.key == "contained" else [node]
        self._deciding += 1
        try:
            self.element(node, schema.root, schema)
            self._held[key] = self.findings
            verdict = True
        except _BrokenError:
            verdict = False
        finally:
            self._deciding -= 1
            env.resource, env.root, env.context, env.variables = outer
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


def _items(node: Node, holder: dict[str, Any], value: Any, slot: Slot) -> list[Node]:
    """Return the nodes at a key, in order."""
    step = slot.step
    twin = holder.get(slot.twin) if step.primitive else None
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
    if rule.name.endswith("[x]"):
        return not codes.isdisjoint(("Element", "*"))
    if codes & {"Element", "BackboneElement", "Resource", "*"}:
        return True
    if SYSTEM_OF.get(type) and any(SYSTEM_OF.get(code) == SYSTEM_OF[type] for code in codes):
        return True
    return any(engine.model.is_kind(type, code) or engine.model.is_kind(code, type) for code in codes)


__all__ = ["BASE", "Knowledge", "Walk", "Wishes"]
