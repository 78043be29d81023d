"""What needs no walk: elements of which nothing is to be said, told by one look at their JSON.

A test says yes only where walking the element and all below it would find nothing, not even information; its no means
that the walk has to look. So whoever gives the walk a new question gives `Quiet` the same, or makes it say no there.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.conformance.validation import matching, narrative
from fhir_gateway.conformance.validation.bindings import BOUND, QUANTITIES, UCUM, Bindings, Coding, codings_of
from fhir_gateway.conformance.validation.certainty import Test, never
from fhir_gateway.conformance.validation.schema import Binding, Rule, Schema, TypeRule

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Knowledge, Look, Slot

UNTOLD: Final = frozenset({"extension", "modifierExtension", "contained", "resource", "outcome"})  # always walked
_KEPT: Final = 4096  # codes that are known to be good, of each binding
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")


class Quiet:
    """The tests of all elements, made when they are first met.

    `alone`: whether what is validated stands alone, so that a relative reference leads outside, where nobody looks.
    `tongued`: whether a resource may say its language: then displays that are right in another only are not quiet.
    """

    def __init__(self, knowledge: Knowledge, alone: bool, tongued: bool) -> None:
        self._knowledge = knowledge
        self._alone = alone
        self._tongued = tongued
        self._slots: dict[int, tuple[Slot, Test, Test]] = {}
        self._made: dict[tuple[int, str], Test] = {}
        self._begun: set[tuple[int, str]] = set()
        self._making = threading.RLock()
        self._uncoded: dict[tuple[int, str], Test] = {}

    def at(self, slot: Slot, own: Schema) -> tuple[Slot, Test, Test]:
        """Return a slot with the tests of all that stands at its key, and of a single one."""
        found = self._slots.get(id(slot))
        if found is None:
            found = self._slots[id(slot)] = (slot, *self._of_slot(slot, own))
        return found

    def _of_slot(self, slot: Slot, own: Schema) -> tuple[Test, Test]:
        rule, type = slot.rule, slot.step.type
        if slot.silent or (slot.trivial and not slot.rule.slices):
            return _counted(None, slot.max), never
        resource = type == "Resource" or type in self._knowledge.engine.model.resources
        if not slot.allowed or slot.step.key in UNTOLD or resource:
            return never, never
        one = self.of(rule, type, own)
        # Which slices there are is asked of all together, after each has been looked at.
        return (never if one is never or rule.slices else _counted(one, slot.max)), one

    def of(self, rule: Rule, type: str, schema: Schema) -> Test:
        """Return the test of one element of a type under a rule of a profile."""
        key = (id(rule), type)
        made = self._made.get(key)
        return self._new(key, rule, type, schema) if made is None else made

    def _new(self, key: tuple[int, str], rule: Rule, type: str, schema: Schema) -> Test:
        """Make a test, one thread at a time: another one must not take what is half made for the whole."""
        with self._making:
            if key in self._made:
                return self._made[key]
            if key in self._begun:  # met again while it is being made; until it is, the walk looks
                return lambda value: self._made.get(key, never)(value)
            self._begun.add(key)
            try:
                made = self._of(rule, self._knowledge.look(rule, type, schema), type)
            finally:
                self._begun.discard(key)
            self._made[key] = made
            return made

    def beside_code(self, rule: Rule, look: Look, type: str) -> Test:
        """Return the test of all of a Coding or Quantity but what its own code system says of it."""
        key = (id(rule), type)
        made = self._uncoded.get(key)
        if made is None:
            made = self._uncoded[key] = self._of(rule, look, type, with_code=False)
        return made

    def _of(self, rule: Rule, look: Look, type: str, with_code: bool = True) -> Test:
        tests: list[Test] = []
        if look.resource or rule.limits or (type == "Narrative" and narrative.is_controlled(rule.raw)):
            return never
        if rule.fixed is not None:
            tests.append(lambda value: matching.is_exactly(value, rule.fixed))
        if rule.pattern is not None:
            tests.append(lambda value: matching.follows(value, rule.pattern))
        bindings = self._knowledge.bindings
        if look.binding and rule.binding is not None:
            bound = _bound(bindings, rule.binding, type, self._tongued)
            if bound is not None:
                tests.append(bound)
        if look.coded and with_code:
            tests.append(_coded(bindings, type, self._tongued))
        for constraint, expression, _, keeps in look.checks:
            if expression is None:
                return never
            if not constraint.best_practice:
                tests.append(keeps)
        if look.type_rule is not None:
            tests += self._by_type_rule(look.type_rule, look, type)
        elif look.reference:
            tests.append(never)
        if look.table is not None:
            tests.append(self._below(look))
        return _all(tests)

    def _by_type_rule(self, rule: TypeRule, look: Look, type: str) -> list[Test]:
        schemas = self._knowledge.schemas
        tests: list[Test] = []
        if rule.profiles:
            profile = schemas.of(rule.profiles[0]) if len(rule.profiles) == 1 else None
            tests.append(never if profile is None else self.of(profile.root, type, profile))
        if type == "canonical" and look.targets:
            tests.append(self._canonical(rule))
        elif look.targets or look.reference:
            tests.append(self._reference(rule))
        return tests

    def _canonical(self, rule: TypeRule) -> Test:
        schemas = self._knowledge.schemas
        found = (schemas.of(url) for url in rule.targets)
        allowed = {schema.type for schema in found if schema is not None}
        known: set[str] = set()

        def test(value: Any) -> bool:
            if type(value) is not str:
                return False
            if value in known:
                return True
            if any(schemas.resource(kind, value) is not None for kind in allowed):
                known.add(value)
                return True
            return False

        return never if "Resource" in allowed or not allowed else test

    def _reference(self, rule: TypeRule) -> Test:
        """Return the test of a reference that leads outside, to a type that is allowed."""
        schemas, model = self._knowledge.schemas, self._knowledge.engine.model
        if not self._alone or rule.aggregation or rule.versioning:
            return never
        known = [schemas.of(url) for url in rule.targets]
        if None in known:
            return never
        kinds = {schema.type for schema in known if schema is not None}
        allowed = {each for each in model.resources if not kinds or any(model.is_kind(each, kind) for kind in kinds)}
        if "Resource" in kinds:
            allowed = set(model.resources)

        def test(value: Any) -> bool:
            if type(value) is not dict or "type" in value:
                return False
            reference = value.get("reference")
            if reference is None:
                display = value.get("display")
                return type(display) is str and display != ""
            match = _RELATIVE.fullmatch(reference) if type(reference) is str else None
            return match is not None and match[1] in allowed

        return test

    def _below(self, look: Look) -> Test:
        """Return the test of all that is below an element."""
        table, own = look.table, look.own
        assert table is not None
        slots = table.slots
        tests: dict[str, Test] = {}
        needed = [keys for rule, keys in table.required if rule.min > 0 or any(each.min > 0 for each in rule.slices)]
        if any(rule.min > 1 for rule, _ in table.required):
            return never

        def test(value: Any) -> bool:
            if type(value) is not dict:
                return not needed and type(value) is not list  # a primitive; who holds it has looked for its twin
            for key, item in value.items():
                known = tests.get(key)
                if known is None:
                    slot = slots.get(key)
                    if slot is None:
                        return False
                    known = tests[key] = self.at(slot, own)[1]
                if not known(item):
                    return False
            for keys in needed:
                for key in keys:
                    if key in value:
                        break
                else:
                    return False
            return True

        return test


def _counted(one: Test | None, most: int) -> Test:
    """Return the test of what stands at a key: as many as may, each of them quiet."""

    def test(value: Any) -> bool:
        if type(value) is list:
            return 0 < len(value) <= most and (one is None or all(map(one, value)))
        return value is not None and most > 0 and (one is None or one(value))

    return test


def _all(tests: list[Test]) -> Test:
    if never in tests:
        return never
    if len(tests) == 1:
        return tests[0]

    def test(value: Any) -> bool:
        for each in tests:  # noqa: SIM110 — a loop is faster than a generator here
            if not each(value):
                return False
        return True

    return test


def _bound(bindings: Bindings, binding: Binding, type: str, tongued: bool) -> Test | None:
    """Return the test whether a value has codes of all value sets that a binding names; None where it names none."""
    sets = [value_set for value_set, strength in ((binding.value_set, binding.strength), *binding.additional)
            if value_set is not None and strength != "example"]  # fmt: skip
    if binding.strength == "example" and not binding.additional:
        return None
    if binding.max_value_set is not None and binding.strength != "required":
        sets.append(binding.max_value_set)
    may_lack = type not in BOUND or binding.strength not in ("required", "extensible")
    by_name = type == "CodeableConcept" and binding.strength == "required"

    known: set[str] = set()

    def test(value: Any) -> bool:
        if isinstance(value, str) and value in known:
            return True
        codings = codings_of(value, type)
        if not codings:
            return may_lack
        for each in sets:
            for coding in codings:
                if bindings.holds(each, coding.system, coding.code) is True:
                    break
            else:
                return False
        if by_name and any(_may_be_misnamed(bindings, each, tongued) for each in codings):
            return False
        if isinstance(value, str) and len(known) < _KEPT:
            known.add(value)
        return True

    return test


def _may_be_misnamed(bindings: Bindings, coding: Coding, tongued: bool) -> bool:
    """Tell whether a code has a display that its system does not give it, or not in every language."""
    if coding.display is None or not coding.system:
        return False
    verdict = bindings.verdict(coding.system, coding.code, coding.display, coding.version)
    return verdict is not None and (verdict.right_display is False or (tongued and verdict.by_language))


def _coded(bindings: Bindings, type: str, tongued: bool) -> Test:
    """Return the test whether a Coding or Quantity is what its own code system knows."""
    is_quantity = type in QUANTITIES
    known: set[tuple[str, str, str | None, str | None]] = set()

    def test(value: Mapping[str, Any]) -> bool:
        code = value.get("code")
        if not isinstance(code, str):
            return True
        system = value.get("system")
        if not isinstance(system, str) or not system:
            return False
        if is_quantity and system != UCUM:
            return True
        display, version = None if is_quantity else value.get("display"), value.get("version")
        if not isinstance(display, str | None) or not isinstance(version, str | None):
            return False
        key = (system, code, display, version)
        if key in known:
            return True
        verdict = bindings.verdict(system, code, display, version)
        if verdict is None:
            return True
        good = verdict.state == "known" and verdict.right_display is not False and not verdict.inactive
        good = good and not (tongued and verdict.by_language)
        if good and len(known) < _KEPT:
            known.add(key)
        return good

    return test


def plain_breaks(schema: Schema) -> Iterator[Test]:
    """Yield tests that say yes of what breaks a profile for certain: it lacks an element, or has another value."""
    for name, rule in schema.root.children.items():
        if name.endswith("[x]") or rule.slices:
            continue
        if rule.min > 0:
            yield _lacks(name)
        if rule.pattern is not None:
            yield _differs(name, rule.pattern, matching.follows)
        if rule.fixed is not None:
            yield _differs(name, rule.fixed, matching.is_exactly)


def _lacks(name: str) -> Test:
    twin = f"_{name}"
    return lambda value: isinstance(value, dict) and name not in value and twin not in value


def _differs(name: str, wanted: Any, meets: Callable[[Any, Any], bool]) -> Test:
    def test(value: Any) -> bool:
        found = value.get(name) if isinstance(value, dict) else None
        return found is not None and not isinstance(found, list) and not meets(found, wanted)

    return test
