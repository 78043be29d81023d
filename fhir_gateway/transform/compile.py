"""Rules compiled to closures: no path, condition, map or YAML is looked at when a message comes.

Source: mappings/README.md, which says what each key of a rule means.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.transform import complaints
from fhir_gateway.transform.closures import (
    FORMS,
    TEXTS,
    UNMATCHED,
    Action,
    Also,
    Make,
    alike,
    as_code,
    beside,
    code_by,
    do_nothing,
    kept_code,
    named_instances,
    no_nodes,
    no_text,
    nothing,
    put_nothing,
    tested,
    text_of_node,
    where_of,
)
from fhir_gateway.transform.codes import Code, CodeMap, CodeMaps
from fhir_gateway.transform.condition import ConditionError, Test, condition
from fhir_gateway.transform.rules import Rule, Rules, RuleSet
from fhir_gateway.transform.run import Filling, Fired
from fhir_gateway.transform.source import Count, Home, Language, Scope, Texts
from fhir_gateway.transform.target import Target, TargetError, Targets

_ALWAYS = -1


class Steps(NamedTuple):
    """Rules in order; each group is asked only where its part of the source holds something (-1: always)."""

    groups: tuple[tuple[int, tuple[Action, ...]], ...]

    def apply(
        self, fields: Sequence[Any], node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling
    ) -> None:
        count = len(fields)
        for number, actions in self.groups:
            if number < 0 or (number < count and fields[number]):
                for action in actions:
                    action(node, segment, scope, into, filling)


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a rule is compiled: what it fills, what its paths are relative to."""

    type: str
    home: Home


class _Paths:
    """The paths of a condition, relative to a rule's home."""

    def __init__(self, language: Language, home: Home) -> None:
        self._language = language
        self._home = home

    def text(self, path: str) -> Texts:
        return self._language.text(path, self._home)

    def count(self, path: str) -> Count:
        return self._language.count(path, self._home)


_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
# A condition of which every part must hold, and its first part holds only where its path says something.
_NEEDS = re.compile(
    r"""\s*(?:IF )?([A-Z][A-Z0-9.\-]*) (?:IS )?(?:VALUED|EQUALS "[^"]+"|IN \("[^"]+"(?:, ?"[^"]+")*\))"""
    r"""(?: AND (?:(?!\bOR\b).)*)?""",
    re.DOTALL,
)


_QUOTED = re.compile(r'"[^"]*"')
_REMEMBERED = 4096


def _needed(rule: Rule) -> str:
    """Return a path without which a rule that reads none says nothing; "" for none."""
    found = _NEEDS.fullmatch(rule.when) if rule.when else None
    if found is not None:
        return found[1]
    placeholder = _PLACEHOLDER.search(rule.value)
    return placeholder[1] if placeholder is not None else ""


