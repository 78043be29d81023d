"""Rule sets compiled to functions: no path, condition, map or YAML is looked at when a message comes.

A function for each set: of a segment or an instance `fills(segment, scope, into, filling)`, of a data type
`makes(node, scope, filling)` and, where it fills an object that is there, `fills(node, scope, into, filling)`.

Source: mappings/README.md, which says what each key of a rule means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import groupby

from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.transform import applied, complaints
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.condition import ConditionError, condition
from fhir_gateway.transform.program import Body, Functions, Program
from fhir_gateway.transform.rules import Rule, Rules, RuleSet
from fhir_gateway.transform.run import Filling
from fhir_gateway.transform.source import Expression, Home, Language
from fhir_gateway.transform.target import Targets
from fhir_gateway.transform.writing import LOCALS, PLACEHOLDER, Writer

_ALWAYS = -1
# A condition of which every part must hold, and its first part holds only where its path says something.
_NEEDS = re.compile(
    r"""\s*(?:IF )?([A-Z][A-Z0-9.\-]*) (?:IS )?(?:VALUED|EQUALS "[^"]+"|IN \("[^"]+"(?:, ?"[^"]+")*\))"""
    r"""(?: AND (?:(?!\bOR\b).)*)?""",
    re.DOTALL,
)
_QUOTED = re.compile(r'"[^"]*"')


def _needed(rule: Rule) -> str:
    """Return a path without which a rule that reads none says nothing; "" for none."""
    found = _NEEDS.fullmatch(rule.when) if rule.when else None
    if found is not None:
        return found[1]
    placeholder = PLACEHOLDER.search(rule.value)
    return placeholder[1] if placeholder is not None else ""


class _Paths:
    """The paths of a condition, relative to a rule's home, as they may stand in a function."""

    def __init__(self, language: Language, home: Home, use: Callable[[Expression], str]) -> None:
        self._language = language
        self._home = home
        self._use = use

    def text(self, path: str) -> str:
        return self._use(self._language.text(path, self._home))

    def count(self, path: str) -> str:
        return self._use(self._language.count(path, self._home))

    def valued(self, path: str) -> str:
        return self._use(self._language.valued(path, self._home))


