"""What tells resources alike: two whose *likeness* is equal differ only in values that no rule asks about.

Names, dates, numbers and free texts are most of what differs from one resource of a kind to the next, and validation
looks at few of them beyond their form. A likeness is a resource with those values left out, each of which has the form
that its type prescribes and that nothing could be said of (`scan.py`); of a reference it has the type of what it leads
to. What is asked of a value stays in it: codes and whatever has a binding, a fixed value, a pattern or a limit, what an
invariant compares, what slices are chosen by, urls and the ids of elements. Where that cannot be told there is none.

**Who gives the walk a new question gives it to `Alike` too**, as to `quiet.py`; `test_alike.py` compares both ways.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.conformance.validation import narrative, observations
from fhir_gateway.conformance.validation.asked import Questions, questions_of
from fhir_gateway.conformance.validation.bindings import BOUND, QUANTITIES
from fhir_gateway.conformance.validation.by_type import BY_TYPE
from fhir_gateway.conformance.validation.certainty import Test, never
from fhir_gateway.conformance.validation.cross_version import cross_version
from fhir_gateway.conformance.validation.extension_contexts import contexts_of
from fhir_gateway.conformance.validation.invariants import NATIVE, Check
from fhir_gateway.conformance.validation.resolution import rest
from fhir_gateway.conformance.validation.scan import QUICK, StrictPlans
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.plan import NumberRule, ObjectStep, Plan, Quick, TextStep

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Knowledge, Slot

Resolve = Callable[[str], dict[str, Any] | None]
Likeness = tuple[Any, ...]

# Types of values that may be left out.
_OPEN: Final = frozenset(
    {"string", "markdown", "date", "dateTime", "instant", "time", "decimal", "integer", "positiveInt", "unsignedInt",
     "base64Binary"}
)  # fmt: skip
_NUMBERS: Final = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
_KEPT: Final = frozenset({"id", "resourceType"})
_EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
_MASKS: Final = 20_000
# An identifier that is a URI is looked at as one (`values.py`).
_OF_URIS: Final = (lambda value: value.get("system") != "urn:ietf:rfc:3986", frozenset({"value"}))
# What the parts of a likeness are marked by: none of them can be a text or a number of a resource.
_LEFT, _OBJECT, _LIST, _END, _REFERENCE = (object() for _ in range(5))


class Unlike(Exception):
    """Of a resource nothing can be told but by walking it."""


@dataclass(frozen=True, slots=True)
class View:
    """One rule that an element of a type may be held to, and the profile that it is of."""

    rule: Rule
    type: str
    schema: Schema


class Alike:
    """Likenesses of resources, by the rules of one validator."""

    def __init__(self, knowledge: Knowledge, plans: StrictPlans) -> None:
        self._knowledge = knowledge
        self._plans = plans
        self._masks: dict[object, Mask | None] = {}
        self._readable: dict[int, bool] = {}  # whether of all invariants of a profile can be told what they ask
        self._made: list[object] = []  # what is known by its id stays alive
        self._making = threading.RLock()

    def likeness(self, resource: dict[str, Any], resolve: Resolve | None) -> Likeness | None:
        """Return the likeness of a resource, held to its type and the profiles it claims; None: it has none.

        What is like a sound resource is sound.
        `resolve`: finds resources outside, as the validation does; of what it finds only the type is looked at.
        """
        if "text" in resource:
            return None  # hardly two narratives are the same, and links in them may lead to any id
        id = resource.get("id")
        if id is None:
            found: list[Any] = []
        elif type(id) is str and QUICK["id"](id) is not None:
            found = [_LEFT]
            resource = {name: value for name, value in resource.items() if name != "id"}
        else:
            return None
        try:
            self.resource(resource, found, resolve)
        except Unlike:
            return None
        return tuple(found)

    def resource(self, value: dict[str, Any], found: list[Any], resolve: Resolve | None) -> None:
        """Append the likeness of a resource, or of one that is contained. Raises: Unlike."""
        type = value.get("resourceType")
        meta = value.get("meta")
        claimed = meta.get("profile") if isinstance(meta, dict) else None
        profiles = observations.called_for(value) if type == "Observation" else ()
        if isinstance(claimed, list):
            profiles += tuple(each for each in claimed if isinstance(each, str))
        if not isinstance(type, str):
            raise Unlike
        key = (type, profiles)
        mask = self._masks[key] if key in self._masks else self._of_resource(type, profiles)
        if mask is None:
            raise Unlike
        found.append(type)
        mask.add(value, found, resolve)

    def _of_resource(self, type: str, profiles: tuple[str, ...]) -> Mask | None:
        with self._making:
            try:
                made = self._root(type, profiles)
            except Unlike:
                made = None
            if len(self._masks) < _MASKS:  # senders may claim what they like
                self._masks[type, profiles] = made
            return made

    def _root(self, type: str, profiles: tuple[str, ...]) -> Mask | None:
        schemas = self._knowledge.schemas
        base, plan = schemas.of_type(type), self._plans.of_resource(type)
        if base is None or plan is None or (type in BY_TYPE and type != "Observation") or schemas.globals(type):
            return None
        views = [View(base.root, type, base)]
        for url in profiles:
            schema = schemas.of(url)
            if schema is None and url not in schemas.unusable:
                continue  # that it is not known is said in any case
            if schema is None or schema.imposed or not self._knowledge.engine.model.is_kind(type, schema.root_type):
                return None
            views.append(View(schema.root, type, schema))
        return self.mask(views, frozenset(), plan)

    def mask(self, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Mask | None:
        """Return what tells elements alike that are held to some rules, inside one of which values of some names are
        asked about; None where nothing can be left out of them. Raises: Unlike.
        """
        key = (tuple((id(each.rule), each.type, id(each.schema)) for each in views), asked, id(plan))
        if key in self._masks:
            return self._masks[key]
        with self._making:
            self._made += views
            made = self._masks[key] = self._mask(views, asked, plan)
            return made

    def _mask(self, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Mask | None:
        tests: list[tuple[Test, frozenset[str]]] = []
        exact = False
        for each in views:
            if not self._is_readable(each.schema):
                raise Unlike
            look = self._knowledge.look(each.rule, each.type, each.schema)
            questions = _questions(look.checks)
            exact = exact or questions.whole
            asked |= questions.deep
            tests += questions.local
            if each.type == "Identifier":
                tests.append(_OF_URIS)
            exact = exact or _is_exact(each.rule, each.type)
        return None if exact else Mask(self, views, asked, tests, plan)

    def _is_readable(self, schema: Schema) -> bool:
        known = self._readable.get(id(schema))
        if known is None:
            constraints = (each for rule in schema.by_id.values() for each in rule.constraints)
            known = self._readable[id(schema)] = all(
                each.key in NATIVE or questions_of(each.expression, never) is not None for each in constraints
            )
            self._made.append(schema)
        return known

    def extension(self, url: str, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Mask | None:
        """Return what tells alike the extensions of a url at one place. Raises: Unlike."""
        views = [each for each in views if _may_be(each.rule, url)]
        if ":" not in url:
            return self.mask(views, asked, plan)
        definition = self._knowledge.schemas.of(url.partition("|")[0])
        if definition is None:
            return None if cross_version(url) is not None else self.mask(views, asked, plan)
        contexts = contexts_of(definition)
        if definition.type != "Extension" or "|" in url or "contextInvariant" in definition.definition:
            raise Unlike
        if any(each.get("type") == "fhirpath" or "#" in each.get("expression", "") for each in contexts):
            raise Unlike  # the whole resource is asked
        return self.mask([*views, View(definition.root, "Extension", definition)], asked, plan)

    def below(self, views: Sequence[View], key: str) -> list[tuple[Slot, Schema]] | None:
        """Return what some rules say of the elements at a key; None where one of them does not know it."""
        found = []
        for each in views:
            look = self._knowledge.look(each.rule, each.type, each.schema)
            if look.table is None:
                continue
            slot = look.table.slots.get(key)
            if slot is None or not slot.allowed:
                return None
            found.append((slot, look.own))
        return found or None

    def views_at(self, slots: Iterable[tuple[Slot, Schema]]) -> tuple[list[View], frozenset[str]]:
        """Return the rules of elements at a key, those of slices and of profiles of their type among them, and what
        slices are chosen by. Raises: Unlike where that is not told by the elements themselves.
        """
        views: list[View] = []
        names: set[str] = set()
        for slot, own in slots:
            if slot.silent:
                continue
            for rule in _sliced(slot.rule):
                views.append(View(rule, slot.step.type, own))
                for kind, path in () if rule.slicing is None else rule.slicing.discriminators:
                    if kind == "profile" or "(" in path:
                        raise Unlike
                    names.update(path.split("."))
                if slot.step.key in _EXTENSIONS:
                    continue
                for type in rule.types:
                    for url in type.profiles:
                        schema = self._knowledge.schemas.of(url)
                        if schema is None:
                            raise Unlike
                        views.append(View(schema.root, slot.step.type, schema))
        return views, frozenset(names)

    def is_resource(self, type: str) -> bool:
        return type == "Resource" or type in self._knowledge.engine.model.resources

    def implied(self, reference: str) -> str | None:
        """Return the type that a reference names."""
        found = rest(reference, self._knowledge.engine.model)
        return None if found is None else found.type


def _reference(alike: Alike, quick: Quick | None, is_asked: bool) -> Step:
    """Return what appends the likeness of Reference.reference: of what it leads to the type alone is looked at."""

    def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
        if type(value) is not str or quick is None or quick(value) is None:
            raise Unlike
        if is_asked or value[0] == "#" or _MARKED.search(value) is not None:
            found += (value, _led_to(value, resolve))
        else:
            found += (_REFERENCE, _led_to(value, resolve), alike.implied(value))

    return step


def _led_to(reference: str, resolve: Resolve | None) -> object:
    target = None if resolve is None else resolve(reference)
    return None if target is None else (target.get("resourceType"),)


_MARKED = re.compile(r"[?\s]|/_history/")


def _sliced(rule: Rule) -> Iterator[Rule]:
    yield rule
    for each in rule.slices:
        yield from _sliced(each)


def _is_exact(rule: Rule, type: str) -> bool:
    """Tell whether all of an element counts: a Coding, a narrative, what has a value prescribed."""
    prescribed = rule.fixed is not None or rule.pattern is not None or bool(rule.limits)
    return prescribed or type in ("Coding", "Narrative", "Meta") or narrative.is_controlled(rule.raw)


def _may_be(rule: Rule, url: str) -> bool:
    """Tell whether a rule, where it is that of a slice, may be about the extensions of a url."""
    said = rule.children.get("url") if rule.slice_name is not None else None
    return said is None or said.fixed is None or said.fixed == url


def _questions(checks: Iterable[Check]) -> Questions:
    """Return what the invariants of an element ask of values. Raises: Unlike where that cannot be told."""
    deep: frozenset[str] = frozenset()
    local: list[tuple[Test, frozenset[str]]] = []
    whole = False
    for constraint, expression, _, keeps in checks:
        if constraint.best_practice:
            continue
        found = None if expression is None else questions_of(constraint.expression, keeps)
        if found is None:
            raise Unlike
        deep |= found.deep
        local += found.local
        whole = whole or found.whole
    return Questions(deep, whole, tuple(local))


Step = Callable[[Any, list[Any], "Resolve | None"], None]


@dataclass(slots=True)
class Mask:
    """What tells objects alike that are held to the same rules; what is at each key is found out when it is met."""

    alike: Alike
    views: Sequence[View]
    asked: frozenset[str]  # names of values that are asked about, here or below
    tests: Sequence[tuple[Test, frozenset[str]]]  # of invariants: where one says no, what they ask about counts
    plan: Plan
    steps: dict[str, Step] = field(default_factory=dict)

    def add(self, value: dict[str, Any], found: list[Any], resolve: Resolve | None) -> None:
        """Append the likeness of an object."""
        for test, names in self.tests:
            if not test(value):
                strict = self.alike.mask(self.views, self.asked | names, self.plan)
                if strict is None:
                    _exactly(value, found, resolve)
                    return
                _each(strict, value, found, resolve)
                return
        _each(self, value, found, resolve)

    def step(self, key: str) -> Step:
        """Return what appends the likeness of what stands at a key."""
        made = self.steps.get(key)
        if made is None:
            try:
                made = self._step(key)
            except Unlike:
                made = _refuse
            self.steps[key] = made
        return made

    def _step(self, key: str) -> Step:
        alike = self.alike
        slots = None if key in _KEPT or key[:1] == "_" else alike.below(self.views, key)
        if slots is None:
            return _exactly
        type = slots[0][0].step.type
        if key == "reference" and self.views[0].type == "Reference":
            return _reference(alike, self.plan.texts[key][0], is_asked=key in self.asked)
        if type in _OPEN:
            return _exactly if self._is_asked(key, slots) else self._left_out(key, type)
        if key == "contained":
            return self._contained(slots)
        if slots[0][0].step.primitive:
            return _exactly
        if alike.is_resource(type):
            raise Unlike
        views, names = alike.views_at(slots)
        if not views or not self.asked.isdisjoint((key, slots[0][0].rule.name.removesuffix("[x]"))):
            return _exactly  # it is compared as a whole
        below = self.plan.objects.get(key) or self.plan.lists.get(key)
        if not isinstance(below, ObjectStep) or below.plan is None:
            raise Unlike
        if key in _EXTENSIONS:
            return _of_extensions(alike, views, self.asked | names, below.plan)
        mask = alike.mask(views, self.asked | names, below.plan)
        return _exactly if mask is None else _of_objects(mask)

    def _left_out(self, key: str, type: str) -> Step:
        if type in _NUMBERS:
            rule = self.plan.numbers.get(key)
            return _exactly if rule is None else _number(rule)
        one, many = self.plan.texts.get(key), self.plan.lists.get(key)
        quick = one[0] if one is not None else many.quick if isinstance(many, TextStep) else None
        return _exactly if quick is None else _text(quick)

    def _is_asked(self, key: str, slots: Sequence[tuple[Slot, Schema]]) -> bool:
        """Tell whether something is asked of the value of a primitive."""
        if any(each.type in BOUND or (each.type in QUANTITIES and key != "value") for each in self.views) and not (
            key == "text" and self.views[0].type == "CodeableConcept"
        ):
            return True
        for slot, _ in slots:
            if not (slot.trivial or slot.silent) or slot.rule.slices:
                return True
            if not self.asked.isdisjoint((key, slot.rule.name, slot.rule.name.removesuffix("[x]"))):
                return True
        return False

    def _contained(self, slots: Sequence[tuple[Slot, Schema]]) -> Step:
        alike = self.alike
        if any(slot.rule.children or slot.rule.slices or slot.rule.constraints for slot, _ in slots):
            raise Unlike

        def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
            if not isinstance(value, list):
                raise Unlike
            found.append(_LIST)
            for each in value:
                if type(each) is not dict:
                    raise Unlike
                alike.resource(each, found, resolve)
            found.append(_END)

        return step


def _each(mask: Mask, value: dict[str, Any], found: list[Any], resolve: Resolve | None) -> None:
    steps, append = mask.steps, found.append
    for key, item in value.items():
        append(key)
        step = steps.get(key) or mask.step(key)
        if step is _exactly and type(item) is str:
            append(item)  # most of what is kept: no call for it
        else:
            step(item, found, resolve)
    append(_END)


def _text(quick: Quick) -> Step:
    """Return what leaves out texts of a form."""

    def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
        if type(value) is str:
            if quick(value) is None:
                raise Unlike
            # What begins with a mark may name something contained.
            found.append(value if value[0] == "#" else _LEFT)
        elif type(value) is list:
            for each in value:
                if type(each) is not str or quick(each) is None or each[0] == "#":
                    raise Unlike
            found += (_LIST, len(value))
        else:
            raise Unlike

    return step


def _number(rule: NumberRule) -> Step:
    """Return what leaves out numbers that a rule allows."""

    def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
        if not rule(value):
            raise Unlike
        found.append(_LEFT)

    return step


def _exactly(value: Any, found: list[Any], resolve: Resolve | None) -> None:
    """Append all of a value."""
    kind = type(value)
    if kind is str:
        found.append(value)
    elif kind is dict:
        found.append(_OBJECT)
        for key, item in value.items():
            found.append(key)
            if type(item) is str:
                found.append(item)
                if key == "reference":
                    found.append(_led_to(item, resolve))
            else:
                _exactly(item, found, resolve)
        found.append(_END)
    elif kind is list:
        found.append(_LIST)
        for item in value:
            _exactly(item, found, resolve)
        found.append(_END)
    else:
        found.append((kind, getattr(value, "text", value)))  # 1, 1.0 and true are equal, and not the same


def _of_objects(mask: Mask) -> Step:
    add = mask.add if mask.tests else partial(_each, mask)

    def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
        if type(value) is dict:
            found.append(_OBJECT)
            add(value, found, resolve)
        elif type(value) is list:
            found.append(_LIST)
            for each in value:
                if type(each) is not dict:
                    raise Unlike
                add(each, found, resolve)
            found.append(_END)
        else:
            raise Unlike

    return step


def _of_extensions(alike: Alike, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Step:
    by_url: dict[str, Step] = {}

    def step(value: Any, found: list[Any], resolve: Resolve | None) -> None:
        if type(value) is not list:
            raise Unlike
        found.append(_LIST)
        for each in value:
            url = each.get("url") if type(each) is dict else None
            if type(url) is not str:
                raise Unlike
            known = by_url.get(url)
            if known is None:
                known = _of_extension(alike, url, views, asked, plan)
                if len(by_url) < 1000:
                    by_url[url] = known
            known(each, found, resolve)
        found.append(_END)

    return step


def _of_extension(alike: Alike, url: str, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Step:
    try:
        mask = alike.extension(url, views, asked, plan)
    except Unlike:
        return _refuse
    return _exactly if mask is None else _of_objects(mask)


def _refuse(value: Any, found: list[Any], resolve: Resolve | None) -> None:
    raise Unlike