class Compiler:
    """Compiles rule sets, each once. `issues`: all that is wrong; `read`: (segment, field) that are
    ignored on purpose. What conditions look at has found no place by that."""

    def __init__(self, rules: Rules, targets: Targets, maps: CodeMaps, language: Language) -> None:
        self.issues: list[Issue] = []
        self.read: set[tuple[str, int]] = set()
        self._rules = rules
        self._targets = targets
        self._maps = maps
        self._language = language
        self._segments: dict[str, Steps] = {}
        self._complex: dict[str, list[Steps]] = {}
        self._scalar: dict[str, list[Make]] = {}

    def complain(self, complaint: Complaint, place: str, **values: object) -> None:
        issue = complaint.at(None, place=place, **values)
        if issue not in self.issues:
            self.issues.append(issue)

    # --- sets

    @property
    def compiled(self) -> frozenset[str]:
        """The names of rule sets for segments that were asked for."""
        return frozenset(self._segments)

    def segment(self, name: str, place: str) -> Steps:
        """Return the compiled rule set for a segment."""
        found = self._segments.get(name)
        if found is None:
            rules = self._rules.segments.get(name)
            if rules is None:
                self.complain(complaints.NAME_UNKNOWN, place, kind="segment mapping", name=name)
                return Steps(())
            home = Home(rules.home, "segment")
            found = self._segments[name] = self.steps(rules.rules, rules.target, home)
            for path in rules.ignored:
                self._ignore(path, home, rules.place)
        return found

    def _ignore(self, path: str, home: Home, place: str) -> None:
        try:
            part = self._language.part(path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, place, path=path, reason=error)
        else:
            self.read.update((part,) if part is not None else ())

    def instance(self, rules: Iterable[Rule], type_name: str) -> Steps:
        """Return the compiled rules of an instance, whose paths name their segments."""
        return self.steps(rules, type_name, Home("", "instance"))

    def test(self, text: str, home: Home, place: str) -> Test | None:
        """Return a compiled condition; None for none."""
        if not text:
            return None
        try:
            return condition(text, _Paths(self._language, home))
        except ConditionError as error:
            self.complain(complaints.WHEN_WRONG, place, at=error.at, reason=error.reason)
            return None

    def steps(self, rules: Iterable[Rule], type_name: str, home: Home) -> Steps:
        """Return rules for objects of a type, compiled."""
        if not self._targets.known(type_name):
            place = next((each.place for each in rules), "")
            self.complain(complaints.NAME_UNKNOWN, place, kind="type of R4", name=type_name)
            return Steps(())
        made: list[tuple[int, Action]] = []
        constant: dict[str, str] = {}
        for rule in rules:
            if rule.to in constant:
                self.complain(complaints.SHADOWED, rule.place, other=constant[rule.to], path=rule.to)
            context = _Context(type_name, home)
            number, action = self._rule(rule, context)
            if action is not None:
                made.append((number, action))
            if rule.value and not rule.path and not rule.when and "{" not in rule.value and "+" not in rule.to:
                constant[rule.to] = rule.place
        return Steps(
            tuple(
                (number, tuple(action for _, action in group)) for number, group in groupby(made, lambda each: each[0])
            )
        )

    # --- one rule

    def _rule(self, rule: Rule, context: _Context) -> tuple[int, Action | None]:
        number = self._skipped_by(rule, context.home)
        try:
            if rule.to == "$this":
                return number, self._merge(rule, context)
            target = self._targets.target(rule.to, context.type, rule.place)
            also = self._beside(rule, target, context)
        except TargetError as error:
            self.issues.append(error.issue)
            return number, None
        if rule.instance:
            return number, self._instance(rule, target, also, context)
        return number, self._filling(rule, target, also, context)

    def _skipped_by(self, rule: Rule, home: Home) -> int:
        path = rule.path or _needed(rule)
        if not path:
            return _ALWAYS
        try:
            part = self._language.part(path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, rule.place, path=path, reason=error)
            return _ALWAYS
        return part[1] if part is not None and part[0] == home.name else _ALWAYS

    def _home(self, rule: Rule, home: Home) -> Home:
        """Return the home of a rule's conditions and values: the repetition at hand, where it goes through them."""
        repeats = rule.path and (self._language.repeats(rule.path) or rule.type)
        return Home(home.name, home.kind, rule.path) if repeats and home.kind != "datatype" else home

    def _filling(self, rule: Rule, target: Target, also: tuple[Also, ...], context: _Context) -> Action:
        """Return what makes a value of each node of a rule's source and puts it into its place."""
        home = self._home(rule, context.home)
        make, of_nodes = self._make(rule, target, home)
        test = self.test(rule.when, home, rule.place)
        put, mark, fired = target.put, self._mark(rule, context.home), self._fired(rule, context.home)
        deletes = bool(rule.path) and context.home.kind != "datatype"
        # Within a data type a condition speaks of the whole, not of the part that a rule reads.
        whole, test = (test, None) if of_nodes and context.home.kind == "datatype" else (None, test)
        withdraws = target.type == "Reference" and bool(rule.type)
        text = self._text(rule, context.home) if deletes and not of_nodes else None
        is_deletion = self._language.is_deletion

        if not of_nodes and test is None and mark is None and not also and not withdraws:

            def plain(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
                value = make(node, segment, scope, filling)
                if value is not None:
                    put(into, value, filling.labels)
                    if filling.run.trace is not None:
                        fired(node, segment, scope, filling)

            return plain

        def one(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
            if test is not None and not test(node, segment, scope):
                return
            if of_nodes and deletes and is_deletion(node.text):
                filling.instance.deleted.append(rule.to)
                value = None
            else:
                value = make(node, segment, scope, filling)
            if value is None:
                if text is not None and is_deletion(text(node, segment, scope)):
                    filling.instance.deleted.append(rule.to)
                return
            if mark is not None:
                mark(segment, scope, filling)
            item = put(into, value, filling.labels)
            if item is None and withdraws:
                filling.run.withdraw(value, filling)
            for each in also:
                each(item, node, segment, scope, filling)
            if filling.run.trace is not None:
                fired(node, segment, scope, filling)

        if not of_nodes:
            return one
        nodes = self._nodes(rule, context.home)

        def each_of(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
            if whole is not None and not whole(node, segment, scope):
                return
            for found in nodes(node, segment, scope):
                one(found, segment, scope, into, filling)

        return each_of

    def _merge(self, rule: Rule, context: _Context) -> Action:
        """Return what fills the very object by a data type mapping to the same type."""
        found = self._rules.datatypes.get(rule.type)
        if found is None or found.target != context.type:
            kind = "data type mapping to the same type" if found is None else f"{context.type} in"
            self.complain(complaints.NAME_UNKNOWN, rule.place, kind=kind, name=rule.type or "(none)")
            return do_nothing
        fill = self._fill(found)
        home = self._home(rule, context.home)
        test = self.test(rule.when, home, rule.place)
        nodes, mark = self._nodes(rule, context.home), self._mark(rule, context.home)
        whole, test = (test, None) if context.home.kind == "datatype" else (None, test)

        def merge(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
            if whole is not None and not whole(node, segment, scope):
                return
            for found in nodes(node, segment, scope):
                if test is None or test(found, segment, scope):
                    if mark is not None:
                        mark(segment, scope, filling)
                    fill(found, segment, scope, into, filling)

        return merge

    # --- values

    def _make(self, rule: Rule, target: Target, home: Home) -> tuple[Make, bool]:
        """Return what makes a rule's value, and whether it is made of nodes (else of texts)."""
        repeats = bool(rule.path) and self._language.repeats(rule.path)
        of_nodes = repeats or bool(rule.path and rule.type)
        if rule.value:
            return self._constant(rule, target, home), of_nodes
        maps = self._map(rule)
        if rule.type:
            return self._typed(rule, target, maps, home), True
        text = self._text(rule, home)
        if of_nodes:
            text = text_of_node if home.repeated == rule.path else text
        if maps is not None:
            return self._mapped(rule, target, maps, code_by(text), None), of_nodes
        return self._converted(rule, target, text), of_nodes

    def _constant(self, rule: Rule, target: Target, home: Home) -> Make:
        return self._template(rule.value, target, home, rule.place)

    def _template(self, template: str, target: Target, home: Home, place: str) -> Make:
        """Return what fills in a template; None where one of its paths says nothing."""
        convert = self._language.converter(target.type) if target.primitive else None
        if convert is None:
            self.complain(complaints.TYPE_NEEDED, place, path=target.path, type=target.type)
            return nothing
        paths = _PLACEHOLDER.findall(template)
        if not paths:
            value = convert(template)
            if value is None:
                self.complain(complaints.TYPE_UNFIT, place, path=target.path, type=target.type, given=template)
            return lambda node, segment, scope, filling: value
        texts, parts = [], []
        for path in paths:
            try:
                texts.append(self._language.text(path, home))
                part = self._language.part(path, home)
            except ValueError as error:
                self.complain(complaints.PATH_WRONG, place, path=path, reason=error)
                continue
            if part is not None and home.kind != "datatype":
                parts.append(part)
        form = _PLACEHOLDER.sub("{}", template)
        is_deletion = self._language.is_deletion

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            found = [text(node, segment, scope) for text in texts]
            if not all(found) or any(is_deletion(each) for each in found):
                return None
            for name, number in parts:
                filling.run.placed.add((segment if name == home.name else scope.find(name), number))
            return convert(form.format(*found))

        return make

    def _converted(self, rule: Rule, target: Target, text: Texts) -> Make:
        convert = self._language.converter(target.type) if target.primitive else None
        if convert is None:
            self.complain(complaints.TYPE_NEEDED, rule.place, path=rule.to, type=target.type)
            return nothing
        is_deletion, path, type_name = self._language.is_deletion, rule.to, target.type

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            found = text(node, segment, scope)
            if not found or is_deletion(found):
                return None
            value = convert(found)
            if value is None and path != "$this":  # else another rule may have one
                where = where_of(node, segment)
                filling.run.issues.append(complaints.NOT_OF_TYPE.at(None, where=where, type=type_name, path=path))
            return value

        return make

    def _typed(self, rule: Rule, target: Target, maps: CodeMap | None, home: Home) -> Make:
        found = self._rules.datatypes.get(rule.type)
        if found is None:
            self.complain(complaints.NAME_UNKNOWN, rule.place, kind="data type mapping", name=rule.type)
            return nothing
        if self._targets.is_resource(found.target):
            if target.type != "Reference" or (target.references and found.target not in target.references):
                self._unfit(rule, target, found)
            return self._reference(found)
        if maps is not None and found.target in TEXTS:
            return self._mapped(rule, target, maps, self._primitive(found), None)
        if found.target != target.type and not (target.primitive and alike(found.target, target.type)):
            self._unfit(rule, target, found)
            return nothing
        made = self._primitive(found) if target.primitive else self._object(found)
        return made if maps is None else self._mapped(rule, target, maps, code_by(text_of_node), made)

    def _unfit(self, rule: Rule, target: Target, found: RuleSet) -> None:
        self.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=found.name)

    def _fill(self, rules: RuleSet) -> Action:
        """Return what fills an object by a data type mapping; compiled once, also where it leads back to itself."""
        cell = self._complex.get(rules.name)
        if cell is None:
            cell = self._complex[rules.name] = []
            cell.append(self.steps(rules.rules, rules.target, Home(rules.home, "datatype")))

        def fill(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
            cell[0].apply(node.fields, node, segment, scope, into, filling)

        return fill

    def _object(self, rules: RuleSet) -> Make:
        fill = self._fill(rules)

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            made: dict[str, Any] = {}
            fill(node, segment, scope, made, filling)
            return made or None

        return self._remembered(rules, make)

    def _reference(self, rules: RuleSet) -> Make:
        fill, kind = self._fill(rules), rules.target

        def resource_of(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            resource: dict[str, Any] = {"resourceType": kind}
            fill(node, segment, scope, resource, Filling(filling.run, filling.instance, resource))
            return resource if len(resource) > 1 else None

        remembered = self._remembered(rules, resource_of)

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            resource = remembered(node, segment, scope, filling)
            return filling.run.reference(resource, filling) if resource is not None else None

        return make

    def _remembered(self, rules: RuleSet, make: Make) -> Make:
        """Return what makes the same of the same: authorities, codes, places and professionals recur by the thousand.

        Only where the text of the node is all that decides; what was warned of, or is traced, is made anew.
        """
        if not self._language.recurs(rules.home) or not self._is_pure(rules, set()):
            return make
        known: dict[Any, bytes] = {}  # marshalled: the quickest way to a copy of one's own

        def remembered(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            run = filling.run
            key = node.key
            found = known.get(key)
            if found is not None and run.trace is None:
                return marshal.loads(found)
            before = len(run.issues)
            made = make(node, segment, scope, filling)
            if len(run.issues) == before and run.trace is None:
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[key] = marshal.dumps(made)
            return made

        return remembered

    def _is_pure(self, rules: RuleSet, seen: set[str]) -> bool:
        """Tell whether rules read nothing but the node they are applied to, and refer to nothing."""
        if rules.name in seen:
            return True
        seen.add(rules.name)
        home = Home(rules.home, "datatype")
        for rule in rules.rules:
            try:
                part = self._language.part(rule.path, home) if rule.path else None
            except ValueError:
                return False
            inner = self._rules.datatypes.get(rule.type) if rule.type else None
            if rule.instance or "-" in _QUOTED.sub("", rule.when) or (part is not None and part[0] != rules.home):
                return False
            if any("-" in path for path in _PLACEHOLDER.findall(rule.value)):
                return False
            if rule.type and inner is None:
                return False
            if inner is not None and (
                (rule.to != "$this" and self._targets.is_resource(inner.target)) or not self._is_pure(inner, seen)
            ):
                return False
        return True

    def _primitive(self, rules: RuleSet) -> Make:
        """Return what takes the first value that the rules of a data type mapping to a primitive have."""
        cell = self._scalar.get(rules.name)
        if cell is None:
            cell = self._scalar[rules.name] = []
            cell += self._alternatives(rules)

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            for each in cell:
                value = each(node, segment, scope, filling)
                if value is not None:
                    return value
            return None

        return self._remembered(rules, make)

    def _alternatives(self, rules: RuleSet) -> Iterable[Make]:
        home = Home(rules.home, "datatype")
        target = Target("$this", rules.target, True, (), put_nothing, "", False, ())
        for rule in rules.rules:
            if rule.to != "$this":
                reason = f"a mapping to {rules.target} fills $this"
                self.complain(complaints.ELEMENT_FORM, rule.place, path=rule.to, reason=reason)
                continue
            make, _ = self._make(rule, target, home)
            if rule.type:
                make = self._of_first_node(rule, home, make)
            test = self.test(rule.when, home, rule.place)
            yield make if test is None else tested(test, make)

    def _of_first_node(self, rule: Rule, home: Home, make: Make) -> Make:
        nodes = self._nodes(rule, home)

        def first(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            for found in nodes(node, segment, scope):
                return make(found, segment, scope, filling)
            return None

        return first

    # --- codes

    def _map(self, rule: Rule) -> CodeMap | None:
        if not rule.map:
            return None
        found = self._maps.named(rule.map)
        if found is None:
            self.complain(complaints.NAME_UNKNOWN, rule.place, kind="ConceptMap", name=rule.map)
        return found

    def _mapped(self, rule: Rule, target: Target, maps: CodeMap, code_of: Make, otherwise: Make | None) -> Make:
        """Return what translates a code. `otherwise`: makes what the target is without the map, kept beside it."""
        form = FORMS.get(target.type)
        if form is None and target.primitive:
            form = as_code
        if form is None:
            self.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=rule.map)
            return nothing
        convert = self._language.converter(target.type) if target.primitive else None
        policy = rule.unmatched or ("drop" if otherwise is None and target.type != "CodeableConcept" else "keep")
        is_deletion, of, name, path = self._language.is_deletion, maps.of, maps.name, rule.to
        complaint = UNMATCHED.get(policy, complaints.CODE_REPLACED)

        def make(node: Any, segment: Any, scope: Scope, filling: Filling) -> Any:
            code = code_of(node, segment, scope, filling)
            if code is not None and is_deletion(code):
                return None
            kept = otherwise(node, segment, scope, filling) if otherwise is not None else None
            if not code:
                return kept
            found = of(code)
            if found is not None:
                made = form(found, kept)
                return convert(made) if convert is not None else made
            where = where_of(node, segment)
            filling.run.issues.append(complaint.at(None, where=where, code=code, map=name, fixed=policy, path=path))
            if policy == "keep":
                return kept if kept is not None else kept_code(code, target.type)
            if policy in UNMATCHED:
                return None
            made = form(Code("", policy, ""), kept)
            return convert(made) if convert is not None else made

        return make

    # --- other instances

    def _instance(self, rule: Rule, target: Target, also: tuple[Also, ...], context: _Context) -> Action:
        """Return what refers to other instances, once all are made."""
        test = self.test(rule.when, context.home, rule.place)
        put, name, fired = target.put, rule.instance, self._fired(rule, context.home)
        as_reference, every = target.type == "Reference", target.always_new
        if not as_reference and target.type not in ("uri", "url"):
            self.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=f"instance {name}")

        def later(node: Any, segment: Any, scope: Scope, into: dict[str, Any], filling: Filling) -> None:
            if test is not None and not test(node, segment, scope):
                return

            def refer() -> None:
                found = named_instances(name, segment, scope, filling)
                for each in found if every else found[:1]:
                    value = {"reference": each.full_url} if as_reference else each.full_url
                    item = put(into, value, filling.labels)
                    for one in also:
                        one(item, node, segment, scope, filling)
                    if filling.run.trace is not None:
                        fired(node, segment, scope, filling)

            filling.run.later.append(refer)

        return later

    # --- parts of a rule

    def _beside(self, rule: Rule, target: Target, context: _Context) -> tuple[Also, ...]:
        """Return what writes the constants and templates that stand beside a value (with:)."""
        if not rule.also:
            return ()
        if not target.item:
            reason = "with: needs an item of a list that the path opens, such as identifier[+]"
            self.complain(complaints.ELEMENT_FORM, rule.place, path=rule.to, reason=reason)
            return ()
        home = self._home(rule, context.home)
        made = []
        for path, value in rule.also:
            place = self._targets.target(path, target.item, rule.place)
            made.append(beside(place, self._template(value, place, home, rule.place)))
        return tuple(made)

    def _text(self, rule: Rule, home: Home) -> Texts:
        try:
            return self._language.text(rule.path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, rule.place, path=rule.path, reason=error)
            return no_text

    def _nodes(self, rule: Rule, home: Home) -> Callable[[Any, Any, Scope], Sequence[Any]]:
        try:
            return self._language.nodes(rule.path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, rule.place, path=rule.path or "(none)", reason=error)
            return no_nodes

    def _mark(self, rule: Rule, home: Home) -> Callable[[Any, Scope, Filling], None] | None:
        """Return what notes that a field of the message found its place."""
        if home.kind == "datatype" or not rule.path:
            return None
        try:
            part = self._language.part(rule.path, home)
        except ValueError:
            return None  # said where the path is compiled
        if part is None:
            return None
        name, number = part
        if name == home.name:

            def own(segment: Any, _scope: Scope, filling: Filling) -> None:
                filling.run.placed.add((segment, number))
                filling.instance.filled = True

            return own

        def other(_segment: Any, scope: Scope, filling: Filling) -> None:
            filling.run.placed.add((scope.find(name), number))
            filling.instance.filled = True

        return other

    def _fired(self, rule: Rule, home: Home) -> Callable[[Any, Any, Scope, Filling], None]:
        try:
            part = self._language.part(rule.path, home) if rule.path and home.kind != "datatype" else None
        except ValueError:
            part = None  # said where the path is compiled

        def fired(node: Any, segment: Any, scope: Scope, filling: Filling) -> None:
            trace = filling.run.trace
            if trace is not None:
                where = where_of(node, segment)
                if node is None and part is not None:
                    number = segment.number if part[0] == home.name else 1
                    where = f"{part[0]}^{number}^{part[1]}"
                trace.append(Fired(rule.id, rule.place, where, filling.instance.id, rule.to))

        return fired