class Compiler:
    """Compiles rule sets, each once. `issues`: all that is wrong; `read`: (segment, field) that are ignored on purpose.
    What conditions look at has found no place by that.
    """

    def __init__(self, rules: Rules, targets: Targets, maps: CodeMaps, language: Language) -> None:
        self.issues: list[Issue] = []
        self.read: set[tuple[str, int]] = set()
        self.holders: dict[str, tuple[str, ...]] = {}  # of types of resources: elements that hold what they refer to
        self.rules = rules
        self.targets = targets
        self.maps = maps
        self.language = language
        place_of = language.place_of
        self.program = Program(
            {
                **language.names,
                "Filling": Filling,
                "belongs": applied.belongs,
                "fired": applied.fired(place_of, within=False),
                "fired_within": applied.fired(place_of, within=True),
                "grouped_instances": applied.grouped_instances,
                "named_instances": applied.named_instances,
                "unfit": applied.unfit(place_of),
                "warned": applied.warned(place_of),
            }
        )
        self._segments: dict[str, str] = {}
        self._fills: dict[str, str] = {}
        self._makes: dict[str, str] = {}

    def complain(self, complaint: Complaint, place: str, **values: object) -> None:
        issue = complaint.at(None, place=place, **values)
        if issue not in self.issues:
            self.issues.append(issue)

    # --- sets

    @property
    def compiled(self) -> frozenset[str]:
        """The names of rule sets for segments that were asked for."""
        return frozenset(self._segments)

    def segment(self, name: str, place: str) -> str:
        """Return the name of the function that a rule set for a segment is; "" where there is none."""
        found = self._segments.get(name)
        if found is None:
            rules = self.rules.segments.get(name)
            if rules is None:
                self.complain(complaints.NAME_UNKNOWN, place, kind="segment mapping", name=name)
                return ""
            home = Home(rules.home, "segment")
            found = self._segments[name] = self.program.name(name)
            self._fill(found, "segment, scope, into, filling", rules.rules, rules.target, home)
            for path in rules.ignored:
                self._ignore(path, home, rules.place)
        return found

    def _ignore(self, path: str, home: Home, place: str) -> None:
        try:
            part = self.language.part(path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, place, path=path, reason=error)
        else:
            self.read.update((part,) if part is not None else ())

    def instance(self, name: str, rules: Iterable[Rule], type_name: str, segment: str) -> str:
        """Return the name of the function that the rules of an instance are, whose paths name their segments.

        segment: the one it is made for, "" for an instance of a group.
        """
        made = self.program.name(name)
        self._fill(made, "segment, scope, into, filling", rules, type_name, Home(segment, "instance"))
        return made

    def test(self, name: str, text: str, home: Home, place: str) -> str:
        """Return the name of the function `tests(segment, scope)` that a condition is; "" for none."""
        if not text:
            return ""
        body = Body(self.language.first(home))
        body.remark(place)
        body.add(f"return {self.condition(body, text, home, place)}")
        made = self.program.name(f"{name} when")
        self.program.add(made, "segment, scope", body.lines)
        return made

    def text(self, name: str, path: str, home: Home, place: str) -> str:
        """Return the name of the function `texts(segment, scope)` that a path is."""
        body = Body(self.language.first(home))
        try:
            body.add(f"return {body.use(self.language.text(path, home))}")
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, place, path=path, reason=error)
        made = self.program.name(f"{name} text")
        self.program.add(made, "segment, scope", body.lines)
        return made

    def condition(self, body: Body, text: str, home: Home, place: str) -> str:
        """Return the expression that a condition is; "" for none."""
        if not text:
            return ""
        try:
            return condition(text, _Paths(self.language, home, body.use))
        except ConditionError as error:
            self.complain(complaints.WHEN_WRONG, place, at=error.at, reason=error.reason)
            return "False"

    # --- data types

    def fills(self, rules: RuleSet) -> str:
        """Return the function that fills an object by a data type mapping; also where it leads back to itself."""
        found = self._fills.get(rules.name)
        if found is None:
            found = self._fills[rules.name] = self.program.name(f"fill {rules.name}")
            home = Home(rules.home, "datatype")
            self._fill(found, "node, scope, into, filling", rules.rules, rules.target, home)
        return found

    def makes(self, rules: RuleSet) -> str:
        """Return the function that makes what a data type becomes: an object, a resource, a primitive; None for
        nothing.
        """
        found = self._makes.get(rules.name)
        if found is not None:
            return found
        found = self._makes[rules.name] = self.program.name(rules.name)
        key = self.language.key(rules.home)
        remembered = bool(key) and self._is_pure(rules, set())
        make = self.program.name(f"make {rules.name}") if remembered else found
        primitive = self.language.converter(rules.target) is not None
        if primitive:
            self._alternatives(make, rules)
        else:
            self._object(make, rules)
        if remembered:
            self._remembered(found, make, key, copied=not primitive)
        return found

    def _object(self, name: str, rules: RuleSet) -> None:
        home = Home(rules.home, "datatype")
        before, nothing = ["into = {}"], "into or None"
        if self.targets.is_resource(rules.target):
            before = [f"into = {{'resourceType': {rules.target!r}}}"]
            before.append("filling = Filling(filling.run, filling.instance, into)")
            nothing = "into if len(into) > 1 else None"
        self._fill(name, "node, scope, filling", rules.rules, rules.target, home, before, f"return {nothing}")

    def _remembered(self, name: str, make: str, key: str, *, copied: bool) -> None:
        """Write what makes the same of the same: authorities, codes, places and professionals recur by the thousand."""
        known = self.program.bind("known", {})
        self.program.add(f"{name}_key", "node", lambda: (f"    return {key}",))
        lines = (
            "    if filling.run.trace is None:",
            f"        found = {known}.get({key})",
            "        if found is not None:",
            "            return found()",
            f"    return {name}_remember(node, scope, filling)",
        )
        self.program.add(name, "node, scope, filling", lambda: lines)
        self.program.afterwards(
            f"{name}_remember",
            lambda names: applied.remembered(names[known], names[f"{name}_key"], names[make], copied),
        )

    def _is_pure(self, rules: RuleSet, seen: set[str]) -> bool:
        """Tell whether rules read nothing but the node they are applied to, and refer to nothing."""
        if rules.name in seen:
            return True
        seen.add(rules.name)
        home = Home(rules.home, "datatype")
        for rule in rules.rules:
            try:
                part = self.language.part(rule.path, home) if rule.path else None
            except ValueError:
                return False
            inner = self.rules.datatypes.get(rule.type) if rule.type else None
            if rule.instance or "-" in _QUOTED.sub("", rule.when) or (part is not None and part[0] != rules.home):
                return False
            if any("-" in path for path in PLACEHOLDER.findall(rule.value)):
                return False
            if rule.type and inner is None:
                return False
            if inner is None:
                continue
            refers = rule.to != "$this" and self.targets.is_resource(inner.target)
            if refers and ("." in rule.to or not self.targets.is_resource(rules.target)):
                return False  # such a reference is settled where it is made
            if not self._is_pure(inner, seen):
                return False
        return True

    # --- the lines of a set

    def _fill(
        self, name: str, parameters: str, rules: Iterable[Rule], type_name: str, home: Home,
        before: Iterable[str] = (), after: str = "",
    ) -> None:  # fmt: skip
        """Write the function that applies rules to an object of a type."""
        rules = tuple(rules)
        if not self.targets.known(type_name):
            place = next((each.place for each in rules), "")
            self.complain(complaints.NAME_UNKNOWN, place, kind="type of R4", name=type_name)
            return
        self._check_shadows(rules)
        body = Body((*self.language.first(home), *LOCALS))
        body.add(*before)
        writer = Writer(self, body, type_name, home)
        for number, group in groupby(rules, lambda rule: self._skipped_by(rule, home)):
            present = "" if number == _ALWAYS else f"if {self.language.present(number, home)}:"
            with body.block(present):
                for rule in group:
                    writer.rule(rule, number)
        writer.end()
        body.add(*filter(None, (after,)))
        self.program.add(name, parameters, body.lines)

    def _check_shadows(self, rules: Iterable[Rule]) -> None:
        constant: dict[str, str] = {}
        for rule in rules:
            if rule.to in constant:
                self.complain(complaints.SHADOWED, rule.place, other=constant[rule.to], path=rule.to)
            if rule.value and not rule.path and not rule.when and "{" not in rule.value and "+" not in rule.to:
                constant[rule.to] = rule.place

    def _alternatives(self, name: str, rules: RuleSet) -> None:
        """Write the function that returns the first value that the rules of a data type mapping to a primitive have."""
        home = Home(rules.home, "datatype")
        body = Body((*self.language.first(home), *LOCALS))
        writer = Writer(self, body, rules.target, home)
        for rule in rules.rules:
            if rule.to != "$this":
                reason = f"a mapping to {rules.target} fills $this"
                self.complain(complaints.ELEMENT_FORM, rule.place, path=rule.to, reason=reason)
                continue
            number = self._skipped_by(rule, home)
            with body.block("" if number == _ALWAYS else f"if {self.language.present(number, home)}:"):
                writer.alternative(rule, rules.target, number)
        body.add("return None")
        self.program.add(name, "node, scope, filling", body.lines)

    def _skipped_by(self, rule: Rule, home: Home) -> int:
        """Return the part of the source without which a rule says nothing; -1: it is always asked."""
        path = rule.path or _needed(rule)
        if not path:
            return _ALWAYS
        try:
            part = self.language.part(path, home)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, rule.place, path=path, reason=error)
            return _ALWAYS
        return part[1] if part is not None and home.name and part[0] == home.name else _ALWAYS

    def functions(self) -> Functions:
        """Return the functions by their names."""
        return self.program.functions()
