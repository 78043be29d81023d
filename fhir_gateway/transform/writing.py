"""The lines that a rule becomes: its condition, the value it makes, the place where that goes.

Source: mappings/README.md, which says what each key of a rule means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fhir_gateway.transform import applied, complaints
from fhir_gateway.transform.codes import CodeMap
from fhir_gateway.transform.program import Body
from fhir_gateway.transform.rules import Rule, RuleSet
from fhir_gateway.transform.source import NONE_OF, NOTHING, Expression, Home
from fhir_gateway.transform.target import Target, TargetError

if TYPE_CHECKING:
    from fhir_gateway.transform.compile import Compiler

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
TEXTS = ("string", "markdown", "code", "uri", "url", "canonical", "oid", "id")


LOCALS = (
    ("run", "run = filling.run"),
    ("trace", "trace = run.trace"),
    ("labels", "labels = filling.labels"),
    ("read", "read = 0"),
    ("seen", "seen = 0"),
)


def alike(given: str, wanted: str) -> bool:
    """Tell whether a text made for one primitive may stand where another is asked for."""
    return given == wanted or (given in TEXTS and wanted in TEXTS)


class Writer:
    """Writes the rules of one set into a function.

    The lines know `into`, the object that is filled, `filling`, and what the language puts there. Each rule leaves its
    value in `value`.
    """

    def __init__(self, compiler: Compiler, body: Body, type_name: str, home: Home) -> None:
        self._compiler = compiler
        self._language = compiler.language
        self._program = compiler.program
        self._body = body
        self._type = type_name
        self._home = home
        self._segment = "None" if home.kind == "datatype" else "segment"  # a node of a data type knows its own
        self._fills = False  # whether it notes parts of its own segment that rules made something of
        self._sees = False  # and such as stand in templates

    # --- a rule of an object

    def rule(self, rule: Rule, known: int) -> None:
        """Write a rule. `known`: the part of its source of which the lines around know that it is not empty."""
        body = self._body
        body.remark(f"{rule.place} {rule.id}")
        try:
            if rule.to == "$this":
                self._merge(rule, known)
                return
            target = self._compiler.targets.target(rule.to, self._type, rule.place)
        except TargetError as error:
            self._compiler.issues.append(error.issue)
            return
        if rule.instance:
            self._instance(rule, target)
        else:
            self._filling(rule, target, known)

    def end(self) -> None:
        """Write what the function does at its end."""
        if self._fills:
            self._body.add("if read:", "    filling.instance.filled = True")
        if self._fills or self._sees:
            said = " | ".join(name for name, used in (("read", self._fills), ("seen", self._sees)) if used)
            self._body.add(f"if {said}:", f"    run.placed[segment] = run.placed.get(segment, 0) | {said}")

    def _inner(self, rule: Rule) -> Home:
        """Return the home of a rule's conditions and values: the repetition at hand, where it goes through them."""
        home = self._home
        repeats = rule.path and (self._language.repeats(rule.path) or rule.type)
        return Home(home.name, home.kind, rule.path) if repeats and home.kind != "datatype" else home

    @contextmanager
    def _each(self, rule: Rule, known: int) -> Iterator[str]:
        """Write the loop over the nodes of a rule, and its condition; say which local is the node ("None": none)."""
        body, inner = self._body, self._inner(rule)
        of_nodes = bool(rule.path) and (self._language.repeats(rule.path) or bool(rule.type))
        test = self._compiler.condition(body, rule.when, inner, rule.place)
        test = f"if {test}:" if test else ""
        if not of_nodes:
            with body.block(test):
                yield "node" if self._home.kind == "datatype" else "None"
            return
        nodes = body.use(self._path(rule, self._language.nodes, known, NONE_OF))
        if self._home.kind == "datatype":
            # Within a data type a condition speaks of the whole, not of the part that a rule reads.
            with body.block(test):
                if nodes.startswith("(") and nodes.endswith(",)"):  # one that is there
                    body.add(f"part_node = {nodes[1:-2]}")
                    yield "part_node"
                else:
                    with body.block(f"for part_node in {nodes}:"):
                        yield "part_node"
        else:
            with body.block(f"for node in {nodes}:"), body.block(test):
                yield "node"

    def _path(self, rule: Rule, compiled: Any, known: int, otherwise: Expression) -> Expression:
        try:
            found: Expression = compiled(rule.path, self._home, known)
        except ValueError as error:
            self._compiler.complain(complaints.PATH_WRONG, rule.place, path=rule.path or "(none)", reason=error)
            return otherwise
        return found

    def _read(self, rule: Rule, known: int) -> str:
        """Return the text that a rule reads, where it is read: a document is not, where the rule's condition fails."""
        return self._body.use(self._path(rule, self._language.text, known, NOTHING)._replace(fixed=False))

    def _filling(self, rule: Rule, target: Target, known: int) -> None:
        """Write what makes a value of each node of a rule's source and puts it into its place."""
        body, deletion = self._body, self._language.deletion
        deletes = bool(rule.path) and self._home.kind != "datatype" and bool(deletion)
        with self._each(rule, known) as node:
            of_nodes = node != "None" and bool(rule.path) and self._home.kind != "datatype"
            deleted = f"filling.instance.deleted.append({rule.to!r})"
            if of_nodes and deletes and (rule.type or rule.value):
                body.add(f"if {self._language.deletes(node)}:", f"    {deleted}", "    continue")
            certain = self._value(rule, target, node, known, self._inner(rule))
            with body.block("" if certain else "if value is not None:"):
                self._mark(rule)
                self._put(rule, target, node)
            if certain or rule.type:
                return
            if rule.value:
                if deletes and not of_nodes:
                    text = self._read(rule, known)
                    body.add(f"elif {text} == {deletion!r}:", f"    {deleted}")
                return
            if deletes:
                body.add(f"elif text == {deletion!r}:", f"    {deleted}")
            if not rule.map:
                told = "elif text:" if deletes or not deletion else f"elif text and text != {deletion!r}:"
                body.add(told, f"    unfit({node}, {self._segment}, {target.type!r}, {rule.to!r}, filling)")

    def _mark(self, rule: Rule) -> None:
        """Write what notes that a field of the message found its place, and that the instance is filled."""
        part = self._part(rule.path) if rule.path else None
        if part is None:
            return
        if part[0] == self._home.name:
            self._fills = True
            self._body.add(f"read |= {1 << part[1]}")
        else:
            self._place(part)
            self._body.add("filling.instance.filled = True")

    def _part(self, path: str) -> tuple[str, int] | None:
        if self._home.kind == "datatype":
            return None
        try:
            return self._language.part(path, self._home)
        except ValueError:
            return None  # said where the path is compiled

    def _put(self, rule: Rule, target: Target, node: str, *, distinct: bool = False) -> None:
        """Write what puts a value into its place, with what stands beside it. distinct: no reference is there twice."""
        body, program = self._body, self._program
        withdraws = target.type == "Reference" and bool(rule.type)
        part = self._part(rule.path) if rule.path else None
        told = f"{program.bind('rule', rule)}, {part!r}, {node}, {self._segment}, filling)"
        done = [f"warned({told}"] if rule.warn else []
        begun = "begun" if rule.type and not rule.value else "None"
        within = self._home.kind == "datatype" and not rule.instance
        done += ["if trace is not None:", f"    {'fired_within' if within else 'fired'}({begun}, {told}"]
        body.add(*target.lines("into", program.bind, bool(rule.also) or withdraws, done, distinct=distinct))
        if withdraws:
            body.add("if item is None:", "    run.withdraw(value, filling)")
        self._beside(rule, target, self._inner(rule))

    def _beside(self, rule: Rule, target: Target, home: Home) -> None:
        """Write what puts constants and templates into the item of a list that a path opened (with:)."""
        if not rule.also:
            return
        if not target.item:
            reason = "with: needs an item of a list that the path opens, such as identifier[+]"
            self._compiler.complain(complaints.ELEMENT_FORM, rule.place, path=rule.to, reason=reason)
            return
        body = self._body
        with body.block("if item is not None:"):
            for path, value in rule.also:
                try:
                    place = self._compiler.targets.target(path, target.item, rule.place)
                except TargetError as error:
                    self._compiler.issues.append(error.issue)
                    continue
                certain = self._template(value, place, home, rule.place)
                with body.block("" if certain else "if value is not None:"):
                    body.add(*place.lines("item", self._program.bind, False))

    def _merge(self, rule: Rule, known: int) -> None:
        """Write what fills the very object by a data type mapping to the same type."""
        found = self._compiler.rules.datatypes.get(rule.type)
        if found is None or found.target != self._type:
            kind = "data type mapping to the same type" if found is None else f"{self._type} in"
            self._compiler.complain(complaints.NAME_UNKNOWN, rule.place, kind=kind, name=rule.type or "(none)")
            return
        fill = self._compiler.fills(found)
        with self._each(rule, known) as node:
            self._mark(rule)
            self._body.add("begun = trace is not None and len(trace)", f"{fill}({node}, scope, into, filling)")
            if self._home.kind != "datatype":
                self._body.add("if trace is not None:", "    belongs(begun, filling)")

    # --- values

    def alternative(self, rule: Rule, type_name: str, known: int) -> None:
        """Write a rule of a mapping to a primitive: what it makes is returned."""
        self._body.remark(f"{rule.place} {rule.id}")
        target = Target("$this", type_name, True, (), "", False)
        with self._each(rule, known) as node:
            certain = self._value(rule, target, node, known, self._home)
            self._body.add(*(["return value"] if certain else ["if value is not None:", "    return value"]))

    def _value(self, rule: Rule, target: Target, node: str, known: int, home: Home) -> bool:
        """Write what leaves the value of a rule in `value`; tell whether there always is one."""
        if rule.value:
            return self._template(rule.value, target, home, rule.place)
        maps = self._map(rule)
        if rule.type:
            self._typed(rule, target, maps, node)
            return False
        if node not in ("None", "node") or (node == "node" and self._home.kind != "datatype"):
            source = self._language.text_of(node)
        else:
            source = self._read(rule, known)
        self._body.add(f"text = {source}")
        said = self._said()
        if maps is not None:
            self._translated(rule, target, maps, node)
            return False
        convert = self._language.converter(target.type) if target.primitive else None
        if convert is None:
            self._compiler.complain(complaints.TYPE_NEEDED, rule.place, path=rule.to, type=target.type)
            convert = str
        self._body.add(f"value = {self._program.bind(target.type, convert)}(text) if {said} else None")
        return False

    def _template(self, template: str, target: Target, home: Home, place: str) -> bool:
        """Write what fills in a template: None where one of its paths says nothing. Tell whether it is a constant."""
        convert = self._language.converter(target.type) if target.primitive else None
        if convert is None:
            self._compiler.complain(complaints.TYPE_NEEDED, place, path=target.path, type=target.type)
            return False
        body, paths = self._body, PLACEHOLDER.findall(template)
        if not paths:
            value = convert(template)
            if value is None:
                self._compiler.complain(
                    complaints.TYPE_UNFIT, place, path=target.path, type=target.type, given=template
                )
            literal = repr(value) if type(value) in (str, int, bool) else self._program.bind("constant", value)
            body.add(f"value = {literal}")
            return True
        parts, texts = [], []
        for at, path in enumerate(paths):
            try:
                texts.append(f"part_{at}")
                body.add(f"part_{at} = {body.use(self._language.text(path, home))}")
                part = self._language.part(path, home)
            except ValueError as error:
                self._compiler.complain(complaints.PATH_WRONG, place, path=path, reason=error)
                continue
            if part is not None and home.kind != "datatype":
                parts.append(part)
        words = [repr(word) if word else "" for word in PLACEHOLDER.split(template)[::2]]
        form = " + ".join(filter(None, (each for pair in zip(words, (*texts, ""), strict=False) for each in pair)))
        said = " and ".join(texts)
        if self._language.deletion:
            said += f" and {self._language.deletion!r} not in ({', '.join(texts)},)"
        body.add("value = None")
        with body.block(f"if {said}:"):
            for part in parts:
                self._place(part)
            body.add(f"value = {self._program.bind(target.type, convert)}({form})")
        return False

    def _place(self, part: tuple[str, int]) -> None:
        name, number = part
        if name == self._home.name:
            self._sees = True
            self._body.add(f"seen |= {1 << number}")
        else:
            self._body.add(f"run.place({self._body.use(Expression(name, name))}, {number})")

    def _typed(self, rule: Rule, target: Target, maps: CodeMap | None, node: str) -> None:
        found = self._compiler.rules.datatypes.get(rule.type)
        if found is None:
            self._compiler.complain(complaints.NAME_UNKNOWN, rule.place, kind="data type mapping", name=rule.type)
            return
        body = self._body
        made = f"{self._compiler.makes(found)}({node}, scope, filling)"
        body.add("begun = trace is not None and len(trace)")
        if self._compiler.targets.is_resource(found.target):
            if target.type != "Reference" or (target.references and found.target not in target.references):
                self._unfit(rule, target, found)
            body.add(f"resource = {made}")
            # What a resource refers to stands in it as a whole, so that it can be remembered, until it has its place.
            later = self._home.kind == "datatype" and self._is_of_resource() and len(target.steps) == 1
            if later:
                held = self._compiler.holders.get(self._type, ())
                self._compiler.holders[self._type] = tuple(dict.fromkeys((*held, target.steps[0].name)))
            refer = "{'reference': resource}" if later else "run.reference(resource, filling)"
            body.add(f"value = {refer} if resource is not None else None")
            return
        if maps is not None and found.target in TEXTS:
            body.add(f"text = {made}")
            self._translated(rule, target, maps, node)
            return
        if found.target != target.type and not (target.primitive and alike(found.target, target.type)):
            self._unfit(rule, target, found)
            return
        body.add(f"value = {made}")
        if maps is not None:
            translate = self._translate(rule, target, maps, kept=True)
            body.add(f"text = {self._language.text_of(node)}")
            if self._language.deletion:
                body.add(f"if text == {self._language.deletion!r}:", "    value = None")
            with body.block(f"if {self._said()}:"):
                body.add(f"value = {translate}(text, value, {node}, {self._segment}, filling)")

    def _is_of_resource(self) -> bool:
        return self._compiler.targets.is_resource(self._type)

    def _said(self) -> str:
        return "text" if not self._language.deletion else f"text and text != {self._language.deletion!r}"

    def _unfit(self, rule: Rule, target: Target, found: RuleSet) -> None:
        self._compiler.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=found.name)

    def _map(self, rule: Rule) -> CodeMap | None:
        if not rule.map:
            return None
        found = self._compiler.maps.named(rule.map)
        if found is None:
            self._compiler.complain(complaints.NAME_UNKNOWN, rule.place, kind="ConceptMap", name=rule.map)
        return found

    def _translated(self, rule: Rule, target: Target, maps: CodeMap, node: str) -> None:
        """Write what leaves in `value` what the code in `text` becomes."""
        call = f"{self._translate(rule, target, maps, kept=False)}(text, None, {node}, {self._segment}, filling)"
        if not target.primitive:
            self._body.add(f"value = {call} if {self._said()} else None")
            return
        codes = self._program.bind("codes", applied.codes_of(maps, self._language.converter(target.type)))
        self._body.add(f"value = {codes}.get(text)", f"if value is None and {self._said()}:", f"    value = {call}")

    def _translate(self, rule: Rule, target: Target, maps: CodeMap, *, kept: bool) -> str:
        """Return the function that translates a code."""
        if not applied.takes_codes(target.type, target.primitive):
            self._compiler.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=rule.map)
        convert = self._language.converter(target.type) if target.primitive else None
        policy = rule.unmatched or ("keep" if kept or target.type == "CodeableConcept" else "drop")
        place_of = self._language.place_of
        return self._program.bind(f"map {rule.map}", applied.mapped(maps, policy, rule, target.type, convert, place_of))

    # --- other instances

    def _instance(self, rule: Rule, target: Target) -> None:
        """Write what refers to other instances, once all are made."""
        program, body = self._program, self._body
        as_reference = target.type == "Reference"
        if not as_reference and target.type not in ("uri", "url"):
            given = f"instance {rule.instance}"
            self._compiler.complain(complaints.TYPE_UNFIT, rule.place, path=rule.to, type=target.type, given=given)
        test = self._compiler.condition(body, rule.when, self._home, rule.place)
        later = program.name(f"refer {rule.id}")
        node = "node" if self._home.kind == "datatype" else "None"
        with body.block(f"if {test}:" if test else ""):
            body.add(f"run.later.append(({later}, {node}, segment, scope, into, filling, labels))")
        self._body = Body((*self._language.first(self._home), *(each for each in LOCALS if each[0] != "labels")))
        found = f"named_instances({rule.instance!r}, segment, scope, filling)"
        if rule.group:
            text = self._compiler.text(rule.id, rule.group, self._home, rule.place)
            found = f"grouped_instances({rule.instance!r}, {text}, segment, scope, filling)"
        distinct = len(target.steps) == 1 and target.always_new and as_reference and not rule.also
        if distinct:
            # Many at once, such as all that a Provenance is about.
            name = repr(target.steps[0].name)
            self._body.add(f"known = {{each.get('reference') for each in into.get({name}, ())}}")
            found = f"[each for each in {found} if each.full_url not in known]"
        (step, *further) = target.steps
        taken = f"if {step.name!r} not in into:" if not (further or step.many or step.rivals) else ""
        with self._body.block(taken), self._body.block(f"for each in {found}{'' if target.always_new else '[:1]'}:"):
            self._body.add("value = {'reference': each.full_url}" if as_reference else "value = each.full_url")
            self._put(rule, target, node, distinct=distinct)
        program.add(later, "node, segment, scope, into, filling, labels", self._body.lines)
        self._body = body
