"""What tells resources alike: two whose *likeness* is equal differ only in values that no rule asks about.

Names, dates, numbers and free texts are most of what differs from one resource of a kind to the next, and validation
looks at few of them beyond their form. A likeness is a resource with those values left out, each of which has the form
that its type prescribes and that nothing could be said of (`scan.py`); of a reference it has the type of what it leads
to, of a coding what terminology answers about it (`coded.py`). What is asked of a value stays in it: codes and whatever
has a binding, a fixed value, a pattern or a limit, what an invariant compares, what slices are chosen by, urls and the
ids of elements. Where that cannot be told there is none.

**Who gives the walk a new question gives it to `Alike` too**, as to `quiet.py`; `test_alike.py` compares both ways.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.conformance.validation import coded, narrative, observations
from fhir_gateway.conformance.validation.asked import Questions, questions_of
from fhir_gateway.conformance.validation.bindings import BOUND, QUANTITIES
from fhir_gateway.conformance.validation.by_type import BY_TYPE
from fhir_gateway.conformance.validation.certainty import Test, never
from fhir_gateway.conformance.validation.choosing import Choice, Key, keys_in
from fhir_gateway.conformance.validation.cross_version import cross_version
from fhir_gateway.conformance.validation.extension_contexts import contexts_of
from fhir_gateway.conformance.validation.invariants import NATIVE, Check
from fhir_gateway.conformance.validation.parts import (
    CODING,
    CONCEPT,
    END,
    LEFT,
    LIST,
    OBJECT,
    REFERENCE,
    Parts,
    Resolve,
    Step,
    Unlike,
    coding_of,
    concept_exactly,
    exactly,
    led_to,
    number_of,
    refuse,
    text_of,
)
from fhir_gateway.conformance.validation.resolution import rest
from fhir_gateway.conformance.validation.scan import QUICK, StrictPlans
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.plan import ObjectStep, Plan, Quick, TextStep

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Knowledge, Slot

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
_ATTEMPTS: Final = 5
_KEYS: Final = 1000  # an element may have several


@dataclass(frozen=True, slots=True)
class View:
    """One rule that an element of a type may be held to, and the profile that it is of."""

    rule: Rule
    type: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Chosen:
    """Slices of which an element belongs to those that its value at a key names. `views`: the rules of each."""

    key: str
    choice: Choice
    views: Sequence[Sequence[View]]

    def of(self, keys: Iterable[Key]) -> Iterator[View]:
        """Yield the rules of the slices that an object with some keys may belong to."""
        places = {*self.choice.keyless, *(place for each in keys for place in self.choice.by_key.get(each, ()))}
        for place in sorted(places):
            yield from self.views[place]


class Alike:
    """Likenesses of resources, by the rules of one validator."""

    def __init__(self, knowledge: Knowledge, plans: StrictPlans) -> None:
        self._knowledge = knowledge
        self._plans = plans
        self._masks: dict[object, Mask | None] = {}
        self._readable: dict[int, bool] = {}  # whether of all invariants of a profile can be told what they ask
        self._wild: dict[int, bool] = {}
        self.codes = coded.Codes(knowledge)
        self._made: list[object] = []  # what is known by its id stays alive
        self._making = threading.RLock()

    def likeness(self, resource: dict[str, Any], resolve: Resolve | None, is_plain: bool = False) -> Likeness | None:
        """Return the likeness of a resource, held to its type and the profiles it claims; None: it has none.

        What is like a sound resource is sound.
        `resolve`: finds resources outside, as the validation does; of what it finds only the type is looked at.
        `is_plain`: codings are kept as they are, since displays are wished for in some language.
        """
        if "text" in resource:
            return None  # hardly two narratives are the same, and links in them may lead to any id
        id = resource.get("id")
        has_id = type(id) is str and QUICK["id"](id) is not None
        if has_id:
            resource = {name: value for name, value in resource.items() if name != "id"}
        elif id is not None:
            return None
        for _ in range(_ATTEMPTS):
            extent = self.codes.current()
            found = Parts(is_plain or self.codes.is_closed)
            if has_id:
                found.append(LEFT)
            try:
                self.resource(resource, found, resolve)
            except Unlike:
                return None
            if self.codes.current() != extent:
                continue  # what became known meanwhile may name a code that was left out
            if not found.texts or found.texts.keys().isdisjoint(found):
                return tuple(found)
            is_plain = True  # something else holds the text of a code
        return None

    def resource(self, value: dict[str, Any], found: Parts, resolve: Resolve | None) -> None:
        """Append the likeness of a resource, or of one that is contained. Raises: Unlike."""
        if "language" in value:
            found.is_plain = True  # displays are held to it
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
        found += (type, profiles)
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
            if self._is_wild(each.schema):
                asked |= {coded.WILD}
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

    def _is_wild(self, schema: Schema) -> bool:
        known = self._wild.get(id(schema))
        if known is None:
            known = self._wild[id(schema)] = coded.is_wild(schema)
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

    def views_at(self, slots: Iterable[tuple[Slot, Schema]]) -> tuple[list[View], list[Chosen], frozenset[str]]:
        """Return the rules of elements at a key, those of slices and of profiles of their type among them; those of
        slices that a value of the element tells; and what slices are chosen by.

        Raises: Unlike where that is not told by the elements themselves.
        """
        views: list[View] = []
        chosen: list[Chosen] = []
        names: set[str] = set()
        for slot, own in slots:
            if slot.silent:
                continue
            rule = slot.rule
            key = self._chosen_by(rule, slot.step.type)
            views += self._views_of(rule, slot, own, names)
            of_slices = [
                [view for each in _sliced(slice) for view in self._views_of(each, slot, own, names)]
                for slice in rule.slices
            ]
            if key is None:
                views += [view for each in of_slices for view in each]
            else:
                chosen.append(Chosen(key, self._choice(rule, own), of_slices))
        return views, chosen, frozenset(names)

    def _views_of(self, rule: Rule, slot: Slot, own: Schema, names: set[str]) -> Iterator[View]:
        yield View(rule, slot.step.type, own)
        for kind, path in () if rule.slicing is None else rule.slicing.discriminators:
            if kind == "profile" or "(" in path:
                raise Unlike
            names.update(path.split("."))
        if slot.step.key in _EXTENSIONS:
            return
        for type in rule.types:
            for url in type.profiles:
                schema = self._knowledge.schemas.of(url)
                if schema is None:
                    raise Unlike
                yield View(schema.root, slot.step.type, schema)

    def _chosen_by(self, rule: Rule, type: str) -> str | None:
        """Return the key of the value that tells which slices an element belongs to; None where there is no such."""
        if rule.slicing is None or not rule.slicing.discriminators or not rule.slices:
            return None
        kind, path = rule.slicing.discriminators[0]
        steps = self._knowledge.engine.model.members(type).get(path, ())
        is_one = kind in ("value", "pattern") and len(steps) == 1 and steps[0].key == path
        return path if is_one else None

    def _choice(self, rule: Rule, schema: Schema) -> Choice:
        from fhir_gateway.conformance.validation.walk import Walk, Wishes

        return Walk(self._knowledge, Wishes(), Node({}, "Basic")).choice(rule, schema)

    def takes_any(self, views: Sequence[View]) -> bool:
        """Tell whether codings that some rules are about may hold any system, code and display, by themselves."""
        for each in views:
            if each.rule.limits or narrative.is_controlled(each.rule.raw):
                return False
        for key in CODING:
            slots = self.below(views, key)
            if slots is None:
                return False
            for slot, _ in slots:
                rule = slot.rule
                if rule.slices or rule.children or rule.limits or rule.binding is not None:
                    return False
                if self._knowledge.invariants.of(rule, slot.step.type, None):
                    return False
        return True

    def is_resource(self, type: str) -> bool:
        return type == "Resource" or type in self._knowledge.engine.model.resources

    def implied(self, reference: str) -> str | None:
        """Return the type that a reference names."""
        found = rest(reference, self._knowledge.engine.model)
        return None if found is None else found.type


def _reference(alike: Alike, quick: Quick | None, is_asked: bool) -> Step:
    """Return what appends the likeness of Reference.reference: of what it leads to the type alone is looked at."""

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is not str or quick is None or quick(value) is None:
            raise Unlike
        if is_asked or value[0] == "#" or _MARKED.search(value) is not None:
            found += (value, led_to(value, resolve))
        else:
            found += (REFERENCE, led_to(value, resolve), alike.implied(value))

    return step


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


@dataclass(slots=True)
class Mask:
    """What tells objects alike that are held to the same rules; what is at each key is found out when it is met."""

    alike: Alike
    views: Sequence[View]
    asked: frozenset[str]  # names of values that are asked about, here or below
    tests: Sequence[tuple[Test, frozenset[str]]]  # of invariants: where one says no, what they ask about counts
    plan: Plan
    steps: dict[str, Step] = field(default_factory=dict)

    def add(self, value: dict[str, Any], found: Parts, resolve: Resolve | None) -> None:
        """Append the likeness of an object."""
        for test, names in self.tests:
            if not test(value):
                strict = self.alike.mask(self.views, self.asked | names, self.plan)
                if strict is None:
                    exactly(value, found, resolve)
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
                made = refuse
            self.steps[key] = made
        return made

    def _step(self, key: str) -> Step:
        alike = self.alike
        slots = None if key in _KEPT or key[:1] == "_" else alike.below(self.views, key)
        if slots is None:
            return exactly
        type = slots[0][0].step.type
        if key == "reference" and self.views[0].type == "Reference":
            return _reference(alike, self.plan.texts[key][0], is_asked=key in self.asked)
        if type in _OPEN:
            return exactly if self._is_asked(key, slots) else self._left_out(key, type)
        if key == "contained":
            return self._contained(slots)
        if slots[0][0].step.primitive:
            return exactly
        if alike.is_resource(type):
            raise Unlike
        views, chosen, names = alike.views_at(slots)
        is_compared = not self.asked.isdisjoint((key, slots[0][0].rule.name.removesuffix("[x]")))
        if not views or (is_compared and type != "Coding"):
            return concept_exactly if type == "CodeableConcept" else exactly  # it is compared as a whole
        below = self.plan.objects.get(key) or self.plan.lists.get(key)
        if not isinstance(below, ObjectStep) or below.plan is None:
            raise Unlike
        asked = self.asked | names
        if key in _EXTENSIONS:
            return _of_extensions(alike, views, asked, below.plan)
        if type == "Coding":
            every = [*views, *(view for one in chosen for some in one.views for view in some)]
            return self._codings(every, asked, below.plan)
        if chosen:
            return _of_slices(alike, views, chosen, asked, below.plan)
        mask = alike.mask(views, asked, below.plan)
        if type == "CodeableConcept":
            return concept_exactly if mask is None else _of_concepts(mask)
        return exactly if mask is None else _of_objects(mask)

    def _codings(self, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Step:
        alike = self.alike
        alike.mask(views, asked, plan)  # refuses what cannot be told
        quick = [rule[0] for key in CODING if (rule := plan.texts.get(key)) is not None and rule[0] is not None]
        is_wild = coded.WILD in asked or any(map(alike._is_wild, (each.schema for each in views)))
        if is_wild or len(quick) != len(CODING) or not alike.takes_any(views):
            return exactly
        holders = self.views if self.views[0].type == "CodeableConcept" else ()
        value_sets = [one for each in (*views, *holders) for one in coded.value_sets_of(each.rule.binding)]
        return coding_of(alike.codes, tuple(dict.fromkeys(value_sets)), quick)

    def _left_out(self, key: str, type: str) -> Step:
        if type in _NUMBERS:
            rule = self.plan.numbers.get(key)
            return exactly if rule is None else number_of(rule)
        one, many = self.plan.texts.get(key), self.plan.lists.get(key)
        quick = one[0] if one is not None else many.quick if isinstance(many, TextStep) else None
        return exactly if quick is None else text_of(quick)

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

        def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
            if not isinstance(value, list):
                raise Unlike
            found.append(LIST)
            for each in value:
                if type(each) is not dict:
                    raise Unlike
                alike.resource(each, found, resolve)
            found.append(END)

        return step


def _each(mask: Mask, value: dict[str, Any], found: Parts, resolve: Resolve | None) -> None:
    steps, append = mask.steps, found.append
    for key, item in value.items():
        append(key)
        step = steps.get(key) or mask.step(key)
        if step is exactly and type(item) is str:
            append(item)  # most of what is kept: no call for it
        else:
            step(item, found, resolve)
    append(END)


def _of_objects(mask: Mask) -> Step:
    add = mask.add if mask.tests else partial(_each, mask)

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is dict:
            found.append(OBJECT)
            add(value, found, resolve)
        elif type(value) is list:
            found.append(LIST)
            for each in value:
                if type(each) is not dict:
                    raise Unlike
                add(each, found, resolve)
            found.append(END)
        else:
            raise Unlike

    return step


def _of_concepts(mask: Mask) -> Step:
    others = _of_objects(mask)

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is dict and len(value) == 1 and "coding" in value and not mask.tests:
            found.append(CONCEPT)
            (mask.steps.get("coding") or mask.step("coding"))(value["coding"], found, resolve)
        else:
            others(value, found, resolve)

    return step


def _keys_of(value: Any, telling: frozenset[Key]) -> tuple[Key, ...]:
    """Return those keys of slices that a value has."""
    if type(value) is dict and type(codings := value.get("coding")) is list and len(codings) == 1:
        (coding,) = codings  # as most are
        if type(coding) is dict and type(coding.get("system")) is type(coding.get("code")) is str:
            key = coding["system"], coding["code"]
            return (key,) if key in telling else ()
    return tuple([each for each in keys_in(value if type(value) is list else (value,)) if each in telling])


def _of_slices(
    alike: Alike, views: Sequence[View], chosen: Sequence[Chosen], asked: frozenset[str], plan: Plan
) -> Step:
    """Return what appends the likenesses of elements, each by the rules of the slices that it may belong to."""
    by_keys: dict[tuple[tuple[Key, ...], ...], Step] = {}
    names = tuple(dict.fromkeys(each.key for each in chosen))
    telling = frozenset(key for each in chosen for key in each.choice.by_key)

    def one(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is not dict:
            raise Unlike
        keys = tuple([_keys_of(value.get(name), telling) for name in names])
        known = by_keys.get(keys)
        if known is None:
            by_name = dict(zip(names, keys, strict=True))
            more = (view for each in chosen for view in each.of(by_name[each.key]))
            mask = alike.mask([*views, *more], asked, plan)
            known = exactly if mask is None else _of_objects(mask)
            if len(by_keys) < _KEYS:
                by_keys[keys] = known
        known(value, found, resolve)

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is not list:
            one(value, found, resolve)
            return
        found.append(LIST)
        for each in value:
            one(each, found, resolve)
        found.append(END)

    return step


def _of_extensions(alike: Alike, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Step:
    by_url: dict[str, Step] = {}

    def step(value: Any, found: Parts, resolve: Resolve | None) -> None:
        if type(value) is not list:
            raise Unlike
        found.append(LIST)
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
        found.append(END)

    return step


def _of_extension(alike: Alike, url: str, views: Sequence[View], asked: frozenset[str], plan: Plan) -> Step:
    try:
        mask = alike.extension(url, views, asked, plan)
    except Unlike:
        return refuse
    return exactly if mask is None else _of_objects(mask)
